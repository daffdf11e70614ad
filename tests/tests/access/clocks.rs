//! The server's clock is set: nothing that has ended lives again, and nothing that lives ends. I-25.

use anyhow::{Result, ensure};
use reconnect_format::api::Call;
use reconnect_tests::stage::{DAY, Database};

use crate::village::Village;

/// How long a session lives.
const LIFE_SECONDS: u64 = 12 * 3600;
/// A clock that is further ahead is not believed.
const LEAP_SECONDS: u64 = DAY;

/// I-25: sessions, grants, deposits, invitations and uploads, on `SQLite`.
#[tokio::test]
async fn a_clock_that_is_set_revives_nothing_and_ends_nothing_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-25: sessions, grants, deposits, invitations and uploads, on `PostgreSQL`.
#[tokio::test]
async fn a_clock_that_is_set_revives_nothing_and_ends_nothing_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

async fn play(database: Database) -> Result<()> {
    Box::pin(ahead_and_back(Village::inside(database).await?)).await?;
    Box::pin(what_ended_stays_ended(Village::inside(database).await?)).await?;
    Box::pin(what_was_opened_ahead(Village::inside(database).await?)).await
}

async fn status(village: &Village, path: &str, token: &str) -> Result<u16> {
    Ok(village.browser().send(&Call::read(path), Some(token)).await?.status)
}

/// A clock that leaps by a year, and is set right: nothing is gone.
async fn ahead_and_back(mut village: Village) -> Result<()> {
    let given = Box::pin(village.give(1, 50_000)).await?;
    village.worker.deposit(village.owner.vault.account_id(), b"scan").await?;
    village.manager.invite("Quelqu'un").await?;
    let upload = village.owner.vault.begin_content(&village.owner.browser, None, 1000)?;
    let (owner, worker) =
        (village.owner.vault.token().to_owned(), village.worker.token().to_owned());
    let declared = reconnect_core::vault::upload_begin(&upload);
    ensure!(village.owner.browser.send(&declared, Some(&owner)).await?.status == 204);
    let server = village.server()?;
    server.app().sweep().await?;
    let before = server.dump().await?;
    for leap in [366 * DAY, 30 * DAY, LEAP_SECONDS + 1] {
        server.clock().advance(leap);
        server.app().sweep().await?;
        ensure!(status(&village, "/v1/sync", &owner).await? == 401, "a session lasted {leap} s");
        ensure!(status(&village, &given.content, &worker).await? == 401);
        server.clock().advance(leap.wrapping_neg());
        server.app().sweep().await?;
        let after = server.dump().await?;
        ensure!(before == after, "{leap} s ahead and back: {}", before.difference(&after));
        ensure!(status(&village, "/v1/sync", &owner).await? == 200, "a session has ended");
        ensure!(status(&village, &given.content, &worker).await? == 200, "a grant has ended");
    }
    // Set back by a little: a receipt that is an hour from now is of no use.
    for back in [1800, 60] {
        server.clock().advance(u64::wrapping_neg(back));
        server.app().sweep().await?;
        ensure!(
            status(&village, "/v1/sync", &owner).await? == 200,
            "{back} s back ended a session"
        );
        ensure!(status(&village, &given.content, &worker).await? == 200);
        server.clock().advance(back);
    }
    Ok(())
}

/// What has ended, and was swept, has ended whatever the clock says later.
async fn what_ended_stays_ended(mut village: Village) -> Result<()> {
    let given = Box::pin(village.give(1, 50_000)).await?;
    let (owner, worker) =
        (village.owner.vault.token().to_owned(), village.worker.token().to_owned());
    let server = village.server()?;
    server.pass(31).await?;
    let mut ended = 0;
    for back in [1, 3600, 20 * DAY, 10 * DAY] {
        server.clock().advance(u64::wrapping_neg(back));
        for token in [&owner, &worker] {
            ensure!(
                status(&village, "/v1/sync", token).await? == 401,
                "{back} s back revived a session"
            );
            ended += 1;
        }
        server.app().sweep().await?;
    }
    // Where the grant would live by what the clock says now.
    village.worker.come_in_again().await?;
    let worker = village.worker.token().to_owned();
    ensure!(status(&village, &given.content, &worker).await? == 404, "a grant lives again");
    ensure!(village.worker.received().await?.is_empty());
    ensure!(ended == 8);
    Ok(())
}

/// What was opened by a clock that was ahead lives no longer than it would have.
async fn what_was_opened_ahead(village: Village) -> Result<()> {
    let server = village.server()?;
    let year = 366 * DAY;
    server.clock().advance(year);
    let browser = village.browser();
    let vault = village.owner.with_sheet(&browser, true).await?;
    let token = vault.token().to_owned();
    ensure!(status(&village, "/v1/sync", &token).await? == 200);
    server.clock().advance(year.wrapping_neg());
    // A day and a session's life after the clock was set right, at the latest.
    server.clock().advance(LIFE_SECONDS + LEAP_SECONDS);
    let left = status(&village, "/v1/sync", &token).await?;
    ensure!(left == 401, "a session of a clock that was a year ahead lives for a year: {left}");
    Ok(())
}
