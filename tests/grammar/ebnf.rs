//! Rules in EBNF as in ISO 14977, without its commas: `a = "B" [ c ] { "," c } | ( d | e ) ;`

use anyhow::{Context, Result, bail, ensure};

/// `name = body ;`
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) body: Part,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Words and signs that stand there.
    Word(String),
    /// Another rule, or a leaf.
    Name(String),
    /// One after the other.
    All(Vec<Part>),
    /// One of them.
    One(Vec<Part>),
    /// Once or not.
    Maybe(Box<Part>),
    /// As often as one likes, or not at all.
    Many(Box<Part>),
}

impl Part {
    /// What it chooses from; itself if it is no choice.
    pub(super) fn parts(&self) -> &[Part] {
        match self {
            Part::One(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }
    /// The rules and leaves in it.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Part::Word(_) => Vec::new(),
            Part::Name(name) => vec![name],
            Part::All(parts) | Part::One(parts) => parts.iter().flat_map(Part::names).collect(),
            Part::Maybe(part) | Part::Many(part) => part.names(),
        }
    }
}

/// The rules of a text.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens };
    let mut rules = Vec::new();
    while let Some(name) = reader.next() {
        reader.need("=")?;
        let body = reader.choice().with_context(|| format!("in {name}"))?;
        reader.need(";")?;
        rules.push(Rule { name: name.to_string(), body });
    }
    Ok(rules)
}

/// Signs, names, and words in their quotes.
fn tokens(text: &str) -> Result<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => rest[1..].find('"').map(|at| at + 2).context("a word does not end")?,
            c if c.is_alphabetic() => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
            _ => 1,
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }
    fn need(&mut self, sign: &str) -> Result<()> {
        let found = self.next();
        ensure!(found == Some(sign), "{sign} is missing, there is {found:?}");
        Ok(())
    }
    fn choice(&mut self) -> Result<Part> {
        let mut parts = vec![self.sequence()?];
        while self.tokens.first() == Some(&"|") {
            self.next();
            parts.push(self.sequence()?);
        }
        Ok(alone(parts, Part::One))
    }
    fn sequence(&mut self) -> Result<Part> {
        let mut parts = Vec::new();
        while let Some(token) = self.tokens.first() {
            if ["|", ")", "]", "}", ";"].contains(token) {
                break;
            }
            self.next();
            parts.push(match *token {
                "(" => self.within(")")?,
                "[" => Part::Maybe(Box::new(self.within("]")?)),
                "{" => Part::Many(Box::new(self.within("}")?)),
                word if word.starts_with('"') => Part::Word(word.trim_matches('"').to_string()),
                name if name.starts_with(char::is_alphabetic) => Part::Name(name.to_string()),
                other => bail!("{other} means nothing"),
            });
        }
        ensure!(!parts.is_empty(), "nothing stands at {:?}", self.tokens.first());
        Ok(alone(parts, Part::All))
    }
    fn within(&mut self, close: &str) -> Result<Part> {
        let part = self.choice()?;
        self.need(close)?;
        Ok(part)
    }
}

/// One part as it is, several together.
fn alone(mut parts: Vec<Part>, together: fn(Vec<Part>) -> Part) -> Part {
    match parts.len() {
        1 => parts.remove(0),
        _ => together(parts),
    }
}
