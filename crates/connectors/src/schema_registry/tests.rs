//! The client against addresses that answer as they are told to.

use super::*;
use crate::context::tests::context;
use millstream_dataflow::ErrorKind;
use std::io::{Read, Write};
use std::net::TcpListener;

/// An address that answers each request with the next of these, and then no more. Gives what it was asked.
fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/base/", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let is_whole = |request: &[u8]| {
                let text = String::from_utf8_lossy(request).to_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
                let length = head.split("content-length: ").nth(1).and_then(|l| l.lines().next()?.parse().ok());
                body.len() >= length.unwrap_or(0)
            };
            while !is_whole(&request) {
                let mut piece = [0; 4096];
                match connection.read(&mut piece).unwrap() {
                    0 => break,
                    n => request.extend_from_slice(&piece[..n]),
                }
            }
            asked.push(String::from_utf8_lossy(&request).into_owned());
            // Who gives up early does not hear the end.
            let _ = connection.write_all(answer.as_bytes());
        }
        asked
    });
    (url, serving)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn registry(urls: &str, more: &[(&str, &str)]) -> Result<ConfluentRegistry> {
    let url = ("avro-confluent.url", urls);
    let options = more.iter().chain([&url]).map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let names = millstream_formats::registry_options("avro-confluent").unwrap();
    ConfluentRegistry::new(&options, names, "value.", &context())
}

#[test]
fn what_was_asked_once_is_remembered() {
    let (url, serving) = serve(vec![answer("200 OK", r#"{"schema":"\"string\""}"#), answer("200 OK", r#"{"id":7}"#)]);
    let user = ("avro-confluent.basic-auth.user-info", "ann:pass:word");
    let registry = registry(&url, &[user]).unwrap();
    for _ in 0..2 {
        assert_eq!(*registry.schema(3).unwrap(), schema("AVRO", "\"string\"", &[]));
        assert_eq!(registry.register("a/b c-value", "AVRO", "\"int\"").unwrap(), 7);
    }
    let asked = serving.join().unwrap();
    assert!(asked[0].starts_with("GET /base/schemas/ids/3 HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains("authorization: Basic YW5uOnBhc3M6d29yZA=="), "{}", asked[0]);
    assert!(
        asked[1].starts_with("POST /base/subjects/a%2Fb%20c-value/versions HTTP/1.1\r\n"),
        "{}",
        asked[1]
    );
    assert!(asked[1].ends_with("\r\n\r\n{\"schema\":\"\\\"int\\\"\"}"), "{}", asked[1]);
}

#[test]
fn subjects_are_told_in_order() {
    let (url, serving) = serve(vec![answer("200 OK", r#"["b-value","a-key"]"#), answer("401 Unauthorized", "{}")]);
    let registry = registry(&url, &[]).unwrap();
    assert_eq!(registry.subjects().unwrap(), ["a-key", "b-value"]);
    assert_eq!(registry.subjects().unwrap_err().code, Some("E0524"));
    assert!(serving.join().unwrap()[0].starts_with("GET /base/subjects HTTP/1.1\r\n"));
}

/// A schema, and what it refers to.
fn schema(kind: &str, text: &str, references: &[(&str, &str)]) -> RegisteredSchema {
    let reference = |(name, text): &(&str, &str)| SchemaReference {
        name: name.to_string(),
        text: text.to_string(),
    };
    RegisteredSchema {
        kind: kind.to_string(),
        text: text.to_string(),
        references: references.iter().map(reference).collect(),
    }
}

#[test]
fn what_a_schema_refers_to_comes_with_it_once_and_before_what_needs_it() {
    let reference = |name: &str, subject: &str| format!(r#"{{"name":"{name}","subject":"{subject}","version":2}}"#);
    let told = |text: &str, references: &[String]| {
        let body = format!(r#"{{"schema":"{text}","schemaType":"PROTOBUF","references":[{}]}}"#, references.join(","));
        answer("200 OK", &body)
    };
    let (a, b, c) = (reference("a", "s/a"), reference("b", "sb"), reference("c", "sc"));
    let (url, serving) = serve(vec![
        told("top", &[a.clone(), b.clone(), c.clone()]),
        told("text a", &[b, a]),
        told("text b", &[]),
        told("text c", &[]),
    ]);
    let answered = registry(&url, &[]).unwrap().schema(1).unwrap();
    assert_eq!(*answered, schema("PROTOBUF", "top", &[("b", "text b"), ("a", "text a"), ("c", "text c")]));
    assert!(serving.join().unwrap()[1].starts_with("GET /base/subjects/s%2Fa/versions/2 HTTP/1.1\r\n"));
    // One that is gone is the record's fault, as if the schema were.
    let gone = answer("404 Not Found", r#"{"error_code":40402,"message":"Version 2 not found."}"#);
    let (url, serving) = serve(vec![told("top", &[c]), gone]);
    let error = registry(&url, &[]).unwrap().schema(1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    let expected = "does not have version 2 of the subject sc, which the schema refers to: Version 2 not found.";
    assert!(error.to_string().contains(expected), "{error}");
    serving.join().unwrap();
}

#[test]
fn what_is_no_avro_is_registered_with_its_kind() {
    let (url, serving) = serve(vec![answer("200 OK", r#"{"id":7}"#)]);
    assert_eq!(registry(&url, &[]).unwrap().register("s", "JSON", "{}").unwrap(), 7);
    assert!(serving.join().unwrap()[0].ends_with(r#"{"schema":"{}","schemaType":"JSON"}"#));
}

#[test]
fn certificates_are_pem() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let certificate = include_str!("tests/certificate.pem");
    let (good, both, other) = (
        at("ca.pem", &certificate.repeat(2)),
        at("client.pem", &[certificate, include_str!("tests/key.pem")].concat()),
        at("store.jks", "\u{fe}\u{ed}"),
    );
    let none = directory.path().join("none").to_str().unwrap().to_string();
    let (trust, key) = ("avro-confluent.ssl.truststore.location", "avro-confluent.ssl.keystore.location");
    assert!(registry("https://a", &[(trust, &good), (key, &both)]).unwrap().client().is_ok());
    for (option, value, code, told, hint) in [
        (trust, other.as_str(), "E0528", "holds no certificate in PEM", "keytool -exportcert"),
        (key, &other, "E0528", "holds no certificate and open key", "openssl pkcs12"),
        (key, &good, "E0528", "holds no certificate and open key", "openssl pkcs12"),
        (trust, &none, "E0528", "cannot be read", ""),
        ("avro-confluent.ssl.truststore.password", "hunter2", "E0502", "is not for PEM files", "keytool"),
        ("avro-confluent.ssl.keystore.password", "hunter2", "E0502", "is not for PEM files", "openssl"),
    ] {
        let error = registry("https://a", &[(option, value)]).map(|_| ()).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Config, Some(code)), "{error}");
        assert!(error.message.contains(told) && error.message.contains(&format!("'value.{option}'")), "{error}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint));
    }
}

#[test]
fn each_answer_has_its_kind_of_error() {
    let not_found = r#"{"error_code":40403,"message":"Schema not found"}"#;
    let large = "x".repeat(ANSWER_BYTES_MAX + 1);
    for (status, body, kind, told) in [
        ("404 Not Found", not_found, ErrorKind::Data, "does not have it: Schema not found"),
        (
            "404 Not Found",
            r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
            ErrorKind::Config,
            "as a schema registry does: HTTP 404",
        ),
        ("404 Not Found", "<html>", ErrorKind::Config, "as a schema registry does: HTTP status 404"),
        ("200 OK", "<html>", ErrorKind::Config, "as a schema registry does: HTTP status 200"),
        ("302 Found", "", ErrorKind::Config, "as a schema registry does: HTTP status 302"),
        (
            "401 Unauthorized",
            r#"{"error_code":401,"message":"no"}"#,
            ErrorKind::Config,
            "does not let us in: no",
        ),
        ("403 Forbidden", "", ErrorKind::Config, "does not let us in: HTTP status 403"),
        (
            "500 Internal Server Error",
            r#"{"error_code":50001,"message":"store"}"#,
            ErrorKind::Unavailable,
            "store",
        ),
        ("503 Service Unavailable", "", ErrorKind::Unavailable, "HTTP status 503"),
        ("429 Too Many Requests", "", ErrorKind::Unavailable, "HTTP status 429"),
        (
            "200 OK",
            r#"{"schema":"x","references":[{"name":"a"}]}"#,
            ErrorKind::Config,
            "as a schema registry does: HTTP status 200",
        ),
        ("200 OK", large.as_str(), ErrorKind::Config, "more than"),
    ] {
        let (url, serving) = serve(vec![answer(status, body)]);
        let error = registry(&url, &[("avro-confluent.bearer-auth.token", "t0ken")]).unwrap().schema(1).unwrap_err();
        assert_eq!(error.kind, kind, "{status}: {error}");
        assert!(error.to_string().contains(told), "{status}: {error}");
        let is_named = error.hint.as_ref().is_some_and(|h| h.contains("'value.avro-confluent."));
        assert!(kind == ErrorKind::Data || told == "more than" || is_named, "{status}: {:?}", error.hint);
        assert!(!format!("{error:?}").contains("t0ken"), "{error:?}");
        assert!(serving.join().unwrap()[0].contains("authorization: Bearer t0ken"));
    }
    for status in ["409 Conflict", "422 Unprocessable Entity"] {
        let (url, serving) = serve(vec![answer(status, r#"{"error_code":42201,"message":"incompatible\nwith 1"}"#)]);
        let error = registry(&url, &[]).unwrap().register("s", "AVRO", "\"int\"").unwrap_err();
        assert!(error.kind == ErrorKind::Config && error.to_string().contains("incompatible with 1"), "{error}");
        serving.join().unwrap();
    }
}

#[test]
fn one_address_that_answers_is_enough_and_is_asked_first_from_then_on() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (broken, serving_503) = serve(vec![answer("503 Service Unavailable", "")]);
    let answers = [1, 2].map(|n| answer("200 OK", &format!("{{\"schema\":\"{n}\"}}")));
    let (url, serving) = serve(answers.to_vec());
    let registry = registry(&format!("http://{gone}, {broken},{url}"), &[]).unwrap();
    assert_eq!(registry.schema(1).unwrap().text, "1");
    assert_eq!(registry.schema(2).unwrap().text, "2");
    serving_503.join().unwrap();
    assert_eq!(serving.join().unwrap().len(), 2);
    // Now there is none any more: each is told of.
    let error = registry.schema(3).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let told = error.to_string();
    assert!(told.contains(&format!("http://{gone}: ")) && told.contains(url.trim_end_matches('/')), "{told}");
}

#[test]
fn an_address_that_never_answers_is_not_waited_for_long() {
    // Its backlog takes the connection, and half an answer is none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (half, serving) = serve(vec!["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_string()]);
    let mut registry = registry(&format!("http://{},{half}", silent.local_addr().unwrap()), &[]).unwrap();
    registry.answer_timeout = Duration::from_millis(200);
    let error = registry.schema(1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("no answer in time; http://"), "{error}");
    serving.join().unwrap();
}

#[test]
fn options_that_name_no_registry_are_told_without_their_secrets() {
    for (url, more, told) in [
        ("", &[][..], "names no schema registry"),
        ("localhost:8081", &[], "'localhost:8081', which is no address"),
        ("http://ann:hunter2@localhost", &[], "holds a user or a password"),
        ("ann:hunter2@localhost", &[], "holds no address"),
        ("http://a", &[("avro-confluent.basic-auth.user-info", "hunter2")], "has no colon"),
        (
            "http://a",
            &[
                ("avro-confluent.basic-auth.user-info", "ann:hunter2"),
                ("avro-confluent.bearer-auth.token", "hunter2"),
            ],
            "there can be one",
        ),
        (
            "http://a",
            &[("avro-confluent.basic-auth.credentials-source", "USER_INFO")],
            "needs the option 'value.avro-confluent.basic-auth.user-info'",
        ),
        (
            "http://a",
            &[("avro-confluent.bearer-auth.credentials-source", "STATIC_TOKEN")],
            "needs the option 'value.avro-confluent.bearer-auth.token'",
        ),
    ] {
        let error = registry(url, more).map(|_| ()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains(told) && error.message.contains("value.avro-confluent."), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
