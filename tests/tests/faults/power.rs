//! Power cuts and failing disks: the real program on a file system that forgets what was not synced. And careless
//! servers, each of which loses something: a rig that does not notice them shows nothing.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use reconnect_tests::{
    power::{Disk, Mounted, Trouble},
    process::{Process, Setup, build_with_faults},
    stage::{Database, Person, bytes, settings},
    trial::{Counts, Trial},
};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{browser, count, say, seed};

/// People who write at the same time.
const PEOPLE: usize = 3;
/// The longest life, in milliseconds.
const LONGEST: u64 = 400;
/// How long a server may go on after a failed sync.
const PATIENCE: Duration = Duration::from_secs(3);
/// How it ends when its storage fails.
pub(super) const STORAGE_FAILED: i32 = 70;

/// I-1, I-2, I-4: what was acknowledged survives power cuts.
#[tokio::test]
async fn what_was_acknowledged_survives_power_cuts() -> Result<()> {
    let cuts = count("RECONNECT_CUTS", 150)?;
    let (seed, rng) = seed()?;
    let stage = Box::pin(Stage::set(None)).await?;
    let counts = Box::pin(stage.cut_again_and_again(cuts, rng)).await?;
    say(&format!("counted: {counts} seed={seed}, power cuts"));
    ensure!(counts.refusals == 0, "it answered with faults of its own");
    ensure!(counts.acks > cuts, "too little was written between the cuts");
    Ok(())
}

/// I-1, I-5: an fsync that fails ends the server without an answer, and what was acknowledged before, and after the
/// next start, survives the next power cut.
#[tokio::test]
async fn what_was_acknowledged_survives_failed_syncs() -> Result<()> {
    let failures = count("RECONNECT_FAILED_SYNCS", 50)?;
    let (seed, rng) = seed()?;
    let stage = Box::pin(Stage::set(None)).await?;
    let counts = Box::pin(stage.fail_again_and_again(failures, rng)).await?;
    say(&format!("counted: {counts} seed={seed}, failed syncs, each with a cut later"));
    ensure!(counts.refusals == 0, "it answered after a failed sync");
    Ok(())
}

/// I-5: nobody waits for the folder's sync after a removal, and the server ends all the same when it fails: names that
/// an upload put there, whose own sync would then succeed, may be lost with it.
#[tokio::test]
async fn a_failed_sync_of_names_ends_the_server_though_nobody_waits_for_it() -> Result<()> {
    let mut rig = Rig::set(None).await?;
    let mut process = rig.setup.start().await?;
    let mut owner = Person::open(browser(rig.setup.address), true).await?;
    let gone = owner.add("Gone", &bytes(1, 1000)).await?;
    let left = owner.add("Left", &bytes(2, 1000)).await?;
    rig.disk.expect_trouble(Trouble::SyncOf("blobs"), 0);
    owner.vault.remove(&owner.browser, gone).await?;
    // A sweep gathers for two seconds.
    let ended = timeout(5 * PATIENCE, process.ended()).await.context("it went on")??;
    ensure!(ended.code() == Some(STORAGE_FAILED), "it ended with {ended}");
    ensure!(rig.disk.unsynced().as_deref() == Some("blobs"), "another sync failed");
    let process = rig.setup.start().await?;
    let process = rig.cut(process, &mut seed()?.1).await?;
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.read(left).await? == bytes(2, 1000), "what was acknowledged is lost");
    process.stop().await.map(drop)
}

/// I-5: what is committed moves into the database now and then, and a sync of that which fails ends the server too.
#[tokio::test]
async fn a_failed_sync_of_what_is_moved_into_the_database_ends_the_server() -> Result<()> {
    let mut rig = Rig::set(None).await?;
    let mut process = rig.setup.start().await?;
    let mut owner = Person::open(browser(rig.setup.address), true).await?;
    rig.disk.expect_trouble(Trouble::SyncOf("reconnect.sqlite"), 0);
    let mut added = Vec::new();
    for number in 0..100 {
        match owner.add("Paper", &bytes(number, 1000)).await {
            Ok(document_id) => added.push((number, document_id)),
            Err(_) => break,
        }
    }
    let ended = timeout(PATIENCE, process.ended()).await.context("it went on")??;
    ensure!(ended.code() == Some(STORAGE_FAILED), "it ended with {ended}");
    ensure!(rig.disk.unsynced().as_deref() == Some("reconnect.sqlite"), "another sync failed");
    ensure!(!added.is_empty() && added.len() < 100, "{} were added", added.len());
    let process = rig.setup.start().await?;
    let process = rig.cut(process, &mut seed()?.1).await?;
    owner.vault.sync(&owner.browser).await?;
    for (number, document_id) in added {
        ensure!(owner.read(document_id).await? == bytes(number, 1000), "paper {number} is lost");
    }
    process.stop().await.map(drop)
}

/// I-1: a server that does not wait for its disk is caught, each in its way.
#[tokio::test]
async fn every_careless_server_is_caught() -> Result<()> {
    let (seed, mut rng) = seed()?;
    let mut escaped = Vec::new();
    for mutant in ["SynchronousOff", "SynchronousNormal", "NoBlobSync", "NoFolderSync", "RowFirst"]
    {
        let caught = Box::pin(caught(mutant, false, &mut rng)).await?;
        escaped.extend((!caught).then_some(mutant));
    }
    for mutant in ["CarryOn", "NoCheckpoint"] {
        let caught = Box::pin(caught(mutant, true, &mut rng)).await?;
        escaped.extend((!caught).then_some(mutant));
    }
    ensure!(escaped.is_empty(), "seed {seed}: nobody noticed {escaped:?}");
    Ok(())
}

/// Whether a careless server loses something within some tries.
async fn caught(mutant: &'static str, by_failures: bool, rng: &mut ChaCha8Rng) -> Result<bool> {
    const TRIES: usize = 30;
    for tries in 1..=TRIES {
        let chance = rand_core::SeedableRng::seed_from_u64(rng.next_u64());
        // A rig that does not come up has caught nobody.
        let stage = Box::pin(Stage::set(Some(mutant))).await?;
        let lost = if by_failures {
            Box::pin(stage.fail_again_and_again(4, chance)).await
        } else {
            Box::pin(stage.cut_again_and_again(6, chance)).await
        };
        if let Err(loss) = lost {
            say(&format!("{mutant} was caught at try {tries}: {loss:#}"));
            return Ok(true);
        }
    }
    Ok(false)
}

/// People who write to a server that runs on a disk that forgets.
struct Stage {
    rig: Rig,
    process: Process,
    trial: Trial,
}

impl Stage {
    async fn set(mutant: Option<&'static str>) -> Result<Self> {
        let rig = Rig::set(mutant).await?;
        let process = rig.setup.start().await?;
        let config = settings(&rig.setup.folder, Database::Sqlite).await?;
        let people = |setup: &Setup| browser(setup.address);
        let trial = Trial::begin((rig.setup.clone(), config), PEOPLE, people).await?;
        Ok(Self { rig, process, trial })
    }

    async fn cut_again_and_again(self, cuts: usize, mut rng: ChaCha8Rng) -> Result<Counts> {
        let Self { mut rig, process, mut trial } = self;
        let end = async |process, rng: &mut ChaCha8Rng| rig.cut(process, rng).await;
        let process = trial.live(process, (cuts, LONGEST), &mut rng, end).await?;
        trial.end(process, cuts).await
    }

    /// Each time a failed sync, a life after it, and a cut at its end.
    async fn fail_again_and_again(self, failures: usize, mut rng: ChaCha8Rng) -> Result<Counts> {
        let Self { mut rig, process, mut trial } = self;
        let mut is_cut = true;
        let end = async |process, rng: &mut ChaCha8Rng| {
            is_cut = !is_cut;
            if is_cut { rig.cut(process, rng).await } else { rig.fail_a_sync(process, rng).await }
        };
        let process = trial.live(process, (2 * failures, LONGEST), &mut rng, end).await?;
        trial.end(process, failures).await
    }
}

/// A server on a disk that forgets.
pub(super) struct Rig {
    pub(super) setup: Setup,
    pub(super) disk: Disk,
    // Before its folder goes.
    mounted: Option<Mounted>,
    folder: TempDir,
    /// Whether it is one that goes on after a failed sync.
    goes_on: bool,
}

impl Rig {
    pub(super) async fn set(mutant: Option<&'static str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let disk = Disk::default();
        let mounted = Mounted::at(folder.path(), &disk)
            .context("a file system of its own: run this test as root, with /dev/fuse")?;
        // Inside, so that the server makes its folder and must make that last.
        let mut setup = Setup::on(&folder.path().join("data")).await?;
        setup.program = build_with_faults().await?;
        setup.variables.extend(mutant.map(|name| ("RECONNECT_MUTANT", name.to_owned())));
        let goes_on = mutant == Some("CarryOn");
        Ok(Self { setup, disk, mounted: Some(mounted), folder, goes_on })
    }

    /// Cuts the power, and starts the server on what is left.
    pub(super) async fn cut(&mut self, process: Process, rng: &mut ChaCha8Rng) -> Result<Process> {
        self.disk.cut();
        process.kill().await?;
        self.mounted.take().context("a disk is mounted")?.take_away()?;
        self.disk = self.disk.after_the_cut(rng);
        self.mounted = Some(Mounted::at(self.folder.path(), &self.disk)?);
        self.setup.start().await.context("it does not start after a cut")
    }

    /// Lets one of the next syncs fail, which ends the server, and starts it again on the disk as it is.
    async fn fail_a_sync(&mut self, mut process: Process, rng: &mut ChaCha8Rng) -> Result<Process> {
        self.disk.expect_trouble(Trouble::Sync, rng.next_u64() % 8);
        // Patience begins when it came, for which there is more.
        let comes = async {
            for _ in 0..6_000 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                if self.disk.unsynced().is_some() {
                    break;
                }
            }
            tokio::time::sleep(if self.goes_on { PATIENCE / 10 } else { PATIENCE }).await;
        };
        tokio::select! {
            ended = process.ended() => {
                let ended = ended?;
                ensure!(ended.code() == Some(STORAGE_FAILED), "it ended with {ended}");
                self.setup.start().await.context("it does not start after a failed sync")
            }
            () = comes => {
                let what = self.disk.unsynced();
                // SQLite syncs the names of its files once more, which are durable by then, and does not tell.
                let is_told = what.as_deref() != Some("data");
                ensure!(self.goes_on || !is_told, "a sync failed of {what:?}, and it went on");
                Ok(process)
            }
        }
    }
}
