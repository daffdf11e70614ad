//! `cargo xtask formal`: the models under `tests/formal`, in a workspace of their own.

use std::process::Command;

use anyhow::Result;

use crate::command::{Runs as _, cargo};

/// Searches all models and compares with what each must show; or shows what one variant finds.
pub(crate) fn formal(words: &[String]) -> Result<()> {
    if words.is_empty() {
        beside("fmt", &["--check"]).run()?;
        beside("clippy", &SETTINGS).args(["--", "-D", "warnings"]).run()?;
    }
    beside("run", &SETTINGS).arg("--").args(words).run()
}

fn beside(command: &str, settings: &[&str]) -> Command {
    let mut cargo = cargo(&[command, "--manifest-path", "tests/formal/Cargo.toml"]);
    cargo.args(settings);
    cargo
}

/// verifpal names a compiler newer than the one that the rest is built with, and needs no more than that.
const SETTINGS: [&str; 5] =
    ["--release", "--locked", "--ignore-rust-version", "--target-dir", "target/formal"];
