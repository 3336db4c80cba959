//! The one error of the workspace.

use crate::Span;
use crate::option::without_passwords;
use std::fmt;
use std::sync::Arc;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller does about an error. A kind exists only where some caller acts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The statement is wrong: show it with its span, run nothing.
    Sql,
    /// An option, setting or argument is wrong: show it, run nothing.
    Config,
    /// A row cannot be processed: apply the table's `on-error` policy, or fail the job for good.
    Data,
    /// An outside service did not answer: retry from the last checkpoint, with backoff.
    Unavailable,
    /// Another instance of the job has taken over: stop at once and write nothing more.
    Fenced,
    /// Stored bytes are damaged or of an unknown version: stop, never guess.
    Corrupt,
    /// Whoever read the output has left, as behind `| head`: end, and say nothing.
    ReaderLeft,
    /// Millstream itself is wrong: stop and say how to report it.
    Bug,
}

/// What went wrong, where, and what to do about it.
///
/// The body is boxed so that `Result` stays small on the hot path; its fields are public through `Deref`.
#[derive(Debug)]
pub struct Error(Box<ErrorBody>);

/// All results, or all errors in one.
///
/// # Errors
/// The first one, with those of the others beside it.
pub fn each<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut done = Vec::new();
    let mut wrong: Option<Error> = None;
    for result in results {
        match (result, wrong.take()) {
            (Ok(value), None) => done.push(value),
            (Ok(_), so_far) => wrong = so_far,
            (Err(e), None) => wrong = Some(e),
            (Err(e), Some(first)) => wrong = Some(first.and(e)),
        }
    }
    wrong.map_or(Ok(done), Err)
}

/// Both results, or the errors of both.
///
/// # Errors
/// As [`each`].
pub fn both<A, B>(a: Result<A>, b: Result<B>) -> Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(e), Ok(_)) | (Ok(_), Err(e)) => Err(e),
    }
}

/// The content of an [`Error`].
#[derive(Debug)]
pub struct ErrorBody {
    /// What the caller does about it.
    pub kind: ErrorKind,
    /// A code that `docs/` explains, such as `E0201`.
    pub code: Option<&'static str>,
    /// One lower-case sentence without a full stop.
    pub message: String,
    /// Where in the data it happened: table, topic, partition, offset, path.
    pub detail: Option<String>,
    /// The table whose connector it comes from, as plans name it.
    pub table: Option<String>,
    /// The operator it comes from, by its id.
    pub operator: Option<String>,
    /// The column that the operator computes.
    pub column: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// Where in the SQL text it stands.
    pub span: Option<Span>,
    /// The text its places are in, if that is not the one that runs.
    pub text: Option<Arc<SqlText>>,
    /// Other places in the SQL text that have to do with it.
    pub labels: Vec<Label>,
    /// What could stand at `span` instead, and would be right.
    pub replacement: Option<String>,
    /// What caused it.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What else is wrong with the same statement, each by itself: see [`Error::apart`].
    pub also: Vec<Error>,
}

/// A text, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlText {
    /// A file's name.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A place in a text, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few lower-case words.
    pub text: String,
}

impl Error {
    /// An error of `kind` with a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(ErrorBody {
            kind,
            code: None,
            message: message.into(),
            detail: None,
            table: None,
            operator: None,
            column: None,
            hint: None,
            span: None,
            text: None,
            labels: Vec::new(),
            replacement: None,
            source: None,
            also: Vec::new(),
        }))
    }
    /// See [`ErrorKind::Sql`].
    pub fn sql(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Sql, message)
    }
    /// See [`ErrorKind::Config`].
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }
    /// See [`ErrorKind::Data`].
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }
    /// See [`ErrorKind::Unavailable`].
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }
    /// See [`ErrorKind::Fenced`].
    pub fn fenced(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Fenced, message)
    }
    /// See [`ErrorKind::Corrupt`].
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }
    /// See [`ErrorKind::ReaderLeft`].
    pub fn reader_left() -> Self {
        Self::new(ErrorKind::ReaderLeft, "nobody reads the output any more")
    }
    /// See [`ErrorKind::Bug`].
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }
    /// Sets the code.
    pub fn code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }
    /// Sets the detail.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }
    /// Sets the table, if there is none yet.
    pub fn of_table(mut self, table: &str) -> Self {
        self.0.table.get_or_insert_with(|| table.to_string());
        self
    }
    /// Sets the operator, if there is none yet.
    pub fn of_operator(mut self, id: &str) -> Self {
        self.0.operator.get_or_insert_with(|| id.to_string());
        self
    }
    /// Sets the column that an operator computes, if there is none yet.
    pub fn of_column(mut self, name: &str) -> Self {
        self.0.column.get_or_insert_with(|| name.to_string());
        self
    }
    /// Tells which setting says where the state is.
    pub fn of_state(mut self, setting: &str) -> Self {
        let place = format!("the state, in {setting}");
        self.0.detail = Some(match self.0.detail.take() {
            Some(detail) => format!("{detail}; {place}"),
            None => place,
        });
        self
    }
    /// Sets the hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }
    /// Sets the span.
    pub fn span(mut self, span: Span) -> Self {
        self.0.span = Some(span);
        self
    }
    /// Sets the text that its places are in.
    pub fn in_text(mut self, text: Arc<SqlText>) -> Self {
        self.0.text = Some(text);
        self
    }
    /// Sets the span to that of a whole in which it stands somewhere.
    pub fn somewhere_in(mut self, whole: Span) -> Self {
        self.0.replacement = None;
        self.span(whole)
    }
    /// Puts all its places where they belong, unless they are in a text of their own.
    pub fn moved(mut self, place: impl Fn(Span) -> Span) -> Self {
        if self.0.text.is_some() {
            return self;
        }
        self.0.span = self.0.span.map(&place);
        self.0.labels.iter_mut().for_each(|l| l.span = place(l.span));
        self
    }
    /// Tells it at another place than its own: what could stand there instead is no help here.
    pub fn told_at(mut self, span: Span) -> Self {
        self.0.span = Some(span);
        self.0.replacement = None;
        self
    }
    /// Leaves out other places that are not in the text at hand.
    pub fn labels_in(mut self, is_here: impl Fn(Span) -> bool) -> Self {
        self.0.labels.retain(|l| is_here(l.span));
        self
    }
    /// Adds another place that has to do with it.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.0.labels.push(Label { span, text: text.into() });
        self
    }
    /// Sets what could stand at the span instead.
    pub fn replaced_by(mut self, text: impl Into<String>) -> Self {
        self.0.replacement = Some(text.into());
        self
    }
    /// Asks whether `name` was meant; `written` is what would have to stand at the span, with its quotes.
    pub fn meant(mut self, name: impl fmt::Display, written: impl Into<String>) -> Self {
        self.0.hint = Some(format!("did you mean {name}?"));
        self.0.replacement = Some(written.into());
        self
    }
    /// Sets the cause.
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }
    /// Adds what else is wrong with the same statement.
    pub fn and(mut self, mut other: Error) -> Self {
        let further = std::mem::take(&mut other.0.also);
        self.0.also.push(other);
        self.0.also.extend(further);
        self
    }
    /// This error and those beside it, each by itself.
    pub fn apart(mut self) -> Vec<Error> {
        let also = std::mem::take(&mut self.0.also);
        std::iter::once(self).chain(also).collect()
    }
    /// This error without those beside it.
    pub fn alone(mut self) -> Error {
        self.0.also.clear();
        self
    }
    /// Whether a restart from the last checkpoint can help.
    pub fn is_transient(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

impl std::ops::Deref for Error {
    type Target = ErrorBody;
    fn deref(&self) -> &ErrorBody {
        &self.0
    }
}

impl Error {
    /// The detail, and the table if nothing else names it.
    pub fn place(&self) -> Option<String> {
        let named = |table: &&String| {
            [Some(&self.message), self.detail.as_ref()]
                .into_iter()
                .flatten()
                .any(|text| text.contains(&format!("\"{table}\"")))
        };
        match (self.table.as_ref().filter(|table| !named(table)), &self.detail) {
            (None, detail) => detail.clone(),
            (Some(table), None) => Some(format!("table \"{table}\"")),
            (Some(table), Some(detail)) => Some(format!("table \"{table}\", {detail}")),
        }
    }
    /// What lies beneath, outermost first; a cause whose text the one above it already tells is left out.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next: Option<&dyn std::error::Error> = self.source.as_deref().map(|e| e as _);
        while let Some(e) = next {
            let text = e.to_string();
            if !causes.last().is_some_and(|above| above.contains(&text)) {
                causes.push(text);
            }
            next = e.source();
        }
        causes
    }
}

/// Logs show it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.message))?;
        if let Some(place) = self.place() {
            write!(f, " ({})", without_passwords(&place))?;
        }
        self.causes().iter().try_for_each(|cause| write!(f, ": {}", without_passwords(cause)))
    }
}

impl std::error::Error for Error {}

impl From<arrow_schema::ArrowError> for Error {
    /// Arrow kernels fail on values (overflow, bad cast); a caller that knows better says so.
    fn from(e: arrow_schema::ArrowError) -> Self {
        use arrow_schema::ArrowError as A;
        match e {
            A::ArithmeticOverflow(m) => Error::data(format!("a number overflows its type: {}", m.trim_start_matches("Overflow happened on: "))).code("E0702"),
            A::DivideByZero => Error::data("division by zero").code("E0702"),
            A::CastError(m) | A::ParseError(m) | A::ComputeError(m) => Error::data(m),
            other => Error::bug("an Arrow kernel was misused").source(other),
        }
    }
}
