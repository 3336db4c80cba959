-- Changes of a database's table, as Debezium writes them to Kafka: the stock that is left, as it changes.
--   millstream run sql-examples/product-changes.sql -D BROKERS=localhost:9092
-- Updates are two rows: what was there, and what is there now. The topic `stock` gets them in the same format; reading it gives the same table.

CREATE TABLE products (
  id INT,
  name STRING,
  stock INT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'inventory.products',
  'properties.bootstrap.servers' = '${BROKERS}',
  'value.format'                 = 'debezium-json',
  'scan.startup.mode'            = 'earliest-offset',
  'on-error'                     = 'skip'
);

CREATE TABLE low_stock (
  id INT,
  name STRING,
  stock INT
) WITH (
  'connector'                    = 'kafka',
  'topic'                        = 'low-stock',
  'properties.bootstrap.servers' = '${BROKERS}',
  'value.format'                 = 'debezium-json'
);

INSERT INTO low_stock
SELECT id, name, stock FROM products WHERE stock < 10;
