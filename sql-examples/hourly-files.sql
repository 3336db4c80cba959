-- One directory per hour, as Parquet under ./out/bids: whoever waits for an hour waits for its file _SUCCESS, which comes when the watermark
-- has passed the end of the hour and all its files are there. Needs no server. Run it:
--   millstream run sql-examples/hourly-files.sql

SET 'execution.checkpointing.interval' = '1 s';

CREATE TABLE nexmark (
  event_type INT,
  bid ROW<
    auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),
    extra STRING
  >,
  event_time AS CASE WHEN event_type = 2 THEN bid.`dateTime` ELSE TIMESTAMP '2024-01-01 00:00:00.000' END,
  WATERMARK FOR event_time AS event_time - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'number-of-events' = '100000', 'next-event.rate' = '10');

CREATE TABLE bids (
  auction BIGINT,
  bidder BIGINT,
  price BIGINT,
  event_time TIMESTAMP(3),
  dt STRING,
  hr STRING
) PARTITIONED BY (dt, hr) WITH (
  'connector'                                    = 'filesystem',
  'path'                                         = 'out/bids',
  'format'                                       = 'parquet',
  -- The writers' files of an hour are merged before they are seen.
  'auto-compaction'                              = 'true',
  -- The directory dt=20260131/hr=07 stands for the hour from 2026-01-31 07:00.
  'partition.time-extractor.timestamp-pattern'   = '$dt $hr',
  'partition.time-extractor.timestamp-formatter' = 'yyyyMMdd HH',
  'sink.partition-commit.trigger'                = 'partition-time',
  'sink.partition-commit.delay'                  = '1 h',
  'sink.partition-commit.policy.kind'            = 'success-file'
);

INSERT INTO bids
SELECT
  bid.auction,
  bid.bidder,
  bid.price,
  event_time,
  DATE_FORMAT(event_time, 'yyyyMMdd'),
  DATE_FORMAT(event_time, 'HH')
FROM nexmark
WHERE event_type = 2;
