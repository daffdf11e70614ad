//! A safe that the log names further than a restored backup goes: its owner goes on from what is there.

use anyhow::{Result, bail, ensure};
use reconnect::{Config, Sources, restore};
use reconnect_core::{
    error::{Error, Told, Unchecked},
    held::Pin,
    vault::{Coming, Sentence, Vault},
};
use reconnect_format::api::Call;
use reconnect_tests::{
    browser::Browser,
    restored::{Elsewhere, OTHERS},
    stage::{Database, Person, bytes, card, read, titles},
    team::Team,
};

use super::say;

/// What somebody is told who comes in with the sheet.
async fn told(owner: &Person, browser: &Browser) -> Result<Told> {
    match owner.with_sheet(browser, true).await {
        Err(Error::Missing(told)) => Ok(told),
        other => bail!("they were told {:?}", other.err()),
    }
}

/// Comes in, knowing that.
async fn knowing(owner: &Person, browser: &Browser, told: Told) -> Result<Vault, Error> {
    owner.with_sheet(browser, Coming { kept: true, knows: Some(told) }).await
}

async fn an_owner_goes_on(database: Database) -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(database).await?;
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let paper = owner.add("Passeport", &bytes(1, 70_000)).await?;
    let grant = owner.give(team.structure_id, &[paper]).await?;
    let lost = server.browser();
    let mut on_lost = owner.with_sheet(&lost, true).await?;
    let pin = Pin::parse("481709")?;
    on_lost.remember_here(&lost, &pin).await?;
    elsewhere.back_up(&server).await?;
    owner.vault.sync(&owner.browser).await?;
    let backed_up = owner.vault.manifest().sequence();
    owner.vault.retire_device(&owner.browser, on_lost.device_id()).await?;
    owner.add("Carte", &bytes(2, 70_000)).await?;
    owner.vault.take_back(&owner.browser, grant).await?;
    server.app().publish().await?;
    let tablet = server.browser();
    owner.with_sheet(&tablet, true).await?;
    server.app().publish().await?;
    let (server, restored) = elsewhere.restore(server, false).await?;
    ensure!(restored.safes_behind == 1, "{restored}");
    // From here on there is another journal.
    let later = Elsewhere::empty()?;
    let journal = Some(later.journal());
    let server = server.restart_with(async |config| Ok(Config { journal, ..config })).await?;

    // Nobody signs anything unasked, whoever asks: the same is said again.
    let before = server.dump().await?.without(&OTHERS);
    for browser in [&owner.browser, &tablet, &server.browser()] {
        let said = told(&owner, browser).await?;
        ensure!(matches!(said, Told::FromBackup { missing: 4, .. }), "{said:?}");
    }
    let after = server.dump().await?.without(&OTHERS);
    ensure!(before == after, "before its owner knew: {}", before.difference(&after));

    // A yes to something else is none, and who was put out goes on in nobody's name.
    let said = told(&owner, &owner.browser).await?;
    let other = Told::FromBackup { until: 1, missing: 4 };
    let again = knowing(&owner, &owner.browser, other).await.err();
    ensure!(again == Some(Error::Missing(said)), "{again:?}");
    let thief = Box::pin(Vault::unlock_here(&lost, &pin, Some(said))).await.err();
    ensure!(thief == Some(Error::PutOut), "{thief:?}");
    let mut vault = knowing(&owner, &owner.browser, said).await?;
    ensure!(vault.unchecked() == Some(Unchecked::Behind), "the log does not name it yet");
    ensure!(titles(&vault) == ["Passeport"], "{:?}", titles(&vault));
    ensure!(read(&vault, &owner.browser, paper).await? == bytes(1, 70_000));
    ensure!(vault.manifest().given().count() == 0, "something stayed given");
    ensure!(vault.manifest().device(on_lost.device_id()).is_none(), "the lost phone came back");
    ensure!(vault.manifest().sequence() > backed_up + 4, "a number was used again");
    let gone = Call::read(format!("/v1/received/{grant}/documents/{paper}/thumbnail"));
    team.worker.come_in_again().await?;
    let status = team.worker.browser().send(&gone, Some(team.worker.token())).await?.status;
    ensure!(status == 404, "somebody read on: {status}");

    // From here on it is a safe like any other, in the log too.
    vault.add(&owner.browser, None, &bytes(3, 9_000), &card("Nouvelle carte")).await?;
    server.app().publish().await?;
    vault.look(&owner.browser).await?;
    ensure!(vault.is_safe(), "the log does not name it");
    owner.vault = vault;
    let again = owner.give(team.structure_id, &[paper]).await?;
    server.app().publish().await?;
    team.worker.received().await?;
    ensure!(team.worker.read(again, paper).await? == bytes(1, 70_000));
    owner.with_sheet(&server.browser(), false).await?;

    says_so_once(&owner, &tablet, said).await?;

    // Another disk is lost before there is a newer backup: the journal carries that it went on.
    elsewhere.keep_log(server.folder())?;
    let sources = Sources { journals: vec![later.journal()], ..elsewhere.sources(false) };
    let (server, restored) = server.move_to(async |config| restore(config, &sources).await).await?;
    ensure!(restored.safes_behind == 0 && restored.left.is_empty(), "{restored}");
    let there = owner.with_sheet(&server.browser(), true).await?;
    ensure!(titles(&there) == ["Passeport", "Nouvelle carte"], "{:?}", titles(&there));
    say("a safe went on from a backup, without 4 statements that were lost");
    Ok(())
}

/// A device that remembers what is missing, and another yes than to what it says.
async fn says_so_once(owner: &Person, tablet: &Browser, other: Told) -> Result<()> {
    let went_on = told(owner, tablet).await?;
    ensure!(matches!(went_on, Told::WentOn { .. }), "{went_on:?}");
    let again = knowing(owner, tablet, other).await.err();
    ensure!(again == Some(Error::Missing(went_on)), "{again:?}");
    knowing(owner, tablet, went_on).await?;
    let there = owner.with_sheet(tablet, true).await?;
    ensure!(titles(&there) == ["Passeport", "Nouvelle carte"], "{:?}", titles(&there));
    Ok(())
}

/// A server says that a safe comes from a backup which the log names no further: nothing is signed.
async fn nobody_goes_on_without_a_reason(database: Database) -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(database).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 70_000)).await?;
    server.app().publish().await?;
    let browser = server.browser();
    browser.lie(|call, answer| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let is_unlocked = call.path.starts_with("/v1/unlock/");
        if is_unlocked {
            text.replace(r#""from_backup":false"#, r#""from_backup":true"#).into()
        } else {
            answer
        }
    });
    let vault = owner.with_sheet(&browser, true).await?;
    ensure!(titles(&vault) == ["Passeport"]);
    let went_on = vault.trace().iter().any(|it| it.sentence == Sentence::WentOn);
    ensure!(!went_on, "it went on from nothing");
    // A rollback stays one where the log names what is shown: the device remembers more.
    elsewhere.back_up(&server).await?;
    owner.add("Carte", &bytes(2, 70_000)).await?;
    let (server, _) = elsewhere.restore(server, false).await?;
    let told = owner.with_sheet(&owner.browser, true).await.err();
    ensure!(told.as_ref().map(Error::code) == Some("rollback"), "{told:?}");
    drop(server);
    Ok(())
}

/// I-26, I-10, I-15: an owner whose safe the log names further goes on knowingly; nothing that was given comes back with it,
/// nor does a device that was retired.
#[tokio::test]
async fn an_owner_goes_on_on_sqlite() -> Result<()> {
    Box::pin(an_owner_goes_on(Database::Sqlite)).await
}

/// I-26, I-10, I-15: an owner whose safe the log names further goes on knowingly; nothing that was given comes back with it,
/// nor does a device that was retired.
#[tokio::test]
async fn an_owner_goes_on_on_postgres() -> Result<()> {
    Box::pin(an_owner_goes_on(Database::Postgres)).await
}

/// Nobody goes on from what is no backup.
#[tokio::test]
async fn nobody_goes_on_without_a_reason_on_sqlite() -> Result<()> {
    Box::pin(nobody_goes_on_without_a_reason(Database::Sqlite)).await
}
