//! A reader for results that are longer than the screen.

use super::line::Line;
use super::screen::Screen;
use super::style::Terminal;
use std::io::Write;
use std::process::{Command, Stdio};

/// Cuts lines rather than wrapping them, shows colours, leaves what it showed on the screen.
const LESS: &str = "less -SRXF";

/// Shows lines in the pager of the environment; `false` if there is none.
pub(crate) fn page(lines: &[Line], screen: &Screen) -> bool {
    screen.lent(|| send(lines, screen.terminal()))
}

fn send(lines: &[Line], terminal: Terminal) -> bool {
    let var = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let command = var("MILLSTREAM_PAGER").or_else(|| var("PAGER")).unwrap_or_else(|| LESS.to_string());
    let spawned = Command::new("sh")
        .arg("-c")
        .arg(format!("exec {command}"))
        // A pager without options, such as PAGER=less, shall not wrap either.
        .env("LESS", std::env::var("LESS").unwrap_or_else(|_| "SRXF".to_string()))
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else { return false };
    if let Some(mut input) = child.stdin.take() {
        for line in lines {
            // It may end before it has read all.
            if writeln!(input, "{}", terminal.paint(line)).is_err() {
                break;
            }
        }
    }
    // 127: there is no such program.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
