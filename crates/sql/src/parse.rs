//! Text to statements: a token pre-pass, our own statement parser, sqlparser for queries and expressions.

mod ddl;
mod depth;
pub mod dialect;
mod json;
mod script;
mod statement;
mod substitute;
mod token;

pub(crate) use token::span_of;

pub use dialect::FlinkDialect;
pub use script::parse;
pub use statement::{ColumnDef, ColumnDefKind, CreateTable, CreateView, Insert, ObjectPath, Statement, StatementKind, TableOption, WatermarkDef};
pub use substitute::{Substituted, substitute};

#[cfg(test)]
mod tests;
