//! Aggregate functions over columns of state.

use crate::{Result, SqlType, StateColumn, StateType};
use arrow_array::{ArrayRef, BooleanArray};
use std::fmt::Debug;
use std::ops::Range;

/// An aggregate function bound to its argument types. It holds no state of its own: the caller keeps its [`StateColumn`]s.
///
/// Laws, checked by `testing::check_aggregate` for every implementation:
/// `update(a ++ b) = merge(update(a), update(b))`; the order of rows and merges does not change `finish` (floats: 1e-12);
/// `unmerge` undoes `merge`; `finish` changes nothing.
pub trait Aggregate: Send + Sync + Debug {
    /// The type of the result.
    fn result(&self) -> (SqlType, bool);
    /// The state columns of one group.
    fn state(&self) -> Vec<StateType>;
    /// Adds rows to groups.
    ///
    /// - `state`: the columns of [`Aggregate::state`], grown to cover all ids
    /// - `ids`: n group ids
    /// - `args`: argument columns, n rows each
    /// - `filter`: rows that count (null is false); `None` for all
    ///
    /// # Errors
    /// `Data` for a value that cannot be aggregated.
    fn update(&self, state: &mut [StateColumn], ids: &[u32], args: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<()>;
    /// Adds partial states to groups; `partial` holds one array per state column, as [`StateColumn::to_array`] gives them.
    ///
    /// # Errors
    /// `Corrupt` if an array has another type.
    fn merge(&self, state: &mut [StateColumn], ids: &[u32], partial: &[ArrayRef]) -> Result<()>;
    /// Whether [`Aggregate::unmerge`] works: exact for counts, integers and decimals, not for floats, minima and maxima.
    fn invertible(&self) -> bool {
        false
    }
    /// Takes partial states out of groups again.
    ///
    /// # Errors
    /// `Bug` if the function is not invertible.
    fn unmerge(&self, _state: &mut [StateColumn], _ids: &[u32], _partial: &[ArrayRef]) -> Result<()> {
        Err(crate::Error::bug("aggregate function cannot unmerge"))
    }
    /// The results of the groups in `ids`, as the Arrow carrier of [`Aggregate::result`]. Changes nothing.
    ///
    /// # Errors
    /// `Data` if a result does not fit its type.
    fn finish(&self, state: &[StateColumn], ids: Range<usize>) -> Result<ArrayRef>;
}
