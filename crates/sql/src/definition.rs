//! How a declaration becomes another one: LIKE, ALTER TABLE, AS SELECT, hints.

use crate::parse::{Change, ColumnDef, ColumnDefKind, CreateTable, Elements, Like, Merge, Place, TableOption, WatermarkDef};
use crate::show::name_written;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span};
use sqlparser::ast::{Expr, visit_expressions};
use std::ops::ControlFlow;

impl CreateTable {
    /// The declaration with what a LIKE takes over of another table, whose columns come first.
    ///
    /// # Errors
    /// What both have and is not said to be overwritten.
    pub(crate) fn with_like(&self, like: &Like, source: &CreateTable) -> Result<CreateTable> {
        let both = |what: String, feature: &str, overwriting: bool, span: Span| {
            let or = if overwriting { format!(" or OVERWRITING {feature}") } else { String::new() };
            Error::sql(format!("both \"{}\" and \"{}\" have {what}", self.name, like.source))
                .code("E0211")
                .hint(format!("LIKE {} (EXCLUDING {feature}{or})", like.source))
                .span(span)
        };
        let mut own = self.columns.clone();
        let mut columns = Vec::new();
        for column in &source.columns {
            let (merge, feature) = match &column.kind {
                ColumnDefKind::Physical(_) => (Merge::Including, ""),
                ColumnDefKind::Computed(_) => (like.generated, "GENERATED"),
                ColumnDefKind::Metadata { .. } => (like.metadata, "METADATA"),
            };
            let same = own.iter().position(|c| c.name == column.name);
            match (merge, same) {
                (Merge::Excluding, _) => {}
                (Merge::Overwriting, Some(i)) if std::mem::discriminant(&own[i].kind) == std::mem::discriminant(&column.kind) => columns.push(own.remove(i)),
                (_, None) => columns.push(column.clone()),
                (_, Some(i)) if feature.is_empty() => {
                    let e = Error::sql(format!("column \"{}\" is one of \"{}\", too", column.name, like.source));
                    return Err(e.code("E0211").hint("the columns of the other table are all taken over").span(own[i].span));
                }
                (_, Some(i)) => return Err(both(format!("a column \"{}\"", column.name), feature, true, own[i].span)),
            }
        }
        columns.extend(own);
        let watermark = match (like.watermarks, &self.watermark, &source.watermark) {
            (Merge::Including, Some(own), Some(_)) => return Err(both("a watermark".into(), "WATERMARKS", true, own.column_span)),
            (Merge::Including | Merge::Overwriting, None, theirs) => theirs.clone(),
            (_, own, _) => own.clone(),
        };
        let own_key = like.constraints == Merge::Excluding || !self.primary_key.is_empty();
        let keys = |merge: Merge, own: &Vec<(String, Span)>, theirs: &Vec<(String, Span)>, what: &str, feature: &str| {
            Ok(match (merge, own.first()) {
                (Merge::Excluding, _) => own.clone(),
                (_, Some((_, span))) if !theirs.is_empty() => return Err(both(what.to_string(), feature, false, *span)),
                (_, Some(_)) => own.clone(),
                (_, None) => theirs.clone(),
            })
        };
        let mut options = if like.options == Merge::Excluding {
            Vec::new()
        } else {
            source.options.clone()
        };
        for option in &self.options {
            if like.options == Merge::Including && options.iter().any(|o| o.key == option.key) {
                return Err(both(format!("the option '{}'", option.key), "OPTIONS", true, option.span));
            }
            set(&mut options, option);
        }
        // What is wrong with an option of the other table is found where that is made.
        Ok(CreateTable {
            columns,
            watermark,
            key_name: if own_key { self.key_name.clone() } else { source.key_name.clone() },
            primary_key: keys(like.constraints, &self.primary_key, &source.primary_key, "a primary key", "CONSTRAINTS")?,
            partition_keys: keys(like.partitions, &self.partition_keys, &source.partition_keys, "partition keys", "PARTITIONS")?,
            options,
            like: None,
            ..self.clone()
        })
    }

    /// The declaration with the options of a hint.
    pub(crate) fn with_options(&self, options: &[TableOption]) -> CreateTable {
        let mut changed = self.clone();
        options.iter().for_each(|o| set(&mut changed.options, o));
        changed
    }

    /// The declaration after an ALTER TABLE; a new name is none of its business.
    ///
    /// # Errors
    /// What is not there to be changed, is there already, or is needed by something else.
    pub(crate) fn altered(&self, change: &Change) -> Result<CreateTable> {
        let mut table = self.clone();
        match change {
            Change::Add(elements) => table.add(elements)?,
            Change::Modify(elements) => table.modify(elements)?,
            Change::DropColumns(names) => {
                for (name, span) in names {
                    let at = table.place(name, *span)?;
                    table.columns.remove(at);
                    table.unneeded(name, *span, "dropped")?;
                }
            }
            Change::DropPrimaryKey(span) => table.drop_key(*span)?,
            Change::DropConstraint(name, span) if *name == table.key_name => table.drop_key(*span)?,
            Change::DropConstraint(name, span) => {
                let e = Error::sql(format!("the table has no constraint \"{name}\" to drop")).code("E0202").span(*span);
                return Err(match table.key_name.as_str() {
                    "" => e,
                    there => e.hint(format!("there is {}", name_written(there))),
                });
            }
            Change::DropWatermark(span) => {
                if table.watermark.take().is_none() {
                    return Err(nothing("watermark to drop", *span));
                }
            }
            Change::RenameColumn((from, span), (to, to_span)) => {
                let at = table.place(from, *span)?;
                if table.columns.iter().any(|c| c.name == *to) {
                    return Err(table.there(to, *to_span));
                }
                table.columns[at].name.clone_from(to);
                for (name, _) in table.primary_key.iter_mut().chain(&mut table.partition_keys) {
                    if name == from {
                        name.clone_from(to);
                    }
                }
                table.unneeded(from, *span, "renamed")?;
            }
            Change::RenameTable(_) => {}
            Change::Set(options) => options.iter().for_each(|o| set(&mut table.options, o)),
            Change::Reset(keys) => {
                for (key, span) in keys {
                    if key == "connector" {
                        return Err(Error::config("the option 'connector' cannot be reset").code("E0503").span(*span));
                    }
                    table.options.retain(|o| o.key != *key);
                }
            }
        }
        Ok(table)
    }

    fn add(&mut self, elements: &Elements) -> Result<()> {
        for (column, place) in &elements.columns {
            if self.columns.iter().any(|c| c.name == column.name) {
                return Err(self.there(&column.name, column.span));
            }
            let at = self.target(place, self.columns.len())?;
            self.columns.insert(at, column.clone());
        }
        if let Some(watermark) = &elements.watermark {
            if self.watermark.is_some() {
                return Err(already("a watermark", watermark.column_span));
            }
            self.watermark = Some(watermark.clone());
        }
        if let Some((_, span)) = elements.primary_key.first() {
            if !self.primary_key.is_empty() {
                return Err(already("a primary key", *span));
            }
            self.set_key(elements);
        }
        Ok(())
    }

    fn set_key(&mut self, elements: &Elements) {
        self.primary_key.clone_from(&elements.primary_key);
        self.key_name.clone_from(&elements.key_name);
    }

    fn drop_key(&mut self, span: Span) -> Result<()> {
        if self.primary_key.is_empty() {
            return Err(nothing("primary key to drop", span));
        }
        self.primary_key.clear();
        self.key_name.clear();
        Ok(())
    }

    fn modify(&mut self, elements: &Elements) -> Result<()> {
        for (column, place) in &elements.columns {
            let at = self.place(&column.name, column.span)?;
            let before = self.columns.remove(at);
            let changed = ColumnDef {
                comment: column.comment.clone().or(before.comment),
                ..column.clone()
            };
            let at = self.target(place, at)?;
            self.columns.insert(at, changed);
        }
        if let Some(watermark) = &elements.watermark {
            if self.watermark.is_none() {
                return Err(nothing("watermark to modify", watermark.column_span).hint("use ADD"));
            }
            self.watermark = Some(watermark.clone());
        }
        if let Some((_, span)) = elements.primary_key.first() {
            if self.primary_key.is_empty() {
                return Err(nothing("primary key to modify", *span).hint("use ADD"));
            }
            self.set_key(elements);
        }
        Ok(())
    }

    fn target(&self, place: &Place, unsaid: usize) -> Result<usize> {
        Ok(match place {
            Place::Unsaid => unsaid,
            Place::First => 0,
            Place::After(name, span) => self.place(name, *span)? + 1,
        })
    }

    fn place(&self, name: &str, span: Span) -> Result<usize> {
        let found = self.columns.iter().position(|c| c.name == name);
        found.ok_or_else(|| {
            let e = Error::sql(format!("column \"{name}\" does not exist")).code("E0202").span(span);
            match nearest(name, self.columns.iter().map(|c| c.name.as_str())) {
                Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
                None => e,
            }
        })
    }

    fn there(&self, name: &str, span: Span) -> Error {
        Error::sql(format!("column \"{name}\" exists already")).code("E0209").span(span)
    }

    /// That nothing names a column that is no more.
    fn unneeded(&self, name: &str, span: Span, verb: &str) -> Result<()> {
        let listed = |list: &[(String, Span)]| list.iter().any(|(n, _)| n == name);
        let needed = if listed(&self.primary_key) {
            "the primary key".to_string()
        } else if listed(&self.partition_keys) {
            "PARTITIONED BY".to_string()
        } else if self.watermark.as_ref().is_some_and(|w| w.column == name || names(&w.expr, name)) {
            "the watermark".to_string()
        } else {
            let computed = |c: &&ColumnDef| matches!(&c.kind, ColumnDefKind::Computed(e) if names(e, name));
            match self.columns.iter().find(computed) {
                Some(c) => format!("the computed column \"{}\"", c.name),
                None => return Ok(()),
            }
        };
        Err(Error::sql(format!("column \"{name}\" cannot be {verb}: {needed} names it"))
            .code("E0212")
            .hint("change that first")
            .span(span))
    }

    /// The declaration of `AS SELECT`: the columns that are declared, then those of the query that are not; or the query's as they are listed.
    ///
    /// # Errors
    /// A list that has not the query's columns.
    pub(crate) fn with_columns_of(&self, query: Vec<ColumnDef>) -> Result<CreateTable> {
        let mut table = self.clone();
        table.query = None;
        if !self.order.is_empty() {
            table.order.clear();
            table.columns = self.ordered(query)?;
            return Ok(table);
        }
        for column in query {
            if table.columns.iter().all(|c| c.name != column.name) {
                table.columns.push(column);
            }
        }
        Ok(table)
    }

    /// The query's columns in the order of the list, which names each once.
    fn ordered(&self, mut query: Vec<ColumnDef>) -> Result<Vec<ColumnDef>> {
        let given: Vec<String> = query.iter().map(|c| c.name.clone()).collect();
        let mut ordered = Vec::new();
        for (name, span) in &self.order {
            match query.iter().position(|c| c.name == *name) {
                Some(at) => ordered.push(ColumnDef {
                    span: *span,
                    ..query.remove(at)
                }),
                None if given.contains(name) => return Err(Error::sql(format!("column \"{name}\" is listed twice")).code("E0209").span(*span)),
                None => {
                    let e = Error::sql(format!("the query gives no column \"{name}\"")).code("E0202").span(*span);
                    return Err(match nearest(name, given.iter().map(String::as_str)) {
                        Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
                        None => e.hint(format!("it gives {}", given.join(", "))),
                    });
                }
            }
        }
        match (query.first(), self.order.last()) {
            (Some(left), Some((_, span))) => {
                let e = Error::sql(format!("the list leaves out the query's column \"{}\"", left.name));
                Err(e.code("E0305").hint("list all of them, or none").span(*span))
            }
            _ => Ok(ordered),
        }
    }
}

fn already(what: &str, span: Span) -> Error {
    Error::sql(format!("the table has {what} already"))
        .code("E0211")
        .hint("use MODIFY, or drop it first")
        .span(span)
}

fn nothing(what: &str, span: Span) -> Error {
    Error::sql(format!("the table has no {what}")).code("E0202").span(span)
}

fn set(options: &mut Vec<TableOption>, option: &TableOption) {
    match options.iter_mut().find(|o| o.key == option.key) {
        Some(same) => same.clone_from(option),
        None => options.push(option.clone()),
    }
}

/// Whether an expression names a column.
fn names(expr: &Expr, column: &str) -> bool {
    let found = visit_expressions(expr, |e| {
        let first = match e {
            Expr::Identifier(i) => Some(i),
            Expr::CompoundIdentifier(parts) => parts.first(),
            Expr::CompoundFieldAccess { root, .. } => match root.as_ref() {
                Expr::Identifier(i) => Some(i),
                _ => None,
            },
            _ => None,
        };
        match first {
            Some(i) if i.value == column => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

impl WatermarkDef {
    /// The delay's expression as text.
    pub(crate) fn text(&self) -> String {
        crate::show::expression(&self.expr)
    }
}
