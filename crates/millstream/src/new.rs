//! `millstream new`: the skeleton of a project.

use crate::report::{print, refused_for};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The directory, which is made unless it is there; . is this one
    directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory; the current one if it is not given
    #[arg(default_value = ".")]
    directory: PathBuf,
}

/// What stands for the project's name.
const NAME: &str = "{name}";

/// Paths in the project, and what the files say.
const SKELETON: [(&str, &str); 8] = [
    ("README.md", include_str!("new/skeleton/README.md")),
    ("millstream.toml", include_str!("new/skeleton/millstream.toml")),
    (".gitignore", include_str!("new/skeleton/gitignore")),
    ("tables/orders.sql", include_str!("new/skeleton/tables/orders.sql")),
    ("tables/sales.sql", include_str!("new/skeleton/tables/sales.sql")),
    ("jobs/sales.sql", include_str!("new/skeleton/jobs/sales.sql")),
    ("tests/sales.test.sql", include_str!("new/skeleton/tests/sales.test.sql")),
    (".github/workflows/millstream.yml", include_str!("new/skeleton/workflow.yml")),
];

pub(crate) fn new(arguments: &New) -> ExitCode {
    made(&arguments.directory)
}

pub(crate) fn init(arguments: &Init) -> ExitCode {
    made(&arguments.directory)
}

fn made(directory: &Path) -> ExitCode {
    match make(directory) {
        Ok(told) => print(&told),
        Err(e) => refused_for(e),
    }
}

/// Writes all files; gives what is said of that.
fn make(directory: &Path) -> Result<String> {
    let shown = directory.display();
    let there: Vec<&str> = SKELETON.iter().map(|(path, _)| *path).filter(|path| directory.join(path).exists()).collect();
    if !there.is_empty() {
        bail!("{shown} has {} already: nothing is written", there.join(", "));
    }
    std::fs::create_dir_all(directory).with_context(|| format!("{shown} cannot be made"))?;
    let whole = directory.canonicalize().with_context(|| format!("{shown} cannot be read"))?;
    let name = whole.file_name().map_or("jobs".into(), |name| name.to_string_lossy());
    let mut told = format!("{shown} is made:\n");
    for (path, text) in SKELETON {
        let file = directory.join(path);
        let cannot = || format!("{} cannot be written", file.display());
        file.parent().map_or(Ok(()), std::fs::create_dir_all).with_context(cannot)?;
        std::fs::write(&file, text.replace(NAME, &name)).with_context(cannot)?;
        let _ = writeln!(told, "  {path}");
    }
    told += "what next:\n";
    if directory != Path::new(".") {
        let _ = writeln!(told, "  cd {shown}");
    }
    told += "  millstream test\n  millstream run jobs/sales.sql\n  millstream sql -c \"SELECT * FROM sales\"\n";
    Ok(told)
}
