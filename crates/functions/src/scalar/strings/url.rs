//! Addresses.

use super::S;
use crate::scalar::rows::{text, texts};
use crate::scalar::{Function, nullable};
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};
use percent_encoding::percent_decode;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "url_encode",
        usage: "URL_ENCODE(text)",
        doc: "The text as it may stand in a URL. As in a form: a blank becomes `+`.",
        example: ("URL_ENCODE('a b&c')", "a+b%26c"),
        resolve: |a| nullable(a, &[S], S),
        evaluate: |a, rows, _| texts(rows, |i| Some(form_urlencoded::byte_serialize(text(&a[0], i)?.as_bytes()).collect::<String>())),
    },
    Function {
        name: "url_decode",
        usage: "URL_DECODE(text)",
        doc: "The text that URL_ENCODE was given. NULL where a `%` has no two digits after it.",
        example: ("URL_DECODE('a+b%26c')", "a b&c"),
        resolve: |a| nullable(a, &[S], S),
        evaluate: |a, rows, _| texts(rows, |i| decode(text(&a[0], i)?)),
    },
    Function {
        name: "parse_url",
        usage: "PARSE_URL(url, part [, key])",
        doc: "A part of a URL, NULL where it is not there. HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; QUERY with a key gives that parameter.",
        example: ("PARSE_URL('http://a.org/p?x=1&y=2', 'QUERY', 'y')", "2"),
        resolve: |a| nullable(a, &[S, S], S).or_else(|| nullable(a, &[S, S, S], S)),
        evaluate: parse_url,
    },
];

fn decode(text: &str) -> Option<String> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let digits = rest.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = &rest[at + 3..];
    }
    let blanks = text.replace('+', " ");
    Some(percent_decode(blanks.as_bytes()).decode_utf8_lossy().into_owned())
}

/// An address as Java splits it, which normalizes and checks nothing; so no crate that follows the URL standard will do.
struct Url<'a> {
    protocol: String,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    reference: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Option<Url<'a>> {
        let (protocol, rest) = text.trim().split_once(':')?;
        let protocol = protocol.to_ascii_lowercase();
        if !["http", "https", "ftp", "file", "jar", "mailto"].contains(&protocol.as_str()) {
            return None;
        }
        let (rest, reference) = match rest.split_once('#') {
            Some((rest, reference)) => (rest, Some(reference)),
            None => (rest, None),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        Some(Url {
            protocol,
            authority,
            path,
            query,
            reference,
        })
    }

    fn user(&self) -> Option<&'a str> {
        self.authority.rsplit_once('@').map(|(user, _)| user)
    }

    /// The port must be a number.
    fn host(&self) -> Option<&'a str> {
        let host = self.authority.rsplit_once('@').map_or(self.authority, |(_, host)| host);
        if host.starts_with('[') {
            return host.find(']').map(|end| &host[..=end]);
        }
        match host.split_once(':') {
            Some((host, port)) => (port.is_empty() || port.parse::<u16>().is_ok()).then_some(host),
            None => Some(host),
        }
    }
}

fn parse_url(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let part = |i: usize| -> Option<String> {
        let (url, part) = (Url::parse(text(&args[0], i)?)?, text(&args[1], i)?);
        let host = url.host()?;
        if let Some(key) = args.get(2) {
            let key = text(key, i)?;
            let query = url.query.filter(|_| part == "QUERY")?;
            return query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=').map(str::to_string));
        }
        match part {
            "HOST" => Some(host.to_string()),
            "PATH" => Some(url.path.to_string()),
            "QUERY" => url.query.map(str::to_string),
            "REF" => url.reference.map(str::to_string),
            "PROTOCOL" => Some(url.protocol),
            "FILE" => Some(match url.query {
                Some(query) => format!("{}?{query}", url.path),
                None => url.path.to_string(),
            }),
            "AUTHORITY" => Some(url.authority.to_string()),
            "USERINFO" => url.user().map(str::to_string),
            _ => None,
        }
    };
    texts(rows, part)
}
