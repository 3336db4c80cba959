//! The `filesystem` connector: files of a directory or a prefix of an object store.
//!
//! What is not committed never matches a plain listing of `*.parquet`: local files are staged under `.staging/` and linked to their final
//! names at commit; on object stores multipart uploads stay open until then, and small files travel in the checkpoint.

mod blocks;
mod commit;
mod compaction;
mod compressed;
mod partition;
mod partition_commit;
mod partition_time;
mod reader;
mod rolling;
mod sink;
mod writer;

use crate::ConnectorContext;
use crate::pattern::whole;
use crate::scan::{
    ALIGNMENT_DRIFT, ALIGNMENT_GROUP, ALIGNMENT_INTERVAL, ON_ERROR, ON_ERROR_TABLE, ON_LATE, ON_LATE_TABLE, PARALLELISM, SINK_PARALLELISM, SKEW,
};
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_dataflow::{ConnectorSpec, Error, MetadataColumn, Result, Schema, Sink, Source, SqlType, TableSpec};
use millstream_store::{azure, gcs, s3};
use std::sync::Arc;

const PATH: OptionSpec = OptionSpec::new(
    "path",
    OptionType::Text,
    "A directory, a file or a place in an object store: s3://, gs://, az://, abfss://. Relative paths start where the program was started.",
)
.required()
.examples(&[
    "out/page_metrics",
    "s3://bucket/metrics",
    "abfss://container@account.dfs.core.windows.net/metrics",
]);
const DEFAULT_PARTITION: OptionSpec = OptionSpec::new(
    "partition.default-name",
    OptionType::Text,
    "Directory name for a partition value that is NULL or empty.",
)
.default("__DEFAULT_PARTITION__");
const MONITOR: OptionSpec = OptionSpec::new(
    "source.monitor-interval",
    OptionType::Duration,
    "How often new files are looked for: the table has no end then. Each is read once, as it is when it is found, so put it there whole (write it elsewhere, then rename it). Without it the files that are there at the start are the table.",
)
.examples(&["10 s"]);
const PATTERN: OptionSpec = OptionSpec::new(
    "source.path.regex-pattern",
    OptionType::Text,
    "Only files are read whose whole paths match: `/data/clicks/a.json`, as in `file.path`.",
)
.examples(&[".*\\.json"]);
const IDLE: OptionSpec = OptionSpec::new(
    "scan.watermark.idle-timeout",
    OptionType::Duration,
    "After how long without data a file stops holding the watermark back.",
);

const fn metadata(key: &'static str, ty: &'static str, doc: &'static str) -> MetadataColumn {
    MetadataColumn { key, ty, writable: false, doc }
}

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "filesystem",
    doc: "Reads the files of a directory, once or as they come, and writes files exactly once: rows become visible with the checkpoint that holds them. Files of text (`json`, `csv`, `debezium-json`, `raw`) whose names end in `.gz`, `.gzip`, `.deflate`, `.bz2`, `.xz` or `.zst` are decompressed as they are read. The columns of PARTITIONED BY are directories, such as `day=2026-01-31/`, both ways.",
    source: true,
    sink: true,
    options: &[
        compaction::AUTO,
        azure::ACCESS_KEY,
        azure::ACCOUNT,
        azure::ENDPOINT,
        azure::SAS_TOKEN,
        compaction::FILE_SIZE,
        gcs::CREDENTIALS,
        gcs::ENDPOINT,
        ON_ERROR,
        ON_ERROR_TABLE,
        ON_LATE,
        ON_LATE_TABLE,
        DEFAULT_PARTITION,
        partition_time::KIND,
        partition_time::FORMATTER,
        partition_time::PATTERN,
        PATH,
        s3::ACCESS_KEY,
        s3::ENDPOINT,
        s3::PATH_STYLE,
        s3::REGION,
        s3::SECRET_KEY,
        PARALLELISM,
        ALIGNMENT_GROUP,
        ALIGNMENT_DRIFT,
        ALIGNMENT_INTERVAL,
        IDLE,
        SKEW,
        SINK_PARALLELISM,
        partition_commit::DELAY,
        partition_commit::POLICY,
        partition_commit::SUCCESS_FILE,
        partition_commit::TRIGGER,
        partition_time::ZONE,
        rolling::CHECK,
        rolling::FILE_SIZE,
        rolling::INACTIVITY,
        rolling::ROLLOVER,
        MONITOR,
        PATTERN,
    ],
    formats: &["avro", "csv", "debezium-json", "json", "parquet", "raw"],
    metadata: &[
        metadata(
            "file.modification-time",
            "TIMESTAMP_LTZ(3) NOT NULL",
            "When the file was last changed, when it was found.",
        ),
        metadata("file.name", "STRING NOT NULL", "The file's name without its directories."),
        metadata(
            "file.path",
            "STRING NOT NULL",
            "Where the file is, without scheme and bucket: `/data/clicks/a.json`, and `/clicks/a.json` of `s3://lake/clicks/a.json`.",
        ),
        metadata("file.size", "BIGINT NOT NULL", "The file's bytes, when it was found."),
    ],
    changes: false,
    ends: |o| !o.contains_key(MONITOR.name),
};

fn format(table: &TableSpec) -> &str {
    table
        .options
        .get("format")
        .or_else(|| table.options.get("value.format"))
        .map_or("", String::as_str)
}

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec) -> Vec<Error> {
    let data = in_files(table);
    let mut errors: Vec<Error> = millstream_formats::check(format(table), &data, &table.options).err().into_iter().collect();
    if table.options.get(PATH.name).is_some_and(|p| p.trim().is_empty()) {
        errors.push(Error::config(format!("option '{}' is empty", PATH.name)).code("E0502"));
    }
    if let Some(path) = table.options.get(PATH.name) {
        errors.extend(millstream_store::open::check(path).err().map(|e| {
            let told = Error::config(format!("option '{}': {}", PATH.name, e.message)).code("E0508");
            told.hint(e.hint.clone().unwrap_or_default())
        }));
        errors.extend(millstream_store::open::check_options(path, &table.options));
    }
    let commit = partition_commit::PartitionCommit::new(table);
    if commit.is_ok() && !table.partition_keys.is_empty() {
        errors.extend(partition_time::PartitionTime::new(table).err());
    }
    errors.extend(commit.err());
    errors.extend(table.options.get(PATTERN.name).and_then(|p| whole(PATTERN.name, p).err()));
    if data.fields.is_empty() {
        errors.push(Error::config("a table needs a column that is in its files: one that is neither a partition column nor metadata").code("E0513"));
    }
    let unfit = |ty: &SqlType| {
        use SqlType as T;
        matches!(ty, T::Array(_) | T::Map(..) | T::Row(_) | T::Multiset(_) | T::Binary(_) | T::VarBinary(_))
    };
    for field in table
        .physical()
        .fields
        .iter()
        .filter(|f| table.partition_keys.contains(&f.name) && unfit(&f.ty))
    {
        let e = Error::config(format!(
            "the partition column \"{}\" is {}, which is no name of a directory",
            field.name, field.ty
        ));
        errors.push(e.code("E0513"));
    }
    errors
}

/// The physical columns but those of the path.
fn in_files(table: &TableSpec) -> Schema {
    let mut all = table.all_physical.clone();
    all.retain(|f| !table.partition_keys.contains(&f.name));
    Schema::new(all)
}

pub fn source(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    Ok(Arc::new(reader::Files::new(table, context)?))
}

/// Asks the store of a table that is written whether it answers, and lets us in.
///
/// # Errors
/// Those of the store.
pub(crate) async fn ask(table: &TableSpec, context: &ConnectorContext) -> Result<()> {
    let path = millstream_dataflow::option::Options::new(&table.options).required(&PATH)?;
    let store = context.host.open(path, &context.directory, &table.options)?;
    // Whether there is such an object is no matter.
    store.head(".millstream").await.map(drop)
}

pub fn sink(table: &TableSpec, _id: &str, context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    // What a writer would say once rows come is told before anything runs.
    millstream_formats::encoder(format(table), &in_files(table), &table.options)?;
    Ok(Arc::new(sink::FileSink::new(table, context)?))
}

#[cfg(test)]
mod tests;
