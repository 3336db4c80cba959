//! The `millstream` binary: arguments and terminal only.

use std::process::ExitCode;

/// librdkafka allocates per message on one thread and frees on another: with the `override` feature C's malloc is this one too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    millstream::main(std::env::args_os())
}
