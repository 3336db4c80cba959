//! What is wrong with a binary record, and where.

use crate::record::bad;
use millstream_dataflow::BadRecord;
use std::borrow::Cow;
use std::fmt;

/// What is wrong with a record, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    reason: &'static str,
    what: Cow<'static, str>,
    at: usize,
    /// The names of the fields around it, innermost first.
    path: Vec<String>,
}

pub(crate) type Parsed<T> = Result<T, Box<Fault>>;

impl Fault {
    /// - `at`: the byte of the record
    #[cold]
    pub(crate) fn new(reason: &'static str, what: impl Into<Cow<'static, str>>, at: usize) -> Box<Self> {
        Box::new(Fault {
            reason,
            what: what.into(),
            at,
            path: Vec::new(),
        })
    }
    /// The same, seen from around a field.
    #[cold]
    pub(crate) fn inside(mut self: Box<Self>, field: &str) -> Box<Self> {
        self.path.push(field.to_string());
        self
    }
    pub(crate) fn into_bad(self) -> BadRecord {
        bad(self.reason, self.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
            write!(f, "column \"{}\": ", path.join("."))?;
        }
        write!(f, "{}, at byte {}", self.what, self.at)
    }
}
