//! The Kafka source and sink against a real broker: where reading starts and ends, what is read and written, refused and survived.

mod alignment;
mod changes;
mod online;
pub(crate) mod registry;
mod security;
mod sink;
mod topics;

use crate::broker::{Broker, Writer, create_topic, delete_before, missing, shared, unique};
use crate::harness::{Running, fail, files, millstream, result_sets, root, succeed};
use crate::s3::Server;
use crate::suites::{World, table as table_of};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::Connectors;
use millstream_dataflow::testing::{SourceCase, source_suite};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::sim::world::Chance;

pub(crate) fn trials() -> Vec<Trial> {
    let missing = missing();
    if let Some(reason) = &missing
        && std::env::var_os("CI").is_none()
    {
        eprintln!("the trials kafka::* are ignored: a Kafka broker {reason}");
    }
    let trial = |name: &str, f: fn() -> Result<()>| {
        let reason = missing.clone();
        let run = move || match reason {
            Some(reason) => Err(Failed::from(format!("a Kafka broker {reason}"))),
            None => f().map_err(|e| Failed::from(format!("{e:#}"))),
        };
        Trial::test(format!("kafka::{name}"), run).with_ignored_flag(missing.is_some() && std::env::var_os("CI").is_none())
    };
    vec![
        trial("topics_keep_what_a_source_must", conformance),
        trial("reading_starts_where_the_mode_says", startup_modes),
        trial("reading_ends_where_the_mode_says", bounded_modes),
        trial("topics_that_match_a_pattern_are_read", topics::pattern),
        trial("topics_are_offered_to_whoever_types", topics::offered),
        trial("a_group_goes_on_where_it_committed", group_offsets),
        trial("metadata_columns_and_tombstones", metadata),
        trial("records_without_a_value_are_rows_of_raw_and_counted_else", tombstones),
        trial("bad_records_are_named_or_left_out", bad_records),
        trial("dead_letters_tell_what_and_where", dead_letters),
        trial("an_empty_topic_ends_at_once", empty),
        trial("missing_topics_and_brokers_are_named", unreachable),
        trial("brokers_want_tls_and_credentials", security::tls_and_credentials),
        trial("offsets_out_of_range_stop_the_job", out_of_range),
        trial("aborted_transactions_are_not_read", transactions),
        trial("an_idle_partition_does_not_hold_the_watermark", idle),
        trial("a_partition_that_is_ahead_waits_for_others", alignment::partition_ahead),
        trial("a_broker_restart_is_waited_for", broker_restart),
        trial("a_source_that_nobody_answers_says_so", cut_off),
        trial("a_burst_after_a_quiet_time_or_an_outage_is_not_late", bursts),
        trial("partitions_that_are_added_are_read", topics::partition_added),
        trial("a_topic_that_is_made_anew_stops_the_job", topics::made_anew),
        trial("batches_of_every_codec_and_size", topics::batches),
        trial("a_record_that_unpacks_to_a_thousand_times_its_size", topics::bomb),
        trial("an_exactly_once_sink_keeps_what_a_sink_must", sink::conformance),
        trial("records_are_written_with_keys_headers_and_times", sink::parts),
        trial("records_go_to_the_partitions_that_are_asked_for", sink::partitioners),
        trial("a_sink_names_what_it_cannot_write", sink::refused),
        trial("page_alerts_go_from_topic_to_topic", sink::page_alerts),
        trial("an_at_least_once_sink_loses_nothing", sink::at_least_once),
        trial("a_stop_sends_nothing_behind_its_last_checkpoint", sink::clean_stops),
        trial("an_exactly_once_sink_is_exact_after_many_kills", sink::soak),
        trial("an_exactly_once_sink_is_exact_after_a_kill_at_each_step", sink::steps),
        trial("sinks_wait_for_a_broker_that_restarts", sink::broker_restart),
        trial("progress_that_the_broker_forgot_stops_the_job", sink::forgotten),
        trial("registry::records_go_there_and_back_by_the_schemas_of_a_registry", registry::round_trip),
        trial("registry::records_of_several_schemas_are_read", registry::evolution),
        trial("registry::an_unknown_schema_is_a_bad_record", registry::unknown),
        trial("registry::a_schema_may_refer_to_others", registry::references),
        trial("registry::certificates_are_checked_and_shown", registry::tls),
        trial("registry::a_registry_that_is_away_is_waited_for", registry::away),
        trial("registry::a_registry_that_refuses_is_named", registry::refused),
        trial("registry::avro_and_raw_records_need_none", registry::without),
        trial("registry::avro_clicks_become_parquet", registry::avro_clicks),
        trial("changes_of_products_fold_to_the_table", changes::product_changes),
        trial("registry::json_goes_by_its_schema", registry::json),
        trial("registry::protobuf_goes_by_a_file_and_by_its_schema", registry::protobuf),
        trial("online::what_is_wrong_outside_is_told_before_a_job_runs", online::wrong_outside),
        trial("online::subtasks_without_a_partition_are_told", online::partitions),
        trial("a_ledger_is_exact_after_many_kills", soak),
        trial("page_metrics_survive_kill_9", || page_metrics(None)),
        trial("page_metrics_survive_kill_9_on_s3", || page_metrics(Some(Server::start()?))),
    ]
}

fn table(address: &str, topic: &str, columns: &str, options: &str) -> String {
    format!(
        "CREATE TABLE t ({columns}) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{address}', 'format' = 'json', {options});\n"
    )
}

const BOUNDED: &str = "'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode' = 'earliest-offset'";

fn prepare(directory: &Path, name: &str, sql: &str) -> Result<Command> {
    std::fs::write(directory.join(name), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", name, "--format", "changelog"]);
    Ok(command)
}

/// The rows of the only query of a job that ends by itself.
fn rows(sql: &str) -> Result<BTreeMap<String, i64>> {
    let directory = tempfile::tempdir()?;
    let text = succeed(prepare(directory.path(), "query.sql", sql)?)?;
    Ok(result_sets(&text)?.pop().context("no result")?.rows)
}

fn set<const N: usize>(rows: [&str; N]) -> BTreeMap<String, i64> {
    rows.into_iter().map(|r| (r.to_string(), 1)).collect()
}

fn topic_of(name: &str, partitions: i32, values: &[&str]) -> Result<(&'static str, String)> {
    let (address, topic) = (shared()?, unique(name));
    create_topic(address, &topic, partitions)?;
    Writer::new(address, &topic, &[])?.send_all(values)?;
    Ok((address, topic))
}

fn conformance() -> Result<()> {
    let (address, topic) = (shared()?, unique("conformance"));
    create_topic(address, &topic, 3)?;
    let writer = Writer::new(address, &topic, &[("transactional.id", &topic)])?;
    writer.init_transactions()?;
    // Partition 0 has transactions with control records between, an aborted one among them; the last partition stays empty.
    for (values, commit) in [
        (["{\"a\":1}", "{\"a\":2}", "no JSON"], true),
        (["{\"a\":3}"; 3], false),
        (["{\"a\":4}"; 3], true),
    ] {
        writer.transaction(&values, commit)?;
    }
    let writer = Writer::new(address, &topic, &[])?;
    // More than one chunk holds, so that positions lie between records.
    for i in 0..9_000 {
        let value = format!("{{\"a\":{i},\"s\":\"{}\"}}", "x".repeat(i % 50));
        writer.send((1, (i % 100 != 7).then_some(value.as_str()), 0))?;
    }
    writer.flush()?;
    let world = World::new()?;
    let open = |more: &[(&'static str, &'static str)]| {
        let mut options = vec![
            ("connector", "kafka"),
            ("topic", topic.as_str()),
            ("properties.bootstrap.servers", address),
            ("format", "json"),
            ("scan.startup.mode", "earliest-offset"),
        ];
        options.extend(more);
        let (table, connectors) = (table_of("a INT, s STRING", &options), world.connectors.clone());
        move || connectors.source(&table)
    };
    let small = ("properties.fetch.message.max.bytes", "1000");
    let (bounded, pieces) = (
        open(&[("scan.bounded.mode", "latest-offset")]),
        open(&[("scan.bounded.mode", "latest-offset"), small]),
    );
    let rows = 6 + 8_910;
    source_suite(&SourceCase {
        open: &[&bounded, &pieces],
        rows,
    });
    let endless = open(&[]);
    source_suite(&SourceCase { open: &[&endless], rows });
    Ok(())
}

fn startup_modes() -> Result<()> {
    let (address, topic) = topic_of("modes", 1, &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"])?;
    for (options, expected) in [
        ("'scan.startup.mode' = 'earliest-offset'", set(["[1]", "[2]", "[3]", "[4]"])),
        ("'scan.startup.mode' = 'latest-offset'", set([])),
        (
            "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '2500'",
            set(["[3]", "[4]"]),
        ),
        ("'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '9999999'", set([])),
        (
            "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:1'",
            set(["[2]", "[3]", "[4]"]),
        ),
    ] {
        let sql = table(address, &topic, "a INT", &format!("{options}, 'scan.bounded.mode' = 'latest-offset'")) + "SELECT a FROM t;";
        ensure!(rows(&sql)? == expected, "{options}: {:?}", rows(&sql)?);
    }
    Ok(())
}

fn bounded_modes() -> Result<()> {
    let (address, topic) = topic_of("bounds", 2, &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"])?;
    let writer = Writer::new(address, &topic, &[])?;
    writer.send((1, Some("{\"a\":5}"), 1_500))?;
    writer.flush()?;
    let group = unique("bounds");
    let offsets = "'scan.bounded.specific-offsets' = 'partition:0,offset:3'";
    for (options, expected) in [
        ("'scan.bounded.mode' = 'latest-offset'".to_string(), set(["[1]", "[2]", "[3]", "[4]", "[5]"])),
        (
            "'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '3000'".into(),
            set(["[1]", "[2]", "[5]"]),
        ),
        (
            "'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '1500'".into(),
            set(["[1]"]),
        ),
        (format!("'scan.bounded.mode' = 'specific-offsets', {offsets}"), set(["[1]", "[2]", "[3]"])),
    ] {
        let sql = table(address, &topic, "a INT", &format!("'scan.startup.mode' = 'earliest-offset', {options}")) + "SELECT a FROM t;";
        ensure!(rows(&sql)? == expected, "{options}: {:?}", rows(&sql)?);
    }
    // A group without offsets says not where to stop, as in Flink.
    let options = format!("'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'group-offsets', 'properties.group.id' = '{group}'");
    let sql = table(address, &topic, "a INT", &options) + "SELECT a FROM t;";
    let directory = tempfile::tempdir()?;
    let error = fail(prepare(directory.path(), "none.sql", &sql)?, 1)?;
    ensure!(error.contains("E0519") && error.contains(&group) && error.contains("to stop at"), "{error}");
    // A group with offsets: those of a job that has read three records of partition 0.
    let sql = copy(
        address,
        &topic,
        &format!(", 'scan.bounded.mode' = 'specific-offsets', {offsets}, 'properties.group.id' = '{group}'"),
    );
    succeed(prepare(directory.path(), "copy.sql", &sql)?)?;
    let options = format!("'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'group-offsets', 'properties.group.id' = '{group}'");
    let sql = table(address, &topic, "a INT", &options) + "SELECT a FROM t;";
    ensure!(rows(&sql)? == set(["[1]", "[2]", "[3]"]), "{:?}", rows(&sql)?);
    Ok(())
}

fn group_offsets() -> Result<()> {
    let (address, topic) = topic_of("group", 1, &["{\"a\":1}", "{\"a\":2}"])?;
    let group = unique("group");
    let sql = |options: &str| {
        table(
            address,
            &topic,
            "a INT",
            &format!("{options}, 'scan.bounded.mode' = 'latest-offset', 'properties.group.id' = '{group}'"),
        ) + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nINSERT INTO o SELECT a FROM t;"
    };
    let offsets = "'scan.startup.mode' = 'group-offsets'";
    let directory = tempfile::tempdir()?;
    // A group that never committed has no place: that is said, unless a reset is given.
    let error = fail(prepare(directory.path(), "none.sql", &sql(offsets))?, 1)?;
    ensure!(
        error.contains("E0519") && error.contains(&group) && error.contains("auto.offset.reset"),
        "{error}"
    );
    let reset = format!("{offsets}, 'properties.auto.offset.reset' = 'earliest'");
    succeed(prepare(directory.path(), "first.sql", &sql(&reset))?)?;
    Writer::new(address, &topic, &[])?.send_all(&["{\"a\":3}"])?;
    // Another job of the same group.
    succeed(prepare(directory.path(), "second.sql", &sql(offsets))?)?;
    let written = "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nSELECT a FROM o;";
    let text = succeed(prepare(directory.path(), "read.sql", written)?)?;
    let actual = result_sets(&text)?.pop().context("no result")?.rows;
    ensure!(actual == set(["[1]", "[2]", "[3]"]), "{actual:?}");
    Ok(())
}

fn metadata() -> Result<()> {
    let (address, topic) = (shared()?, unique("metadata"));
    create_topic(address, &topic, 2)?;
    let writer = Writer::new(address, &topic, &[])?;
    for record in [
        (0, Some("{\"a\":1}"), 1_704_067_200_123),
        (0, None, 1),
        (0, Some("{\"a\":2}"), 2),
        (1, Some("{\"a\":3}"), 3),
    ] {
        writer.send(record)?;
    }
    writer.flush()?;
    let columns = "a INT, `offset` BIGINT NOT NULL METADATA VIRTUAL, p INT METADATA FROM 'partition', `timestamp` TIMESTAMP(3) METADATA, \
                   kind STRING METADATA FROM 'timestamp-type', topic STRING METADATA, epoch INT METADATA FROM 'leader-epoch'";
    let sql = table(address, &topic, columns, BOUNDED) + "SELECT a, `offset`, p, `timestamp`, kind, topic, epoch FROM t;";
    let expected: BTreeMap<String, i64> = [
        (1, 0, 0, "2024-01-01 00:00:00.123"),
        (2, 2, 0, "1970-01-01 00:00:00.002"),
        (3, 0, 1, "1970-01-01 00:00:00.003"),
    ]
    .into_iter()
    .map(|(a, offset, p, time)| (format!("[{a},{offset},{p},\"{time}\",\"CreateTime\",\"{topic}\",0]"), 1))
    .collect();
    let actual = rows(&sql)?;
    ensure!(actual == expected, "{actual:?}");
    // Only metadata, no field of the value.
    let sql = table(address, &topic, "a INT, `offset` BIGINT METADATA", BOUNDED) + "SELECT `offset` FROM t;";
    let actual = rows(&sql)?;
    ensure!(actual == BTreeMap::from([("[0]".to_string(), 2), ("[2]".to_string(), 1)]), "{actual:?}");
    Ok(())
}

fn tombstones() -> Result<()> {
    let (address, topic) = (shared()?, unique("tombstones"));
    create_topic(address, &topic, 1)?;
    let writer = Writer::new(address, &topic, &[])?;
    for value in [Some("{\"a\":1}"), None, Some("{\"a\":2}"), None] {
        writer.send((0, value, 1))?;
    }
    writer.flush()?;
    let raw = |column: &str| table(address, &topic, &format!("{column}, `offset` BIGINT METADATA"), BOUNDED).replace("'json'", "'raw'");
    let actual = rows(&(raw("v STRING") + "SELECT v IS NULL, `offset` FROM t;"))?;
    ensure!(actual == set(["[false,0]", "[true,1]", "[false,2]", "[true,3]"]), "{actual:?}");
    let directory = tempfile::tempdir()?;
    let error = fail(prepare(directory.path(), "raw.sql", &(raw("v STRING NOT NULL") + "SELECT v FROM t;"))?, 1)?;
    ensure!(error.contains("E0700") && error.contains("offset 1") && error.contains("NOT NULL"), "{error}");
    // Of json they are no rows, whatever becomes of bad records, but they are told.
    let sql = table(address, &topic, "a INT", BOUNDED) + "SELECT a FROM t;";
    let output = prepare(directory.path(), "json.sql", &sql)?.output()?;
    let (rows, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(
        output.status.success() && rows.contains("\"row\":[1]") && rows.contains("\"row\":[2]"),
        "{rows}{told}"
    );
    ensure!(told.contains("  2 records without a value: no rows"), "{told}");
    Ok(())
}

fn bad_records() -> Result<()> {
    let (address, topic) = topic_of("bad", 1, &["{\"a\":1}", "{\"a\":\"x\"}", "nothing", "{\"a\":2}", "{\"a\":3"])?;
    let sql = |on_error: &str| {
        table(address, &topic, "a INT", &format!("{BOUNDED}, 'on-error' = '{on_error}'"))
            + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nINSERT INTO o SELECT a FROM t;"
    };
    let directory = tempfile::tempdir()?;
    let error = fail(prepare(directory.path(), "fail.sql", &sql("fail"))?, 1)?;
    ensure!(
        error.contains("E0700")
            && error.contains(" --> fail.sql:1:")
            && error.contains(&format!("topic {topic}, partition 0, offset 1"))
            && error.contains("on-error"),
        "{error}"
    );
    let output = prepare(directory.path(), "skip.sql", &sql("skip"))?.output()?;
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && summary.contains("left out: 2 malformed, 1 type"), "{summary}");
    let written = files(&directory.path().join("out"), "json");
    let text = written.iter().map(std::fs::read_to_string).collect::<std::io::Result<String>>()?;
    ensure!(text == "{\"a\":1}\n{\"a\":2}\n", "{text}");
    Ok(())
}

/// Records that are no rows, rows out of a far future and late ones, with their bytes and where they were.
fn dead_letters() -> Result<()> {
    let click = |page: &str, time: &str| format!("{{\"user_id\":1,\"page\":\"{page}\",\"event_timestamp\":\"{time}\"}}");
    let records = [
        click("/a", "2024-01-01 00:00:30"),
        "nothing".to_string(),
        click("/a", "2024-01-01 00:01:30"),
        click("/late", "2024-01-01 00:00:40"),
        click("/a", "2999-01-01 00:00:00"),
        click("/a", "2024-01-01 00:03:00"),
    ];
    let (address, topic) = topic_of("dead", 1, &records.each_ref().map(String::as_str))?;
    let example = std::fs::read_to_string(root().join("sql-examples/dead-letters.sql"))?.replace("'clickstream'", &format!("'{topic}'"));
    let bounded = example.replace(&format!("'{topic}'"), &format!("'{topic}', 'scan.bounded.mode' = 'latest-offset'"));
    let directory = tempfile::tempdir()?;
    let command = |name: &str, sql: &str| -> Result<Command> {
        let mut command = prepare(directory.path(), name, sql)?;
        command.args(["-D", &format!("BROKERS={address}"), "-D", "OUT=out"]);
        Ok(command)
    };
    let output = command("dead-letters.sql", &bounded)?.output()?;
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() && summary.contains("  routed: 1 future-rowtime, 1 late, 1 malformed") && !summary.contains("left out:"),
        "{summary}"
    );
    let tables = example.split("INSERT INTO").next().context("no tables")?;
    let read = |select: &str| -> Result<BTreeMap<String, i64>> {
        let text = succeed(command("read.sql", &format!("{tables}{select};"))?)?;
        Ok(result_sets(&text)?.pop().context("no result")?.rows)
    };
    let letters = read(
        "SELECT reason, CAST(record AS STRING) = '' OR message IS NULL, CAST(record AS STRING), topic, `partition`, `offset`, event_time, watermark FROM dead_letters",
    )?;
    let letter = |reason: &str, offset: usize, silent: bool, time: &str, watermark: &str| {
        let record = records[offset].replace('"', "\\\"");
        format!("[\"{reason}\",{silent},\"{record}\",\"{topic}\",0,{offset},{time},\"2024-01-01 {watermark}\"]")
    };
    let expected = [
        letter("malformed", 1, false, "null", "00:00:25.000"),
        letter("late", 3, true, "\"2024-01-01 00:00:40.000\"", "00:01:25.000"),
        letter("future-rowtime", 4, false, "\"2999-01-01 00:00:00.000\"", "00:01:25.000"),
    ];
    ensure!(letters == expected.into_iter().map(|l| (l, 1)).collect(), "{letters:#?}");
    let views = read("SELECT page, window_end, views FROM page_views")?;
    let expected = ["00:01:00", "00:02:00", "00:04:00"].map(|end| (format!("[\"/a\",\"2024-01-01 {end}.000\",1]"), 1));
    ensure!(views == expected.into(), "{views:#?}");
    Ok(())
}

fn empty() -> Result<()> {
    let (address, topic) = (shared()?, unique("empty"));
    create_topic(address, &topic, 3)?;
    let columns = "a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts";
    ensure!(rows(&(table(address, &topic, columns, BOUNDED) + "SELECT a FROM t;"))?.is_empty());
    let windows = "SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;";
    ensure!(rows(&(table(address, &topic, columns, BOUNDED) + windows))?.is_empty());
    Ok(())
}

fn unreachable() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let topic = unique("nowhere");
    let sql = table(shared()?, &topic, "a INT", BOUNDED) + "SELECT a FROM t;";
    let error = fail(prepare(directory.path(), "topic.sql", &sql)?, 1)?;
    ensure!(
        error.contains("E0517") && error.contains(&topic) && error.contains("\"t\"") && error.contains(" --> topic.sql:1:"),
        "{error}"
    );
    let sql = table("127.0.0.1:1", &topic, "a INT", BOUNDED) + "SELECT a FROM t;";
    let error = fail(prepare(directory.path(), "broker.sql", &sql)?, 5)?;
    ensure!(
        error.contains("E0516") && error.contains("127.0.0.1:1") && error.contains("| ") && error.contains(" --> broker.sql:1:"),
        "{error}"
    );
    let sql = table(
        shared()?,
        &topic,
        "a INT",
        "'scan.startup.mode' = 'earliest-offset', 'properties.no.such.thing' = '1'",
    ) + "SELECT a FROM t;";
    let error = fail(prepare(directory.path(), "property.sql", &sql)?, 1)?;
    ensure!(error.contains("E0515") && error.contains("no.such.thing"), "{error}");
    Ok(())
}

/// A job that copies a topic to files as long as it runs.
fn copy(address: &str, topic: &str, options: &str) -> String {
    "SET 'execution.checkpointing.interval' = '200 ms';\n".to_string()
        + &table(address, topic, "a INT", &format!("'scan.startup.mode' = 'earliest-offset'{options}"))
        + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nINSERT INTO o SELECT a FROM t;"
}

fn copied(directory: &Path) -> Result<Vec<i64>> {
    let mut all = Vec::new();
    for file in files(&directory.join("out"), "json") {
        for line in std::fs::read_to_string(&file)?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            all.push(value.get("a").and_then(serde_json::Value::as_i64).context("no a")?);
        }
    }
    all.sort_unstable();
    Ok(all)
}

fn wait_for_rows(directory: &Path, n: usize, child: &mut Running) -> Result<()> {
    while copied(directory)?.len() < n {
        child.check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn out_of_range() -> Result<()> {
    let (address, topic) = topic_of("range", 1, &["{\"a\":1}", "{\"a\":2}"])?;
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, "");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    child.stop()?;
    Writer::new(address, &topic, &[])?.send_all(&["{\"a\":3}", "{\"a\":4}", "{\"a\":5}"])?;
    delete_before(address, &topic, 0, 4)?;
    let error = fail(prepare(directory.path(), "copy.sql", &sql)?, 1)?;
    ensure!(
        error.contains("E0701")
            && error.contains(&format!("offset 2 of topic '{topic}', partition 0"))
            && error.contains("4 to 5")
            && error.contains("retention"),
        "{error}"
    );
    // Nothing was skipped and nothing of what was committed is touched; a new life reads what there is.
    ensure!(copied(directory.path())? == [1, 2]);
    let mut command = prepare(directory.path(), "copy.sql", &sql)?;
    command.arg("--fresh");
    let mut child = Running::start(command)?;
    wait_for_rows(directory.path(), 3, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())? == [1, 2, 5]);
    // An offset that never was.
    let sql = table(
        address,
        &topic,
        "a INT",
        "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:99', 'scan.bounded.mode' = 'latest-offset'",
    ) + "SELECT a FROM t;";
    let error = fail(prepare(directory.path(), "beyond.sql", &sql)?, 1)?;
    ensure!(error.contains("E0701") && error.contains("offset 99"), "{error}");
    Ok(())
}

fn transactions() -> Result<()> {
    let (address, topic) = topic_of("transactions", 1, &["{\"a\":1}"])?;
    let writer = Writer::new(address, &topic, &[("transactional.id", &topic)])?;
    writer.init_transactions()?;
    writer.transaction(&["{\"a\":2}", "{\"a\":3}"], false)?;
    writer.transaction(&["{\"a\":4}"], true)?;
    writer.transaction(&["{\"a\":5}"], false)?;
    // The table ends although its last offsets are an aborted record and control records.
    let query = |options: &str| rows(&(table(address, &topic, "a INT", &format!("{BOUNDED}{options}")) + "SELECT a FROM t;"));
    ensure!(query("")? == set(["[1]", "[4]"]), "{:?}", query("")?);
    let all = query(", 'properties.isolation.level' = 'read_uncommitted'")?;
    ensure!(all == set(["[1]", "[2]", "[3]", "[4]", "[5]"]), "{all:?}");
    Ok(())
}

/// The first rows that an endless query prints; it is killed then.
fn first_rows(sql: &str, n: usize) -> Result<BTreeSet<String>> {
    let directory = tempfile::tempdir()?;
    let mut command = prepare(directory.path(), "query.sql", sql)?;
    command.stdout(Stdio::piped());
    let mut child = Running::start(command)?;
    let mut found = BTreeSet::new();
    let mut lines = BufReader::new(child.0.stdout.take().context("no output")?).lines();
    while found.len() < n {
        let line = lines.next().context("the query ended")??;
        let value: serde_json::Value = serde_json::from_str(&line)?;
        if let Some(row) = value.get("row") {
            found.insert(row.to_string());
        }
    }
    child.kill()?;
    Ok(found)
}

fn idle() -> Result<()> {
    let (address, topic) = (shared()?, unique("idle"));
    create_topic(address, &topic, 2)?;
    // Partition 1 stays empty.
    Writer::new(address, &topic, &[])?.send_all(&["{\"ts\":\"2024-01-01 00:00:10\"}", "{\"ts\":\"2024-01-01 00:01:10\"}"])?;
    let windows = "SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;";
    let columns = "ts TIMESTAMP(3), WATERMARK FOR ts AS ts";
    let start = "'scan.startup.mode' = 'earliest-offset'";
    let expected = BTreeSet::from(["[\"2024-01-01 00:01:00.000\",1]".to_string()]);
    let by_option = table(address, &topic, columns, &format!("{start}, 'scan.watermark.idle-timeout' = '200 ms'")) + windows;
    ensure!(first_rows(&by_option, 1)? == expected);
    let by_setting = "SET 'table.exec.source.idle-timeout' = '200 ms';\n".to_string() + &table(address, &topic, columns, start) + windows;
    ensure!(first_rows(&by_setting, 1)? == expected);
    // Nor does it while the other partition never rests.
    let (busy, over) = (unique("busy"), Arc::new(AtomicBool::new(false)));
    create_topic(address, &busy, 2)?;
    let writer = Writer::new(address, &busy, &[])?;
    let done = Arc::clone(&over);
    let writing = std::thread::spawn(move || -> Result<()> {
        let mut n = 0;
        while !done.load(Ordering::Relaxed) {
            for _ in 0..1_000 {
                n += 1;
                writer.send((0, Some(format!("{{\"ts\":\"{}\"}}", clock(n)).as_str()), 0))?;
            }
            writer.flush()?;
        }
        Ok(())
    });
    let of_seconds = windows.replace("INTERVAL '1' MINUTE", "INTERVAL '1' SECOND");
    let sql = table(address, &busy, columns, &format!("{start}, 'scan.watermark.idle-timeout' = '200 ms'")) + &of_seconds;
    let found = first_rows(&sql, 3);
    over.store(true, Ordering::Relaxed);
    writing.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    ensure!(found?.len() == 3);
    Ok(())
}

fn broker_restart() -> Result<()> {
    if std::env::var_os("MILLSTREAM_TEST_KAFKA").is_some() {
        // A broker that is not ours is not killed.
        return Ok(());
    }
    let mut broker = Broker::new()?;
    let (address, topic) = (broker.address(), "restart");
    create_topic(&address, topic, 1)?;
    Writer::new(&address, topic, &[])?.send_all(&["{\"a\":1}", "{\"a\":2}"])?;
    let directory = tempfile::tempdir()?;
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &copy(&address, topic, ""))?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    broker.kill()?;
    broker.start()?;
    Writer::new(&address, topic, &[])?.send_all(&["{\"a\":3}"])?;
    wait_for_rows(directory.path(), 3, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())? == [1, 2, 3]);
    Ok(())
}

/// A broker that is away for a while: the job waits, and whoever asks is told for what.
fn cut_off() -> Result<()> {
    if std::env::var_os("MILLSTREAM_TEST_KAFKA").is_some() {
        // A broker that is not ours is not killed.
        return Ok(());
    }
    let mut broker = Broker::new()?;
    let (address, topic) = (broker.address(), "away");
    create_topic(&address, topic, 1)?;
    Writer::new(&address, topic, &[])?.send_all(&["{\"a\":1}"])?;
    let directory = tempfile::tempdir()?;
    let mut command = prepare(directory.path(), "copy.sql", &copy(&address, topic, ""))?;
    command.args(["--metrics", "127.0.0.1:0"]);
    let mut child = Running::start(command)?;
    wait_for_rows(directory.path(), 1, &mut child)?;
    let told = child.told()?;
    let metrics = told
        .split("metrics at http://")
        .nth(1)
        .and_then(|t| t.split("/metrics").next())
        .context("no address")?;
    let get = |path: &str| -> Result<String> {
        let mut stream = std::net::TcpStream::connect(metrics)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let wait_for = |path: &str, what: &str| -> Result<()> {
        for _ in 0..600 {
            if get(path)?.contains(what) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        anyhow::bail!("{path} does not tell {what}: {}", get(path)?)
    };
    wait_for("/readyz", " 200 ")?;
    broker.kill()?;
    wait_for("/readyz", "nobody answers: t")?;
    ensure!(get("/readyz")?.contains(" 503 "));
    let connected = |yes: u8| format!("\"}} {yes}.0\n");
    let line = |text: &str| -> Result<String> {
        let line = text.lines().find(|l| l.starts_with("millstream_source_connected{")).context("no metric")?;
        Ok(format!("{line}\n"))
    };
    let shown = line(&get("/metrics")?)?;
    ensure!(shown.ends_with(&connected(0)), "{shown}");
    broker.start()?;
    wait_for("/readyz", " 200 ")?;
    ensure!(line(&get("/metrics")?)?.ends_with(&connected(1)));
    Writer::new(&address, topic, &[])?.send_all(&["{\"a\":2}"])?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    ensure!(child.told()?.contains("waiting for it job=copy table=t"), "{}", child.told()?);
    child.stop()
}

/// The real binary, killed every five to fifteen seconds while ids come in without end: each id is in the committed files once. Two minutes, or
/// `SOAK=minutes`.
fn soak() -> Result<()> {
    let minutes: u64 = std::env::var("SOAK").ok().and_then(|m| m.parse().ok()).unwrap_or(2);
    #[allow(clippy::disallowed_methods, reason = "how long it lasts is all that depends on it")]
    let start = std::time::Instant::now();
    let length = Duration::from_secs(60 * minutes);
    let (address, topic) = (shared()?, unique("soak"));
    create_topic(address, &topic, 4)?;
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, "");
    let mut chance = Chance::new(17);
    let (mut sent, mut kills) = (0i64, 0);
    let writer = Writer::new(address, &topic, &[("compression.type", "zstd")])?;
    while start.elapsed() < length {
        let mut command = prepare(directory.path(), "soak.sql", &sql)?;
        command.args(["-p", &(1 + chance.below(3)).to_string()]);
        let mut child = Running::start(command)?;
        let until = start.elapsed() + Duration::from_millis(5_000 + chance.below(10_000));
        while start.elapsed() < until {
            for _ in 0..200 {
                writer.send(((sent % 4) as i32, Some(format!("{{\"a\":{sent}}}").as_str()), 0))?;
                sent += 1;
            }
            writer.flush()?;
            std::thread::sleep(Duration::from_millis(50));
            child.check()?;
        }
        child.kill()?;
        kills += 1;
        // Readers never see an id twice, whenever they look.
        let mut seen = copied(directory.path())?;
        seen.dedup();
        ensure!(seen.len() == copied(directory.path())?.len(), "an id is there twice after {kills} kills");
    }
    let mut child = Running::start(prepare(directory.path(), "soak.sql", &sql)?)?;
    wait_for_rows(directory.path(), sent as usize, &mut child)?;
    child.stop()?;
    let found = copied(directory.path())?;
    ensure!(found.iter().copied().eq(0..sent), "{} rows of {sent} ids after {kills} kills", found.len());
    Ok(())
}

/// How many rows the windows of a job counted so far, by the window's last second.
fn counted(directory: &Path) -> Result<BTreeMap<String, i64>> {
    let mut all = BTreeMap::new();
    for file in files(&directory.join("out"), "json") {
        for line in std::fs::read_to_string(&file)?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let (end, n) = (value.get("w").and_then(|w| w.as_str()), value.get("n").and_then(serde_json::Value::as_i64));
            *all.entry(end.context("no w")?.to_string()).or_default() += n.context("no n")?;
        }
    }
    Ok(all)
}

/// All partitions have been idle for long when rows come for all of them: whichever is read first, the others' rows are in time.
fn bursts() -> Result<()> {
    if std::env::var_os("MILLSTREAM_TEST_KAFKA").is_some() {
        // A broker that is not ours is not killed.
        return Ok(());
    }
    const PARTITIONS: i32 = 3;
    let mut broker = Broker::new()?;
    let (address, topic) = (broker.address(), "bursts");
    create_topic(&address, topic, PARTITIONS)?;
    // Per partition ten rows in each of ten seconds, and one that ends them.
    let burst = |from: i64| -> Result<()> {
        let writer = Writer::new(&address, topic, &[])?;
        for partition in 0..PARTITIONS {
            for time in (from..from + 10_000).step_by(100).chain([from + 11_000]) {
                let value = format!("{{\"ts\":\"{}\"}}", clock(time));
                writer.send((partition, Some(value.as_str()), time))?;
            }
        }
        writer.flush()
    };
    let options = "'scan.startup.mode' = 'earliest-offset', 'scan.watermark.idle-timeout' = '500 ms'";
    let sql = "SET 'execution.checkpointing.interval' = '200 ms';\n".to_string()
        + &table(&address, topic, "ts TIMESTAMP(3), WATERMARK FOR ts AS ts", options)
        + "CREATE TABLE o (w TIMESTAMP(3), n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\n\
           INSERT INTO o SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end;";
    let directory = tempfile::tempdir()?;
    let mut child = Running::start(prepare(directory.path(), "bursts.sql", &sql)?)?;
    let mut expected = BTreeMap::new();
    for (round, from) in [0, 100_000, 200_000].into_iter().enumerate() {
        if round == 2 {
            broker.kill()?;
            std::thread::sleep(Duration::from_secs(2));
            broker.start()?;
        }
        burst(from)?;
        expected.extend((1..=10).map(|second| (clock(from + second * 1000).trim_end_matches(".000").to_string(), 10 * i64::from(PARTITIONS))));
        loop {
            child.check()?;
            let mut found = counted(directory.path())?;
            // The rows that end a burst are counted with the next one.
            found.retain(|_, n| *n != i64::from(PARTITIONS));
            if found.len() >= expected.len() {
                ensure!(found == expected, "round {round}: {found:?}");
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Until all partitions count as idle.
        std::thread::sleep(Duration::from_secs(3));
    }
    child.stop()
}

/// A time on the first of January 2024 as a text.
fn clock(time: i64) -> String {
    let (s, ms) = (time.div_euclid(1000), time.rem_euclid(1000));
    format!("2024-01-01 {:02}:{:02}:{:02}.{ms:03}", s / 3600 % 24, s / 60 % 60, s % 60)
}

/// Clicks out of order by less than the watermark's delay, the last of them closing all windows that are looked at.
fn clicks(n: i64) -> Vec<(i32, String, i64)> {
    // 01:00 on the first of January 2024.
    let start = 1_704_070_800_000_i64;
    (0..n)
        .map(|i| {
            let time = start + i * 500 - (i * 7_919) % 4_000;
            let clock = clock(time);
            let value = format!(
                "{{\"user_id\":{},\"page\":\"/p{}\",\"action\":\"{}\",\"event_timestamp\":\"{clock}\",\"session_id\":\"s{}\"}}",
                i * 31 % 97,
                i % 13,
                ["view", "click", "scroll"][(i % 3) as usize],
                i % 50
            );
            ((i % 3) as i32, value, time)
        })
        .collect()
}

/// The job of record, killed again and again while its output goes to a directory or to a bucket, against an undisturbed run.
fn page_metrics(bucket: Option<Server>) -> Result<()> {
    const N: i64 = 60_000;
    let (address, topic) = (shared()?, unique("clickstream"));
    create_topic(address, &topic, 3)?;
    let all = clicks(N);
    let writer = Writer::new(address, &topic, &[])?;
    let send = |part: &[(i32, String, i64)]| -> Result<()> {
        part.iter().try_for_each(|(p, v, t)| writer.send((*p, Some(v), *t)))?;
        writer.flush()
    };
    let example = std::fs::read_to_string(root().join("sql-examples/page-metrics.sql"))?.replace("'clickstream'", &format!("'{topic}'"));
    let job = |options: &str| example.replace(&format!("'{topic}',"), &format!("'{topic}',{options}"));
    let directory = tempfile::tempdir()?;
    let (killed, listed) = match &bucket {
        Some(server) => ("s3://lake/killed", server.bucket().join("killed")),
        None => ("killed", directory.path().join("killed")),
    };
    let command = |name: &str, sql: &str, out: &str, parallelism: &str| -> Result<Command> {
        let mut command = prepare(directory.path(), name, &format!("SET 'execution.checkpointing.interval' = '50 ms';\n{sql}"))?;
        command
            .args(["-p", parallelism, "-D"])
            .arg(format!("BROKERS={address}"))
            .args(["-D", &format!("OUT={out}")]);
        if let Some(server) = &bucket {
            server.environment(&mut command);
        }
        Ok(command)
    };
    for (part, parallelism) in all.chunks(N as usize / 6).zip(["2", "1", "3", "2", "2", "1"]) {
        let before = files(&listed, "parquet").len();
        let mut child = Running::start(command("killed.sql", &job(""), killed, parallelism)?)?;
        send(part)?;
        while files(&listed, "parquet").len() <= before + 1 {
            child.check()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill()?;
    }
    let read = |out: &str, table: &str| -> Result<BTreeMap<String, i64>> {
        let tables = example.split("INSERT INTO").next().unwrap_or("");
        let text = succeed(command("read.sql", &format!("{tables}SELECT * FROM {table};"), out, "1")?)?;
        Ok(result_sets(&text)?.pop().context("no result")?.rows)
    };
    let bounded = job(" 'scan.bounded.mode' = 'latest-offset',");
    let output = command("undisturbed.sql", &bounded, "undisturbed", "1")?.output()?;
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{summary}");
    // One consumer and one decoder serve both statements.
    ensure!(summary.contains("in 60 000 "), "{summary}");
    let expected = [read("undisturbed", "page_metrics")?, read("undisturbed", "action_metrics")?];
    let mut child = Running::start(command("killed.sql", &job(""), killed, "2")?)?;
    // Windows that the watermark has not closed are open in the endless job: those of the bounded run's end are left out.
    let last = all.iter().map(|c| c.2).max().context("no clicks")? - 10_000;
    let closed = |rows: &BTreeMap<String, i64>| -> BTreeMap<String, i64> {
        let is_closed = |row: &str| row.split('"').nth(3).is_some_and(|window_end| window_end < clock(last).as_str());
        rows.iter().filter(|(row, _)| is_closed(row)).map(|(row, n)| (row.clone(), *n)).collect()
    };
    let expected = [closed(&expected[0]), closed(&expected[1])];
    ensure!(
        expected[0].len() > 500 && expected[1].len() > 500,
        "{} and {} windows",
        expected[0].len(),
        expected[1].len()
    );
    loop {
        let actual = [closed(&read(killed, "page_metrics")?), closed(&read(killed, "action_metrics")?)];
        if actual == expected {
            break;
        }
        let doubled = actual.iter().flatten().find(|(_, n)| **n != 1);
        ensure!(doubled.is_none(), "doubled: {doubled:?}");
        child.check()?;
    }
    child.stop()?;
    let actual = [closed(&read(killed, "page_metrics")?), closed(&read(killed, "action_metrics")?)];
    ensure!(actual == expected, "rows came after the windows closed");
    Ok(())
}
