//! Window aggregation: TUMBLE beside DataFusion's batch GROUP BY over the same batches, and HOP with one slide and growing sizes.
//!
//! `cargo bench -p tests --bench window`. Times are CPU times of the measuring thread. Every output is checked first:
//! TUMBLE against DataFusion's rows, HOP against TUMBLE's slices added up.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark prints its figures, and a wrong result ends it"
)]

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use cpu_time::ThreadTime;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use datafusion_expr::Operator as Arithmetic;
use datafusion_functions_aggregate::{count::count_udaf, min_max::max_udaf, sum::sum_udaf};
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use datafusion_physical_expr::expressions::{binary, col, lit};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion_physical_plan::test::TestMemoryExec;
use futures::TryStreamExt;
use millstream_dataflow::{
    Batch, Connectors, Error, Exchange, KeyGroupRange, NodeKind, Operator, Output, Result, Sink, Source, SqlType, Stamp, Step, SubtaskContext, TableSpec,
    Watermark,
};
use millstream_plan::{AggregateCall, AggregateInput, Column, Input, JOB_VERSION, Job, Node, NodeSpec, Type, Value, Window, WindowAggregate, WindowTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const BATCH: usize = 8192;

/// Keys, values and event times in batches; watermarks follow the times by 1 s.
struct Rows {
    batches: Vec<Batch>,
    rows: usize,
}

/// A reproducible sequence (SplitMix64).
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("k", SqlType::BigInt, true),
        Column::new("v", SqlType::BigInt, true),
        Column::new("t", SqlType::Timestamp(3), false),
    ]
}

/// `rows` rows of `keys` keys at a constant rate per second of event time.
fn rows(keys: u64, rows: usize, rate: usize) -> Rows {
    let schema = Column::schema(&columns()).to_arrow();
    let mut next = numbers(keys);
    let batches = (0..rows / BATCH).map(|b| {
        let time = |i: usize| (i as i64) * 1000 / rate as i64;
        let first = b * BATCH;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((0..BATCH).map(|_| (next() % keys) as i64))),
            Arc::new(Int64Array::from_iter_values((0..BATCH).map(|_| (next() % 1000) as i64))),
            Arc::new(TimestampMillisecondArray::from_iter_values((first..first + BATCH).map(time))),
        ];
        let mut batch = Batch::new(RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns fit"));
        batch.stamp = Some(Stamp::Constant(time(first) - 1000));
        batch
    });
    let batches: Vec<Batch> = batches.collect();
    Rows {
        rows: batches.len() * BATCH,
        batches,
    }
}

struct Nowhere;

impl Connectors for Nowhere {
    fn source(&self, _: &TableSpec) -> Result<Arc<dyn Source>> {
        Err(Error::bug("there are no tables here"))
    }
    fn sink(&self, _: &TableSpec, _: &str) -> Result<Arc<dyn Sink>> {
        Err(Error::bug("there are no tables here"))
    }
}

/// COUNT(*), SUM(v), MAX(v) by window and key, as the job's graph makes it.
fn operator(window: Window) -> Box<dyn Operator> {
    let call = |function: &str, args: Vec<usize>| AggregateCall {
        function: function.into(),
        version: 1,
        args,
        distinct: false,
        filter: None,
        name: function.into(),
        ty: Type::new(SqlType::BigInt, true),
    };
    let aggregate = WindowAggregate {
        window,
        time: WindowTime::Column(2),
        window_time: Type::new(SqlType::Timestamp(3), false),
        zone: None,
        keys: vec![0],
        aggregates: vec![call("count", vec![]), call("sum", vec![1]), call("max", vec![1])],
        rows: columns(),
    };
    let mut output = vec![Column::new("k", SqlType::BigInt, true)];
    output.extend(["count", "sum", "max"].map(|n| Column::new(n, SqlType::BigInt, true)));
    output.extend(["window_start", "window_end", "window_time"].map(|n| Column::new(n, SqlType::Timestamp(3), false)));
    let node = |id: &str, spec, inputs, columns| Node {
        id: id.into(),
        name: id.into(),
        spec,
        inputs,
        columns,
        parallelism: None,
    };
    let input = Input::main(0, Exchange::Hash(vec![0]));
    let spec = NodeSpec::WindowAggregate {
        aggregate,
        input: AggregateInput::Rows,
    };
    let job = Job {
        version: JOB_VERSION,
        name: "bench".into(),
        nodes: vec![
            node("rows", NodeSpec::Values(vec![vec![Value::Int(0); 3]]), vec![], columns()),
            node("window", spec, vec![input], output),
        ],
        settings: BTreeMap::new(),
    };
    let graph = millstream_operators::build(&job, &Nowhere, None).expect("a graph");
    let NodeKind::Operator(make) = &graph.nodes[1].kind else {
        panic!("the second node is no operator")
    };
    let context = SubtaskContext {
        subtask: 0,
        parallelism: 1,
        key_groups: KeyGroupRange { start: 0, end: 128 },
        max_parallelism: 128,
    };
    make(&context).expect("an operator")
}

/// Puts all rows through an operator, and lets all windows fire.
fn run(operator: &mut dyn Operator, rows: &Rows, emitted: impl FnMut(&Batch)) {
    run_until(operator, rows, Watermark::END, emitted);
}

/// Puts all rows through an operator, and then a last watermark.
fn run_until(operator: &mut dyn Operator, rows: &Rows, last: i64, mut emitted: impl FnMut(&Batch)) {
    let mut out = Output::new(BATCH);
    let mut finish = |operator: &mut dyn Operator, out: &mut Output, mut step: Step| {
        loop {
            out.drain().for_each(|(_, batch)| emitted(&batch));
            match step {
                Step::Done => break,
                Step::More => step = operator.resume(out).expect("resumes"),
            }
        }
    };
    for batch in &rows.batches {
        let step = operator.on_batch(0, batch.clone(), &mut out).expect("a batch");
        finish(operator, &mut out, step);
        let watermark = Watermark::event(batch.stamp_at(0));
        let step = operator.on_watermark(watermark, &mut out).expect("a watermark");
        finish(operator, &mut out, step);
    }
    let step = operator.on_watermark(Watermark::event(last), &mut out).expect("the last watermark");
    finish(operator, &mut out, step);
}

/// Results by (window end, key).
type Results = BTreeMap<(i64, i64), [i64; 3]>;

fn ours(window: Window, rows: &Rows) -> Results {
    let mut results = Results::new();
    run(operator(window).as_mut(), rows, |batch| {
        let column = |i: usize| batch.column(i).as_primitive::<Int64Type>().values().to_vec();
        let ends = batch.column(5).as_primitive::<TimestampMillisecondType>().values().to_vec();
        let (keys, counts, sums, maxima) = (column(0), column(1), column(2), column(3));
        for i in 0..ends.len() {
            let before = results.insert((ends[i], keys[i]), [counts[i], sums[i], maxima[i]]);
            assert!(before.is_none(), "a window was shown twice");
        }
    });
    results
}

/// Hop windows by adding up tumbling windows as long as the slide.
fn by_slices(slices: &Results, slide: i64, size: i64) -> Results {
    let mut results = Results::new();
    for ((end, key), [count, sum, max]) in slices {
        for window in (*end..end + size).step_by(slide as usize) {
            let r = results.entry((window, *key)).or_insert([0, 0, i64::MIN]);
            *r = [r[0] + count, r[1] + sum, r[2].max(*max)];
        }
    }
    results
}

/// The batches with times as integers, which DataFusion divides faster than timestamps.
struct Limit {
    plan: Arc<dyn ExecutionPlan>,
    runtime: tokio::runtime::Runtime,
}

impl Limit {
    /// `SELECT COUNT(*), SUM(v), MAX(v) … GROUP BY k [, t - t % size]`.
    fn new(rows: &Rows, size: Option<i64>) -> Limit {
        let field = |name: &str| Field::new(name, DataType::Int64, true);
        let schema: SchemaRef = Arc::new(Schema::new(vec![field("k"), field("v"), field("t")]));
        let integers = |b: &Batch| {
            let times = b.column(2).as_primitive::<TimestampMillisecondType>().values().clone();
            let columns: Vec<ArrayRef> = vec![Arc::clone(b.column(0)), Arc::clone(b.column(1)), Arc::new(Int64Array::new(times, None))];
            RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns fit")
        };
        let batches: Vec<RecordBatch> = rows.batches.iter().map(integers).collect();
        let input = TestMemoryExec::try_new_exec(&[batches], Arc::clone(&schema), None).expect("an input");
        let mut by = vec![(col("k", &schema).expect("k"), "k".to_string())];
        if let Some(size) = size {
            let t = || col("t", &schema).expect("t");
            let into = binary(t(), Arithmetic::Modulo, lit(size), &schema).expect("a remainder");
            let end = binary(t(), Arithmetic::Minus, into, &schema).expect("a start");
            by.push((end, "w".to_string()));
        }
        let v = || col("v", &schema).expect("v");
        let aggregate = |function, argument, name: &str| {
            let built = AggregateExprBuilder::new(function, vec![argument])
                .schema(Arc::clone(&schema))
                .alias(name)
                .build();
            Arc::new(built.expect("an aggregate"))
        };
        let aggregates = vec![
            aggregate(count_udaf(), lit(1i64), "count"),
            aggregate(sum_udaf(), v(), "sum"),
            aggregate(max_udaf(), v(), "max"),
        ];
        let plan = AggregateExec::try_new(
            AggregateMode::Single,
            PhysicalGroupBy::new_single(by),
            aggregates,
            vec![None; 3],
            input,
            Arc::clone(&schema),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Limit {
            plan: Arc::new(plan.expect("a plan")),
            runtime: runtime.expect("a runtime"),
        }
    }
    fn run(&self) -> Vec<RecordBatch> {
        let stream = self.plan.execute(0, Arc::default()).expect("starts");
        self.runtime.block_on(stream.try_collect()).expect("ends")
    }
    fn results(&self, size: i64) -> Results {
        let mut results = Results::new();
        for batch in self.run() {
            let column = |i: usize| batch.column(i).as_primitive::<Int64Type>().values().to_vec();
            let (keys, starts, counts, sums, maxima) = (column(0), column(1), column(2), column(3), column(4));
            for i in 0..keys.len() {
                results.insert((starts[i] + size, keys[i]), [counts[i], sums[i], maxima[i]]);
            }
        }
        results
    }
}

/// Measures one side and gives the CPU time per row of its fastest run, ns: on a shared machine the others tell of the neighbours.
/// `NAN` for what the command line leaves out.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, rows: usize, mut once: impl FnMut()) -> f64 {
    let mut fastest: Option<Duration> = None;
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function(name, |b| {
        b.iter_custom(|n| {
            (0..n)
                .map(|_| {
                    let start = ThreadTime::now();
                    once();
                    let time = start.elapsed();
                    fastest = Some(fastest.map_or(time, |f| f.min(time)));
                    time
                })
                .sum()
        });
    });
    fastest.map_or(f64::NAN, |f| f.as_nanos() as f64 / rows as f64)
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    group
}

fn tumble(c: &mut Criterion, lines: &mut Vec<String>) {
    const SIZE: i64 = 10_000;
    for keys in [100, 10_000, 1_000_000] {
        let rows = rows(keys, 4_000_000, 100_000);
        let window = Window::Tumble { size_ms: SIZE, offset_ms: 0 };
        let by_window = Limit::new(&rows, Some(SIZE));
        assert!(ours(window, &rows) == by_window.results(SIZE), "TUMBLE over {keys} keys differs from GROUP BY");
        let by_key = Limit::new(&rows, None);
        let mut group = group(c, &format!("TUMBLE, {keys} keys"));
        let a = measure(&mut group, "Millstream", rows.rows, || run(operator(window).as_mut(), &rows, |_| {}));
        let b = measure(&mut group, "DataFusion GROUP BY window, key", rows.rows, || {
            std::hint::black_box(by_window.run());
        });
        let d = measure(&mut group, "DataFusion GROUP BY key", rows.rows, || {
            std::hint::black_box(by_key.run());
        });
        group.finish();
        lines.push(format!(
            "TUMBLE, {keys} keys: {a:.1} ns/row; DataFusion GROUP BY window, key {b:.1} (ratio {:.2}), GROUP BY key alone {d:.1} (ratio {:.2})",
            b / a,
            d / a
        ));
    }
}

fn hop(c: &mut Criterion, lines: &mut Vec<String>) {
    const SLIDE: i64 = 1_000;
    for (keys, rate) in [(1_000, 20_000), (10_000, 100_000), (20_000, 20_000)] {
        let rows = rows(keys, 150 * rate, rate);
        let mut group = group(c, &format!("HOP, {keys} keys, {rate} rows per slide"));
        let slices = ours(Window::Tumble { size_ms: SLIDE, offset_ms: 0 }, &rows);
        let mut first = None;
        for ratio in [1, 10, 60, 150] {
            let window = Window::Hop {
                slide_ms: SLIDE,
                size_ms: ratio * SLIDE,
                offset_ms: 0,
            };
            assert!(
                ours(window, &rows) == by_slices(&slices, SLIDE, ratio * SLIDE),
                "HOP of {ratio} slides over {keys} keys differs"
            );
            let mut shown = 0;
            run(operator(window).as_mut(), &rows, |b| shown += b.num_rows());
            // The windows behind the last row are left out: an endless stream has none, and here there are as many as the size has slides.
            let last = rows.batches.last().map_or(Watermark::NONE, |b| b.stamp_at(0));
            let a = measure(&mut group, &format!("size/slide {ratio}"), rows.rows, || {
                run_until(operator(window).as_mut(), &rows, last, |_| {});
            });
            let one = *first.get_or_insert(a);
            lines.push(format!(
                "HOP, {keys} keys, {rate} rows per slide, size/slide {ratio}: {a:.1} ns/row, {:.2} times size/slide 1, {:.2} rows out per row in",
                a / one,
                shown as f64 / rows.rows as f64
            ));
        }
        group.finish();
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    let mut lines = Vec::new();
    tumble(&mut c, &mut lines);
    hop(&mut c, &mut lines);
    c.final_summary();
    println!("\nchecked: all rows as expected");
    lines.iter().filter(|l| !l.contains("NaN")).for_each(|l| println!("{l}"));
}
