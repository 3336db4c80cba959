//! Options: declared once, in the file that uses them. Validation, did-you-mean, completion and docs come from here.

mod secret;

pub use secret::{has_password, holds_secret, is_secret, without_passwords};

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// The type of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionType {
    /// Any text.
    Text,
    /// A text that is never shown: passwords, keys.
    Secret,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `5 s`, `1 min`, `100ms`, `1 h`, `2 d`.
    Duration,
    /// `128 MB`, `64kb`, `1 GiB`: powers of 1024, as Flink.
    Memory,
    /// One of a fixed set.
    OneOf(&'static [&'static str]),
}

/// An option of a connector, format or the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// The key; `properties.*` takes any suffix, `fields.#.kind` any one segment for `#`.
    pub name: &'static str,
    /// The value's type.
    pub ty: OptionType,
    /// The default, as text.
    pub default: Option<&'static str>,
    /// Whether it must be given.
    pub required: bool,
    /// One or two sentences for the docs.
    pub doc: &'static str,
    /// Example values.
    pub examples: &'static [&'static str],
}

impl OptionSpec {
    /// An optional option without default; use struct update syntax for the rest.
    pub const fn new(name: &'static str, ty: OptionType, doc: &'static str) -> Self {
        OptionSpec {
            name,
            ty,
            default: None,
            required: false,
            doc,
            examples: &[],
        }
    }
    /// With a default.
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
    /// Must be given.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    /// With example values.
    pub const fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }
    /// Whether this option is the one that `key` names.
    pub fn matches(&self, key: &str) -> bool {
        if let Some(prefix) = self.name.strip_suffix(".*") {
            return key.strip_prefix(prefix).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'));
        }
        match self.name.split_once('#') {
            None => self.name == key,
            Some((before, after)) => key.len() > before.len() + after.len() && key.starts_with(before) && key.ends_with(after),
        }
    }
    /// Checks a value.
    ///
    /// # Errors
    /// `Config`, naming the option, the value (unless secret) and what was expected.
    pub fn check(&self, key: &str, value: &str) -> Result<()> {
        let wrong = |expected: String| {
            let shown = if holds_secret(key, value) { "…" } else { value };
            Err(Error::config(format!("option '{key}' has the value '{shown}', expected {expected}")).code("E0502"))
        };
        match self.ty {
            OptionType::Text if has_password(value) && !self.name.ends_with('*') => Err(Error::config(format!(
                "option '{key}' has an address with a password in it, which would be shown and stored"
            ))
            .code("E0502")
            .hint("write the address without it: the options for credentials, or the environment, hold secrets")),
            OptionType::Text | OptionType::Secret => Ok(()),
            OptionType::Boolean if value == "true" || value == "false" => Ok(()),
            OptionType::Boolean => wrong("true or false".into()),
            OptionType::Integer if i64::from_str(value.trim()).is_ok() => Ok(()),
            OptionType::Integer => wrong("a whole number".into()),
            OptionType::Number if f64::from_str(value.trim()).is_ok() => Ok(()),
            OptionType::Number => wrong("a number".into()),
            OptionType::Duration if parse_duration(value).is_some() => Ok(()),
            OptionType::Duration => wrong("a duration such as '5 s' or '1 min'".into()),
            OptionType::Memory if parse_memory(value).is_some() => Ok(()),
            OptionType::Memory => wrong("a size such as '128 MB'".into()),
            OptionType::OneOf(values) if values.contains(&value) => Ok(()),
            OptionType::OneOf(values) => {
                let e = Error::config(format!("option '{key}' has the value '{value}', expected one of {}", values.join(", "))).code("E0502");
                let begins = |v: &&str| value.len() > 2 && v.strip_prefix(value).is_some_and(|rest| rest.starts_with(['-', '_']));
                Err(match nearest(value, values.iter().copied()).or_else(|| values.iter().copied().find(begins)) {
                    Some(near) => e.meant(format!("'{near}'"), format!("'{near}'")),
                    None => e,
                })
            }
        }
    }
}

/// Checks all options of a table or job against their specs: unknown keys, wrong values, missing required ones.
///
/// # Errors
/// `Config`, one per finding, each naming its option.
pub fn check_all(options: &BTreeMap<String, String>, specs: &[&OptionSpec], owner: &str) -> Vec<Error> {
    let (mut errors, mut meant) = (Vec::new(), Vec::new());
    for (key, value) in options {
        match specs.iter().find(|s| s.matches(key)) {
            Some(spec) => errors.extend(spec.check(key, value).err()),
            None => {
                let e = Error::config(format!("{owner} has no option '{key}'")).code("E0501");
                let names = || specs.iter().map(|s| s.name);
                // `bootstrap.servers` of `properties.bootstrap.servers`
                let ends = |n: &&str| n.strip_suffix(key.as_str()).is_some_and(|rest| rest.ends_with('.'));
                errors.push(match nearest(key, names()).or_else(|| names().find(ends)) {
                    Some(near) => {
                        meant.push(near);
                        match near.contains(['*', '#']) {
                            true => e.hint(format!("did you mean '{near}'?")),
                            false => e.meant(format!("'{near}'"), format!("'{near}'")),
                        }
                    }
                    None => e.hint(offered(owner, key, &names().collect::<Vec<_>>())),
                });
            }
        }
    }
    // One that is there under a wrong name is not told as missing, too.
    for spec in specs
        .iter()
        .filter(|s| s.required && !meant.contains(&s.name) && !options.keys().any(|k| s.matches(k)))
    {
        let example = spec.examples.first().unwrap_or(&"…");
        errors.push(
            Error::config(format!("{owner} needs the option '{}'", spec.name))
                .code("E0503")
                .hint(format!("add '{}' = '{example}': {}", spec.name, spec.doc)),
        );
    }
    errors
}

/// Names that a reader takes in at once.
const LIST_MAX: usize = 12;

/// What there is instead of a key that is near to nothing: all names, of many those that share a word with it.
fn offered(owner: &str, key: &str, names: &[&str]) -> String {
    if names.len() <= LIST_MAX {
        return format!("it has: {}", names.join(", "));
    }
    let words = |name: &str| -> Vec<String> { name.to_lowercase().split(['.', '-', '_']).filter(|w| w.len() > 2).map(str::to_string).collect() };
    let given = words(key);
    let related: Vec<&str> = names.iter().copied().filter(|name| words(name).iter().any(|w| given.contains(w))).collect();
    match related.len() {
        1..=LIST_MAX => format!("of its {} options these are like it: {}", names.len(), related.join(", ")),
        _ => {
            let page = if owner == "the job" { "settings" } else { "connectors" };
            format!("docs/{page}.md lists its {} options", names.len())
        }
    }
}

/// The candidate nearest to a name, if it is near enough to be a slip.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (length, lower) = (name.chars().count(), name.to_lowercase());
    let limit = 1 + length / 5;
    candidates
        .into_iter()
        .filter_map(|c| Some((distance_within(limit, &lower, &c.to_lowercase())?, c)))
        // Of a single letter any other is a letter away.
        .filter(|(d, c)| 2 * *d <= length.min(c.chars().count()))
        // Of those as near one that is only not ended.
        .min_by_key(|(d, c)| (*d, !c.to_lowercase().starts_with(&lower), *c))
        .map(|(_, c)| c)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two names, if there are no more of them than a limit.
fn distance_within(limit: usize, a: &str, b: &str) -> Option<usize> {
    // Most names differ in more: in their lengths, or in letters that only one of them has.
    let foreign = a.chars().filter(|c| !b.contains(*c)).take(limit + 1).count();
    if foreign > limit || a.chars().count().abs_diff(b.chars().count()) > limit {
        return None;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut d = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    d = d.min(rows[i - 2][j - 2] + 1);
                }
                d
            };
        }
    }
    Some(rows[a.len()][b.len()]).filter(|d| *d <= limit)
}

/// Typed access to checked options; an absent key gives the spec's default.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    values: &'a BTreeMap<String, String>,
}

impl<'a> Options<'a> {
    /// Over the options of a table or job.
    pub fn new(values: &'a BTreeMap<String, String>) -> Self {
        Options { values }
    }
    /// The text, or the default.
    pub fn text(&self, spec: &OptionSpec) -> Option<&'a str> {
        self.values.get(spec.name).map(String::as_str).or(spec.default)
    }
    /// The text of a required option.
    ///
    /// # Errors
    /// `Config` if it is missing.
    pub fn required(&self, spec: &OptionSpec) -> Result<&'a str> {
        self.text(spec)
            .ok_or_else(|| Error::config(format!("the option '{}' is missing", spec.name)).code("E0503").hint(spec.doc))
    }
    /// A boolean; absent without default is false.
    pub fn boolean(&self, spec: &OptionSpec) -> bool {
        self.text(spec) == Some("true")
    }
    /// A parsed value: integers and numbers.
    ///
    /// # Errors
    /// `Config` if the text does not parse.
    pub fn parsed<T: FromStr>(&self, spec: &OptionSpec) -> Result<Option<T>> {
        match self.text(spec) {
            None => Ok(None),
            Some(text) => match text.trim().parse() {
                Ok(v) => Ok(Some(v)),
                Err(_) => Err(Error::config(format!("option '{}' has the value '{text}', which is out of range", spec.name)).code("E0502")),
            },
        }
    }
    /// A duration.
    pub fn duration(&self, spec: &OptionSpec) -> Option<Duration> {
        self.text(spec).and_then(parse_duration)
    }
    /// A size in bytes.
    pub fn memory(&self, spec: &OptionSpec) -> Option<u64> {
        self.text(spec).and_then(parse_memory)
    }
    /// All options under `prefix`, which is cut off: `properties.` gives the client's own.
    pub fn under(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = prefix.to_string();
        self.values.iter().filter_map(move |(k, v)| k.strip_prefix(&prefix).map(|k| (k, v.as_str())))
    }
}

fn number_and_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim().to_lowercase()))
}

/// Reads a duration as Flink does: a number and a unit, milliseconds without one.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (n, unit) = number_and_unit(text)?;
    let nanos: u64 = match unit.as_str() {
        "ns" | "nano" | "nanosecond" | "nanoseconds" => 1,
        "us" | "µs" | "micro" | "microsecond" | "microseconds" => 1_000,
        "" | "ms" | "milli" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    };
    n.checked_mul(nanos).map(Duration::from_nanos)
}

/// Reads a size as Flink does: a number and a unit, bytes without one.
pub fn parse_memory(text: &str) -> Option<u64> {
    let (n, unit) = number_and_unit(text)?;
    let shift = match unit.as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kib" | "kibibytes" => 10,
        "m" | "mb" | "mib" | "mebibytes" => 20,
        "g" | "gb" | "gib" | "gibibytes" => 30,
        "t" | "tb" | "tib" | "tebibytes" => 40,
        _ => return None,
    };
    n.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
