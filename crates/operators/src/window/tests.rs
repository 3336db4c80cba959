//! The window aggregation against a naive interpreter, with restores and full outputs in between.

use super::*;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray};
use arrow_buffer::ScalarBuffer;
use millstream_dataflow::*;
use millstream_plan::{AggregateCall, AggregateInput, Column, Type, Window, WindowAggregate, WindowTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Key, value, event time, stamp.
type Row = (Option<String>, Option<i64>, i64, i64);

fn columns() -> Vec<Column> {
    vec![
        Column::new("k", SqlType::STRING, true),
        Column::new("v", SqlType::BigInt, true),
        Column::new("t", SqlType::Timestamp(3), false),
    ]
}

fn spec(window: Window) -> WindowAggregate {
    let call = |function: &str, args: Vec<usize>, distinct| AggregateCall {
        function: function.into(),
        version: 1,
        args,
        distinct,
        filter: None,
        name: function.into(),
        ty: Type::new(SqlType::BigInt, true),
    };
    WindowAggregate {
        window,
        time: WindowTime::Column(2),
        window_time: Type::new(SqlType::Timestamp(3), false),
        keys: vec![0],
        aggregates: vec![call("count", vec![], false), call("sum", vec![1], false), call("max", vec![1], false)],
        rows: columns(),
    }
}

fn with_distinct(window: Window) -> WindowAggregate {
    let mut s = spec(window);
    for function in ["count", "sum"] {
        s.aggregates.push(AggregateCall {
            function: function.into(),
            version: 1,
            args: vec![1],
            distinct: true,
            filter: None,
            name: "d".into(),
            ty: Type::new(SqlType::BigInt, true),
        });
    }
    s
}

fn output_schema(s: &WindowAggregate) -> SchemaRef {
    let mut c = vec![Column::new("k", SqlType::STRING, true)];
    c.extend(s.aggregates.iter().map(|a| Column {
        name: a.name.clone(),
        ty: a.ty.clone(),
    }));
    c.extend(["window_start", "window_end", "window_time"].map(|n| Column::new(n, SqlType::Timestamp(3), false)));
    Column::schema(&c).to_arrow()
}

fn batch(rows: &[Row]) -> Batch {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter(rows.iter().map(|r| r.0.clone()))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.1))),
        Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(|r| r.2))),
    ];
    let data = RecordBatch::try_new(Column::schema(&columns()).to_arrow(), arrays).unwrap();
    Batch {
        data,
        kinds: None,
        stamp: Some(Stamp::Rows(ScalarBuffer::from(rows.iter().map(|r| r.3).collect::<Vec<_>>()))),
    }
}

/// (key, aggregates, window end) and how often.
type Result_ = BTreeMap<String, usize>;

fn read(batch: &Batch, into: &mut Result_) {
    let n = batch.data.num_columns();
    for row in 0..batch.num_rows() {
        let k = batch.column(0).as_string_view();
        let mut text = if arrow_array::Array::is_null(k, row) {
            "NULL".to_string()
        } else {
            k.value(row).to_string()
        };
        for c in 1..n - 3 {
            let v = batch.column(c).as_primitive::<Int64Type>();
            text += &if arrow_array::Array::is_null(v, row) {
                " NULL".to_string()
            } else {
                format!(" {}", v.value(row))
            };
        }
        text += &format!(" @{}", batch.column(n - 2).as_primitive::<TimestampMillisecondType>().value(row));
        *into.entry(text).or_default() += 1;
    }
}

/// Every window of every row by the rule, nothing shared between windows.
fn naive(rows: &[Row], window: &Window, distinct: bool) -> (Result_, u64) {
    let (slide, size) = (window.slide_ms(), window.size_ms());
    let mut windows: BTreeMap<(i64, Option<String>), Vec<Option<i64>>> = BTreeMap::new();
    let mut late = 0;
    for (k, v, t, stamp) in rows {
        let first = window.slice_end(*t);
        let open: Vec<i64> = (0..size / slide).map(|i| first + i * slide).filter(|end| *stamp < end - 1).collect();
        late += u64::from(open.is_empty());
        open.into_iter().for_each(|end| windows.entry((end, k.clone())).or_default().push(*v));
    }
    let mut out = Result_::new();
    for ((end, k), values) in windows {
        let known: Vec<i64> = values.iter().flatten().copied().collect();
        let or_null = |v: Option<i64>| v.map_or("NULL".to_string(), |v| v.to_string());
        let mut text = format!(
            "{} {} {} {}",
            k.unwrap_or("NULL".into()),
            values.len(),
            or_null((!known.is_empty()).then(|| known.iter().sum())),
            or_null(known.iter().max().copied())
        );
        if distinct {
            let set: BTreeSet<i64> = known.into_iter().collect();
            text += &format!(" {} {}", set.len(), or_null((!set.is_empty()).then(|| set.iter().sum())));
        }
        *out.entry(text + &format!(" @{end}")).or_default() += 1;
    }
    (out, late)
}

/// What may happen between two rows.
#[derive(Debug, Clone, Copy)]
struct Regime {
    rows_per_batch: usize,
    output_rows: usize,
    restore: bool,
    subtasks: u32,
    local: bool,
}

/// Runs the operators as the runtime would and gives rows, late rows, and state left at the end.
fn run(rows: &[Row], s: &WindowAggregate, regime: Regime, watermark_every: usize) -> (Result_, u64, usize) {
    const GROUPS: u32 = 16;
    let context = |i: u32| SubtaskContext {
        subtask: i,
        parallelism: regime.subtasks,
        key_groups: KeyGroupRange::of(i, regime.subtasks, GROUPS),
        max_parallelism: GROUPS,
    };
    let input = if regime.local { AggregateInput::Partials } else { AggregateInput::Rows };
    let make = |i| WindowAggregateOperator::new(s, input, output_schema(s), &context(i)).unwrap();
    let mut operators: Vec<_> = (0..regime.subtasks).map(make).collect();
    let mut local = regime.local.then(|| {
        let mut c = vec![
            Column::new("e", SqlType::BigInt, false),
            Column::new("f", SqlType::BigInt, false),
            Column::new("k", SqlType::STRING, true),
        ];
        c.extend(calls::Calls::new(s).unwrap().state().iter().enumerate().map(|(i, t)| match t {
            StateType::I128 => Column::new(format!("p{i}"), SqlType::Decimal(38, 0), false),
            _ => Column::new(format!("p{i}"), SqlType::BigInt, false),
        }));
        LocalAggregate::new(s, Column::schema(&c).to_arrow()).unwrap()
    });
    let (mut out_rows, mut late) = (Result_::new(), 0);
    let mut out = Output::new(regime.output_rows);
    let mut take = |out: &mut Output| -> Vec<Batch> {
        late += out.drain_counts().map(|c| c.1).sum::<u64>();
        out.drain().filter(|(port, _)| *port == Output::MAIN).map(|(_, b)| b).collect()
    };
    let mut seen = 0;
    let mut watermark = i64::MIN;
    for chunk in rows.chunks(regime.rows_per_batch) {
        let mut inputs = vec![batch(chunk)];
        if let Some(local) = &mut local {
            let Step::Done = local.on_batch(0, inputs.remove(0), &mut out).unwrap() else {
                panic!()
            };
            inputs = take(&mut out);
        }
        for b in inputs {
            let key = if regime.local { 2 } else { 0 };
            let mut groups = Vec::new();
            key_group::assign(&[Arc::clone(b.column(key))], b.num_rows(), GROUPS, &mut groups).unwrap();
            for (i, op) in operators.iter_mut().enumerate() {
                let mine: arrow_array::BooleanArray = groups
                    .iter()
                    .map(|g| Some(key_group::subtask_of(*g, regime.subtasks, GROUPS) == i as u32))
                    .collect();
                let mine = b.filter(&mine).unwrap();
                if mine.num_rows() > 0 {
                    let Step::Done = op.on_batch(0, mine, &mut out).unwrap() else { panic!() };
                    assert!(take(&mut out).is_empty());
                }
            }
        }
        seen += chunk.len();
        // The operator's watermark never runs ahead of any later row's stamp.
        let next = rows[seen..]
            .iter()
            .map(|r| r.3)
            .min()
            .unwrap_or(i64::MAX)
            .min(chunk.iter().map(|r| r.3).max().unwrap_or(i64::MIN));
        if seen.is_multiple_of(watermark_every) && next > watermark {
            watermark = next;
            for op in &mut operators {
                let mut step = op.on_watermark(Watermark::event(watermark), &mut out).unwrap();
                loop {
                    take(&mut out).iter().for_each(|b| read(b, &mut out_rows));
                    if step == Step::Done {
                        break;
                    }
                    step = op.resume(&mut out).unwrap();
                }
            }
        }
        if regime.restore {
            let mut parts = Vec::new();
            for op in &mut operators {
                for table in op.snapshot().tables {
                    parts.extend(table.chunks.iter().map(|c| SnapshotPart {
                        table: table.name.clone(),
                        bytes: c.data.encode().unwrap().into(),
                    }));
                }
            }
            operators = (0..regime.subtasks).map(make).collect();
            operators.iter_mut().for_each(|op| op.restore(&parts).unwrap());
        }
    }
    for op in &mut operators {
        let mut step = op.on_watermark(Watermark::event(Watermark::END), &mut out).unwrap();
        loop {
            take(&mut out).iter().for_each(|b| read(b, &mut out_rows));
            if step == Step::Done {
                break;
            }
            step = op.resume(&mut out).unwrap();
        }
    }
    let state = operators.iter().map(|o| o.state_bytes()).sum();
    (out_rows, late, state)
}

/// Rows in rough order of time, some far behind; the stamp is the running maximum of time − delay, as a source makes it.
fn random_rows(seed: u64, n: usize, step: u64, delay: i64) -> Vec<Row> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let (mut now, mut watermark) = (-20_000i64, i64::MIN);
    (0..n)
        .map(|_| {
            now += random(step) as i64;
            let behind = if random(15) == 0 { random(60_000) as i64 } else { random(4_000) as i64 };
            let t = now - behind;
            let stamp = watermark;
            watermark = watermark.max(t - delay);
            let key = (random(8) > 0).then(|| format!("key-{}", random(5)));
            (key, (random(6) > 0).then(|| random(7) as i64 - 3), t, stamp)
        })
        .collect()
}

const WHOLE: Regime = Regime {
    rows_per_batch: 1_000_000,
    output_rows: 1 << 20,
    restore: false,
    subtasks: 1,
    local: false,
};

#[test]
fn random_rows_agree_with_the_naive_interpreter_in_every_regime() {
    let windows = [
        Window::Tumble { size_ms: 10_000, offset_ms: 0 },
        Window::Tumble {
            size_ms: 7_000,
            offset_ms: -1_500,
        },
        Window::Hop {
            slide_ms: 5_000,
            size_ms: 20_000,
            offset_ms: 0,
        },
        Window::Hop {
            slide_ms: 1_000,
            size_ms: 30_000,
            offset_ms: 300,
        },
        Window::Hop {
            slide_ms: 10_000,
            size_ms: 10_000,
            offset_ms: 0,
        },
    ];
    let regimes = [
        WHOLE,
        Regime {
            rows_per_batch: 1,
            output_rows: 1,
            ..WHOLE
        },
        Regime {
            rows_per_batch: 7,
            restore: true,
            ..WHOLE
        },
        Regime {
            rows_per_batch: 13,
            subtasks: 3,
            restore: true,
            output_rows: 2,
            ..WHOLE
        },
        Regime {
            rows_per_batch: 11,
            local: true,
            ..WHOLE
        },
        Regime {
            rows_per_batch: 5,
            local: true,
            subtasks: 2,
            restore: true,
            ..WHOLE
        },
    ];
    for seed in 0..3 {
        for window in &windows {
            let rows = random_rows(seed, 180, [400, 1500, 9_000][seed as usize % 3], 3_000);
            for regime in regimes {
                for distinct in [false, true] {
                    if distinct && regime.local {
                        continue;
                    }
                    let s = if distinct { with_distinct(*window) } else { spec(*window) };
                    let (expected, expected_late) = naive(&rows, window, distinct);
                    let (actual, late, state) = run(&rows, &s, regime, regime.rows_per_batch.min(rows.len()) * 2);
                    assert_eq!(late, expected_late, "late rows, seed {seed} {window:?} {regime:?}");
                    assert_eq!(actual, expected, "seed {seed} {window:?} {regime:?} distinct {distinct}");
                    assert_eq!(state, 0, "state is left over, seed {seed} {window:?} {regime:?}");
                }
            }
        }
    }
}

#[test]
fn a_row_can_be_late_for_some_windows_of_a_hop_only() {
    // The watermark stands at 27 s when a row of 14 s comes (docs/semantics.md).
    let row = |t, stamp| (Some("k".to_string()), Some(1), t, stamp);
    let rows = [row(30_000, i64::MIN), row(14_000, 27_000)];
    let tumble = Window::Tumble { size_ms: 10_000, offset_ms: 0 };
    let (_, late, _) = run(&rows, &spec(tumble), Regime { rows_per_batch: 1, ..WHOLE }, 1);
    assert_eq!(late, 1);
    let hop = Window::Hop {
        slide_ms: 5_000,
        size_ms: 20_000,
        offset_ms: 0,
    };
    let (out, late, _) = run(&rows[1..], &spec(hop), WHOLE, 10);
    assert_eq!(late, 0);
    assert_eq!(out.into_keys().collect::<Vec<_>>(), ["k 1 1 1 @30000"]);
}

#[test]
fn extreme_times_do_not_overflow() {
    let row = |t| (None, Some(1), t, i64::MIN);
    let rows = [row(i64::MIN), row(0), row(i64::MAX)];
    for window in [
        Window::Tumble { size_ms: 10_000, offset_ms: 3 },
        Window::Hop {
            slide_ms: 5_000,
            size_ms: 20_000,
            offset_ms: 3,
        },
    ] {
        let (out, _, _) = run(&rows, &spec(window), WHOLE, 1);
        assert!(out.len() >= 2, "{out:?}");
    }
}
