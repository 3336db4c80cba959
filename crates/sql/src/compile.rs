//! Statements to what runs.

mod inserts;
mod tables;

use crate::catalog::{Catalog, CreateCatalog, Entry, Names, View};
use crate::diagnostic::Diagnostic;
use crate::expression::span;
use crate::graph::JobGraph;
use crate::hints::Hints;
use crate::items::Items;
use crate::lint;
use crate::lint::Allowed;
use crate::parse::{CreateTable, CreateView, Pattern, Show, Statement, StatementKind};
use crate::places::Places;
use crate::query::{Planner, Shown, node_columns};
use crate::relation::Relation;
use crate::routes::route;
use crate::session::{OnError, Session};
use crate::show::{Answer, show};
use crate::stored::{CatalogChange, CatalogStore, no_hint};
use millstream_dataflow::{Error, Exchange, Registry, Result, Span};
use millstream_functions::Zone;
use millstream_plan::{Column, Input, Job, NodeSpec, RecordPolicy, Settings, explain};
use sqlparser::ast::Query;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What compiling needs beside the text.
pub struct CompileOptions<'a> {
    pub registry: &'a (dyn Registry + 'a),
    /// What keeps catalogs of the type `filesystem`; without it there are none.
    pub catalogs: Option<&'a dyn CatalogStore>,
    /// `-D NAME=value`
    pub variables: &'a BTreeMap<String, String>,
    /// `--set key=value`: wins over SET in the file.
    pub settings: &'a BTreeMap<String, String>,
    /// The job's name unless `pipeline.name` is set; `None`: that of the first table it writes.
    pub job_name: Option<&'a str>,
}

/// A text, ready to run.
#[derive(Debug, Default)]
pub struct Compiled {
    /// In the order of the text; the INSERTs come last, as one job.
    pub steps: Vec<Step>,
    /// What becomes of stored catalogs, before anything runs.
    pub changes: Vec<CatalogChange>,
    /// What is set at the end of the text.
    pub settings: BTreeMap<String, String>,
    /// What lints say, in the order of the text.
    pub findings: Vec<Diagnostic>,
    /// Gives errors that come later their place in the text.
    pub places: Places,
    /// What its comments allow.
    pub allowed: Allowed,
}

#[derive(Debug)]
pub enum Step {
    /// The text of EXPLAIN.
    Explain(String),
    /// The statement that makes a table or view again, of SHOW CREATE.
    Statement(String),
    /// What SET without arguments lists.
    Settings(Vec<(String, String)>),
    /// A bare SELECT, or a listing.
    Query(Box<ShownQuery>),
    /// All INSERTs of the text.
    Insert(Job),
}

/// A query, and what becomes of its rows.
#[derive(Debug)]
pub struct ShownQuery {
    pub plan: Job,
    /// Whether rows are changes: updates and deletions, too.
    pub changes: bool,
    pub shown: Shown,
    /// Where it stands.
    pub span: Option<Span>,
    /// Where what it computes stands.
    pub items: Items,
}

/// Nodes of a job's graph: far beyond what anyone writes, and soon planned.
const NODES_MAX: usize = 10_000;

/// Stack of the thread that plans: deep expressions are bounded, but not small.
const STACK_BYTES: usize = 64 << 20;

/// Compiles a file, a session of its own. Nothing runs, nothing outside is changed; only stored catalogs are asked.
///
/// # Errors
/// All that is wrong with the text, each with its place.
pub fn compile(text: &str, options: &CompileOptions<'_>) -> Result<Compiled, Vec<Error>> {
    Session::default().compile(text, options, OnError::Stop).map_err(|failed| failed.errors)
}

/// Works on a text where deep nesting has its stack.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Vec<Error>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|e| vec![Error::config("a thread for planning could not be started").source(e)])?;
        thread.join().map_err(|_| vec![Error::bug("planning ended early")])
    })
}

/// What a look at a text finds.
#[derive(Debug)]
pub struct Checked {
    /// In the order of the text.
    pub findings: Vec<Diagnostic>,
    /// How many more errors there are.
    pub further: usize,
    /// Variables in quotes that have no value: what they stand in was not checked.
    pub open_variables: BTreeSet<String>,
}

/// Compiles a file, and looks at what it has declared.
pub(crate) fn compile_here<T>(text: &str, options: &CompileOptions<'_>, look: impl FnOnce(&Compiled, &Catalog<'_>) -> T) -> Result<(Compiled, T), Vec<Error>> {
    let mut session = Session::default();
    let compiled = session.compile(text, options, OnError::Stop).map_err(|failed| failed.errors)?;
    let looked = look(&compiled, &Catalog::new(options, session.names().clone()));
    Ok((compiled, looked))
}

/// Checks one SET.
///
/// # Errors
/// `Config`, naming the key (with the nearest one) or the value.
pub fn check_setting(key: &str, value: &str) -> Result<()> {
    Settings::check(key, value)?;
    let settings = Settings::new(&BTreeMap::from([(key.to_string(), value.to_string())]))?;
    Zone::parse(&settings.local_time_zone).map(|_| ()).map_err(|e| {
        let told = Error::config(format!("option '{key}' has the value '{value}', which is no time zone")).code("E0502");
        match e.hint.clone() {
            Some(hint) => told.hint(hint),
            None => told,
        }
    })
}

/// A text of a session, statement by statement.
pub(crate) struct Text<'a> {
    options: &'a CompileOptions<'a>,
    pub(crate) catalog: Catalog<'a>,
    pub(crate) hints: Hints,
    pub(crate) set: BTreeMap<String, String>,
    /// What RESET goes back to.
    defaults: BTreeMap<String, String>,
    inserts: JobGraph,
    /// How many INSERTs each sink has had.
    inserted: BTreeMap<String, usize>,
    /// The first sink.
    first: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// Where each INSERT stands, by what the ids of its operators begin with.
    pub(crate) places: BTreeMap<String, Span>,
    findings: Vec<Diagnostic>,
    /// Where what the INSERTs compute stands.
    items: Items,
    /// Tables without a connector that no other is LIKE so far.
    unserved: BTreeMap<String, Span>,
}

/// Where a text was before a statement.
pub(crate) struct Mark {
    /// Names and settings, if the statement can fail when it has changed them.
    kept: Option<(Names, BTreeMap<String, String>)>,
    changes: usize,
    steps: usize,
    nodes: usize,
    inserted: Option<BTreeMap<String, usize>>,
    first: Option<String>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(
        options: &'a CompileOptions<'a>,
        names: Names,
        hints: Hints,
        (set, defaults): (BTreeMap<String, String>, BTreeMap<String, String>),
    ) -> Self {
        Text {
            options,
            catalog: Catalog::new(options, names),
            hints,
            set,
            defaults,
            inserts: JobGraph::default(),
            inserted: BTreeMap::new(),
            first: None,
            steps: Vec::new(),
            places: BTreeMap::new(),
            findings: Vec::new(),
            items: Items::default(),
            unserved: BTreeMap::new(),
        }
    }

    /// What lints say about all that was taken.
    pub(crate) fn findings(&mut self) -> Vec<Diagnostic> {
        let mut findings = std::mem::take(&mut self.findings);
        findings.append(&mut self.inserts.findings);
        // A hint may have given it one.
        let hinted: BTreeSet<String> = self.hints.taken().into_iter().map(|(table, _)| table).collect();
        let unserved = std::mem::take(&mut self.unserved).into_iter().filter(|(name, _)| !hinted.contains(name));
        findings.extend(unserved.map(|(name, at)| lint::unserved(&name, at)));
        findings
    }

    /// Where what its INSERTs compute stands.
    pub(crate) fn items(&mut self) -> Items {
        self.items.append(std::mem::take(&mut self.inserts.items));
        std::mem::take(&mut self.items)
    }

    /// One statement, whole or not at all.
    pub(crate) fn take(&mut self, statement: &Statement) -> Result<(), Vec<Error>> {
        let mark = self.mark(statement);
        let done = self.statement(statement).and_then(|()| match self.hints.left(statement.span) {
            left if left.is_empty() => Ok(()),
            left => Err(left),
        });
        if done.is_ok() && matches!(statement.kind, StatementKind::Query(_)) && self.waits_for_inserts() {
            let inserts = self.inserts_so_far();
            self.steps.insert(mark.steps, inserts);
        }
        if done.is_err() {
            self.back_to(mark);
            if let StatementKind::CreateTable(CreateTable { name, .. }) | StatementKind::CreateView(CreateView { name, .. }) = &statement.kind {
                self.catalog.add_broken(name);
            }
        }
        // A `*` may stand for many columns that are wrong in the same way.
        done.map_err(|mut wrong| {
            // Told as an error, it is no warning any more.
            self.unserved.retain(|_, at| wrong.iter().all(|e| e.span != Some(*at)));
            let mut told = BTreeSet::new();
            wrong.retain(|e| e.code != Some("E0405") || told.insert(e.span.map(|s| s.start)));
            wrong
        })
    }

    fn mark(&self, statement: &Statement) -> Mark {
        let inserts = match &statement.kind {
            StatementKind::Insert(_) | StatementKind::StatementSet(_) => true,
            StatementKind::CreateTable(create) => create.query.is_some(),
            _ => false,
        };
        let makes = matches!(statement.kind, StatementKind::CreateTable(_)) && inserts;
        let halfway = makes || self.hints.first(statement.span).is_some();
        Mark {
            kept: halfway.then(|| (self.catalog.names(), self.set.clone())),
            changes: self.catalog.changes.len(),
            steps: self.steps.len(),
            nodes: self.inserts.nodes.len(),
            inserted: inserts.then(|| self.inserted.clone()),
            first: self.first.clone(),
        }
    }

    fn back_to(&mut self, mark: Mark) {
        if let Some((names, set)) = mark.kept {
            self.catalog.back_to(names, mark.changes);
            self.set = set;
        }
        self.steps.truncate(mark.steps);
        self.inserts.cut(mark.nodes);
        if let Some(inserted) = mark.inserted {
            self.inserted = inserted;
        }
        self.first = mark.first;
    }

    /// Whether a query finds what the INSERTs before it have written: in a session with `table.dml-sync`. A file's INSERTs are one job.
    fn waits_for_inserts(&self) -> bool {
        let is_set = || self.settings().get("table.dml-sync").is_some_and(|v| v == "true");
        !self.inserted.is_empty() && self.options.job_name.is_none() && is_set()
    }
    /// The INSERTs so far as a job; those to come are another one.
    fn inserts_so_far(&mut self) -> Step {
        let (name, settings) = (self.job_name(), self.settings());
        (self.inserted, self.first) = (BTreeMap::new(), None);
        self.findings.append(&mut self.inserts.findings);
        self.items.append(std::mem::take(&mut self.inserts.items));
        Step::Insert(std::mem::take(&mut self.inserts).into_job(&name, settings))
    }

    /// All that was taken, with the INSERTs as one job if there is to be one.
    pub(crate) fn into_steps(mut self, with_inserts: bool) -> (Vec<Step>, Vec<CatalogChange>) {
        if with_inserts && !self.inserted.is_empty() {
            let inserts = self.inserts_so_far();
            self.steps.push(inserts);
        }
        (self.steps, self.catalog.changes)
    }

    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let mut all = self.set.clone();
        all.extend(self.options.settings.clone());
        all
    }

    fn job_name(&self) -> String {
        let named = || self.options.job_name.map(str::to_string).or_else(|| self.first.clone());
        self.settings().remove("pipeline.name").or_else(named).unwrap_or_else(|| "query".to_string())
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Vec<Error>> {
        match &statement.kind {
            StatementKind::CreateTable(create) => self.create_table(create).map_err(|e| within(e, statement.span, create.name.span)),
            StatementKind::CreateView(create) => {
                if let Some(hint) = self
                    .hints
                    .first(statement.span)
                    .filter(|_| !create.temporary && self.catalog.keeps(&create.name))
                {
                    return Err(vec![no_hint(hint.span)]);
                }
                // A view is checked where it is made, not where it is first used.
                let mut scratch = JobGraph::default();
                scratch.begin("view");
                let relation = self
                    .bind(&create.query, &mut scratch)
                    .and_then(|r| crate::query::rename(r, &create.columns, create.name.span))
                    .map_err(Error::apart)?;
                different_names(&relation, create).map_err(Error::apart)?;
                if let Some(refused) = scratch.refused.take() {
                    return Err(vec![refused]);
                }
                self.findings.append(&mut scratch.findings);
                let view = View {
                    create: create.clone(),
                    place: self.catalog.current.clone(),
                    location: None,
                    columns: node_columns(&relation.columns),
                };
                self.catalog
                    .add(&create.name, Entry::View(Arc::new(view)), create.if_not_exists)
                    .map_err(Error::apart)
            }
            StatementKind::Drop { view, name, if_exists } => {
                if let Ok(full) = self.catalog.resolve(name, &self.catalog.current) {
                    self.unserved.remove(&full.short());
                }
                self.catalog.drop(name, *view, *if_exists).map_err(Error::apart)
            }
            StatementKind::Alter(alter) => self.alter(alter).map_err(|e| within(e, statement.span, alter.name.span)),
            StatementKind::CreateDatabase { name, if_not_exists } => self.catalog.create_database(name, *if_not_exists).map_err(Error::apart),
            StatementKind::DropDatabase { name, if_exists, cascade } => self.catalog.drop_database(name, *if_exists, *cascade).map_err(Error::apart),
            StatementKind::AlterDatabase(name) => self.catalog.alter_database(name).map_err(Error::apart),
            StatementKind::CreateCatalog {
                name,
                if_not_exists,
                comment,
                options,
            } => self.catalog.create_catalog(&CreateCatalog {
                name,
                if_not_exists: *if_not_exists,
                comment: comment.as_ref(),
                options,
            }),
            StatementKind::DropCatalog { name, if_exists } => self.catalog.drop_catalog(name, *if_exists).map_err(Error::apart),
            StatementKind::UseCatalog(name) => self.catalog.use_catalog(name).map_err(Error::apart),
            StatementKind::UseDatabase(name) => self.catalog.use_database(name).map_err(Error::apart),
            StatementKind::Show(what, pattern) => {
                let step = self.show(what, pattern.as_ref()).map_err(Error::apart)?;
                self.steps.push(step);
                Ok(())
            }
            StatementKind::Insert(insert) => self.insert(insert).map_err(Error::apart),
            StatementKind::StatementSet(inserts) => {
                let errors: Vec<Error> = inserts.iter().filter_map(|i| self.insert(i).err()).flat_map(Error::apart).collect();
                if errors.is_empty() { Ok(()) } else { Err(errors) }
            }
            StatementKind::Query(query) => {
                let mut findings = Vec::new();
                let answer = self.query(query, &mut findings).map_err(Error::apart)?;
                self.findings.append(&mut findings);
                self.steps.push(Step::Query(Box::new(answer)));
                Ok(())
            }
            StatementKind::Explain(inner) => {
                let text = self.explain(inner).map_err(Error::apart)?;
                self.steps.push(Step::Explain(text));
                Ok(())
            }
            StatementKind::Set {
                key: (key, key_span),
                value: (value, value_span),
            } => {
                let placed = |e: Error| if e.code == Some("E0501") { e.span(*key_span) } else { e.span(*value_span) };
                check_setting(key, value).map_err(|e| vec![placed(e)])?;
                if let Some(fixed) = self.options.settings.get(key).filter(|fixed| *fixed != value) {
                    self.findings.push(lint::overruled(key, fixed, statement.span));
                }
                self.findings.extend(lint::never_idle(key, value, statement.span));
                self.set.insert(key.clone(), value.clone());
                Ok(())
            }
            StatementKind::ShowSettings => {
                self.steps.push(Step::Settings(self.settings().into_iter().collect()));
                Ok(())
            }
            StatementKind::Reset(None) => {
                self.set.clone_from(&self.defaults);
                Ok(())
            }
            StatementKind::Reset(Some(key)) => {
                Settings::check_key(key).map_err(Error::apart)?;
                match self.defaults.get(key) {
                    Some(value) => self.set.insert(key.clone(), value.clone()),
                    None => self.set.remove(key),
                };
                Ok(())
            }
        }
    }

    /// The answer to a SHOW: a listing is a query over constant rows.
    fn show(&self, what: &Show, pattern: Option<&Pattern>) -> Result<Step> {
        let answer = show(what, pattern, &self.catalog, &self.hints, |view| {
            let mut scratch = JobGraph::default();
            scratch.begin("view");
            let settings = Settings::new(&self.settings())?;
            let mut planner = Planner::new(&self.catalog, &self.hints, self.options.registry, &settings, &mut scratch);
            Ok(node_columns(&planner.named(view)?.columns))
        })?;
        let mut graph = JobGraph::default();
        graph.begin("query");
        Ok(match answer {
            Answer::Statement(text) => Step::Statement(text),
            Answer::Listing(listing) => {
                let (node, columns) = listing.into_node(&mut graph);
                let shown = Shown {
                    columns: columns.len(),
                    ..Shown::default()
                };
                let plan = self.collected(graph, node, columns);
                Step::Query(Box::new(ShownQuery {
                    plan,
                    changes: false,
                    shown,
                    span: None,
                    items: Items::default(),
                }))
            }
        })
    }

    fn bind(&self, query: &Query, graph: &mut JobGraph) -> Result<Relation> {
        self.bound(query, graph, |planner| planner.query(query))
    }
    fn bound<T>(&self, query: &Query, graph: &mut JobGraph, bind: impl FnOnce(&mut Planner<'_>) -> Result<T>) -> Result<T> {
        let settings = Settings::new(&self.settings())?;
        let zone = Zone::parse(&settings.local_time_zone)?;
        graph.zone = (!zone.is_utc()).then(|| settings.local_time_zone.clone());
        graph.findings.extend(lint::query(query));
        let bound = bind(&mut Planner::new(&self.catalog, &self.hints, self.options.registry, &settings, graph));
        if self.zone_is_set() {
            graph.findings.retain(|f| f.code != Some(lint::WITHOUT_ZONE));
        }
        bound
    }
    /// Whether the session says which zone is the local one.
    fn zone_is_set(&self) -> bool {
        self.settings().contains_key("table.local-time-zone")
    }

    fn query(&self, query: &Query, findings: &mut Vec<Diagnostic>) -> Result<ShownQuery> {
        let mut graph = JobGraph::default();
        graph.begin("query");
        let (mut relation, shown) = self.bound(query, &mut graph, |planner| planner.answer(query))?;
        number_equal_names(&mut relation);
        findings.append(&mut graph.findings);
        if let Some(refused) = graph.refused.take() {
            return Err(refused);
        }
        let changes = graph.changes(relation.node);
        let items = std::mem::take(&mut graph.items);
        // Its dead letters go nowhere, but what is wrong with their table is told as it is to an INSERT.
        let nodes = graph.nodes.len();
        route(&self.catalog, self.options.registry, &mut graph)?;
        graph.cut(nodes);
        let plan = self.collected(graph, relation.node, node_columns(&relation.columns));
        let span = Some(span(query)).filter(|span| span.start.line > 0);
        Ok(ShownQuery {
            plan,
            changes,
            shown,
            span,
            items,
        })
    }

    /// A job whose rows are shown: it writes no table, so dead letters are only counted.
    fn collected(&self, mut graph: JobGraph, node: usize, columns: Vec<Column>) -> Job {
        let input = Input::main(node, Exchange::Singleton);
        let (id, name) = ("query:collect".to_string(), "collect".to_string());
        graph.push(id, name, NodeSpec::Collect, vec![input], columns, Some(1));
        for node in &mut graph.nodes {
            if let NodeSpec::Source(source) = &mut node.spec {
                source.route_late = false;
                if source.on_error == RecordPolicy::Route {
                    source.on_error = RecordPolicy::Skip;
                }
            }
        }
        graph.into_job(&self.job_name(), self.settings())
    }

    fn explain(&self, statement: &Statement) -> Result<String> {
        let job = match &statement.kind {
            StatementKind::Query(query) => {
                let ShownQuery { plan, shown, .. } = self.query(query, &mut Vec::new())?;
                let names = plan.nodes.last().map_or_else(Vec::new, |n| n.columns.iter().map(|c| c.name.as_str()).collect());
                return Ok(explain(&plan) + &shown.text(&names));
            }
            StatementKind::Insert(insert) => self.alone(std::slice::from_ref(insert))?,
            StatementKind::StatementSet(inserts) => self.alone(inserts)?,
            _ => return Err(Error::bug("EXPLAIN of something that is no query")),
        };
        Ok(explain(&job))
    }
}

/// Errors of a declaration that others had a part in: one whose place is in another statement is told at this one.
fn within(errors: Vec<Error>, statement: Span, name: Span) -> Vec<Error> {
    let inside = |s: Span| statement.start <= s.start && s.end <= statement.end;
    let here = |e: Error| match e.span {
        Some(span) if !inside(span) => e.span(name),
        _ => e,
    };
    errors.into_iter().map(here).collect()
}

/// Columns of a result that are called alike, as Flink shows them: `x, x0, x1`.
fn number_equal_names(relation: &mut Relation) {
    let mut used = BTreeSet::new();
    for column in &mut relation.columns {
        let mut name = column.name.clone();
        let mut numbers = 0..;
        while !used.insert(name.clone()) {
            name = format!("{}{}", column.name, numbers.next().unwrap_or(0));
        }
        column.name = name;
    }
}

/// Nobody could name one of two columns of a view that are called alike.
fn different_names(relation: &Relation, create: &CreateView) -> Result<()> {
    let mut used = BTreeSet::new();
    match relation.columns.iter().find(|c| !used.insert(&c.name)) {
        None => Ok(()),
        Some(twice) => Err(Error::sql(format!("the view \"{}\" has two columns \"{}\"", create.name, twice.name))
            .code("E0209")
            .hint("give one of them another name with AS, or all of them: CREATE VIEW v (a, b) AS …")
            .span(create.name.span)),
    }
}
