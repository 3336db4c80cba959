//! The source: the files there are at the start, each a split; and those that come, where the directory is monitored.

use super::blocks::{Blocks, is_read_in_blocks};
use super::compressed::{Codec, Text};
use super::partition::{FileFacts, Partitioning, PathColumns};
use super::{MONITOR, PATH, PATTERN, format, in_files};
use crate::ConnectorContext;
use crate::outcomes::Outcomes;
use crate::pattern::whole;
use bytes::Bytes;
use millstream_dataflow::option::Options;
use millstream_dataflow::{
    BadRecord, Batch, BoxFuture, Chunk, Decoded, Decoder, Error, ErrorKind, Fetch, ObjectMeta, Places, Rejected, Result, RowTest, Schema, Source, Split,
    SplitDecoder, SplitReader, Store, StoreKind, TableSpec,
};
use millstream_formats::{Lines, csv, split_records};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tracing::{info, warn};

/// Bytes read at once.
const BLOCK: u64 = 1 << 20;
/// Longest record looked for.
const RECORD_MAX: u64 = 64 << 20;
/// What some programs write at the start of a text file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone)]
pub(super) struct Files {
    store: Arc<dyn Store>,
    /// The one file that was named, or all of the directory.
    only: Option<String>,
    path: String,
    /// What the whole paths of its files match.
    pattern: Option<Regex>,
    table: String,
    format: String,
    options: BTreeMap<String, String>,
    /// The columns that formats without names count.
    all: Schema,
    partitioning: Partitioning,
    /// Which lines are records, if the format has lines.
    lines: Lines,
    handle: tokio::runtime::Handle,
    /// How often new files are looked for; `None`: only at the start.
    monitor: Option<Duration>,
    /// The directory on this machine, and whether it, or the store, was away when files were last looked for.
    directory: Option<PathBuf>,
    is_away: Arc<AtomicBool>,
    keep_records: bool,
    /// What rows must pass to be of use.
    tests: Vec<RowTest>,
    /// Bytes read at once; more where a record is longer.
    pub(super) block: u64,
}

impl Files {
    pub(super) fn new(table: &TableSpec, context: &ConnectorContext) -> Result<Self> {
        let path = Options::new(&table.options).required(&PATH)?.to_string();
        let is_local = !path.contains("://") || path.starts_with("file://");
        let local = context.directory.join(path.strip_prefix("file://").unwrap_or(&path));
        if is_local && !local.exists() {
            return Err(Error::config(format!("table \"{}\" reads '{path}', which does not exist", table.name))
                .code("E0514")
                .hint("check the option 'path'; relative paths start where the program was started"));
        }
        // A file is the only one of its directory.
        let as_file = |p: &str| {
            p.rsplit_once('/').map_or((".".to_string(), p.to_string()), |(d, f)| {
                (if d.is_empty() { "/".to_string() } else { d.to_string() }, f.to_string())
            })
        };
        let (root, only) = if is_local && local.is_file() {
            as_file(&path)
        } else {
            (path.clone(), String::new())
        };
        let format = format(table).to_string();
        Ok(Files {
            store: context.host.open(&root, &context.directory, &table.options)?,
            only: Some(only).filter(|o| !o.is_empty()),
            path,
            pattern: Options::new(&table.options).text(&PATTERN).map(|p| whole(PATTERN.name, p)).transpose()?,
            table: table.name.clone(),
            lines: Lines::of(&format, &table.options)?,
            format,
            options: table.options.clone(),
            all: in_files(table),
            partitioning: Partitioning::new(table),
            handle: context.handle.clone(),
            monitor: Options::new(&table.options).duration(&MONITOR).filter(|d| !d.is_zero()),
            directory: is_local.then_some(local),
            is_away: Arc::default(),
            keep_records: table.keep_records,
            tests: table.tests.clone(),
            block: BLOCK,
        })
    }
}

/// Byte offset of a text file, of the text of a compressed one, or block of a file that has them (for both, [`DONE`] is after the last);
/// and the file's size, and when it was last changed, when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    next: u64,
    size: u64,
    modified_ms: i64,
}

/// Behind the last block, or the end of a compressed text.
const DONE: u64 = u64::MAX;

impl Position {
    fn text(self) -> String {
        format!("v1 {} {} {}", self.next, self.size, self.modified_ms)
    }
    fn of(self, path: &str) -> FileFacts<'_> {
        FileFacts {
            path,
            bytes: self.size,
            modified_ms: self.modified_ms,
        }
    }
    fn parse(text: &str) -> Result<Position> {
        let wrong = || Error::corrupt(format!("\"{text}\" is no position of a filesystem source"));
        let parts: Option<Vec<u64>> = text
            .strip_prefix("v1 ")
            .map(|p| p.split(' ').map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>())
            .unwrap_or_default();
        match parts.as_deref() {
            Some([next, size, modified @ ..]) if modified.len() <= 1 => Ok(Position {
                next: *next,
                size: *size,
                // Checkpoints of before say nothing of it.
                modified_ms: i64::try_from(modified.first().copied().unwrap_or(0)).map_err(|_| wrong())?,
            }),
            _ => Err(wrong()),
        }
    }
}

/// A file's path from the root of its disk or bucket.
pub(super) fn whole_path(location: &str, path: &str) -> String {
    let below = location
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("", |(_, below)| below);
    match below.trim_end_matches('/') {
        "" => format!("/{path}"),
        below => format!("/{below}/{path}"),
    }
}

impl Files {
    /// The files there are.
    async fn files(&self) -> Result<Vec<ObjectMeta>> {
        if let Some(name) = &self.only {
            return Ok(self.store.head(name).await?.into_iter().collect());
        }
        let hidden = |m: &ObjectMeta| m.path.split('/').any(|segment| segment.starts_with(['.', '_']));
        let found: Vec<ObjectMeta> = self.store.list("").await?.into_iter().filter(|m| !hidden(m)).collect();
        // One that has been removed, or is not mounted, looks as one without files.
        if found.is_empty() && self.directory.as_ref().is_some_and(|d| !d.exists()) {
            let e = Error::unavailable(format!("table \"{}\" reads '{}', which is not there any more", self.table, self.path)).code("E0514");
            return Err(e.hint("bring the directory back: the job goes on by itself"));
        }
        Ok(found)
    }
    /// Tells when the directory goes away, and when it is back.
    fn note(&self, found: Option<&Error>) {
        let is_away = found.is_some_and(Error::is_transient);
        let was_away = self.is_away.swap(is_away, Relaxed);
        match found {
            Some(e) if is_away && !was_away && self.monitor.is_some() => {
                warn!(table = %self.table, path = %self.path, error = %e, "new files cannot be looked for; it is tried again");
            }
            _ if was_away && !is_away => info!(table = %self.table, path = %self.path, "new files are looked for again"),
            _ => {}
        }
    }
}

impl Source for Files {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        Box::pin(async move {
            // The files of the first start are the input, if nobody monitors the directory: later ones would make the result depend on when
            // it was restarted.
            if !known.is_empty() && (self.monitor.is_none() || self.only.is_some()) {
                return Ok(known.to_vec());
            }
            let found = self.files().await;
            self.note(found.as_ref().err());
            let files = found?;
            // An empty directory is an empty table; on an object store nothing tells it from a wrong name.
            let none_is_wrong = self.only.is_some() || (self.store.kind() != StoreKind::Local && self.monitor.is_none());
            if files.is_empty() && none_is_wrong {
                return Err(
                    Error::config(format!("table \"{}\" reads '{}', where there are no files", self.table, self.path))
                        .code("E0514")
                        .hint("files whose name starts with . or _ do not count"),
                );
            }
            let location = self.store.location();
            let matches = |m: &ObjectMeta| self.pattern.as_ref().is_none_or(|p| p.is_match(&whole_path(&location, &m.path)));
            // A file is read once, whatever becomes of it afterwards.
            let mut splits = known.to_vec();
            let is_known: BTreeSet<&str> = known.iter().map(|k| k.id.as_str()).collect();
            splits.extend(files.into_iter().filter(|m| matches(m) && !is_known.contains(m.path.as_str())).map(|m| {
                Split {
                    id: m.path,
                    position: Position {
                        next: 0,
                        size: m.bytes,
                        modified_ms: m.modified_ms.max(0),
                    }
                    .text(),
                }
            }));
            Ok(splits)
        })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let open = |s: Split| {
            let position = Position::parse(&s.position)?;
            let left = match position.next {
                DONE => 0,
                // How much of a file its blocks are is known once it is open.
                next if !is_read_in_blocks(&self.format) && Codec::of(&s.id).is_none() => position.size.saturating_sub(next),
                _ => position.size,
            };
            Ok(Open { path: s.id, position, left })
        };
        let mut open = splits.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        open.reverse();
        Ok(Box::new(Reader {
            files: self.clone(),
            left: open.iter().map(|o| o.left).sum(),
            open,
            blocks: None,
            texts: BTreeMap::new(),
            paused: BTreeSet::new(),
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        let records = if is_read_in_blocks(&self.format) {
            None
        } else {
            Some(millstream_formats::decoder(
                &self.format,
                &self.all,
                &self.partitioning.data_schema(),
                &self.options,
            )?)
        };
        Ok(Box::new(FileDecoder {
            records,
            path_columns: PathColumns::new(self.partitioning.clone(), self.store.location()),
            keep_records: self.keep_records,
        }))
    }
    fn bounded(&self) -> bool {
        self.monitor.is_none()
    }
    fn discovery_interval(&self) -> Option<Duration> {
        self.monitor
    }
}

/// A file that is not read to its end.
#[derive(Clone)]
struct Open {
    path: String,
    position: Position,
    /// Bytes that are still to be read.
    left: u64,
}

struct Reader {
    files: Files,
    /// The file being read comes last.
    open: Vec<Open>,
    /// The bytes that are left of all of them.
    left: u64,
    blocks: Option<Blocks>,
    /// The compressed files that were begun, and how many of their bytes are taken.
    texts: BTreeMap<String, (Text, Arc<AtomicU64>)>,
    /// Files that are not wanted for now.
    paused: BTreeSet<String>,
}

enum Payload {
    Records {
        bytes: Bytes,
        records: Vec<Range<usize>>,
        start: u64,
        next: Position,
    },
    /// A record that is too long to be one.
    TooLong {
        start: u64,
        length: u64,
        next: Position,
    },
    Block {
        file: Blocks,
        block: usize,
        next: Position,
    },
}

impl Files {
    fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<Bytes> {
        let bytes = self.handle.block_on(self.store.get(path, range))?;
        bytes.ok_or_else(|| {
            Error::data(format!("the file {path} has gone while it was read"))
                .code("E0701")
                .detail(self.store.location())
        })
    }
}

impl Reader {
    fn whole(&self, path: &str) -> Result<Blocks> {
        let bytes = self.files.get(path, None)?;
        Blocks::open(&self.files.format, bytes, &self.files.partitioning.data_schema()).map_err(|e| e.detail(path.to_string()))
    }
    /// So many bytes of a file's text, fewer only at its end; and whether nothing follows them.
    fn piece(&mut self, path: &str, place: u64, length: u64, size: u64) -> Result<(Bytes, bool)> {
        let Some(codec) = Codec::of(path) else {
            let end = (place + length).min(size);
            let bytes = self.files.get(path, Some(place..end))?;
            if (bytes.len() as u64) < end - place {
                return Err(Error::data(format!("the file {path} is shorter than it was"))
                    .code("E0701")
                    .detail(self.files.store.location()));
            }
            return Ok((bytes, end == size));
        };
        let named = |e: Error| match e.detail.clone() {
            Some(detail) if e.kind == ErrorKind::Data => e.detail(format!("table \"{}\", file {path}, {detail}", self.files.table)),
            _ => e,
        };
        let (mut text, taken) = match self.texts.remove(path).filter(|(text, _)| !text.is_past(place)) {
            Some(begun) => begun,
            None => {
                let compressed = Compressed {
                    files: self.files.clone(),
                    path: path.to_string(),
                    rest: Bytes::new(),
                    at: Arc::default(),
                    size,
                };
                let taken = Arc::clone(&compressed.at);
                (Text::open(codec, compressed).map_err(named)?, taken)
            }
        };
        let piece = text.piece(place, usize::try_from(length).unwrap_or(usize::MAX)).map_err(named)?;
        self.texts.insert(path.to_string(), (text, taken));
        Ok(piece)
    }
    fn text(&mut self, path: &str, position: Position) -> Result<Payload> {
        // How long a compressed text is is known at its end only.
        let end_of = |at: u64, is_end: bool| if is_end && Codec::of(path).is_some() { DONE } else { at };
        let mut block = self.files.block;
        loop {
            let (bytes, is_end) = self.piece(path, position.next, block, position.size)?;
            let mark = match position.next == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
                true => BYTE_ORDER_MARK.len(),
                false => 0,
            };
            let (mut records, mut used) = split_records(self.files.lines, &bytes[mark..], is_end);
            if mark > 0 && used > 0 {
                used += mark;
                records.iter_mut().for_each(|r| *r = r.start + mark..r.end + mark);
            }
            if used > 0 || is_end {
                let next = Position {
                    next: end_of(position.next + used.max(if is_end { bytes.len() } else { 0 }) as u64, is_end),
                    ..position
                };
                return Ok(Payload::Records {
                    bytes,
                    records,
                    start: position.next,
                    next,
                });
            }
            if block >= RECORD_MAX {
                let (end, is_end) = self.end_of_record(path, position)?;
                let next = Position {
                    next: end_of(end, is_end),
                    ..position
                };
                let start = position.next;
                return Ok(Payload::TooLong {
                    start,
                    length: end - start,
                    next,
                });
            }
            block *= 4;
        }
    }
    /// Where a record ends that is too long to be held, and whether nothing follows it.
    fn end_of_record(&mut self, path: &str, position: Position) -> Result<(u64, bool)> {
        let mut at = position.next;
        let mut csv = self.files.lines.csv().map(csv::RecordEnd::new);
        loop {
            let (bytes, is_end) = self.piece(path, at, self.files.block, position.size)?;
            for (i, byte) in bytes.iter().enumerate() {
                let ends = match &mut csv {
                    Some(end) => end.is_at(*byte),
                    None => *byte == b'\n',
                };
                if ends {
                    return Ok((at + i as u64 + 1, is_end && i + 1 == bytes.len()));
                }
            }
            at += bytes.len() as u64;
            if is_end {
                return Ok((at, true));
            }
        }
    }
}

impl Reader {
    /// The file being read has ended.
    fn finish(&mut self, path: String) -> Fetch {
        self.texts.remove(&path);
        self.left -= self.open.pop().map_or(0, |open| open.left);
        Fetch::Finished(path)
    }
}

/// A compressed file's bytes, from its beginning.
struct Compressed {
    files: Files,
    path: String,
    rest: Bytes,
    /// Bytes taken so far.
    at: Arc<AtomicU64>,
    size: u64,
}

impl Read for Compressed {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let at = self.at.load(Relaxed);
        if self.rest.is_empty() && at < self.size {
            let end = (at + self.files.block).min(self.size);
            self.rest = self.files.get(&self.path, Some(at..end)).map_err(std::io::Error::other)?;
            self.at.store(end, Relaxed);
        }
        let taken = self.rest.split_to(out.len().min(self.rest.len()));
        out[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        let Some(wanted) = self.open.iter().rposition(|open| !self.paused.contains(&open.path)) else {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        };
        if wanted + 1 < self.open.len() {
            let file = self.open.remove(wanted);
            self.open.push(file);
            self.blocks = None;
        }
        let Some(Open { path, position, .. }) = self.open.last().cloned() else {
            return Ok(Fetch::Nothing);
        };
        let payload = if is_read_in_blocks(&self.files.format) {
            let file = match &self.blocks {
                _ if position.next == DONE => None,
                Some(file) => Some(file.clone()),
                None => Some(self.whole(&path)?),
            };
            let of_use = |file: &Blocks| {
                let left = usize::try_from(position.next).unwrap_or(usize::MAX)..file.count();
                left.into_iter().find(|block| !file.skips(*block, &self.files.tests))
            };
            let found = file.and_then(|file| Some((of_use(&file)?, file)));
            self.blocks = found.as_ref().map(|(_, file)| file.clone());
            let Some((block, file)) = found else {
                return Ok(self.finish(path));
            };
            let next = Position {
                next: if block + 1 == file.count() { DONE } else { block as u64 + 1 },
                ..position
            };
            Payload::Block { file, block, next }
        } else {
            let end = if Codec::of(&path).is_some() { DONE } else { position.size };
            if position.next >= end {
                return Ok(self.finish(path));
            }
            self.text(&path, position)?
        };
        let (bytes, next) = match &payload {
            Payload::Records { bytes, next, .. } => (bytes.len(), *next),
            Payload::TooLong { next, .. } | Payload::Block { next, .. } => (BLOCK as usize, *next),
        };
        let left = match &payload {
            _ if next.next == DONE => 0,
            Payload::Block { file, .. } => next.size - (u128::from(next.size) * u128::from(next.next) / (file.count() as u128).max(1)) as u64,
            _ => match self.texts.get(&path) {
                Some((_, taken)) => next.size.saturating_sub(taken.load(Relaxed)),
                None => next.size.saturating_sub(next.next),
            },
        };
        if let Some(open) = self.open.last_mut() {
            self.left = self.left - open.left + left;
            (open.position, open.left) = (next, left);
        }
        Ok(Fetch::Chunk(Chunk {
            split: path,
            bytes,
            payload: Box::new(payload),
        }))
    }
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        self.paused = splits.clone();
        Ok(())
    }
    fn is_connected(&self) -> bool {
        !self.files.is_away.load(Relaxed)
    }
    fn left(&self) -> Option<u64> {
        Some(self.left)
    }
}

struct FileDecoder {
    /// `None` for files that are read in blocks.
    records: Option<Box<dyn Decoder>>,
    path_columns: PathColumns,
    keep_records: bool,
}

impl SplitDecoder for FileDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let payload = chunk
            .payload
            .downcast::<Payload>()
            .map_err(|_| Error::bug("a file decoder got another chunk"))?;
        match (*payload, &mut self.records) {
            (Payload::Records { bytes, records, start, next }, Some(decoder)) => {
                let wrong = self.path_columns.wrong(&next.of(&chunk.split))?;
                let mut outcomes = Outcomes::new(Places::new(format!("file {}, byte", chunk.split)), self.keep_records);
                for range in &records {
                    let record = &bytes[range.clone()];
                    let outcome = wrong.clone().map_or_else(|| decoder.decode(record), Err);
                    outcomes.add(start + range.start as u64, Some(record), outcome);
                }
                let (bad, places, raw) = outcomes.finish();
                let kinds = decoder.kinds();
                Ok(Decoded {
                    tombstones: 0,
                    batch: Batch {
                        kinds: kinds.map(Into::into),
                        ..Batch::new(self.path_columns.add(&next.of(&chunk.split), decoder.finish()?)?)
                    },
                    split: Split {
                        id: chunk.split,
                        position: next.text(),
                    },
                    records: records.len() as u64,
                    bad,
                    places,
                    raw,
                })
            }
            (Payload::TooLong { start, length, next }, Some(decoder)) => Ok(Decoded {
                tombstones: 0,
                batch: Batch::new(self.path_columns.add(&next.of(&chunk.split), decoder.finish()?)?),
                records: 1,
                bad: vec![Rejected {
                    number: start,
                    record: None,
                    event_time: None,
                    why: BadRecord {
                        reason: "malformed",
                        message: format!("the record has {length} bytes, at most {RECORD_MAX} are taken"),
                    },
                }],
                places: Places::new(format!("file {}, byte", chunk.split)),
                raw: None,
                split: Split {
                    id: chunk.split,
                    position: next.text(),
                },
            }),
            (Payload::Block { file, block, next }, None) => {
                let mut batch = file.read(block).map_err(|e| e.detail(chunk.split.clone()))?;
                let records = batch.num_rows();
                let mut bad = Vec::new();
                if let Some(why) = self.path_columns.wrong(&next.of(&chunk.split))? {
                    batch = batch.slice(0, 0);
                    bad.extend((0..records as u64).map(|row| Rejected {
                        number: row,
                        record: None,
                        event_time: None,
                        why: why.clone(),
                    }));
                }
                let places = Places::consecutive(format!("file {}, {} {block}, row", chunk.split, file.noun()), 0, batch.num_rows())
                    .within(format!("{} {block}", file.noun()));
                Ok(Decoded {
                    tombstones: 0,
                    records: records as u64,
                    batch: Batch::new(self.path_columns.add(&next.of(&chunk.split), batch)?),
                    split: Split {
                        id: chunk.split,
                        position: next.text(),
                    },
                    bad,
                    places,
                    raw: None,
                })
            }
            _ => Err(Error::bug("a file decoder got a chunk of another format")),
        }
    }
}
