//! Guardians: who was named, what was wrapped to them, and who may see that they were.
//!
//! Invariant: of what a guardian holds only the beginning, its face, leaves outside an open return. GUARD-4.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{Code, GuardedBy, GuardianWraps, GuardiansSeen, Guarding, LockMaterial, Problem},
    check, encode,
    guardian::{
        GUARDIAN_FACE_BYTES, GUARDIAN_WRAP_BYTES, GUARDIANS_NOTE_BYTES, GuardianName, Guardians,
    },
    id::{AccountId, Base64, LockId, StructureId},
    lock::LockAccess,
    statement::Body,
};
use sqlx::AnyConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    comeback,
    db::transaction,
    error::{Error, Result},
    generation, grant, kept, member,
    statement::Next,
    wire::{Named, from_row, id, to_row},
};

/// How far a clock may be from the server's that says when guardians were named or ended.
const CLOCK_SECONDS: u64 = 24 * 3600;

/// Configurations of one safe that may be used, or may overrule.
const CONFIGURATIONS_MAX: i64 = 16;

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

/// What ends guardians, or names them, is made within a day of the server's time: a thief of the root cannot say that
/// it was long ago. GUARD-8.
pub(crate) fn check_clock(next: &Next, app: &App) -> Result<()> {
    let statement = next.statement.body();
    let turns = match &statement.body {
        Body::SetLock { access, .. } => access.guardians().is_some(),
        Body::RetireLock { lock_id } => {
            next.before.guardians().is_some_and(|(live, _)| live == *lock_id)
        }
        Body::NewGeneration { .. } => true,
        _ => false,
    };
    let late = statement.made_at.abs_diff(app.clock.now()) > CLOCK_SECONDS;
    if check!(OverruleClock) && turns && late {
        return Err(Code::WrongClock.into());
    }
    Ok(())
}

/// The statement that named guardians under a lock.
pub(crate) async fn named_in(lock_id: LockId, tx: &mut AnyConnection) -> Result<Vec<u8>> {
    let named: Option<Vec<u8>> = sqlx::query_scalar(
        "-- guardian::named_in
        select s.bytes from guardians k
        join statement s on s.account_id = k.account_id and s.sequence = k.sequence
        where k.lock_id = $1",
    )
    .bind(lock_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    named.ok_or(Code::ReturnOver.into())
}

/// Names guardians, in the place of those before.
pub(crate) async fn name(
    account_id: AccountId,
    (lock_id, sequence, generation): (LockId, u64, u32),
    (access, material): (&LockAccess, &LockMaterial),
    wraps: &GuardianWraps,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let guardians = access.guardians().ok_or(Code::Refused)?;
    end(account_id, now, tx).await?;
    check_room(account_id, tx).await?;
    sqlx::query(
        "-- guardian::name
        insert into guardians (lock_id, account_id, sequence, generation, root_wrap, note,
          reopened_at)
        values ($1, $2, $3, $4, $5, $6, 0)",
    )
    .bind(lock_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(to_row(sequence))
    .bind(i64::from(generation))
    .bind(material.root_wrap.0.clone())
    .bind(wraps.note.0.clone())
    .execute(&mut *tx)
    .await?;
    for (guardian, wrap) in guardians.guardians.iter().zip(&wraps.wraps) {
        let (mut structure, mut account, mut held) = (None, None, None);
        match &guardian.name {
            GuardianName::Structure { structure_id, epoch, key_id } => {
                // Whoever left before the newest epoch is to hold nothing. GUARD-2.
                grant::check_recipient(*structure_id, *epoch, key_id, tx).await?;
                structure = Some(structure_id);
            }
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

/// Each configuration stands in its guardians' lists for a month: nobody fills these. GUARD-8.
async fn check_room(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    let count: i64 = sqlx::query_scalar(
        "-- guardian::check_room
        select count(*) from guardians where account_id = $1 and root_wrap <> $2",
    )
    .bind(account_id.as_bytes())
    .bind(Vec::<u8>::new())
    .fetch_one(&mut *tx)
    .await?;
    if count < CONFIGURATIONS_MAX {
        Ok(())
    } else {
        Err(Error::TooMany(from_row(CONFIGURATIONS_MAX)))
    }
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

/// Whoever is named is so no longer. What was wrapped to them stays for a while, since they may overrule. GUARD-8.
pub(crate) async fn end(account_id: AccountId, now: i64, tx: &mut AnyConnection) -> Result<()> {
    sqlx::query(
        "-- guardian::end
        update guardians set ended_at = $2 where account_id = $1 and ended_at is null",
    )
    .bind(account_id.as_bytes())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Those who were named by whoever is overruled are gone, with what was wrapped to them; those who were named before may
/// begin a return again, who overrule this one. GUARD-7, GUARD-8.
pub(crate) async fn overrule(
    account_id: AccountId,
    (by, now): (LockId, i64),
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- guardian::overrule
        delete from guardians where account_id = $1 and sequence > (
          select k.sequence from guardians k where k.lock_id = $2)",
    )
    .bind(account_id.as_bytes())
    .bind(by.as_bytes())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- guardian::overrule
        update guardians set reopened_at = $2 where account_id = $1 and ended_at is not null",
    )
    .bind(account_id.as_bytes())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    kept::forget(account_id, tx).await
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
        select lock_id, note from guardians where account_id = $1 order by sequence desc limit 1",
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
        select g.account_id, g.number, g.wrap, s.bytes, g.lock_id, k.generation, k.ended_at
        from guardian g
        join guardians k on k.lock_id = g.lock_id
        join statement s on s.account_id = k.account_id and s.sequence = k.sequence
        where g.guardian_id = $1 order by k.sequence, g.account_id",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(Guarding { guarded: guarded(rows, caller.account_id.as_bytes(), &app).await? }))
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
        select g.account_id, g.number, g.wrap, s.bytes, g.lock_id, k.generation, k.ended_at
        from guardian g
        join guardians k on k.lock_id = g.lock_id
        join statement s on s.account_id = k.account_id and s.sequence = k.sequence
        where g.structure_id = $1 order by k.sequence, g.account_id",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    Ok(Json(Guarding { guarded: guarded(rows, structure_id.as_bytes(), &app).await? }))
}

type Row = (Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<i64>);

async fn guarded(rows: Vec<Row>, guardian: &[u8], app: &App) -> Result<Vec<GuardedBy>> {
    let mut guarded = Vec::with_capacity(rows.len());
    for (account, number, mut wrap, statement, lock, generation, ended_at) in rows {
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
            begun: comeback::begun(account_id, (generation, guardian), &mut tx).await?,
            returns,
            ended_at: ended_at.map(from_row),
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
        let guardian: (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>) = sqlx::query_as(
            "-- guardian::resign
            select account_id, structure_id, guardian_id from guardian
            where lock_id = $1 and number = $2",
        )
        .bind(lock_id.as_bytes())
        .bind(i64::from(number))
        .fetch_one(&mut *tx)
        .await?;
        let (account, structure, person) = guardian;
        // Nor is anything left of what was wrapped to them before.
        sqlx::query(
            "-- guardian::resign
            delete from guardian where account_id = $1 and (structure_id = $2 or guardian_id = $3)",
        )
        .bind(account.as_slice())
        .bind(structure.as_deref().unwrap_or_default())
        .bind(person.as_deref().unwrap_or_default())
        .execute(&mut *tx)
        .await?;
        // For a structure its managers say it.
        if let Some(structure) = structure {
            member::managed(id(&structure)?, caller, &app, tx).await?;
        }
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}
