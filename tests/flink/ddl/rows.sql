CREATE TABLE clicks (
  user_id BIGINT, page STRING, action STRING, amount DOUBLE, qty INT, price DECIMAL(10, 2), event_timestamp TIMESTAMP(3),
  WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/nowhere.json', 'format' = 'json');
-- The same table somewhere else, with another watermark and a column more.
CREATE TABLE other (total AS price * qty, WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '1' SECOND)
WITH ('path' = '${DATA}/clicks.json') LIKE clicks (OVERWRITING WATERMARKS);
SELECT page, COUNT(*), SUM(total), MAX(qty) FROM TABLE(TUMBLE(TABLE other, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, page;
-- A hint reads the file that the table does not name.
SELECT page, user_id FROM clicks /*+ OPTIONS('path' = '${DATA}/clicks.json') */ AS c WHERE c.qty > 3;
ALTER TABLE clicks SET ('path' = '${DATA}/clicks.json');
ALTER TABLE clicks DROP (amount, action);
ALTER TABLE clicks ADD (twice AS qty * 2 FIRST, half DECIMAL(10, 2) AFTER price);
SELECT * FROM clicks WHERE qty > 3;
CREATE DATABASE shop;
USE shop;
CREATE VIEW clicks AS SELECT page AS p, qty FROM default_database.clicks;
SELECT * FROM clicks WHERE qty > 4;
USE default_database;
SELECT * FROM shop.clicks WHERE qty > 4;
