//! Values that nobody asked for, stepped over.

use super::cursor::{Cursor, Parsed};
use super::schema::AvroType;

/// Steps that a schema may need. Types that share parts could ask for many more than they have words.
const STEPS_MAX: usize = 100_000;

#[derive(Debug)]
pub(super) enum Skip {
    /// So many bytes.
    Bytes(usize),
    /// A number.
    Number,
    /// Bytes with their length in front.
    Sized,
    /// By branch.
    Union(Vec<Vec<Skip>>),
    /// The same of null, which is this branch, and something.
    Optional(usize, Vec<Skip>),
    /// An array or, with keys, a map.
    Blocks(Vec<Skip>),
}

/// Appends the steps over a value.
///
/// # Errors
/// A schema that is too large.
pub(super) fn plan(ty: &AvroType, steps: &mut Vec<Skip>, steps_in_all: &mut usize) -> Result<(), String> {
    *steps_in_all += 1;
    if *steps_in_all > STEPS_MAX {
        return Err(format!("the schema takes more than {STEPS_MAX} steps to read"));
    }
    let step = match ty {
        AvroType::Null => return Ok(()),
        AvroType::Boolean => Skip::Bytes(1),
        AvroType::Float => Skip::Bytes(4),
        AvroType::Double => Skip::Bytes(8),
        AvroType::Fixed(size, _) => Skip::Bytes(*size),
        AvroType::Int(_) | AvroType::Long(_) | AvroType::Enum(_) => Skip::Number,
        AvroType::Bytes(_) | AvroType::String => Skip::Sized,
        AvroType::Array(item) => {
            let mut steps = Vec::new();
            plan(item, &mut steps, steps_in_all)?;
            Skip::Blocks(steps)
        }
        AvroType::Map(value) => {
            let mut steps = vec![Skip::Sized];
            plan(value, &mut steps, steps_in_all)?;
            Skip::Blocks(steps)
        }
        AvroType::Union(branches) => {
            let mut plans = Vec::new();
            for branch in branches.iter() {
                let mut steps = Vec::new();
                plan(branch, &mut steps, steps_in_all)?;
                plans.push(steps);
            }
            match <[Vec<Skip>; 2]>::try_from(plans) {
                Ok([null, other]) if null.is_empty() => Skip::Optional(0, other),
                Ok([other, null]) if null.is_empty() => Skip::Optional(1, other),
                Ok(two) => Skip::Union(two.into()),
                Err(plans) => Skip::Union(plans),
            }
        }
        AvroType::Record(record) => {
            return record.fields.iter().try_for_each(|(_, ty)| plan(ty, steps, steps_in_all));
        }
    };
    match (steps.last_mut(), step) {
        (_, Skip::Bytes(0)) => {}
        (Some(Skip::Bytes(before)), Skip::Bytes(count)) => *before = before.saturating_add(count),
        (_, step) => steps.push(step),
    }
    Ok(())
}

/// Steps over values.
pub(super) fn pass(steps: &[Skip], c: &mut Cursor<'_>) -> Parsed<()> {
    for step in steps {
        match step {
            Skip::Bytes(count) => {
                c.take(*count)?;
            }
            Skip::Number => {
                c.long()?;
            }
            Skip::Sized => {
                c.sized()?;
            }
            Skip::Union(branches) => {
                let branch = c.branch(branches.len())?;
                pass(&branches[branch], c)?;
            }
            Skip::Optional(null, other) => {
                if c.branch_of_two()? != *null {
                    match &other[..] {
                        [Skip::Sized] => {
                            c.sized()?;
                        }
                        [Skip::Number] => {
                            c.long()?;
                        }
                        other => pass(other, c)?,
                    }
                }
            }
            Skip::Blocks(item) => {
                while let Some((items, bytes)) = c.block()? {
                    match bytes {
                        Some(bytes) => {
                            c.take(bytes)?;
                        }
                        // Items without bytes may be any number.
                        None if item.is_empty() => {}
                        None if items > c.left() as u64 => return Err(c.ends()),
                        None => (0..items).try_for_each(|_| pass(item, c))?,
                    }
                }
            }
        }
    }
    Ok(())
}
