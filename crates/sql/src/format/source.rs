//! The tokens of a text as they are written, each with the comments beside it.

use super::names::Names;
use super::spacing::is_prefix;
use crate::parse::{Outlined, STEPS, outline, shown_step, span_of, substitute, tokens};
use millstream_dataflow::{Error, Location, Result, Span};
use sqlparser::tokenizer::{Token as Sql, TokenWithSpan, Whitespace};
use std::collections::BTreeMap;

/// A token, and what a reader sees beside it.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Sql,
    /// As written.
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) role: Role,
    /// Whether it is the `<` or `>` of a type.
    pub(super) opens_type: bool,
    pub(super) closes_type: bool,
    /// Whether it says how often what is before it is matched: the `+` of `PATTERN (A B+)`.
    pub(super) is_quantifier: bool,
    /// Comments on lines of their own above it.
    pub(super) above: Vec<Comment>,
    /// Comments before it on its line.
    pub(super) before: Vec<String>,
    /// Comments behind it to the end of its line.
    pub(super) behind: Vec<String>,
    /// Whether a blank line stands before it.
    pub(super) blank_above: bool,
    /// Whether it was written without space behind the token before it, and one of them is a variable.
    pub(super) glued: bool,
}

/// What a word is, or that a token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Not a bare word.
    Sign,
    /// Means the same in any case.
    Keyword,
    /// A built-in function: a keyword, but called.
    Function,
    /// A table, column or alias.
    Name,
    /// A name in a statement that is not a query's: `(` behind it begins a list, not arguments.
    DeclaredName,
    /// Name or keyword: nobody knows. Laid out as a keyword, left in its case.
    Unknown,
}

/// A comment on lines of its own.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) text: String,
    pub(super) blank_above: bool,
}

impl Token {
    /// Whether it is this keyword, given in upper case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.role, Role::Keyword | Role::Unknown) && self.text.eq_ignore_ascii_case(word)
    }
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(w))
    }
    pub(super) fn is_keyword(&self) -> bool {
        matches!(self.role, Role::Keyword | Role::Function)
    }
    /// As it is to be written.
    pub(super) fn shown(&self) -> String {
        if self.is_keyword() { self.text.to_uppercase() } else { self.text.clone() }
    }
    pub(super) fn is_hint(&self) -> bool {
        matches!(self.kind, Sql::Whitespace(_))
    }
}

/// A text, read.
pub(super) struct Source {
    pub(super) tokens: Vec<Token>,
    /// Comments behind the last token's line.
    pub(super) last_comments: Vec<Comment>,
    /// All comments, in order.
    pub(super) comments: Vec<String>,
}

impl Source {
    /// # Errors
    /// All statements that are not right.
    pub(super) fn read(text: &str) -> Result<Source, Vec<Error>> {
        let masked = masked(text)?;
        let all = tokens(&masked).map_err(|e| vec![e])?;
        let lines = Lines::new(text);
        let (statements, hints) = outline(all.clone());
        let is_test = statements.iter().any(|s| s.first == "TEST");
        let has_variable = |span: Span| {
            let inside = |t: &&TokenWithSpan| span_of(t.span).start >= span.start && span_of(t.span).end <= span.end;
            all.iter().filter(inside).any(|t| is_variable(t, lines.slice(span_of(t.span))))
        };
        let mut errors: Vec<Error> = hints.into_iter().filter_map(Result::err).map(|hint| hint.error).collect();
        let mut names = Names::default();
        for Outlined {
            span,
            first,
            kind,
            slips,
            names: own,
            ..
        } in statements
        {
            let is_open = has_variable(span);
            if !slips.is_empty() && is_open {
                names.unknown(span);
                continue;
            }
            errors.extend(slips);
            if is_test && (first == "SET" && kind.is_err() || STEPS.contains(&first.as_str())) && !is_open {
                let inside = |t: &&TokenWithSpan| span_of(t.span).start >= span.start && span_of(t.span).end <= span.end;
                let tokens = all.iter().filter(inside).filter(|t| !matches!(t.token, Sql::Whitespace(_) | Sql::SemiColon));
                match shown_step(tokens.cloned().collect(), span) {
                    Some(step) => {
                        names.add_shown(&step.text, &step.names);
                        step.statement.into_iter().for_each(|statement| names.unknown(statement));
                    }
                    None => names.unknown(span),
                }
                continue;
            }
            match kind {
                Ok(kind) => names.add(&kind, &own),
                // Not supported is not wrong, and what a variable stands for nobody knows here.
                Err(e) if e.code == Some("E0101") || is_test && (first == "SET" || STEPS.contains(&first.as_str())) || is_open => names.unknown(span),
                Err(e) => errors.push(e),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut source = Reader::new(&lines).read(&all);
        names.assign(&mut source.tokens);
        source.before_operators();
        source.hoist();
        Ok(source)
    }

    /// What stands behind an operator at the end of a line goes before it: the next line begins with the operator.
    fn before_operators(&mut self) {
        let mut between = false;
        for i in 1..self.tokens.len() {
            // The AND of a BETWEEN begins no line.
            let of_between = between && self.tokens[i].is("AND");
            between = (between || self.tokens[i].is("BETWEEN")) && !of_between;
            let infix = match self.tokens[i].kind {
                Sql::StringConcat | Sql::Div => true,
                Sql::Plus | Sql::Minus => !self.tokens[i].is_quantifier && !is_prefix(&self.tokens, i),
                _ => self.tokens[i].is_any(&["AND", "OR"]) && !of_between,
            };
            let [former, operator] = &mut self.tokens[i - 1..=i] else { continue };
            if infix && former.behind.is_empty() && operator.before.is_empty() && operator.above.is_empty() {
                former.behind = std::mem::take(&mut operator.behind);
            }
        }
    }

    /// Comments before a `,` or `;` go behind it, as does what stands behind the token before it.
    fn hoist(&mut self) {
        for i in 1..self.tokens.len() {
            if !matches!(self.tokens[i].kind, Sql::Comma | Sql::SemiColon) {
                continue;
            }
            let behind = std::mem::take(&mut self.tokens[i - 1].behind);
            let above = std::mem::take(&mut self.tokens[i].above);
            let before = std::mem::take(&mut self.tokens[i].before);
            if above.is_empty() && !before.is_empty() && behind.is_empty() {
                self.tokens[i].before = before;
                continue;
            }
            let own = std::mem::take(&mut self.tokens[i].behind);
            let mut fits = behind.len() + if above.is_empty() && before.is_empty() { own.len() } else { 0 };
            let mut all: Vec<String> = behind.into_iter().chain(above.into_iter().map(|c| c.text)).chain(before).chain(own).collect();
            // Nothing follows `--` on its line.
            if let Some(line) = all.iter().take(fits).position(|c| c.starts_with("--")) {
                fits = line + 1;
            }
            let lower = all.split_off(fits).into_iter().map(|text| Comment { text, blank_above: false });
            let next = self.tokens.get_mut(i + 1).map_or(&mut self.last_comments, |t| &mut t.above);
            next.splice(0..0, lower);
            self.tokens[i].behind = all;
        }
    }
}

/// The texts of the tokens and of the comments.
///
/// # Errors
/// What cannot be read.
pub(super) fn words(text: &str) -> Result<(Vec<String>, Vec<String>)> {
    let masked = masked(text).map_err(|e| Error::bug(e.first().map_or(String::new(), |e| e.message.clone())))?;
    let all = tokens(&masked)?;
    let lines = Lines::new(text);
    let source = Reader::new(&lines).read(&all);
    Ok((source.tokens.into_iter().map(|t| t.text).collect(), source.comments))
}

/// The text with a word of the same length in the place of each variable.
fn masked(text: &str) -> Result<String, Vec<Error>> {
    let names = text
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_string());
    let variables: BTreeMap<String, String> = names.map(|n| (n.clone(), "_".repeat(n.chars().count() + 3))).collect();
    substitute(text, &variables).map(|s| s.text)
}

/// Whether a variable, or part of one, is a token.
fn is_variable(token: &TokenWithSpan, text: &str) -> bool {
    matches!(token.token, Sql::Word(_)) && text.contains("${")
}

/// A text by its lines and columns.
struct Lines<'a> {
    text: &'a str,
    /// Where each character begins, bytes; and the end.
    chars: Vec<usize>,
    /// The first character of each line.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let chars = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let line_ends = text.chars().enumerate().filter(|(_, c)| *c == '\n');
        let starts = std::iter::once(0).chain(line_ends.map(|(n, _)| n + 1)).collect();
        Lines { text, chars, starts }
    }
    fn at(&self, place: Location) -> usize {
        let line = place.line.saturating_sub(1) as usize;
        let start = self.starts.get(line).copied().unwrap_or(self.chars.len());
        let n = start + place.column.saturating_sub(1) as usize;
        self.chars.get(n).copied().unwrap_or(self.text.len())
    }
    fn slice(&self, span: Span) -> &'a str {
        self.text.get(self.at(span.start)..self.at(span.end)).unwrap_or_default()
    }
}

/// Makes tokens of sqlparser's, and keeps what stands between them.
struct Reader<'a> {
    lines: &'a Lines<'a>,
    source: Source,
    /// Comments since the last token: on its line, on whole lines, on the line that is open.
    behind: Vec<String>,
    above: Vec<Comment>,
    open: Vec<String>,
    /// Line ends since the last token or comment.
    newlines: usize,
    /// Whether a line has ended since the last token.
    line_ended: bool,
    /// Whether a blank line stands before the comments of the open line.
    open_blank: bool,
}

impl<'a> Reader<'a> {
    fn new(lines: &'a Lines<'a>) -> Self {
        let source = Source {
            tokens: Vec::new(),
            last_comments: Vec::new(),
            comments: Vec::new(),
        };
        // The text begins at the start of a line.
        Reader {
            lines,
            source,
            behind: Vec::new(),
            above: Vec::new(),
            open: Vec::new(),
            newlines: 0,
            line_ended: true,
            open_blank: false,
        }
    }

    fn read(mut self, all: &[TokenWithSpan]) -> Source {
        let mut end: Option<Location> = None;
        for token in all {
            let span = span_of(token.span);
            match &token.token {
                Sql::EOF => {}
                Sql::Whitespace(Whitespace::MultiLineComment(c)) if c.starts_with('+') => self.token(token, span, &mut end),
                Sql::Whitespace(Whitespace::Newline) => self.newline(),
                Sql::Whitespace(Whitespace::SingleLineComment { .. }) => {
                    self.comment(self.lines.slice(span).trim_end().to_string());
                    // Its line end belongs to it.
                    self.newline();
                }
                Sql::Whitespace(Whitespace::MultiLineComment(_)) => self.comment(self.lines.slice(span).to_string()),
                Sql::Whitespace(_) => {}
                _ => self.token(token, span, &mut end),
            }
        }
        self.newline();
        if let Some(last) = self.source.tokens.last_mut() {
            last.behind = std::mem::take(&mut self.behind);
        }
        self.source.last_comments = std::mem::take(&mut self.above);
        self.source
    }

    fn token(&mut self, token: &TokenWithSpan, span: Span, end: &mut Option<Location>) {
        let text = self.lines.slice(span).to_string();
        let variable = is_variable(token, &text);
        let bare = matches!(&token.token, Sql::Word(w) if w.quote_style.is_none());
        let role = match (bare, variable) {
            (true, true) => Role::Name,
            (true, false) => Role::Keyword,
            _ => Role::Sign,
        };
        let blank_above = self.blank();
        if let Some(last) = self.source.tokens.last_mut() {
            last.behind = std::mem::take(&mut self.behind);
        }
        let after_variable = self
            .source
            .tokens
            .last()
            .is_some_and(|t| t.text.contains("${") && matches!(t.kind, Sql::Word(_)));
        self.source.tokens.push(Token {
            kind: token.token.clone(),
            text,
            span,
            role,
            opens_type: false,
            closes_type: false,
            is_quantifier: false,
            above: std::mem::take(&mut self.above),
            before: std::mem::take(&mut self.open),
            behind: Vec::new(),
            blank_above,
            glued: (variable || after_variable) && *end == Some(span.start),
        });
        *end = Some(span.end);
        (self.newlines, self.line_ended) = (0, false);
    }

    fn blank(&self) -> bool {
        if self.open.is_empty() { self.newlines > 1 } else { self.open_blank }
    }

    fn comment(&mut self, text: String) {
        self.source.comments.push(text.clone());
        if self.open.is_empty() {
            self.open_blank = self.newlines > 1;
        }
        self.open.push(text);
        self.newlines = 0;
    }

    fn newline(&mut self) {
        let ended = std::mem::take(&mut self.open);
        if !ended.is_empty() {
            if self.line_ended {
                self.above.push(Comment {
                    text: ended.join(" "),
                    blank_above: self.open_blank,
                });
            } else {
                self.behind = ended;
            }
            self.newlines = 0;
        }
        self.newlines += 1;
        self.line_ended = true;
    }
}
