//! A table or view to the statement that is stored for it.

use super::reading::parsed;
use crate::catalog::{Entry, FullName, View};
use crate::parse::{CreateTable, CreateView, ObjectPath, StatementKind, TableOption, substitute};
use crate::show::{create_table, create_view, quoted};
use millstream_dataflow::option::holds_secret;
use millstream_dataflow::{Error, Result};
use std::collections::BTreeMap;

/// The statement that makes a table or view again, in this process or another one; `path` is its name in the file.
///
/// # Errors
/// `Config` for a secret in clear, `Sql` for what would mean something else when it is read again.
pub(crate) fn statement(full: &FullName, entry: &Entry, path: &ObjectPath, variables: &BTreeMap<String, String>) -> Result<String> {
    let (text, without_secrets) = match entry {
        Entry::Table(table) => {
            let table = table.definition();
            no_secrets(table)?;
            let hidden = create_table(
                &quoted(&full.name),
                table,
                |o| if o.variables.is_some() { String::new() } else { o.value.clone() },
            );
            (table_text(&full.name, table), hidden)
        }
        Entry::View(view) => {
            in_its_place(full, view, path)?;
            let text = view_text(&full.name, view);
            (text.clone(), text)
        }
    };
    if substitute(&without_secrets, &BTreeMap::new()).is_err() {
        let e = Error::sql(format!("\"{path}\" cannot be stored: a text in it has the form of a variable, ${{NAME}}"));
        // At the option: where it is a variable whose value is not known yet, nothing is wrong with it.
        let options = match entry {
            Entry::Table(table) => table.definition().options.as_slice(),
            Entry::View(_) => &[],
        };
        let is_form = |o: &&TableOption| o.variables.is_none() && substitute(&o.value, &BTreeMap::new()).is_err();
        let at = options.iter().find(is_form).map_or(path.span, |o| o.value_span);
        return Err(e.code("E0213").span(at));
    }
    let same = match (entry, parsed(&text, variables)) {
        (Entry::Table(_), Ok(StatementKind::CreateTable(again))) => table_text(&full.name, &again) == text,
        (Entry::View(view), Ok(StatementKind::CreateView(again))) => {
            let of = |v: &CreateView| (v.query.clone(), v.columns.clone(), v.column_comments.clone(), v.comment.clone());
            of(&again) == of(&view.create)
        }
        _ => false,
    };
    if same {
        return Ok(text);
    }
    let e = Error::sql(format!("\"{path}\" cannot be stored: its statement would read differently in another file"));
    Err(e.code("E0213").span(path.span))
}

/// Values of secrets do not leave the process: variables stand for them.
fn no_secrets(table: &CreateTable) -> Result<()> {
    match table.options.iter().find(|o| holds_secret(&o.key, &o.value) && o.variables.is_none()) {
        None => Ok(()),
        Some(o) => Err(Error::config(format!("the value of '{}' is a secret, which is not stored", o.key))
            .code("E0530")
            .hint(format!("use a variable for all of it: '{}' = '${{NAME}}', and run with -D NAME=value", o.key))
            .span(o.span)),
    }
}

/// Names in a view are looked for where it is, once it is read again.
fn in_its_place(full: &FullName, view: &View, path: &ObjectPath) -> Result<()> {
    if view.place == full.place() {
        return Ok(());
    }
    let e = Error::sql(format!(
        "the view \"{}\" would be stored in {}.{}, the names in its query are those of {}.{}",
        full.name, full.catalog, full.database, view.place.catalog, view.place.database
    ));
    let e = e.code("E0213").hint(format!("USE {}.{} first, and make it there", full.catalog, full.database));
    Err(e.span(path.span))
}

fn table_text(name: &str, table: &CreateTable) -> String {
    let value = |o: &TableOption| match &o.variables {
        Some(variables) => variables.clone(),
        None => o.value.clone(),
    };
    create_table(&quoted(name), table, value)
}

fn view_text(name: &str, view: &View) -> String {
    create_view(&quoted(name), &view.create.columns, &view.create, &view.create.query)
}
