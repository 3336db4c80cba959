//! What a sink keeps in a store until its epoch is decided: bytes on their way there, and what undecided epochs left.

use crate::Host;
use futures::channel::oneshot;
use futures::future::{AbortHandle, abortable};
use millstream_dataflow::{Error, Result, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes on their way, beyond which input is held back.
const IN_FLIGHT_MAX: usize = 64 << 20;

/// A piece on its way. One whose writer or checkpoint is given up is given up, too; what of it reaches the store all the same lies staged
/// until the next recovery.
struct Upload<T> {
    result: oneshot::Receiver<Result<T>>,
    abort: AbortHandle,
}

impl<T> Drop for Upload<T> {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// The pieces of one epoch of one writer.
pub(crate) struct Uploads<T> {
    host: Arc<dyn Host>,
    pieces: Vec<Upload<T>>,
    in_flight: Arc<AtomicUsize>,
}

impl<T: Send + 'static> Uploads<T> {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Uploads {
            host,
            pieces: Vec::new(),
            in_flight: Arc::default(),
        }
    }
    /// Sends a piece of so many bytes on its way.
    pub(crate) fn start(&mut self, bytes: usize, sending: impl Future<Output = Result<T>> + Send + 'static) {
        let in_flight = Arc::clone(&self.in_flight);
        in_flight.fetch_add(bytes, Ordering::AcqRel);
        let counted = async move {
            let sent = sending.await;
            in_flight.fetch_sub(bytes, Ordering::AcqRel);
            sent
        };
        let ((sending, abort), (sender, result)) = (abortable(counted), oneshot::channel());
        self.host.spawn(Box::pin(async move {
            if let Ok(sent) = sending.await {
                // Nobody may be waiting any more.
                let _ = sender.send(sent);
            }
        }));
        self.pieces.push(Upload { result, abort });
    }
    /// False while too many bytes are on their way.
    pub(crate) fn is_ready(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) < IN_FLIGHT_MAX
    }
    /// All pieces started since the last call, in their order, once they have arrived.
    pub(crate) fn take(&mut self) -> impl Future<Output = Result<Vec<T>>> + Send + 'static {
        let pieces = std::mem::take(&mut self.pieces);
        async move {
            let mut arrived = Vec::with_capacity(pieces.len());
            for mut piece in pieces {
                arrived.push((&mut piece.result).await.map_err(|e| Error::unavailable("an upload ended early").source(e))??);
            }
            Ok(arrived)
        }
    }
}

/// Staged objects of undecided epochs, found at the start and removed once this process has decided its first.
#[derive(Default)]
pub(crate) struct Leftovers(Vec<String>);

impl Leftovers {
    /// Decided epochs are committed by now: what is still staged belongs to none, unless a decision comes late.
    pub(crate) async fn survey(&mut self, store: &dyn Store, prefix: &str) -> Result<()> {
        self.0 = store.list(prefix).await?.into_iter().map(|m| m.path).collect();
        Ok(())
    }
    pub(crate) async fn clear(&mut self, store: &dyn Store) -> Result<()> {
        while let Some(path) = self.0.last() {
            store.delete(path).await?;
            self.0.pop();
        }
        Ok(())
    }
}
