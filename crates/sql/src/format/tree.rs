//! Statements, and the brackets and CASEs in them.

use super::source::Token;
use millstream_dataflow::{Error, Result};
use sqlparser::tokenizer::Token as Sql;
use std::ops::Range;

/// Tokens, by their index, and what belongs together.
#[derive(Debug)]
pub(super) enum Item {
    Token(usize),
    /// `(…)`, `[…]`, `{…}`, `<…>`
    Bracket {
        open: usize,
        items: Vec<Item>,
        close: usize,
    },
    /// `CASE … END`, with both words.
    Case(Vec<Item>),
}

impl Item {
    pub(super) fn first(&self) -> usize {
        match self {
            Item::Token(i) => *i,
            Item::Bracket { open, .. } => *open,
            Item::Case(items) => items.first().map_or(0, Item::first),
        }
    }
}

/// The statements, each with its `;`. The head of a statement set, its INSERTs and its END are statements of their own.
pub(super) fn statements(tokens: &[Token]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut in_set = false;
    for (i, token) in tokens.iter().enumerate() {
        let after = |words: &[&str]| i + 1 >= start + words.len() && words.iter().rev().enumerate().all(|(n, w)| tokens[i - n].is(w));
        let ends_head = after(&["STATEMENT", "SET", "BEGIN"]);
        let before_end = in_set && tokens.get(i + 1).is_some_and(|t| t.is("END")) && tokens.get(i + 2).is_none_or(|t| t.kind == Sql::SemiColon);
        in_set |= ends_head || start + 2 == i && after(&["BEGIN", "STATEMENT", "SET"]);
        if token.kind == Sql::SemiColon || ends_head || before_end {
            in_set &= !tokens[start].is("END");
            found.push(start..i + 1);
            start = i + 1;
        }
    }
    if start < tokens.len() {
        found.push(start..tokens.len());
    }
    found
}

/// What is open while items are gathered.
struct Level {
    /// The bracket or the word CASE; `None` outermost.
    open: Option<usize>,
    items: Vec<Item>,
}

/// The items of a statement.
///
/// # Errors
/// A bracket without its counterpart, in a statement of which only the tokens are known.
pub(super) fn items(tokens: &[Token], statement: Range<usize>) -> Result<Vec<Item>, Vec<Error>> {
    let mut levels = vec![Level { open: None, items: Vec::new() }];
    for i in statement {
        let token = &tokens[i];
        let is_case = |l: &Level| l.open.is_some_and(|o| tokens[o].is("CASE"));
        match token.kind {
            Sql::LParen | Sql::LBracket | Sql::LBrace => levels.push(Level {
                open: Some(i),
                items: Vec::new(),
            }),
            _ if token.opens_type => levels.push(Level {
                open: Some(i),
                items: Vec::new(),
            }),
            _ if token.is("CASE") => levels.push(Level {
                open: Some(i),
                items: vec![Item::Token(i)],
            }),
            _ if token.is("END") && levels.last().is_some_and(is_case) => {
                let mut items = levels.pop().map_or(Vec::new(), |l| l.items);
                items.push(Item::Token(i));
                push(&mut levels, Item::Case(items));
            }
            Sql::RParen | Sql::RBracket | Sql::RBrace => close(tokens, &mut levels, i)?,
            _ if token.closes_type => close(tokens, &mut levels, i)?,
            _ => push(&mut levels, Item::Token(i)),
        }
    }
    while levels.len() > 1 {
        unfold(tokens, &mut levels)?;
    }
    Ok(levels.pop().map_or(Vec::new(), |l| l.items))
}

fn push(levels: &mut [Level], item: Item) {
    if let Some(level) = levels.last_mut() {
        level.items.push(item);
    }
}

fn close(tokens: &[Token], levels: &mut Vec<Level>, i: usize) -> Result<(), Vec<Error>> {
    // A CASE that never ends is a word like others.
    while levels.last().and_then(|l| l.open).is_some_and(|o| tokens[o].is("CASE")) {
        unfold(tokens, levels)?;
    }
    let open = levels.last().and_then(|l| l.open);
    let fits = open.is_some_and(|o| {
        matches!(
            (&tokens[o].kind, &tokens[i].kind),
            (Sql::LParen, Sql::RParen) | (Sql::LBracket, Sql::RBracket) | (Sql::LBrace, Sql::RBrace) | (Sql::Lt, Sql::Gt)
        )
    });
    match (open, levels.pop()) {
        (Some(open), Some(Level { items, .. })) if fits => {
            push(levels, Item::Bracket { open, items, close: i });
            Ok(())
        }
        _ => Err(vec![unpaired(&tokens[i])]),
    }
}

fn unfold(tokens: &[Token], levels: &mut Vec<Level>) -> Result<(), Vec<Error>> {
    let Some(Level { open: Some(open), items }) = levels.pop() else {
        return Ok(());
    };
    if !tokens[open].is("CASE") {
        return Err(vec![unpaired(&tokens[open])]);
    }
    items.into_iter().for_each(|item| push(levels, item));
    Ok(())
}

fn unpaired(token: &Token) -> Error {
    Error::sql(format!("\"{}\" has no counterpart", token.text)).code("E0102").span(token.span)
}
