-- The job of record: clicks from Kafka, page metrics per 5 minutes and action metrics over the last 10 minutes, exactly once.
--   millstream run sql-examples/page-metrics.sql -D BROKERS=localhost:9092 -D OUT=out
-- OUT is a directory or an s3://bucket/prefix (credentials from the AWS_* environment variables).

CREATE TABLE clickstream (
  user_id BIGINT,
  page STRING,
  action STRING,
  event_timestamp TIMESTAMP(3),
  session_id STRING,
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'clickstream',
  'properties.bootstrap.servers' = '${BROKERS}',
  'properties.group.id'          = 'page-metrics',
  'format'                       = 'json',
  'scan.startup.mode'            = 'earliest-offset'
);

CREATE TABLE page_metrics (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  page STRING,
  view_count BIGINT,
  unique_users BIGINT
) WITH ('connector' = 'filesystem', 'path' = '${OUT}/page_metrics', 'format' = 'parquet');

CREATE TABLE action_metrics (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  action STRING,
  view_count BIGINT,
  unique_users BIGINT
) WITH ('connector' = 'filesystem', 'path' = '${OUT}/action_metrics', 'format' = 'parquet');

INSERT INTO page_metrics
SELECT window_start, window_end, page, COUNT(*), COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE clickstream, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, page;

INSERT INTO action_metrics
SELECT window_start, window_end, action, COUNT(*), COUNT(DISTINCT user_id)
FROM TABLE(HOP(TABLE clickstream, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE, INTERVAL '10' MINUTES))
GROUP BY window_start, window_end, action;
