//! COUNT

use super::counting_rows;
use arrow_array::{ArrayRef, BooleanArray, cast::AsArray, types::Int64Type};
use millstream_dataflow::{Aggregate, Error, Result, SqlType, StateColumn, StateType};
use std::ops::Range;

#[derive(Debug)]
pub(super) struct Count;

impl Aggregate for Count {
    fn result(&self) -> (SqlType, bool) {
        (SqlType::BigInt, false)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        let mut counts = state[0].i64s()?.writer(ids);
        counting_rows(args.first(), filter, ids.len(), |i| *counts.at(ids[i]) += 1);
        Ok(())
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        add(state, ids, partial, 1)
    }
    fn invertible(&self) -> bool {
        true
    }
    fn unmerge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        add(state, ids, partial, -1)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        Ok(state[0].to_array(ids))
    }
}

fn add(state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef], sign: i64) -> Result<()> {
    let from = partial[0]
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| Error::corrupt("a partial count is no integer"))?;
    let mut counts = state[0].i64s()?.writer(ids);
    for (id, n) in ids.iter().zip(from.values()) {
        *counts.at(*id) += sign * n;
    }
    Ok(())
}
