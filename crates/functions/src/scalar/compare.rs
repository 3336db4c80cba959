//! Values side by side: floating-point numbers as IEEE 754 says, so as in Java and Flink, all others by their order.
//!
//! `arrow_ord::cmp` has one order of all floating-point numbers, in which -0.0 is less than 0.0 and NaN is greater than all others.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{Array, BooleanArray, Datum};
use arrow_ord::cmp;
use arrow_schema::{ArrowError, DataType};

/// `$name`: as `cmp::$name`, but for floating-point numbers, which the operator compares.
macro_rules! comparisons {
    ($($name:ident $operator:tt),*) => {$(
        /// # Errors
        /// Of arrow, for types that differ.
        pub(super) fn $name(a: &dyn Datum, b: &dyn Datum) -> Result<BooleanArray, ArrowError> {
            match (a.get().0.data_type(), b.get().0.data_type()) {
                (DataType::Float32, DataType::Float32) => each::<Float32Type>(a, b, |x, y| x $operator y),
                (DataType::Float64, DataType::Float64) => each::<Float64Type>(a, b, |x, y| x $operator y),
                _ => cmp::$name(a, b),
            }
        }
    )*};
}

comparisons!(eq ==, neq !=, lt <, lt_eq <=, gt >, gt_eq >=);

/// Whether they differ, NULL being a value like any other.
pub(super) fn distinct(a: &dyn Datum, b: &dyn Datum) -> Result<BooleanArray, ArrowError> {
    if !a.get().0.data_type().is_floating() {
        return cmp::distinct(a, b);
    }
    // That of a NULL and of a value is not NULL.
    let (differ, missing) = (neq(a, b)?, cmp::distinct(&nulls(a), &nulls(b))?);
    Ok(differ
        .iter()
        .zip(missing.values())
        .map(|(differ, missing)| Some(differ.unwrap_or(missing)))
        .collect())
}

pub(super) fn not_distinct(a: &dyn Datum, b: &dyn Datum) -> Result<BooleanArray, ArrowError> {
    arrow_arith::boolean::not(&distinct(a, b)?)
}

/// Where values are missing.
fn nulls(a: &dyn Datum) -> BooleanArray {
    let array = a.get().0;
    (0..array.len()).map(|row| Some(array.is_null(row))).collect()
}

fn each<T: ArrowPrimitiveType>(a: &dyn Datum, b: &dyn Datum, holds: impl Fn(T::Native, T::Native) -> bool) -> Result<BooleanArray, ArrowError> {
    let ((a, a_is_value), (b, b_is_value)) = (a.get(), b.get());
    let (left, right) = (a.as_primitive::<T>(), b.as_primitive::<T>());
    if a_is_value == b_is_value {
        if left.len() != right.len() {
            return Err(ArrowError::InvalidArgumentError(format!("{} values beside {}", left.len(), right.len())));
        }
        return Ok(BooleanArray::from_binary(left, right, holds));
    }
    let value = if a_is_value { left } else { right };
    Ok(match (value.is_valid(0), a_is_value) {
        (false, true) => BooleanArray::new_null(right.len()),
        (false, false) => BooleanArray::new_null(left.len()),
        (true, true) => BooleanArray::from_unary(right, |y| holds(left.value(0), y)),
        (true, false) => BooleanArray::from_unary(left, |x| holds(x, right.value(0))),
    })
}
