CREATE TABLE t (id INT, a STRING, b STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/floats.json', 'format' = 'json');
CREATE VIEW v AS SELECT id, CAST(a AS DOUBLE) AS a, CAST(b AS DOUBLE) AS b FROM t;

SELECT id, a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge FROM v;
SELECT id, a = 0 AS eq, a < 0 AS lt, a >= 0 AS ge, a > 4 AS gt4, a IN (0, 1) AS i, a NOT IN (0, 1) AS ni, a BETWEEN 0 AND 1 AS bt FROM v;
SELECT id, a IS NOT DISTINCT FROM b AS nd, a IS DISTINCT FROM b AS d, NULLIF(a, b) AS n, CASE a WHEN 0 THEN 'zero' WHEN 4 THEN 'four' ELSE 'other' END AS c FROM v;
SELECT id, CAST(a AS FLOAT) = CAST(b AS FLOAT) AS eq, CAST(a AS FLOAT) > CAST(4 AS FLOAT) AS gt, GREATEST(a, b) AS g, LEAST(a, b) AS l FROM v;
SELECT id FROM v WHERE a = 0;
SELECT id FROM v WHERE a > 4;
