//! Names that stand in other systems, asked for while the keyboard waits.

use millstream_server::Workbench;
use reedline::CompletionStatus;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What others are asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// The topics of the brokers in a table's options.
    Topics { options: BTreeMap<String, String> },
    /// The subjects of the schema registry in a format's options.
    Subjects { format: String, options: BTreeMap<String, String> },
}

/// What others have answered: each question is asked until it is.
pub(crate) struct Outside {
    workbench: Arc<Workbench>,
    answers: Arc<Mutex<Answers>>,
    waiting: bool,
}

/// Names, or why there are none.
pub(crate) type Answer = Result<Vec<String>, String>;

/// `None` while the answer is not there yet.
type Answers = BTreeMap<Question, Option<Answer>>;

impl Outside {
    pub(crate) fn new(workbench: Arc<Workbench>) -> Outside {
        Outside {
            workbench,
            answers: Arc::default(),
            waiting: false,
        }
    }
    /// The names, if they are there; asks for them if nobody has. Who has not answered is asked again the next time.
    pub(crate) fn names(&mut self, question: Question) -> Option<Answer> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(&question).cloned() {
            self.waiting = answer.is_none();
            if matches!(answer, Some(Err(_))) {
                answers.remove(&question);
            }
            return answer;
        }
        answers.insert(question.clone(), None);
        self.waiting = true;
        let (workbench, told) = (Arc::clone(&self.workbench), Arc::clone(&self.answers));
        // Ends by itself: whoever is asked has a second.
        std::thread::spawn(move || {
            let names = match &question {
                Question::Topics { options } => workbench.topics(options),
                Question::Subjects { format, options } => workbench.subjects(format, options),
            };
            let answer = names.map_err(|e| e.message.clone());
            told.lock().unwrap_or_else(PoisonError::into_inner).insert(question, Some(answer));
        });
        None
    }
    pub(crate) fn status(&mut self) -> CompletionStatus {
        if !self.waiting {
            return CompletionStatus::Idle;
        }
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.values().any(Option::is_none) {
            return CompletionStatus::Pending;
        }
        self.waiting = false;
        CompletionStatus::Ready
    }
}
