TEST 'sales per product and ten seconds' FOR '../jobs/sales.sql' WITH ('OUT' = 'out');
GIVEN orders (order_id, product_id, quantity, order_time)
VALUES (1, 1, 2, '2026-01-01 00:00:01'), (2, 1, 3, '2026-01-01 00:00:09'), (3, 2, 1, '2026-01-01 00:00:09');
-- The window is over once the watermark has passed its end.
ADVANCE WATERMARK orders TO '2026-01-01 00:00:10';
EXPECT sales
VALUES
  ('2026-01-01 00:00:00', '2026-01-01 00:00:10', 1, 2, 5),
  ('2026-01-01 00:00:00', '2026-01-01 00:00:10', 2, 1, 1);
-- What comes then is late.
GIVEN orders (order_id, product_id, quantity, order_time)
VALUES (4, 1, 9, '2026-01-01 00:00:05');
EXPECT LATE orders ROWS 1;
FINISH;
EXPECT NO MORE ROWS IN sales;
