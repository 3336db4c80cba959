//! Placeholder until the decoder's benchmark is written.
fn main() {}
