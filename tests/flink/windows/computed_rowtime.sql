CREATE TABLE c (
  user_id BIGINT, action STRING, event_timestamp STRING, qty INT,
  rt AS TO_TIMESTAMP(event_timestamp),
  double_qty AS qty * 2,
  WATERMARK FOR rt AS rt - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.json', 'format' = 'json');
SELECT window_start, window_end, action, COUNT(*), SUM(double_qty) FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(rt), INTERVAL '1' MINUTES)) GROUP BY window_start, window_end, action;
