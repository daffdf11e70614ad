//! A device that its owner retired stands so in the log, for good, before the owner is told that it is safe.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::error::ServerMisbehaved;
use reconnect_tests::{
    dump,
    stage::{Person, Server, card},
    team::Team,
};
use sqlx::AnyConnection;

super::on_both_databases! {
    a_device_is_retired_safely_when_the_log_has_its_mark,
    a_mark_goes_into_the_log_no_sooner_than_the_head,
    a_mark_that_is_kept_back_is_missed_by_every_device,
    many_devices_are_retired_at_once,
    what_a_shared_computer_wrote_last_is_read,
}

/// Takes the marks away that wait for the log.
async fn take_marks(connection: &mut AnyConnection) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let marks =
        sqlx::query_as("delete from log_waiting where is_head = 2 returning log_index, value");
    Ok(marks.fetch_all(connection).await?)
}

async fn a_device_is_retired_safely_when_the_log_has_its_mark(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let elsewhere = server.browser();
    let other = owner.with_words(&elsewhere, true).await?;
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_device(&owner.browser, other.device_id()).await?;
    let retired = owner.vault.manifest().sequence();
    owner.add("Passeport", b"mine").await?;
    let mut connection = dump::connect(server.config()).await?;
    let marks = take_marks(&mut connection).await?;
    ensure!(marks.len() == 1);
    server.app().publish().await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.safe_until() == retired - 1, "{}", owner.vault.safe_until());
    // Another device of theirs sees the same.
    let third = server.browser();
    let mut there = owner.with_sheet(&third, false).await?;
    ensure!(there.safe_until() == retired - 1 && there.unchecked().is_none());
    for (index, value) in marks {
        sqlx::query(
            "insert into log_waiting (log_index, value, sequence, is_head) values ($1, $2, 5, 2)",
        )
        .bind(index)
        .bind(value)
        .execute(&mut connection)
        .await?;
    }
    server.app().publish().await?;
    for (vault, browser) in [(&mut there, &third), (&mut owner.vault, &owner.browser)] {
        vault.look(browser).await?;
        vault.look(browser).await?;
        ensure!(vault.is_safe());
    }
    Ok(())
}

/// A batch holds so many.
const BATCH: u64 = 10_000;

async fn a_mark_goes_into_the_log_no_sooner_than_the_head(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let mut connection = dump::connect(server.config()).await?;
    let (index, mark) = loop {
        let other = owner.with_sheet(&server.browser(), true).await?;
        server.app().publish().await?;
        owner.vault.sync(&owner.browser).await?;
        owner.vault.retire_device(&owner.browser, other.device_id()).await?;
        let waiting = "select log_index from log_waiting order by is_head";
        let waiting: Vec<Vec<u8>> = sqlx::query_scalar(waiting).fetch_all(&mut connection).await?;
        let [head, mark] = waiting.as_slice() else { anyhow::bail!("{} wait", waiting.len()) };
        // Where the order of indices would take the mark alone into the next batch.
        if mark < head {
            break (head.clone(), mark.clone());
        }
    };
    sqlx::query("begin").execute(&mut connection).await?;
    for number in 1..BATCH {
        let other = [[0; 24].as_slice(), &number.to_be_bytes()].concat();
        sqlx::query(
            "insert into log_waiting (log_index, value, sequence, is_head) values ($1, $1, 5, 1)",
        )
        .bind(other)
        .execute(&mut connection)
        .await?;
    }
    sqlx::query("commit").execute(&mut connection).await?;
    for expected in [vec![&mark], vec![]] {
        server.app().publish().await?;
        let left: Vec<Vec<u8>> =
            sqlx::query_scalar("select log_index from log_waiting where log_index in ($1, $2)")
                .bind(&index)
                .bind(&mark)
                .fetch_all(&mut connection)
                .await?;
        ensure!(left.iter().collect::<Vec<_>>() == expected, "{} wait", left.len());
    }
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());
    Ok(())
}

async fn a_mark_that_is_kept_back_is_missed_by_every_device(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let other = owner.with_words(&server.browser(), true).await?;
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_device(&owner.browser, other.device_id()).await?;
    let mut connection = dump::connect(server.config()).await?;
    take_marks(&mut connection).await?;
    server.clock().advance(11 * 60);
    server.app().publish().await?;
    let missed = Some(ServerMisbehaved::Withheld.into());
    ensure!(owner.vault.look(&owner.browser).await.err() == missed);
    for kept in [true, false] {
        ensure!(owner.with_words(&server.browser(), kept).await.err() == missed);
    }
    Ok(())
}

async fn many_devices_are_retired_at_once(server: Server) -> Result<()> {
    let owner = server.person().await?;
    for _ in 0..40 {
        owner.with_sheet(&server.browser(), true).await?;
    }
    let Person { browser, vault, .. } = &owner;
    let mut there = owner.with_sheet(&server.browser(), true).await?;
    there.sync(browser).await?;
    let others: Vec<_> = there.manifest().devices().map(|(device_id, _)| device_id).collect();
    for device_id in others {
        if device_id != there.device_id() && device_id != vault.device_id() {
            there.retire_device(browser, device_id).await?;
        }
    }
    ensure!(!there.is_safe());
    server.app().publish().await?;
    there.look(browser).await?;
    ensure!(there.is_safe());
    // A device that has seen none of it asks about some.
    let before = server.recording().borrow().len();
    let fresh = owner.with_sheet(&server.browser(), false).await?;
    let recording = server.recording().borrow();
    let asked = recording.iter().skip(before).find(|it| it.head.contains("/v1/log/lookup"));
    let asked = asked.context("it looked")?.head.len();
    ensure!((1_300..1_600).contains(&asked), "32 indices, not {asked} letters");
    ensure!(fresh.safe_until() >= there.manifest().sequence());
    Ok(())
}

async fn what_a_shared_computer_wrote_last_is_read(server: Server) -> Result<()> {
    let mut team = Box::pin(Team::on(&server)).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Passeport", b"old").await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    server.app().publish().await?;
    // The log is behind, with what was written at a shared computer and with signing out there.
    server.hold_log(true);
    let shared = server.browser();
    let mut there = owner.with_words(&shared, false).await?;
    there.add(&shared, Some(document_id), b"new", &card("Passeport")).await?;
    ensure!(there.sign_out(&shared, false).await.is_ok());
    for published in [false, true] {
        if published {
            server.hold_log(false);
            server.app().publish().await?;
        }
        team.worker.look().await?;
        let papers = team.worker.open(grant_id).await?;
        ensure!(papers.iter().all(|it| it.unchecked.is_none()), "published: {published}");
        ensure!(team.worker.read(grant_id, document_id).await? == b"new");
    }
    Ok(())
}
