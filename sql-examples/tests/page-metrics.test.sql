-- What sql-examples/page-metrics.sql promises, without a broker and without waiting:
--   millstream test sql-examples

TEST 'a window is shown once all partitions are past it' FOR '../page-metrics.sql' WITH (
  'BROKERS' = 'none',
  'OUT'     = 'none'
);
GIVEN clickstream PARTITION 0 (user_id, page, event_timestamp)
VALUES
  (1, '/home', '2026-01-01 10:00:00'),
  (1, '/home', '2026-01-01 10:04:59.999'),
  (2, '/cart', '2026-01-01 10:05:00');
GIVEN clickstream PARTITION 1 (user_id, page, event_timestamp)
VALUES (3, '/home', '2026-01-01 10:01:00');
ADVANCE WATERMARK clickstream PARTITION 0 TO '2026-01-01 10:05:00';
EXPECT page_metrics ROWS 0;
ADVANCE WATERMARK clickstream PARTITION 1 TO '2026-01-01 10:05:00';
EXPECT page_metrics
VALUES ('2026-01-01 10:00:00', '2026-01-01 10:05:00', '/home', 3, 2);
FINISH;
EXPECT page_metrics (page, view_count) VALUES ('/cart', 1);
EXPECT NO MORE ROWS IN page_metrics;

TEST 'a crash neither loses nor doubles a view' FOR '../page-metrics.sql' WITH (
  'BROKERS' = 'none',
  'OUT'     = 'none'
);
GIVEN clickstream (user_id, page, action, event_timestamp)
VALUES (1, '/home', 'view', '2026-01-01 10:00:00');
CHECKPOINT;
GIVEN clickstream (user_id, page, action, event_timestamp)
VALUES (2, '/home', 'view', '2026-01-01 10:00:01');
CRASH;
FINISH;
EXPECT page_metrics (page, view_count, unique_users) VALUES ('/home', 2, 2);
-- Ten windows of ten minutes, one each minute, hold these views.
EXPECT action_metrics (view_count, unique_users)
VALUES (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2);

TEST 'a row that comes too late is left out' FOR '../page-metrics.sql' WITH (
  'BROKERS' = 'none',
  'OUT'     = 'none'
);
GIVEN clickstream (user_id, page, event_timestamp)
VALUES
  (1, '/home', '2026-01-01 10:00:00'),
  (1, '/home', '2026-01-01 10:20:05'),
  (9, '/late', '2026-01-01 10:04:59');
RESTART FROM CHECKPOINT;
GIVEN clickstream (user_id, page, event_timestamp)
VALUES (8, '/late too', '2026-01-01 10:00:00');
EXPECT LATE clickstream (page) VALUES ('/late'), ('/late too');
FINISH;
EXPECT page_metrics (page) VALUES ('/home'), ('/home');
