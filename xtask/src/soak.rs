//! `cargo xtask soak`: the faults of the tests, so often that a rare loss shows. It is bounded, its chance comes from a
//! seed, and it goes on where it stopped: what was counted is kept in `target/soak`.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::Output,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::command::{Runs as _, cargo, root};
use crate::postgres::{Disk, Postgres};
use crate::{setup, web};

/// How long, and which chance.
#[derive(Args)]
pub(crate) struct Options {
    /// Begins nothing more after so many minutes
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// What chance begins with; the same seed goes on where it stopped
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// One kind of fault.
struct Fault {
    name: &'static str,
    /// The test that brings it.
    test: &'static str,
    /// What tells the test how often.
    variable: &'static str,
    /// At a time.
    times: u64,
    /// In all.
    goal: u64,
}

const FAULTS: [Fault; 4] = [
    Fault {
        name: "kills, SQLite",
        test: "crash::what_was_acknowledged_survives_kills_at_random_instants_on_sqlite",
        variable: "RECONNECT_KILLS",
        times: 100,
        goal: 7_500,
    },
    Fault {
        name: "kills, PostgreSQL",
        test: "crash::what_was_acknowledged_survives_kills_at_random_instants_on_postgres",
        variable: "RECONNECT_KILLS",
        times: 100,
        goal: 2_500,
    },
    Fault {
        name: "power cuts",
        test: "power::what_was_acknowledged_survives_power_cuts",
        variable: "RECONNECT_CUTS",
        times: 100,
        goal: 10_000,
    },
    Fault {
        name: "failed syncs, each with a cut later",
        test: "power::what_was_acknowledged_survives_failed_syncs",
        variable: "RECONNECT_FAILED_SYNCS",
        times: 40,
        goal: 2_000,
    },
];

/// What a test counted, and what all of a kind did.
#[derive(Clone, Copy, Default)]
struct Counts {
    lives: u64,
    acks: u64,
    doubts: u64,
}

const BEGIN: &str = "<!-- long-run:begin -->";
const END: &str = "<!-- long-run:end -->";

/// Goes on until every goal is reached or the time is over; ends at the first loss, with its seed.
#[expect(clippy::print_stdout, reason = "the counts are what the command is for")]
pub(crate) fn soak(options: &Options) -> Result<()> {
    setup::for_testing()?;
    web::build_if_missing()?;
    cargo(&["test", "--no-run", "--test", "faults"]).run()?;
    let postgres = Postgres::start(Disk::Waited)?;
    let begun = now();
    let minutes = Duration::from_secs(60 * options.minutes);
    let mut round = 0;
    while begun.elapsed() < minutes {
        let sums = counted(options.seed)?;
        let left = |(fault, sum): &(&Fault, &Counts)| sum.lives < fault.goal;
        let open: Vec<_> = FAULTS.iter().zip(&sums).filter(left).collect();
        let Some((fault, sum)) = open.get(round % open.len().max(1)) else { break };
        round += 1;
        let seed = options.seed * 1_000_000 + sum.lives;
        let counts = play(fault, seed, &postgres.address())?;
        println!(
            "{}: {} times, {} acknowledged, nothing lost",
            fault.name, counts.lives, counts.acks
        );
        keep(options.seed, fault, counts)?;
    }
    let table = table(options.seed, &counted(options.seed)?);
    println!("{table}");
    publish(&table)
}

fn play(fault: &Fault, seed: u64, postgres: &str) -> Result<Counts> {
    let Output { status, stdout, stderr } =
        cargo(&["test", "--test", "faults", "--", "--exact", "--nocapture", fault.test])
            .env(fault.variable, fault.times.to_string())
            .env("RECONNECT_SEED", seed.to_string())
            .env("RECONNECT_TEST_POSTGRES", postgres)
            .output()?;
    let said = [stdout, stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
    if !status.success() {
        bail!(
            "{} with RECONNECT_SEED={seed} {}={}:\n{said}",
            fault.test,
            fault.variable,
            fault.times
        );
    }
    let line = said.lines().find_map(|line| line.strip_prefix("counted: "));
    read(line.context("the test counted nothing")?)
}

/// `lives=100 acks=2000 doubts=300 …`
fn read(line: &str) -> Result<Counts> {
    let of = |name: &str| -> Result<u64> {
        let word =
            line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        Ok(word.with_context(|| format!("no {name}: {line}"))?.parse()?)
    };
    Ok(Counts { lives: of("lives")?, acks: of("acks")?, doubts: of("doubts")? })
}

fn file(seed: u64) -> PathBuf {
    root().join(format!("target/soak/{seed}.txt"))
}

fn keep(seed: u64, fault: &Fault, Counts { lives, acks, doubts }: Counts) -> Result<()> {
    fs::create_dir_all(root().join("target/soak"))?;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(file(seed))?;
    writeln!(file, "{}: lives={lives} acks={acks} doubts={doubts}", fault.name)?;
    Ok(())
}

/// What was counted so far, by kind of fault.
fn counted(seed: u64) -> Result<[Counts; FAULTS.len()]> {
    let mut sums = [Counts::default(); FAULTS.len()];
    let lines = fs::read_to_string(file(seed)).unwrap_or_default();
    for line in lines.lines() {
        let (name, counts) = line.split_once(": ").context(line.to_owned())?;
        let counts = read(counts)?;
        for (fault, sum) in FAULTS.iter().zip(&mut sums) {
            if fault.name == name {
                sum.lives += counts.lives;
                sum.acks += counts.acks;
                sum.doubts += counts.doubts;
            }
        }
    }
    Ok(sums)
}

fn table(seed: u64, sums: &[Counts; FAULTS.len()]) -> String {
    let mut lines = vec![
        format!("| seed {seed} | times | of | acknowledged calls | in doubt | lost |"),
        "|---|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for (Fault { name, goal, .. }, Counts { lives, acks, doubts }) in FAULTS.iter().zip(sums) {
        lines.push(format!("| {name} | {lives} | {goal} | {acks} | {doubts} | 0 |"));
    }
    lines.join("\n")
}

/// Puts the counts into the document that names the invariants.
fn publish(table: &str) -> Result<()> {
    let path = root().join("docs/INVARIANTS.md");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("docs/INVARIANTS.md has no mark for it")?;
    let (_, after) = rest.split_once(END).context("the long run does not end")?;
    fs::write(path, format!("{before}{BEGIN}\n\n{table}\n\n{END}{after}"))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the time that this may take is bounded")]
fn now() -> Instant {
    Instant::now()
}
