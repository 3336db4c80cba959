//! What an operator does, in words.

use super::expression::{duration, expression};
use crate::{DeadLetters, Job, Node, NodeSpec, RecordPolicy, SourceSpec, TableDef, Window, WindowAggregate, WindowTime};
use millstream_dataflow::option::holds_secret;
use std::fmt::Write;

/// All that it does. `below` are the columns of what it reads.
pub(super) fn detail(job: &Job, index: usize, below: &[String]) -> String {
    let node = &job.nodes[index];
    let name = |i: usize| below.get(i).cloned().unwrap_or_else(|| format!("#{i}"));
    match &node.spec {
        NodeSpec::Source(s) => source(s, node),
        NodeSpec::Values(rows) => rows_text(rows.len()),
        NodeSpec::Project(_) => projection(node, below).join(", "),
        NodeSpec::Filter(e) => expression(e, below),
        NodeSpec::Window { window, time, zone, .. } => format!("{}{} on {}", cut(window), of(zone), name(*time)),
        NodeSpec::Expand { keys, sets } => sets_text(keys, sets, below).join(", "),
        NodeSpec::LocalWindowAggregate(a) => aggregate(a),
        NodeSpec::WindowAggregate { aggregate: a, .. } if a.window == Window::Whole => aggregate(a),
        NodeSpec::WindowAggregate { aggregate: a, .. } => format!("{}; late rows: {}", aggregate(a), late(job, index)),
        NodeSpec::DeadLetters(DeadLetters::Rejected) => "of bad records".to_string(),
        NodeSpec::DeadLetters(DeadLetters::Late { table }) => format!("of late rows of {table}"),
        NodeSpec::Sink(t) => format!("{}{}", table(t), partitions(t)),
        NodeSpec::Union | NodeSpec::Collect => String::new(),
    }
}

/// What it is about: a table, or a window.
pub(super) fn subject(spec: &NodeSpec) -> String {
    match spec {
        NodeSpec::Source(s) => s.table.name.clone(),
        NodeSpec::Sink(t) => t.name.clone(),
        NodeSpec::DeadLetters(DeadLetters::Late { table }) => table.clone(),
        NodeSpec::Window { window, .. } => cut(window),
        NodeSpec::LocalWindowAggregate(a) | NodeSpec::WindowAggregate { aggregate: a, .. } => cut(&a.window),
        NodeSpec::Values(_)
        | NodeSpec::Project(_)
        | NodeSpec::Filter(_)
        | NodeSpec::Expand { .. }
        | NodeSpec::Union
        | NodeSpec::DeadLetters(DeadLetters::Rejected)
        | NodeSpec::Collect => String::new(),
    }
}

/// What it does in few words, one fact each.
pub(super) fn summary(node: &Node, below: &[String]) -> Vec<String> {
    let name = |i: usize| below.get(i).cloned().unwrap_or_else(|| format!("#{i}"));
    match &node.spec {
        NodeSpec::Source(s) => {
            let columns: Vec<&str> = node.columns.iter().map(|c| c.name.as_str()).collect();
            vec![connects(&s.table), columns.join(", ")]
        }
        NodeSpec::Values(rows) => vec![rows_text(rows.len())],
        NodeSpec::Project(_) => vec![projection(node, below).join(", ")],
        NodeSpec::Filter(e) => vec![expression(e, below)],
        NodeSpec::Window { time, .. } => vec![format!("on {}", name(*time))],
        NodeSpec::Expand { keys, sets } => vec![sets_text(keys, sets, below).join(", ")],
        NodeSpec::LocalWindowAggregate(a) | NodeSpec::WindowAggregate { aggregate: a, .. } => calls(a),
        NodeSpec::DeadLetters(DeadLetters::Rejected) => vec!["bad records".to_string()],
        NodeSpec::DeadLetters(DeadLetters::Late { .. }) => vec!["late rows".to_string()],
        NodeSpec::Sink(t) => vec![connects(t)],
        NodeSpec::Union | NodeSpec::Collect => Vec::new(),
    }
}

fn rows_text(rows: usize) -> String {
    format!("{rows} row{}", if rows == 1 { "" } else { "s" })
}

/// Connector and format.
fn connects(t: &TableDef) -> String {
    let named = ["connector", "format", "value.format"]
        .iter()
        .filter_map(|k| t.options.get(*k))
        .map(String::as_str);
    named.collect::<Vec<_>>().join(", ")
}

fn projection(node: &Node, below: &[String]) -> Vec<String> {
    let NodeSpec::Project(exprs) = &node.spec else {
        return Vec::new();
    };
    let columns = exprs.iter().zip(&node.columns).map(|(e, c)| {
        let value = expression(e, below);
        if value == c.name { value } else { format!("{value} AS {}", c.name) }
    });
    columns.collect()
}

fn sets_text(keys: &[usize], sets: &[Vec<usize>], below: &[String]) -> Vec<String> {
    let name = |k: &usize| keys.get(*k).and_then(|c| below.get(*c)).map_or("?", String::as_str);
    sets.iter()
        .map(|s| format!("({})", s.iter().map(name).collect::<Vec<_>>().join(", ")))
        .collect()
}

fn source(s: &SourceSpec, node: &Node) -> String {
    let delivered: Vec<String> = s.table.columns.iter().map(|(c, _)| c.name.clone()).collect();
    let columns = s.columns.iter().zip(&node.columns).map(|(e, c)| {
        let value = expression(e, &delivered);
        if value == c.name { value } else { format!("{value} AS {}", c.name) }
    });
    let mut text = format!("{}: {}", table(&s.table), columns.collect::<Vec<_>>().join(", "));
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
    let options = ordered.map(|(key, value)| format!("{key} = {}", if holds_secret(key, value) { "…" } else { value.as_str() }));
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
        Window::Whole => "until the input ends,".to_string(),
        Window::Hop { slide_ms, size_ms, .. } => format!("HOP(slide {}, size {}{offset})", duration(*slide_ms), duration(*size_ms)),
    }
}

fn of(zone: &Option<String>) -> String {
    zone.as_ref().map_or_else(String::new, |zone| format!(" of {zone}"))
}

fn calls(a: &WindowAggregate) -> Vec<String> {
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
    calls.collect()
}

fn aggregate(a: &WindowAggregate) -> String {
    let name = |i: &usize| a.rows[*i].name.as_str();
    let time = match &a.time {
        WindowTime::Column(c) => format!("on {}", name(c)),
        WindowTime::Attached { start, end } => format!("as in {}, {}", name(start), name(end)),
    };
    let keys = a.keys.iter().map(name).collect::<Vec<_>>().join(", ");
    if a.window == Window::Whole {
        return match calls(a).join(", ") {
            calls if calls.is_empty() => format!("{} keys ({keys})", cut(&a.window)),
            calls => format!("{} keys ({keys}): {calls}", cut(&a.window)),
        };
    }
    format!("{}{} {time} keys ({keys}): {}", cut(&a.window), of(&a.zone), calls(a).join(", "))
}
