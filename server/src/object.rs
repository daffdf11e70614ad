//! Objects of a bucket and their rows. The row of an object is there before the object, and says whether a
//! part counts on it: what has no row counts for nobody, now and later, and goes.
//!
//! Invariant: nothing here rests on a clock. Who writes a part draws a name, commits it, puts the object, and
//! commits that the part is there if the name still is. Whoever collects lists objects first and then looks
//! for names; a name that was forgotten meanwhile can never be kept, however long its writer was away.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use reconnect_format::{api::Code, id::EnvelopeId};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::{
    app::App,
    blob::{Bucket, Name, Part},
    db::transaction,
    error::{Error, Result},
};

/// A name that was drawn so long ago and not kept is forgotten. Nothing is lost when that was too early: its
/// writer is told to send the part again.
const FORGOTTEN_SECONDS: i64 = 3600;

/// Draws the name of a part that is to be written, durably. None in a folder.
pub(crate) async fn begin(envelope_id: EnvelopeId, index: u32, app: &App) -> Result<Option<Name>> {
    if app.blobs.bucket().is_none() {
        return Ok(None);
    }
    let name = Name::draw()?;
    transaction!(app.db, "object::begin", |tx| {
        let begun = sqlx::query(
            "-- object::begin
            insert into object (name, envelope_id, part_index, counts, begun_at)
            select $1, envelope_id, $3, 0, $4 from envelope where envelope_id = $2",
        )
        .bind(name.0.as_slice())
        .bind(envelope_id.as_bytes())
        .bind(i64::from(index))
        .bind(app.clock.now_row())
        .execute(&mut *tx)
        .await?;
        if begun.rows_affected() == 1 { Ok(()) } else { Err(Code::NotFound.into()) }
    })?;
    Ok(Some(name))
}

/// From now on the part counts on this object, in the transaction that writes the part's row.
pub(crate) async fn keep(name: Name, tx: &mut AnyConnection) -> Result<()> {
    let kept = sqlx::query("-- object::keep\nupdate object set counts = 1 where name = $1")
        .bind(name.0.as_slice())
        .execute(&mut *tx)
        .await?;
    // Forgotten meanwhile: whoever collects may have removed it.
    if kept.rows_affected() == 1 { Ok(()) } else { Err(Error::Wait(Code::Unavailable, 1)) }
}

/// No part will count on it any more.
pub(crate) async fn forget(name: Name, tx: &mut AnyConnection) -> Result<()> {
    sqlx::query("-- object::forget\ndelete from object where name = $1 and counts = 0")
        .bind(name.0.as_slice())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// A part as it is stored: in a bucket, with the name that it counts on.
pub(crate) async fn find(
    envelope_id: EnvelopeId,
    index: u32,
    (bucket, db): (Option<&Bucket>, &crate::db::Db),
) -> Result<Part> {
    let mut part = Part { envelope_id, index, name: None };
    if bucket.is_some() {
        let name: Option<Vec<u8>> = sqlx::query_scalar(
            "-- object::find
            select name from object where envelope_id = $1 and part_index = $2 and counts = 1",
        )
        .bind(envelope_id.as_bytes())
        .bind(i64::from(index))
        .fetch_optional(db.reader())
        .await?;
        part.name = Some(Name::of(&name.ok_or(Error::Broken("a part has no object"))?)?);
    }
    Ok(part)
}

/// Removes the objects that nobody counts on, nor ever will.
pub(crate) async fn collect(bucket: &Bucket, app: &App) -> Result<()> {
    let before = app.clock.now_row() - FORGOTTEN_SECONDS;
    transaction!(app.db, "object::collect", |tx| {
        sqlx::query("-- object::collect\ndelete from object where counts = 0 and begun_at < $1")
            .bind(before)
            .execute(&mut *tx)
            .await?;
        Ok(())
    })?;
    collect_of(None, bucket, app).await
}

/// The same of one envelope. Its id may be used again while this runs, here or on another server: only what
/// has no name goes.
pub(crate) async fn collect_of(
    envelope_id: Option<EnvelopeId>,
    bucket: &Bucket,
    app: &App,
) -> Result<()> {
    let mut pages = std::pin::pin!(bucket.parts(envelope_id));
    while let Some(page) = pages.try_next().await? {
        // After the page was listed: whatever is to count had its name before it was there.
        let known = known(&page.iter().map(|(_, name)| *name).collect::<Vec<_>>(), app).await?;
        let gone: Vec<_> = page
            .into_iter()
            .filter(|(_, name)| !known.contains(name))
            .map(|(location, _)| location)
            .collect();
        if !gone.is_empty() {
            bucket.remove_all(gone).await?;
        }
    }
    Ok(())
}

/// From now on the parts of these envelopes, which are doomed, count on nothing. Not those of an envelope that
/// another sweep was faster with, and whose id is used again: it is doomed no more.
pub(crate) async fn forget_doomed(doomed: &[Vec<u8>], app: &App) -> Result<()> {
    transaction!(app.db, "object::forget_doomed", |tx| {
        for envelope_id in doomed {
            sqlx::query(
                "-- object::forget_doomed
                delete from object where envelope_id = $1
                  and exists (select 1 from doomed where envelope_id = $1)",
            )
            .bind(envelope_id.as_slice())
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    })
}

async fn known(names: &[Name], app: &App) -> Result<HashSet<Name>> {
    if names.is_empty() {
        return Ok(HashSet::new());
    }
    let places: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
    let query =
        format!("-- object::known\nselect name from object where name in ({})", places.join(", "));
    let mut query = sqlx::query_scalar::<_, Vec<u8>>(AssertSqlSafe(query));
    for name in names {
        query = query.bind(name.0.to_vec());
    }
    let rows = query.fetch_all(app.db.reader()).await?;
    rows.iter().map(|row| Name::of(row)).collect()
}
