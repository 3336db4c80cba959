//! Keyed tables (in work).
