//! A sum with a defect on demand: the laws must find each.

use super::*;
use crate::testing::report::caught;
use crate::{Result, SqlType, StateType};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array};
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    MergeOverwrites,
    UnmergeForgets,
    IgnoresTheFilter,
    KeepsTheLast,
    WritesEverywhere,
    WrongType,
}

#[derive(Debug)]
struct Sum(Defect);

impl Sum {
    fn add(&self, state: &mut [StateColumn], ids: &[u32], values: impl Fn(usize) -> i64) -> Result<()> {
        let all: Vec<u32> = (0..GROUPS as u32).collect();
        let mut sums = state[0].i64s()?.writer(if self.0 == Defect::WritesEverywhere { &all } else { ids });
        for (i, id) in ids.iter().enumerate() {
            let id = if self.0 == Defect::WritesEverywhere { 0 } else { *id };
            *sums.at(id) += values(i);
        }
        Ok(())
    }
}

impl Aggregate for Sum {
    fn result(&self) -> (SqlType, bool) {
        (if self.0 == Defect::WrongType { SqlType::Int } else { SqlType::BigInt }, true)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        let values = args[0].as_primitive::<Int64Type>();
        let counts = |i: usize| filter.is_none_or(|f| self.0 == Defect::IgnoresTheFilter || (f.is_valid(i) && f.value(i)));
        if self.0 == Defect::KeepsTheLast && !ids.is_empty() {
            *state[0].i64s()?.writer(ids).at(ids[0]) = 0;
        }
        self.add(state, ids, |i| if counts(i) && values.is_valid(i) { values.value(i) } else { 0 })
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        if self.0 == Defect::MergeOverwrites {
            return state[0].set_from(ids, &partial[0]);
        }
        let values = partial[0].as_primitive::<Int64Type>();
        self.add(state, ids, |i| values.value(i))
    }
    fn invertible(&self) -> bool {
        true
    }
    fn unmerge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let values = partial[0].as_primitive::<Int64Type>();
        self.add(state, ids, |i| if self.0 == Defect::UnmergeForgets { 0 } else { -values.value(i) })
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        let sums = state[0].to_array(ids);
        Ok(Arc::new(Int64Array::from(sums.as_primitive::<Int64Type>().values().to_vec())))
    }
}

fn run(defect: Defect) -> String {
    caught(|| check_aggregate(&Sum(defect), "BIGINT", &["1", "NULL", "20", "-3"], "18"))
}

#[test]
fn a_sound_function_passes() {
    assert_eq!(run(Defect::None), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::MergeOverwrites, "merged: "),
        (Defect::UnmergeForgets, "unmerged: "),
        (Defect::IgnoresTheFilter, "rows that the filter leaves out: 36 instead of 18"),
        (Defect::KeepsTheLast, "row by row"),
        (Defect::WritesEverywhere, "other groups are touched"),
        (Defect::WrongType, "the result is not of its type"),
    ] {
        let message = run(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}
