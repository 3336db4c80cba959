//! Statements from text (in work).
