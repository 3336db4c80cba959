//! A bounded queue from one subtask to another.

use crate::constants::CHANNEL_BYTES;
use crate::wake::Wake;
use millstream_dataflow::{Barrier, Batch};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What travels between subtasks, strictly in order.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Batch(Batch),
    /// Event time has reached this, epoch ms; the sender is active.
    Watermark(i64),
    /// The sender has no data and does not hold event time back until its next watermark.
    Idle,
    Barrier(Barrier),
    /// No more rows. Barriers may still follow.
    End,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    rows: usize,
    bytes: usize,
}

/// One sender, one receiver. The bound is soft: a sender that found it not full may overshoot by one operator's output.
#[derive(Debug)]
pub(crate) struct Channel {
    // A std mutex: held for one push or pop.
    queue: Mutex<Queue>,
    full: AtomicBool,
    rows_max: usize,
    receiver: Arc<Wake>,
    sender: Arc<Wake>,
}

impl Channel {
    pub(crate) fn new(rows_max: usize, sender: Arc<Wake>, receiver: Arc<Wake>) -> Self {
        Channel {
            queue: Mutex::default(),
            full: AtomicBool::new(false),
            rows_max,
            receiver,
            sender,
        }
    }
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }
    pub(crate) fn push(&self, message: Message) {
        {
            let mut q = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let Message::Batch(b) = &message {
                q.rows += b.num_rows();
                q.bytes += b.bytes();
            }
            q.messages.push_back(message);
            self.full.store(q.rows >= self.rows_max || q.bytes >= CHANNEL_BYTES, Ordering::Release);
        }
        self.receiver.signal();
    }
    pub(crate) fn pop(&self) -> Option<Message> {
        let (message, freed) = {
            let mut q = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let message = q.messages.pop_front()?;
            if let Message::Batch(b) = &message {
                q.rows -= b.num_rows();
                q.bytes -= b.bytes();
            }
            let full = q.rows >= self.rows_max || q.bytes >= CHANNEL_BYTES;
            (message, self.full.swap(full, Ordering::AcqRel) && !full)
        };
        if freed {
            self.sender.signal();
        }
        Some(message)
    }
}
