CREATE TABLE orders (id BIGINT) WITH ('connector' = 'datagne');
CREATE TABLE o (id BIGINT) WITH ('connector' = 'print');
INSERT INTO o SELECT idd FROM orders;
CREATE TABLE half (id BIGINT, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'json');
INSERT INTO o SELECT id FROM half;
