-- Payments in JSON whose JSON Schema is in a Confluent registry; those of 1000 and more go to another topic. Exactly once.
--   millstream run sql-examples/registry-payments.sql -D BROKERS=localhost:9092 -D REGISTRY=http://localhost:8081
-- The schema says what the numbers of dates and times are; the one of large-payments is registered when the first row is written.

CREATE TABLE payments (
  id BIGINT NOT NULL,
  account STRING,
  amount DECIMAL(12, 2),
  paid_at TIMESTAMP_LTZ(3)
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'payments',
  'properties.bootstrap.servers' = '${BROKERS}',
  'scan.startup.mode'            = 'earliest-offset',
  'format'                       = 'json-registry',
  'json-registry.url'            = '${REGISTRY}'
);

CREATE TABLE large_payments WITH (
  'topic'                   = 'large-payments',
  'sink.delivery-guarantee' = 'exactly-once'
) LIKE payments;

INSERT INTO large_payments
SELECT * FROM payments WHERE amount >= 1000;
