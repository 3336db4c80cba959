-- What people write who know other tools, or nothing of this one.
TEST "name";
TEST 'mistakes' FOR 'jobs/revenue.sql';
GIVEN orders (1, 10.0, '2026-01-01 00:00:05');
GIVEN orders FROM "a.jsonl";
GIVEN CHANGES orders VALUES (1, 10.0, '2026-01-01 00:00:05');
ADVANCE WATERMARK TO '2026-01-01 00:00:00';
ADVANCE TIME BY INTERVAL '5' SECOND;
ADVANCE PROCESSING TIME BY INTERVAL '1' MONTH;
ADVANCE PROCESSING TIME BY '5';
ADVANCE PROCESSING TIME BY INTERVAL '5 seconds';
EXPECT NO ROWS IN revenue;
EXPECT NO MORE ROWS revenue;
EXPECT STATE < 4096 BYTES;
EXPECT FAILURE E0700;
EXPECT ERROR IN (SELECT 1);
COMMIT;
ASSERT revenue ROWS 0;

TEST 'statements among steps' FOR 'jobs/revenue.sql';
FINISH;
INSERT INTO orders VALUES (1, 10.0, '2026-01-01 00:00:05');
SELECT * FROM revenue;
CREATE TABLE t (a INT) WITH ('connector' = 'print');

TEST 'tolerances' FOR 'jobs/revenue.sql';
EXPECT revenue ROWS 3 ORDERED;
EXPECT revenue (total) VALUES (1.0) TOLERANCE 1 ORDERED WITHIN 2 PERCENT;
