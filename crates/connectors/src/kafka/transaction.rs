//! Records sent exactly once: staged beside the checkpoints until their epoch is decided, then sent in one Kafka transaction.
//!
//! librdkafka cannot go on with a transaction that another process has prepared, so nothing is sent before the decision. The transaction
//! also commits an offset of a consumer group of the sink's own, whose number is the epoch: who comes after a crash takes the transactional
//! id over, which ends what the former process had open, and reads from that offset whether the epoch is there. Zombies are fenced by the
//! same step.

use super::client::Client;
use super::staged::{Piece, Pieces};
use super::transactions::{Failed, TransactionOwner, Transactions};
use crate::staging::Leftovers;
use millstream_dataflow::{BoxFuture, EpochCommit, Error, Result, SinkCommitter, Store};
use std::sync::Arc;
use tracing::warn;

/// How often an epoch is tried before the job is restarted, which tries again after a pause.
const TRIES: u32 = 3;

pub(super) struct TransactionCommitter {
    client: Client,
    transactions: Arc<dyn Transactions>,
    store: Arc<dyn Store>,
    incarnation: String,
    /// Transactional id and group.
    id: String,
    owner: Option<Box<dyn TransactionOwner>>,
    left: Leftovers,
}

impl TransactionCommitter {
    pub(super) fn new(client: &Client, transactions: Arc<dyn Transactions>, store: Arc<dyn Store>, incarnation: &str, id: String) -> Self {
        TransactionCommitter {
            client: client.clone(),
            transactions,
            store,
            incarnation: incarnation.to_string(),
            id,
            owner: None,
            left: Leftovers::default(),
        }
    }
    async fn owner(&mut self) -> Result<Box<dyn TransactionOwner>> {
        match self.owner.take() {
            Some(owner) => Ok(owner),
            None => self.transactions.take_over(&self.id).await,
        }
    }
    /// One transaction. Its owner is kept only if he is as good as new.
    async fn transact(&mut self, epoch: u64, pieces: &[Piece]) -> Result<(), Failed> {
        let mut owner = self.owner().await.map_err(|error| Failed {
            again: error.is_transient(),
            error,
        })?;
        match owner.committed() {
            Some(committed) if committed >= epoch => {
                self.owner = Some(owner);
                return Ok(());
            }
            Some(_) => {}
            None if pieces.is_empty() => {}
            None => return Err(self.forgotten(epoch).into()),
        }
        owner.begin().await?;
        for piece in pieces {
            owner.send(piece.read(self.store.as_ref()).await?).await?;
        }
        owner.commit(epoch).await?;
        self.owner = Some(owner);
        Ok(())
    }
    async fn transact_with_retries(&mut self, epoch: u64, pieces: &[Piece]) -> Result<()> {
        let mut tried = 1;
        loop {
            match self.transact(epoch, pieces).await {
                Ok(()) => return Ok(()),
                Err(failed) if failed.again && tried < TRIES => {
                    warn!(job = %self.client.job, table = %self.client.table, epoch, error = %failed.error, "a transaction failed; trying again");
                    tried += 1;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }
    fn forgotten(&self, epoch: u64) -> Error {
        Error::data(format!(
            "the broker does not know any more how far table \"{}\" was written: whether epoch {epoch} is there cannot be told",
            self.client.table
        ))
        .code("E0607")
        .detail(format!("group '{}', {}", self.id, self.client.brokers))
        .hint("offsets of a group expire after 'offsets.retention.minutes', and with their topic. Look at the topic's last records; --fresh starts over")
    }
}

impl SinkCommitter for TransactionCommitter {
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut pieces = Vec::new();
            for committable in &commit.committables {
                pieces.extend(Pieces::decode(committable)?.pieces);
            }
            if pieces.is_empty() {
                return Ok(());
            }
            self.transact_with_retries(commit.epoch, &pieces).await?;
            for piece in &pieces {
                self.store.delete(&piece.path).await?;
            }
            Ok(())
        })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            // From here on that the broker knows no progress means that it has forgotten it.
            self.transact_with_retries(0, &[]).await?;
            self.left.survey(self.store.as_ref(), &self.incarnation).await
        })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.left.clear(self.store.as_ref()))
    }
}
