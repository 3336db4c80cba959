//! Azure Blob Storage, as Azurite plays it: Microsoft's own emulator, from the npm registry.

use crate::broker::cache;
use crate::harness::{Running, fail, millstream, result_sets, succeed};
use crate::s3::buckets_keep_what_a_sink_must;
use crate::suites::World;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_store::{open, suite};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How often its address is looked for, 20 ms apart.
const LOOKS_MAX: usize = 3000;

const PACKAGE: &str = "azurite@3.35.0";

pub(crate) fn trials() -> Vec<Trial> {
    let works = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    let missing = !(works("node") && works("npm")) && std::env::var_os("CI").is_none();
    if missing {
        eprintln!("the trials azure::* are ignored: node with npm is not there");
    }
    let trial = Trial::test("azure::containers_keep_what_stores_and_sinks_must", || {
        containers().map_err(|e| Failed::from(format!("{e:#}")))
    });
    vec![trial.with_ignored_flag(missing)]
}

/// Azurite's well-known account.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Makes a container: arguments are the address, the account, its key and the container's name.
const MAKE_CONTAINER: &str = "
const [endpoint, account, key, container] = process.argv.slice(1);
const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' };
const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\\n`).join('');
const text = `PUT${'\\n'.repeat(12)}${lines}/${account}/${account}/${container}\\nrestype:container`;
const signature = require('crypto').createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
headers.Authorization = `SharedKey ${account}:${signature}`;
fetch(`${endpoint}/${container}?restype=container`, { method: 'PUT', headers }).then(async (answer) => {
  if (!answer.ok) { console.error(await answer.text()); process.exit(1); }
});
";

/// Azurite's folder; installed once, by one process at a time.
fn installed() -> Result<PathBuf> {
    let home = cache()?.join("azurite");
    let complete = home.join(".complete");
    std::fs::create_dir_all(&home)?;
    let lock = File::create(home.join(".lock"))?;
    lock.lock()?;
    if std::fs::read_to_string(&complete).is_ok_and(|there| there == PACKAGE) {
        return Ok(home);
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&home).arg(PACKAGE);
    succeed(npm)?;
    File::create(complete)?.write_all(PACKAGE.as_bytes())?;
    Ok(home)
}

/// A server with one container, `lake`; it ends with the trial.
struct Server {
    endpoint: String,
    _running: Running,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start() -> Result<Server> {
        let program = installed()?.join("node_modules/azurite/dist/src/blob/main.js");
        let directory = tempfile::tempdir()?;
        let said = directory.path().join("said");
        let mut command = Command::new("node");
        command
            .arg(program)
            .args(["--blobPort", "0", "--disableTelemetry", "--skipApiVersionCheck", "--location"]);
        command.arg(directory.path()).stdout(File::create(&said)?);
        let mut running = Running::start(command)?;
        let mut address = None;
        for _ in 0..LOOKS_MAX {
            running.check()?;
            let text = std::fs::read_to_string(&said)?;
            address = text
                .split_once("successfully listens on ")
                .and_then(|(_, rest)| Some(rest.split_once('\n')?.0.to_string()));
            if address.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let address = address.context("Azurite does not start")?;
        let endpoint = format!("{address}/{ACCOUNT}");
        let mut make = Command::new("node");
        make.args(["-e", MAKE_CONTAINER, &endpoint, ACCOUNT, KEY, "lake"]);
        succeed(make).context("the container")?;
        Ok(Server {
            endpoint,
            _running: running,
            _directory: directory,
        })
    }
    fn options(&self, key: &str) -> BTreeMap<String, String> {
        let all = [
            ("azure.endpoint", self.endpoint.as_str()),
            ("azure.account", ACCOUNT),
            ("azure.access-key", key),
        ];
        all.map(|(k, v)| (k.to_string(), v.to_string())).into()
    }
}

const JOB: &str = "
CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'json');
INSERT INTO o SELECT n FROM (VALUES (1), (2)) AS t(n);
";

fn containers() -> Result<()> {
    let (server, world) = (Server::start()?, World::new()?);
    let told = |e: millstream_dataflow::Error| anyhow::anyhow!("{e}");
    // Both forms of a location; the second one names the account.
    for location in ["az://lake/suite", &format!("abfss://lake@{ACCOUNT}.dfs.core.windows.net/other")] {
        let store = open(location, Path::new("."), &server.options(KEY)).map_err(told)?;
        world.runtime.block_on(suite::all(store.as_ref())).map_err(told).context(location.to_string())?;
    }
    buckets_keep_what_a_sink_must(&world, &server.options(KEY), "az://lake/sink")?;

    // A job whose checkpoints lie in the container, by the environment alone.
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("job.sql"), JOB)?;
    let run = |out: &str, key: &str| -> Result<Command> {
        let mut command = millstream(directory.path())?;
        command.args([
            "run",
            "job.sql",
            "--set",
            "execution.checkpointing.dir=az://lake/state",
            "-D",
            &format!("OUT={out}"),
        ]);
        command.env("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT).env("AZURE_STORAGE_ACCOUNT_KEY", key);
        command.env("AZURE_STORAGE_ENDPOINT", &server.endpoint).env("AZURE_ALLOW_HTTP", "true");
        Ok(command)
    };
    succeed(run("az://lake/out", KEY)?)?;
    let mut read = run("az://lake/out", KEY)?;
    std::fs::write(
        directory.path().join("job.sql"),
        format!("{} SELECT * FROM o;", JOB.split("INSERT").next().unwrap_or_default()),
    )?;
    read.args(["--format", "changelog"]);
    let rows = result_sets(&succeed(read)?)?.pop().context("no result")?.rows;
    ensure!(rows.len() == 2, "{rows:?}");

    std::fs::write(directory.path().join("job.sql"), JOB)?;
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let error = fail(run("az://lake/refused", other)?, 1)?;
    ensure!(
        error.contains("E0520") && error.contains("check the credentials") && !error.contains(other),
        "{error}"
    );
    let mut elsewhere = run("az://nowhere/out", KEY)?;
    elsewhere.args(["--set", "execution.checkpointing.dir=state"]);
    let error = fail(elsewhere, 1)?;
    ensure!(
        error.contains("E0520") && error.contains("az://nowhere/out") && error.contains("check the bucket"),
        "{error}"
    );
    Ok(())
}
