//! How what a text means looks on a terminal.

use super::line::{Line, Mark};
use millstream_sql::edit::Part;
use nu_ansi_term::{Color, Style};
use std::io::IsTerminal;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    pub(crate) colours: bool,
    /// Whether lines can be drawn again in place.
    pub(crate) moves: bool,
    /// Whether lines wrap when it becomes narrower, as they do but for xterm, GNU screen and the console.
    pub(crate) wraps: bool,
}

impl Terminal {
    /// - `colours`: whether they are wanted
    pub(crate) fn here(colours: bool) -> Terminal {
        let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let moves = is_terminal && std::env::var_os("TERM").is_some_and(|t| t != "dumb" && !t.is_empty());
        let is_set = |name: &str| std::env::var_os(name).is_some();
        let is_console = std::env::var("TERM").is_ok_and(|t| t == "linux");
        let wraps = !(is_set("XTERM_VERSION") || is_set("STY") || is_console);
        Terminal { moves, colours, wraps }
    }
    /// A line with the codes of its looks.
    pub(crate) fn paint(self, line: &Line) -> String {
        if !self.colours {
            return line.text();
        }
        line.0.iter().map(|span| of_mark(span.mark).paint(&span.text).to_string()).collect()
    }
}

fn of_mark(mark: Mark) -> Style {
    match mark {
        Mark::Plain => Style::new(),
        Mark::Dim => Color::DarkGray.normal(),
        Mark::Head => Style::new().bold(),
        Mark::Changed => Style::new().reverse(),
        Mark::Added => Color::Green.normal(),
        Mark::Removed => Color::Red.normal(),
        Mark::Wrong => Color::Red.bold(),
    }
}

pub(crate) fn of_part(part: Part) -> Style {
    match part {
        Part::Keyword => Color::Blue.bold(),
        Part::Function => Color::Cyan.normal(),
        Part::Type => Color::Purple.normal(),
        Part::Text => Color::Green.normal(),
        Part::Number => Color::Yellow.normal(),
        Part::Comment => Color::DarkGray.italic(),
        Part::Unmatched => Color::Red.underline(),
        Part::Name | Part::Sign | Part::Space => Style::new(),
    }
}
