CREATE TABLE t (m MULTISET<STRING>, n ARRAY<MULTISET<STRING>>, r ROW<m MULTISET<VARCHAR(3)>>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/multisets.json', 'format' = 'json');
SELECT m, n, r FROM t;
SELECT r.m FROM t;
