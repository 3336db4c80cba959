//! A finding with the lines it stands in, as compilers show it.

use super::{Diagnostic, Severity, secrets};
use millstream_dataflow::Span;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// How messages look: ANSI sequences for their parts, or nothing, and how wide the lines of a text may be.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    error: &'static str,
    warning: &'static str,
    advice: &'static str,
    strong: &'static str,
    frame: &'static str,
    end: &'static str,
    columns: usize,
}

/// Columns of a text where no terminal says how many it has.
const COLUMNS: usize = 240;
/// Narrowest that a line is shown.
const COLUMNS_MIN: usize = 20;

impl Palette {
    /// For files and pipes.
    pub const PLAIN: Palette = Palette {
        error: "",
        warning: "",
        advice: "",
        strong: "",
        frame: "",
        end: "",
        columns: COLUMNS,
    };
    /// For terminals.
    pub const COLOURS: Palette = Palette {
        error: "\u{1b}[1;31m",
        warning: "\u{1b}[1;33m",
        advice: "\u{1b}[1;36m",
        strong: "\u{1b}[1m",
        frame: "\u{1b}[1;34m",
        end: "\u{1b}[0m",
        columns: COLUMNS,
    };
    /// The same on a terminal with so many columns: of longer lines the part around the place is shown.
    pub const fn within(self, columns: usize) -> Palette {
        Palette { columns, ..self }
    }
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
        let columns = palette.columns.saturating_sub(width + 3).clamp(COLUMNS_MIN, COLUMNS);
        let mut last: Option<(u64, Part)> = None;
        for (span, label) in marks {
            let number = span.start.line;
            let Some(line) = text.lines().nth(number.saturating_sub(1) as usize) else {
                continue;
            };
            let line = Marked::new(line, span);
            let part = match &last {
                Some((shown, part)) if *shown == number && part.holds(line.from) => *part,
                _ => {
                    if last.is_some_and(|(shown, _)| shown + 1 < number) {
                        let _ = writeln!(out, "{frame}...{end}");
                    }
                    let part = line.part(columns);
                    let _ = writeln!(out, "{frame}{number:>width$} |{end} {}", line.shown(part));
                    part
                }
            };
            last = Some((number, part));
            let (indent, length) = line.below(part);
            let (colour, mark, said) = match label {
                None => (palette.severity(self.severity), "^", String::new()),
                Some(said) => (frame, "-", format!(" {said}")),
            };
            let _ = writeln!(out, "{:width$} {frame}|{end} {indent}{colour}{}{said}{end}", "", mark.repeat(length));
        }
    }
}

/// A line, and the place in it, in characters.
struct Marked {
    chars: Vec<char>,
    from: usize,
    to: usize,
}

/// The part of a line that is shown, in characters.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: usize,
    last: usize,
}

impl Part {
    fn holds(&self, at: usize) -> bool {
        (self.first..self.last.max(self.first + 1)).contains(&at)
    }
}

impl Marked {
    fn new(line: &str, span: Span) -> Marked {
        // Control characters would act on the terminal. Tabs stay tabs, also below, so that the caret stands under its column.
        let chars: Vec<char> = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        let from = (span.start.column.saturating_sub(1) as usize).min(chars.len());
        let to = if span.end.line == span.start.line {
            (span.end.column.saturating_sub(1) as usize).clamp(from, chars.len())
        } else {
            chars.len()
        };
        Marked { chars, from, to }
    }

    /// The whole line, or as much as there is room for around the place.
    fn part(&self, columns: usize) -> Part {
        let all = self.chars.len();
        let wide = |range: std::ops::Range<usize>| self.chars[range].iter().map(columns_of).sum::<usize>();
        if wide(0..all) <= columns {
            return Part { first: 0, last: all };
        }
        let room = columns - 2;
        // Characters from a place on, and up to it, that have room.
        let after = |at: usize, room: usize| (at..all).take_while(|i| wide(at..i + 1) <= room).count();
        let before = |at: usize, room: usize| (0..at).rev().take_while(|i| wide(*i..at) <= room).count();
        let mark = wide(self.from..self.to).clamp(1, room);
        let mut first = self.from - before(self.from, (room - mark) / 2);
        // A sign for each end that is cut.
        let last = first + after(first, if first == 0 { columns - 1 } else { room });
        if last == all {
            first = all - before(all, columns - 1);
        }
        Part { first, last }
    }

    fn shown(&self, part: Part) -> String {
        let (before, after) = (if part.first > 0 { "…" } else { "" }, if part.last < self.chars.len() { "…" } else { "" });
        let shown: String = self.chars[part.first..part.last].iter().collect();
        format!("{before}{shown}{after}")
    }

    /// What stands below it before the mark, and how long that is.
    fn below(&self, part: Part) -> (String, usize) {
        let below = |c: &char| if *c == '\t' { "\t".to_string() } else { " ".repeat(c.width().unwrap_or(1)) };
        let indent: String = self.chars[part.first..self.from].iter().map(below).collect();
        let length: usize = self.chars[self.from..self.to.min(part.last).max(self.from)]
            .iter()
            .map(|c| c.width().unwrap_or(1))
            .sum();
        (format!("{}{indent}", if part.first > 0 { " " } else { "" }), length.max(1))
    }
}

/// Columns that a character takes on a terminal: some take two, some none, a tab as many as it can.
fn columns_of(c: &char) -> usize {
    match c {
        '\t' => 8,
        c => c.width().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Marked, Palette};
    use crate::diagnostic::{Diagnostic, Severity};
    use millstream_dataflow::{Label, Span};

    fn marked(line: &str, span: Span, columns: usize) -> (String, String, usize) {
        let line = Marked::new(line, span);
        let part = line.part(columns);
        let (indent, length) = line.below(part);
        (line.shown(part), indent, length)
    }

    #[test]
    fn marks_stand_below_wide_characters() {
        let line = "SELECT `日本`, nämé";
        let (shown, indent, length) = marked(line, Span::new((1, 14), (1, 18)), COLUMNS);
        assert_eq!((shown.as_str(), indent.len(), length), (line, 15, 4));
        assert_eq!(marked("日本", Span::new((1, 1), (1, 3)), COLUMNS).2, 4);
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let line = format!("{}X{}", "a".repeat(1_000), "b".repeat(1_000));
        let (shown, indent, length) = marked(&line, Span::new((1, 1_001), (1, 1_002)), COLUMNS);
        assert_eq!(shown.chars().count(), 240);
        assert_eq!((Some(indent.chars().count()), length), (shown.chars().position(|c| c == 'X'), 1));
        assert_eq!(
            marked("a\0b", Span::new((1, 3), (1, 4)), COLUMNS),
            ("a\u{fffd}b".to_string(), "  ".to_string(), 1)
        );
        assert_eq!(marked("a", Span::new((1, 9), (1, 12)), COLUMNS), ("a".to_string(), " ".to_string(), 1));
    }

    #[test]
    fn a_line_is_no_wider_than_the_terminal() {
        let line = "SELECT one, two, three, four, five FROM t";
        let shown = |from, to| {
            let (shown, indent, length) = marked(line, Span::new((1, from), (1, to)), 20);
            format!("{shown}\n{indent}{}", "^".repeat(length))
        };
        assert_eq!(shown(1, 7), "SELECT one, two, th…\n^^^^^^");
        assert_eq!(shown(18, 23), "… two, three, four,…\n       ^^^^^");
        assert_eq!(shown(41, 42), "…, four, five FROM t\n                   ^");
        // The beginning of a long place.
        assert_eq!(shown(8, 42), "…one, two, three, f…\n ^^^^^^^^^^^^^^^^^^");
        assert_eq!(marked("日本日本日本日本日本日本", Span::new((1, 12), (1, 13)), 20).0, "…本日本日本日本日本");
    }

    #[test]
    fn a_place_that_is_not_in_the_part_shown_has_a_part_of_its_own() {
        let text = format!("SELECT a, {}b FROM t", "x, ".repeat(20));
        let finding = Diagnostic::new(Severity::Error, "E0201", Span::new((1, 71), (1, 72)), "no b");
        let labels = [(8, "one"), (11, "two")].map(|(at, said)| Label {
            span: Span::new((1, at), (1, at + 1)),
            text: said.to_string(),
        });
        let shown = Diagnostic {
            labels: labels.to_vec(),
            ..finding
        }
        .render(&text, "f.sql", &Palette::PLAIN.within(28));
        assert_eq!(
            shown,
            "error[E0201]: no b\n --> f.sql:1:71\n  |\n1 | SELECT a, x, x, x, x, x…\n  |        - one\n  |           - two\n1 | …x, x, x, x, x, b FROM t\n  |                 ^\n"
        );
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
