-- Protobuf messages, described by a .proto file, become others whose schema is in a Confluent registry. Exactly once.
--   millstream run sql-examples/protobuf-orders.sql -D BROKERS=localhost:9092 -D REGISTRY=http://localhost:8081 -D PROTO=sql-examples/order.proto
-- A timestamp is a message of seconds and nanos, as in Flink; the registry's format knows it as one.

CREATE TABLE orders (
  id BIGINT,
  customer STRING,
  items ARRAY<ROW<sku STRING, quantity INT, price DOUBLE>>,
  status STRING,
  placed_at ROW<seconds BIGINT, nanos INT>
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'orders',
  'properties.bootstrap.servers' = '${BROKERS}',
  'scan.startup.mode'            = 'earliest-offset',
  'format'                       = 'protobuf',
  'protobuf.message-class-name'  = 'com.example.Order',
  'protobuf.descriptor'          = '${PROTO}'
);

CREATE TABLE paid_orders (
  id BIGINT NOT NULL,
  customer STRING,
  first_item ROW<sku STRING, quantity INT, price DOUBLE>,
  placed_at TIMESTAMP_LTZ(3)
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'paid-orders',
  'properties.bootstrap.servers' = '${BROKERS}',
  'sink.delivery-guarantee'      = 'exactly-once',
  'format'                       = 'proto-registry',
  'proto-registry.url'           = '${REGISTRY}'
);

INSERT INTO paid_orders
SELECT id, customer, items[1], TO_TIMESTAMP_LTZ(placed_at.seconds * 1000 + placed_at.nanos / 1000000, 3)
FROM orders
WHERE status = 'PAID' AND id IS NOT NULL;
