//! Uploads: sealed content in idempotent parts, which a cut does not lose.
//!
//! An upload is declared with its header, which says how large every part is; the safe's limit is
//! reserved then. Parts may come in any order and more than once. What arrives is hashed chunk by
//! chunk on its way to the blob store, so that making a version live reads nothing again.

use axum::{Json, body::Body, extract::State, http::StatusCode};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use reconnect_format::{
    api::{Code, Problem, Upload},
    envelope::{
        CHUNK_BYTES, EnvelopeHeader, EnvelopeKind, EnvelopeRef, HEADER_BYTES, PREFIX_BYTES,
        TAG_BYTES, padded_content_bytes,
    },
    id::{AccountId, DocumentId, EnvelopeId},
    manifest::Manifest,
    tree,
};
use sqlx::AnyConnection;
use tokio::time::timeout;

use crate::{
    app::App,
    blob::Part,
    caller::Caller,
    db::transaction,
    deposit, document,
    effect::kind_row,
    error::{Error, Result},
    fault::{self, Mutant},
    limit::patience,
    object,
    wire::{Named, Taken, id, to_row},
};

/// Bytes of a whole sealed chunk.
const SEALED_CHUNK: usize = (CHUNK_BYTES + TAG_BYTES) as usize;
/// Uploads that one safe may have under way.
const UNDER_WAY: i64 = 100;

/// Declares an upload: header and commitment.
#[utoipa::path(
    put, path = "/v1/envelopes/{envelope_id}",
    params(("envelope_id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn declare(
    caller: Caller,
    State(app): State<App>,
    Named(envelope_id): Named<EnvelopeId>,
    Taken(prefix): Taken,
) -> Result<StatusCode> {
    if prefix.len() != PREFIX_BYTES {
        return Err(Code::BadRequest.into());
    }
    let header = header_of(&prefix)?;
    if header.kind != EnvelopeKind::Content {
        return Err(Code::Refused.into());
    }
    if header.owner != caller.account_id {
        deposit::check_may(caller, &app).await?;
    }
    let limit = app.config.file_limit_bytes;
    if header.padded_bytes > padded_content_bytes(limit) {
        return Err(Error::Limit(Code::FileTooLarge, limit));
    }
    app.disk.check_room(header.sealed_bytes())?;
    let _hold = app.blobs.hold((envelope_id, None)).ok_or(Code::Conflict)?;
    transaction!(app.db, "upload::declare", |tx| {
        insert(envelope_id, caller.account_id, (&header, &prefix), &app, tx).await
    })?;
    app.blobs.begin(envelope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn header_of(prefix: &[u8]) -> Result<EnvelopeHeader> {
    Ok(EnvelopeHeader::decode(prefix.get(..HEADER_BYTES).ok_or(Code::BadRequest)?)?)
}

async fn insert(
    envelope_id: EnvelopeId,
    account_id: AccountId,
    (header, prefix): (&EnvelopeHeader, &[u8]),
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let known: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- upload::insert
        select account_id, prefix from envelope where envelope_id = $1",
    )
    .bind(envelope_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    match known {
        Some((owner, _)) if owner != account_id.as_bytes() => return Err(Code::NotFound.into()),
        Some((_, known)) if known == prefix => return Ok(()),
        Some(_) => return Err(Code::Conflict.into()),
        None => {}
    }
    let under_way: i64 = sqlx::query_scalar(
        "-- upload::insert
        select count(*) from envelope where account_id = $1 and sequence is null",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if under_way >= UNDER_WAY {
        return Err(Error::Wait(Code::TooManyRequests, 60));
    }
    reserve(account_id, header.sealed_bytes(), app, tx).await?;
    let declared = sqlx::query(
        "-- upload::insert
        insert into envelope (envelope_id, account_id, document_id, kind, prefix, sealed_bytes,
          sequence, touched_at, whole)
        select $1, $2, $3, $4, $5, $6, null, $7, null
        where not exists (select 1 from doomed where envelope_id = $1)",
    )
    .bind(envelope_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(header.document_id.as_bytes())
    .bind(kind_row(header.kind))
    .bind(prefix.to_vec())
    .bind(to_row(header.sealed_bytes()))
    .bind(app.clock.now_row())
    .execute(&mut *tx)
    .await?;
    if declared.rows_affected() == 1 { Ok(()) } else { Err(Code::NotFound.into()) }
}

/// Takes room out of the safe's limit.
pub(crate) async fn reserve(
    account_id: AccountId,
    bytes: u64,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let limit = app.config.account_limit_bytes;
    let reserved = sqlx::query(
        "-- upload::reserve
        update account set used_bytes = used_bytes + $1
        where account_id = $2 and used_bytes + $1 <= $3",
    )
    .bind(to_row(bytes))
    .bind(account_id.as_bytes())
    .bind(to_row(limit))
    .execute(&mut *tx)
    .await?;
    match reserved.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::Limit(Code::QuotaFull, limit)),
    }
}

/// Takes one part in. ENV-13.
#[utoipa::path(
    put, path = "/v1/envelopes/{envelope_id}/parts/{index}",
    params(("envelope_id" = String, Path), ("index" = u32, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn put_part(
    caller: Caller,
    State(app): State<App>,
    Named((envelope_id, index)): Named<(EnvelopeId, u32)>,
    body: Body,
) -> Result<StatusCode> {
    let prefix = find(envelope_id, caller, &app).await?;
    let part_bytes = header_of(&prefix)?.part_bytes(index);
    if part_bytes == 0 {
        return Err(Code::NotFound.into());
    }
    let _place = app.crowd.take_part()?;
    let hold = app.blobs.hold((envelope_id, Some(index))).ok_or(Code::Conflict)?;
    let known: Option<Vec<u8>> = sqlx::query_scalar(
        "-- upload::put_part
        select leaves from part where envelope_id = $1 and part_index = $2",
    )
    .bind(envelope_id.as_bytes())
    .bind(i64::from(index))
    .fetch_optional(app.db.reader())
    .await?;
    if let Some(known) = known {
        let same = receive(body, part_bytes, &mut None).await? == known;
        return if same { Ok(StatusCode::NO_CONTENT) } else { Err(Code::Conflict.into()) };
    }
    app.disk.check_room(part_bytes)?;
    let mut arriving = Some(app.blobs.arrive(envelope_id, index).await?);
    let leaves = receive(body, part_bytes, &mut arriving).await?;
    // From here on a caller who hangs up changes nothing: blob, row and hold stay together.
    let kept = finish((envelope_id, index), (arriving, leaves), caller, app);
    let kept = tokio::spawn(async move {
        let kept = kept.await;
        drop(hold);
        kept
    });
    kept.await.map_err(|_| Error::Broken("a part could not be kept"))??;
    Ok(StatusCode::NO_CONTENT)
}

/// The prefix of an upload of the caller's that is under way, or was finished.
async fn find(envelope_id: EnvelopeId, caller: Caller, app: &App) -> Result<Vec<u8>> {
    let prefix: Option<Vec<u8>> = sqlx::query_scalar(
        "-- upload::find
        select prefix from envelope
        where envelope_id = $1 and account_id = $2 and whole is null",
    )
    .bind(envelope_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    Ok(prefix.ok_or(Code::NotFound)?)
}

/// Reads exactly `part_bytes`, under one deadline. What is `arriving` is written on the way.
async fn receive(
    body: Body,
    part_bytes: u64,
    arriving: &mut Option<crate::blob::Arriving>,
) -> Result<Vec<u8>> {
    timeout(patience(part_bytes), receive_chunks(body, part_bytes, arriving))
        .await
        .map_err(|_| Error::Wait(Code::Unavailable, 1))?
}

/// Reads chunk by chunk, and gives the hashes of the chunks.
async fn receive_chunks(
    body: Body,
    part_bytes: u64,
    arriving: &mut Option<crate::blob::Arriving>,
) -> Result<Vec<u8>> {
    let mut left = usize::try_from(part_bytes).map_err(|_| Code::BadRequest)?;
    let mut leaves = Vec::new();
    let mut chunk = BytesMut::with_capacity(SEALED_CHUNK);
    let mut stream = body.into_data_stream();
    while let Some(frame) = stream.next().await {
        let mut frame = frame.map_err(|_| Code::BadRequest)?;
        if frame.len() > left {
            return Err(Code::BadRequest.into());
        }
        left -= frame.len();
        while !frame.is_empty() {
            let taken = frame.split_to(frame.len().min(SEALED_CHUNK - chunk.len()));
            chunk.extend_from_slice(&taken);
            if chunk.len() == SEALED_CHUNK || (left == 0 && frame.is_empty()) {
                let whole = std::mem::replace(&mut chunk, BytesMut::with_capacity(SEALED_CHUNK));
                leaves.extend_from_slice(&tree::leaf_hash(&whole));
                if let Some(arriving) = arriving {
                    arriving.push(whole.freeze()).await?;
                }
            }
        }
    }
    if left == 0 { Ok(leaves) } else { Err(Code::BadRequest.into()) }
}

/// Makes a part durable, then its row.
async fn finish(
    (envelope_id, index): (EnvelopeId, u32),
    (arriving, leaves): (Option<crate::blob::Arriving>, Vec<u8>),
    caller: Caller,
    app: App,
) -> Result<()> {
    let name = object::begin(envelope_id, index, &app).await?;
    let part = Part { envelope_id, index, name };
    if fault::has(Mutant::RowFirst) {
        keep(part, leaves.clone(), caller, &app).await?;
        // As long as a slow disk takes.
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    }
    if let Some(arriving) = arriving {
        arriving.finish(part).await?;
    }
    let kept = keep(part, leaves, caller, &app).await;
    // Only when it is certain that no row was written.
    if matches!(kept, Err(Error::Code(Code::NotFound))) {
        app.blobs.remove_part(part).await?;
    }
    kept
}

/// Writes a part's row. Another server may have been faster: with the same bytes, or others. I-3.
async fn keep(part: Part, leaves: Vec<u8>, caller: Caller, app: &App) -> Result<()> {
    let now = app.clock.now_row();
    transaction!(app.db, "upload::keep", |tx| {
        let touched = sqlx::query(
            "-- upload::keep
                update envelope set touched_at = $1
                where envelope_id = $2 and account_id = $3 and sequence is null",
        )
        .bind(now)
        .bind(part.envelope_id.as_bytes())
        .bind(caller.account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if touched.rows_affected() != 1 {
            return Err(Code::NotFound.into());
        }
        let written = sqlx::query(
            "-- upload::keep
                insert into part (envelope_id, part_index, leaves) values ($1, $2, $3)
                on conflict do nothing",
        )
        .bind(part.envelope_id.as_bytes())
        .bind(i64::from(part.index))
        .bind(leaves.as_slice())
        .execute(&mut *tx)
        .await?;
        match part.name {
            Some(name) if written.rows_affected() == 1 => object::keep(name, tx).await,
            // The sweep takes the object away.
            Some(name) if leaves_of(part, tx).await? == leaves => object::forget(name, tx).await,
            Some(_) => Err(Code::Conflict.into()),
            None => Ok(()),
        }
    })
}

async fn leaves_of(part: Part, tx: &mut AnyConnection) -> Result<Vec<u8>> {
    let leaves = sqlx::query_scalar(
        "-- upload::leaves_of
        select leaves from part where envelope_id = $1 and part_index = $2",
    )
    .bind(part.envelope_id.as_bytes())
    .bind(i64::from(part.index))
    .fetch_one(&mut *tx)
    .await?;
    Ok(leaves)
}

/// What has arrived.
#[utoipa::path(
    get, path = "/v1/envelopes/{envelope_id}",
    params(("envelope_id" = String, Path)),
    responses((status = 200, body = Upload), (status = "default", body = Problem))
)]
pub(crate) async fn show(
    caller: Caller,
    State(app): State<App>,
    Named(envelope_id): Named<EnvelopeId>,
) -> Result<Json<Upload>> {
    find(envelope_id, caller, &app).await?;
    let parts: Vec<i64> = sqlx::query_scalar(
        "-- upload::show
        select part_index from part where envelope_id = $1 order by part_index",
    )
    .bind(envelope_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(Upload { parts: parts.into_iter().filter_map(|part| part.try_into().ok()).collect() }))
}

/// Gives an upload up. What a statement names stays: a statement removes it.
#[utoipa::path(
    delete, path = "/v1/envelopes/{envelope_id}",
    params(("envelope_id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn give_up(
    caller: Caller,
    State(app): State<App>,
    Named(envelope_id): Named<EnvelopeId>,
) -> Result<StatusCode> {
    transaction!(app.db, "upload::give_up", |tx| {
        let named: Option<Option<i64>> = sqlx::query_scalar(
            "-- upload::give_up
                select sequence from envelope
                where envelope_id = $1 and account_id = $2 and whole is null",
        )
        .bind(envelope_id.as_bytes())
        .bind(caller.account_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        match named {
            None => Err(Code::NotFound.into()),
            Some(Some(_)) => Err(Code::Conflict.into()),
            Some(None) => document::forget(caller.account_id, &[envelope_id], tx).await,
        }
    })?;
    app.sweep_soon.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// Ties an upload to the statement that names it: all of it is here, and it is what the statement
/// says.
pub(crate) async fn make_live(
    manifest: &Manifest,
    document_id: DocumentId,
    named: &EnvelopeRef,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = manifest.account_id();
    tie((account_id, account_id), document_id, named, manifest.sequence(), tx).await
}

/// The same for whatever names it: who uploaded it, and whose it is by its header.
pub(crate) async fn tie(
    (account_id, owner): (AccountId, AccountId),
    document_id: DocumentId,
    named: &EnvelopeRef,
    sequence: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let prefix: Option<Vec<u8>> = sqlx::query_scalar(
        "-- upload::make_live
        select prefix from envelope
        where envelope_id = $1 and account_id = $2 and document_id = $3 and sequence is null
          and whole is null",
    )
    .bind(named.envelope_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let prefix = prefix.ok_or(Code::Refused)?;
    let leaves: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- upload::make_live
        select leaves from part where envelope_id = $1 order by part_index",
    )
    .bind(named.envelope_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let header = header_of(&prefix)?;
    let hashes: Vec<[u8; 32]> = std::iter::once(tree::leaf_hash(&prefix))
        .chain(leaves.concat().as_chunks::<32>().0.iter().copied())
        .collect();
    let same = u32::try_from(leaves.len()) == Ok(header.part_count())
        && hashes.len() == header.chunk_count() as usize + 1
        && header.owner == owner
        && header.kind == named.kind
        && header.version == named.version
        && header.hash() == named.header_hash
        && header.sealed_bytes() == named.sealed_bytes
        && tree::root(&hashes) == named.tree_root;
    if !same {
        return Err(Code::Refused.into());
    }
    sqlx::query(
        "-- upload::make_live
        update envelope set sequence = $1 where envelope_id = $2",
    )
    .bind(to_row(sequence))
    .bind(named.envelope_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Uploads that nothing arrived for since `before`: their room is given back.
pub(crate) async fn sweep(before: i64, app: &App) -> Result<()> {
    transaction!(app.db, "upload::sweep", |tx| {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "-- upload::sweep
                select account_id, envelope_id from envelope
                where sequence is null and touched_at < $1 limit 500",
        )
        .bind(before)
        .fetch_all(&mut *tx)
        .await?;
        for (account, envelope) in rows {
            document::forget(id(&account)?, &[id(&envelope)?], tx).await?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
