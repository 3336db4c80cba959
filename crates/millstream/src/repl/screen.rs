//! Lines at the bottom of the terminal that are drawn again in place, and lines above them that stay.

use super::line::{Line, Mark};
use super::style::Terminal;
use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use rustix::stdio::stdin;
use rustix::termios::{InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::Write;
use std::sync::Arc;

/// Columns and rows of a terminal that does not tell.
const SIZE: (usize, usize) = (80, 24);

pub(crate) struct Screen {
    terminal: Terminal,
    keyboard: Option<Arc<Keyboard>>,
    /// The widths of the lines that are drawn.
    drawn: Vec<usize>,
}

impl Screen {
    pub(crate) fn new(terminal: Terminal) -> Screen {
        Screen {
            terminal,
            keyboard: terminal.moves.then(Keyboard::silence).flatten().map(Arc::new),
            drawn: Vec::new(),
        }
    }
    pub(crate) fn keyboard(&self) -> Option<Arc<Keyboard>> {
        self.keyboard.clone()
    }
    /// Lends the terminal to another program.
    pub(crate) fn lent<T>(&self, to: impl FnOnce() -> T) -> T {
        let keyboard = self.keyboard.as_deref();
        keyboard.inspect(|k| k.give_back());
        let done = to();
        keyboard.inspect(|k| k.set(&k.quiet));
        done
    }
    pub(crate) fn terminal(&self) -> Terminal {
        self.terminal
    }
    /// Whether lines can be drawn again in place.
    pub(crate) fn moves(&self) -> bool {
        self.terminal.moves
    }
    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        match crossterm::terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 0 => (columns.into(), rows.into()),
            _ => SIZE,
        }
    }
    /// How many columns a line has: one is left for the cursor, so that none wraps.
    pub(crate) fn width(&self) -> usize {
        self.size().0.saturating_sub(1).max(1)
    }
    /// Puts lines in the place of those that are drawn.
    pub(crate) fn draw(&mut self, lines: &[Line]) {
        if self.terminal.moves {
            self.put(&[], lines);
        }
    }
    /// Prints lines for good, above those that are drawn.
    pub(crate) fn print(&mut self, lines: &[Line]) {
        self.put(lines, &[]);
    }
    /// Prints a text for good.
    pub(crate) fn text(&mut self, text: &str) {
        let lines: Vec<Line> = text.lines().map(|l| Line::of(l, Mark::Plain)).collect();
        self.print(&lines);
    }
    pub(crate) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            self.put(&[], &[]);
        }
    }

    fn put(&mut self, staying: &[Line], drawn: &[Line]) {
        let mut out = Vec::new();
        let up = self.rows_drawn();
        // Into memory: that cannot fail.
        let _ = self.compose(&mut out, up, staying, drawn);
        let mut stdout = std::io::stdout().lock();
        // That nobody sees it is no reason to stop.
        let _ = stdout.write_all(&out).and_then(|()| stdout.flush());
        self.drawn = drawn.iter().map(Line::width).collect();
    }
    fn compose(&self, out: &mut Vec<u8>, up: u16, staying: &[Line], drawn: &[Line]) -> std::io::Result<()> {
        if self.terminal.moves {
            queue!(out, BeginSynchronizedUpdate, MoveToColumn(0))?;
            if up > 0 {
                queue!(out, MoveUp(up))?;
            }
        }
        for line in staying.iter().chain(drawn) {
            queue!(out, Print(self.terminal.paint(line)))?;
            if self.terminal.moves {
                queue!(out, Clear(ClearType::UntilNewLine))?;
            }
            queue!(out, Print("\r\n"))?;
        }
        if self.terminal.moves {
            queue!(out, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)?;
        }
        Ok(())
    }
    /// Rows that the drawn lines take now: a terminal that was made narrower has wrapped them.
    fn rows_drawn(&self) -> u16 {
        let width = self.size().0;
        let rows: usize = self.drawn.iter().map(|w| w.div_ceil(width).max(1)).sum();
        u16::try_from(rows).unwrap_or(u16::MAX)
    }
}

/// The keyboard between two prompts: what is typed does not appear between the rows, and waits as it is for the next prompt. Ctrl-C is a
/// signal all the same.
pub(crate) struct Keyboard {
    before: Termios,
    quiet: Termios,
}

impl Keyboard {
    /// Silences it, until the value is gone.
    pub(crate) fn silence() -> Option<Keyboard> {
        let before = tcgetattr(stdin()).ok()?;
        let mut quiet = before.clone();
        // Without lines of its own: else Enter would come as another key when the editor reads on.
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        quiet.input_modes.remove(InputModes::ICRNL);
        let keyboard = Keyboard { before, quiet };
        keyboard.set(&keyboard.quiet);
        Some(keyboard)
    }
    /// Gives it back as it was.
    pub(crate) fn give_back(&self) {
        self.set(&self.before);
    }
    fn set(&self, modes: &Termios) {
        // That a terminal is gone is noticed where it is read.
        let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}
