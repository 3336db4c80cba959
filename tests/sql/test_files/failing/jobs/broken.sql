CREATE TABLE orders (id BIGINT) WITH ('connector' = 'datagne');
CREATE TABLE o (id BIGINT) WITH ('connector' = 'print');
INSERT INTO o SELECT idd FROM orders;
