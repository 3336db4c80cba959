//! The list of connectors, and their lookup by a table's options.

use crate::schema_registry::ConfluentRegistry;
use crate::{ConnectorContext, blackhole, datagen, filesystem, http, kafka, named, nexmark, print};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{ConnectorSpec, Connectors, Error, FormatSpec, Registry, Result, Sink, Source, TableSpec};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What every connector declares, sorted by name.
pub const CONNECTORS: &[&ConnectorSpec] = &[
    &blackhole::SPEC,
    &datagen::SPEC,
    &filesystem::SPEC,
    &http::SPEC,
    &kafka::SPEC,
    &nexmark::SPEC,
    &print::SPEC,
];

/// All connectors, as the planner and the graph builder see them.
#[derive(Debug, Clone)]
pub struct ConnectorRegistry {
    context: ConnectorContext,
    listeners: http::Listeners,
}

impl ConnectorRegistry {
    pub fn new(context: ConnectorContext) -> Self {
        let listeners = http::Listeners::default();
        ConnectorRegistry { context, listeners }
    }
    /// The same for a job of this name.
    pub fn for_job(&self, name: &str) -> Self {
        let mut registry = self.clone();
        registry.context.job = name.to_string();
        registry
    }
    /// The subjects that the schema registry in a format's options has.
    ///
    /// - `format`: the format's name; its options have their own names, without a prefix
    /// - `wait`: for how long it is waited for
    ///
    /// # Errors
    /// `Config` for a format or options that name no registry; those of a registry that does not answer.
    pub fn subjects(&self, format: &str, options: &BTreeMap<String, String>, wait: Duration) -> Result<Vec<String>> {
        let names = millstream_formats::registry_options(format).ok_or_else(|| Error::config(format!("the format '{format}' has no schema registry")))?;
        ConfluentRegistry::new(options, names, "", &self.context)?.waiting(wait).subjects()
    }
    /// Asks whoever a table is read from, or written to, whether that will do. Nothing is changed there, and no rows are read. Gives how many
    /// parts are read side by side, if that depends on whom it asks.
    ///
    /// # Errors
    /// All that would keep a job from starting with the table.
    pub async fn ask(&self, table: &TableSpec, is_written: bool) -> Result<Option<usize>> {
        match (table.connector(), is_written) {
            ("kafka", _) => {
                let (table, context) = (table.clone(), self.context.clone());
                let asking = self.context.handle.spawn_blocking(move || kafka::ask(&table, is_written, &context));
                match asking.await {
                    Ok(parts) => parts.map(Some),
                    Err(e) => Err(Error::bug("asking ended early").source(e)),
                }
            }
            ("filesystem", true) => filesystem::ask(table, &self.context).await.map(|()| None),
            ("filesystem", false) => match filesystem::source(table, &self.context) {
                Ok(source) => source.discover(&[]).await.map(|_| None),
                Err(e) => Err(e),
            },
            _ => Ok(None),
        }
    }
    /// The same for a job whose state is there.
    pub fn with_state(&self, location: &str) -> Self {
        let mut registry = self.clone();
        registry.context.state = Some(location.to_string());
        registry
    }
}

fn unknown(table: &TableSpec) -> Error {
    let name = table.connector();
    let e = Error::config(format!("table '{}' names the connector '{name}', which does not exist", table.name)).code("E0504");
    match nearest(name, CONNECTORS.iter().map(|c| c.name)) {
        Some(near) => e.hint(format!("did you mean '{near}'?")),
        None => e.hint(format!("there are: {}", CONNECTORS.iter().map(|c| c.name).collect::<Vec<_>>().join(", "))),
    }
}

impl Registry for ConnectorRegistry {
    fn connectors(&self) -> &[&'static ConnectorSpec] {
        CONNECTORS
    }
    fn formats(&self) -> &[&'static FormatSpec] {
        millstream_formats::FORMATS
    }
    fn check(&self, table: &TableSpec) -> Vec<Error> {
        match table.connector() {
            "blackhole" => blackhole::check(table),
            "datagen" => datagen::check(table),
            "filesystem" => filesystem::check(table),
            "http" => http::check(table),
            "kafka" => kafka::check(table, &self.context),
            "nexmark" => nexmark::check(table),
            "print" => print::check(table),
            _ => vec![unknown(table)],
        }
    }
    fn check_sink(&self, table: &TableSpec) -> Result<()> {
        match table.connector() {
            "kafka" => kafka::check_sink(table),
            _ => Ok(()),
        }
    }
}

impl Connectors for ConnectorRegistry {
    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>> {
        let source = match table.connector() {
            "datagen" => datagen::source(table, &self.context),
            "filesystem" => filesystem::source(table, &self.context),
            "http" => http::source(table, &self.context, &self.listeners),
            "kafka" => kafka::source(table, &self.context),
            "nexmark" => nexmark::source(table, &self.context),
            _ => Err(unknown(table)),
        };
        named::source(&table.name, source)
    }
    fn sink(&self, table: &TableSpec, id: &str) -> Result<Arc<dyn Sink>> {
        let sink = match table.connector() {
            "blackhole" => blackhole::sink(table, id, &self.context),
            "filesystem" => filesystem::sink(table, id, &self.context),
            "kafka" => kafka::sink(table, id, &self.context),
            "print" => print::sink(table, id, &self.context),
            _ => Err(unknown(table)),
        };
        named::sink(&table.name, sink)
    }
}
