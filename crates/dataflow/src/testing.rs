//! Conformance suites: what every operator, aggregate, connector and format must pass.
//!
//! They are test code that other crates' tests call, so they exist behind the feature `testing` only, and a finding ends the test with a
//! panic that says which case it was and what was expected. Rows are given and shown as text: [`rows`] tells how.

mod aggregate;
mod block_on;
mod format;
mod operator;
mod random;
mod report;
mod rows;
mod sink;
mod source;

pub use aggregate::check_aggregate;
pub use block_on::block_on;
pub use format::{FormatCase, MakeDecoder, MakeRecordEncoder, MessageCase, Reading, format_suite, message_suite};
pub use operator::{OperatorCase, check_operator};
pub use random::Random;
pub use rows::{columns, rows, texts};
pub use sink::{SinkCase, sink_suite};
pub use source::{SourceCase, source_suite};
