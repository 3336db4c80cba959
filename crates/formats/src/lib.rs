//! Formats: bytes to rows and back.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod render;

use millstream_dataflow::FormatSpec;

/// All formats, sorted by name.
pub const FORMATS: &[&FormatSpec] = &[];
