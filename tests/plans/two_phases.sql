-- Before the exchange each subtask aggregates its own rows; with COUNT(DISTINCT) rows go through as they are. No key: one subtask at the end.
CREATE TABLE t (k STRING, v INT, d DECIMAL(10, 2), ok BOOLEAN, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
EXPLAIN SELECT window_start, k, COUNT(*), SUM(v), AVG(d), MIN(v), MAX(k) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k;
EXPLAIN SELECT window_start, k, COUNT(*) FILTER (WHERE ok), SUM(v) FILTER (WHERE v > 0) FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '1' HOUR, INTERVAL '500' SECOND) GROUP BY window_start, window_end, k;
EXPLAIN SELECT window_start, COUNT(DISTINCT k), SUM(v) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '90' SECOND) GROUP BY window_start, window_end;
EXPLAIN SELECT COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY) GROUP BY window_start, window_end HAVING COUNT(*) > 1;
