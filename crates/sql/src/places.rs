//! Where in a file an error stands that comes once the file runs: at the table that it names, or at an option of it.

use crate::catalog::Catalog;
use millstream_dataflow::{Error, Span};
use std::collections::BTreeMap;

/// The tables of a file by their names, as messages name them.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<String, Place>);

#[derive(Debug)]
struct Place {
    name: Span,
    /// Of each option: its key, and where it stands.
    options: Vec<(String, Span)>,
}

impl Places {
    /// - `above`: lines of earlier texts
    pub(crate) fn new(catalog: &Catalog<'_>, above: u64) -> Places {
        let place = |table: &crate::table::Table| {
            let definition = table.definition();
            let options = definition.options.iter().map(|o| (o.key.clone(), o.span));
            let place = Place {
                name: definition.name.span,
                options: options.collect(),
            };
            (table.name().to_string(), place)
        };
        // What is of an earlier text, or read of a stored catalog, has no place in this one.
        Places(catalog.tables_here().map(place).filter(|(_, p)| p.name.start.line > above).collect())
    }

    /// Moves all places.
    pub(crate) fn moved(mut self, to: impl Fn(Span) -> Span) -> Places {
        for place in self.0.values_mut() {
            place.name = to(place.name);
            place.options.iter_mut().for_each(|(_, span)| *span = to(*span));
        }
        self
    }

    /// The error with its place, if it has none and names a table of the file.
    pub fn of(&self, e: Error) -> Error {
        if e.span.is_some() {
            return e;
        }
        // The table that is named first is the one that it is about.
        let at = |name: &str| {
            [Some(&e.message), e.detail.as_ref()]
                .into_iter()
                .flatten()
                .find_map(|t| t.find(&format!("table \"{name}\"")))
        };
        let Some((_, place)) = self.0.iter().filter_map(|(name, place)| Some((at(name)?, place))).min_by_key(|(at, _)| *at) else {
            return e;
        };
        let named = |key: &str| {
            [Some(&e.message), e.hint.as_ref()]
                .into_iter()
                .flatten()
                .any(|t| t.contains(&format!("'{key}'")))
        };
        let option = place.options.iter().find(|(key, _)| named(key)).map(|(_, span)| *span);
        e.span(option.unwrap_or(place.name))
    }
}
