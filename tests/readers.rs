//! Files that others read: PyArrow and DuckDB, from the Python registry, see in our Parquet what was written.

use crate::harness::{millstream, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 2] = ["pyarrow==26.0.1", "duckdb==2.0.1"];

pub(crate) fn trials() -> Vec<Trial> {
    let works = |program: &str, arguments: &[&str]| Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success());
    let missing = !works("python3", &["-c", "import venv, ensurepip"]) && std::env::var_os("CI").is_none();
    if missing {
        eprintln!("the trials readers::* are ignored: Python with venv is not there");
    }
    vec![Trial::test("readers::parquet", || parquet().map_err(|e| Failed::from(format!("{e:#}")))).with_ignored_flag(missing)]
}

/// A Python with the packages; made once, one process at a time.
fn python() -> Result<PathBuf> {
    let home = crate::broker::cache()?.join("python");
    let complete = home.join(".complete");
    std::fs::create_dir_all(&home)?;
    let lock = File::create(home.join(".lock"))?;
    lock.lock()?;
    let wanted = PACKAGES.join("\n");
    let python = home.join("venv/bin/python");
    if std::fs::read_to_string(&complete).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(home.join("venv"));
    succeed(venv)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    succeed(pip)?;
    File::create(complete)?.write_all(wanted.as_bytes())?;
    Ok(python)
}

const JOB: &str = "
CREATE TABLE every (
  b BOOLEAN, t TINYINT, i INT, n BIGINT, f FLOAT, d DOUBLE, c DECIMAL(20, 4), s STRING, bin BYTES, dt DATE, tm TIME(3),
  t3 TIMESTAMP(3), t6 TIMESTAMP(6), ltz TIMESTAMP_LTZ(3), arr ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y ROW<z STRING>>
) WITH ('connector' = 'filesystem', 'path' = 'in.json', 'format' = 'json');
CREATE TABLE plain WITH ('path' = 'plain', 'format' = 'parquet', 'parquet.compression' = 'snappy', 'parquet.block.size' = '1 kb',
  'parquet.bloom-filter.columns' = 'n;s', 'parquet.sort-by' = 's, n DESC') LIKE every (OVERWRITING OPTIONS);
CREATE TABLE parts (n BIGINT, s STRING, dt DATE) PARTITIONED BY (dt)
WITH ('connector' = 'filesystem', 'path' = 'parts', 'format' = 'parquet');
INSERT INTO plain SELECT * FROM every;
INSERT INTO parts SELECT n, s, dt FROM every;
";

const ROWS: &str = r#"{"b":true,"t":-128,"i":2147483647,"n":-9223372036854775807,"f":1.5,"d":-2.25,"c":-1234567890123456.7891,"s":"naïve \"text\"","bin":"AAEC","dt":"1969-07-20","tm":"23:59:59.123","t3":"1969-12-31 23:59:59.999","t6":"2024-02-29 12:00:00.123456","ltz":"2024-02-29 12:00:00.5Z","arr":[1,null,3],"m":{"k":7},"r":{"x":1,"y":{"z":"deep"}}}
{"n":1,"s":"","dt":"2024-02-29"}
"#;

/// What a program prints of each row, in order of `n`.
const PYARROW: &str = "
import glob, pyarrow.dataset as ds, pyarrow.parquet as pq
table = ds.dataset('plain', format='parquet').to_table().sort_by('n')
for row in table.to_pylist():
    print(row)
parts = ds.dataset('parts', format='parquet', partitioning='hive').to_table().sort_by('n')
for row in parts.to_pylist():
    print(row)
print(pq.read_metadata(glob.glob('plain/*.parquet')[0]).row_group(0).sorting_columns)
";

const PYARROW_READS: &str = r#"{'b': True, 't': -128, 'i': 2147483647, 'n': -9223372036854775807, 'f': 1.5, 'd': -2.25, 'c': Decimal('-1234567890123456.7891'), 's': 'naïve "text"', 'bin': b'\x00\x01\x02', 'dt': datetime.date(1969, 7, 20), 'tm': datetime.time(23, 59, 59, 123000), 't3': datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), 't6': datetime.datetime(2024, 2, 29, 12, 0, 0, 123456), 'ltz': datetime.datetime(2024, 2, 29, 12, 0, 0, 500000, tzinfo=zoneinfo.ZoneInfo(key='UTC')), 'arr': [1, None, 3], 'm': [('k', 7)], 'r': {'x': 1, 'y': {'z': 'deep'}}}
{'b': None, 't': None, 'i': None, 'n': 1, 'f': None, 'd': None, 'c': None, 's': '', 'bin': None, 'dt': datetime.date(2024, 2, 29), 'tm': None, 't3': None, 't6': None, 'ltz': None, 'arr': None, 'm': None, 'r': None}
{'n': -9223372036854775807, 's': 'naïve "text"', 'dt': '1969-07-20'}
{'n': 1, 's': '', 'dt': '2024-02-29'}
(SortingColumn(column_index=7, descending=False, nulls_first=True), SortingColumn(column_index=3, descending=True, nulls_first=False))
"#;

const DUCKDB_READS: &str = r#"[(-9223372036854775807, Decimal('-1234567890123456.7891'), 'naïve "text"', datetime.date(1969, 7, 20), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), datetime.datetime(2024, 2, 29, 12, 0, 0, 123456), '2024-02-29 12:00:00.5+00', [1, None, 3], {'k': 7}, 'deep'), (1, None, '', datetime.date(2024, 2, 29), None, None, None, None, None, None)]
[(1,)]
[(-9223372036854775807, 'naïve "text"', datetime.date(1969, 7, 20)), (1, '', datetime.date(2024, 2, 29))]
"#;

const DUCKDB: &str = "
import duckdb
connection = duckdb.connect()
connection.execute(\"SET TimeZone = 'UTC'\")
print(connection.execute(\"SELECT n, c, s, dt, t3, t6, ltz::VARCHAR, arr, m, r.y.z FROM 'plain/*.parquet' ORDER BY n\").fetchall())
print(connection.execute(\"SELECT n FROM 'plain/*.parquet' WHERE s = '' AND n = 1\").fetchall())
print(connection.execute(\"SELECT n, s, dt FROM read_parquet('parts/**/*.parquet', hive_partitioning = true) ORDER BY n\").fetchall())
";

fn ask(directory: &Path, program: &str) -> Result<String> {
    let mut command = Command::new(python()?);
    command.arg("-c").arg(program).current_dir(directory);
    succeed(command).context("the reader failed")
}

fn parquet() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("in.json"), ROWS)?;
    std::fs::write(directory.path().join("job.sql"), JOB)?;
    let mut job = millstream(directory.path())?;
    job.args(["run", "job.sql"]);
    succeed(job)?;
    let read = ask(directory.path(), PYARROW)?;
    ensure!(read == PYARROW_READS, "PyArrow reads\n{read}");
    let read = ask(directory.path(), DUCKDB)?;
    ensure!(read == DUCKDB_READS, "DuckDB reads\n{read}");
    Ok(())
}
