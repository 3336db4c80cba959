-- By window_time a longer window over a shorter one; by the same bounds a second aggregation in the same window.
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE VIEW minutes AS SELECT window_start AS s1, window_end AS e1, window_time AS wt, k, SUM(v) AS s FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, window_time, k;
EXPLAIN SELECT window_end, k, MAX(s) FROM TUMBLE(TABLE minutes, DESCRIPTOR(wt), INTERVAL '1' HOUR) GROUP BY window_start, window_end, k;
EXPLAIN SELECT e1, COUNT(*), SUM(s) FROM minutes GROUP BY s1, e1;
EXPLAIN SELECT k, window_start FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '2' MINUTE) WHERE v > 1 AND window_start > TIMESTAMP '2024-01-01 00:00:00';
