//! Scalar expressions of a plan.

use crate::Type;
use serde::{Deserialize, Serialize};

/// A literal's value in the carrier's unit: a `TIMESTAMP(3)` is an `Int` of epoch milliseconds, a `DATE` of days, a
/// day-time interval of milliseconds, a year-month interval of months, a `DECIMAL` its unscaled integer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// NULL
    Null,
    /// BOOLEAN
    Boolean(bool),
    /// Integers and times
    Int(i64),
    /// Unscaled DECIMAL, as text
    #[serde(with = "decimal_text")]
    Decimal(i128),
    /// FLOAT and DOUBLE, as text so that infinities and NaN survive
    #[serde(with = "float_text")]
    Float(f64),
    /// Character strings
    Text(String),
    /// Binary strings
    Bytes(Vec<u8>),
}

/// A scalar expression over the columns of one input. Deterministic: same row, same value.
///
/// Names of calls that are operators: `add subtract multiply divide modulo eq neq lt lte gt gte and or not negate is_null is_not_null
/// is_true is_not_true is_false is_not_false is_distinct_from is_not_distinct_from like not_like concat_op in not_in field` (`field`: a ROW
/// and a text literal with the field's name; `in`: the value, then the list). All other names are in the functions registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A column of the input, by index.
    Column(usize),
    /// A constant.
    Literal {
        /// The value.
        value: Value,
        /// Its type.
        #[serde(rename = "type")]
        ty: Type,
    },
    /// A function or operator.
    Call {
        /// The name, lower case.
        name: String,
        /// Grows when the meaning of `name` changes, so that old plans keep theirs.
        version: u16,
        /// The arguments.
        args: Vec<Expr>,
        /// The result's type.
        #[serde(rename = "type")]
        ty: Type,
    },
    /// A conversion with Flink's rules.
    Cast {
        /// What is converted.
        expr: Box<Expr>,
        /// The type of `expr`.
        from: Type,
        /// The type to convert to.
        to: Type,
        /// TRY_CAST: NULL instead of an error.
        safe: bool,
    },
    /// Searched CASE.
    Case {
        /// Conditions and results, tried in order.
        when: Vec<(Expr, Expr)>,
        /// The result when none holds; NULL if absent.
        otherwise: Option<Box<Expr>>,
        /// The result's type.
        #[serde(rename = "type")]
        ty: Type,
    },
}

impl Expr {
    /// A call in its first version.
    pub fn call(name: &str, args: Vec<Expr>, ty: Type) -> Expr {
        Expr::Call {
            name: name.to_string(),
            version: 1,
            args,
            ty,
        }
    }
    /// Calls `f` on this expression and all below it.
    pub fn visit(&self, f: &mut impl FnMut(&Expr)) {
        f(self);
        match self {
            Expr::Column(_) | Expr::Literal { .. } => {}
            Expr::Call { args, .. } => args.iter().for_each(|a| a.visit(f)),
            Expr::Cast { expr, .. } => expr.visit(f),
            Expr::Case { when, otherwise, .. } => {
                for (c, r) in when {
                    c.visit(f);
                    r.visit(f);
                }
                if let Some(o) = otherwise {
                    o.visit(f);
                }
            }
        }
    }
    /// Calls `f` on all expressions below this one, then on itself.
    pub fn visit_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        match self {
            Expr::Column(_) | Expr::Literal { .. } => {}
            Expr::Call { args, .. } => args.iter_mut().for_each(|a| a.visit_mut(f)),
            Expr::Cast { expr, .. } => expr.visit_mut(f),
            Expr::Case { when, otherwise, .. } => {
                for (c, r) in when {
                    c.visit_mut(f);
                    r.visit_mut(f);
                }
                if let Some(o) = otherwise {
                    o.visit_mut(f);
                }
            }
        }
        f(self);
    }
    /// The columns it reads, ascending.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.visit(&mut |e| {
            if let Expr::Column(i) = e {
                columns.push(*i);
            }
        });
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

mod decimal_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    pub(super) fn serialize<S: Serializer>(v: &i128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(v)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i128, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

mod float_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    pub(super) fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{v:?}"))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}
