//! Whoever runs the server lets a disk be lost, and restores what serves them: a backup of when somebody could still read,
//! a log of before it said otherwise.

use anyhow::Result;
use reconnect::{Sources, restore};
use reconnect_core::{
    error::Error,
    vault::{Coming, Vault},
    world::World as _,
};
use reconnect_format::{
    Label, Suite,
    api::{Call, OpenSession},
    decode,
    id::Base64,
    lock::SessionOpening,
    statement::Attested,
};
use reconnect_tests::{
    browser::Browser,
    restored::{Elsewhere, like},
    stage::{Database, Person, bytes, titles},
    team::Team,
};

use crate::pair::{Outcome, pairs};

pairs! {
    what_was_taken_back_before_a_disk_was_lost: passed_over without [RestoredBehind];
    a_log_of_before: passed_over without [RestoredLog];
    a_grant_that_comes_back_when_its_owner_goes_on: passed_over without [ContinuedEmpty];
    a_retired_device_that_comes_back_when_its_owner_goes_on: passed_over without [ContinuedMarks];
    a_backup_that_nobody_is_told_of: "from_backup" without [ContinueAsked];
}

/// An owner who says yes to what they are told.
async fn goes_on(owner: &Person, browser: &Browser) -> Result<Vault> {
    match owner.with_sheet(browser, true).await {
        Err(Error::Missing(told)) => {
            let coming = Coming { kept: true, knows: Some(told) };
            Ok(owner.with_sheet(browser, coming).await?)
        }
        other => Ok(other?),
    }
}

/// A worker waits for a backup that still has what was taken back from them.
async fn what_was_taken_back_before_a_disk_was_lost() -> Result<Outcome> {
    Box::pin(reads_on(false)).await
}

/// The same, once the owner has gone on from it.
async fn a_grant_that_comes_back_when_its_owner_goes_on() -> Result<Outcome> {
    Box::pin(reads_on(true)).await
}

/// Whether a worker reads what was taken back after the backup.
async fn reads_on(its_owner_goes_on: bool) -> Result<Outcome> {
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
    let (server, _) = Box::pin(elsewhere.restore(server, false)).await?;
    if its_owner_goes_on {
        goes_on(&owner, &server.browser()).await?;
    }

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

/// A thief has the phone that the owner put out after the backup.
async fn a_retired_device_that_comes_back_when_its_owner_goes_on() -> Result<Outcome> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let phone = server.browser();
    let stolen = owner.with_sheet(&phone, true).await?;
    elsewhere.back_up(&server).await?;
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_device(&owner.browser, stolen.device_id()).await?;
    server.app().publish().await?;
    let (server, _) = Box::pin(elsewhere.restore(server, false)).await?;
    // Before the owner knows, and after.
    let before = opens(&stolen, &phone).await?;
    goes_on(&owner, &server.browser()).await?;
    let after = opens(&stolen, &phone).await?;
    Ok(if before || after { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// Whether a device opens a session, of which nothing is asked but its signature.
async fn opens(stolen: &Vault, phone: &Browser) -> Result<bool> {
    let token = [7; 32];
    let signed = stolen.sign_anything(SessionOpening {
        suite: Suite::V1,
        account_id: stolen.account_id(),
        device_id: stolen.device_id(),
        token_hash: Label::SessionToken.hash(&token),
        made_at: phone.now(),
    });
    let opening = Base64(decode::<Attested>(&signed.0)?.object);
    let (statement, log_value, continued) = (None, Base64::default(), None);
    let asked = OpenSession { opening, statement, log_value, continued };
    let answer = phone.send(&Call::send("/v1/sessions", &asked).open(), None).await?;
    Ok(answer.status == 201)
}

/// Whoever runs the server puts an older safe in the place of the newer one, and hopes that nobody notices.
async fn a_backup_that_nobody_is_told_of() -> Result<Outcome> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 70_000)).await?;
    elsewhere.back_up(&server).await?;
    owner.add("Plainte", &bytes(2, 70_000)).await?;
    server.app().publish().await?;
    let (server, _) = Box::pin(elsewhere.restore(server, false)).await?;
    Ok(match owner.with_sheet(&server.browser(), true).await {
        Ok(vault) if titles(&vault) == ["Passeport"] => Outcome::Succeeded,
        Ok(_) => Outcome::PassedOver,
        Err(error) => Outcome::Stopped(error),
    })
}
