-- Orders with nested columns into Avro files: each order once, files whole.
--   millstream run sql-examples/avro-archive.sql
-- To look at them: the table `archive` in `millstream sql`, and SELECT item.name, COUNT(*) FROM archive GROUP BY item.name;

CREATE TABLE orders (
  id BIGINT,
  item ROW<name STRING, price DECIMAL(8, 2)>,
  tags ARRAY<STRING>,
  ordered_at TIMESTAMP(3)
) WITH (
  'connector'                  = 'datagen',
  'fields.id.kind'             = 'sequence',
  'fields.id.start'            = '1',
  'fields.id.end'              = '1000',
  'fields.item.name.length'    = '1',
  'fields.item.price.min'      = '1',
  'fields.item.price.max'      = '99',
  'fields.tags.length'         = '2',
  'fields.tags.element.length' = '4'
);

CREATE TABLE archive (
  id BIGINT,
  item ROW<name STRING, price DECIMAL(8, 2)>,
  tags ARRAY<STRING>,
  ordered_at TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = 'out/archive', 'format' = 'avro');

INSERT INTO archive
SELECT id, item, tags, ordered_at FROM orders;
