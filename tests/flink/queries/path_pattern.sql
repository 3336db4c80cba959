CREATE TABLE files (a INT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '${DATA}/paths', 'source.path.regex-pattern' = '.*/x\..*');
SELECT a FROM files;
SELECT a FROM files /*+ OPTIONS('source.path.regex-pattern' = '.*\.json') */;
SELECT a FROM files /*+ OPTIONS('source.path.regex-pattern' = 'x\.json') */;
CREATE TABLE one (a INT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '${DATA}/paths/day=1/x.json', 'source.path.regex-pattern' = '.*/day=1/[^/]*');
SELECT a FROM one;
CREATE TABLE days (a INT, `day` INT) PARTITIONED BY (`day`) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '${DATA}/paths', 'source.path.regex-pattern' = '.*/day=2/.*');
SELECT a, `day` FROM days;
