//! Shows what happens while texts run: rows on stdout, everything else on stderr.

use crate::display::Format;
use crate::output::{Output, print};
use crate::progress::Progress;
use crate::report::{self, say};
use crate::summary::{counted, left_out, summary};
use millstream_dataflow::{Batch, ErrorKind, Result, Schema};
use millstream_formats::render;
use millstream_runtime::JobMetrics;
use millstream_server::{Event, Notice, Observer, QueryEnd, Watched};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct Show {
    progress: Arc<Progress>,
    /// What `/metrics` serves.
    watched: Watched,
    // A std mutex: held while rows are printed.
    results: Mutex<Results>,
}

struct Results {
    output: Output,
    /// Of the query that runs.
    changes: bool,
}

/// What a query is called beside jobs.
const QUERY: &str = "query";

impl Show {
    /// Starts with nothing to show; a thread draws the progress.
    pub(crate) fn new(format: Format, color: bool) -> Self {
        Show {
            progress: Progress::start(),
            watched: Watched::default(),
            results: Mutex::new(Results {
                output: Output::new(format, color),
                changes: false,
            }),
        }
    }
    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }
    pub(crate) fn finish(&self) {
        self.progress.end();
    }

    /// Shows what has happened in the background.
    pub(crate) fn notice(&self, notice: &Notice) {
        self.progress.make_room();
        match notice {
            Notice::Ended {
                name,
                metrics,
                outcome,
                seconds,
            } => {
                self.progress.hide(name);
                summary(name, metrics, *outcome, *seconds);
            }
            Notice::Failed { name, error, files } => {
                self.progress.hide(name);
                if error.kind == ErrorKind::ReaderLeft {
                    return;
                }
                // Nothing that other jobs tell stands between the two.
                let _alone = std::io::stderr().lock();
                say(format_args!("job {name} has failed"));
                report::errors_of(std::slice::from_ref(error.as_ref()), files);
            }
            Notice::CheckpointFailed { name, failed } => {
                report::warn(format_args!("job {name}: {} failed so far", counted(*failed, "checkpoint")));
            }
            Notice::Restarting { name, restarts } => report::warn(format_args!("job {name} goes on from its last checkpoint, restart {restarts}")),
            Notice::LateRows { name, late } => report::warn(format_args!("job {name}: {} so far", counted(*late, "late row"))),
        }
    }

    fn watch(&self, name: &str, metrics: &Arc<JobMetrics>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // A query has ended when something else starts.
        watched.retain(|(other, _)| other != name && other != QUERY);
        watched.push((name.to_string(), Arc::clone(metrics)));
    }
    fn results(&self) -> std::sync::MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Show {
    fn event(&self, event: Event<'_>) -> Result<()> {
        self.progress.make_room();
        let mut out = Vec::new();
        match event {
            Event::Warning(finding) => report::warning(finding),
            Event::NothingToRun { changed } => {
                let kept = match changed {
                    0 => "what it makes and sets ends with it".to_string(),
                    n => format!("it has made {} in stored catalogs", counted(n as u64, "change")),
                };
                say(format_args!("nothing to run: the file has no SELECT and no INSERT; {kept}"));
            }
            Event::Explain(text) | Event::Statement(text) => self.results().output.text(text, &mut out)?,
            Event::Settings(list) => self.results().output.settings(list, &mut out)?,
            // Of whoever has a terminal.
            Event::TapOpened { .. } => {}
            Event::QueryStarted {
                schema,
                metrics,
                changes,
                bounded,
            } => {
                self.watch(QUERY, metrics);
                let mut results = self.results();
                results.changes = changes;
                results.output.begin(schema, changes, bounded, &mut out)?;
            }
            Event::QueryEnded { end } => {
                match end {
                    QueryEnd::Failed => self.results().output.fail(&mut out)?,
                    _ => self.results().output.end(&mut out)?,
                }
                if let QueryEnd::Stopped = end {
                    say("the query is stopped");
                }
                let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((_, metrics)) = watched.iter().find(|(name, _)| name == QUERY) {
                    left_out(metrics);
                }
            }
            Event::JobStarted { name, metrics, resumed, state } => {
                self.watch(name, metrics);
                match resumed {
                    None => say(format_args!("job {name} starts; its state is in {state}")),
                    Some(epoch) => say(format_args!("job {name} goes on from checkpoint {epoch} in {state}")),
                }
                self.progress.show(name, metrics);
            }
            Event::JobFinishedBefore { name, at_ms } => {
                say(format_args!(
                    "job {name} has finished at {} UTC; --fresh runs it again and adds to its output",
                    render::timestamp_ms(at_ms)
                ));
            }
            Event::JobEnded {
                name,
                metrics,
                outcome,
                seconds,
            } => {
                self.progress.hide(name);
                summary(name, metrics, outcome, seconds);
            }
        }
        print(&out)
    }

    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()> {
        let mut out = Vec::new();
        let mut results = self.results();
        let changes = results.changes;
        results.output.rows(schema, changes, batch, &mut out)?;
        self.progress.make_room();
        print(&out)
    }
}
