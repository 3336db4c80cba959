TEST 'names and values' FOR 'jobs/revenue.sql';
GIVEN orders (id, amuont) VALUES (1, 2.0);
GIVEN ordres VALUES (1);
GIVEN revenue VALUES ('2026-01-01 00:00:00', 1.0);
GIVEN orders VALUES (1, 2.0), (1.5, 2.0, '2026-01-01 00:00:00');
GIVEN orders VALUES (TRUE, DATE '2026-01-01', 5);
ADVANCE PROCESSING TIME BY INTERVAL '-1' SECOND;
EXPECT orders VALUES (1);
EXPECT revenue (totl) VALUES (1.0);
EXPECT CHANGES revenue VALUES ('+X', '2026-01-01 00:00:00', 1.0);

TEST 'values that cannot be cast' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 'two', '2026-01-01 00:00:00'), (1, 2.0, '2026-13-01 00:00:00');
ADVANCE WATERMARK orders TO 'yesterday';
EXPECT revenue VALUES ('2026-01-01', 'x');
EXPECT revenue VALUES ('2026-01-01 00:00:00.1239', 1.0), ('2026-01-01 00:00:00.1230', 1.0);
GIVEN orders FROM 'nowhere.jsonl';
GIVEN orders FROM 'jobs/revenue.sql';

TEST 'settings' FOR 'jobs/revenue.sql';
SET 'paralelism.default' = '2';
FINISH;
EXPECT revenue ROWS 0;

TEST 'no job' FOR 'jobs/missing.sql';
EXPECT revenue ROWS 0;
TEST 'a broken job' FOR 'jobs/broken.sql';
FINISH;
EXPECT revenue ROWS 0;
TEST 'nothing to run';
FINISH;
EXPECT revenue ROWS 0;

TEST 'variables' WITH ('TPIC' = 'orders', 'GROUP' = 'none', 'USED' = 'a');
-- ${GROUP} in a comment is none.
CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json');
CREATE TABLE u (id INT) WITH ('connector' = 'print');
INSERT INTO u SELECT id FROM t;
EXPECT ERROR 'E0202' IN (SELECT '${USED}', idd FROM t);
TEST 'a variable that the job has not' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
EXPECT revenu ROWS 0;
