//! SQL texts as files hold them.

use std::io::{Error, ErrorKind};

/// The text of a file.
///
/// # Errors
/// `InvalidData`, with the place of what is not UTF-8.
pub fn utf8(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let (before, rest) = e.as_bytes().split_at(e.utf8_error().valid_up_to());
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = String::from_utf8_lossy(before)
            .lines()
            .last()
            .filter(|_| !before.ends_with(b"\n"))
            .map_or(0, |l| l.chars().count())
            + 1;
        let byte = rest.first().map_or(String::new(), |byte| format!(" 0x{byte:02x}"));
        Error::new(
            ErrorKind::InvalidData,
            format!("the byte{byte} in line {line}, column {column}, is no UTF-8: save the file as UTF-8"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::utf8;

    #[test]
    fn bytes_that_are_no_text_have_a_place() {
        let told = |bytes: &[u8]| utf8(bytes.to_vec()).map_err(|e| e.to_string());
        assert_eq!(told("nämé".as_bytes()), Ok("nämé".to_string()));
        let wrong = |place: &str| Err(format!("the byte 0xe4 in {place}, is no UTF-8: save the file as UTF-8"));
        assert_eq!(told(b"\xe4"), wrong("line 1, column 1"));
        assert_eq!(told("a\né".bytes().chain([0xe4]).collect::<Vec<_>>().as_slice()), wrong("line 2, column 2"));
        assert_eq!(told(b"a\n\xe4"), wrong("line 2, column 1"));
    }
}
