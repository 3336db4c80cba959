-- One table by the clock and by its event time: two readers. Two windows by the clock, one of them through a view: one reader.
CREATE TABLE clicks (id BIGINT, ts TIMESTAMP(3), arrived AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'datagen');
CREATE VIEW arrivals AS SELECT id, arrived AS at FROM clicks WHERE id > 7;
CREATE TABLE counts (w TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE rows_seen (id BIGINT, arrived TIMESTAMP_LTZ(3)) WITH ('connector' = 'blackhole');

INSERT INTO counts SELECT window_end, COUNT(*) FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
INSERT INTO counts SELECT window_end, COUNT(*) FROM TUMBLE(TABLE clicks, DESCRIPTOR(arrived), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
INSERT INTO counts SELECT window_end, COUNT(*) FROM HOP(TABLE arrivals, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '1' MINUTE)
GROUP BY window_start, window_end;
INSERT INTO rows_seen SELECT id, arrived FROM clicks;
