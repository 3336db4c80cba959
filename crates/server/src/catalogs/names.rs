//! Names of databases, tables and views as paths in a catalog, and back.

const STATEMENT: &str = ".sql";
/// Keeps a database without tables.
const MARKER: &str = ".database";

/// The file of a table or view.
pub(super) fn file_of(database: &str, name: &str) -> String {
    format!("{}/{}{STATEMENT}", encoded(database), encoded(name))
}

pub(super) fn marker_of(database: &str) -> String {
    format!("{}/{MARKER}", encoded(database))
}

/// The database of a file, and the table or view, unless it is the marker; `None` for a file that is none of a catalog.
pub(super) fn in_catalog(file: &str) -> Option<(String, Option<String>)> {
    let (database, file) = file.split_once('/')?;
    let database = decoded(database)?;
    if file == MARKER {
        return Some((database, None));
    }
    let name = decoded(file.strip_suffix(STATEMENT)?)?;
    Some((database, Some(name)))
}

/// A name of letters, digits, `_` and `-`; what else there is as `%` and two digits per byte.
fn encoded(name: &str) -> String {
    let mut file = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            file.push(c);
        } else {
            file.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|b| format!("%{b:02X}")));
        }
    }
    file
}

/// The name that a file was given; `None` if it was not given it by us.
fn decoded(file: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = file;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok().filter(|name| encoded(name) == file)
}

#[cfg(test)]
mod tests {
    use super::{file_of, in_catalog};

    #[test]
    fn names_become_files_and_come_back() {
        for (name, file) in [
            ("clicks", "default/clicks.sql"),
            ("größe_2-b", "default/größe_2-b.sql"),
            ("a.b", "default/a%2Eb.sql"),
            ("../x/y", "default/%2E%2E%2Fx%2Fy.sql"),
            ("100 %", "default/100%20%25.sql"),
        ] {
            assert_eq!(file_of("default", name), file);
            assert_eq!(in_catalog(file), Some(("default".to_string(), Some(name.to_string()))));
        }
    }

    #[test]
    fn other_files_are_nobody_s() {
        for file in [
            "README.sql",
            "default/a.txt",
            "default/a b.sql",
            "default/%2g.sql",
            "default/%2e.sql",
            "default/a/b.sql",
            ".git/a.sql",
        ] {
            assert_eq!(in_catalog(file), None, "{file}");
        }
        assert_eq!(in_catalog("empty/.database"), Some(("empty".to_string(), None)));
    }
}
