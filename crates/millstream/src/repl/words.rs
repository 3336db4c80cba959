//! What Tab offers.

use super::files;
use super::meta::{self, COMMANDS, Command};
use super::outside::{Outside, Question};
use millstream_server::Workbench;
use millstream_sql::complete::{Suggestion as Found, Wanted, complete};
use reedline::{Completer, CompletionOrigin, CompletionResult, CompletionStatus, Span, Suggestion};
use std::ops::Range;
use std::sync::Arc;

/// Suggestions offered at most: whoever sees more types on.
const OFFERED_MAX: usize = 300;

pub(crate) struct Words {
    workbench: Arc<Workbench>,
    outside: Outside,
}

impl Words {
    pub(crate) fn new(workbench: Arc<Workbench>) -> Words {
        Words {
            outside: Outside::new(Arc::clone(&workbench)),
            workbench,
        }
    }
}

impl Completer for Words {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        if meta::is_meta(line) {
            return CompletionResult::fresh(or_nothing(of_command(line, pos, &self.workbench), pos));
        }
        let completion = complete(line, pos, &self.workbench.known(), self.workbench.registry());
        let replace = completion.replace;
        let mut offered: Vec<Suggestion> = completion.suggestions.into_iter().take(OFFERED_MAX).map(|s| offer(s, &replace)).collect();
        let mut asked = None;
        match completion.wanted {
            None => {}
            Some(Wanted::Path { typed }) => offered.extend(files::beginning(self.workbench.directory(), &typed).into_iter().map(|f| plain(f, &replace))),
            Some(Wanted::Topic { typed, options }) => {
                let options = options.into_iter().filter(|(k, _)| k.starts_with("properties.")).collect();
                asked = Some((typed, Question::Topics { options }));
            }
            Some(Wanted::Subject { typed, format, mut options }) => {
                // Wherever it is written, the subjects are those of the registry.
                options.retain(|k, _| !k.ends_with(".subject"));
                asked = Some((typed, Question::Subjects { format, options }));
            }
        }
        if let Some((typed, question)) = asked {
            match self.outside.names(question) {
                Some(Ok(names)) => offered.extend(names.into_iter().filter(|n| n.starts_with(&typed)).map(|n| plain(n, &replace))),
                // To be read, not to be taken: they leave what is typed. A single one would be taken unseen.
                Some(Err(why)) => offered.extend([why, "Tab asks again".to_string()].map(|line| Suggestion {
                    display_override: Some(line),
                    ..plain(typed.clone(), &replace)
                })),
                None => return CompletionResult::stale_or_pending(offered.into(), CompletionOrigin::new(line, pos)),
            }
        }
        CompletionResult::fresh(or_nothing(offered, pos))
    }
    fn poll_completion(&mut self) -> CompletionStatus {
        self.outside.status()
    }
}

/// Where nothing fits, one that changes nothing: it is taken unseen, and no menu comes up to say so.
fn or_nothing(offered: Vec<Suggestion>, pos: usize) -> Vec<Suggestion> {
    match offered.is_empty() {
        true => vec![plain(String::new(), &(pos..pos))],
        false => offered,
    }
}

fn span(range: &Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

fn offer(found: Found, replace: &Range<usize>) -> Suggestion {
    Suggestion {
        display_override: (found.label != found.text).then_some(found.label),
        value: found.text,
        description: (!found.detail.is_empty()).then_some(found.detail),
        span: span(replace),
        ..Suggestion::default()
    }
}

fn plain(value: String, replace: &Range<usize>) -> Suggestion {
    Suggestion {
        value,
        span: span(replace),
        ..Suggestion::default()
    }
}

/// Names of commands, and what they take.
fn of_command(line: &str, pos: usize, workbench: &Workbench) -> Vec<Suggestion> {
    let typed = line.get(..pos).unwrap_or_default();
    let Some((name, _)) = typed.split_once(char::is_whitespace) else {
        let start = typed.len() - typed.trim_start().len();
        let typed = typed.trim_start();
        let all = COMMANDS.iter().flat_map(|c| c.all().into_iter().map(move |name| (name, c)));
        return all
            .filter(|(name, _)| name.starts_with(typed))
            .map(|(value, c)| Suggestion {
                description: Some(format!("{} {}", c.usage, c.doc).trim_start().to_string()),
                ..plain(value, &(start..pos))
            })
            .collect();
    };
    let begin = typed.rfind(char::is_whitespace).map_or(0, |i| i + 1);
    let word = &typed[begin..];
    let replace = begin..pos;
    let Some(command) = COMMANDS.iter().find(|c| c.all().iter().any(|n| n == name)) else {
        return Vec::new();
    };
    let known = workbench.known();
    let here = [known.current_catalog.clone(), known.current_database.clone()];
    let tables = || known.tables.iter().filter(|t| t.path[..2] == here).map(|t| t.path[2].clone());
    let values: Vec<String> = match command.command {
        Command::Describe | Command::ShowCreate => tables().collect(),
        Command::Tables => known
            .tables
            .iter()
            .filter(|t| !t.view && t.path[..2] == here)
            .map(|t| t.path[2].clone())
            .collect(),
        Command::Views => known
            .tables
            .iter()
            .filter(|t| t.view && t.path[..2] == here)
            .map(|t| t.path[2].clone())
            .collect(),
        Command::Job | Command::Stop => workbench.jobs().into_iter().map(|j| j.name).collect(),
        Command::Tap => super::jobs::operators(&workbench.jobs()),
        Command::Include | Command::Output | Command::Edit => files::beginning(workbench.directory(), word),
        Command::Manual | Command::Functions => super::manual::names(),
        Command::Expanded | Command::Timing => vec!["on".to_string(), "off".to_string()],
        Command::Mode => super::commands::formats().into_iter().map(|(name, _)| name).collect(),
        Command::Set if typed[name.len()..begin].trim() == "live" => super::live::LiveMode::NAMES.iter().map(|m| m.to_string()).collect(),
        Command::Set if typed[name.len()..begin].trim() == "pager" => vec!["on".to_string(), "off".to_string()],
        Command::Set if typed[name.len()..begin].trim() == "history" => super::history::REACHES.map(str::to_string).to_vec(),
        Command::Set => ["history", "live", "pager"].map(str::to_string).to_vec(),
        Command::Explain | Command::Copy => {
            let completion = complete(&line[name.len()..], pos - name.len(), &known, workbench.registry());
            let moved = completion.replace.start + name.len()..completion.replace.end + name.len();
            return completion.suggestions.into_iter().take(OFFERED_MAX).map(|s| offer(s, &moved)).collect();
        }
        _ => Vec::new(),
    };
    let lower = word.to_lowercase();
    values
        .into_iter()
        .filter(|v| v.to_lowercase().starts_with(&lower))
        .take(OFFERED_MAX)
        .map(|v| plain(v, &replace))
        .collect()
}
