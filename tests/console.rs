//! Commands as a user types them, in a directory where `millstream` is a program.

use crate::harness::AS_MILLSTREAM;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A shell that runs a text in a directory, not yet started; it ends with the text, or after two minutes.
pub(crate) fn shell(text: &str, directory: &Path) -> Result<Command> {
    // A program, so that `timeout` and its like can start it.
    let program = format!(r#"mkdir -p .bin; printf '#!/bin/sh\nexec "$PROGRAM" {AS_MILLSTREAM} "$@"\n' > .bin/millstream; chmod +x .bin/millstream"#);
    let mut shell = Command::new("timeout");
    shell.args(["-k", "1", "120", "bash", "-c", &format!("{program}; PATH=$PWD/.bin:$PATH\n{text}")]);
    shell
        .current_dir(directory)
        .stdin(Stdio::null())
        .env_remove("RUST_BACKTRACE")
        .env_remove("GITHUB_ACTIONS")
        .env("PROGRAM", std::env::current_exe()?)
        .env("XDG_CONFIG_HOME", directory.join(".config"));
    Ok(shell)
}

/// What a text prints to standard output. It must succeed.
pub(crate) fn succeed(text: &str, directory: &Path) -> Result<String> {
    let Output { status, stdout, stderr } = shell(text, directory)?.output()?;
    let (shown, said) = (String::from_utf8(stdout)?, String::from_utf8_lossy(&stderr).into_owned());
    ensure!(status.success() && !said.contains("panicked"), "{status}\n{shown}{said}");
    Ok(shown)
}
