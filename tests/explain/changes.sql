-- Changes pass a filter and a union; a window aggregation of them gives insertions. One table has no watermark, one waits for the clock.
CREATE TABLE orders (id BIGINT, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'orders',
  'properties.bootstrap.servers' = 'localhost:9092',
  'format'                       = 'debezium-json',
  'scan.watermark.idle-timeout'  = '0 s'
);

CREATE TABLE large (id BIGINT, amount INT) WITH ('connector' = 'print');

CREATE TABLE sums (e TIMESTAMP(3), total INT) WITH ('connector' = 'print');

SET 'parallelism.default' = '4';

INSERT INTO large
SELECT id, amount FROM orders WHERE amount >= 1000
UNION ALL
SELECT id, -amount FROM orders WHERE amount <= -1000;

INSERT INTO sums
SELECT window_end, SUM(amount)
FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' DAY)
GROUP BY window_start, window_end;
