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
