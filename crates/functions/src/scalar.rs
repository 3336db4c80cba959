//! Scalar functions (in work).
