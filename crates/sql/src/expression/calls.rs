//! Calls with their arguments brought to the types they take.

use super::{Binder, cast, nearest_function, with_names};
use crate::constant::value_of;
use crate::diagnostic::unsupported;
use crate::parse::span_of;
use crate::relation::Bound;
use millstream_dataflow::{Error, Result, Span, SqlType, each};
use millstream_functions::types::{is_numeric, is_text, is_timestamp};
use millstream_functions::{check_literals, function};
use millstream_plan::{Expr as Plan, Type, Value};
use sqlparser::ast::{Function, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Functions that read a clock or a random number: their values must be input, not computed.
pub(super) const VOLATILE: [&str; 12] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "current_row_timestamp",
    "rand",
    "rand_integer",
    "uuid",
    "proctime",
    "current_watermark",
];

/// A call of a function or operator.
pub(crate) fn call(name: &str, args: Vec<Bound>) -> Result<Bound> {
    let Some(f) = function(name) else {
        return Err(missing(name));
    };
    let types: Vec<millstream_functions::Type> = args
        .iter()
        .map(|a| millstream_functions::Type {
            literal: literal(a),
            ..millstream_functions::Type::new(a.ty.ty.clone(), a.ty.nullable)
        })
        .collect();
    let Some(signature) = (f.resolve)(&types) else {
        // A unit of time is a word, although a plan has it as a text.
        let unit = |a: &Bound| {
            text_literal(a)
                .filter(|_| f.usage.contains("unit") && matches!(a.ty.ty, SqlType::VarChar(_)))
                .map(str::to_string)
        };
        let mut given: Vec<String> = args.iter().map(|a| unit(a).unwrap_or_else(|| a.ty.ty.to_string())).collect();
        if f.usage.contains(" TO unit") {
            given.rotate_left(1);
        }
        return Err(Error::sql(format!("{} does not take ({})", f.usage, given.join(", ")))
            .code("E0304")
            .hint(instead(f.name, f.usage, &types)));
    };
    let literals: Vec<Option<&str>> = args.iter().map(text_literal).collect();
    check_literals(name, &literals).map_err(|e| {
        let told = Error::sql(e.message.clone()).code("E0310");
        match e.hint.clone() {
            Some(hint) => told.hint(hint),
            None => told,
        }
    })?;
    let args = args
        .into_iter()
        .zip(&signature.args)
        .map(|(a, to)| cast(a, Type::new(to.clone(), true)).expr)
        .collect();
    let ty = Type::new(signature.result.ty, signature.result.nullable);
    Ok(Bound {
        expr: Plan::call(f.name, args, ty.clone()),
        ty,
    })
}

/// What to do where a function does not take its arguments.
fn instead(name: &str, usage: &str, given: &[millstream_functions::Type]) -> String {
    let any = |is: fn(&SqlType) -> bool| given.iter().any(|t| is(&t.ty));
    let all = |is: fn(&SqlType) -> bool| given.iter().all(|t| is(&t.ty));
    match (arity(usage), name) {
        (Some(n), _) if n != given.len() => format!("it takes {}", counted(n, "argument")),
        (_, "add" | "subtract") if any(is_text) && any(is_timestamp) => "a length of time is an interval: INTERVAL '5' SECOND".to_string(),
        (_, "add") if any(is_text) => "texts are joined by ||; cast a text to add it".to_string(),
        (_, "subtract") if all(is_timestamp) => "TIMESTAMPDIFF(SECOND, from, to) is the time between two".to_string(),
        (_, "add" | "subtract") if any(is_timestamp) && any(is_numeric) => "a length of time is an interval: INTERVAL '1' DAY".to_string(),
        (_, "concat_op") => "cast to STRING what is no text".to_string(),
        (_, "eq" | "neq") if any(|t| *t == SqlType::Boolean) && any(is_numeric) => "compare with TRUE or FALSE".to_string(),
        _ => "cast the arguments".to_string(),
    }
}

/// How many arguments a function takes, if its usage tells one number.
fn arity(usage: &str) -> Option<usize> {
    let (name, rest) = usage.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let plain = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (plain && !inside.contains(['[', '…', '(']) && !inside.contains(" FROM ") && !inside.contains(" IN ") && !inside.contains(" TO "))
        .then(|| inside.split(',').count())
}

/// `1 argument`, `2 arguments`
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The number of an argument that is a literal.
fn literal(bound: &Bound) -> Option<i64> {
    match value_of(bound, Span::new((1, 1), (1, 1))) {
        Ok(Some(Value::Int(v))) if bound.ty.ty.is_integer() => Some(v),
        _ => None,
    }
}

/// The text of an argument that is a literal.
fn text_literal(bound: &Bound) -> Option<&str> {
    match &bound.expr {
        Plan::Literal { value: Value::Text(text), .. } => Some(text),
        _ => None,
    }
}

/// Flink's functions that are told from slips: they exist, but not here yet. What the registry has is found before this list is asked.
const FLINKS: &str = " array_agg approx_count_distinct collect cume_dist current_watermark dense_rank first_value group_id hop hop_end \
    hop_rowtime hop_start json_arrayagg json_objectagg lag last_value lead listagg ntile object_of object_update \
    parse_json percent_rank percentile rank row_number session session_end session_start source_watermark stddev \
    stddev_pop stddev_samp try_parse_json tumble tumble_end tumble_rowtime tumble_start var_pop var_samp variance ";

/// Whether this, in lower case, is a function of Flink's, here or not yet.
pub(crate) fn is_function(name: &str) -> bool {
    let ours = function(name).is_some() || millstream_functions::aggregate::NAMES.contains(&name);
    ours || VOLATILE.contains(&name) || ["cumulate", "descriptor", "grouping", "grouping_id"].contains(&name) || FLINKS.contains(&format!(" {name} "))
}
/// Functions of other systems, and what does the same.
const FOREIGN: [(&str, &str); 28] = [
    ("array_length", "CARDINALITY(array)"),
    ("average", "AVG(number)"),
    ("date_add", "+ INTERVAL '1' DAY, or TIMESTAMPADD(unit, count, time)"),
    ("date_diff", "TIMESTAMPDIFF(unit, from, to)"),
    ("date_part", "EXTRACT(unit FROM time)"),
    ("date_sub", "- INTERVAL '1' DAY, or TIMESTAMPADD(unit, count, time)"),
    ("dateadd", "+ INTERVAL '1' DAY, or TIMESTAMPADD(unit, count, time)"),
    ("datepart", "EXTRACT(unit FROM time)"),
    ("format_datetime", "DATE_FORMAT(time, pattern)"),
    ("get_json_object", "JSON_VALUE(text, path)"),
    ("iif", "IF(condition, a, b)"),
    ("isnull", "value IS NULL, or IFNULL(value, other)"),
    ("json_extract", "JSON_VALUE(text, path)"),
    ("json_extract_scalar", "JSON_VALUE(text, path)"),
    ("len", "CHAR_LENGTH(text)"),
    ("mean", "AVG(number)"),
    ("parse_timestamp", "TO_TIMESTAMP(text, pattern)"),
    ("rlike", "REGEXP(text, pattern)"),
    ("safe_cast", "TRY_CAST(value AS type)"),
    ("size", "CARDINALITY(array or map)"),
    ("str", "CAST(value AS STRING)"),
    ("str_to_date", "TO_TIMESTAMP(text, pattern)"),
    ("strftime", "DATE_FORMAT(time, pattern)"),
    ("strlen", "CHAR_LENGTH(text)"),
    ("time_bucket", "a window in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
    ("to_char", "DATE_FORMAT(time, pattern), or CAST(value AS STRING)"),
    ("to_number", "CAST(text AS DECIMAL(p, s))"),
    ("to_string", "CAST(value AS STRING)"),
];

/// A function that is not there: a slip, or one of Flink's.
fn missing(name: &str) -> Error {
    let upper = name.to_uppercase();
    if FLINKS.contains(&format!(" {name} ")) {
        let e = Error::sql(format!("the function {upper} is not supported yet")).code("E0101");
        let window = ["tumble", "hop", "session"].iter().find_map(|w| name.strip_prefix(w));
        return match window {
            Some("") => e.hint("a window stands in FROM: FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end"),
            Some("_start") => e.hint("window_start, of a window in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
            Some("_end") => e.hint("window_end, of a window in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
            Some("_rowtime") => e.hint("window_time, of a window in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
            _ => e,
        };
    }
    let e = Error::sql(format!("the function {upper} does not exist")).code("E0207");
    if let Some((_, ours)) = FOREIGN.iter().find(|(theirs, _)| *theirs == name) {
        return e.hint(format!("use {ours}"));
    }
    match nearest_function(name) {
        Some(near) => e.meant(near.to_uppercase(), near.to_uppercase()),
        None => e,
    }
}

/// Where a function's name stands: sqlparser's span of a call lacks its end.
pub(super) fn name_span(f: &Function) -> Span {
    f.name.0.first().map_or(super::span(f), |p| span_of(sqlparser::ast::Spanned::span(p)))
}

fn no_aggregate(name: &str, what: &str, hint: &str) -> Error {
    let lower = name.to_lowercase();
    if !is_function(&lower) {
        return missing(&lower);
    }
    Error::sql(format!("{} is no aggregate, so it takes no {what}", name.to_uppercase()))
        .code("E0406")
        .hint(hint)
}

/// The plain arguments of a call.
pub(super) fn arguments(f: &Function) -> Result<Vec<&sqlparser::ast::Expr>> {
    let FunctionArguments::List(list) = &f.args else {
        return match &f.args {
            FunctionArguments::None => Ok(Vec::new()),
            _ => Err(unsupported("a subquery as an argument", name_span(f))),
        };
    };
    if !list.clauses.is_empty() {
        return Err(unsupported(format!("\"{}\" in a call", list.clauses[0]), name_span(f)));
    }
    let plain = |a: &'_ FunctionArg| -> bool { matches!(a, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))) };
    if let Some(other) = list.args.iter().find(|a| !plain(a)) {
        let name = f.name.to_string().to_lowercase();
        if !is_function(&name) {
            return Err(missing(&name).span(name_span(f)));
        }
        return Err(unsupported(format!("the argument \"{other}\""), name_span(f)));
    }
    Ok(list
        .args
        .iter()
        .filter_map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
            _ => None,
        })
        .collect())
}

impl Binder<'_> {
    pub(super) fn function(&mut self, f: &Function) -> Result<Bound> {
        let name = match f.name.0.as_slice() {
            [part] => part.as_ident().map(|i| i.value.to_lowercase()).unwrap_or_default(),
            _ => return Err(unsupported(format!("the function \"{}\"", f.name), super::span(f))),
        };
        let at = super::span(f);
        let name_at = f.name.0.first().map_or(at, |p| span_of(sqlparser::ast::Spanned::span(p)));
        if f.over.is_some() {
            return Err(unsupported("OVER", at));
        }
        if f.uses_odbc_syntax || f.null_treatment.is_some() || !f.within_group.is_empty() || f.parameters != FunctionArguments::None {
            return Err(unsupported(format!("this form of calling {}", name.to_uppercase()), at));
        }
        if millstream_functions::aggregate::NAMES.contains(&name.as_str()) {
            return self.aggregate(&name, f);
        }
        if name == "grouping" || name == "grouping_id" {
            return self.grouping(f);
        }
        if f.filter.is_some() {
            return Err(no_aggregate(&name, "FILTER", "use CASE WHEN … THEN … END").span(at));
        }
        if matches!(&f.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some()) {
            return Err(no_aggregate(&name, "DISTINCT or ALL", "leave it out").span(at));
        }
        if VOLATILE.contains(&name.as_str()) || name == "unix_timestamp" && arguments(f)?.is_empty() {
            let e = Error::sql(format!("{} is refused: a replay would give another value", name.to_uppercase())).code("E0101");
            let hint = match name.as_str() {
                "proctime" => "it is a column of its own in CREATE TABLE: arrived AS PROCTIME()",
                _ if matches!(name.as_str(), "rand" | "rand_integer" | "uuid") => "let the rows bring it instead",
                _ => "let the rows bring it instead; when a row was read is a column of CREATE TABLE: arrived AS PROCTIME()",
            };
            return Err(e.hint(hint).span(at));
        }
        if let Some(bound) = self.special(&name, &arguments(f)?)? {
            return Ok(bound);
        }
        if function(&name).is_none() {
            let e = missing(&name).span(name_at);
            let is_slip = e.code == Some("E0207") && e.hint.as_ref().is_none_or(|_| e.replacement.is_some());
            let given = if is_slip { arguments(f).unwrap_or_default() } else { Vec::new() };
            return Err(with_names(e, given.into_iter().filter_map(|a| self.bind(a).err())));
        }
        let args = each(arguments(f)?.into_iter().map(|a| self.bind(a)))?;
        // A text literal where one is wanted keeps its own length.
        call(&name, args).map_err(|e| if e.span.is_none() { e.span(name_at) } else { e })
    }
}

impl Binder<'_> {
    /// Calls whose arguments are no plain values.
    fn special(&mut self, name: &str, args: &[&sqlparser::ast::Expr]) -> Result<Option<Bound>> {
        Ok(Some(match (name, args) {
            ("timestampadd", [unit, count, time]) => {
                let unit = unit_word(unit)?;
                let (count, mut time) = (self.bind(count)?, self.bind(time)?);
                let within_day = ["MILLISECOND", "SECOND", "MINUTE", "HOUR"].contains(&unit.as_str());
                if time.ty.ty == SqlType::Date && within_day {
                    time = cast(time, Type::new(SqlType::Timestamp(6), true));
                }
                call(name, vec![text(&unit), count, time])?
            }
            ("timestampdiff", [unit, from, to]) => {
                let unit = unit_word(unit)?;
                call(name, vec![text(&unit), self.bind(from)?, self.bind(to)?])?
            }
            ("typeof", [value, rest @ ..]) => {
                let ty = self.bind(value)?.ty;
                let full = match rest {
                    [] => false,
                    [flag] => flag.to_string().eq_ignore_ascii_case("true"),
                    _ => {
                        return Err(Error::sql("TYPEOF takes a value, and TRUE for the full name")
                            .code("E0304")
                            .hint("TYPEOF(value [, TRUE])"));
                    }
                };
                let mut bound = text(&if full { ty.serialized() } else { ty.to_string() });
                bound.ty.nullable = true;
                bound
            }
            _ => return Ok(None),
        }))
    }
}

/// The bare word that names a unit of time.
fn unit_word(unit: &sqlparser::ast::Expr) -> Result<String> {
    const UNITS: [&str; 9] = ["MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];
    let word = unit.to_string().to_uppercase();
    let word = word.strip_prefix("SQL_TSI_").unwrap_or(&word).to_string();
    if !UNITS.contains(&word.as_str()) {
        let e = Error::sql(format!("{unit} is no unit of time here")).code("E0304").span(super::span(unit));
        return Err(e.hint(format!("one of {}", UNITS.join(", "))));
    }
    Ok(word)
}

/// A text constant.
pub(super) fn text(value: &str) -> Bound {
    super::literal::text(value)
}

/// A BIGINT constant.
pub(super) fn bigint(value: i64) -> Bound {
    super::literal::int(value, SqlType::BigInt)
}
