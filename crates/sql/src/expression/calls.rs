//! Calls with their arguments brought to the types they take.

use super::{Binder, cast, nearest_function};
use crate::diagnostic::unsupported;
use crate::parse::span_of;
use crate::relation::Bound;
use millstream_dataflow::{Error, Result, SqlType};
use millstream_functions::function;
use millstream_plan::{Expr as Plan, Type};
use sqlparser::ast::{Function, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Functions that read a clock or a random number: their values must be input, not computed.
const VOLATILE: [&str; 13] = [
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
    "unix_timestamp",
];

/// A call of a function or operator.
pub(crate) fn call(name: &str, args: Vec<Bound>) -> Result<Bound> {
    let Some(f) = function(name) else {
        return Err(missing(name));
    };
    let types: Vec<millstream_functions::Type> = args.iter().map(|a| millstream_functions::Type::new(a.ty.ty.clone(), a.ty.nullable)).collect();
    let Some(signature) = (f.resolve)(&types) else {
        let given: Vec<String> = types.iter().map(|t| t.ty.to_string()).collect();
        return Err(Error::sql(format!("{} does not take ({})", f.usage, given.join(", ")))
            .code("E0304")
            .hint("cast the arguments"));
    };
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

/// Flink's functions that are told from slips: they exist, but not here yet. What the registry has is found before this list is asked.
const FLINKS: &str = " array array_agg array_append array_concat array_contains array_distinct array_except array_intersect array_join \
    array_max array_min array_position array_prepend array_remove array_reverse array_slice array_sort array_union approx_count_distinct \
    btrim cardinality collect convert_tz cume_dist decode dense_rank element elt encode first_value from_unixtime group_id hop hop_end \
    hop_rowtime hop_start is_alpha is_decimal is_digit json json_array json_arrayagg json_exists json_object json_objectagg json_query \
    json_quote json_string json_unquote json_value lag last_value lead listagg map map_entries map_from_arrays map_keys map_union \
    map_values ntile object_of object_update overlay parse_json parse_url percent_rank percentile printf rank regexp_count \
    regexp_extract_all regexp_instr regexp_substr row row_number session session_end session_start source_watermark split stddev \
    stddev_pop stddev_samp str_to_map timestampadd timestampdiff to_date translate try_parse_json tumble tumble_end tumble_rowtime \
    tumble_start typeof url_decode url_encode var_pop var_samp variance ";

/// A function that is not there: a slip, or one of Flink's.
fn missing(name: &str) -> Error {
    let upper = name.to_uppercase();
    if FLINKS.contains(&format!(" {name} ")) {
        return Error::sql(format!("the function {upper} is not supported yet")).code("E0101");
    }
    let e = Error::sql(format!("the function {upper} does not exist")).code("E0207");
    match nearest_function(name) {
        Some(near) => e.hint(format!("did you mean {}?", near.to_uppercase())),
        None => e,
    }
}

/// The plain arguments of a call.
pub(super) fn arguments(f: &Function) -> Result<Vec<&sqlparser::ast::Expr>> {
    let FunctionArguments::List(list) = &f.args else {
        return match &f.args {
            FunctionArguments::None => Ok(Vec::new()),
            _ => Err(unsupported("a subquery as an argument", super::span(f))),
        };
    };
    if !list.clauses.is_empty() {
        return Err(unsupported(format!("\"{}\" in a call", list.clauses[0]), super::span(f)));
    }
    let plain = |a: &'_ FunctionArg| -> bool { matches!(a, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))) };
    if let Some(other) = list.args.iter().find(|a| !plain(a)) {
        return Err(unsupported(format!("the argument \"{other}\""), super::span(f)));
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
            return Err(Error::sql(format!("{} is no aggregate, so it takes no FILTER", name.to_uppercase()))
                .code("E0406")
                .span(at));
        }
        if VOLATILE.contains(&name.as_str()) {
            let e = unsupported(name.to_uppercase(), at);
            return Err(e.hint("its value would differ from run to run; put the time into the rows instead"));
        }
        if function(&name).is_none() {
            return Err(missing(&name).span(at));
        }
        let args = arguments(f)?.into_iter().map(|a| self.bind(a)).collect::<Result<Vec<_>>>()?;
        // A text literal where one is wanted keeps its own length.
        call(&name, args).map_err(|e| {
            if e.span.is_none() {
                e.span(f.name.0.first().map_or(at, |p| span_of(sqlparser::ast::Spanned::span(p))))
            } else {
                e
            }
        })
    }
}

/// A BIGINT constant.
pub(super) fn bigint(value: i64) -> Bound {
    super::literal::int(value, SqlType::BigInt)
}
