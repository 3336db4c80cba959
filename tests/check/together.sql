-- An option is wrong, and a type, and much beside them: all of it is told at once.
CREATE TABLE clicks (
  id BIGINT, page STRING, ts TIMESTAMP(3), part INT METADATA FROM 'partition', WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen', 'number-of-row' = '3');
CREATE TABLE pages (page STRING, clicks BIGINT) WITH ('connector' = 'print');
CREATE TABLE users (id BIGINTT, name STRNG, WATERMARK FOR id AS id) WITH ('connector' = 'blackhol');

SELECT idd, pag, UPPR(page) FROM clicks WHERE nme = 'a' AND LOWR(pge) = 'b';
SELECT window_start, pag, SUMM(idd) FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, pagee;
SELECT window_start, page, id FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
SELECT CASE WHEN a THEN b ELSE c END, page BETWEEN d AND e FROM clicks UNION ALL SELECT f, g FROM clicks;
SELECT name FROM users;
INSERT INTO pages (page, clickss, idd) SELECT page, id, id FROM clicks;
INSERT INTO pages SELECT id, page FROM clicks;
INSERT INTO clicks SELECT 1, 'a';
CREATE VIEW v AS SELECT nothing FROM clicks;
SELECT anything FROM v;
CREATE TABLE made (a INTT, b STRING, c AS UPPR(b), d AS a + 1, n INT, WATERMARK FOR e AS e) WITH ('connector' = 'blackhole');
SELECT * FROM made;
SELECT a + 1, c, d, bb, UPPR(b), n || 1 FROM made WHERE aa = 1 AND b;
SELECT window_start, SUMM(n) FROM TUMBLE(TABLE made, DESCRIPTOR(d), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
INSERT INTO made SELECT 1, 'a', 2, 3;
INSERT INTO made SELECT 'any', 1, TRUE;
INSERT INTO made (a, bb) SELECT b, n FROM made;
