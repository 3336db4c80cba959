//! Millstream's integration tests; see main.rs.
