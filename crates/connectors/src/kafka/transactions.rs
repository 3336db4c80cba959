//! What sending exactly once asks of brokers.

use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, Result};

/// Brokers with transactions: those of a table, or simulated ones.
pub trait Transactions: Send + Sync {
    /// Takes a transactional id over: what its owner before had open ends without effect, and he can commit nothing any more.
    ///
    /// # Errors
    /// `Unavailable` if no broker answers, `Config` if they refuse.
    fn take_over<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Box<dyn TransactionOwner>>>;
}

/// The owner of a transactional id. After an error it is good for nothing any more, and what it had open has no effect.
pub trait TransactionOwner: Send {
    /// The last epoch whose transaction was committed; none if the brokers know of none.
    fn committed(&self) -> Option<u64>;
    fn begin(&mut self) -> BoxFuture<'_, Result<(), Failed>>;
    /// Sends the records of a piece ([`super::StagedRecords`]).
    fn send(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Failed>>;
    /// Commits what was sent, and the epoch as the progress, together.
    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<(), Failed>>;
}

/// Why a transaction was not committed, and whether a new owner may try again.
#[derive(Debug)]
pub struct Failed {
    pub error: Error,
    pub again: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error, again: false }
    }
}
