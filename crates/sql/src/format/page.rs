//! Where lines end: documents of text and possible breaks, put on lines (after Wadler, "A prettier printer", and Prettier's printer).

use super::WIDTH;
use super::source::{Comment, Token};
use sqlparser::tokenizer::Token as Sql;

/// What may be laid out in more than one way.
#[derive(Debug)]
pub(super) enum Doc {
    /// A token, with its comments.
    Token(usize),
    /// The comments above a token, which is then written without them.
    Above(usize),
    Space,
    /// These spaces, if the group is broken.
    Pad(usize),
    /// A space, or the end of a line if the group is broken.
    Line,
    /// Nothing, or the end of a line if the group is broken.
    Soft,
    /// The end of a line.
    Hard,
    /// Nothing, but what it stands in is broken.
    Break,
    Seq(Vec<Doc>),
    /// One step further in.
    Indent(Box<Doc>),
    /// On one line if it fits and is not wider than this, else broken at each of its breaks.
    Group(Box<Doc>, usize),
    /// With spaces between, broken only where the next one does not fit.
    Fill(Vec<Doc>),
    /// The same, lines after the first one step further in.
    Hang(Vec<Doc>),
}

impl Doc {
    pub(super) fn group(docs: Vec<Doc>) -> Doc {
        Doc::Group(Box::new(Doc::Seq(docs)), WIDTH)
    }
    pub(super) fn indent(docs: Vec<Doc>) -> Doc {
        Doc::Indent(Box::new(Doc::Seq(docs)))
    }
}

const STEP: usize = 2;

/// How wide something is on one line.
#[derive(Clone, Copy)]
struct Flat {
    width: usize,
    /// Whether it ends in a comment that nothing can follow on the line.
    ends_line: bool,
}

/// The text that grows.
pub(super) struct Page<'a> {
    tokens: &'a [Token],
    newline: &'static str,
    out: String,
    column: usize,
    /// At the start of a line, where nothing is written yet.
    fresh: bool,
    /// A space is due before what comes next on this line.
    space: usize,
    /// Nothing can follow on this line.
    ended: bool,
    /// The last token whose comments above are written already.
    above_written: Option<usize>,
}

impl<'a> Page<'a> {
    pub(super) fn new(tokens: &'a [Token], newline: &'static str) -> Self {
        Page {
            tokens,
            newline,
            out: String::new(),
            column: 0,
            fresh: true,
            space: 0,
            ended: false,
            above_written: None,
        }
    }

    pub(super) fn text(self) -> String {
        self.out
    }

    /// A statement on lines of its own, with what stands above it.
    pub(super) fn statement(&mut self, first: usize, doc: &Doc) {
        let token = &self.tokens[first];
        self.comments(&token.above);
        self.blank(token.blank_above);
        self.above_written = Some(first);
        self.write_doc(doc, 0, false, 0);
        self.end_line();
    }

    pub(super) fn end(&mut self, comments: &[Comment]) {
        self.comments(comments);
    }

    fn comments(&mut self, comments: &[Comment]) {
        for comment in comments {
            self.blank(comment.blank_above);
            self.write(&comment.text, 0);
            self.end_line();
        }
    }

    fn blank(&mut self, wanted: bool) {
        if wanted && !self.out.is_empty() {
            self.out += self.newline;
        }
    }

    fn end_line(&mut self) {
        if !self.fresh {
            self.out += self.newline;
            self.column = 0;
            self.fresh = true;
        }
        self.space = 0;
        self.ended = false;
    }

    fn write(&mut self, text: &str, indent: usize) {
        let lead = if self.fresh { indent } else { std::mem::take(&mut self.space) };
        self.out.extend(std::iter::repeat_n(' ', lead));
        self.out += text;
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + lead + text.chars().count(),
        };
        (self.fresh, self.space) = (false, 0);
    }

    fn write_token(&mut self, i: usize, indent: usize) {
        let token = &self.tokens[i];
        let closes = matches!(token.kind, Sql::Comma | Sql::SemiColon | Sql::RParen | Sql::RBracket);
        let mut indent = indent;
        if self.ended {
            self.end_line();
            // A comment stands between a clause's word and the rest.
            let begins = i.checked_sub(1).map(|b| &self.tokens[b]).is_some_and(|b| b.is_keyword() && !b.is("WITH"));
            indent += if begins && !closes { STEP } else { 0 };
        }
        if self.above_written != Some(i) {
            self.write_above(i, indent);
        }
        // Before a `,` a comment stands apart from what is before it, else from what follows.
        for comment in &token.before {
            self.space = self.space.max(usize::from(closes));
            self.write(comment, indent);
            self.space = usize::from(!closes);
        }
        self.write(&token.shown(), indent);
        for comment in &token.behind {
            self.space = 1;
            self.write(comment, indent);
            self.ended = true;
        }
    }

    fn write_above(&mut self, i: usize, indent: usize) {
        for comment in &self.tokens[i].above {
            self.end_line();
            self.write(&comment.text, indent);
            self.end_line();
        }
        self.above_written = Some(i);
    }

    /// - `flat`: breaks are spaces
    /// - `tail`: columns of what follows on the last line at least
    fn write_doc(&mut self, doc: &Doc, indent: usize, flat: bool, tail: usize) {
        match doc {
            Doc::Token(i) => self.write_token(*i, indent),
            Doc::Above(i) => self.write_above(*i, indent),
            Doc::Space => self.space = 1,
            Doc::Pad(n) => self.space += if flat { 0 } else { *n },
            Doc::Line if flat => self.space = 1,
            Doc::Soft if flat => {}
            Doc::Break => {}
            Doc::Line | Doc::Soft | Doc::Hard => self.end_line(),
            Doc::Indent(inner) => self.write_doc(inner, indent + STEP, flat, tail),
            Doc::Seq(docs) => {
                for (i, d) in docs.iter().enumerate() {
                    let rest = if flat { tail } else { self.lead(&docs[i + 1..], tail) };
                    self.write_doc(d, indent, flat, rest);
                }
            }
            Doc::Group(inner, max) => {
                let fits = self.flat(inner).is_some_and(|f| f.width <= *max && self.fits(f.width, indent, tail));
                self.write_doc(inner, indent, flat || fits, tail);
            }
            Doc::Fill(docs) => self.fill(docs, indent, indent, flat, tail),
            Doc::Hang(docs) => self.fill(docs, indent, indent + STEP, flat, tail),
        }
    }

    fn fill(&mut self, docs: &[Doc], mut indent: usize, further: usize, flat: bool, tail: usize) {
        for (i, doc) in docs.iter().enumerate() {
            let rest = if i + 1 == docs.len() { tail } else { 0 };
            if i > 0 {
                indent = further;
                self.space = 1;
                let fits = flat || self.flat(doc).is_some_and(|f| self.fits(f.width, indent, rest));
                if self.ended || !fits {
                    self.end_line();
                }
            }
            self.write_doc(doc, indent, flat, rest);
        }
    }

    fn fits(&self, width: usize, indent: usize, tail: usize) -> bool {
        let column = if self.fresh || self.ended { indent } else { self.column + self.space };
        column + width + tail <= WIDTH
    }

    /// Columns up to the first place where a line can end.
    fn lead(&self, docs: &[Doc], tail: usize) -> usize {
        let mut width = 0;
        for doc in docs {
            if self.add_lead(doc, &mut width) {
                return width;
            }
        }
        width + tail
    }

    /// Adds the columns of something up to where a line can end, and tells whether one can.
    fn add_lead(&self, doc: &Doc, width: &mut usize) -> bool {
        match doc {
            Doc::Token(i) => {
                let token = &self.tokens[*i];
                if !token.above.is_empty() {
                    return true;
                }
                *width += token_width(token);
                !token.behind.is_empty()
            }
            Doc::Above(i) => !self.tokens[*i].above.is_empty(),
            Doc::Space => {
                *width += 1;
                false
            }
            Doc::Pad(_) | Doc::Break => false,
            Doc::Line | Doc::Soft | Doc::Hard => true,
            Doc::Seq(docs) => docs.iter().any(|d| self.add_lead(d, width)),
            Doc::Indent(inner) | Doc::Group(inner, _) => self.add_lead(inner, width),
            Doc::Fill(docs) | Doc::Hang(docs) => docs.first().is_some_and(|d| self.add_lead(d, width)) || docs.len() > 1,
        }
    }

    /// How wide it is on one line; `None` if it cannot be on one.
    fn flat(&self, doc: &Doc) -> Option<Flat> {
        let plain = |width| Some(Flat { width, ends_line: false });
        match doc {
            Doc::Token(i) => {
                let token = &self.tokens[*i];
                if !token.above.is_empty() && self.above_written != Some(*i) {
                    return None;
                }
                Some(Flat {
                    width: token_width(token),
                    ends_line: !token.behind.is_empty(),
                })
            }
            Doc::Above(i) if !self.tokens[*i].above.is_empty() => None,
            Doc::Space | Doc::Line => plain(1),
            Doc::Above(_) | Doc::Pad(_) | Doc::Soft => plain(0),
            Doc::Hard | Doc::Break => None,
            Doc::Indent(inner) | Doc::Group(inner, WIDTH) => self.flat(inner),
            Doc::Group(inner, max) => self.flat(inner).filter(|f| f.width <= *max),
            Doc::Seq(docs) => self.flat_all(docs, 0),
            Doc::Fill(docs) | Doc::Hang(docs) => self.flat_all(docs, 1),
        }
    }

    fn flat_all(&self, docs: &[Doc], between: usize) -> Option<Flat> {
        let mut all = Flat { width: 0, ends_line: false };
        for (i, doc) in docs.iter().enumerate() {
            let flat = self.flat(doc)?;
            if all.ends_line {
                return None;
            }
            all.width += flat.width + if i > 0 { between } else { 0 };
            all.ends_line = flat.ends_line;
        }
        Some(all)
    }
}

/// A token with the comments before it; what stands behind it may be as long as it likes.
fn token_width(token: &Token) -> usize {
    let widest = |text: &str| text.lines().map(|l| l.chars().count()).max().unwrap_or(0);
    token.before.iter().map(|c| widest(c) + 1).sum::<usize>() + widest(&token.text)
}
