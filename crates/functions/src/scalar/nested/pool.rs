//! Elements of several columns side by side, and lists made of them.

use super::access::offsets;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, UInt32Array, new_empty_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_row::{Row, RowConverter, Rows, SortField};
use arrow_schema::{DataType, SortOptions};
use arrow_select::concat::concat;
use arrow_select::take::take;
use millstream_dataflow::{Error, Result, SqlType};
use std::ops::Range;
use std::sync::Arc;

/// Elements of all arguments in one column. A place is an index into it.
pub(super) struct Pool {
    values: ArrayRef,
    /// Where each argument's elements start.
    starts: Vec<usize>,
    lists: Vec<Option<ArrayRef>>,
}

impl Pool {
    /// - `arrays`: their elements are taken
    /// - `elements`: columns, one element per row, that come after them
    pub(super) fn new(arrays: &[ArrayRef], elements: &[ArrayRef], element: &SqlType) -> Result<Pool> {
        let wanted = element.to_arrow();
        let (mut parts, mut starts, mut lists) = (Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        let lists_then_columns = arrays.iter().map(|a| (a, true)).chain(elements.iter().map(|e| (e, false)));
        for (arg, is_list) in lists_then_columns {
            let part = if is_list {
                Arc::clone(arg.as_list::<i32>().values())
            } else {
                Arc::clone(arg)
            };
            starts.push(start);
            start += part.len();
            parts.push(arrow_array::make_array(part.to_data().into_builder().data_type(wanted.clone()).build()?));
            lists.push(is_list.then(|| Arc::clone(arg)));
        }
        if u32::try_from(start).is_err() {
            return Err(Error::data("a batch's arrays hold too many elements").code("E0702"));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(Pool {
            // One of nothing has no parts whose type would tell.
            values: if parts.is_empty() { new_empty_array(&wanted) } else { concat(&parts)? },
            starts,
            lists,
        })
    }

    /// The places of an argument's elements in a row, `None` if its array is NULL.
    pub(super) fn places(&self, arg: usize, row: usize) -> Result<Option<Range<u32>>> {
        let start = self.starts[arg] as u32;
        let Some(list) = &self.lists[arg] else {
            let place = self.place(arg, row);
            return Ok(Some(place..place + 1));
        };
        let offsets = offsets(list)?;
        Ok(list.is_valid(row).then(|| start + offsets[row] as u32..start + offsets[row + 1] as u32))
    }

    /// The place of a column's element in a row.
    pub(super) fn place(&self, arg: usize, row: usize) -> u32 {
        (self.starts[arg] + row) as u32
    }

    pub(super) fn is_null(&self, place: u32) -> bool {
        self.values.is_null(place as usize)
    }

    /// Comparable keys of all elements: NULL equals NULL and comes first or last.
    pub(super) fn keys(&self, options: SortOptions) -> Result<Keys> {
        let converter = RowConverter::new(vec![SortField::new_with_options(self.values.data_type().clone(), options)])?;
        Ok(Keys(converter.convert_columns(&[Arc::clone(&self.values)])?))
    }

    /// One element per row.
    pub(super) fn elements(&self, places: Vec<Option<u32>>) -> Result<ArrayRef> {
        Ok(take(&self.values, &UInt32Array::from(places), None)?)
    }

    /// One array per row.
    pub(super) fn arrays(&self, rows: Vec<Option<Vec<u32>>>, ty: &SqlType) -> Result<ArrayRef> {
        let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
        let lengths = OffsetBuffer::from_lengths(rows.iter().map(|r| r.as_ref().map_or(0, Vec::len)));
        let places: Vec<u32> = rows.into_iter().flatten().flatten().collect();
        let DataType::List(item) = ty.to_arrow() else {
            return Err(Error::bug("an array is not carried by a list"));
        };
        let values = take(&self.values, &UInt32Array::from(places), None)?;
        let values = arrow_array::make_array(values.to_data().into_builder().data_type(item.data_type().clone()).build()?);
        Ok(Arc::new(ListArray::try_new(item, lengths, values, Some(nulls))?))
    }
}

pub(super) struct Keys(Rows);

impl Keys {
    pub(super) fn of(&self, place: u32) -> Row<'_> {
        self.0.row(place as usize)
    }
}
