//! A look at the rows that pass a node while its job runs.

use millstream_dataflow::Batch;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Batches that wait for whoever looks.
const WAITING: usize = 8;

/// Where the rows that leave a node, or go into a sink, can be looked at. The job does not wait for whoever looks: what comes faster than he
/// takes it is left out, and counted.
#[derive(Debug, Default)]
pub struct Tap {
    /// Whether anybody looks: all that a batch costs when nobody does.
    open: AtomicBool,
    // A std mutex: held to hand a batch over.
    lookers: Mutex<Vec<Looker>>,
}

#[derive(Debug)]
struct Looker {
    batches: Sender<Batch>,
    missed: Arc<AtomicU64>,
}

impl Tap {
    /// What passes from now on, over all subtasks; dropping it closes the tap.
    pub fn open(&self) -> Tapped {
        let (sender, batches) = channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let looker = Looker {
            batches: sender,
            missed: Arc::clone(&missed),
        };
        let mut lookers = self.lookers.lock().unwrap_or_else(PoisonError::into_inner);
        lookers.push(looker);
        self.open.store(true, Relaxed);
        Tapped { batches, missed }
    }

    /// Hands a batch to whoever looks.
    pub(crate) fn pass(&self, batch: &Batch) {
        if !self.open.load(Relaxed) {
            return;
        }
        let mut lookers = self.lookers.lock().unwrap_or_else(PoisonError::into_inner);
        lookers.retain(|looker| match looker.batches.try_send(batch.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(batch)) => {
                looker.missed.fetch_add(batch.num_rows() as u64, Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        self.open.store(!lookers.is_empty(), Relaxed);
    }
}

/// What passes a node.
#[derive(Debug)]
pub struct Tapped {
    batches: Receiver<Batch>,
    missed: Arc<AtomicU64>,
}

impl Tapped {
    /// The next batch; waits for it, also when the job has ended.
    pub async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }
    /// A batch that is there.
    pub fn ready(&mut self) -> Option<Batch> {
        self.batches.try_recv().ok()
    }
    /// Rows that were left out because they came too fast.
    pub fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Tap, WAITING};
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use millstream_dataflow::Batch;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;

    fn batch(values: &[i64]) -> Batch {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        Batch::new(RecordBatch::try_from_iter([("n", column)]).unwrap())
    }

    #[test]
    fn nobody_is_waited_for_and_what_is_left_out_is_counted() {
        let tap = Tap::default();
        tap.pass(&batch(&[0]));
        let (mut quick, slow) = (tap.open(), tap.open());
        for n in 1..=WAITING as i64 + 2 {
            tap.pass(&batch(&[n, n]));
            assert_eq!(quick.ready().unwrap().num_rows(), 2);
        }
        assert_eq!((quick.missed(), slow.missed()), (0, 4));
        assert!(quick.ready().is_none());
        drop(quick);
        tap.pass(&batch(&[0]));
        assert_eq!(slow.missed(), 5);
        drop(slow);
        tap.pass(&batch(&[0]));
        assert!(!tap.open.load(Relaxed), "nobody looks any more");
    }
}
