//! The suite of sinks without commits, whose rows are seen when they are written: none is lost, and only a crash makes some come again.

use super::{Found, INCARNATION, OTHER, SinkCase};
use crate::testing::block_on::block_on;
use crate::testing::report::{Multiset, fail, multiset, same_rows, text};
use crate::testing::rows::texts;
use crate::{Epoch, KeyGroupRange, Sink, SinkWriter, SubtaskContext};
use std::sync::Arc;

pub(super) fn at_once_suite(case: &SinkCase<'_>) {
    let mut suite = AtOnce {
        case,
        next: 0,
        epoch: 0,
        written: Multiset::new(),
    };
    type Check<'a> = fn(&mut AtOnce<'a>) -> Found<()>;
    let checks: [(&str, Check<'_>); 6] = [
        ("two writers", AtOnce::two_writers),
        ("an epoch without rows", AtOnce::empty_epoch),
        ("rows behind the barrier", AtOnce::rows_behind_the_barrier),
        ("a crash before the barrier", AtOnce::crash),
        ("a writer of a former process", AtOnce::former_writer),
        ("another job", AtOnce::other_job),
    ];
    for (what, check) in checks {
        if let Err(message) = check(&mut suite) {
            fail(&format!("sink suite, {what}: {message}"));
        }
    }
}

struct AtOnce<'a> {
    case: &'a SinkCase<'a>,
    /// Number of the next batch.
    next: usize,
    epoch: Epoch,
    /// All rows that writers were given, as often as they were.
    written: Multiset,
}

impl AtOnce<'_> {
    fn open(&self) -> Found<Arc<dyn Sink>> {
        let sink = (self.case.open)().map_err(text)?;
        match sink.committer(INCARNATION).map_err(text)? {
            None => Ok(sink),
            Some(_) => Err("the sink has a committer now, and had none before".to_string()),
        }
    }
    fn writer(&self, subtask: u32, parallelism: u32, incarnation: &str) -> Found<Box<dyn SinkWriter>> {
        let context = SubtaskContext {
            subtask,
            parallelism,
            key_groups: KeyGroupRange::of(subtask, parallelism, 128),
            max_parallelism: 128,
        };
        self.open()?.writer(&context, incarnation).map_err(text)
    }
    fn write(&mut self, writer: &mut dyn SinkWriter) -> Found<()> {
        let batch = (self.case.rows)(self.next);
        self.next += 1;
        for (row, n) in multiset(texts(&batch)) {
            *self.written.entry(row).or_default() += n;
        }
        writer.write(batch).map_err(text)
    }
    fn pre_commit(&mut self, writers: &mut [Box<dyn SinkWriter>]) -> Found<()> {
        self.epoch += 1;
        for writer in writers {
            let committables = block_on(writer.pre_commit(self.epoch).map_err(text)?).map_err(text)?;
            if !committables.is_empty() {
                return Err("an epoch has committables, which nobody commits".to_string());
            }
        }
        self.seen("an epoch was pre-committed")
    }
    /// A reader sees all that was written.
    fn seen(&self, after: &str) -> Found<()> {
        let Some(visible) = self.case.visible else { return Ok(()) };
        same_rows(&self.written, &multiset(visible())).map_err(|m| format!("after {after}, visible {m}"))
    }

    fn two_writers(&mut self) -> Found<()> {
        let mut writers = [self.writer(0, 2, INCARNATION)?, self.writer(1, 2, INCARNATION)?];
        for _ in 0..3 {
            for _ in 0..2 {
                for writer in &mut writers {
                    self.write(writer.as_mut())?;
                }
            }
            self.pre_commit(&mut writers)?;
        }
        Ok(())
    }

    fn empty_epoch(&mut self) -> Found<()> {
        let mut writers = [self.writer(0, 1, INCARNATION)?];
        self.pre_commit(&mut writers)?;
        self.write(writers[0].as_mut())?;
        self.pre_commit(&mut writers)
    }

    fn rows_behind_the_barrier(&mut self) -> Found<()> {
        let mut writers = [self.writer(0, 1, INCARNATION)?];
        self.write(writers[0].as_mut())?;
        self.epoch += 1;
        let pending = writers[0].pre_commit(self.epoch).map_err(text)?;
        self.write(writers[0].as_mut())?;
        block_on(pending).map_err(text)?;
        self.pre_commit(&mut writers)
    }

    /// What was not pre-committed is written again by the next process: the first time it may have come, or not.
    fn crash(&mut self) -> Found<()> {
        let (before, again) = (self.written.clone(), self.next);
        let mut writer = self.writer(0, 1, INCARNATION)?;
        self.write(writer.as_mut())?;
        drop(writer);
        if let Some(visible) = self.case.visible
            && multiset(visible()) == before
        {
            self.written = before;
        }
        self.next = again;
        let mut writers = [self.writer(0, 1, INCARNATION)?];
        self.write(writers[0].as_mut())?;
        self.pre_commit(&mut writers)
    }

    fn former_writer(&mut self) -> Found<()> {
        let mut paused = [self.writer(0, 1, INCARNATION)?];
        self.write(paused[0].as_mut())?;
        let mut writers = [self.writer(0, 1, INCARNATION)?];
        self.write(writers[0].as_mut())?;
        self.write(paused[0].as_mut())?;
        self.epoch += 1;
        block_on(writers[0].pre_commit(self.epoch).map_err(text)?).map_err(text)?;
        self.pre_commit(&mut paused)
    }

    fn other_job(&mut self) -> Found<()> {
        let mut writers = [self.writer(0, 1, INCARNATION)?, self.writer(0, 1, OTHER)?];
        for writer in &mut writers {
            self.write(writer.as_mut())?;
        }
        self.pre_commit(&mut writers)
    }
}

#[cfg(test)]
mod tests;
