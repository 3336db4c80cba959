//! Requests that are written together, as one numbered object of the journal.

use super::encoding::{Cursor, begin, put, seal};
use super::keys::Key;
use bytes::Bytes;
use millstream_dataflow::Result;

const MARK: [u8; 4] = *b"MSHJ";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it had come whole, epoch ms.
    pub(super) received_ms: i64,
    /// Who sent it: `127.0.0.1:50312`.
    pub(super) remote: String,
    pub(super) key: Option<Key>,
    /// How many records the body was found to hold.
    pub(super) records: u32,
    /// Unpacked.
    pub(super) body: Bytes,
}

/// What one object holds. Without entries it only takes its number: a process claims the journal so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The process that wrote it.
    pub(super) owner: String,
    /// No two groups of an owner have the same.
    pub(super) sequence: u64,
    pub(super) entries: Vec<Entry>,
}

impl Group {
    pub(super) fn records(&self) -> u64 {
        self.entries.iter().map(|e| u64::from(e.records)).sum()
    }
    /// Owner (u32 length, text) and sequence (u64); per entry the time (i64), remote (u32 length, text), records (u32), whether there is a
    /// key, the key (u32 length, text) and the digest of its body (32 bytes), and the body (u32 length, bytes).
    pub(super) fn encode(&self) -> Bytes {
        let mut out = begin(MARK);
        put(self.owner.as_bytes(), &mut out);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        for entry in &self.entries {
            out.extend_from_slice(&entry.received_ms.to_le_bytes());
            put(entry.remote.as_bytes(), &mut out);
            out.extend_from_slice(&entry.records.to_le_bytes());
            out.push(u8::from(entry.key.is_some()));
            if let Some(key) = &entry.key {
                put(key.text.as_bytes(), &mut out);
                out.extend_from_slice(&key.digest);
            }
            put(&entry.body, &mut out);
        }
        seal(out)
    }
    /// # Errors
    /// `Corrupt` for damaged bytes and other versions.
    pub(super) fn decode(object: Bytes) -> Result<Group> {
        let mut cursor = Cursor::new(MARK, object)?;
        let mut group = Group {
            owner: cursor.text()?,
            sequence: u64::from_le_bytes(cursor.array()?),
            entries: Vec::new(),
        };
        while !cursor.is_empty() {
            group.entries.push(Entry {
                received_ms: i64::from_le_bytes(cursor.array()?),
                remote: cursor.text()?,
                records: cursor.number()?,
                key: match cursor.array()? {
                    [0] => None,
                    _ => Some(Key {
                        text: cursor.text()?,
                        digest: cursor.array()?,
                    }),
                },
                body: cursor.bytes()?,
            });
        }
        Ok(group)
    }
}

#[cfg(test)]
mod tests;
