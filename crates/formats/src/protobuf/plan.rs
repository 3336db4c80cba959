//! How messages of one type become rows of a table, and back: compiled once, run for each record.

use super::wire;
use std::sync::Arc;

/// A message type, seen from the columns that are read or written of it.
#[derive(Debug)]
pub(super) struct Message {
    /// What is looked for in the bytes: the fields of columns, those that may stand in their place, and those that must be there.
    pub(super) slots: Vec<Slot>,
    /// Numbers of fields and their slots, sorted.
    pub(super) numbers: Vec<(u32, usize)>,
    /// Slots of which the last one that comes counts.
    pub(super) oneofs: Vec<Vec<usize>>,
    /// One per column.
    pub(super) steps: Vec<Step>,
    /// The steps in the order of their fields' numbers.
    pub(super) order: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) wire: u8,
    /// Values may also come together, as many as there are bytes.
    pub(super) packable: bool,
    /// The name of a field that must be there.
    pub(super) required: Option<String>,
    pub(super) oneof: Option<usize>,
    /// Numbers that these do not have are as good as not there, of a field with one value.
    pub(super) closed: Option<Arc<Names>>,
}

/// A column and its field.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    /// Nothing where the messages have no such field.
    pub(super) field: Option<FieldStep>,
    /// What the column holds if the field is not there.
    pub(super) absent: Absent,
}

#[derive(Debug)]
pub(super) struct FieldStep {
    pub(super) slot: usize,
    pub(super) number: u32,
    pub(super) shape: Shape,
    /// A default value is not written.
    pub(super) implicit: bool,
    pub(super) required: bool,
    pub(super) oneof: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Absent {
    Null,
    Boolean(bool),
    Number(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// No items.
    Empty,
    /// A message without fields.
    Message,
}

#[derive(Debug)]
pub(super) enum Shape {
    One(Value),
    List {
        item: Value,
        packed: bool,
    },
    /// Messages of a key and a value.
    Map(Box<Message>),
}

/// What stands in the bytes; where it goes, or comes from, is the column's.
#[derive(Debug)]
pub(super) enum Value {
    Boolean,
    Varint(Integer),
    Fixed4(Integer),
    Fixed8,
    Float,
    Double,
    Text,
    Bytes,
    Enum(Arc<Names>),
    Row(Box<Message>),
    /// A message whose only field is the value.
    Wrapped(Box<Message>),
    /// `google.protobuf.Timestamp`, into so many units of a second.
    Timestamp(i64),
    /// `google.type.Date`
    Date,
    /// `google.type.TimeOfDay`
    Time,
    /// `confluent.type.Decimal`
    Decimal {
        precision: u8,
        scale: u8,
    },
}

impl Value {
    /// The wire type of a single value.
    pub(super) fn wire(&self) -> u8 {
        match self {
            Value::Boolean | Value::Varint(_) | Value::Enum(_) => wire::VARINT,
            Value::Fixed4(_) | Value::Float => wire::FOUR,
            Value::Fixed8 | Value::Double => wire::EIGHT,
            _ => wire::SIZED,
        }
    }
    pub(super) fn is_packable(&self) -> bool {
        self.wire() != wire::SIZED
    }
    pub(super) fn is_message(&self) -> bool {
        !self.is_packable() && !matches!(self, Value::Text | Value::Bytes)
    }
}

/// How the bits of a number are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    /// Of 32 bits, with a sign.
    I32,
    /// Without one.
    U32,
    /// With the sign in the lowest bit.
    S32,
    /// Of 64 bits; without a sign, the same bits.
    I64,
    S64,
}

/// The names of an enum's numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Other numbers are none of the enum.
    pub(super) closed: bool,
    /// As declared.
    pub(super) all: Vec<(String, i32)>,
    /// By number: places in `all`, of the first name that a number has.
    pub(super) by_number: Vec<(i32, usize)>,
}

impl Names {
    pub(super) fn name(&self, number: i32) -> Option<&str> {
        let at = self.by_number.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(&self.all[self.by_number[at].1].0)
    }
    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.all.iter().find(|(n, _)| n == name).map(|(_, number)| *number)
    }
    /// The number of the first name.
    pub(super) fn first(&self) -> i32 {
        self.all.first().map_or(0, |(_, number)| *number)
    }
}
