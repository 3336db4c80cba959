//! The sink: how surely records arrive, and who sends them.

use super::client::Client;
use super::direct::DirectWriter;
use super::encoder::MessageEncoder;
use super::fields::Fields;
use super::partitioner::Partitioner;
use super::producer::check_topics;
use super::session::Brokers;
use super::staged::StagingWriter;
use super::topics::check_sink;
use super::transaction::TransactionCommitter;
use super::transactions::Transactions;
use super::{GUARANTEE, PARTITIONER, TRANSACTIONAL_ID};
use crate::ConnectorContext;
use millstream_dataflow::option::Options;
use millstream_dataflow::{BoxFuture, EpochCommit, Error, Result, Sink, SinkCommitter, SinkWriter, Store, SubtaskContext, TableSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guarantee {
    None,
    AtLeastOnce,
    ExactlyOnce,
}

pub(super) struct KafkaSink {
    client: Client,
    table: TableSpec,
    fields: Fields,
    guarantee: Guarantee,
    partitioner: Partitioner,
    /// Names the sink's transactions; the incarnation is added to it.
    id: String,
    /// Who takes what is sent exactly once.
    transactions: Arc<dyn Transactions>,
    context: ConnectorContext,
}

impl KafkaSink {
    /// - `transactions`: instead of the table's brokers
    pub(super) fn new(table: &TableSpec, id: &str, context: &ConnectorContext, transactions: Option<Arc<dyn Transactions>>) -> Result<Self> {
        let o = Options::new(&table.options);
        let prefix = o.text(&TRANSACTIONAL_ID).map_or_else(|| format!("millstream-{}", context.job), str::to_string);
        check_sink(table)?;
        let client = Client::new(table, &context.job)?;
        // Settings and columns that do not fit are found before anything runs.
        let fields = Fields::new(table, context)?;
        MessageEncoder::new(table, &fields)?;
        let partitioner = Partitioner::new(o.text(&PARTITIONER).unwrap_or_default());
        let brokers = || {
            Arc::new(Brokers {
                client: client.clone(),
                clock: Arc::clone(&context.clock),
                partitioner: partitioner.clone(),
                handle: context.handle.clone(),
            })
        };
        Ok(KafkaSink {
            transactions: transactions.unwrap_or_else(|| brokers()),
            client,
            table: table.clone(),
            fields,
            guarantee: match o.text(&GUARANTEE) {
                Some("none") => Guarantee::None,
                Some("exactly-once") => Guarantee::ExactlyOnce,
                _ => Guarantee::AtLeastOnce,
            },
            partitioner,
            id: format!("{prefix}-{}", directory_name(id)),
            context: context.clone(),
        })
    }
    /// Where records wait for their commit.
    fn store(&self) -> Result<Arc<dyn Store>> {
        let state = self
            .context
            .state
            .as_ref()
            .ok_or_else(|| Error::bug("an exactly-once sink in a job without state"))?;
        let location = format!("{}/sinks/{}", state.trim_end_matches('/'), self.id);
        self.context.host.open(&location, &self.context.directory, &BTreeMap::new())
    }
}

/// A sink's id as a name that file systems and brokers take.
fn directory_name(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect()
}

impl Sink for KafkaSink {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        let encoder = MessageEncoder::new(&self.table, &self.fields)?;
        let (client, number) = (&self.client, subtask.subtask);
        Ok(match self.guarantee {
            Guarantee::ExactlyOnce => {
                let host = Arc::clone(&self.context.host);
                Box::new(StagingWriter::new(client, encoder, self.store()?, host, number, incarnation))
            }
            other => {
                let strict = other == Guarantee::AtLeastOnce;
                Box::new(DirectWriter::new(
                    client,
                    &self.context.clock,
                    encoder,
                    self.partitioner.clone(),
                    number,
                    strict,
                )?)
            }
        })
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        if self.guarantee != Guarantee::ExactlyOnce {
            return Ok(Some(Box::new(TopicCheck {
                client: self.client.clone(),
                handle: self.context.handle.clone(),
            })));
        }
        let id = format!("{}-{:.8}", self.id, incarnation);
        let committer = TransactionCommitter::new(&self.client, Arc::clone(&self.transactions), self.store()?, incarnation, id);
        Ok(Some(Box::new(committer)))
    }
}

/// Nothing to commit: the records are there. At the start it looks whether their topics are.
struct TopicCheck {
    client: Client,
    handle: tokio::runtime::Handle,
}

impl SinkCommitter for TopicCheck {
    fn commit(&mut self, _commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        let client = self.client.clone();
        let looking = self.handle.spawn_blocking(move || check_topics(&client, &client.consumer()?));
        Box::pin(async move { looking.await.map_err(|e| Error::bug("looking for topics ended early").source(e))? })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
