//! Messages into columns.
//!
//! The fields of a message come in any order and any number of times. So it is looked through once, which tells where each field that is
//! wanted stands, and then the columns take their values from there.

use super::plan::{Absent, FieldStep, Integer, Message, Names, Shape, Step, Value};
use super::wire::{SIZED, Wire, unzigzag};
use crate::column::{Column, Values};
use crate::fault::Parsed;
use millstream_dataflow::temporal;

const MS_OF_DAY: i64 = 86_400_000;

/// Where a field stands.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    count: usize,
    /// Where its first tag begins, and its last value begins and ends.
    first: usize,
    last: usize,
    end: usize,
    wire: u8,
}

/// Room for what was found in a message and those around it.
#[derive(Debug, Default)]
pub(super) struct Scratch(Vec<Found>);

impl Scratch {
    /// Forgets what a record left that ended early.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Message {
    /// Appends a row of the message's fields. After an error the caller truncates.
    pub(super) fn read(&self, message: Wire<'_>, columns: &mut [Column], scratch: &mut Scratch) -> Parsed<()> {
        let base = self.look_through(message, scratch)?;
        for (step, column) in self.steps.iter().zip(columns) {
            step.read(message, column, base, scratch).map_err(|fault| fault.inside(&step.name))?;
        }
        scratch.0.truncate(base);
        Ok(())
    }

    /// The same of a message with the only field.
    fn read_only(&self, message: Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        self.read(message, std::slice::from_mut(column), scratch)
    }

    /// The same of a key and a value.
    fn read_pair(&self, message: Wire<'_>, keys: &mut Column, values: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        let base = self.look_through(message, scratch)?;
        for (step, column) in self.steps.iter().zip([keys, values]) {
            step.read(message, column, base, scratch)?;
        }
        scratch.0.truncate(base);
        Ok(())
    }

    /// Notes where the fields stand, one after the other from a place on, which it gives.
    fn look_through(&self, mut w: Wire<'_>, scratch: &mut Scratch) -> Parsed<usize> {
        let base = scratch.0.len();
        scratch.0.resize(base + self.slots.len(), Found::default());
        let mut expected = 0;
        while !w.is_at_end() {
            let first = w.at;
            let (number, wire) = w.tag()?;
            let last = w.at;
            w.skip(number, wire)?;
            // Mostly the fields come in the order of their numbers.
            let place = match self.numbers.get(expected) {
                Some((n, _)) if *n == number => expected,
                _ => match self.numbers.binary_search_by_key(&number, |(n, _)| *n) {
                    Ok(place) => place,
                    Err(_) => continue,
                },
            };
            expected = place + 1;
            let slot = self.numbers[place].1;
            let what = &self.slots[slot];
            if wire != what.wire && !(what.packable && wire == SIZED) {
                continue;
            }
            if let Some(names) = &what.closed
                && names.name(w.from(last).varint()? as i32).is_none()
            {
                continue;
            }
            if let Some(oneof) = what.oneof {
                for other in self.oneofs[oneof].iter().filter(|other| **other != slot) {
                    scratch.0[base + other] = Found::default();
                }
            }
            let found = &mut scratch.0[base + slot];
            if found.count == 0 {
                found.first = first;
            }
            *found = Found {
                count: found.count + 1,
                last,
                end: w.at,
                wire,
                ..*found
            };
        }
        for (i, slot) in self.slots.iter().enumerate() {
            if let Some(name) = &slot.required
                && scratch.0[base + i].count == 0
            {
                return Err(w.fault("missing-field", "a required field is missing").inside(name));
            }
        }
        Ok(base)
    }
}

impl Step {
    fn read(&self, message: Wire<'_>, column: &mut Column, base: usize, scratch: &mut Scratch) -> Parsed<()> {
        let found = self.field.as_ref().map(|field| (field, scratch.0[base + field.slot]));
        match found {
            Some((field, found)) if found.count > 0 => field.read(found, message, column, scratch),
            _ => self.read_absent(message, column, scratch),
        }
    }

    fn read_absent(&self, message: Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        match (&self.absent, &mut column.values) {
            (Absent::Null, _) => return take_null(message, column),
            (Absent::Boolean(b), Values::Boolean(v)) => v.append(*b),
            (Absent::Number(n), Values::I8(v)) => v.push(*n as i8),
            (Absent::Number(n), Values::I16(v)) => v.push(*n as i16),
            (Absent::Number(n), Values::I32(v)) => v.push(*n as i32),
            (Absent::Number(n), Values::I64(v)) => v.push(*n),
            (Absent::Float(n), Values::F32(v)) => v.push(*n as f32),
            (Absent::Float(n), Values::F64(v)) => v.push(*n),
            (Absent::Text(text), Values::Text(v)) => v.push_text(text),
            (Absent::Bytes(bytes), Values::Bytes(v)) => v.push_bytes(bytes),
            (Absent::Empty, Values::List(ends, ..) | Values::Map(ends, ..)) => ends.push(ends[ends.len() - 1]),
            (Absent::Message, _) => {
                let Some(FieldStep { shape: Shape::One(value), .. }) = &self.field else {
                    return Err(unfit(message));
                };
                // Seen from its end, a message has no fields.
                return value.read_message(Wire::new(&[], 0), column, scratch);
            }
            _ => return Err(unfit(message)),
        }
        column.validity.push(true);
        Ok(())
    }
}

impl FieldStep {
    fn read(&self, found: Found, message: Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        match &self.shape {
            Shape::One(value) if value.is_message() && found.count > 1 => {
                // As if they were one: what comes later counts, field by field.
                let mut merged = Vec::new();
                self.each(found, message, |mut w, _| {
                    merged.extend_from_slice(w.sized()?.0);
                    Ok(())
                })?;
                value.read_message(Wire::new(&merged, 0), column, scratch)
            }
            Shape::One(value) => value.read(&mut message.from(found.last), column, scratch),
            Shape::List { item, .. } => {
                let Values::List(ends, child) = &mut column.values else {
                    return Err(unfit(message));
                };
                self.each(found, message, |w, wire| item.read_items(w, wire, child, scratch))?;
                ends.push(end(message, child.len())?);
                column.validity.push(true);
                Ok(())
            }
            Shape::Map(entry) => {
                let Values::Map(ends, keys, values) = &mut column.values else {
                    return Err(unfit(message));
                };
                self.each(found, message, |mut w, _| entry.read_pair(w.message()?, keys, values, scratch))?;
                ends.push(end(message, keys.len())?);
                column.validity.push(true);
                Ok(())
            }
        }
    }

    /// Each value of the field, in order.
    fn each<'a>(&self, found: Found, message: Wire<'a>, mut take: impl FnMut(Wire<'a>, u8) -> Parsed<()>) -> Parsed<()> {
        if found.count == 1 {
            return take(message.from(found.last), found.wire);
        }
        let mut w = message.from(found.first);
        while w.at < found.end {
            let (number, wire) = w.tag()?;
            let value = w;
            w.skip(number, wire)?;
            if number == self.number && self.takes(wire) {
                take(value, wire)?;
            }
        }
        Ok(())
    }

    fn takes(&self, wire: u8) -> bool {
        match &self.shape {
            Shape::One(value) | Shape::List { item: value, .. } => wire == value.wire() || (wire == SIZED && value.is_packable()),
            Shape::Map(_) => wire == SIZED,
        }
    }
}

impl Value {
    /// Appends one item, or all that come together.
    fn read_items(&self, mut w: Wire<'_>, wire: u8, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        if wire != SIZED || !self.is_packable() {
            return self.read_item(&mut w, column, scratch);
        }
        let mut packed = w.message()?;
        while !packed.is_at_end() {
            self.read_item(&mut packed, column, scratch)?;
        }
        Ok(())
    }

    fn read_item(&self, w: &mut Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        if let Value::Enum(names) = self
            && names.closed
        {
            let start = w.at;
            if names.name(w.varint()? as i32).is_none() {
                return Ok(());
            }
            w.at = start;
        }
        self.read(w, column, scratch)
    }

    fn read(&self, w: &mut Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        let number = match (self, &mut column.values) {
            (Value::Boolean, Values::Boolean(v)) => {
                v.append(w.varint()? != 0);
                None
            }
            (Value::Varint(integer), _) => Some(integer.of_varint(w.varint()?)),
            (Value::Fixed4(Integer::U32), _) => Some(u32::from_le_bytes(w.array()?).into()),
            (Value::Fixed4(_), _) => Some(i32::from_le_bytes(w.array()?).into()),
            (Value::Fixed8, _) => Some(i64::from_le_bytes(w.array()?)),
            (Value::Float, Values::F32(v)) => {
                v.push(f32::from_le_bytes(w.array()?));
                None
            }
            (Value::Double, Values::F64(v)) => {
                v.push(f64::from_le_bytes(w.array()?));
                None
            }
            (Value::Text, Values::Text(v)) => {
                let (bytes, around) = w.sized()?;
                if !v.push_part_if_text(bytes, around) {
                    return Err(w.fault("utf8", "a string that is no UTF-8 text"));
                }
                None
            }
            (Value::Bytes, Values::Bytes(v)) => {
                v.push_bytes(w.sized()?.0);
                None
            }
            (Value::Enum(names), Values::Text(v)) => {
                let number = w.varint()? as i32;
                match names.name(number) {
                    Some(name) => v.push_text(name),
                    // What Java says of a number that the enum does not have.
                    None => v.push_text("UNRECOGNIZED"),
                }
                None
            }
            (Value::Enum(_), _) => Some((w.varint()? as i32).into()),
            _ => return self.read_message(w.message()?, column, scratch),
        };
        match (number, &mut column.values) {
            (None, _) => {}
            // The bits of a number without a sign, as Java has them.
            (Some(n), Values::I32(v)) => v.push(n as i32),
            (Some(n), Values::I64(v)) => v.push(n),
            (Some(n), Values::I16(v)) => v.push(n.try_into().map_err(|_| w.fault("type", "a number out of the type's range"))?),
            (Some(n), Values::I8(v)) => v.push(n.try_into().map_err(|_| w.fault("type", "a number out of the type's range"))?),
            _ => return Err(unfit(*w)),
        }
        column.validity.push(true);
        Ok(())
    }

    fn read_message(&self, message: Wire<'_>, column: &mut Column, scratch: &mut Scratch) -> Parsed<()> {
        match (self, &mut column.values) {
            (Value::Row(row), Values::Row(columns)) => row.read(message, columns, scratch)?,
            (Value::Wrapped(only), _) => return only.read_only(message, column, scratch),
            (Value::Timestamp(per_second), Values::I64(v)) => {
                let [seconds, nanos] = numbers(message)?;
                let units = seconds
                    .checked_mul(*per_second)
                    .and_then(|units| units.checked_add(nanos.div_euclid(1_000_000_000 / per_second)));
                v.push(units.ok_or_else(|| message.fault("type", "a timestamp out of the type's range"))?);
            }
            (Value::Date, Values::I32(v)) => {
                let [year, month, day] = numbers(message)?;
                match (year, month, day) {
                    (0..=9999, 1..=12, 1..=31) => {
                        let days = temporal::days_from_civil(year, month as u32, day as u32);
                        if temporal::civil_from_days(days) != (year, month as u32, day as u32) {
                            return Err(message.fault("type", "a day that its month does not have"));
                        }
                        v.push(days as i32);
                    }
                    _ => return Err(message.fault("type", "a date without year, month or day")),
                }
            }
            (Value::Time, Values::I32(v)) => {
                let [hours, minutes, seconds, nanos] = numbers(message)?;
                let within = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds) && (0..1_000_000_000).contains(&nanos);
                let ms = if within {
                    ((hours * 60 + minutes) * 60 + seconds) * 1_000 + nanos / 1_000_000
                } else {
                    MS_OF_DAY
                };
                match ms {
                    0..MS_OF_DAY => v.push(ms as i32),
                    _ => return Err(message.fault("type", "a time outside of the day")),
                }
            }
            (Value::Decimal { precision, scale }, Values::Decimal(v)) => match decimal(message, *scale)? {
                Some(d) if d.unsigned_abs() < 10u128.pow((*precision).into()) => v.push(d),
                // As in Flink: a number that is too large for the type is NULL.
                _ => return take_null(message, column),
            },
            _ => return Err(unfit(message)),
        }
        column.validity.push(true);
        Ok(())
    }
}

impl Integer {
    fn of_varint(self, bits: u64) -> i64 {
        match self {
            Integer::I32 => i64::from(bits as i32),
            Integer::U32 => i64::from(bits as u32),
            Integer::S32 => i64::from(unzigzag(bits & 0xffff_ffff) as i32),
            Integer::I64 => bits as i64,
            Integer::S64 => unzigzag(bits),
        }
    }
}

/// The last numbers of the first fields of a message, which are all varints.
fn numbers<const N: usize>(mut w: Wire<'_>) -> Parsed<[i64; N]> {
    let mut all = [0; N];
    while !w.is_at_end() {
        match w.tag()? {
            (number, 0) => {
                let value = w.varint()? as i64;
                if let Some(place) = (number as usize).checked_sub(1).and_then(|i| all.get_mut(i)) {
                    *place = value;
                }
            }
            (number, wire) => w.skip(number, wire)?,
        }
    }
    Ok(all)
}

/// `confluent.type.Decimal`: bytes in two's complement, highest first, precision and scale. Nothing if it is too large for the scale.
fn decimal(mut w: Wire<'_>, scale: u8) -> Parsed<Option<i128>> {
    let (mut unscaled, mut written) = (0i128, 0i64);
    while !w.is_at_end() {
        match w.tag()? {
            (1, SIZED) => {
                let bytes = w.sized()?.0;
                let negative = bytes.first().is_some_and(|b| b & 0x80 != 0);
                let sign = if negative { 0xff } else { 0 };
                let (over, low) = bytes.split_at(bytes.len().saturating_sub(16));
                let mut all = [sign; 16];
                all[16 - low.len()..].copy_from_slice(low);
                unscaled = i128::from_be_bytes(all);
                if over.iter().any(|b| *b != sign) || (unscaled < 0) != negative {
                    return Ok(None);
                }
            }
            (3, 0) => written = w.varint()? as i64,
            (number, wire) => w.skip(number, wire)?,
        }
    }
    let difference = i64::from(scale) - i64::from(written as i32);
    let factor = u32::try_from(difference.unsigned_abs()).ok().and_then(|d| 10i128.checked_pow(d));
    match (unscaled, factor) {
        (0, _) => Ok(Some(0)),
        (d, Some(factor)) if difference >= 0 => Ok(d.checked_mul(factor)),
        (d, Some(factor)) if d % factor == 0 => Ok(Some(d / factor)),
        (_, Some(_)) => Err(w.fault("type", "a decimal number with more digits behind the point than the column's type")),
        (_, None) => Ok(None),
    }
}

fn take_null(w: Wire<'_>, column: &mut Column) -> Parsed<()> {
    if !column.nullable {
        return Err(w.fault("type", "NULL for what is NOT NULL"));
    }
    column.push_null();
    Ok(())
}

fn end(w: Wire<'_>, len: usize) -> Parsed<i32> {
    i32::try_from(len).map_err(|_| w.fault("too-large", "more than 2147483647 items in one batch"))
}

/// The compiler lets none of these pass.
#[cold]
fn unfit(w: Wire<'_>) -> Box<crate::fault::Fault> {
    w.fault("type", "a value of another type")
}

impl Names {
    /// The default of an enum.
    pub(super) fn default(&self, default: i32, is_text: bool) -> Absent {
        match is_text {
            true => Absent::Text(self.name(default).unwrap_or("UNRECOGNIZED").to_string()),
            false => Absent::Number(default.into()),
        }
    }
}
