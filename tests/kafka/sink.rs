//! The sink: keys, headers, partitions; at least once and exactly once.

use super::{prepare, topic_of};
use crate::broker::{Broker, Writer, create_topic, delete_group, groups, read_all, shared, unique};
use crate::harness::{Running, fail, succeed};
use crate::intercept::{Moment, Request};
use crate::suites::{World, table as table_of};
use anyhow::{Context, Result, ensure};
use millstream_dataflow::testing::{SinkCase, columns, rows as rows_of, sink_suite, texts};
use millstream_dataflow::{Batch, Connectors};
use rdkafka::message::{Headers, Message, OwnedMessage};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tests::sim::world::Chance;

/// How long a step is waited for, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_string(), |b| String::from_utf8_lossy(b).into_owned())
}

/// The values of the committed records, in order.
fn committed(address: &str, topic: &str) -> Result<Vec<String>> {
    let all = read_all(address, topic, "read_committed")?;
    Ok(all.iter().map(|m| text(m.payload())).collect())
}

pub(super) fn conformance() -> Result<()> {
    let (address, topic) = (shared()?, unique("sink"));
    create_topic(address, &topic, 2)?;
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    let world = World::new()?;
    let connectors = world.connectors.with_state(&state.to_string_lossy());
    let options = [
        ("connector", "kafka"),
        ("topic", topic.as_str()),
        ("properties.bootstrap.servers", address),
        ("format", "json"),
        ("sink.delivery-guarantee", "exactly-once"),
        ("sink.transactional-id-prefix", topic.as_str()),
    ];
    let (table, schema) = (table_of("n BIGINT, s STRING", &options), columns("n BIGINT, s STRING"));
    let visible = || -> Result<Vec<String>> {
        let mut decoder = millstream_formats::decoder("json", &schema, &schema, &BTreeMap::new())?;
        for record in committed(address, &topic)? {
            decoder.decode(record.as_bytes()).map_err(|e| anyhow::anyhow!("{}: {record}", e.message))?;
        }
        Ok(texts(&Batch::new(decoder.finish()?)))
    };
    let _entered = world.runtime.enter();
    sink_suite(&SinkCase {
        open: &|| connectors.sink(&table, "sink:t"),
        rows: &|n| Batch::new(rows_of(&schema, (0..3).map(|i| format!("{} | text {n}", n * 10 + i)))),
        visible: Some(&|| visible().unwrap_or_else(|e| vec![e.to_string()])),
        leftovers: &|| {
            let pieces = files_below(&state.join("sinks"));
            pieces.into_iter().filter(|p| !p.contains("22222222")).collect()
        },
        atomic: true,
    });
    Ok(())
}

/// All files, whatever they are called.
fn files_below(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_below(&path)),
            path => found.push(path.to_string_lossy().into_owned()),
        }
    }
    found
}

/// A table over topics, written or read.
fn table(name: &str, address: &str, topic: &str, columns: &str, options: &str) -> String {
    format!(
        "CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{address}',
           'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'{options});\n"
    )
}

fn header(message: &OwnedMessage) -> Vec<String> {
    let headers = message.headers().map(|h| h.iter().map(|h| format!("{}={}", h.key, text(h.value))).collect());
    headers.unwrap_or_default()
}

pub(super) fn parts() -> Result<()> {
    let address = shared()?;
    let (a, b) = (unique("parts-a"), unique("parts-b"));
    create_topic(address, &a, 1)?;
    create_topic(address, &b, 1)?;
    for guarantee in ["at-least-once", "exactly-once"] {
        let columns = "k_user STRING, page STRING, n INT, tp STRING METADATA FROM 'topic', at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
            headers MAP<STRING, BYTES> METADATA";
        let options = format!(
            ", 'key.format' = 'json', 'key.fields' = 'k_user', 'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY',
             'value.format' = 'json', 'value.json.encode.ignore-null-fields' = 'true', 'sink.delivery-guarantee' = '{guarantee}'"
        );
        let out = table("o", address, &format!("{a};{b}"), columns, &options);
        let directory = tempfile::tempdir()?;
        let insert = format!(
            "INSERT INTO o SELECT * FROM (VALUES
               ('ann', '/x', 1, '{a}', TO_TIMESTAMP_LTZ(1000, 3), MAP['trace', CAST('t1' AS BYTES), 'none', CAST(NULL AS BYTES)]),
               (CAST(NULL AS STRING), '/y', CAST(NULL AS INT), '{b}', TO_TIMESTAMP_LTZ(2000, 3), CAST(NULL AS MAP<STRING, BYTES>))) AS t;"
        );
        let output = prepare(directory.path(), "parts.sql", &format!("{out}{insert}"))?.output()?;
        let told = String::from_utf8(output.stderr)?;
        let summary = format!("  o: 2 rows in topics {a}, {b}\n");
        ensure!(output.status.success() && told.contains(&summary), "{told}");
        let last = |topic: &str| -> Result<OwnedMessage> { read_all(address, topic, "read_committed")?.pop().context("no record") };
        let (first, second) = (last(&a)?, last(&b)?);
        let shown = |m: &OwnedMessage| {
            let time = m.timestamp().to_millis();
            format!("{} {} {time:?} {:?}", text(m.key()), text(m.payload()), header(m))
        };
        ensure!(
            shown(&first) == r#"{"user":"ann"} {"page":"/x","n":1} Some(1000) ["trace=t1", "none=null"]"#,
            "{guarantee}: {}",
            shown(&first)
        );
        ensure!(
            shown(&second) == r#"{"user":null} {"page":"/y"} Some(2000) []"#,
            "{guarantee}: {}",
            shown(&second)
        );
        // And back.
        let read = format!("{out}SELECT k_user, page, n, at, CAST(headers['trace'] AS STRING) AS trace, headers FROM o;");
        let rows = super::rows(&read)?;
        let expected = |row: &str| rows.get(row).is_some_and(|n| *n > 0);
        ensure!(
            rows.len() == 2
                && expected(r#"["ann","/x",1,"1970-01-01 00:00:01.000Z","t1",{none:null,trace:"x'7431'"}]"#)
                && expected(r#"[null,"/y",null,"1970-01-01 00:00:02.000Z",null,{}]"#),
            "{guarantee}: {rows:?}"
        );
    }
    Ok(())
}

pub(super) fn partitioners() -> Result<()> {
    let address = shared()?;
    for (partitioner, key, expected) in [
        ("fixed", "", vec![40, 0, 0, 0]),
        ("round-robin", "", vec![10, 10, 10, 10]),
        // As a Java client places the keys {"k":0} to {"k":3}.
        ("default", ", 'key.format' = 'json', 'key.fields' = 'k'", vec![]),
    ] {
        for guarantee in ["none", "at-least-once", "exactly-once"] {
            let topic = unique("partitions");
            create_topic(address, &topic, 4)?;
            let options = format!(", 'format' = 'json', 'sink.partitioner' = '{partitioner}', 'sink.delivery-guarantee' = '{guarantee}'{key}");
            let sql = format!(
                "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '40', 'rows-per-second' = '100000',
                   'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '39');
                 {}INSERT INTO o SELECT n, MOD(n, 4) FROM s;",
                table("o", address, &topic, "n BIGINT, k BIGINT", &options)
            );
            let directory = tempfile::tempdir()?;
            let mut command = prepare(directory.path(), "partitions.sql", &sql)?;
            command.args(["-p", "1"]);
            succeed(command)?;
            let mut counts = vec![0; 4];
            let mut places: BTreeMap<String, i32> = BTreeMap::new();
            for m in read_all(address, &topic, "read_committed")? {
                counts[m.partition() as usize] += 1;
                let place = *places.entry(text(m.key())).or_insert(m.partition());
                ensure!(key.is_empty() || place == m.partition(), "one key in two partitions");
            }
            ensure!(counts.iter().sum::<i32>() == 40, "{partitioner}, {guarantee}: {counts:?}");
            ensure!(expected.is_empty() || counts == expected, "{partitioner}, {guarantee}: {counts:?}");
            let murmur2: BTreeMap<String, i32> = (0..4)
                .map(|k| (format!("{{\"k\":{k}}}"), java_partition(format!("{{\"k\":{k}}}").as_bytes(), 4)))
                .collect();
            ensure!(key.is_empty() || places == murmur2, "{places:?} instead of {murmur2:?}");
        }
    }
    Ok(())
}

/// The partition that Kafka's Java client gives a key: MurmurHash2 with the seed 0x9747b28c, made positive.
fn java_partition(key: &[u8], partitions: i32) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = word.iter().rev().fold(0u32, |k, b| k << 8 | u32::from(*b)).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        h ^= rest.iter().rev().fold(0u32, |k, b| k << 8 | u32::from(*b));
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^= h >> 15;
    (h & 0x7fff_ffff) as i32 % partitions
}

pub(super) fn refused() -> Result<()> {
    let (address, topic) = topic_of("refused", 1, &[])?;
    let run = |name: &str, sql: &str| -> Result<String> {
        let directory = tempfile::tempdir()?;
        fail(prepare(directory.path(), name, sql)?, 1)
    };
    for guarantee in ["at-least-once", "exactly-once"] {
        let options = format!(", 'format' = 'json', 'sink.delivery-guarantee' = '{guarantee}'");
        let missing = unique("missing");
        let error = run(
            "missing.sql",
            &format!("{}INSERT INTO o VALUES ('a');", table("o", address, &missing, "s STRING", &options)),
        )?;
        ensure!(error.contains("E0517") && error.contains(&missing), "{guarantee}\n{error}");
        let error = run(
            "large.sql",
            &format!(
                "{}INSERT INTO o VALUES (REPEAT('x', 2000000));",
                table("o", address, &topic, "s STRING", &options)
            ),
        )?;
        ensure!(error.contains("E0522") && error.contains("max.message.bytes"), "{guarantee}\n{error}");
        // What the client takes, and the topic does not.
        let options = format!("{options}, 'properties.message.max.bytes' = '3000000'");
        let error = run(
            "large.sql",
            &format!(
                "{}INSERT INTO o VALUES (REPEAT('x', 2000000));",
                table("o", address, &topic, "s STRING", &options)
            ),
        )?;
        ensure!(error.contains("E0522") && error.contains("max.message.bytes"), "{guarantee}\n{error}");
        let error = run(
            "elsewhere.sql",
            &format!(
                "{}INSERT INTO o VALUES ('a', 'elsewhere');",
                table("o", address, &topic, "s STRING, topic STRING METADATA", &options)
            ),
        )?;
        ensure!(error.contains("E0522") && error.contains("'elsewhere'"), "{guarantee}\n{error}");
    }
    // Waiting does not help: one try, and the option is named.
    let options = ", 'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'properties.transaction.timeout.ms' = '99999999'";
    let error = run(
        "timeout.sql",
        &format!("{}INSERT INTO o VALUES ('a');", table("o", address, &topic, "s STRING", options)),
    )?;
    ensure!(
        error.contains("E0515") && error.contains("'properties.transaction.timeout.ms'") && error.contains(" --> timeout.sql:2:"),
        "{error}"
    );
    let options = ", 'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'properties.acks' = '0'";
    let error = run(
        "acks.sql",
        &format!("{}INSERT INTO o VALUES ('a');", table("o", address, &topic, "s STRING", options)),
    )?;
    ensure!(
        error.contains("E0502") && error.contains("'properties.acks'") && error.contains(" --> acks.sql:2:"),
        "{error}"
    );
    ensure!(committed(address, &topic)?.is_empty(), "something was written");
    Ok(())
}

/// Copies ids from one topic into another.
fn copy(address: &str, from: &str, to: &str, guarantee: &str) -> String {
    format!(
        "SET 'execution.checkpointing.interval' = '200 ms';
         CREATE TABLE t (a BIGINT) WITH ('connector' = 'kafka', 'topic' = '{from}', 'properties.bootstrap.servers' = '{address}', 'format' = 'json',
           'scan.startup.mode' = 'earliest-offset');
         CREATE TABLE o (a BIGINT) WITH ('connector' = 'kafka', 'topic' = '{to}', 'properties.bootstrap.servers' = '{address}', 'format' = 'json',
           'sink.delivery-guarantee' = '{guarantee}', 'sink.transactional-id-prefix' = '{to}');
         INSERT INTO o SELECT a FROM t;"
    )
}

/// How often each id was written, as committed readers see it.
fn ids(address: &str, topic: &str) -> Result<BTreeMap<i64, u32>> {
    let mut ids = BTreeMap::new();
    for value in committed(address, topic)? {
        let value: serde_json::Value = serde_json::from_str(&value)?;
        *ids.entry(value.get("a").and_then(serde_json::Value::as_i64).context("no a")?).or_default() += 1;
    }
    Ok(ids)
}

fn send(writer: &Writer, ids: std::ops::Range<i64>) -> Result<()> {
    for id in ids {
        writer.send(((id % 3) as i32, Some(format!("{{\"a\":{id}}}").as_str()), 0))?;
    }
    writer.flush()
}

fn wait_for_ids(address: &str, topic: &str, n: i64, child: &mut Running) -> Result<BTreeMap<i64, u32>> {
    loop {
        let found = ids(address, topic)?;
        if found.len() as i64 >= n {
            return Ok(found);
        }
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(super) fn at_least_once() -> Result<()> {
    let address = shared()?;
    let (from, to) = (unique("alo-in"), unique("alo-out"));
    create_topic(address, &from, 3)?;
    create_topic(address, &to, 3)?;
    let (directory, writer, sql) = (
        tempfile::tempdir()?,
        Writer::new(address, &from, &[])?,
        copy(address, &from, &to, "at-least-once"),
    );
    let mut sent = 0;
    for _ in 0..3 {
        let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
        send(&writer, sent..sent + 5_000)?;
        sent += 5_000;
        wait_for_ids(address, &to, sent - 2_000, &mut child)?;
        child.kill()?;
    }
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_ids(address, &to, sent, &mut child)?;
    // A stop waits for the broker, and nothing leaves behind its last barrier: what comes later is written once.
    child.stop()?;
    let before = committed(address, &to)?.len();
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    send(&writer, sent..sent + 1_000)?;
    let found = wait_for_ids(address, &to, sent + 1_000, &mut child)?;
    child.stop()?;
    ensure!(found.keys().copied().eq(0..sent + 1_000), "{} of {} ids", found.len(), sent + 1_000);
    ensure!(committed(address, &to)?.len() == before + 1_000, "a stopped job wrote rows again");
    Ok(())
}

/// Stopped while rows flow: nothing leaves behind the last barrier, so nothing comes twice, even where kills would bring it twice.
pub(super) fn clean_stops() -> Result<()> {
    const N: i64 = 12_000;
    let (address, topic) = (shared()?, unique("stops"));
    create_topic(address, &topic, 2)?;
    let directory = tempfile::tempdir()?;
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '1 min';
         CREATE TABLE s (a BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{N}', 'rows-per-second' = '3000',
           'fields.a.kind' = 'sequence', 'fields.a.start' = '0', 'fields.a.end' = '{}');
         {}INSERT INTO o SELECT a FROM s;",
        N - 1,
        table("o", address, &topic, "a BIGINT", ", 'format' = 'json'")
    );
    for stops in 1..=3 {
        let mut child = Running::start(prepare(directory.path(), "stops.sql", &sql)?)?;
        wait_for_ids(address, &topic, 2_000 * stops, &mut child)?;
        child.stop()?;
    }
    succeed(prepare(directory.path(), "stops.sql", &sql)?)?;
    let found = ids(address, &topic)?;
    ensure!(found.keys().copied().eq(0..N), "{} of {N} ids", found.len());
    let twice = found.values().filter(|n| **n > 1).count();
    ensure!(twice == 0, "{twice} ids are there twice");
    Ok(())
}

/// Killed again and again, at whatever step of its transactions: each id is there once, for committed readers, at any time.
pub(super) fn soak() -> Result<()> {
    const KILLS: i64 = 25;
    let address = shared()?;
    let (from, to) = (unique("eos-in"), unique("eos-out"));
    create_topic(address, &from, 3)?;
    create_topic(address, &to, 2)?;
    let (directory, writer) = (tempfile::tempdir()?, Writer::new(address, &from, &[])?);
    let sql = copy(address, &from, &to, "exactly-once").replace("200 ms", "20 ms");
    let mut chance = Chance::new(23);
    let mut sent = 0;
    for kill in 0..KILLS {
        let mut command = prepare(directory.path(), "copy.sql", &sql)?;
        command.args(["-p", &(1 + chance.below(3)).to_string()]);
        let mut child = Running::start(command)?;
        // Half of them while it starts and rolls forward, half while it goes on.
        for _ in 0..(1 + chance.below(12)) {
            send(&writer, sent..sent + 500)?;
            sent += 500;
            std::thread::sleep(Duration::from_millis(20 + chance.below(150)));
            child.check()?;
        }
        child.kill()?;
        if kill % 5 == 4 {
            let twice: Vec<i64> = ids(address, &to)?.into_iter().filter(|(_, n)| *n > 1).map(|(id, _)| id).collect();
            ensure!(twice.is_empty(), "after {kill} kills these are there twice: {twice:?}");
        }
    }
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    let found = wait_for_ids(address, &to, sent, &mut child)?;
    child.stop()?;
    ensure!(found.keys().copied().eq(0..sent), "{} of {sent} ids", found.len());
    ensure!(found.values().all(|n| *n == 1), "an id is there twice");
    // What waited for its commit is gone.
    let mut left = files_below(&directory.path().join(".millstream"));
    // Half a file of a killed process has a name that nobody looks at.
    left.retain(|f| f.contains("/sinks/") && !f.contains("/.tmp-"));
    ensure!(left.is_empty(), "{left:?} are left");
    Ok(())
}

/// Killed at each step of a commit, before the broker hears of it and before its answer is heard: each id is there once, for committed readers,
/// after each kill and in the end.
pub(super) fn steps() -> Result<()> {
    use Request as R;
    let broker = Broker::new()?;
    let (intercept, watched) = broker.intercept()?;
    let address = broker.address();
    create_topic(&address, "from", 3)?;
    create_topic(&address, "to", 2)?;
    let (directory, writer) = (tempfile::tempdir()?, Writer::new(&address, "from", &[])?);
    // Only the sink goes the way that is watched.
    let sql = copy(&address, "from", "to", "exactly-once").replace("200 ms", "20 ms");
    let (source, sink) = sql.split_once("CREATE TABLE o").context("no sink")?;
    let sql = format!("{source}CREATE TABLE o{}", sink.replace(&address, &watched));
    // A process takes the transactional id over once; its first transaction rolls forward what the one before it had decided.
    let once = [R::InitProducerId, R::OffsetFetch].map(|request| (request, 1));
    let each = [R::AddPartitionsToTxn, R::Produce, R::AddOffsetsToTxn, R::TxnOffsetCommit, R::EndTxn];
    let stops = once.into_iter().chain(each.into_iter().flat_map(|request| [1, 2].map(|nth| (request, nth))));
    let mut sent = 0;
    for (request, nth) in stops {
        for moment in [Moment::Sent, Moment::Answered] {
            intercept.set(request, moment, nth);
            let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
            let mut patience = PATIENCE;
            while !intercept.is_closed() {
                ensure!(!patience.is_zero(), "{request:?} did not come for the {nth}. time\n{}", child.told()?);
                patience = patience.saturating_sub(PAUSE);
                send(&writer, sent..sent + 10)?;
                sent += 10;
                std::thread::sleep(PAUSE);
                child.check()?;
            }
            child.kill()?;
            intercept.open();
            let found = ids(&address, "to")?;
            ensure!(found.values().all(|n| *n == 1), "an id is there twice after {request:?} {nth}, {moment:?}");
        }
    }
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    let found = wait_for_ids(&address, "to", sent, &mut child)?;
    child.stop()?;
    ensure!(found.keys().copied().eq(0..sent), "{} of {sent} ids", found.len());
    ensure!(found.values().all(|n| *n == 1), "an id is there twice");
    Ok(())
}

/// A broker that is killed while records are on their way, and comes back.
pub(super) fn broker_restart() -> Result<()> {
    let mut broker = Broker::new()?;
    let address = broker.address();
    create_topic(&address, "in", 3)?;
    let writer = Writer::new(&address, "in", &[])?;
    let mut sent = 0;
    let guarantees = ["at-least-once", "exactly-once"];
    let directory = tempfile::tempdir()?;
    let mut children = Vec::new();
    for guarantee in guarantees {
        create_topic(&address, guarantee, 2)?;
        let sql = copy(&address, "in", guarantee, guarantee);
        children.push(Running::start(prepare(directory.path(), &format!("{guarantee}.sql"), &sql)?)?);
    }
    for _ in 0..2 {
        for _ in 0..20 {
            send(&writer, sent..sent + 500)?;
            sent += 500;
        }
        broker.kill()?;
        std::thread::sleep(Duration::from_millis(500));
        broker.start()?;
    }
    for (guarantee, mut child) in guarantees.into_iter().zip(children) {
        let found = wait_for_ids(&address, guarantee, sent, &mut child)?;
        child.stop()?;
        ensure!(found.keys().copied().eq(0..sent), "{guarantee}: {} of {sent} ids", found.len());
        let twice = found.values().filter(|n| **n > 1).count();
        ensure!(guarantee == "at-least-once" || twice == 0, "{twice} ids are there twice");
    }
    Ok(())
}

pub(super) fn forgotten() -> Result<()> {
    let address = shared()?;
    let (from, to) = (unique("forgotten-in"), unique("forgotten-out"));
    create_topic(address, &from, 3)?;
    create_topic(address, &to, 1)?;
    let (directory, writer) = (tempfile::tempdir()?, Writer::new(address, &from, &[])?);
    let sql = copy(address, &from, &to, "exactly-once");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    send(&writer, 0..10)?;
    wait_for_ids(address, &to, 10, &mut child)?;
    child.stop()?;
    let group = groups(address, &to)?.pop().context("no group")?;
    delete_group(address, &group)?;
    // All epochs are known to be committed: the job goes on, and notes its progress anew.
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    send(&writer, 10..20)?;
    wait_for_ids(address, &to, 20, &mut child)?;
    child.stop()?;
    // As if a process had been killed between decision and commit of an epoch with rows, and came back after the offsets had expired: nobody
    // can tell whether the epoch is there.
    let mut sent = 20;
    loop {
        let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
        wait_for_ids(address, &to, sent, &mut child)?;
        for _ in 0..30 {
            send(&writer, sent..sent + 10)?;
            sent += 10;
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill()?;
        let marks = files_below(&directory.path().join(".millstream"));
        let mark = marks.iter().filter(|f| f.contains("/committed/")).max().context("no mark")?;
        std::fs::remove_file(mark)?;
        delete_group(address, &group)?;
        let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
        let ended = loop {
            if let Some(status) = child.0.try_wait()? {
                break Some(status);
            }
            if ids(address, &to)?.len() as i64 >= sent {
                break None;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        // Else the last epoch had no rows.
        if let Some(status) = ended {
            let told = child.told()?;
            ensure!(status.code() == Some(1) && told.contains("E0607") && told.contains(&group), "{status}\n{told}");
            break;
        }
        child.stop()?;
    }
    ensure!(ids(address, &to)?.values().all(|n| *n == 1), "an id is there twice");
    Ok(())
}

/// The example, with topics of its own.
pub(super) fn page_alerts() -> Result<()> {
    let address = shared()?;
    let (from, to) = (unique("clickstream"), unique("page-alerts"));
    create_topic(address, &from, 1)?;
    create_topic(address, &to, 1)?;
    let writer = Writer::new(address, &from, &[])?;
    let click = |user: i64, page: &str, second: i64| -> Result<()> {
        let value = format!("{{\"user_id\":{user},\"page\":\"{page}\",\"action\":\"view\",\"event_timestamp\":\"2024-01-01 00:00:{second:02}\"}}");
        writer.send((0, Some(value.as_str()), 0))
    };
    for user in 0..4 {
        click(user, "/busy", 10 + user)?;
        click(user % 2, "/quiet", 20 + user)?;
    }
    writer.send((0, Some("{\"event_timestamp\":\"2024-01-01 00:02:00\"}"), 0))?;
    writer.flush()?;
    let example = std::fs::read_to_string(crate::harness::root().join("sql-examples/page-alerts.sql"))?
        .replace("'clickstream',\n", &format!("'{from}',\n"))
        .replace("'page-alerts'", &format!("'{to}'"));
    let directory = tempfile::tempdir()?;
    let mut command = prepare(
        directory.path(),
        "page-alerts.sql",
        &format!("SET 'execution.checkpointing.interval' = '200 ms';{example}"),
    )?;
    command.args(["-D", &format!("BROKERS={address}")]);
    let mut child = Running::start(command)?;
    while committed(address, &to)?.is_empty() {
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    child.stop()?;
    let all = read_all(address, &to, "read_committed")?;
    let shown: Vec<String> = all.iter().map(|m| format!("{} {} {:?}", text(m.key()), text(m.payload()), header(m))).collect();
    ensure!(
        shown == [r#"{"page":"/busy"} {"page":"/busy","window_end":"2024-01-01 00:01:00","viewers":4} ["source=clickstream"]"#],
        "{shown:?}"
    );
    Ok(())
}
