//! How types combine: Flink's rules for common types and decimals.

use millstream_dataflow::{Field, SqlType};

/// A type with its nullability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    pub ty: SqlType,
    pub nullable: bool,
    /// Of an argument that is a literal, where the result's type hangs on it: the digits of ROUND.
    pub literal: Option<i64>,
}

impl Type {
    pub fn new(ty: SqlType, nullable: bool) -> Self {
        Type { ty, nullable, literal: None }
    }
}

impl From<&Field> for Type {
    fn from(f: &Field) -> Self {
        Type::new(f.ty.clone(), f.nullable)
    }
}

pub fn is_text(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Char(_) | SqlType::VarChar(_))
}

pub fn is_bytes(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Binary(_) | SqlType::VarBinary(_))
}

pub fn is_numeric(ty: &SqlType) -> bool {
    ty.is_integer() || matches!(ty, SqlType::Float | SqlType::Double | SqlType::Decimal(..))
}

pub fn is_timestamp(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Timestamp(_) | SqlType::TimestampLtz(_))
}

/// The decimal that holds every value of an exact numeric type.
pub fn as_decimal(ty: &SqlType) -> Option<(u8, u8)> {
    Some(match ty {
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::Decimal(p, s) => (*p, *s),
        _ => return None,
    })
}

/// A decimal type of at most 38 digits: beyond them the scale gives way down to 6 digits, as in Flink.
pub fn decimal(precision: u32, scale: u32) -> SqlType {
    if precision <= 38 {
        return SqlType::Decimal(precision as u8, scale as u8);
    }
    let whole = precision - scale;
    let scale = 38u32.saturating_sub(whole).max(scale.min(6));
    SqlType::Decimal(38, scale as u8)
}

fn integer_rank(ty: &SqlType) -> Option<u8> {
    Some(match ty {
        SqlType::TinyInt => 1,
        SqlType::SmallInt => 2,
        SqlType::Int => 3,
        SqlType::BigInt => 4,
        _ => return None,
    })
}

/// The numeric type both sides are brought to before arithmetic or comparison.
pub fn common_numeric(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    if let (Some(x), Some(y)) = (integer_rank(a), integer_rank(b)) {
        return Some(if x >= y { a.clone() } else { b.clone() });
    }
    if let (Some((p1, s1)), Some((p2, s2))) = (as_decimal(a), as_decimal(b)) {
        let scale = s1.max(s2);
        return Some(decimal(u32::from((p1 - s1).max(p2 - s2)) + u32::from(scale), u32::from(scale)));
    }
    if !is_numeric(a) || !is_numeric(b) {
        return None;
    }
    let double = [a, b].iter().any(|t| matches!(t, SqlType::Double | SqlType::Decimal(..)));
    Some(if double { SqlType::Double } else { SqlType::Float })
}

/// The type that values of both types can be brought to without loss: of CASE, COALESCE, UNION ALL, VALUES, comparisons.
pub fn common(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (SqlType::Null, other) | (other, SqlType::Null) => Some(other.clone()),
        (SqlType::Char(x), SqlType::Char(y)) if x == y => Some(a.clone()),
        (SqlType::Char(x) | SqlType::VarChar(x), SqlType::Char(y) | SqlType::VarChar(y)) => Some(SqlType::VarChar(*x.max(y))),
        (SqlType::Binary(x) | SqlType::VarBinary(x), SqlType::Binary(y) | SqlType::VarBinary(y)) => Some(SqlType::VarBinary(*x.max(y))),
        (SqlType::Timestamp(x), SqlType::Timestamp(y)) => Some(SqlType::Timestamp(*x.max(y))),
        (SqlType::TimestampLtz(x), SqlType::TimestampLtz(y)) => Some(SqlType::TimestampLtz(*x.max(y))),
        (SqlType::Date, t @ SqlType::Timestamp(_)) | (t @ SqlType::Timestamp(_), SqlType::Date) => Some(t.clone()),
        (SqlType::Time(x), SqlType::Time(y)) => Some(SqlType::Time(*x.max(y))),
        (SqlType::Array(x), SqlType::Array(y)) => Some(SqlType::Array(common_field(x, y)?)),
        (SqlType::Map(k1, v1), SqlType::Map(k2, v2)) => Some(SqlType::Map(common_field(k1, k2)?, common_field(v1, v2)?)),
        (SqlType::Row(x), SqlType::Row(y)) if x.len() == y.len() => {
            let fields: Option<Vec<Field>> = x.iter().zip(y).map(|(x, y)| common_field(x, y).map(|f| *f)).collect();
            Some(SqlType::Row(fields?))
        }
        _ => common_numeric(a, b),
    }
}

fn common_field(a: &Field, b: &Field) -> Option<Box<Field>> {
    Some(Box::new(Field::new(&a.name, common(&a.ty, &b.ty)?, a.nullable || b.nullable)))
}
