SET 'execution.runtime-mode' = 'batch';

CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT COUNT(*) AS n, COUNT(qty) AS q, SUM(qty) AS s, MIN(price) AS lo, MAX(event_timestamp) AS last_seen, AVG(price) AS ap, AVG(qty) AS aq, COUNT(DISTINCT page) AS pages FROM clicks;
SELECT COUNT(*) AS n, COUNT(qty) AS q, SUM(qty) AS s, MIN(price) AS lo, MAX(page) AS p, AVG(amount) AS a, SUM(DISTINCT qty) AS d FROM clicks WHERE user_id < 0;
SELECT COUNT(*) FILTER (WHERE qty IS NULL) AS no_qty, COUNT(*) FILTER (WHERE action = 'view') AS viewed, SUM(qty) FILTER (WHERE qty > 2) AS big FROM clicks;
SELECT COUNT(*) FILTER (WHERE qty IS NULL) AS no_qty, COUNT(*) + 1 AS n FROM clicks WHERE user_id < 0;
SELECT COUNT(*) AS n FROM clicks HAVING COUNT(*) > 100000;
SELECT page, COUNT(*) AS n FROM clicks WHERE user_id < 0 GROUP BY page;
SELECT page, action, COUNT(*) AS n, SUM(price) AS s, MAX(event_timestamp) AS last_seen FROM clicks GROUP BY page, action;
SELECT UPPER(action) AS a, COUNT(DISTINCT user_id) AS users FROM clicks GROUP BY UPPER(action) HAVING COUNT(*) > 3;
SELECT page, COUNT(*) AS n FROM clicks GROUP BY ROLLUP (page);
SELECT MAX(n) AS top, COUNT(*) AS pages FROM (SELECT page, COUNT(*) AS n FROM clicks GROUP BY page);
SELECT COUNT(*) AS n FROM (SELECT window_start, window_end, page, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES)) GROUP BY window_start, window_end, page);
SELECT page, COUNT(*) AS n FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTES, INTERVAL '3' MINUTES)) GROUP BY page;
