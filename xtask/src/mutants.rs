//! `cargo xtask mutants`: replicas of flaws that were found in servers of this kind, each a small patch, and
//! the test that must fail when it is applied.
//!
//! The patches are applied to a copy of the working tree, built into a folder of its own. A patch that no
//! longer applies, a copy that does not compile, and a test that does not exist are errors of the patch;
//! a test that passes is a mutant that survived.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{Runs as _, program, root};
use crate::postgres::{Disk, Postgres};
use crate::seaweedfs::SeaweedFs;
use crate::{setup, web};

/// Where the patches are.
const PATCHES: &str = "tests/mutants";
/// What is built is here, and the copy of the tree in a folder beside it.
const TARGET: &str = "target/mutants";

/// One flaw.
struct Mutant {
    name: String,
    patch: PathBuf,
    suite: String,
    test: String,
}

/// What became of one.
enum Outcome {
    /// Its test failed.
    Caught,
    /// Its test passed.
    Survived,
    /// It says nothing about the tests.
    Useless(anyhow::Error),
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Survived => "SURVIVED",
            Self::Useless(_) => "USELESS",
        }
    }
}

/// Plays the named mutants, or all, and fails unless every one is caught.
#[expect(clippy::print_stdout, reason = "the table is what the command is for")]
pub(crate) fn mutants(names: &[String]) -> Result<()> {
    let all = read_all()?;
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|it| it.name == **name)) {
        bail!("there is no mutant {unknown}");
    }
    let chosen: Vec<_> =
        all.iter().filter(|it| names.is_empty() || names.contains(&it.name)).collect();
    web::build_if_missing()?;
    let _servers = start_servers(&chosen)?;
    // Without any flaw every test passes: whatever fails later fails of the flaw.
    lay_out()?;
    let tests: BTreeSet<_> = chosen.iter().map(|it| (&it.suite, &it.test)).collect();
    for (suite, test) in &tests {
        println!("as it is: {suite} {test}");
        build(suite)?;
        ensure!(passes(suite, test)?, "{suite} {test} fails without any flaw");
    }
    let mut rows = Vec::new();
    for mutant in chosen {
        let (outcome, time) = timed(|| play(mutant));
        let outcome = outcome.unwrap_or_else(Outcome::Useless);
        println!("{:<34} {:<8} {:>6.1} s", mutant.name, outcome.word(), time.as_secs_f64());
        if let Outcome::Useless(error) = &outcome {
            println!("    {error:#}");
        }
        rows.push((mutant, outcome, time));
    }
    lay_out()?;
    println!();
    for (mutant, outcome, time) in &rows {
        let Mutant { name, suite, test, .. } = mutant;
        println!("{name:<34} {:<8} {:>6.1} s  {suite} {test}", outcome.word(), time.as_secs_f64());
    }
    let caught = rows.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Caught)).count();
    println!("\n{caught} of {} mutants caught by {} tests", rows.len(), tests.len());
    ensure!(caught == rows.len(), "{} mutants were not caught", rows.len() - caught);
    Ok(())
}

/// A database and an object store, where a flaw is one of several servers.
fn start_servers(chosen: &[&Mutant]) -> Result<Option<(Postgres, SeaweedFs)>> {
    if chosen.iter().all(|it| it.suite != "scale") {
        return Ok(None);
    }
    setup::for_testing()?;
    let (database, objects) = (Postgres::start(Disk::Unwaited)?, SeaweedFs::start()?);
    let addresses =
        [("RECONNECT_TEST_POSTGRES", database.address()), ("RECONNECT_TEST_S3", objects.address())];
    ensure!(SERVERS.set(addresses).is_ok(), "they are started once");
    Ok(Some((database, objects)))
}

/// What tests are told of them.
static SERVERS: OnceLock<[(&str, String); 2]> = OnceLock::new();

fn read_all() -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for entry in fs::read_dir(root().join(PATCHES))? {
        let patch = entry?.path();
        if patch.extension().is_some_and(|extension| extension == "patch") {
            mutants.push(read(patch)?);
        }
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

/// What stands above a patch: the flaw in words, and which test of which suite must fail.
fn read(patch: PathBuf) -> Result<Mutant> {
    let name = patch.file_stem().and_then(|name| name.to_str()).context("a name")?.to_owned();
    let whole = fs::read_to_string(&patch).with_context(|| name.clone())?;
    let said = |what: &str| {
        let line = whole.lines().find_map(|line| line.strip_prefix(what));
        line.map(str::to_owned).with_context(|| format!("{name} says no {what}"))
    };
    said("flaw: ")?;
    let (suite, test) = (said("suite: ")?, said("test: ")?);
    Ok(Mutant { name, patch, suite, test })
}

fn play(mutant: &Mutant) -> Result<Outcome> {
    lay_out()?;
    let mut git = Command::new("git");
    // The copy lies inside the repository, and is none of it.
    git.current_dir(tree()).env("GIT_CEILING_DIRECTORIES", root().join(TARGET));
    git.arg("apply").arg(&mutant.patch).read().context("it does not apply any more")?;
    build(&mutant.suite).context("it does not compile")?;
    Ok(if passes(&mutant.suite, &mutant.test)? { Outcome::Survived } else { Outcome::Caught })
}

fn build(suite: &str) -> Result<()> {
    cargo(&["test", "--quiet", "--no-run", "--test", suite]).read().map(drop)
}

/// Whether the one test of that name passes; an error unless exactly one ran to its end.
fn passes(suite: &str, test: &str) -> Result<bool> {
    let Output { status, stdout, stderr } =
        cargo(&["test", "--test", suite, "--", "--exact", test]).output()?;
    let (said, complaint) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let one = |word: &str| said.contains(&format!("test {test} ... {word}"));
    match status.success() {
        true if one("ok") => Ok(true),
        false if one("FAILED") => Ok(false),
        _ => bail!("{suite} {test} did not run: {status}\n{said}{complaint}"),
    }
}

/// `cargo` in the copy, with what it builds in a folder that only this command uses.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(tree()).args(arguments);
    command.env("CARGO_TARGET_DIR", root().join(TARGET)).env("RUST_BACKTRACE", "0");
    command.envs(SERVERS.get().into_iter().flatten().map(|(name, address)| (name, address)));
    command
}

fn tree() -> PathBuf {
    root().join(TARGET).join("tree")
}

/// Makes the copy what the working tree is. What is the same already is left alone, so that little is built
/// again.
fn lay_out() -> Result<()> {
    let listed = program("git").args(["ls-files", "-z"]).read()?;
    let mut files: BTreeSet<PathBuf> =
        listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    files.retain(|file| root().join(file).is_file());
    // The server holds the page as it is built.
    list(&root().join("web/dist"), &root(), &mut files)?;
    let mut there = BTreeSet::new();
    if tree().is_dir() {
        list(&tree(), &tree(), &mut there)?;
    }
    for gone in there.difference(&files).filter(|it| it.as_os_str() != "Cargo.lock") {
        fs::remove_file(tree().join(gone))?;
    }
    for file in &files {
        let (from, to) = (root().join(file), tree().join(file));
        let bytes = fs::read(&from).with_context(|| file.display().to_string())?;
        if fs::read(&to).ok().as_ref() == Some(&bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::write(&to, bytes)?;
    }
    Ok(())
}

/// Files under a folder, by their paths from `base`.
fn list(folder: &Path, base: &Path, into: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, base, into)?;
        } else if let Ok(relative) = path.strip_prefix(base) {
            into.insert(relative.to_path_buf());
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the time that a mutant takes is measured")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
