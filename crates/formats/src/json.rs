//! The `json` format: newline-delimited in files, one record per message in topics.

mod column;
mod cursor;
pub mod debezium;
mod derive;
pub(crate) mod encoder;
mod form;
mod object;
pub mod registry;
mod text;
pub(crate) mod text_column;
mod timestamp;

use crate::record::{bad, check_bytes};
use cursor::{Cursor, Fault};
use form::Form;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Decoder, Error, FormatSpec, Result, Schema};
use object::Object;
use std::collections::BTreeMap;

pub use encoder::JsonEncoder;

const FAIL_ON_MISSING: OptionSpec = OptionSpec::new(
    "json.fail-on-missing-field",
    OptionType::Boolean,
    "Whether a record without one of the table's fields is bad; NULL is put in its place otherwise.",
)
.default("false");
const IGNORE_ERRORS: OptionSpec = OptionSpec::new(
    "json.ignore-parse-errors",
    OptionType::Boolean,
    "Puts NULL in the place of a value of the wrong type, and leaves out (and counts) records that are no JSON. Without it the table's 'on-error' decides about both.",
)
.default("false");
const TIMESTAMPS: OptionSpec = OptionSpec::new(
    "json.timestamp-format.standard",
    OptionType::OneOf(&["SQL", "ISO-8601"]),
    "`SQL`: 2026-01-31 23:59:59.123, `ISO-8601`: 2026-01-31T23:59:59.123. TIMESTAMP_LTZ has a Z at its end.",
)
.default("SQL");
const NULL_KEYS: OptionSpec = OptionSpec::new(
    "json.map-null-key.mode",
    OptionType::OneOf(&["FAIL", "DROP", "LITERAL"]),
    "What is written for a NULL key of a MAP.",
)
.default("FAIL");
const NULL_LITERAL: OptionSpec = OptionSpec::new("json.map-null-key.literal", OptionType::Text, "The key written in mode LITERAL.").default("null");
const PLAIN_DECIMALS: OptionSpec = OptionSpec::new(
    "json.encode.decimal-as-plain-number",
    OptionType::Boolean,
    "Writes decimals without exponent: 0.000000027 instead of 2.7E-8.",
)
.default("false");
const SKIP_NULLS: OptionSpec = OptionSpec::new("json.encode.ignore-null-fields", OptionType::Boolean, "Leaves out fields that are NULL.").default("false");

pub const SPEC: FormatSpec = FormatSpec {
    name: "json",
    doc: "JSON objects, one per line or message. Fields are found by name; unknown ones are ignored. A top-level array gives one row per element.",
    options: &[PLAIN_DECIMALS, SKIP_NULLS, FAIL_ON_MISSING, IGNORE_ERRORS, NULL_LITERAL, NULL_KEYS, TIMESTAMPS],
    changes: false,
    skips: false,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampStandard {
    Sql,
    Iso8601,
}

impl TimestampStandard {
    /// What stands between date and time.
    fn separator(self) -> u8 {
        match self {
            TimestampStandard::Sql => b' ',
            TimestampStandard::Iso8601 => b'T',
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct JsonOptions {
    fail_on_missing_field: bool,
    ignore_parse_errors: bool,
    timestamps: TimestampStandard,
    /// The key for a NULL one: `None` fails, `Some(None)` drops.
    null_key: Option<Option<String>>,
    plain_decimals: bool,
    skip_nulls: bool,
    /// Dates and times are written as numbers, as Kafka Connect does.
    numbers: bool,
}

impl JsonOptions {
    /// # Errors
    /// `Config` for what does not go together.
    fn checked(options: &BTreeMap<String, String>) -> Result<Self> {
        let checked = JsonOptions::new(options);
        if checked.fail_on_missing_field && checked.ignore_parse_errors {
            let e = Error::config(format!("option '{}' does not go with '{}'", FAIL_ON_MISSING.name, IGNORE_ERRORS.name)).code("E0502");
            return Err(e.hint("leave one of them out"));
        }
        Ok(checked)
    }
    fn new(options: &BTreeMap<String, String>) -> Self {
        let o = Options::new(options);
        JsonOptions {
            fail_on_missing_field: o.boolean(&FAIL_ON_MISSING),
            ignore_parse_errors: o.boolean(&IGNORE_ERRORS),
            timestamps: if o.text(&TIMESTAMPS) == Some("ISO-8601") {
                TimestampStandard::Iso8601
            } else {
                TimestampStandard::Sql
            },
            null_key: match o.text(&NULL_KEYS) {
                Some("DROP") => Some(None),
                Some("LITERAL") => Some(o.text(&NULL_LITERAL).map(str::to_string)),
                _ => None,
            },
            plain_decimals: o.boolean(&PLAIN_DECIMALS),
            skip_nulls: o.boolean(&SKIP_NULLS),
            numbers: false,
        }
    }
}

/// The options of columns that take texts without JSON around them.
#[derive(Debug, Clone)]
pub(crate) struct JsonOptionsForText(JsonOptions);

impl Default for JsonOptionsForText {
    fn default() -> Self {
        JsonOptionsForText(JsonOptions::new(&BTreeMap::new()))
    }
}

/// Decodes JSON straight into columns.
///
/// Keys are expected in the order of the record before and compared in place; only a surprise costs a look-up. Values are
/// parsed into the column buffers without an intermediate form; fields that nobody asked for are checked and stepped over.
pub struct JsonDecoder {
    object: Object,
    options: JsonOptions,
    schema: Schema,
    scratch: Vec<u8>,
}

impl JsonDecoder {
    /// # Errors
    /// `Sql` for a column type that JSON cannot hold.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let options = JsonOptions::checked(options)?;
        Ok(JsonDecoder {
            object: Object::new(&schema.fields, &options)?,
            options,
            schema: schema.clone(),
            scratch: Vec::new(),
        })
    }
    /// Forgets rows.
    fn truncate(&mut self, rows: usize) {
        self.object.truncate(rows);
    }
    /// Expects these forms from now on, one per column.
    fn expect(&mut self, forms: &[Form]) {
        self.object.expect(forms);
    }
    /// Appends one object, or each of an array of them.
    fn record(&mut self, record: &[u8]) -> Result<usize, Fault> {
        let mut c = Cursor::new(record);
        c.space();
        let before = self.object.rows();
        match c.peek() {
            Some(b'{') => self.object.parse(&mut c, &self.options, &mut self.scratch, 1)?,
            Some(b'[') => {
                c.at += 1;
                c.space();
                while !c.eat(b']') {
                    if self.object.rows() > before && !c.eat(b',') {
                        return Err(Fault::Malformed("no comma or end of an array"));
                    }
                    c.space();
                    match c.peek() {
                        Some(b'{') => self.object.parse(&mut c, &self.options, &mut self.scratch, 2)?,
                        _ => return Err(Fault::Type("an array of something other than objects")),
                    }
                    c.space();
                }
            }
            None => return Err(Fault::Malformed("an empty record")),
            Some(_) => {
                c.skip(1)?;
                return Err(Fault::Type("no object"));
            }
        }
        c.space();
        if c.at < record.len() {
            return Err(Fault::Malformed("something follows the value"));
        }
        Ok(self.object.rows() - before)
    }
}

/// What is wrong with a record as a whole.
fn fault_of_record(fault: Fault) -> BadRecord {
    match fault {
        Fault::Malformed(what) => bad("malformed", format!("the record is no JSON: {what}")),
        Fault::Utf8 => bad("utf8", "the record is no UTF-8 text"),
        Fault::Depth => bad("too-deep", format!("the record is nested more than {} levels", cursor::DEPTH_MAX)),
        Fault::Type(what) => bad("type", what),
    }
}

/// The start of a value, for messages.
fn excerpt(record: &[u8], at: usize) -> String {
    const CHARACTERS: usize = 40;
    let rest = String::from_utf8_lossy(
        record
            .get(at..)
            .unwrap_or_default()
            .get(..4 * CHARACTERS)
            .unwrap_or(&record[at.min(record.len())..]),
    )
    .into_owned();
    let quoted = rest.starts_with('"');
    let mut text = String::new();
    for (i, c) in rest.chars().enumerate() {
        if i == CHARACTERS {
            return text + "…";
        }
        if !quoted && matches!(c, ',' | '}' | ']') {
            break;
        }
        text.push(c);
        if quoted && i > 0 && c == '"' && !text.ends_with("\\\"") {
            break;
        }
    }
    text.trim_end().to_string()
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        check_bytes(record)?;
        let before = self.object.rows();
        self.record(record).map_err(|fault| {
            self.object.truncate(before);
            let failed = self
                .object
                .failed()
                .map(|(path, field, at)| match column::culprit(record, at, &field.ty, &self.options) {
                    Some((inner, ty, at)) => (path + &inner, ty.to_string(), at),
                    None => (path, field.ty.to_string(), at),
                });
            self.object.forget_failure();
            match fault {
                Fault::Type("a field is missing") => {
                    let path = failed.map_or_else(String::new, |(path, ..)| path);
                    bad("missing-field", format!("the field \"{path}\" is missing"))
                }
                Fault::Type(what) => match failed {
                    Some((path, ty, at)) => {
                        let found = excerpt(record, at);
                        bad("type", format!("column \"{path}\" ({ty}): {what}: {found}, at byte {at}"))
                    }
                    None => fault_of_record(Fault::Type(what)),
                },
                fault => fault_of_record(fault),
            }
        })
    }
    fn rows(&self) -> usize {
        self.object.rows()
    }
    fn finish(&mut self) -> Result<arrow_array::RecordBatch> {
        let rows = self.object.rows();
        let columns = self.object.finish()?;
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        arrow_array::RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options)
            .map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}

#[cfg(test)]
mod tests;
