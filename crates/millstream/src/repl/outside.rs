//! Names that stand in other systems, asked for while the keyboard waits.

use millstream_server::Workbench;
use reedline::CompletionStatus;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The topics of brokers, by the options of a table; each broker is asked once.
pub(crate) struct Topics {
    workbench: Arc<Workbench>,
    known: Arc<Mutex<Known>>,
    waiting: bool,
}

#[derive(Default)]
struct Known {
    /// `None` while the answer is not there yet.
    topics: BTreeMap<String, Option<Vec<String>>>,
}

impl Topics {
    pub(crate) fn new(workbench: Arc<Workbench>) -> Topics {
        Topics {
            workbench,
            known: Arc::default(),
            waiting: false,
        }
    }
    /// The topics, if the brokers have answered; asks them if nobody has. A broker that does not answer has none.
    pub(crate) fn of(&mut self, options: BTreeMap<String, String>) -> Option<Vec<String>> {
        let client: BTreeMap<String, String> = options.into_iter().filter(|(k, _)| k.starts_with("properties.")).collect();
        let key = format!("{client:?}");
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topics) = known.topics.get(&key) {
            self.waiting = topics.is_none();
            return topics.clone();
        }
        known.topics.insert(key.clone(), None);
        self.waiting = true;
        let (workbench, told) = (Arc::clone(&self.workbench), Arc::clone(&self.known));
        // Ends by itself: the client has a second.
        std::thread::spawn(move || {
            let topics = workbench.topics(&client);
            told.lock().unwrap_or_else(PoisonError::into_inner).topics.insert(key, Some(topics));
        });
        None
    }
    pub(crate) fn status(&mut self) -> CompletionStatus {
        if !self.waiting {
            return CompletionStatus::Idle;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.topics.values().any(Option::is_none) {
            return CompletionStatus::Pending;
        }
        self.waiting = false;
        CompletionStatus::Ready
    }
}
