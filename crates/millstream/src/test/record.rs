//! `millstream test --record`.

use crate::files::read_text;
use crate::report::{errors_of, say};
use anyhow::{Context, Result, ensure};
use millstream_dataflow::ErrorKind;
use millstream_server::testing::{TestOptions, record as recorded};
use millstream_sql::Sources;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes a test file, but over none that is there.
pub(super) fn record(job: &Path, to: Option<&Path>, rows: usize, options: &TestOptions, handle: &tokio::runtime::Handle) -> Result<ExitCode> {
    let path = job.display().to_string();
    let text = read_text(&options.directory.join(job)).with_context(|| format!("{path} cannot be read"))?;
    let stem = job.file_stem().map_or("job".to_string(), |s| s.to_string_lossy().into_owned());
    let to = to.map_or_else(|| PathBuf::from(format!("tests/{stem}.test.sql")), Path::to_path_buf);
    let whole = options.directory.join(&to);
    ensure!(!whole.exists(), "{} is there already: name another one with --to, or remove it", to.display());
    let made = match recorded(&path, &text, rows, options, handle) {
        Ok(made) => made,
        Err(found) => {
            errors_of(&found, &Sources::new(&options.shared, Some((path, text))));
            let code = match found.iter().any(|e| e.kind == ErrorKind::Bug) {
                true => 70,
                false => 1,
            };
            return Ok(ExitCode::from(code));
        }
    };
    if let Some(parent) = whole.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    }
    let laid_out = millstream_sql::format(&made.text).unwrap_or(made.text);
    std::fs::write(&whole, laid_out).with_context(|| format!("{} cannot be written", to.display()))?;
    let read: Vec<String> = made.rows.iter().map(|(table, n)| format!("{n} rows of {table}")).collect();
    say(format_args!("{} is written: {}", to.display(), read.join(", ")));
    Ok(ExitCode::SUCCESS)
}
