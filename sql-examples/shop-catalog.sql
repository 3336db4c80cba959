-- A catalog in a directory: its tables and views are there for other files, too. Run it, then a file with only the first two statements
-- and SELECT * FROM page_views; the catalog may lie in a bucket as well ('path' = 's3://lake/catalogs/shop').
--   millstream run sql-examples/shop-catalog.sql

CREATE CATALOG shop WITH ('type' = 'filesystem', 'path' = 'catalogs/shop');
USE CATALOG shop;

-- Whoever comes first makes them.
CREATE TABLE IF NOT EXISTS clicks (
  user_id BIGINT,
  page STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector'          = 'datagen',
  'number-of-rows'     = '1000',
  'fields.user_id.min' = '1',
  'fields.user_id.max' = '50',
  'fields.page.length' = '1'
);

CREATE VIEW IF NOT EXISTS known_clicks AS
SELECT user_id, page, ts FROM clicks WHERE user_id > 10;

CREATE TABLE IF NOT EXISTS page_views (
  window_end TIMESTAMP(3),
  page STRING,
  views BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'out/page_views', 'format' = 'json');

INSERT INTO page_views
SELECT window_end, page, COUNT(*)
FROM TABLE(TUMBLE(TABLE known_clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, page;
