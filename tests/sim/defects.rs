//! Defects planted into a job's graph: a proof that cannot fail is worth nothing.

use millstream_dataflow::{
    Batch, BoxFuture, Committable, Epoch, EpochCommit, Graph, MakeOperator, NodeKind, Operator, Output, Result, Sink, SinkCommitter, SinkWriter, Snapshot,
    SnapshotPart, Source, Split, SplitDecoder, SplitReader, Stamp, Step, SubtaskContext, UndecidedEpoch, Watermark, Written,
};
use std::sync::Arc;

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Sinks show an epoch before its manifest is there.
    CommitsBeforeTheManifest,
    /// A restored sink does not know which partitions are not complete.
    ForgetsPartitions,
    /// A restored source begins its first partition anew.
    ForgetsAnOffset,
    /// A restored operator leaves out a part of its state.
    DropsStateAtRestore,
    /// Rows are late by what the subtask has seen, not by what their partition had.
    JudgesLatenessBySubtask,
    /// A source goes on behind records that are gone unread.
    SkipsWhatIsGone,
    /// Brokers do not tell a new owner of a transactional id how far the one before came.
    ForgetsProgress,
    /// Brokers show what is sent before it is committed.
    ShowsOpenTransactions,
}

impl Defect {
    pub const ALL: [Defect; 8] = [
        Defect::CommitsBeforeTheManifest,
        Defect::ForgetsPartitions,
        Defect::ForgetsAnOffset,
        Defect::DropsStateAtRestore,
        Defect::JudgesLatenessBySubtask,
        Defect::SkipsWhatIsGone,
        Defect::ForgetsProgress,
        Defect::ShowsOpenTransactions,
    ];
    /// Plants it into every node that can have it.
    pub fn plant(self, graph: &mut Graph) {
        for node in &mut graph.nodes {
            match &mut node.kind {
                NodeKind::Sink(sink) if self == Defect::CommitsBeforeTheManifest => *sink = Arc::new(HastySink(Arc::clone(sink))),
                NodeKind::Sink(sink) if self == Defect::ForgetsPartitions => *sink = Arc::new(ForgetfulSink(Arc::clone(sink))),
                NodeKind::Source(source) if self == Defect::ForgetsAnOffset => source.source = Arc::new(ForgetfulSource(Arc::clone(&source.source))),
                NodeKind::Operator(make) if matches!(self, Defect::DropsStateAtRestore | Defect::JudgesLatenessBySubtask) => {
                    *make = worse(Arc::clone(make), self);
                }
                _ => {}
            }
        }
    }
}

struct HastySink(Arc<dyn Sink>);

impl Sink for HastySink {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(HastyWriter {
            inner: self.0.writer(subtask, incarnation)?,
            sink: Arc::clone(&self.0),
            incarnation: incarnation.to_string(),
        }))
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        self.0.committer(incarnation)
    }
    fn parallelism(&self) -> Option<u32> {
        self.0.parallelism()
    }
}

struct HastyWriter {
    inner: Box<dyn SinkWriter>,
    sink: Arc<dyn Sink>,
    incarnation: String,
}

impl SinkWriter for HastyWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.inner.write(batch)
    }
    fn is_ready(&self) -> bool {
        self.inner.is_ready()
    }
    fn pre_commit(&mut self, epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let (pre_commit, committer) = (self.inner.pre_commit(epoch)?, self.sink.committer(&self.incarnation)?);
        Ok(Box::pin(async move {
            let committables = pre_commit.await?;
            if let Some(mut committer) = committer {
                let commit = EpochCommit {
                    epoch,
                    committables: committables.clone(),
                };
                committer.commit(commit).await?;
            }
            Ok(committables)
        }))
    }
    fn written(&self) -> Option<Written> {
        self.inner.written()
    }
}

struct ForgetfulSink(Arc<dyn Sink>);

impl Sink for ForgetfulSink {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        self.0.writer(subtask, incarnation)
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        let committer = self.0.committer(incarnation)?;
        Ok(committer.map(|c| Box::new(ForgetfulCommitter(c)) as Box<dyn SinkCommitter>))
    }
    fn parallelism(&self) -> Option<u32> {
        self.0.parallelism()
    }
}

struct ForgetfulCommitter(Box<dyn SinkCommitter>);

impl SinkCommitter for ForgetfulCommitter {
    fn prepare(&mut self, undecided: UndecidedEpoch) -> BoxFuture<'_, Result<Vec<Committable>>> {
        self.0.prepare(undecided)
    }
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        self.0.commit(commit)
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        self.0.survey()
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        self.0.clear()
    }
}

struct ForgetfulSource(Arc<dyn Source>);

impl Source for ForgetfulSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        self.0.discover(known.get(1..).unwrap_or_default())
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        self.0.reader(splits)
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        self.0.decoder()
    }
    fn bounded(&self) -> bool {
        self.0.bounded()
    }
}

fn worse(make: MakeOperator, defect: Defect) -> MakeOperator {
    Arc::new(move |subtask| {
        Ok(Box::new(WorseOperator {
            inner: make(subtask)?,
            defect,
            watermark: Watermark::NONE,
        }))
    })
}

struct WorseOperator {
    inner: Box<dyn Operator>,
    defect: Defect,
    watermark: i64,
}

impl Operator for WorseOperator {
    fn on_batch(&mut self, input: usize, mut batch: Batch, out: &mut Output) -> Result<Step> {
        if self.defect == Defect::JudgesLatenessBySubtask && batch.stamp.is_some() {
            batch.stamp = Some(Stamp::Constant(self.watermark));
        }
        self.inner.on_batch(input, batch, out)
    }
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Step> {
        self.watermark = watermark.time;
        self.inner.on_watermark(watermark, out)
    }
    fn before_barrier(&mut self, out: &mut Output) -> Result<Step> {
        self.inner.before_barrier(out)
    }
    fn on_end(&mut self, out: &mut Output) -> Result<Step> {
        self.inner.on_end(out)
    }
    fn resume(&mut self, out: &mut Output) -> Result<Step> {
        self.inner.resume(out)
    }
    fn output_watermark(&self, time: i64) -> i64 {
        self.inner.output_watermark(time)
    }
    fn snapshot(&mut self) -> Snapshot {
        self.inner.snapshot()
    }
    fn restore(&mut self, parts: &[SnapshotPart]) -> Result<()> {
        let left_out = usize::from(self.defect == Defect::DropsStateAtRestore);
        // The first parts say what was fired: the last one holds rows.
        self.inner.restore(&parts[..parts.len().saturating_sub(left_out)])
    }
    fn state_bytes(&self) -> usize {
        self.inner.state_bytes()
    }
}
