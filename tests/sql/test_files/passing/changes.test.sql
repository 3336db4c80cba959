-- Tables that are change logs.
CREATE TABLE products (id INT, name STRING, weight DECIMAL(10, 2))
WITH ('connector' = 'kafka', 'topic' = 'p', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'debezium-json');
CREATE TABLE heavy (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'debezium-json');
INSERT INTO heavy SELECT id, name FROM products WHERE weight >= 1;

TEST 'changes pass a filter';
GIVEN CHANGES products VALUES ('+I', 1, 'scooter', 3.14), ('+I', 2, 'ball', 0.4);
EXPECT CHANGES heavy VALUES ('+I', 1, 'scooter');
GIVEN CHANGES products VALUES ('-U', 1, 'scooter', 3.14), ('+U', 1, 'big scooter', 5.00);
GIVEN CHANGES products VALUES ('+I', 3, 'hammer', 1.00), ('-D', 3, 'hammer', 1.00);
CRASH;
EXPECT CHANGES heavy VALUES ('-U', 1, 'scooter'), ('+U', 1, 'big scooter'), ('+I', 3, 'hammer'), ('-D', 3, 'hammer') ORDERED;
EXPECT TABLE heavy VALUES (1, 'big scooter');
EXPECT heavy ROWS 0;
-- Records as Debezium writes them.
GIVEN products RAW '{"before":{"id":1,"name":"big scooter","weight":5.00},"after":null,"op":"d"}',
                   '{"before":null,"after":{"id":4,"name":"drill","weight":2.5},"op":"c"}';
EXPECT TABLE heavy (name) VALUES ('drill');
EXPECT CHANGES heavy (name) VALUES ('-D', 'big scooter'), ('+I', 'drill');
