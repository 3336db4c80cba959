//! A plan as text.

mod expression;

use crate::{DeadLetters, Job, Node, NodeSpec, RecordPolicy, SourceSpec, TableDef, Window, WindowAggregate, WindowTime};
use expression::{duration, expression};
use millstream_dataflow::option::is_secret;
use millstream_dataflow::{Exchange, MAX_PARALLELISM_DEFAULT};
use std::fmt::Write;

/// The operators of each sink as a tree, the sink first, each with its id in brackets. Deterministic: golden plans are made of it.
///
/// - an operator that several read is drawn once, and named where it is read again
/// - what stands between two operators is drawn as an exchange; without one rows stay in their subtask
/// - secrets among the options are left out
pub fn explain(job: &Job) -> String {
    let mut text = head(job);
    let mut drawn = vec![false; job.nodes.len()];
    let is_read = |i: usize| job.nodes.iter().any(|n| n.inputs.iter().any(|input| input.node == i));
    for i in (0..job.nodes.len()).filter(|i| !is_read(*i)) {
        draw(job, i, 0, &mut drawn, &mut text);
    }
    text
}

fn head(job: &Job) -> String {
    let set = |key: &str| job.settings.get(key).map(String::as_str);
    let parallelism = set("parallelism.default").map_or_else(|| "one subtask per core".to_string(), |n| format!("parallelism {n}"));
    let groups = set("pipeline.max-parallelism").map_or_else(|| MAX_PARALLELISM_DEFAULT.to_string(), str::to_string);
    format!("Job {}: {parallelism}, {groups} key groups\n", job.name)
}

fn draw(job: &Job, index: usize, depth: usize, drawn: &mut [bool], text: &mut String) {
    let node = &job.nodes[index];
    let lead = |depth: usize| match depth {
        0 => String::new(),
        _ => format!("{}+- ", "   ".repeat(depth - 1)),
    };
    if std::mem::replace(&mut drawn[index], true) {
        let _ = writeln!(text, "{}[{}] as above", lead(depth), node.id);
        return;
    }
    let alone = node
        .parallelism
        .map_or_else(String::new, |n| format!(" in {n} subtask{}", if n == 1 { "" } else { "s" }));
    let _ = writeln!(text, "{}{}{alone} [{}]", lead(depth), operator(job, index), node.id);
    for input in &node.inputs {
        let columns = &job.nodes[input.node].columns;
        let name = |c: &usize| columns.get(*c).map_or("?", |c| c.name.as_str());
        let exchange = match &input.exchange {
            Exchange::Forward => None,
            Exchange::Hash(keys) if keys.is_empty() => Some("all to one".to_string()),
            Exchange::Hash(keys) => Some(format!("hash({})", keys.iter().map(name).collect::<Vec<_>>().join(", "))),
            Exchange::Singleton => Some("all to one".to_string()),
        };
        let below = match exchange {
            None => depth + 1,
            Some(how) => {
                let _ = writeln!(text, "{}Exchange {how}", lead(depth + 1));
                depth + 2
            }
        };
        draw(job, input.node, below, drawn, text);
    }
}

fn operator(job: &Job, index: usize) -> String {
    let node = &job.nodes[index];
    let below: Vec<String> = match node.inputs.first() {
        Some(input) => job.nodes[input.node].columns.iter().map(|c| c.name.clone()).collect(),
        None => Vec::new(),
    };
    let name = |i: usize| below.get(i).cloned().unwrap_or_else(|| format!("#{i}"));
    match &node.spec {
        NodeSpec::Source(s) => source(s, node),
        NodeSpec::Values(rows) => format!("Values {} row{}", rows.len(), if rows.len() == 1 { "" } else { "s" }),
        NodeSpec::Project(exprs) => {
            let columns = exprs.iter().zip(&node.columns).map(|(e, c)| {
                let value = expression(e, &below);
                if value == c.name { value } else { format!("{value} AS {}", c.name) }
            });
            format!("Project {}", columns.collect::<Vec<_>>().join(", "))
        }
        NodeSpec::Filter(e) => format!("Filter {}", expression(e, &below)),
        NodeSpec::Window { window, time, zone, .. } => format!("Window {}{} on {}", cut(window), of(zone), name(*time)),
        NodeSpec::Expand { keys, sets } => {
            let sets = sets
                .iter()
                .map(|s| format!("({})", s.iter().map(|k| name(keys[*k])).collect::<Vec<_>>().join(", ")));
            format!("Expand {}", sets.collect::<Vec<_>>().join(", "))
        }
        NodeSpec::LocalWindowAggregate(a) => format!("LocalWindowAggregate {}", aggregate(a)),
        NodeSpec::WindowAggregate { aggregate: a, .. } => format!("WindowAggregate {}; late rows: {}", aggregate(a), late(job, index)),
        NodeSpec::Union => "Union".to_string(),
        NodeSpec::DeadLetters(DeadLetters::Rejected) => "DeadLetters of bad records".to_string(),
        NodeSpec::DeadLetters(DeadLetters::Late { table }) => format!("DeadLetters of late rows of {table}"),
        NodeSpec::Sink(t) => format!("Sink {}{}", table(t), partitions(t)),
        NodeSpec::Collect => "Collect".to_string(),
    }
}

fn source(s: &SourceSpec, node: &Node) -> String {
    let delivered: Vec<String> = s.table.columns.iter().map(|(c, _)| c.name.clone()).collect();
    let columns = s.columns.iter().zip(&node.columns).map(|(e, c)| {
        let value = expression(e, &delivered);
        if value == c.name { value } else { format!("{value} AS {}", c.name) }
    });
    let mut text = format!("Source {}: {}", table(&s.table), columns.collect::<Vec<_>>().join(", "));
    if let Some(rowtime) = &s.rowtime {
        let scan: Vec<String> = node.columns.iter().map(|c| c.name.clone()).collect();
        let _ = write!(text, "; watermark of {} = {}", scan[rowtime.column], expression(&rowtime.watermark, &scan));
        if let Some(skew) = &rowtime.max_future_skew {
            let _ = write!(text, ", at most {} ahead of the clock", duration(skew.ms as i64));
        }
        match s.idle_timeout_ms {
            Some(ms) => {
                let _ = write!(text, ", idle after {}", duration(ms as i64));
            }
            None => text.push_str(", never idle"),
        }
        if let Some(a) = &rowtime.alignment {
            let (drift, interval) = (duration(a.max_drift_ms as i64), duration(a.update_interval_ms as i64));
            let _ = write!(text, ", at most {drift} ahead of the group {}, looked at every {interval}", a.group);
        }
    }
    if s.processing_time {
        text.push_str("; watermark: processing time");
    }
    if !s.tests.is_empty() {
        let tests = s.tests.iter().map(|t| expression(t, &delivered));
        let _ = write!(text, "; skips row groups by {}", tests.collect::<Vec<_>>().join(", "));
    }
    if s.changes {
        text.push_str("; rows: inserted, updated and deleted");
    }
    text.push_str(match s.on_error {
        RecordPolicy::Fail => "",
        RecordPolicy::Skip => "; bad records: left out and counted",
        RecordPolicy::Route => "; bad records: routed and counted",
    });
    text
}

/// What becomes of rows that are too late for an operator.
fn late(job: &Job, index: usize) -> String {
    let tables: Vec<&str> = job
        .nodes
        .iter()
        .filter(|n| n.inputs.iter().any(|i| i.node == index))
        .filter_map(|n| match &n.spec {
            NodeSpec::DeadLetters(DeadLetters::Late { table }) => Some(table.as_str()),
            _ => None,
        })
        .collect();
    match tables.is_empty() {
        true => "dropped and counted".to_string(),
        false => format!("those of {} routed, all counted", tables.join(", ")),
    }
}

/// A table's name and options; what connects it comes first.
fn table(t: &TableDef) -> String {
    let first = ["connector", "format"];
    let ordered = first
        .iter()
        .filter_map(|k| t.options.get_key_value(*k))
        .chain(t.options.iter().filter(|(k, _)| !first.contains(&k.as_str())));
    let options = ordered.map(|(key, value)| format!("{key} = {}", if is_secret(key) { "…" } else { value.as_str() }));
    format!("{} ({})", t.name, options.collect::<Vec<_>>().join(", "))
}

fn partitions(t: &TableDef) -> String {
    if t.partition_keys.is_empty() {
        String::new()
    } else {
        format!(" partitioned by ({})", t.partition_keys.join(", "))
    }
}

fn cut(window: &Window) -> String {
    let offset = match window.offset_ms() {
        0 => String::new(),
        ms => format!(", offset {}", duration(ms)),
    };
    match window {
        Window::Tumble { size_ms, .. } => format!("TUMBLE(size {}{offset})", duration(*size_ms)),
        Window::Hop { slide_ms, size_ms, .. } => format!("HOP(slide {}, size {}{offset})", duration(*slide_ms), duration(*size_ms)),
    }
}

fn of(zone: &Option<String>) -> String {
    zone.as_ref().map_or_else(String::new, |zone| format!(" of {zone}"))
}

fn aggregate(a: &WindowAggregate) -> String {
    let name = |i: &usize| a.rows[*i].name.as_str();
    let calls = a.aggregates.iter().map(|c| {
        let args = if c.args.is_empty() {
            "*".to_string()
        } else {
            c.args.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let distinct = if c.distinct { "DISTINCT " } else { "" };
        let filter = c.filter.as_ref().map_or(String::new(), |f| format!(" FILTER {}", name(f)));
        format!("{}({distinct}{args}){filter} AS {}", c.function.to_uppercase(), c.name)
    });
    let time = match &a.time {
        WindowTime::Column(c) => format!("on {}", name(c)),
        WindowTime::Attached { start, end } => format!("as in {}, {}", name(start), name(end)),
    };
    let keys = a.keys.iter().map(name).collect::<Vec<_>>().join(", ");
    let calls = calls.collect::<Vec<_>>().join(", ");
    format!("{}{} {time} keys ({keys}): {calls}", cut(&a.window), of(&a.zone))
}
