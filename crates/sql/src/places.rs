//! Where in a file an error stands that comes once the file runs: at the table that it names, or at an option of it.

use crate::catalog::Catalog;
use crate::hints::Hints;
use crate::items::Items;
use crate::parse::TableOption;
use millstream_dataflow::{Error, Span};
use std::collections::BTreeMap;

/// The tables of a file by their names, as messages name them; its INSERTs by what the ids of their operators begin with.
#[derive(Debug, Default)]
pub struct Places {
    tables: BTreeMap<String, Place>,
    inserts: BTreeMap<String, Span>,
    items: Items,
}

#[derive(Debug)]
struct Place {
    name: Span,
    options: Vec<PlacedOption>,
}

/// An option of a declaration or a hint.
#[derive(Debug)]
struct PlacedOption {
    key: String,
    value: String,
    at: Span,
}

impl From<&TableOption> for PlacedOption {
    fn from(option: &TableOption) -> Self {
        PlacedOption {
            key: option.key.clone(),
            value: option.value.clone(),
            at: option.span,
        }
    }
}

/// The options that say where a table's rows are, for errors that name none.
const PLACES: [&str; 4] = ["path", "topic", "topic-pattern", "listen"];

impl Places {
    /// - `above`: lines of earlier texts
    pub(crate) fn new(catalog: &Catalog<'_>, hints: &Hints, inserts: BTreeMap<String, Span>, mut items: Items, above: u64) -> Places {
        items.keep(above);
        let place = |table: &crate::table::Table| {
            let definition = table.definition();
            let place = Place {
                name: definition.name.span,
                options: definition.options.iter().map(PlacedOption::from).collect(),
            };
            (table.name().to_string(), place)
        };
        // What is of an earlier text, or read of a stored catalog, has no place in this one.
        let mut tables: BTreeMap<String, Place> = catalog.tables_here().map(place).filter(|(_, p)| p.name.start.line > above).collect();
        for (table, hint) in hints.taken().into_iter().filter(|(_, h)| h.span.start.line > above) {
            let place = tables.entry(table).or_insert_with(|| Place {
                name: hint.span,
                options: Vec::new(),
            });
            // They hold instead of the declared ones.
            place.options.splice(0..0, hint.options.iter().map(PlacedOption::from));
        }
        Places { tables, inserts, items }
    }

    /// Moves all places.
    pub(crate) fn moved(mut self, to: impl Fn(Span) -> Span) -> Places {
        self.inserts.values_mut().for_each(|span| *span = to(*span));
        self.items = self.items.moved(&to);
        for place in self.tables.values_mut() {
            place.name = to(place.name);
            place.options.iter_mut().for_each(|option| option.at = to(option.at));
        }
        self
    }

    /// The error at the option that it is about, or else at its table's name, if it has no place yet and the table is one of the text.
    pub fn of(&self, e: Error) -> Error {
        let e = self.items.of(e);
        if e.span.is_some() {
            return e;
        }
        let Some(place) = self.table_of(&e) else {
            let prefix = e.operator.as_deref().and_then(|id| id.split_once(':'));
            return match prefix.and_then(|(statement, _)| self.inserts.get(statement).copied()) {
                Some(insert) => e.span(insert),
                None => e,
            };
        };
        let named = |text: &str| place.options.iter().find(|o| text.contains(&format!("'{}'", o.key)));
        let is_setup = e.code.is_some_and(|code| code.starts_with("E05"));
        let usual = || PLACES.iter().find_map(|key| place.options.iter().find(|o| is_setup && o.key == *key));
        let option = named(&e.message).or_else(|| e.hint.as_deref().and_then(named)).or_else(usual);
        // The table may be read with the option of a hint and with its own: which one it is, its value tells.
        let texts = || [Some(&e.message), e.detail.as_ref()].into_iter().flatten();
        let is_told = |value: &str| !value.is_empty() && texts().any(|text| text.contains(value));
        let of_value = option.and_then(|option| place.options.iter().find(|o| o.key == option.key && is_told(&o.value)));
        let span = of_value.or(option).map_or(place.name, |o| o.at);
        e.span(span)
    }

    /// An error of all INSERTs together, at the first of them.
    pub fn of_inserts(&self, e: Error) -> Error {
        match self.inserts.values().min_by_key(|span| span.start) {
            Some(first) => e.span(*first),
            None => e,
        }
    }

    /// That of the connector which it comes from, or the one that it names first.
    fn table_of(&self, e: &Error) -> Option<&Place> {
        if let Some(table) = &e.table {
            return self.tables.get(table);
        }
        let texts = || [Some(&e.message), e.detail.as_ref()].into_iter().flatten();
        let at = |name: &str| texts().find_map(|t| t.find(&format!("table \"{name}\"")));
        // Columns are computed where a table is read.
        if let Some(table) = e.operator.as_deref().and_then(|id| id.strip_prefix("source:")) {
            return self.tables.get(table);
        }
        let named = self.tables.iter().filter_map(|(name, place)| Some((at(name)?, place)));
        named.min_by_key(|(at, _)| *at).map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::{Items, Place, PlacedOption, Places};
    use millstream_dataflow::{Error, Span};
    use std::collections::BTreeMap;

    #[test]
    fn errors_stand_at_their_option_or_their_table() {
        let at = |line| Span::new((line, 1), (line, 2));
        let option = |(key, value, line): (&str, &str, u64)| PlacedOption {
            key: key.to_string(),
            value: value.to_string(),
            at: at(line),
        };
        // The topics are of a hint and of the declaration.
        let options = [("connector", "kafka", 2), ("topic", "b", 3), ("properties.a", "c", 4), ("topic", "orders", 5)];
        let place = Place {
            name: at(1),
            options: options.into_iter().map(option).collect(),
        };
        let places = Places {
            tables: BTreeMap::from([("t".to_string(), place)]),
            inserts: BTreeMap::from([("o/2".to_string(), Span::new((7, 1), (8, 3)))]),
            items: Items::default(),
        };
        let of_operator = |id: &str| places.of(Error::data("division by zero").of_operator(id)).span.map(|s| s.start.line);
        assert_eq!(["o/2:project1", "o:project1", "query:project1"].map(of_operator), [Some(7), None, None]);
        let line = |e: Error| places.of(e).span.map(|span| span.start.line);
        let error = |code, message: &str| Error::config(message).code(code).of_table("t");
        assert_eq!(line(error("E0515", "option 'properties.a' is refused")), Some(4));
        assert_eq!(line(error("E0516", "no broker").hint("is 'properties.a' right?")), Some(4));
        assert_eq!(line(error("E0517", "it does not exist")), Some(3));
        assert_eq!(line(error("E0517", "the topic 'orders' does not exist")), Some(5));
        assert_eq!(line(error("E0700", "a record cannot be read")), Some(1));
        assert_eq!(line(Error::config("table \"t\" is gone")), Some(1));
        assert_eq!(line(Error::config("about another").of_table("u")), None);
        assert_eq!(line(Error::config("about no table")), None);
    }
}
