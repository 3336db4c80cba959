//! Secrets in a text that has a slip: quotes of another kind, `=>` or `:` for `=`, a quote that is lost, values that are put together.

use millstream_dataflow::option::is_secret;

/// Words behind which a bare word may be the value of an option, and those behind which it is a column.
const DECLARES: [&str; 5] = ["SET", "CREATE", "ALTER", "WITH", "OPTIONS"];
const ASKS: [&str; 8] = ["SELECT", "INSERT", "FROM", "WHERE", "JOIN", "ON", "AND", "GROUP"];

/// A text whose well-formed values are asterisks already, without what stands behind a secret's key on the same line.
pub(super) fn hidden(text: &str) -> String {
    // A file of settings has no such words.
    let mut declares = true;
    text.split_inclusive('\n').flat_map(|line| of_line(line, &mut declares)).collect()
}

/// - `declares`: whether a value may have no quotes; as the words before say
fn of_line(line: &str, declares: &mut bool) -> Vec<char> {
    *declares |= line.starts_with(['.', '\\']);
    let names_servers = line.contains("servers");
    let mut line: Vec<char> = line.chars().collect();
    let is_of_key = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut at = 0;
    while at < line.len() {
        let length = line[at..].iter().take_while(|c| is_of_key(c)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let word: String = line[at..at + length].iter().collect();
        let is_any = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(&word));
        *declares = (*declares || is_any(&DECLARES)) && !is_any(&ASKS);
        at += length;
        let operator = at + line[at..].iter().take_while(|c| closing(**c).is_some() || c.is_whitespace()).count();
        if matches!(line.get(operator), Some('=' | ':')) && line.get(operator + 1) != Some(&'/') && is_secret(&word) {
            at = hide(&mut line, operator + 1, *declares);
        }
    }
    if names_servers {
        hide_users(&mut line);
    }
    line
}

/// What closes what a sign opens, if it is a quote of some kind.
fn closing(quote: char) -> Option<char> {
    match quote {
        '\'' | '"' | '`' => Some(quote),
        '“' | '”' => Some('”'),
        '‘' | '’' => Some('’'),
        _ => None,
    }
}

/// Hides the value that begins at a place, and gives its end.
fn hide(line: &mut [char], from: usize, declares: bool) -> usize {
    let mut at = from;
    let (mut depth, mut is_begun) = (0_usize, false);
    while let Some(&c) = line.get(at) {
        let goes_on = depth > 0 || !is_begun || !line[at..].iter().find(|c| !c.is_whitespace()).is_some_and(|c| c.is_alphanumeric());
        match c {
            ',' | ';' | ')' if depth == 0 => break,
            ')' => depth -= 1,
            '(' => depth += 1,
            c if c.is_whitespace() && !goes_on => break,
            c if c.is_whitespace() => {}
            // A comment.
            '/' if line.get(at + 1) == Some(&'*') => {
                let end = line[at..].windows(2).position(|two| two == ['*', '/']);
                at += end.map_or(1, |end| end + 1);
            }
            '*' if depth == 0 && line.get(at + 1) == Some(&'/') => break,
            '>' | '=' | '*' | '|' => {}
            c => match closing(c).and_then(|close| line[at + 1..].iter().position(|c| *c == close)) {
                Some(length) => {
                    let inside = &mut line[at + 1..at + 1 + length];
                    inside.iter_mut().filter(|c| !c.is_whitespace()).for_each(|c| *c = '*');
                    at += length + 1;
                    is_begun = true;
                }
                None if closing(c).is_some() => {}
                None if is_begun || declares => {
                    line[at] = '*';
                    is_begun = true;
                }
                // A column.
                None => break,
            },
        }
        at += 1;
    }
    at
}

/// Hides the passwords of brokers: `user:password@host`.
fn hide_users(line: &mut [char]) {
    let ends: Vec<usize> = line.iter().enumerate().filter(|(_, c)| **c == '@').map(|(at, _)| at).collect();
    for end in ends {
        let is_in = |c: &char| !c.is_whitespace() && closing(*c).is_none() && !matches!(c, ',' | ':' | '/' | '@');
        let length = line[..end].iter().rev().take_while(|c| is_in(c)).count();
        let begin = end - length;
        let has_user = begin > 1 && line[begin - 1] == ':' && line[begin - 2].is_alphanumeric();
        if has_user {
            line[begin..end].fill('*');
        }
    }
}
