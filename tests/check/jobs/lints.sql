CREATE TABLE clicks (
  page STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'kafka',
  'topic' = 'clicks',
  'properties.bootstrap.servers' = '${BROKERS}',
  'properties.sasl.username' = 'clicks', 'properties.sasl.password' = 'hunter2',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.idle-timeout' = '0 s',
  'format' = 'json'
);

CREATE TABLE counts (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  page STRING,
  clicks BIGINT
) PARTITIONED BY (window_start) WITH ('connector' = 'filesystem', 'path' = 'out/counts', 'format' = 'json');

INSERT INTO counts
SELECT window_end, window_start, page, COUNT(*)
FROM HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '1' HOUR)
WHERE page <> NULL
GROUP BY window_start, window_end, page;

-- lint: allow W0301, W0302 as this shows how to
SELECT page FROM clicks WHERE page = NULL;

SELECT CAST('2026-01-01 00:00:00' AS TIMESTAMP_LTZ(3)) > CAST(ts AS TIMESTAMP_LTZ(3)) FROM clicks;

-- Only what is computed for every row is told.
SELECT 1 + CAST('x' AS INT), CASE WHEN page = '' THEN 1 / 0 END, 1 / (CHAR_LENGTH(page) - 1 % 0) FROM clicks WHERE page <> '' OR 1 / 0 > 1;
