//! Places for boxes and lines of a graph, in layers from top to bottom (after Sugiyama, Tagawa and Toda, "Methods for visual
//! understanding of hierarchical system structures", 1981). The same graph always looks the same.

/// A graph to be drawn: boxes, and lines from one to another with the width of what is written at them.
pub(super) struct Graph {
    /// Width and height of each box; edges go from earlier boxes to later ones.
    pub(super) boxes: Vec<(f64, f64)>,
    pub(super) edges: Vec<(usize, usize)>,
    /// Width of the text at each edge.
    pub(super) labels: Vec<f64>,
}

/// Where all is.
pub(super) struct Places {
    /// Left upper corner of each box.
    pub(super) boxes: Vec<(f64, f64)>,
    /// The points that each edge goes through, from the lower side of a box to the upper side of another.
    pub(super) edges: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Between boxes of a layer.
const GAP: f64 = 36.0;
/// Between layers: room for a line and what is written at it.
const LAYER_GAP: f64 = 54.0;
/// How often crossings are looked for, and boxes brought nearer to those they are joined with.
const ROUNDS: usize = 12;

/// A box, or a place where a long line passes a layer.
struct Slot {
    layer: usize,
    width: f64,
    height: f64,
    above: Vec<usize>,
    below: Vec<usize>,
    /// Its middle.
    x: f64,
}

pub(super) fn layers(graph: &Graph) -> Places {
    let layer = layer_of(graph);
    let mut slots: Vec<Slot> = graph
        .boxes
        .iter()
        .zip(&layer)
        .map(|((width, height), layer)| slot(*layer, *width, *height))
        .collect();
    // What each edge passes, from its first box to its last.
    let mut passes: Vec<Vec<usize>> = Vec::new();
    for ((from, to), label) in graph.edges.iter().zip(&graph.labels) {
        let mut pass = vec![*from];
        for between in layer[*from] + 1..layer[*to] {
            slots.push(slot(between, label.max(12.0), 0.0));
            pass.push(slots.len() - 1);
        }
        pass.push(*to);
        for pair in pass.windows(2) {
            slots[pair[0]].below.push(pair[1]);
            slots[pair[1]].above.push(pair[0]);
        }
        passes.push(pass);
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); slots.iter().map(|s| s.layer + 1).max().unwrap_or(0)];
    for (i, slot) in slots.iter().enumerate() {
        rows[slot.layer].push(i);
    }
    order(&mut rows, &slots);
    spread(&rows, &mut slots);
    place(graph, &rows, &slots, &passes)
}

fn slot(layer: usize, width: f64, height: f64) -> Slot {
    Slot {
        layer,
        width,
        height,
        above: Vec::new(),
        below: Vec::new(),
        x: 0.0,
    }
}

/// Each box as far up as those before it allow, and those that nothing comes into right above what reads them.
fn layer_of(graph: &Graph) -> Vec<usize> {
    let mut layer: Vec<usize> = vec![0; graph.boxes.len()];
    for i in 0..graph.boxes.len() {
        layer[i] = graph
            .edges
            .iter()
            .filter(|(_, to)| *to == i)
            .map(|(from, _)| layer[*from] + 1)
            .max()
            .unwrap_or(0);
    }
    for i in 0..graph.boxes.len() {
        if !graph.edges.iter().any(|(_, to)| *to == i) {
            let below = graph.edges.iter().filter(|(from, _)| *from == i).map(|(_, to)| layer[*to]).min();
            layer[i] = below.map_or(0, |below| below.saturating_sub(1));
        }
    }
    layer
}

/// Brings each slot of a row to the middle of those it is joined with, downwards and upwards in turn.
fn order(rows: &mut [Vec<usize>], slots: &[Slot]) {
    let mut position = vec![0.0; slots.len()];
    let number = |row: &[usize], position: &mut [f64]| row.iter().enumerate().for_each(|(n, i)| position[*i] = n as f64);
    rows.iter().for_each(|row| number(row, &mut position));
    for round in 0..ROUNDS {
        let downwards = round % 2 == 0;
        let each: Vec<usize> = if downwards {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for r in each {
            let middle = |i: &usize| mean(if downwards { &slots[*i].above } else { &slots[*i].below }, |j| position[j]).unwrap_or(position[*i]);
            let mut sorted: Vec<(f64, usize)> = rows[r].iter().map(|i| (middle(i), *i)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[r] = sorted.into_iter().map(|(_, i)| i).collect();
            number(&rows[r], &mut position);
        }
    }
}

fn mean(of: &[usize], value: impl Fn(usize) -> f64) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().map(|i| value(*i)).sum::<f64>() / of.len() as f64)
}

/// Gives each slot its middle: near those it is joined with, apart from its neighbours.
fn spread(rows: &[Vec<usize>], slots: &mut [Slot]) {
    for row in rows {
        let mut x = 0.0;
        for i in row {
            slots[*i].x = x + slots[*i].width / 2.0;
            x += slots[*i].width + GAP;
        }
    }
    for round in 0..2 * ROUNDS {
        let downwards = round % 2 == 0;
        let each: Vec<usize> = if downwards {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for r in each {
            let row = &rows[r];
            let wanted: Vec<f64> = row
                .iter()
                .map(|i| mean(if downwards { &slots[*i].above } else { &slots[*i].below }, |j| slots[j].x).unwrap_or(slots[*i].x))
                .collect();
            let apart = |n: usize| (slots[row[n - 1]].width + slots[row[n]].width) / 2.0 + GAP;
            // Pushed to the right, pushed to the left: both keep the distances, and so does what lies between.
            let (mut right, mut left) = (wanted.clone(), wanted);
            for n in 1..row.len() {
                right[n] = right[n].max(right[n - 1] + apart(n));
            }
            for n in (1..row.len()).rev() {
                left[n - 1] = left[n - 1].min(left[n] - apart(n));
            }
            for (n, i) in row.iter().enumerate() {
                slots[*i].x = (right[n] + left[n]) / 2.0;
            }
        }
    }
}

fn place(graph: &Graph, rows: &[Vec<usize>], slots: &[Slot], passes: &[Vec<usize>]) -> Places {
    let first = slots.iter().map(|s| s.x - s.width / 2.0).fold(f64::INFINITY, f64::min);
    let last = slots.iter().map(|s| s.x + s.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let mut tops = Vec::new();
    let mut y = 0.0;
    for row in rows {
        let height = row.iter().map(|i| slots[*i].height).fold(0.0, f64::max);
        tops.push((y, height));
        y += height + LAYER_GAP;
    }
    let x = |i: usize| slots[i].x - first;
    let top = |i: usize| tops[slots[i].layer].0;
    let boxes = (0..graph.boxes.len()).map(|i| (x(i) - slots[i].width / 2.0, top(i))).collect();
    let edges = passes.iter().map(|pass| {
        let mut points = vec![(x(pass[0]), top(pass[0]) + slots[pass[0]].height)];
        for i in &pass[1..pass.len() - 1] {
            // Straight through the layer it passes.
            points.push((x(*i), top(*i)));
            points.push((x(*i), top(*i) + tops[slots[*i].layer].1));
        }
        points.push((x(pass[pass.len() - 1]), top(pass[pass.len() - 1])));
        points
    });
    Places {
        boxes,
        edges: edges.collect(),
        width: (last - first).max(0.0),
        height: (y - LAYER_GAP).max(0.0),
    }
}
