use super::{CHANGES_MAX, Facts, Live, LiveMode, ROWS_MAX};
use crate::repl::line::{Line, Mark};
use millstream_dataflow::testing::{columns, rows};
use millstream_dataflow::{Batch, RowKind, Schema, Watermark};
use std::time::Duration;

const FACTS: Facts = Facts {
    read: 10,
    watermark: Watermark::NONE,
    lag: None,
    state_bytes: 0,
    late: 0,
    done: None,
    running: true,
    cut_off: Vec::new(),
    now_ms: 0,
};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn schema() -> Schema {
    columns("page STRING, n BIGINT")
}

/// Rows as `+U home | 2`; all `+I` is a batch without kinds.
fn batch(lines: &[&str]) -> Batch {
    let kind = |l: &&str| match &l[..2] {
        "+I" => RowKind::Insert,
        "-U" => RowKind::UpdateBefore,
        "+U" => RowKind::UpdateAfter,
        "-D" => RowKind::Delete,
        other => panic!("{other}"),
    };
    let kinds: Vec<RowKind> = lines.iter().map(kind).collect();
    let mut batch = Batch::new(rows(&schema(), lines.iter().map(|l| &l[3..])));
    if kinds.iter().any(|k| *k != RowKind::Insert) {
        batch.kinds = Some(kinds.into());
    }
    batch
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(Line::text).collect()
}

/// What stands out in lines.
fn marked(lines: &[Line], mark: Mark) -> Vec<String> {
    lines
        .iter()
        .flat_map(|l| &l.0)
        .filter(|s| s.mark == mark)
        .map(|s| s.text.trim().to_string())
        .collect()
}

#[test]
fn rows_renew_themselves_in_place() {
    let mut live = Live::new(&schema(), LiveMode::Table, false);
    assert_eq!(texts(&live.frame(at(0), &FACTS, 80, 24)), ["0 rows  read 10 (0/s)  Ctrl-C ends it"]);
    live.take(&batch(&["+I home | 1", "+I shop | 1"]), at(0));
    live.take(&batch(&["-U home | 1", "+U home | 2", "+I blog | NULL"]), at(1_000));
    let frame = live.frame(at(1_100), &FACTS, 80, 24);
    assert_eq!(
        texts(&frame),
        [
            "+------+--------+",
            "| page |      n |",
            "+------+--------+",
            "| home |      2 |",
            "| shop |      1 |",
            "| blog | <NULL> |",
            "+------+--------+",
            "3 rows  5 changes  read 10 (0/s)  Ctrl-C ends it",
        ]
    );
    assert_eq!(marked(&frame, Mark::Changed), ["2"]);
    // A moment later nothing stands out any more.
    assert_eq!(marked(&live.frame(at(1_900), &FACTS, 80, 24), Mark::Changed), Vec::<String>::new());
    live.take(&batch(&["-D shop | 1"]), at(2_000));
    assert_eq!(
        texts(&live.last(Some(80), usize::MAX))[3..],
        ["| home |      2 |", "| blog | <NULL> |", "+------+--------+", "2 rows"]
    );
}

#[test]
fn updates_find_their_rows_among_others() {
    let mut live = Live::new(&schema(), LiveMode::Table, false);
    live.take(&batch(&["+I a | 1", "+I b | 1", "+I b | 1", "+I c | 1"]), at(0));
    // Taken back together, renewed together; one of two equal rows.
    live.take(&batch(&["-U a | 1", "-U b | 1", "+U b | 2", "+U a | 2", "-D c | 1"]), at(0));
    let rows = |live: &mut Live| {
        texts(&live.last(None, usize::MAX))
            .iter()
            .filter(|l| l.starts_with("| "))
            .skip(1)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&mut live), ["| a    | 2 |", "| b    | 1 |", "| b    | 2 |"]);
    // Taken back, and nothing came in its place.
    live.take(&batch(&["-U a | 2"]), at(0));
    assert_eq!(texts(&live.frame(at(0), &FACTS, 80, 24))[0..4].last(), Some(&"| b    | 1 |".to_string()));
    assert_eq!(rows(&mut live), ["| b    | 1 |", "| b    | 2 |"]);
    // New content across batches.
    live.take(&batch(&["-U b | 1"]), at(0));
    live.take(&batch(&["+U b | 9"]), at(0));
    assert_eq!(rows(&mut live), ["| b    | 9 |", "| b    | 2 |"]);
}

#[test]
fn a_changelog_shows_what_each_change_does() {
    let mut live = Live::new(&schema(), LiveMode::Changelog, false);
    live.take(&batch(&["+I a | 1", "-U a | 1", "+U a | 2", "-D a | 2"]), at(0));
    let frame = live.frame(at(0), &FACTS, 80, 24);
    assert_eq!(texts(&frame)[1], "| op | page | n |");
    assert_eq!(
        texts(&frame)[3..7],
        ["| +I | a    | 1 |", "| -U | a    | 1 |", "| +U | a    | 2 |", "| -D | a    | 2 |"]
    );
    assert_eq!(marked(&frame, Mark::Added), ["+I", "+U"]);
    assert_eq!(marked(&frame, Mark::Removed), ["-U", "a", "1", "-D", "a", "2"]);
    assert_eq!(texts(&live.last(None, usize::MAX)).last().map(String::as_str), Some("4 changes"));
}

#[test]
fn appended_rows_leave_once() {
    let mut live = Live::new(&schema(), LiveMode::Append, false);
    live.take(&batch(&["+I a | 1"]), at(0));
    assert_eq!(texts(&live.appended(80)), ["+------+---+", "| page | n |", "+------+---+", "| a    | 1 |"]);
    assert_eq!(texts(&live.frame(at(0), &FACTS, 80, 24)), ["1 row  read 10 (0/s)  Ctrl-C ends it"]);
    assert_eq!(live.appended(80), []);
    live.take(&batch(&["+I b | 2"]), at(0));
    assert_eq!(texts(&live.appended(80)), ["| b    | 2 |"]);
    // A wider row has a new head.
    live.take(&batch(&["+I wider one | 2"]), at(0));
    assert_eq!(texts(&live.appended(80))[1..], ["| page      | n |", "+-----------+---+", "| wider one | 2 |"]);
    let many: Vec<String> = (0..CHANGES_MAX + 5).map(|i| format!("+I x | {i}")).collect();
    live.take(&batch(&many.iter().map(String::as_str).collect::<Vec<_>>()), at(0));
    let lines = texts(&live.appended(80));
    assert_eq!(lines[3], "… 5 rows came too fast to be shown");
    assert_eq!(lines.len(), 4 + CHANGES_MAX);
    assert_eq!(texts(&live.last(Some(80), usize::MAX)), ["1 008 rows"]);
}

#[test]
fn what_is_kept_is_bounded_and_a_cut_is_told() {
    let mut live = Live::new(&schema(), LiveMode::Table, false);
    let line = |i: usize| format!("+I x | {i}");
    for start in (0..ROWS_MAX + 7).step_by(500) {
        let lines: Vec<String> = (start..(start + 500).min(ROWS_MAX + 7)).map(line).collect();
        live.take(&batch(&lines.iter().map(String::as_str).collect::<Vec<_>>()), at(0));
    }
    assert_eq!(live.fold.len(), ROWS_MAX);
    assert_eq!(live.changes.len(), CHANGES_MAX);
    let frame = texts(&live.frame(at(0), &FACTS, 80, 10));
    assert_eq!(frame.len(), 10);
    assert_eq!(frame[0], "… 10 003 rows above");
    assert_eq!(frame[4..8], ["| x    | 10003 |", "| x    | 10004 |", "| x    | 10005 |", "| x    | 10006 |"]);
    assert!(frame[9].starts_with("10 007 rows  read"));
    let last = texts(&live.last(None, usize::MAX));
    assert_eq!(last[0], "… 7 rows above, no longer kept");
    assert_eq!(last.last().map(String::as_str), Some("10 007 rows, the last 10 000 are kept"));
    // A row that is not kept goes away: it still counts.
    live.take(&batch(&["-D x | 3"]), at(0));
    assert_eq!(
        texts(&live.last(None, usize::MAX)).last().map(String::as_str),
        Some("10 006 rows, the last 10 000 are kept")
    );
    live.show_as(LiveMode::Changelog, false);
    assert_eq!(
        texts(&live.last(None, usize::MAX)).last().map(String::as_str),
        Some("10 008 changes, the last 1 000 are kept")
    );
    // One batch that is larger than all that is kept.
    let mut live = Live::new(&schema(), LiveMode::Table, false);
    let lines: Vec<String> = (0..ROWS_MAX * 2).map(line).collect();
    live.take(&batch(&lines.iter().map(String::as_str).collect::<Vec<_>>()), at(0));
    assert_eq!(
        texts(&live.last(None, usize::MAX)).last().map(String::as_str),
        Some("20 000 rows, the last 10 000 are kept")
    );
}

#[test]
fn frames_fit_the_terminal() {
    let schema = columns("a STRING, b STRING, c STRING");
    let mut live = Live::new(&schema, LiveMode::Table, false);
    let lines: Vec<String> = (0..50)
        .map(|i| format!("'漢字漢字漢字漢字漢字漢字 {i}' | 'tab\\tand\\x1b[2J' | {}", "long ".repeat(300)))
        .collect();
    live.take(&Batch::new(rows(&schema, &lines)), at(0));
    for (width, height) in [(200, 50), (80, 24), (40, 10), (20, 6), (5, 3), (1, 1)] {
        for expanded in [false, true] {
            live.show_as(LiveMode::Table, expanded);
            let frame = live.frame(at(0), &FACTS, width, height);
            assert!(frame.iter().all(|l| l.width() <= width), "{width}: {:?}", texts(&frame));
            assert!(frame.len() <= height, "{height}: {:?}", texts(&frame));
            assert!(!texts(&frame).iter().any(|l| l.contains(char::is_control)));
        }
    }
}

#[test]
fn rows_can_be_records() {
    let mut live = Live::new(&schema(), LiveMode::Table, true);
    live.take(&batch(&["+I a | 1", "+I b | 2"]), at(0));
    assert_eq!(
        texts(&live.last(Some(80), usize::MAX)),
        ["-[ row 1 ]------", "page | a", "n    | 1", "-[ row 2 ]------", "page | b", "n    | 2", "2 rows"]
    );
    live.show_as(LiveMode::Changelog, true);
    assert_eq!(texts(&live.last(Some(80), usize::MAX))[0..3], ["-[ row 1 ]------", "op   | +I", "page | a"]);
}
