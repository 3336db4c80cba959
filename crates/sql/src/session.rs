//! Text after text: what one makes, drops, uses or sets holds for those after it.

mod typing;

use crate::catalog::{FOLLOWS, Names};
use crate::compile::{Checked, CompileOptions, Compiled, Step, Text, check_setting, on_large_stack};
use crate::diagnostic::Diagnostic;
use crate::hints::Hints;
use crate::known::Known;
use crate::lint::Allowed;
use crate::parse::{Missing, Parsed, Statement, StatementKind, Unread, fill, parse_each};
use crate::places::Places;
use millstream_dataflow::{Error, Result, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Names and settings that live on from one text to the next.
#[derive(Debug, Clone, Default)]
pub struct Session {
    names: Names,
    /// What was set at its beginning: RESET goes back to it.
    defaults: BTreeMap<String, String>,
    /// By SET, and at the beginning.
    set: BTreeMap<String, String>,
    /// Those in views.
    hints: Hints,
    /// Lines of all texts so far: places in different texts are different, as if these were one file.
    lines: u64,
}

/// What becomes of the statements behind one that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// They are only looked at.
    #[default]
    Stop,
    /// They have their effect.
    Continue,
}

/// A text with errors.
#[derive(Debug)]
pub struct Failed {
    /// Each with its place.
    pub errors: Vec<Error>,
    /// How many more there are, of what was looked at.
    pub further: usize,
    /// What the statements come to that have had their effect.
    pub done: Box<Compiled>,
}

/// Errors told of one text.
pub const ERRORS_MAX: usize = 100;

impl Session {
    /// Without names.
    ///
    /// - `defaults`: what is set until SET says something else
    pub fn new(defaults: BTreeMap<String, String>) -> Session {
        Session {
            set: defaults.clone(),
            defaults,
            ..Session::default()
        }
    }

    /// Compiles the next text. Nothing runs, nothing outside is changed; only stored catalogs are asked.
    ///
    /// A statement has its effect on the session whole or not at all. Of a text with errors those before the first wrong one have theirs, as
    /// in psql, and those after it only with [`OnError::Continue`]; its INSERTs are a job only if all of them are right, or with `Continue`,
    /// which makes one of those that are. A text that cannot be cut into statements (an open quote, a variable without a value) has none.
    ///
    /// # Errors
    /// All that is wrong with the text, and what is left of it.
    pub fn compile(&mut self, text: &str, options: &CompileOptions<'_>, on_error: OnError) -> Result<Compiled, Failed> {
        self.planned(text, options, on_error, Missing::Refused).0
    }

    /// All that is wrong with the next text, and what lints say; what is right has its effect on the session. Nothing runs, nothing outside
    /// is changed.
    pub fn check(&mut self, text: &str, options: &CompileOptions<'_>) -> Checked {
        let (compiled, open_variables) = self.planned(text, options, OnError::Continue, Missing::Left);
        let (mut findings, further) = match compiled {
            Ok(compiled) => (compiled.findings, 0),
            Err(failed) => {
                let errors = failed.errors.iter().map(Diagnostic::from);
                (errors.chain(failed.done.findings).collect(), failed.further)
            }
        };
        findings.sort_by_key(|f| f.primary.map(|span| span.start));
        Checked {
            findings,
            further,
            open_variables,
        }
    }

    /// What a text comes to, and its variables without a value.
    fn planned(&mut self, text: &str, options: &CompileOptions<'_>, on_error: OnError, missing: Missing) -> (Result<Compiled, Failed>, BTreeSet<String>) {
        let mut open = BTreeSet::new();
        let compiled = on_large_stack(|| self.compile_here(text, options, on_error, (missing, &mut open)));
        let compiled = compiled.map_err(nothing).flatten();
        (compiled, open)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The names there are, for completion.
    pub fn known(&self) -> Known {
        Known {
            settings: self.set.clone().into_iter().collect(),
            ..self.names.known()
        }
    }

    fn compile_here(
        &mut self,
        text: &str,
        options: &CompileOptions<'_>,
        on_error: OnError,
        (missing, open): (Missing, &mut BTreeSet<String>),
    ) -> Result<Compiled, Failed> {
        let (mut substituted, unknown) = fill(text, options.variables, missing);
        open.extend(substituted.open.iter().map(|(name, _)| name.clone()));
        substituted.above = self.lines;
        self.lines += substituted.text.lines().count() as u64 + 1;
        let places: Vec<Span> = unknown.iter().map(|(_, at)| *at).collect();
        let mut parsed = parse_each(&substituted.text, substituted.above, &places);
        substituted.note_variables(text, parsed.statements.iter_mut().filter_map(|s| s.as_mut().ok()));
        let allowed = Allowed::new(&substituted.text, &parsed, substituted.above);
        let look = Look {
            above: substituted.above,
            on_error,
            forgets: on_error == OnError::Stop || missing == Missing::Left,
        };
        // What cannot be cut into statements has no effect; whoever only looks wants to see as much as there is.
        let uncut = missing == Missing::Refused && (parsed.is_cut || !unknown.is_empty());
        let before = uncut.then(|| self.clone());
        let mut compiled = self
            .compile_statements(parsed, look, options)
            .map(|compiled| compiled.without(&allowed, substituted.above))
            .map_err(|failed| Failed {
                done: Box::new(failed.done.without(&allowed, substituted.above)),
                ..failed
            });
        if let Some(before) = before {
            *self = before;
            compiled = compiled.map_err(|failed| Failed {
                done: Box::default(),
                ..failed
            });
        }
        let there = |e: Error| e.moved(|span| substituted.original(span));
        let moved = |mut compiled: Compiled| {
            compiled.changes.iter_mut().for_each(|c| c.span = substituted.original(c.span));
            compiled.places = compiled.places.moved(|span| substituted.original(span));
            for step in &mut compiled.steps {
                if let Step::Query(query) = step {
                    query.span = query.span.map(|span| substituted.original(span));
                    query.items = std::mem::take(&mut query.items).moved(|span| substituted.original(span));
                }
            }
            compiled
                .findings
                .iter_mut()
                .for_each(|f| f.primary = f.primary.map(|span| substituted.original(span)));
            compiled
        };
        // A variable without a value is an error, whatever its statement is.
        let unknown: Vec<Error> = unknown.into_iter().map(|(e, at)| e.span(at.moved_down(substituted.above))).collect();
        let mut compiled = compiled.map(moved).map_err(|failed| {
            let mut errors: Vec<Error> = failed.errors.into_iter().chain(unknown).map(there).collect();
            // Of a value that is not known nobody can say that it is wrong.
            errors.retain(|e| !e.span.is_some_and(|span| substituted.is_open(span)));
            errors.sort_by_key(|e| e.span.map(|span| span.start));
            let done = Box::new(moved(*failed.done));
            Failed {
                errors,
                done,
                further: failed.further,
            }
        });
        if let Ok(compiled) = &mut compiled {
            compiled.allowed = allowed;
        }
        compiled
    }

    fn compile_statements(&mut self, parsed: Parsed, look: Look, options: &CompileOptions<'_>) -> Result<Compiled, Failed> {
        for (key, value) in self.defaults.iter().chain(options.settings) {
            check_setting(key, value).map_err(|e| nothing(vec![e]))?;
        }
        let views: Vec<Span> = parsed.statements.iter().flatten().filter(|s| is_view(s)).map(|s| s.span).collect();
        let mut hints = std::mem::take(&mut self.hints);
        hints.add(parsed.hints, look.above);
        let mut text = Text::new(options, self.names.clone(), hints, (self.set.clone(), self.defaults.clone()));
        let (mut errors, mut further): (Vec<Error>, usize) = (Vec::new(), 0);
        let mut stopped: Option<Stopped> = None;
        // Whether names may be looked for in another place than they would be.
        let (mut astray, mut is_whole) = (false, true);
        for statement in parsed.statements {
            // Before anything is forgotten: the session keeps what it had.
            let mut stop = |text: &Text<'_>| {
                if look.on_error == OnError::Stop {
                    stopped.get_or_insert_with(|| Stopped::at(text));
                }
            };
            let wrong = match statement {
                Ok(_) if look.on_error == OnError::Stop && errors.len() == ERRORS_MAX => continue,
                Ok(statement) => match text.take(&statement) {
                    Ok(()) => continue,
                    Err(mut wrong) => {
                        stop(&text);
                        if astray && look.forgets {
                            wrong.retain(|e| !matches!(e.code, Some("E0201" | "E0203")));
                        }
                        if let StatementKind::Alter(alter) = &statement.kind
                            && look.forgets
                        {
                            text.catalog.forget(&alter.name);
                        }
                        astray |= decides_place(&statement);
                        placed(wrong, &statement, look.above)
                    }
                },
                Err(Unread { errors, broken, rest }) => {
                    stop(&text);
                    let further = rest.and_then(|rest| Some(placed(text.take(&rest).err()?, &rest, look.above)));
                    let broken = broken.filter(|_| look.forgets);
                    broken.iter().filter_map(|b| b.name.as_ref()).for_each(|name| text.catalog.forget(name));
                    astray |= broken.is_some_and(|b| b.place);
                    errors.into_iter().chain(further.into_iter().flatten()).collect()
                }
            };
            is_whole = false;
            errors.extend(wrong);
            further += errors.len().saturating_sub(ERRORS_MAX);
            errors.truncate(ERRORS_MAX);
        }
        let with_inserts = stopped.is_none();
        if let Some(stopped) = stopped {
            text.catalog.back_to(stopped.names, stopped.changes);
            text.steps.truncate(stopped.steps);
            text.set = stopped.set;
        }
        let settings = text.settings();
        self.names = text.catalog.names();
        self.set.clone_from(&text.set);
        let findings = text.findings();
        let items = text.items();
        let places = Places::new(&text.catalog, &text.hints, std::mem::take(&mut text.places), items, look.above);
        self.hints = std::mem::take(&mut text.hints);
        self.hints.keep(&views);
        let (mut steps, changes) = text.into_steps(with_inserts);
        for step in &mut steps {
            if let Step::Query(query) = step {
                query.items.keep(look.above);
            }
        }
        let done = Compiled {
            steps,
            changes,
            settings,
            findings,
            places,
            allowed: Allowed::default(),
        };
        if is_whole {
            return Ok(done);
        }
        errors.retain(|e| e.code != Some(FOLLOWS));
        let done = Box::new(done);
        Err(Failed { errors, further, done })
    }
}

/// How the statements of a text are looked at.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Lines that their places are moved down by.
    above: u64,
    on_error: OnError,
    /// Whether what a wrong statement would make or change is not known to those behind it, so that they are not told of it.
    forgets: bool,
}

/// Where a text was before its first wrong statement.
struct Stopped {
    names: Names,
    set: BTreeMap<String, String>,
    changes: usize,
    steps: usize,
}

impl Stopped {
    fn at(text: &Text<'_>) -> Stopped {
        Stopped {
            names: text.catalog.names(),
            set: text.set.clone(),
            changes: text.catalog.changes.len(),
            steps: text.steps.len(),
        }
    }
}

/// Whether it decides where names are looked for.
fn decides_place(statement: &Statement) -> bool {
    use StatementKind::{CreateCatalog, CreateDatabase, UseCatalog, UseDatabase};
    matches!(statement.kind, UseCatalog(_) | UseDatabase(_) | CreateCatalog { .. } | CreateDatabase { .. })
}

fn is_view(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::CreateView(_))
}

/// sqlparser does not know the place of every construct, and what an earlier text says has none in this one: then it is the statement's.
fn placed(errors: Vec<Error>, statement: &Statement, above: u64) -> Vec<Error> {
    let here = |e: Error| match e.span {
        Some(span) if span.start.line > above => e,
        _ => e.somewhere_in(statement.span),
    };
    // What is of an earlier text has no line in this one.
    let told = |e: Error| here(e).labels_in(|label| label.start.line > above);
    errors.into_iter().map(told).collect()
}

impl Compiled {
    /// Without findings that are allowed, told before, or not of this text: a view is bound where it is used, too. With those of what is
    /// allowed.
    fn without(mut self, allowed: &Allowed, above: u64) -> Compiled {
        let mut told = BTreeSet::new();
        let is_here = |f: &Diagnostic| f.primary.is_some_and(|span| span.start.line > above);
        self.findings.extend(allowed.unknown());
        self.findings
            .retain(|f| is_here(f) && !allowed.allows(f) && told.insert((f.code, f.primary.map(|span| span.start))));
        self.findings.sort_by_key(|f| f.primary.map(|span| span.start));
        self
    }
}

/// A text that has had no effect.
fn nothing(errors: Vec<Error>) -> Failed {
    Failed {
        errors,
        further: 0,
        done: Box::default(),
    }
}

#[cfg(test)]
mod tests;
