//! What clients are told: a small JSON text, and what to do.

use super::intake::Verdict;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use std::time::Duration;
use tokio::time::timeout;

/// When it is worth to ask again: a rate is per second; what is pending goes with a checkpoint; a job that restarts, or a store, takes its time.
const RETRY_RATE: &str = "1";
const RETRY_PENDING: &str = "2";
const RETRY_UNAVAILABLE: &str = "2";

/// How much of a refused body is read, and how long it may take to come.
const REST_MAX: u64 = 64 << 10;
const REST_WITHIN: Duration = Duration::from_secs(1);

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownPath(String),
    WrongMethod,
    Unauthorized,
    TooMany,
    TooLarge { max: u64 },
    Full,
    TooSlow,
    UnknownEncoding(String),
    Malformed(String),
    OtherBody,
    NotRunning,
    NotStored,
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 200: what was sent is durable.
pub(super) fn accepted(records: u32) -> Response<Full<Bytes>> {
    json(StatusCode::OK, &serde_json::json!({ "accepted": records }))
}

/// Refuses a request. What is left of its body would be taken for the next one: a short rest is read and thrown away, otherwise the
/// connection ends, and the client is told so.
pub(super) async fn refused(refusal: &Refusal, body: Incoming) -> Response<Full<Bytes>> {
    let mut response = told(refusal);
    if !timeout(REST_WITHIN, is_read(body)).await.unwrap_or(false) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads what is left of a body, if it is not much.
async fn is_read(mut body: Incoming) -> bool {
    let mut left = REST_MAX;
    while !body.is_end_stream() {
        if body.size_hint().lower() > left {
            return false;
        }
        match body.frame().await {
            None => return true,
            Some(Err(_)) => return false,
            Some(Ok(frame)) => match left.checked_sub(frame.data_ref().map_or(0, Bytes::len) as u64) {
                Some(rest) => left = rest,
                None => return false,
            },
        }
    }
    true
}

fn told(refusal: &Refusal) -> Response<Full<Bytes>> {
    use Refusal as R;
    let retry = |after| Some((RETRY_AFTER, after));
    let (status, error, header): (StatusCode, String, Option<(HeaderName, &'static str)>) = match refusal {
        R::UnknownPath(path) => (
            StatusCode::NOT_FOUND,
            format!("no table takes requests at {path}: check the table's option 'path'"),
            None,
        ),
        R::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "records are sent by POST".into(), Some((ALLOW, "POST"))),
        R::Unauthorized => (
            StatusCode::UNAUTHORIZED,
            "send the table's token: Authorization: Bearer <token>".into(),
            Some((WWW_AUTHENTICATE, "Bearer")),
        ),
        R::TooMany => (
            StatusCode::TOO_MANY_REQUESTS,
            "more requests than 'max-requests-per-second' allows: send this one again later, or more records in each".into(),
            retry(RETRY_RATE),
        ),
        R::Full => (
            StatusCode::TOO_MANY_REQUESTS,
            "more bytes wait than 'max-pending-bytes' allows: send this request again later".into(),
            retry(RETRY_PENDING),
        ),
        R::TooLarge { max } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body has more than the {max} bytes that 'max-body-size' allows: send its records in several requests"),
            None,
        ),
        R::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time: send the request again".into(),
            None,
        ),
        R::UnknownEncoding(encoding) => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("bodies with Content-Encoding {encoding} are not unpacked: send them as they are, or with gzip"),
            None,
        ),
        R::Malformed(what) => (StatusCode::BAD_REQUEST, what.clone(), None),
        R::OtherBody => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "the Idempotency-Key was used for another body: give each request a key of its own".into(),
            None,
        ),
        R::NotRunning => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the job starts, stops or has failed: send the request again later".into(),
            retry(RETRY_UNAVAILABLE),
        ),
        R::NotStored => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the request could not be made durable: send it again later, with the same Idempotency-Key if it has one".into(),
            retry(RETRY_UNAVAILABLE),
        ),
    };
    let mut response = json(status, &serde_json::json!({ "error": error }));
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(super) fn decided(verdict: &Verdict) -> Response<Full<Bytes>> {
    match verdict {
        Verdict::Accepted { records } => accepted(*records),
        Verdict::OtherBody => told(&Refusal::OtherBody),
        Verdict::NotStored => told(&Refusal::NotStored),
        Verdict::NotRunning => told(&Refusal::NotRunning),
    }
}
