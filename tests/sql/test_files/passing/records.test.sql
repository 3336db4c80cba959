-- Records as they are: decoders, dead letters, fixtures.
CREATE TABLE dead_letters (reason STRING, record BYTES, `partition` INT, `offset` BIGINT, event_time TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = 'nowhere/dead', 'format' = 'parquet');
CREATE TABLE clicks (page STRING, n INT, part INT METADATA FROM 'partition' VIRTUAL, place BIGINT METADATA FROM 'offset', ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'nobody:9092', 'value.format' = 'json', 'on-error' = '${POLICY}', 'on-late' = 'route', 'on-late.table' = 'dead_letters'
  ${MORE});
CREATE TABLE counts (page STRING, n BIGINT, place BIGINT) WITH ('connector' = 'filesystem', 'path' = 'nowhere/counts', 'format' = 'json');
INSERT INTO counts SELECT page, SUM(n), MAX(place) FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end, page;

TEST 'dead letters have their bytes and place' WITH ('POLICY' = 'route', 'MORE' = ', ''on-error.table'' = ''dead_letters''');
GIVEN clicks PARTITION 3 RAW '{"page":"a","n":1,"ts":"2026-01-01 00:00:01"}', '{bad json', '{"page":"a","n":"many","ts":"2026-01-01 00:00:02"}',
  '{"page":"b","n":2,"ts":"2026-01-01 03:00:00"}', '{"page":"late","n":1,"ts":"2026-01-01 00:59:59"}';
GIVEN clicks PARTITION 3 (page, n, ts) VALUES ('no rowtime', 1, NULL);
FINISH;
EXPECT counts VALUES ('a', 1, 0), ('b', 2, 3);
EXPECT dead_letters (reason, record, `offset`, `partition`, event_time) VALUES
  ('malformed', '{bad json', 1, 3, NULL),
  ('type', '{"page":"a","n":"many","ts":"2026-01-01 00:00:02"}', 2, 3, NULL),
  ('late', '{"page":"late","n":1,"ts":"2026-01-01 00:59:59"}', 4, 3, '2026-01-01 00:59:59'),
  ('null-rowtime', NULL, 5, 3, NULL);
EXPECT LATE clicks (page, n) VALUES ('late', 1);
EXPECT REJECTED clicks (reason, partition) VALUES ('malformed', 3), ('type', 3), ('null-rowtime', 3);

TEST 'a bad record stops the job' WITH ('POLICY' = 'fail', 'MORE' = '');
GIVEN clicks VALUES ('a', 1, '2026-01-01 00:00:01');
CHECKPOINT;
GIVEN clicks RAW '{bad json';
EXPECT FAILURE 'E0700';
EXPECT counts ROWS 0;
-- And so it does when it is started again.
CRASH;
EXPECT FAILURE 'E0700';

TEST 'rows of files' WITH ('POLICY' = 'skip', 'MORE' = '');
GIVEN clicks FROM 'fixtures/clicks.jsonl';
GIVEN clicks PARTITION 1 FROM 'fixtures/clicks.csv';
-- A first line with the names of the columns is no row.
GIVEN clicks PARTITION 1 FROM 'fixtures/head.csv';
GIVEN clicks PARTITION 1 FROM 'fixtures/quoted_head.csv';
FINISH;
EXPECT counts (page, n) VALUES ('home', 3), ('cart', 10), ('from csv', 4), ('with a head', 5), ('alone', 1);
EXPECT REJECTED clicks ROWS 0;
