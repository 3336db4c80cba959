-- How files of fixtures say NULL.
TEST 'NULL in a CSV file of a table that says nothing of it';
CREATE TABLE t (s STRING, n INT, b BOOLEAN, at TIMESTAMP(3), l ARRAY<INT>, k STRING NOT NULL) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'json');
CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);
INSERT INTO o SELECT * FROM t;
GIVEN t FROM 'fixtures/nulls.csv';
EXPECT o VALUES
  ('a', 1, TRUE, '2026-01-01 00:00:00', ARRAY[1, 2], 'k'),
  ('', NULL, NULL, NULL, ARRAY[], ''),
  (NULL, NULL, NULL, NULL, NULL, 'NULL');

TEST 'NULL in a CSV file as the options of the table say it';
CREATE TABLE t (s STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'nobody:9092', 'value.format' = 'csv',
  'value.csv.null-literal' = 'NULL', 'value.csv.empty-string-as-null' = 'true', 'value.csv.field-delimiter' = ';');
CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);
INSERT INTO o SELECT * FROM t;
GIVEN t FROM 'fixtures/nulls_of_options.csv';
EXPECT o VALUES ('a', 1), (NULL, NULL), (NULL, NULL), ('\N', 2);
