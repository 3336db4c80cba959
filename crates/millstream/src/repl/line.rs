//! Lines as they will stand on the terminal: texts with what they mean, not how that looks.

pub(crate) use crate::output::clean;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a text means to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Plain,
    /// Frames, NULL, what is said about the rest.
    Dim,
    /// Names of columns.
    Head,
    /// A value that is new since a moment.
    Changed,
    Added,
    Removed,
    /// What went wrong.
    Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) mark: Mark,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) Vec<Span>);

impl Line {
    pub(crate) fn of(text: impl Into<String>, mark: Mark) -> Line {
        let mut line = Line::default();
        line.push(text, mark);
        line
    }
    pub(crate) fn push(&mut self, text: impl Into<String>, mark: Mark) {
        self.0.push(Span { text: text.into(), mark });
    }
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|s| s.text.as_str()).collect()
    }
    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|s| s.text.width()).sum()
    }
    /// Cut at a width.
    pub(crate) fn fit(mut self, width: usize) -> Line {
        if self.width() <= width {
            return self;
        }
        let mut left = width;
        for span in &mut self.0 {
            if span.text.width() > left {
                span.text = cut(&span.text, left);
            }
            left -= span.text.width();
        }
        self.0.retain(|s| !s.text.is_empty());
        self
    }
}

impl Line {
    /// Over as many lines as it needs, broken between words.
    ///
    /// - `hang`: columns that the lines after the first one are further in, unless less than half the width were left
    pub(crate) fn wrap(self, width: usize, hang: usize) -> Vec<Line> {
        if self.width() <= width {
            return vec![self];
        }
        let lead = " ".repeat(if hang * 2 <= width { hang } else { 4.min(width / 2) });
        let (mut lines, mut line, mut used) = (Vec::new(), Line::default(), 0);
        let mut has_words = false;
        for Span { text, mark } in self.0 {
            for word in text.split_inclusive(' ') {
                if has_words && used + word.trim_end().width() > width {
                    lines.push(std::mem::take(&mut line));
                    line.push(lead.clone(), Mark::Plain);
                    (used, has_words) = (lead.width(), false);
                }
                has_words |= !word.trim().is_empty();
                used += word.width();
                line.push(word, mark);
            }
        }
        lines.push(line);
        // A word that is wider than a line.
        lines.into_iter().map(|l| l.without_end().fit(width)).collect()
    }
    /// Without the spaces at its end.
    fn without_end(mut self) -> Line {
        while let Some(last) = self.0.last_mut() {
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                break;
            }
            self.0.pop();
        }
        self
    }
}

/// A text cut visibly at a width, which may be none.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        used += w;
        kept.push(c);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Line, Mark, clean, cut};

    #[test]
    fn texts_go_over_lines_between_words() {
        let mut line = Line::of("\\d  ", Mark::Head);
        line.push("the columns of a table", Mark::Plain);
        let text = |width, hang| line.clone().wrap(width, hang).iter().map(Line::text).collect::<Vec<_>>();
        assert_eq!(text(30, 4), ["\\d  the columns of a table"]);
        assert_eq!(text(16, 4), ["\\d  the columns", "    of a table"]);
        assert_eq!(text(10, 8), ["\\d  the", "    colum…", "    of a", "    table"]);
    }

    #[test]
    fn texts_are_cut_by_their_width_on_the_terminal() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(clean("a\u{1b}[1m\n\u{9b}"), "a␛[1m␊\u{fffd}");
        let mut line = Line::of("ab", Mark::Plain);
        line.push("cdef", Mark::Dim);
        line.push("g", Mark::Dim);
        assert_eq!(line.clone().fit(7).text(), "abcdefg");
        assert_eq!(line.clone().fit(4).text(), "abc…");
        assert_eq!(line.fit(1).text(), "…");
    }
}
