//! A disk that is lost: what a backup, the log and the journal bring back, and what must not come back.

use anyhow::{Context as _, Result, ensure};
use reconnect_format::api::Call;
use reconnect_tests::{
    restored::Elsewhere,
    stage::{Database, Person, bytes, card},
    team::{Member, Team},
};

use super::say;

async fn everything_comes_back(database: Database) -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(database).await?;
    let mut owner = server.person().await?;
    let kept = owner.add("Passeport", &bytes(1, 5_000_000)).await?;
    let gone = owner.add("Brouillon", &bytes(2, 70_000)).await?;
    let mut team = Team::on(&server).await?;
    let taken_back = owner.give(team.structure_id, &[kept, gone]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    let leaving = server.person().await?;
    elsewhere.back_up(&server).await?;

    owner.vault.take_back(&owner.browser, taken_back).await?;
    owner.vault.remove(&owner.browser, gone).await?;
    let given = owner.give(team.structure_id, &[kept]).await?;
    team.worker.received().await?;
    ensure!(team.worker.read(given, kept).await? == bytes(1, 5_000_000));
    let deposit_id = team.worker.deposit(owner.vault.account_id(), b"une attestation").await?;
    owner.vault.look_into_inbox(&owner.browser).await?;
    owner.vault.accept_deposit(&owner.browser, deposit_id, &card("Attestation")).await?;
    leaving.vault.close_for_good(&leaving.browser).await.map_err(|stayed| stayed.error)?;
    let newcomer = team.manager.admit(server.person().await?, "Lucie").await?;
    let number = *newcomer.numbers().last().context("a number")?;
    team.manager.put_out(number).await?;
    let mut later = server.person().await?;
    later.add("Carte", &bytes(3, 30_000)).await?;
    let owner = owner.begin_generation().await?;

    let old = owner.vault.token().to_owned();
    let server = elsewhere.check(server).await?;
    let refused = owner.browser.send(&Call::read("/v1/sync"), Some(&old)).await?;
    ensure!(refused.status == 401, "a session came back: {}", refused.status);
    let browser = server.browser();
    let vault = owner.with_words(&browser, true).await?;
    ensure!(vault.papers().len() == 2);
    ensure!(reconnect_tests::stage::read(&vault, &browser, kept).await? == bytes(1, 5_000_000));
    later.with_sheet(&browser, true).await?;
    team.worker.come_in_again().await?;
    team.worker.received().await?;
    ensure!(team.worker.read(given, kept).await? == bytes(1, 5_000_000));
    Ok(())
}

async fn what_was_taken_back_stays_taken_back(database: Database) -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(database).await?;
    let mut team = Team::on(&server).await?;
    let mut owners = Vec::new();
    for seed in 0..3 {
        let mut owner = server.person().await?;
        let paper = owner.add("Passeport", &bytes(seed, 70_000)).await?;
        let grant = owner.give(team.structure_id, &[paper]).await?;
        owners.push((owner, paper, grant));
    }
    ensure!(team.worker.received().await?.len() == 3);
    elsewhere.back_up(&server).await?;
    let calls = calls(&team.worker, &owners);
    for call in &calls {
        let answer = team.worker.browser().send(call, Some(team.worker.token())).await?;
        ensure!(answer.status == 200, "{} before: {}", call.path, answer.status);
    }
    let (owner, _, grant) = &mut owners[0];
    owner.vault.take_back(&owner.browser, *grant).await?;
    let (owner, paper, _) = &mut owners[1];
    owner.vault.remove(&owner.browser, *paper).await?;
    server.app().publish().await?;

    let (server, restored) = elsewhere.restore(server, false).await?;
    ensure!(restored.safes_behind == 2, "{restored}");
    team.worker.come_in_again().await?;
    for (at, call) in calls.iter().enumerate() {
        let answer = team.worker.browser().send(call, Some(team.worker.token())).await?;
        let wanted = if at == 2 { 200 } else { 404 };
        ensure!(answer.status == wanted, "{} afterwards: {}", call.path, answer.status);
    }
    team.worker.received().await?;
    ensure!(team.worker.gifts().len() == 1, "only what is certain is shown");
    let (owner, paper, _) = &owners[2];
    let browser = server.browser();
    let vault = owner.with_words(&browser, true).await?;
    ensure!(reconnect_tests::stage::read(&vault, &browser, *paper).await? == bytes(2, 70_000));
    // A backup of what was restored brings back that it was behind, and the next restore looks again.
    elsewhere.back_up(&server).await?;
    let (_server, again) = elsewhere.restore(server, false).await?;
    ensure!(again.safes_behind == 2, "{again}");
    team.worker.come_in_again().await?;
    for call in &calls[..2] {
        let answer = team.worker.browser().send(call, Some(team.worker.token())).await?;
        ensure!(answer.status == 404, "{} after both: {}", call.path, answer.status);
    }
    say("2 of 3 safes were changed after the backup and are closed, 1 goes on");
    Ok(())
}

type Given = (Person, reconnect_format::id::DocumentId, reconnect_format::id::GrantId);

fn calls(_: &Member, owners: &[Given]) -> Vec<Call> {
    let content = |(_, paper, grant): &Given| {
        Call::read(format!("/v1/received/{grant}/documents/{paper}/thumbnail"))
    };
    owners.iter().map(content).collect()
}

/// I-26: with the journal, a restore brings back everything that was acknowledged, row by row and blob by blob.
#[tokio::test]
async fn everything_comes_back_on_sqlite() -> Result<()> {
    Box::pin(everything_comes_back(Database::Sqlite)).await
}

/// I-26: with the journal, a restore brings back everything that was acknowledged, row by row and blob by blob.
#[tokio::test]
async fn everything_comes_back_on_postgres() -> Result<()> {
    Box::pin(everything_comes_back(Database::Postgres)).await
}

/// I-26, I-10, I-15: without the journal, what was changed after the backup is given to nobody, and all else goes on.
#[tokio::test]
async fn what_was_taken_back_stays_taken_back_on_sqlite() -> Result<()> {
    Box::pin(what_was_taken_back_stays_taken_back(Database::Sqlite)).await
}

/// I-26, I-10, I-15: without the journal, what was changed after the backup is given to nobody, and all else goes on.
#[tokio::test]
async fn what_was_taken_back_stays_taken_back_on_postgres() -> Result<()> {
    Box::pin(what_was_taken_back_stays_taken_back(Database::Postgres)).await
}
