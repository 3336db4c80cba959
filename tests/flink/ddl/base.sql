-- A table without a connector is a base that others are made LIKE. Columns of a primary key are NOT NULL.
CREATE TABLE base (a INT, b STRING METADATA FROM 'file.name' VIRTUAL, ts TIMESTAMP(3), PRIMARY KEY (a) NOT ENFORCED, WATERMARK FOR ts AS ts);
SHOW CREATE TABLE base;
CREATE TABLE derived WITH ('connector' = 'filesystem', 'path' = 'derived', 'format' = 'json') LIKE base (EXCLUDING CONSTRAINTS);
SHOW CREATE TABLE derived;
CREATE TABLE bare LIKE derived (EXCLUDING OPTIONS);
SHOW CREATE TABLE bare;
DESCRIBE base;
SHOW TABLES;
