//! Killed again and again while several people write.

use anyhow::{Result, ensure};
use reconnect_tests::{process::Setup, stage::Database, trial::Trial};

use super::{browser, count, say, seed};

/// People who write at the same time.
const PEOPLE: usize = 4;
/// The longest life between two kills, in milliseconds.
const LONGEST: u64 = 900;

/// I-1, I-2, I-4: what was acknowledged is there after kills at random instants, byte for byte.
#[tokio::test]
async fn what_was_acknowledged_survives_kills_at_random_instants_on_sqlite() -> Result<()> {
    Box::pin(crash_loop(Database::Sqlite, count("RECONNECT_KILLS", 140)?)).await
}

/// I-1, I-2, I-4: the same on `PostgreSQL`, where the server is killed and the database is not.
#[tokio::test]
async fn what_was_acknowledged_survives_kills_at_random_instants_on_postgres() -> Result<()> {
    Box::pin(crash_loop(Database::Postgres, count("RECONNECT_KILLS", 60)?)).await
}

async fn crash_loop(database: Database, kills: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (setup, config) = Setup::over(folder.path(), database).await?;
    let process = setup.start().await?;
    let (seed, mut rng) = seed()?;
    let people = |setup: &Setup| browser(setup.address);
    let mut trial = Trial::begin((setup.clone(), config), PEOPLE, people).await?;
    let ended = trial.live(process, (kills, LONGEST), &mut rng, async |process, _| {
        process.kill().await?;
        setup.start().await
    });
    let process = ended.await?;
    let counts = trial.end(process, kills).await?;
    say(&format!("counted: {counts} seed={seed}, kills on {database:?}"));
    ensure!(counts.refusals == 0, "it answered with faults of its own");
    ensure!(counts.acks > kills, "too little was written between the kills");
    Ok(())
}
