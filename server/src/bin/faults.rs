//! The `reconnect` command with faults on purpose, for tests.

#[path = "../main.rs"]
mod program;

fn main() -> std::process::ExitCode {
    program::main()
}
