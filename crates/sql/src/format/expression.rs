//! Where expressions, and the lists in brackets, may break.

use super::layout::{Layout, lines};
use super::page::Doc;
use super::spacing::is_prefix;
use super::tree::Item;
use sqlparser::tokenizer::Token as Sql;

impl Layout<'_> {
    /// An expression, or anything else that is no clause.
    pub(super) fn expression(&self, items: &[Item]) -> Doc {
        self.logical(items, true)
    }

    /// Broken before each OR, or before each AND, if it does not fit.
    fn logical(&self, items: &[Item], further_in: bool) -> Doc {
        for word in ["OR", "AND"] {
            let parts = self.cut(items, word);
            if parts.len() > 1 {
                let mut docs = parts.into_iter().map(|p| self.logical_part(p, word));
                let first = docs.next().unwrap_or(Doc::Seq(Vec::new()));
                let rest = Doc::Seq(docs.map(|d| Doc::Seq(vec![Doc::Line, d])).collect());
                let rest = if further_in { Doc::Indent(Box::new(rest)) } else { rest };
                return Doc::group(vec![first, rest]);
            }
        }
        self.operators(items)
    }

    fn logical_part(&self, items: &[Item], word: &str) -> Doc {
        match items.split_first() {
            Some((first, rest)) if self.is(items, 0, word) => Doc::Seq(vec![self.item(first), Doc::Space, self.logical(rest, true)]),
            _ => self.logical(items, true),
        }
    }

    /// Cut before each of these words, but for the AND of a BETWEEN.
    fn cut<'i>(&self, items: &'i [Item], word: &str) -> Vec<&'i [Item]> {
        let mut parts = Vec::new();
        let (mut start, mut between) = (0, false);
        for n in 0..items.len() {
            if self.is(items, n, "BETWEEN") {
                between = true;
            } else if self.is(items, n, "AND") && between {
                between = false;
            } else if n > start && self.is(items, n, word) && n + 1 < items.len() {
                parts.push(&items[start..n]);
                start = n;
            }
        }
        parts.push(&items[start..]);
        parts
    }

    /// Broken before an operator where the next operand does not fit.
    fn operators(&self, items: &[Item]) -> Doc {
        let mut parts = Vec::new();
        let mut start = 0;
        for (n, item) in items.iter().enumerate() {
            let infix = self.token(item).is_some_and(|t| match t.kind {
                Sql::StringConcat | Sql::Div => true,
                Sql::Plus | Sql::Minus => !t.is_quantifier && !is_prefix(self.tokens, item.first()),
                _ => false,
            });
            if infix && n > start {
                parts.push(self.row(&items[start..n]));
                start = n;
            }
        }
        let last = self.row(&items[start..]);
        if parts.is_empty() {
            return last;
        }
        parts.push(last);
        Doc::Hang(parts)
    }

    pub(super) fn item(&self, item: &Item) -> Doc {
        match item {
            Item::Token(i) => Doc::Token(*i),
            Item::Bracket { open, items, close } => self.bracket(*open, items, *close),
            Item::Case(items) => self.case(items),
        }
    }

    fn bracket(&self, open: usize, items: &[Item], close: usize) -> Doc {
        if self.begins_query(items, 0) {
            return self.enclosed(open, self.query(items), close);
        }
        if self.is_options(items) {
            return self.options(open, items, close);
        }
        let before = open.checked_sub(1).map(|b| &self.tokens[b]);
        if let [Item::Token(_), Item::Bracket { .. }] = items
            && before.is_some_and(|t| t.is("TABLE"))
        {
            // The arguments of `TABLE(TUMBLE(…))` are those of its function.
            return Doc::Seq(vec![Doc::Token(open), self.row(items), Doc::Token(close)]);
        }
        if before.is_some_and(|t| t.is_any(&["OVER", "MATCH_RECOGNIZE", "AS"])) && self.begins_frame(items, 0) {
            return self.enclosed(open, self.frame(items), close);
        }
        let mut parts = self.list(items, |part| self.logical(part, false));
        let inside = match parts.len() {
            1 => parts.remove(0),
            _ => Doc::Fill(parts),
        };
        self.enclosed(open, inside, close)
    }

    /// `CASE WHEN … THEN … ELSE … END`, a line for each if it does not fit.
    fn case(&self, items: &[Item]) -> Doc {
        let branch = |n: usize| self.is(items, n, "WHEN") || self.is(items, n, "ELSE");
        let last = items.len() - 1;
        let mut cuts: Vec<usize> = (1..last).filter(|n| branch(*n)).collect();
        let mut docs = vec![self.row(&items[..cuts.first().copied().unwrap_or(last)])];
        cuts.push(last);
        let branches = cuts.windows(2).map(|cut| Doc::Seq(vec![Doc::Line, self.branch(&items[cut[0]..cut[1]])]));
        docs.push(Doc::indent(branches.collect()));
        docs.extend([Doc::Line, self.item(&items[last])]);
        Doc::group(docs)
    }

    fn branch(&self, items: &[Item]) -> Doc {
        let Some((word, rest)) = items.split_first() else {
            return Doc::Seq(Vec::new());
        };
        let then = (0..rest.len()).find(|n| self.is(rest, *n, "THEN"));
        let (condition, result) = rest.split_at(then.unwrap_or(rest.len()));
        let mut docs = vec![self.item(word), Doc::Space, self.expression(condition)];
        if let Some((then, result)) = result.split_first() {
            docs.push(Doc::indent(vec![Doc::Line, self.item(then), Doc::Space, self.expression(result)]));
        }
        Doc::group(docs)
    }

    /// `'key' = 'value', …`
    fn is_options(&self, items: &[Item]) -> bool {
        let is_option = |part: &[Item]| self.is_text(part, 0) && self.is_sign(part, 1, &Sql::Eq);
        !items.is_empty() && self.parts(items).iter().all(|(part, _)| is_option(part))
    }

    /// One below the other, the `=` too.
    fn options(&self, open: usize, items: &[Item], close: usize) -> Doc {
        let width = |part: &[Item]| part.first().map_or(0, |key| self.tokens[key.first()].text.chars().count());
        let widest = self.parts(items).iter().map(|(part, _)| width(part)).max().unwrap_or(0);
        let options = self.list(items, |part| {
            let Some((key, rest)) = part.split_first() else {
                return Doc::Seq(Vec::new());
            };
            let pad = Doc::Pad(widest - width(part));
            Doc::Seq(vec![self.item(key), Doc::Space, pad, self.row(rest)])
        });
        self.enclosed(open, lines(options), close)
    }
}
