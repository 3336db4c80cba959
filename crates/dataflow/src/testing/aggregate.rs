//! The laws of aggregate functions.

use super::report::{Found, fail, text};
use super::rows::{Cell, Floats, Line, array, batch, columns, row_text};
use crate::{Aggregate, Field, Schema, StateColumn};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_select::take::take;

/// The group that values are added to; its neighbours must stay as they are.
const GROUP: u32 = 1;
const GROUPS: usize = 3;

/// Checks a result, and the laws of [`Aggregate`] over every cut of the values, through state that was stored and read back.
///
/// - `argument`: type of the one argument; empty for a function without
/// - `values`: as [`super::rows`] reads a cell
/// - `expected`: the result, as it shows one
pub fn check_aggregate(function: &dyn Aggregate, argument: &str, values: &[&str], expected: &str) {
    if let Err(message) = check(function, argument, values, expected) {
        fail(&format!("{function:?} over {argument} {values:?}: {message}"));
    }
}

struct Case<'a> {
    function: &'a dyn Aggregate,
    args: Vec<ArrayRef>,
    rows: usize,
}

type State = Vec<StateColumn>;

impl Case<'_> {
    fn fresh(&self) -> State {
        let mut state: State = self.function.state().into_iter().map(StateColumn::new).collect();
        state.iter_mut().for_each(|c| c.grow(GROUPS));
        state
    }
    fn update(&self, state: &mut State, rows: &[u32], filter: Option<&BooleanArray>) -> Found<()> {
        let indices = UInt32Array::from(rows.to_vec());
        let args = self.args.iter().map(|a| take(a, &indices, None)).collect::<Result<Vec<_>, _>>();
        let args = args.map_err(|e| e.to_string())?;
        self.function.update(state, &vec![GROUP; rows.len()], &args, filter).map_err(text)
    }
    /// The group's state as it travels: what a snapshot holds, and what a local phase sends.
    fn partial(&self, state: &State) -> Vec<ArrayRef> {
        state.iter().map(|c| c.to_array(GROUP as usize..GROUP as usize + 1)).collect()
    }
    fn merge(&self, state: &mut State, partial: &[ArrayRef]) -> Found<()> {
        self.function.merge(state, &[GROUP], partial).map_err(text)
    }
    fn results(&self, state: &State) -> Found<Vec<String>> {
        let (ty, nullable) = self.function.result();
        let array = self.function.finish(state, 0..GROUPS).map_err(text)?;
        let schema = Schema::new(vec![Field::new("result", ty, nullable)]);
        let batch = RecordBatch::try_new(schema.to_arrow(), vec![array]).map_err(|e| format!("the result is not of its type: {e}"))?;
        Ok((0..GROUPS).map(|i| row_text(&batch, i, &schema, Floats::Rounded)).collect())
    }
    /// The group's result; the groups beside it must be empty.
    fn result(&self, state: &State) -> Found<String> {
        let (results, empty) = (self.results(state)?, self.results(&self.fresh())?);
        if results[0] != empty[0] || results[2] != empty[2] {
            return Err(format!("other groups are touched: {results:?}"));
        }
        Ok(results[GROUP as usize].clone())
    }
    fn is(&self, what: &str, state: &State, expected: &str) -> Found<()> {
        for again in ["", ", read again"] {
            let result = self.result(state)?;
            if result != expected {
                return Err(format!("{what}{again}: {result} instead of {expected}"));
            }
        }
        Ok(())
    }
}

fn check(function: &dyn Aggregate, argument: &str, values: &[&str], expected: &str) -> Found<()> {
    let cells = values.iter().map(|v| Ok(Line::parse(v)?.cells.remove(0))).collect::<Found<Vec<Cell>>>()?;
    let args = match columns(&format!("v {argument}")).fields.first() {
        Some(field) if !argument.is_empty() => vec![array(field, &cells.iter().collect::<Vec<_>>())?],
        _ => Vec::new(),
    };
    let case = Case {
        function,
        args,
        rows: values.len(),
    };
    let (ty, nullable) = function.result();
    let result = Schema::new(vec![Field::new("result", ty, nullable)]);
    let expected = row_text(&batch(&result, &[Line::parse(expected)?.cells])?, 0, &result, Floats::Rounded);
    let all: Vec<u32> = (0..case.rows as u32).collect();
    let mut whole = case.fresh();
    case.update(&mut whole, &all, None)?;
    case.is("all rows at once", &whole, &expected)?;
    let mut backwards = case.fresh();
    for row in all.iter().rev() {
        case.update(&mut backwards, &[*row], None)?;
    }
    case.is("row by row, the last first", &backwards, &expected)?;
    let twice: Vec<u32> = all.iter().chain(&all).copied().collect();
    let filter: BooleanArray = (0..twice.len())
        .map(|i| if i < case.rows { Some(true) } else { [Some(false), None][i % 2] })
        .collect();
    let mut filtered = case.fresh();
    case.update(&mut filtered, &twice, Some(&filter))?;
    case.is("rows that the filter leaves out", &filtered, &expected)?;
    for cut in 0..=case.rows {
        let here = |m: String| format!("cut after {cut}: {m}");
        let (mut left, mut right) = (case.fresh(), case.fresh());
        case.update(&mut left, &all[..cut], None).map_err(here)?;
        case.update(&mut right, &all[cut..], None).map_err(here)?;
        let mut restored = case.fresh();
        for (column, stored) in restored.iter_mut().zip(case.partial(&left)) {
            column.set_from(&[GROUP], &stored).map_err(text)?;
        }
        case.update(&mut restored, &all[cut..], None).map_err(here)?;
        case.is("restored", &restored, &expected).map_err(here)?;
        let (a, b) = (case.partial(&left), case.partial(&right));
        for order in [[&a, &b], [&b, &a]] {
            let mut merged = case.fresh();
            for partial in order {
                case.merge(&mut merged, partial).map_err(here)?;
            }
            case.is("merged", &merged, &expected).map_err(here)?;
            if function.invertible() {
                function.unmerge(&mut merged, &[GROUP], &b).map_err(text)?;
                case.is("unmerged", &merged, &case.result(&left)?).map_err(here)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
