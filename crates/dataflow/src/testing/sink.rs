//! What every sink must keep: rows are seen when their epoch is committed, once, whatever crashes in between.

mod at_once;

use super::block_on::block_on;
use super::report::{Found, Multiset, fail, multiset, same_rows, text};
use super::rows::texts;
use crate::{
    Batch, Committable, Epoch, EpochCommit, ErrorKind, KeyGroupRange, Result, Sink, SinkCommitter, SinkWriter, SubtaskContext, UndecidedEpoch, Watermark,
};
use at_once::at_once_suite;
use std::sync::Arc;

/// A sink under test, over a table that is empty.
pub struct SinkCase<'a> {
    /// Opens the sink anew, as another process does. Nothing of the process before goes on: where I/O outlives a writer, it is waited for here.
    pub open: &'a dyn Fn() -> Result<Arc<dyn Sink>>,
    /// The batch with this number, of the sink's columns. No row is in two batches.
    pub rows: &'a dyn Fn(usize) -> Batch,
    /// What a plain reader of the table sees now, as [`texts`] writes it; `None` where nobody can look.
    pub visible: Option<&'a dyn Fn() -> Vec<String>>,
    /// Names of what was written and is not visible (staged files, open uploads); always empty where nobody can tell.
    pub leftovers: &'a dyn Fn() -> Vec<String>,
    /// Whether an epoch is committed as a whole or not at all: then no crash leaves half of it.
    pub atomic: bool,
}

/// Ends the test with the first finding.
///
/// - nothing is visible before `commit`, everything after it; rows written after `pre_commit` are of the next epoch
/// - `commit` may be called again, by the same committer and by another process, also after half of it was done
/// - a crash before the decision leaves nothing behind after `survey` and `clear`, and the epoch can be written again
/// - a crash after the decision: the next process commits from the committables alone
/// - two writers, a writer or committer of a former process that still goes on, and another job of the same table do not harm each other
/// - a committable that is damaged or of another version (its first number is the version) is refused as `Corrupt`
///
/// A sink without a committer is held to less: rows are seen when they are written, at the latest at the end of `pre_commit`, each as often as it
/// was written; two writers, a former writer and another job of the same table lose none of each other's.
///
/// Sinks whose futures need an executor: enter it first.
pub fn sink_suite(case: &SinkCase<'_>) {
    if let Ok(sink) = (case.open)()
        && let Ok(None) = sink.committer(INCARNATION)
    {
        return at_once_suite(case);
    }
    let mut suite = Suite {
        case,
        next: 0,
        expected: Multiset::new(),
        last: EpochCommit {
            epoch: 0,
            committables: Vec::new(),
        },
    };
    type Check<'a> = fn(&mut Suite<'a>) -> Found<()>;
    let checks: [(&str, Check<'_>); 11] = [
        ("two writers, committed twice", Suite::two_writers),
        ("an epoch without rows", Suite::empty_epoch),
        ("rows behind the barrier", Suite::rows_behind_the_barrier),
        ("a crash before the barrier", Suite::crash_before_the_barrier),
        ("a crash between pre-commit and decision", Suite::crash_before_the_decision),
        ("a crash between decision and commit", Suite::crash_before_the_commit),
        ("a crash in the middle of a commit", Suite::crash_in_the_commit),
        ("a writer of a former process", Suite::former_writer),
        ("a former process that clears up", Suite::former_clear),
        ("a decision that comes late", Suite::late_decision),
        ("another job", Suite::other_job),
    ];
    for (what, check) in checks {
        if let Err(message) = check(&mut suite) {
            fail(&format!("sink suite, {what}: {message}"));
        }
    }
    if let Err(message) = suite.damaged_committables() {
        fail(&format!("sink suite, damaged committables: {message}"));
    }
}

const INCARNATION: &str = "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const OTHER: &str = "22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

struct Suite<'a> {
    case: &'a SinkCase<'a>,
    /// Number of the next batch.
    next: usize,
    expected: Multiset,
    /// The last decided epoch.
    last: EpochCommit,
}

impl Suite<'_> {
    fn open(&self) -> Found<Arc<dyn Sink>> {
        (self.case.open)().map_err(text)
    }
    fn writer(&self, sink: &dyn Sink, subtask: u32, parallelism: u32) -> Found<Box<dyn SinkWriter>> {
        let context = SubtaskContext {
            subtask,
            parallelism,
            key_groups: KeyGroupRange::of(subtask, parallelism, 128),
            max_parallelism: 128,
        };
        sink.writer(&context, INCARNATION).map_err(text)
    }
    fn committer(&self, sink: &dyn Sink, incarnation: &str) -> Found<Box<dyn SinkCommitter>> {
        let committer = sink.committer(incarnation).map_err(text)?;
        committer.ok_or_else(|| "the sink has no committer: its rows are visible at once".to_string())
    }
    /// Writes the next batch.
    fn write(&mut self, writer: &mut dyn SinkWriter) -> Found<Vec<String>> {
        let batch = (self.case.rows)(self.next);
        self.next += 1;
        let rows = texts(&batch);
        if rows.is_empty() {
            return Err("the case gives batches without rows".to_string());
        }
        writer.write(batch).map_err(text)?;
        self.seen("rows were written")?;
        Ok(rows)
    }
    fn pre_commit(&self, writer: &mut dyn SinkWriter, epoch: Epoch) -> Found<Vec<Committable>> {
        let committables = block_on(writer.pre_commit(epoch).map_err(text)?).map_err(text)?;
        self.seen("an epoch was pre-committed")?;
        Ok(committables)
    }
    /// What a committer of a new process makes of an epoch that it did not see begin.
    fn prepare(&mut self, committables: Vec<Committable>) -> Found<Vec<Committable>> {
        let mut committer = self.committer(self.open()?.as_ref(), INCARNATION)?;
        committer.restore(&self.last).map_err(text)?;
        let undecided = UndecidedEpoch {
            epoch: self.last.epoch + 1,
            watermark: Watermark::NONE,
            committables,
        };
        let prepared = block_on(committer.prepare(undecided)).map_err(text)?;
        self.seen("an epoch was prepared")?;
        Ok(prepared)
    }
    fn decide(&mut self, committables: Vec<Committable>) -> Found<EpochCommit> {
        self.last = EpochCommit {
            epoch: self.last.epoch + 1,
            committables: self.prepare(committables)?,
        };
        Ok(self.last.clone())
    }
    fn commit(&mut self, committer: &mut dyn SinkCommitter, commit: &EpochCommit, rows: &[String]) -> Found<()> {
        block_on(committer.commit(commit.clone())).map_err(text)?;
        for (row, n) in multiset(rows) {
            *self.expected.entry(row).or_default() += n;
        }
        self.seen("the epoch was committed")
    }
    fn commit_again(&self, committer: &mut dyn SinkCommitter, commit: &EpochCommit) -> Found<()> {
        block_on(committer.commit(commit.clone())).map_err(text)?;
        self.seen("the epoch was committed again")
    }
    fn recover(&self, committer: &mut dyn SinkCommitter) -> Found<()> {
        block_on(committer.survey()).map_err(text)?;
        block_on(committer.clear()).map_err(text)?;
        self.seen("what was undecided was removed")?;
        let left = (self.case.leftovers)();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("after recover this is left: {left:?}"))
        }
    }
    /// A reader sees exactly what was committed.
    fn seen(&self, after: &str) -> Found<()> {
        let visible = self.case.visible.ok_or("the case does not say what is visible")?;
        same_rows(&self.expected, &multiset(visible())).map_err(|m| format!("after {after}, visible {m}"))
    }

    fn two_writers(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        self.recover(committer.as_mut())?;
        let mut writers = [self.writer(sink.as_ref(), 0, 2)?, self.writer(sink.as_ref(), 1, 2)?];
        for _ in 0..3 {
            let mut rows = Vec::new();
            for _ in 0..2 {
                for w in &mut writers {
                    rows.extend(self.write(w.as_mut())?);
                }
            }
            let mut committables = Vec::new();
            for w in &mut writers {
                committables.extend(self.pre_commit(w.as_mut(), self.last.epoch + 1)?);
            }
            let commit = self.decide(committables)?;
            self.commit(committer.as_mut(), &commit, &rows)?;
            self.commit_again(committer.as_mut(), &commit)?;
            let mut other = self.committer(self.open()?.as_ref(), INCARNATION)?;
            self.commit_again(other.as_mut(), &commit)?;
        }
        drop(writers);
        let mut other = self.committer(self.open()?.as_ref(), INCARNATION)?;
        self.recover(other.as_mut())
    }

    fn empty_epoch(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &[])?;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &rows)
    }

    fn rows_behind_the_barrier(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let first = self.write(writer.as_mut())?;
        let pending = writer.pre_commit(self.last.epoch + 1).map_err(text)?;
        let second = self.write(writer.as_mut())?;
        let committables = block_on(pending).map_err(text)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &first)?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &second)
    }

    fn crash_before_the_barrier(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        self.write(writer.as_mut())?;
        drop((writer, sink));
        let mut committer = self.committer(self.open()?.as_ref(), INCARNATION)?;
        self.recover(committer.as_mut())
    }

    fn crash_before_the_decision(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let again = self.next;
        self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        self.prepare(committables)?;
        drop((writer, sink));
        let sink = self.open()?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        self.recover(committer.as_mut())?;
        // The rows are replayed into the epoch of the same number.
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        self.next = again;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &rows)
    }

    fn crash_before_the_commit(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        // An epoch that was begun after it and never decided.
        self.write(writer.as_mut())?;
        self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        drop((writer, sink));
        let mut committer = self.committer(self.open()?.as_ref(), INCARNATION)?;
        self.commit(committer.as_mut(), &commit, &rows)?;
        self.recover(committer.as_mut())?;
        self.commit_again(committer.as_mut(), &commit)
    }

    fn crash_in_the_commit(&mut self) -> Found<()> {
        if self.case.atomic {
            return Ok(());
        }
        let sink = self.open()?;
        let (mut rows, mut committables) = (Vec::new(), Vec::new());
        for subtask in 0..2 {
            let mut writer = self.writer(sink.as_ref(), subtask, 2)?;
            rows.push(self.write(writer.as_mut())?);
            committables.push(self.pre_commit(writer.as_mut(), self.last.epoch + 1)?);
        }
        let commit = self.decide(committables.concat())?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        let mut unseen = rows.concat();
        // Where what the writers handed over was merged, there is no half of it to be told.
        if commit.committables.starts_with(&committables[0]) {
            let half = EpochCommit {
                epoch: commit.epoch,
                committables: committables[0].clone(),
            };
            self.commit(committer.as_mut(), &half, &rows[0])?;
            unseen = rows.remove(1);
        }
        drop((committer, sink));
        let mut committer = self.committer(self.open()?.as_ref(), INCARNATION)?;
        self.commit(committer.as_mut(), &commit, &unseen)?;
        self.recover(committer.as_mut())
    }

    fn former_writer(&mut self) -> Found<()> {
        let former = self.open()?;
        let mut paused = self.writer(former.as_ref(), 0, 1)?;
        let again = self.next;
        self.write(paused.as_mut())?;
        let sink = self.open()?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        self.next = again;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        // The former process wakes up between the pre-commit of its successor and the decision, with other rows in its epoch.
        self.write(paused.as_mut())?;
        self.pre_commit(paused.as_mut(), self.last.epoch + 1)?;
        let commit = self.decide(committables)?;
        self.commit(committer.as_mut(), &commit, &rows)?;
        drop(paused);
        self.recover(committer.as_mut())
    }

    fn former_clear(&mut self) -> Found<()> {
        let mut former = self.committer(self.open()?.as_ref(), INCARNATION)?;
        block_on(former.survey()).map_err(text)?;
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        block_on(former.clear()).map_err(text)?;
        let commit = self.decide(committables)?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        self.commit(committer.as_mut(), &commit, &rows)
    }

    /// An epoch that counted as undecided is decided late: until the next one is, it can be committed.
    fn late_decision(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        drop((writer, sink));
        let mut next = self.committer(self.open()?.as_ref(), INCARNATION)?;
        block_on(next.survey()).map_err(text)?;
        let commit = self.decide(committables)?;
        let mut committer = self.committer(self.open()?.as_ref(), INCARNATION)?;
        self.commit(committer.as_mut(), &commit, &rows)
    }

    fn other_job(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        let rows = self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let mut other = self.committer(self.open()?.as_ref(), OTHER)?;
        block_on(other.survey()).map_err(text)?;
        block_on(other.clear()).map_err(text)?;
        let commit = self.decide(committables)?;
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        self.commit(committer.as_mut(), &commit, &rows)?;
        self.recover(committer.as_mut())
    }

    fn damaged_committables(&mut self) -> Found<()> {
        let sink = self.open()?;
        let mut writer = self.writer(sink.as_ref(), 0, 1)?;
        self.write(writer.as_mut())?;
        let committables = self.pre_commit(writer.as_mut(), self.last.epoch + 1)?;
        let good = committables.first().ok_or("an epoch with rows has no committable")?.0.clone();
        let digit = good.iter().position(u8::is_ascii_digit).ok_or("a committable has no number, so no version")?;
        let mut newer = good.clone();
        newer[digit] = b'9';
        let mut committer = self.committer(sink.as_ref(), INCARNATION)?;
        for (what, bytes) in [("empty", Vec::new()), ("cut", good[..good.len() / 2].to_vec()), ("of another version", newer)] {
            let commit = EpochCommit {
                epoch: self.last.epoch + 1,
                committables: vec![Committable(bytes)],
            };
            match block_on(committer.commit(commit)) {
                Err(e) if e.kind == ErrorKind::Corrupt => self.seen("a damaged committable was refused")?,
                Err(e) => return Err(format!("one that is {what} is a {:?} error instead of Corrupt: {e}", e.kind)),
                Ok(()) => return Err(format!("one that is {what} was taken")),
            }
        }
        drop(writer);
        self.recover(committer.as_mut())
    }
}

#[cfg(test)]
mod tests;
