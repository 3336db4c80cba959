//! Commands of the shell itself: `\name` as in psql, `.name` as in DuckDB and SQLite.

mod list;
mod statement;

pub(crate) use list::{COMMANDS, Command, Spec};
pub(crate) use statement::{Part, Stands, command, parts, show_create};

use millstream_dataflow::option::nearest;

/// A command, and what stands behind its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) command: Command,
    /// As it is typed, with its mark.
    pub(crate) name: String,
    /// Words; what is quoted is one.
    pub(crate) words: Vec<String>,
    /// All behind the name, as it stands.
    pub(crate) rest: String,
    /// Where that begins, characters.
    pub(crate) at: usize,
}

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// Whether a line is for the shell, not SQL.
pub(crate) fn is_meta(line: &str) -> bool {
    let line = line.trim_start();
    let mut chars = line.chars();
    match chars.next() {
        Some('\\') => true,
        // No statement begins with a point.
        Some('.') => chars.next().is_some_and(char::is_alphabetic),
        _ => false,
    }
}

/// Reads a command; the line is one ([`is_meta`]).
///
/// # Errors
/// One that does not exist, with the one that was probably meant; or one with too few or too many words.
pub(crate) fn parse(line: &str) -> Result<Meta, Wrong> {
    let typed = line;
    let line = line.trim().trim_end_matches(';').trim_end();
    let mark = line.chars().next().unwrap_or('\\');
    let (name, rest) = match line[mark.len_utf8().min(line.len())..].split_once(char::is_whitespace) {
        Some((name, rest)) => (name, rest.trim()),
        None => (line.get(mark.len_utf8()..).unwrap_or_default(), ""),
    };
    let dotted = mark == '.';
    let spec = COMMANDS.iter().find(|c| if dotted { c.dots.contains(&name) } else { c.names.contains(&name) });
    let Some(spec) = spec else {
        let names = COMMANDS.iter().flat_map(|c| if dotted { c.dots } else { c.names }).copied();
        // A twin with the other mark is what was meant.
        let other = COMMANDS.iter().find(|c| if dotted { c.names.contains(&name) } else { c.dots.contains(&name) });
        let meant = match (other, dotted) {
            (Some(_), true) => Some(format!("\\{name}")),
            (Some(_), false) => Some(format!(".{name}")),
            (None, _) => nearest(name, names).map(|near| format!("{mark}{near}")),
        };
        return Err(Wrong {
            message: format!("there is no command {mark}{name}"),
            hint: meant.map_or("\\? lists them".to_string(), |m| format!("did you mean {m}?")),
        });
    };
    let words = words(rest);
    let count = words.len();
    if count < spec.words.0 || count > spec.words.1 {
        return Err(Wrong {
            message: match count < spec.words.0 {
                true => format!("{mark}{name} needs more"),
                false => format!("{mark}{name} takes less"),
            },
            hint: format!("{} {}", spec.shown(), spec.usage).trim_end().to_string() + ": " + spec.doc,
        });
    }
    Ok(Meta {
        command: spec.command,
        name: format!("{mark}{name}"),
        words,
        rest: rest.to_string(),
        at: typed[..typed.len() - typed.trim_start().len() + line.len() - rest.len()].chars().count(),
    })
}

/// Words; quotes of either kind keep one together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests;
