TEST 'other rows than expected' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05'), (2, 20.0, '2026-01-01 00:01:50'), (4, 1.0, '2026-01-01 00:00:01');
EXPECT ids (id) VALUES (1), (2), (3), (4);
EXPECT LATE orders ROWS 0;
FINISH;
EXPECT revenue VALUES ('2026-01-01 00:00:00', 11.0), ('2026-01-01 00:01:00', 20.0), ('2026-01-01 00:02:00', 5.0);
EXPECT TABLE revenue ROWS 7;
EXPECT CHANGES ids ROWS 1;

TEST 'more rows than expected' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05'), (2, 20.0, '2026-01-01 00:01:50');
EXPECT NO MORE ROWS;

TEST 'too much state' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05');
EXPECT STATE <= 1 BYTES;

TEST 'the job fails' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05');
EXPECT FAILURE;
GIVEN orders VALUES (0, 10.0, '2026-01-01 00:00:06');
EXPECT ids VALUES (0, 0);

TEST 'the job fails with another error' FOR 'jobs/revenue.sql';
GIVEN orders RAW '{';
EXPECT FAILURE 'E0702';

TEST 'other errors' FOR 'jobs/revenue.sql';
EXPECT ERROR 'E0202' IN (SELECT id FROM orders);
EXPECT ERROR 'E0202' AT 1:9 IN (SELECT idd FROM orders);
EXPECT ERROR 'E0201' IN (SELECT idd FROM orders);
EXPECT WARNING 'W0401' IN (SELECT id FROM orders);
EXPECT WARNING 'W0401' IN (SELECT idd FROM orders);

TEST 'a failure before a crash' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (0, 10.0, '2026-01-01 00:00:06');
CRASH;
FINISH;
EXPECT revenue ROWS 0;

TEST 'texts that look alike';
CREATE TABLE t (a STRING, b INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json');
CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);
INSERT INTO o SELECT * FROM t;
GIVEN t VALUES ('NULL', 1), ('', 2), (' x', 3), ('null', 4), ('''NULL''', 5), ('it''s', NULL);
EXPECT o VALUES (NULL, 1), (NULL, 2), ('x', 3), (NULL, 4), ('NULL', 5), ('it''s', 6);
