//! Units of time: EXTRACT, FLOOR and CEIL; OVERLAPS.

use super::{Binder, calls, span};
use crate::diagnostic::unsupported;
use crate::relation::Bound;
use millstream_dataflow::{Error, Result, SqlType};
use sqlparser::ast::{CeilFloorKind, DateTimeField, Expr};

impl Binder<'_> {
    pub(super) fn extract(&mut self, field: &DateTimeField, expr: &Expr) -> Result<Bound> {
        let bound = self.bind(expr)?;
        let interval = matches!(bound.ty.ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth);
        match (function_of(field).filter(|_| !interval), unit(field)) {
            (Some(name), _) => calls::call(name, vec![bound]),
            (None, Some(unit)) => calls::call("extract", vec![calls::text(unit), bound]),
            (None, None) => Err(unsupported(format!("EXTRACT({field} …)"), span(expr))),
        }
    }

    /// FLOOR and CEIL, of numbers and of times to a unit.
    pub(super) fn round(&mut self, name: &str, expr: &Expr, field: &CeilFloorKind) -> Result<Bound> {
        let unit = match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => return self.call(name, &[expr]),
            CeilFloorKind::DateTimeField(field) => unit(field).filter(|u| !["EPOCH", "DOW", "ISODOW", "DOY", "ISOYEAR"].contains(u)),
            CeilFloorKind::Scale(_) => None,
        };
        let Some(unit) = unit else {
            return Err(unsupported(format!("{} to {}", name.to_uppercase(), shown(field)), span(expr)));
        };
        let time = self.bind(expr)?;
        calls::call(if name == "floor" { "floor_to" } else { "ceil_to" }, vec![calls::text(unit), time])
    }

    /// `(start, end or length) OVERLAPS (start, end or length)`: whether two spans touch, each in either direction.
    pub(super) fn overlaps(&mut self, left: &Expr, right: &Expr) -> Result<Bound> {
        let mut spans = Vec::new();
        for side in [left, right] {
            let Expr::Tuple(ends) = side else {
                return Err(Error::sql("OVERLAPS stands between two pairs of times").code("E0304").span(span(side)));
            };
            let [start, end] = ends.as_slice() else {
                return Err(Error::sql("OVERLAPS stands between two pairs of times").code("E0304").span(span(side)));
            };
            let (start, mut end) = (self.bind(start)?, self.bind(end)?);
            if matches!(end.ty.ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth) {
                end = calls::call("add", vec![start.clone(), end])?;
            }
            let ends = vec![start, end];
            spans.push((calls::call("least", ends.clone())?, calls::call("greatest", ends)?));
        }
        let [(first, first_end), (second, second_end)] = spans.as_slice() else {
            return Err(Error::bug("OVERLAPS without two sides"));
        };
        let reaches = |end: &Bound, start: &Bound| calls::call("gte", vec![end.clone(), start.clone()]);
        calls::call("and", vec![reaches(first_end, second)?, reaches(second_end, first)?])
    }
}

fn shown(field: &CeilFloorKind) -> String {
    match field {
        CeilFloorKind::DateTimeField(field) => field.to_string(),
        CeilFloorKind::Scale(scale) => format!("{scale} digits"),
    }
}

/// The function of its own that some fields have.
fn function_of(field: &DateTimeField) -> Option<&'static str> {
    Some(match field {
        DateTimeField::Year => "year",
        DateTimeField::Quarter => "quarter",
        DateTimeField::Month => "month",
        DateTimeField::Day => "dayofmonth",
        DateTimeField::Week(None) => "week",
        DateTimeField::Hour => "hour",
        DateTimeField::Minute => "minute",
        DateTimeField::Second => "second",
        DateTimeField::Doy => "dayofyear",
        DateTimeField::Dow => "dayofweek",
        _ => return None,
    })
}

/// The units of EXTRACT, FLOOR and CEIL.
fn unit(field: &DateTimeField) -> Option<&'static str> {
    Some(match field {
        DateTimeField::Nanosecond => "NANOSECOND",
        DateTimeField::Microsecond => "MICROSECOND",
        DateTimeField::Millisecond => "MILLISECOND",
        DateTimeField::Second => "SECOND",
        DateTimeField::Minute => "MINUTE",
        DateTimeField::Hour => "HOUR",
        DateTimeField::Day => "DAY",
        DateTimeField::Week(None) => "WEEK",
        DateTimeField::Month => "MONTH",
        DateTimeField::Quarter => "QUARTER",
        DateTimeField::Year => "YEAR",
        DateTimeField::Decade => "DECADE",
        DateTimeField::Century => "CENTURY",
        DateTimeField::Millennium | DateTimeField::Millenium => "MILLENNIUM",
        DateTimeField::Epoch => "EPOCH",
        DateTimeField::Isodow => "ISODOW",
        DateTimeField::Isoyear => "ISOYEAR",
        DateTimeField::Dow => "DOW",
        DateTimeField::Doy => "DOY",
        _ => return None,
    })
}
