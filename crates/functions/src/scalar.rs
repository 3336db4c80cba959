//! The registry of scalar functions and operators.

mod arithmetic;
mod compare;
mod comparison;
mod conditional;
mod json;
mod logic;
mod math;
mod nested;
mod rows;
mod strings;
mod times;

use crate::types::Type;
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

pub use comparison::{Comparison, comparison};
pub use conditional::choose;
pub use nested::field;
pub(crate) use rows::refused;
pub use times::TimePattern;
pub(crate) use times::plain_date;

/// How a call is typed: the arguments are cast to `args` first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub args: Vec<SqlType>,
    pub result: Type,
}

/// A scalar function or operator.
pub struct Function {
    /// Lower case.
    pub name: &'static str,
    /// What it takes and gives, for messages and docs: `SUBSTRING(text, start [, length])`.
    pub usage: &'static str,
    /// What it gives, for docs.
    pub doc: &'static str,
    /// A call, and what it gives as a result table shows it.
    pub example: (&'static str, &'static str),
    /// The types of a call, `None` if the function does not take these.
    pub resolve: fn(&[Type]) -> Option<Signature>,
    /// The result of a call over columns of `rows` rows, in the carriers of the signature.
    pub evaluate: fn(&[ArrayRef], usize, &SqlType) -> Result<ArrayRef>,
}

/// Functions that belong together in the docs.
pub struct Group {
    /// A heading: `Character strings`.
    pub name: &'static str,
    /// In the order of the docs.
    pub functions: &'static [&'static [Function]],
}

/// All functions, group by group.
pub const GROUPS: &[Group] = &[
    Group {
        name: "Comparison",
        functions: &[comparison::FUNCTIONS],
    },
    Group {
        name: "Logic",
        functions: &[logic::FUNCTIONS],
    },
    Group {
        name: "Conditions",
        functions: &[conditional::FUNCTIONS],
    },
    Group {
        name: "Numbers",
        functions: &[arithmetic::FUNCTIONS, math::ROUND, math::DOUBLE, math::WHOLE],
    },
    Group {
        name: "Character strings",
        functions: strings::FUNCTIONS,
    },
    Group {
        name: "Dates and times",
        functions: times::FUNCTIONS,
    },
    Group {
        name: "Arrays, maps and rows",
        functions: nested::FUNCTIONS,
    },
    Group {
        name: "JSON",
        functions: json::FUNCTIONS,
    },
];

/// All functions.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|g| g.functions).copied().flatten()
}

/// A function by its lower-case name.
pub fn function(name: &str) -> Option<&'static Function> {
    functions().find(|f| f.name == name)
}

/// Looks at those arguments of a call that are text literals: patterns and paths that no row could be read by.
///
/// # Errors
/// What is wrong with one of them.
pub fn check_literals(name: &str, literals: &[Option<&str>]) -> Result<()> {
    let Some(Some(second)) = literals.get(1) else { return Ok(()) };
    match name {
        "similar_to" => strings::check_similar(second, literals.get(2).copied().flatten()),
        _ if name.starts_with("regexp") => strings::check_regex(second),
        "json_value" | "json_query" | "json_exists" => json::check_path(second),
        _ => Ok(()),
    }
}

/// NULL in, NULL out.
fn any_nullable(args: &[Type]) -> bool {
    args.iter().any(|a| a.nullable)
}

/// A signature of fixed argument types whose result is NULL iff an argument is.
fn fixed(args: &[Type], types: &[SqlType], result: SqlType) -> Option<Signature> {
    let fits = args.len() == types.len() && args.iter().zip(types).all(|(a, t)| implicitly(&a.ty, t));
    fits.then(|| Signature {
        args: types.to_vec(),
        result: Type::new(result, any_nullable(args)),
    })
}

/// The same with a result that may be NULL whatever the arguments are.
fn nullable(args: &[Type], types: &[SqlType], result: SqlType) -> Option<Signature> {
    fixed(args, types, result).map(|mut s| {
        s.result.nullable = true;
        s
    })
}

/// Whether an argument of one type may stand where another is taken.
fn implicitly(from: &SqlType, to: &SqlType) -> bool {
    use crate::types::{as_decimal, is_bytes, is_numeric, is_text, is_timestamp};
    from == to
        || *from == SqlType::Null
        || (is_text(from) && is_text(to))
        || (is_bytes(from) && is_bytes(to))
        || (is_timestamp(from) && is_timestamp(to))
        || (is_numeric(from) && matches!(to, SqlType::Double | SqlType::Float))
        || (from.is_integer() && to.is_integer() && as_decimal(from).map(|d| d.0) <= as_decimal(to).map(|d| d.0))
        || (as_decimal(from).is_some() && matches!(to, SqlType::Decimal(..)))
}

#[cfg(test)]
mod tests;
