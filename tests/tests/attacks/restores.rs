//! Whoever runs the server lets a disk be lost, and restores what serves them: a backup of when somebody could still read,
//! a log of before it said otherwise.

use anyhow::Result;
use reconnect::{Sources, restore};
use reconnect_format::api::Call;
use reconnect_tests::{
    restored::{Elsewhere, like},
    stage::{Database, bytes},
    team::Team,
};

use crate::pair::{Outcome, pairs};

pairs! {
    what_was_taken_back_before_a_disk_was_lost: passed_over without [RestoredBehind];
    a_log_of_before: passed_over without [RestoredLog];
}

/// A worker waits for a backup that still has what was taken back from them.
async fn what_was_taken_back_before_a_disk_was_lost() -> Result<Outcome> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut team = Box::pin(Team::on(&server)).await?;
    let mut owner = server.person().await?;
    let paper = owner.add("Dossier", &bytes(1, 70_000)).await?;
    let grant = owner.give(team.structure_id, &[paper]).await?;
    team.worker.received().await?;
    team.worker.read(grant, paper).await?;
    elsewhere.back_up(&server).await?;
    owner.vault.take_back(&owner.browser, grant).await?;
    server.app().publish().await?;
    let (_server, _) = Box::pin(elsewhere.restore(server, false)).await?;

    // A page of their own asks no log.
    team.worker.come_in_again().await?;
    let call = Call::read(format!("/v1/received/{grant}/documents/{paper}/content"));
    let answer = team.worker.browser().send(&call, Some(team.worker.token())).await?;
    Ok(match answer.status {
        200 => Outcome::Succeeded,
        _ => Outcome::PassedOver,
    })
}

/// The operator's log is put back to before it named something, and goes on from there.
async fn a_log_of_before() -> Result<Outcome> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 70_000)).await?;
    server.app().publish().await?;
    let older = elsewhere.back_up(&server).await?;
    owner.add("Carte", &bytes(2, 70_000)).await?;
    server.app().publish().await?;
    let checkpoint = Call::read("/v1/log/checkpoint").open();
    let seen = elsewhere.backups().join("seen");
    std::fs::write(&seen, owner.browser.send(&checkpoint, None).await?.body)?;
    let sources = Sources { log: older.join("log"), seen: vec![seen], ..elsewhere.sources(false) };
    let folder = tempfile::tempdir()?;
    let fresh = like(server.config(), &folder.path().join("data")).await?;
    Ok(match restore(fresh, &sources).await {
        Ok(_) => Outcome::Succeeded,
        Err(_) => Outcome::PassedOver,
    })
}
