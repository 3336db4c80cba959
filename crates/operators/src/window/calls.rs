//! The aggregate calls of a window aggregation, bound to their functions.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BooleanArray};
use millstream_dataflow::{Aggregate, Error, Result, SqlType, StateColumn, StateType};
use millstream_functions::aggregate;
use millstream_plan::WindowAggregate;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct Call {
    pub(super) function: Arc<dyn Aggregate>,
    pub(super) args: Vec<usize>,
    pub(super) filter: Option<usize>,
    pub(super) distinct: bool,
    /// Its columns in the state of a group; column 0 counts the group's rows.
    pub(super) columns: Range<usize>,
}

/// All calls of an operator and the state they need per group.
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    pub(super) keys: Vec<usize>,
    pub(super) key_types: Vec<SqlType>,
    /// Types of the arguments of distinct calls, by call.
    pub(super) distinct_types: Vec<Option<SqlType>>,
}

impl Calls {
    pub(super) fn new(spec: &WindowAggregate) -> Result<Calls> {
        let ty = |i: usize| {
            spec.rows
                .get(i)
                .map(|c| c.ty.ty.clone())
                .ok_or_else(|| Error::corrupt("an aggregation names a column that is not there"))
        };
        let mut next = 1;
        let mut calls = Vec::new();
        let mut distinct_types = Vec::new();
        for call in &spec.aggregates {
            if call.version != 1 {
                return Err(Error::corrupt(format!(
                    "the plan calls {} in version {}, which this release does not have",
                    call.function, call.version
                )));
            }
            let types = call.args.iter().map(|a| ty(*a)).collect::<Result<Vec<_>>>()?;
            let function = aggregate(&call.function, &types)?;
            let width = function.state().len();
            // The least and the greatest value are the same with and without duplicates.
            let distinct = call.distinct && !matches!(call.function.as_str(), "min" | "max");
            distinct_types.push(if distinct { types.first().cloned() } else { None });
            calls.push(Call {
                function,
                args: call.args.clone(),
                filter: call.filter,
                distinct,
                columns: next..next + width,
            });
            next += width;
        }
        Ok(Calls {
            calls,
            keys: spec.keys.clone(),
            key_types: spec.keys.iter().map(|k| ty(*k)).collect::<Result<_>>()?,
            distinct_types,
        })
    }
    /// Types of a group's state: its row count, then each call's columns.
    pub(super) fn state(&self) -> Vec<StateType> {
        std::iter::once(StateType::I64)
            .chain(self.calls.iter().flat_map(|c| c.function.state()))
            .collect()
    }
    pub(super) fn any_distinct(&self) -> bool {
        self.calls.iter().any(|c| c.distinct)
    }
    /// Adds rows to groups; distinct calls are left to the caller.
    pub(super) fn update(&self, state: &mut [StateColumn], ids: &[u32], column: impl Fn(usize) -> ArrayRef) -> Result<()> {
        let mut rows = state[0].i64s()?.writer(ids);
        ids.iter().for_each(|id| *rows.at(*id) += 1);
        for call in self.calls.iter().filter(|c| !c.distinct) {
            let args: Vec<ArrayRef> = call.args.iter().map(|a| column(*a)).collect();
            let filter = call.filter.map(&column);
            call.function
                .update(&mut state[call.columns.clone()], ids, &args, filter.as_ref().map(|f| f.as_boolean()))?;
        }
        Ok(())
    }
    /// Adds partial states, one array per state column, to groups.
    pub(super) fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        add_rows(&mut state[0], ids, &partial[0], 1)?;
        for call in self.calls.iter().filter(|c| !c.distinct) {
            call.function.merge(&mut state[call.columns.clone()], ids, &partial[call.columns.clone()])?;
        }
        Ok(())
    }
    /// Takes partial states out of groups.
    pub(super) fn unmerge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        add_rows(&mut state[0], ids, &partial[0], -1)?;
        for call in &self.calls {
            call.function.unmerge(&mut state[call.columns.clone()], ids, &partial[call.columns.clone()])?;
        }
        Ok(())
    }
}

/// Adds row counts to groups, or takes them out.
pub(super) fn add_rows(column: &mut StateColumn, ids: &[u32], counts: &ArrayRef, sign: i64) -> Result<()> {
    let counts = counts
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| Error::corrupt("a partial row count is no integer"))?;
    let mut rows = column.i64s()?.writer(ids);
    for (id, n) in ids.iter().zip(counts.values()) {
        *rows.at(*id) += sign * n;
    }
    Ok(())
}

/// Which rows a distinct call looks at: argument not NULL, filter true.
pub(super) fn counted(argument: &ArrayRef, filter: Option<&BooleanArray>) -> Vec<u32> {
    use arrow_array::Array;
    let nulls = argument.logical_nulls();
    (0..argument.len())
        .filter(|i| nulls.as_ref().is_none_or(|n| n.is_valid(*i)) && filter.is_none_or(|f| f.is_valid(*i) && f.value(*i)))
        .map(|i| i as u32)
        .collect()
}
