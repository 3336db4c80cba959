//! The `http` source as its clients meet it: every request that was acknowledged is committed once, whatever is killed.

use crate::faults::with_small_files;
use crate::harness::{Running, fail, files, millstream};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("http::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("acknowledged_records_survive_kill_9_and_come_once", kills),
        trial("a_second_process_takes_over_or_finds_the_port_taken", second_process),
        trial("a_query_shows_what_it_is_sent", query),
        trial("a_journal_that_cannot_be_written_is_503", unwritable),
        trial("the_example_takes_clicks", example),
    ]
}

const JOB: &str = "
SET 'execution.checkpointing.interval' = '100 ms';
CREATE TABLE events (id STRING, k STRING METADATA FROM 'idempotency-key')
WITH ('connector' = 'http', 'listen' = '${LISTEN}', 'format' = 'json', 'token' = 's3cret');
CREATE TABLE committed (id STRING, k STRING) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');
INSERT INTO committed SELECT id, k FROM events;
";

/// An address that nobody listens on, whose port is given to no client: those of clients are higher.
fn free() -> Result<String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..1_000 {
        let number = std::process::id() as usize * 37 + NEXT.fetch_add(1, Ordering::AcqRel);
        let address = format!("127.0.0.1:{}", 20_000 + number % 12_000);
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free")
}

fn job(directory: &Path, listen: &str) -> Result<Command> {
    std::fs::write(directory.join("job.sql"), JOB)?;
    let mut command = millstream(directory)?;
    command.args(["run", "job.sql", "-p", "1", "-D"]).arg(format!("LISTEN={listen}"));
    Ok(command)
}

struct Answer {
    status: u16,
    text: String,
}

/// Sends a request; `None` for a client that leaves before its answer.
fn send(address: &str, head: &str, body: &str, waits: bool) -> Result<Option<Answer>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    write!(stream, "{head}\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")?;
    if !waits {
        return Ok(None);
    }
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|t| t.get(..3)).context("no answer")?.parse()?;
    Ok(Some(Answer { status, text }))
}

fn head(key: &str) -> String {
    format!("POST /events HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nIdempotency-Key: {key}")
}

/// Sends a request until it is acknowledged.
fn until_taken(address: &str, key: &str, body: &str) -> Result<()> {
    for _ in 0..1_000 {
        match send(address, &head(key), body, true) {
            Ok(Some(Answer { status: 200, .. })) => return Ok(()),
            Ok(Some(Answer { status: 429 | 503, .. })) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
            Ok(Some(other)) => bail!("{} for {key}: {}", other.status, other.text),
            Ok(None) => {}
        }
    }
    bail!("{key} is never taken")
}

/// How often each row is committed.
fn committed(directory: &Path) -> Result<BTreeMap<String, usize>> {
    let mut rows = BTreeMap::new();
    let staged = |file: &Path| file.components().any(|c| c.as_os_str() == ".staging");
    for file in files(&directory.join("out"), "json").iter().filter(|f| !staged(f)) {
        for line in std::fs::read_to_string(file)?.lines() {
            *rows.entry(line.to_string()).or_default() += 1;
        }
    }
    Ok(rows)
}

/// Waits until so many rows are committed.
fn wait_for_rows(directory: &Path, running: &mut Running, count: usize) -> Result<()> {
    for _ in 0..6_000 {
        if committed(directory)?.values().sum::<usize>() >= count {
            return Ok(());
        }
        running.check()?;
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("{:?} after a minute\n{}", committed(directory)?, running.told()?)
}

fn check(directory: &Path, expected: &BTreeSet<String>) -> Result<()> {
    let rows = committed(directory)?;
    let twice: Vec<_> = rows.iter().filter(|(_, n)| **n != 1).collect();
    ensure!(twice.is_empty(), "rows that came more than once: {twice:?}");
    let actual: BTreeSet<String> = rows.into_keys().collect();
    let lost: Vec<_> = expected.difference(&actual).collect();
    let unexpected: Vec<_> = actual.difference(expected).collect();
    ensure!(lost.is_empty() && unexpected.is_empty(), "lost {lost:?}, unexpected {unexpected:?}");
    Ok(())
}

fn row(id: &str, key: &str) -> String {
    format!("{{\"id\":\"{id}\",\"k\":\"{key}\"}}")
}

/// Numbers that look random.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

const CLIENTS: usize = 4;
const REQUESTS: usize = 150;
/// Those that are sent while processes are killed.
const EARLY: usize = 110;
const ROUNDS: u64 = 8;

fn kills() -> Result<()> {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(u64::from(std::process::id()));
    killed(seed).with_context(|| format!("SEED={seed}"))
}

/// What the clients and the one who kills know of each other.
struct Clients {
    address: String,
    seed: u64,
    /// Requests that were acknowledged.
    taken: AtomicUsize,
    /// The last process runs, and takes the last requests.
    last: AtomicBool,
    given_up: AtomicBool,
}

/// One client: requests of one to four records, some sent by a client that leaves, some sent again though they were acknowledged.
fn client(clients: &Clients, number: usize) -> Result<BTreeSet<String>> {
    let address = &clients.address;
    let mut state = clients.seed + number as u64;
    let mut sent = BTreeSet::new();
    for n in 0..REQUESTS {
        while n >= EARLY && !clients.last.load(Ordering::Acquire) {
            ensure!(!clients.given_up.load(Ordering::Acquire), "given up");
            std::thread::sleep(Duration::from_millis(5));
        }
        let key = format!("{number}-{n}");
        let ids: Vec<String> = (0..1 + random(&mut state) % 4).map(|i| format!("{key}-{i}")).collect();
        let body: String = ids.iter().map(|id| format!("{{\"id\": \"{id}\"}}\n")).collect();
        if random(&mut state).is_multiple_of(5) {
            let _ = send(address, &head(&key), &body, false);
        }
        while let Err(e) = until_taken(address, &key, &body) {
            ensure!(!clients.given_up.load(Ordering::Acquire), e);
        }
        if random(&mut state).is_multiple_of(7) {
            until_taken(address, &key, &body)?;
        }
        clients.taken.fetch_add(1, Ordering::AcqRel);
        sent.extend(ids.iter().map(|id| row(id, &key)));
    }
    Ok(sent)
}

/// Starts the job and ends it, again and again; the last process stays.
fn rounds(directory: &Path, clients: &Clients) -> Result<Running> {
    let mut state = clients.seed;
    let taken = || clients.taken.load(Ordering::Acquire);
    for round in 0..ROUNDS {
        let wanted = (taken() + 5 + random(&mut state) as usize % 40).min(CLIENTS * EARLY);
        let mut running = Running::start(job(directory, &clients.address)?)?;
        while taken() < wanted {
            running.check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(random(&mut state) % 150));
        match round % 4 {
            3 => {
                running.started()?;
                running.stop()?;
            }
            _ => running.kill()?,
        }
    }
    Running::start(job(directory, &clients.address)?)
}

fn killed(seed: u64) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let address = free()?;
    let clients = Clients {
        address: address.clone(),
        seed,
        taken: AtomicUsize::new(0),
        last: AtomicBool::new(false),
        given_up: AtomicBool::new(false),
    };
    let expected = std::thread::scope(|scope| -> Result<BTreeSet<String>> {
        let clients = &clients;
        let sending: Vec<_> = (0..CLIENTS).map(|n| scope.spawn(move || client(clients, n))).collect();
        let last = rounds(directory.path(), clients);
        clients.last.store(last.is_ok(), Ordering::Release);
        clients.given_up.store(last.is_err(), Ordering::Release);
        let mut last = last?;
        let mut all = BTreeSet::new();
        for client in sending {
            all.extend(client.join().map_err(|_| anyhow::anyhow!("a client failed"))??);
        }
        wait_for_rows(directory.path(), &mut last, all.len())?;
        last.started()?;
        last.stop()?;
        Ok(all)
    })?;
    check(directory.path(), &expected)?;
    // All is covered: what is left of the journal are claims, keys and nothing that is read.
    let mut again = Running::start(job(directory.path(), &address)?)?;
    until_taken(&address, "0-0", "{\"id\": \"another\"}")
        .err()
        .filter(|e| e.to_string().contains("422"))
        .context("a key was forgotten")?;
    until_taken(&address, "last", "{\"id\": \"last\"}")?;
    wait_for_rows(directory.path(), &mut again, expected.len() + 1)?;
    let left = files(directory.path(), "requests").len();
    ensure!(left < 10, "{left} objects are left");
    again.stop()?;
    let mut expected = expected;
    expected.insert(row("last", "last"));
    check(directory.path(), &expected)
}

fn second_process() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (here, there) = (free()?, free()?);
    let mut first = Running::start(job(directory.path(), &here)?)?;
    until_taken(&here, "a", "{\"id\": \"a\"}")?;
    // On the same address: it is told, and changes nothing.
    let error = fail(job(directory.path(), &here)?, 1)?;
    ensure!(
        error.contains("E0526") && error.contains(&here) && error.contains("is this job running already?"),
        "{error}"
    );
    until_taken(&here, "b", "{\"id\": \"b\"}")?;
    wait_for_rows(directory.path(), &mut first, 2)?;
    // On another address: it has the job from then on.
    until_taken(&here, "c", "{\"id\": \"c\"}")?;
    let mut second = Running::start(job(directory.path(), &there)?)?;
    until_taken(&there, "c", "{\"id\": \"c\"}")?;
    until_taken(&there, "d", "{\"id\": \"d\"}")?;
    // It may have ended already.
    if let Ok(Some(answer)) = send(&here, &head("e"), "{\"id\": \"e\"}", true) {
        ensure!(answer.status == 503, "the first process says {}", answer.text);
    }
    let status = first.0.wait()?;
    let told = first.told()?;
    ensure!(
        status.code() == Some(1) && (told.contains("E0603") || told.contains("E0527")),
        "{status}\n{told}"
    );
    wait_for_rows(directory.path(), &mut second, 4)?;
    second.stop()?;
    check(directory.path(), &["a", "b", "c", "d"].map(|id| row(id, id)).into())
}

fn query() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let listen = free()?;
    let sql = "CREATE TABLE t (n BIGINT) WITH ('connector' = 'http', 'listen' = '${LISTEN}', 'path' = '/numbers', 'format' = 'json', 'on-error' = 'skip');\nSELECT n + 1 AS m FROM t;";
    std::fs::write(directory.path().join("query.sql"), sql)?;
    let mut command = millstream(directory.path())?;
    command
        .args(["run", "query.sql", "--format", "changelog", "-D"])
        .arg(format!("LISTEN={listen}"));
    command.stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let mut lines = BufReader::new(running.0.stdout.take().context("no stdout")?).lines();
    for attempt in 0.. {
        match send(&listen, "POST /numbers HTTP/1.1", "{\"n\": 1}\nno\n[{\"n\": 2}, {\"n\": 3}]", true) {
            Ok(Some(answer)) if answer.status == 200 => {
                ensure!(answer.text.ends_with("{\"accepted\":3}\n"), "{}", answer.text);
                break;
            }
            other => {
                running.check()?;
                ensure!(attempt < 1_000, "{:?}", other.map(|a| a.map(|a| a.text)));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let line = lines.next().context("the rows ended")??;
        seen.extend(line.split_once("\"row\":").map(|(_, row)| row.to_string()));
    }
    ensure!(seen == ["[2]}", "[3]}", "[4]}"], "{seen:?}");
    running.stop()?;
    ensure!(!directory.path().join(".millstream").exists(), "a query left something");
    Ok(())
}

/// Whoever writes a file that is larger than `ulimit -f` allows is told as by a full disk.
fn unwritable() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let listen = free()?;
    let mut running = Running::start(with_small_files(&job(directory.path(), &listen)?, 256))?;
    until_taken(&listen, "a", "{\"id\": \"a\"}")?;
    let large = format!("{{\"id\": \"{}\"}}", "x".repeat(2 << 20));
    let answer = send(&listen, &head("large"), &large, true)?.context("no answer")?;
    ensure!(answer.status == 503 && answer.text.to_lowercase().contains("retry-after: "), "{}", answer.text);
    ensure!(answer.text.contains("could not be made durable"), "{}", answer.text);
    until_taken(&listen, "b", "{\"id\": \"b\"}")?;
    wait_for_rows(directory.path(), &mut running, 2)?;
    let told = running.told()?;
    ensure!(told.contains("the journal cannot be written"), "{told}");
    running.stop()?;
    check(directory.path(), &["a", "b"].map(|id| row(id, id)).into())
}

fn example() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let listen = free()?;
    let text = std::fs::read_to_string(crate::harness::root().join("sql-examples/http-clicks.sql"))?;
    ensure!(text.contains("'127.0.0.1:8088'"), "it listens elsewhere");
    std::fs::write(
        directory.path().join("job.sql"),
        text.replace("127.0.0.1:8088", &listen).replace("10 s", "100 ms"),
    )?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "job.sql", "-p", "1", "-D", "TOKEN=hunter2", "-D", "OUT=out"]);
    let mut running = Running::start(command)?;
    let request = |key: &str, body: &str| -> Result<()> {
        let head = format!("POST /v1/clicks HTTP/1.1\r\nAuthorization: Bearer hunter2\r\nIdempotency-Key: {key}");
        for _ in 0..1_000 {
            match send(&listen, &head, body, true) {
                Ok(Some(answer)) if answer.status == 200 => return Ok(()),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        bail!("{key} is never taken")
    };
    request(
        "1",
        "{\"user_id\": 1, \"page\": \"home\", \"ts\": \"2026-01-31 12:00:10\"}\n{\"user_id\": 2, \"page\": \"home\", \"ts\": \"2026-01-31 12:00:20\"}",
    )?;
    request("2", "{\"user_id\": 1, \"page\": \"home\", \"ts\": \"2026-01-31 12:02:00\"}")?;
    wait_for_rows(directory.path(), &mut running, 1)?;
    running.stop()?;
    let expected = "{\"window_start\":\"2026-01-31 12:00:00\",\"page\":\"home\",\"clicks\":2,\"users\":2}";
    check(directory.path(), &[expected.to_string()].into())
}
