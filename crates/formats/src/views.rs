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

/// Rows that room is made for at once when the batch before had as many.
pub(crate) const ROWS_EXPECTED_MAX: usize = 8192;

/// Values as views into blocks of our own: state and batches never pin the input.
#[derive(Debug, Default)]
pub(crate) struct Views {
    views: Vec<u128>,
    blocks: Vec<Buffer>,
    block: Vec<u8>,
    /// All values so far were text when they came.
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
    /// Appends a string that `around` begins with: bytes after it are there to be read, so a short one is copied without a loop.
    #[inline]
    pub(crate) fn push_part(&mut self, text: &str, around: &[u8]) {
        self.push_part_of_text(text.as_bytes(), around);
    }
    /// The same of bytes, if they are UTF-8 text. Most are ASCII, which is told faster.
    #[inline]
    pub(crate) fn push_part_if_text(&mut self, bytes: &[u8], around: &[u8]) -> bool {
        let is_text = bytes.is_ascii() || std::str::from_utf8(bytes).is_ok();
        if is_text {
            self.push_part_of_text(bytes, around);
        }
        is_text
    }
    #[inline]
    fn push_part_of_text(&mut self, text: &[u8], around: &[u8]) {
        if !self.any {
            (self.any, self.all_text) = (true, true);
        }
        match around.first_chunk::<16>() {
            Some(chunk) if text.len() <= 12 => {
                let kept = u128::from_le_bytes(*chunk) & ((1 << (8 * text.len())) - 1);
                self.views.push(kept << 32 | text.len() as u128);
            }
            _ => self.push(text),
        }
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
        if bytes.len() > self.block.capacity() - self.block.len() {
            self.next_block(bytes.len());
        }
        // As `make_view` has it: length, first four bytes, block, offset.
        let prefix = bytes.first_chunk::<4>().map_or(0, |p| u32::from_le_bytes(*p));
        let place = u64::from(self.blocks.len() as u32) | (self.block.len() as u64) << 32;
        self.views.push(u128::from(place) << 64 | u128::from(prefix) << 32 | bytes.len() as u128);
        self.block.extend_from_slice(bytes);
    }
    /// Begins a block with room for a value.
    #[cold]
    fn next_block(&mut self, bytes: usize) {
        if !self.block.is_empty() {
            self.blocks.push(Buffer::from_vec(std::mem::take(&mut self.block)));
        }
        self.block.reserve_exact(BLOCK.max(bytes));
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
        let room = Vec::with_capacity(self.views.len().min(ROWS_EXPECTED_MAX));
        (
            ScalarBuffer::from(std::mem::replace(&mut self.views, room)),
            std::mem::take(&mut self.blocks),
            text,
        )
    }
    /// Takes the values as strings. Bytes that were not pushed as text are checked.
    pub(crate) fn finish_text(&mut self, nulls: Option<NullBuffer>) -> millstream_dataflow::Result<StringViewArray> {
        let (views, blocks, text) = self.take();
        if !text {
            return Ok(StringViewArray::try_new(views, blocks, nulls)?);
        }
        // SAFETY: every view was made by `make_view` for bytes that were then appended to the block it names, blocks only grow
        // until they are sealed, and all values were `&str` or looked at, so they are UTF-8.
        Ok(unsafe { StringViewArray::new_unchecked(views, blocks, nulls) })
    }
    /// Takes the values as bytes.
    pub(crate) fn finish_bytes(&mut self, nulls: Option<NullBuffer>) -> BinaryViewArray {
        let (views, blocks, _) = self.take();
        // SAFETY: every view was made by `make_view` for bytes that were then appended to the block it names.
        unsafe { BinaryViewArray::new_unchecked(views, blocks, nulls) }
    }
}
