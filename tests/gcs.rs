//! Google Cloud Storage by its XML protocol, which is S3's but for credentials and conditions, against the server of the S3 trials.

use crate::harness::{fail, files, millstream, succeed};
use crate::s3::{Server, buckets_keep_what_a_sink_must};
use crate::suites::World;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_store::{open, suite};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("gcs::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("buckets_keep_what_stores_and_sinks_must", buckets),
        trial("a_missing_bucket_and_a_broken_key_are_named", refused),
    ]
}

/// An account that asks nobody for a token.
const ACCOUNT: &str = r#"{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#;

fn options(server: &Server) -> BTreeMap<String, String> {
    [("gs.endpoint", server.endpoint.as_str()), ("gs.credentials", ACCOUNT)]
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .into()
}

fn buckets() -> Result<()> {
    let (server, world) = (Server::start_without_auth()?, World::new()?);
    let told = |e: millstream_dataflow::Error| anyhow::anyhow!("{e}");
    let store = open("gs://lake/suite", Path::new("."), &options(&server)).map_err(told)?;
    world.runtime.block_on(suite::all(store.as_ref())).map_err(told).context("the store")?;
    buckets_keep_what_a_sink_must(&world, &options(&server), "gs://lake/sink")
}

const JOB: &str = "
CREATE TABLE o (n BIGINT, p INT) PARTITIONED BY (p) WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'json', 'gs.endpoint' = '${ENDPOINT}',
  'gs.credentials' = '${ACCOUNT}', 'auto-compaction' = 'true', 'sink.partition-commit.policy.kind' = 'success-file');
INSERT INTO o SELECT n, CAST(MOD(n, 2) AS INT) FROM (VALUES (1), (2), (3)) AS t(n);
";

fn refused() -> Result<()> {
    let (server, directory) = (Server::start_without_auth()?, tempfile::tempdir()?);
    std::fs::write(directory.path().join("job.sql"), JOB)?;
    let run = |out: &str, account: &str| -> Result<_> {
        let mut command = millstream(directory.path())?;
        command.args([
            "run",
            "job.sql",
            "--fresh",
            "-D",
            &format!("OUT={out}"),
            "-D",
            &format!("ENDPOINT={}", server.endpoint),
        ]);
        command.args(["-D", &format!("ACCOUNT={account}")]);
        Ok(command)
    };
    succeed(run("gs://lake/out", ACCOUNT)?)?;
    let out = server.bucket().join("out");
    ensure!(files(&out, "json").len() == 2 && out.join("p=0/_SUCCESS").exists() && out.join("p=1/_SUCCESS").exists());
    let error = fail(run("gs://nowhere/out", ACCOUNT)?, 1)?;
    ensure!(
        error.contains("E0520") && error.contains("gs://nowhere/out") && error.contains("check the bucket"),
        "{error}"
    );
    let error = fail(run("gs://lake/other", r#"{"private_key":"of-nobody"}"#)?, 1)?;
    ensure!(
        error.contains("E0502") && error.contains("option 'gs.credentials' is not") && !error.contains("of-nobody"),
        "{error}"
    );
    Ok(())
}
