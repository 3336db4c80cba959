//! Where something stands in a SQL text.

/// A place in a text: both parts count from 1, the column in characters (not bytes).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// A stretch of a text, from the first character to the one after the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first character.
    pub start: Location,
    /// The character after the last one.
    pub end: Location,
}

impl Span {
    /// A span between two (line, column) pairs.
    pub const fn new(start: (u64, u64), end: (u64, u64)) -> Self {
        Span {
            start: Location {
                line: start.0,
                column: start.1,
            },
            end: Location { line: end.0, column: end.1 },
        }
    }
}

impl Span {
    /// The same, so many lines further down.
    pub const fn moved_down(mut self, lines: u64) -> Self {
        self.start.line += lines;
        self.end.line += lines;
        self
    }
    /// The same, so many lines further up, as far as there are any.
    pub const fn moved_up(mut self, lines: u64) -> Self {
        self.start.line = self.start.line.saturating_sub(lines);
        self.end.line = self.end.line.saturating_sub(lines);
        self
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.start.line, self.start.column)
    }
}
