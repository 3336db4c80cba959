//! A partitioned log in Kafka's place, and the source that reads it.

use super::store::{Fault, FaultPlan};
use super::world::{ProcessId, World};
use arrow_array::ArrayRef;
use arrow_array::builder::BinaryViewBuilder;
use bytes::Bytes;
use millstream_dataflow::{
    Batch, BoxFuture, Chunk, Decoded, Decoder, Error, Fetch, Places, Rejected, Result, Schema, Source, Split, SplitDecoder, SplitReader, TableSpec,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A record and when it arrives.
#[derive(Debug, Clone)]
pub struct Record {
    pub arrives: Duration,
    pub value: Bytes,
}

/// A partition: its records in order, and when it is made.
#[derive(Debug, Clone)]
pub struct Partition {
    pub appears: Duration,
    pub records: Vec<Record>,
}

/// A topic.
#[derive(Debug)]
pub struct Log {
    pub partitions: Vec<Partition>,
    /// From and to when no broker answers.
    pub outages: Vec<(Duration, Duration)>,
    /// Records below these offsets have been removed by retention.
    starts: Vec<AtomicU64>,
    /// Partitions that somebody has begun to read.
    found: Mutex<Vec<usize>>,
}

impl Log {
    pub fn new(partitions: Vec<Partition>, outages: Vec<(Duration, Duration)>) -> Self {
        Log {
            starts: partitions.iter().map(|_| AtomicU64::new(0)).collect(),
            partitions,
            outages,
            found: Mutex::default(),
        }
    }
    /// Retention: some records that have arrived are gone, read or not.
    pub fn lose(&self, world: &World) {
        let partition = world.below(self.partitions.len() as u64) as usize;
        let arrived = self.partitions[partition].records.iter().take_while(|r| r.arrives <= world.now()).count() as u64;
        let start = self.starts[partition].fetch_max(world.below(arrived + 1), Ordering::Relaxed);
        world.note(|| format!("records of events/{partition} are gone, which began at {start}"));
    }
    /// Whether any record is gone.
    pub fn has_lost(&self) -> bool {
        self.starts.iter().any(|s| s.load(Ordering::Relaxed) > 0)
    }
    /// Partitions that some process has begun to read.
    pub fn found(&self) -> Vec<usize> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn is_out(&self, now: Duration) -> bool {
        self.outages.iter().any(|(from, to)| *from <= now && now < *to)
    }
}

/// The log as one process reads it.
pub struct LogSource {
    pub world: World,
    pub process: ProcessId,
    pub faults: FaultPlan,
    pub log: Arc<Log>,
    pub table: TableSpec,
    /// How often new partitions are looked for.
    pub discovery: Option<Duration>,
    /// Records handed over at once, at most.
    pub chunk_max: u64,
    /// Goes on behind what is gone: a planted defect.
    pub resets: bool,
}

fn position(text: &str) -> Result<u64> {
    let number = text.strip_prefix("v1 ").and_then(|n| n.parse().ok());
    number.ok_or_else(|| Error::corrupt(format!("\"{text}\" is no position of the simulated log")))
}

fn partition(id: &str) -> Result<usize> {
    let number = id.strip_prefix("events/").and_then(|n| n.parse().ok());
    number.ok_or_else(|| Error::bug(format!("\"{id}\" is no split of the simulated log")))
}

impl Source for LogSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        Box::pin(async move {
            let fault = self.faults.next(&self.world, self.process, "discover");
            self.world.sleep(Duration::from_micros(self.world.below(5_000))).await;
            if matches!(fault, Some(Fault::CrashBefore | Fault::CrashAfter)) {
                self.world.kill(self.process);
                return std::future::pending().await;
            }
            if fault.is_some() || self.log.is_out(self.world.now()) {
                return Err(Error::unavailable("planted: no broker answers"));
            }
            let known: BTreeMap<&str, &str> = known.iter().map(|s| (s.id.as_str(), s.position.as_str())).collect();
            let mut splits = Vec::new();
            for (i, p) in self.log.partitions.iter().enumerate() {
                let id = format!("events/{i}");
                let position = known.get(id.as_str()).map(|p| p.to_string());
                if position.is_none() && p.appears > self.world.now() {
                    continue;
                }
                splits.push(Split {
                    id,
                    position: position.unwrap_or_else(|| "v1 0".to_string()),
                });
            }
            Ok(splits)
        })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let mut found = self.log.found.lock().unwrap_or_else(PoisonError::into_inner);
        for split in &splits {
            let partition = partition(&split.id)?;
            if !found.contains(&partition) {
                found.push(partition);
            }
        }
        drop(found);
        let open = splits
            .into_iter()
            .map(|s| {
                Ok(Open {
                    partition: partition(&s.id)?,
                    next: position(&s.position)?,
                    id: s.id,
                    told: false,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Box::new(LogReader {
            world: self.world.clone(),
            process: self.process,
            faults: self.faults.clone(),
            log: Arc::clone(&self.log),
            chunk_max: self.chunk_max,
            resets: self.resets,
            open,
            paused: BTreeSet::new(),
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        let all = Schema::new(self.table.all_physical.clone());
        Ok(Box::new(LogDecoder {
            json: millstream_formats::decoder("json", &all, &self.table.physical(), &self.table.options)?,
            keep_records: self.table.keep_records,
        }))
    }
    fn bounded(&self) -> bool {
        true
    }
    fn discovery_interval(&self) -> Option<Duration> {
        self.discovery
    }
}

struct Open {
    id: String,
    partition: usize,
    next: u64,
    /// The end of what is there has been told.
    told: bool,
}

struct LogReader {
    world: World,
    process: ProcessId,
    faults: FaultPlan,
    log: Arc<Log>,
    chunk_max: u64,
    resets: bool,
    open: Vec<Open>,
    paused: BTreeSet<String>,
}

struct Values {
    from: u64,
    values: Vec<Bytes>,
}

impl SplitReader for LogReader {
    fn fetch(&mut self, _wait: Duration) -> Result<Fetch> {
        let now = self.world.now();
        if self.open.is_empty() || self.log.is_out(now) || self.world.is_dead(self.process) {
            return Ok(Fetch::Nothing);
        }
        let wanted: Vec<usize> = (0..self.open.len()).filter(|i| !self.paused.contains(&self.open[*i].id)).collect();
        if wanted.is_empty() {
            return Ok(Fetch::Nothing);
        }
        let at = wanted[self.world.below(wanted.len() as u64) as usize];
        let open = &mut self.open[at];
        let records = &self.log.partitions[open.partition].records;
        if open.next >= records.len() as u64 {
            let id = self.open.swap_remove(at).id;
            return Ok(Fetch::Finished(id));
        }
        let start = self.log.starts[open.partition].load(Ordering::Relaxed);
        if open.next < start && self.resets {
            open.next = start;
        }
        if open.next < start {
            return Err(Error::data(format!("{}: offset {} is gone, the log begins at {start}", open.id, open.next)).code("E0701"));
        }
        let arrived = records[open.next as usize..].iter().take_while(|r| r.arrives <= now).count() as u64;
        if arrived == 0 {
            let told = std::mem::replace(&mut open.told, true);
            return Ok(if told { Fetch::Nothing } else { Fetch::EndOfData(vec![open.id.clone()]) });
        }
        match self.faults.next(&self.world, self.process, &format!("fetch {}", open.id)) {
            None | Some(Fault::Stale | Fault::Conflict) => {}
            Some(Fault::Slow) => return Ok(Fetch::Nothing),
            Some(Fault::CrashBefore | Fault::CrashAfter) => {
                self.world.kill(self.process);
                return Ok(Fetch::Nothing);
            }
            Some(Fault::Before | Fault::After | Fault::Flip) => return Err(Error::unavailable("planted: the broker closed the connection")),
        }
        let count = 1 + self.world.below(arrived.min(self.chunk_max));
        let from = open.next;
        open.next += count;
        open.told = false;
        let values: Vec<Bytes> = records[from as usize..open.next as usize].iter().map(|r| r.value.clone()).collect();
        Ok(Fetch::Chunk(Chunk {
            split: open.id.clone(),
            bytes: values.iter().map(Bytes::len).sum(),
            payload: Box::new(Values { from, values }),
        }))
    }
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        self.paused = splits.clone();
        self.open.iter_mut().for_each(|open| open.told = false);
        Ok(())
    }
}

struct LogDecoder {
    json: Box<dyn Decoder>,
    keep_records: bool,
}

impl SplitDecoder for LogDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let values = *chunk
            .payload
            .downcast::<Values>()
            .map_err(|_| Error::bug("the log's decoder got another chunk"))?;
        let mut places = Places::new(format!("{}, offset", chunk.split));
        let mut bad = Vec::new();
        let mut raw = self.keep_records.then(BinaryViewBuilder::new);
        for (offset, value) in (values.from..).zip(&values.values) {
            match self.json.decode(value) {
                Ok(rows) => {
                    places.push(offset, rows);
                    if let Some(raw) = &mut raw {
                        (0..rows).for_each(|_| raw.append_value(value));
                    }
                }
                Err(why) => bad.push(Rejected {
                    number: offset,
                    record: self.keep_records.then(|| value.to_vec()),
                    event_time: None,
                    why,
                }),
            }
        }
        Ok(Decoded {
            tombstones: 0,
            batch: Batch::new(self.json.finish()?),
            split: Split {
                id: chunk.split,
                position: format!("v1 {}", values.from + values.values.len() as u64),
            },
            records: values.values.len() as u64,
            bad,
            places,
            raw: raw.map(|mut raw| Arc::new(raw.finish()) as ArrayRef),
        })
    }
}
