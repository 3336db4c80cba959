CREATE TABLE s (a INT, b STRING, c BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
CREATE TABLE t (c, a, b) WITH ('connector' = 'blackhole') AS SELECT a, b, c FROM s;
SHOW CREATE TABLE t;
CREATE TABLE u (c, `b`, a) COMMENT 'x' PARTITIONED BY (b) WITH ('connector' = 'blackhole') AS SELECT a, b, c FROM s;
SHOW CREATE TABLE u;
