CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT window_start, window_end, page, action, COUNT(*), GROUPING(page), GROUPING_ID(page, action)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, GROUPING SETS ((page, action), (page), ());
SELECT window_start, window_end, page, action, COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, ROLLUP (page, action);
SELECT window_start, window_end, page, action, SUM(qty)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, CUBE (page, action);

-- A literal is NULL outside its set, as any other expression is.
SELECT window_end, 'all' AS a, COALESCE('all', 'none') AS b, page, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, CUBE ('all', page);
