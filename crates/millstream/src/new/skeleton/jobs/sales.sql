INSERT INTO sales
SELECT window_start, window_end, product_id, COUNT(*), SUM(quantity)
FROM TUMBLE(TABLE orders, DESCRIPTOR(order_time), INTERVAL '10' SECOND)
GROUP BY window_start, window_end, product_id;
