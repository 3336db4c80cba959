-- A partitioned sink writes what it is given where it is: no exchange before it. A column list orders the columns, NULL fills the rest.
SET 'parallelism.default' = '4';
CREATE TABLE t (a INT, b STRING, dt STRING) WITH ('connector' = 'datagen');
CREATE TABLE o (dt STRING, a BIGINT, b STRING, c DOUBLE) PARTITIONED BY (dt) WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'parquet');
INSERT INTO o (b, dt, a) SELECT b, dt, a FROM t;
INSERT INTO o SELECT dt, a, b, 1 FROM t WHERE a > 1;
