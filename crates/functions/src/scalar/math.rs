//! Functions of numbers.

mod digits;
mod double;
mod round;
mod whole;

use super::Signature;
use crate::types::{Type, is_numeric};

pub(super) use digits::Digits;

pub(super) use double::FUNCTIONS as DOUBLE;
pub(super) use round::FUNCTIONS as ROUND;
pub(super) use whole::FUNCTIONS as WHOLE;

/// A number as it is.
fn same_number(args: &[Type]) -> Option<Signature> {
    match args {
        [x] if is_numeric(&x.ty) => Some(Signature {
            args: vec![x.ty.clone()],
            result: x.clone(),
        }),
        _ => None,
    }
}
