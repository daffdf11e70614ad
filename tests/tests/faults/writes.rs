//! The first write that fails is each in turn: of uploads, of rows, of the log.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand_chacha::ChaCha8Rng;
use reconnect_tests::{
    power::Trouble,
    process::{Process, Setup},
    stage::{Database, settings},
    trial::{Counts, Trial},
};

use super::{
    browser, count,
    power::{Rig, STORAGE_FAILED},
    say, seed,
};

/// How long one life may go on before the write that is to fail.
const LIFE: Duration = Duration::from_millis(600);
/// How long a disk stays full.
const FULL: Duration = Duration::from_millis(300);

/// I-1, I-5: from the n-th write on, none succeeds, for every n: the server ends without an answer, and
/// what was acknowledged before survives the power cut that follows.
#[tokio::test]
async fn what_was_acknowledged_survives_a_disk_that_breaks_at_each_write() -> Result<()> {
    let writes = count("RECONNECT_FAILED_WRITES", 40)?;
    let (seed, rng) = seed()?;
    let (counts, ended) = Box::pin(play(Trouble::Write, writes, rng)).await?;
    say(&format!("counted: {counts} seed={seed}, disks that broke at a write; {ended} ended it"));
    // A sweep that cannot lay its ballast down says so, and goes on.
    ensure!(ended * 10 >= writes * 8, "only {ended} of {writes} broken disks ended it");
    Ok(())
}

/// I-1, I-6: from the n-th write on the disk is full for a while, for every n: nothing that was
/// acknowledged is lost, and the server goes on by itself.
#[tokio::test]
async fn what_was_acknowledged_survives_a_disk_that_is_full_at_each_write() -> Result<()> {
    let writes = count("RECONNECT_FULL_WRITES", 40)?;
    let (seed, rng) = seed()?;
    let (counts, ended) = Box::pin(play(Trouble::Full, writes, rng)).await?;
    say(&format!("counted: {counts} seed={seed}, disks that were full from a write on"));
    ensure!(ended == 0, "a full disk ended it {ended} times");
    ensure!(counts.refusals > 0, "nobody noticed a full disk");
    Ok(())
}

/// Of so many lives, the how-manieth is also the write that goes wrong; and how often the server ended by itself.
async fn play(trouble: Trouble, writes: usize, mut rng: ChaCha8Rng) -> Result<(Counts, usize)> {
    let mut rig = Rig::set(None).await?;
    let process = rig.setup.start().await?;
    let config = settings(&rig.setup.folder, Database::Sqlite).await?;
    let people = |setup: &Setup| browser(setup.address);
    let mut trial = Trial::begin((rig.setup.clone(), config), 2, people).await?;
    let (mut n, mut ended) = (0, 0);
    let end = async |mut process: Process, rng: &mut ChaCha8Rng| {
        rig.disk.expect_trouble(trouble, n);
        n += 1;
        let patience = if trouble == Trouble::Full { FULL } else { LIFE };
        match tokio::time::timeout(patience, process.ended()).await {
            Ok(status) => {
                let status = status?;
                ensure!(status.code() == Some(STORAGE_FAILED), "it ended with {status}");
                ended += 1;
                rig.disk.end_trouble();
                rig.setup.start().await.context("it does not start after a broken disk")
            }
            Err(_) if trouble == Trouble::Full => {
                rig.disk.end_trouble();
                Ok(process)
            }
            Err(_) => rig.cut(process, rng).await,
        }
    };
    let process = trial.live(process, (writes, 30), &mut rng, end).await?;
    let counts = trial.end(process, writes).await?;
    Ok((counts, ended))
}
