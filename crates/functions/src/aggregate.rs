//! Aggregate functions (in work).
