-- What the plainest way does not show.
TEST 'an order that is there at parallelism 1 only' FOR 'jobs/revenue.sql';
GIVEN orders PARTITION 0 VALUES (1, 1.0, '2026-01-01 00:00:05');
GIVEN orders PARTITION 1 VALUES (2, 2.0, '2026-01-01 00:00:05');
GIVEN orders PARTITION 0 VALUES (3, 1.0, '2026-01-01 00:00:05');
EXPECT ids (id) VALUES (1), (2), (3) ORDERED;

TEST 'rows of a partition that was said to be idle' FOR 'jobs/revenue.sql';
GIVEN orders PARTITION 0 VALUES (1, 1.0, '2026-01-01 00:00:30');
GIVEN orders PARTITION 1 VALUES (2, 1.0, '2026-01-01 00:00:31');
IDLE PARTITION 1;
GIVEN orders PARTITION 0 VALUES (3, 1.0, '2026-01-01 00:05:00');
-- In time or not: that depends on when it is read.
GIVEN orders PARTITION 1 VALUES (4, 1.0, '2026-01-01 00:00:40');
FINISH;
EXPECT ids ROWS 4;
