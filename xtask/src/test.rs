//! `cargo xtask test`: every suite, in order, each timed; one failing suite does not hide the next.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};

use crate::command::{Runs as _, cargo, node, root};
use crate::postgres::{Disk, Postgres};
use crate::seaweedfs::SeaweedFs;
use crate::{setup, wasm, web};

/// Runs all suites, or the named ones, and fails when one of them failed.
#[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
pub(crate) fn test(names: &[String]) -> Result<()> {
    let suites = choose(names)?;
    setup::for_testing()?;
    let mut stage = Stage { postgres: Vec::new(), seaweedfs: None };
    let mut outcomes = Vec::new();
    let (together, alone): (Vec<_>, Vec<_>) =
        suites.into_iter().partition(|suite| TOGETHER.contains(&suite.as_str()));
    let browser = alone.iter().position(|suite| suite == "browser").unwrap_or(alone.len());
    for suite in alone.iter().take(browser) {
        outcomes.push(stage.timed(suite));
    }
    outcomes.extend(stage.play_together(&together)?);
    for suite in alone.iter().skip(browser) {
        outcomes.push(stage.timed(suite));
    }
    drop(stage);
    let failed = outcomes.iter().filter(|(_, passed, _)| !passed).count();
    println!();
    for (suite, passed, time) in &outcomes {
        let word = if *passed { "passed" } else { "failed" };
        println!("{suite:<12} {word} {:>7.1} s", time.as_secs_f64());
    }
    println!("\n{} passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// Checks the form of the Rust code and lets clippy read it.
pub(crate) fn check_rust() -> Result<()> {
    web::make_folder()?;
    cargo(&["fmt", "--all", "--check"]).run()?;
    cargo(&["clippy", "--workspace", "--all-targets"]).args(["--", "-D", "warnings"]).run()
}

/// Suites that wait for disks, clocks and programs that start again more than for processors: they do so at one time.
const TOGETHER: [&str; 3] = ["faults", "operations", "scale"];

/// A suite, whether it passed, and how long it took.
type Outcome = (String, bool, Duration);

/// What the suites of one run share.
struct Stage {
    postgres: Vec<(Disk, Postgres)>,
    seaweedfs: Option<SeaweedFs>,
}

impl Stage {
    /// Everything is built from the default members together: naming a package would choose other
    /// features of what it depends on, and build that a second time.
    fn play(&mut self, suite: &str) -> Result<()> {
        match suite {
            "build" => build(),
            "check" => check_rust(),
            "unit" => {
                let files = ["crates/core", "crates/format", "crates/log", "server"]
                    .map(test_files)
                    .concat();
                let files = files.iter().flat_map(|name| ["--test", name]);
                let all: Vec<_> = ["--lib", "--bins"].into_iter().chain(files).collect();
                self.cargo_test(&all, Disk::Unwaited)?;
                self.cargo_test(&["--doc"], Disk::Unwaited)
            }
            "web" => {
                wasm::build()?;
                web::build()?;
                web::check()?;
                web::test()?;
                web::budget(true)
            }
            "browser" => {
                wasm::build()?;
                web::build_if_changed()?;
                cargo(&["build", "--bin", "reconnect"]).run()?;
                let server = root().join("target/debug/reconnect");
                node(&["tests/run.mjs"]).env("RECONNECT_BIN", server).run()
            }
            "vectors" => {
                self.cargo_test(&["--test", "vectors"], Disk::Unwaited)?;
                wasm::build_judge()?;
                wasm::build()?;
                node(&["tests/vectors.mjs"]).run()
            }
            "attacks" => {
                // It looks into the page's clients for what only builds for tests may hold.
                wasm::build()?;
                self.cargo_test(&["--test", "attacks"], Disk::Unwaited)
            }
            file => self.cargo_test(&["--test", file], disk_of(file)),
        }
    }

    /// One suite, with how it ended.
    #[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
    fn timed(&mut self, suite: &str) -> Outcome {
        println!("\nsuite {suite}");
        let (outcome, time) = timed(|| self.play(suite));
        if let Err(error) = &outcome {
            println!("suite {suite} failed: {error:#}");
        }
        (suite.to_owned(), outcome.is_ok(), time)
    }

    /// Several suites at one time; what each says is shown when it has ended.
    #[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
    fn play_together(&mut self, suites: &[String]) -> Result<Vec<Outcome>> {
        if let [suite] = suites {
            return Ok(vec![self.timed(suite)]);
        }
        let mut commands = Vec::new();
        for suite in suites {
            commands.push((suite, self.test_command(&["--test", suite], disk_of(suite))?));
        }
        if !commands.is_empty() {
            println!("\nsuites {}, at one time", suites.join(", "));
        }
        let outcomes = thread::scope(|scope| {
            let playing: Vec<_> = commands
                .into_iter()
                .map(|(suite, mut command)| scope.spawn(move || (suite, timed(|| command.watch()))))
                .collect();
            let ended = playing.into_iter().map(thread::ScopedJoinHandle::join);
            ended.collect::<Vec<_>>()
        });
        let mut said = Vec::new();
        for outcome in outcomes {
            let (suite, (ended, time)) = outcome.map_err(|_| anyhow!("a suite did not end"))?;
            let (passed, text) = ended?;
            println!("\nsuite {suite}\n{text}");
            said.push((suite.clone(), passed, time));
        }
        Ok(said)
    }

    fn cargo_test(&mut self, arguments: &[&str], disk: Disk) -> Result<()> {
        self.test_command(arguments, disk)?.run()
    }

    fn test_command(&mut self, arguments: &[&str], disk: Disk) -> Result<Command> {
        web::build_if_missing()?;
        let mut command = cargo(&["test"]);
        command
            .args(arguments)
            .env("RECONNECT_TEST_POSTGRES", self.postgres(disk)?)
            .env("RECONNECT_TEST_S3", self.seaweedfs()?);
        Ok(command)
    }

    /// The address of the object store, which is started for the first suite.
    fn seaweedfs(&mut self) -> Result<String> {
        let started = match self.seaweedfs.take() {
            Some(running) => running,
            None => SeaweedFs::start()?,
        };
        Ok(self.seaweedfs.insert(started).address())
    }

    /// The address of the database server of this kind, which is started for the first suite that wants it.
    fn postgres(&mut self, disk: Disk) -> Result<String> {
        if let Some((_, running)) = self.postgres.iter().find(|(kind, _)| *kind == disk) {
            return Ok(running.address());
        }
        let started = Postgres::start(disk)?;
        let address = started.address();
        self.postgres.push((disk, started));
        Ok(address)
    }
}

/// Builds the tests, and the page with its clients beside them: much of that is the work of one processor.
fn build() -> Result<()> {
    web::make_folder()?;
    let (page, tests) = thread::scope(|scope| {
        let page = scope.spawn(|| {
            wasm::build()?;
            wasm::build_judge()?;
            web::build_if_missing()
        });
        let tests = cargo(&["test", "--no-run"]).run();
        (page.join(), tests)
    });
    tests?;
    page.map_err(|_| anyhow!("the page's build did not end"))?
}

/// Whether a suite's database must wait for its disk.
fn disk_of(suite: &str) -> Disk {
    if suite == "faults" { Disk::Waited } else { Disk::Unwaited }
}

/// The tests of a crate that stand beside its sources: files, and folders with a `main.rs`.
fn test_files(member: &str) -> Vec<String> {
    let Ok(folder) = fs::read_dir(root().join(member).join("tests")) else {
        return Vec::new();
    };
    let mut names: Vec<_> = folder
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let is_file = path.extension().is_some_and(|extension| extension == "rs");
            is_file || path.join("main.rs").is_file()
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The suites in their order: each file in `tests/tests` is one.
fn choose(names: &[String]) -> Result<Vec<String>> {
    let mut files = test_files("tests");
    // Those that lay the ground come first, the others after them by name.
    files.sort_by_key(|name| {
        let place = ORDER.iter().position(|known| known == name);
        (place.unwrap_or(ORDER.len()), name.clone())
    });
    let all = FIRST.iter().map(ToString::to_string).chain(files).chain(["browser".to_owned()]);
    let all: Vec<String> = all.collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no suite {unknown}: choose among {}", all.join(", "));
    }
    let chosen: Vec<String> =
        all.into_iter().filter(|suite| names.is_empty() || names.contains(suite)).collect();
    ensure!(!chosen.is_empty(), "there is no suite to run");
    Ok(chosen)
}

#[expect(clippy::disallowed_methods, reason = "the time that a suite takes is measured")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// What compiles has a time of its own, so that a suite's is that of its tests.
const FIRST: [&str; 4] = ["build", "check", "unit", "web"];

const ORDER: [&str; 7] =
    ["vectors", "journeys", "routes", "knowledge", "faults", "house", "standards"];
