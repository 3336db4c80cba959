-- Compressed CSV files, one row per request, shown as they come: .gz, .bz2, .xz, .zst and .deflate are told by the end of the name.
-- Needs no server. Make a file and run it:
--   mkdir -p in/requests; printf '2024-01-01 00:00:01,/home,200\n2024-01-01 00:00:02,"/a,b",503\n' | gzip > in/requests/monday.csv.gz
--   millstream run sql-examples/compressed-logs.sql

CREATE TABLE requests (
  ts TIMESTAMP(3),
  page STRING,
  status INT,
  file STRING METADATA FROM 'file.name' VIRTUAL
) WITH ('connector' = 'filesystem', 'path' = 'in/requests', 'format' = 'csv');

CREATE TABLE failures (
  ts TIMESTAMP(3),
  page STRING,
  file STRING
) WITH ('connector' = 'print');

-- Reads everything and shows nothing: how fast is it?
CREATE TABLE nothing (status INT) WITH ('connector' = 'blackhole');

INSERT INTO failures
SELECT ts, page, file FROM requests WHERE status >= 500;
INSERT INTO nothing
SELECT status FROM requests;
