//! Values as people and comparisons read them (in work).
