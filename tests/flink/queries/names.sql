CREATE VIEW t AS SELECT x, CAST(ROW(1, ARRAY[ROW(2)]) AS ROW<b INT, c ARRAY<ROW<d INT>>>) AS r FROM (VALUES (1)) AS v (x);
SELECT x, x, x FROM t;
SELECT t.r.b, (t.r).b, r.c[1].d, CAST(r AS ROW<b INT, c ARRAY<ROW<d INT>>>).b, (x), x + 1, r.b AS y FROM t;
