//! Where statements are typed.

use super::checker::Checker;
use super::history;
use super::prompt::Place;
use super::style::{Terminal, of_part};
use super::words::Words;
use super::{meta, notices::Notices};
use millstream_server::Workbench;
use millstream_sql::edit::{Part, highlight, is_finished};
use nu_ansi_term::{Color, Style};
use reedline::{
    DescriptionMode, EditCommand, Emacs, ExternalPrinter, Highlighter, IdeMenu, InputMode, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, StyledText, ValidationResult, Validator, default_emacs_keybindings,
};
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What came from the keyboard.
pub(crate) enum Typed {
    Text(String),
    /// Ctrl-C: nothing of what was typed counts.
    Nothing,
    /// Ctrl-D.
    End,
}

pub(crate) enum Editor {
    Lines {
        reedline: Box<Reedline>,
        /// Whether Up and Ctrl-R go through what was typed in this session only.
        only_session: Arc<AtomicBool>,
    },
    /// On a terminal that cannot move its cursor.
    Plain,
}

const MENU: &str = "completions";
/// Suggestions shown at a time.
const MENU_HEIGHT: u16 = 10;

impl Editor {
    /// - `notices`: what they print above the prompt
    pub(crate) fn new(workbench: &Arc<Workbench>, terminal: Terminal, notices: &Notices) -> Editor {
        if !terminal.moves {
            return Editor::Plain;
        }
        let mut keys = default_emacs_keybindings();
        let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_string()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
        keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
        let plain = |style: Style| if terminal.colours { style } else { Style::new() };
        let menu = IdeMenu::default()
            .with_name(MENU)
            .with_marker("")
            // What is behind the cursor tells which columns there are.
            .with_input_mode(InputMode::FullBuffer)
            .with_max_completion_height(MENU_HEIGHT)
            .with_max_description_height(MENU_HEIGHT)
            .with_description_mode(DescriptionMode::PreferRight)
            .with_text_style(Style::new())
            .with_match_text_style(plain(Style::new().underline()))
            .with_selected_text_style(Style::new().reverse())
            .with_selected_match_text_style(Style::new().reverse())
            .with_description_text_style(plain(Color::Yellow.normal()));
        let printer = ExternalPrinter::new(super::notices::WAITING_MAX);
        notices.print_by(printer.sender());
        let session = Reedline::create_history_session_id();
        let only_session = Arc::<AtomicBool>::default();
        let mut reedline = Reedline::create()
            .with_history_session_id(session)
            .with_validator(Box::new(Finished))
            .with_completer(Box::new(Words::new(Arc::clone(workbench))))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_quick_completions(true)
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_ansi_colors(terminal.colours)
            .use_bracketed_paste(true)
            .with_external_printer(printer);
        let repaint = reedline.repaint_signal();
        let checker = Checker::start(Arc::clone(workbench), move || repaint.request_repaint());
        reedline = reedline.with_highlighter(Box::new(Colours { terminal, checker }));
        match history::open(session, &only_session) {
            Some(Ok(history)) => reedline = reedline.with_history(Box::new(history)),
            Some(Err(e)) => notices.tell(format!("what is typed is not remembered: {e}")),
            None => {}
        }
        Editor::Lines {
            reedline: Box::new(reedline),
            only_session,
        }
    }

    pub(crate) fn read(&mut self, place: &Place) -> Typed {
        let Editor::Lines { reedline, .. } = self else { return plain(place) };
        match reedline.read_line(place) {
            Ok(Signal::Success(text)) => Typed::Text(text),
            Ok(Signal::CtrlD) => Typed::End,
            Ok(_) => Typed::Nothing,
            Err(_) => {
                // A terminal that does not tell where its cursor is can still send lines; one that is gone sends their end.
                *self = Editor::Plain;
                Typed::Nothing
            }
        }
    }
    /// Whether Up and Ctrl-R go through what was typed in this session only.
    pub(crate) fn is_only_session(&self) -> bool {
        matches!(self, Editor::Lines { only_session, .. } if only_session.load(Relaxed))
    }
    pub(crate) fn set_only_session(&self, only: bool) {
        if let Editor::Lines { only_session, .. } = self {
            only_session.store(only, Relaxed);
        }
    }
    /// Puts a text where the next one is typed.
    pub(crate) fn put(&mut self, text: &str) {
        if let Editor::Lines { reedline, .. } = self {
            reedline.run_edit_commands(&[EditCommand::Clear, EditCommand::InsertString(text.trim_end().to_string())]);
        }
    }
}

/// Lines as they come, up to the end of a statement.
fn plain(place: &Place) -> Typed {
    let mut text = String::new();
    let mut prompt = place.first();
    loop {
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "{prompt}").and_then(|()| out.flush());
        drop(out);
        match std::io::stdin().lock().read_line(&mut text) {
            Ok(0) | Err(_) => return Typed::End,
            Ok(_) if Finished.is_finished(&text) => return Typed::Text(text.trim_end().to_string()),
            Ok(_) => prompt = place.next(),
        }
    }
}

/// Words that are for the shell although nothing says so.
const BARE: [&str; 3] = ["quit", "exit", "help"];

/// The command that a text of one word stands for.
pub(crate) fn bare(text: &str) -> Option<String> {
    let word = text.trim().trim_end_matches(';').trim_end().to_lowercase();
    BARE.contains(&word.as_str()).then(|| format!(".{word}"))
}

/// Enter ends what is finished, and begins a new line otherwise.
struct Finished;

impl Finished {
    fn is_finished(&self, text: &str) -> bool {
        meta::is_meta(text) || bare(text).is_some() || is_finished(text)
    }
}

impl Validator for Finished {
    fn validate(&self, text: &str) -> ValidationResult {
        match self.is_finished(text) {
            true => ValidationResult::Complete,
            false => ValidationResult::Incomplete,
        }
    }
}

struct Colours {
    terminal: Terminal,
    checker: Checker,
}

impl Highlighter for Colours {
    fn highlight(&self, text: &str, cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        if !self.terminal.colours || meta::is_meta(text) {
            styled.push((Style::new(), text.to_string()));
            return styled;
        }
        for stretch in highlight(text, cursor) {
            styled.push((of_part(stretch.part), text.get(stretch.range).unwrap_or_default().to_string()));
        }
        // What is being written is not wrong yet.
        for wrong in self.checker.wrong(text).into_iter().filter(|w| !(w.start <= cursor && cursor <= w.end)) {
            styled.style_range(wrong.start, wrong.end, of_part(Part::Unmatched));
        }
        styled
    }
}

#[cfg(test)]
mod tests {
    use super::{Finished, bare};

    #[test]
    fn enter_ends_statements_and_commands() {
        for (text, finished) in [
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("\\d", true),
            (".tables", true),
            ("quit", true),
            ("EXIT;", true),
            ("exit now", false),
            ("", true),
        ] {
            assert_eq!(Finished.is_finished(text), finished, "{text}");
        }
        assert_eq!(bare(" Quit ;"), Some(".quit".to_string()));
        assert_eq!(bare("quits"), None);
    }
}
