CREATE TABLE orders (
  id BIGINT, amount DOUBLE, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json', 'on-error' = 'skip');

CREATE TABLE revenue (window_start TIMESTAMP(3), total DOUBLE, orders BIGINT)
WITH ('connector' = 'filesystem', 'path' = 'nowhere/revenue', 'format' = 'parquet');

INSERT INTO revenue
SELECT window_start, SUM(amount), COUNT(*)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
