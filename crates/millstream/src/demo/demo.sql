-- Orders of a café, made as they are read: a thousand per second.
CREATE TABLE orders (
  product_id INT,
  quantity INT,
  order_time TIMESTAMP(3),
  product AS ARRAY['coffee', 'tea', 'cocoa', 'water'][product_id],
  WATERMARK FOR order_time AS order_time - INTERVAL '1' SECOND
) WITH (
  'connector'             = 'datagen',
  'rows-per-second'       = '1000',
  'fields.product_id.min' = '1',
  'fields.product_id.max' = '4',
  'fields.quantity.min'   = '1',
  'fields.quantity.max'   = '5'
);

-- What was sold per second, as soon as the second is over.
SELECT window_end, product, COUNT(*) AS orders, SUM(quantity) AS pieces
FROM TUMBLE(TABLE orders, DESCRIPTOR(order_time), INTERVAL '1' SECOND)
GROUP BY window_start, window_end, product;
