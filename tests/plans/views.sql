-- Views and WITH are written out where they are used; a WITH that is used twice is one.
CREATE TABLE t (a INT, b INT, c INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE VIEW sums (s, ts) AS SELECT a + b, ts FROM t WHERE a IS NOT NULL;
EXPLAIN SELECT s * 2 AS twice FROM sums WHERE s > 10;
EXPLAIN WITH x AS (SELECT a, b FROM t WHERE c IN (1, 2)) SELECT a FROM x UNION ALL SELECT b FROM x;
EXPLAIN SELECT CASE WHEN a BETWEEN 1 AND 2 THEN 'low' WHEN NOT (a > b) THEN CAST(b AS STRING) ELSE UPPER('x') END AS band, TRY_CAST('1' AS INT), -a, DATE '2024-02-29', TIME '01:02:03', INTERVAL '1' MONTH, 1.50, 1E2, NULL, 'it''s' FROM t;
