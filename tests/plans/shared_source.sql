-- One reader and one decoder for both INSERTs; the filter and the projection they have in common are shared, too.
CREATE TABLE clicks (user_id BIGINT, page STRING, action STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json',
      'properties.sasl.password' = 'hunter2', 'scan.startup.mode' = 'earliest-offset', 'on-error' = 'skip', 'scan.watermark.idle-timeout' = '1 min');
CREATE VIEW views AS SELECT user_id, page, ts FROM clicks WHERE action = 'view';
CREATE TABLE pages (e TIMESTAMP(3), page STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 's3://lake/pages', 'format' = 'parquet', 's3.access-key' = 'hunter2', 's3.secret-key' = 'hunter2');
CREATE TABLE users (e TIMESTAMP(3), user_id BIGINT, n BIGINT) WITH ('connector' = 'print');
INSERT INTO pages SELECT window_end, page, COUNT(*) FROM TUMBLE(TABLE views, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, page;
INSERT INTO users SELECT window_end, user_id, COUNT(*) FROM TUMBLE(TABLE views, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, user_id;
