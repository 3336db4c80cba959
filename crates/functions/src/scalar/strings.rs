//! Character strings. Positions and lengths count characters, from 1.

mod case;
mod encoding;
mod join;
mod part;
mod predicate;
mod printf;
mod regexp;
mod search;
mod split;
mod trim;
mod url;

pub(super) use regexp::{check_regex, check_similar};

use super::{Function, Signature, fixed};
use crate::types::{Type, is_text};
use millstream_dataflow::SqlType;

const S: SqlType = SqlType::STRING;

pub(super) const FUNCTIONS: &[&[Function]] = &[
    case::FUNCTIONS,
    trim::FUNCTIONS,
    join::FUNCTIONS,
    part::FUNCTIONS,
    search::FUNCTIONS,
    split::FUNCTIONS,
    predicate::FUNCTIONS,
    regexp::FUNCTIONS,
    encoding::FUNCTIONS,
    url::FUNCTIONS,
    printf::FUNCTIONS,
];

fn text1(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S], S)
}

/// The type of one text; the result is as long as it.
fn same_text(args: &[Type]) -> Option<Signature> {
    match args {
        [a] if is_text(&a.ty) => Some(Signature {
            args: vec![a.ty.clone()],
            result: a.clone(),
        }),
        _ => text1(args),
    }
}

/// CHAR and VARCHAR of a length as a VARCHAR.
fn varying(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Char(n) | SqlType::VarChar(n) => SqlType::VarChar(*n),
        _ => S,
    }
}
