//! Whether what a table needs is there, asked without changing anything.

use super::bounds::Bounds;
use super::client::Client;
use super::discover::{self, Startup};
use super::fields::Fields;
use crate::ConnectorContext;
use millstream_dataflow::option::Options;
use millstream_dataflow::{Result, TableSpec, each};

/// How many partitions there are. Asks the brokers, and the schema registries of the formats. Blocks.
///
/// # Errors
/// All that would keep a job from starting with the table, as it would tell it.
pub fn ask(table: &TableSpec, is_written: bool, context: &ConnectorContext) -> Result<usize> {
    let client = Client::new(table, &context.job)?;
    let fields = Fields::new(table, context)?;
    let o = Options::new(&table.options);
    let brokers = match is_written {
        true => discover::topics(&client, &client.consumer()?).map(|topics| topics.iter().map(|(_, partitions)| partitions.len()).sum()),
        false => discover::discover(&client, &Startup::new(&o)?, Bounds::new(&o)?.as_ref(), &[]).map(|splits| splits.len()),
    };
    let parts = fields.key.iter().chain([&fields.value]);
    let registries = parts.map(|part| part.ask(is_written).map(|()| 0));
    Ok(each(std::iter::once(brokers).chain(registries))?.into_iter().sum())
}
