-- The main job on generated input: Nexmark bids, counted per auction in TUMBLE windows and per channel in HOP windows,
-- as Parquet files under ./out. Needs no server. Run it:  cargo run --release -- run sql-examples/quickstart.sql

SET 'execution.checkpointing.interval' = '1 s';

CREATE TABLE nexmark (
  event_type INT,
  bid ROW<
    auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),
    extra STRING
  >,
  auction ROW<`dateTime` TIMESTAMP(3)>,
  person ROW<`dateTime` TIMESTAMP(3)>,
  event_time AS CASE
    WHEN event_type = 0 THEN person.`dateTime`
    WHEN event_type = 1 THEN auction.`dateTime`
    ELSE bid.`dateTime`
  END,
  WATERMARK FOR event_time AS event_time - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'number-of-events' = '2000000', 'next-event.rate' = '10000');

CREATE VIEW bids AS
SELECT bid.auction, bid.bidder, bid.price, bid.channel, event_time
FROM nexmark
WHERE event_type = 2;

CREATE TABLE auction_activity (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  auction BIGINT,
  bids BIGINT,
  bidders BIGINT,
  highest_price BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'out/auction_activity', 'format' = 'parquet');

CREATE TABLE channel_trend (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  channel STRING,
  bids BIGINT,
  average_price BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'out/channel_trend', 'format' = 'parquet');

EXECUTE STATEMENT SET BEGIN

INSERT INTO auction_activity
SELECT window_start, window_end, auction, COUNT(*), COUNT(DISTINCT bidder), MAX(price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(event_time), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, auction;

INSERT INTO channel_trend
SELECT window_start, window_end, channel, COUNT(*), AVG(price)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(event_time), INTERVAL '10' SECOND, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, channel;

END;
