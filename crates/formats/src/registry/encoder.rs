//! Records that name the schema of the table's columns.

use super::{MAGIC, SchemaRegistry};
use millstream_dataflow::{Batch, RecordEncoder, Records, Result};
use std::sync::Arc;

/// An encoder of records that all begin with the same bytes.
pub(crate) trait FramedEncoder: Send {
    /// Appends one record for each row.
    ///
    /// # Errors
    /// As [`RecordEncoder::encode`].
    fn encode_framed(&mut self, frame: &[u8], batch: &Batch, out: &mut Records) -> Result<()>;
}

/// Writes rows by the schema of the table's columns, which it registers before the first of them.
pub(crate) struct RegistryEncoder {
    registry: Arc<dyn SchemaRegistry>,
    subject: String,
    kind: &'static str,
    text: String,
    /// What stands between the id and the row.
    behind: &'static [u8],
    rows: Box<dyn FramedEncoder>,
    /// In front of each row, once the schema has its id.
    frame: Option<Vec<u8>>,
}

impl RegistryEncoder {
    /// Asks the registry nothing yet.
    ///
    /// - `text`: the schema of what `rows` writes
    /// - `behind`: what stands between the schema's id and the row
    pub(crate) fn new(
        rows: Box<dyn FramedEncoder>,
        kind: &'static str,
        text: String,
        behind: &'static [u8],
        subject: &str,
        registry: Arc<dyn SchemaRegistry>,
    ) -> Self {
        RegistryEncoder {
            registry,
            subject: subject.to_string(),
            kind,
            text,
            behind,
            rows,
            frame: None,
        }
    }
}

impl RecordEncoder for RegistryEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        let frame = match &self.frame {
            Some(frame) => frame,
            None => {
                let id = self.registry.register(&self.subject, self.kind, &self.text)?;
                self.frame.insert([&[MAGIC], &id.to_be_bytes()[..], self.behind].concat())
            }
        };
        self.rows.encode_framed(frame, batch, out)
    }
}
