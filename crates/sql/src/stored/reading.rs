//! A stored statement to its table or view.

use super::{StoredName, StoredText};
use crate::catalog::{Entry, FullName, View};
use crate::compile::CompileOptions;
use crate::parse::{CreateTable, CreateView, Script, StatementKind, makes_view, parse, parse_unplaced, substitute};
use crate::table::Table;
use millstream_dataflow::{Error, Result, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a stored name stands for. Nothing in it has a place in the file that is compiled.
///
/// # Errors
/// What is wrong with the statement, told at the name that asks for it.
pub(crate) fn entry(name: &StoredName, full: &FullName, options: &CompileOptions<'_>, at: Span) -> Result<Entry> {
    let stored = read(name, options, at)?;
    let wrong = |errors: Vec<Error>| match errors.into_iter().next() {
        Some(e) => at_name(e, &stored.location, at),
        None => Error::bug("a stored statement is refused without a word"),
    };
    let kind = parsed(&stored.text, options.variables).map_err(wrong)?;
    let unplaced = || -> Result<StatementKind, Vec<Error>> { only(parse_unplaced(&substitute(&stored.text, options.variables)?.text)?) };
    match (kind, unplaced().map_err(wrong)?) {
        (StatementKind::CreateTable(placed), StatementKind::CreateTable(mut create)) => {
            for (option, noted) in create.options.iter_mut().zip(&placed.options) {
                option.variables.clone_from(&noted.variables);
            }
            let table = |create: &CreateTable| Table::new(create, full.short(), options.registry);
            // Only errors need to have their places.
            let made = table(&create).or_else(|_| table(&placed));
            made.map(|t| Entry::Table(Arc::new(t))).map_err(wrong)
        }
        (_, StatementKind::CreateView(create)) => Ok(Entry::View(Arc::new(View {
            create,
            place: full.place(),
            location: Some(stored.location),
            columns: Vec::new(),
        }))),
        _ => Err(Error::bug("a stored statement reads in two ways")),
    }
}

/// Whether a stored name is that of a view; `None` if it cannot be told.
pub(crate) fn is_view(name: &StoredName, options: &CompileOptions<'_>, at: Span) -> Result<Option<bool>> {
    Ok(makes_view(&read(name, options, at)?.text))
}

/// An error of a stored statement, told where its name stands.
pub(crate) fn at_name(e: Error, location: &str, at: Span) -> Error {
    let line = e
        .span
        .filter(|s| s.start.line > 0)
        .map_or(String::new(), |s| format!(", line {}", s.start.line));
    let detail = match &e.detail {
        Some(detail) => format!("{location}{line}: {detail}"),
        None => format!("{location}{line}"),
    };
    e.detail(detail).span(at)
}

fn read(name: &StoredName, options: &CompileOptions<'_>, at: Span) -> Result<StoredText> {
    let store = options.catalogs.ok_or_else(|| Error::bug("a stored table without a store"))?;
    store.read(name).map_err(|e| e.span(at))
}

/// The one statement of a text, with the places in it.
pub(super) fn parsed(text: &str, variables: &BTreeMap<String, String>) -> Result<StatementKind, Vec<Error>> {
    let substituted = substitute(text, variables)?;
    let mut script = parse(&substituted.text)?;
    substituted.note_variables(text, &mut script.statements);
    only(script)
}

/// The error for a hint in a view that is stored.
pub(crate) fn no_hint(span: Span) -> Error {
    let e = Error::sql("hints in the views of a stored catalog are not supported yet").code("E0101");
    e.hint("give the options to the table").span(span)
}

/// A stored text makes one table or view, by itself.
fn only(mut script: Script) -> Result<StatementKind, Vec<Error>> {
    let refused = |message: &str, span: Option<Span>| {
        let e = Error::sql(message).code("E0213");
        let e = e.hint("a file of a catalog is one CREATE TABLE or CREATE VIEW");
        vec![match span {
            Some(span) => e.span(span),
            None => e,
        }]
    };
    if let Some(hint) = script.hints.first() {
        return Err(vec![no_hint(hint.span)]);
    }
    if let Some(second) = script.statements.get(1) {
        return Err(refused("there is more than one statement", Some(second.span)));
    }
    let Some(statement) = script.statements.pop() else {
        return Err(refused("there is no statement", None));
    };
    match statement.kind {
        StatementKind::CreateTable(CreateTable {
            temporary: false,
            like: None,
            query: None,
            ..
        })
        | StatementKind::CreateView(CreateView { temporary: false, .. }) => Ok(statement.kind),
        _ => Err(refused("the statement makes no table or view that stays, by itself", Some(statement.span))),
    }
}
