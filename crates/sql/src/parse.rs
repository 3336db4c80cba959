//! Text to statements: a token pre-pass, our own statement parser, sqlparser for queries and expressions.

mod alter;
mod ddl;
mod depth;
pub mod dialect;
mod json;
mod script;
mod show;
mod slips;
mod statement;
mod substitute;
mod test_file;
mod test_statement;
mod token;
mod types;
mod unicode;

pub(crate) use script::{Outlined, Parsed, Unread, makes_view, outline, parse_each, parse_unplaced, tokens};
pub(crate) use token::{comments, ends_in_statement, span_of};
pub(crate) use unicode::{ESCAPE, decode, join};

pub use dialect::FlinkDialect;
pub use script::parse;
pub use statement::{
    Alter, Broken, Change, ColumnDef, ColumnDefKind, CreateTable, CreateView, Elements, Hint, Insert, Like, Merge, ObjectPath, Pattern, Place, Script, Show,
    Statement, StatementKind, TableOption, WatermarkDef,
};
pub(crate) use substitute::{Missing, fill, slice};
pub use substitute::{Substituted, substitute, variables};
pub(crate) use test_file::{STEPS, shown_step};
pub use test_file::{parse_each_test, parse_tests};
pub use test_statement::{Cell, CellRows, Expect, ExpectError, ExpectRows, Given, GivenRows, Looked, Test, TestFile, TestStep, TestStepKind, Tolerance};

#[cfg(test)]
mod tests;
