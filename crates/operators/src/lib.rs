//! Synchronous operators, and [`build`], which makes an executable graph of a plan.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod build;
mod dead_letters;
mod expand;
mod expression;
mod filter;
mod project;
mod row_tests;
mod scan;
mod union;
mod values;
mod window;

pub use build::{build, constant};

#[cfg(test)]
mod tests;
