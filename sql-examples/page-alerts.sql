-- From topic to topic, exactly once: pages with many viewers, one record per page and minute, keyed by page.
--   millstream run sql-examples/page-alerts.sql -D BROKERS=localhost:9092
-- Both topics exist already. Readers of `page-alerts` set isolation.level = read_committed.

CREATE TABLE clickstream (
  user_id BIGINT,
  page STRING,
  action STRING,
  event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'clickstream',
  'properties.bootstrap.servers' = '${BROKERS}',
  'format'                       = 'json',
  'scan.startup.mode'            = 'earliest-offset'
);

CREATE TABLE page_alerts (
  page STRING,
  window_end TIMESTAMP(3),
  viewers BIGINT,
  headers MAP<STRING, BYTES> METADATA
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'page-alerts',
  'properties.bootstrap.servers' = '${BROKERS}',
  'key.format'                   = 'json',
  'key.fields'                   = 'page',
  'value.format'                 = 'json',
  'sink.delivery-guarantee'      = 'exactly-once',
  'sink.transactional-id-prefix' = 'page-alerts'
);

INSERT INTO page_alerts
SELECT page, window_end, COUNT(DISTINCT user_id), MAP['source', CAST('clickstream' AS BYTES)]
FROM TABLE(TUMBLE(TABLE clickstream, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, page
HAVING COUNT(DISTINCT user_id) >= 3;
