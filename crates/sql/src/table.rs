//! Tables: what CREATE TABLE says, checked; and how they are read and written.

mod options;

use crate::alignment::alignment;
use crate::catalog::follows;
use crate::diagnostic::Diagnostic;
use crate::expression::{Binder, cast};
use crate::graph::JobGraph;
use crate::parallelism;
use crate::parse::{ColumnDefKind, CreateTable, TableOption};
use crate::query::node_columns;
use crate::relation::{Relation, ScopeColumn, find};
use crate::routes::Routes;
use crate::show::name_written;
use millstream_dataflow::option::{nearest, parse_duration};
use millstream_dataflow::{ConnectorSpec, Error, Field, FormatSpec, Registry, Result, Span, SqlType};
use millstream_functions::types::is_text;
use millstream_plan::{ARRIVAL, Alignment, Column, Expr, FutureSkew, Input, NodeSpec, RecordPolicy, Rowtime, Settings, SourceSpec, TableDef, Type, Value};
use options::{at_option, check_options};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use options::{CONNECTOR, FORMAT, VALUE_FORMAT};

/// A column of the declaration.
#[derive(Debug, Clone)]
enum Kind {
    Physical,
    /// Key of the connector, its type there, and whether a sink leaves it out.
    Metadata {
        key: String,
        from: Type,
        is_virtual: bool,
    },
    /// Over the physical and metadata columns, by their number in the declaration.
    Computed(Expr),
    /// `AS PROCTIME()`
    Arrival,
}

#[derive(Debug)]
pub(crate) struct Table {
    definition: CreateTable,
    name: String,
    columns: Vec<(Column, Kind)>,
    /// The event-time column and the watermark expression over all columns.
    rowtime: Option<(usize, Expr)>,
    primary_key: Vec<String>,
    partition_keys: Vec<String>,
    options: BTreeMap<String, String>,
    alignment: Option<Alignment>,
    pub(crate) routes: Routes,
    /// What lints say of its expressions.
    pub(crate) findings: Vec<Diagnostic>,
    /// Whether nothing is wrong with it. Otherwise only its columns can be relied upon.
    is_whole: bool,
    /// And of those not these, which are declared wrongly.
    unknown: BTreeSet<String>,
}

/// What is wrong with a declaration.
pub(crate) struct WrongTable {
    pub(crate) errors: Vec<Error>,
    /// The table, if the names of its columns are right.
    pub(crate) half: Option<Box<Table>>,
}

impl Table {
    /// Checks a declaration: all that is wrong with it, each with its place.
    ///
    /// - `name`: as messages and plans name it
    pub(crate) fn new(create: &CreateTable, name: String, registry: &dyn Registry) -> Result<Table, Vec<Error>> {
        Table::read(create, name, registry).map_err(|wrong| wrong.errors)
    }
    /// The same, with what is known of a table that something is wrong with.
    pub(crate) fn read(create: &CreateTable, name: String, registry: &dyn Registry) -> Result<Table, WrongTable> {
        let mut errors = Vec::new();
        let options: BTreeMap<String, String> = create.options.iter().map(|o| (o.key.clone(), o.value.clone())).collect();
        let connector = options.get(CONNECTOR.name).map(|c| registry.connector(c));
        errors.extend(check_options(create, &options, registry));
        let mut table = Table {
            definition: create.clone(),
            name,
            columns: Vec::new(),
            rowtime: None,
            primary_key: Vec::new(),
            partition_keys: Vec::new(),
            options,
            alignment: alignment(create, &mut errors),
            routes: Routes::new(create, &mut errors),
            findings: Vec::new(),
            is_whole: true,
            unknown: BTreeSet::new(),
        };
        let mut knows_names = true;
        for (i, c) in create.columns.iter().enumerate() {
            if let Some(first) = create.columns[..i].iter().find(|other| other.name == c.name) {
                let e = Error::sql(format!("column \"{}\" is declared twice", c.name)).code("E0209").span(c.span);
                errors.push(e.label(first.span, "here first"));
                knows_names = false;
            }
        }
        // Computed columns may name all others but themselves and each other.
        let plain: Vec<ScopeColumn> = create
            .columns
            .iter()
            .map(|c| {
                let (name, ty) = match &c.kind {
                    ColumnDefKind::Physical(ty) | ColumnDefKind::Metadata { ty, .. } => (c.name.clone(), ty.clone()),
                    // Cannot be named: the name is no identifier.
                    ColumnDefKind::Computed(_) => (String::new(), Type::new(SqlType::Null, true)),
                };
                ScopeColumn {
                    qualifier: None,
                    name,
                    ty,
                    rowtime: false,
                    proctime: false,
                    window: None,
                    is_unknown: c.is_unknown,
                }
            })
            .collect();
        for c in &create.columns {
            let bound = match &c.kind {
                ColumnDefKind::Physical(ty) => Ok((ty.clone(), Kind::Physical)),
                ColumnDefKind::Metadata { ty, key, is_virtual } => {
                    let key = key.clone().unwrap_or_else(|| c.name.clone());
                    let from = connector
                        .map_or_else(|| Ok(ty.clone()), |connector| metadata(connector, &key, c.span))
                        .and_then(|from| {
                            if !c.is_unknown && !millstream_functions::cast::can_cast(&from.ty, &ty.ty) {
                                let e = Error::sql(format!("the metadata '{key}' is {}, which cannot be cast to {}", from.ty, ty.ty));
                                return Err(e.code("E0303").span(c.span));
                            }
                            Ok(from)
                        });
                    let from = from.unwrap_or_else(|e| {
                        errors.push(e);
                        ty.clone()
                    });
                    let is_virtual = *is_virtual;
                    Ok((ty.clone(), Kind::Metadata { key, from, is_virtual }))
                }
                ColumnDefKind::Computed(e) if is_proctime(e) => Ok((Type::new(SqlType::TimestampLtz(3), false), Kind::Arrival)),
                ColumnDefKind::Computed(e) => {
                    let mut binder = Binder::new(&plain);
                    let bound = binder.bind(e);
                    table.findings.append(&mut binder.findings);
                    bound.map(|b| (b.ty, Kind::Computed(b.expr))).map_err(|e| computed_by_computed(e, create))
                }
            };
            if bound.is_err() || c.is_unknown {
                table.unknown.insert(c.name.clone());
            }
            let (ty, kind) = bound.unwrap_or_else(|e| {
                errors.extend(e.apart());
                let ty = Type::new(SqlType::Null, true);
                let nothing = Expr::Literal {
                    value: Value::Null,
                    ty: ty.clone(),
                };
                (ty, Kind::Computed(nothing))
            });
            table.columns.push((Column { name: c.name.clone(), ty }, kind));
        }
        if !knows_names {
            return Err(WrongTable { errors, half: None });
        }
        table.keys(create, &mut errors);
        if let (None, Some(skew)) = (&create.watermark, create.options.iter().find(|o| o.key == "scan.watermark.max-future-skew")) {
            let e = Error::config(format!("'{}' has no effect on a table without WATERMARK", skew.key)).code("E0502");
            errors.push(e.span(skew.span));
        }
        if let Some(watermark) = &create.watermark {
            match table.watermark(watermark) {
                Ok(rowtime) => table.rowtime = Some(rowtime),
                Err(e) => errors.extend(e.apart()),
            }
        }
        // What options get wrong together is told once the columns are known.
        let knows_columns = table.unknown.is_empty();
        if errors.is_empty() && knows_columns && connector.is_some() {
            errors.extend(registry.check(&table.delivered(|_| true).spec()).into_iter().map(|e| at_option(create, e)));
        }
        if errors.is_empty() && knows_columns {
            return Ok(table);
        }
        table.is_whole = false;
        let half = Some(Box::new(table));
        Err(WrongTable { errors, half })
    }

    /// See the field.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }
    /// As messages and plans name it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
    /// What it was made of.
    pub(crate) fn definition(&self) -> &CreateTable {
        &self.definition
    }
    /// Its connector; without one it can only be a base of others.
    pub(crate) fn connector(&self) -> Option<&str> {
        self.options.get(CONNECTOR.name).map(String::as_str)
    }
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|(c, _)| c)
    }
    /// Whether a column is when rows arrive.
    pub(crate) fn is_proctime(&self, name: &str) -> bool {
        self.columns.iter().any(|(c, k)| c.name == name && matches!(k, Kind::Arrival))
    }
    /// The table with the options of a hint.
    pub(crate) fn with_options(&self, options: &[TableOption], registry: &dyn Registry) -> Result<Table, Vec<Error>> {
        Table::new(&self.definition.with_options(options), self.name.clone(), registry)
    }

    fn keys(&mut self, create: &CreateTable, errors: &mut Vec<Error>) {
        for (list, target) in [(&create.primary_key, &mut self.primary_key), (&create.partition_keys, &mut self.partition_keys)] {
            for (name, span) in list {
                if self.columns.iter().any(|(c, k)| c.name == *name && matches!(k, Kind::Physical)) {
                    target.push(name.clone());
                } else {
                    let e = Error::sql(format!("\"{name}\" is no physical column of the table")).code("E0202").span(*span);
                    let physical = self.columns.iter().filter(|(_, k)| matches!(k, Kind::Physical));
                    errors.push(match nearest(name, physical.map(|(c, _)| c.name.as_str())) {
                        Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
                        None => e,
                    });
                }
            }
        }
        for (column, _) in &mut self.columns {
            column.ty.nullable &= !self.primary_key.contains(&column.name);
        }
        // They stay NOT NULL in what is made of the table without its key.
        for column in &mut self.definition.columns {
            if let ColumnDefKind::Physical(ty) = &mut column.kind {
                ty.nullable &= !self.primary_key.contains(&column.name);
            }
        }
    }

    fn watermark(&self, w: &crate::parse::WatermarkDef) -> Result<(usize, Expr)> {
        let scope = self.scope();
        let index = find(&scope, None, &w.column, w.column_span)?;
        let ty = &scope[index].ty.ty;
        if matches!(self.columns[index].1, Kind::Arrival) {
            return Err(Error::sql(format!("\"{}\" is processing time, which has no watermark", w.column))
                .code("E0410")
                .hint("leave it out: windows over the column follow the clock")
                .span(w.column_span));
        }
        if !ty.is_time_attribute() {
            return Err(Error::sql(format!(
                "the event time \"{}\" is {ty}, it must be TIMESTAMP(3) or TIMESTAMP_LTZ(3) at most",
                w.column
            ))
            .code("E0410")
            .hint(match ty {
                ty if ty.is_integer() => format!("compute one, here of milliseconds: event_time AS TO_TIMESTAMP_LTZ({}, 3)", w.column),
                ty if is_text(ty) => format!("compute one: event_time AS TO_TIMESTAMP({})", w.column),
                _ => "declare it with a precision of up to 3".to_string(),
            })
            .span(w.column_span));
        }
        let bound = Binder::new(&scope).bind(&w.expr)?;
        if !bound.ty.ty.is_time_attribute() || matches!(bound.ty.ty, SqlType::Timestamp(_)) != matches!(ty, SqlType::Timestamp(_)) {
            return Err(Error::sql(format!("the watermark is {}, the event time {ty}", bound.ty.ty))
                .code("E0410")
                .hint(format!("as in WATERMARK FOR {0} AS {0} - INTERVAL '5' SECOND", w.column))
                .span(w.column_span));
        }
        Ok((index, bound.expr))
    }

    fn scope(&self) -> Vec<ScopeColumn> {
        self.columns
            .iter()
            .map(|(c, _)| ScopeColumn {
                qualifier: None,
                name: c.name.clone(),
                ty: c.ty.clone(),
                rowtime: false,
                proctime: false,
                window: None,
                is_unknown: self.unknown.contains(&c.name),
            })
            .collect()
    }

    /// The table as connectors see it, with the columns that a filter takes.
    fn delivered(&self, take: impl Fn(&Kind) -> bool) -> TableDef {
        let columns = self.columns.iter().filter(|(_, k)| take(k)).filter_map(|(c, k)| match k {
            Kind::Physical => Some((c.clone(), None)),
            Kind::Metadata { key, from, .. } => Some((
                Column {
                    name: c.name.clone(),
                    ty: from.clone(),
                },
                Some(key.clone()),
            )),
            Kind::Arrival => Some((c.clone(), Some(ARRIVAL.to_string()))),
            Kind::Computed(_) => None,
        });
        TableDef {
            name: self.name.clone(),
            columns: columns.collect(),
            physical: self
                .columns
                .iter()
                .filter(|(_, k)| matches!(k, Kind::Physical))
                .map(|(c, _)| c.clone())
                .collect(),
            partition_keys: self.partition_keys.clone(),
            primary_key: self.primary_key.clone(),
            options: self.options.clone(),
        }
    }

    /// Reads the table. All statements of a job share one source.
    ///
    /// - `processing_time`: windows are cut on when rows arrive
    pub(crate) fn scan(&self, registry: &dyn Registry, settings: &Settings, graph: &mut JobGraph, span: Span, processing_time: bool) -> Result<Relation> {
        if !self.is_whole {
            return Ok(self.scan_half(graph));
        }
        let connector = self.needed_connector(span)?;
        if !registry.connector(connector).is_some_and(|c| c.source) {
            return Err(
                Error::sql(format!("table \"{}\" cannot be read: the connector '{connector}' is a sink only", self.name))
                    .code("E0510")
                    .hint(format!("these can be read: {}", those(registry, |c| c.source)))
                    .span(span),
            );
        }
        // Where each declared column stands in the table the connector delivers.
        let mut places = Vec::new();
        let mut next = 0;
        for (_, kind) in &self.columns {
            let delivered = !matches!(kind, Kind::Computed(_));
            places.push(delivered.then_some(next));
            next += usize::from(delivered);
        }
        let move_to = |e: &Expr| moved(e, &places);
        let columns: Vec<Expr> = self
            .columns
            .iter()
            .zip(&places)
            .map(|((c, kind), place)| match (kind, place) {
                (Kind::Computed(e), _) => move_to(e),
                (Kind::Metadata { from, .. }, Some(p)) => {
                    cast(
                        crate::relation::Bound {
                            expr: Expr::Column(*p),
                            ty: from.clone(),
                        },
                        c.ty.clone(),
                    )
                    .expr
                }
                (_, p) => Expr::Column(p.unwrap_or_default()),
            })
            .collect();
        let idle_timeout = match self.options.get("scan.watermark.idle-timeout").and_then(|t| parse_duration(t)) {
            Some(own) => Some(own).filter(|d| !d.is_zero()),
            None => settings.idle_timeout,
        };
        let arrives = self.columns.iter().any(|(_, k)| matches!(k, Kind::Arrival));
        let processing_time = processing_time && arrives;
        let rowtime = self.rowtime.as_ref().filter(|_| !processing_time);
        let spec = SourceSpec {
            table: self.delivered(|_| true),
            columns,
            rowtime: rowtime.map(|(column, watermark)| Rowtime {
                column: *column,
                watermark: watermark.clone(),
                max_future_skew: self.max_future_skew(*column, settings),
                alignment: self.alignment.clone(),
            }),
            processing_time,
            idle_timeout_ms: idle_timeout.map(|d| d.as_millis() as u64),
            on_error: self.record_policy(),
            skips: self.format(registry).is_some_and(|f| f.skips),
            tests: Vec::new(),
            changes: self.format(registry).is_some_and(|f| f.changes),
            route_late: self.routes.late.is_some(),
        };
        let output: Vec<Column> = self.columns.iter().map(|(c, _)| c.clone()).collect();
        let parallelism = parallelism::of_source(&spec.table, spec.changes).map_err(|e| at_option(&self.definition, e).label(span, "read here"))?;
        let node = graph.source(&self.name, spec, output, parallelism);
        let mut scope = self.scope();
        for (column, (_, kind)) in scope.iter_mut().zip(&self.columns) {
            column.proctime = matches!(kind, Kind::Arrival);
            column.rowtime = column.proctime && processing_time;
        }
        if let Some((column, _)) = rowtime {
            scope[*column].rowtime = true;
            // A row without event time does not get past the source.
            scope[*column].ty.nullable = self.columns[*column].0.ty.nullable;
        }
        Ok(Relation {
            node,
            columns: scope,
            pending: None,
        })
    }

    /// The columns of a table that something is wrong with, for a statement that cannot run therefore.
    fn scan_half(&self, graph: &mut JobGraph) -> Relation {
        graph.refused.get_or_insert_with(follows);
        let mut columns = self.scope();
        for (column, (_, kind)) in columns.iter_mut().zip(&self.columns) {
            column.proctime = matches!(kind, Kind::Arrival);
            let named = self.definition.watermark.as_ref().is_some_and(|w| w.column == column.name);
            column.rowtime = column.proctime || named && column.ty.ty.is_time_attribute();
        }
        let node = graph.add("values", NodeSpec::Values(Vec::new()), Vec::new(), node_columns(&columns));
        Relation { node, columns, pending: None }
    }

    /// The name of its connector.
    ///
    /// # Errors
    /// `Config` if it has none, as a table that others are made LIKE.
    fn needed_connector(&self, span: Span) -> Result<&str> {
        self.connector().ok_or_else(|| {
            let declared = self.definition.name.span;
            let e = Error::config(format!("table \"{}\" needs the option 'connector'", self.name))
                .code("E0503")
                .hint("WITH ('connector' = 'kafka', …)")
                .span(declared);
            if span == declared { e } else { e.label(span, "used here") }
        })
    }

    fn format(&self, registry: &dyn Registry) -> Option<&'static FormatSpec> {
        let name = self.options.get(VALUE_FORMAT.name).or_else(|| self.options.get(FORMAT.name))?;
        registry.format(name)
    }

    /// Whether updates and deletions can be written into the table.
    pub(crate) fn takes_changes(&self, registry: &dyn Registry) -> bool {
        let connector = registry.connector(self.options.get("connector").map_or("", String::as_str));
        connector.is_some_and(|c| c.changes) || self.format(registry).is_some_and(|f| f.changes)
    }

    fn max_future_skew(&self, rowtime: usize, settings: &Settings) -> Option<FutureSkew> {
        let skew = self.options.get("scan.watermark.max-future-skew").and_then(|t| parse_duration(t))?;
        let of_the_wall = matches!(self.columns[rowtime].0.ty.ty, SqlType::Timestamp(_));
        Some(FutureSkew {
            ms: skew.as_millis() as u64,
            zone: Some(settings.local_time_zone.clone()).filter(|zone| of_the_wall && zone != "UTC"),
        })
    }

    fn record_policy(&self) -> RecordPolicy {
        let ignores = self.options.iter().any(|(k, v)| k.ends_with(".ignore-parse-errors") && v == "true");
        match self.options.get("on-error").map(String::as_str) {
            Some("skip") => RecordPolicy::Skip,
            Some("route") => RecordPolicy::Route,
            Some(_) => RecordPolicy::Fail,
            None if ignores => RecordPolicy::Skip,
            None => RecordPolicy::Fail,
        }
    }

    /// The columns that an INSERT writes, in order, as they are declared.
    pub(crate) fn written_columns(&self) -> Vec<Column> {
        self.columns.iter().filter(|(_, kind)| written(kind)).map(|(c, _)| c.clone()).collect()
    }
    /// The same as the sink takes them: metadata has the connector's types; NULL leaves it to the connector.
    pub(crate) fn sink_columns(&self) -> Vec<Column> {
        let mut columns = self.delivered(written).columns;
        for (column, _) in &mut columns {
            let declared = self.columns.iter().find(|(c, _)| c.name == column.name);
            column.ty.nullable = declared.is_none_or(|(c, _)| c.ty.nullable);
        }
        columns.into_iter().map(|(c, _)| c).collect()
    }

    /// All that a connector may deliver.
    pub(crate) fn source_columns(&self) -> TableDef {
        self.delivered(|_| true)
    }
    /// The type of the event time, if there is one.
    pub(crate) fn event_time(&self) -> Option<&SqlType> {
        self.rowtime.as_ref().map(|(column, _)| &self.columns[*column].0.ty.ty)
    }

    /// What goes into a sink of this table, and how many subtasks that has.
    ///
    /// # Errors
    /// Those of its option `sink.parallelism`, at its place.
    pub(crate) fn sink_input(&self, sink: &TableDef, node: usize, columns: &[Column], changes: bool, span: Span) -> Result<(Vec<Input>, Option<u32>)> {
        parallelism::of_sink(sink, node, columns, changes).map_err(|e| at_option(&self.definition, e).label(span, "written here"))
    }
    /// The table as a sink.
    pub(crate) fn sink(&self, registry: &dyn Registry, span: Span) -> Result<TableDef> {
        let connector = self.needed_connector(span)?;
        let spec = registry.connector(connector);
        if !spec.is_some_and(|c| c.sink) {
            return Err(Error::sql(format!(
                "table \"{}\" cannot be written: the connector '{connector}' is a source only",
                self.name
            ))
            .code("E0510")
            .hint(format!("these can be written: {}", those(registry, |c| c.sink)))
            .span(span));
        }
        for (c, kind) in &self.columns {
            if let Kind::Metadata { key, is_virtual: false, .. } = kind
                && !spec.is_some_and(|s| s.metadata.iter().any(|m| m.key == key && m.writable))
            {
                return Err(Error::sql(format!("the metadata column \"{}\" cannot be written", c.name))
                    .code("E0511")
                    .hint("declare it VIRTUAL")
                    .span(span));
            }
            if let Kind::Metadata { key, from, is_virtual: false } = kind
                && !millstream_functions::cast::can_cast(&c.ty.ty, &from.ty)
            {
                let e = Error::sql(format!("the metadata '{key}' is {}, which {} cannot be cast to", from.ty, c.ty.ty));
                return Err(e.code("E0303").span(span));
            }
        }
        let mut sink = self.delivered(written);
        for ((column, _), written) in sink.columns.iter_mut().zip(self.sink_columns()) {
            column.ty = written.ty;
        }
        registry
            .check_sink(&sink.spec())
            .map_err(|e| at_option(&self.definition, e).label(span, "written here"))?;
        Ok(sink)
    }
}

fn those(registry: &dyn Registry, can: impl Fn(&ConnectorSpec) -> bool) -> String {
    let names = registry.connectors().iter().filter(|c| can(c)).map(|c| c.name);
    names.collect::<Vec<_>>().join(", ")
}

fn written(kind: &Kind) -> bool {
    match kind {
        Kind::Physical => true,
        Kind::Metadata { is_virtual, .. } => !is_virtual,
        Kind::Computed(_) | Kind::Arrival => false,
    }
}

/// `PROCTIME()`
fn is_proctime(e: &sqlparser::ast::Expr) -> bool {
    matches!(e, sqlparser::ast::Expr::Function(_)) && e.to_string().eq_ignore_ascii_case("PROCTIME()")
}

/// An expression over declared columns as one over delivered ones.
fn moved(expr: &Expr, places: &[Option<usize>]) -> Expr {
    let again = |e: &Expr| moved(e, places);
    match expr {
        Expr::Column(i) => Expr::Column(places[*i].unwrap_or(*i)),
        Expr::Literal { .. } => expr.clone(),
        Expr::Call { name, version, args, ty } => Expr::Call {
            name: name.clone(),
            version: *version,
            args: args.iter().map(again).collect(),
            ty: ty.clone(),
        },
        Expr::Cast { expr, from, to, safe } => Expr::Cast {
            expr: Box::new(again(expr)),
            from: from.clone(),
            to: to.clone(),
            safe: *safe,
        },
        Expr::Case { when, otherwise, ty } => Expr::Case {
            when: when.iter().map(|(c, r)| (again(c), again(r))).collect(),
            otherwise: otherwise.as_ref().map(|o| Box::new(again(o))),
            ty: ty.clone(),
        },
    }
}

/// A computed column that names another one, or itself, is told why it cannot.
fn computed_by_computed(e: Error, create: &CreateTable) -> Error {
    let named = create
        .columns
        .iter()
        .find(|c| matches!(c.kind, ColumnDefKind::Computed(_)) && e.message == format!("column \"{}\" does not exist", c.name));
    let Some(named) = named else { return e };
    let told = Error::sql(format!("\"{}\" is a computed column, which no computed column can name", named.name)).code("E0202");
    match e.span {
        Some(span) => told.span(span),
        None => told,
    }
}

fn metadata(connector: Option<&'static ConnectorSpec>, key: &str, span: Span) -> Result<Type> {
    let Some(connector) = connector else {
        return Err(follows());
    };
    let columns = connector.metadata;
    match columns.iter().find(|m| m.key == key) {
        Some(m) => {
            let field = Field::parse_type("", m.ty)?;
            Ok(Type::new(field.ty, field.nullable))
        }
        None => {
            let e = Error::sql(format!("the connector has no metadata '{key}'")).code("E0511").span(span);
            Err(match nearest(key, columns.iter().map(|m| m.key)) {
                Some(near) => e.hint(format!("did you mean '{near}'?")),
                None if columns.is_empty() => e,
                None => e.hint(format!("it has: {}", columns.iter().map(|m| m.key).collect::<Vec<_>>().join(", "))),
            })
        }
    }
}
