//! The ids of topics, which rdkafka does not wrap: a topic that is deleted and made anew has the same name and another id (KIP-516).
#![allow(unsafe_code, reason = "offsets of another topic by the same name would be taken for those of this one")]

use super::client::TableConsumer;
use rdkafka::bindings as ffi;
use rdkafka::consumer::Consumer;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

/// The ids by topic name. Those that cannot be told are not there: of old brokers, where nobody answers or permits.
///
/// Blocks.
pub(super) fn topic_ids(consumer: &TableConsumer, topics: &[String], wait: Duration) -> BTreeMap<String, String> {
    let names: Vec<CString> = topics.iter().filter_map(|t| CString::new(t.as_str()).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|n| n.as_ptr()).collect();
    let client = consumer.client().native_ptr();
    let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let mut ids = BTreeMap::new();
    // SAFETY: the client is alive during the call; each handle is made here, used while it lives and given back once, the event last but
    // for what made it: the descriptions belong to it. The names live longer than the collection, which copies them.
    unsafe {
        let queue = ffi::rd_kafka_queue_new(client);
        let options = ffi::rd_kafka_AdminOptions_new(client, ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        ffi::rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, std::ptr::null_mut(), 0);
        let collection = ffi::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        ffi::rd_kafka_DescribeTopics(client, collection, options, queue);
        let event = ffi::rd_kafka_queue_poll(queue, wait_ms);
        if !event.is_null() {
            let result = ffi::rd_kafka_event_DescribeTopics_result(event);
            if !result.is_null() {
                let mut count = 0;
                let descriptions = ffi::rd_kafka_DescribeTopics_result_topics(result, &mut count);
                for i in 0..count {
                    ids.extend(described(*descriptions.add(i)));
                }
            }
            ffi::rd_kafka_event_destroy(event);
        }
        ffi::rd_kafka_TopicCollection_destroy(collection);
        ffi::rd_kafka_AdminOptions_destroy(options);
        ffi::rd_kafka_queue_destroy(queue);
    }
    ids
}

/// Name and id of a topic.
///
/// # Safety
/// The description is alive.
unsafe fn described(topic: *const ffi::rd_kafka_TopicDescription_t) -> Option<(String, String)> {
    // SAFETY: by the contract; the texts are NUL-terminated and live as long as the description, as the id does.
    unsafe {
        let error = ffi::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() && ffi::rd_kafka_error_code(error) != ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        let id = ffi::rd_kafka_TopicDescription_topic_id(topic);
        // Brokers before 2.8 give none: it is zero then.
        if id.is_null() || (ffi::rd_kafka_Uuid_most_significant_bits(id), ffi::rd_kafka_Uuid_least_significant_bits(id)) == (0, 0) {
            return None;
        }
        let text = |p: *const c_char| (!p.is_null()).then(|| CStr::from_ptr(p).to_string_lossy().into_owned());
        Some((text(ffi::rd_kafka_TopicDescription_name(topic))?, text(ffi::rd_kafka_Uuid_base64str(id))?))
    }
}
