-- Event time: watermarks, late rows, restarts.

TEST 'state survives a crash before any checkpoint, and a restart' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
GIVEN orders (id, amount, ts) VALUES (1, 10.0, '2026-01-01 00:00:05'), (2, 20, '2026-01-01 00:00:50');
CRASH;
EXPECT NO MORE ROWS IN revenue;
RESTART FROM CHECKPOINT;
ADVANCE WATERMARK orders TO '2026-01-01 00:00:59.998';
EXPECT revenue ROWS 0;
ADVANCE WATERMARK orders TO '2026-01-01 00:00:59.999';
EXPECT revenue VALUES ('2026-01-01 00:00:00', 30.0, 2);
-- What was committed is not there twice.
CRASH;
FINISH;
EXPECT NO MORE ROWS;
EXPECT TABLE revenue (orders) VALUES (2);

TEST 'a row behind the watermark is late after a restore as before' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
GIVEN orders VALUES (1, 1.0, '2026-01-01 00:02:00'), (2, 1.0, '2026-01-01 00:00:59'), (3, 1.0, '2026-01-01 00:01:57');
RESTART FROM CHECKPOINT;
GIVEN orders VALUES (4, 1.0, '2026-01-01 00:00:01'), (5, 1.0, '2026-01-01 00:01:01');
CRASH;
EXPECT LATE orders (id) VALUES (2), (4);
EXPECT LATE orders ROWS 0;
FINISH;
EXPECT revenue VALUES ('2026-01-01 00:01:00', 2.0, 2), ('2026-01-01 00:02:00', 1.0, 1);
EXPECT NO MORE ROWS IN revenue;

TEST 'each partition has a watermark of its own' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
GIVEN orders PARTITION 0 VALUES (1, 1.0, '2026-01-01 00:00:30'), (2, 1.0, '2026-01-01 00:05:00');
GIVEN orders PARTITION 1 VALUES (3, 1.0, '2026-01-01 00:00:31');
EXPECT revenue ROWS 0;
GIVEN orders PARTITION 1 VALUES (4, 1.0, '2026-01-01 00:01:30');
EXPECT revenue (window_start, orders) VALUES ('2026-01-01 00:00:00', 2);
ADVANCE WATERMARK orders PARTITION 1 TO '2026-01-01 00:03:00';
EXPECT revenue (window_start, orders) VALUES ('2026-01-01 00:01:00', 1);
-- Late in partition 0, in time in partition 1.
GIVEN orders PARTITION 0 VALUES (5, 1.0, '2026-01-01 00:03:10');
GIVEN orders PARTITION 1 VALUES (6, 1.0, '2026-01-01 00:03:10');
FINISH;
EXPECT LATE orders VALUES (5, 1.0, '2026-01-01 00:03:10');
EXPECT revenue (window_start, orders) VALUES ('2026-01-01 00:03:00', 1), ('2026-01-01 00:05:00', 1);

TEST 'an idle partition holds nobody back until it has rows again' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
GIVEN orders PARTITION 0 VALUES (1, 1.0, '2026-01-01 00:00:30'), (2, 1.0, '2026-01-01 00:05:00');
EXPECT revenue ROWS 0;
IDLE PARTITION 1;
EXPECT revenue (window_start) VALUES ('2026-01-01 00:00:00');
CRASH;
GIVEN orders PARTITION 1 VALUES (3, 1.0, '2026-01-01 00:04:59');
GIVEN orders PARTITION 0 VALUES (4, 1.0, '2026-01-01 00:10:00');
EXPECT revenue ROWS 0;
IDLE orders PARTITION 1;
EXPECT revenue (window_start, orders) VALUES ('2026-01-01 00:04:00', 1), ('2026-01-01 00:05:00', 1);

TEST 'a watermark of many partitions comes through at once' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
GIVEN orders PARTITION 9 VALUES (1, 1.0, '2026-01-01 00:00:30');
EXPECT revenue ROWS 0;
ADVANCE WATERMARK orders TO '2026-01-01 00:01:00';
EXPECT revenue (orders) VALUES (1);

TEST 'state is small' FOR 'jobs/revenue.sql' WITH ('TOPIC' = 'orders');
EXPECT STATE <= 200 BYTES;
GIVEN orders VALUES (1, 1.0, '2026-01-01 00:00:30');
EXPECT STATE <= 4096 BYTES;
