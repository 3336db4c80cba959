//! A finding with the lines it stands in, as compilers show it.

use super::{Diagnostic, Severity, secrets};
use millstream_dataflow::Span;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// ANSI sequences for the parts of a message, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    error: &'static str,
    warning: &'static str,
    advice: &'static str,
    strong: &'static str,
    frame: &'static str,
    end: &'static str,
}

impl Palette {
    /// For files and pipes.
    pub const PLAIN: Palette = Palette {
        error: "",
        warning: "",
        advice: "",
        strong: "",
        frame: "",
        end: "",
    };
    /// For terminals.
    pub const COLOURS: Palette = Palette {
        error: "\u{1b}[1;31m",
        warning: "\u{1b}[1;33m",
        advice: "\u{1b}[1;36m",
        strong: "\u{1b}[1m",
        frame: "\u{1b}[1;34m",
        end: "\u{1b}[0m",
    };
    fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Error => self.error,
            Severity::Warning => self.warning,
            Severity::Advice => self.advice,
        }
    }
}

impl Diagnostic {
    /// The finding as text. Values of secret options are not shown.
    ///
    /// - `text`: what it was found in; `file`: what that is called
    pub fn render(&self, text: &str, file: &str, palette: &Palette) -> String {
        let (strong, frame, end) = (palette.strong, palette.frame, palette.end);
        let severity = palette.severity(self.severity);
        let code = self.code.map_or(String::new(), |c| format!("[{c}]"));
        let mut out = format!("{severity}{}{code}{end}{strong}: {}{end}\n", self.severity.name(), self.message);
        let width = self.width();
        match self.primary {
            Some(span) => {
                let _ = writeln!(out, "{:width$}{frame}-->{end} {file}:{}:{}", "", span.start.line, span.start.column);
                let _ = writeln!(out, "{:width$} {frame}|{end}", "");
                let shown = match self.code {
                    Some("E0501" | "E0515") => secrets::without_value_of(text, span),
                    _ => secrets::without_secrets(text),
                };
                self.lines(&shown, palette, &mut out);
            }
            None if file.is_empty() => {}
            None => {
                let _ = writeln!(out, " {frame}-->{end} {file}");
            }
        }
        for note in &self.notes {
            let _ = writeln!(out, " {strong}note:{end} {note}");
        }
        for help in &self.helps {
            let _ = writeln!(out, " {strong}help:{end} {help}");
        }
        out
    }

    /// Digits of the greatest line number that is shown.
    fn width(&self) -> usize {
        let lines = self.primary.iter().chain(self.labels.iter().map(|l| &l.span)).map(|s| s.start.line);
        lines.max().unwrap_or(0).to_string().len()
    }

    /// The lines of the places, in the order of the text, each with what is marked in it.
    fn lines(&self, text: &str, palette: &Palette, out: &mut String) {
        let (frame, end, width) = (palette.frame, palette.end, self.width());
        let mut marks: Vec<(Span, Option<&str>)> = self.labels.iter().map(|l| (l.span, Some(l.text.as_str()))).collect();
        marks.extend(self.primary.map(|span| (span, None)));
        marks.sort_by_key(|(span, _)| span.start);
        let mut last = None;
        for (span, label) in marks {
            let number = span.start.line;
            let Some(line) = text.lines().nth(number.saturating_sub(1) as usize) else {
                continue;
            };
            let (line, indent, length) = marked(line, span);
            if last != Some(number) {
                if last.is_some_and(|last| last + 1 < number) {
                    let _ = writeln!(out, "{frame}...{end}");
                }
                let _ = writeln!(out, "{frame}{number:>width$} |{end} {line}");
            }
            last = Some(number);
            let (colour, mark, said) = match label {
                None => (palette.severity(self.severity), "^", String::new()),
                Some(said) => (frame, "-", format!(" {said}")),
            };
            let _ = writeln!(out, "{:width$} {frame}|{end} {indent}{colour}{}{said}{end}", "", mark.repeat(length));
        }
    }
}

/// Characters of a line that are shown at most: those around the place.
const LINE_MAX: usize = 240;

/// A line, or the part of it that matters; what stands below it before the mark; the mark's length.
fn marked(line: &str, span: Span) -> (String, String, usize) {
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
    // Some characters take two columns, some none.
    let columns = |c: &char| c.width().unwrap_or(1);
    let below = |c: &char| if *c == '\t' { "\t".to_string() } else { " ".repeat(columns(c)) };
    let indent: String = chars[first..from].iter().map(below).collect();
    let length: usize = chars[from..to.min(last).max(from)].iter().map(columns).sum();
    (
        format!("{before}{shown}{after}"),
        format!("{}{indent}", if first > 0 { " " } else { "" }),
        length.max(1),
    )
}

#[cfg(test)]
mod tests {
    use super::{Palette, marked};
    use crate::diagnostic::{Diagnostic, Severity};
    use millstream_dataflow::{Label, Span};

    #[test]
    fn marks_stand_below_wide_characters() {
        let line = "SELECT `日本`, nämé";
        let (shown, indent, length) = marked(line, Span::new((1, 14), (1, 18)));
        assert_eq!((shown.as_str(), indent.len(), length), (line, 15, 4));
        assert_eq!(marked("日本", Span::new((1, 1), (1, 3))).2, 4);
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let line = format!("{}X{}", "a".repeat(1_000), "b".repeat(1_000));
        let (shown, indent, length) = marked(&line, Span::new((1, 1_001), (1, 1_002)));
        assert_eq!(shown.chars().count(), 242);
        assert_eq!((Some(indent.chars().count()), length), (shown.chars().position(|c| c == 'X'), 1));
        assert_eq!(marked("a\0b", Span::new((1, 3), (1, 4))), ("a\u{fffd}b".to_string(), "  ".to_string(), 1));
        assert_eq!(marked("a", Span::new((1, 9), (1, 12))), ("a".to_string(), " ".to_string(), 1));
    }

    #[test]
    fn places_are_shown_in_the_order_of_the_text() {
        let text = "CREATE TABLE orders (\n  ts TIMESTAMP(3)\n);\n\nSELECT ts FROM orders, orders";
        let finding = Diagnostic::new(Severity::Warning, "W0401", Span::new((5, 8), (5, 10)), "something")
            .note("one")
            .help("two");
        let label = |span, text: &str| Label { span, text: text.to_string() };
        let labels = vec![
            label(Span::new((5, 16), (5, 22)), "here, too"),
            label(Span::new((2, 3), (2, 5)), "declared here"),
        ];
        let shown = Diagnostic { labels, ..finding }.render(text, "f.sql", &Palette::PLAIN);
        let expected = "warning[W0401]: something\n --> f.sql:5:8\n  |\n2 |   ts TIMESTAMP(3)\n  |   -- declared here\n...\n5 | SELECT ts FROM orders, orders\n  \
                        |        ^^\n  |                ------ here, too\n note: one\n help: two\n";
        assert_eq!(shown, expected);
    }
}
