//! The `print` connector: rows on standard output as they come.

use crate::ConnectorContext;
use crate::scan::SINK_PARALLELISM;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{
    Batch, BoxFuture, Committable, ConnectorSpec, Epoch, Error, Result, Schema, Sink, SinkCommitter, SinkWriter, SubtaskContext, TableSpec,
};
use millstream_formats::render::text_value;
use std::sync::Arc;

const IDENTIFIER: OptionSpec = OptionSpec::new("print-identifier", OptionType::Text, "A text in front of each row.").examples(&["clicks"]);
const STANDARD_ERROR: OptionSpec = OptionSpec::new("standard-error", OptionType::Boolean, "Prints to standard error instead.").default("false");

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "print",
    doc: "Prints each row as `+I[…]` when it comes. Not transactional: after a restart rows may be printed again.",
    source: false,
    sink: true,
    options: &[IDENTIFIER, SINK_PARALLELISM, STANDARD_ERROR],
    formats: &[],
    metadata: &[],
    changes: true,
    ends: |_| false,
};

/// What valid options may still get wrong together.
pub fn check(_table: &TableSpec) -> Vec<Error> {
    Vec::new()
}

pub fn sink(table: &TableSpec, _id: &str, context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    let (host, as_errors) = (Arc::clone(&context.host), Options::new(&table.options).boolean(&STANDARD_ERROR));
    let out: Out = Arc::new(move |lines| host.print(lines, as_errors));
    Ok(Arc::new(Print::to(out, table)))
}

/// Where lines go.
type Out = Arc<dyn Fn(&[u8]) -> std::io::Result<()> + Send + Sync>;

#[derive(Clone)]
struct Print {
    schema: Schema,
    identifier: String,
    out: Out,
}

impl Print {
    fn to(out: Out, table: &TableSpec) -> Print {
        Print {
            schema: table.schema(),
            identifier: Options::new(&table.options).text(&IDENTIFIER).unwrap_or("").to_string(),
            out,
        }
    }
}

struct Printer {
    print: Print,
    prefix: String,
}

impl Sink for Print {
    fn writer(&self, subtask: &SubtaskContext, _incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        let number = if subtask.parallelism > 1 {
            (subtask.subtask + 1).to_string()
        } else {
            String::new()
        };
        let prefix = match (self.identifier.is_empty(), number.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("{number}> "),
            (false, true) => format!("{}> ", self.identifier),
            (false, false) => format!("{}:{number}> ", self.identifier),
        };
        Ok(Box::new(Printer { print: self.clone(), prefix }))
    }
    fn committer(&self, _incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(None)
    }
}

impl SinkWriter for Printer {
    fn write(&mut self, batch: Batch) -> Result<()> {
        let mut lines = String::new();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = self
                .print
                .schema
                .fields
                .iter()
                .enumerate()
                .map(|(i, f)| text_value(batch.column(i), row, f))
                .collect();
            lines += &format!("{}{}[{}]\n", self.prefix, batch.kind(row).short(), values.join(", "));
        }
        (self.print.out)(lines.as_bytes()).map_err(|e| match e.kind() {
            std::io::ErrorKind::BrokenPipe => Error::reader_left().source(e),
            _ => Error::config("rows cannot be printed").source(e),
        })
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        Ok(Box::pin(async { Ok(Vec::new()) }))
    }
}

#[cfg(test)]
mod tests;
