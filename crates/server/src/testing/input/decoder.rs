//! Entries of a test as rows of the columns that a job reads.

use super::reader::Run;
use super::{Entry, places, split_id};
use arrow_array::builder::BinaryViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray, StructArray};
use millstream_dataflow::{
    Batch, Chunk, ColumnKind, Decoded, Error, Field, Rejected, Result, RowKind, Schema, Split, SplitDecoder, SqlType, TableColumn, TableSpec,
};
use millstream_plan::TableDef;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Decoder {
    spec: TableSpec,
    def: TableDef,
    /// Its format and the options of it.
    format: String,
    options: BTreeMap<String, String>,
}

impl Decoder {
    /// - `spec`: what is read
    /// - `def`: all that there is
    pub(super) fn new(spec: &TableSpec, def: &TableDef, directory: &Path) -> Result<Self> {
        let prefix = if def.options.contains_key("value.format") { "value." } else { "" };
        let own = def.options.iter().filter_map(|(k, v)| Some((k.strip_prefix(prefix)?.to_string(), v.clone())));
        let mut options: BTreeMap<String, String> = own.collect();
        for (_, path) in options.iter_mut().filter(|(key, _)| millstream_formats::FILE_OPTIONS.contains(&key.as_str())) {
            *path = directory.join(&*path).to_string_lossy().into_owned();
        }
        Ok(Decoder {
            format: options.get("format").cloned().unwrap_or_default(),
            spec: spec.clone(),
            def: def.clone(),
            options,
        })
    }

    /// Whether the bytes of a value are all that a row is made of.
    pub(super) fn check_raw(&self) -> Result<()> {
        let refused = |why: String| Err(Error::config(why).code("E0803").hint("give the rows by VALUES"));
        let name = &self.def.name;
        if self.format.is_empty() {
            return refused(format!("table \"{name}\" has no format: there are no records to be given RAW"));
        }
        if self.def.options.contains_key("key.format") {
            return refused(format!("RAW gives values of records, and those of table \"{name}\" have a key, too"));
        }
        if millstream_formats::registry_options(&self.format).is_some() {
            return refused(format!("the records of table \"{name}\" name a schema in a registry, which a test has not"));
        }
        self.records().map(drop)
    }
    /// The physical columns of the records, which are not in the name of a directory.
    fn in_records<'a>(&self, all: impl Iterator<Item = &'a Field>) -> Schema {
        Schema::new(all.filter(|f| !self.def.partition_keys.contains(&f.name)).cloned().collect())
    }
    fn records(&self) -> Result<Box<dyn millstream_dataflow::Decoder>> {
        let (all, physical) = (self.in_records(self.spec.all_physical.iter()), self.spec.physical());
        millstream_formats::decoder(&self.format, &all, &self.in_records(physical.fields.iter()), &self.options)
    }

    /// Rows of entries of one kind.
    pub(super) fn rows(&self, partition: u32, first: u64, entries: &[Entry]) -> Result<Decoded> {
        let mut places = places(&self.def, partition);
        let mut bad = Vec::new();
        let mut numbers: Vec<u64> = Vec::new();
        let mut raw: Option<BinaryViewBuilder> = None;
        let (given, kinds) = match entries.first() {
            Some(Entry::Raw(_)) => {
                let mut records = self.records()?;
                for (number, entry) in (first..).zip(entries) {
                    let Entry::Raw(record) = entry else { continue };
                    match records.decode(record) {
                        Ok(rows) => {
                            places.push(number, rows);
                            numbers.extend(std::iter::repeat_n(number, rows));
                            (0..rows).for_each(|_| raw.get_or_insert_default().append_value(record));
                        }
                        Err(why) => bad.push(Rejected {
                            number,
                            record: Some(record.clone()),
                            event_time: None,
                            why,
                        }),
                    }
                }
                let kinds = records.kinds();
                (records.finish()?, kinds)
            }
            _ => {
                let (mut parts, mut kinds) = (Vec::new(), Vec::new());
                for (number, entry) in (first..).zip(entries) {
                    let Entry::Row(batch, row, kind) = entry else { continue };
                    places.push(number, 1);
                    numbers.push(number);
                    parts.push(batch.slice(*row, 1));
                    kinds.push(*kind);
                }
                let whole = self.together(&parts)?;
                (whole, kinds.iter().any(|k| *k != RowKind::Insert).then_some(kinds))
            }
        };
        let columns = self.spec.columns.iter().map(|c| self.column(c, &given, partition, &numbers));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        let data = RecordBatch::try_new_with_options(self.spec.schema().to_arrow(), columns, &options)
            .map_err(|e| Error::bug("given rows do not fit the table").source(e))?;
        Ok(Decoded {
            batch: Batch {
                kinds: kinds.map(Into::into),
                ..Batch::new(data)
            },
            split: Split {
                id: split_id(&self.def, partition),
                position: format!("v1 {}", first + entries.len() as u64),
            },
            records: entries.len() as u64,
            bad,
            tombstones: 0,
            places,
            raw: raw.filter(|_| self.spec.keep_records).map(|mut raw| Arc::new(raw.finish()) as ArrayRef),
        })
    }

    /// Rows of several steps, which may have given different columns: all of those that any has given.
    fn together(&self, parts: &[RecordBatch]) -> Result<RecordBatch> {
        let rows: usize = parts.iter().map(RecordBatch::num_rows).sum();
        let all = self.def.spec().schema();
        let mut columns: Vec<(Field, ArrayRef)> = Vec::new();
        for field in all.fields {
            if !parts.iter().any(|p| p.column_by_name(&field.name).is_some()) {
                continue;
            }
            let of = |p: &RecordBatch| match p.column_by_name(&field.name) {
                Some(column) => Arc::clone(column),
                None => arrow_array::new_null_array(&field.ty.to_arrow(), p.num_rows()),
            };
            let arrays: Vec<ArrayRef> = parts.iter().map(of).collect();
            let arrays: Vec<&dyn Array> = arrays.iter().map(|a| a.as_ref()).collect();
            let nullable = Field {
                nullable: true,
                ..field.clone()
            };
            columns.push((nullable, arrow_select::concat::concat(&arrays)?));
        }
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Schema::new(fields).to_arrow(), arrays, &options)?)
    }

    fn column(&self, column: &TableColumn, given: &RecordBatch, partition: u32, numbers: &[u64]) -> Result<ArrayRef> {
        let field = &column.field;
        if let Some(array) = given.column_by_name(&field.name) {
            return narrowed(array, &field.ty);
        }
        let ColumnKind::Metadata(key) = &column.kind else {
            return Ok(arrow_array::new_null_array(&field.ty.to_arrow(), numbers.len()));
        };
        let rows = numbers.len();
        let text = |text: &str| Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(text, rows))) as ArrayRef;
        Ok(match (key.as_str(), &field.ty) {
            ("partition", SqlType::Int) => Arc::new(Int32Array::from_value(partition as i32, rows)),
            ("offset", SqlType::BigInt) => Arc::new(Int64Array::from_iter_values(numbers.iter().map(|n| *n as i64))),
            ("topic", SqlType::VarChar(_)) => text(self.def.options.get("topic").map_or("", String::as_str)),
            (_, ty) if field.nullable => arrow_array::new_null_array(&ty.to_arrow(), rows),
            _ => {
                let e = Error::config(format!("the metadata column \"{}\" of table \"{}\" needs a value", field.name, self.def.name));
                return Err(e.code("E0803").hint("list it among the columns of GIVEN"));
            }
        })
    }
}

/// A column of which perhaps only some fields of a ROW are read.
fn narrowed(array: &ArrayRef, to: &SqlType) -> Result<ArrayRef> {
    let carrier = to.to_arrow();
    let (SqlType::Row(fields), Some(row)) = (to, array.as_struct_opt()) else {
        return Ok(Arc::clone(array));
    };
    if *array.data_type() == carrier {
        return Ok(Arc::clone(array));
    }
    let column = |f: &Field| match row.column_by_name(&f.name) {
        Some(column) => narrowed(column, &f.ty),
        None => Err(Error::bug(format!("a ROW has no field \"{}\"", f.name))),
    };
    let columns = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
    let arrow = fields.iter().map(Field::to_arrow).collect();
    let narrow = StructArray::try_new_with_length(arrow, columns, row.nulls().cloned(), row.len())?;
    Ok(Arc::new(narrow))
}

impl SplitDecoder for Decoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let run = chunk.payload.downcast::<Run>().map_err(|_| Error::bug("a test's decoder got another chunk"))?;
        self.rows(run.partition, run.first as u64, &run.entries)
    }
}
