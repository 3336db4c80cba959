//! librdkafka's batch consumption, which rdkafka does not wrap: many messages per call, no event and no lock per message.
//!
//! Partitions are started on one queue of our own by the simple consumer calls, so no group rebalance ever touches them.
#![allow(
    unsafe_code,
    reason = "the batch call takes a third of the CPU time per message of rdkafka's poll (docs/benchmarks.md)"
)]

use super::client::TableConsumer;
use millstream_dataflow::{Error, Result};
use rdkafka::bindings as ffi;
use rdkafka::consumer::Consumer;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::Duration;

/// A message that librdkafka allocated; freed when dropped. Its payload shares the fetch response's buffer.
///
/// The client must outlive its messages. Who takes them away from the [`Queue`]'s owner keeps the client beside them, once per chunk: a
/// count of references per message would be written by two threads in turn.
pub(super) struct Message {
    ptr: *mut ffi::rd_kafka_message_t,
}

// SAFETY: a message is not changed after it was handed out, librdkafka counts its references with atomics, and it may be destroyed from
// any thread.
unsafe impl Send for Message {}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "message {}/{}", self.partition(), self.offset())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a consume call and is destroyed once.
        unsafe { ffi::rd_kafka_message_destroy(self.ptr) }
    }
}

impl Message {
    fn raw(&self) -> &ffi::rd_kafka_message_t {
        // SAFETY: the pointer came from a consume call and lives until `drop`.
        unsafe { &*self.ptr }
    }
    pub(super) fn partition(&self) -> i32 {
        self.raw().partition
    }
    pub(super) fn offset(&self) -> i64 {
        self.raw().offset
    }
    pub(super) fn topic(&self) -> &str {
        let rkt = self.raw().rkt;
        if rkt.is_null() {
            return "";
        }
        // SAFETY: a topic handle that a message names is alive, and its name is a NUL-terminated string.
        unsafe { CStr::from_ptr(ffi::rd_kafka_topic_name(rkt)) }.to_str().unwrap_or("")
    }
    /// Whether another message is of the same topic and partition.
    pub(super) fn is_beside(&self, other: &Message) -> bool {
        self.raw().rkt == other.raw().rkt && self.partition() == other.partition()
    }
    /// `None` for data.
    pub(super) fn error(&self) -> Option<ffi::rd_kafka_resp_err_t> {
        Some(self.raw().err).filter(|e| *e != ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR)
    }
    pub(super) fn error_text(&self) -> String {
        // SAFETY: the message is alive; the text is NUL-terminated or null.
        let text = unsafe { ffi::rd_kafka_message_errstr(self.ptr) };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: checked above.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
    /// `None` for a tombstone.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        let m = self.raw();
        if m.payload.is_null() {
            return None;
        }
        // SAFETY: payload and len describe memory that lives as long as the message.
        Some(unsafe { std::slice::from_raw_parts(m.payload.cast::<u8>(), m.len) })
    }
    /// `None` without one.
    pub(super) fn key(&self) -> Option<&[u8]> {
        let m = self.raw();
        if m.key.is_null() {
            return None;
        }
        // SAFETY: key and key_len describe memory that lives as long as the message.
        Some(unsafe { std::slice::from_raw_parts(m.key.cast::<u8>(), m.key_len) })
    }
    /// Names and values of the headers, in order. They are parsed at the first look.
    pub(super) fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let mut found = Vec::new();
        let mut list = std::ptr::null_mut();
        let none = ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        // SAFETY: the message is alive and `list` may be written to; the list belongs to the message.
        if unsafe { ffi::rd_kafka_message_headers(self.ptr, &mut list) } != none {
            return found;
        }
        loop {
            let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
            // SAFETY: the list is alive as long as the message, and the results may be written to.
            if unsafe { ffi::rd_kafka_header_get_all(list, found.len(), &mut name, &mut value, &mut size) } != none {
                return found;
            }
            // SAFETY: a header's name is a NUL-terminated string, its value null or so many bytes; both live as long as the message.
            let (name, value) = unsafe {
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
                (CStr::from_ptr(name).to_str().unwrap_or("\u{fffd}"), value)
            };
            found.push((name, value));
        }
    }
    /// Epoch ms (-1 if there is none), and its kind.
    pub(super) fn timestamp(&self) -> (i64, ffi::rd_kafka_timestamp_type_t) {
        let mut kind = ffi::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive and `kind` may be written to.
        let ms = unsafe { ffi::rd_kafka_message_timestamp(self.ptr, &mut kind) };
        (ms, kind)
    }
    pub(super) fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the message is alive.
        Some(unsafe { ffi::rd_kafka_message_leader_epoch(self.ptr) }).filter(|e| *e >= 0)
    }
}

/// Partitions read through one queue.
pub(super) struct Queue {
    queue: *mut ffi::rd_kafka_queue_t,
    /// Topic handles with the partitions started on them.
    started: Vec<(*mut ffi::rd_kafka_topic_t, i32)>,
    topics: Vec<(String, *mut ffi::rd_kafka_topic_t)>,
    consumer: Arc<TableConsumer>,
    buffer: Vec<*mut ffi::rd_kafka_message_t>,
}

// SAFETY: librdkafka's handles may be used from any thread; the struct is used by one at a time.
unsafe impl Send for Queue {}

impl Queue {
    pub(super) fn new(consumer: Arc<TableConsumer>, messages_max: usize) -> Queue {
        // SAFETY: the client is alive, and outlives the queue through `consumer`.
        let queue = unsafe { ffi::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Queue {
            queue,
            started: Vec::new(),
            topics: Vec::new(),
            consumer,
            buffer: vec![std::ptr::null_mut(); messages_max],
        }
    }

    /// Starts reading a partition at an offset.
    pub(super) fn start(&mut self, topic: &str, partition: i32, offset: i64) -> Result<()> {
        let handle = match self.topics.iter().find(|(t, _)| t == topic) {
            Some((_, handle)) => *handle,
            None => {
                let name = CString::new(topic).map_err(|_| Error::config("a topic's name holds a NUL"))?;
                // SAFETY: the client is alive; a null configuration means the client's own.
                let handle = unsafe { ffi::rd_kafka_topic_new(self.consumer.client().native_ptr(), name.as_ptr(), std::ptr::null_mut()) };
                if handle.is_null() {
                    return Err(Error::config(format!("the topic '{topic}' cannot be opened")).code("E0517"));
                }
                self.topics.push((topic.to_string(), handle));
                handle
            }
        };
        // SAFETY: topic handle and queue are alive; each partition is started once.
        if unsafe { ffi::rd_kafka_consume_start_queue(handle, partition, offset, self.queue) } != 0 {
            return Err(Error::unavailable(format!("partition {partition} of topic '{topic}' cannot be read")).code("E0516"));
        }
        self.started.push((handle, partition));
        Ok(())
    }

    /// The end of a started partition, as the last fetch told it; asks nobody.
    pub(super) fn known_end(&self, topic: &str, partition: i32) -> Option<i64> {
        let name = CString::new(topic).ok()?;
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the client is alive, the name ends with a NUL, the offsets may be written to.
        let code = unsafe { ffi::rd_kafka_get_watermark_offsets(self.consumer.client().native_ptr(), name.as_ptr(), partition, &mut low, &mut high) };
        (code == ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }

    /// What there is, at most as much as the buffer holds; waits for the first message.
    pub(super) fn consume(&mut self, wait: Duration) -> Vec<Message> {
        // SAFETY: the buffer has room for as many pointers as the call is told.
        let n = unsafe { ffi::rd_kafka_consume_batch_queue(self.queue, wait.as_millis() as i32, self.buffer.as_mut_ptr(), self.buffer.len()) };
        let n = usize::try_from(n).unwrap_or(0);
        self.buffer[..n].iter().map(|ptr| Message { ptr: *ptr }).collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: every handle was made by this struct and is given back once, partitions first.
        unsafe {
            for (topic, partition) in &self.started {
                ffi::rd_kafka_consume_stop(*topic, *partition);
            }
            for (_, topic) in &self.topics {
                ffi::rd_kafka_topic_destroy(*topic);
            }
            ffi::rd_kafka_queue_destroy(self.queue);
        }
    }
}
