//! Queries: a line for each clause.

use super::SHORT;
use super::layout::{Layout, lines};
use super::page::Doc;
use super::tree::Item;
use sqlparser::tokenizer::Token as Sql;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    With,
    Select,
    From,
    Join,
    /// WHERE, HAVING, QUALIFY
    Condition,
    /// GROUP BY, ORDER BY, PARTITION BY
    By,
    Values,
    Set,
    /// LIMIT and the like, and what no word begins.
    Other,
}

const JOINS: [&str; 8] = ["INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "JOIN"];
const SETS: [&str; 4] = ["UNION", "INTERSECT", "EXCEPT", "MINUS"];
/// Words of a window or of MATCH_RECOGNIZE that begin a line.
const FRAME: [&str; 12] = [
    "PARTITION",
    "ORDER",
    "ROWS",
    "RANGE",
    "GROUPS",
    "MEASURES",
    "ONE",
    "ALL",
    "AFTER",
    "PATTERN",
    "SUBSET",
    "DEFINE",
];

impl Layout<'_> {
    /// Whether a query begins with the n-th item.
    pub(super) fn begins_query(&self, items: &[Item], n: usize) -> bool {
        let begins_with = self.is(items, n, "WITH") && items.get(n + 1).and_then(|i| self.token(i)).is_some_and(|t| matches!(t.kind, Sql::Word(_)));
        let begins = self.is(items, n, "SELECT") || self.is(items, n, "VALUES") || begins_with && !self.is(items, n + 1, "ORDINALITY");
        // `(SELECT …) UNION ALL …`
        let in_brackets = match items.get(n) {
            Some(Item::Bracket { items: inner, .. }) => self.begins_query(inner, 0) && (n + 1..items.len()).any(|m| self.set(items, m)),
            _ => false,
        };
        begins || in_brackets
    }

    /// Short ones on one line; so may be each of those that UNION and the like join, and what follows WITH.
    pub(super) fn query(&self, items: &[Item]) -> Doc {
        let mut docs = Vec::new();
        let mut open = Vec::new();
        let close = |open: &mut Vec<Doc>, docs: &mut Vec<Doc>| {
            if !open.is_empty() {
                docs.push(Doc::Group(Box::new(lines(std::mem::take(open))), SHORT));
            }
        };
        for (kind, items) in self.clauses(items) {
            let doc = self.clause(kind, items);
            if matches!(kind, Clause::With | Clause::Set) {
                close(&mut open, &mut docs);
                docs.push(doc);
            } else {
                open.push(doc);
            }
        }
        close(&mut open, &mut docs);
        Doc::Group(Box::new(lines(docs)), SHORT)
    }

    fn set(&self, items: &[Item], n: usize) -> bool {
        SETS.iter().any(|w| self.is(items, n, w))
    }

    fn clauses<'i>(&self, items: &'i [Item]) -> Vec<(Clause, &'i [Item])> {
        let mut found: Vec<(Clause, usize)> = Vec::new();
        for n in 0..items.len() {
            let after_set = found
                .last()
                .is_some_and(|(kind, at)| *kind == Clause::Set && n > *at && !["ALL", "DISTINCT"].iter().any(|w| self.is(items, n, w)));
            let kind = self.clause_at(items, n);
            match kind {
                Some(Clause::Join) if n > 0 && JOINS.iter().any(|w| self.is(items, n - 1, w)) => {}
                Some(kind) => found.push((kind, n)),
                None if n == 0 || after_set => found.push((Clause::Other, n)),
                None => {}
            }
        }
        let ends: Vec<usize> = found.iter().skip(1).map(|(_, at)| *at).chain([items.len()]).collect();
        found.into_iter().zip(ends).map(|((kind, start), end)| (kind, &items[start..end])).collect()
    }

    /// What clause begins with the n-th item.
    fn clause_at(&self, items: &[Item], n: usize) -> Option<Clause> {
        let is = |m: usize, word: &str| self.is(items, m, word);
        let by = |word: &str| is(n, word) && is(n + 1, "BY");
        let distinct_from = n > 1 && is(n - 1, "DISTINCT") && (is(n - 2, "IS") || is(n - 2, "NOT"));
        if self.set(items, n) {
            return Some(Clause::Set);
        }
        if is(n, "SELECT") {
            return Some(Clause::Select);
        }
        if self.begins_query(items, n) && is(n, "WITH") {
            return Some(Clause::With);
        }
        if is(n, "VALUES") {
            return Some(Clause::Values);
        }
        if is(n, "FROM") && !distinct_from {
            return Some(Clause::From);
        }
        if self.begins_join(items, n) {
            return Some(Clause::Join);
        }
        if is(n, "WHERE") || is(n, "HAVING") || is(n, "QUALIFY") {
            return Some(Clause::Condition);
        }
        if by("GROUP") || by("ORDER") {
            return Some(Clause::By);
        }
        (n > 0 && ["LIMIT", "OFFSET", "FETCH", "WINDOW"].iter().any(|w| is(n, w))).then_some(Clause::Other)
    }

    /// `[NATURAL] [INNER | LEFT | …] JOIN`; `LEFT (` is a function.
    fn begins_join(&self, items: &[Item], n: usize) -> bool {
        let words = (n..items.len()).take_while(|m| JOINS.iter().any(|w| self.is(items, *m, w)));
        words.last().is_some_and(|last| self.is(items, last, "JOIN"))
    }

    fn clause(&self, kind: Clause, items: &[Item]) -> Doc {
        let head = |len: usize| self.row(&items[..len]);
        let fill = |items: &[Item]| Doc::Hang(self.list(items, |part| self.expression(part)));
        match kind {
            Clause::With => self.with(items),
            Clause::Select => self.select(items),
            Clause::From => {
                let mut tables = self.list(&items[1..], |part| self.row(part));
                let tables = if tables.len() == 1 {
                    tables.remove(0)
                } else {
                    Doc::Indent(Box::new(lines(tables)))
                };
                Doc::group(vec![head(1), Doc::Space, tables])
            }
            Clause::Join => self.join(items),
            Clause::Condition if items.len() > 1 => Doc::Seq(vec![head(1), Doc::Space, self.expression(&items[1..])]),
            Clause::By if items.len() > 2 => Doc::Seq(vec![head(2), Doc::Space, fill(&items[2..])]),
            Clause::Values if items.len() > 1 => {
                let rows = self.list(&items[1..], |part| self.row(part));
                Doc::group(vec![head(1), Doc::indent(vec![Doc::Line, lines(rows)])])
            }
            _ => fill(items),
        }
    }

    /// One query below the other.
    fn with(&self, items: &[Item]) -> Doc {
        let mut docs = vec![self.item(&items[0]), Doc::Space];
        for (n, query) in self.list(&items[1..], |part| self.row(part)).into_iter().enumerate() {
            if n > 0 {
                docs.push(Doc::Hard);
            }
            docs.push(query);
        }
        // Never on one line with the query that uses them.
        docs.push(Doc::Break);
        Doc::Seq(docs)
    }

    fn select(&self, items: &[Item]) -> Doc {
        let is_head = |n: &usize| *n == 0 || self.is(items, *n, "DISTINCT") || self.is(items, *n, "ALL") || self.token(&items[*n]).is_some_and(|t| t.is_hint());
        let len = (0..items.len()).take_while(is_head).count();
        let (head, list) = items.split_at(len);
        let head = self.row(head);
        let mut columns = self.list(list, |part| self.expression(part));
        match columns.len() {
            0 => head,
            1 => Doc::Seq(vec![head, Doc::Space, columns.remove(0)]),
            _ => Doc::group(vec![head, Doc::indent(vec![Doc::Line, lines(columns)])]),
        }
    }

    fn join(&self, items: &[Item]) -> Doc {
        let on = (0..items.len())
            .find(|n| self.is(items, *n, "ON") || self.is(items, *n, "USING"))
            .unwrap_or(items.len());
        let (table, condition) = items.split_at(on);
        let mut docs = vec![self.row(table)];
        if let Some((word, condition)) = condition.split_first() {
            docs.push(Doc::indent(vec![Doc::Line, self.item(word), Doc::Space, self.expression(condition)]));
        }
        Doc::group(docs)
    }

    /// Whether a window's or MATCH_RECOGNIZE's clause begins here.
    pub(super) fn begins_frame(&self, items: &[Item], n: usize) -> bool {
        let is = |word: &&str| self.is(items, n, word);
        match FRAME.iter().find(|w| is(w)) {
            Some(&"PARTITION" | &"ORDER") => self.is(items, n + 1, "BY"),
            Some(&"ONE") => self.is(items, n + 1, "ROW"),
            Some(&"ALL") => self.is(items, n + 1, "ROWS"),
            Some(&"AFTER") => self.is(items, n + 1, "MATCH"),
            Some(&"ROWS") => n == 0 || !self.is(items, n - 1, "ALL"),
            Some(_) => true,
            None => false,
        }
    }

    pub(super) fn frame(&self, items: &[Item]) -> Doc {
        let starts: Vec<usize> = (0..items.len()).filter(|n| *n == 0 || self.begins_frame(items, *n)).collect();
        let ends = starts.iter().skip(1).copied().chain([items.len()]);
        let clause = |(start, end): (usize, usize)| {
            let parts = self.list(&items[start..end], |part| self.expression(part));
            Doc::Hang(parts)
        };
        lines(starts.iter().copied().zip(ends).map(clause).collect())
    }
}
