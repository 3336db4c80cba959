//! ROW, ARRAY and MAP: made, read and changed.

mod access;
mod array;
mod construct;
mod map;
mod pool;
mod set;

use super::Function;
use crate::types::Type;
use millstream_dataflow::{Field, SqlType};

pub use access::field;

pub(super) const FUNCTIONS: &[&[Function]] = &[construct::FUNCTIONS, access::FUNCTIONS, array::FUNCTIONS, set::FUNCTIONS, map::FUNCTIONS];

fn array_of(element: &Field) -> SqlType {
    SqlType::Array(Box::new(Field::new("element", element.ty.clone(), element.nullable)))
}

/// The element of an array's type.
fn element_of(ty: &Type) -> Option<&Field> {
    match &ty.ty {
        SqlType::Array(element) => Some(element),
        _ => None,
    }
}
