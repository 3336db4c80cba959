-- Values of all types, and how they are compared.
CREATE TABLE t (
  b BOOLEAN, i INT, d DECIMAL(10, 2), f DOUBLE, s STRING, c CHAR(3), x BYTES, day DATE, at TIMESTAMP(3), ltz TIMESTAMP_LTZ(3),
  r ROW<a INT, b STRING, c ROW<d INT, e STRING>>, l ARRAY<INT>, m MAP<STRING, INT>
) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'json');
CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);
CREATE TABLE part (a INT, e STRING) WITH ('connector' = 'print');
INSERT INTO o SELECT * FROM t;

TEST 'values are what they were';
GIVEN t VALUES (TRUE, 1, 1.5, 1e3, 'a', 'abc', x'00ff', '2026-01-31', '2026-01-31 23:59:59.5', '2026-01-31 23:59:59', ROW(1, 'x', ROW(2, 'y')), ARRAY[1, 2], MAP['k', 1]);
GIVEN t (i) VALUES (2 * 21), (CHAR_LENGTH('abc'));
EXPECT o VALUES
  (TRUE, '1', 1.50, 1000, 'a', 'abc', x'00ff', DATE '2026-01-31', TIMESTAMP '2026-01-31 23:59:59.500', '2026-01-31 23:59:59', ROW(1, 'x', ROW(2, 'y')), ARRAY[1, 2], MAP['k', 1]),
  (NULL, 42, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (NULL, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

TEST 'what is empty, or has nothing but NULL in it, has the type of its column';
GIVEN t (l, m) VALUES (ARRAY[], MAP[]), (ARRAY[NULL], MAP['k', NULL]), (ARRAY[1, NULL], MAP['k', 1, 'l', NULL]);
GIVEN t (r) VALUES (ROW(NULL, NULL, NULL)), ((1, 'x', (NULL, 'y')));
EXPECT o (l, m, r) VALUES
  (ARRAY[], MAP[], NULL),
  (ARRAY[NULL], MAP['k', NULL], NULL),
  (ARRAY[1, NULL], MAP['k', 1, 'l', NULL], NULL),
  (NULL, NULL, ROW(NULL, NULL, NULL)),
  (NULL, NULL, ROW(1, 'x', ROW(NULL, 'y')));

TEST 'numbers are near enough';
GIVEN t (i, f, d) VALUES (1000, 0.1, 2.00);
EXPECT o (i, f, d) VALUES (995, 0.1004, 2.01) WITHIN 1 PERCENT;
GIVEN t (f) VALUES (0.30000000000000004);
EXPECT o (f) VALUES (0.3);
GIVEN t (f) VALUES (0.301);
EXPECT o (f) VALUES (0.3) TOLERANCE 1e-2;

TEST 'the order of one partition stays';
INSERT INTO part SELECT r.a, r.c.e FROM t;
GIVEN t (r) VALUES (ROW(3, 'x', ROW(2, 'c'))), (ROW(1, 'x', ROW(2, 'a'))), (ROW(2, 'x', CAST(NULL AS ROW<d INT, e STRING>)));
EXPECT part VALUES (3, 'c'), (1, 'a'), (2, NULL) ORDERED;

TEST 'a test may say how parallel it is';
SET 'parallelism.default' = '3';
GIVEN t (i) VALUES (1);
EXPECT o (i) VALUES (1);
