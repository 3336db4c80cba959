-- A text without an end hides what stands behind it, and nothing before.
TEST 'passes' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 1.0, '2026-01-01 00:00:05');
EXPECT ids VALUES (1, 100);

TEST 'open' FOR 'jobs/revenue.sql';
GIVEN ordrs VALUES (1, 1.0, '2026-01-01 00:00:05');
GIVEN orders VALUES (1, 1.0, '2026-01-01 00:00:05);
EXPECT ids VALUES (1, 100);

TEST 'behind' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 1.0, '2026-01-01 00:00:05');
EXPECT ids VALUES (1, 100);
