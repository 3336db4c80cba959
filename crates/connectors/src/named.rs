//! Sources and sinks whose errors name their table. Every method of the contracts is here, those with a default, too.

use millstream_dataflow::{
    Batch, BoxFuture, Chunk, Committable, Decoded, Epoch, EpochCommit, Error, Fetch, Result, Sink, SinkCommitter, SinkWriter, Source, Split, SplitDecoder,
    SplitReader, SubtaskContext, UndecidedEpoch, Written,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

struct Named<T> {
    inner: T,
    table: Arc<str>,
}

impl<T> Named<T> {
    fn told(&self) -> impl Fn(Error) -> Error + Send + 'static {
        let table = Arc::clone(&self.table);
        move |e| e.of_table(&table)
    }
    fn part<P>(&self, inner: P) -> Box<Named<P>> {
        let table = Arc::clone(&self.table);
        Box::new(Named { inner, table })
    }
}

pub(crate) fn source(table: &str, inner: Result<Arc<dyn Source>>) -> Result<Arc<dyn Source>> {
    let inner = inner.map_err(|e| e.of_table(table))?;
    Ok(Arc::new(Named { inner, table: table.into() }))
}

pub(crate) fn sink(table: &str, inner: Result<Arc<dyn Sink>>) -> Result<Arc<dyn Sink>> {
    let inner = inner.map_err(|e| e.of_table(table))?;
    Ok(Arc::new(Named { inner, table: table.into() }))
}

impl Source for Named<Arc<dyn Source>> {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        Box::pin(async { self.inner.discover(known).await.map_err(self.told()) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        Ok(self.part(self.inner.reader(splits).map_err(self.told())?))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(self.part(self.inner.decoder().map_err(self.told())?))
    }
    fn bounded(&self) -> bool {
        self.inner.bounded()
    }
    fn discovery_interval(&self) -> Option<Duration> {
        self.inner.discovery_interval()
    }
    fn committed<'a>(&'a self, positions: &'a [Split]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { self.inner.committed(positions).await.map_err(self.told()) })
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

impl SplitReader for Named<Box<dyn SplitReader>> {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        self.inner.fetch(wait).map_err(self.told())
    }
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        self.inner.pause(splits).map_err(self.told())
    }
    fn is_connected(&self) -> bool {
        self.inner.is_connected()
    }
    fn lag(&self) -> Vec<(String, u64)> {
        self.inner.lag()
    }
    fn left(&self) -> Option<u64> {
        self.inner.left()
    }
}

impl SplitDecoder for Named<Box<dyn SplitDecoder>> {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        self.inner.decode(chunk).map_err(self.told())
    }
}

impl Sink for Named<Arc<dyn Sink>> {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(self.part(self.inner.writer(subtask, incarnation).map_err(self.told())?))
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        let committer = self.inner.committer(incarnation).map_err(self.told())?;
        Ok(committer.map(|c| self.part(c) as Box<dyn SinkCommitter>))
    }
    fn parallelism(&self) -> Option<u32> {
        self.inner.parallelism()
    }
}

impl SinkWriter for Named<Box<dyn SinkWriter>> {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.inner.write(batch).map_err(self.told())
    }
    fn is_ready(&self) -> bool {
        self.inner.is_ready()
    }
    fn pre_commit(&mut self, epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let told = self.told();
        let done = self.inner.pre_commit(epoch).map_err(self.told())?;
        Ok(Box::pin(async move { done.await.map_err(told) }))
    }
    fn written(&self) -> Option<Written> {
        self.inner.written()
    }
}

impl SinkCommitter for Named<Box<dyn SinkCommitter>> {
    fn restore(&mut self, last: &EpochCommit) -> Result<()> {
        self.inner.restore(last).map_err(self.told())
    }
    fn prepare(&mut self, undecided: UndecidedEpoch) -> BoxFuture<'_, Result<Vec<Committable>>> {
        let told = self.told();
        Box::pin(async move { self.inner.prepare(undecided).await.map_err(told) })
    }
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        let told = self.told();
        Box::pin(async move { self.inner.commit(commit).await.map_err(told) })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        let told = self.told();
        Box::pin(async move { self.inner.survey().await.map_err(told) })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        let told = self.told();
        Box::pin(async move { self.inner.clear().await.map_err(told) })
    }
}
