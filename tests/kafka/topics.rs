//! Topics that change under a job, and batches of every kind.

use super::{copied, copy, prepare, topic_of, wait_for_rows};
use crate::broker::{Writer, add_partitions, create_topic, delete_topic};
use crate::harness::{Running, fail};
use crate::terminal::Terminal;
use anyhow::{Result, ensure};

pub(super) fn partition_added() -> Result<()> {
    let (address, topic) = topic_of("added", 1, &["{\"a\":1}", "{\"a\":2}"])?;
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, ", 'scan.topic-partition-discovery.interval' = '500 ms'");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    // While it runs.
    add_partitions(address, &topic, 3)?;
    let send = |records: &[(i32, &str)]| -> Result<()> {
        let writer = Writer::new(address, &topic, &[])?;
        for (partition, value) in records {
            writer.send((*partition, Some(value), 0))?;
        }
        writer.flush()
    };
    send(&[(0, "{\"a\":3}"), (1, "{\"a\":4}"), (2, "{\"a\":5}")])?;
    wait_for_rows(directory.path(), 5, &mut child)?;
    child.stop()?;
    // While it does not, at a start that is told not to look any more later.
    add_partitions(address, &topic, 4)?;
    send(&[(3, "{\"a\":6}"), (1, "{\"a\":7}")])?;
    let sql = sql.replace("'500 ms'", "'0 s'");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 7, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())? == [1, 2, 3, 4, 5, 6, 7], "{:?}", copied(directory.path())?);
    Ok(())
}

pub(super) fn made_anew() -> Result<()> {
    let (address, topic) = topic_of("anew", 1, &["{\"a\":1}", "{\"a\":2}"])?;
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, ", 'scan.topic-partition-discovery.interval' = '500 ms'");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    child.stop()?;
    // The new topic has a record at the offset where the job would go on.
    delete_topic(address, &topic)?;
    create_topic(address, &topic, 1)?;
    Writer::new(address, &topic, &[])?.send_all(&["{\"a\":3}", "{\"a\":4}", "{\"a\":5}"])?;
    let error = fail(prepare(directory.path(), "copy.sql", &sql)?, 1)?;
    ensure!(error.contains("E0701") && error.contains("made anew") && error.contains(&topic), "{error}");
    ensure!(copied(directory.path())? == [1, 2]);
    let mut command = prepare(directory.path(), "copy.sql", &sql)?;
    command.arg("--fresh");
    let mut child = Running::start(command)?;
    wait_for_rows(directory.path(), 5, &mut child)?;
    // And under a job that runs.
    delete_topic(address, &topic)?;
    let status = child.0.wait()?;
    let told = child.told()?;
    ensure!(status.code() == Some(1) && told.contains("E0517") && told.contains(&topic), "{status}\n{told}");
    ensure!(copied(directory.path())? == [1, 2, 3, 4, 5]);
    Ok(())
}

pub(super) fn batches() -> Result<()> {
    let (address, topic) = topic_of("batches", 2, &[])?;
    let mut n = 0i64;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let settings = [
            ("compression.type", codec),
            ("batch.size", "1000000"),
            ("linger.ms", "200"),
            ("message.max.bytes", "1000000"),
        ];
        let writer = Writer::new(address, &topic, &settings)?;
        // Thousands of small records in one batch, then records that each fill one.
        for pad in std::iter::repeat_n(20, 5_000).chain([900_000; 3]) {
            let value = format!("{{\"a\":{n},\"pad\":\"{}\"}}", "x".repeat(pad));
            writer.send(((n % 2) as i32, Some(value.as_str()), 0))?;
            n += 1;
        }
        writer.flush()?;
    }
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, "");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), n as usize, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())?.into_iter().eq(0..n));
    Ok(())
}

pub(super) fn bomb() -> Result<()> {
    let (address, topic) = topic_of("bomb", 1, &["{\"a\":1}"])?;
    let settings = [("compression.type", "gzip"), ("message.max.bytes", "300000000")];
    let writer = Writer::new(address, &topic, &settings)?;
    let huge = "{".repeat(200_000_000);
    writer.send((0, Some(huge.as_str()), 0))?;
    writer.flush()?;
    writer.send((0, Some("{\"a\":2}"), 0))?;
    writer.flush()?;
    let directory = tempfile::tempdir()?;
    let sql = copy(address, &topic, ", 'on-error' = 'skip'");
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())? == [1, 2]);
    Ok(())
}

pub(super) fn pattern() -> Result<()> {
    let (address, prefix) = (crate::broker::shared()?, crate::broker::unique("pattern"));
    let add = |suffix: &str, a: i32| -> Result<()> {
        let topic = format!("{prefix}{suffix}");
        create_topic(address, &topic, 1)?;
        Writer::new(address, &topic, &[])?.send_all(&[&format!("{{\"a\":{a}}}")])
    };
    let directory = tempfile::tempdir()?;
    let sql =
        copy(address, "", ", 'scan.topic-partition-discovery.interval' = '500 ms'").replace("'topic' = ''", &format!("'topic-pattern' = '{prefix}-[a-c]'"));
    let error = fail(prepare(directory.path(), "copy.sql", &sql)?, 1)?;
    ensure!(error.contains("E0517") && error.contains(&format!("{prefix}-[a-c]")), "{error}");
    add("-a", 1)?;
    add("-b", 2)?;
    // Only whole names match.
    add("-abc", 100)?;
    add("-d", 101)?;
    let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
    wait_for_rows(directory.path(), 2, &mut child)?;
    add("-c", 3)?;
    wait_for_rows(directory.path(), 3, &mut child)?;
    child.stop()?;
    ensure!(copied(directory.path())? == [1, 2, 3], "{:?}", copied(directory.path())?);
    Ok(())
}

pub(super) fn offered() -> Result<()> {
    let (address, topic) = topic_of("offered", 1, &["{\"a\":1}"])?;
    let directory = tempfile::tempdir()?;
    let terminal = Terminal::open(directory.path(), &[])?;
    terminal.prompt("millstream>")?;
    let begun = &topic[..topic.len() - 1];
    let with = format!("WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '{address}', 'topic' = '{begun}");
    terminal.send(&format!("CREATE TABLE t (a INT) {with}"))?;
    terminal.send("\t")?;
    terminal.see(&topic)?;
    // Brokers that do not answer hold nobody up.
    terminal.send("\x03")?;
    terminal.prompt("millstream>")?;
    terminal.send("CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '127.0.0.1:1', 'topic' = 'c")?;
    terminal.send("\t")?;
    terminal.send("licks")?;
    terminal.see("'topic' = 'clicks")?;
    Ok(())
}
