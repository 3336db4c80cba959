//! Object stores by the S3 protocol, against a server of our own over a directory.

use crate::harness::{Running, fail, files, millstream, result_sets, succeed};
use crate::suites::{World, table};
use anyhow::{Context, Result, ensure};
use hyper::header::HeaderValue;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::testing::{SinkCase, block_on, columns, rows as rows_of, sink_suite, texts};
use millstream_dataflow::{Batch, Connectors};
use millstream_store::{open, suite};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("s3::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("the_store_keeps_its_contract", contract),
        trial("buckets_keep_what_a_sink_must", sink),
        trial("a_killed_job_writes_each_row_once", kill),
        trial("checkpoints_may_lie_in_a_bucket", checkpoints),
        trial("refused_credentials_and_missing_buckets_are_named", refused),
    ]
}

type Request = hyper::Request<hyper::body::Incoming>;

pub(crate) const KEY: &str = "test-access-key";
pub(crate) const SECRET: &str = "a-secret-that-must-not-be-shown";

/// A server with one bucket, `lake`; it ends with the tests.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    directory: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start() -> Result<Server> {
        Server::of(|service| service.set_auth(SimpleAuth::from_single(KEY, SECRET)), |_, _| {})
    }
    /// One that takes what Google Cloud Storage takes, from anybody: its XML protocol is this one but for credentials and conditions.
    pub(crate) fn start_without_auth() -> Result<Server> {
        Server::of(
            |_| {},
            |request, _| {
                let headers = request.headers_mut();
                // Generation 0 is that of an object that is not there.
                if headers.remove("x-goog-if-generation-match").is_some_and(|generation| generation == "0") {
                    headers.insert("if-none-match", HeaderValue::from_static("*"));
                }
                headers.remove("authorization");
            },
        )
    }
    /// One that writes what it should only create.
    pub(crate) fn start_overwriting() -> Result<Server> {
        Server::of(
            |_| {},
            |request, _| {
                for header in ["if-none-match", "authorization"] {
                    request.headers_mut().remove(header);
                }
            },
        )
    }
    /// One where somebody else is faster: an object whose name ends so has this text when it is written first.
    pub(crate) fn start_racing(name: &'static str, text: &'static str) -> Result<Server> {
        Server::of(
            |service| service.set_auth(SimpleAuth::from_single(KEY, SECRET)),
            move |request, directory| {
                let path = directory.join(request.uri().path().trim_start_matches('/'));
                if request.method() == hyper::Method::PUT && path.ends_with(name) && !path.exists() {
                    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
                    assert!(written.is_ok(), "{written:?}");
                }
            },
        )
    }
    /// - `change`: what is done to each request, with the directory of all buckets
    fn of(auth: impl Fn(&mut S3ServiceBuilder), change: impl Fn(&mut Request, &Path) + Clone + Send + Sync + 'static) -> Result<Server> {
        let directory = tempfile::tempdir()?;
        std::fs::create_dir(directory.path().join("lake"))?;
        let files = FileSystem::new(directory.path()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let mut service = S3ServiceBuilder::new(files);
        auth(&mut service);
        let service = service.build();
        let buckets = directory.path().to_path_buf();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                let (change, buckets) = (change.clone(), buckets.clone());
                let service = service_fn(move |mut request: Request| {
                    change(&mut request, &buckets);
                    Service::call(&service, request)
                });
                tokio::spawn(async move {
                    // A client that goes away in the middle of a request is its own affair: some of ours are killed.
                    let _ended = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok(Server { endpoint, directory, runtime })
    }

    /// Gives a command the server's address and credentials, as users do.
    pub(crate) fn environment(&self, command: &mut Command) {
        command.envs(self.variables());
    }
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into()
    }

    /// The bucket's files, as the server keeps them.
    pub(crate) fn bucket(&self) -> std::path::PathBuf {
        self.directory.path().join("lake")
    }
}

fn options(server: &Server, secret: &str) -> BTreeMap<String, String> {
    [
        ("s3.endpoint", server.endpoint.as_str()),
        ("s3.access-key", KEY),
        ("s3.secret-key", secret),
        ("s3.region", "us-east-1"),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_string(), v.to_string()))
    .collect()
}

fn contract() -> Result<()> {
    let server = Server::start()?;
    let store = open("s3://lake/suite", Path::new("."), &options(&server, SECRET)).map_err(|e| anyhow::anyhow!("{e}"))?;
    server.runtime.block_on(suite::all(store.as_ref())).map_err(|e| anyhow::anyhow!("{e}"))
}

fn sink() -> Result<()> {
    let server = Server::start()?;
    buckets_keep_what_a_sink_must(&World::new()?, &options(&server, SECRET), "s3://lake/sink")
}

/// - `options`: those of the store
pub(crate) fn buckets_keep_what_a_sink_must(world: &World, options: &BTreeMap<String, String>, path: &str) -> Result<()> {
    let _entered = world.runtime.enter();
    let mut all = options.clone();
    all.extend([("connector", "filesystem"), ("path", path), ("format", "json")].map(|(k, v)| (k.to_string(), v.to_string())));
    let pairs: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let table = table("n BIGINT, s STRING", &pairs);
    let (schema, store) = (
        columns("n BIGINT, s STRING"),
        open(path, Path::new("."), &all).map_err(|e| anyhow::anyhow!("{e}"))?,
    );
    let visible = || -> millstream_dataflow::Result<Vec<String>> {
        let mut rows = Vec::new();
        for meta in block_on(store.list(""))?
            .iter()
            .filter(|m| m.path.ends_with(".json") && !m.path.starts_with(['.', '_']))
        {
            let bytes = block_on(store.get(&meta.path, None))?.unwrap_or_default();
            let mut decoder = millstream_formats::decoder("json", &schema, &schema, &all)?;
            for record in millstream_formats::split_records(millstream_formats::Lines::Written, &bytes, true).0 {
                decoder.decode(&bytes[record]).map_err(|e| millstream_dataflow::Error::data(e.message))?;
            }
            rows.extend(texts(&Batch::new(decoder.finish()?)));
        }
        Ok(rows)
    };
    sink_suite(&SinkCase {
        open: &|| world.connectors.sink(&table, "sink"),
        rows: &|n| Batch::new(rows_of(&schema, (0..3).map(|i| format!("{} | text {n}", n * 10 + i)))),
        visible: Some(&|| visible().unwrap_or_else(|e| vec![e.to_string()])),
        // Nothing lies in a bucket before its commit: small files travel in the checkpoint, large ones are open uploads.
        leftovers: &|| {
            let left = block_on(store.list(".staging")).map(|all| all.into_iter().map(|m| m.path).collect());
            left.unwrap_or_else(|e| vec![e.to_string()])
        },
        atomic: false,
    });
    Ok(())
}

const TABLES: &str = "
SET 'execution.checkpointing.interval' = '100 ms';
CREATE TABLE nexmark (
  event_type INT, bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, `dateTime` TIMESTAMP(3)>,
  event_time AS CASE WHEN event_type = 2 THEN bid.`dateTime` ELSE TIMESTAMP '2024-01-01 00:00:00.000' END,
  WATERMARK FOR event_time AS event_time - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'number-of-events' = '${N}', 'next-event.rate' = '1000', 'rows-per-second' = '${RATE}');
CREATE TABLE hopped (window_start TIMESTAMP(3), window_end TIMESTAMP(3), g BIGINT, bids BIGINT, bidders BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'parquet', 'sink.rolling-policy.file-size' = '7MB');
CREATE TABLE raw (auction BIGINT, price BIGINT) WITH ('connector' = 'filesystem', 'path' = '${OUT}-raw', 'format' = 'json');
";
const HOP: &str = "SELECT window_start, window_end, MOD(bid.auction, 10) AS g, COUNT(*) AS bids, COUNT(DISTINCT bid.bidder) AS bidders
FROM TABLE(HOP(TABLE nexmark, DESCRIPTOR(event_time), INTERVAL '2' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, MOD(bid.auction, 10)";
const RAW: &str = "SELECT bid.auction, bid.price FROM nexmark WHERE event_type = 2";

/// A command that runs this SQL after the tables.
fn run(server: &Server, directory: &Path, name: &str, sql: &str, n: u64, rate: u64) -> Result<Command> {
    std::fs::write(directory.join(name), format!("{TABLES}{sql}"))?;
    let mut command = millstream(directory)?;
    command.args(["run", name, "--format", "changelog", "-D", "OUT=s3://lake/out"]);
    command.arg("-D").arg(format!("N={n}")).arg("-D").arg(format!("RATE={rate}"));
    server.environment(&mut command);
    Ok(command)
}

fn rows(command: Command) -> Result<BTreeMap<String, i64>> {
    Ok(result_sets(&succeed(command)?)?.pop().context("no result")?.rows)
}

fn check(server: &Server, directory: &Path, n: u64) -> Result<()> {
    for (table, query) in [("hopped", HOP), ("raw", RAW)] {
        let expected = rows(run(server, directory, "expected.sql", &format!("{query};"), n, 100_000_000)?)?;
        let actual = rows(run(server, directory, "actual.sql", &format!("SELECT * FROM {table};"), n, 1)?)?;
        ensure!(
            !expected.is_empty() && expected == actual,
            "{table}: {} rows expected, {} written",
            expected.len(),
            actual.len()
        );
    }
    Ok(())
}

fn kill() -> Result<()> {
    const N: u64 = 100_000;
    let (server, directory) = (Server::start()?, tempfile::tempdir()?);
    let job = format!("INSERT INTO hopped {HOP};\nINSERT INTO raw {RAW};");
    for _ in 0..4 {
        let before = files(&server.bucket(), "parquet").len();
        let mut child = Running::start(run(&server, directory.path(), "job.sql", &job, N, 60_000)?)?;
        while files(&server.bucket(), "parquet").len() <= before {
            child.check()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill()?;
    }
    succeed(run(&server, directory.path(), "job.sql", &job, N, 60_000)?)?;
    check(&server, directory.path(), N)
}

fn checkpoints() -> Result<()> {
    const N: u64 = 60_000;
    let (server, directory) = (Server::start()?, tempfile::tempdir()?);
    let job = format!("SET 'execution.checkpointing.dir' = 's3://lake/state';\nINSERT INTO hopped {HOP};\nINSERT INTO raw {RAW};");
    let before = || files(&server.bucket().join("out"), "parquet").len();
    let mut child = Running::start(run(&server, directory.path(), "job.sql", &job, N, 30_000)?)?;
    while before() == 0 {
        child.check()?;
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    // Another machine: nothing but the bucket is left.
    let elsewhere = tempfile::tempdir()?;
    let mut command = run(&server, elsewhere.path(), "job.sql", &job, N, 30_000)?;
    command.args(["-p", "1"]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() && said.contains("goes on from checkpoint") && said.contains("s3://lake/state"),
        "{said}"
    );
    check(&server, elsewhere.path(), N)
}

fn refused() -> Result<()> {
    let (server, directory) = (Server::start()?, tempfile::tempdir()?);
    let job = format!("INSERT INTO raw {RAW};");
    let mut command = run(&server, directory.path(), "wrong.sql", &job, 1_000, 1_000_000)?;
    command.env("AWS_SECRET_ACCESS_KEY", "another-secret-key");
    let error = fail(command, 1)?;
    ensure!(
        error.contains("E0520")
            && error.contains("s3://lake/out-raw")
            && error.contains("check the credentials")
            && !error.contains("another-secret")
            && error.contains("table \"raw\"")
            && error.contains(" --> wrong.sql:"),
        "{error}"
    );
    let mut command = run(&server, directory.path(), "bucket.sql", &job, 1_000, 1_000_000)?;
    command.args(["-D", "OUT=s3://nowhere/out"]);
    let error = fail(command, 1)?;
    ensure!(
        error.contains("E0520") && error.contains("s3://nowhere/out-raw") && error.contains("check the bucket") && error.contains("table \"raw\""),
        "{error}"
    );
    // As options of the table: neither EXPLAIN nor an error shows a secret.
    let table = format!(
        "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 's3://lake/o', 'format' = 'json', 's3.endpoint' = '{}', 's3.region' = 'us-east-1', 's3.access-key' = '{KEY}', 's3.secret-key' = '{SECRET}'",
        server.endpoint
    );
    std::fs::write(
        directory.path().join("shown.sql"),
        format!("{table});\nEXPLAIN INSERT INTO o SELECT a FROM (VALUES (1)) AS t(a);\nINSERT INTO o SELECT a FROM (VALUES (1)) AS t(a);"),
    )?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "shown.sql"]);
    let output = command.output()?;
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success() && !all.contains(SECRET) && !all.contains(KEY), "{all}");
    ensure!(files(&server.bucket().join("o"), "json").len() == 1, "{all}");
    let state = directory.path().join(".millstream");
    let mut open = vec![state];
    while let Some(d) = open.pop() {
        for entry in std::fs::read_dir(d)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = std::fs::read(&path)?;
                ensure!(
                    !content.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()),
                    "a secret stands in {}",
                    path.display()
                );
            }
        }
    }
    std::fs::write(directory.path().join("typo.sql"), format!("{table}, 's3.secret-kye' = 'oops-{SECRET}');"))?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "typo.sql"]);
    let error = fail(command, 1)?;
    ensure!(error.contains("did you mean 's3.secret-key'") && !error.contains(SECRET), "{error}");
    Ok(())
}
