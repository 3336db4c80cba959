//! The `datagen` connector: rows of random values or sequences. Unlike Flink's, a row is a pure function of its number and of the time the
//! job first started, so that a restart gives the same rows again.

use crate::ConnectorContext;
use crate::generator::{GeneratedRows, GeneratorSource, Numbers, Pace};
use crate::random::Random;
use crate::scan::{ALIGNMENT_DRIFT, ALIGNMENT_GROUP, ALIGNMENT_INTERVAL, ON_LATE, ON_LATE_TABLE, PARALLELISM};
use arrow_array::builder::{BooleanBuilder, StringViewBuilder};
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, ListArray, MapArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StructArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use arrow_select::take::take;
use millstream_dataflow::option::{OptionSpec, OptionType, Options, parse_duration};
use millstream_dataflow::text::parse_decimal;
use millstream_dataflow::{ConnectorSpec, Error, Field, Result, Schema, Source, SqlType, TableSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

const PER_SECOND: OptionSpec = OptionSpec::new("rows-per-second", OptionType::Integer, "Rows per second of real time.").default("10000");
const ROWS: OptionSpec = OptionSpec::new(
    "number-of-rows",
    OptionType::Integer,
    "How many rows there are; without it, and without a sequence, they never end.",
)
.examples(&["1000"]);
const KIND: OptionSpec = OptionSpec::new(
    "fields.#.kind",
    OptionType::OneOf(&["random", "sequence"]),
    "How the values of a column (`#`; `a.b` within a ROW, `a.element` within an ARRAY, `a.key` and `a.value` within a MAP) are made. Those of a MAP's key may be equal: the map then has fewer.",
)
.default("random");
const MIN: OptionSpec = OptionSpec::new("fields.#.min", OptionType::Number, "Least random number; the type's least if not set.");
const MAX: OptionSpec = OptionSpec::new("fields.#.max", OptionType::Number, "Greatest random number; the type's greatest if not set.");
const MAX_PAST: OptionSpec = OptionSpec::new(
    "fields.#.max-past",
    OptionType::Duration,
    "How far random timestamps lie before the row's own time at most.",
)
.default("0 s");
const LENGTH: OptionSpec = OptionSpec::new(
    "fields.#.length",
    OptionType::Integer,
    "Length of random texts, 100 unless set; values in each ARRAY or MAP, 3 unless set.",
);
const VAR_LEN: OptionSpec = OptionSpec::new("fields.#.var-len", OptionType::Boolean, "Whether random texts have any length up to that.").default("false");
const START: OptionSpec = OptionSpec::new("fields.#.start", OptionType::Integer, "First number of a sequence.");
const END: OptionSpec = OptionSpec::new(
    "fields.#.end",
    OptionType::Integer,
    "Last number of a sequence; the source ends with its shortest sequence.",
);
const NULL_RATE: OptionSpec = OptionSpec::new("fields.#.null-rate", OptionType::Number, "Share of NULLs, 0 to 1.").default("0");
const IDLE: OptionSpec = OptionSpec::new(
    "scan.watermark.idle-timeout",
    OptionType::Duration,
    "After how long without data a part stops holding the watermark back.",
);

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "datagen",
    doc: "Rows of random values or sequences. A timestamp is the row's own time by 'rows-per-second', counted from the job's first start. A restart gives the same rows again.",
    source: true,
    sink: false,
    options: &[
        END,
        KIND,
        LENGTH,
        MAX,
        MAX_PAST,
        MIN,
        NULL_RATE,
        START,
        VAR_LEN,
        ROWS,
        PER_SECOND,
        PARALLELISM,
        ALIGNMENT_GROUP,
        ALIGNMENT_DRIFT,
        ALIGNMENT_INTERVAL,
        IDLE,
        ON_LATE,
        ON_LATE_TABLE,
    ],
    formats: &[],
    metadata: &[],
    changes: false,
    ends: |o| o.contains_key(ROWS.name) || o.iter().any(|(k, v)| k.ends_with(".kind") && v == "sequence"),
};

/// Characters of a text, unless it is said.
const TEXT: usize = 100;
/// Values in a collection, unless it is said, as in Flink.
const COLLECTION: u64 = 3;
const COLLECTION_MAX: u64 = 1_000;

/// Parts the rows are dealt to.
const SPLITS: u64 = 4;

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec) -> Vec<Error> {
    Generator::new(table).err().into_iter().collect()
}

pub fn source(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    let generator = Generator::new(table)?;
    Ok(Arc::new(GeneratorSource::new(generator.pace, Arc::new(generator), context)))
}

#[derive(Debug)]
struct Generator {
    pace: Pace,
    columns: Vec<Column>,
    schema: Schema,
}

#[derive(Debug)]
struct Column {
    field: Field,
    values: Values,
    null_rate: f64,
    /// Differs between columns, whatever others are read.
    salt: u64,
}

/// How values are made.
#[derive(Debug)]
enum Values {
    Sequence {
        start: i64,
    },
    /// Both ends are in.
    Integers {
        min: i64,
        max: i64,
    },
    /// In units of the scale.
    Decimals {
        min: i128,
        max: i128,
    },
    Floats {
        min: f64,
        max: f64,
    },
    Booleans,
    Texts {
        length: usize,
        any_length: bool,
    },
    /// Timestamps, dates and times.
    Times {
        max_past_ms: u64,
    },
    Row(Vec<Column>),
    /// Arrays and multisets, by their elements.
    List {
        length: u64,
        element: Box<Column>,
    },
    Map {
        length: u64,
        key: Box<Column>,
        value: Box<Column>,
    },
}

/// The options of one field.
struct FieldOptions<'a> {
    all: &'a BTreeMap<String, String>,
    path: &'a str,
}

impl FieldOptions<'_> {
    fn get(&self, spec: &OptionSpec) -> Option<&str> {
        let key = spec.name.replace('#', self.path);
        self.all.get(&key).map(String::as_str).or(spec.default)
    }
    fn parsed<T: std::str::FromStr>(&self, spec: &OptionSpec) -> Result<Option<T>> {
        let parse = |text: &str| text.trim().parse().map_err(|_| self.wrong(spec, text));
        self.get(spec).map(parse).transpose()
    }
    fn wrong(&self, spec: &OptionSpec, value: &str) -> Error {
        let key = spec.name.replace('#', self.path);
        Error::config(format!("option '{key}' has the value '{value}', which does not fit the column's type")).code("E0502")
    }
}

impl Generator {
    fn new(table: &TableSpec) -> Result<Generator> {
        let o = Options::new(&table.options);
        let schema = table.schema();
        for key in table.options.keys() {
            let Some((path, _)) = key.strip_prefix("fields.").and_then(|r| r.rsplit_once('.')) else {
                continue;
            };
            let name = path.split('.').next().unwrap_or(path);
            if !table.all_physical.iter().chain(&schema.fields).any(|f| f.name == name) {
                return Err(Error::config(format!(
                    "option '{key}' is for the column \"{name}\", which table \"{}\" does not have",
                    table.name
                ))
                .code("E0502"));
            }
        }
        let mut rows: Option<u64> = o.parsed(&ROWS)?;
        let columns = schema
            .fields
            .iter()
            .map(|f| Column::new(f, &f.name, &table.options))
            .collect::<Result<Vec<_>>>()?;
        // Columns that nobody reads bound the table all the same.
        for field in table.all_physical.iter().chain(&schema.fields) {
            let options = FieldOptions {
                all: &table.options,
                path: &field.name,
            };
            if options.get(&KIND) == Some("sequence") {
                let (start, end) = sequence(&options)?;
                let length = u64::try_from(i128::from(end) - i128::from(start) + 1).map_err(|_| options.wrong(&END, &end.to_string()))?;
                rows = Some(rows.map_or(length, |n| n.min(length)));
            }
        }
        Ok(Generator {
            pace: Pace {
                rows,
                splits: SPLITS,
                per_second: match o.parsed(&PER_SECOND)? {
                    Some(0) => return Err(Error::config("option 'rows-per-second' must be greater than 0").code("E0502")),
                    rate => rate,
                },
            },
            columns,
            schema,
        })
    }
}

fn sequence(options: &FieldOptions<'_>) -> Result<(i64, i64)> {
    match (options.parsed(&START)?, options.parsed(&END)?) {
        (Some(start), Some(end)) => Ok((start, end)),
        _ => Err(Error::config(format!("a sequence needs both 'fields.{0}.start' and 'fields.{0}.end'", options.path)).code("E0503")),
    }
}

/// How many values each collection of a column has.
fn collection(options: &FieldOptions<'_>) -> Result<u64> {
    let key = LENGTH.name.replace('#', options.path);
    match options.all.get(&key) {
        None => Ok(COLLECTION),
        Some(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|n| *n <= COLLECTION_MAX)
            .ok_or_else(|| options.wrong(&LENGTH, text)),
    }
}

impl Column {
    fn new(field: &Field, path: &str, all: &BTreeMap<String, String>) -> Result<Column> {
        let options = FieldOptions { all, path };
        let integers = |least: i64, greatest: i64| -> Result<Values> {
            let (min, max) = (options.parsed(&MIN)?.unwrap_or(least), options.parsed(&MAX)?.unwrap_or(greatest));
            if min < least || min > greatest {
                return Err(options.wrong(&MIN, &min.to_string()));
            }
            if max > greatest || max < least {
                return Err(options.wrong(&MAX, &max.to_string()));
            }
            if min > max {
                let (least, most) = (MIN.name.replace('#', path), MAX.name.replace('#', path));
                return Err(Error::config(format!("option '{least}' is greater than '{most}'")).code("E0502"));
            }
            Ok(Values::Integers { min, max })
        };
        let floats = |least: f64, greatest: f64| -> Result<Values> {
            Ok(Values::Floats {
                min: options.parsed(&MIN)?.unwrap_or(least),
                max: options.parsed(&MAX)?.unwrap_or(greatest),
            })
        };
        let refused = || Error::config(format!("column \"{path}\": datagen does not make {}", field.ty)).code("E0302");
        let is_sequence = options.get(&KIND) == Some("sequence");
        let values = match &field.ty {
            SqlType::TinyInt
            | SqlType::SmallInt
            | SqlType::Int
            | SqlType::BigInt
            | SqlType::Float
            | SqlType::Double
            | SqlType::Decimal(..)
            | SqlType::VarChar(_)
                if is_sequence =>
            {
                Values::Sequence { start: sequence(&options)?.0 }
            }
            _ if is_sequence => return Err(Error::config(format!("column \"{path}\" of type {} cannot be a sequence", field.ty)).code("E0302")),
            SqlType::TinyInt => integers(i8::MIN.into(), i8::MAX.into())?,
            SqlType::SmallInt => integers(i16::MIN.into(), i16::MAX.into())?,
            SqlType::Int => integers(i32::MIN.into(), i32::MAX.into())?,
            SqlType::BigInt => integers(i64::MIN, i64::MAX)?,
            SqlType::Float => floats(f32::MIN.into(), f32::MAX.into())?,
            SqlType::Double => floats(f64::MIN, f64::MAX)?,
            SqlType::Decimal(precision, scale) => {
                let greatest = 10i128.pow(u32::from(*precision)) - 1;
                let unscaled = |spec: &OptionSpec, otherwise: i128| match options.get(spec) {
                    Some(text) => parse_decimal(text.as_bytes(), *scale)
                        .filter(|v| v.abs() <= greatest)
                        .ok_or_else(|| options.wrong(spec, text)),
                    None => Ok(otherwise),
                };
                Values::Decimals {
                    min: unscaled(&MIN, -greatest)?,
                    max: unscaled(&MAX, greatest)?,
                }
            }
            SqlType::Boolean => Values::Booleans,
            SqlType::Char(length) => Values::Texts {
                length: *length as usize,
                any_length: false,
            },
            SqlType::VarChar(limit) => Values::Texts {
                length: options.parsed::<usize>(&LENGTH)?.unwrap_or(TEXT).min(*limit as usize),
                any_length: options.get(&VAR_LEN) == Some("true"),
            },
            SqlType::Date | SqlType::Time(_) | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => Values::Times {
                max_past_ms: options.get(&MAX_PAST).and_then(parse_duration).map_or(0, |d| d.as_millis() as u64),
            },
            SqlType::Row(fields) => Values::Row(
                fields
                    .iter()
                    .map(|f| Column::new(f, &format!("{path}.{}", f.name), all))
                    .collect::<Result<_>>()?,
            ),
            SqlType::Array(element) => Values::List {
                length: collection(&options)?,
                element: Box::new(Column::inside(element, path, "element", all)?),
            },
            SqlType::Map(key, value) => Values::Map {
                length: collection(&options)?,
                key: Box::new(Column::inside(key, path, "key", all)?),
                value: Box::new(Column::inside(value, path, "value", all)?),
            },
            _ => return Err(refused()),
        };
        let null_rate: f64 = options.parsed(&NULL_RATE)?.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&null_rate) || (null_rate > 0.0 && !field.nullable) {
            return Err(options.wrong(&NULL_RATE, &null_rate.to_string()));
        }
        Ok(Column {
            field: field.clone(),
            values,
            null_rate,
            // FNV-1a of the path.
            salt: path
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)),
        })
    }

    /// The values inside of a collection.
    fn inside(field: &Field, path: &str, part: &str, all: &BTreeMap<String, String>) -> Result<Column> {
        let path = format!("{path}.{part}");
        if (FieldOptions { all, path: &path }).get(&KIND) == Some("sequence") {
            return Err(Error::config(format!("option 'fields.{path}.kind': the values inside of a collection are random")).code("E0502"));
        }
        Column::new(field, &path, all)
    }

    /// The column's values for some rows.
    fn array(&self, numbers: Numbers, per_second: u64) -> Result<ArrayRef> {
        let random = |n: u64| {
            let mut random = self.random(n, numbers.started_ms);
            let is_null = self.null_rate > 0.0 && random.unit() < self.null_rate;
            (random, is_null)
        };
        macro_rules! primitive {
            ($t:ty, $make:expr) => {
                self.primitive::<$t>(numbers, &|n| {
                    let (mut random, is_null) = random(n);
                    let make: &dyn Fn(u64, &mut Random) -> <$t as ArrowPrimitiveType>::Native = &$make;
                    (!is_null).then(|| make(n, &mut random))
                })
            };
        }
        let time = |n: u64| numbers.started_ms + (u128::from(n / numbers.inside) * 1000 / u128::from(per_second.max(1))) as i64;
        Ok(match (&self.values, &self.field.ty) {
            (Values::Sequence { start }, ty) => {
                let value = |n: u64| start.wrapping_add(n as i64);
                match ty {
                    SqlType::TinyInt => primitive!(Int8Type, |n, _| value(n) as i8),
                    SqlType::SmallInt => primitive!(Int16Type, |n, _| value(n) as i16),
                    SqlType::Int => primitive!(Int32Type, |n, _| value(n) as i32),
                    SqlType::BigInt => primitive!(Int64Type, |n, _| value(n)),
                    SqlType::Float => primitive!(Float32Type, |n, _| value(n) as f32),
                    SqlType::Double => primitive!(Float64Type, |n, _| value(n) as f64),
                    SqlType::Decimal(_, scale) => primitive!(Decimal128Type, |n, _| i128::from(value(n)) * 10i128.pow(u32::from(*scale))),
                    _ => {
                        let mut out = StringViewBuilder::new();
                        numbers.iter().for_each(|n| out.append_value(value(n).to_string()));
                        Arc::new(out.finish())
                    }
                }
            }
            (Values::Integers { min, max }, ty) => {
                let value = |random: &mut Random| {
                    let width = (i128::from(*max) - i128::from(*min) + 1) as u128;
                    let offset = (u128::from(random.next()) * width) >> 64;
                    (i128::from(*min) + offset as i128) as i64
                };
                match ty {
                    SqlType::TinyInt => primitive!(Int8Type, |_, r| value(r) as i8),
                    SqlType::SmallInt => primitive!(Int16Type, |_, r| value(r) as i16),
                    SqlType::Int => primitive!(Int32Type, |_, r| value(r) as i32),
                    _ => primitive!(Int64Type, |_, r| value(r)),
                }
            }
            (Values::Decimals { min, max }, _) => {
                primitive!(Decimal128Type, |_, r| {
                    let width = (max - min).unsigned_abs() + 1;
                    let wide = (u128::from(r.next()) << 64) | u128::from(r.next());
                    min + (wide % width) as i128
                })
            }
            (Values::Floats { min, max }, SqlType::Float) => primitive!(Float32Type, |_, r| between(*min, *max, r) as f32),
            (Values::Floats { min, max }, _) => primitive!(Float64Type, |_, r| between(*min, *max, r)),
            (Values::Booleans, _) => {
                let mut out = BooleanBuilder::new();
                for n in numbers.iter() {
                    let (mut random, is_null) = random(n);
                    out.append_option((!is_null).then(|| random.next() & 1 == 1));
                }
                Arc::new(out.finish())
            }
            (Values::Texts { length, any_length }, _) => {
                let (mut out, mut text) = (StringViewBuilder::new(), String::new());
                for n in numbers.iter() {
                    let (mut random, is_null) = random(n);
                    text.clear();
                    let length = if *any_length { random.below(*length as u64 + 1) as usize } else { *length };
                    while text.len() < length {
                        text += &format!("{:016x}", random.next());
                    }
                    text.truncate(length);
                    out.append_option((!is_null).then_some(text.as_str()));
                }
                Arc::new(out.finish())
            }
            (Values::Times { max_past_ms }, ty) => {
                let ms = |n: u64, random: &mut Random| time(n) - random.below(max_past_ms + 1) as i64;
                match ty {
                    SqlType::Date => primitive!(Date32Type, |n, r| ms(n, r).div_euclid(86_400_000) as i32),
                    SqlType::Time(_) => primitive!(Time32MillisecondType, |n, r| ms(n, r).rem_euclid(86_400_000) as i32),
                    _ => match self.field.ty.to_arrow() {
                        DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, _) => primitive!(TimestampMicrosecondType, |n, r| ms(n, r) * 1_000),
                        DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, _) => primitive!(TimestampNanosecondType, |n, r| ms(n, r) * 1_000_000),
                        _ => primitive!(TimestampMillisecondType, |n, r| match ty {
                            SqlType::Timestamp(0) | SqlType::TimestampLtz(0) => ms(n, r) / 1000 * 1000,
                            _ => ms(n, r),
                        }),
                    },
                }
            }
            (Values::Row(columns), ty) => {
                let DataType::Struct(fields) = ty.to_arrow() else {
                    return Err(Error::bug("a ROW is not carried by a struct"));
                };
                let arrays = arrays(columns, numbers, per_second)?;
                let nulls: Option<NullBuffer> = (self.null_rate > 0.0).then(|| numbers.iter().map(|n| !random(n).1).collect());
                let rows = numbers.iter().count();
                Arc::new(StructArray::try_new_with_length(fields, arrays, nulls, rows)?)
            }
            (Values::List { length, element }, ty) => {
                let DataType::List(field) = ty.to_arrow() else {
                    return Err(Error::bug("an ARRAY is not carried by a list"));
                };
                let (offsets, nulls, inside) = self.collections(numbers, *length);
                let elements = Column::each(element, inside, numbers, per_second)?;
                Arc::new(ListArray::try_new(field, offsets, elements, nulls)?)
            }
            (Values::Map { length, key, value }, ty) => {
                let DataType::Map(field, ordered) = ty.to_arrow() else {
                    return Err(Error::bug("a MAP is not carried by a map"));
                };
                let DataType::Struct(fields) = field.data_type().clone() else {
                    return Err(Error::bug("a map's entries are no struct"));
                };
                let (offsets, nulls, inside) = self.collections(numbers, *length);
                let keys = Column::each(key, inside.clone(), numbers, per_second)?;
                let values = Column::each(value, inside, numbers, per_second)?;
                // Equal keys have one value.
                let is_new = |i: usize, start: usize| !(start..i).any(|j| keys.slice(j, 1) == keys.slice(i, 1));
                let kept: Vec<Vec<u64>> = offsets
                    .windows(2)
                    .map(|w| {
                        let (start, end) = (w[0] as usize, w[1] as usize);
                        (start..end).filter(|i| is_new(*i, start)).map(|i| i as u64).collect()
                    })
                    .collect();
                let offsets = OffsetBuffer::from_lengths(kept.iter().map(Vec::len));
                let kept = UInt64Array::from_iter_values(kept.into_iter().flatten());
                let (keys, values) = (take(&keys, &kept, None)?, take(&values, &kept, None)?);
                let entries = StructArray::try_new(fields, vec![keys, values], None)?;
                Arc::new(MapArray::try_new(field, offsets, entries, nulls, ordered)?)
            }
        })
    }

    /// Where the collections of some rows end, which are NULL, and the numbers of the values inside of them.
    fn collections(&self, numbers: Numbers, length: u64) -> (OffsetBuffer<i32>, Option<NullBuffer>, Vec<u64>) {
        let is_null = |n: u64| self.null_rate > 0.0 && self.random(n, numbers.started_ms).unit() < self.null_rate;
        let rows: Vec<(u64, bool)> = numbers.iter().map(|n| (n, is_null(n))).collect();
        let lengths = rows.iter().map(|(_, is_null)| if *is_null { 0 } else { length as usize });
        let offsets = OffsetBuffer::from_lengths(lengths);
        let nulls: Option<NullBuffer> = (self.null_rate > 0.0).then(|| rows.iter().map(|(_, is_null)| !is_null).collect());
        let inside = rows.iter().filter(|(_, is_null)| !is_null);
        let inside = inside.flat_map(|(n, _)| (0..length).map(move |i| n.wrapping_mul(COLLECTION_MAX).wrapping_add(i)));
        (offsets, nulls, inside.collect())
    }
    /// The values inside of collections, by their numbers.
    fn each(column: &Column, inside: Vec<u64>, numbers: Numbers, per_second: u64) -> Result<ArrayRef> {
        let parts = inside.chunk_by(|a, b| a + 1 == *b);
        let parts = parts.map(|part| column.array(numbers.only(part[0], part.len() as u64, COLLECTION_MAX), per_second));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        if parts.is_empty() {
            return Ok(arrow_array::new_empty_array(&column.field.ty.to_arrow()));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(arrow_select::concat::concat(&parts)?)
    }

    /// One generator per row, so that a value depends on nothing but its row and column.
    fn random(&self, n: u64, started_ms: i64) -> Random {
        Random::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.salt ^ started_ms as u64)
    }

    fn primitive<T: ArrowPrimitiveType>(&self, numbers: Numbers, value: &dyn Fn(u64) -> Option<T::Native>) -> ArrayRef {
        let array: PrimitiveArray<T> = numbers.iter().map(value).collect();
        Arc::new(array.with_data_type(self.field.ty.to_arrow()))
    }
}

fn between(min: f64, max: f64, random: &mut Random) -> f64 {
    // The width of the whole range overflows: both ends are weighed.
    let share = random.unit();
    min * (1.0 - share) + max * share
}

fn arrays(columns: &[Column], numbers: Numbers, per_second: u64) -> Result<Vec<ArrayRef>> {
    columns.iter().map(|c| c.array(numbers, per_second)).collect()
}

impl GeneratedRows for Generator {
    fn batch(&self, numbers: Numbers) -> Result<RecordBatch> {
        let columns = arrays(&self.columns, numbers, self.pace.per_second.unwrap_or(1))?;
        let options = RecordBatchOptions::new().with_row_count(Some(numbers.iter().count()));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("generated columns do not fit the table").source(e))
    }
}

#[cfg(test)]
mod tests;
