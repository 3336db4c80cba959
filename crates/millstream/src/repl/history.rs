//! What was typed, over all sessions: in SQLite, without secrets.

use chrono::DateTime;
use reedline::{History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery, SqliteBackedHistory};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How far it reaches back: all sessions of the user, or this one.
pub(crate) const REACHES: [&str; 2] = ["all", "session"];

/// A history that has no values of secret options: they become asterisks before they are kept.
pub(crate) struct Kept {
    all: SqliteBackedHistory,
    session: Option<HistorySessionId>,
    /// Whether only what was typed in this session is looked at.
    only_session: Arc<AtomicBool>,
}

impl Kept {
    fn reach(&self, mut query: SearchQuery) -> SearchQuery {
        query.filter.session = self.session.filter(|_| self.only_session.load(Relaxed));
        query
    }
}

fn clean(mut item: HistoryItem) -> HistoryItem {
    item.command_line = millstream_sql::without_secrets(&item.command_line);
    item
}

impl History for Kept {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        self.all.save(clean(item))
    }
    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.all.load(id)
    }
    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.all.count(self.reach(query))
    }
    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.all.search(self.reach(query))
    }
    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.all.update(id, &|item| clean(updater(item)))
    }
    fn clear(&mut self) -> Result<()> {
        self.all.clear()
    }
    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.all.delete(id)
    }
    fn sync(&mut self) -> std::io::Result<()> {
        self.all.sync()
    }
    fn session(&self) -> Option<HistorySessionId> {
        self.session
    }
}

/// Opens the history of this user; nobody else may read it.
///
/// - `session`: what is typed from now on belongs to it
/// - `only_session`: whether nothing else is looked at, now
///
/// # Errors
/// What is in the way, as a text.
pub(crate) fn open(session: Option<HistorySessionId>, only_session: &Arc<AtomicBool>) -> Option<std::result::Result<Kept, String>> {
    let file = file()?;
    let private = || {
        if let Some(directory) = file.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(&file)
    };
    Some(match private() {
        Ok(_) => {
            // A session has what was typed in it, and what was typed before this time: nothing.
            let all = SqliteBackedHistory::with_file(file, session, Some(DateTime::UNIX_EPOCH));
            let kept = |all| Kept {
                all,
                session,
                only_session: Arc::clone(only_session),
            };
            all.map(kept).map_err(|e| e.to_string())
        }
        Err(e) => Err(format!("{}: {e}", file.display())),
    })
}

/// Where it is kept: `$XDG_DATA_HOME/millstream/history.sqlite3`, or below `~/.local/share`.
fn file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("millstream/history.sqlite3"))
}
