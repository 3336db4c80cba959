CREATE TABLE p (id INT, name STRING, ts TIMESTAMP(3), v DECIMAL(8, 2)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/people.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');
SELECT id, name, ts, v FROM p;
SELECT v, id FROM p WHERE id > 1;
