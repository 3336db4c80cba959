//! Avro and raw records, and a schema registry that knows them, does not, refuses, or is away.

use super::{copied, prepare, rows, set, wait_for_rows};
use crate::broker::{Writer, create_topic, read_all, shared, unique};
use crate::harness::{Running, fail, files, succeed};
use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use rdkafka::message::Message;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Answer = (StatusCode, String);

/// A schema as it is told of: `schema`, and what is not as it is of most, `schemaType` and `references`.
type Schema = Value;

/// What a registry keeps.
#[derive(Default)]
struct Kept {
    /// An id is a place in it, from 1.
    schemas: Vec<Schema>,
    /// The ids of each subject's versions.
    subjects: BTreeMap<String, Vec<usize>>,
}

/// Kept, and the `Authorization` that is let in.
#[derive(Clone)]
struct Shared(Arc<Mutex<Kept>>, Option<&'static str>);

impl Kept {
    /// The id of a schema, which is a version of the subject from now on.
    fn keep(&mut self, subject: &str, schema: Schema) -> usize {
        let id = self.schemas.iter().position(|s| *s == schema).unwrap_or_else(|| {
            self.schemas.push(schema);
            self.schemas.len() - 1
        }) + 1;
        let versions = self.subjects.entry(subject.to_string()).or_default();
        if !versions.contains(&id) {
            versions.push(id);
        }
        id
    }
}

impl Kept {
    /// A field that a schema has otherwise than a version of a subject.
    fn clash(&self, subject: &str, schema: &str) -> Option<String> {
        let new = fields(schema);
        let ids = self.subjects.get(subject).into_iter().flatten();
        let clash = ids
            .flat_map(|id| fields(self.schemas[id - 1]["schema"].as_str().unwrap_or_default()))
            .find(|(name, ty)| new.get(name).is_some_and(|t| t != ty));
        clash.map(|(name, _)| name)
    }
}

impl Shared {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn may(&self, headers: &HeaderMap) -> Result<(), Answer> {
        let given = headers.get("authorization").and_then(|v| v.to_str().ok());
        match self.1 {
            Some(wanted) if given != Some(wanted) => Err(error(StatusCode::UNAUTHORIZED, 401, "Unauthorized")),
            _ => Ok(()),
        }
    }
}

fn error(status: StatusCode, code: u32, message: &str) -> Answer {
    (status, json!({ "error_code": code, "message": message }).to_string())
}

async fn by_id(State(shared): State<Shared>, Path(id): Path<usize>, headers: HeaderMap) -> Result<String, Answer> {
    shared.may(&headers)?;
    match id.checked_sub(1).and_then(|i| shared.kept().schemas.get(i).cloned()) {
        Some(schema) => Ok(schema.to_string()),
        None => Err(error(StatusCode::NOT_FOUND, 40403, "Schema not found")),
    }
}

async fn by_version(State(shared): State<Shared>, Path((subject, version)): Path<(String, usize)>, headers: HeaderMap) -> Result<String, Answer> {
    shared.may(&headers)?;
    let kept = shared.kept();
    let id = kept.subjects.get(&subject).and_then(|ids| ids.get(version.checked_sub(1)?)).copied();
    match id {
        Some(id) => {
            let mut told = kept.schemas[id - 1].clone();
            for (key, value) in [("subject", json!(subject)), ("version", json!(version)), ("id", json!(id))] {
                told[key] = value;
            }
            Ok(told.to_string())
        }
        None => Err(error(StatusCode::NOT_FOUND, 40402, &format!("Version {version} not found."))),
    }
}

/// A schema's fields with their types.
fn fields(schema: &str) -> BTreeMap<String, Value> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let record = schema.as_array().and_then(|branches| branches.last()).unwrap_or(&schema);
    let fields = record["fields"].as_array().into_iter().flatten();
    fields
        .map(|f| (f["name"].as_str().unwrap_or_default().to_string(), f["type"].clone()))
        .collect()
}

async fn register(State(shared): State<Shared>, Path(subject): Path<String>, headers: HeaderMap, body: Bytes) -> Result<String, Answer> {
    shared.may(&headers)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(schema) = body.get("schema").and_then(Value::as_str) else {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, 42201, "Invalid schema"));
    };
    let mut kept = shared.kept();
    if let Some(name) = kept.clash(&subject, schema) {
        let message = format!("Schema being registered is incompatible with an earlier schema for subject \"{subject}\": field {name}");
        return Err(error(StatusCode::CONFLICT, 409, &message));
    }
    let id = kept.keep(&subject, body);
    Ok(json!({ "id": id }).to_string())
}

async fn compatible(State(shared): State<Shared>, Path((subject, _)): Path<(String, String)>, headers: HeaderMap, body: Bytes) -> Result<String, Answer> {
    shared.may(&headers)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let kept = shared.kept();
    if !kept.subjects.contains_key(&subject) {
        return Err(error(StatusCode::NOT_FOUND, 40401, "Subject not found"));
    }
    let clash = kept.clash(&subject, body.get("schema").and_then(Value::as_str).unwrap_or_default());
    Ok(json!({ "is_compatible": clash.is_none() }).to_string())
}

async fn all(State(shared): State<Shared>, headers: HeaderMap) -> Result<String, Answer> {
    shared.may(&headers)?;
    let names: Vec<String> = shared.kept().subjects.keys().cloned().collect();
    Ok(json!(names).to_string())
}

/// A registry of one's own, that may be away.
pub(crate) struct Registry {
    address: SocketAddr,
    shared: Shared,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Registry {
    fn new(authorization: Option<&'static str>) -> Result<Registry> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let shared = Shared(Arc::default(), authorization);
        let runtime = None;
        Ok(Registry { address, shared, runtime })
    }
    pub(crate) fn running(authorization: Option<&'static str>) -> Result<Registry> {
        let mut registry = Registry::new(authorization)?;
        registry.start()?;
        Ok(registry)
    }
    fn start(&mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(self.address))?;
        let routes = axum::Router::new()
            .route("/schemas/ids/{id}", get(by_id))
            .route("/subjects", get(all))
            .route("/subjects/{subject}/versions", post(register))
            .route("/compatibility/subjects/{subject}/versions/{version}", post(compatible))
            .route("/subjects/{subject}/versions/{version}", get(by_version))
            .with_state(self.shared.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        self.runtime = Some(runtime);
        Ok(())
    }
    /// As if its process were killed: what it keeps is there when it starts again.
    fn stop(&mut self) {
        self.runtime = None;
    }
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
    /// The id of a schema that somebody else has registered.
    pub(crate) fn keep(&self, subject: &str, schema: Schema) -> u32 {
        self.shared.kept().keep(subject, schema) as u32
    }
    pub(crate) fn subjects(&self) -> BTreeMap<String, Vec<usize>> {
        self.shared.kept().subjects.clone()
    }
}

/// A table over a topic, written or read to its end.
fn table(name: &str, topic: &str, columns: &str, options: &str) -> Result<String> {
    let address = shared()?;
    Ok(format!(
        "CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{address}',
           'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', {options});\n"
    ))
}

fn avro(registry: &Registry) -> String {
    format!("'format' = 'avro-confluent', 'avro-confluent.url' = '{}'", registry.url())
}

fn run(sql: &str) -> Result<String> {
    let directory = tempfile::tempdir()?;
    succeed(prepare(directory.path(), "job.sql", sql)?)
}

/// Keys and values by the schemas of a registry, in a topic whose every record names them.
pub(super) fn round_trip() -> Result<()> {
    let registry = Registry::running(None)?;
    for guarantee in ["at-least-once", "exactly-once"] {
        let topic = unique("registry");
        create_topic(shared()?, &topic, 1)?;
        let url = registry.url();
        let options = format!(
            "'key.format' = 'avro-confluent', 'key.avro-confluent.url' = '{url}', 'key.fields' = 'k_id', 'key.fields-prefix' = 'k_',
             'value.format' = 'avro-confluent', 'value.avro-confluent.url' = '{url}', 'value.fields-include' = 'EXCEPT_KEY',
             'sink.delivery-guarantee' = '{guarantee}'"
        );
        let columns = "k_id BIGINT NOT NULL, s STRING, d DECIMAL(8, 2), ts TIMESTAMP(3), tags ARRAY<STRING>, r ROW<x INT, y DOUBLE>";
        let out = table("o", &topic, columns, &options)?;
        run(&format!(
            "{out}INSERT INTO o VALUES
               (1, 'ä', CAST(1.25 AS DECIMAL(8, 2)), TIMESTAMP '2024-01-01 00:00:01.234', ARRAY['p', 'q'], ROW(7, 0.5E0)),
               (2, CAST(NULL AS STRING), CAST(NULL AS DECIMAL(8, 2)), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS ARRAY<STRING>), CAST(NULL AS ROW<x INT, y DOUBLE>));"
        ))?;
        let subjects = registry.subjects();
        let id = |subject: &str| {
            subjects
                .get(&format!("{topic}-{subject}"))
                .and_then(|ids| ids.first())
                .copied()
                .context("no subject")
        };
        for message in read_all(shared()?, &topic, "read_committed")? {
            for (part, subject) in [(message.key(), "key"), (message.payload(), "value")] {
                let part = part.context("no record")?;
                let header = [&[0][..], &(id(subject)? as u32).to_be_bytes()].concat();
                ensure!(part.starts_with(&header), "{guarantee}, {subject}: {part:?} does not start with {header:?}");
            }
        }
        let actual = rows(&format!("{out}SELECT k_id, s, d, ts, tags, r.x, r.y FROM o;"))?;
        let expected = set([
            r#"[1,"ä","1.25","2024-01-01 00:00:01.234",["p","q"],7,5.00000000000e-1]"#,
            "[2,null,null,null,null,null,null]",
        ]);
        ensure!(actual == expected, "{guarantee}: {actual:?}");
        // A column of the key alone, and none at all.
        ensure!(rows(&format!("{out}SELECT k_id FROM o;"))? == set(["[1]", "[2]"]));
        ensure!(rows(&format!("{out}SELECT 1 FROM o;"))? == BTreeMap::from([("[1]".to_string(), 2)]));
    }
    // Several topics have no subject of their own.
    let (a, b) = (unique("a"), unique("b"));
    let directory = tempfile::tempdir()?;
    let several = |more: &str| table("o", &format!("{a};{b}"), "n INT, topic STRING METADATA", &format!("{}{more}", avro(&registry)));
    let insert = format!("INSERT INTO o VALUES (1, '{a}'), (2, '{b}');");
    let error = fail(prepare(directory.path(), "several.sql", &(several("")? + &insert))?, 1)?;
    ensure!(error.contains("E0503") && error.contains("'avro-confluent.subject'"), "{error}");
    create_topic(shared()?, &a, 1)?;
    create_topic(shared()?, &b, 1)?;
    let named = several(&format!(", 'avro-confluent.subject' = '{a}/both'"))?;
    run(&format!("{named}{insert}"))?;
    ensure!(registry.subjects().contains_key(&format!("{a}/both")), "{:?}", registry.subjects());
    ensure!(rows(&format!("{}SELECT n FROM o;", several("")?))? == set(["[1]", "[2]"]));
    Ok(())
}

/// One topic with the records of three writers, each with a schema of its own.
pub(super) fn evolution() -> Result<()> {
    let registry = Registry::running(None)?;
    let topic = unique("evolution");
    create_topic(shared()?, &topic, 1)?;
    for (columns, values) in [
        ("id BIGINT NOT NULL, old STRING", "(1, 'a'), (2, 'b')"),
        ("new DOUBLE, id BIGINT NOT NULL", "(0.5E0, 3)"),
        ("id BIGINT NOT NULL, old STRING", "(4, 'd')"),
    ] {
        run(&format!("{}INSERT INTO o VALUES {values};", table("o", &topic, columns, &avro(&registry))?))?;
    }
    let subject = format!("{topic}-value");
    let versions = registry.subjects().get(&subject).cloned().unwrap_or_default();
    ensure!(versions.len() == 2, "{versions:?}");
    let read = table("t", &topic, "new DOUBLE, old STRING, id BIGINT", &avro(&registry))?;
    let actual = rows(&format!("{read}SELECT id, old, new FROM t;"))?;
    let expected = set([r#"[1,"a",null]"#, r#"[2,"b",null]"#, "[3,null,5.00000000000e-1]", r#"[4,"d",null]"#]);
    ensure!(actual == expected, "{actual:?}");
    // A NOT NULL column that a writer has left out makes its records bad.
    let strict = table(
        "t",
        &topic,
        "old STRING NOT NULL, id BIGINT",
        &format!("{}, 'on-error' = 'skip'", avro(&registry)),
    )?;
    let actual = rows(&format!("{strict}SELECT id, old FROM t;"))?;
    ensure!(actual == set([r#"[1,"a"]"#, r#"[2,"b"]"#, r#"[4,"d"]"#]), "{actual:?}");
    // A column of another type is refused by the registry, in its words.
    let directory = tempfile::tempdir()?;
    let other = table("o", &topic, "id BIGINT NOT NULL, old INT", &avro(&registry))? + "INSERT INTO o VALUES (5, 5);";
    let error = fail(prepare(directory.path(), "other.sql", &other)?, 1)?;
    ensure!(
        error.contains("E0525")
            && error.contains(&format!("subject {subject}"))
            && error.contains("incompatible with an earlier schema")
            && error.contains("field old"),
        "{error}"
    );
    ensure!(read_all(shared()?, &topic, "read_committed")?.len() == 4, "something was written");
    Ok(())
}

/// Records whose schema the registry does not have, or that name none.
pub(super) fn unknown() -> Result<()> {
    let registry = Registry::running(None)?;
    let topic = unique("unknown");
    create_topic(shared()?, &topic, 1)?;
    run(&format!("{}INSERT INTO o VALUES (1);", table("o", &topic, "a INT NOT NULL", &avro(&registry))?))?;
    // The id is 99.
    Writer::new(shared()?, &topic, &[])?.send_all(&["\0\0\0\0c\u{2}", "{\"a\":1}", ""])?;
    run(&format!("{}INSERT INTO o VALUES (2);", table("o", &topic, "a INT NOT NULL", &avro(&registry))?))?;
    let sql = |on_error: &str| -> Result<String> {
        Ok(table("t", &topic, "a INT", &format!("{}, 'on-error' = '{on_error}'", avro(&registry)))?
            + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nINSERT INTO o SELECT a FROM t;")
    };
    let directory = tempfile::tempdir()?;
    let error = fail(prepare(directory.path(), "fail.sql", &sql("fail")?)?, 1)?;
    ensure!(
        error.contains("E0700")
            && error.contains(&format!("topic {topic}, partition 0, offset 1"))
            && error.contains("schema 99")
            && error.contains("Schema not found"),
        "{error}"
    );
    let output = prepare(directory.path(), "skip.sql", &sql("skip")?)?.output()?;
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && summary.contains("left out: 2 malformed, 1 schema"), "{summary}");
    ensure!(copied(directory.path())? == [1, 2], "{:?}", copied(directory.path())?);
    Ok(())
}

/// Records whose schema refers to types that are schemas of their own.
pub(super) fn references() -> Result<()> {
    let registry = Registry::running(None)?;
    let topic = unique("references");
    create_topic(shared()?, &topic, 1)?;
    let city = r#"{"type":"record","name":"City","namespace":"com.example","fields":[{"name":"name","type":"string"}]}"#;
    let address = r#"{"type":"record","name":"com.example.Address","fields":[{"name":"zip","type":"int"},{"name":"city","type":"City"}]}"#;
    let order = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"at","type":"com.example.Address"}]}"#;
    registry.keep("city", json!({ "schema": city }));
    let to_city = json!([{ "name": "com.example.City", "subject": "city", "version": 1 }]);
    registry.keep("address", json!({ "schema": address, "references": to_city }));
    let to_address = json!([{ "name": "com.example.Address", "subject": "address", "version": 1 }]);
    let id = registry.keep("order", json!({ "schema": order, "references": to_address }));
    let to_nothing = json!([{ "name": "com.example.Address", "subject": "address", "version": 2 }]);
    let broken = registry.keep("order", json!({ "schema": order, "references": to_nothing }));
    // The id 7, the zip 10, and a city of one letter.
    let record = |id: u32| String::from_utf8([&[0][..], &id.to_be_bytes(), b"\x0e\x14\x02x"].concat());
    Writer::new(shared()?, &topic, &[])?.send_all(&[&record(id)?])?;
    let columns = "id BIGINT, at ROW<city ROW<name STRING>, zip INT>";
    let query = table("t", &topic, columns, &avro(&registry))? + "SELECT id, at.zip, at.city.name FROM t;";
    ensure!(rows(&query)? == set([r#"[7,10,"x"]"#]), "{:?}", rows(&query)?);
    Writer::new(shared()?, &topic, &[])?.send_all(&[&record(broken)?])?;
    let directory = tempfile::tempdir()?;
    let error = fail(prepare(directory.path(), "broken.sql", &query)?, 1)?;
    ensure!(
        error.contains("E0700") && error.contains("version 2 of the subject address") && error.contains("Version 2 not found."),
        "{error}"
    );
    Ok(())
}

const CERTIFICATE: &str = "crates/connectors/src/schema_registry/tests/certificate.pem";
const KEY: &str = "crates/connectors/src/schema_registry/tests/key.pem";

/// A registry behind TLS, which wants to see a certificate.
pub(super) fn tls() -> Result<()> {
    let mut registry = Registry::new(None)?;
    registry.start()?;
    let pem = |path: &str| std::fs::read(crate::harness::root().join(path));
    let (certificate, key) = (pem(CERTIFICATE)?, pem(KEY)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("https://{}", listener.local_addr()?);
    let (acceptor, behind) = (acceptor(&certificate, &key)?, registry.address);
    runtime.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut inside = acceptor.accept(connection).await?;
                let mut outside = tokio::net::TcpStream::connect(behind).await?;
                tokio::io::copy_bidirectional(&mut inside, &mut outside).await
            });
        }
    });
    let topic = unique("tls");
    create_topic(shared()?, &topic, 1)?;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("ca.pem"), &certificate)?;
    std::fs::write(directory.path().join("client.pem"), [certificate, key].concat())?;
    let (trust, show) = (
        "'avro-confluent.ssl.truststore.location' = 'ca.pem'",
        "'avro-confluent.ssl.keystore.location' = 'client.pem'",
    );
    let sql = |options: &str| -> Result<String> {
        let format = format!("'format' = 'avro-confluent', 'avro-confluent.url' = '{url}'{options}");
        Ok(table("t", &topic, "a INT", &format)? + "INSERT INTO t VALUES (1); SELECT a FROM t;")
    };
    let good = prepare(directory.path(), "good.sql", &sql(&format!(", {trust}, {show}"))?)?;
    succeed(good)?;
    ensure!(read_all(shared()?, &topic, "read_committed")?.len() == 1 && registry.subjects().len() == 1);
    // Nobody vouches for it, and nobody for us.
    for (name, options, why) in [
        ("trust.sql", format!(", {show}"), "UnknownIssuer"),
        ("show.sql", format!(", {trust}"), "ertificate"),
    ] {
        let error = fail(prepare(directory.path(), name, &sql(&options)?)?, 5)?;
        ensure!(error.contains("E0523") && error.contains(why), "{name}: {error}");
    }
    Ok(())
}

/// Takes connections of who shows the same certificate.
fn acceptor(certificate: &[u8], key: &[u8]) -> Result<tokio_rustls::TlsAcceptor> {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring::default_provider, server::WebPkiClientVerifier};
    let (certificate, key) = (CertificateDer::from_pem_slice(certificate)?, PrivateKeyDer::from_pem_slice(key)?);
    let (mut roots, provider) = (RootCertStore::empty(), Arc::new(default_provider()));
    roots.add(certificate.clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)?;
    Ok(Arc::new(config).into())
}

/// A registry that is away when a job starts, and away again while it runs.
pub(super) fn away() -> Result<()> {
    let mut registry = Registry::new(None)?;
    let (from, to) = (unique("away-in"), unique("away-out"));
    create_topic(shared()?, &from, 1)?;
    create_topic(shared()?, &to, 1)?;
    let directory = tempfile::tempdir()?;
    let settings = "SET 'execution.checkpointing.interval' = '200 ms'; SET 'restart-strategy.exponential-delay.initial-backoff' = '100 ms';
        SET 'restart-strategy.exponential-delay.max-backoff' = '500 ms'; SET 'restart-strategy.exponential-delay.attempts-before-reset-backoff' = '1000';\n";
    let endless = |sql: String| sql.replace("'scan.bounded.mode' = 'latest-offset',", "");
    // What writes: JSON into Avro. What reads: Avro into files.
    let write = settings.to_string()
        + &endless(table("t", &from, "a INT", "'format' = 'json'")?)
        + &table("o", &to, "a INT", &avro(&registry))?
        + "INSERT INTO o SELECT a FROM t;";
    let read = settings.to_string()
        + &endless(table("t", &to, "a INT", &avro(&registry))?)
        + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\nINSERT INTO o SELECT a FROM t;";
    let writer = Writer::new(shared()?, &from, &[])?;
    writer.send_all(&["{\"a\":1}", "{\"a\":2}"])?;
    let mut command = prepare(directory.path(), "write.sql", &write)?;
    command.args(["--metrics", "127.0.0.1:0"]);
    let mut writing = Running::start(command)?;
    wait_until_told(&mut writing, "the schema registry does not answer")?;
    is_not_ready(&writing.told()?, "the schema registry does not answer")?;
    registry.start()?;
    while read_all(shared()?, &to, "read_committed")?.len() < 2 {
        writing.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    registry.stop();
    let mut reading = Running::start(prepare(directory.path(), "read.sql", &read)?)?;
    wait_until_told(&mut reading, "the schema registry does not answer")?;
    ensure!(copied(directory.path())?.is_empty());
    registry.start()?;
    wait_for_rows(directory.path(), 2, &mut reading)?;
    // What both know already they do not ask for.
    registry.stop();
    writer.send_all(&["{\"a\":3}"])?;
    wait_for_rows(directory.path(), 3, &mut reading)?;
    writing.stop()?;
    reading.stop()?;
    ensure!(copied(directory.path())? == [1, 2, 3], "{:?}", copied(directory.path())?);
    Ok(())
}

/// Asks a job that is restarted whether it is ready: it says why it is not.
fn is_not_ready(told: &str, why: &str) -> Result<()> {
    let address = told.split("metrics at http://").nth(1).and_then(|t| t.split("/metrics").next());
    let mut stream = std::net::TcpStream::connect(address.context("no address")?)?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    ensure!(text.contains(" 503 ") && text.contains("is restarted") && text.contains(why), "{text}");
    Ok(())
}

/// Waits until a job has restarted because of an error.
fn wait_until_told(child: &mut Running, what: &str) -> Result<()> {
    loop {
        let told = child.told()?;
        if told.contains("restarting") && told.contains(what) {
            return Ok(());
        }
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Wrong passwords, and addresses where there is no registry.
pub(super) fn refused() -> Result<()> {
    let mut registry = Registry::new(Some("Basic YW5uOmh1bnRlcjI="))?;
    registry.start()?;
    let topic = unique("password");
    create_topic(shared()?, &topic, 1)?;
    let options = |password: &str| {
        let user = format!("'avro-confluent.basic-auth.credentials-source' = 'USER_INFO', 'avro-confluent.basic-auth.user-info' = 'ann:{password}'");
        format!("{}, {user}", avro(&registry))
    };
    run(&format!("{}INSERT INTO o VALUES (1);", table("o", &topic, "a INT", &options("hunter2"))?))?;
    let query = |options: &str| -> Result<String> { Ok(table("t", &topic, "a INT", options)? + "SELECT a FROM t;") };
    ensure!(rows(&query(&options("hunter2"))?)? == set(["[1]"]));
    let directory = tempfile::tempdir()?;
    let insert = table("o", &topic, "a INT", &options("hunter3"))? + "INSERT INTO o VALUES (2);";
    for sql in [query(&options("hunter3"))?, query(&avro(&registry))?, insert] {
        let error = fail(prepare(directory.path(), "password.sql", &sql)?, 1)?;
        ensure!(
            error.contains("E0524") && error.contains(&registry.url()) && error.contains("'avro-confluent.basic-auth.user-info'") && !error.contains("hunter"),
            "{error}"
        );
    }
    let elsewhere = options("hunter2").replace(&registry.url(), &format!("{}/api", registry.url()));
    let error = fail(prepare(directory.path(), "elsewhere.sql", &query(&elsewhere)?)?, 1)?;
    ensure!(
        error.contains("E0523") && error.contains("/api") && error.contains("'avro-confluent.url'"),
        "{error}"
    );
    Ok(())
}

/// The formats that need no registry.
pub(super) fn without() -> Result<()> {
    for (guarantee, format) in [
        ("at-least-once", "avro"),
        ("exactly-once", "avro"),
        ("at-least-once", "raw"),
        ("exactly-once", "raw"),
    ] {
        let topic = unique(format);
        create_topic(shared()?, &topic, 1)?;
        let value = match format {
            "avro" => "s STRING, n INT",
            _ => "s BYTES",
        };
        let options = format!(
            "'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = '{format}', 'value.fields-include' = 'EXCEPT_KEY',
             'key.raw.endianness' = 'little-endian', 'sink.delivery-guarantee' = '{guarantee}'"
        );
        let out = table("o", &topic, &format!("k BIGINT, {value}"), &options)?;
        let (values, query, expected) = match format {
            "avro" => ("(1, 'ä', 7), (2, CAST(NULL AS STRING), 8)", "k, s, n", [r#"[1,"ä",7]"#, "[2,null,8]"]),
            _ => ("(1, X'00FF'), (2, X'')", "k, TO_BASE64(s)", [r#"[1,"AP8="]"#, r#"[2,""]"#]),
        };
        run(&format!("{out}INSERT INTO o VALUES {values};"))?;
        let all = read_all(shared()?, &topic, "read_committed")?;
        let keys: Vec<Option<&[u8]>> = all.iter().map(|m| m.key()).collect();
        ensure!(keys == [Some(&1i64.to_le_bytes()[..]), Some(&2i64.to_le_bytes()[..])], "{keys:?}");
        let actual = rows(&format!("{out}SELECT {query} FROM o;"))?;
        ensure!(actual == set(expected), "{guarantee}, {format}: {actual:?}");
    }
    // A value that has no form.
    let topic = unique("null");
    create_topic(shared()?, &topic, 1)?;
    let directory = tempfile::tempdir()?;
    let null = table("o", &topic, "s STRING", "'format' = 'raw'")? + "INSERT INTO o VALUES (CAST(NULL AS STRING));";
    let error = fail(prepare(directory.path(), "null.sql", &null)?, 1)?;
    ensure!(error.contains("E0704") && error.contains("IS NOT NULL"), "{error}");
    Ok(())
}

/// The example, with a topic of its own.
pub(super) fn avro_clicks() -> Result<()> {
    let registry = Registry::running(None)?;
    let topic = unique("clicks");
    create_topic(shared()?, &topic, 2)?;
    let example = std::fs::read_to_string(crate::harness::root().join("sql-examples/avro-clicks.sql"))?.replace("'clicks',", &format!("'{topic}',"));
    let directory = tempfile::tempdir()?;
    let command = |name: &str, sql: &str| -> Result<std::process::Command> {
        let mut command = prepare(directory.path(), name, &format!("SET 'execution.checkpointing.interval' = '200 ms';{sql}"))?;
        let variables = [format!("BROKERS={}", shared()?), format!("REGISTRY={}", registry.url()), "OUT=out".to_string()];
        command.args(variables.iter().flat_map(|v| ["-D", v]));
        Ok(command)
    };
    let key = format!(
        "'key.format' = 'raw', 'key.fields' = 'user_key', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = '{}',
         'value.fields-include' = 'EXCEPT_KEY'",
        registry.url()
    );
    // The second writer has another field, and no action.
    let first = table(
        "o",
        &topic,
        "user_key STRING, user_id BIGINT NOT NULL, page STRING, `action` STRING, clicked_at TIMESTAMP(3)",
        &key,
    )? + "INSERT INTO o VALUES ('k1', 1, '/a', 'view', TIMESTAMP '2024-01-01 23:59:59.999'), ('k2', 2, '/b', 'click', TIMESTAMP '2024-01-02 00:00:00');";
    let second = table(
        "o",
        &topic,
        "user_key STRING, user_id BIGINT NOT NULL, page STRING, referrer STRING, clicked_at TIMESTAMP(3)",
        &key,
    )? + "INSERT INTO o VALUES ('k3', 3, '/c', '/a', TIMESTAMP '2024-01-02 00:00:01');";
    run(&first)?;
    let mut child = Running::start(command("avro-clicks.sql", &example)?)?;
    run(&second)?;
    let read = || -> Result<BTreeMap<String, i64>> {
        let archive = example
            .split("CREATE TABLE ")
            .nth(2)
            .and_then(|t| t.split("INSERT INTO").next())
            .context("no archive")?;
        let text = succeed(command("read.sql", &format!("CREATE TABLE {archive}SELECT * FROM archive;"))?)?;
        Ok(crate::harness::result_sets(&text)?.pop().context("no result")?.rows)
    };
    let expected = set([
        r#"["k1",1,"/a","view","2024-01-01 23:59:59.999","2024-01-01"]"#,
        r#"["k2",2,"/b","click","2024-01-02 00:00:00.000","2024-01-02"]"#,
        r#"["k3",3,"/c",null,"2024-01-02 00:00:01.000","2024-01-02"]"#,
    ]);
    while files(&directory.path().join("out"), "parquet").is_empty() || read()?.len() < expected.len() {
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    child.stop()?;
    ensure!(read()? == expected, "{:?}", read()?);
    Ok(())
}

/// The example, with topics of its own: JSON by schemas of two writers.
pub(super) fn json() -> Result<()> {
    let registry = Registry::running(None)?;
    let (from, to) = (unique("payments"), unique("large-payments"));
    create_topic(shared()?, &from, 1)?;
    create_topic(shared()?, &to, 1)?;
    let timestamp = json!({ "type": "number", "title": "org.apache.kafka.connect.data.Timestamp", "connect.type": "int64" });
    let numbers = json!({ "type": "object", "properties": { "id": { "type": "integer" }, "paid_at": timestamp } });
    let text = json!({ "type": "object", "properties": { "paid_at": { "$ref": "time.json" } } });
    registry.keep("time", json!({ "schema": r#"{"type":"string","format":"date-time"}"#, "schemaType": "JSON" }));
    let to_time = json!([{ "name": "time.json", "subject": "time", "version": 1 }]);
    let ids = [
        registry.keep("payments", json!({ "schema": numbers.to_string(), "schemaType": "JSON" })),
        registry.keep("payments", json!({ "schema": text.to_string(), "schemaType": "JSON", "references": to_time })),
        registry.keep("avro", json!({ "schema": "\"int\"" })),
    ];
    let record = |id: usize, json: &str| String::from_utf8([&[0][..], &ids[id].to_be_bytes(), json.as_bytes()].concat());
    let writer = Writer::new(shared()?, &from, &[])?;
    writer.send_all(&[
        &record(0, r#"{"id":1,"account":"a","amount":1000,"paid_at":1704067200123}"#)?,
        &record(0, r#"{"id":2,"account":"b","amount":999.99,"paid_at":1704067200124}"#)?,
        &record(1, r#"{"id":3,"amount":"1234.5","paid_at":"2024-01-01T00:00:01Z"}"#)?,
    ])?;
    let directory = tempfile::tempdir()?;
    let example = std::fs::read_to_string(crate::harness::root().join("sql-examples/registry-payments.sql"))?
        .replace("'payments',", &format!("'{from}',"))
        .replace("'large-payments',", &format!("'{to}',"));
    let mut command = prepare(
        directory.path(),
        "payments.sql",
        &format!("SET 'execution.checkpointing.interval' = '200 ms';{example}"),
    )?;
    let variables = [format!("BROKERS={}", shared()?), format!("REGISTRY={}", registry.url())];
    command.args(variables.iter().flat_map(|v| ["-D", v]));
    let mut child = Running::start(command)?;
    while read_all(shared()?, &to, "read_committed")?.len() < 2 {
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    child.stop()?;
    let id = registry
        .subjects()
        .get(&format!("{to}-value"))
        .and_then(|ids| ids.first())
        .copied()
        .context("no subject")?;
    ensure!(registry.shared.kept().schemas[id - 1]["schemaType"] == "JSON");
    let written = read_all(shared()?, &to, "read_committed")?;
    let first = written.first().and_then(|m| m.payload()).context("no record")?;
    let expected = r#"{"id":1,"account":"a","amount":1000.00,"paid_at":1704067200123}"#;
    ensure!(first == [&[0][..], &(id as u32).to_be_bytes(), expected.as_bytes()].concat(), "{first:?}");
    // A record of another kind of schema, and of one that is not there.
    writer.send_all(&[&record(2, "{}")?, "\0\0\0\0c{}"])?;
    let format = format!("'format' = 'json-registry', 'json-registry.url' = '{}'", registry.url());
    let read = |on_error: &str| {
        table(
            "t",
            &from,
            "id BIGINT, paid_at TIMESTAMP_LTZ(3)",
            &format!("{format}, 'on-error' = '{on_error}'"),
        )
    };
    let error = fail(prepare(directory.path(), "fail.sql", &(read("fail")? + "SELECT id FROM t;"))?, 1)?;
    ensure!(error.contains("E0700") && error.contains("it is of the kind AVRO and not JSON"), "{error}");
    let actual = rows(&(read("skip")? + "SELECT id, paid_at FROM t;"))?;
    let expected = set([
        r#"[1,"2024-01-01 00:00:00.123Z"]"#,
        r#"[2,"2024-01-01 00:00:00.124Z"]"#,
        r#"[3,"2024-01-01 00:00:01.000Z"]"#,
    ]);
    ensure!(actual == expected, "{actual:?}");
    Ok(())
}

/// The example, with topics of its own: protobuf by a file, and by a registry.
pub(super) fn protobuf() -> Result<()> {
    let registry = Registry::running(None)?;
    let (from, to) = (unique("orders"), unique("paid-orders"));
    create_topic(shared()?, &from, 1)?;
    create_topic(shared()?, &to, 1)?;
    let directory = tempfile::tempdir()?;
    let read = |name: &str| std::fs::read_to_string(crate::harness::root().join("sql-examples").join(name));
    std::fs::write(directory.path().join("order.proto"), read("order.proto")?)?;
    // The second is not paid, the third has nothing but its status.
    Writer::new(shared()?, &from, &[])?.send_all(&[
        "\x08\x07\x12\x01a\x1a\x05\x0a\x01s\x10\x02\x1a\x03\x0a\x01t\x20\x01\x2a\x02\x08\x01",
        "\x08\x08\x20\x00",
        "\x20\x01",
    ])?;
    let example = read("protobuf-orders.sql")?
        .replace("'orders',", &format!("'{from}',"))
        .replace("'paid-orders',", &format!("'{to}',"));
    let mut command = prepare(
        directory.path(),
        "orders.sql",
        &format!("SET 'execution.checkpointing.interval' = '200 ms';{example}"),
    )?;
    let variables = [
        format!("BROKERS={}", shared()?),
        format!("REGISTRY={}", registry.url()),
        "PROTO=order.proto".to_string(),
    ];
    command.args(variables.iter().flat_map(|v| ["-D", v]));
    let mut child = Running::start(command)?;
    while read_all(shared()?, &to, "read_committed")?.len() < 2 {
        child.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    child.stop()?;
    let id = registry
        .subjects()
        .get(&format!("{to}-value"))
        .and_then(|ids| ids.first())
        .copied()
        .context("no subject")?;
    ensure!(registry.shared.kept().schemas[id - 1]["schemaType"] == "PROTOBUF");
    let written = read_all(shared()?, &to, "read_committed")?;
    let first = written.first().and_then(|m| m.payload()).context("no record")?;
    let expected = b"\0\x08\x07\x12\x01a\x1a\x0e\x0a\x01s\x10\x02\x19\0\0\0\0\0\0\0\0\x22\x02\x08\x01";
    ensure!(first == [&[0][..], &(id as u32).to_be_bytes(), expected].concat(), "{first:?}");
    // Another writer's schema with a reference; its message is the second within the first of its file.
    let item = "syntax = \"proto3\"; package shop; message Item { string sku = 1; int32 quantity = 2; double price = 3; }";
    let order = "syntax = \"proto3\"; import \"shop/item.proto\"; message Outer { message Other {} message Order { int64 id = 4; shop.Item first_item = 9; } }";
    registry.keep("item", json!({ "schema": item, "schemaType": "PROTOBUF" }));
    let to_item = json!([{ "name": "shop/item.proto", "subject": "item", "version": 1 }]);
    let other = registry.keep("other", json!({ "schema": order, "schemaType": "PROTOBUF", "references": to_item }));
    let record = |id: u32, payload: &str| String::from_utf8([&[0][..], &id.to_be_bytes(), payload.as_bytes()].concat());
    let writer = Writer::new(shared()?, &to, &[])?;
    writer.send_all(&[&record(other, "\x04\x00\x02\x20\x09\x4a\x03\x0a\x01u")?])?;
    let format = format!("'format' = 'proto-registry', 'proto-registry.url' = '{}'", registry.url());
    let query = |on_error: &str| -> Result<String> {
        let columns = "id BIGINT NOT NULL, first_item ROW<sku STRING, quantity INT>, placed_at TIMESTAMP(3)";
        Ok(table("t", &to, columns, &format!("{format}, 'on-error' = '{on_error}'"))? + "SELECT id, first_item.sku, first_item.quantity, placed_at FROM t;")
    };
    let expected = set([r#"[7,"s",2,"1970-01-01 00:00:01.000"]"#, "[0,null,null,null]", r#"[9,"u",0,null]"#]);
    ensure!(rows(&query("fail")?)? == expected, "{:?}", rows(&query("fail")?)?);
    // A message that its file does not have, and bytes that are none.
    writer.send_all(&[&record(other, "\x02\x0e\x08")?, &record(other, "\x04\x00\x02\x20")?])?;
    let error = fail(prepare(directory.path(), "fail.sql", &query("fail")?)?, 1)?;
    ensure!(error.contains("E0700") && error.contains("it has no message at [7]"), "{error}");
    ensure!(rows(&query("skip")?)? == expected);
    Ok(())
}
