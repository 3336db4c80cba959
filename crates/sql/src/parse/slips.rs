//! What was probably meant where a statement cannot be read: the usual slips of the pen, and habits of other languages.

mod signs;

use super::token::{is_word, span_of};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Span};
use sqlparser::tokenizer::{Token, TokenWithSpan};

pub(super) use signs::check as signs;

/// Words that begin a clause of a query, in their order.
const CLAUSES: [&str; 6] = ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT"];

/// Words that stand between or behind expressions and are therefore none.
pub(super) const BETWEEN_EXPRESSIONS: [&str; 25] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "AND",
    "OR",
    "AS",
    "ON",
    "THEN",
    "WHEN",
    "ELSE",
    "END",
    "BY",
    "INTO",
    "SELECT",
    "JOIN",
    "IN",
    "IS",
    "LIKE",
    "BETWEEN",
    "SIMILAR",
];

/// Words that may have been meant by one that is close to them.
const KEYWORDS: [&str; 18] = [
    "SELECT", "FROM", "WHERE", "GROUP", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION", "LIKE", "BETWEEN", "JOIN", "VALUES", "AND", "NOT", "THEN", "ELSE",
    "WHEN",
];

fn wrong(message: impl Into<String>, hint: impl Into<String>, span: Span) -> Error {
    editable(Error::sql(message).code("E0102").hint(hint).span(span))
}

/// The error with what could stand at its place instead, where its hint says so: `did you mean X?`, `use X`, `remove it`.
pub(super) fn editable(e: Error) -> Error {
    let hint = e.hint.as_deref().unwrap_or_default();
    let is_keyword = |text: &&str| text.chars().all(|c| c.is_ascii_uppercase() || c == ' ' || c == '_');
    let is_word = |text: &&str| !text.is_empty() && !text.contains([' ', '…', '(']);
    let meant = hint.strip_prefix("did you mean ").and_then(|rest| rest.strip_suffix('?'));
    let instead = match hint {
        "remove it" => Some(""),
        _ => meant.filter(is_keyword).or_else(|| hint.strip_prefix("use ").filter(is_word)),
    };
    match instead.map(str::to_string) {
        Some(text) => e.replaced_by(text),
        None => e,
    }
}

/// Whether a token is a bare word.
fn word(token: Option<&TokenWithSpan>) -> Option<&str> {
    match token.map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_none() => Some(&w.value),
        _ => None,
    }
}

fn is_any(token: Option<&TokenWithSpan>, words: &[&str]) -> bool {
    words.iter().any(|w| is_word(token, w))
}

/// An error of a statement that cannot be read, told with what was probably meant.
pub(super) fn told(e: Error, tokens: &[TokenWithSpan]) -> Error {
    let Some(place) = e.span else { return e };
    let marks_one = place.end.line == place.start.line && place.end.column <= place.start.column + 1;
    let marked = tokens.iter().find(|t| span_of(t.span).start == place.start && marks_one);
    let (e, place) = match marked {
        Some(token) => (e.span(span_of(token.span)), span_of(token.span)),
        None => (e, place),
    };
    if e.code != Some("E0102") || e.hint.is_some() {
        return e;
    }
    let at = tokens.iter().position(|t| span_of(t.span).start >= place.start).unwrap_or(tokens.len());
    let Some((wanted, found)) = e.message.rsplit_once("found ").and_then(|(w, f)| Some((wanted(w)?, f))) else {
        return e;
    };
    // The place of some of sqlparser's errors is that of the token behind.
    let behind = at > 0 && tokens.get(at).is_none_or(|t| shown(t) != found) && shown(&tokens[at - 1]) == found;
    let at = if behind { at - 1 } else { at };
    let slip = Slip { tokens, at, wanted: &wanted };
    let e = Error::sql(format!("expected {wanted}, found {found}")).code("E0102").span(slip.here(place));
    slip.meant(e)
}

/// A token as errors show it.
fn shown(token: &TokenWithSpan) -> String {
    format!("\"{}\"", token.token)
}

/// What was expected, in our words.
fn wanted(text: &str) -> Option<String> {
    let text = text.strip_prefix("expected ")?.trim_end_matches(", ");
    Some(match text {
        "identifier" => "a name".to_string(),
        "joined table" => "\")\"".to_string(),
        "a data type name" => "a type".to_string(),
        "date/time field" => "a unit of time".to_string(),
        "an identifier after AS" => "a name after AS".to_string(),
        "SELECT, VALUES, or a subquery in the query body" => "a query".to_string(),
        "[NOT] NULL | TRUE | FALSE | DISTINCT | [form] NORMALIZED FROM after IS" => "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS".to_string(),
        // Behind an index sqlparser looks for a slice, too.
        ":" => "\"]\"".to_string(),
        sign if sign.chars().all(|c| c.is_ascii_punctuation()) && !sign.starts_with('"') => format!("\"{sign}\""),
        other => other.to_string(),
    })
}

struct Slip<'a> {
    tokens: &'a [TokenWithSpan],
    /// The token that was not expected; their number at the end.
    at: usize,
    wanted: &'a str,
}

impl Slip<'_> {
    fn token(&self, i: usize) -> Option<&TokenWithSpan> {
        self.tokens.get(i)
    }
    fn before(&self, n: usize) -> Option<&TokenWithSpan> {
        self.at.checked_sub(n).and_then(|i| self.tokens.get(i))
    }
    fn here(&self, end: Span) -> Span {
        self.token(self.at).map_or(end, |t| span_of(t.span))
    }
    fn is(&self, i: usize, token: &Token) -> bool {
        self.token(i).is_some_and(|t| t.token == *token)
    }

    fn meant(&self, e: Error) -> Error {
        let found = [
            Slip::unit,
            Slip::no_name,
            Slip::with,
            Slip::comma,
            Slip::brackets,
            Slip::clauses,
            Slip::of_tables,
            Slip::missing_comma,
            Slip::words,
            Slip::missing_from,
        ]
        .iter()
        .find_map(|find| find(self));
        match found {
            Some(Meant::Instead(better)) => better,
            Some(Meant::Hint(hint)) => editable(e.hint(hint)),
            None => e,
        }
    }

    /// What stands behind the text of an INTERVAL, or DESCRIPTOR.
    fn unit(&self) -> Option<Meant> {
        const UNITS: [&str; 6] = ["SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"];
        let here = self.token(self.at);
        if is_word(self.before(1), "DESCRIPTOR") {
            return Some(Meant::Hint("the column stands in brackets: DESCRIPTOR(ts)".to_string()));
        }
        if let (Some(Token::Number(n, _)), Some(unit)) = (self.before(1).map(|b| &b.token), word(here).and_then(|w| nearest(w, UNITS))) {
            return Some(Meant::Hint(format!("a length of time is an interval: INTERVAL '{n}' {unit}")));
        }
        let text = self.before(1).filter(|b| matches!(b.token, Token::SingleQuotedString(_)));
        if text.is_none() || !is_word(self.before(2), "INTERVAL") || self.wanted == "an expression" {
            return None;
        }
        word(here).map(|w| {
            Meant::Hint(match nearest(w, UNITS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the units are {}", UNITS.join(", ")),
            })
        })
    }

    /// `FROM SELECT …`, `FROM WHERE …`, `AS FROM …`: taken for a name.
    fn no_name(&self) -> Option<Meant> {
        if let Some(alias) = (0..self.at).find(|i| is_word(self.token(*i), "AS") && is_any(self.token(i + 1), &CLAUSES)) {
            let next = self.token(alias + 1)?;
            let e = Error::sql(format!("expected a name after AS, found {}", shown(next))).code("E0102");
            return Some(Meant::Instead(e.span(span_of(next.span))));
        }
        let from = (0..self.at).find(|i| is_any(self.token(*i), &["FROM", "JOIN"]) && is_any(self.token(i + 1), &BETWEEN_EXPRESSIONS))?;
        let next = self.token(from + 1)?;
        let e = Error::sql(format!("expected a table, found {}", shown(next)))
            .code("E0102")
            .span(span_of(next.span));
        Some(Meant::Instead(match is_word(Some(next), "SELECT") {
            true => e.hint("a query in FROM stands in brackets: FROM (SELECT …)"),
            false => e,
        }))
    }

    /// Queries of a WITH.
    fn with(&self) -> Option<Meant> {
        if !is_word(self.token(0), "WITH") {
            return None;
        }
        let no_as = |i: &usize| {
            self.is(*i, &Token::LParen) && is_word(self.token(i + 1), "SELECT") && word(self.token(i - 1)).is_some_and(|w| !w.eq_ignore_ascii_case("AS"))
        };
        if let Some(open) = (2..self.at).find(no_as) {
            let e = Error::sql("expected AS, found \"(\"").code("E0102").span(span_of(self.token(open)?.span));
            return Some(Meant::Instead(e));
        }
        if let Some(comma) = (0..self.at).find(|i| self.is(*i, &Token::Comma) && is_word(self.token(i + 1), "SELECT")) {
            return Some(Meant::Instead(wrong(
                "nothing stands behind the comma",
                "remove it",
                span_of(self.token(comma)?.span),
            )));
        }
        let another = self.wanted == "a query" && is_word(self.token(self.at + 1), "AS");
        another.then(|| Meant::Hint("is a comma missing in front of it?".to_string()))
    }

    /// One comma too many.
    fn comma(&self) -> Option<Meant> {
        let ends = match self.token(self.at) {
            None => true,
            Some(t) => matches!(t.token, Token::RParen | Token::Comma | Token::RBracket) || is_any(Some(t), &CLAUSES) || is_any(Some(t), &["UNION", "SELECT"]),
        };
        let behind_comma = self.before(1).is_some_and(|b| b.token == Token::Comma);
        if ends && behind_comma && self.wanted != "\")\"" {
            let comma = self.before(1)?;
            return Some(Meant::Instead(wrong("nothing stands behind the comma", "remove it", span_of(comma.span))));
        }
        let opens = is_word(self.before(1), "SELECT") || self.before(1).is_some_and(|b| b.token == Token::LParen);
        if opens && self.is(self.at, &Token::Comma) {
            let comma = self.token(self.at)?;
            return Some(Meant::Instead(wrong("nothing stands before the comma", "remove it", span_of(comma.span))));
        }
        None
    }

    /// The places of the brackets that are open.
    fn open(&self) -> Vec<usize> {
        let mut open = Vec::new();
        for (i, token) in self.tokens.iter().enumerate().take(self.at) {
            match token.token {
                Token::LParen | Token::LBracket => open.push(i),
                Token::RParen | Token::RBracket => drop(open.pop()),
                _ => {}
            }
        }
        open
    }

    /// A bracket that has no other half.
    fn brackets(&self) -> Option<Meant> {
        let (open, here) = (self.open(), self.token(self.at));
        if self.is(self.at, &Token::RParen) && open.is_empty() {
            let hint = "remove it, or add the \"(\" that it is for";
            return Some(Meant::Instead(wrong("\")\" closes nothing", hint, span_of(here?.span))));
        }
        let (closing, opening) = match self.wanted {
            w if w.contains("\")\"") => (")", Token::LParen),
            "\"]\"" => ("]", Token::LBracket),
            _ => return None,
        };
        let opened = self.token(*open.last()?).filter(|t| t.token == opening)?;
        if self.makes_table() && is_any(here, &["AS", "FROM"]) {
            return None;
        }
        let of_query = is_any(self.token(open.last()? + 1), &["SELECT", "WITH", "VALUES"]);
        let stop = match here {
            Some(t) if of_query && is_any(Some(t), &CLAUSES) => "at the end of the query".to_string(),
            None => "at the end".to_string(),
            Some(t) if is_any(Some(t), &CLAUSES) || is_any(Some(t), &["AS", "WITH", "UNION", "SELECT"]) => format!("in front of {}", t.token),
            Some(_) if !self.tokens[self.at..].iter().any(|t| t.token.to_string() == closing) => "to it".to_string(),
            Some(_) => return None,
        };
        let e = wrong(format!("\"{opened}\" is not closed"), format!("add \"{closing}\" {stop}"), span_of(opened.span));
        Some(Meant::Instead(e))
    }

    /// Clauses that are twice there, or in another order.
    fn clauses(&self) -> Option<Meant> {
        let here = self.token(self.at)?;
        if self.wanted.starts_with('"') && self.is(self.at, &Token::Comma) && (0..self.at).any(|i| is_any(self.token(i), &["WHERE", "HAVING"])) {
            return Some(Meant::Hint("conditions are joined with AND or OR".to_string()));
        }
        let place = CLAUSES.iter().position(|c| is_word(Some(here), c))?;
        let name = |i: usize| {
            if matches!(CLAUSES[i], "GROUP" | "ORDER") {
                format!("{} BY", CLAUSES[i])
            } else {
                CLAUSES[i].to_string()
            }
        };
        if matches!(CLAUSES[place], "GROUP" | "ORDER") && !is_word(self.token(self.at + 1), "BY") {
            return self.wanted.starts_with("\";\"").then(|| Meant::Hint(format!("{} BY …", CLAUSES[place])));
        }
        // The clauses of each level that is open, and so of the last.
        let mut levels = vec![None];
        for i in 0..self.at {
            match self.token(i).map(|t| &t.token) {
                Some(Token::LParen | Token::LBracket) => levels.push(None),
                Some(Token::RParen | Token::RBracket) if levels.len() > 1 => drop(levels.pop()),
                _ => {
                    let clause = CLAUSES.iter().position(|c| is_word(self.token(i), c));
                    if let Some(level) = levels.last_mut() {
                        *level = clause.max(*level);
                    }
                }
            }
        }
        let earlier = levels.pop()??;
        match earlier.cmp(&place) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => {
                let hint = if place == 1 { "join the conditions with AND" } else { "make one of them" };
                Some(Meant::Instead(wrong(format!("{} stands twice", name(place)), hint, span_of(here.span))))
            }
            std::cmp::Ordering::Greater => Some(Meant::Instead(wrong(
                format!("{} stands behind {}", name(place), name(earlier)),
                "the order is SELECT … FROM … WHERE … GROUP BY … HAVING …",
                span_of(here.span),
            ))),
        }
    }

    fn makes_table(&self) -> bool {
        is_word(self.token(0), "CREATE") && (1..3).any(|i| is_word(self.token(i), "TABLE"))
    }

    /// What belongs to CREATE TABLE elsewhere, or has another name there.
    fn of_tables(&self) -> Option<Meant> {
        let here = self.token(self.at)?;
        // What may be a secret is not told as found, and does not come here.
        if let (Some(word), true) = (word(Some(here)), self.wanted.starts_with("a quoted ") || self.wanted == "a metadata key") {
            return Some(Meant::Hint(format!("it stands in single quotes: '{word}'")));
        }
        if !self.makes_table() {
            return None;
        }
        let word = word(Some(here)).map(str::to_uppercase);
        let has_options = (0..self.at).any(|i| is_word(self.token(i), "WITH") && self.is(i + 1, &Token::LParen));
        let hint = match word.as_deref() {
            Some("PARTITIONED" | "COMMENT") if has_options => "it stands before WITH (…)",
            Some("PARTITION") if self.wanted.starts_with("\";\"") => "PARTITIONED BY (…)",
            Some("WATERMARK") => "it stands among the columns: (…, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)",
            Some("ENGINE" | "USING" | "STORED" | "ROW" | "TBLPROPERTIES" | "OPTIONS" | "LOCATION") => {
                "where the rows are is told in WITH ('connector' = '…', …)"
            }
            None if self.is(self.at, &Token::LParen) && self.wanted.starts_with("\";\"") && !has_options => "is WITH missing in front of it?",
            Some("AS") if self.wanted == "\")\"" => "a computed column has no type of its own: name AS expression",
            Some("FROM") if is_word(self.before(1), "VIRTUAL") => "METADATA FROM 'key' VIRTUAL",
            Some("IF") => "it stands before the name",
            Some("WHIT" | "WIHT") => "did you mean WITH?",
            Some(other) if !has_options && nearest(other, ["WITH"]).is_some() => "did you mean WITH?",
            _ => return None,
        };
        Some(Meant::Hint(hint.to_string()))
    }

    /// Words that are close to the one that could stand here, or are of another language.
    fn words(&self) -> Option<Meant> {
        let here = self.token(self.at);
        if self.wanted == "an expression" {
            let name = word(here)?;
            // `end`, `order`, `group`: as the name of a column.
            let is_name = self.token(self.at + 1).is_none_or(|t| {
                matches!(
                    t.token,
                    Token::Comma | Token::RParen | Token::Eq | Token::Lt | Token::Gt | Token::Neq | Token::Period
                )
            }) || is_any(self.token(self.at + 1), &["FROM", "AS"]);
            return (is_name && !is_any(here, &["FROM", "WHERE"]) && !is_word(self.before(1), "CASE"))
                .then(|| Meant::Hint(format!("a column of this name stands in back-quotes: `{name}`")));
        }
        if self.wanted == "END" && is_any(here, &["ELSEIF", "ELSIF", "ELIF"]) {
            return Some(Meant::Hint("another WHEN … THEN … stands there".to_string()));
        }
        if self.wanted == "\"(\"" && is_word(self.before(1), "VALUES") {
            return Some(Meant::Hint("each row stands in brackets: VALUES ('a', 1), ('b', 2)".to_string()));
        }
        if self.wanted == "a query" && is_word(self.before(2), "EXCEPT") && self.before(3).is_some_and(|b| b.token == Token::Mul) {
            return Some(Meant::Hint("name the columns that are wanted".to_string()));
        }
        if !self.wanted.starts_with("\";\"") {
            return None;
        }
        let has = |mut range: std::ops::Range<usize>, word: &str| range.any(|i| is_word(self.token(i), word));
        if has(0..self.at, "IF") && has(self.at..self.tokens.len(), "THEN") {
            return Some(Meant::Hint("use CASE WHEN … THEN … ELSE … END".to_string()));
        }
        if is_any(here, &["CHANGES", "FINAL"]) && is_word(self.before(1), "EMIT") {
            return Some(Meant::Hint("leave EMIT out: a window is given once, when it is complete".to_string()));
        }
        if is_any(here, &["EXCLUDE", "EXCEPT", "REPLACE"]) && self.before(1).is_some_and(|b| b.token == Token::Mul) {
            return Some(Meant::Hint("name the columns that are wanted".to_string()));
        }
        if is_word(here, "CONTAINS") {
            return Some(Meant::Hint("use CONTAINS(text, part), or LIKE '%part%'".to_string()));
        }
        if is_word(here, "STARTS") {
            return Some(Meant::Hint("use STARTS_WITH(text, start), or LIKE 'start%'".to_string()));
        }
        if let Some(near) = word(here).and_then(near_keyword) {
            return Some(Meant::Hint(format!("did you mean {near}?")));
        }
        // What was taken for another name of what stands before it.
        let former = self.before(1)?;
        if let Some(near) = word(Some(former)).and_then(near_keyword)
            && self.at > 1
        {
            let e = wrong(
                format!("{} means nothing here", shown(former)),
                format!("did you mean {near}?"),
                span_of(former.span),
            );
            return Some(Meant::Instead(e));
        }
        let instead = [("IF", "WHERE"), ("BY", "GROUP BY")].into_iter().find(|(w, _)| is_word(Some(former), w));
        if let Some((_, instead)) = instead.filter(|_| self.at > 1) {
            let e = wrong(
                format!("{} means nothing here", shown(former)),
                format!("did you mean {instead}?"),
                span_of(former.span),
            );
            return Some(Meant::Instead(e));
        }
        if matches!(former.token, Token::SingleQuotedString(_)) && here.is_some_and(|h| h.span.start == former.span.end) {
            return Some(Meant::Hint("a ' within a text is doubled: 'it''s'".to_string()));
        }
        None
    }

    /// Two expressions side by side.
    fn missing_comma(&self) -> Option<Meant> {
        let here = self.token(self.at)?;
        let starts = match &here.token {
            Token::Word(_) => !is_any(Some(here), &BETWEEN_EXPRESSIONS),
            Token::Number(..) | Token::SingleQuotedString(_) => true,
            Token::LParen => self.before(1).is_some_and(|b| b.token == Token::RParen),
            _ => false,
        };
        let in_list = match self.wanted {
            w if w.contains("\")\"") => !self.open().is_empty(),
            w if w.starts_with("\";\"") => {
                let in_select = self.selects() && !self.has_from(0..self.at) && self.has_from(self.at + 1..self.tokens.len());
                in_select || is_word(self.token(0), "INSERT") && here.token == Token::LParen
            }
            _ => false,
        };
        (starts && in_list).then(|| Meant::Hint("is a comma missing in front of it?".to_string()))
    }

    fn selects(&self) -> bool {
        is_word(self.token(0), "SELECT")
    }
    fn has_from(&self, mut range: std::ops::Range<usize>) -> bool {
        range.any(|i| is_word(self.token(i), "FROM"))
    }
    fn missing_from(&self) -> Option<Meant> {
        let missing = self.selects() && self.wanted.starts_with("\";\"") && !self.has_from(0..self.tokens.len()) && word(self.token(self.at)).is_some();
        let another = is_any(self.token(self.at), &super::script::STATEMENTS);
        let sign = if another { "\";\"" } else { "FROM" };
        missing.then(|| Meant::Hint(format!("is {sign} missing in front of it?")))
    }
}

enum Meant {
    /// A better error.
    Instead(Error),
    /// The same, with a hint.
    Hint(String),
}

/// A keyword that a word is close to, and is not itself.
fn near_keyword(word: &str) -> Option<&'static str> {
    let near = KEYWORDS
        .iter()
        .copied()
        .find(|k| k.replace(' ', "").eq_ignore_ascii_case(word))
        .or_else(|| nearest(word, KEYWORDS).filter(|_| word.len() > 2))?;
    (!near.eq_ignore_ascii_case(word)).then_some(near)
}
