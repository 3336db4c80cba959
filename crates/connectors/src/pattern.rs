//! Regular expressions of options, which match whole names.

use millstream_dataflow::{Error, Result};
use regex::Regex;

/// A pattern that nothing may stand beside.
///
/// # Errors
/// `Config` for what is no pattern, or one that this engine's regular expressions do not have.
pub(crate) fn whole(option: &str, pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|e| {
        Error::config(format!("option '{option}' is no regular expression that can be used"))
            .code("E0502")
            .hint("without look-around and back references; it matches whole names")
            .source(e)
    })
}
