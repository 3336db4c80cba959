//! Colours, where they are wanted: <https://no-color.org>, <https://bixense.com/clicolors>.

use crate::display::Color;
use millstream_sql::Palette;
use std::env::var_os;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[derive(Clone, Copy)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Yellow,
}

pub(crate) fn paint(color: bool, paint: Paint, text: &str) -> String {
    let code = match (color, paint) {
        (false, _) => return text.to_string(),
        (true, Paint::Bold) => "1",
        (true, Paint::Dim) => "2",
        (true, Paint::Yellow) => "1;33",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Whether a stream gets colours.
pub(crate) fn wanted(when: Color, is_terminal: bool) -> bool {
    let is_set = |name: &str| var_os(name).is_some_and(|v| !v.is_empty());
    let says = |name: &str, value: &str| var_os(name).is_some_and(|v| v == value);
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if is_set("CLICOLOR_FORCE") && !says("CLICOLOR_FORCE", "0") => true,
        Color::Auto => is_terminal && !says("CLICOLOR", "0") && !is_dumb(),
    }
}

/// Whether the terminal can do no more than print.
pub(crate) fn is_dumb() -> bool {
    var_os("TERM").is_some_and(|t| t == "dumb")
}

/// How messages look on a stream: as wide as its terminal is, if it is one.
pub(crate) fn palette(color: bool, is_terminal: bool) -> Palette {
    let palette = if color { Palette::COLOURS } else { Palette::PLAIN };
    match crossterm::terminal::size() {
        Ok((columns, _)) if is_terminal && columns > 0 => palette.within(columns.into()),
        _ => palette,
    }
}

/// Whether standard error gets colours.
static ERRORS: AtomicBool = AtomicBool::new(false);

pub(crate) fn color_errors(color: bool) {
    ERRORS.store(color, Relaxed);
}

pub(crate) fn errors_are_colored() -> bool {
    ERRORS.load(Relaxed)
}
