//! Disks that are lost while people write: backups beside the running program, and restores with a journal whose own
//! disk forgets what was not synced.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect_tests::{
    power::{Disk, Mounted},
    process::{Process, Setup, build_with_faults},
    stage::{Database, settings},
    trial::{Counts, Trial},
};
use tempfile::TempDir;
use tokio::process::Command;

use super::{browser, say};

/// How often a disk is lost.
const LOSSES: usize = 5;
/// The longest life, in milliseconds.
const LONGEST: u64 = 1200;

/// I-26: backups are taken while people write, the disk is lost at a random instant, the journal's disk loses power at
/// the same, and everything that was acknowledged is there, byte for byte.
#[tokio::test]
async fn what_was_acknowledged_survives_lost_disks() -> Result<()> {
    let seed = chance()?;
    let (counts, place) = Box::pin(lose_disks(None, (3, LOSSES), seed)).await?;
    let Place { repeated, left, .. } = &place;
    say(&format!("counted: {counts} seed={seed}, lost disks; {repeated} requests made again"));
    ensure!(counts.refusals == 0, "it answered with faults of its own");
    ensure!(*repeated > 0, "the journal was needed for nothing");
    ensure!(*left == 0, "{left} requests could not be made again");
    Ok(())
}

/// I-26: a server that does not wait for its journal's disk is caught.
#[tokio::test]
async fn a_careless_journal_is_caught() -> Result<()> {
    const TRIES: usize = 8;
    let seed = chance()?;
    for tries in 1..=TRIES {
        let seed = seed.wrapping_add(tries as u64);
        if let Err(loss) = Box::pin(lose_disks(Some("NoJournalSync"), (1, 2), seed)).await {
            let said = format!("{loss:#}");
            // What an acknowledged write that is missing looks like, and nothing else that may go wrong.
            let losses = [
                "WrongHeld",
                "Rollback",
                "neither before nor after",
                "is not Known",
                "papers are missing",
                "safes fell behind",
            ];
            let is_loss = losses.iter().any(|loss| said.contains(loss));
            ensure!(is_loss, "the rig failed otherwise: {loss:#}");
            say(&format!("NoJournalSync was caught at try {tries}: {}", loss.root_cause()));
            return Ok(());
        }
    }
    bail!("seed {seed}: nobody noticed a journal that was not synced")
}

fn chance() -> Result<u64> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    Ok(u64::from_be_bytes(seed))
}

/// So many people write while so many disks are lost, and count what they find.
async fn lose_disks(
    mutant: Option<&'static str>,
    (people, losses): (usize, usize),
    seed: u64,
) -> Result<(Counts, Place)> {
    let mut place = Place::set(mutant).await?;
    let process = place.setup.start().await?;
    place.run("backup", &[]).await?;
    let config = settings(&place.setup.folder, Database::Sqlite).await?;
    let browser = |setup: &Setup| browser(setup.address);
    let mut trial = Trial::begin((place.setup.clone(), config), people, browser).await?;
    let end = async |process, rng: &mut ChaCha8Rng| place.lose(process, rng).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let process = trial.live(process, (losses, LONGEST), &mut rng, end).await?;
    let counts = trial.end(process, losses).await?;
    Ok((counts, place))
}

/// A program, its backups, and a journal on a disk that forgets.
struct Place {
    setup: Setup,
    disk: Disk,
    // Before its folder goes.
    mounted: Option<Mounted>,
    folder: TempDir,
    repeated: u64,
    left: u64,
}

impl Place {
    async fn set(mutant: Option<&'static str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let other = folder.path().join("other");
        fs::create_dir(&other)?;
        let disk = Disk::default();
        let mounted = Mounted::at(&other, &disk)
            .context("a file system of its own: run this test as root, with /dev/fuse")?;
        let mut setup = Setup::on(&folder.path().join("data")).await?;
        let journal = other.join("journal").display().to_string();
        setup.variables.push(("RECONNECT_JOURNAL", journal));
        if let Some(mutant) = mutant {
            setup.program = build_with_faults().await?;
            setup.variables.push(("RECONNECT_MUTANT", mutant.to_owned()));
        }
        let mounted = Some(mounted);
        Ok(Self { setup, disk, mounted, folder, repeated: 0, left: 0 })
    }

    fn in_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the operator's on the folder of backups; what it says.
    async fn run(&self, command: &str, more: &[PathBuf]) -> Result<String> {
        let output = Command::new(&self.setup.program)
            .arg(command)
            .arg(self.in_folder("backups"))
            .args(more)
            .env("RECONNECT_DATA", &self.setup.folder)
            .env("RECONNECT_LOG", "warn")
            .envs(self.setup.variables.iter().cloned())
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{command}: {said}{errors}");
        Ok(said)
    }

    /// Takes a backup while people write, loses the disk a while later, and restores it.
    async fn lose(&mut self, process: Process, rng: &mut ChaCha8Rng) -> Result<Process> {
        if !rng.next_u64().is_multiple_of(3) {
            self.run("backup", &[]).await?;
        }
        tokio::time::sleep(Duration::from_millis(rng.next_u64() % LONGEST)).await;
        self.disk.cut();
        process.kill().await?;
        self.mounted.take().context("a disk is mounted")?.take_away()?;
        self.disk = self.disk.after_the_cut(rng);
        self.mounted = Some(Mounted::at(&self.in_folder("other"), &self.disk)?);
        let lost = self.in_folder("lost");
        fs::rename(&self.setup.folder, &lost)?;
        let more = [
            "--newest-log".into(),
            lost.join("log"),
            "--from-journal".into(),
            self.in_folder("other").join("journal"),
        ];
        let said = self.run("restore", &more).await?;
        fs::remove_dir_all(lost)?;
        let counts = said.lines().find_map(|line| {
            let (made, rest) = line.split_once(" requests of the journal were made again, ")?;
            Some((made.parse::<u64>().ok()?, rest.split(' ').next()?.parse::<u64>().ok()?))
        });
        let (repeated, left) = counts.with_context(|| said.clone())?;
        self.repeated += repeated;
        if left > 0 {
            say(&said);
        }
        self.left += left;
        ensure!(said.contains("\n0 safes are behind the log"), "safes fell behind: {said}");
        self.setup.start().await.context("it does not start after a restore")
    }
}
