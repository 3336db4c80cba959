//! Pictures: nothing overlaps, whatever the graph.

use super::layers::{Graph, layers};

/// Numbers that look random, the same in each run.
fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[test]
fn boxes_stand_apart_and_lines_lead_downwards() {
    let mut state = 7;
    for _ in 0..200 {
        let count = 1 + chance(&mut state, 24) as usize;
        let boxes: Vec<(f64, f64)> = (0..count)
            .map(|_| (60.0 + chance(&mut state, 300) as f64, 20.0 + chance(&mut state, 100) as f64))
            .collect();
        let mut edges = Vec::new();
        for to in 1..count {
            for _ in 0..chance(&mut state, 3) {
                edges.push((chance(&mut state, to as u64) as usize, to));
            }
        }
        let labels = vec![40.0; edges.len()];
        let graph = Graph { boxes, edges, labels };
        let places = layers(&graph);
        let area = |i: usize| {
            let ((x, y), (w, h)) = (places.boxes[i], graph.boxes[i]);
            (x, y, x + w, y + h)
        };
        for a in 0..count {
            let (x, y, right, bottom) = area(a);
            assert!(
                x >= -0.01 && y >= -0.01 && right <= places.width + 0.01 && bottom <= places.height + 0.01,
                "outside"
            );
            for b in 0..a {
                let (bx, by, bright, bbottom) = area(b);
                assert!(
                    right <= bx + 0.01 || bright <= x + 0.01 || bottom <= by + 0.01 || bbottom <= y + 0.01,
                    "{a} lies on {b}"
                );
            }
        }
        for points in &places.edges {
            assert!(points.windows(2).all(|p| p[0].1 <= p[1].1), "a line goes up: {points:?}");
        }
    }
}
