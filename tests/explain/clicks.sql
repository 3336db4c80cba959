-- HOP and TUMBLE over one topic, late rows and bad records routed, two sinks beside those of the dead letters.
CREATE TABLE dead (reason STRING, record BYTES, event_time TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/dead', 'format' = 'json');

CREATE TABLE clicks (
  user_id BIGINT,
  page STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'clicks',
  'properties.bootstrap.servers' = 'localhost:9092',
  'properties.sasl.password'     = '${PASSWORD}',
  'format'                       = 'json',
  'scan.startup.mode'            = 'earliest-offset',
  'scan.watermark.idle-timeout'  = '1 min',
  'on-error'                     = 'route',
  'on-error.table'               = 'dead',
  'on-late'                      = 'route',
  'on-late.table'                = 'dead'
);

CREATE TABLE pages (e TIMESTAMP(3), page STRING, viewers BIGINT)
WITH ('connector' = 'filesystem', 'path' = '${OUT}/pages', 'format' = 'parquet');

CREATE TABLE totals (e TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO pages
SELECT window_end, page, COUNT(DISTINCT user_id)
FROM HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE)
WHERE page <> ''
GROUP BY window_start, window_end, page;

INSERT INTO totals
SELECT window_end, COUNT(*)
FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' HOUR)
GROUP BY window_start, window_end;
