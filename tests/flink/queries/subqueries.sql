CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');

SELECT p, q FROM (SELECT page AS p, qty AS q FROM clicks WHERE qty IS NOT NULL) AS s WHERE q > 6;
WITH a AS (SELECT page, qty FROM clicks WHERE user_id = 1), b AS (SELECT page, qty FROM a WHERE qty > 0) SELECT * FROM b UNION ALL SELECT page, qty FROM clicks WHERE user_id = 2;
SELECT a, b FROM (VALUES (1, 'x'), (2, 'y'), (CAST(NULL AS INT), 'z')) AS t(a, b);
SELECT a + 1, UPPER(b) FROM (VALUES (1, 'x'), (2, 'y')) AS t(a, b) WHERE a > 1;
SELECT c.page, c.qty AS `my qty` FROM clicks AS c WHERE c.qty = 8;
