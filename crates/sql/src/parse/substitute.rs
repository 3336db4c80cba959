//! `${NAME}` from `-D NAME=value`.

use super::statement::{Alter, Change, Statement, StatementKind, TableOption};
use millstream_dataflow::option::{holds_secret, nearest};
use millstream_dataflow::{Error, Location, Span};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A text whose variables have been given their values.
#[derive(Debug, Default)]
pub struct Substituted {
    pub text: String,
    /// Where values stand in the text, and where their names stood before; in the order of the text.
    values: Vec<(Span, Span)>,
    /// Lines that places in the statements are moved down by.
    pub(crate) above: u64,
    /// Variables in quotes that have no value, and where they stand.
    pub(crate) open: Vec<(String, Span)>,
    /// All that stand in it.
    names: BTreeSet<String>,
}

/// What becomes of a variable without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is an error.
    Refused,
    /// In quotes it stays as it is, for whoever only looks at the file.
    Left,
}

impl Substituted {
    /// Whether a place holds a variable without a value.
    pub(crate) fn is_open(&self, span: Span) -> bool {
        self.open.iter().any(|(_, open)| span.start <= open.end && open.start <= span.end)
    }

    /// Notes for each secret of a table whether its value is variables: `text` is what the statements' text was before.
    pub(crate) fn note_variables<'a>(&self, text: &str, statements: impl IntoIterator<Item = &'a mut Statement>) {
        let secret = |option: &&mut TableOption| holds_secret(&option.key, &option.value);
        let note = |option: &mut TableOption| {
            let written = slice(text, self.original(option.value_span));
            option.variables = only_variables(&option.key, written).map(str::to_string);
        };
        for statement in statements {
            match &mut statement.kind {
                StatementKind::CreateTable(create) => create.options.iter_mut().filter(secret).for_each(note),
                StatementKind::Alter(Alter {
                    change: Change::Set(options), ..
                }) => options.iter_mut().filter(secret).for_each(note),
                _ => {}
            }
        }
    }

    /// Where something stood before: what is wrong with a value stands at its name.
    pub fn original(&self, span: Span) -> Span {
        let place = |at: Location, is_end: bool| {
            let at = Location {
                line: at.line.saturating_sub(self.above),
                ..at
            };
            let before = |(value, _): &&(Span, Span)| if is_end { value.start < at } else { value.start <= at };
            let Some((value, name)) = self.values.iter().rev().find(before) else {
                return at;
            };
            let inside = if is_end { at <= value.end } else { at < value.end };
            match inside {
                true if is_end => name.end,
                true => name.start,
                // A value may be longer than its name, and have more lines.
                false => Location {
                    line: (at.line + name.end.line).saturating_sub(value.end.line),
                    column: if at.line == value.end.line {
                        (at.column + name.end.column).saturating_sub(value.end.column)
                    } else {
                        at.column
                    },
                },
            }
        };
        Span {
            start: place(span.start, false),
            end: place(span.end, true),
        }
    }
}

/// Replaces `${NAME}` outside comments; hints (`/*+ … */`) are none. In quotes the value's quotes are doubled, so that it stays in them;
/// elsewhere it stands as it is.
///
/// # Errors
/// `Config`, one per name without a value, with its place.
pub fn substitute(text: &str, variables: &BTreeMap<String, String>) -> Result<Substituted, Vec<Error>> {
    match fill(text, variables, Missing::Refused) {
        (substituted, errors) if errors.is_empty() => Ok(substituted),
        (substituted, errors) => Err(errors.into_iter().map(|(e, at)| e.span(substituted.original(at))).collect()),
    }
}

/// The same, where names without a value stay as they are; with an error for each that is refused, and where it then stands.
pub(crate) fn fill(text: &str, variables: &BTreeMap<String, String>, missing: Missing) -> (Substituted, Vec<(Error, Span)>) {
    let mut out = Substituted::default();
    let mut errors = Vec::new();
    let start = Location { line: 1, column: 1 };
    // Where the scan stands in the text, and in what it becomes.
    let (mut at, mut made) = (start, start);
    // The quote that is open: comments do not begin in it.
    let mut quote = None;
    let mut in_hint = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let name = rest
            .strip_prefix("${")
            .and_then(|r| r.split_once('}'))
            .map(|(name, _)| name)
            .filter(|n| is_name(n));
        if let Some(name) = name {
            let taken = &rest[..name.len() + 3];
            let name_span = Span {
                start: at,
                end: after(at, taken),
            };
            out.names.insert(name.to_string());
            let value = variables.get(name);
            let written: Cow<'_, str> = match (value, quote) {
                (Some(value), Some(quote)) if value.contains(quote) => value.replace(quote, &format!("{quote}{quote}")).into(),
                (Some(value), _) => value.into(),
                (None, _) => taken.into(),
            };
            let end = after(made, &written);
            out.values.push((Span { start: made, end }, name_span));
            out.text += &written;
            if in_hint && quote.is_some() && written.contains("*/") {
                errors.push((ends_hint(name), Span { start: made, end }));
            }
            if value.is_none() {
                match missing == Missing::Left && quote.is_some() {
                    true => out.open.push((name.to_string(), name_span)),
                    false => errors.push((unknown(name, variables), Span { start: made, end })),
                }
            }
            made = end;
            at = name_span.end;
            rest = &rest[taken.len()..];
            continue;
        }
        let take = match quote {
            None if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            None if rest.starts_with("/*") && !rest.starts_with("/*+") => rest.find("*/").map_or(rest.len(), |i| i + 2),
            _ => c.len_utf8(),
        };
        in_hint = match quote {
            None if rest.starts_with("/*+") => true,
            None if rest.starts_with("*/") => false,
            _ => in_hint,
        };
        quote = match quote {
            None if matches!(c, '\'' | '`') => Some(c),
            Some(open) if c == open => None,
            other => other,
        };
        let taken = &rest[..take];
        (at, made) = (after(at, taken), after(made, taken));
        out.text += taken;
        rest = &rest[take..];
    }
    (out, errors)
}

/// The names of the variables in a text.
pub fn variables(text: &str) -> BTreeSet<String> {
    fill(text, &BTreeMap::new(), Missing::Left).0.names
}

/// A stretch of a text.
pub(crate) fn slice(text: &str, span: Span) -> &str {
    let mut at = Location { line: 1, column: 1 };
    let (mut start, mut end) = (text.len(), text.len());
    for (i, c) in text.char_indices() {
        if at == span.start {
            start = i;
        }
        if at == span.end {
            end = i;
            break;
        }
        at = after(at, c.encode_utf8(&mut [0; 4]));
    }
    text.get(start..end).unwrap_or_default()
}

/// What stands between the quotes, if it is `${NAME}`, or more of them with `:` between. The name of a user before it is no secret.
fn only_variables<'a>(key: &str, literal: &'a str) -> Option<&'a str> {
    let inside = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let variable = |part: &str| part.strip_prefix("${").and_then(|p| p.strip_suffix('}')).is_some_and(is_name);
    let secret = match inside.split_once(':') {
        Some((user, password)) if key.ends_with(".user-info") && !user.contains('$') => password,
        _ => inside,
    };
    secret.split(':').all(variable).then_some(inside)
}

/// The place after a piece of text that begins at a place.
fn after(at: Location, text: &str) -> Location {
    text.chars().fold(at, |at, c| match c {
        '\n' => Location { line: at.line + 1, column: 1 },
        _ => Location { column: at.column + 1, ..at },
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// A hint ends at the first `*/`, also in quotes.
fn ends_hint(name: &str) -> Error {
    let e = Error::config(format!("the value of '${{{name}}}' has a */ in it, which ends the hint"));
    e.code("E0102").hint("give the option to the table")
}

fn unknown(name: &str, variables: &BTreeMap<String, String>) -> Error {
    let hint = match nearest(name, variables.keys().map(String::as_str)) {
        Some(near) => format!("did you mean '${{{near}}}'?"),
        None => format!("give it one: -D {name}=value"),
    };
    Error::config(format!("the variable '${{{name}}}' has no value")).code("E0505").hint(hint)
}
