CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT window_start, window_end, action, COUNT(*), COUNT(DISTINCT user_id), SUM(qty), MIN(qty), MAX(qty), AVG(qty)
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '10' SECOND, INTERVAL '1' MINUTES))
GROUP BY window_start, window_end, action;
SELECT window_start, window_end, COUNT(*), MAX(price), MIN(page), COUNT(DISTINCT page)
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '5' SECOND, INTERVAL '20' SECOND))
GROUP BY window_start, window_end;
