-- Lines of log files, each as it is: which files have errors, and where they stand.
--   millstream run sql-examples/log-lines.sql
-- Put files of text into in/logs first; .gz and .zst are read, too.

CREATE TABLE lines (
  line STRING,
  file STRING METADATA FROM 'file.name' VIRTUAL
) WITH ('connector' = 'filesystem', 'path' = 'in/logs', 'format' = 'raw');

SELECT file, COUNT(*) AS errors, MIN(line) AS first_error
FROM lines
WHERE line LIKE '% ERROR %'
GROUP BY file
ORDER BY errors DESC, file;
