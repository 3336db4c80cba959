CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT window_start, window_end, action,
  COUNT(*) FILTER (WHERE qty > 2) AS big, SUM(qty) AS q, SUM(price) AS p, AVG(price) AS ap, AVG(qty) AS aq, MIN(price) AS lo, MAX(event_timestamp) AS last_seen,
  MIN(page) AS first_page, MAX(amount) AS top, COUNT(DISTINCT page) FILTER (WHERE user_id > 5) AS pages
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '3' MINUTES))
GROUP BY window_start, window_end, action;
SELECT window_start, window_end, action, SUM(qty) AS s
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES))
GROUP BY window_start, window_end, action HAVING SUM(qty) > 10 AND COUNT(*) > 3;
SELECT window_start, window_end, SUM(DISTINCT qty), COUNT(DISTINCT qty), AVG(DISTINCT qty)
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES, INTERVAL '3' MINUTES))
GROUP BY window_start, window_end;
