//! Shows what happens while a file runs: rows on stdout, everything else on stderr.

use crate::arguments::Output;
use crate::progress::{Progress, count, line};
use crate::report::say;
use crate::table::Table;
use millstream_dataflow::{Batch, Error, Result, Schema, Written};
use millstream_formats::render;
use millstream_runtime::metrics::NodeRole;
use millstream_runtime::{JobMetrics, Outcome};
use millstream_server::{Event, Observer};
use millstream_sql::Diagnostic;
use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

type Current = Arc<Mutex<Option<(String, Arc<JobMetrics>)>>>;

pub(crate) struct Show {
    output: Output,
    progress: Arc<Progress>,
    /// What `/metrics` serves.
    current: Current,
    // A std mutex: held while rows are printed.
    table: Mutex<Option<Table>>,
}

impl Show {
    pub(crate) fn new(output: Output, progress: Arc<Progress>, current: Current) -> Self {
        Show {
            output,
            progress,
            current,
            table: Mutex::default(),
        }
    }
    pub(crate) fn finish(&self) {
        self.progress.end();
    }
    fn watch(&self, name: &str, metrics: &Arc<JobMetrics>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_string(), Arc::clone(metrics)));
    }
    fn table(&self) -> std::sync::MutexGuard<'_, Option<Table>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes to stdout. A reader that went away ends the program quietly, as it does for other filters; what else cannot be written is lost,
/// so it ends with an error.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        say(format_args!("error: standard output cannot be written: {e}"));
        std::process::exit(1);
    }
}

impl Observer for Show {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Warning(finding) => say(line_of(finding)),
            Event::Explain(text) => print(text),
            Event::Statement(text) => match self.output {
                Output::Json => print(&render::json_text("result", text)),
                Output::Table => print(text),
            },
            Event::Settings(list) => print(&list.iter().map(|(k, v)| format!("'{k}' = '{v}'\n")).collect::<String>()),
            Event::QueryStarted { schema, metrics, .. } => {
                self.watch("query", metrics);
                match self.output {
                    Output::Json => print(&(render::json_header(schema) + "\n")),
                    Output::Table => *self.table() = Some(Table::new(schema)),
                }
            }
            Event::QueryEnded { .. } => {
                if let Some(table) = self.table().take() {
                    print(&table.end());
                }
                if let Some((_, metrics)) = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                    left_out(metrics);
                }
            }
            Event::JobStarted { name, metrics, resumed, state } => {
                self.watch(name, metrics);
                match resumed {
                    None => say(format_args!("job {name} starts; its state is in {state}")),
                    Some(epoch) => say(format_args!("job {name} goes on from checkpoint {epoch} in {state}")),
                }
                self.progress.show(metrics);
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
                self.progress.hide();
                summary(name, metrics, outcome, seconds);
            }
        }
    }

    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()> {
        let mut text = String::new();
        match self.output {
            Output::Json => {
                for row in 0..batch.num_rows() {
                    text += &render::json_row(batch, row, schema);
                    text.push('\n');
                }
            }
            Output::Table => {
                let changes = batch.kinds.is_some();
                let cells = |row| {
                    let values = schema.fields.iter().enumerate().map(|(i, f)| render::text_value(batch.column(i), row, f));
                    let kind = changes.then(|| batch.kind(row).short().to_string());
                    kind.into_iter().chain(values).collect()
                };
                let rows: Vec<Vec<String>> = (0..batch.num_rows()).map(cells).collect();
                let mut table = self.table();
                let table = table.as_mut().ok_or_else(|| Error::bug("rows came outside a query"))?;
                if changes {
                    table.show_kinds();
                }
                text = table.rows(&rows);
            }
        }
        self.progress.make_room();
        print(&text);
        Ok(())
    }
}

/// `warning[W0501] in line 4: …: …`
fn line_of(finding: &Diagnostic) -> String {
    let code = finding.code.map_or(String::new(), |code| format!("[{code}]"));
    let place = finding.primary.map_or(String::new(), |span| format!(" in line {}", span.start.line));
    let help = finding.helps.first().map_or(String::new(), |help| format!("; {help}"));
    format!("{}{code}{place}: {}{help}", finding.severity.name(), finding.message)
}

fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

fn summary(name: &str, metrics: &JobMetrics, outcome: Outcome, seconds: f64) {
    let rows_in = metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed));
    say(format_args!(
        "{}",
        line(metrics, rows_in as f64 / seconds.max(1e-3), metrics.checkpoints.last_at_ms.load(Relaxed))
    ));
    match outcome {
        Outcome::Finished => say(format_args!("job {name} has finished in {seconds:.1} s")),
        Outcome::Stopped => say(format_args!("job {name} is stopped after {seconds:.1} s; the same command goes on from here")),
    }
    let mut look = None;
    for node in metrics.nodes() {
        if let Some(Written { rows, files, location }) = node.written() {
            let files = files.map_or("files".to_string(), |n| counted(n, "file"));
            say(format_args!("  {}: {} in {files} like {location}", node.name, counted(rows, "row")));
            look = look.or(Some(location));
        }
    }
    left_out(metrics);
    if let Some(location) = look {
        let pattern = location.strip_prefix("file://").unwrap_or(&location);
        // Columns that stand in directory names only are not read here yet.
        let or = if pattern.contains("/**/") {
            ""
        } else {
            ", or `millstream run` a file with its CREATE TABLE and a SELECT"
        };
        say(format_args!("look at it: duckdb -c \"SELECT * FROM '{pattern}' LIMIT 10\"{or}"));
    }
}

/// Late and bad rows by reason, and what became of them, if there are any.
fn left_out(metrics: &JobMetrics) {
    for (what, routed) in [("left out", false), ("routed", true)] {
        let reasons: Vec<String> = metrics.counts(routed).iter().map(|(reason, n)| format!("{} {reason}", count(*n))).collect();
        if !reasons.is_empty() {
            say(format_args!("  {what}: {}", reasons.join(", ")));
        }
    }
}
