//! Documents of items: what the layouts of statements, queries and expressions share.

use super::page::Doc;
use super::source::Token;
use super::spacing::is_apart;
use super::tree::Item;
use sqlparser::tokenizer::Token as Sql;

/// The tokens of a text, to be laid out.
pub(super) struct Layout<'a> {
    pub(super) tokens: &'a [Token],
}

impl Layout<'_> {
    /// The token, if the item is one.
    pub(super) fn token(&self, item: &Item) -> Option<&Token> {
        match item {
            Item::Token(i) => Some(&self.tokens[*i]),
            _ => None,
        }
    }
    /// Whether the n-th item is this keyword.
    pub(super) fn is(&self, items: &[Item], n: usize, word: &str) -> bool {
        items.get(n).and_then(|i| self.token(i)).is_some_and(|t| t.is(word))
    }
    pub(super) fn is_sign(&self, items: &[Item], n: usize, sign: &Sql) -> bool {
        items.get(n).and_then(|i| self.token(i)).is_some_and(|t| t.kind == *sign)
    }
    pub(super) fn is_text(&self, items: &[Item], n: usize) -> bool {
        matches!(
            items.get(n).and_then(|i| self.token(i)).map(|t| &t.kind),
            Some(Sql::SingleQuotedString(_) | Sql::UnicodeStringLiteral(_))
        )
    }

    /// The items one after the other.
    pub(super) fn row(&self, items: &[Item]) -> Doc {
        let mut docs = Vec::new();
        for item in items {
            if !docs.is_empty() && is_apart(self.tokens, item.first()) {
                docs.push(Doc::Space);
            }
            docs.push(self.item(item));
        }
        Doc::Seq(docs)
    }

    /// The parts between commas, each with the comma behind it. What follows a last comma may be empty.
    pub(super) fn parts<'i>(&self, items: &'i [Item]) -> Vec<(&'i [Item], Option<usize>)> {
        let mut parts = Vec::new();
        let mut start = 0;
        for (n, item) in items.iter().enumerate() {
            if self.is_sign(items, n, &Sql::Comma) {
                parts.push((&items[start..n], Some(item.first())));
                start = n + 1;
            }
        }
        if start < items.len() {
            parts.push((&items[start..], None));
        }
        parts
    }

    /// The parts between commas, `doc` making each one's document.
    pub(super) fn list(&self, items: &[Item], doc: impl Fn(&[Item]) -> Doc) -> Vec<Doc> {
        let with_comma = |(part, comma): (&[Item], Option<usize>)| match comma {
            Some(comma) => Doc::Seq(vec![doc(part), Doc::Token(comma)]),
            None => doc(part),
        };
        self.parts(items).into_iter().map(with_comma).collect()
    }

    /// `open`, what is inside a step further in, `close`; on one line if it fits.
    pub(super) fn enclosed(&self, open: usize, inside: Doc, close: usize) -> Doc {
        Doc::group(self.enclosed_open(open, inside, close))
    }

    /// The same, to be broken with what it stands in.
    pub(super) fn enclosed_open(&self, open: usize, inside: Doc, close: usize) -> Vec<Doc> {
        vec![
            Doc::Token(open),
            Doc::indent(vec![Doc::Soft, inside, Doc::Above(close)]),
            Doc::Soft,
            Doc::Token(close),
        ]
    }
}

/// The documents with a possible break between each two.
pub(super) fn lines(docs: Vec<Doc>) -> Doc {
    let mut with = Vec::new();
    for doc in docs {
        if !with.is_empty() {
            with.push(Doc::Line);
        }
        with.push(doc);
    }
    Doc::Seq(with)
}
