//! The statements of a test file, parsed but not bound.

use super::statement::{ObjectPath, TableOption};
use millstream_dataflow::Span;
use sqlparser::ast::Expr;

/// A file of tests: `*.test.sql`.
#[derive(Debug, Clone, Default)]
pub struct TestFile {
    /// Ordinary statements before the first test: each test without FOR has them.
    pub shared: Vec<Span>,
    pub tests: Vec<Test>,
    /// Tests with steps that are none: what is wrong with the others can be told, but they cannot run.
    pub half: Vec<Test>,
}

/// `TEST 'name' [FOR 'job.sql'] [WITH ('NAME' = 'value')]` and what follows it.
#[derive(Debug, Clone)]
pub struct Test {
    pub name: String,
    /// Of its head.
    pub span: Span,
    /// The job file that it tests.
    pub job: Option<(String, Span)>,
    /// `${NAME}` of the job file, or of the test's own statements.
    pub variables: Vec<TableOption>,
    /// Ordinary statements of its own.
    pub statements: Vec<Span>,
    /// `SET 'key' = 'value'`: wins over SET in the job file.
    pub settings: Vec<TableOption>,
    /// `SET now = '…'`
    pub now: Option<Cell>,
    pub steps: Vec<TestStep>,
}

/// A step and where it stands.
#[derive(Debug, Clone)]
pub struct TestStep {
    pub span: Span,
    pub kind: TestStepKind,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Cell {
    pub expr: Expr,
    pub span: Span,
}

/// `(1, 'a'), (2, 'b')`
#[derive(Debug, Clone)]
pub struct CellRows {
    pub rows: Vec<Vec<Cell>>,
    /// From the first bracket to the last.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum TestStepKind {
    Given(Given),
    AdvanceWatermark {
        table: ObjectPath,
        partition: Option<u32>,
        to: Cell,
    },
    AdvanceTimeBy(Cell),
    AdvanceTimeTo(Cell),
    Idle {
        /// The only table that is read, if not given.
        table: Option<ObjectPath>,
        partition: u32,
    },
    Checkpoint,
    Restart,
    Crash,
    Finish,
    Expect(Expect),
    /// `EXPECT NO MORE ROWS [IN table]`
    ExpectNoMore(Option<ObjectPath>),
    /// `EXPECT STATE <= n BYTES`
    ExpectState(u64),
    /// `EXPECT FAILURE ['code']`
    ExpectFailure(Option<String>),
    ExpectError(ExpectError),
}

/// Rows that come in.
#[derive(Debug, Clone)]
pub struct Given {
    pub table: ObjectPath,
    pub partition: u32,
    /// Each row begins with what it does: `'+I'`, `'-U'`, `'+U'`, `'-D'`.
    pub changes: bool,
    /// All if empty.
    pub columns: Vec<(String, Span)>,
    pub rows: GivenRows,
}

#[derive(Debug, Clone)]
pub enum GivenRows {
    Values(CellRows),
    /// Path of a file.
    File(String, Span),
    /// Records, one text each.
    Raw(Vec<(String, Span)>),
}

/// Which rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Those of a table since the last look at it; updates and deletions take away what they name.
    Rows,
    /// The same as they came, each with its kind in front.
    Changes,
    /// All rows of a table since the start.
    Table,
    /// Rows of a table that is read, which were too late for all windows of a query.
    Late,
    /// Records of a table that is read, which are no rows.
    Rejected,
}

/// `EXPECT [CHANGES | TABLE | LATE | REJECTED] table [(columns)] VALUES … | ROWS n`
#[derive(Debug, Clone)]
pub struct Expect {
    pub looked: Looked,
    pub table: ObjectPath,
    /// All if empty.
    pub columns: Vec<(String, Span)>,
    pub rows: ExpectRows,
    pub ordered: bool,
    /// How far numbers may be from those expected.
    pub tolerance: Option<Tolerance>,
}

#[derive(Debug, Clone)]
pub enum ExpectRows {
    Values(CellRows),
    Count(u64, Span),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Absolute(f64),
    /// Of the expected number.
    Percent(f64),
}

/// `EXPECT ERROR | WARNING 'code' [AT line:column] IN (statement)`
#[derive(Debug, Clone)]
pub struct ExpectError {
    pub code: String,
    /// Line and column, from 1, in the statement.
    pub at: Option<(u64, u64)>,
    /// The statement, between the brackets.
    pub statement: Span,
}
