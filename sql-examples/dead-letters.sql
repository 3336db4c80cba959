-- Nothing is lost: records that are no rows, and rows that come too late for their window, go into a table with their bytes, why and from where.
--   millstream run sql-examples/dead-letters.sql -D BROKERS=localhost:9092 -D OUT=out
-- What was wrong last:
--   duckdb -c "SELECT reason, topic, \"partition\", \"offset\", decode(record) FROM 'out/dead_letters/*.parquet'"

CREATE TABLE dead_letters (
  reason STRING,
  message STRING,
  record BYTES,
  topic STRING,
  `partition` INT,
  `offset` BIGINT,
  event_time TIMESTAMP(3),
  watermark TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${OUT}/dead_letters', 'format' = 'parquet');

CREATE TABLE clickstream (
  user_id BIGINT,
  page STRING,
  event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH (
  'connector'                      = 'kafka',
  'topic'                          = 'clickstream',
  'properties.bootstrap.servers'   = '${BROKERS}',
  'format'                         = 'json',
  'scan.startup.mode'              = 'earliest-offset',
  'scan.watermark.max-future-skew' = '1 h',
  'on-error'                       = 'route',
  'on-error.table'                 = 'dead_letters',
  'on-late'                        = 'route',
  'on-late.table'                  = 'dead_letters'
);

CREATE TABLE page_views (
  page STRING,
  window_end TIMESTAMP(3),
  views BIGINT
) WITH ('connector' = 'filesystem', 'path' = '${OUT}/page_views', 'format' = 'parquet');

INSERT INTO page_views
SELECT page, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE clickstream, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, page;
