//! A plan as people look at it: text, a picture, or the source of one.

mod card;
mod dot;
mod layers;
mod mermaid;
mod svg;
mod text;

use crate::{Description, Job, describe};
use millstream_dataflow::{Error, Result};

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

/// The text of EXPLAIN. Deterministic: golden plans are made of it.
pub fn explain(job: &Job) -> String {
    text(&describe(job))
}

/// The description as JSON.
///
/// # Errors
/// `Bug` if it cannot be serialised.
pub fn json(description: &Description) -> Result<String> {
    let text = serde_json::to_string_pretty(description).map_err(|e| Error::bug("the description could not be serialised").source(e))?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests;
