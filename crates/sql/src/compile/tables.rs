//! CREATE TABLE and ALTER.

use super::Text;
use crate::catalog::{Entry, is_a};
use crate::graph::JobGraph;
use crate::lint;
use crate::parse::{Alter, Change, ColumnDef, ColumnDefKind, CreateTable, Insert, ObjectPath};
use crate::table::Table;
use millstream_dataflow::Error;
use std::sync::Arc;

impl Text<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<(), Vec<Error>> {
        if create.if_not_exists && self.catalog.has(&create.name) {
            return Ok(());
        }
        let name = self.catalog.resolve(&create.name, &self.catalog.current).map_err(Error::apart)?.short();
        let mut whole = create.clone();
        if let Some(like) = &create.like {
            let Entry::Table(source) = self.catalog.get(&like.source, &self.catalog.current).map_err(Error::apart)? else {
                return Err(vec![is_a(&like.source, "view", "LIKE takes a table; AS SELECT takes a view's columns")]);
            };
            self.unserved.remove(source.name());
            whole = create.with_like(like, source.definition()).map_err(Error::apart)?;
        }
        let Some(query) = &create.query else {
            let table = self.table(&whole, name)?;
            if table.connector().is_none() {
                self.unserved.insert(table.name().to_string(), create.name.span);
            }
            return self.catalog.add(&create.name, Entry::Table(Arc::new(table)), false).map_err(Error::apart);
        };
        let mut scratch = JobGraph::default();
        scratch.begin("query");
        let relation = self.bind(query, &mut scratch).map_err(Error::apart)?;
        if let Some(refused) = scratch.refused.take() {
            return Err(vec![refused]);
        }
        let columns: Vec<ColumnDef> = relation
            .columns
            .iter()
            .map(|c| ColumnDef {
                name: c.name.clone(),
                span: create.name.span,
                kind: ColumnDefKind::Physical(c.ty.clone()),
                comment: None,
                is_unknown: false,
            })
            .collect();
        let insert = Insert {
            table: create.name.clone(),
            columns: columns.iter().map(|c| (c.name.clone(), create.name.span)).collect(),
            query: query.clone(),
            span: create.name.span,
        };
        let whole = whole.with_columns_of(columns).map_err(Error::apart)?;
        let table = self.table(&whole, name)?;
        self.catalog.add(&create.name, Entry::Table(Arc::new(table)), false).map_err(Error::apart)?;
        self.insert(&insert).map_err(Error::apart)
    }

    /// The table of a declaration. One that is wrong is remembered for its columns: what is wrong with the statements over it is told, too.
    fn table(&mut self, create: &CreateTable, name: String) -> Result<Table, Vec<Error>> {
        let mut table = Table::read(create, name, self.options.registry).map_err(|wrong| {
            if let Some(half) = wrong.half {
                self.catalog.add_half(&create.name, *half);
            }
            wrong.errors
        })?;
        self.findings.extend(lint::table(create));
        let zone_is_set = self.zone_is_set();
        let told = std::mem::take(&mut table.findings).into_iter();
        self.findings.extend(told.filter(|f| !zone_is_set || f.code != Some(lint::WITHOUT_ZONE)));
        Ok(table)
    }

    pub(super) fn alter(&mut self, alter: &Alter) -> Result<(), Vec<Error>> {
        let entry = match self.catalog.get(&alter.name, &self.catalog.current) {
            Err(e) if alter.if_exists && e.code == Some("E0201") => return Ok(()),
            entry => entry.map_err(Error::apart)?,
        };
        // A new name without catalog and database is one beside the old one.
        let to = match &alter.change {
            Change::RenameTable(to) => {
                let mut parts = alter.name.parts.clone();
                parts.truncate(parts.len().saturating_sub(to.parts.len()));
                parts.extend(to.parts.iter().cloned());
                Some(ObjectPath { parts, span: to.span })
            }
            _ => None,
        };
        let entry = match entry {
            Entry::View(view) if alter.view => Entry::View(view),
            Entry::Table(table) if !alter.view => {
                self.unserved.remove(table.name());
                let changed = table.definition().altered(&alter.change).map_err(Error::apart)?;
                let name = self
                    .catalog
                    .resolve(to.as_ref().unwrap_or(&alter.name), &self.catalog.current)
                    .map_err(Error::apart)?
                    .short();
                Entry::Table(Arc::new(Table::new(&changed, name, self.options.registry)?))
            }
            Entry::View(_) => return Err(vec![is_a(&alter.name, "view", "use ALTER VIEW")]),
            Entry::Table(_) => return Err(vec![is_a(&alter.name, "table", "use ALTER TABLE")]),
        };
        self.catalog.replace(&alter.name, to.as_ref(), entry).map_err(Error::apart)
    }
}
