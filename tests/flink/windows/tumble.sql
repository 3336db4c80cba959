CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT window_start, window_end, page, COUNT(*), COUNT(user_id), COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES))
GROUP BY window_start, window_end, page;
SELECT window_start, window_end, COUNT(*) AS n
FROM TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '10' SECOND)
GROUP BY window_start, window_end;
