//! What stands before what is typed.

use millstream_server::Workbench;
use reedline::{Color, Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};
use std::borrow::Cow;
use std::sync::Arc;

/// The place that names are looked for in, and how many jobs run.
pub(crate) struct Place {
    /// Empty for the default.
    pub(crate) database: String,
    pub(crate) workbench: Arc<Workbench>,
}

impl Place {
    pub(crate) fn first(&self) -> String {
        let at = if self.database.is_empty() {
            String::new()
        } else {
            format!(" {}", self.database)
        };
        format!("millstream{at}> ")
    }
    /// As wide as the first line's, ending in another sign.
    pub(crate) fn next(&self) -> String {
        let width = self.first().chars().count();
        format!("{}-> ", " ".repeat(width.saturating_sub(3)))
    }
}

impl Prompt for Place {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Owned(self.first())
    }
    fn render_prompt_right(&self) -> Cow<'_, str> {
        match super::jobs::running(&self.workbench.jobs()).count() {
            0 => Cow::Borrowed(""),
            1 => Cow::Borrowed("1 job runs"),
            n => Cow::Owned(format!("{n} jobs run")),
        }
    }
    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Owned(self.next())
    }
    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing found ",
        };
        Cow::Owned(format!("{failing}search: {} ", search.term))
    }
    fn get_prompt_color(&self) -> Color {
        Color::Cyan
    }
    fn get_prompt_multiline_color(&self) -> Color {
        Color::DarkGray
    }
    fn get_prompt_right_color(&self) -> Color {
        Color::DarkGray
    }
}
