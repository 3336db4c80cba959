//! Queries to plans (in work).
