//! AVG: of integers an integer, cut off; of decimals a decimal with at least six digits behind the point.

use super::sum::{exact_result, float_result, merge_exact, merge_float, update_exact, update_float};
use arrow_array::{ArrayRef, BooleanArray};
use millstream_dataflow::{Aggregate, Result, SqlType, StateColumn, StateType};
use std::ops::Range;
use std::sync::Arc;

pub(super) fn of(ty: &SqlType) -> Option<Arc<dyn Aggregate>> {
    match ty {
        SqlType::Float | SqlType::Double => Some(Arc::new(FloatAvg { result: ty.clone() })),
        SqlType::Decimal(_, s) => Some(Arc::new(ExactAvg {
            result: SqlType::Decimal(38, (*s).max(6)),
            more_digits: 6u8.saturating_sub(*s),
        })),
        t if t.is_integer() => Some(Arc::new(ExactAvg {
            result: ty.clone(),
            more_digits: 0,
        })),
        _ => None,
    }
}

#[derive(Debug)]
struct ExactAvg {
    result: SqlType,
    /// Digits behind the point that the argument does not have.
    more_digits: u8,
}

impl Aggregate for ExactAvg {
    fn result(&self) -> (SqlType, bool) {
        (self.result.clone(), true)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::I128, StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        update_exact(state, ids, &args[0], filter)
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_exact(state, ids, partial, 1)
    }
    fn invertible(&self) -> bool {
        true
    }
    fn unmerge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_exact(state, ids, partial, -1)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        let decimal = matches!(self.result, SqlType::Decimal(..));
        exact_result(state, ids, &self.result, "AVG", |sum, count| {
            let count = i128::from(count);
            if !decimal {
                return Some(sum / count);
            }
            let sum = sum.checked_mul(10i128.pow(u32::from(self.more_digits)))?;
            let (whole, rest) = (sum / count, sum % count);
            Some(whole + if rest.abs() * 2 >= count { sum.signum() } else { 0 })
        })
    }
}

#[derive(Debug)]
struct FloatAvg {
    result: SqlType,
}

impl Aggregate for FloatAvg {
    fn result(&self) -> (SqlType, bool) {
        (self.result.clone(), true)
    }
    fn state(&self) -> Vec<StateType> {
        vec![StateType::F64, StateType::F64, StateType::I64]
    }
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
        update_float(state, ids, &args[0], filter)
    }
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()> {
        merge_float(state, ids, partial)
    }
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef> {
        float_result(state, ids, &self.result, true)
    }
}
