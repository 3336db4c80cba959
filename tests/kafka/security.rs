//! Brokers that want TLS and credentials.

use super::{copied, prepare, wait_for_rows};
use crate::broker::{Broker, PASSWORD, USER, Writer, create_topic, read_all};
use crate::harness::{Running, fail};
use anyhow::{Result, ensure};
use std::path::Path;

/// Copies a topic into files and another topic, exactly once, over a secured listener.
fn copy(broker: &Broker, mechanism: &str, password: &str, certificate: &Path) -> String {
    let security = format!(
        "'properties.bootstrap.servers' = '{}', 'properties.security.protocol' = 'SASL_SSL', 'properties.ssl.ca.location' = '{}',
         'properties.sasl.mechanism' = '{mechanism}', 'properties.sasl.username' = '{USER}', 'properties.sasl.password' = '{password}'",
        broker.secured(),
        certificate.display()
    );
    format!(
        "SET 'execution.checkpointing.interval' = '200 ms';
         CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', {security});
         CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');
         CREATE TABLE k (a INT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', {security});
         INSERT INTO o SELECT a FROM t;
         INSERT INTO k SELECT a FROM t;"
    )
}

pub(super) fn tls_and_credentials() -> Result<()> {
    let (broker, other) = (Broker::new()?, Broker::new()?);
    let address = broker.address();
    create_topic(&address, "in", 1)?;
    create_topic(&address, "out", 1)?;
    Writer::new(&address, "in", &[])?.send_all(&["{\"a\":1}", "{\"a\":2}"])?;
    let mut written = 0;
    for mechanism in ["SCRAM-SHA-256", "PLAIN"] {
        let directory = tempfile::tempdir()?;
        let sql = copy(&broker, mechanism, PASSWORD, &broker.certificate());
        let mut child = Running::start(prepare(directory.path(), "copy.sql", &sql)?)?;
        wait_for_rows(directory.path(), 2, &mut child)?;
        written += 2;
        while read_all(&address, "out", "read_committed")?.len() < written {
            child.check()?;
        }
        let told = child.told()?;
        child.stop()?;
        ensure!(copied(directory.path())? == [1, 2] && !told.contains(PASSWORD), "{told}");
    }
    // Wrong credentials, and a broker that nobody vouches for: told by what was refused, and never with the password.
    let wrong = "hunter2-wrong";
    for (password, certificate, why) in [(wrong, broker.certificate(), "uthentication"), (PASSWORD, other.certificate(), "ertificate")] {
        let directory = tempfile::tempdir()?;
        let sql = copy(&broker, "SCRAM-SHA-256", password, &certificate);
        let error = fail(prepare(directory.path(), "copy.sql", &sql)?, 1)?;
        ensure!(error.contains("E0518") && error.contains(why) && !error.contains(password), "{error}");
    }
    // A client that does not speak TLS, and one that does not know who vouches for the broker.
    let secured = copy(&broker, "SCRAM-SHA-256", PASSWORD, &broker.certificate());
    let speech = ("'properties.security.protocol' = 'SASL_SSL'", "'properties.security.protocol' = 'PLAINTEXT'");
    let certificate = format!("'properties.ssl.ca.location' = '{}',", broker.certificate().display());
    let select = |sql: &str| {
        format!(
            "{}; SELECT a FROM t;",
            sql.split_once("CREATE TABLE o")
                .map_or(sql, |(first, _)| first)
                .trim_end()
                .trim_end_matches(';')
        )
    };
    for (from, to, status, told) in [
        (
            speech.0,
            speech.1,
            5,
            "does 'properties.security.protocol' say what the broker's listener speaks?",
        ),
        (certificate.as_str(), "", 1, "ertificate verify failed"),
    ] {
        let directory = tempfile::tempdir()?;
        let error = fail(prepare(directory.path(), "read.sql", &select(&secured).replace(from, to))?, status)?;
        ensure!(error.contains(told), "{error}");
    }
    Ok(())
}
