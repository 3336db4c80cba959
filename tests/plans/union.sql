-- A table that is read twice is one source; types are brought to those of the result; the event time passes through.
CREATE TABLE a (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE TABLE b (k VARCHAR(10), v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'datagen');
EXPLAIN SELECT k, v FROM a WHERE v = 1 UNION ALL SELECT k, v FROM a WHERE v = 2;
EXPLAIN SELECT window_end, k, SUM(v) FROM TUMBLE(DATA => (SELECT k, v, ts FROM a UNION ALL SELECT k, v, ts FROM b), TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k;
EXPLAIN SELECT 1 UNION ALL SELECT 2 UNION ALL VALUES (3), (4);
