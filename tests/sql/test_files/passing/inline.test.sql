-- Tests that declare everything themselves. What stands before the first test is shared by all.
SET 'table.local-time-zone' = 'UTC';
CREATE TABLE clicks (page STRING, `user` BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'json');
CREATE VIEW shown AS SELECT page, `user` FROM clicks WHERE page <> '${HIDDEN}';

TEST 'a filter' WITH ('HIDDEN' = 'admin');
CREATE TABLE pages (page STRING) WITH ('connector' = 'print');
INSERT INTO pages SELECT page FROM shown;
GIVEN clicks (page) VALUES ('home'), ('admin');
EXPECT FAILURE 'E0700';

TEST 'the same with event times' WITH ('HIDDEN' = 'admin');
CREATE TABLE pages (page STRING) WITH ('connector' = 'print');
INSERT INTO pages SELECT page FROM shown;
GIVEN clicks (ts, page) VALUES ('2026-01-01 00:00:00', 'home'), ('2026-01-01 00:00:01', 'admin'), ('2026-01-01 00:00:02', NULL);
GIVEN clicks (ts, page) VALUES ('2026-01-01 00:00:00', 'cart');
EXPECT pages VALUES ('cart'), ('home');
GIVEN clicks (ts, page) VALUES ('2026-01-01 00:00:05', 'it''s');
EXPECT pages VALUES ('it''s');

TEST 'several sinks and sources' WITH ('HIDDEN' = 'x');
CREATE TABLE visits (`user` BIGINT) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'csv');
CREATE TABLE users (`user` BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/users', 'format' = 'csv');
CREATE TABLE pages (page STRING) WITH ('connector' = 'filesystem', 'path' = 'out/pages', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO users SELECT `user` FROM shown UNION ALL SELECT `user` FROM visits;
  INSERT INTO pages SELECT page FROM shown;
  INSERT INTO pages VALUES ('always');
END;
GIVEN clicks VALUES ('home', 1, '2026-01-01 00:00:00');
GIVEN visits VALUES (7), (8);
EXPECT users VALUES (1), (7), (8);
EXPECT pages VALUES ('home'), ('always');
FINISH;
EXPECT NO MORE ROWS;

TEST 'what is wrong with statements' WITH ('HIDDEN' = 'x')
EXPECT ERROR 'E0202' AT 1:8 IN (SELECT pgae FROM clicks);
EXPECT ERROR 'E0201' AT 2:8 IN (SELECT page
  FROM clcks);
EXPECT ERROR 'E0102' IN (SELECT FROM clicks);
EXPECT ERROR 'E0204' AT 1:14 IN (CREATE TABLE clicks (a INT) WITH ('connector' = 'print'));
EXPECT WARNING 'W0401' AT 1:52 IN (CREATE TABLE times (at TIMESTAMP(3), WATERMARK FOR at AS at) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json'));
