-- Windows over the clock, which stands still unless a step moves it.
CREATE TABLE requests (path STRING, arrived AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = 'nowhere', 'format' = 'json');
CREATE TABLE per_minute (window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
INSERT INTO per_minute SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE requests, DESCRIPTOR(arrived), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;

TEST 'windows follow the clock';
SET now = '2026-03-01 12:00:30';
GIVEN requests VALUES ('/'), ('/a');
ADVANCE PROCESSING TIME BY INTERVAL '20' SECOND;
GIVEN requests VALUES ('/b');
EXPECT per_minute ROWS 0;
ADVANCE PROCESSING TIME BY INTERVAL '10' SECOND;
EXPECT per_minute VALUES ('2026-03-01 12:00:00', '2026-03-01 12:01:00', 3);
GIVEN requests VALUES ('/c');
RESTART FROM CHECKPOINT;
ADVANCE PROCESSING TIME TO '2026-03-01 12:02:00';
EXPECT per_minute (n) VALUES (1);
GIVEN requests VALUES ('/d');
FINISH;
EXPECT per_minute (window_start, n) VALUES ('2026-03-01 12:02:00', 1);

TEST 'the same on the walls of a town';
SET 'table.local-time-zone' = 'Europe/Berlin';
SET now = '2026-03-01 13:00:30';
GIVEN requests VALUES ('/');
FINISH;
EXPECT per_minute (window_start) VALUES ('2026-03-01 13:00:00');

TEST 'the end right behind a move of the clock';
SET now = '2026-03-01 12:00:30';
GIVEN requests VALUES ('/'), ('/a');
GIVEN requests PARTITION 1 VALUES ('/b');
GIVEN requests PARTITION 2 VALUES ('/c');
ADVANCE PROCESSING TIME BY INTERVAL '20' SECOND;
FINISH;
EXPECT per_minute (n) VALUES (4);
