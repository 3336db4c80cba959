-- What is sold, per product and 10 seconds of the orders' own time.
CREATE TABLE sales (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  product_id INT,
  orders BIGINT,
  pieces INT
) WITH ('connector' = 'filesystem', 'path' = '${OUT}/sales', 'format' = 'parquet');
