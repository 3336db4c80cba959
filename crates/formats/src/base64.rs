//! BYTES in JSON and CSV: standard base64, as Jackson does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
