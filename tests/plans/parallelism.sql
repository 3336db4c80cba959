CREATE TABLE clicks (page STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json', 'scan.parallelism' = '2');
CREATE TABLE products (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'kafka', 'topic' = 'products', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'debezium-json');
CREATE TABLE spread (page STRING, n INT) WITH ('connector' = 'filesystem', 'path' = 'spread', 'format' = 'json', 'sink.parallelism' = '3');
CREATE TABLE one_file (window_end TIMESTAMP(3), page STRING, clicks BIGINT)
WITH ('connector' = 'filesystem', 'path' = 'one_file', 'format' = 'json', 'sink.parallelism' = '1');
CREATE TABLE copies (name STRING, id BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'print', 'sink.parallelism' = '2');
INSERT INTO spread SELECT page, n FROM clicks WHERE n > 1;
INSERT INTO one_file SELECT window_end, page, COUNT(*) FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, page;
INSERT INTO copies SELECT name, id FROM products;
