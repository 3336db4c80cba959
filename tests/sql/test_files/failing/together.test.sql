-- All that is wrong with the tests of a file is told at once.
TEST 'names and values' FOR 'jobs/revenue.sql';
GIVEN ordrs VALUES (1, 10.0, '2026-01-01 00:00:05');
GIVEN orders (id, amount, ts) VALUES ('one', 10.0, '2026-01-01 00:00:05');
GIVEN orders FROM 'nowhere.csv';
ADVANCE WATERMARK orders TO 'yesterday';
EXPECT revenu ROWS 0;

TEST 'the clock' FOR 'jobs/revenue.sql';
ADVANCE PROCESSING TIME TO '2026-01-01 00:00:00';
ADVANCE PROCESSING TIME BY INTERVAL '5' SECOND;
ADVANCE PROCESSING TIME TO '2026-01-01 00:00:04';
EXPECT revenue ROWS 0;

TEST 'syntax' FOR 'jobs/revenue.sql';
RESTART FROM CHECKPONT;
IDLE PARTITION x;

TEST 'syntax' FOR 'jobs/revenue.sql';
EXPECT ERROR 'E9999' IN (SELECT 1);
EXPECT FAILURE 'E07000';
EXPECT FAILURE 'W0401';
EXPECT FAILURE 'e0700';
EXPECT ERROR 'W0401' IN (SELECT 1);
EXPECT WARNING 'E0202' IN (SELECT 1);
EXPECT WARNING 'W9999' IN (SELECT 1);

-- What is no step hides nothing of the others, nor of the tests around.
TEST 'steps' FOR 'jobs/revenue.sql';
GIVNE orders VALUES (1, 1.0, '2026-01-01 00:00:00');
GIVEN orders VALUES (1, 'one', '2026-01-01 00:00:00');
EXPECT revenu ROWS 0;
EXPECT revenue ROW 0;

TEST 'settings' FOR 'jobs/revenue.sql';
SET 'paralelism.default' = '2';
EXPECT revenu ROWS 0;

TEST no name;
GIVEN nothing VALUES (1);
