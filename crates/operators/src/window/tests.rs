//! The window aggregation in every regime: cases by hand, and random rows against a naive interpreter.

use super::*;
use crate::tests::{node, plan_columns};
use millstream_dataflow::testing::{OperatorCase, Random, check_operator};
use millstream_dataflow::{Field, SqlType, StateType};
use millstream_plan::{AggregateCall, AggregateInput, Column, NodeSpec, Type, Window, WindowAggregate, WindowTime};
use std::collections::{BTreeMap, BTreeSet};

const COLUMNS: &str = "k STRING, v BIGINT, t TIMESTAMP(3) NOT NULL";

/// `function(v)`, `count(*)`, `function(DISTINCT v)`.
fn aggregate(text: &str) -> AggregateCall {
    let (function, argument) = text.trim_end_matches(')').split_once('(').unwrap();
    AggregateCall {
        function: function.into(),
        version: 1,
        args: if argument == "*" { vec![] } else { vec![1] },
        distinct: argument.starts_with("DISTINCT"),
        filter: None,
        name: text.into(),
        ty: Type::new(SqlType::BigInt, true),
    }
}

fn spec(window: Window, aggregates: &[&str]) -> WindowAggregate {
    WindowAggregate {
        window,
        time: WindowTime::Column(2),
        window_time: Type::new(SqlType::Timestamp(3), false),
        zone: None,
        keys: vec![0],
        aggregates: aggregates.iter().map(|a| aggregate(a)).collect(),
        rows: plan_columns(COLUMNS),
    }
}

/// Columns of what comes out: keys, results, bounds of the window.
fn result_columns(s: &WindowAggregate) -> Vec<Column> {
    let mut c: Vec<Column> = s.keys.iter().map(|k| s.rows[*k].clone()).collect();
    c.extend(s.aggregates.iter().map(|a| Column {
        name: a.name.clone(),
        ty: a.ty.clone(),
    }));
    c.extend(["window_start", "window_end"].map(|n| Column::new(n, SqlType::Timestamp(3), false)));
    c.push(Column {
        name: "window_time".into(),
        ty: s.window_time.clone(),
    });
    c
}

/// Columns between the two phases.
fn partial_columns(s: &WindowAggregate) -> Vec<Column> {
    let mut c = vec![
        Column::new("slice_end", SqlType::BigInt, false),
        Column::new("from_end", SqlType::BigInt, false),
    ];
    c.extend(s.keys.iter().map(|k| s.rows[*k].clone()));
    c.extend(calls::Calls::new(s).unwrap().state().iter().enumerate().map(|(i, t)| match t {
        StateType::I128 => Column::new(format!("p{i}"), SqlType::Decimal(38, 0), false),
        StateType::F64 => Column::new(format!("p{i}"), SqlType::Double, false),
        StateType::Bytes => Column::new(format!("p{i}"), SqlType::BYTES, true),
        StateType::I64 => Column::new(format!("p{i}"), SqlType::BigInt, false),
    }));
    c
}

/// A case of the aggregation in one phase, and in two where it can be.
fn phases(s: &WindowAggregate) -> Vec<OperatorCase> {
    let of = |input| NodeSpec::WindowAggregate { aggregate: s.clone(), input };
    let columns: Vec<String> = s.rows.iter().map(|c| column_text(&c.field())).collect();
    let inputs = columns.join(", ");
    let mut cases = vec![check_operator(node(of(AggregateInput::Rows), result_columns(s)), &[&inputs]).keys(&[&s.keys])];
    if s.aggregates.iter().all(|a| !a.distinct) {
        let keys: Vec<usize> = (2..2 + s.keys.len()).collect();
        let local = node(NodeSpec::LocalWindowAggregate(s.clone()), partial_columns(s));
        cases.push(check_operator(local, &[&inputs]).then(node(of(AggregateInput::Partials), result_columns(s)), &keys));
    }
    cases
}

fn column_text(f: &Field) -> String {
    format!("{} {}", f.name, f.type_text())
}

const TUMBLE: Window = Window::Tumble { size_ms: 10_000, offset_ms: 0 };
const HOP: Window = Window::Hop {
    slide_ms: 5_000,
    size_ms: 20_000,
    offset_ms: 0,
};

/// Input, late rows, and what comes out, of one or two phases.
fn check(s: &WindowAggregate, input: &[&str], late: &[&str], expected: &[&str]) {
    let counts: &[(&str, u64)] = if late.is_empty() { &[] } else { &[("late", late.len() as u64)] };
    for case in phases(s) {
        case.input(input).late(late).counts(counts).leaves_no_state().expect(expected);
    }
}

#[test]
fn a_tumbling_window_counts_its_rows_per_key() {
    check(
        &spec(TUMBLE, &["count(*)", "sum(v)", "max(v)"]),
        &[
            "a | 1 | 0",
            "a | 2 | 9999",
            "b | NULL | 5000",
            "watermark 9998",
            "a | 4 | 10000 @ 9998",
            "NULL | 7 | 1 @ 9998",
            "watermark 9999",
            "end",
        ],
        &[],
        &[
            "a | 2 | 3 | 2 | 0 | 10000 | 9999",
            "b | 1 | NULL | NULL | 0 | 10000 | 9999",
            "NULL | 1 | 7 | 7 | 0 | 10000 | 9999",
            "a | 1 | 4 | 4 | 10000 | 20000 | 19999",
        ],
    );
}

#[test]
fn a_row_behind_its_own_partitions_watermark_is_late_whatever_the_operators_is() {
    check(
        &spec(TUMBLE, &["count(*)"]),
        &[
            "a | 1 | 0",
            "a | 2 | 1 @ 9998",
            "a | 3 | 2 @ 9999",
            "watermark 5000",
            "b | 4 | 3 @ 12000",
            "end",
        ],
        &["a | 3 | 2", "b | 4 | 3"],
        &["a | 2 | 0 | 10000 | 9999"],
    );
}

#[test]
fn a_row_that_comes_after_its_window_fired_leaves_by_the_late_port() {
    // Its stamp is in order: its partition was idle while the others went on.
    let s = spec(TUMBLE, &["count(*)"]);
    let input = ["a | 1 | 0", "watermark 9999", "a | 2 | 1 @ 500", "end"];
    let [one, _] = <[OperatorCase; 2]>::try_from(phases(&s)).unwrap_or_else(|_| panic!("two phases"));
    one.input(input)
        .late(["a | 2 | 1"])
        .counts(&[("late-after-idle", 1)])
        .leaves_no_state()
        .expect(["a | 1 | 0 | 10000 | 9999"]);
}

#[test]
fn a_row_can_be_late_for_some_windows_of_a_hop_only() {
    // The watermark stands at 27 s when a row of 14 s comes (docs/semantics.md).
    let row = "k | 1 | 14000 @ 27000";
    check(&spec(TUMBLE, &["count(*)"]), &[row, "end"], &["k | 1 | 14000"], &[]);
    check(&spec(HOP, &["count(*)"]), &[row, "end"], &[], &["k | 1 | 10000 | 30000 | 29999"]);
}

#[test]
fn a_late_row_joins_the_windows_that_are_still_open() {
    check(
        &spec(HOP, &["count(*)", "sum(v)"]),
        &["k | 1 | 14000", "watermark 27000", "k | 10 | 14500 @ 27000", "k | 100 | 29000 @ 27000", "end"],
        &[],
        &[
            "k | 1 | 1 | -5000 | 15000 | 14999",
            "k | 1 | 1 | 0 | 20000 | 19999",
            "k | 1 | 1 | 5000 | 25000 | 24999",
            "k | 3 | 111 | 10000 | 30000 | 29999",
            "k | 1 | 100 | 15000 | 35000 | 34999",
            "k | 1 | 100 | 20000 | 40000 | 39999",
            "k | 1 | 100 | 25000 | 45000 | 44999",
        ],
    );
}

#[test]
fn a_value_counts_once_per_window_however_many_slices_hold_it() {
    let s = spec(HOP, &["count(DISTINCT v)", "sum(DISTINCT v)", "count(*)"]);
    check(
        &s,
        &[
            "k | 5 | 0",
            "k | 5 | 1",
            "k | NULL | 2",
            "watermark 4000",
            "k | 5 | 6000",
            "k | 6 | 7000",
            "watermark 14999",
            "k | 6 | 16000",
            "end",
        ],
        &[],
        &[
            "k | 1 | 5 | 3 | -15000 | 5000 | 4999",
            "k | 2 | 11 | 5 | -10000 | 10000 | 9999",
            "k | 2 | 11 | 5 | -5000 | 15000 | 14999",
            "k | 2 | 11 | 6 | 0 | 20000 | 19999",
            "k | 2 | 11 | 3 | 5000 | 25000 | 24999",
            "k | 1 | 6 | 1 | 10000 | 30000 | 29999",
            "k | 1 | 6 | 1 | 15000 | 35000 | 34999",
        ],
    );
}

#[test]
fn an_aggregation_may_have_no_key_and_a_filter() {
    let mut s = spec(TUMBLE, &["count(*)", "sum(v)", "count(DISTINCT v)"]);
    s.rows = plan_columns("k STRING, v BIGINT, t TIMESTAMP(3) NOT NULL, f BOOLEAN");
    s.keys = vec![];
    s.aggregates[1].filter = Some(3);
    s.aggregates[2].filter = Some(3);
    check(
        &s,
        &[
            "a | 1 | 0 | true",
            "b | 2 | 1 | NULL",
            "a | 1 | 2 | true",
            "c | 4 | 3 | false",
            "watermark 9999",
            "c | 4 | 10000 | true @ 9999",
            "end",
        ],
        &[],
        &["4 | 2 | 1 | 0 | 10000 | 9999", "1 | 4 | 1 | 10000 | 20000 | 19999"],
    );
}

#[test]
fn rows_that_carry_their_window_are_grouped_by_it() {
    let mut s = spec(TUMBLE, &["count(*)"]);
    s.rows = plan_columns("k STRING, v BIGINT, window_start TIMESTAMP(3) NOT NULL, window_end TIMESTAMP(3) NOT NULL");
    s.time = WindowTime::Attached { start: 2, end: 3 };
    check(
        &s,
        &[
            "a | 1 | 0 | 10000",
            "a | 2 | 0 | 10000 @ 5000",
            "b | 1 | 10000 | 20000 @ 9998",
            "a | 3 | 0 | 10000 @ 9999",
            "watermark 9999",
            "end",
        ],
        &["a | 3 | 0 | 10000"],
        &["a | 2 | 0 | 10000 | 9999", "b | 1 | 10000 | 20000 | 19999"],
    );
}

/// 2024-10-27T01:00:00Z, when Berlin's clocks go from 3:00 back to 2:00.
const AUTUMN: i64 = 1_729_990_800_000;

#[test]
fn an_hour_that_the_clocks_show_twice_is_one_window_and_ends_with_its_second_time() {
    const HOUR: i64 = 3_600_000;
    for aggregates in [&["count(*)", "sum(v)"][..], &["count(*)", "count(DISTINCT v)"]] {
        let mut s = spec(Window::Tumble { size_ms: HOUR, offset_ms: 0 }, aggregates);
        s.zone = Some("Europe/Berlin".into());
        s.window_time = Type::new(SqlType::TimestampLtz(3), false);
        s.rows = plan_columns("k STRING, v BIGINT, t TIMESTAMP_LTZ(3) NOT NULL");
        let input = [
            format!("a | 1 | {}", AUTUMN - HOUR / 2),
            // 2:45 of the first time is not over while the clocks may show it again.
            format!("watermark {}", AUTUMN + HOUR / 2),
            format!("a | 2 | {} @ {}", AUTUMN - HOUR / 4, AUTUMN + HOUR / 2),
            format!("a | 4 | {} @ {}", AUTUMN + HOUR / 4, AUTUMN + HOUR / 2),
            format!("watermark {}", AUTUMN + HOUR - 1),
            format!("a | 8 | {} @ {}", AUTUMN + HOUR / 4, AUTUMN + HOUR - 1),
            format!("a | 16 | {} @ {}", AUTUMN + HOUR, AUTUMN + HOUR - 1),
            "end".to_string(),
        ];
        let of = |sum: i64, distinct: i64| if aggregates[1] == "sum(v)" { sum } else { distinct };
        let window = |end: i64, time: i64| format!("{} | {end} | {time}", end - HOUR);
        check(
            &s,
            &input.each_ref().map(String::as_str),
            &[&format!("a | 8 | {}", AUTUMN + HOUR / 4)],
            &[
                &format!("a | 3 | {} | {}", of(7, 3), window(AUTUMN + 2 * HOUR, AUTUMN - 1)),
                &format!("a | 1 | {} | {}", of(16, 1), window(AUTUMN + 3 * HOUR, AUTUMN + 2 * HOUR - 1)),
            ],
        );
    }
}

#[test]
fn extreme_times_do_not_overflow() {
    let rows = |t: i64| format!("a | 1 | {t}");
    let (least, greatest) = (rows(i64::MIN), rows(i64::MAX));
    let tumble = Window::Tumble { size_ms: 10_000, offset_ms: 3 };
    let bounds = |end: i64| format!("{} | {} | {}", end.saturating_sub(10_000), end, end.saturating_sub(1));
    let expected: Vec<String> = [tumble.slice_end(i64::MIN), 10_003, i64::MAX]
        .map(|end| format!("a | 1 | {}", bounds(end)))
        .to_vec();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&spec(tumble, &["count(*)"]), &[&least, "a | 1 | 5000", &greatest, "end"], &[], &expected);
}

/// Key, value, event time, stamp.
type Row = (Option<String>, Option<i64>, i64, i64);

fn line((k, v, t, stamp): &Row) -> String {
    let or_null = |v: Option<String>| v.unwrap_or("NULL".to_string());
    format!("{} | {} | {t} @ {stamp}", or_null(k.clone()), or_null(v.map(|v| v.to_string())))
}

/// Every window of every row by the rule, nothing shared between windows: lines that come out, and rows that are late.
fn naive(rows: &[Row], window: &Window, distinct: bool) -> (Vec<String>, Vec<String>) {
    let (slide, size) = (window.slide_ms(), window.size_ms());
    let mut windows: BTreeMap<(i64, Option<String>), Vec<Option<i64>>> = BTreeMap::new();
    let mut late = Vec::new();
    for row in rows {
        let (k, v, t, stamp) = row;
        let first = window.slice_end(*t);
        let open: Vec<i64> = (0..size / slide).map(|i| first + i * slide).filter(|end| *stamp < end - 1).collect();
        if open.is_empty() {
            late.push(line(row));
        }
        open.into_iter().for_each(|end| windows.entry((end, k.clone())).or_default().push(*v));
    }
    let or_null = |v: Option<i64>| v.map_or("NULL".to_string(), |v| v.to_string());
    let of = |((end, k), values): ((i64, Option<String>), Vec<Option<i64>>)| {
        let known: Vec<i64> = values.iter().flatten().copied().collect();
        let mut text = format!(
            "{} | {} | {} | {}",
            k.unwrap_or("NULL".into()),
            values.len(),
            or_null((!known.is_empty()).then(|| known.iter().sum())),
            or_null(known.iter().max().copied())
        );
        if distinct {
            let set: BTreeSet<i64> = known.into_iter().collect();
            text += &format!(" | {} | {}", set.len(), or_null((!set.is_empty()).then(|| set.iter().sum())));
        }
        text + &format!(" | {} | {end} | {}", end - size, end - 1)
    };
    (windows.into_iter().map(of).collect(), late)
}

/// Rows in rough order of time, some far behind; the stamp is the running maximum of time − delay, as a source makes it.
fn random_rows(seed: u64, n: usize, step: u64, delay: i64) -> Vec<Row> {
    let mut random = Random::new(seed);
    let (mut now, mut watermark) = (-20_000i64, i64::MIN);
    (0..n)
        .map(|_| {
            now += random.below(step) as i64;
            let behind = if random.below(15) == 0 { random.below(60_000) } else { random.below(4_000) };
            let t = now - behind as i64;
            let stamp = watermark;
            watermark = watermark.max(t - delay);
            let key = (random.below(8) > 0).then(|| format!("key-{}", random.below(5)));
            (key, (random.below(6) > 0).then(|| random.below(7) as i64 - 3), t, stamp)
        })
        .collect()
}

/// Rows with a watermark after every few of them, which never runs ahead of a later row's stamp.
fn with_watermarks(rows: &[Row], every: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for chunk in rows.chunks(every) {
        lines.extend(chunk.iter().map(line));
        if let Some(last) = chunk.last().filter(|r| r.3 > i64::MIN) {
            lines.push(format!("watermark {}", last.3));
        }
    }
    lines.push("end".to_string());
    lines
}

#[test]
fn random_rows_agree_with_the_naive_interpreter() {
    let windows = [
        TUMBLE,
        Window::Tumble {
            size_ms: 7_000,
            offset_ms: -1_500,
        },
        HOP,
        Window::Hop {
            slide_ms: 2_000,
            size_ms: 14_000,
            offset_ms: 300,
        },
        Window::Hop {
            slide_ms: 10_000,
            size_ms: 10_000,
            offset_ms: 0,
        },
    ];
    let plain = ["count(*)", "sum(v)", "max(v)"];
    let with_distinct = ["count(*)", "sum(v)", "max(v)", "count(DISTINCT v)", "sum(DISTINCT v)"];
    for seed in 0..2 {
        for window in &windows {
            let rows = random_rows(seed, 30, [1_500, 9_000][seed as usize], 3_000);
            let input = with_watermarks(&rows, 1 + 4 * seed as usize);
            for distinct in [false, true] {
                let (expected, late) = naive(&rows, window, distinct);
                let counts: &[(&str, u64)] = if late.is_empty() { &[] } else { &[("late", late.len() as u64)] };
                for case in phases(&spec(*window, if distinct { &with_distinct } else { &plain })) {
                    case.input(&input).late(&late).counts(counts).leaves_no_state().expect(&expected);
                }
            }
        }
    }
}

/// Rows that were counted are taken out again, in the window of their own time; a group without rows is no group.
#[test]
fn updates_and_deletions_are_taken_out_of_their_groups() {
    let case = |window, calls: &[&str]| phases(&spec(window, calls)).remove(0);
    case(TUMBLE, &["count(*)", "count(v)", "sum(v)", "avg(v)"])
        .input([
            "+I a | 1 | 1000",
            "+I a | 2 | 2000",
            "+I b | 5 | 2000",
            "-U a | 1 | 1000",
            "+U a | 7 | 11000",
            "-D b | 5 | 2000",
            "+I c | NULL | 3000",
            "-U c | NULL | 3000",
            "+U c | 4 | 3000",
            "watermark 5000",
            "+I a | 3 | 2000 @ 9999",
            "-D a | 7 | 11000 @ 0",
            "+I a | NULL | 12000 @ 0",
            "end",
        ])
        .late(["a | 3 | 2000"])
        .counts(&[("late", 1)])
        .leaves_no_state()
        .expect([
            "a | 1 | 1 | 2 | 2 | 0 | 10000 | 9999",
            "c | 1 | 1 | 4 | 4 | 0 | 10000 | 9999",
            "a | 1 | 0 | NULL | NULL | 10000 | 20000 | 19999",
        ]);
    case(HOP, &["count(*)", "sum(v)"])
        .input([
            "+I a | 1 | 1000",
            "+I b | 3 | 1000",
            "+I a | 2 | 6000",
            "watermark 4999",
            // Late for the first window of its slice: there it is counted still.
            "-U a | 1 | 1000 @ 4999",
            "+U a | 9 | 7000 @ 4999",
            "watermark 9999",
            "-D b | 3 | 1000 @ 4999",
            "end",
        ])
        .expect([
            "a | 1 | 1 | -15000 | 5000 | 4999",
            "b | 1 | 3 | -15000 | 5000 | 4999",
            "a | 2 | 11 | -10000 | 10000 | 9999",
            "b | 1 | 3 | -10000 | 10000 | 9999",
            "a | 2 | 11 | -5000 | 15000 | 14999",
            "a | 2 | 11 | 0 | 20000 | 19999",
            "a | 2 | 11 | 5000 | 25000 | 24999",
        ]);
}
