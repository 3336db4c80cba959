CREATE TABLE products (id INT, name STRING, weight DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/changes.json', 'format' = 'debezium-json');
SELECT COUNT(*), SUM(weight), AVG(id), window_start FROM TABLE(TUMBLE(TABLE products, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
SELECT id, COUNT(name), window_end FROM TABLE(HOP(TABLE products, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, id;
