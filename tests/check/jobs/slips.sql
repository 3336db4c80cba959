CREATE TABLE clicks (
  page STRING,
  user_id BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-intervall' = '5 s');

CREATE TABLE orders (id INT) WITH ('connector' = 'filesytem', 'path' = 'in', 'format' = 'json');

CREATE TABLE payments (id INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'jsno');

CREATE TABLE bids (price INT, ts TIMESTAMP(3), id INT, ts TIMESTAMP(3)) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequenze');

CREATE TABLE views (
  page STRING,
  `user` STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json');

SELECT paeg FROM views;
SELECT usr FROM views;
SELECT LOWR(page) FROM views;
SELECT page FROM viewz;
SELECT window_start FROM TUMBEL(TABLE views, DESCRIPTOR(ts), INTERVAL '1' MINUTE);
SET 'paralelism.default' = '2';
SET 'execution.runtime-mode' = 'streamin';
SELET page FROM views;
CREAT TABLE later (id INT) WITH ('connector' = 'print');
CREATE TABLE latest (id INT,, b INT) WITH ('connector' = 'print');
INSERT INTO later SELECT user FROM views;
INSERT INTO latest SELECT id FROM orders;
SELECT usre FROM views;
