CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

WITH bought AS (SELECT user_id, qty, event_timestamp FROM clicks WHERE action = 'buy')
SELECT window_start, window_end, COUNT(*), SUM(qty) FROM TABLE(TUMBLE(TABLE bought, DESCRIPTOR(event_timestamp), INTERVAL '2' MINUTES)) GROUP BY window_start, window_end;
CREATE TEMPORARY VIEW renamed AS SELECT UPPER(page) AS p, event_timestamp AS t, qty * 2 AS q2 FROM clicks WHERE page IS NOT NULL;
SELECT p, window_start, SUM(q2), COUNT(*) FROM TABLE(TUMBLE(TABLE renamed, DESCRIPTOR(t), INTERVAL '2' MINUTES)) WHERE q2 > 0 GROUP BY p, window_start, window_end;
SELECT window_start, CASE WHEN qty > 0 THEN 'pos' ELSE 'other' END AS sign, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '2' MINUTES)) GROUP BY window_start, window_end, CASE WHEN qty > 0 THEN 'pos' ELSE 'other' END;
