//! Builds string and binary view columns that can be rolled back.
#![allow(
    unsafe_code,
    reason = "skips a second UTF-8 check per value on the decoders' hot path; benches/json_decode.rs shows the gain"
)]

use arrow_array::builder::make_view;
use arrow_array::{BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

/// Bytes per block of long values.
const BLOCK: usize = 128 << 10;

/// Values as views into blocks of our own: state and batches never pin the input.
#[derive(Debug, Default)]
pub(crate) struct Views {
    views: Vec<u128>,
    blocks: Vec<Buffer>,
    block: Vec<u8>,
    /// All values so far came by `push_text`.
    all_text: bool,
    any: bool,
}

impl Views {
    /// Appends a string.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &str) {
        if !self.any {
            (self.any, self.all_text) = (true, true);
        }
        self.push(text.as_bytes());
    }
    /// Appends bytes; the column can then only become a binary one.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        (self.any, self.all_text) = (true, false);
        self.push(bytes);
    }
    pub(crate) fn push_empty(&mut self) {
        self.views.push(0);
    }
    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        if bytes.len() <= 12 {
            self.views.push(make_view(bytes, 0, 0));
            return;
        }
        if self.block.len() + bytes.len() > BLOCK.max(self.block.capacity()) && !self.block.is_empty() {
            self.blocks.push(Buffer::from_vec(std::mem::take(&mut self.block)));
        }
        if self.block.capacity() == 0 {
            self.block.reserve_exact(BLOCK.max(bytes.len()));
        }
        self.views.push(make_view(bytes, self.blocks.len() as u32, self.block.len() as u32));
        self.block.extend_from_slice(bytes);
    }
    pub(crate) fn truncate(&mut self, len: usize) {
        self.views.truncate(len);
    }
    fn take(&mut self) -> (ScalarBuffer<u128>, Vec<Buffer>, bool) {
        if !self.block.is_empty() {
            self.blocks.push(Buffer::from_vec(std::mem::take(&mut self.block)));
        }
        let text = !self.any || self.all_text;
        self.any = false;
        (ScalarBuffer::from(std::mem::take(&mut self.views)), std::mem::take(&mut self.blocks), text)
    }
    /// Takes the values as strings. Bytes that were not pushed as text are checked.
    pub(crate) fn finish_text(&mut self, nulls: Option<NullBuffer>) -> millstream_dataflow::Result<StringViewArray> {
        let (views, blocks, text) = self.take();
        if !text {
            return Ok(StringViewArray::try_new(views, blocks, nulls)?);
        }
        // SAFETY: every view was made by `make_view` for bytes that were then appended to the block it names, blocks only grow
        // until they are sealed, and all values were `&str`, so they are UTF-8.
        Ok(unsafe { StringViewArray::new_unchecked(views, blocks, nulls) })
    }
    /// Takes the values as bytes.
    pub(crate) fn finish_bytes(&mut self, nulls: Option<NullBuffer>) -> BinaryViewArray {
        let (views, blocks, _) = self.take();
        // SAFETY: every view was made by `make_view` for bytes that were then appended to the block it names.
        unsafe { BinaryViewArray::new_unchecked(views, blocks, nulls) }
    }
}
