//! The page: built by Vite into `web/dist`, checked, and weighed.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::{Runs as _, node, root};
use crate::stamp::{Stamp, my_turn};
use crate::wasm;

/// Builds the page, with a compressed copy beside each file.
pub(crate) fn build() -> Result<()> {
    let _turn = my_turn()?;
    let stamp = stamp()?;
    node(&["node_modules/vite/bin/vite.js", "build"]).run()?;
    stamp.keep()
}

/// Builds the page when something it is made from changed.
pub(crate) fn build_if_changed() -> Result<()> {
    if root().join("web/dist/index.html").is_file() && stamp()?.is_fresh() {
        return Ok(());
    }
    build()
}

/// Builds a page to serve where there is none at all: tests of the server ask for no newer one.
pub(crate) fn build_if_missing() -> Result<()> {
    if root().join("web/dist/index.html").is_file() {
        return Ok(());
    }
    wasm::build()?;
    build()
}

/// Shows what a first visit loads; a strict weighing fails when that is more than allowed.
pub(crate) fn budget(strict: bool) -> Result<()> {
    node(&["build/budget.mjs"]).args(strict.then_some("--strict")).run()
}

/// Checks the types of the page's TypeScript and Svelte.
pub(crate) fn check() -> Result<()> {
    node(&["node_modules/svelte-check/bin/svelte-check"])
        .args(["--tsconfig", "tsconfig.json", "--fail-on-warnings", "--output", "human"])
        .run()
}

/// Runs the tests that need neither a browser nor a server: `tests/*.test.mjs`.
pub(crate) fn test() -> Result<()> {
    let mut files = Vec::new();
    for file in fs::read_dir(root().join("web/tests"))? {
        let path = file?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    node(&["--test", "--test-reporter=spec"]).args(files).run()
}

/// Makes sure that the folder is there which the server wants before it compiles.
pub(crate) fn make_folder() -> Result<()> {
    fs::create_dir_all(root().join("web/dist")).context("cannot make web/dist")
}

fn stamp() -> Result<Stamp> {
    Stamp::take(root().join("target/xtask/web.stamp"), INPUTS, &[])
}

const INPUTS: &[&str] = &[
    "web/build",
    "web/index.html",
    "web/messages",
    "web/package-lock.json",
    "web/public",
    "web/src",
    "web/structure.html",
    "web/svelte.config.js",
    "web/tsconfig.json",
    "web/vite.config.ts",
];
