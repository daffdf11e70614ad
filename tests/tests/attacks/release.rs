//! No build that people use can turn a check off.

use std::{collections::BTreeSet, env, fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use reconnect_format::{Label, switch::MARKER};
use reconnect_tests::{process::root, scan::contains};

/// The features with which `reconnect-format` is built, for each way that cargo is asked.
fn features(words: &[&str]) -> Result<BTreeSet<String>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p} with {f}"])
        .args(words)
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter(|line| line.starts_with("reconnect-format "));
    let found: BTreeSet<_> = lines
        .filter_map(|line| line.split_once(" with "))
        .map(|(_, features)| features.trim_end_matches("(*)").trim().to_owned())
        .collect();
    ensure!(!found.is_empty(), "{words:?}: reconnect-format is not in the tree");
    Ok(found)
}

#[test]
fn nothing_that_is_built_to_be_run_has_switches() -> Result<()> {
    const PAGE: [&str; 4] =
        ["--package", "reconnect-client-wasm", "--target", "wasm32-unknown-unknown"];
    let built: [&[&str]; 5] = [
        // What `cargo build` makes here: the server, the demo and the commands.
        &[],
        &["--package", "reconnect"],
        &["--package", "reconnect", "--all-features"],
        &PAGE,
        &[&PAGE[..], &["--features", "structure"]].concat(),
    ];
    for words in built {
        let features = features(&[words, &["--edges", "normal,build"]].concat())?;
        ensure!(features.iter().all(String::is_empty), "{words:?}: {features:?}");
    }
    // The control: tests are built with them.
    let features = features(&["--package", "reconnect-tests", "--edges", "normal,dev"])?;
    ensure!(features.contains("switches"), "{features:?}");
    Ok(())
}

#[test]
fn a_release_with_switches_does_not_build() -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["rustc", "--offline", "--locked", "--package", "reconnect-format", "--lib"])
        .args(["--features", "switches", "--", "-C", "debug-assertions=off", "--emit=metadata"])
        .current_dir(root())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("has no place in a release"), "{said}");
    Ok(())
}

#[test]
fn the_clients_of_the_page_do_not_hold_what_marks_a_build_with_switches() -> Result<()> {
    for flavour in ["owner", "structure"] {
        let path = root().join("web/src/wasm").join(flavour).join("client_bg.wasm");
        let client = fs::read(&path).context("build the clients with `cargo xtask wasm`")?;
        ensure!(client.len() > 100_000, "{flavour}: {} bytes", client.len());
        ensure!(!contains(&client, MARKER.as_bytes()), "{flavour} can turn its checks off");
        // The control: texts of the client are found in it.
        let label = Label::Statement.text().as_bytes();
        ensure!(contains(&client, label), "{flavour}: its texts are hidden");
    }
    ensure!(contains(&fs::read(env::current_exe()?)?, MARKER.as_bytes()), "the mark is not found");
    Ok(())
}
