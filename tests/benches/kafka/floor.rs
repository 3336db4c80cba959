//! What the stages cost without an engine around them: librdkafka's batch call, the decoder on what it brings, the encoder on the result.
#![allow(unsafe_code, reason = "rdkafka does not wrap the batch call")]

use anyhow::{Result, ensure};
use cpu_time::ProcessTime;
use millstream_dataflow::{Batch, Decoder, Schema};
use rdkafka::bindings as ffi;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::collections::BTreeMap;
use std::ffi::CString;

const MESSAGES: usize = 4096;

/// CPU seconds for reading all records of a topic, and for decoding them too if there is a decoder.
pub(super) fn consume(address: &str, topic: &str, partitions: i32, events: u64, mut decoder: Option<Box<dyn Decoder>>) -> Result<f64> {
    let start = ProcessTime::now();
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "floor")
        .set("fetch.message.max.bytes", "262144")
        .set("fetch.queue.backoff.ms", "20")
        .set("check.crcs", "true")
        .create()?;
    let name = CString::new(topic)?;
    let client = consumer.client().native_ptr();
    let mut buffer = vec![std::ptr::null_mut(); MESSAGES];
    let (mut seen, mut rows) = (0, 0);
    // SAFETY: the client outlives queue, topic and messages; each is given back once; payload and length describe memory that lives as long
    // as its message.
    unsafe {
        let queue = ffi::rd_kafka_queue_new(client);
        let handle = ffi::rd_kafka_topic_new(client, name.as_ptr(), std::ptr::null_mut());
        for partition in 0..partitions {
            ffi::rd_kafka_consume_start_queue(handle, partition, i64::from(ffi::RD_KAFKA_OFFSET_BEGINNING), queue);
        }
        while seen < events {
            let n = ffi::rd_kafka_consume_batch_queue(queue, 100, buffer.as_mut_ptr(), MESSAGES);
            for message in &buffer[..usize::try_from(n)?] {
                let m = &**message;
                if m.err == ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    seen += 1;
                    if let Some(decoder) = &mut decoder {
                        let payload = std::slice::from_raw_parts(m.payload.cast::<u8>(), m.len);
                        decoder.decode(payload).map_err(|e| anyhow::anyhow!("{}", e.message))?;
                    }
                }
                ffi::rd_kafka_message_destroy(*message);
            }
            if let Some(decoder) = &mut decoder {
                rows += decoder.finish()?.num_rows() as u64;
            }
        }
        for partition in 0..partitions {
            ffi::rd_kafka_consume_stop(handle, partition);
        }
        ffi::rd_kafka_topic_destroy(handle);
        ffi::rd_kafka_queue_destroy(queue);
    }
    ensure!(decoder.is_none() || rows == events, "{rows} of {events} records were decoded");
    Ok(start.elapsed().as_secs_f64())
}

/// CPU seconds for encoding rows as Parquet.
pub(super) fn write(schema: &Schema, batches: &[Batch]) -> Result<f64> {
    let start = ProcessTime::now();
    let mut encoder = millstream_formats::encoder("parquet", schema, &BTreeMap::new())?;
    let mut file = Vec::new();
    for batch in batches {
        encoder.write(batch, &mut file)?;
    }
    encoder.finish(&mut file)?;
    Ok(start.elapsed().as_secs_f64())
}
