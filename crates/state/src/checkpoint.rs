//! The checkpoint protocol (in work).
