//! Expressions as SQL would write them.

use crate::{Expr, Type, Value};
use millstream_dataflow::SqlType;
use millstream_dataflow::temporal::{split, units_per_second, write_date, write_time};
use millstream_dataflow::text::decimal_text;

/// An expression over columns of these names.
pub(super) fn expression(e: &Expr, columns: &[String]) -> String {
    let part = |e: &Expr| expression(e, columns);
    match e {
        Expr::Column(i) => columns.get(*i).cloned().unwrap_or_else(|| format!("#{i}")),
        Expr::Literal { value, ty } => literal(value, ty),
        Expr::Call { name, args, .. } => match (name.as_str(), args.as_slice()) {
            ("field", [row, Expr::Literal { value: Value::Text(field), .. }]) => format!("{}.{field}", part(row)),
            ("element_at", [of, at]) => format!("{}[{}]", part(of), part(at)),
            ("negate", [a]) => format!("-{}", part(a)),
            ("not", [a]) => format!("(NOT {})", part(a)),
            (postfix, [a]) if postfix.starts_with("is_") => format!("({} {})", part(a), postfix.replace('_', " ").to_uppercase()),
            ("in" | "not_in", [a, list @ ..]) => {
                let list = list.iter().map(part).collect::<Vec<_>>().join(", ");
                format!("({} {} ({list}))", part(a), if name == "in" { "IN" } else { "NOT IN" })
            }
            (infix, [a, b]) => match symbol(infix) {
                Some(symbol) => format!("({} {symbol} {})", part(a), part(b)),
                None => format!("{}({}, {})", infix.to_uppercase(), part(a), part(b)),
            },
            _ => format!("{}({})", name.to_uppercase(), args.iter().map(part).collect::<Vec<_>>().join(", ")),
        },
        Expr::Cast { expr, to, safe, .. } => format!("{}({} AS {})", if *safe { "TRY_CAST" } else { "CAST" }, part(expr), to.ty),
        Expr::Case { when, otherwise, .. } => {
            let branches = when.iter().map(|(c, r)| format!(" WHEN {} THEN {}", part(c), part(r)));
            let otherwise = otherwise.as_ref().map_or_else(String::new, |o| format!(" ELSE {}", part(o)));
            format!("CASE{}{otherwise} END", branches.collect::<String>())
        }
    }
}

fn symbol(name: &str) -> Option<&'static str> {
    Some(match name {
        "add" => "+",
        "subtract" => "-",
        "multiply" => "*",
        "divide" => "/",
        "modulo" => "%",
        "eq" => "=",
        "neq" => "<>",
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        "and" => "AND",
        "or" => "OR",
        "concat_op" => "||",
        "like" => "LIKE",
        "not_like" => "NOT LIKE",
        "is_distinct_from" => "IS DISTINCT FROM",
        "is_not_distinct_from" => "IS NOT DISTINCT FROM",
        _ => return None,
    })
}

fn literal(value: &Value, ty: &Type) -> String {
    match (value, &ty.ty) {
        (Value::Null, _) => "NULL".to_string(),
        (Value::Boolean(b), _) => b.to_string().to_uppercase(),
        (Value::Int(days), SqlType::Date) => {
            let mut text = String::new();
            write_date(*days, &mut text);
            format!("DATE '{text}'")
        }
        (Value::Int(ms), SqlType::Time(p)) => {
            let mut text = String::new();
            write_time(ms.saturating_mul(1_000_000), usize::from(*p), &mut text);
            format!("TIME '{text}'")
        }
        (Value::Int(v), SqlType::Timestamp(p) | SqlType::TimestampLtz(p)) => {
            let (days, nanos) = split(*v, units_per_second(*p));
            let mut text = String::new();
            write_date(days, &mut text);
            text.push(' ');
            write_time(nanos, usize::from(*p), &mut text);
            let name = if matches!(ty.ty, SqlType::Timestamp(_)) {
                "TIMESTAMP"
            } else {
                "TIMESTAMP_LTZ"
            };
            format!("{name} '{text}'")
        }
        (Value::Int(ms), SqlType::IntervalDayTime) => duration(*ms),
        (Value::Int(months), SqlType::IntervalYearMonth) => format!("{months} month{}", if *months == 1 { "" } else { "s" }),
        (Value::Int(v), _) => v.to_string(),
        (Value::Decimal(v), SqlType::Decimal(_, scale)) => decimal_text(*v, *scale),
        (Value::Decimal(v), _) => v.to_string(),
        (Value::Float(v), _) => format!("{v:e}"),
        (Value::Text(t), _) => format!("'{}'", t.replace('\'', "''")),
        (Value::Bytes(b), _) => format!("x'{}'", b.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    }
}

/// Milliseconds in the largest unit that is whole: `5 min`, `90 s`, `1500 ms`.
pub(super) fn duration(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    match units.iter().find(|(length, _)| ms != 0 && ms % length == 0) {
        Some((length, unit)) => format!("{} {unit}", ms / length),
        None => format!("{ms} ms"),
    }
}
