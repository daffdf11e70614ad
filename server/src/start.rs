//! What a start looks at before anybody is answered: that database and data folder belong together.

use anyhow::ensure;

use crate::{app::App, db::transaction, error::Error};

/// A database belongs to one data folder: two servers with a folder each would have half of the
/// blobs each, and would sweep away what they do not have.
pub(crate) async fn claim(app: &App) -> anyhow::Result<()> {
    let (own, now) = (&app.secrets.folder, app.clock.now_row());
    let folder = transaction!(app.db, "start::claim", |tx| {
        sqlx::query(
            "-- start::claim
            insert into server (one, newest_at, folder) values (1, $1, $2) on conflict do nothing",
        )
        .bind(now)
        .bind(own.as_slice())
        .execute(&mut *tx)
        .await?;
        let folder: Vec<u8> =
            sqlx::query_scalar("-- start::claim\nselect folder from server where one = 1")
                .fetch_one(&mut *tx)
                .await?;
        Ok::<_, Error>(folder)
    });
    let folder =
        folder.map_err(|error| anyhow::anyhow!("the database does not answer: {error}"))?;
    // SQLite's file is in the folder: there is no other.
    ensure!(
        folder == *own || !app.db.is_shared(),
        "RECONNECT_DATABASE belongs to another data folder than RECONNECT_DATA: start with that \
         folder. If this one was restored from a backup and no other server runs on the database, \
         put secrets/folder.id back from the backup, or run `delete from server` on the database"
    );
    Ok(())
}

/// Nobody's six words or PIN open anything when the key that they were registered with is gone.
pub(crate) async fn warn_of_lost_words(app: &App) -> anyhow::Result<()> {
    if !app.secrets.words_are_new {
        return Ok(());
    }
    let locks: i64 = sqlx::query_scalar(
        "-- start::warn_of_lost_words
        select count(*) from lock where record is not null",
    )
    .fetch_one(app.db.reader())
    .await?;
    if locks > 0 {
        tracing::error!(
            locks,
            "secrets/opaque.key was not there and was made anew: the six words and PINs of all these \
             locks open nothing any more, recovery sheets and passkeys still do. Stop the server, put the file \
             back from the backup, and start again"
        );
    }
    Ok(())
}
