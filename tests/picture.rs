//! The picture of a live result in README.md: what `millstream demo` shows at a terminal, as an SVG that moves. `UPDATE=1` makes it anew; else it
//! must tell what the demo tells now.

use crate::harness::root;
use crate::terminal::Terminal;
use anyhow::{Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::fmt::Write as _;
use std::time::Duration;

const PICTURE: &str = "docs/pictures/live.svg";
const TYPED: &str = "$ millstream demo";
const FRAMES: usize = 5;
/// Pixels of a character, and of a line.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 16.0;
/// How long a frame stays.
const SECONDS: usize = 1;

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("docs::the_picture_shows_what_the_demo_does", || {
        picture().map_err(|e| Failed::from(format!("{e:#}")))
    })]
}

fn picture() -> Result<()> {
    let home = tempfile::tempdir()?;
    let terminal = Terminal::run(home.path(), &["demo"], &[])?;
    let path = root().join(PICTURE);
    if std::env::var_os("UPDATE").is_some() {
        terminal.see("coffee")?;
        let mut frames = Vec::new();
        for _ in 0..FRAMES {
            frames.push(terminal.look(lines));
            std::thread::sleep(Duration::from_secs(SECONDS as u64));
        }
        return Ok(std::fs::write(path, svg(&frames))?);
    }
    let screen = terminal.wait("a row and the footer", |screen| screen.contains("coffee") && screen.contains("watermark"))?;
    let shown = std::fs::read_to_string(path)?;
    // What is the same in each run: the head, and the names in the footer.
    let head = screen.lines().find(|l| l.contains("window_end")).unwrap_or_default();
    let footer = screen.lines().find(|l| l.contains("watermark")).unwrap_or_default();
    let words = head.split(['|', ' ']).chain(footer.split(' '));
    let words: Vec<&str> = words
        .filter(|w| w.len() > 2 && w.chars().all(|c| c.is_ascii_alphabetic() || c == '_'))
        .collect();
    ensure!(words.len() > 5, "the screen is\n{screen}");
    for word in words {
        ensure!(shown.contains(word), "{PICTURE} does not show {word:?}; UPDATE=1 makes it anew\n{screen}");
    }
    Ok(())
}

/// A piece of a line in one style.
#[derive(PartialEq)]
struct Piece {
    column: u16,
    text: String,
    colour: &'static str,
    is_bold: bool,
}

impl Piece {
    fn svg(&self, row: usize) -> String {
        let (trimmed, y) = (self.text.trim_start(), MARGIN + (row as f64 + 0.75) * HEIGHT);
        let before = self.text.len() - trimmed.len();
        let text = trimmed.trim_end();
        let x = MARGIN + (f64::from(self.column) + before as f64) * WIDTH;
        let length = text.chars().count() as f64 * WIDTH;
        let weight = if self.is_bold { r#" font-weight="bold""# } else { "" };
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" fill=\"{}\"{weight}>{escaped}</text>\n",
            self.colour
        )
    }
}

fn lines(screen: &vt100::Screen) -> Vec<Vec<Piece>> {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let line = |row: u16| {
        let mut pieces: Vec<Piece> = Vec::new();
        for column in 0..columns {
            let Some(cell) = screen.cell(row, column) else { continue };
            let (colour, is_bold) = (colour(cell.fgcolor()), cell.bold());
            let text = if cell.has_contents() { cell.contents() } else { " " };
            match pieces.last_mut() {
                Some(last) if (last.colour, last.is_bold) == (colour, is_bold) => last.text.push_str(text),
                _ => pieces.push(Piece {
                    column,
                    text: text.to_string(),
                    colour,
                    is_bold,
                }),
            }
        }
        pieces.retain(|p| !p.text.trim().is_empty());
        pieces
    };
    let mut lines: Vec<Vec<Piece>> = (0..rows).map(line).collect();
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn colour(of: vt100::Color) -> &'static str {
    match of {
        vt100::Color::Idx(1 | 9) => "#ff7b72",
        vt100::Color::Idx(2 | 10) => "#7ee787",
        vt100::Color::Idx(3 | 11) => "#e3b341",
        vt100::Color::Idx(4 | 6 | 12 | 14) => "#79c0ff",
        vt100::Color::Idx(5 | 13) => "#d2a8ff",
        vt100::Color::Idx(8) => "#6e7681",
        _ => "#c9d1d9",
    }
}

fn svg(frames: &[Vec<Vec<Piece>>]) -> String {
    let rows = frames.iter().map(Vec::len).max().unwrap_or_default() + 1;
    let pieces = frames.iter().flatten().flatten();
    let columns = pieces
        .map(|p| usize::from(p.column) + p.text.trim_end().chars().count())
        .max()
        .unwrap_or_default();
    let (width, height) = (columns as f64 * WIDTH + 2.0 * MARGIN, rows as f64 * HEIGHT + 2.0 * MARGIN);
    let (all, shown) = (frames.len() * SECONDS, 100.0 / frames.len() as f64);
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="millstream demo at a terminal: rows of a windowed query come as its windows close">
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre }}
.frame {{ opacity: 0; animation: frame {all}s steps(1) infinite }}
@keyframes frame {{ 0% {{ opacity: 1 }} {shown:.2}% {{ opacity: 0 }} }}
@media (prefers-reduced-motion: reduce) {{ .frame {{ animation: none }} .frame:last-child {{ opacity: 1 }} }}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
"##
    );
    let typed = Piece {
        column: 0,
        text: TYPED.to_string(),
        colour: "#7ee787",
        is_bold: true,
    };
    out += &typed.svg(0);
    for (i, lines) in frames.iter().enumerate() {
        let _ = writeln!(out, r#"<g class="frame" style="animation-delay: {}s">"#, i * SECONDS);
        for (row, pieces) in lines.iter().enumerate() {
            pieces.iter().for_each(|piece| out += &piece.svg(row + 1));
        }
        out += "</g>\n";
    }
    out + "</svg>\n"
}
