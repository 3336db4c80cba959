-- Filters stand before windows unless they name their columns; HAVING after the aggregation.
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
EXPLAIN SELECT window_end, k, COUNT(*) AS n FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) WHERE v > 0 AND k LIKE 'a%' GROUP BY window_start, window_end, k HAVING COUNT(*) > 1 OR k IS NULL;
EXPLAIN SELECT window_end, k, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) WHERE window_start > TIMESTAMP '2024-01-01 00:00:00' GROUP BY window_start, window_end, k;
EXPLAIN SELECT * FROM (SELECT k, v * 2 AS w FROM t) WHERE w > 1;
