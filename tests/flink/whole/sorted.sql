SET 'execution.runtime-mode' = 'batch';

CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT DISTINCT page, action FROM clicks;
SELECT DISTINCT qty / 2 AS half FROM clicks;
SELECT action FROM clicks UNION SELECT page FROM clicks;
SELECT page, COUNT(*) AS n FROM clicks GROUP BY page ORDER BY n DESC, page LIMIT 3;
SELECT page, COUNT(*) AS n FROM clicks GROUP BY page ORDER BY COUNT(*) DESC, page LIMIT 2 OFFSET 1;
SELECT user_id, qty, event_timestamp FROM clicks ORDER BY qty, event_timestamp, user_id LIMIT 5;
SELECT user_id, qty, event_timestamp FROM clicks ORDER BY qty DESC, event_timestamp, user_id LIMIT 5;
SELECT user_id, qty FROM clicks ORDER BY qty NULLS LAST, event_timestamp DESC, user_id FETCH FIRST 4 ROWS ONLY;
SELECT page FROM clicks ORDER BY price * 2 DESC, event_timestamp, user_id LIMIT 4;
