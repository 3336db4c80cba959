CREATE TABLE history (id BIGINT, day DATE, amount DECIMAL(10, 2), note STRING, ts TIMESTAMP(3), `file.size` BIGINT METADATA VIRTUAL) WITH ('connector' = 'filesystem', 'path' = 'history', 'format' = 'parquet');
-- What statistics can tell is told to the source; the filter stays.
EXPLAIN SELECT id FROM history WHERE id > 100 AND day = DATE '2024-01-31' AND 5 >= amount AND note IS NOT NULL AND CHAR_LENGTH(note) > 3 AND `file.size` > 1 AND (id = 3 OR id = 4);
EXPLAIN SELECT id FROM history WHERE ts BETWEEN TIMESTAMP '2024-01-01 00:00:00' AND TIMESTAMP '2024-01-02 00:00:00';
-- A second reader needs the rows that the first leaves out.
CREATE TABLE o (id BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN STATEMENT SET BEGIN
INSERT INTO o SELECT id FROM history WHERE id > 100;
INSERT INTO o SELECT id FROM history;
END;
-- Rows that are not read would not move the watermark.
CREATE TABLE timed (WATERMARK FOR ts AS ts) LIKE history;
EXPLAIN SELECT id FROM timed WHERE id > 100;
