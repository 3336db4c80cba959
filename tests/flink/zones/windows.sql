SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE events (
  k INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clock_changes.json', 'format' = 'json');

SELECT window_start, window_end, COUNT(*) AS n, MIN(ts) AS lo, MAX(ts) AS hi
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, k, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end, window_time, k;
SELECT window_start, window_end, window_time, SUM(ms) AS total
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '30' MINUTE, INTERVAL '2' HOURS)) GROUP BY window_start, window_end, window_time;
SELECT k, ts, window_start, window_end, window_time
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' MINUTE, INTERVAL '10' MINUTE));
CREATE VIEW half_hours AS
SELECT k, window_start AS half_start, window_end AS half_end, window_time AS half_time, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' MINUTE)) GROUP BY k, window_start, window_end, window_time;
SELECT window_start, window_end, window_time, SUM(n) AS n
FROM TABLE(TUMBLE(TABLE half_hours, DESCRIPTOR(half_time), INTERVAL '3' HOURS)) GROUP BY window_start, window_end, window_time;
SELECT half_start, half_end, MAX(n) AS most FROM half_hours GROUP BY half_start, half_end;
