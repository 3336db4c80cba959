-- Clicks in Avro, whose schemas are in a Confluent registry, as Parquet files with a directory per day. Exactly once.
--   millstream run sql-examples/avro-clicks.sql -D BROKERS=localhost:9092 -D REGISTRY=http://localhost:8081 -D OUT=out
-- Fields are found by name, so writers may add some and leave out those that are not NOT NULL here.

CREATE TABLE clicks (
  user_key STRING,
  user_id BIGINT NOT NULL,
  page STRING,
  `action` STRING,
  clicked_at TIMESTAMP(3)
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'clicks',
  'properties.bootstrap.servers' = '${BROKERS}',
  'scan.startup.mode'            = 'earliest-offset',
  'key.format'                   = 'raw',
  'key.fields'                   = 'user_key',
  'value.format'                 = 'avro-confluent',
  'value.avro-confluent.url'     = '${REGISTRY}',
  'value.fields-include'         = 'EXCEPT_KEY'
);

CREATE TABLE archive (
  user_key STRING,
  user_id BIGINT,
  page STRING,
  `action` STRING,
  clicked_at TIMESTAMP(3),
  `day` STRING
) PARTITIONED BY (`day`) WITH ('connector' = 'filesystem', 'path' = '${OUT}/clicks', 'format' = 'parquet');

INSERT INTO archive
SELECT user_key, user_id, page, `action`, clicked_at, DATE_FORMAT(clicked_at, 'yyyy-MM-dd')
FROM clicks;
