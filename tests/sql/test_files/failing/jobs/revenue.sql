CREATE TABLE orders (id BIGINT, amount DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json');
CREATE TABLE revenue (window_start TIMESTAMP(3), total DOUBLE) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'parquet');
CREATE TABLE ids (id BIGINT, inverse BIGINT) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'parquet');
INSERT INTO revenue SELECT window_start, SUM(amount) FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
INSERT INTO ids SELECT id, 100 / id FROM orders;
