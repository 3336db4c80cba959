TEST 'late row within allowed lateness corrects the window' FOR 'jobs/revenue.sql';
GIVEN orders PARTITION 0 (id, amount, ts) VALUES (1, 10.0, '2026-01-01 00:00:05'), (2, 20.0, '2026-01-01 00:00:50');
advance WATERMARK orders TO '2026-01-01 00:01:00';      -- or ADVANCE PROCESSING TIME BY INTERVAL '5' SECOND
EXPECT revenue (window_start, total) VALUES ('2026-01-01 00:00:00', 30.0);
RESTART FROM CHECKPOINT;                                -- or CRASH; state must survive
GIVEN orders (id, amount, ts) VALUES (3, 5.0, '2026-01-01 00:00:59');
EXPECT CHANGES revenue VALUES ('-U','2026-01-01 00:00:00',30.0), ('+U','2026-01-01 00:00:00',35.0);
EXPECT LATE orders ROWS 0;  EXPECT STATE <= 4096 BYTES;
FINISH;                                                 -- watermark to +infinity, drain
EXPECT NO MORE ROWS IN revenue;
given t FROM 'fixtures/a.jsonl'; GIVEN t RAW '{bad json'; set now = timestamp '2026-01-01 00:00:00';
TEST 'unknown column is reported' EXPECT ERROR 'E0201' AT 1:8 IN (SELECT amout FROM orders where id in (select id from a_rather_long_table_name where x = 1));
