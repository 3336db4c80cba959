//! Where the tables of a session stand in its earlier texts.

use super::{Place, Places, name_of};
use crate::sources::Sources;
use millstream_dataflow::Error;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The places of tables in the texts that made and changed them.
#[derive(Debug, Clone, Default)]
pub struct Declared(BTreeMap<String, Vec<(Place, Arc<Sources>)>>);

impl Declared {
    /// Takes the tables of a text that has run.
    ///
    /// - `files`: what places in the text lead to
    pub fn take(&mut self, places: &Places, files: &Arc<Sources>) {
        for (table, place) in &places.tables {
            let all = self.0.entry(table.clone()).or_default();
            if place.name.is_some() {
                all.clear();
            }
            all.push((place.clone(), Arc::clone(files)));
        }
    }

    /// The error at the option that it is about, or else at its table's name, with the text that these stand in.
    pub(super) fn of(&self, e: Error) -> Error {
        let all = name_of(&e, self.0.keys()).and_then(|name| self.0.get(name));
        // The latest text first: what it changes is not as an earlier one says.
        let place = all.into_iter().flatten().rev().find_map(|(place, files)| Some((place.span_of(&e)?, files)));
        match place {
            Some((span, files)) => files.with_text(e.span(span)),
            None => e,
        }
    }
}
