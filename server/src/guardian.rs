//! Guardians: who was named, what was wrapped to them, and who may see that they were.
//!
//! Invariant: of what a guardian holds only the beginning, its face, leaves outside an open return. GUARD-4.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{Code, GuardedBy, GuardianWraps, GuardiansSeen, Guarding, LockMaterial, Problem},
    encode,
    guardian::{
        GUARDIAN_FACE_BYTES, GUARDIAN_WRAP_BYTES, GUARDIANS_NOTE_BYTES, GuardianName, Guardians,
    },
    id::{AccountId, Base64, LockId, StructureId},
    lock::LockAccess,
};
use sqlx::AnyConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    comeback,
    db::transaction,
    error::{Error, Result},
    generation, member,
    wire::{Named, id, to_row},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(seen))
        .routes(routes!(guarding))
        .routes(routes!(guarding_as))
        .routes(routes!(resign))
}

/// Checks what came with the statement that names guardians.
pub(crate) fn check(guardians: &Guardians, wraps: Option<&GuardianWraps>) -> Result<()> {
    let wraps = wraps.ok_or(Code::Refused)?;
    let sound = wraps.wraps.len() == guardians.guardians.len()
        && wraps.wraps.iter().all(|wrap| wrap.0.len() == GUARDIAN_WRAP_BYTES)
        && wraps.note.0.len() == GUARDIANS_NOTE_BYTES;
    if sound { Ok(()) } else { Err(Code::Refused.into()) }
}

/// Names guardians, in the place of those before.
pub(crate) async fn name(
    account_id: AccountId,
    (lock_id, sequence): (LockId, u64),
    (access, material): (&LockAccess, &LockMaterial),
    wraps: &GuardianWraps,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let guardians = access.guardians().ok_or(Code::Refused)?;
    let before: Option<Vec<u8>> = sqlx::query_scalar(
        "-- guardian::name
        select lock_id from guardians where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(before) = before {
        dismiss(account_id, id(&before)?, now, tx).await?;
    }
    crate::account::set_lock(account_id, (lock_id, sequence), (access, material), tx).await?;
    sqlx::query(
        "-- guardian::name
        insert into guardians (account_id, lock_id, sequence, note) values ($1, $2, $3, $4)",
    )
    .bind(account_id.as_bytes())
    .bind(lock_id.as_bytes())
    .bind(to_row(sequence))
    .bind(wraps.note.0.clone())
    .execute(&mut *tx)
    .await?;
    for (guardian, wrap) in guardians.guardians.iter().zip(&wraps.wraps) {
        let (mut structure, mut account, mut held) = (None, None, None);
        match &guardian.name {
            GuardianName::Structure { structure_id, .. } => structure = Some(structure_id),
            GuardianName::Account { account_id, .. } => account = Some(account_id),
            GuardianName::Paper { held: theirs, .. } => held = Some(theirs),
        }
        if let Some(guardian_id) = account {
            check_there(*guardian_id, tx).await?;
        }
        sqlx::query(
            "-- guardian::name
            insert into guardian (lock_id, number, account_id, structure_id, guardian_id, held_id,
              held_signing, wrap)
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(lock_id.as_bytes())
        .bind(i64::from(guardian.number))
        .bind(account_id.as_bytes())
        .bind(structure.map(|it| it.as_bytes().to_vec()))
        .bind(account.map(|it| it.as_bytes().to_vec()))
        .bind(held.map(|it| it.held_id.as_bytes().to_vec()))
        .bind(held.map(|it| it.signing.0.to_vec()))
        .bind(wrap.0.clone())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Who closed their safe meanwhile is nobody's guardian.
async fn check_there(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    let there: Option<i64> = sqlx::query_scalar(
        "-- guardian::check_there
        select sequence from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    there.map(drop).ok_or(Code::NotFound.into())
}

/// Removes what was wrapped to guardians, with their lock. GUARD-4.
pub(crate) async fn dismiss(
    account_id: AccountId,
    lock_id: LockId,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    comeback::end_all(account_id, comeback::OVER, now, tx).await?;
    for gone in [
        "-- guardian::dismiss
        delete from guardian where account_id = $1 and lock_id = $2",
        "-- guardian::dismiss
        delete from guardians where account_id = $1 and lock_id = $2",
    ] {
        sqlx::query(gone)
            .bind(account_id.as_bytes())
            .bind(lock_id.as_bytes())
            .execute(&mut *tx)
            .await?;
    }
    crate::account::retire_lock(account_id, lock_id, tx).await
}

/// Guardians as their owner sees them.
#[utoipa::path(
    get, path = "/v1/guardians",
    responses((status = 200, body = GuardiansSeen), (status = "default", body = Problem))
)]
pub(crate) async fn seen(caller: Caller, State(app): State<App>) -> Result<Json<GuardiansSeen>> {
    let mut tx = app.db.snapshot().await?;
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- guardian::seen
        select lock_id, note from guardians where account_id = $1",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (lock_id, note) = row.ok_or(Code::NotFound)?;
    let there: Vec<i64> = sqlx::query_scalar(
        "-- guardian::seen
        select number from guardian where lock_id = $1 order by number",
    )
    .bind(lock_id.as_slice())
    .fetch_all(&mut *tx)
    .await?;
    let there = there.into_iter().filter_map(|number| u8::try_from(number).ok()).collect();
    Ok(Json(GuardiansSeen { lock_id: id(&lock_id)?, note: Base64(note), there }))
}

/// Whose guardian the caller is.
#[utoipa::path(
    get, path = "/v1/guarding",
    responses((status = 200, body = Guarding), (status = "default", body = Problem))
)]
pub(crate) async fn guarding(caller: Caller, State(app): State<App>) -> Result<Json<Guarding>> {
    let rows = sqlx::query_as(
        "-- guardian::guarding
        select g.account_id, g.number, g.wrap, s.bytes, g.lock_id from guardian g
        join lock l on l.lock_id = g.lock_id and l.account_id = g.account_id
        join guardians k on k.lock_id = g.lock_id and k.account_id = g.account_id
        join statement s on s.account_id = k.account_id and s.sequence = k.sequence
        where g.guardian_id = $1 order by k.sequence, g.account_id",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(Guarding { guarded: guarded(rows, &app).await? }))
}

/// Whose guardian a structure is.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/guarding",
    params(("structure_id" = String, Path)),
    responses((status = 200, body = Guarding), (status = "default", body = Problem))
)]
pub(crate) async fn guarding_as(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
) -> Result<Json<Guarding>> {
    member::learn(structure_id, caller, &app).await?;
    let rows = sqlx::query_as(
        "-- guardian::guarding_as
        select g.account_id, g.number, g.wrap, s.bytes, g.lock_id from guardian g
        join lock l on l.lock_id = g.lock_id and l.account_id = g.account_id
        join guardians k on k.lock_id = g.lock_id and k.account_id = g.account_id
        join statement s on s.account_id = k.account_id and s.sequence = k.sequence
        where g.structure_id = $1 order by k.sequence, g.account_id",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(Guarding { guarded: guarded(rows, &app).await? }))
}

type Row = (Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>);

async fn guarded(rows: Vec<Row>, app: &App) -> Result<Vec<GuardedBy>> {
    let mut guarded = Vec::with_capacity(rows.len());
    for (account, number, mut wrap, statement, lock) in rows {
        let account_id: AccountId = id(&account)?;
        // Who closed their safe meanwhile has no guardians.
        let Some(keys) = keys_proof(account_id, app).await? else { continue };
        let mut tx = app.db.snapshot().await?;
        let returns = comeback::shown(account_id, Some(id(&lock)?), app, &mut tx).await?;
        wrap.truncate(GUARDIAN_FACE_BYTES);
        guarded.push(GuardedBy {
            account_id,
            number: u8::try_from(number).map_err(|_| Error::Broken("a guardian's number"))?,
            keys,
            statement: Base64(statement),
            face: Base64(wrap),
            returns,
        });
    }
    Ok(guarded)
}

/// What shows somebody else an owner's newest keys; none where there is no such safe.
pub(crate) async fn keys_proof(account_id: AccountId, app: &App) -> Result<Option<Base64>> {
    let Some((opening, generations)) = generation::named(account_id, app).await? else {
        return Ok(None);
    };
    let proof = reconnect_format::statement::KeysProof { opening, generations };
    Ok(Some(Base64(encode(&proof))))
}

/// Whether the caller may speak for a guardian, by its number; 404 for everybody else.
pub(crate) async fn check_is(
    caller: Caller,
    (lock_id, number): (LockId, u8),
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let may: Option<i64> = sqlx::query_scalar(
        "-- guardian::check_is
        select g.number from guardian g
        join lock l on l.lock_id = g.lock_id and l.account_id = g.account_id
        where g.lock_id = $1 and g.number = $2 and (g.guardian_id = $3 or exists (
          select 1 from member m
          where m.structure_id = g.structure_id and m.account_id = $3 and m.confirmed = 1
            and m.ends_at > $4))",
    )
    .bind(lock_id.as_bytes())
    .bind(i64::from(number))
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_optional(&mut *tx)
    .await?;
    may.map(drop).ok_or(Code::NotFound.into())
}

/// A guardian is one no longer: nothing that was wrapped to them is left. GUARD-6.
#[utoipa::path(
    post, path = "/v1/guarding/{lock_id}/{number}/resign",
    params(("lock_id" = String, Path), ("number" = u8, Path)),
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn resign(
    caller: Caller,
    State(app): State<App>,
    Named((lock_id, number)): Named<(LockId, u8)>,
) -> Result<StatusCode> {
    transaction!(app.db, "guardian::resign", |tx| {
        check_is(caller, (lock_id, number), &app, tx).await?;
        // For a structure its managers say it.
        let structure: Option<Vec<u8>> = sqlx::query_scalar(
            "-- guardian::resign
            delete from guardian where lock_id = $1 and number = $2 returning structure_id",
        )
        .bind(lock_id.as_bytes())
        .bind(i64::from(number))
        .fetch_one(&mut *tx)
        .await?;
        if let Some(structure) = structure {
            member::managed(id(&structure)?, caller, &app, tx).await?;
        }
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}
