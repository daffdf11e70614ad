//! The client for the page, twice: what owners load, and what structures load, which adds MLS.
//!
//! cargo compiles, wasm-bindgen writes the bindings, wasm-opt makes it small. Nothing of this machine
//! may stand in the result: the page is the same bytes wherever it is built.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use walrus::{
    FunctionKind, LocalFunction, Module, ModuleConfig,
    ir::{InstrLocId, Unreachable},
};
use wasm_bindgen_cli_support::Bindgen;

use crate::command::{Runs as _, cargo, node, program, root};
use crate::stamp::{Stamp, my_turn};

/// Builds both flavours, each only when something it is made from changed.
pub(crate) fn build() -> Result<()> {
    FLAVOURS.iter().try_for_each(|(flavour, features)| build_one(flavour, features))
}

/// Builds the owner's client with the judge of test vectors in it, which no page loads.
pub(crate) fn build_judge() -> Result<()> {
    build_one("vectors", "vectors")
}

#[expect(clippy::print_stdout, reason = "a command says what it does")]
fn build_one(flavour: &str, features: &str) -> Result<()> {
    let _turn = my_turn()?;
    let rustc = program("rustc").arg("--version").read()?;
    let into = root().join("web/src/wasm").join(flavour);
    let words = [flavour, features, rustc.as_str()];
    let stamp = Stamp::take(into.join(".stamp"), INPUTS, &words)?;
    if stamp.is_fresh() && into.join("client_bg.wasm").is_file() {
        return Ok(());
    }
    println!("wasm: building the {flavour} client");
    compile(features)?;
    bind(flavour, &into)?;
    stamp.keep()
}

fn compile(features: &str) -> Result<()> {
    let build = ["build", "--package", "reconnect-client-wasm", "--lib"];
    cargo(&build)
        .args(["--target", TARGET, "--profile", "wasm", "--features", features])
        .env("CARGO_ENCODED_RUSTFLAGS", smaller(flags()?))
        .run()
}

/// Bulk bytes are hashed by the browser: the small variant of SHA-2 is fast enough for the rest.
fn smaller(mut flags: OsString) -> OsString {
    flags.push("\u{1f}--cfg=sha2_backend_soft=\"compact\"");
    flags
}

/// Replaces every path of this machine by a name that is the same everywhere.
///
/// The last rule that matches wins, so the widest come first.
pub(crate) fn flags() -> Result<OsString> {
    let home = env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    let mut names = vec![(home.clone(), "/cargo")];
    // A folder here is named after the registry or mirror that crates came from.
    if let Ok(sources) = fs::read_dir(home.join("registry/src")) {
        for source in sources {
            names.push((source?.path(), "/crates"));
        }
    }
    let sysroot = program("rustc").args(["--print", "sysroot"]).read()?;
    names.push((PathBuf::from(sysroot.trim()), "/rust"));
    names.push((root(), "/reconnect"));
    let mut flags = OsString::new();
    for (path, name) in names {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}

/// Writes the bindings and the small module in one go, so that a failure leaves the old ones whole.
fn bind(flavour: &str, into: &Path) -> Result<()> {
    let compiled = root().join("target").join(TARGET).join("wasm/reconnect_client_wasm.wasm");
    let beside = root().join("target/wasm-bindgen").join(flavour);
    let _ = fs::remove_dir_all(&beside);
    Bindgen::new()
        .input_module("client", silent(&compiled)?)
        .web(true)?
        .typescript(true)
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name("client")
        .generate(&beside)
        .with_context(|| format!("cannot write the {flavour}'s bindings"))?;
    let module = beside.join("client_bg.wasm");
    node(&["node_modules/binaryen/bin/wasm-opt"])
        .args([
            "-Oz",
            "--converge",
            "--strip-debug",
            "--strip-producers",
            "--strip-target-features",
        ])
        .args(NO_INLINING)
        .args(FEATURES)
        .arg(&module)
        .arg("-o")
        .arg(&module)
        .run()?;
    let _ = fs::remove_dir_all(into);
    fs::create_dir_all(into)?;
    for file in fs::read_dir(&beside)? {
        let file = file?;
        fs::copy(file.path(), into.join(file.file_name()))?;
    }
    Ok(())
}

/// Reads what cargo compiled, and lets panics only trap: no page shows why the program stopped, and
/// the words that would say it weigh 2 % of what is downloaded.
fn silent(compiled: &Path) -> Result<Module> {
    let mut module = ModuleConfig::new()
        .strict_validate(false)
        .generate_producers_section(false)
        .parse_file(compiled)?;
    let mut silenced = 0;
    for function in module.funcs.iter_mut() {
        let says_why = function
            .name
            .as_deref()
            .is_some_and(|name| PANICS.iter().any(|part| name.contains(part)));
        if let (true, FunctionKind::Local(body)) = (says_why, &mut function.kind) {
            trap(body);
            silenced += 1;
        }
    }
    ensure!(silenced >= PANICS.len(), "the compiler names what panics otherwise than xtask knows");
    Ok(module)
}

fn trap(body: &mut LocalFunction) {
    let entry = body.entry_block();
    body.block_mut(entry).instrs = vec![(Unreachable {}.into(), InstrLocId::default())];
}

/// Parts of the names of functions of Rust's library that never return: each says why, and stops.
const PANICS: [&str; 5] =
    ["4core9panicking", "slice_index_fail", "slice_error_fail", "unwrap_failed", "expect_failed"];

/// The target of the page.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The name of each flavour, and the cargo features that make it.
const FLAVOURS: [(&str, &str); 2] = [("owner", ""), ("structure", "structure")];

const INPUTS: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "client-wasm",
    "crates/core",
    "crates/format",
    "crates/log",
    "web/package-lock.json",
    "xtask/src/wasm.rs",
];

/// LLVM inlined what is worth it; more of it repeats code, which costs 5 % of what is downloaded.
const NO_INLINING: [&str; 3] = [
    "--always-inline-max-function-size=2",
    "--flexible-inline-max-function-size=0",
    "--one-caller-inline-max-function-size=0",
];

/// What rustc turns on for this target by itself: wasm-opt must neither refuse it nor add to it.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
