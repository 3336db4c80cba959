//! The source: the files there are at the start, each a split; and those that come, where the directory is monitored.

use super::blocks::{Blocks, is_read_in_blocks};
use super::partition::{FileFacts, Partitioning, PathColumns};
use super::{MONITOR, PATH, format, in_files};
use crate::ConnectorContext;
use crate::outcomes::Outcomes;
use bytes::Bytes;
use millstream_dataflow::option::Options;
use millstream_dataflow::{
    BadRecord, Batch, BoxFuture, Chunk, Decoded, Decoder, Error, Fetch, ObjectMeta, Places, Rejected, Result, RowTest, Schema, Source, Split, SplitDecoder,
    SplitReader, Store, StoreKind, TableSpec,
};
use millstream_formats::split_records;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

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
    table: String,
    format: String,
    options: BTreeMap<String, String>,
    /// The columns that formats without names count.
    all: Schema,
    partitioning: Partitioning,
    quote: Option<u8>,
    handle: tokio::runtime::Handle,
    /// How often new files are looked for; `None`: only at the start.
    monitor: Option<Duration>,
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
            table: table.name.clone(),
            quote: if format == "csv" {
                millstream_formats::csv::quote_character(&table.options)?
            } else {
                None
            },
            format,
            options: table.options.clone(),
            all: in_files(table),
            partitioning: Partitioning::new(table),
            handle: context.handle.clone(),
            monitor: Options::new(&table.options).duration(&MONITOR).filter(|d| !d.is_zero()),
            keep_records: table.keep_records,
            tests: table.tests.clone(),
            block: BLOCK,
        })
    }
}

/// Byte offset of a text file, or block of a file that has them ([`DONE`] after the last); and the file's size, and when it was last
/// changed, when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    next: u64,
    size: u64,
    modified_ms: i64,
}

/// The block behind the last one.
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

impl Source for Files {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        Box::pin(async move {
            // The files of the first start are the input, if nobody monitors the directory: later ones would make the result depend on when
            // it was restarted.
            if !known.is_empty() && (self.monitor.is_none() || self.only.is_some()) {
                return Ok(known.to_vec());
            }
            let hidden = |m: &ObjectMeta| m.path.split('/').any(|segment| segment.starts_with(['.', '_']));
            let files: Vec<ObjectMeta> = match &self.only {
                Some(name) => self.store.head(name).await?.into_iter().collect(),
                None => self.store.list("").await?.into_iter().filter(|m| !hidden(m)).collect(),
            };
            // An empty directory is an empty table; on an object store nothing tells it from a wrong name.
            let none_is_wrong = self.only.is_some() || (self.store.kind() != StoreKind::Local && self.monitor.is_none());
            if files.is_empty() && none_is_wrong {
                return Err(
                    Error::config(format!("table \"{}\" reads '{}', where there are no files", self.table, self.path))
                        .code("E0514")
                        .hint("files whose name starts with . or _ do not count"),
                );
            }
            // A file is read once, whatever becomes of it afterwards.
            let mut splits = known.to_vec();
            let is_known: BTreeSet<&str> = known.iter().map(|k| k.id.as_str()).collect();
            splits.extend(files.into_iter().filter(|m| !is_known.contains(m.path.as_str())).map(|m| {
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
        let mut open = splits
            .into_iter()
            .map(|s| Ok((s.id, Position::parse(&s.position)?)))
            .collect::<Result<Vec<_>>>()?;
        open.reverse();
        Ok(Box::new(Reader {
            files: self.clone(),
            open,
            blocks: None,
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

struct Reader {
    files: Files,
    /// The file being read comes last.
    open: Vec<(String, Position)>,
    blocks: Option<Blocks>,
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
        next: Position,
    },
    Block {
        file: Blocks,
        block: usize,
        next: Position,
    },
}

impl Reader {
    fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<Bytes> {
        let bytes = self.files.handle.block_on(self.files.store.get(path, range))?;
        bytes.ok_or_else(|| {
            Error::data(format!("the file {path} has gone while it was read"))
                .code("E0701")
                .detail(self.files.store.location())
        })
    }
    fn whole(&self, path: &str) -> Result<Blocks> {
        let bytes = self.get(path, None)?;
        Blocks::open(&self.files.format, bytes, &self.files.partitioning.data_schema()).map_err(|e| e.detail(path.to_string()))
    }
    fn text(&self, path: &str, position: Position) -> Result<Payload> {
        let mut block = self.files.block;
        loop {
            let end = (position.next + block).min(position.size);
            let bytes = self.get(path, Some(position.next..end))?;
            if (bytes.len() as u64) < end - position.next {
                return Err(Error::data(format!("the file {path} is shorter than it was"))
                    .code("E0701")
                    .detail(self.files.store.location()));
            }
            let (mut records, used) = split_records(&self.files.format, self.files.quote, &bytes, end == position.size);
            if position.next == 0
                && bytes.starts_with(BYTE_ORDER_MARK)
                && let Some(first) = records.first_mut().filter(|r| r.start == 0)
            {
                first.start += BYTE_ORDER_MARK.len();
            }
            if used > 0 || end == position.size {
                let next = Position {
                    next: position.next + used.max(if end == position.size { bytes.len() } else { 0 }) as u64,
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
                let next = Position {
                    next: self.end_of_record(path, position)?,
                    ..position
                };
                return Ok(Payload::TooLong { start: position.next, next });
            }
            block *= 4;
        }
    }
    /// Where a record ends that is too long to be held.
    fn end_of_record(&self, path: &str, position: Position) -> Result<u64> {
        let (mut at, mut quoted) = (position.next, false);
        while at < position.size {
            let end = (at + self.files.block).min(position.size);
            let bytes = self.get(path, Some(at..end))?;
            for (i, byte) in bytes.iter().enumerate() {
                quoted ^= Some(*byte) == self.files.quote;
                if *byte == b'\n' && !quoted {
                    return Ok(at + i as u64 + 1);
                }
            }
            at = end;
        }
        Ok(position.size)
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        let Some(wanted) = self.open.iter().rposition(|(path, _)| !self.paused.contains(path)) else {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        };
        if wanted + 1 < self.open.len() {
            let file = self.open.remove(wanted);
            self.open.push(file);
            self.blocks = None;
        }
        let Some((path, position)) = self.open.last().cloned() else {
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
                self.open.pop();
                return Ok(Fetch::Finished(path));
            };
            let next = Position {
                next: if block + 1 == file.count() { DONE } else { block as u64 + 1 },
                ..position
            };
            Payload::Block { file, block, next }
        } else {
            if position.next >= position.size {
                self.open.pop();
                return Ok(Fetch::Finished(path));
            }
            self.text(&path, position)?
        };
        let (bytes, next) = match &payload {
            Payload::Records { bytes, next, .. } => (bytes.len(), *next),
            Payload::TooLong { next, .. } | Payload::Block { next, .. } => (BLOCK as usize, *next),
        };
        if let Some(open) = self.open.last_mut() {
            open.1 = next;
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
                let mut outcomes = Outcomes::new(Places::new(format!("file {}, byte", chunk.split)), self.keep_records);
                for range in &records {
                    let record = &bytes[range.clone()];
                    outcomes.add(start + range.start as u64, record, decoder.decode(record));
                }
                let (bad, places, raw) = outcomes.finish();
                let kinds = decoder.kinds();
                Ok(Decoded {
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
            (Payload::TooLong { start, next }, Some(decoder)) => Ok(Decoded {
                batch: Batch::new(self.path_columns.add(&next.of(&chunk.split), decoder.finish()?)?),
                records: 1,
                bad: vec![Rejected {
                    number: start,
                    record: None,
                    event_time: None,
                    why: BadRecord {
                        reason: "malformed",
                        message: format!("the record has {} bytes, at most {RECORD_MAX} are taken", next.next - start),
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
                let batch = file.read(block).map_err(|e| e.detail(chunk.split.clone()))?;
                let places = Places::consecutive(format!("file {}, {} {block}, row", chunk.split, file.noun()), 0, batch.num_rows())
                    .within(format!("{} {block}", file.noun()));
                Ok(Decoded {
                    records: batch.num_rows() as u64,
                    batch: Batch::new(self.path_columns.add(&next.of(&chunk.split), batch)?),
                    split: Split {
                        id: chunk.split,
                        position: next.text(),
                    },
                    bad: Vec::new(),
                    places,
                    raw: None,
                })
            }
            _ => Err(Error::bug("a file decoder got a chunk of another format")),
        }
    }
}
