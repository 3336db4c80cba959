-- Arrays and rows in fields, escapes, lines that are too short or too long.
CREATE TABLE nested (id INT, a ARRAY<STRING>, b ARRAY<INT>, r ROW<x INT, y STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/nested.csv', 'format' = 'csv', 'csv.null-literal' = 'N');
CREATE TABLE ragged (id INT, a ARRAY<STRING>, b ARRAY<INT>, r ROW<x INT, y STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/ragged.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true');
CREATE TABLE longer (id INT, a STRING, b STRING, r STRING)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/ragged.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true', 'csv.ignore-trailing-unmappable' = 'true', 'csv.fail-on-missing-columns' = 'true');
CREATE TABLE no_comma (id INT, a STRING, b STRING, r STRING)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/ragged.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true', 'csv.allow-trailing-comma' = 'false');
CREATE TABLE bars (id INT, a ARRAY<STRING>, b STRING, r STRING)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/nested.csv', 'format' = 'csv', 'csv.array-element-delimiter' = 'b', 'csv.empty-string-as-null' = 'true');
CREATE TABLE escapes (id INT, s STRING)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/escapes.csv', 'format' = 'csv', 'csv.escape-character' = '~');
CREATE TABLE spaces (id INT, s STRING, n INT, a ARRAY<STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/spaces.csv', 'format' = 'csv', 'csv.trim-spaces' = 'true', 'csv.empty-string-as-null' = 'true');
CREATE TABLE untrimmed (id INT, s STRING, n INT, a ARRAY<STRING>)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/spaces.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true');
SELECT id, a, b, r FROM nested;
SELECT id, a[1], CARDINALITY(b), r.y FROM nested WHERE r.x > 0;
SELECT id, a, b, r FROM ragged;
SELECT id, a, b, r FROM longer;
SELECT id, a, b, r FROM no_comma;
SELECT id, a, b, r FROM bars;
SELECT id, s FROM escapes;
SELECT id, s, n, a FROM spaces;
SELECT id, s, n, a FROM untrimmed;
