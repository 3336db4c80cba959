//! What of an option may be shown or stored.

use super::distance_within;
use std::borrow::Cow;
use std::ops::Range;

/// What names a secret, letters and digits only.
const WORDS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "jaasconfig",
    "oauthbearerconfig",
    "credential",
    "credentials",
    "accesskey",
    "accountkey",
    "secretkey",
    "privatekey",
    "apikey",
    "saskey",
    "signature",
    // `user:password`
    "userinfo",
    "authorization",
    // A key's text; that of a certificate is none.
    "keypem",
    "sslkeystorekey",
    "sharedkey",
];

/// What names a secret only as it is: too short for slips, or too near to other words.
const EXACT: [&str; 6] = ["pwd", "pass", "pw", "sas", "sig", "jaas"];

/// Whether an option's value must never be shown or stored, judged by its key: passwords, tokens, keys. A key with a slip in it is one,
/// too: `pasword`, `acces-key`.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    // Where credentials come from is said by words such as USER_INFO; and a generator's columns may be called anything.
    if key.ends_with(".credentials-source") || key.starts_with("fields.") {
        return false;
    }
    let segments: Vec<&str> = key.split(|c: char| !c.is_alphanumeric()).filter(|s| !s.is_empty()).collect();
    let slips = |word: &str| match word.len() {
        0..8 => 1,
        _ => 2,
    };
    let near = |text: &str| {
        WORDS
            .iter()
            .any(|word| text.contains(word) || distance_within(slips(word), text, word).is_some())
    };
    // Where a key's words are parted is a slip, too: `access-key`, `accesskey`.
    let joined = |count: usize| segments.windows(count).any(|part| near(&part.concat()));
    // `fs.s3a.access`, but not `s3.path-style-access`.
    let is_half_a_key = key.ends_with(".access");
    is_half_a_key || segments.iter().any(|s| EXACT.contains(s) || s.contains("passw")) || (1..=3).any(joined)
}

/// Whether an option holds a secret: by its key, or as the password of an address.
pub fn holds_secret(key: &str, value: &str) -> bool {
    is_secret(key) || has_password(value)
}

/// Whether there is an address with a password in a text: `scheme://user:password@host`, `scheme://host/?token=…`.
pub fn has_password(text: &str) -> bool {
    matches!(without_passwords(text), Cow::Owned(_))
}

/// The text with each character of a password in an address as `*`.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(begin) = text[at..].find("://").map(|i| at + i + 3) {
        let end = text[begin..]
            .find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '`'))
            .map_or(text.len(), |i| begin + i);
        let password = password(text, begin, end);
        let rest = password.as_ref().map_or(begin, |p| p.end);
        for hidden in password.into_iter().chain(parameter(text, rest, end)) {
            // Counted from behind, where nothing is hidden yet; an asterisk per character keeps columns.
            let end = out.len() - (text.len() - hidden.end);
            let stars = "*".repeat(text[hidden.clone()].chars().count());
            out.to_mut().replace_range(end - hidden.len()..end, &stars);
        }
        at = end;
    }
    out
}

/// Where the password of an address stands, whose part after `://` is given. It may have a `/` in it, which it should not.
fn password(text: &str, begin: usize, end: usize) -> Option<Range<usize>> {
    let address = &text[begin..end];
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let (user, rest) = authority.split_once(':')?;
    let is_port = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let last = if is_port { None } else { address.rfind('@') }?;
    (last > user.len() + 1 && !user.contains('@')).then(|| begin + user.len() + 1..begin + last)
}

/// Where the first secret parameter of an address begins; what follows it is as secret.
fn parameter(text: &str, begin: usize, end: usize) -> Option<Range<usize>> {
    let address = &text[begin..end];
    let mut at = address.find('?')? + 1;
    loop {
        let parameter = &address[at..];
        let parameter = &parameter[..parameter.find('&').unwrap_or(parameter.len())];
        if let Some((name, value)) = parameter.split_once('=')
            && is_secret(name)
            && !value.is_empty()
        {
            return Some(begin + at + name.len() + 1..end);
        }
        at += parameter.len() + 1;
        if at >= address.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests;
