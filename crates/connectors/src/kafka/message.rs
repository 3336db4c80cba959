//! A record on its way to a topic, and its form while it waits for its commit.

use millstream_dataflow::{Error, Result};

/// What a sink sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutMessage<'a> {
    /// None: the table's only one.
    pub topic: Option<&'a str>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Epoch ms; None: when it is sent.
    pub timestamp: Option<i64>,
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// The first byte of staged messages. A persisted form: pinned by a test.
const VERSION: u8 = 1;

/// What is there, as bits.
const TOPIC: u8 = 1;
const KEY: u8 = 2;
const VALUE: u8 = 4;
const TIMESTAMP: u8 = 8;

/// Begins a piece: messages of one subtask.
pub(super) fn begin(subtask: u32) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&subtask.to_le_bytes());
    out
}

fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

impl OutMessage<'_> {
    /// Appends: flags, then topic, key, value (u32 length, bytes), timestamp (i64), number of headers (u32) and each one's name, whether
    /// there is a value, and value. Little-endian.
    pub(super) fn stage(&self, out: &mut Vec<u8>) {
        let flag = |is: bool, bit: u8| if is { bit } else { 0 };
        out.push(
            flag(self.topic.is_some(), TOPIC) | flag(self.key.is_some(), KEY) | flag(self.value.is_some(), VALUE) | flag(self.timestamp.is_some(), TIMESTAMP),
        );
        for bytes in [self.topic.map(str::as_bytes), self.key, self.value].into_iter().flatten() {
            put(bytes, out);
        }
        if let Some(ms) = self.timestamp {
            out.extend_from_slice(&ms.to_le_bytes());
        }
        out.extend_from_slice(&(self.headers.len() as u32).to_le_bytes());
        for (name, value) in &self.headers {
            put(name.as_bytes(), out);
            out.push(u8::from(value.is_some()));
            if let Some(value) = value {
                put(value, out);
            }
        }
    }
}

/// The records of a piece: reads staged messages of one subtask.
pub struct StagedRecords<'a> {
    rest: &'a [u8],
    pub(super) subtask: u32,
}

fn corrupt(what: &str) -> Error {
    Error::corrupt(format!("staged Kafka records {what}"))
}

impl<'a> StagedRecords<'a> {
    /// # Errors
    /// `Corrupt` for another version.
    pub fn new(bytes: &'a [u8]) -> Result<StagedRecords<'a>> {
        let mut staged = StagedRecords { rest: bytes, subtask: 0 };
        match staged.array::<1>()? {
            [VERSION] => {}
            [other] => return Err(corrupt(&format!("have version {other}, this release reads {VERSION}"))),
        }
        staged.subtask = u32::from_le_bytes(staged.array()?);
        Ok(staged)
    }
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| corrupt("are cut short"))?;
        self.rest = rest;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| corrupt("are cut short"))
    }
    fn bytes(&mut self) -> Result<&'a [u8]> {
        let n = u32::from_le_bytes(self.array()?);
        self.take(n as usize)
    }
    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| corrupt("hold a name that is no UTF-8"))
    }
    fn message(&mut self) -> Result<OutMessage<'a>> {
        let [flags] = self.array::<1>()?;
        let mut message = OutMessage::default();
        if flags & TOPIC != 0 {
            message.topic = Some(self.text()?);
        }
        if flags & KEY != 0 {
            message.key = Some(self.bytes()?);
        }
        if flags & VALUE != 0 {
            message.value = Some(self.bytes()?);
        }
        if flags & TIMESTAMP != 0 {
            message.timestamp = Some(i64::from_le_bytes(self.array()?));
        }
        for _ in 0..u32::from_le_bytes(self.array()?) {
            let name = self.text()?;
            let value = match self.array::<1>()? {
                [0] => None,
                _ => Some(self.bytes()?),
            };
            message.headers.push((name, value));
        }
        Ok(message)
    }
}

impl<'a> Iterator for StagedRecords<'a> {
    type Item = Result<OutMessage<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.rest = &[];
        }
        Some(message)
    }
}
