CREATE TABLE dead (record BYTES, reason STRING, event_time TIMESTAMP_LTZ(3)) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = 'dead');
CREATE TABLE events (k STRING, ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH (
  'connector' = 'kafka', 'topic' = 'events', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
  'on-error' = 'route', 'on-error.table' = 'dead', 'on-late' = 'route', 'on-late.table' = 'dead'
);
CREATE TABLE counts (window_end TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN INSERT INTO counts
SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE v > 0 GROUP BY window_start, window_end;
-- Nobody's dead letters: a query writes nothing.
EXPLAIN SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
