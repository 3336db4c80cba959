//! `table.local-time-zone`: what depends on it is said in the plan, so that a plan means the same wherever it runs.

use crate::diagnostic::unsupported;
use millstream_dataflow::{Result, Span, SqlType};
use millstream_plan::{Column, Expr, NodeSpec, Type, Value};

/// Functions that read a TIMESTAMP_LTZ off the wall clock.
const OF_WALL: [&str; 13] = [
    "year",
    "quarter",
    "month",
    "week",
    "dayofmonth",
    "dayofyear",
    "dayofweek",
    "hour",
    "minute",
    "second",
    "extract",
    "date_format",
    "datediff",
];

/// Functions that round it, with the zone as their last argument.
const ROUND: [&str; 3] = ["floor_to", "ceil_to", "date_trunc"];

/// Functions whose last argument is a zone that may be left out.
const TAKES_ZONE: [&str; 2] = ["from_unixtime", "unix_timestamp"];

/// Their pattern, if that is left out, too.
const PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

/// Says the zone in a node: in its expressions and windows.
///
/// - `input`: the columns of the node's input
///
/// # Errors
/// `Sql` for a conversion inside of a ROW, ARRAY or MAP.
pub(crate) fn localize(spec: &mut NodeSpec, input: &[Column], zone: &str) -> Result<()> {
    match spec {
        NodeSpec::Project(exprs) => exprs.iter_mut().try_for_each(|e| in_zone(e, input, zone)),
        NodeSpec::Filter(condition) => in_zone(condition, input, zone),
        NodeSpec::Source(source) => {
            let table: Vec<Column> = source.table.columns.iter().map(|(c, _)| c.clone()).collect();
            source.columns.iter_mut().try_for_each(|e| in_zone(e, &table, zone))?;
            match &mut source.rowtime {
                Some(rowtime) => in_zone(&mut rowtime.watermark, input, zone),
                None => Ok(()),
            }
        }
        NodeSpec::Window { window_time, zone: of, .. } => {
            *of = is_ltz(&window_time.ty).then(|| zone.to_string());
            Ok(())
        }
        NodeSpec::LocalWindowAggregate(aggregate) | NodeSpec::WindowAggregate { aggregate, .. } => {
            aggregate.zone = is_ltz(&aggregate.window_time.ty).then(|| zone.to_string());
            Ok(())
        }
        NodeSpec::Values(_) | NodeSpec::Expand { .. } | NodeSpec::Union | NodeSpec::DeadLetters(_) | NodeSpec::Sink(_) | NodeSpec::Collect => Ok(()),
    }
}

/// Says the zone in an expression.
///
/// # Errors
/// `Sql` for a conversion inside of a ROW, ARRAY or MAP.
pub(crate) fn in_zone(expr: &mut Expr, columns: &[Column], zone: &str) -> Result<()> {
    let mut result = Ok(());
    expr.visit_mut(&mut |e| {
        if let Err(error) = one(e, columns, zone) {
            result = Err(error);
        }
    });
    result
}

fn one(expr: &mut Expr, columns: &[Column], zone: &str) -> Result<()> {
    let taken = || Expr::Literal {
        value: Value::Null,
        ty: Type::new(SqlType::Null, true),
    };
    match expr {
        Expr::Cast { expr: inner, from, to, safe } => match (&from.ty, &to.ty) {
            (SqlType::TimestampLtz(_), SqlType::TimestampLtz(_) | SqlType::Null) => {}
            (SqlType::TimestampLtz(p), _) => {
                let wall = Type::new(SqlType::Timestamp(*p), from.nullable);
                let value = to_local(std::mem::replace(inner.as_mut(), taken()), &wall, zone);
                if wall.ty == to.ty {
                    *expr = value;
                } else {
                    (**inner, *from) = (value, wall);
                }
            }
            (SqlType::Null, SqlType::TimestampLtz(_)) => {}
            (_, SqlType::TimestampLtz(p)) => {
                let wall = Type::new(SqlType::Timestamp(*p), to.nullable);
                let value = std::mem::replace(inner.as_mut(), taken());
                let value = if from.ty == wall.ty {
                    value
                } else {
                    Expr::Cast {
                        expr: Box::new(value),
                        from: from.clone(),
                        to: wall,
                        safe: *safe,
                    }
                };
                *expr = to_ltz(value, &to.clone(), zone);
            }
            (from, to) if from.to_arrow() != to.to_arrow() && (holds_ltz(from) || holds_ltz(to)) => {
                return Err(unsupported(
                    format!("casting the TIMESTAMP_LTZ inside of {from} in a time zone other than UTC"),
                    Span::new((0, 0), (0, 0)),
                ));
            }
            _ => {}
        },
        Expr::Call { name, args, .. } if OF_WALL.contains(&name.as_str()) => {
            for arg in args.iter_mut() {
                if let SqlType::TimestampLtz(p) = type_of(arg, columns).ty {
                    let wall = Type::new(SqlType::Timestamp(p), true);
                    *arg = to_local(std::mem::replace(arg, taken()), &wall, zone);
                }
            }
        }
        Expr::Call { name, args, ty, .. } if ROUND.contains(&name.as_str()) && is_ltz(&ty.ty) && args.len() == 2 => args.push(text(zone)),
        Expr::Call { name, args, .. } if TAKES_ZONE.contains(&name.as_str()) && args.len() < 3 => {
            if args.len() == 1 {
                args.push(text(PATTERN));
            }
            args.push(text(zone));
        }
        _ => {}
    }
    Ok(())
}

fn to_local(value: Expr, ty: &Type, zone: &str) -> Expr {
    Expr::call("ltz_to_local", vec![value, text(zone)], ty.clone())
}

fn to_ltz(value: Expr, ty: &Type, zone: &str) -> Expr {
    Expr::call("local_to_ltz", vec![value, text(zone)], ty.clone())
}

fn text(value: &str) -> Expr {
    Expr::Literal {
        value: Value::Text(value.to_string()),
        ty: Type::new(SqlType::STRING, false),
    }
}

fn type_of(expr: &Expr, columns: &[Column]) -> Type {
    match expr {
        Expr::Column(i) => columns.get(*i).map_or(Type::new(SqlType::Null, true), |c| c.ty.clone()),
        Expr::Literal { ty, .. } | Expr::Call { ty, .. } | Expr::Case { ty, .. } => ty.clone(),
        Expr::Cast { to, .. } => to.clone(),
    }
}

fn is_ltz(ty: &SqlType) -> bool {
    matches!(ty, SqlType::TimestampLtz(_))
}

pub(crate) fn holds_ltz(ty: &SqlType) -> bool {
    match ty {
        SqlType::Row(fields) => fields.iter().any(|f| holds_ltz(&f.ty)),
        SqlType::Array(f) | SqlType::Multiset(f) => holds_ltz(&f.ty),
        SqlType::Map(k, v) => holds_ltz(&k.ty) || holds_ltz(&v.ty),
        other => is_ltz(other),
    }
}
