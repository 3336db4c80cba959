//! The source against its suite, and what clients are told.

use super::*;
use crate::Host;
use crate::context::tests::{context_in, handle, table};
use flate2::Compression;
use flate2::write::GzEncoder;
use millstream_dataflow::testing::{SourceCase, source_suite, texts};
use millstream_dataflow::{ColumnKind, ErrorKind, Fetch, TableColumn};
use millstream_store::{Fault, FaultStore};
use std::io::Write;
use std::path::Path;

const COLUMNS: &str = "n BIGINT, s STRING";

fn options<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("connector", "http"), ("listen", "127.0.0.1:0"), ("format", "json")];
    all.retain(|(k, _)| !more.iter().any(|(m, _)| m == k));
    all.extend(more);
    all
}

/// A source that takes requests, with its journal in a directory.
fn open(directory: &Path, more: &[(&str, &str)]) -> Http {
    let source = Http::new(&table(COLUMNS, &options(more)), &context_in(directory), &Listeners::default()).unwrap();
    handle().block_on(source.discover(&[])).unwrap();
    source
}

struct Told {
    status: u16,
    text: String,
    headers: reqwest::header::HeaderMap,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

fn send(source: &Http, build: impl FnOnce(reqwest::Client, String) -> reqwest::RequestBuilder) -> Told {
    let url = format!("http://{}/t", source.route.address());
    handle().block_on(async move {
        let response = build(reqwest::Client::new(), url).send().await.unwrap();
        Told {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    })
}

fn post(source: &Http, body: &str, headers: &[(&'static str, &str)]) -> Told {
    let (body, headers) = (body.to_string(), headers.to_vec());
    send(source, move |client, url| {
        headers.into_iter().fold(client.post(url).body(body), |r, (k, v)| r.header(k, v))
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The rows and bad records from a position on, and the position after them.
fn read(source: &Http, position: &str) -> (Vec<String>, Vec<String>, String) {
    let split = Split {
        id: SPLIT.into(),
        position: position.into(),
    };
    let mut reader = source.reader(vec![split.clone()]).unwrap();
    let mut decoder = source.decoder().unwrap();
    let (mut rows, mut bad, mut next) = (Vec::new(), Vec::new(), split.position);
    loop {
        match reader.fetch(Duration::ZERO).unwrap() {
            Fetch::Chunk(chunk) => {
                let decoded = decoder.decode(chunk).unwrap();
                rows.extend(texts(&decoded.batch));
                bad.extend(decoded.bad.iter().map(|b| format!("{} at {}", b.why.reason, decoded.places.of(b.number))));
                next = decoded.split.position;
            }
            Fetch::EndOfData(ids) => {
                assert_eq!(ids, [SPLIT]);
                assert_eq!(reader.lag(), [(SPLIT.to_string(), 0)]);
                return (rows, bad, next);
            }
            Fetch::Nothing => {}
            Fetch::Watermark(split, _) => panic!("{split:?} says no watermark"),
            Fetch::Finished(id) => panic!("{id} does not end"),
        }
    }
}

#[test]
fn the_source_keeps_its_contract() {
    let _entered = handle().enter();
    for format in ["json", "csv", "raw"] {
        let directory = tempfile::tempdir().unwrap();
        let columns = if format == "raw" { "s STRING" } else { COLUMNS };
        let table = table(columns, &options(&[("format", format)]));
        let make = |chunk_records: usize| {
            let mut source = Http::new(&table, &context_in(directory.path()), &Listeners::default())?;
            source.chunk_records = chunk_records;
            Ok::<_, Error>(source)
        };
        let first = make(8192).unwrap();
        handle().block_on(first.discover(&[])).unwrap();
        for i in 0..10 {
            let lines: Vec<String> = (0..i)
                .map(|line| match (format, line) {
                    ("raw", _) => format!("text {i} {line}"),
                    (_, 3) => "neither".into(),
                    ("csv", _) => format!("{i},\"text\n{line}\""),
                    _ => format!("{{\"n\": {i}, \"s\": \"text {line}\"}}"),
                })
                .collect();
            let told = post(&first, &lines.join("\n"), &[]);
            assert_eq!((told.status, told.text), (200, format!("{{\"accepted\":{i}}}\n")), "{format}");
        }
        drop(first);
        let large = || Ok(Arc::new(make(8192)?) as Arc<dyn Source>);
        let small = || Ok(Arc::new(make(2)?) as Arc<dyn Source>);
        source_suite(&SourceCase {
            open: &[&large, &small],
            rows: 45,
        });
    }
}

#[test]
fn rows_come_with_their_requests_and_bad_records_with_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let mut table = table(COLUMNS, &options(&[]));
    for m in SPEC.metadata {
        table.columns.push(TableColumn {
            field: millstream_dataflow::testing::columns(&format!("m {}", m.ty)).fields[0].clone(),
            kind: ColumnKind::Metadata(m.key.into()),
        });
    }
    let source = Http::new(&table, &context_in(directory.path()), &Listeners::default()).unwrap();
    handle().block_on(source.discover(&[])).unwrap();
    post(&source, "{\"n\": 1}\r\n\nno\n[{\"n\": 2}, {\"n\": 3}]", &[("idempotency-key", "k")]);
    post(&source, "[{\"n\": 4},\n {\"n\": 5}]", &[]);
    let (rows, bad, next) = read(&source, "v1 0 0");
    let without_port: Vec<String> = rows.iter().map(|r| r.split(" | 127.0.0.1:").next().unwrap().to_string()).collect();
    let at = "2024-01-01 00:00:00.000";
    let expected = [
        format!("1 | NULL | k | {at}"),
        format!("2 | NULL | k | {at}"),
        format!("3 | NULL | k | {at}"),
        format!("4 | NULL | NULL | {at}"),
        format!("5 | NULL | NULL | {at}"),
    ];
    assert_eq!(without_port, expected, "{rows:?}");
    assert_eq!(bad, ["malformed at http t, journal 1, record 1"]);
    assert_eq!(next, "v1 3 0");
}

#[test]
fn who_may_not_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = open(
        directory.path(),
        &[("token", "s3cret"), ("max-body-size", "100"), ("max-requests-per-second", "1000")],
    );
    let authorized = ("authorization", "Bearer s3cret");
    let told = |told: Told, status: u16, text: &str| {
        assert_eq!(told.status, status, "{}", told.text);
        assert_eq!(told.header("content-type"), "application/json");
        let json: serde_json::Value = serde_json::from_str(&told.text).unwrap();
        assert!(json["error"].as_str().is_some_and(|e| e.contains(text)), "{}", told.text);
        told
    };
    for headers in [
        vec![],
        vec![("authorization", "Bearer s3cre")],
        vec![("authorization", "Basic s3cret")],
        vec![("authorization", "Bearer")],
    ] {
        let t = told(post(&source, "{}", &headers), 401, "Authorization: Bearer <token>");
        assert_eq!(t.header("www-authenticate"), "Bearer");
    }
    let t = told(send(&source, |c, url| c.get(url)), 405, "by POST");
    assert_eq!(t.header("allow"), "POST");
    told(
        send(&source, |c, url| c.post(format!("{url}/x")).body("{}")),
        404,
        "no table takes requests at /t/x",
    );
    let long = "x".repeat(101);
    told(post(&source, &long, &[authorized]), 413, "more than the 100 bytes");
    let bomb = gzip(&vec![b'x'; 1 << 20]);
    let packed = |body: Vec<u8>, encoding: &'static str| {
        send(&source, |c, url| {
            c.post(url)
                .header("authorization", "bearer s3cret")
                .header("content-encoding", encoding)
                .body(body)
        })
    };
    told(packed(gzip(long.as_bytes()), "gzip"), 413, "more than the 100 bytes");
    told(packed(bomb, "gzip"), 413, "more than the 100 bytes");
    told(packed(b"no gzip".to_vec(), "gzip"), 400, "no gzip, or damaged");
    told(packed(b"{}".to_vec(), "br"), 415, "Content-Encoding br");
    told(post(&source, "{}", &[authorized, ("idempotency-key", "")]), 400, "1 to 255");
    told(post(&source, "{}", &[authorized, ("idempotency-key", &"k".repeat(256))]), 400, "1 to 255");
    // What may is not.
    assert_eq!(packed(gzip(b"{\"n\": 1}\n{\"n\": 2}"), "gzip").text, "{\"accepted\":2}\n");
    assert_eq!(post(&source, "\n", &[authorized]).text, "{\"accepted\":0}\n");
    assert_eq!(post(&source, "{}", &[authorized, ("idempotency-key", "k")]).status, 200);
    assert_eq!(post(&source, "{}", &[authorized, ("idempotency-key", "k")]).text, "{\"accepted\":1}\n");
    told(post(&source, "{} ", &[authorized, ("idempotency-key", "k")]), 422, "used for another body");
    assert_eq!(read(&source, "v1 0 0").0, ["1 | NULL", "2 | NULL", "NULL | NULL"]);
}

#[test]
fn too_much_is_put_off() {
    let directory = tempfile::tempdir().unwrap();
    let source = open(directory.path(), &[("max-body-size", "1000"), ("max-pending-bytes", "2000")]);
    let body = format!("{{\"s\": \"{}\"}}", "x".repeat(900));
    assert_eq!([post(&source, &body, &[]).status, post(&source, &body, &[]).status], [200, 200]);
    let full = post(&source, &body, &[]);
    assert_eq!((full.status, full.header("retry-after")), (429, "2"));
    assert!(full.text.contains("max-pending-bytes"), "{}", full.text);
    // A checkpoint that does not hold it makes no space, one that does makes it.
    let at = |position: &str| Split {
        id: SPLIT.into(),
        position: position.into(),
    };
    handle().block_on(source.committed(&[at("v1 1 0")])).unwrap();
    assert_eq!(post(&source, &body, &[]).status, 429);
    let (rows, _, next) = read(&source, "v1 1 0");
    assert_eq!(rows.len(), 2);
    handle().block_on(source.committed(&[at(&next)])).unwrap();
    assert_eq!(post(&source, &body, &[]).status, 200);
    let slow = open(&directory.path().join("slow"), &[("max-requests-per-second", "1")]);
    assert_eq!(post(&slow, "{}", &[]).status, 200);
    let refused = post(&slow, "{}", &[]);
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert!(refused.text.contains("max-requests-per-second"), "{}", refused.text);
}

#[test]
fn a_refused_body_does_not_become_the_next_request() {
    use std::io::Read;
    let directory = tempfile::tempdir().unwrap();
    let source = open(directory.path(), &[("token", "t")]);
    let answer = |stream: &mut std::net::TcpStream| {
        let (mut text, mut byte) = (Vec::new(), [0]);
        while !text.ends_with(b"}\n") && stream.read(&mut byte).unwrap() > 0 {
            text.push(byte[0]);
        }
        String::from_utf8(text).unwrap().to_lowercase()
    };
    let connect = || std::net::TcpStream::connect(source.route.address()).unwrap();
    let head = |path: &str, length: usize| format!("POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n");
    for (path, status) in [("/t", "401"), ("/other", "404")] {
        let mut stream = connect();
        // The body comes behind the head, as clients send it.
        for _ in 0..2 {
            stream.write_all(head(path, 2).as_bytes()).unwrap();
            stream.write_all(b"{}").unwrap();
            let told = answer(&mut stream);
            assert!(told.contains(status) && !told.contains("connection: close"), "{told}");
        }
        // More than is read for nothing.
        stream.write_all(head(path, 1 << 20).as_bytes()).unwrap();
        let told = answer(&mut stream);
        assert!(told.contains(status) && told.contains("connection: close"), "{told}");
    }
}

/// A machine whose stores are one that fails.
#[derive(Debug)]
struct Planted(FaultStore, Arc<dyn Host>);

impl Host for Planted {
    fn open(&self, _: &str, _: &Path, _: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.0.clone()))
    }
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.1.spawn(future);
    }
    fn unique(&self) -> String {
        self.1.unique()
    }
    fn print(&self, lines: &[u8], as_errors: bool) -> std::io::Result<()> {
        self.1.print(lines, as_errors)
    }
}

#[test]
fn a_store_that_fails_is_never_200() {
    let store = FaultStore::new(Arc::new(MemoryStore::new()));
    let mut context = context_in(Path::new("."));
    context.host = Arc::new(Planted(store.clone(), Arc::clone(&context.host)));
    let source = Http::new(&table(COLUMNS, &options(&[])), &context, &Listeners::default()).unwrap();
    let early = post(&source, "{}", &[]);
    assert_eq!((early.status, early.header("retry-after")), (503, "2"));
    assert!(early.text.contains("the job starts"), "{}", early.text);
    handle().block_on(source.discover(&[])).unwrap();
    for fault in [Fault::Full, Fault::Before] {
        store.plant(store.calls().len(), fault);
        let refused = post(&source, "{\"n\": 0}", &[]);
        assert_eq!((refused.status, refused.header("retry-after")), (503, "2"));
        assert!(refused.text.contains("could not be made durable"), "{}", refused.text);
    }
    store.plant(store.calls().len(), Fault::After);
    assert_eq!(post(&source, "{\"n\": 1}", &[]).status, 200);
    handle().block_on(source.close());
    assert_eq!(read(&source, "v1 0 0").0, ["1 | NULL"]);
}

#[test]
fn tables_share_an_address_and_no_path() {
    let directory = tempfile::tempdir().unwrap();
    let (context, listeners) = (context_in(directory.path()), Listeners::default());
    let table = |name: &str, more: &[(&str, &str)]| TableSpec {
        name: name.into(),
        ..table(COLUMNS, &options(more))
    };
    let t = Http::new(&table("t", &[]), &context, &listeners).unwrap();
    let u = Http::new(&table("u", &[("path", "/t/u")]), &context, &listeners).unwrap();
    assert_eq!(t.route.address(), u.route.address());
    for source in [&t, &u] {
        handle().block_on(source.discover(&[])).unwrap();
    }
    assert_eq!(post(&t, "{\"n\": 1}", &[]).status, 200);
    assert_eq!(send(&t, |c, url| c.post(format!("{url}/u")).body("{\"n\": 2}")).status, 200);
    assert_eq!(
        (read(&t, "v1 0 0").0, read(&u, "v1 0 0").0),
        (vec!["1 | NULL".to_string()], vec!["2 | NULL".into()])
    );
    let taken = Http::new(&table("v", &[("path", "/t")]), &context, &listeners).err().unwrap();
    assert_eq!(taken.message, "table \"v\" has the path /t on 127.0.0.1:0, which table \"t\" takes requests at");
    // Another process has no share of it.
    let listen = t.route.address().to_string();
    let second = Http::new(&table("t", &[("listen", &listen)]), &context, &Listeners::default()).err().unwrap();
    assert_eq!((second.kind, second.code), (ErrorKind::Config, Some("E0526")));
    // The next query of a file has it.
    handle().block_on(t.close());
    let closed = post(&t, "{}", &[]);
    assert_eq!((closed.status, closed.header("retry-after")), (503, "2"), "{}", closed.text);
    drop(t);
    let again = Http::new(&table("t", &[]), &context, &listeners).unwrap();
    assert_eq!(again.route.address(), u.route.address());
    handle().block_on(again.discover(&[])).unwrap();
    assert_eq!(post(&again, "{\"n\": 3}", &[]).status, 200);
    assert_eq!(read(&again, "v1 0 0").0, ["1 | NULL", "3 | NULL"]);
}

#[test]
fn a_position_that_the_journal_does_not_hold_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let source = open(directory.path(), &[]);
    for n in 0..3 {
        post(&source, &format!("{{\"n\": {n}}}"), &[]);
    }
    let at = |position: &str| {
        vec![Split {
            id: SPLIT.into(),
            position: position.into(),
        }]
    };
    handle().block_on(source.committed(&at("v1 3 0"))).unwrap();
    drop(source);
    let again = Http::new(&table(COLUMNS, &options(&[])), &context_in(directory.path()), &Listeners::default()).unwrap();
    let discover = |position: &str| handle().block_on(again.discover(&at(position)));
    // Behind the claim of this process there was nothing that a checkpoint could have held.
    for gone in ["v1 5 0", "v1 2 0"] {
        let e = discover(gone).unwrap_err();
        assert_eq!((e.kind, e.code), (ErrorKind::Data, Some("E0701")), "{gone}");
    }
    assert!(discover("v1 3 0").is_ok() && discover("v1 4 0").is_ok());
    assert_eq!(discover("v1 3 1").unwrap(), at("v1 3 1"));
    // A job that restarts goes on where it had read to.
    post(&again, "{\"n\": 3}", &[]);
    assert_eq!(read(&again, "v1 4 0").2, "v1 6 0");
    assert!(discover("v1 6 0").is_ok() && discover("v1 7 0").is_err());
    // A new life reads what no checkpoint holds.
    assert_eq!(handle().block_on(again.discover(&[])).unwrap(), at("v1 3 0"));
    assert_eq!(read(&again, "v1 3 0").0, ["2 | NULL", "3 | NULL"]);
}

#[test]
fn a_query_without_state_keeps_nothing() {
    let mut context = context_in(Path::new("."));
    context.state = None;
    let source = Http::new(
        &table(COLUMNS, &options(&[("max-body-size", "100"), ("max-pending-bytes", "600")])),
        &context,
        &Listeners::default(),
    )
    .unwrap();
    let mut position = handle().block_on(source.discover(&[])).unwrap()[0].position.clone();
    // More than may wait at once: what is read makes space.
    for n in 0..20 {
        assert_eq!(post(&source, &format!("{{\"n\": {n}}}"), &[]).status, 200);
        let (rows, _, next) = read(&source, &position);
        assert_eq!(rows, [format!("{n} | NULL")]);
        position = next;
    }
}

#[test]
fn options_that_cannot_be_are_found() {
    let wrong = |more: &[(&str, &str)]| {
        let found: Vec<String> = check(&table(COLUMNS, &options(more))).iter().map(|e| e.message.clone()).collect();
        found.join("; ")
    };
    assert_eq!(wrong(&[]), "");
    assert_eq!(
        wrong(&[("listen", "localhost:8088"), ("path", "/v1/x"), ("journal", "s3://b/p"), ("token", "x")]),
        ""
    );
    assert_eq!(
        wrong(&[("listen", "8088")]),
        "option 'listen' has the value '8088', expected an address and a port"
    );
    assert_eq!(wrong(&[("path", "v1?x")]), "option 'path' has the value 'v1?x', which is no path");
    assert_eq!(wrong(&[("token", " ")]), "option 'token' is empty");
    assert!(wrong(&[("journal", "ftp://x")]).contains("'journal'"));
    assert_eq!(wrong(&[("max-body-size", "2 GB")]), "option 'max-body-size' is not between 1 byte and 1 GB");
    assert_eq!(
        wrong(&[("max-pending-bytes", "1 MB")]),
        "option 'max-pending-bytes' is smaller than 'max-body-size'"
    );
    assert_eq!(
        wrong(&[("max-requests-per-second", "0")]),
        "option 'max-requests-per-second' allows no requests"
    );
    assert_eq!(
        wrong(&[("idempotency.max-keys", "-1")]),
        "option 'idempotency.max-keys' has the value '-1', which is out of range"
    );
}
