//! A table's door: what a request must be to get in.

use super::answer::{Refusal, decided, refused};
use super::group::Entry;
use super::intake::{Held, Intake, Verdict};
use super::keys::Key;
use super::lines::Lines;
use super::rate::Rate;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use millstream_dataflow::Clock;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long a body may take to come, and its client waits for the answer then.
const BODY_WITHIN: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest idempotency key.
const KEY_BYTES_MAX: usize = 255;
/// Bytes unpacked at once.
const UNPACKED: usize = 64 << 10;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(super) struct Endpoint {
    pub(super) table: String,
    pub(super) intake: Arc<Intake>,
    pub(super) lines: Lines,
    /// Of the token: comparing these tells nothing of it by the time it takes.
    pub(super) token: Option<[u8; 32]>,
    pub(super) body_max: u64,
    // A std mutex: held to count.
    pub(super) rate: Option<Mutex<Rate>>,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Endpoint {
    pub(super) async fn answer(&self, request: Request<Incoming>, remote: String) -> Response<Full<Bytes>> {
        let (parts, mut body) = request.into_parts();
        let (entry, held) = match self.entry(&parts, &mut body, remote).await {
            Ok(taken) => taken,
            Err(refusal) => return refused(&refusal, body).await,
        };
        if entry.records == 0 && entry.key.is_none() {
            return decided(&Verdict::Accepted { records: 0 });
        }
        let verdict = timeout(ANSWER_WITHIN, self.intake.submit(entry, held)).await;
        decided(&verdict.unwrap_or(Verdict::NotStored))
    }

    async fn entry(&self, parts: &Parts, body: &mut Incoming, remote: String) -> Result<(Entry, Held), Refusal> {
        if parts.method != Method::POST {
            return Err(Refusal::WrongMethod);
        }
        self.authorize(&parts.headers)?;
        if !self.intake.is_open() {
            return Err(Refusal::NotRunning);
        }
        if let Some(rate) = &self.rate
            && !rate.lock().unwrap_or_else(PoisonError::into_inner).take(self.clock.monotonic())
        {
            return Err(Refusal::TooMany);
        }
        let key = key(&parts.headers)?;
        let packed = is_packed(&parts.headers)?;
        let mut held = Held::new(&self.intake.pending);
        let body = timeout(BODY_WITHIN, self.read(body, &mut held)).await.map_err(|_| Refusal::TooSlow)??;
        let body = if packed { self.unpack(&body, &mut held)? } else { body };
        let entry = Entry {
            received_ms: self.clock.now_ms(),
            remote,
            records: self.lines.split(&body).len() as u32,
            key: key.map(|text| Key { text, digest: digest(&body) }),
            body,
        };
        Ok((entry, held))
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let sent = headers.get(AUTHORIZATION).map(|h| h.as_bytes()).unwrap_or_default();
        let (scheme, sent) = sent.split_at_checked("bearer ".len()).unwrap_or_default();
        match scheme.eq_ignore_ascii_case(b"bearer ") && digest(sent.trim_ascii()) == *token {
            true => Ok(()),
            false => Err(Refusal::Unauthorized),
        }
    }

    async fn read(&self, body: &mut Incoming, held: &mut Held) -> Result<Bytes, Refusal> {
        let too_large = Refusal::TooLarge { max: self.body_max };
        let hint = body.size_hint();
        if hint.lower() > self.body_max {
            return Err(too_large);
        }
        // Not after the whole body has come.
        if !self.intake.pending.has_space(hint.lower()) {
            return Err(Refusal::Full);
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::Malformed("the body was cut off: send the request again".into()))?;
            let Ok(data) = frame.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > self.body_max {
                return Err(too_large);
            }
            if !held.add(data.len() as u64) {
                return Err(Refusal::Full);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    fn unpack(&self, packed: &[u8], held: &mut Held) -> Result<Bytes, Refusal> {
        let mut reader = MultiGzDecoder::new(packed);
        let (mut whole, mut piece) = (BytesMut::new(), vec![0; UNPACKED]);
        loop {
            let read = reader.read(&mut piece);
            let n = read.map_err(|_| Refusal::Malformed("the body is no gzip, or damaged".into()))?;
            if n == 0 {
                return Ok(whole.freeze());
            }
            if (whole.len() + n) as u64 > self.body_max {
                return Err(Refusal::TooLarge { max: self.body_max });
            }
            if !held.add(n as u64) {
                return Err(Refusal::Full);
            }
            whole.extend_from_slice(&piece[..n]);
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= KEY_BYTES_MAX => Ok(Some(text.to_string())),
        _ => Err(Refusal::Malformed(format!(
            "an Idempotency-Key has 1 to {KEY_BYTES_MAX} visible ASCII characters"
        ))),
    }
}

/// Whether the body comes as gzip.
fn is_packed(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(false) };
    let encoding = value.to_str().unwrap_or("?").trim();
    match encoding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Ok(true),
        "identity" => Ok(false),
        _ => Err(Refusal::UnknownEncoding(encoding.to_string())),
    }
}
