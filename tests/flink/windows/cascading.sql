CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

CREATE VIEW per_10s AS
SELECT window_start AS ws, window_end AS we, window_time AS rowtime, page, COUNT(*) AS n, MAX(qty) AS q
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, window_time, page;
SELECT window_start, window_end, SUM(n), MAX(q), COUNT(DISTINCT page)
FROM TABLE(TUMBLE(TABLE per_10s, DESCRIPTOR(rowtime), INTERVAL '1' MINUTES))
GROUP BY window_start, window_end;
SELECT window_start, window_end, page, SUM(n)
FROM TABLE(HOP(TABLE per_10s, DESCRIPTOR(rowtime), INTERVAL '20' SECOND, INTERVAL '1' MINUTES))
GROUP BY window_start, window_end, page;
SELECT window_start, window_end, MAX(n) FROM (
  SELECT window_start, window_end, page, COUNT(*) AS n
  FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
  GROUP BY window_start, window_end, page)
GROUP BY window_start, window_end;
