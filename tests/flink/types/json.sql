CREATE TABLE t (
  b BOOLEAN, ti TINYINT, si SMALLINT, i INT, bi BIGINT, f FLOAT, d DOUBLE, `dec` DECIMAL(10, 3), s STRING, c CHAR(2), dt DATE, tm TIME(0),
  t3 TIMESTAMP(3), t0 TIMESTAMP(0), t6 TIMESTAMP(6), t9 TIMESTAMP(9), ltz TIMESTAMP_LTZ(3), bin BYTES, arr ARRAY<INT>, m MAP<STRING, INT>,
  r ROW<a INT, n ROW<z STRING>>, ra ARRAY<ROW<q INT>>
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/types.json', 'format' = 'json');
SELECT b, ti, si, i, bi, f, d, `dec`, s, c, dt, tm FROM t;
SELECT t3, t0, t6, t9, ltz, bin FROM t;
SELECT arr, m, r, ra FROM t;
SELECT r.a, r.n.z, t.r.n, arr[1], m['x'] FROM t;
