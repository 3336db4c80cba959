//! Where reading goes on: a persisted text, pinned by a test.

use millstream_dataflow::{Error, Result};

/// An object of the journal, and a record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) object: u64,
    pub(super) record: u64,
}

impl Position {
    pub(super) fn start_of(object: u64) -> Self {
        Position { object, record: 0 }
    }
    pub(super) fn text(self) -> String {
        format!("v1 {} {}", self.object, self.record)
    }
    pub(super) fn parse(text: &str) -> Result<Position> {
        let numbers = text.strip_prefix("v1 ").and_then(|t| t.split_once(' '));
        let position = numbers.and_then(|(object, record)| {
            Some(Position {
                object: object.parse().ok()?,
                record: record.parse().ok()?,
            })
        });
        position.ok_or_else(|| Error::corrupt(format!("\"{text}\" is no position of an http source")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_pinned() {
        let position = Position { object: 17, record: 3 };
        assert_eq!(position.text(), "v1 17 3");
        assert_eq!(Position::parse("v1 17 3").unwrap(), position);
        for wrong in ["", "v2 17 3", "v1 17", "v1 17 3 4", "v1 -1 3", "v1 17 x"] {
            assert!(Position::parse(wrong).is_err(), "{wrong}");
        }
    }
}
