//! A plan as a picture.

use super::card::{Card, Role, card, label};
use super::layers::{Graph, layers};
use crate::describe::{Changelog, Description};
use std::fmt::Write;

/// Width of a character and height of a line, px.
const CHAR: f64 = 7.25;
const TITLE_CHAR: f64 = 7.85;
const LINE: f64 = 17.0;
const PADDING: f64 = 12.0;
const MARGIN: f64 = 24.0;
const BOX_WIDTH_MIN: f64 = 150.0;
/// Room for the line below the picture.
const CAPTION: f64 = 34.0;

/// The picture: sources above, sinks below. Boxes have a background of their own and lines a colour that is seen on white and on black.
pub fn svg(description: &Description) -> String {
    let cards: Vec<Card> = description.operators.iter().map(card).collect();
    let edges: Vec<_> = description
        .operators
        .iter()
        .enumerate()
        .flat_map(|(i, o)| o.inputs.iter().map(move |e| (i, e)))
        .collect();
    let labels: Vec<String> = edges.iter().map(|(_, e)| label(e)).collect();
    let places = layers(&Graph {
        boxes: cards.iter().map(size).collect(),
        edges: edges.iter().map(|(to, e)| (e.index, *to)).collect(),
        labels: labels.iter().map(|l| chars(l) * CHAR).collect(),
    });
    let caption = caption(description);
    let width = (places.width + 2.0 * MARGIN).max(chars(&caption) * CHAR + 2.0 * MARGIN);
    let height = places.height + 2.0 * MARGIN + CAPTION;
    let left = (width - places.width) / 2.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>{}</title>\n{STYLE}",
        escaped(&format!("Plan of {}", description.job))
    );
    let _ = writeln!(out, "<g transform=\"translate({left:.1} {MARGIN:.1})\">");
    for ((_, edge), points) in edges.iter().zip(&places.edges) {
        let kind = if edge.changelog == Changelog::Changes { "edge changes" } else { "edge" };
        let _ = writeln!(out, "<path class=\"{kind}\" marker-end=\"url(#arrow)\" d=\"{}\"/>", path(points));
    }
    // Above the lines, so that none crosses a word.
    for (text, points) in labels.iter().zip(&places.edges) {
        if !text.is_empty() {
            at_edge(&mut out, text, points);
        }
    }
    for (card, place) in cards.iter().zip(&places.boxes) {
        boxed(&mut out, card, *place);
    }
    let _ = writeln!(
        out,
        "</g>\n<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n</svg>",
        width / 2.0,
        height - MARGIN + 6.0,
        escaped(&caption)
    );
    out
}

const STYLE: &str = "<style>\n\
    text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #24292f }\n\
    .title { font-size: 13px; font-weight: 700 }\n\
    .note, .label { text-anchor: middle }\n\
    .note { fill: #7d8590 }\n\
    .box { stroke-width: 1.2 }\n\
    .source { fill: #e6f7ea; stroke: #2da44e }\n\
    .sink { fill: #e3f1fd; stroke: #218bff }\n\
    .stateful { fill: #fff6d6; stroke: #d4a72c }\n\
    .stateless { fill: #f6f8fa; stroke: #8c959f }\n\
    .edge { fill: none; stroke: #7d8590; stroke-width: 1.5 }\n\
    .changes { stroke-width: 3 }\n\
    .plate { fill: #eaeef2 }\n\
    </style>\n\
    <defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
    <path d=\"M0 0L10 5L0 10z\" fill=\"#7d8590\"/></marker></defs>\n";

fn caption(description: &Description) -> String {
    let subtasks = match description.parallelism {
        Some(n) => format!("parallelism {n}"),
        None => "one subtask per core".to_string(),
    };
    let changes = description.operators.iter().flat_map(|o| &o.inputs).any(|e| e.changelog == Changelog::Changes);
    let edges = match changes {
        true => "thick edges carry updates and deletions",
        false => "all edges carry insertions only",
    };
    format!("{}: {subtasks}, {edges}", description.job)
}

fn chars(text: &str) -> f64 {
    text.chars().count() as f64
}

fn size(card: &Card) -> (f64, f64) {
    let widest = card.lines.iter().map(|l| chars(l) * CHAR).fold(chars(&card.title) * TITLE_CHAR, f64::max);
    let height = LINE * (card.lines.len() + 1) as f64 + 1.5 * PADDING;
    ((widest + 2.0 * PADDING).max(BOX_WIDTH_MIN), height)
}

fn boxed(out: &mut String, card: &Card, (x, y): (f64, f64)) {
    let (width, height) = size(card);
    let corner = if matches!(card.role, Role::Source | Role::Sink) { 12.0 } else { 4.0 };
    let _ = writeln!(
        out,
        "<rect class=\"box {}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner}\"/>",
        card.role.name()
    );
    let mut line = |class: &str, text: &str, n: usize| {
        let y = y + PADDING / 2.0 + LINE * (n + 1) as f64;
        let _ = writeln!(out, "<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + PADDING, escaped(text));
    };
    line(" class=\"title\"", &card.title, 0);
    for (n, text) in card.lines.iter().enumerate() {
        line("", text, n + 1);
    }
}

/// A line with soft bends: each leaves and arrives downwards.
fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (n, (x, y)) in points.iter().enumerate() {
        match n.checked_sub(1).map(|before| points[before]) {
            None => d += &format!("M{x:.1} {y:.1}"),
            Some((from_x, _)) if (from_x - x).abs() < 0.05 => d += &format!("L{x:.1} {y:.1}"),
            Some((from_x, from_y)) => {
                let middle = (from_y + y) / 2.0;
                d += &format!("C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
            }
        }
    }
    d
}

/// What is written at an edge, near its end: several may leave a box at one place.
fn at_edge(out: &mut String, text: &str, points: &[(f64, f64)]) {
    let (Some((to_x, to_y)), Some((from_x, from_y))) = (points.last(), points.len().checked_sub(2).map(|n| points[n])) else {
        return;
    };
    // Where the bend is halfway.
    let (x, y) = ((from_x + to_x) / 2.0, (from_y + to_y) / 2.0);
    let width = chars(text) * CHAR + 10.0;
    let _ = writeln!(
        out,
        "<rect class=\"plate\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"18\" rx=\"9\"/>",
        x - width / 2.0,
        y - 9.0
    );
    let _ = writeln!(out, "<text class=\"label\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", y + 4.0, escaped(text));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
