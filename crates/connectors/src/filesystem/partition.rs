//! Directories of partitioned tables, in Hive's form: `day=2026-01-01/page=home`; and what else is known of a row's file.

use super::DEFAULT_PARTITION;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray, TimestampMillisecondArray, UInt32Array};
use arrow_select::take::take;
use millstream_dataflow::option::Options;
use millstream_dataflow::{BadRecord, Batch, ColumnKind, Error, Result, Schema, TableColumn, TableSpec};
use millstream_formats::render::text_value;
use millstream_formats::value_of_text;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How rows find their directory and back, and which columns are in the files.
#[derive(Debug, Clone)]
pub(super) struct Partitioning {
    /// Partition columns among the table's, in the order of PARTITIONED BY; those that nobody reads are left out.
    keys: Vec<usize>,
    /// Metadata columns, and their keys.
    facts: Vec<(usize, String)>,
    data: Vec<usize>,
    schema: Schema,
    default_name: String,
}

impl Partitioning {
    pub(super) fn new(table: &TableSpec) -> Self {
        let schema = table.schema();
        let keys: Vec<usize> = table.partition_keys.iter().filter_map(|name| schema.index_of(name)).collect();
        let fact = |(i, c): (usize, &TableColumn)| match &c.kind {
            ColumnKind::Physical => None,
            ColumnKind::Metadata(key) => Some((i, key.clone())),
        };
        let facts: Vec<(usize, String)> = table.columns.iter().enumerate().filter_map(fact).collect();
        let data = (0..schema.fields.len())
            .filter(|i| !keys.contains(i) && !facts.iter().any(|(fact, _)| fact == i))
            .collect();
        Partitioning {
            keys,
            facts,
            data,
            schema,
            default_name: Options::new(&table.options).text(&DEFAULT_PARTITION).unwrap_or_default().to_string(),
        }
    }
    /// The columns of the files.
    pub(super) fn data_schema(&self) -> Schema {
        Schema::new(self.data.iter().map(|i| self.schema.fields[*i].clone()).collect())
    }
    pub(super) fn is_partitioned(&self) -> bool {
        !self.keys.is_empty()
    }
    /// The rows by directory (empty without partitions), without their partition columns.
    pub(super) fn split(&self, batch: &Batch) -> Result<Vec<(String, Batch)>> {
        if self.keys.is_empty() {
            return Ok(vec![(String::new(), batch.clone())]);
        }
        let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let mut path = String::new();
            for key in &self.keys {
                let field = &self.schema.fields[*key];
                let column = batch.column(*key);
                let value = if arrow_array::Array::is_null(column, row) {
                    String::new()
                } else {
                    text_value(column, row, field)
                };
                let value = if value.is_empty() { self.default_name.clone() } else { escape(&value) };
                path += &format!("{}={value}/", escape(&field.name));
            }
            rows.entry(path).or_default().push(row as u32);
        }
        rows.into_iter()
            .map(|(path, rows)| {
                let part = batch.take(&UInt32Array::from(rows))?;
                Ok((path, part.with_data(part.data.project(&self.data)?)))
            })
            .collect()
    }
}

/// A file as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileFacts<'a> {
    /// In its store.
    pub(super) path: &'a str,
    pub(super) bytes: u64,
    pub(super) modified_ms: i64,
}

/// The rows of a file with the columns that its path tells, and what else is known of it.
#[derive(Debug)]
pub(super) struct PathColumns {
    partitioning: Partitioning,
    /// Of the store: `file:///data/clicks`.
    location: String,
    /// The last file, and a column of one row per partition column, or why its path tells none.
    known: Option<(String, Result<Vec<ArrayRef>, BadRecord>)>,
}

impl PathColumns {
    pub(super) fn new(partitioning: Partitioning, location: String) -> Self {
        PathColumns {
            partitioning,
            location,
            known: None,
        }
    }
    /// One row of the metadata columns.
    fn facts(&self, file: &FileFacts<'_>) -> Result<Vec<ArrayRef>> {
        let text = |text: &str| -> ArrayRef { Arc::new(StringViewArray::from_iter_values([text])) };
        let one = |(_, key): &(usize, String)| -> Result<ArrayRef> {
            Ok(match key.as_str() {
                "file.path" => text(&super::reader::whole_path(&self.location, file.path)),
                "file.name" => text(file.path.rsplit('/').next().unwrap_or(file.path)),
                "file.size" => Arc::new(Int64Array::from_iter_values([i64::try_from(file.bytes).unwrap_or(i64::MAX)])),
                "file.modification-time" => Arc::new(TimestampMillisecondArray::from_iter_values([file.modified_ms]).with_timezone("UTC")),
                other => return Err(Error::bug(format!("no metadata '{other}'"))),
            })
        };
        self.partitioning.facts.iter().map(one).collect()
    }
    /// One row of all columns that are not in the file.
    fn values(&mut self, file: &FileFacts<'_>) -> Result<&Result<Vec<ArrayRef>, BadRecord>> {
        let known = match self.known.take().filter(|(known, _)| known == file.path) {
            Some(known) => known,
            None => {
                let facts = self.facts(file)?;
                let values = self.partitioning.values(file.path).map(|keys| [keys, facts].concat());
                (file.path.to_string(), values)
            }
        };
        Ok(&self.known.insert(known).1)
    }
    /// What is wrong with all rows of a file: its path has no directory of one of the columns, or a text there that is no value of it.
    pub(super) fn wrong(&mut self, file: &FileFacts<'_>) -> Result<Option<BadRecord>> {
        Ok(match self.partitioning.keys.is_empty() {
            true => None,
            false => self.values(file)?.as_ref().err().cloned(),
        })
    }
    /// # Errors
    /// `Bug` for rows of a file that something is wrong with.
    pub(super) fn add(&mut self, file: &FileFacts<'_>, batch: RecordBatch) -> Result<RecordBatch> {
        if self.partitioning.keys.is_empty() && self.partitioning.facts.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let values = match self.values(file)? {
            Ok(values) => values.clone(),
            Err(_) if rows == 0 => return Ok(RecordBatch::new_empty(self.partitioning.schema.to_arrow())),
            Err(why) => return Err(Error::bug(why.message.clone())),
        };
        let Partitioning { keys, facts, data, schema, .. } = &self.partitioning;
        let mut columns: Vec<Option<ArrayRef>> = vec![None; schema.fields.len()];
        for (place, column) in data.iter().zip(batch.columns()) {
            columns[*place] = Some(ArrayRef::clone(column));
        }
        for (place, value) in keys.iter().chain(facts.iter().map(|(place, _)| place)).zip(&values) {
            columns[*place] = Some(take(value, &UInt32Array::from(vec![0; rows]), None)?);
        }
        RecordBatch::try_new_with_options(
            schema.to_arrow(),
            columns.into_iter().flatten().collect(),
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .map_err(|e| Error::bug("a file's rows do not fit their columns").source(e))
    }
}

impl Partitioning {
    /// One row of the partition columns of a file.
    fn values(&self, path: &str) -> Result<Vec<ArrayRef>, BadRecord> {
        let directories = values_of_path(path);
        let one = |key: &usize| {
            let field = &self.schema.fields[*key];
            let refused = |what: String| BadRecord {
                reason: "partition",
                message: format!("the partition column \"{}\" {what}", field.name),
            };
            let value = directories.iter().rev().find(|(name, _)| *name == field.name).map(|(_, value)| value.as_str());
            let value = value.ok_or_else(|| refused(format!("is not in the path, as a directory {}=…", field.name)))?;
            let value = Some(value).filter(|v| *v != self.default_name);
            if value.is_none() && !field.nullable {
                return Err(refused("is NULL in the path, and NOT NULL in the table".to_string()));
            }
            value_of_text(field, value).map_err(|what| refused(format!("is \"{}\" in the path, which is no {}: {what}", value.unwrap_or_default(), field.ty)))
        };
        self.keys.iter().map(one).collect()
    }
}

/// What the directories of a path say: names and values, as texts.
pub(super) fn values_of_path(path: &str) -> Vec<(String, String)> {
    path.split('/')
        .filter_map(|segment| segment.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect()
}

/// The reverse of [`escape`]; what is no escape stays.
fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// As Hive: what a path cannot hold becomes `%XX`.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control() || "\"#%'*/:=?\\\u{7f}{[]^".contains(c) || (out.is_empty() && c == '.') {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|b| out += &format!("%{b:02X}"));
        } else {
            out.push(c);
        }
    }
    out
}
