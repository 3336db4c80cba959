CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT user_id, page, qty + 1 AS q1, qty * 2, price, amount FROM clicks WHERE qty > 5;
SELECT user_id FROM clicks WHERE page = 'home' AND (action <> 'view' OR user_id IS NULL);
SELECT page, action FROM clicks WHERE page LIKE '%art' AND action IN ('buy', 'click') AND qty BETWEEN 1 AND 3;
SELECT COALESCE(page, 'none') AS p, CASE action WHEN 'buy' THEN 1 WHEN 'click' THEN 2 ELSE 0 END AS a, NULLIF(qty, 0) AS q FROM clicks WHERE user_id = 3;
SELECT event_timestamp, event_timestamp + INTERVAL '1' HOUR AS later, CAST(event_timestamp AS DATE) AS d FROM clicks WHERE user_id = 1;
SELECT qty / 2, MOD(qty, 3), -qty, qty - 1 FROM clicks WHERE user_id IN (2, 4);
SELECT price * 2, price + 1, price / 3, amount * 2 FROM clicks WHERE user_id = 5;
