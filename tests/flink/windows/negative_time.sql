CREATE TABLE t (k STRING, v BIGINT, event_timestamp TIMESTAMP(3), WATERMARK FOR event_timestamp AS event_timestamp)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/negative.json', 'format' = 'json');
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(event_timestamp), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*) FROM TABLE(HOP(TABLE t, DESCRIPTOR(event_timestamp), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
