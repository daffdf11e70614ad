//! `cargo xtask bench`: figures beside their peers, each table from one run on this machine.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Result, bail};

use crate::command::{Runs as _, cargo, node, root};
use crate::postgres::{Disk, Postgres};
use crate::{setup, wasm, web};

/// Measures everything, or the one that is named.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn bench(name: Option<&str>) -> Result<()> {
    let chosen: Vec<_> = ALL.into_iter().filter(|it| name.is_none_or(|name| name == *it)).collect();
    if chosen.is_empty() {
        bail!("there is nothing of that name to measure: choose among {}", ALL.join(", "));
    }
    if chosen == ["lives"] {
        return measure("lives");
    }
    if chosen == ["native"] {
        // Neither page nor server.
        web::make_folder()?;
    } else {
        setup::for_bench()?;
        wasm::build()?;
        web::build_if_changed()?;
        cargo(&["build", "--release", "--bin", "reconnect"]).run()?;
    }
    cargo(&["build", "--release", "--package", "reconnect-bench"]).run()?;
    println!("\n{}", machine());
    for name in chosen {
        measure(name)?;
    }
    println!("\n{}", machine());
    Ok(())
}

fn measure(name: &str) -> Result<()> {
    let server = root().join("target/release/reconnect");
    match name {
        "load" => web::budget(false),
        "lives" => cargo(&["run", "--quiet", "--release", "--package", "reconnect-lives"]).run(),
        "seal" => node(&["../bench/seal.mjs"]).env("RECONNECT_BIN", server).run(),
        "native" => {
            build_age()?;
            let age = root().join("target/age/release/reconnect-bench-age");
            native(name).env("RECONNECT_BENCH_AGE", age).run()
        }
        // It is measured on both databases.
        "server" | "country" => {
            let postgres = Postgres::start(Disk::Waited)?;
            native(name).env("RECONNECT_TEST_POSTGRES", postgres.address()).run()
        }
        other => native(other).run(),
    }
}

/// A part of the benchmarks' own program.
fn native(name: &str) -> Command {
    let mut command = cargo(&["run", "--quiet", "--release", "--package", "reconnect-bench", name]);
    command.env("RECONNECT_BIN", root().join("target/release/reconnect"));
    command
}

/// Where this is measured, and how busy it is with other things.
fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let cores = available_parallelism().map_or(1, usize::from);
    let model = model.map_or("unknown processor", |(_, name)| name);
    format!("{cores} cores of {model}; {load} processes were working in the last minute.")
}

/// age, in a workspace of its own.
fn build_age() -> Result<()> {
    let beside = |command: &str, settings: &[&str]| {
        let mut cargo = cargo(&[command, "--manifest-path", "bench/age/Cargo.toml"]);
        cargo.args(settings);
        cargo
    };
    let settings = ["--release", "--locked", "--target-dir", "target/age"];
    beside("fmt", &["--check"]).run()?;
    beside("clippy", &settings).args(["--", "-D", "warnings"]).run()?;
    beside("build", &settings).run()
}

const ALL: [&str; 10] =
    ["load", "seal", "native", "grant", "guess", "server", "stream", "team", "country", "lives"];
