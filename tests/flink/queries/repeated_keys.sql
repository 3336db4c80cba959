CREATE TABLE t (id INT, m MAP<STRING, INT>, n ARRAY<MAP<STRING, STRING>>) WITH ('connector' = 'filesystem', 'path' = '${DATA}/repeated_keys.json', 'format' = 'json');

SELECT id, CARDINALITY(m) AS c, m['a'] AS a, m['b'] AS b, CARDINALITY(n[1]) AS nc, n[1]['x'] AS x FROM t;
