//! Files that a name being typed may become.

use std::path::Path;

/// Files looked at in one directory.
const LOOKED_MAX: usize = 10_000;

/// Files and directories that begin as typed, directories with a `/` behind them; hidden ones only if the point is typed.
pub(crate) fn beginning(directory: &Path, typed: &str) -> Vec<String> {
    // What lies in an object store is not listed.
    if typed.contains("://") {
        return Vec::new();
    }
    let (parent, begin) = typed
        .rsplit_once('/')
        .map_or(("", typed), |(parent, begin)| (&typed[..parent.len() + 1], begin));
    let looked = match parent.strip_prefix("~/") {
        Some(rest) => match std::env::var_os("HOME") {
            Some(home) => Path::new(&home).join(rest),
            None => return Vec::new(),
        },
        None => directory.join(parent),
    };
    let Ok(entries) = std::fs::read_dir(looked) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .take(LOOKED_MAX)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let fits = name.starts_with(begin) && (!name.starts_with('.') || begin.starts_with('.'));
            // Followed where it is a link.
            let directory = std::fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
            fits.then(|| format!("{parent}{name}{}", if directory { "/" } else { "" }))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn files_are_found_by_their_beginning() {
        // Where cargo runs the tests of a package: in its directory.
        let here = std::path::Path::new(".");
        assert_eq!(beginning(here, "Car"), ["Cargo.toml"]);
        assert_eq!(beginning(here, "src/repl/me"), ["src/repl/meta.rs", "src/repl/meta/"]);
        assert_eq!(beginning(here, "s"), ["src/"]);
        assert_eq!(beginning(here, "nowhere/x"), Vec::<String>::new());
        assert_eq!(beginning(here, "s3://bucket/"), Vec::<String>::new());
    }
}
