-- Only what is read is decoded: unused columns go, and of a ROW only the fields that are named.
CREATE TABLE t (id BIGINT, r ROW<a INT, b ROW<c STRING, d STRING>, e INT>, arr ARRAY<INT>, m MAP<STRING, INT>, unused STRING, at_ BIGINT,
  ts AS TO_TIMESTAMP_LTZ(at_, 3), off BIGINT METADATA FROM 'offset' VIRTUAL, topic STRING METADATA, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json');
EXPLAIN SELECT r.b.c FROM t WHERE r.a > 1;
EXPLAIN SELECT r, arr[1], m['x'] FROM t;
EXPLAIN SELECT off FROM t;
EXPLAIN SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
EXPLAIN SELECT 1 FROM t;
