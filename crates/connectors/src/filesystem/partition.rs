//! Directories of partitioned tables, in Hive's form: `day=2026-01-01/page=home`.

use arrow_array::UInt32Array;
use millstream_dataflow::{Batch, Error, Result, Schema, TableSpec};
use millstream_formats::render::text_value;
use std::collections::BTreeMap;

/// How rows find their directory, and which columns then go into files.
#[derive(Debug, Clone)]
pub(super) struct Partitioning {
    /// Partition columns, in the order of PARTITIONED BY.
    keys: Vec<usize>,
    data: Vec<usize>,
    schema: Schema,
    default_name: String,
}

impl Partitioning {
    pub(super) fn new(table: &TableSpec, default_name: &str) -> Result<Self> {
        let schema = table.schema();
        let place = |name: &String| {
            schema
                .index_of(name)
                .ok_or_else(|| Error::bug(format!("partition column \"{name}\" is missing")))
        };
        let keys = table.partition_keys.iter().map(place).collect::<Result<Vec<_>>>()?;
        let data = (0..schema.fields.len()).filter(|i| !keys.contains(i)).collect();
        Ok(Partitioning {
            keys,
            data,
            schema,
            default_name: default_name.to_string(),
        })
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
