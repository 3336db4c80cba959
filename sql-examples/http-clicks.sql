-- Clicks that clients send by POST, counted per page and minute. What was answered with 200 is never lost and counted once.
--   millstream run sql-examples/http-clicks.sql -D TOKEN=… -D OUT=out
--   curl -H "Authorization: Bearer …" -H "Idempotency-Key: 1" http://127.0.0.1:8088/v1/clicks --data-binary @clicks.ndjson
-- clicks.ndjson: {"user_id": 1, "page": "home", "ts": "2026-01-31 12:00:10"}, one per line.

SET 'execution.checkpointing.interval' = '10 s';

CREATE TABLE clicks (
  user_id BIGINT,
  page STRING,
  ts TIMESTAMP(3),
  received_at TIMESTAMP_LTZ(3) METADATA FROM 'received-at' VIRTUAL,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector'                   = 'http',
  'listen'                      = '127.0.0.1:8088',
  'path'                        = '/v1/clicks',
  'token'                       = '${TOKEN}',
  'format'                      = 'json',
  'on-error'                    = 'skip',
  'scan.watermark.idle-timeout' = '1 min'
);

CREATE TABLE page_clicks (
  window_start TIMESTAMP(3),
  page STRING,
  clicks BIGINT,
  users BIGINT
) WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'json');

INSERT INTO page_clicks
SELECT window_start, page, COUNT(*), COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, page;
