-- Made-up orders, ten per second. For a topic write 'connector' = 'kafka' with 'topic', 'properties.bootstrap.servers' and 'format'.
CREATE TABLE orders (
  order_id BIGINT,
  product_id INT,
  quantity INT,
  order_time TIMESTAMP(3),
  WATERMARK FOR order_time AS order_time - INTERVAL '5' SECOND
) WITH (
  'connector'             = 'datagen',
  'rows-per-second'       = '10',
  'fields.product_id.min' = '1',
  'fields.product_id.max' = '3',
  'fields.quantity.min'   = '1',
  'fields.quantity.max'   = '9'
);
