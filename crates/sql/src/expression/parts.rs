//! What an expression that makes a nested value is made of.

use super::calls::arguments;
use sqlparser::ast::Expr;

/// The function of `ARRAY[…]`, `MAP[…]`, `ROW(…)` or `(…, …)`, and what is given to it; `None` for anything else.
pub(crate) fn parts(expr: &Expr) -> Option<(&'static str, Vec<&Expr>)> {
    match expr {
        Expr::Array(array) if array.named => Some(("array", array.elem.iter().collect())),
        Expr::Tuple(fields) => Some(("row", fields.iter().collect())),
        Expr::Function(f) => {
            let name = match f.name.to_string().to_lowercase().as_str() {
                "map" => "map",
                "row" => "row",
                _ => return None,
            };
            Some((name, arguments(f).ok()?))
        }
        _ => None,
    }
}
