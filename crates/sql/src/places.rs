//! Where in a file an error stands that comes once the file runs: at the table that it names, or at an option of it.

mod declared;

pub use declared::Declared;

use crate::catalog::Catalog;
use crate::hints::Hints;
use crate::items::Items;
use crate::parse::TableOption;
use millstream_dataflow::{Error, Span};
use std::collections::BTreeMap;

/// The tables of a file by their names, as messages name them; its INSERTs by what the ids of their operators begin with.
#[derive(Debug, Default)]
pub struct Places {
    tables: Tables,
    /// Options of hints, which hold for this text alone.
    hinted: Tables,
    inserts: BTreeMap<String, Span>,
    items: Items,
}

type Tables = BTreeMap<String, Place>;

#[derive(Debug, Clone, Default)]
struct Place {
    /// Where the text makes the table; a text may only change options of it.
    name: Option<Span>,
    options: Vec<PlacedOption>,
}

/// An option of a declaration or a hint.
#[derive(Debug, Clone)]
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
        // What is of an earlier text, or read of a stored catalog, has no place in this one.
        let is_here = |at: Span| at.start.line > above;
        let place = |table: &crate::table::Table| {
            let definition = table.definition();
            let options = definition.options.iter().filter(|o| is_here(o.span));
            let place = Place {
                name: Some(definition.name.span).filter(|at| is_here(*at)),
                options: options.map(PlacedOption::from).collect(),
            };
            (table.name().to_string(), place)
        };
        let tables = catalog
            .tables_here()
            .map(place)
            .filter(|(_, p)| p.name.is_some() || !p.options.is_empty())
            .collect();
        let mut hinted = Tables::new();
        for (table, hint) in hints.taken().into_iter().filter(|(_, h)| is_here(h.span)) {
            let place = hinted.entry(table).or_default();
            place.name.get_or_insert(hint.span);
            place.options.splice(0..0, hint.options.iter().map(PlacedOption::from));
        }
        Places {
            tables,
            hinted,
            inserts,
            items,
        }
    }

    /// Moves all places.
    pub(crate) fn moved(mut self, to: impl Fn(Span) -> Span) -> Places {
        self.inserts.values_mut().for_each(|span| *span = to(*span));
        self.items = self.items.moved(&to);
        for place in self.tables.values_mut().chain(self.hinted.values_mut()) {
            place.name = place.name.map(&to);
            place.options.iter_mut().for_each(|option| option.at = to(option.at));
        }
        self
    }

    /// The error at the option that it is about, or else at its table's name, if it has no place yet and the table is one of the text, or of
    /// an earlier one.
    pub fn of(&self, e: Error, earlier: &Declared) -> Error {
        let e = self.items.of(e);
        if e.span.is_some() {
            return e;
        }
        if let Some(span) = self.table_of(&e).and_then(|place| place.span_of(&e)) {
            return e.span(span);
        }
        let e = earlier.of(e);
        let prefix = e.operator.as_deref().filter(|_| e.span.is_none()).and_then(|id| id.split_once(':'));
        match prefix.and_then(|(statement, _)| self.inserts.get(statement).copied()) {
            Some(insert) => e.span(insert),
            None => e,
        }
    }

    /// An error of all INSERTs together, at the first of them.
    pub fn of_inserts(&self, e: Error) -> Error {
        match self.inserts.values().min_by_key(|span| span.start) {
            Some(first) => e.span(*first),
            None => e,
        }
    }

    fn table_of(&self, e: &Error) -> Option<Place> {
        let name = name_of(e, self.tables.keys().chain(self.hinted.keys()))?;
        let places = [self.tables.get(name), self.hinted.get(name)];
        Some(Place {
            name: places.into_iter().flatten().find_map(|p| p.name),
            // Those of hints hold instead of the declared ones.
            options: places.into_iter().rev().flatten().flat_map(|p| p.options.iter().cloned()).collect(),
        })
    }
}

impl Place {
    fn span_of(&self, e: &Error) -> Option<Span> {
        let named = |text: &str| self.options.iter().find(|o| text.contains(&format!("'{}'", o.key)));
        let is_setup = e.code.is_some_and(|code| code.starts_with("E05"));
        let usual = || PLACES.iter().find_map(|key| self.options.iter().find(|o| is_setup && o.key == *key));
        let option = named(&e.message).or_else(|| e.hint.as_deref().and_then(named)).or_else(usual);
        // The table may be read with the option of a hint and with its own: which one it is, its value tells.
        let is_told = |value: &str| !value.is_empty() && texts(e).any(|text| text.contains(value));
        let of_value = option.and_then(|option| self.options.iter().find(|o| o.key == option.key && is_told(&o.value)));
        of_value.or(option).map(|o| o.at).or(self.name)
    }
}

/// The table of the connector which an error comes from, or the one that it names first.
fn name_of<'a>(e: &Error, mut tables: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    // Columns are computed where a table is read.
    let of_source = e.operator.as_deref().and_then(|id| id.strip_prefix("source:"));
    if let Some(table) = e.table.as_deref().or(of_source) {
        return tables.find(|name| *name == table).map(String::as_str);
    }
    let at = |name: &str| texts(e).find_map(|t| t.find(&format!("table \"{name}\"")));
    let named = tables.filter_map(|name| Some((at(name)?, name)));
    named.min_by_key(|(at, _)| *at).map(|(_, name)| name.as_str())
}

fn texts(e: &Error) -> impl Iterator<Item = &String> {
    [Some(&e.message), e.detail.as_ref()].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::{Declared, Place, PlacedOption, Places};
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
            name: Some(at(1)),
            options: options.into_iter().map(option).collect(),
        };
        let places = Places {
            tables: BTreeMap::from([("t".to_string(), place)]),
            inserts: BTreeMap::from([("o/2".to_string(), Span::new((7, 1), (8, 3)))]),
            ..Places::default()
        };
        let of = |e: Error| places.of(e, &Declared::default());
        let of_operator = |id: &str| of(Error::data("division by zero").of_operator(id)).span.map(|s| s.start.line);
        assert_eq!(["o/2:project1", "o:project1", "query:project1"].map(of_operator), [Some(7), None, None]);
        let line = |e: Error| of(e).span.map(|span| span.start.line);
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
