-- Time that goes back, and time that does not come.
TEST 'a watermark that goes back' FOR 'jobs/revenue.sql';
SET now = 'yesterday';
ADVANCE WATERMARK orders TO '2026-01-01 00:02:00';
EXPECT revenu ROWS 0;

TEST 'watermarks that go back' FOR 'jobs/revenue.sql';
ADVANCE WATERMARK orders PARTITION 1 TO '2026-01-01 00:02:00';
ADVANCE WATERMARK orders TO '2026-01-01 00:01:00';
ADVANCE WATERMARK orders PARTITION 1 TO '2026-01-01 00:01:59';
ADVANCE WATERMARK orders PARTITION 2 TO '2026-01-01 00:00:59';
ADVANCE WATERMARK orders PARTITION 2 TO '2026-01-01 00:01:00';
EXPECT revenue ROWS 0;

TEST 'windows that have not fired' FOR 'jobs/revenue.sql';
SET 'parallelism.default' = '1';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05');
EXPECT revenue VALUES ('2026-01-01 00:00:00', 10.0);
EXPECT revenue ROWS 1;
FINISH;
EXPECT revenue ROWS 2;

TEST 'rows are only added' FOR 'jobs/revenue.sql';
GIVEN CHANGES orders VALUES ('+I', 1, 10.0, '2026-01-01 00:00:05'), ('-D', 1, 10.0, '2026-01-01 00:00:05');
EXPECT revenue ROWS 0;
