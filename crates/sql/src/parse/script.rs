//! A file's text to its statements.

use super::statement::*;
use super::token::{HintText, is_word, parse_error, span_of, statements, tokenize, tokenize_partly};
use super::{FlinkDialect, alter, ddl, depth, show, slips, unicode};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Location, Result, Span};
use sqlparser::ast::Ident;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Longest text taken: beyond it a parser's memory is the user's problem no more, but ours.
pub(super) const TEXT_BYTES_MAX: usize = 256 << 10;
/// Nesting of expressions and queries.
const NESTING_MAX: usize = 60;

/// What statements begin with.
pub(super) const STATEMENTS: [&str; 14] = [
    "SELECT", "WITH", "VALUES", "CREATE", "ALTER", "DROP", "INSERT", "EXECUTE", "EXPLAIN", "SHOW", "DESCRIBE", "USE", "SET", "RESET",
];

/// The error for a word that begins none.
///
/// - `shown`: the word as errors show it; `word`: in upper case
pub(super) fn no_statement<'a>(shown: &str, word: &str, known: impl Iterator<Item = &'a str>, span: Span) -> Error {
    let e = Error::sql(format!("{shown} does not start a statement")).code("E0102").span(span);
    match nearest(word, known) {
        Some(near) => e.meant(near, near),
        None => e,
    }
}

/// The statements of a text, or all its errors: one per broken statement.
pub fn parse(text: &str) -> Result<Script, Vec<Error>> {
    let (script, errors) = parse_each(text, 0, &[]).whole();
    if errors.is_empty() { Ok(script) } else { Err(errors) }
}

/// What the statements of a text are, each by itself, in their order. All places are moved down by a number of lines.
///
/// - `unknown`: stretches that are not known; the statements around them are taken for broken, and whoever found that has told it
pub(crate) fn parse_each(text: &str, above: u64, unknown: &[Span]) -> Parsed {
    if let Err(e) = limit(text) {
        return Parsed::none(e.span(Span::new((1, 1), (1, 1)).moved_down(above)));
    }
    let (mut tokens, unended) = tokenize_partly(text);
    for token in &mut tokens {
        token.span.start.line += above;
        token.span.end.line += above;
    }
    let unended = unended.map(|e| e.moved(|span| span.moved_down(above)));
    let unknown: Vec<Span> = unknown.iter().map(|span| span.moved_down(above)).collect();
    script(tokens, unended, &unknown)
}

/// All tokens of a file's text.
pub(crate) fn tokens(text: &str) -> Result<Vec<TokenWithSpan>> {
    limit(text)?;
    tokenize(text)
}

fn limit(text: &str) -> Result<()> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::sql(format!("the text has {} bytes, at most {TEXT_BYTES_MAX} are taken", text.len())).code("E0103"));
    }
    Ok(())
}

/// The statements of a text that is no part of the file: nothing in them has a place.
pub(crate) fn parse_unplaced(text: &str) -> Result<Script, Vec<Error>> {
    let mut tokens = tokenize(text).map_err(|e| vec![e])?;
    tokens.iter_mut().for_each(|t| t.span = sqlparser::tokenizer::Span::empty());
    let (script, errors) = script(tokens, None, &[]).whole();
    if errors.is_empty() { Ok(script) } else { Err(errors) }
}

/// Whether a text makes a view, or a table; `None` for anything else.
pub(crate) fn makes_view(text: &str) -> Option<bool> {
    let (statements, _) = statements(tokenize(text).ok()?);
    let mut words = statements.first()?.iter().filter(|t| !is_word(Some(t), "TEMPORARY"));
    let (first, second) = (words.next(), words.next());
    match (is_word(first, "CREATE"), is_word(second, "VIEW"), is_word(second, "TABLE")) {
        (true, true, _) => Some(true),
        (true, _, true) => Some(false),
        _ => None,
    }
}

/// The statements of a text, those that cannot be read included.
pub(crate) struct Parsed {
    pub(crate) statements: Vec<Result<Statement, Unread>>,
    pub(crate) hints: Vec<Hint>,
    /// Whether something in it begins and does not end.
    pub(crate) is_cut: bool,
}

/// What is no statement.
pub(crate) struct Unread {
    pub(crate) errors: Vec<Error>,
    /// What it would change if it were one.
    pub(crate) broken: Option<Broken>,
    /// What it is but for the errors, if that can be told: more may be wrong with it.
    pub(crate) rest: Option<Statement>,
}

impl Unread {
    fn new(errors: Vec<Error>, broken: Option<Broken>) -> Unread {
        Unread { errors, broken, rest: None }
    }
}

impl Parsed {
    fn none(e: Error) -> Parsed {
        let unread = Unread::new(vec![e], None);
        Parsed {
            statements: vec![Err(unread)],
            hints: Vec::new(),
            is_cut: true,
        }
    }
    fn whole(self) -> (Script, Vec<Error>) {
        let (statements, unread): (Vec<_>, Vec<_>) = self.statements.into_iter().partition(Result::is_ok);
        let script = Script {
            statements: statements.into_iter().filter_map(Result::ok).collect(),
            hints: self.hints,
        };
        (script, unread.into_iter().filter_map(Result::err).flat_map(|unread| unread.errors).collect())
    }
}

/// - `unended`: the error of what begins behind the tokens and does not end
fn script(tokens: Vec<TokenWithSpan>, unended: Option<Error>, unknown: &[Span]) -> Parsed {
    let ends = |t: &TokenWithSpan| !matches!(t.token, Token::Whitespace(_));
    let is_whole = tokens.iter().rfind(|t| ends(t)).is_none_or(|t| t.token == Token::SemiColon);
    let (outlined, hints) = outline(tokens);
    let (hints, wrong): (Vec<_>, Vec<_>) = hints.into_iter().partition(Result::is_ok);
    let mut wrong: Vec<WrongHint> = wrong.into_iter().filter_map(Result::err).collect();
    let mut statements = Vec::new();
    let last = outlined.len();
    for (number, Outlined { span, kind, slips, broken, .. }) in outlined.into_iter().enumerate() {
        let is_unknown = unknown.iter().any(|u| span.start <= u.start && u.end <= span.end);
        let is_cut = unended.is_some() && !is_whole && number + 1 == last;
        // One in front of a statement is of that one.
        let within = |hint: &mut WrongHint| match hint.within {
            Some(end) => (span.start..=span.end).contains(&end),
            None => hint.error.span.is_some_and(|s| s.start <= span.end),
        };
        let errors: Vec<Error> = wrong.extract_if(.., within).map(|hint| hint.error).collect();
        let broken = Some(broken);
        statements.push(match kind {
            _ if is_unknown || is_cut || !errors.is_empty() => Err(Unread::new(errors, broken)),
            Ok(kind) if slips.is_empty() => Ok(Statement { span, kind }),
            Ok(kind) => Err(Unread {
                errors: slips,
                broken,
                rest: Some(Statement { span, kind }),
            }),
            Err(e) if slips.is_empty() => Err(Unread::new(vec![e], broken)),
            // What is wrong behind a slip may be so because of it.
            Err(_) => Err(Unread::new(slips, broken)),
        });
    }
    // Hints behind all statements.
    if !wrong.is_empty() {
        let errors = wrong.into_iter().map(|hint| hint.error).collect();
        statements.push(Err(Unread::new(errors, None)));
    }
    let is_cut = unended.is_some();
    if let Some(e) = unended {
        statements.push(Err(Unread::new(vec![e], None)));
    }
    Parsed {
        statements,
        hints: hints.into_iter().filter_map(Result::ok).collect(),
        is_cut,
    }
}

impl Broken {
    fn new(tokens: &[TokenWithSpan], span: Span) -> Broken {
        let word = |i: usize, words: &[&str]| words.iter().any(|w| is_word(tokens.get(i), w));
        let place = word(0, &["USE"]) || word(0, &["CREATE", "DROP"]) && word(1, &["CATALOG", "DATABASE"]);
        let mut at = 1 + usize::from(word(1, &["TEMPORARY"]));
        // `CREAT TABL`, too.
        let makes = |t: &TokenWithSpan| nearest(&t.token.to_string().to_uppercase(), ["CREATE"]).is_some();
        let is_relation = |t: &TokenWithSpan| nearest(&t.token.to_string().to_uppercase(), ["TABLE", "VIEW"]).is_some();
        let is_table = (word(0, &["ALTER", "DROP"]) || tokens.first().is_some_and(makes)) && tokens.get(at).is_some_and(is_relation);
        at += 1;
        while word(at, &["IF", "NOT", "EXISTS"]) {
            at += 1;
        }
        let mut parts = Vec::new();
        while let Some(Token::Word(w)) = tokens.get(at).map(|t| &t.token).filter(|_| is_table) {
            parts.push(w.value.clone());
            at += 1;
            if !matches!(tokens.get(at).map(|t| &t.token), Some(Token::Period)) {
                break;
            }
            at += 1;
        }
        Broken {
            name: (!parts.is_empty()).then_some(ObjectPath { parts, span }),
            place,
        }
    }
}

/// A statement of a text, right or wrong.
pub(crate) struct Outlined {
    pub(crate) span: Span,
    /// The word it begins with, in upper case.
    pub(crate) first: String,
    pub(crate) kind: Result<StatementKind>,
    /// What is wrong with it and did not keep it from being read to its end.
    pub(crate) slips: Vec<Error>,
    /// What it would change, if it is wrong.
    broken: Broken,
    /// Where names stand in it, but for those in queries and expressions.
    pub(crate) names: Vec<Span>,
}

/// Each statement and each hint of a text's tokens by itself.
pub(crate) fn outline(tokens: Vec<TokenWithSpan>) -> (Vec<Outlined>, Vec<Result<Hint, WrongHint>>) {
    let (statements, hints) = statements(tokens);
    let outlined = statements.into_iter().map(|tokens| {
        let span = whole(&tokens);
        let first = tokens.first().map_or(String::new(), |t| t.token.to_string().to_uppercase());
        let broken = Broken::new(&tokens, span);
        let (tokens, wrong) = match unicode::read(tokens) {
            Ok(tokens) => (tokens, None),
            Err(e) => (Vec::new(), Some(e)),
        };
        let mut cursor = Cursor::new(tokens.clone(), span);
        let kind = match wrong.map_or_else(|| depth::check(&tokens), Err).and_then(|()| cursor.statement()) {
            // What is Flink's is no slip.
            Err(e) if e.code == Some("E0101") => Err(e),
            read => slips::signs(&tokens).and_then(|()| read.map_err(|e| within_brackets(&tokens).unwrap_or_else(|| slips::told(e, &tokens)))),
        };
        Outlined {
            span,
            first,
            kind,
            slips: cursor.slips,
            broken,
            names: cursor.names,
        }
    });
    let hint = |text: HintText| {
        let within = text.within;
        hint(text).map_err(|error| WrongHint { error, within })
    };
    (outlined.collect(), hints.into_iter().map(hint).collect())
}

/// A hint that is none.
pub(crate) struct WrongHint {
    pub(crate) error: Error,
    /// See [`HintText::within`].
    within: Option<Location>,
}

/// Queries in brackets that are looked at one by one: each costs as much as it is long.
const BRACKETS_MAX: usize = 32;

/// What is wrong with the first innermost query in brackets that is none. The parser tries other readings of the brackets, and tells of the
/// last one.
fn within_brackets(tokens: &[TokenWithSpan]) -> Option<Error> {
    let begins = |i: &usize| tokens[*i].token == Token::LParen && ["SELECT", "WITH"].iter().any(|w| is_word(tokens.get(i + 1), w));
    let opened: Vec<usize> = (0..tokens.len()).filter(begins).collect();
    if opened.len() > BRACKETS_MAX {
        return None;
    }
    let read = |tokens: &[TokenWithSpan]| Cursor::new(tokens.to_vec(), whole(tokens)).statement();
    let wrong = |e: Error| (e.code == Some("E0102")).then_some(e);
    let mut found: Option<(usize, Error)> = None;
    // Inner ones are opened later.
    for open in opened.into_iter().rev() {
        let Some(close) = closing(tokens, open) else { continue };
        let is_inside = found.as_ref().is_some_and(|(inner, _)| *inner < close);
        if is_inside {
            continue;
        }
        let Some(alone) = read(&tokens[open + 1..close]).err().and_then(wrong) else {
            continue;
        };
        // With the bracket, which is what stands at its end.
        let with_end = &tokens[open + 1..=close];
        let end = span_of(tokens[close].span);
        let e = match read(with_end).err().and_then(wrong) {
            Some(e) if e.span.is_none_or(|s| s.start < end.start) => slips::told(e, with_end),
            _ => match alone.message.split_once("found ") {
                Some((wanted, _)) => Error::sql(format!("{wanted}found \")\"")).code("E0102").span(end),
                None => alone,
            },
        };
        found = Some((open, e));
    }
    found.map(|(_, e)| e)
}

/// Where the bracket is closed that is opened at a place.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0;
    let closes = tokens[open..].iter().position(|t| {
        depth += match t.token {
            Token::LParen => 1,
            Token::RParen => -1,
            _ => 0,
        };
        depth == 0
    });
    closes.map(|n| open + n)
}

/// `OPTIONS('key' = 'value', …)` behind a table's name.
fn hint(hint: HintText) -> Result<Hint> {
    let here = |e: Error| if e.span.is_none() { e.span(hint.span) } else { e };
    let tokens = hint.tokens().and_then(unicode::read).map_err(here)?;
    let mut c = Cursor::new(
        tokens,
        Span {
            end: Location {
                column: hint.span.end.column - 2,
                ..hint.span.end
            },
            ..hint.span
        },
    );
    if !c.words(&["OPTIONS"]) {
        let e = Error::sql("hints other than OPTIONS are not supported yet").code("E0101").span(hint.span);
        return Err(e.hint("a comment that is no hint begins with /* and no +"));
    }
    let options = ddl::options(&mut c).map_err(here)?;
    c.done().map_err(here)?;
    if let Some(e) = c.slips.pop() {
        return Err(here(e));
    }
    let after = hint.after.ok_or_else(|| Hint::misplaced(hint.span))?;
    Ok(Hint {
        after,
        span: hint.span,
        options,
    })
}

impl Hint {
    /// What is wrong with a table that has the hint's options, told at the hint.
    pub(crate) fn error(&self, errors: Vec<Error>) -> Error {
        let is_here = |e: &Error| e.span.is_some_and(|s| self.span.start <= s.start && s.end <= self.span.end);
        let told = errors.into_iter().map(|e| if is_here(&e) { e } else { e.told_at(self.span) });
        told.reduce(Error::and).unwrap_or_else(|| Error::bug("a table is wrong, but nothing is"))
    }
    /// The error for one that no table takes.
    pub(crate) fn misplaced(span: Span) -> Error {
        Error::sql("OPTIONS stands behind no table's name")
            .code("E0102")
            .hint("as in FROM clicks /*+ OPTIONS('key' = 'value') */")
            .span(span)
    }
}

/// A token as errors show it.
fn shown(token: &Token) -> String {
    format!("\"{token}\"")
}

pub(super) fn whole(tokens: &[TokenWithSpan]) -> Span {
    let (first, last) = (tokens.first().map(|t| span_of(t.span)), tokens.last().map(|t| span_of(t.span)));
    Span {
        start: first.map_or(Span::new((1, 1), (1, 1)).start, |s| s.start),
        end: last.map_or(Span::new((1, 1), (1, 1)).end, |s| s.end),
    }
}

/// sqlparser's parser over one statement, with our errors.
pub(super) struct Cursor {
    pub(super) parser: Parser<'static>,
    span: Span,
    /// Where names stand that are not sqlparser's to read.
    pub(super) names: Vec<Span>,
    /// What is wrong, though its end is known: reading goes on behind it.
    pub(super) slips: Vec<Error>,
}

impl Cursor {
    pub(super) fn new(tokens: Vec<TokenWithSpan>, span: Span) -> Self {
        const DIALECT: &FlinkDialect = &FlinkDialect;
        Cursor {
            parser: Parser::new(DIALECT).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens),
            span,
            names: Vec::new(),
            slips: Vec::new(),
        }
    }
    /// Runs one of sqlparser's methods.
    pub(super) fn sql<T>(&mut self, f: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>) -> Result<T> {
        let end = Span {
            start: self.span.end,
            end: self.span.end,
        };
        f(&mut self.parser).map_err(|e| parse_error(e, end))
    }
    /// The span of the next token, or the statement's end.
    pub(super) fn here(&self) -> Span {
        let token = self.parser.peek_token_ref();
        if token.token == Token::EOF {
            Span {
                start: self.span.end,
                end: self.span.end,
            }
        } else {
            span_of(token.span)
        }
    }
    /// The span of the token that was taken last.
    pub(super) fn last(&self) -> Span {
        span_of(self.parser.get_current_token().span)
    }
    /// An error at the next token.
    pub(super) fn expected(&self, what: &str) -> Error {
        let token = &self.parser.peek_token_ref().token;
        let found = match token {
            Token::EOF => "the end of the statement".to_string(),
            // It may be a secret.
            Token::DoubleQuotedString(_) => "a text in double quotes".to_string(),
            _ => format!("\"{token}\""),
        };
        let e = Error::sql(format!("expected {what}, found {found}")).code("E0102").span(self.here());
        let found = token.to_string();
        let is_other = |w: &&str| w.len() > 2 && w.chars().all(char::is_uppercase) && !w.eq_ignore_ascii_case(&found);
        let words = what.split([' ', ',']).filter(is_other);
        match token {
            Token::Word(w) if w.quote_style.is_none() => match nearest(&w.value, words) {
                Some(near) => e.meant(near, near),
                None => e,
            },
            _ => e,
        }
    }
    pub(super) fn at_word(&self, word: &str) -> bool {
        is_word(Some(self.parser.peek_token_ref()), word)
    }
    pub(super) fn nth_word(&self, n: usize, word: &str) -> bool {
        is_word(Some(self.parser.peek_nth_token_ref(n)), word)
    }
    pub(super) fn nth_token(&self, n: usize) -> Token {
        self.parser.peek_nth_token_ref(n).token.clone()
    }
    /// Takes these words if they come next.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(i, w)| self.nth_word(i, w));
        if found {
            for _ in words {
                self.parser.next_token();
            }
        }
        found
    }
    pub(super) fn need_words(&mut self, words: &[&str]) -> Result<()> {
        // A first word alone may begin something else.
        if !self.at_word(words[0]) {
            return Err(self.expected(&words.join(" ")));
        }
        words
            .iter()
            .try_for_each(|word| if self.words(&[word]) { Ok(()) } else { Err(self.expected(word)) })
    }
    pub(super) fn symbol(&mut self, token: Token) -> bool {
        self.parser.consume_token(&token)
    }
    pub(super) fn need(&mut self, token: Token) -> Result<()> {
        if self.parser.consume_token(&token) {
            Ok(())
        } else {
            Err(self.expected(&format!("\"{token}\"")))
        }
    }
    pub(super) fn name(&mut self, what: &str) -> Result<(String, Span)> {
        let span = self.here();
        match &self.parser.peek_token_ref().token {
            Token::Word(_) => {
                let ident: Ident = self.sql(Parser::parse_identifier)?;
                self.names.push(span);
                Ok((ident.value, span))
            }
            _ => Err(self.expected(what)),
        }
    }
    pub(super) fn path(&mut self, what: &str) -> Result<ObjectPath> {
        if ["SELECT", "FROM", "WHERE", "VALUES", "AS", "TABLE", "SET", "IF", "INTO", "WITH", "TO"]
            .iter()
            .any(|w| self.at_word(w))
        {
            let e = self.expected(what);
            return Err(match self.parser_at() {
                Token::Word(w) if w.value.eq_ignore_ascii_case("IF") => e.hint("it is IF NOT EXISTS in CREATE, IF EXISTS in DROP and ALTER"),
                Token::Word(w) if w.value.eq_ignore_ascii_case("TABLE") => e.hint("leave TABLE out"),
                _ => e,
            });
        }
        let (first, span) = self.name(what)?;
        let mut path = ObjectPath { parts: vec![first], span };
        while self.symbol(Token::Period) {
            let (part, at) = self.name("a name after \".\"")?;
            path.parts.push(part);
            path.span.end = at.end;
        }
        if path.parts.len() > 3 {
            return Err(Error::sql(format!("\"{path}\" has more than three parts"))
                .code("E0102")
                .hint("a name is table, database.table or catalog.database.table")
                .span(path.span));
        }
        Ok(path)
    }
    pub(super) fn text(&mut self, what: &str) -> Result<String> {
        match &self.parser.peek_token_ref().token {
            Token::SingleQuotedString(_) => self.sql(Parser::parse_literal_string),
            Token::DoubleQuotedString(_) => Err(self.expected(what).hint("a text stands in single quotes: '…'")),
            _ => Err(self.expected(what)),
        }
    }
    pub(super) fn parser_at(&self) -> Token {
        self.parser.peek_token_ref().token.clone()
    }
    pub(super) fn if_exists(&mut self) -> bool {
        self.words(&["IF", "EXISTS"])
    }
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.words(&["IF", "NOT", "EXISTS"])
    }
    pub(super) fn unsupported(&self, what: &str, span: Span) -> Error {
        Error::sql(format!("{what} is not supported yet")).code("E0101").span(span)
    }
    pub(super) fn done(&self) -> Result<()> {
        if self.parser.peek_token_ref().token == Token::EOF {
            Ok(())
        } else {
            Err(self.expected("\";\" or the end of the statement"))
        }
    }

    fn statement(&mut self) -> Result<StatementKind> {
        let kind = self.open_statement()?;
        self.done()?;
        Ok(kind)
    }

    fn open_statement(&mut self) -> Result<StatementKind> {
        let span = self.here();
        let word = match &self.parser.peek_token_ref().token {
            Token::Word(w) if w.quote_style.is_none() => w.value.to_uppercase(),
            Token::LParen => "SELECT".to_string(),
            _ => return Err(self.expected("a statement")),
        };
        match word.as_str() {
            "SELECT" | "WITH" | "VALUES" => Ok(StatementKind::Query(self.sql(Parser::parse_query)?)),
            "CREATE" => ddl::create(self),
            "DROP" => ddl::drop(self),
            "INSERT" => Ok(StatementKind::Insert(self.insert()?)),
            "EXECUTE" | "BEGIN" => {
                if self.words(&["EXECUTE", "STATEMENT", "SET"]) {
                    self.need_words(&["BEGIN"])?;
                    self.symbol(Token::SemiColon);
                    return self.statement_set().map(StatementKind::StatementSet);
                }
                if !self.words(&["BEGIN", "STATEMENT", "SET"]) {
                    return Err(self.unsupported(&format!("the statement {word}"), span));
                }
                self.symbol(Token::SemiColon);
                self.statement_set().map(StatementKind::StatementSet)
            }
            "EXPLAIN" => self.explain(),
            "SET" => self.set(),
            "RESET" => {
                self.parser.next_token();
                let key = matches!(self.parser.peek_token_ref().token, Token::SingleQuotedString(_))
                    .then(|| self.text("a key"))
                    .transpose()?;
                Ok(StatementKind::Reset(key))
            }
            "ALTER" => alter::alter(self),
            "SHOW" => show::show(self),
            "DESCRIBE" | "DESC" => show::describe(self),
            "USE" => show::using(self),
            "COMPILE" | "LOAD" | "UNLOAD" | "CALL" | "ANALYZE" | "TRUNCATE" | "UPDATE" | "DELETE" | "STOP" | "ADD" | "REMOVE" | "MERGE" => {
                let e = self.unsupported(&format!("the statement {word}"), span);
                Err(match word.as_str() {
                    "STOP" => e.hint("at a terminal \\stop NAME ends a job of the session after a final checkpoint; elsewhere Ctrl-C or SIGTERM ends them all"),
                    _ => e,
                })
            }
            _ => {
                let e = no_statement(&shown(&self.parser_at()), &word, STATEMENTS.iter().copied(), span);
                let glued = STATEMENTS.iter().find(|k| k.len() > 3 && word.starts_with(**k));
                Err(match (word.as_str(), glued) {
                    ("UPSERT" | "REPLACE", _) => e.hint("use INSERT INTO"),
                    ("FROM" | "WHERE" | "GROUP" | "UNION" | "HAVING", _) => e.hint("a query begins with SELECT, or WITH"),
                    ("COMMIT" | "ROLLBACK" | "START", _) => e.hint("there are no transactions: what a file writes is shown with each checkpoint"),
                    (_, Some(known)) => e.hint(format!("is a space missing behind {known}?")),
                    _ => e,
                })
            }
        }
    }

    fn insert(&mut self) -> Result<Insert> {
        let start = self.here();
        self.need_words(&["INSERT"])?;
        if self.at_word("OVERWRITE") {
            return Err(self.unsupported("INSERT OVERWRITE", self.here()));
        }
        self.need_words(&["INTO"])?;
        let table = self.path("a table name")?;
        if self.at_word("PARTITION") {
            return Err(self.unsupported("INSERT … PARTITION (…)", self.here()));
        }
        let mut columns = Vec::new();
        let is_query = |c: &Cursor, n| ["SELECT", "WITH", "VALUES"].iter().any(|w| c.nth_word(n, w)) || c.parser.peek_nth_token_ref(n).token == Token::LParen;
        if self.parser.peek_token_ref().token == Token::LParen && !is_query(self, 1) {
            self.need(Token::LParen)?;
            loop {
                columns.push(self.name("a column name")?);
                if !self.symbol(Token::Comma) {
                    break;
                }
            }
            self.need(Token::RParen)?;
        }
        if !is_query(self, 0) {
            return Err(self.expected("SELECT or VALUES"));
        }
        let query = self.sql(Parser::parse_query)?;
        Ok(Insert {
            table,
            columns,
            query,
            span: Span {
                start: start.start,
                end: start.end,
            },
        })
    }

    fn statement_set(&mut self) -> Result<Vec<Insert>> {
        let mut inserts = Vec::new();
        while !self.words(&["END"]) {
            if !self.at_word("INSERT") {
                return Err(self.expected(if inserts.is_empty() { "INSERT INTO" } else { "INSERT INTO or END" }));
            }
            inserts.push(self.insert()?);
            if !self.symbol(Token::SemiColon) && !self.at_word("END") {
                return Err(self.expected("\";\""));
            }
        }
        if inserts.is_empty() {
            return Err(Error::sql("the statement set holds no INSERT").code("E0102").span(self.here()));
        }
        Ok(inserts)
    }

    fn explain(&mut self) -> Result<StatementKind> {
        self.need_words(&["EXPLAIN"])?;
        if self.words(&["PLAN"]) {
            self.need_words(&["FOR"])?;
        }
        if self.at_word("ANALYZE") {
            return Err(self
                .unsupported("EXPLAIN ANALYZE", self.here())
                .hint("EXPLAIN shows the plan; what a job does is told by its metrics"));
        }
        for detail in ["ESTIMATED_COST", "CHANGELOG_MODE", "PLAN_ADVICE", "JSON_EXECUTION_PLAN"] {
            if self.at_word(detail) {
                return Err(self.unsupported(&format!("EXPLAIN {detail}"), self.here()));
            }
        }
        let span = self.here();
        let kind = if self.words(&["STATEMENT", "SET", "BEGIN"]) {
            StatementKind::StatementSet(self.statement_set()?)
        } else {
            self.open_statement()?
        };
        match kind {
            StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::StatementSet(_) => {
                Ok(StatementKind::Explain(Box::new(Statement { span, kind })))
            }
            _ => Err(Error::sql("EXPLAIN takes a query, an INSERT or a statement set").code("E0102").span(span)),
        }
    }

    fn set(&mut self) -> Result<StatementKind> {
        self.need_words(&["SET"])?;
        if self.parser.peek_token_ref().token == Token::EOF {
            return Ok(StatementKind::ShowSettings);
        }
        let key_span = self.here();
        let key = (self.text("a quoted key, as in SET 'parallelism.default' = '2'")?, key_span);
        self.need(Token::Eq)?;
        let value_span = self.here();
        let value = (self.text("a quoted value")?, value_span);
        Ok(StatementKind::Set { key, value })
    }
}
