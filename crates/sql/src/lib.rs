//! Text to plan: Flink SQL in, a `plan::Job` out.
//!
//! [`parse`] makes statements of a text, [`catalog`](catalog) and [`table`](table) keep and check tables, [`stored`](stored) those that outlive the file, [`definition`](definition) makes declarations of others, [`query`](query) binds queries to nodes, [`expression`](expression)
//! binds expressions with Flink's types, [`format`](format) lays a text out. Each of the walks names every construct it takes; anything else is an error that says what is
//! not supported and where it stands. [`test_file`] binds the steps of tests. Start with [`compile`] for a file, with [`Session`] for text after text.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod alignment;
mod catalog;
pub mod catalogue;
mod compile;
pub mod complete;
mod constant;
mod definition;
mod diagnostic;
pub mod edit;
mod encoding;
mod expression;
mod format;
mod graph;
mod hints;
mod items;
mod known;
mod lint;
pub mod manual;
mod parallelism;
pub mod parse;
mod places;
mod prune;
mod pushdown;
mod query;
mod relation;
mod routes;
mod session;
mod show;
mod sources;
mod stored;
mod table;
mod targets;
pub mod test_file;
mod zone;

pub use compile::{Checked, CompileOptions, Compiled, ShownQuery, Step, check_setting, compile};
pub use diagnostic::{Diagnostic, Edit, Palette, Severity, render, without_secrets};
pub use encoding::utf8;
pub use format::format;
pub use items::Items;
pub use known::{Known, KnownTable};
pub use lint::{Allowed, idle_subtasks};
pub use millstream_plan::SETTINGS;
pub use places::{Declared, Places};
pub use query::{Shown, SortKey};
pub use session::{ERRORS_MAX, Failed, OnError, Session};
pub use sources::{SourceFile, Sources};
pub use stored::{CatalogChange, CatalogStore, ChangeKind, StoredCatalog, StoredName, StoredText};

#[cfg(test)]
mod tests;
