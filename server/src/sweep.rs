//! The sweep: what is doomed, abandoned or over goes, at the start and again and again.
//!
//! Invariant: nothing that is being uploaded is removed. An upload has its row before its first
//! byte, and a place in the blob store is held by whoever writes or removes there.

use reconnect_format::id::EnvelopeId;

use crate::{app::App, db::transaction, error::Result, grant, tries, upload, wire::id};

/// An upload that nothing arrived for during this time is given up.
const ABANDONED_SECONDS: i64 = 24 * 3600;
/// Between two sweeps when nothing asks for one.
pub(crate) const EVERY_SECONDS: u64 = 30;

/// One sweep.
pub(crate) async fn all(app: &App) -> Result<()> {
    let now = app.clock.now();
    app.unlocks.sweep(now);
    tries::sweep(app).await?;
    upload::sweep(app.clock.now_row() - ABANDONED_SECONDS, app).await?;
    let ended = grant::sweep(app).await?;
    if ended {
        app.taken.send_modify(|count| *count += 1);
    }
    let over = rows_that_are_over(app).await?;
    let removed = doomed(app).await?;
    orphans(app).await?;
    if ended || over || removed {
        app.db.checkpoint().await?;
    }
    if let Err(error) = app.disk.restore_ballast() {
        tracing::warn!(%error, "no ballast could be laid down");
    }
    Ok(())
}

/// Sessions, nonces and invitations whose time has passed.
async fn rows_that_are_over(app: &App) -> Result<bool> {
    /// An invitation that nobody answered is kept for a week, so that a late answer is told why.
    const INVITATION_SECONDS: i64 = 7 * 24 * 3600;
    let now = app.clock.now_row();
    transaction!(app.db, "sweep::rows_that_are_over", |tx| {
        let mut gone = 0;
        for (statement, before) in [
            ("-- sweep::rows_that_are_over\ndelete from session where kept_until <= $1", now),
            ("-- sweep::rows_that_are_over\ndelete from sheet_use where kept_until <= $1", now),
            (
                "-- sweep::rows_that_are_over
                    delete from invitation where ends_at <= $1 and used = 0 and joiner is null",
                now - INVITATION_SECONDS,
            ),
        ] {
            let rows = sqlx::query(statement).bind(before).execute(&mut *tx).await?;
            gone += rows.rows_affected();
        }
        Ok(gone > 0)
    })
}

/// Blobs of envelopes that are gone. The row goes last: a crash repeats the removal.
async fn doomed(app: &App) -> Result<bool> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- sweep::doomed
        select envelope_id from doomed limit 1000",
    )
    .fetch_all(app.db.reader())
    .await?;
    for row in &rows {
        let envelope_id: EnvelopeId = id(row)?;
        app.blobs.remove(envelope_id).await?;
        transaction!(app.db, "sweep::doomed", |tx| {
            sqlx::query("-- sweep::doomed\ndelete from doomed where envelope_id = $1")
                .bind(envelope_id.as_bytes())
                .execute(&mut *tx)
                .await?;
            Ok(())
        })?;
    }
    Ok(!rows.is_empty())
}

/// Blobs without a row: a crash came between the two.
async fn orphans(app: &App) -> Result<()> {
    for (envelope_id, parts) in app.blobs.list().await? {
        let Some(_hold) = app.blobs.hold((envelope_id, None)) else { continue };
        if !has_row(envelope_id, app).await? {
            app.blobs.remove(envelope_id).await?;
            continue;
        }
        let known = known_parts(envelope_id, app).await?;
        for index in parts.into_iter().filter(|index| !known.contains(&i64::from(*index))) {
            let Some(_hold) = app.blobs.hold((envelope_id, Some(index))) else { continue };
            // While it was not held, an upload may have ended.
            if !known_parts(envelope_id, app).await?.contains(&i64::from(index)) {
                app.blobs.remove_part(envelope_id, index).await?;
            }
        }
    }
    Ok(())
}

async fn has_row(envelope_id: EnvelopeId, app: &App) -> Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "-- sweep::has_row
        select count(*) from envelope where envelope_id = $1",
    )
    .bind(envelope_id.as_bytes())
    .fetch_one(app.db.reader())
    .await?;
    Ok(count > 0)
}

async fn known_parts(envelope_id: EnvelopeId, app: &App) -> Result<Vec<i64>> {
    let parts = sqlx::query_scalar(
        "-- sweep::known_parts
        select part_index from part where envelope_id = $1",
    )
    .bind(envelope_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(parts)
}

/// Sweeps for as long as the server runs.
pub(crate) async fn forever(app: App) {
    loop {
        let every = std::time::Duration::from_secs(EVERY_SECONDS);
        drop(tokio::time::timeout(every, app.sweep_soon.notified()).await);
        if let Err(error) = all(&app).await {
            tracing::error!(%error, "a sweep failed");
        }
    }
}
