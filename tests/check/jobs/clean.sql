-- Nothing to say about this one.
CREATE TABLE clicks (
  page STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'clicks',
  'properties.bootstrap.servers' = '${BROKERS}',
  'properties.sasl.password' = '${PASSWORD}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.max-future-skew' = '${SKEW}',
  'format' = 'json'
);

SELECT window_start, page, COUNT(*) AS clicks
FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
GROUP BY window_start, window_end, page;
