//! The file sink's protocol, step by step.
