//! Brokers that take transactions: slow, failing, losing acknowledgements, and outliving processes.
//!
//! What [`Transactions`] promises is all they know: an owner of a transactional id fences the one before, and what is committed comes with
//! the progress or not at all. What librdkafka and real brokers make of that is shown elsewhere, with real ones.

use super::defects::Defect;
use super::store::{Fault, FaultPlan, SLOW};
use super::world::{ProcessId, World};
use bytes::Bytes;
use millstream_connectors::kafka::{Failed, StagedRecords, TransactionOwner, Transactions};
use millstream_dataflow::{BoxFuture, Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    /// By transactional id.
    ids: BTreeMap<String, Id>,
    /// What readers of committed records see: values, of all tables.
    committed: Vec<String>,
}

#[derive(Debug, Default)]
struct Id {
    /// The owner's number: higher ones fence lower ones.
    owner: u64,
    open: Vec<String>,
    progress: Option<u64>,
}

/// What is really there.
#[derive(Debug, Clone, Default)]
pub struct Broker(Arc<Mutex<State>>);

impl Broker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// The values that a reader of committed records sees.
    pub fn committed(&self) -> Vec<String> {
        self.state().committed.clone()
    }
}

/// Brokers as one process sees them.
#[derive(Clone)]
pub struct SimBroker {
    pub world: World,
    pub process: ProcessId,
    pub faults: FaultPlan,
    pub broker: Broker,
    pub defect: Option<Defect>,
}

impl SimBroker {
    async fn call<T>(&self, what: &str, effect: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        if self.world.is_dead(self.process) {
            return std::future::pending().await;
        }
        let fault = self.faults.next(&self.world, self.process, &format!("broker {what}"));
        // Up to 20 ms, half of it before the call takes effect.
        let latency = Duration::from_micros(self.world.below(10_000));
        self.world.sleep(latency).await;
        match fault {
            None => {}
            Some(Fault::Before | Fault::Flip | Fault::Stale | Fault::Conflict) => return Err(Error::unavailable(format!("planted: {what} was not done"))),
            Some(Fault::Slow) => self.world.sleep(SLOW).await,
            Some(Fault::CrashBefore) => {
                self.world.kill(self.process);
                return std::future::pending().await;
            }
            Some(Fault::After | Fault::CrashAfter) => {
                effect(&mut self.broker.state())?;
                if fault == Some(Fault::CrashAfter) {
                    self.world.kill(self.process);
                    return std::future::pending().await;
                }
                return Err(Error::unavailable(format!("planted: the answer to {what} was lost")));
            }
        }
        let result = effect(&mut self.broker.state());
        self.world.sleep(latency).await;
        result
    }
}

impl Transactions for SimBroker {
    fn take_over<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Box<dyn TransactionOwner>>> {
        Box::pin(async move {
            let take = |state: &mut State| {
                let entry = state.ids.entry(id.to_string()).or_default();
                entry.owner += 1;
                entry.open.clear();
                Ok((entry.owner, entry.progress))
            };
            let (number, progress) = self.call("take over", take).await?;
            let forgets = self.defect == Some(Defect::ForgetsProgress) && progress.is_some();
            Ok(Box::new(Owner {
                brokers: self.clone(),
                id: id.to_string(),
                number,
                committed: if forgets { Some(0) } else { progress },
            }) as Box<dyn TransactionOwner>)
        })
    }
}

struct Owner {
    brokers: SimBroker,
    id: String,
    number: u64,
    committed: Option<u64>,
}

impl Owner {
    async fn step(&self, what: &str, effect: impl FnOnce(&mut State)) -> Result<(), Failed> {
        let owned = |state: &mut State| {
            if state.ids.get(&self.id).is_none_or(|id| id.owner != self.number) {
                return Err(Error::unavailable("fenced: another one owns the transactional id"));
            }
            effect(state);
            Ok(())
        };
        let done = self.brokers.call(what, owned).await;
        done.map_err(|error| Failed { error, again: true })
    }
}

impl TransactionOwner for Owner {
    fn committed(&self) -> Option<u64> {
        self.committed
    }
    fn begin(&mut self) -> BoxFuture<'_, Result<(), Failed>> {
        Box::pin(self.step("begin", |_| {}))
    }
    fn send(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Failed>> {
        Box::pin(async move {
            let records = StagedRecords::new(&piece)?.collect::<Result<Vec<_>>>()?;
            let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
            let values: Vec<String> = records.into_iter().map(|r| text(r.value)).collect();
            let shows = self.brokers.defect == Some(Defect::ShowsOpenTransactions);
            let put = |state: &mut State| match state.ids.get_mut(&self.id).filter(|_| !shows) {
                Some(id) => id.open.extend(values),
                None => state.committed.extend(values),
            };
            self.step("send", put).await
        })
    }
    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<(), Failed>> {
        Box::pin(async move {
            let commit = |state: &mut State| {
                if let Some(id) = state.ids.get_mut(&self.id) {
                    id.progress = Some(epoch);
                    let sent = std::mem::take(&mut id.open);
                    state.committed.extend(sent);
                }
            };
            self.step("commit", commit).await?;
            self.committed = Some(epoch);
            Ok(())
        })
    }
}
