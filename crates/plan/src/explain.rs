//! A plan as text.

use crate::{Expr, Job, Node, NodeSpec, Value, Window, WindowTime};
use millstream_dataflow::Exchange;
use std::fmt::Write;

/// The operator tree of each sink, the sink first. Deterministic: golden plans are made of it.
pub fn explain(job: &Job) -> String {
    let mut text = String::new();
    let is_read = |i: usize| job.nodes.iter().any(|n| n.inputs.iter().any(|input| input.node == i));
    for i in (0..job.nodes.len()).filter(|i| !is_read(*i)) {
        describe(job, i, &Exchange::Forward, 0, &mut text);
    }
    text
}

fn describe(job: &Job, index: usize, exchange: &Exchange, depth: usize, text: &mut String) {
    let node = &job.nodes[index];
    let indent = "  ".repeat(depth);
    let via = match exchange {
        Exchange::Forward => String::new(),
        Exchange::Hash(columns) => format!(
            " <- hash({})",
            columns
                .iter()
                .map(|c| node.columns.get(*c).map_or("?", |c| c.name.as_str()))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Exchange::Singleton => " <- singleton".to_string(),
    };
    let columns = node.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "{indent}{}{via}", operator(job, node));
    if !matches!(node.spec, NodeSpec::Sink(_) | NodeSpec::Collect) {
        let _ = writeln!(text, "{indent}  : [{columns}]");
    }
    for input in &node.inputs {
        describe(job, input.node, &input.exchange, depth + 1, text);
    }
}

fn operator(job: &Job, node: &Node) -> String {
    let below = node
        .inputs
        .first()
        .map(|i| job.nodes[i.node].columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>())
        .unwrap_or_default();
    let name = |i: usize| below.get(i).cloned().unwrap_or_else(|| format!("#{i}"));
    match &node.spec {
        NodeSpec::Source(s) => {
            let columns: Vec<String> = s.table.columns.iter().map(|(c, _)| c.name.clone()).collect();
            let scan: Vec<String> = node.columns.iter().map(|c| c.name.clone()).collect();
            let mut line = format!("Source {} [{}]", s.table.name, columns.join(", "));
            if let Some(rowtime) = &s.rowtime {
                let _ = write!(line, " watermark {} = {}", scan[rowtime.column], expr(&rowtime.watermark, &scan));
            }
            line
        }
        NodeSpec::Values(rows) => format!("Values {} rows", rows.len()),
        NodeSpec::Project(exprs) => format!("Project {}", exprs.iter().map(|e| expr(e, &below)).collect::<Vec<_>>().join(", ")),
        NodeSpec::Filter(e) => format!("Filter {}", expr(e, &below)),
        NodeSpec::Window { window, time, .. } => format!("Window {} on {}", cut(window), name(*time)),
        NodeSpec::Expand { keys, sets } => {
            let sets = sets
                .iter()
                .map(|s| format!("({})", s.iter().map(|k| name(keys[*k])).collect::<Vec<_>>().join(", ")));
            format!("Expand {}", sets.collect::<Vec<_>>().join(", "))
        }
        NodeSpec::LocalWindowAggregate(a) => format!("LocalWindowAggregate {}", aggregate(a)),
        NodeSpec::WindowAggregate { aggregate: a, .. } => format!("WindowAggregate {}", aggregate(a)),
        NodeSpec::Union => "Union".to_string(),
        NodeSpec::Sink(t) => format!("Sink {} ({})", t.name, t.options.get("connector").map_or("", String::as_str)),
        NodeSpec::Collect => "Collect".to_string(),
    }
}

fn cut(window: &Window) -> String {
    let offset = if window.offset_ms() == 0 {
        String::new()
    } else {
        format!(" offset {} ms", window.offset_ms())
    };
    match window {
        Window::Tumble { size_ms, .. } => format!("TUMBLE size {size_ms} ms{offset}"),
        Window::Hop { slide_ms, size_ms, .. } => format!("HOP slide {slide_ms} ms size {size_ms} ms{offset}"),
    }
}

fn aggregate(a: &crate::WindowAggregate) -> String {
    let name = |i: &usize| a.rows[*i].name.as_str();
    let keys: Vec<&str> = a.keys.iter().map(name).collect();
    let calls = a.aggregates.iter().map(|c| {
        let args = if c.args.is_empty() {
            "*".to_string()
        } else {
            c.args.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let filter = c.filter.as_ref().map_or(String::new(), |f| format!(" filter {}", name(f)));
        format!("{}({}{args}){filter}", c.function, if c.distinct { "distinct " } else { "" })
    });
    let time = match &a.time {
        WindowTime::Column(c) => format!("on {}", name(c)),
        WindowTime::Attached { end, .. } => format!("attached by {}", name(end)),
    };
    format!("{} {time} keys [{}] {}", cut(&a.window), keys.join(", "), calls.collect::<Vec<_>>().join(", "))
}

fn expr(e: &Expr, columns: &[String]) -> String {
    match e {
        Expr::Column(i) => columns.get(*i).cloned().unwrap_or_else(|| format!("#{i}")),
        Expr::Literal { value, ty } => match value {
            Value::Null => "NULL".to_string(),
            Value::Boolean(b) => b.to_string(),
            Value::Int(v) => match ty.ty {
                millstream_dataflow::SqlType::BigInt | millstream_dataflow::SqlType::Int => v.to_string(),
                _ => format!("{v}:{}", ty.ty),
            },
            Value::Decimal(v) => format!("{v}:{}", ty.ty),
            Value::Float(v) => format!("{v:?}"),
            Value::Text(t) => format!("'{}'", t.replace('\'', "''")),
            Value::Bytes(b) => format!("{b:?}"),
        },
        Expr::Call { name, args, .. } => format!("{name}({})", args.iter().map(|a| expr(a, columns)).collect::<Vec<_>>().join(", ")),
        Expr::Cast { expr: e, to, safe, .. } => format!("{}({} AS {})", if *safe { "TRY_CAST" } else { "CAST" }, expr(e, columns), to.ty),
        Expr::Case { when, otherwise, .. } => {
            let mut text = "CASE".to_string();
            for (c, r) in when {
                let _ = write!(text, " WHEN {} THEN {}", expr(c, columns), expr(r, columns));
            }
            if let Some(o) = otherwise {
                let _ = write!(text, " ELSE {}", expr(o, columns));
            }
            text + " END"
        }
    }
}
