//! `\e`: writing in an editor of one's own.

use crate::repl::Repl;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The editor of the environment, as other programs find it.
fn editor() -> String {
    let var = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    var("VISUAL").or_else(|| var("EDITOR")).unwrap_or_else(|| "vi".to_string())
}

/// Waits until the user has written.
fn write_in_editor(path: &Path) -> std::io::Result<String> {
    // It may have arguments of its own.
    let command = format!("exec {} \"$1\"", editor());
    let status = Command::new("sh").args(["-c", &command, "sh"]).arg(path).status()?;
    if !status.success() {
        return Err(std::io::Error::other(format!("{} ended with {status}", editor())));
    }
    std::fs::read_to_string(path)
}

impl Repl {
    /// What was written stands where statements are typed: Enter runs it.
    pub(super) fn edit(&mut self, file: Option<&str>) {
        let written = match file {
            Some(file) => self.screen.lent(|| write_in_editor(&self.path(file))),
            None => tempfile::Builder::new().prefix("millstream-").suffix(".sql").tempfile().and_then(|mut file| {
                file.write_all(self.text.as_bytes())?;
                file.flush()?;
                self.screen.lent(|| write_in_editor(file.path()))
            }),
        };
        match written {
            Ok(text) => self.editor.put(&text),
            Err(e) => self.wrong(format!("nothing could be written in an editor: {e}")),
        }
    }
}
