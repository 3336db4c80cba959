//! Which words are names, whose case counts, and which are keywords.

use super::source::{Role, Token};
use crate::expression::is_function;
use crate::parse::StatementKind;
use millstream_dataflow::{Location, Span};
use sqlparser::tokenizer::Token as Sql;
use std::collections::BTreeMap;

/// Line and column where a word begins.
type Place = (u64, u64);

/// The names of a text's statements.
#[derive(Default)]
pub(super) struct Names {
    names: BTreeMap<Place, Found>,
    /// Statements of which nothing is known but their tokens, in order.
    unknown: Vec<Span>,
}

struct Found {
    value: String,
    role: Role,
}

/// How an identifier of sqlparser's tree looks when it is shown.
const IDENT: &str = "Ident { value: \"";
const SPAN: &str = "span: Span(Location(";

impl Names {
    /// Takes the names of a statement. sqlparser has no visitor that meets each of its identifiers, but what it shows of a tree names all
    /// of them with their places. A text literal that looks like one does no harm: some keyword would stay in its case.
    pub(super) fn add(&mut self, statement: &StatementKind, own: &[Span]) {
        self.add_shown(&format!("{statement:?}"), own);
    }

    /// The same of a statement as it is shown for debugging.
    pub(super) fn add_shown(&mut self, shown: &str, own: &[Span]) {
        let mut before = "";
        for (i, piece) in shown.split(IDENT).enumerate() {
            if i > 0
                && let Some((place, value)) = ident(piece)
            {
                let role = match before {
                    b if b.ends_with("Function { name: ObjectName([Identifier(") => Role::Function,
                    b if b.ends_with("Custom(ObjectName([Identifier(") => Role::Keyword,
                    _ => Role::Name,
                };
                self.names.insert(
                    place,
                    Found {
                        value: value.to_string(),
                        role,
                    },
                );
            }
            before = piece;
        }
        for span in own {
            let found = Found {
                value: String::new(),
                role: Role::DeclaredName,
            };
            self.names.insert((span.start.line, span.start.column), found);
        }
    }

    pub(super) fn unknown(&mut self, statement: Span) {
        self.unknown.push(statement);
    }

    fn is_unknown(&self, place: Location) -> bool {
        let before = self.unknown.partition_point(|s| s.start <= place);
        before > 0 && place < self.unknown[before - 1].end
    }

    /// Gives each word its role.
    pub(super) fn assign(&self, tokens: &mut [Token]) {
        for token in tokens.iter_mut().filter(|t| t.role == Role::Keyword) {
            let start = token.span.start;
            token.role = match self.names.get(&(start.line, start.column)) {
                _ if self.is_unknown(start) => Role::Unknown,
                None => Role::Keyword,
                // A keyword that our dialect made the name of a call: it is in upper case there, whatever it is here.
                Some(found) if found.value == token.text.to_uppercase() && found.value != token.text => Role::Keyword,
                Some(found) if found.role == Role::Function && !is_function(&token.text.to_lowercase()) => Role::Name,
                Some(found) => found.role,
            };
        }
        table_functions(tokens);
        fields(tokens);
        quantifiers(tokens);
    }
}

/// Where an identifier stands and what it is, of what is shown behind `Ident { value: "`.
fn ident(shown: &str) -> Option<(Place, &str)> {
    let (value, rest) = shown.split_once("\", quote_style: None, ")?;
    let (line, rest) = rest.strip_prefix(SPAN)?.split_once(',')?;
    let (column, _) = rest.split_once(')')?;
    Some(((line.parse().ok()?, column.parse().ok()?), value))
}

/// `FROM tumble(TABLE …)`, `unnest(…)`, `LATERAL table(…)`: to sqlparser a table with arguments.
fn table_functions(tokens: &mut [Token]) {
    for i in 1..tokens.len() {
        let word = &tokens[i - 1];
        if tokens[i].kind != Sql::LParen || word.role != Role::Name {
            continue;
        }
        let is = |word: &Token, names: &[&str]| names.iter().any(|n| word.text.eq_ignore_ascii_case(n));
        let takes_table = tokens.get(i + 1).is_some_and(|t| is(t, &["TABLE", "DATA"]));
        if is(word, &["TABLE", "UNNEST"]) || takes_table && is(word, &["TUMBLE", "HOP", "CUMULATE", "SESSION"]) {
            tokens[i - 1].role = Role::Function;
        }
    }
}

/// What stands in `PATTERN (…)` behind what it repeats.
fn quantifiers(tokens: &mut [Token]) {
    let mut depth = 0;
    for i in 1..tokens.len() {
        match tokens[i].kind {
            Sql::LParen if depth > 0 || tokens[i - 1].is("PATTERN") => depth += 1,
            Sql::RParen if depth > 0 => depth -= 1,
            Sql::Plus | Sql::Mul | Sql::Placeholder(_) | Sql::LBrace if depth > 0 => tokens[i].is_quantifier = true,
            _ => {}
        }
    }
}

/// Finds the brackets of types, and the fields of ROW types, which no tree holds: each first word of an entry.
fn fields(tokens: &mut [Token]) {
    let mut open: Vec<Open> = Vec::new();
    for i in 0..tokens.len() {
        let after = |words: &[&str]| i > 0 && tokens[i - 1].is_any(words);
        match tokens[i].kind {
            Sql::Lt if after(&["ROW"]) => open.push(Open::Row),
            Sql::Lt if after(&["ARRAY", "MAP", "MULTISET"]) => open.push(Open::Type),
            Sql::LParen if after(&["ROW"]) => open.push(Open::RowOrCall),
            Sql::LParen | Sql::LBracket => open.push(Open::Other),
            Sql::RParen | Sql::RBracket => drop(open.pop()),
            Sql::Gt if matches!(open.last(), Some(Open::Row | Open::Type)) => {
                open.pop();
                tokens[i].closes_type = true;
            }
            Sql::SemiColon => open.clear(),
            _ => {}
        }
        tokens[i].opens_type = tokens[i].kind == Sql::Lt && matches!(open.last(), Some(Open::Row | Open::Type));
        let starts = matches!(tokens[i].kind, Sql::Lt | Sql::LParen | Sql::Comma);
        let is_word = |n: usize| tokens.get(i + n).is_some_and(|t| matches!(t.kind, Sql::Word(_)));
        let is_field = match open.last() {
            Some(Open::Row) => starts && is_word(1),
            Some(Open::RowOrCall) => starts && is_word(1) && is_word(2) && !tokens[i + 1].is_any(&["CASE", "NOT"]),
            _ => false,
        };
        if is_field && tokens[i + 1].role == Role::Keyword {
            tokens[i + 1].role = Role::Name;
        }
    }
}

/// A bracket that is open.
enum Open {
    /// `ROW<`: entries begin with a name.
    Row,
    /// `ROW(`: so do these, if it is a type.
    RowOrCall,
    /// `<` of another type.
    Type,
    Other,
}
