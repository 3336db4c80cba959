//! Hash tables over keys, and the keys themselves in chunks that snapshots share.

use super::canonical::canonical;
use super::word;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, StringViewArray};
use arrow_buffer::NullBuffer;
use arrow_row::{RowConverter, Rows};
use arrow_schema::DataType;
use hashbrown::HashTable;
use millstream_dataflow::column::CHUNK_IDS;
use millstream_dataflow::{Error, Result};
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// How key columns become keys and back.
#[derive(Debug)]
pub(super) enum Layout {
    /// No columns.
    Unit,
    /// One column of at most 64 bits.
    Word(DataType),
    /// One Utf8View column.
    Text,
    /// Anything else.
    Rows(RowConverter),
}

impl Layout {
    /// Encodes a batch into `buffer` (cleared first).
    pub(super) fn encode(&self, keys: &[ArrayRef], buffer: &mut Rows) -> Result<()> {
        let Layout::Rows(converter) = self else {
            return Err(Error::bug("keys of this layout are not rows"));
        };
        let keys = keys.iter().map(canonical).collect::<Result<Vec<_>>>()?;
        buffer.clear();
        Ok(converter.append(buffer, &keys)?)
    }
}

/// Keys of at most 64 bits.
///
/// The table holds key and id side by side, so that a lookup costs one cache miss; the chunks hold the keys in id order.
#[derive(Debug, Default)]
pub(super) struct WordKeys {
    table: HashTable<(i64, u32)>,
    chunks: Vec<Arc<Vec<i64>>>,
    /// Id of NULL, which has a word of its own place in the chunks, and is not in the table.
    null: Option<u32>,
    hashes: Vec<u64>,
}

/// A folded multiply: all bits of the key reach all bits of the hash. The seed is fixed, so that a replay is the same run.
#[inline]
fn hash_word(word: i64) -> u64 {
    let product = u128::from(word as u64 ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xa076_1d64_78bd_642f_u64);
    (product >> 64) as u64 ^ product as u64
}

impl WordKeys {
    pub(super) fn len(&self) -> usize {
        length(&self.chunks, |c| c.len())
    }
    pub(super) fn intern(&mut self, words: &[i64], nulls: Option<&NullBuffer>, ids: &mut Vec<u32>) {
        let WordKeys { table, chunks, null, hashes } = self;
        // Hashing first keeps the multiplications out of the chain of dependent loads that probing is.
        hashes.clear();
        hashes.extend(words.iter().map(|w| hash_word(*w)));
        ids.extend(words.iter().zip(hashes.iter()).enumerate().map(|(i, (word, hash))| {
            if nulls.is_some_and(|n| n.is_null(i)) {
                return *null.get_or_insert_with(|| append(chunks, |c| c.len(), |c| c.push(0)));
            }
            if let Some((_, id)) = table.find(*hash, |(w, _)| w == word) {
                return *id;
            }
            let id = append(chunks, |c| c.len(), |c| c.push(*word));
            table.insert_unique(*hash, (*word, id), |(w, _)| hash_word(*w));
            id
        }));
    }
    pub(super) fn find(&self, words: &[i64], nulls: Option<&NullBuffer>, ids: &mut Vec<Option<u32>>) {
        ids.extend(words.iter().enumerate().map(|(i, word)| match nulls.is_some_and(|n| n.is_null(i)) {
            true => self.null,
            false => self.table.find(hash_word(*word), |(w, _)| w == word).map(|(_, id)| *id),
        }));
    }
    pub(super) fn chunk(&self, layout: Arc<Layout>, i: usize) -> KeyChunk {
        KeyChunk {
            layout,
            keys: Keys::Words(Arc::clone(&self.chunks[i])),
            null: place(self.null, i),
        }
    }
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size() + self.chunks.iter().map(|c| c.capacity() * 8).sum::<usize>() + self.hashes.capacity() * 8
    }
}

/// Keys of any length.
#[derive(Debug, Default)]
pub(super) struct ByteKeys {
    /// Hash and id: equal hashes are rare, so bytes are compared about once per hit.
    table: HashTable<(u64, u32)>,
    chunks: Vec<Arc<ByteChunk>>,
    null: Option<u32>,
    hashes: Vec<u64>,
}

/// Up to [`CHUNK_IDS`] keys, one after the other.
#[derive(Debug, Default, Clone)]
struct ByteChunk {
    ends: Vec<usize>,
    data: Vec<u8>,
}

impl ByteChunk {
    fn get(&self, i: usize) -> &[u8] {
        &self.data[if i == 0 { 0 } else { self.ends[i - 1] }..self.ends[i]]
    }
    fn push(&mut self, key: &[u8]) {
        self.data.extend_from_slice(key);
        self.ends.push(self.data.len());
    }
}

fn hash_bytes(key: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(0x6d69_6c6c).build_hasher();
    hasher.write(key);
    hasher.finish()
}

fn key_at(chunks: &[Arc<ByteChunk>], id: u32) -> &[u8] {
    chunks[id as usize / CHUNK_IDS].get(id as usize % CHUNK_IDS)
}

impl ByteKeys {
    pub(super) fn len(&self) -> usize {
        length(&self.chunks, |c| c.ends.len())
    }
    pub(super) fn intern<'a>(&mut self, rows: usize, key: impl Fn(usize) -> Option<&'a [u8]>, ids: &mut Vec<u32>) {
        let ByteKeys { table, chunks, null, hashes } = self;
        hashes.clear();
        hashes.extend((0..rows).map(|i| key(i).map_or(0, hash_bytes)));
        ids.extend((0..rows).map(|i| {
            let Some(key) = key(i) else {
                return *null.get_or_insert_with(|| append(chunks, |c| c.ends.len(), |c| c.push(&[])));
            };
            let hash = hashes[i];
            if let Some((_, id)) = table.find(hash, |(h, id)| *h == hash && key_at(chunks, *id) == key) {
                return *id;
            }
            let id = append(chunks, |c| c.ends.len(), |c| c.push(key));
            table.insert_unique(hash, (hash, id), |(h, _)| *h);
            id
        }));
    }
    pub(super) fn find<'a>(&self, rows: usize, key: impl Fn(usize) -> Option<&'a [u8]>, ids: &mut Vec<Option<u32>>) {
        ids.extend((0..rows).map(|i| {
            let Some(key) = key(i) else { return self.null };
            let hash = hash_bytes(key);
            let found = self.table.find(hash, |(h, id)| *h == hash && key_at(&self.chunks, *id) == key);
            found.map(|(_, id)| *id)
        }));
    }
    pub(super) fn chunk(&self, layout: Arc<Layout>, i: usize) -> KeyChunk {
        KeyChunk {
            layout,
            keys: Keys::Bytes(Arc::clone(&self.chunks[i])),
            null: place(self.null, i),
        }
    }
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.chunks.iter().map(|c| c.data.capacity() + c.ends.capacity() * 8).sum::<usize>();
        self.table.allocation_size() + chunks + self.hashes.capacity() * 8
    }
}

/// Number of keys in chunks of which only the last is not full.
fn length<C>(chunks: &[Arc<C>], len: impl Fn(&C) -> usize) -> usize {
    chunks.last().map_or(0, |last| (chunks.len() - 1) * CHUNK_IDS + len(last))
}

/// Adds a key and returns its id. A chunk that a snapshot shares is copied first.
fn append<C: Default + Clone>(chunks: &mut Vec<Arc<C>>, len: impl Fn(&C) -> usize, push: impl FnOnce(&mut C)) -> u32 {
    let id = length(chunks, len);
    if id.is_multiple_of(CHUNK_IDS) {
        chunks.push(Arc::default());
    }
    if let Some(last) = chunks.last_mut() {
        push(Arc::make_mut(last));
    }
    id as u32
}

/// Where in chunk `i` the key of an id stands.
fn place(id: Option<u32>, i: usize) -> Option<usize> {
    id.map(|id| id as usize).filter(|id| id / CHUNK_IDS == i).map(|id| id % CHUNK_IDS)
}

/// The keys of a chunk, shared with the index.
#[derive(Debug)]
pub(in crate::table) struct KeyChunk {
    layout: Arc<Layout>,
    keys: Keys,
    /// Which key is NULL.
    null: Option<usize>,
}

#[derive(Debug)]
enum Keys {
    Unit(usize),
    Words(Arc<Vec<i64>>),
    Bytes(Arc<ByteChunk>),
}

impl KeyChunk {
    pub(super) fn unit(layout: Arc<Layout>, rows: usize) -> Self {
        KeyChunk {
            layout,
            keys: Keys::Unit(rows),
            null: None,
        }
    }
    /// Number of keys.
    pub(in crate::table) fn len(&self) -> usize {
        match &self.keys {
            Keys::Unit(rows) => *rows,
            Keys::Words(words) => words.len(),
            Keys::Bytes(bytes) => bytes.ends.len(),
        }
    }
    /// The key columns of a range of this chunk's keys.
    pub(in crate::table) fn arrays(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        match (&*self.layout, &self.keys) {
            (Layout::Unit, Keys::Unit(_)) => Ok(Vec::new()),
            (Layout::Word(ty), Keys::Words(words)) => {
                let nulls = self
                    .null
                    .filter(|n| range.contains(n))
                    .map(|n| range.clone().map(|i| i != n).collect::<NullBuffer>());
                Ok(vec![word::write(ty, &words[range], nulls)?])
            }
            (Layout::Text, Keys::Bytes(bytes)) => Ok(vec![Arc::new(self.text(bytes, range)?)]),
            (Layout::Rows(converter), Keys::Bytes(bytes)) => {
                let parser = converter.parser();
                Ok(converter.convert_rows(range.map(|i| parser.parse(bytes.get(i))))?)
            }
            _ => Err(Error::bug("keys do not fit their layout")),
        }
    }
    fn text(&self, bytes: &ByteChunk, range: Range<usize>) -> Result<StringViewArray> {
        let mut builder = StringViewBuilder::with_capacity(range.len());
        for i in range {
            match self.null == Some(i) {
                true => builder.append_null(),
                false => builder.append_value(std::str::from_utf8(bytes.get(i)).map_err(|e| Error::bug("a text key is not UTF-8").source(e))?),
            }
        }
        Ok(builder.finish())
    }
}
