//! Golden plans and errors.
