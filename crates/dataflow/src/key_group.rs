//! Which subtask owns a key.
//!
//! A key's group is a hash of a canonical encoding of its values, modulo the number of groups, which is fixed for the life of a
//! job. Groups are dealt to subtasks in contiguous ranges, so a job restores at any parallelism up to their number (Carbone et
//! al., "State Management in Apache Flink", VLDB 2017). The hash is a persisted format: `key_group/golden.txt` pins it.

use crate::{Error, Result};
use arrow_array::{Array, ArrayRef, cast::AsArray, types::*};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

/// Key groups of a job unless set otherwise.
pub const MAX_PARALLELISM_DEFAULT: u32 = 128;

/// A contiguous range of key groups, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyGroupRange {
    /// The first group.
    pub start: u32,
    /// One past the last group.
    pub end: u32,
}

impl KeyGroupRange {
    /// The groups of a subtask: those `g` with [`subtask_of`]`(g) == subtask`.
    pub fn of(subtask: u32, parallelism: u32, max_parallelism: u32) -> Self {
        let bound = |s: u32| (s * max_parallelism).div_ceil(parallelism);
        KeyGroupRange {
            start: bound(subtask),
            end: bound(subtask + 1),
        }
    }
    /// Whether the group is in the range.
    pub fn contains(&self, group: u32) -> bool {
        (self.start..self.end).contains(&group)
    }
}

/// The subtask that owns a key group.
pub fn subtask_of(group: u32, parallelism: u32, max_parallelism: u32) -> u32 {
    group * parallelism / max_parallelism
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Folds one 64-bit word into a hash (the multiply-and-xorshift finalizer of MurmurHash3).
fn mix(hash: u64, word: u64) -> u64 {
    let mut h = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 29)
}

fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let mut h = mix(hash, bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for w in words {
        h = mix(h, u64::from_le_bytes(*w));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        h = mix(h, u64::from_le_bytes(last));
    }
    h
}

/// Adds each row's key group to `groups` (cleared first). NULL is a value like any other; `-0.0` equals `0.0`, all NaN are one.
///
/// - `keys`: the key columns, n rows each; none puts all rows into group 0
/// - `groups`: n values below `max_parallelism`
///
/// # Errors
/// `Sql` for a type that cannot be a key.
pub fn assign(keys: &[ArrayRef], rows: usize, max_parallelism: u32, groups: &mut Vec<u32>) -> Result<()> {
    groups.clear();
    if keys.is_empty() {
        groups.resize(rows, 0);
        return Ok(());
    }
    let mut hashes = vec![SEED; rows];
    for column in keys {
        hash_column(column, &mut hashes)?;
    }
    groups.extend(hashes.iter().map(|h| ((h >> 32) % u64::from(max_parallelism)) as u32));
    Ok(())
}

fn hash_column(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    const NULL: u64 = 0x6e75_6c6c;
    macro_rules! fold {
        ($array:expr, |$h:ident, $v:ident| $e:expr) => {{
            let array = $array;
            if array.null_count() == 0 {
                for (i, $h) in hashes.iter_mut().enumerate() {
                    let $v = array.value(i);
                    *$h = $e;
                }
            } else {
                for (i, $h) in hashes.iter_mut().enumerate() {
                    *$h = if array.is_null(i) {
                        mix(*$h, NULL)
                    } else {
                        let $v = array.value(i);
                        $e
                    };
                }
            }
        }};
    }
    macro_rules! int {
        ($t:ty) => {
            fold!(column.as_primitive::<$t>(), |h, v| mix(*h, v as i64 as u64))
        };
    }
    match column.data_type() {
        DataType::Boolean => fold!(column.as_boolean(), |h, v| mix(*h, u64::from(v))),
        DataType::Int8 => int!(Int8Type),
        DataType::Int16 => int!(Int16Type),
        DataType::Int32 => int!(Int32Type),
        DataType::Int64 => int!(Int64Type),
        DataType::Date32 => int!(Date32Type),
        DataType::Time32(TimeUnit::Millisecond) => int!(Time32MillisecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => int!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => int!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => int!(TimestampNanosecondType),
        DataType::Duration(TimeUnit::Millisecond) => int!(DurationMillisecondType),
        DataType::Interval(IntervalUnit::YearMonth) => int!(IntervalYearMonthType),
        DataType::Float32 => fold!(column.as_primitive::<Float32Type>(), |h, v| mix(*h, canonical(f64::from(v)))),
        DataType::Float64 => fold!(column.as_primitive::<Float64Type>(), |h, v| mix(*h, canonical(v))),
        DataType::Decimal128(_, _) => fold!(column.as_primitive::<Decimal128Type>(), |h, v| mix(mix(*h, v as u64), (v >> 64) as u64)),
        DataType::Utf8View => fold!(column.as_string_view(), |h, v| mix_bytes(*h, v.as_bytes())),
        DataType::Utf8 => fold!(column.as_string::<i32>(), |h, v| mix_bytes(*h, v.as_bytes())),
        DataType::BinaryView => fold!(column.as_binary_view(), |h, v| mix_bytes(*h, v)),
        DataType::Null => hashes.iter_mut().for_each(|h| *h = mix(*h, NULL)),
        DataType::Struct(_) => {
            let array = column.as_struct();
            for child in array.columns() {
                hash_column(child, hashes)?;
            }
            for (i, h) in hashes.iter_mut().enumerate() {
                *h = mix(*h, u64::from(array.is_null(i)));
            }
        }
        DataType::List(_) => {
            let array = column.as_list::<i32>();
            for (i, h) in hashes.iter_mut().enumerate() {
                if array.is_null(i) {
                    *h = mix(*h, NULL);
                } else {
                    let values = array.value(i);
                    let mut inner = vec![SEED; values.len()];
                    hash_column(&values, &mut inner)?;
                    *h = inner.iter().fold(mix(*h, values.len() as u64), |h, v| mix(h, *v));
                }
            }
        }
        other => return Err(Error::sql(format!("a value of type {other} cannot be a key"))),
    }
    Ok(())
}

fn canonical(v: f64) -> u64 {
    if v.is_nan() {
        f64::NAN.to_bits()
    } else if v == 0.0 {
        0
    } else {
        v.to_bits()
    }
}

#[cfg(test)]
mod tests;
