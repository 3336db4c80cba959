-- Each row once per set, then one aggregation for all of them.
CREATE TABLE t (a STRING, b INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
EXPLAIN SELECT a, b, GROUPING(a), SUM(v), SUM(b) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, CUBE (a, b);
EXPLAIN SELECT v, a, b, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, v, GROUPING SETS ((a, b), (a), ());
