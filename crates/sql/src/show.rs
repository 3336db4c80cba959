//! What SHOW and DESCRIBE answer, as Flink does.

use crate::catalog::{Catalog, Entry, FullName, is_a};
use crate::graph::JobGraph;
use crate::hints::Hints;
use crate::parse::{ColumnDefKind, CreateTable, CreateView, ObjectPath, Pattern, Show, TableOption, span_of};
use crate::table::Table;
use millstream_dataflow::option::holds_secret;
use millstream_dataflow::{Result, SqlType};
use millstream_functions::Function;
use millstream_functions::aggregate::NAMES;
use millstream_plan::{Column, NodeSpec, Value};
use sqlparser::ast::{Expr, Ident, ObjectNamePart, Query, visit_expressions_mut, visit_relations_mut};
use std::ops::ControlFlow;

/// Rows of texts under named columns.
pub(crate) struct Listing {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

/// What a SHOW gives.
pub(crate) enum Answer {
    Listing(Listing),
    /// What makes a table or view again.
    Statement(String),
}

impl Listing {
    fn new(columns: &[&str]) -> Listing {
        let column = |name: &&str| {
            let ty = if *name == "null" { SqlType::Boolean } else { SqlType::STRING };
            Column::new(*name, ty, true)
        };
        Listing {
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }
    fn of(column: &str, values: impl IntoIterator<Item = String>) -> Listing {
        let mut listing = Listing::new(&[column]);
        listing.rows = values.into_iter().map(|v| vec![Value::Text(v)]).collect();
        listing
    }
    /// Keeps the rows whose first value matches.
    fn matching(mut self, pattern: Option<&Pattern>) -> Listing {
        if let Some(p) = pattern {
            self.rows.retain(|row| matches!(row.first(), Some(Value::Text(t)) if p.matches(t)));
        }
        self
    }
    /// The rows as a node of a job.
    pub(crate) fn into_node(self, graph: &mut JobGraph) -> (usize, Vec<Column>) {
        let node = graph.add("values", NodeSpec::Values(self.rows), Vec::new(), self.columns.clone());
        (node, self.columns)
    }
}

impl Pattern {
    /// SQL's LIKE: `%` is any text, `_` any character.
    fn matches(&self, text: &str) -> bool {
        fn like(pattern: &[char], text: &[char]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some(('%', rest)) => (0..=text.len()).any(|skip| like(rest, &text[skip..])),
                Some((c, rest)) => text.split_first().is_some_and(|(t, more)| (*c == '_' || c == t) && like(rest, more)),
            }
        }
        let fold = |s: &str| if self.ignores_case { s.to_lowercase() } else { s.to_string() };
        let (pattern, text): (Vec<char>, Vec<char>) = (fold(&self.pattern).chars().collect(), fold(text).chars().collect());
        like(&pattern, &text) != self.not
    }
}

pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A name as one writes it: quoted if it must be, or may have to.
pub(crate) fn name_written(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_word = !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    let is_keyword = sqlparser::keywords::ALL_KEYWORDS.binary_search(&name.to_uppercase().as_str()).is_ok();
    if is_word && !is_keyword { name.to_string() } else { quoted(name) }
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// An expression with all names quoted.
pub(crate) fn expression(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let quote = |i: &mut Ident| i.quote_style = Some('`');
    let _: ControlFlow<()> = visit_expressions_mut(&mut expr, |e| {
        match e {
            Expr::Identifier(i) => quote(i),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(quote),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    expr.to_string()
}

/// An option's value, if it may be shown.
fn shown(option: &TableOption) -> String {
    shown_value(&option.key, &option.value)
}

fn shown_value(key: &str, value: &str) -> String {
    if holds_secret(key, value) { "******".to_string() } else { value.to_string() }
}

/// A query whose tables have their hints behind them when it is written.
fn with_hints(query: &Query, hints: &Hints) -> Query {
    let mut query = query.clone();
    let _: ControlFlow<()> = visit_relations_mut(&mut query, |table| {
        if let Some(ObjectNamePart::Identifier(name)) = table.0.last_mut()
            && let Some(hint) = hints.behind(span_of(name.span).end)
        {
            let options: Vec<String> = hint.options.iter().map(|o| format!("{} = {}", text(&o.key), text(&shown(o)))).collect();
            // A name without quotes is written as it is.
            *name = Ident::new(format!("{name} /*+ OPTIONS({}) */", options.join(", ")));
        }
        ControlFlow::Continue(())
    });
    query
}

/// The answer to a SHOW or DESCRIBE; `columns_of` gives a view's columns.
pub(crate) fn show(
    what: &Show,
    pattern: Option<&Pattern>,
    catalog: &Catalog<'_>,
    hints: &Hints,
    columns_of: impl Fn(&ObjectPath) -> Result<Vec<Column>>,
) -> Result<Answer> {
    let here = &catalog.current;
    let listing = match what {
        Show::Tables(database) => Listing::of("table name", catalog.tables(database.as_ref())?),
        Show::Views(database) => Listing::of("view name", catalog.views(database.as_ref())?),
        Show::Catalogs => Listing::of("catalog name", catalog.catalogs()),
        Show::Databases(of) => Listing::of("database name", catalog.databases(of.as_ref())?),
        Show::CurrentCatalog => Listing::of("current catalog name", [here.catalog.clone()]),
        Show::CurrentDatabase => Listing::of("current database name", [here.database.clone()]),
        Show::Functions => {
            // Operators are functions, too, that nobody calls by name.
            let called = |f: &&Function| f.usage.starts_with(&format!("{}(", f.name.to_uppercase()));
            let scalars = millstream_functions::functions().filter(called).map(|f| f.name);
            let mut names: Vec<String> = scalars.chain(NAMES.iter().copied()).map(str::to_string).collect();
            names.sort();
            names.dedup();
            Listing::of("function name", names)
        }
        Show::Columns(path) => match catalog.get(path, here)? {
            Entry::Table(table) => columns(&table),
            Entry::View(view) => {
                let mut names = vec!["name", "type", "null", "key", "extras", "watermark"];
                let commented = view.create.column_comments.iter().any(Option::is_some);
                if commented {
                    names.push("comment");
                }
                let mut listing = Listing::new(&names);
                for (i, column) in columns_of(path)?.into_iter().enumerate() {
                    let (name, ty, null) = (column.name, column.ty.ty.to_string(), column.ty.nullable);
                    let none = || Value::Null;
                    let mut row = vec![Value::Text(name), Value::Text(ty), Value::Boolean(null), none(), none(), none()];
                    if commented {
                        row.push(or_null(view.create.comment_of(i).cloned()));
                    }
                    listing.rows.push(row);
                }
                listing
            }
        },
        Show::Catalog { name, extended } => {
            let (name, comment, options) = catalog.described(name)?;
            let mut rows = vec![
                ("name".to_string(), Some(name.to_string())),
                ("type".to_string(), options.get("type").cloned()),
                ("comment".to_string(), comment.cloned()),
            ];
            let others = options.iter().filter(|(key, _)| *extended && *key != "type");
            rows.extend(others.map(|(key, value)| (format!("option:{key}"), Some(shown_value(key, value)))));
            let mut listing = Listing::new(&["info name", "info value"]);
            listing.rows = rows.into_iter().map(|(name, value)| vec![Value::Text(name), or_null(value)]).collect();
            listing
        }
        Show::CreateCatalog(name) => {
            let (name, comment, options) = catalog.described(name)?;
            let about = comment.map_or(String::new(), |c| format!("COMMENT {}\n", text(c)));
            let options: Vec<String> = options.iter().map(|(k, v)| format!("  {} = {}", text(k), text(&shown_value(k, v)))).collect();
            let name = quoted(name);
            return Ok(Answer::Statement(format!("CREATE CATALOG {name}\n{about}WITH (\n{}\n)\n", options.join(",\n"))));
        }
        Show::CreateTable(path) => {
            return match catalog.get(path, here)? {
                Entry::Table(table) => {
                    let name = whole(&catalog.resolve(path, here)?);
                    Ok(Answer::Statement(create_table(&name, table.definition(), shown)))
                }
                Entry::View(_) => Err(is_a(path, "view", "use SHOW CREATE VIEW")),
            };
        }
        Show::CreateView(path) => {
            return match catalog.get(path, here)? {
                Entry::View(view) => {
                    let columns: Vec<String> = columns_of(path)?.into_iter().map(|c| c.name).collect();
                    let name = whole(&catalog.resolve(path, here)?);
                    // Places of stored views are those of their own texts, in which there are no hints.
                    let in_file = view.location.is_none();
                    let query = if in_file {
                        &with_hints(&view.create.query, hints)
                    } else {
                        &view.create.query
                    };
                    Ok(Answer::Statement(create_view(&name, &columns, &view.create, query)))
                }
                Entry::Table(_) => Err(is_a(path, "table", "use SHOW CREATE TABLE")),
            };
        }
    };
    Ok(Answer::Listing(listing.matching(pattern)))
}

fn or_null(value: Option<String>) -> Value {
    value.map_or(Value::Null, Value::Text)
}

fn whole(name: &FullName) -> String {
    format!("{}.{}.{}", quoted(&name.catalog), quoted(&name.database), quoted(&name.name))
}

fn columns(table: &Table) -> Listing {
    let definition = table.definition();
    let commented = definition.columns.iter().any(|c| c.comment.is_some());
    let mut names = vec!["name", "type", "null", "key", "extras", "watermark"];
    if commented {
        names.push("comment");
    }
    let mut listing = Listing::new(&names);
    let key: Vec<&str> = definition.primary_key.iter().map(|(n, _)| n.as_str()).collect();
    for (column, declared) in table.columns().zip(&definition.columns) {
        let watermark = definition.watermark.as_ref().filter(|w| w.column == column.name);
        let mut ty = column.ty.ty.to_string();
        if watermark.is_some() {
            ty += " *ROWTIME*";
        } else if table.is_proctime(&column.name) {
            ty += " *PROCTIME*";
        }
        let extras = match &declared.kind {
            ColumnDefKind::Physical(_) => None,
            ColumnDefKind::Computed(e) => Some(format!("AS {}", expression(e))),
            ColumnDefKind::Metadata { key, is_virtual, .. } => Some(metadata(key.as_deref(), *is_virtual)),
        };
        let mut row = vec![
            Value::Text(column.name.clone()),
            Value::Text(ty),
            Value::Boolean(column.ty.nullable),
            or_null(key.contains(&column.name.as_str()).then(|| format!("PRI({})", key.join(", ")))),
            or_null(extras),
            or_null(watermark.map(|w| w.text())),
        ];
        if commented {
            row.push(or_null(declared.comment.clone()));
        }
        listing.rows.push(row);
    }
    listing
}

fn metadata(key: Option<&str>, is_virtual: bool) -> String {
    let from = key.map_or(String::new(), |k| format!(" FROM {}", text(k)));
    format!("METADATA{from}{}", if is_virtual { " VIRTUAL" } else { "" })
}

/// The statement that makes a view again; `name` is quoted.
pub(crate) fn create_view(name: &str, columns: &[String], view: &CreateView, query: &Query) -> String {
    let comment = |c: Option<&String>| c.map_or(String::new(), |c| format!(" COMMENT {}", text(c)));
    let column = |(i, c): (usize, &String)| format!("  {}{}", quoted(c), comment(view.comment_of(i)));
    let list: Vec<String> = columns.iter().enumerate().map(column).collect();
    let list = match list.is_empty() {
        true => String::new(),
        false => format!(" (\n{}\n)", list.join(",\n")),
    };
    format!("CREATE VIEW {name}{list}{}\nAS {query}\n", comment(view.comment.as_ref()))
}

/// The statement that makes a table again; `name` is quoted, `value` gives what is shown of an option.
pub(crate) fn create_table(name: &str, table: &CreateTable, value: impl Fn(&TableOption) -> String) -> String {
    let comment = |c: &Option<String>| c.as_ref().map_or(String::new(), |c| format!(" COMMENT {}", text(c)));
    let mut elements: Vec<String> = Vec::new();
    for c in &table.columns {
        let kind = match &c.kind {
            ColumnDefKind::Physical(ty) => ty.serialized(),
            ColumnDefKind::Computed(e) => format!("AS {}", expression(e)),
            ColumnDefKind::Metadata { ty, key, is_virtual } => format!("{} {}", ty.serialized(), metadata(key.as_deref(), *is_virtual)),
        };
        elements.push(format!("{} {kind}{}", quoted(&c.name), comment(&c.comment)));
    }
    if let Some(w) = &table.watermark {
        elements.push(format!("WATERMARK FOR {} AS {}", quoted(&w.column), w.text()));
    }
    let list = |names: &[(String, millstream_dataflow::Span)]| names.iter().map(|(n, _)| quoted(n)).collect::<Vec<_>>().join(", ");
    if !table.primary_key.is_empty() {
        let constraint = quoted(&table.key_name);
        elements.push(format!("CONSTRAINT {constraint} PRIMARY KEY ({}) NOT ENFORCED", list(&table.primary_key)));
    }
    let mut options: Vec<String> = table.options.iter().map(|o| format!("  {} = {}", text(&o.key), text(&value(o)))).collect();
    options.sort();
    let about = table.comment.as_ref().map_or(String::new(), |c| format!("COMMENT {}\n", text(c)));
    let partitions = if table.partition_keys.is_empty() {
        String::new()
    } else {
        format!("PARTITIONED BY ({})\n", list(&table.partition_keys))
    };
    // A base of others may have none.
    let with = if options.is_empty() {
        String::new()
    } else {
        format!("WITH (\n{}\n)\n", options.join(",\n"))
    };
    let temporary = if table.temporary { "TEMPORARY " } else { "" };
    format!("CREATE {temporary}TABLE {name} (\n  {}\n)\n{about}{partitions}{with}", elements.join(",\n  "))
}
