-- Tests that would pass whatever the job does.
TEST 'no steps' FOR 'jobs/revenue.sql';

TEST 'no EXPECT' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 10.0, '2026-01-01 00:00:05');
FINISH;

TEST 'no EXPECT, and more' FOR 'jobs/revenue.sql';
GIVEN ordrs VALUES (1, 10.0, '2026-01-01 00:00:05');
