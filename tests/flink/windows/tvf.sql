CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT user_id, page, event_timestamp, window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES)) WHERE user_id < 4;
SELECT page, window_start, window_end FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '20' SECOND, INTERVAL '1' MINUTES)) WHERE action = 'buy' AND user_id = 7;
