//! The `debezium-json` format: what happened to the rows of a database's table, as Debezium tells it.
//!
//! A record is `{"before": …, "after": …, "op": …}`; an update is two rows: what was there, and what is there now.

use super::cursor::{Cursor, Fault, Parsed};
use super::encoder::{holds, object};
use super::{JsonDecoder, JsonOptions, fault_of_record};
use crate::record::{bad, check_bytes};
use arrow_array::RecordBatch;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Encoder, Error, FormatSpec, RecordEncoder, Records, Result, RowKind, Schema};
use std::collections::BTreeMap;

/// What the options begin with, where those of `json` begin with `json.`.
const PREFIX: &str = "debezium-json.";

const SCHEMA_INCLUDE: OptionSpec = OptionSpec::new(
    "debezium-json.schema-include",
    OptionType::Boolean,
    "Whether records carry their schema: `{\"schema\": …, \"payload\": …}`, as Kafka Connect writes them with `value.converter.schemas.enable`. Such records are only read.",
)
.default("false");

pub const SPEC: FormatSpec = FormatSpec {
    name: "debezium-json",
    doc: "Changes of a database's table, as Debezium writes them in JSON: rows that were inserted, updated and deleted, one per line or message. \
          A message without bytes is no change. Written records have `before`, `after` and `op` `c` or `d`.",
    options: &[
        OptionSpec::new(
            "debezium-json.encode.decimal-as-plain-number",
            OptionType::Boolean,
            "As `json.encode.decimal-as-plain-number`.",
        )
        .default("false"),
        OptionSpec::new(
            "debezium-json.encode.ignore-null-fields",
            OptionType::Boolean,
            "As `json.encode.ignore-null-fields`.",
        )
        .default("false"),
        OptionSpec::new("debezium-json.ignore-parse-errors", OptionType::Boolean, "As `json.ignore-parse-errors`.").default("false"),
        OptionSpec::new("debezium-json.map-null-key.literal", OptionType::Text, "As `json.map-null-key.literal`.").default("null"),
        OptionSpec::new(
            "debezium-json.map-null-key.mode",
            OptionType::OneOf(&["FAIL", "DROP", "LITERAL"]),
            "As `json.map-null-key.mode`.",
        )
        .default("FAIL"),
        SCHEMA_INCLUDE,
        OptionSpec::new(
            "debezium-json.timestamp-format.standard",
            OptionType::OneOf(&["SQL", "ISO-8601"]),
            "As `json.timestamp-format.standard`.",
        )
        .default("SQL"),
    ],
    changes: true,
    skips: false,
};

/// The options by the names of the `json` format.
fn as_json(options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = options.iter().filter_map(|(k, v)| Some((k.strip_prefix(PREFIX)?, v)));
    own.map(|(name, value)| (format!("json.{name}"), value.clone())).collect()
}

/// The parts of a record that say what changed.
#[derive(Debug, Default)]
struct Change<'a> {
    before: Option<&'a [u8]>,
    after: Option<&'a [u8]>,
    op: &'a [u8],
    payload: Option<&'a [u8]>,
}

impl<'a> Change<'a> {
    /// Of the fields of an object; of several with one name it is the last.
    fn of(record: &'a [u8]) -> Parsed<Change<'a>> {
        let mut change = Change::default();
        let mut c = Cursor::new(record);
        c.space();
        if !c.eat(b'{') {
            c.skip(1)?;
            return Err(Fault::Type("no object"));
        }
        c.space();
        let mut first = true;
        while !c.eat(b'}') {
            if !std::mem::take(&mut first) {
                if !c.eat(b',') {
                    return Err(Fault::Malformed("no comma or end of an object"));
                }
                c.space();
            }
            if c.peek() != Some(b'"') {
                return Err(Fault::Malformed("no field name"));
            }
            let (name, _) = c.string()?;
            c.space();
            if !c.eat(b':') {
                return Err(Fault::Malformed("no colon after a field name"));
            }
            c.space();
            let start = c.at;
            c.skip(2)?;
            let value = record.get(start..c.at).unwrap_or_default();
            let part = Some(value).filter(|v| *v != b"null");
            match name {
                "before" => change.before = part,
                "after" => change.after = part,
                "op" => change.op = value,
                "payload" => change.payload = part,
                _ => {}
            }
            c.space();
        }
        c.space();
        if c.at < record.len() {
            return Err(Fault::Malformed("something follows the value"));
        }
        Ok(change)
    }
}

/// Decodes changes into rows and what each does to its table.
pub struct DebeziumDecoder {
    rows: JsonDecoder,
    kinds: Vec<RowKind>,
    schema_include: bool,
}

impl DebeziumDecoder {
    /// # Errors
    /// `Sql` for a column type that JSON cannot hold.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        Ok(DebeziumDecoder {
            rows: JsonDecoder::new(schema, &as_json(options))?,
            kinds: Vec::new(),
            schema_include: Options::new(options).boolean(&SCHEMA_INCLUDE),
        })
    }
    fn change(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        let mut change = Change::of(record).map_err(fault_of_record)?;
        if self.schema_include {
            let payload = change.payload.ok_or_else(|| {
                let without = match change.op {
                    b"" => String::new(),
                    _ => format!(", but an \"op\": it is one for '{}' = 'false'", SCHEMA_INCLUDE.name),
                };
                bad("malformed", format!("the record has no \"payload\"{without}"))
            })?;
            change = Change::of(payload).map_err(fault_of_record)?;
        }
        match change.op {
            br#""c""# | br#""r""# => self.row(change.after, "after", RowKind::Insert),
            br#""u""# => {
                self.row(change.before, "before", RowKind::UpdateBefore)?;
                self.row(change.after, "after", RowKind::UpdateAfter)
            }
            br#""d""# => self.row(change.before, "before", RowKind::Delete),
            b"" if change.payload.is_some() => {
                let within = format!("the record has no \"op\", but a \"payload\": it is one for '{}' = 'true'", SCHEMA_INCLUDE.name);
                Err(bad("malformed", within))
            }
            b"" => Err(bad("malformed", "the record has no \"op\"")),
            other => {
                let op = String::from_utf8_lossy(other.get(..16).unwrap_or(other)).into_owned();
                Err(bad("malformed", format!("the record's \"op\" is {op}, not one of \"c\", \"r\", \"u\", \"d\"")))
            }
        }
    }
    fn row(&mut self, part: Option<&[u8]>, name: &str, kind: RowKind) -> Result<(), BadRecord> {
        let Some(part) = part else {
            let replica = match name {
                "before" => "; of PostgreSQL tables that needs REPLICA IDENTITY FULL",
                _ => "",
            };
            let operation = match kind {
                RowKind::Insert => "an insertion",
                RowKind::UpdateBefore | RowKind::UpdateAfter => "an update",
                RowKind::Delete => "a deletion",
            };
            return Err(bad("malformed", format!("\"{name}\" is NULL in {operation}{replica}")));
        };
        if part.first() != Some(&b'{') {
            return Err(bad("type", format!("\"{name}\" is no object")));
        }
        self.rows.decode(part)?;
        self.kinds.push(kind);
        Ok(())
    }
}

impl Decoder for DebeziumDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        check_bytes(record)?;
        // What stands behind a deletion for compaction.
        if record.trim_ascii().is_empty() {
            return Ok(0);
        }
        let before = self.kinds.len();
        match self.change(record) {
            Ok(()) => Ok(self.kinds.len() - before),
            Err(e) => {
                self.rows.truncate(before);
                self.kinds.truncate(before);
                Err(e)
            }
        }
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn kinds(&mut self) -> Option<Vec<RowKind>> {
        Some(std::mem::take(&mut self.kinds))
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}

/// Writes one change per line or record: what is inserted, or the new row of an update, as created; the others as deleted.
pub struct DebeziumEncoder {
    schema: Schema,
    options: JsonOptions,
}

impl DebeziumEncoder {
    /// # Errors
    /// `Sql` for a column type that JSON cannot hold, `Config` for an option of readers.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        if Options::new(options).boolean(&SCHEMA_INCLUDE) {
            let e = Error::config(format!(
                "records are not written with their schema: '{}' is for tables that are read",
                SCHEMA_INCLUDE.name
            ));
            return Err(e.code("E0502"));
        }
        if let Some(f) = schema.fields.iter().find(|f| !holds(&f.ty)) {
            return Err(Error::sql(format!("column \"{}\": the debezium-json format does not write {}", f.name, f.ty)).code("E0302"));
        }
        Ok(DebeziumEncoder {
            schema: schema.clone(),
            options: JsonOptions::new(&as_json(options)),
        })
    }
    fn each(&self, batch: &Batch, mut take: impl FnMut(&str)) -> Result<()> {
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            text.clear();
            let (before, after) = match batch.kind(row) {
                RowKind::Insert | RowKind::UpdateAfter => ("{\"before\":null,\"after\":", ",\"op\":\"c\"}"),
                RowKind::UpdateBefore | RowKind::Delete => ("{\"before\":", ",\"after\":null,\"op\":\"d\"}"),
            };
            text.push_str(before);
            object(batch.data.columns(), &self.schema.fields, row, &self.options, &mut text)?;
            text.push_str(after);
            take(&text);
        }
        Ok(())
    }
}

impl RecordEncoder for DebeziumEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.each(batch, |change| {
            out.bytes.extend_from_slice(change.as_bytes());
            out.end();
        })
    }
}

impl Encoder for DebeziumEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        self.each(batch, |change| {
            out.extend_from_slice(change.as_bytes());
            out.push(b'\n');
        })
    }
    fn buffered(&self) -> usize {
        0
    }
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
