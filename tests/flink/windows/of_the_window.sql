CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT window_start, COUNT(window_end) AS n, MAX(window_start) AS m
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
SELECT window_start, page, COUNT(*) FILTER (WHERE event_timestamp >= window_start + INTERVAL '30' SECOND) AS later
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, page;
SELECT window_start, EXTRACT(MINUTE FROM window_end) AS e, COUNT(*) AS n
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '30' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, EXTRACT(MINUTE FROM window_end);
SELECT window_end, SUM(TIMESTAMPDIFF(SECOND, window_start, event_timestamp)) AS s
FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '30' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
