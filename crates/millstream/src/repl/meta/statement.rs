//! The statements that commands stand for: with them a command does the same in a file as at a terminal.

use super::{Command, Meta, Wrong};
use millstream_dataflow::{Error, Location, Span};
use millstream_sql::Known;

/// A statement in the place of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stands {
    pub(crate) text: String,
    /// Where in it stands what was typed behind the command's name, and where that was typed; characters.
    pub(crate) at: usize,
    pub(crate) typed_at: usize,
}

impl Stands {
    /// - `before`: what the statement begins with; the rest of the command follows
    pub(crate) fn new(before: &str, rest: &str, meta: &Meta) -> Stands {
        Stands {
            text: format!("{before}{rest};"),
            at: before.chars().count(),
            typed_at: meta.at,
        }
    }
    /// An error of the statement as one of what was typed.
    pub(crate) fn told(&self, error: Error) -> Error {
        let place = |l: Location| match l.line {
            1 => Location {
                line: 1,
                column: (l.column.saturating_sub(1)).saturating_sub(self.at as u64) + self.typed_at as u64 + 1,
            },
            _ => l,
        };
        error.moved(|span| Span {
            start: place(span.start),
            end: place(span.end),
        })
    }
}

/// What a line of a text that is no terminal's stands for.
///
/// # Errors
/// `Sql` if it is no command, or one for a terminal.
pub(crate) fn command(line: &str, known: &Known) -> Result<Stands, Error> {
    let stands = super::parse(line).and_then(|meta| statement(&meta, known));
    let start = (line.len() - line.trim_start().len()) as u64 + 1;
    let name = line.split_whitespace().next().map_or(1, |name| name.chars().count()) as u64;
    stands.map_err(|wrong| {
        let e = Error::sql(wrong.message).code("E0102").hint(wrong.hint);
        e.span(Span::new((1, start), (1, start + name)))
    })
}

/// The statement of a command that is not typed at a terminal.
///
/// # Errors
/// What to use in the place of a command that stands for none.
fn statement(meta: &Meta, known: &Known) -> Result<Stands, Wrong> {
    let like = |show: &str| match meta.words.first() {
        Some(pattern) => Stands::new(&format!("{show} LIKE "), &like(pattern), meta),
        None => Stands::new(show, "", meta),
    };
    let instead = match meta.command {
        Command::Describe if meta.words.is_empty() => return Ok(Stands::new("SHOW TABLES", "", meta)),
        Command::Describe => return Ok(Stands::new("DESCRIBE ", &meta.rest, meta)),
        Command::Tables => return Ok(like("SHOW TABLES")),
        Command::Views => return Ok(like("SHOW VIEWS")),
        Command::Functions => return Ok(like("SHOW FUNCTIONS")),
        Command::Databases => return Ok(Stands::new("SHOW DATABASES", "", meta)),
        Command::Catalogs => return Ok(Stands::new("SHOW CATALOGS", "", meta)),
        Command::ShowCreate => return Ok(show_create(meta, known)),
        Command::Explain if !meta.rest.is_empty() => return Ok(Stands::new("EXPLAIN ", meta.rest.trim_end_matches(';'), meta)),
        Command::Explain => "EXPLAIN SELECT … is the statement",
        Command::Expanded => "start with --format vertical",
        Command::Mode => "start with --format and the form",
        Command::Timing => "the shell's time tells how long it took",
        Command::Include => "-f FILE runs a file, also between other -c and -f",
        Command::Output | Command::Copy => "write standard output to a file; --format csv and others say in what form",
        Command::Jobs | Command::Job | Command::Lag | Command::Watermarks | Command::Checkpoints => {
            "what happens to jobs is told on standard error; --metrics ADDRESS serves how they are"
        }
        Command::Stop => "SIGTERM and Ctrl-C end all jobs after a final checkpoint",
        Command::Tap => "SELECT from the tables that the operator reads",
        Command::Manual | Command::Help | Command::Last | Command::Watch | Command::Set | Command::Edit | Command::Quit => {
            "leave it out, or start millstream without -c, -f and other input"
        }
    };
    Err(Wrong {
        message: format!("{} works at a terminal only", meta.name),
        hint: instead.to_string(),
    })
}

/// `SHOW CREATE TABLE` or `SHOW CREATE VIEW`.
pub(crate) fn show_create(meta: &Meta, known: &Known) -> Stands {
    let kind = if is_view(known, &meta.rest) { "VIEW" } else { "TABLE" };
    Stands::new(&format!("SHOW CREATE {kind} "), &meta.rest, meta)
}

/// Whether a name as it is typed is that of a view.
fn is_view(known: &Known, name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').map(|p| p.trim_matches('`')).collect();
    let place = [known.current_catalog.as_str(), known.current_database.as_str()];
    let whole: Vec<&str> = place[..3usize.saturating_sub(parts.len()).min(2)].iter().copied().chain(parts).collect();
    known.tables.iter().any(|t| t.view && t.path == whole)
}

/// A pattern of file names as one of LIKE; without `*` and `?` the name contains it.
fn like(pattern: &str) -> String {
    let made: String = pattern
        .chars()
        .map(|c| match c {
            '*' => '%',
            '?' => '_',
            c => c,
        })
        .collect();
    let around = if pattern.contains(['*', '?']) { "" } else { "%" };
    format!("'{around}{}{around}'", made.replace('\'', "''"))
}

/// A part of a text that is no terminal's: SQL, or a command on a line of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Sql(String),
    /// With the number of the line it stands in, from 1.
    Command(String, usize),
}

/// The parts of a text; each SQL has empty lines above it in the place of what comes before, so that its places are those of the text.
pub(crate) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut sql, mut above) = (String::new(), 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if super::is_meta(line) && millstream_sql::edit::is_finished(&sql) {
            if !sql.trim().is_empty() {
                parts.push(Part::Sql("\n".repeat(above) + &sql));
            }
            sql.clear();
            above = number + 1;
            parts.push(Part::Command(line.trim_end_matches(['\r', '\n']).to_string(), number + 1));
        } else {
            sql += line;
        }
    }
    if parts.is_empty() || !sql.trim().is_empty() {
        parts.push(Part::Sql("\n".repeat(above) + &sql));
    }
    parts
}
