//! Aggregate functions over columns of state.

mod avg;
mod count;
mod min_max;
mod sum;

use millstream_dataflow::{Aggregate, Error, Result, SqlType};
use std::sync::Arc;

/// Names of all aggregates.
pub const NAMES: &[&str] = &["avg", "count", "max", "min", "sum"];

/// An aggregate bound to its argument types.
///
/// # Errors
/// `Sql` if there is no such aggregate, or not for these types.
pub fn aggregate(name: &str, args: &[SqlType]) -> Result<Arc<dyn Aggregate>> {
    let none = || {
        let types: Vec<String> = args.iter().map(SqlType::to_string).collect();
        Error::sql(format!("{}({}) does not exist", name.to_uppercase(), types.join(", "))).code("E0304")
    };
    match (name, args) {
        ("count", [] | [_]) => Ok(Arc::new(count::Count)),
        ("sum", [ty]) => sum::of(ty).ok_or_else(none),
        ("avg", [ty]) => avg::of(ty).ok_or_else(none),
        ("min", [ty]) => min_max::of(ty, false).ok_or_else(none),
        ("max", [ty]) => min_max::of(ty, true).ok_or_else(none),
        _ => Err(none()),
    }
}

/// Calls `f` with the position of each row that counts: not NULL in the argument, and true in the filter.
fn counting_rows(argument: Option<&arrow_array::ArrayRef>, filter: Option<&arrow_array::BooleanArray>, rows: usize, mut f: impl FnMut(usize)) {
    use arrow_array::Array;
    let nulls = argument.and_then(|a| a.logical_nulls()).filter(|n| n.null_count() > 0);
    match (nulls, filter) {
        (None, None) => (0..rows).for_each(f),
        (nulls, filter) => {
            for i in 0..rows {
                if nulls.as_ref().is_none_or(|n| n.is_valid(i)) && filter.is_none_or(|m| m.is_valid(i) && m.value(i)) {
                    f(i);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
