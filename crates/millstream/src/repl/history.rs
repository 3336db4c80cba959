//! What was typed, over all sessions: in SQLite, without secrets.

use reedline::{History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery, SqliteBackedHistory};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// A history that has no values of secret options: they become asterisks before they are kept.
pub(crate) struct WithoutSecrets(SqliteBackedHistory);

fn clean(mut item: HistoryItem) -> HistoryItem {
    item.command_line = millstream_sql::without_secrets(&item.command_line);
    item
}

impl History for WithoutSecrets {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        self.0.save(clean(item))
    }
    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }
    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }
    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }
    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.0.update(id, &|item| clean(updater(item)))
    }
    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }
    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }
    fn sync(&mut self) -> std::io::Result<()> {
        self.0.sync()
    }
    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}

/// Opens the history of this user; nobody else may read it.
///
/// # Errors
/// What is in the way, as a text.
pub(crate) fn open() -> Option<std::result::Result<WithoutSecrets, String>> {
    let file = file()?;
    let private = || {
        if let Some(directory) = file.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(&file)
    };
    Some(match private() {
        Ok(_) => SqliteBackedHistory::with_file(file, None, None).map(WithoutSecrets).map_err(|e| e.to_string()),
        Err(e) => Err(format!("{}: {e}", file.display())),
    })
}

/// Where it is kept: `$XDG_DATA_HOME/millstream/history.sqlite3`, or below `~/.local/share`.
fn file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("millstream/history.sqlite3"))
}
