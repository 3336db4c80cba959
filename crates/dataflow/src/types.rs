//! Flink's types, their text form and their Arrow carriers.

mod parse;

pub use parse::NoType;

use crate::{Error, Field, Result};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use std::fmt;
use std::sync::Arc;

/// A type of Flink SQL, without nullability (that is the [`Field`]'s).
///
/// `Display` gives the text Flink's `asSerializableString` gives; [`std::str::FromStr`] reads it and the usual SQL spellings back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`, 8 bits
    TinyInt,
    /// `SMALLINT`, 16 bits
    SmallInt,
    /// `INT`, 32 bits
    Int,
    /// `BIGINT`, 64 bits
    BigInt,
    /// `FLOAT`, 32 bits
    Float,
    /// `DOUBLE`, 64 bits
    Double,
    /// `DECIMAL(precision ≤ 38, scale ≤ precision)`
    Decimal(u8, u8),
    /// `CHAR(n)`
    Char(u32),
    /// `VARCHAR(n)`; [`SqlType::STRING`] has n = 2147483647
    VarChar(u32),
    /// `BINARY(n)`
    Binary(u32),
    /// `VARBINARY(n)`; [`SqlType::BYTES`] has n = 2147483647
    VarBinary(u32),
    /// `DATE`
    Date,
    /// `TIME(p)`, carried with millisecond precision
    Time(u8),
    /// `TIMESTAMP(p)`: wall time without zone
    Timestamp(u8),
    /// `TIMESTAMP(p) WITH LOCAL TIME ZONE`: a point in time
    TimestampLtz(u8),
    /// `INTERVAL YEAR TO MONTH`
    IntervalYearMonth,
    /// `INTERVAL DAY TO SECOND(3)`
    IntervalDayTime,
    /// `ARRAY<element>`
    Array(Box<Field>),
    /// `MAP<key, value>`
    Map(Box<Field>, Box<Field>),
    /// `MULTISET<element>`
    Multiset(Box<Field>),
    /// `ROW<name type, …>`
    Row(Vec<Field>),
    /// The type of a bare `NULL`
    Null,
}

impl SqlType {
    /// `STRING`
    pub const STRING: SqlType = SqlType::VarChar(i32::MAX as u32);
    /// `BYTES`
    pub const BYTES: SqlType = SqlType::VarBinary(i32::MAX as u32);

    /// The Arrow type that carries values of this type (design §4).
    pub fn to_arrow(&self) -> DataType {
        let unit = |p: u8| match p {
            0..=3 => TimeUnit::Millisecond,
            4..=6 => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        match self {
            SqlType::Boolean => DataType::Boolean,
            SqlType::TinyInt => DataType::Int8,
            SqlType::SmallInt => DataType::Int16,
            SqlType::Int => DataType::Int32,
            SqlType::BigInt => DataType::Int64,
            SqlType::Float => DataType::Float32,
            SqlType::Double => DataType::Float64,
            SqlType::Decimal(p, s) => DataType::Decimal128(*p, *s as i8),
            SqlType::Char(_) | SqlType::VarChar(_) => DataType::Utf8View,
            SqlType::Binary(_) | SqlType::VarBinary(_) => DataType::BinaryView,
            SqlType::Date => DataType::Date32,
            SqlType::Time(_) => DataType::Time32(TimeUnit::Millisecond),
            SqlType::Timestamp(p) => DataType::Timestamp(unit(*p), None),
            SqlType::TimestampLtz(p) => DataType::Timestamp(unit(*p), Some("UTC".into())),
            SqlType::IntervalYearMonth => DataType::Interval(IntervalUnit::YearMonth),
            SqlType::IntervalDayTime => DataType::Duration(TimeUnit::Millisecond),
            SqlType::Array(e) => DataType::List(Arc::new(e.to_arrow())),
            SqlType::Map(k, v) => map_type(k.to_arrow(), v.to_arrow()),
            SqlType::Multiset(e) => map_type(e.to_arrow(), Field::new("value", SqlType::Int, false).to_arrow()),
            SqlType::Row(fields) => DataType::Struct(fields.iter().map(Field::to_arrow).collect()),
            SqlType::Null => DataType::Null,
        }
    }

    /// The type that an Arrow type carries by default. What the carrier does not tell (`CHAR(n)`, `TIMESTAMP(0)`) travels in
    /// [`Field`] metadata.
    ///
    /// # Errors
    /// `Sql` for an Arrow type that no Flink type maps to.
    pub fn from_arrow(ty: &DataType) -> Result<SqlType> {
        let precision = |unit: &TimeUnit| match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        Ok(match ty {
            DataType::Boolean => SqlType::Boolean,
            DataType::Int8 => SqlType::TinyInt,
            DataType::Int16 | DataType::UInt8 => SqlType::SmallInt,
            DataType::Int32 | DataType::UInt16 => SqlType::Int,
            DataType::Int64 | DataType::UInt32 => SqlType::BigInt,
            DataType::UInt64 => SqlType::Decimal(20, 0),
            DataType::Float16 | DataType::Float32 => SqlType::Float,
            DataType::Float64 => SqlType::Double,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) if *s >= 0 => SqlType::Decimal(*p, *s as u8),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => SqlType::STRING,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => SqlType::BYTES,
            DataType::FixedSizeBinary(n) => SqlType::Binary(*n as u32),
            DataType::Date32 | DataType::Date64 => SqlType::Date,
            DataType::Time32(_) | DataType::Time64(_) => SqlType::Time(0),
            DataType::Timestamp(unit, None) => SqlType::Timestamp(precision(unit)),
            DataType::Timestamp(unit, Some(_)) => SqlType::TimestampLtz(precision(unit)),
            DataType::Interval(IntervalUnit::YearMonth) => SqlType::IntervalYearMonth,
            DataType::Duration(_) | DataType::Interval(_) => SqlType::IntervalDayTime,
            DataType::List(e) | DataType::LargeList(e) | DataType::FixedSizeList(e, _) | DataType::ListView(e) => {
                SqlType::Array(Box::new(Field::from_arrow(e)?))
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(kv) if kv.len() == 2 => SqlType::Map(Box::new(Field::from_arrow(&kv[0])?), Box::new(Field::from_arrow(&kv[1])?)),
                _ => return Err(Error::bug("a map's entries are not a struct of two fields")),
            },
            DataType::Struct(fields) => SqlType::Row(fields.iter().map(|f| Field::from_arrow(f)).collect::<Result<_>>()?),
            DataType::Dictionary(_, value) => SqlType::from_arrow(value)?,
            DataType::Null => SqlType::Null,
            other => return Err(Error::sql(format!("no SQL type for {other}"))),
        })
    }

    /// Whether a watermark or a window may use a column of this type.
    pub fn is_time_attribute(&self) -> bool {
        matches!(self, SqlType::Timestamp(p) | SqlType::TimestampLtz(p) if *p <= 3)
    }
    /// TINYINT to BIGINT.
    pub fn is_integer(&self) -> bool {
        matches!(self, SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt)
    }
    /// The type in full, as Flink stores it (`LogicalType.asSerializableString`): `VARCHAR(2147483647)`, `TIMESTAMP(3) WITH LOCAL TIME ZONE`.
    pub fn serialized(&self) -> String {
        /// Shown in full.
        struct Full<'a>(&'a SqlType);
        impl fmt::Display for Full<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(f, Field::serialized_type)
            }
        }
        Full(self).to_string()
    }
    /// In full, but for the types in it.
    fn write(&self, f: &mut fmt::Formatter<'_>, inner: fn(&Field) -> String) -> fmt::Result {
        match self {
            SqlType::Boolean => f.write_str("BOOLEAN"),
            SqlType::TinyInt => f.write_str("TINYINT"),
            SqlType::SmallInt => f.write_str("SMALLINT"),
            SqlType::Int => f.write_str("INT"),
            SqlType::BigInt => f.write_str("BIGINT"),
            SqlType::Float => f.write_str("FLOAT"),
            SqlType::Double => f.write_str("DOUBLE"),
            SqlType::Decimal(p, s) => write!(f, "DECIMAL({p}, {s})"),
            SqlType::Char(n) => write!(f, "CHAR({n})"),
            SqlType::VarChar(n) => write!(f, "VARCHAR({n})"),
            SqlType::Binary(n) => write!(f, "BINARY({n})"),
            SqlType::VarBinary(n) => write!(f, "VARBINARY({n})"),
            SqlType::Date => f.write_str("DATE"),
            SqlType::Time(p) => write!(f, "TIME({p})"),
            SqlType::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            SqlType::TimestampLtz(p) => write!(f, "TIMESTAMP({p}) WITH LOCAL TIME ZONE"),
            SqlType::IntervalYearMonth => f.write_str("INTERVAL YEAR(2) TO MONTH"),
            SqlType::IntervalDayTime => f.write_str("INTERVAL DAY(2) TO SECOND(3)"),
            SqlType::Array(e) => write!(f, "ARRAY<{}>", inner(e)),
            SqlType::Map(k, v) => write!(f, "MAP<{}, {}>", inner(k), inner(v)),
            SqlType::Multiset(e) => write!(f, "MULTISET<{}>", inner(e)),
            SqlType::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    write!(f, "{}`{}` {}", if i == 0 { "" } else { ", " }, field.name.replace('`', "``"), inner(field))?;
                }
                f.write_str(">")
            }
            SqlType::Null => f.write_str("NULL"),
        }
    }
}

fn map_type(key: arrow_schema::Field, value: arrow_schema::Field) -> DataType {
    let entries = DataType::Struct(vec![key.with_name("key").with_nullable(false), value.with_name("value")].into());
    DataType::Map(Arc::new(arrow_schema::Field::new("entries", entries, false)), false)
}

/// As Flink tells types to people, and reads them (`LogicalType.asSummaryString`): `STRING`, `BYTES`, `TIMESTAMP_LTZ(3)`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlType::VarChar(n) if *n == i32::MAX as u32 => f.write_str("STRING"),
            SqlType::VarBinary(n) if *n == i32::MAX as u32 => f.write_str("BYTES"),
            SqlType::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            other => other.write(f, Field::type_text),
        }
    }
}

#[cfg(test)]
mod tests;
