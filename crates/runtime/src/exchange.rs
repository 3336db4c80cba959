//! Deals the rows of a batch to the subtasks of the next task.

use crate::channel::{Channel, Message};
use arrow_array::UInt32Array;
use millstream_dataflow::{Batch, Exchange, Result, key_group};
use std::sync::Arc;

/// The sending side of an exchange: one channel per receiving subtask.
pub(crate) struct Sender {
    pub(crate) exchange: Exchange,
    pub(crate) channels: Vec<Arc<Channel>>,
    max_parallelism: u32,
    groups: Vec<u32>,
    /// The receiver whose turn it is.
    next: usize,
}

impl Sender {
    pub(crate) fn new(exchange: Exchange, channels: Vec<Arc<Channel>>, max_parallelism: u32) -> Self {
        Sender {
            exchange,
            channels,
            max_parallelism,
            groups: Vec::new(),
            next: 0,
        }
    }
    pub(crate) fn is_full(&self) -> bool {
        self.channels.iter().any(|c| c.is_full())
    }
    pub(crate) fn broadcast(&self, message: &Message) {
        for channel in &self.channels {
            channel.push(message.clone());
        }
    }
    pub(crate) fn send(&mut self, batch: Batch) -> Result<()> {
        if self.exchange == Exchange::Rebalance {
            self.channels[self.next].push(Message::Batch(batch));
            self.next = (self.next + 1) % self.channels.len();
            return Ok(());
        }
        let Exchange::Hash(keys) = &self.exchange else {
            self.channels[0].push(Message::Batch(batch));
            return Ok(());
        };
        let receivers = self.channels.len();
        if receivers == 1 {
            self.channels[0].push(Message::Batch(batch));
            return Ok(());
        }
        let keys: Vec<_> = keys.iter().map(|k| Arc::clone(batch.column(*k))).collect();
        key_group::assign(&keys, batch.num_rows(), self.max_parallelism, &mut self.groups)?;
        let mut rows: Vec<Vec<u32>> = vec![Vec::with_capacity(batch.num_rows() / receivers + 16); receivers];
        for (row, group) in self.groups.iter().enumerate() {
            rows[key_group::subtask_of(*group, receivers as u32, self.max_parallelism) as usize].push(row as u32);
        }
        for (channel, rows) in self.channels.iter().zip(rows) {
            if rows.len() == batch.num_rows() {
                channel.push(Message::Batch(batch));
                return Ok(());
            }
            if !rows.is_empty() {
                channel.push(Message::Batch(batch.take(&UInt32Array::from(rows))?));
            }
        }
        Ok(())
    }
}
