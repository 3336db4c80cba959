//! What of a text may be shown: not the values of secret options.

mod slips;

use crate::parse::{ESCAPE, decode};
use millstream_dataflow::option::{is_secret, without_passwords};
use millstream_dataflow::{Location, Span};

/// The text with the values of secret options (`'…password' = '…'`) and passwords in addresses as asterisks, each character in its place.
/// What follows a secret's key is taken for its value although the text is wrong: without the `=`, with a `,` in its place, without quotes.
pub fn without_secrets(text: &str) -> String {
    hidden(text, None)
}

/// Without the value of the option that stands at a place, too: nobody knows what it is for. Of a hint there, without all its values.
pub(super) fn without_value_of(text: &str, option: Span) -> String {
    hidden(text, Some(option.start))
}

fn hidden(text: &str, unknown: Option<Location>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut awaited = Awaited::Nothing;
    let mut after_equals = false;
    let mut at = Location { line: 1, column: 1 };
    let mut in_unknown_hint = false;
    // A column's name, as in WHERE password = 'x'.
    let mut word = String::new();
    let mut rest_of_word = false;
    while let Some(c) = rest.chars().next() {
        in_unknown_hint = match in_unknown_hint {
            true => !rest.starts_with("*/"),
            false => unknown == Some(at) && rest.starts_with("/*+"),
        };
        let (kind, end) = piece(rest);
        let (this, after) = rest.split_at(end);
        match (&kind, awaited) {
            (Piece::Literal, Awaited::Secret | Awaited::Text) => {
                out.extend(this.chars().map(|c| if c == '\n' || c == '\'' { c } else { '*' }));
                awaited = Awaited::Nothing;
            }
            // It may have been a statement.
            (Piece::Comment, _) => {
                let (inside, end) = this.strip_suffix("*/").map_or((this, ""), |inside| (inside, "*/"));
                inside.split_inclusive('\n').for_each(|line| out.extend(of_comment(line)));
                out.push_str(end);
            }
            // No key, but a text in which one has a value.
            (Piece::Literal, _) if this.contains('=') && is_secret(this) => {
                let (kept, value) = this.split_at(this.find('=').map_or(this.len(), |at| at + 1));
                out.push_str(kept);
                out.extend(value.chars().map(|c| if c.is_whitespace() || c == '\'' { c } else { '*' }));
            }
            (Piece::Literal, _) => {
                if !after_equals
                    && (unknown == Some(at) || in_unknown_hint || is_secret(this.trim_matches('\'')) || encoded(this).is_some_and(|key| is_secret(&key)))
                {
                    awaited = Awaited::Secret;
                }
                out.push_str(&without_passwords(this));
            }
            (Piece::Other, Awaited::Secret | Awaited::Rest) if !c.is_whitespace() && !matches!(c, '=' | ':' | '>' | ',' | '(' | ')' | ';') => {
                out.extend(this.chars().map(|c| if c == '\n' { c } else { '*' }));
                awaited = Awaited::Rest;
            }
            _ => {
                if matches!(awaited, Awaited::Rest | Awaited::Text) && !c.is_whitespace() {
                    awaited = Awaited::Nothing;
                }
                if c == '=' && awaited == Awaited::Nothing && is_secret(&word) {
                    awaited = Awaited::Text;
                }
                out.push_str(this);
            }
        }
        match &kind {
            Piece::Other if this.starts_with('`') => word = this.trim_matches('`').to_string(),
            Piece::Other if c.is_alphanumeric() || c == '_' => {
                if rest_of_word {
                    word.push(c);
                } else {
                    word = c.to_string();
                }
            }
            Piece::Other if !c.is_whitespace() => word.clear(),
            _ => {}
        }
        rest_of_word = matches!(kind, Piece::Other) && (c.is_alphanumeric() || c == '_');
        if !matches!(kind, Piece::Comment) && !c.is_whitespace() {
            after_equals = c == '=';
        }
        for c in this.chars() {
            at = match c {
                '\n' => Location { line: at.line + 1, column: 1 },
                _ => Location { column: at.column + 1, ..at },
            };
        }
        rest = after;
    }
    slips::hidden(&out)
}

/// A line of a comment: quotes mean nothing there, so what follows a secret's `=` is taken for its value.
fn of_comment(line: &str) -> Vec<char> {
    let value = line.find('=').filter(|_| is_secret(line));
    let (kept, value) = line.split_at(value.map_or(line.len(), |at| at + 1));
    kept.chars().chain(value.chars().map(|c| if c.is_whitespace() { c } else { '*' })).collect()
}

/// What is to come after a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// A secret's value.
    Secret,
    /// A text that a column with a secret's name is compared with.
    Text,
    /// The rest of a secret without quotes.
    Rest,
}

enum Piece {
    Literal,
    Comment,
    Other,
}

/// The first piece of a text that is not empty, and where it ends.
fn piece(text: &str) -> (Piece, usize) {
    let upto = |close: &str, from: usize| text[from..].find(close).map_or(text.len(), |at| from + at + close.len());
    if text.starts_with("--") {
        return (Piece::Comment, upto("\n", 0));
    }
    // A hint, `/*+ … */`, is none: options stand in it.
    if text.starts_with("/*") && !text.starts_with("/*+") {
        return (Piece::Comment, upto("*/", 2));
    }
    if text.starts_with('`') {
        return (Piece::Other, upto("`", 1));
    }
    let opens = ["'", "U&'", "u&'"].into_iter().find(|opens| text.starts_with(opens));
    if let Some(opens) = opens {
        let mut end = upto("'", opens.len());
        while text[end..].starts_with('\'') {
            end = upto("'", end + 1);
        }
        if opens != "'" {
            end += escape(&text[end..]).map_or(0, |(_, end)| end);
        }
        return (Piece::Literal, end);
    }
    (Piece::Other, text.chars().next().map_or(0, char::len_utf8))
}

/// The character that a `UESCAPE '…'` at the beginning of a text names, and where that ends.
fn escape(text: &str) -> Option<(&str, usize)> {
    const WORD: &str = "UESCAPE";
    let rest = text.trim_start();
    let rest = rest.get(..WORD.len()).filter(|w| w.eq_ignore_ascii_case(WORD)).and(rest.get(WORD.len()..))?;
    let (escape, rest) = rest.trim_start().strip_prefix('\'')?.split_once('\'')?;
    Some((escape, text.len() - rest.len()))
}

/// What `U&'…'` stands for, if it is one that is right.
fn encoded(literal: &str) -> Option<String> {
    let rest = literal.strip_prefix(['U', 'u'])?.strip_prefix("&'")?;
    let end = rest.replace("''", "  ").find('\'')?;
    let given = escape(&rest[end + 1..]).map_or(ESCAPE, |(given, _)| given);
    decode(&rest[..end].replace("''", "'"), given).ok()
}

#[cfg(test)]
mod tests {
    use super::{without_secrets, without_value_of};
    use millstream_dataflow::Span;

    #[test]
    fn secrets_become_asterisks_in_place() {
        let text = "-- don't\nWITH ('a.password' = 'se''cret', 'path' = 'x',\n 's3.secret-key'='k', 'b' = 'password', 'c' = 'd')";
        let shown = "-- don't\nWITH ('a.password' = '**''****', 'path' = 'x',\n 's3.secret-key'='*', 'b' = 'password', 'c' = 'd')";
        assert_eq!(without_secrets(text), shown);
    }

    #[test]
    fn secrets_behind_a_slip_are_hidden() {
        for text in [
            "WITH (\"sasl.password\"='hunter2', 'b'='x')",
            "WITH (“sasl.password”=“hunter2”, 'b'='x')",
            "WITH (‘sasl.password’=‘hunter2’, 'b'='x')",
            "WITH ('sasl.password' => 'hunter2', 'b'='x')",
            "WITH ('sasl.password':'hunter2', 'b'='x')",
            "WITH (sasl.password'='hunter2', 'b'='x')",
            "WITH ('sasl.password='hunter2', 'b'='x')",
            "WITH ('a'='kafka''sasl.password'='hunter2', 'b'='x')",
            "CREATE TABLE t (a INT) WITH (sasl.password=hunter2, 'b'='x')",
            "WITH ('sasl.password'='abc' 'hunter2', 'b'='x')",
            "WITH ('sasl.password'='abc'||'hunter2', 'b'='x')",
            "CREATE TABLE t (a INT) WITH ('sasl.password'=CONCAT('abc','hunter2'), 'b'='x')",
            "SET sasl.password = hunter2; SELECT 'b'='x'",
            "SET \"sasl.password\" = \"hunter2\"; SELECT 'b'='x'",
            "WITH ('sasl.password'='x' 's3.secret-key'='hunter2', 'b'='x')",
            "WITH ('bootstrap.servers'='u:hunter2@b:9092', 'b'='x')",
            "PASSWORD = hunter2, 'b'='x'",
            ".mode password=hunter2, 'b'='x'",
        ] {
            let shown = without_secrets(text);
            assert!(!shown.contains("hunter2") && shown.contains("'b'='x'"), "{shown}");
            assert_eq!(shown.chars().count(), text.chars().count());
        }
        for text in [
            "SELECT a FROM t WHERE t.password = u.password AND b = 'x'",
            "SELECT password, b FROM t -- at 10:30",
            "CREATE VIEW v AS SELECT a FROM t WHERE token = b AND a = 'mailto:ann@example.org'",
            "WITH ('path' = 's3://bucket/a@b', 'format' = 'csv')",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    #[test]
    fn what_stands_behind_a_secret_is_kept() {
        for (text, shown) in [
            (
                "WITH ('avro-confluent.basic-auth.credentials-source' = 'USER_INFO');",
                "WITH ('avro-confluent.basic-auth.credentials-source' = 'USER_INFO');",
            ),
            ("SELECT 'password = ''abc''' AS x;", "SELECT 'password = ''***''' AS x;"),
            ("SELECT 'api_key=tops3' AS y;", "SELECT 'api_key=*****' AS y;"),
            ("WITH ('password' = U&'s''3', 'a' = u&'b');", "WITH ('password' = **'*''*', 'a' = u&'b');"),
            ("WITH (U&'p\\0061ssword' = 'x', 'a' = 'b');", "WITH (U&'p\\0061ssword' = '*', 'a' = 'b');"),
            ("WITH (u&'p#0061ssword' UESCAPE '#' = 'x')", "WITH (u&'p#0061ssword' UESCAPE '#' = '*')"),
            ("SELECT U&'caf\\00e9' AS a, 'b' AS c;", "SELECT U&'caf\\00e9' AS a, 'b' AS c;"),
            ("SELECT /* password = 'tops2' */ 1;", "SELECT /* password = ******* */ 1;"),
            ("SELECT /* password = a\n b */ 1; -- token=x", "SELECT /* password = *\n b */ 1; -- token=*"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn values_of_unknown_options_and_passwords_in_addresses_are_hidden() {
        let text = "WITH ('s3.kee' = 'CANARY', 'path' = 's3://AK:CANARY@b/x',\n 'pth' = 'a')";
        let shown = "WITH ('s3.kee' = '******', 'path' = 's3://AK:******@b/x',\n 'pth' = 'a')";
        assert_eq!(without_value_of(text, Span::new((1, 7), (1, 15))), shown);
        assert_eq!(without_value_of(text, Span::new((2, 2), (2, 7))), without_secrets(&text.replace("'a'", "'*'")));
    }

    #[test]
    fn values_in_hints_are_hidden() {
        let text = "FROM t /*+ OPTIONS('a.password' = 'CANARY', 'x' = 'y') */ /* 'password' = 'z' */ WHERE a = 'b'";
        let shown = "FROM t /*+ OPTIONS('a.password' = '******', 'x' = 'y') */ /* 'password' = *** */ WHERE a = 'b'";
        assert_eq!(without_secrets(text), shown);
        let unknown = without_value_of(text, Span::new((1, 8), (1, 58)));
        assert_eq!(unknown, shown.replace("'y'", "'*'"));
    }

    #[test]
    fn wrong_texts_show_no_secrets_either() {
        for (text, shown) in [
            ("('a.password' 'hunter2', 'b' = 'c')", "('a.password' '*******', 'b' = 'c')"),
            ("('a.password', 'hunter2', 'b' = 'c')", "('a.password', '*******', 'b' = 'c')"),
            ("('a.password' = hunter-2, 'b' = 'c')", "('a.password' = ********, 'b' = 'c')"),
            ("('a.password' = \"hunter2\", 'b' = c)", "('a.password' = *********, 'b' = c)"),
            ("('a.password' = /* 'x' */ 'hunter2')", "('a.password' = /* 'x' */ '*******')"),
            ("('a.passwrod' = 'hunter2')", "('a.passwrod' = '*******')"),
            ("-- it's 'a.password' = 'hunter2',\n 'b' = 'c'", "-- it's 'a.password' = **********\n 'b' = 'c'"),
            ("/* 'a' = 'b'\n 'a.password' = 'hunter2' */", "/* 'a' = 'b'\n 'a.password' = ********* */"),
            (
                "SELECT x, password = 'hunter2', token='t' FROM t WHERE `api_key` <> 'a' AND token = b",
                "SELECT x, password = '*******', token='*' FROM t WHERE `api_key` <> 'a' AND token = b",
            ),
            ("('a.password' = 'open\n end", "('a.password' = '****\n****"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
