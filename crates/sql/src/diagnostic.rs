//! Errors with the line they stand in.

use millstream_dataflow::option::is_secret;
use millstream_dataflow::{Error, Span};
use std::fmt::Write;

/// An error as rustc would show it.
pub fn render(error: &Error, text: &str, file: &str) -> String {
    let code = error.code.map_or(String::new(), |c| format!("[{c}]"));
    let mut out = format!("error{code}: {}\n", error.message);
    if let Some(span) = error.span {
        let width = span.start.line.to_string().len();
        let _ = writeln!(out, "{:width$}--> {file}:{}:{}", "", span.start.line, span.start.column);
        let text = without_secrets(text);
        if let Some(line) = text.lines().nth(span.start.line.saturating_sub(1) as usize) {
            let (line, carets) = marked(line, span);
            let _ = writeln!(out, "{:width$} |", "");
            let _ = writeln!(out, "{} | {line}", span.start.line);
            let _ = writeln!(out, "{:width$} | {carets}", "");
        }
    } else {
        let _ = writeln!(out, " --> {file}");
    }
    if let Some(detail) = &error.detail {
        let _ = writeln!(out, " note: {detail}");
    }
    for cause in error.causes() {
        let _ = writeln!(out, " cause: {cause}");
    }
    if let Some(hint) = &error.hint {
        let _ = writeln!(out, " help: {hint}");
    }
    out
}

/// Characters of a line that are shown at most: those around the place.
const LINE_MAX: usize = 240;

/// A line, or the part of it that matters, and the carets below.
fn marked(line: &str, span: Span) -> (String, String) {
    // Control characters would act on the terminal. Tabs stay tabs, also below, so that the caret stands under its column.
    let chars: Vec<char> = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    let from = (span.start.column.saturating_sub(1) as usize).min(chars.len());
    let first = if chars.len() > LINE_MAX { from.saturating_sub(LINE_MAX / 2) } else { 0 };
    let last = (first + LINE_MAX).min(chars.len());
    let to = if span.end.line == span.start.line {
        span.end.column.saturating_sub(1) as usize
    } else {
        chars.len()
    };
    let (before, after) = (if first > 0 { "…" } else { "" }, if last < chars.len() { "…" } else { "" });
    let shown: String = chars[first..last].iter().collect();
    let indent: String = chars[first..from].iter().map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat(to.min(last).saturating_sub(from).max(1));
    (
        format!("{before}{shown}{after}"),
        format!("{}{indent}{carets}", if first > 0 { " " } else { "" }),
    )
}

/// The text with the values of secret options (`'…password' = '…'`) as asterisks, each character in its place. What follows a secret's
/// key is taken for its value although the text is wrong: without the `=`, with a `,` in its place, without quotes.
fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut awaited = Awaited::Nothing;
    let mut after_equals = false;
    while let Some(c) = rest.chars().next() {
        let (kind, end) = piece(rest);
        let (this, after) = rest.split_at(end);
        match (&kind, awaited) {
            (Piece::Literal, Awaited::Secret) => {
                out.extend(this.chars().map(|c| if c == '\n' || c == '\'' { c } else { '*' }));
                awaited = Awaited::Nothing;
            }
            (Piece::Literal, _) => {
                if is_secret(this) && !after_equals {
                    awaited = Awaited::Secret;
                }
                out.push_str(this);
            }
            (Piece::Other, Awaited::Secret | Awaited::Rest) if !c.is_whitespace() && !matches!(c, '=' | ',' | '(' | ')' | ';') => {
                out.extend(this.chars().map(|c| if c == '\n' { c } else { '*' }));
                awaited = Awaited::Rest;
            }
            _ => {
                if awaited == Awaited::Rest && !c.is_whitespace() {
                    awaited = Awaited::Nothing;
                }
                out.push_str(this);
            }
        }
        if !matches!(kind, Piece::Comment) && !c.is_whitespace() {
            after_equals = c == '=';
        }
        rest = after;
    }
    out
}

/// What is to come after a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// A secret's value.
    Secret,
    /// The rest of a secret without quotes.
    Rest,
}

enum Piece {
    Literal,
    Comment,
    Other,
}

/// The first piece of a text that is not empty, and where it ends.
fn piece(text: &str) -> (Piece, usize) {
    let upto = |close: &str, from: usize| text[from..].find(close).map_or(text.len(), |at| from + at + close.len());
    if text.starts_with("--") {
        return (Piece::Comment, upto("\n", 0));
    }
    if text.starts_with("/*") {
        return (Piece::Comment, upto("*/", 2));
    }
    if text.starts_with('`') {
        return (Piece::Other, upto("`", 1));
    }
    if text.starts_with('\'') {
        let mut end = upto("'", 1);
        while text[end..].starts_with('\'') {
            end = upto("'", end + 1);
        }
        return (Piece::Literal, end);
    }
    (Piece::Other, text.chars().next().map_or(0, char::len_utf8))
}

/// What is not there yet, and where.
pub(crate) fn unsupported(what: impl std::fmt::Display, span: Span) -> Error {
    Error::sql(format!("{what} is not supported yet")).code("E0101").span(span)
}

#[cfg(test)]
mod tests {
    use super::{marked, without_secrets};
    use millstream_dataflow::Span;

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let line = format!("{}X{}", "a".repeat(1_000), "b".repeat(1_000));
        let (shown, carets) = marked(&line, Span::new((1, 1_001), (1, 1_002)));
        assert_eq!(shown.chars().count(), 242);
        assert_eq!(carets.find('^'), shown.chars().position(|c| c == 'X'));
        assert_eq!(marked("a\0b", Span::new((1, 3), (1, 4))), ("a\u{fffd}b".to_string(), "  ^".to_string()));
        assert_eq!(marked("a", Span::new((1, 9), (1, 12))), ("a".to_string(), " ^".to_string()));
    }

    #[test]
    fn secrets_become_asterisks_in_place() {
        let text = "-- don't\nWITH ('a.password' = 'se''cret', 'path' = 'x',\n 's3.secret-key'='k', 'b' = 'password', 'c' = 'd')";
        let shown = "-- don't\nWITH ('a.password' = '**''****', 'path' = 'x',\n 's3.secret-key'='*', 'b' = 'password', 'c' = 'd')";
        assert_eq!(without_secrets(text), shown);
    }

    #[test]
    fn wrong_texts_show_no_secrets_either() {
        for (text, shown) in [
            ("('a.password' 'hunter2', 'b' = 'c')", "('a.password' '*******', 'b' = 'c')"),
            ("('a.password', 'hunter2', 'b' = 'c')", "('a.password', '*******', 'b' = 'c')"),
            ("('a.password' = hunter-2, 'b' = 'c')", "('a.password' = ********, 'b' = 'c')"),
            ("('a.password' = \"hunter2\", 'b' = c)", "('a.password' = *********, 'b' = c)"),
            ("('a.password' = /* 'x' */ 'hunter2')", "('a.password' = /* 'x' */ '*******')"),
            ("('a.passwrod' = 'hunter2')", "('a.passwrod' = '*******')"),
            ("('a.password' = 'open\n end", "('a.password' = '****\n****"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
