use super::*;
use crate::*;
use millstream_dataflow::SqlType;

fn job() -> Job {
    let column = Column::new("user_id", SqlType::BigInt, true);
    let table = TableDef {
        name: "clicks".into(),
        columns: vec![(column.clone(), None)],
        physical: vec![column.clone()],
        partition_keys: vec![],
        primary_key: vec![],
        options: [("connector", "kafka"), ("properties.sasl.password", "hunter2"), ("topic", "clicks")]
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .into(),
    };
    let source = SourceSpec {
        table: table.clone(),
        columns: vec![Expr::Column(0)],
        rowtime: None,
        processing_time: false,
        idle_timeout_ms: Some(30_000),
        on_error: RecordPolicy::Fail,
        skips: false,
        tests: vec![],
        changes: false,
        route_late: false,
    };
    let big = Expr::call(
        "gt",
        vec![
            Expr::Column(0),
            Expr::Literal {
                value: Value::Float(f64::INFINITY),
                ty: Type::new(SqlType::Double, false),
            },
        ],
        Type::new(SqlType::Boolean, true),
    );
    let node = |id: &str, spec, inputs| Node {
        id: id.into(),
        name: id.into(),
        spec,
        inputs,
        columns: vec![column.clone()],
        parallelism: None,
    };
    let from = |node| {
        vec![Input {
            node,
            port: 0,
            exchange: Exchange::Forward,
        }]
    };
    Job {
        version: JOB_VERSION,
        name: "j".into(),
        nodes: vec![
            node("s", NodeSpec::Source(Box::new(source)), vec![]),
            node("f", NodeSpec::Filter(big), from(0)),
            node("o", NodeSpec::Sink(table), from(1)),
        ],
        settings: [("parallelism.default".to_string(), "2".to_string())].into(),
    }
}

#[test]
fn a_job_reads_back_without_its_secrets() {
    let text = job().to_text().unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let again = Job::from_text(&text).unwrap();
    assert_eq!(again.nodes[1], job().nodes[1]);
    assert!(differences(&again, &job()).is_empty(), "secrets are no difference");
}

#[test]
fn what_was_taken_for_a_secret_is_no_difference() {
    let with = |value: &str| {
        let mut job = job();
        let NodeSpec::Source(source) = &mut job.nodes[0].spec else { unreachable!() };
        source.table.options.insert("avro-confluent.bearer-auth.token".into(), "t".into());
        // Of another release, which took it for one.
        source.table.options.insert("fields.token.length".into(), value.into());
        job
    };
    let stored = Job::from_text(&with("…").to_text().unwrap()).unwrap();
    assert!(differences(&stored, &with("7")).is_empty());
    assert_eq!(differences(&with("7"), &with("8")), ["operator \"s\" has changed: 'fields.token.length'"]);
}

#[test]
fn a_changed_operator_is_named() {
    let mut changed = job();
    changed.nodes[1].spec = NodeSpec::Filter(Expr::Column(0));
    let differences = differences(&job(), &changed);
    assert_eq!(differences.len(), 1);
    assert!(differences[0].contains("\"f\""), "{differences:?}");
}

#[test]
fn where_to_start_and_what_to_do_with_bad_records_may_change() {
    let mut changed = job();
    let NodeSpec::Source(source) = &mut changed.nodes[0].spec else {
        unreachable!()
    };
    source.on_error = RecordPolicy::Skip;
    source.idle_timeout_ms = None;
    for (key, value) in [
        ("on-error", "skip"),
        ("scan.startup.mode", "latest-offset"),
        ("json.ignore-parse-errors", "true"),
        ("scan.watermark.alignment.group", "g"),
        ("scan.watermark.alignment.max-drift", "1 min"),
    ] {
        source.table.options.insert(key.into(), value.into());
    }
    assert!(differences(&job(), &changed).is_empty());
    let NodeSpec::Source(source) = &mut changed.nodes[0].spec else {
        unreachable!()
    };
    source.table.options.insert("topic".into(), "others".into());
    assert_eq!(differences(&job(), &changed), ["operator \"s\" has changed: 'topic'"]);
}

#[test]
fn where_http_requests_are_taken_and_which_may_change() {
    let with = |options: &[(&str, &str)]| {
        let mut job = job();
        let NodeSpec::Source(source) = &mut job.nodes[0].spec else { unreachable!() };
        source.table.options = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        job
    };
    let old = with(&[("connector", "http"), ("listen", "a:1"), ("token", "hunter2"), ("journal", "j")]);
    let read = Job::from_text(&old.to_text().unwrap()).unwrap();
    let new = with(&[
        ("connector", "http"),
        ("listen", "b:2"),
        ("token", "x"),
        ("path", "/p"),
        ("max-body-size", "1 kb"),
        ("idempotency.window", "1 h"),
        ("journal", "j"),
    ]);
    assert!(differences(&read, &new).is_empty());
    assert_eq!(
        differences(&read, &with(&[("connector", "http"), ("listen", "a:1"), ("journal", "k")])).len(),
        1
    );
}

#[test]
fn a_plan_of_a_newer_release_is_refused() {
    let text = job().to_text().unwrap().replace("\"version\": 1,\n  \"name\"", "\"version\": 99,\n  \"name\"");
    assert!(Job::from_text(&text).unwrap_err().message.contains("99"));
}
