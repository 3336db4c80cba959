//! A file's text, laid out as all files are.
//!
//! Works on the tokens, not on the tree, because a tree has no comments: [`source`](source) reads tokens with the comments beside them,
//! [`names`](names) tells names from keywords, [`tree`](tree) finds brackets and CASE, [`statement`](statement), [`query`](query) and
//! [`expression`](expression) say where lines may break, [`page`](page) breaks them. Only white space and the case of keywords change,
//! which [`format`] checks before it gives its result out.

mod expression;
mod layout;
mod names;
mod page;
mod query;
mod source;
mod spacing;
mod statement;
mod tree;

use crate::compile::on_large_stack;
use layout::Layout;
use millstream_dataflow::{Error, Result};
use page::Page;
use source::{Source, Token};

/// Columns of a line; what cannot be broken may be longer.
const WIDTH: usize = 110;
/// Columns up to which a whole query or table stays on one line.
const SHORT: usize = 80;

/// Lays a text out: keywords in upper case, a clause per line, long lists broken. Names, literals, comments and `${NAME}` stay as they are,
/// and so do blank lines between statements, one at most. A text that is laid out already stays the same.
///
/// Statements that Flink has and we do not, and those of a test file (`TEST …; GIVEN …; EXPECT …`), are laid out by their tokens alone.
///
/// # Errors
/// All statements that are not right, with their places. `Bug` if the result would not say the same.
pub fn format(text: &str) -> Result<String, Vec<Error>> {
    on_large_stack(|| format_here(text))?
}

fn format_here(text: &str) -> Result<String, Vec<Error>> {
    let source = Source::read(text)?;
    let mut page = Page::new(&source.tokens, if text.contains("\r\n") { "\r\n" } else { "\n" });
    let layout = Layout { tokens: &source.tokens };
    for chunk in tree::statements(&source.tokens) {
        let doc = layout.statement(&tree::items(&source.tokens, chunk.clone())?);
        page.statement(chunk.start, &doc);
    }
    page.end(&source.last_comments);
    let made = format!("{}{}", if text.starts_with('\u{feff}') { "\u{feff}" } else { "" }, page.text());
    check(&source, &made).map_err(|e| vec![e])?;
    Ok(made)
}

/// Whether a text holds the tokens and comments of another.
fn check(source: &Source, made: &str) -> Result<()> {
    let differs = |what: String| Error::bug("formatting would change what the file says").detail(what);
    let (tokens, comments) = source::words(made).map_err(|e| match e.code {
        // White space counts, too: it would be longer than what is taken.
        Some("E0103") => e,
        _ => differs(e.message.clone()),
    })?;
    let kept = |was: &Token, is: &String| was.text == *is || was.is_keyword() && was.text.eq_ignore_ascii_case(is);
    let wrong = source.tokens.iter().zip(&tokens).find(|(was, is)| !kept(was, is));
    if let Some((was, is)) = wrong {
        return Err(differs(format!("\"{}\" becomes \"{is}\"", was.text)).span(was.span));
    }
    if source.tokens.len() != tokens.len() {
        return Err(differs(format!("{} tokens become {}", source.tokens.len(), tokens.len())));
    }
    match source.comments == comments {
        true => Ok(()),
        false => Err(differs("comments are not what they were".to_string())),
    }
}

#[cfg(test)]
mod tests;
