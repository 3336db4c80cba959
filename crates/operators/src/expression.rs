//! Evaluates plan expressions over columns.

mod literal;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, Scalar, UInt32Array};
use arrow_schema::Schema;
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take;
use millstream_dataflow::{Error, Result, SqlType};
use millstream_functions::scalar::{Comparison, choose, comparison, field};
use millstream_functions::{Function, cast, function};
use millstream_plan::{Expr, Type, Value};
use std::sync::Arc;

/// An expression with its functions looked up.
pub(crate) enum Evaluator {
    Column(usize),
    Literal(ArrayRef),
    Field(Box<Evaluator>, String),
    /// Whether the second side can fail, so that it is evaluated only where the first does not decide.
    Logic {
        and: bool,
        left: Box<Evaluator>,
        right: Box<Evaluator>,
        careful: bool,
    },
    /// With one value, which is not made a column for it.
    Compare {
        comparison: Comparison,
        left: Side,
        right: Side,
    },
    Call {
        function: &'static Function,
        args: Vec<Evaluator>,
        ty: SqlType,
    },
    Cast {
        expr: Box<Evaluator>,
        from: SqlType,
        to: SqlType,
        safe: bool,
    },
    Case {
        when: Vec<(Evaluator, Evaluator)>,
        otherwise: Option<Box<Evaluator>>,
        ty: SqlType,
    },
}

/// One side of a comparison.
pub(crate) enum Side {
    Value(Scalar<ArrayRef>),
    Column(Box<Evaluator>),
}

impl From<Evaluator> for Side {
    fn from(evaluator: Evaluator) -> Side {
        match evaluator {
            Evaluator::Literal(value) => Side::Value(Scalar::new(value)),
            other => Side::Column(Box::new(other)),
        }
    }
}

impl Evaluator {
    /// # Errors
    /// `Corrupt` for a function or version that this release does not know.
    pub(crate) fn new(expr: &Expr) -> Result<Evaluator> {
        let evaluator = Evaluator::of(expr)?;
        if matches!(evaluator, Evaluator::Literal(_)) || !expr.columns().is_empty() {
            return Ok(evaluator);
        }
        // What reads no column is computed once. That it cannot be is told by rows, where there are any.
        Ok(evaluator.evaluate(&one_row()?).map_or(evaluator, Evaluator::Literal))
    }

    fn of(expr: &Expr) -> Result<Evaluator> {
        let boxed = |e: &Expr| Evaluator::new(e).map(Box::new);
        Ok(match expr {
            Expr::Column(i) => Evaluator::Column(*i),
            Expr::Literal { value, ty } => Evaluator::Literal(literal::array(value, &ty.ty)?),
            Expr::Call { name, args, .. } if name == "field" => match args.as_slice() {
                [row, Expr::Literal { value: Value::Text(name), .. }] => Evaluator::Field(boxed(row)?, name.clone()),
                _ => return Err(Error::corrupt("a field access without a name")),
            },
            Expr::Call { name, args, .. } if name == "and" || name == "or" => match args.as_slice() {
                [left, right] => Evaluator::Logic {
                    and: name == "and",
                    left: boxed(left)?,
                    right: boxed(right)?,
                    careful: can_fail(right),
                },
                _ => return Err(Error::corrupt("AND and OR take two sides")),
            },
            Expr::Call { name, version, args, ty } => {
                let function = function(name).filter(|_| *version == 1);
                let function =
                    function.ok_or_else(|| Error::corrupt(format!("the plan calls {name} in version {version}, which this release does not have")))?;
                let mut args = args.iter().map(Evaluator::new).collect::<Result<Vec<_>>>()?;
                let values = args.iter().filter(|a| matches!(a, Evaluator::Literal(_))).count();
                if let (Some(comparison), 2, 1) = (comparison(name), args.len(), values)
                    && let (Some(right), Some(left)) = (args.pop(), args.pop())
                {
                    return Ok(Evaluator::Compare {
                        comparison,
                        left: left.into(),
                        right: right.into(),
                    });
                }
                Evaluator::Call {
                    function,
                    args,
                    ty: ty.ty.clone(),
                }
            }
            Expr::Cast { expr, from, to, safe } => Evaluator::Cast {
                expr: boxed(expr)?,
                from: from.ty.clone(),
                to: to.ty.clone(),
                safe: *safe,
            },
            Expr::Case { when, otherwise, ty } => Evaluator::Case {
                when: when.iter().map(|(c, r)| Ok((Evaluator::new(c)?, Evaluator::new(r)?))).collect::<Result<_>>()?,
                otherwise: otherwise.as_deref().map(boxed).transpose()?,
                ty: ty.ty.clone(),
            },
        })
    }

    /// The value per row.
    ///
    /// # Errors
    /// `Data` for a value that cannot be computed: overflow, division by zero, a failing cast.
    pub(crate) fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        let rows = batch.num_rows();
        match self {
            Evaluator::Column(i) => Ok(Arc::clone(batch.column(*i))),
            Evaluator::Literal(value) => repeat(value, rows),
            Evaluator::Field(row, name) => {
                let array = row.evaluate(batch)?;
                let index = array.as_struct_opt().and_then(|s| s.column_names().iter().position(|n| n == name));
                field(&array, index.ok_or_else(|| Error::bug(format!("a ROW has no field \"{name}\"")))?)
            }
            Evaluator::Logic { and, left, right, careful } => {
                let left = left.evaluate(batch)?;
                let right = if *careful {
                    // False decides AND, true decides OR.
                    let undecided = BooleanArray::from_iter(left.as_boolean().iter().map(|v| Some(v != Some(!*and))));
                    evaluate_where(right, batch, &undecided)?
                } else {
                    right.evaluate(batch)?
                };
                let f = if *and { "and" } else { "or" };
                let f = function(f).ok_or_else(|| Error::bug("no AND"))?;
                (f.evaluate)(&[left, right], rows, &SqlType::Boolean)
            }
            Evaluator::Compare { comparison, left, right } => Ok(Arc::new(match (left, right) {
                (Side::Value(value), Side::Column(column)) => comparison(value, &column.evaluate(batch)?)?,
                (Side::Column(column), Side::Value(value)) => comparison(&column.evaluate(batch)?, value)?,
                _ => return Err(Error::bug("a comparison with one value has two or none")),
            })),
            Evaluator::Call { function, args, ty } => {
                let args = args.iter().map(|a| a.evaluate(batch)).collect::<Result<Vec<_>>>()?;
                (function.evaluate)(&args, rows, ty)
            }
            Evaluator::Cast { expr, from, to, safe } => cast(&expr.evaluate(batch)?, from, to, *safe),
            Evaluator::Case { when, otherwise, ty } => case(batch, when, otherwise.as_deref(), ty),
        }
    }

    /// The rows for which a condition is true.
    pub(crate) fn mask(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let array = self.evaluate(batch)?;
        array.as_boolean_opt().cloned().ok_or_else(|| Error::bug("a condition is no BOOLEAN"))
    }
}

/// A row without columns.
pub(crate) fn one_row() -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?)
}

/// A one-row array as many rows.
fn repeat(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    if rows == 1 {
        return Ok(Arc::clone(value));
    }
    Ok(take(value, &UInt32Array::from(vec![0; rows]), None)?)
}

/// Whether evaluation can end in an error for some values.
fn can_fail(expr: &Expr) -> bool {
    let mut fails = false;
    expr.visit(&mut |e| match e {
        Expr::Column(_) | Expr::Literal { .. } => {}
        Expr::Cast { safe, .. } => fails |= !safe,
        Expr::Case { .. } => {}
        Expr::Call { name, .. } => {
            const HARMLESS: [&str; 19] = [
                "eq",
                "neq",
                "lt",
                "lte",
                "gt",
                "gte",
                "and",
                "or",
                "not",
                "is_null",
                "is_not_null",
                "is_true",
                "is_not_true",
                "is_false",
                "is_not_false",
                "like",
                "not_like",
                "in",
                "field",
            ];
            fails |= !HARMLESS.contains(&name.as_str());
        }
    });
    fails
}

/// Evaluates only where the mask is true; the other rows are NULL.
fn evaluate_where(evaluator: &Evaluator, batch: &RecordBatch, mask: &BooleanArray) -> Result<ArrayRef> {
    let wanted = mask.true_count();
    if wanted == batch.num_rows() {
        return evaluator.evaluate(batch);
    }
    let some = evaluator.evaluate(&filter_record_batch(batch, mask)?)?;
    let mut next = 0;
    let places: UInt32Array = mask
        .iter()
        .map(|m| {
            m.unwrap_or(false).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    Ok(take(&some, &places, None)?)
}

/// Each branch is evaluated only for the rows that take it.
fn case(batch: &RecordBatch, when: &[(Evaluator, Evaluator)], otherwise: Option<&Evaluator>, ty: &SqlType) -> Result<ArrayRef> {
    let rows = batch.num_rows();
    let mut open = BooleanArray::from(vec![true; rows]);
    let mut out = arrow_array::new_null_array(&ty.to_arrow(), rows);
    for (condition, result) in when {
        if open.true_count() == 0 {
            return Ok(out);
        }
        let condition = evaluate_where(condition, batch, &open)?;
        let condition = condition.as_boolean();
        let taken = BooleanArray::from_iter((0..rows).map(|i| Some(open.value(i) && condition.is_valid(i) && condition.value(i))));
        if taken.true_count() > 0 {
            out = choose(&taken, &evaluate_where(result, batch, &taken)?, &out)?;
            open = BooleanArray::from_iter((0..rows).map(|i| Some(open.value(i) && !taken.value(i))));
        }
    }
    if let Some(otherwise) = otherwise
        && open.true_count() > 0
    {
        out = choose(&open, &evaluate_where(otherwise, batch, &open)?, &out)?;
    }
    Ok(out)
}

/// An expression in the carrier its type promises.
pub(crate) struct Typed {
    evaluator: Evaluator,
    ty: Type,
}

impl Typed {
    pub(crate) fn new(expr: &Expr, ty: &Type) -> Result<Typed> {
        Ok(Typed {
            evaluator: Evaluator::new(expr)?,
            ty: ty.clone(),
        })
    }
    pub(crate) fn evaluate(&self, batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
        let array = self.evaluator.evaluate(batch)?;
        if !array.data_type().equals_datatype(&self.ty.ty.to_arrow()) {
            return Err(Error::bug(format!("column \"{name}\" is {} instead of {}", array.data_type(), self.ty)));
        }
        if !self.ty.nullable && array.null_count() > 0 {
            return Err(Error::data(format!("column \"{name}\" is NOT NULL, but a row has NULL"))
                .code("E0705")
                .hint("filter the rows or use COALESCE"));
        }
        Ok(array)
    }
}

#[cfg(test)]
mod tests;
