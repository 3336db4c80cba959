//! Statements: what stands before a query, and tables.

use super::SHORT;
use super::layout::{Layout, lines};
use super::page::Doc;
use super::tree::Item;
use sqlparser::tokenizer::Token as Sql;

impl Layout<'_> {
    /// A statement with its `;`.
    pub(super) fn statement(&self, items: &[Item]) -> Doc {
        let ended = items.last().is_some_and(|i| self.token(i).is_some_and(|t| t.kind == Sql::SemiColon));
        let (body, end) = items.split_at(items.len() - usize::from(ended));
        let mut docs = vec![self.body(body)];
        docs.extend(end.iter().map(|i| self.item(i)));
        Doc::Seq(docs)
    }

    fn body(&self, items: &[Item]) -> Doc {
        let query = (0..items.len()).find(|n| self.begins_query(items, *n)).unwrap_or(items.len());
        let (head, query) = items.split_at(query);
        if query.is_empty() {
            return self.head(head);
        }
        if head.is_empty() {
            return self.query(query);
        }
        let explains = self.is(head, 0, "EXPLAIN") && (1..head.len()).all(|n| self.is(head, n, "PLAN") || self.is(head, n, "FOR"));
        if explains || self.is(query, 0, "VALUES") {
            let all = Doc::Seq(vec![self.head(head), Doc::Line, self.query(query)]);
            return Doc::Group(Box::new(all), SHORT);
        }
        Doc::Seq(vec![self.head(head), Doc::Hard, self.query(query)])
    }

    fn head(&self, items: &[Item]) -> Doc {
        let docs = match self.columns(items) {
            Some((n, Item::Bracket { open, items: columns, close })) => {
                let columns = lines(self.list(columns, |part| self.expression(part)));
                let mut docs = vec![self.row(&items[..n]), Doc::Space];
                docs.extend(self.enclosed_open(*open, columns, *close));
                if n + 1 < items.len() {
                    docs.extend([Doc::Space, self.row(&items[n + 1..])]);
                }
                docs
            }
            _ => vec![self.expression(items)],
        };
        Doc::Group(Box::new(Doc::Seq(docs)), SHORT)
    }

    /// Where the list of a table's columns is: `CREATE [TEMPORARY] TABLE … (`, `ALTER TABLE … ADD (`.
    fn columns<'i>(&self, items: &'i [Item]) -> Option<(usize, &'i Item)> {
        let creates = self.is(items, 0, "CREATE") && (self.is(items, 1, "TABLE") || self.is(items, 2, "TABLE"));
        let alters = self.is(items, 0, "ALTER") && self.is(items, 1, "TABLE");
        let changes = |n: usize| n > 0 && (self.is(items, n - 1, "ADD") || self.is(items, n - 1, "MODIFY"));
        let is_name = |n: usize| {
            let before = n.checked_sub(1).and_then(|b| self.token(&items[b]));
            before.is_some_and(|t| matches!(t.kind, Sql::Word(_)) && !t.is_any(&["WITH", "BY", "AS"]))
        };
        let is_list = |n: &usize| matches!(items[*n], Item::Bracket { .. }) && (creates && is_name(*n) || alters && changes(*n));
        // What follows WITH, or the table of LIKE, is none.
        let last = (0..items.len())
            .find(|n| self.is(items, *n, "WITH") || self.is(items, *n, "LIKE"))
            .unwrap_or(items.len());
        (0..last).find(is_list).map(|n| (n, &items[n]))
    }
}
