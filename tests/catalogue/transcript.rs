//! Lines of a console: what is typed, `$ command`, and what is shown then.
//!
//! Commands run in a shell, one after the other; standard output and error come together. One that ends with `&` runs beside the others: what it
//! says is shown by `wait`, and the next command comes when its job runs. In what is shown, `…` stands for anything, and a line of it for any lines;
//! carets may be more or fewer, as addresses of a test are longer or shorter.

use crate::console::shell;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::path::Path;

/// Begins the lines that tell where a command's output begins, and how it ended.
const MARK: char = '\u{1}';

/// `wait %1` shows what was said, too.
const PRELUDE: &str = r#"exec 2>&1
rm -f .said.*
running() { until grep -qsE '^job .* (starts|goes on)' "$1" || ! kill -0 "$2" 2>/dev/null; do sleep 0.05; done; }
wait() { local status; builtin wait "$@"; status=$?; for job in "$@"; do cat ".said.${job#%}"; done; return $status; }
"#;

/// A command, what is shown, and its exit status if it was run.
struct Step {
    command: String,
    shown: Vec<String>,
    status: Option<i32>,
}

/// What is typed and shown in an example.
pub(super) struct Transcript(Vec<Step>);

impl Transcript {
    pub(super) fn read(text: &str) -> Result<Transcript> {
        let mut steps: Vec<Step> = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step {
                    command: command.to_string(),
                    shown: Vec::new(),
                    status: None,
                }),
                (None, last) => last.context("the first line is no command")?.shown.push(line.to_string()),
            }
        }
        Ok(Transcript(steps))
    }

    /// Runs the same commands.
    pub(super) fn run(&self, directory: &Path, environment: &[(String, String)]) -> Result<Transcript> {
        let mut script = PRELUDE.to_string();
        let mut beside = 0;
        for step in &self.0 {
            let _ = writeln!(script, "echo {MARK}");
            match step.command.strip_suffix(" &") {
                Some(command) => {
                    beside += 1;
                    let _ = writeln!(script, "{command} >.said.{beside} 2>&1 &\nrunning .said.{beside} $!\ntrue");
                }
                None => script += &format!("{}\n", step.command),
            }
            let _ = writeln!(script, "echo {MARK}$?");
        }
        let output = shell(&script, directory)?.envs(environment.iter().cloned()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut pieces = text.split(MARK).skip(1);
        let mut steps = Vec::new();
        for step in &self.0 {
            let (shown, status) = (pieces.next(), pieces.next());
            let status = status.with_context(|| format!("no end of {}\n{text}", step.command))?.trim().parse()?;
            let shown = shown.unwrap_or_default().lines().skip(1).map(str::to_string).collect();
            steps.push(Step {
                command: step.command.clone(),
                shown,
                status: Some(status),
            });
        }
        Ok(Transcript(steps))
    }

    /// Whether it shows what another one does that was run.
    pub(super) fn shows(&self, ran: &Transcript) -> bool {
        self.0.len() == ran.0.len() && self.0.iter().zip(&ran.0).all(|(a, b)| a.command == b.command && lines_fit(&a.shown, &b.shown))
    }

    /// An error unless its last command has ended well.
    pub(super) fn succeeded(&self) -> Result<()> {
        let status = self.0.last().and_then(|s| s.status);
        ensure!(status == Some(0), "the last command has ended with {status:?}:\n{}", self.text());
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        let lines = self
            .0
            .iter()
            .flat_map(|s| std::iter::once(format!("$ {}\n", s.command)).chain(s.shown.iter().map(|l| format!("{l}\n"))));
        lines.collect()
    }
}

fn lines_fit(pattern: &[String], lines: &[String]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => (0..=lines.len()).any(|n| lines_fit(rest, &lines[n..])),
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| line_fits(first, line) && lines_fit(rest, others)),
    }
}

fn line_fits(pattern: &str, line: &str) -> bool {
    let (pattern, line) = (carets(pattern), carets(line));
    let mut pieces = pattern.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = if pieces.peek().is_none() {
            rest.ends_with(piece).then(|| rest.len() - piece.len())
        } else {
            rest.find(piece)
        };
        let Some(at) = at else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

/// A line with one caret for several.
fn carets(line: &str) -> String {
    let mut short = String::new();
    for c in line.chars() {
        if c != '^' || !short.ends_with('^') {
            short.push(c);
        }
    }
    short
}
