-- Two tables that wait for each other: neither is read further than its drift ahead of the one that is behind.
CREATE TABLE orders (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
      'scan.watermark.alignment.group' = 'shop', 'scan.watermark.alignment.max-drift' = '1 min');
CREATE TABLE payments WITH ('topic' = 'payments', 'scan.watermark.alignment.max-drift' = '30 s', 'scan.watermark.alignment.update-interval' = '200 ms') LIKE orders (OVERWRITING OPTIONS);
CREATE TABLE counts (e TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
INSERT INTO counts SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end
UNION ALL SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
