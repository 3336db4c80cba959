//! Runs an operator's case in every regime that a job may put it in: the rows must not depend on it.

mod run;

use crate::testing::report::{Found, Multiset, fail, multiset, same_rows, settle};
use crate::testing::rows::{Floats, Line, batch, columns, row_text};
use crate::{Batch, Operator, Output, Port, Result, RowKind, Schema, Stamp, SubtaskContext, key_group};
use arrow_schema::SchemaRef;
use run::{Outcome, Run};
use std::collections::BTreeMap;

/// Makes the instances of an operator.
type Make = Box<dyn Fn(&SubtaskContext) -> Result<Box<dyn Operator>>>;

/// An operator and how rows find its subtasks.
struct Stage {
    make: Make,
    /// Per input the columns whose key group decides (no column: all rows are of one group); `None`: any subtask may take any row.
    keys: Vec<Option<Vec<usize>>>,
}

/// What goes in, in order.
enum Event {
    Rows { input: usize, batch: Batch, text: String },
    Watermark(i64),
    End,
}

impl Event {
    fn text(&self) -> String {
        match self {
            Event::Rows { text, .. } => text.clone(),
            Event::Watermark(time) => format!("watermark {time}"),
            Event::End => "end".to_string(),
        }
    }
}

/// When state is taken out of the operators and given to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restore {
    Never,
    /// After each event.
    Always,
    /// A checkpoint after each event; after the event that follows the one with this index the process is gone, and new instances go on from
    /// the checkpoint before it.
    Crash(usize),
}

/// A way to run a case.
#[derive(Debug, Clone)]
struct Regime {
    name: String,
    /// One row per batch, instead of all rows up to the next watermark.
    single_rows: bool,
    /// Rows after which an output is full.
    output_rows: usize,
    restore: Restore,
    /// Subtasks per operator, by restore in turn.
    parallelism: &'static [u32],
    max_parallelism: u32,
}

/// An output that no test fills.
const LARGE: usize = 1 << 20;
/// Events after which a crash is tried; beyond, some of them.
const CRASHES_MAX: usize = 10;

fn regimes(events: usize) -> Vec<Regime> {
    let whole = Regime {
        name: "whole input at once".to_string(),
        single_rows: false,
        output_rows: LARGE,
        restore: Restore::Never,
        parallelism: &[1],
        max_parallelism: key_group::MAX_PARALLELISM_DEFAULT,
    };
    let named = |name: &str| Regime {
        name: name.to_string(),
        ..whole.clone()
    };
    let mut all = vec![
        whole.clone(),
        Regime {
            single_rows: true,
            ..named("one row per batch")
        },
        Regime {
            output_rows: 1,
            ..named("an output that is full after every row")
        },
        Regime {
            restore: Restore::Always,
            ..named("restored after every batch")
        },
        Regime {
            single_rows: true,
            restore: Restore::Always,
            ..named("restored after every event")
        },
        Regime {
            single_rows: true,
            output_rows: 1,
            restore: Restore::Always,
            ..named("restored after every event, an output that is full after every row")
        },
        Regime {
            single_rows: true,
            restore: Restore::Always,
            parallelism: &[1, 3, 2],
            ..named("rescaled 1 to 3 to 2 subtasks")
        },
        Regime {
            output_rows: 1,
            parallelism: &[5],
            max_parallelism: 5,
            ..named("a key group for each of 5 subtasks")
        },
    ];
    let stride = events.div_ceil(CRASHES_MAX).max(1);
    all.extend((0..events.saturating_sub(1)).step_by(stride).map(|k| Regime {
        single_rows: true,
        restore: Restore::Crash(k),
        ..named(&format!("crashed after event {}, restored from the checkpoint before it", k + 1))
    }));
    all
}

/// A case of an operator: its input and what must come of it in every regime. Made by [`check_operator`].
pub struct OperatorCase {
    stages: Vec<Stage>,
    inputs: Vec<Schema>,
    events: Vec<Event>,
    late: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
    leaves_no_state: bool,
}

/// Begins a case of an operator.
///
/// - `make`: makes a new instance for a subtask, as a job does at each start
/// - `inputs`: the columns of each input, as [`columns`] reads them
///
/// ```text
/// check_operator(|context| Ok(Box::new(Count::new(context))), &["k STRING"])
///     .keys(&[&[0]])
///     .input(["a", "b", "a", "watermark 1000", "end"])
///     .expect(["a | 2", "b | 1"]);
/// ```
pub fn check_operator(make: impl Fn(&SubtaskContext) -> Result<Box<dyn Operator>> + 'static, inputs: &[&str]) -> OperatorCase {
    OperatorCase {
        stages: vec![Stage {
            make: Box::new(make),
            keys: vec![None; inputs.len()],
        }],
        inputs: inputs.iter().map(|i| columns(i)).collect(),
        events: Vec::new(),
        late: Vec::new(),
        counts: BTreeMap::new(),
        leaves_no_state: false,
    }
}

impl OperatorCase {
    /// The key columns of each input: rows go to the subtask of their key group, all to one where there is no key column. Without it any
    /// subtask may get any row, so a changelog needs keys: what takes a row back must follow it to its subtask.
    pub fn keys(mut self, keys: &[&[usize]]) -> Self {
        for (stage, keys) in self.stages[0].keys.iter_mut().zip(keys) {
            *stage = Some(keys.to_vec());
        }
        self
    }
    /// Sends the output through another operator, which has subtasks of its own; `keys` are columns of its one input.
    pub fn then(mut self, make: impl Fn(&SubtaskContext) -> Result<Box<dyn Operator>> + 'static, keys: &[usize]) -> Self {
        self.stages.push(Stage {
            make: Box::new(make),
            keys: vec![Some(keys.to_vec())],
        });
        self
    }
    /// What goes in, one event per line: a row as in [`super::rows`], with `1> ` in front for the second input, `-U ` … for a changelog, and
    /// `@ 1000` behind for its stamp; `watermark 1000` for all inputs; `end` for the final watermark and the end of all inputs.
    pub fn input<S: AsRef<str>>(mut self, lines: impl IntoIterator<Item = S>) -> Self {
        for line in lines {
            let event = settle(line.as_ref(), self.event(line.as_ref()));
            self.events.push(event);
        }
        self
    }
    /// Rows that must leave by the `late` port, in the columns of the first input. None unless given.
    pub fn late<S: AsRef<str>>(mut self, lines: impl IntoIterator<Item = S>) -> Self {
        self.late = lines.into_iter().map(|l| l.as_ref().to_string()).collect();
        self
    }
    /// The counters and what they must show. None unless given.
    pub fn counts(mut self, counts: &[(&'static str, u64)]) -> Self {
        self.counts = counts.iter().copied().collect();
        self
    }
    /// After the last event nothing may be left in the operators' state.
    pub fn leaves_no_state(mut self) -> Self {
        self.leaves_no_state = true;
        self
    }
    /// Runs the case in every regime. The rows that come out are compared as a multiset, those of a changelog as the table they fold to.
    pub fn expect<S: AsRef<str>>(self, lines: impl IntoIterator<Item = S>) {
        let expected: Vec<String> = lines.into_iter().map(|l| l.as_ref().to_string()).collect();
        if let Err(message) = self.check(&expected) {
            let input: String = self.events.iter().map(|e| format!("\n    {}", e.text())).collect();
            fail(&format!("{message}\n  input:{input}"));
        }
    }

    fn event(&self, line: &str) -> Found<Event> {
        if line == "end" {
            return Ok(Event::End);
        }
        if let Some(time) = line.strip_prefix("watermark ") {
            return time.trim().parse().map(Event::Watermark).map_err(|_| "no number".to_string());
        }
        let parsed = Line::parse(line)?;
        let schema = self.inputs.get(parsed.input).ok_or_else(|| format!("there is no input {}", parsed.input))?;
        Ok(Event::Rows {
            input: parsed.input,
            batch: Batch {
                data: batch(schema, &[parsed.cells])?,
                kinds: parsed.kind.map(|k| [k].into()),
                stamp: parsed.stamp.map(Stamp::Constant),
                origins: None,
            },
            text: line.to_string(),
        })
    }

    /// Each event, or rows of one input up to the next watermark as one.
    fn batches(&self, single_rows: bool) -> Found<Vec<Event>> {
        let mut events = Vec::new();
        for event in &self.events {
            let Event::Rows { input, batch, text } = event else {
                events.push(match event {
                    Event::Watermark(time) => Event::Watermark(*time),
                    _ => Event::End,
                });
                continue;
            };
            match events.last_mut() {
                Some(Event::Rows {
                    input: i,
                    batch: last,
                    text: all,
                }) if i == input && !single_rows => {
                    *last = join(last, batch)?;
                    *all = format!("{all}\n    {text}");
                }
                _ => events.push(Event::Rows {
                    input: *input,
                    batch: batch.clone(),
                    text: text.clone(),
                }),
            }
        }
        Ok(events)
    }

    fn check(&self, expected: &[String]) -> Found<()> {
        let mut first: Option<Outcome> = None;
        for regime in regimes(self.events.len()) {
            let here = |message: String| format!("{}: {message}", regime.name);
            let outcome = self.run(&regime).map_err(here)?;
            let main = canonical(expected, outcome.schemas.get(&Output::MAIN)).map_err(here)?;
            same_rows(&main, &fold(&outcome, Output::MAIN).map_err(here)?).map_err(here)?;
            let late = canonical(&self.late, outcome.schemas.get(&Output::LATE)).map_err(here)?;
            same_rows(&late, &fold(&outcome, Output::LATE).map_err(here)?).map_err(|m| here(format!("late {m}")))?;
            if let Some((port, _, row)) = outcome.rows.iter().find(|r| r.0 > Output::LATE) {
                return Err(here(format!("{row} came out of port {port}")));
            }
            if outcome.counts != self.counts {
                return Err(here(format!("counters are {:?} instead of {:?}", outcome.counts, self.counts)));
            }
            if self.leaves_no_state && outcome.state_bytes > 0 {
                return Err(here(format!("{} bytes of state are left", outcome.state_bytes)));
            }
            match &first {
                None => {
                    let again = self.run(&regime).map_err(here)?;
                    if again.rows != outcome.rows {
                        return Err(here("the same input in the same order gave its rows in another order".to_string()));
                    }
                    first = Some(outcome);
                }
                Some(first) if first.schemas != outcome.schemas && !outcome.rows.is_empty() => {
                    return Err(here(format!("the columns are {:?} instead of {:?}", outcome.schemas, first.schemas)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn run(&self, regime: &Regime) -> Found<Outcome> {
        let events = self.batches(regime.single_rows)?;
        let mut run = Run::new(&self.stages, regime)?;
        for (i, event) in events.iter().enumerate() {
            let here = |message: String| format!("at \"{}\": {message}", event.text());
            run.event(event).map_err(here)?;
            match regime.restore {
                Restore::Never => {}
                Restore::Always => {
                    run.checkpoint().map_err(here)?;
                    run.restore().map_err(here)?;
                }
                Restore::Crash(k) if i <= k => {
                    run.checkpoint().map_err(here)?;
                    if i == k
                        && let Some(next) = events.get(i + 1)
                    {
                        run.lost(next).map_err(here)?;
                        run.restore().map_err(here)?;
                    }
                }
                Restore::Crash(_) => {}
            }
        }
        Ok(run.finish())
    }
}

/// The rows of two batches of one schema as one.
fn join(a: &Batch, b: &Batch) -> Found<Batch> {
    let data = arrow_select::concat::concat_batches(&a.data.schema(), [&a.data, &b.data]).map_err(|e| e.to_string())?;
    let both = |batch: &Batch| (0..batch.num_rows()).map(|r| batch.stamp_at(r)).collect::<Vec<_>>();
    let stamped = a.stamp.is_some() || b.stamp.is_some();
    let kinds = a.kinds.is_some() || b.kinds.is_some();
    let kind = |batch: &Batch| (0..batch.num_rows()).map(|r| batch.kind(r)).collect::<Vec<RowKind>>();
    Ok(Batch {
        data,
        kinds: kinds.then(|| [kind(a), kind(b)].concat().into()),
        stamp: stamped.then(|| Stamp::Rows([both(a), both(b)].concat().into())),
        origins: None,
    })
}

/// Expected rows in the form that rows of these columns have; as they are written if no row came out.
fn canonical(lines: &[String], schema: Option<&SchemaRef>) -> Found<Multiset> {
    let Some(arrow) = schema else { return Ok(multiset(lines)) };
    let schema = Schema::from_arrow(arrow).map_err(|e| e.to_string())?;
    let text = |line: &String| {
        let row = batch(&schema, &[Line::parse(line)?.cells]).map_err(|e| format!("expected row \"{line}\": {e}"))?;
        Ok(row_text(&row, 0, &schema, Floats::Rounded))
    };
    Ok(multiset(lines.iter().map(text).collect::<Found<Vec<_>>>()?))
}

/// The table that the rows of a port make up.
fn fold(outcome: &Outcome, port: Port) -> Found<Multiset> {
    let mut table = Multiset::new();
    for (_, kind, row) in outcome.rows.iter().filter(|r| r.0 == port) {
        let count = table.entry(row.clone()).or_default();
        *count += match kind {
            RowKind::Insert | RowKind::UpdateAfter => 1,
            RowKind::UpdateBefore | RowKind::Delete => -1,
        };
        if *count < 0 {
            return Err(format!("{} {row} takes back a row that is not there", kind.short()));
        }
    }
    table.retain(|_, n| *n > 0);
    Ok(table)
}

#[cfg(test)]
mod tests;
