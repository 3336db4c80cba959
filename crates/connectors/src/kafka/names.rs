//! The topics that there are, for whoever has to name one.

use super::TOPIC;
use super::client::Client;
use millstream_dataflow::{Error, Result, TableSpec};
use rdkafka::consumer::Consumer;
use std::collections::BTreeMap;
use std::time::Duration;

/// The topics of the brokers in a table's options, sorted, without the brokers' own. Blocks as long as they may take to answer.
///
/// # Errors
/// `Config` for options that make no client, `Unavailable` if no broker answers in time.
pub fn topic_names(options: &BTreeMap<String, String>, wait: Duration) -> Result<Vec<String>> {
    let mut options = options.clone();
    // A client has topics; these are asked for none.
    options.insert(TOPIC.name.to_string(), "any".to_string());
    let table = TableSpec {
        name: "topics".to_string(),
        columns: Vec::new(),
        all_physical: Vec::new(),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        options,
        keep_records: false,
        tests: Vec::new(),
    };
    let client = Client::new(&table, "names")?;
    let consumer = client.consumer()?;
    let metadata = consumer
        .fetch_metadata(None, wait)
        .map_err(|e| Error::unavailable(format!("no broker answers at {}", client.brokers)).code("E0516").source(e))?;
    let names = metadata.topics().iter().map(|t| t.name()).filter(|n| !n.starts_with("__"));
    let mut names: Vec<String> = names.map(str::to_string).collect();
    names.sort();
    Ok(names)
}
