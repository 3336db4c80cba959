CREATE TABLE products (id INT, name STRING, weight DECIMAL(10, 2), ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/changes.json', 'format' = 'debezium-json');
SELECT * FROM products;
SELECT UPPER(name), id FROM products WHERE weight > 4;
SELECT id, name FROM products UNION ALL SELECT id, 'again' FROM products WHERE id < 3;
CREATE TABLE timed (WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) LIKE products;
SELECT id, window_start FROM TABLE(TUMBLE(TABLE timed, DESCRIPTOR(ts), INTERVAL '1' MINUTE));
