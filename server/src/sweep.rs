//! The sweep: what is doomed, abandoned or over goes, at the start and again and again.
//!
//! Invariant: nothing that is being uploaded is removed. An upload has its row before its first
//! byte, and a place in the blob store is held by whoever writes or removes there.

use std::{collections::HashMap, sync::atomic::Ordering};

use reconnect_format::{api::Code, id::EnvelopeId};
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::{
    app::App,
    blob::Part,
    comeback,
    db::transaction,
    deposit,
    error::{Error, Result},
    grant, kept, leaf, object, rewrap, say, tries, upload,
    wire::id,
};

/// An upload that nothing arrived for during this time is given up.
const ABANDONED_SECONDS: i64 = 24 * 3600;
/// Between two sweeps when nothing asks for one.
const EVERY: Duration = Duration::from_secs(30);
/// A sweep that was asked for waits this long, for others who ask.
const GATHER: Duration = Duration::from_secs(2);
/// Between two looks at the whole blob folder.
const ORPHANS_EVERY: Duration = Duration::from_hours(1);

/// One whole sweep.
pub(crate) async fn all(app: &App) -> Result<()> {
    orphans(app).await?;
    what_is_over(app).await
}

/// Everything but the look at the whole blob folder.
async fn what_is_over(app: &App) -> Result<()> {
    let over = if app.time.believe(app).await? { by_time(app).await? } else { false };
    // Whatever the first says.
    let removed = doomed(app).await?;
    if over || removed {
        app.erased.store(true, Ordering::SeqCst);
    }
    if app.erased.swap(false, Ordering::SeqCst) {
        let moved = app.db.checkpoint().await;
        if !matches!(moved, Ok(true)) {
            app.erased.store(true, Ordering::SeqCst);
        }
        match moved {
            // A full disk is no reason not to start, nor to keep the ballast from being laid down.
            Err(Error::Code(Code::StorageFull)) => {
                tracing::warn!("the disk is full: what was erased may still be in the log");
            }
            moved => {
                moved?;
            }
        }
    }
    let disk = app.disk.clone();
    // Megabytes and an fsync: not on a thread that others wait for.
    let laid = tokio::task::spawn_blocking(move || disk.restore_ballast()).await;
    if let Ok(Err(error)) = laid {
        tracing::warn!(%error, "no ballast could be laid down");
    }
    Ok(())
}

/// What the clock says is over.
async fn by_time(app: &App) -> Result<bool> {
    tries::sweep(app).await?;
    deposit::sweep(app).await?;
    upload::sweep(app.clock.now_row() - ABANDONED_SECONDS, app).await?;
    if grant::sweep(app).await? || rewrap::sweep(app).await? {
        app.taken_away();
    }
    rows_that_are_over(app).await
}

/// Sessions, nonces, invitations, requests and motions whose time has passed.
async fn rows_that_are_over(app: &App) -> Result<bool> {
    /// An invitation that nobody answered, or whose newcomer was admitted, is kept for a week, so
    /// that a late answer is told why.
    const INVITATION_SECONDS: i64 = 7 * 24 * 3600;
    let now = app.clock.now_row();
    transaction!(app.db, "sweep::rows_that_are_over", |tx| {
        let mut gone = leaf::sweep(now, tx).await? + say::sweep(now, tx).await?;
        gone += comeback::ended::sweep(now, tx).await?;
        gone += kept::sweep(now, tx).await?;
        // A session that is over stays over, should the clock be set back.
        let ended = "-- sweep::rows_that_are_over
            update session set ended = 1 where ended = 0 and expires_at <= $1";
        sqlx::query(ended).bind(now).execute(&mut *tx).await?;
        for (statement, before) in [
            ("-- sweep::rows_that_are_over\ndelete from session where kept_until <= $1", now),
            ("-- sweep::rows_that_are_over\ndelete from held_use where kept_until <= $1", now),
            (
                "-- sweep::rows_that_are_over
                    delete from invitation where ends_at <= $1 and (used = 1 or joiner is null)",
                now - INVITATION_SECONDS,
            ),
        ] {
            let rows = sqlx::query(statement).bind(before).execute(&mut *tx).await?;
            gone += rows.rows_affected();
        }
        for statement in [
            "-- sweep::rows_that_are_over\ndelete from unlocking where ends_at <= $1",
            "-- sweep::rows_that_are_over\ndelete from unlock_rest where ends_at <= $1",
            "-- sweep::rows_that_are_over\ndelete from link where ends_at <= $1",
        ] {
            gone += sqlx::query(statement).bind(now).execute(&mut *tx).await?.rows_affected();
        }
        sqlx::query("-- sweep::rows_that_are_over\ndelete from turn where earned_at <= $1")
            .bind(now)
            .execute(&mut *tx)
            .await?;
        Ok(gone > 0)
    })
}

/// Blobs of envelopes that are gone. The rows go last: a crash repeats the removal.
async fn doomed(app: &App) -> Result<bool> {
    let mut removed = false;
    loop {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- sweep::doomed
            select envelope_id from doomed limit 200",
        )
        .fetch_all(app.db.reader())
        .await?;
        if rows.is_empty() {
            return Ok(removed);
        }
        if app.blobs.bucket().is_some() {
            object::forget_doomed(&rows, app).await?;
        }
        for row in &rows {
            let envelope_id: EnvelopeId = id(row)?;
            match app.blobs.bucket() {
                Some(bucket) => object::collect_of(Some(envelope_id), bucket, app).await?,
                None => app.blobs.remove(envelope_id).await?,
            }
        }
        transaction!(app.db, "sweep::doomed", |tx| {
            for row in &rows {
                sqlx::query("-- sweep::doomed\ndelete from doomed where envelope_id = $1")
                    .bind(row.as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })?;
        removed = true;
    }
}

/// Blobs without a row: a crash came between the two.
async fn orphans(app: &App) -> Result<()> {
    if let Some(bucket) = app.blobs.bucket() {
        return object::collect(bucket, app).await;
    }
    let listed = app.blobs.list().await?;
    // After the folder was listed: what is there and has no row now never had one, or lost it.
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "-- sweep::orphans
        select envelope_id, case when sequence is null then 1 else 0 end
        from envelope where whole is null",
    )
    .fetch_all(app.db.reader())
    .await?;
    let known: HashMap<_, _> =
        rows.iter().map(|(row, arriving)| (row.as_slice(), *arriving == 1)).collect();
    for (envelope_id, parts) in listed {
        match known.get(envelope_id.as_bytes()) {
            Some(false) => {}
            Some(true) => orphan_parts(envelope_id, parts, app).await?,
            None => {
                let Some(_hold) = app.blobs.hold((envelope_id, None)) else { continue };
                // While it was not held, the same id may have been declared.
                if !has_row(envelope_id, app).await? {
                    app.blobs.remove(envelope_id).await?;
                }
            }
        }
    }
    Ok(())
}

async fn orphan_parts(envelope_id: EnvelopeId, parts: Vec<u32>, app: &App) -> Result<()> {
    for index in parts {
        let Some(_hold) = app.blobs.hold((envelope_id, Some(index))) else { continue };
        let count: i64 = sqlx::query_scalar(
            "-- sweep::orphan_parts
            select count(*) from part where envelope_id = $1 and part_index = $2",
        )
        .bind(envelope_id.as_bytes())
        .bind(i64::from(index))
        .fetch_one(app.db.reader())
        .await?;
        if count == 0 {
            app.blobs.remove_part(Part { envelope_id, index, name: None }).await?;
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

/// Sweeps for as long as the server runs.
pub(crate) async fn forever(app: App) {
    let mut looked = Instant::now();
    loop {
        if timeout(EVERY, app.sweep_soon.notified()).await.is_ok() {
            sleep(GATHER).await;
        }
        let begun = Instant::now();
        let swept = if looked.elapsed() > ORPHANS_EVERY {
            looked = Instant::now();
            all(&app).await
        } else {
            what_is_over(&app).await
        };
        app.metrics.swept(begun.elapsed(), swept.is_ok());
        if let Err(error) = swept {
            tracing::error!(%error, "a sweep failed");
        }
    }
}
