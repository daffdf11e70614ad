//! `cargo xtask`: the only place that knows how to set up a machine, build, run and test.
//!
//! Each command sets up what it lacks, and is quick when nothing is missing. It never ends a process
//! that it did not start, and never writes outside the repository but for the packages it installs.

mod bench;
mod command;
mod formal;
mod mutants;
mod package;
mod postgres;
mod run;
mod rust_std;
mod seaweedfs;
mod setup;
mod soak;
mod stamp;
mod test;
mod wasm;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::command::{Runs as _, cargo};

/// Sets up, builds, runs and tests RECONNECT.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build what changed and serve it on this machine until Ctrl-C
    Run(run::Options),
    /// Run every suite, or the named ones, as CI does
    Test {
        /// Suites to run; all of them when none is named
        names: Vec<String>,
    },
    /// Look for faults without running anything: formatting, clippy, types of the page
    Check,
    /// Mend what a tool can mend by itself: formatting, clippy's suggestions
    Fix,
    /// Write the test vectors that do not exist yet
    Vectors,
    /// Measure beside the peers; prints, asserts nothing
    Bench {
        /// The one to take: load, seal, native, grant, guess, server, stream, team, country, or lives under guardians
        name: Option<String>,
    },
    /// Search the formal models for attacks, and compare with what each must show
    Formal {
        /// A model, and what it leaves out or adds: shows how that goes
        words: Vec<String>,
    },
    /// Kill the server and cut its power thousands of times; goes on where it stopped
    Soak(soak::Options),
    /// Plant flaws that servers of this kind had, and see that the tests catch each
    Mutants {
        /// Flaws to plant; all of them when none is named
        names: Vec<String>,
    },
    /// Build the client for the page: owners', and structures' with MLS
    Wasm,
    /// Build the page into web/dist
    Web {
        /// Fail when the first load is larger than allowed
        #[arg(long)]
        budget: bool,
    },
    /// Build a Debian package of the server, into target/package
    Package(package::Options),
    /// Install what is missing on this machine
    Setup,
    /// Build Rust's standard library for wasm from Debian's sources into a folder
    #[command(hide = true)]
    BuildStd {
        /// The folder that receives the libraries
        into: PathBuf,
    },
}

/// Says what failed in one line: a trace of xtask's own calls would hide what the tool said above it.
#[expect(clippy::print_stderr, reason = "this is the command's only way to say what failed")]
fn main() -> ExitCode {
    match obey(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> Result<()> {
    match command {
        Command::Run(options) => run::run(&options),
        Command::Test { names } => test::test(&names),
        Command::Check => {
            setup::for_building()?;
            wasm::build()?;
            test::check_rust()?;
            web::check()
        }
        Command::Fix => fix(),
        Command::Vectors => {
            cargo(&["run", "--package", "reconnect-tests", "--bin", "vectors"]).run()
        }
        Command::Bench { name } => bench::bench(name.as_deref()),
        Command::Formal { words } => formal::formal(&words),
        Command::Mutants { names } => mutants::mutants(&names),
        Command::Soak(options) => soak::soak(&options),
        Command::Wasm => {
            setup::for_building()?;
            wasm::build()
        }
        Command::Web { budget } => {
            setup::for_building()?;
            wasm::build()?;
            web::build()?;
            web::budget(budget)
        }
        Command::Package(options) => package::package(&options),
        Command::Setup => setup::for_testing(),
        Command::BuildStd { into } => rust_std::build(&into),
    }
}

/// Lets the tools correct what they can, then formats what they wrote.
fn fix() -> Result<()> {
    web::make_folder()?;
    let clippy = ["clippy", "--fix", "--allow-dirty", "--allow-staged", "--workspace"];
    cargo(&clippy).arg("--all-targets").run()?;
    cargo(&["fmt", "--all"]).run()
}
