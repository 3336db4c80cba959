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
    drawn: Drawn,
    /// Columns and rows when they were.
    drawn_on: (usize, usize),
}

impl Screen {
    pub(crate) fn new(terminal: Terminal) -> Screen {
        Screen {
            terminal,
            keyboard: terminal.moves.then(Keyboard::silence).flatten().map(Arc::new),
            drawn: Drawn::default(),
            drawn_on: (0, 0),
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
        if !self.drawn.lines.is_empty() {
            self.put(&[], &[]);
        }
    }

    fn put(&mut self, staying: &[Line], drawn: &[Line]) {
        let mut out = Vec::new();
        let size = self.size();
        let before = std::mem::replace(&mut self.drawn_on, size);
        let up = match (before.0 == size.0, before.1 == size.1) {
            (true, true) => self.drawn.lines.len(),
            (true, false) => self.drawn.of_height(size.1),
            (false, _) => self.drawn.of_width(size.0, self.terminal.wraps),
        };
        // Into memory: that cannot fail.
        let _ = self.compose(&mut out, up, staying, drawn);
        let mut stdout = std::io::stdout().lock();
        // That nobody sees it is no reason to stop.
        let _ = stdout.write_all(&out).and_then(|()| stdout.flush());
        self.drawn.lines = drawn.iter().map(Line::width).collect();
        if !staying.is_empty() || drawn.is_empty() {
            self.drawn.above.clear();
        }
    }
    fn compose(&self, out: &mut Vec<u8>, up: usize, staying: &[Line], drawn: &[Line]) -> std::io::Result<()> {
        if self.terminal.moves {
            queue!(out, BeginSynchronizedUpdate, MoveToColumn(0))?;
            let rows = u16::try_from(up).unwrap_or(u16::MAX);
            if rows > 0 {
                queue!(out, MoveUp(rows))?;
            }
            // Row by row: a whole screen that is cleared at once is kept by some terminals among what has left it.
            if staying.is_empty() && drawn.is_empty() {
                for _ in 0..rows {
                    queue!(out, Clear(ClearType::UntilNewLine), Print("\r\n"))?;
                }
                if rows > 0 {
                    queue!(out, MoveUp(rows))?;
                }
                return queue!(out, EndSynchronizedUpdate);
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
}

/// The lines that are drawn, by their widths.
#[derive(Debug, Default)]
struct Drawn {
    lines: Vec<usize>,
    /// Those of them that a terminal that was made smaller has moved out at its top: they come back when it grows.
    above: Vec<usize>,
}

impl Drawn {
    /// How many rows up their first one is on a terminal of another width: most terminals wrap lines when they become narrower.
    fn of_width(&mut self, width: usize, wraps: bool) -> usize {
        // What has left the terminal is wrapped, too: how much of it comes back nobody knows.
        self.above.clear();
        self.lines.iter().map(|w| if wraps { w.div_ceil(width.max(1)).max(1) } else { 1 }).sum()
    }
    /// How many rows up the first one is that can be seen on a terminal of another height.
    fn of_height(&mut self, height: usize) -> usize {
        self.above.append(&mut self.lines);
        let seen = self.above.len().min(height.saturating_sub(1));
        self.above.truncate(self.above.len() - seen);
        seen
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

#[cfg(test)]
mod tests {
    use super::Drawn;

    fn drawn(lines: &[usize]) -> Drawn {
        Drawn {
            lines: lines.to_vec(),
            above: Vec::new(),
        }
    }

    #[test]
    fn a_terminal_that_becomes_narrower_wraps_what_is_drawn() {
        assert_eq!(drawn(&[99, 40, 0]).of_width(50, true), 4);
        // Or cuts it.
        assert_eq!(drawn(&[99, 40, 0]).of_width(50, false), 3);
    }

    #[test]
    fn what_a_lower_terminal_moves_out_comes_back() {
        let mut lines = drawn(&[10; 23]);
        assert_eq!((lines.of_height(12), lines.above.len()), (11, 12));
        // Drawn again on 11 rows, then larger.
        lines.lines = vec![10; 11];
        assert_eq!((lines.of_height(20), lines.above.len()), (19, 4));
        lines.lines = vec![10; 19];
        assert_eq!((lines.of_height(40), lines.above.len()), (23, 0));
    }
}
