//! Returns: somebody who lost everything comes back through guardians.
//!
//! Invariant: what guardians sealed, and what it opens, leaves only when enough of them have vouched and the
//! wait is over; lock, offer and times of a return never change. BACK-3, BACK-8.

mod counted;
pub(crate) mod ended;
pub(crate) mod looked;
pub(crate) mod opened;
mod vouched;

use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{BeginReturn, Begun, Code, Problem, ReturnShown, ReturnState},
    check, decode,
    guardian::{
        ByGuardian, GuardianId, GuardianName, Guardians, Manner, OVERRULE_BEGINS_SECONDS,
        OVERRULE_SECONDS, RETURN_OFFER_BYTES, RETURN_SECONDS, RETURN_TRIES, RETURNS_MAX, Return,
        ReturnOffer, STRICT_SECONDS,
    },
    id::{AccountId, Base64, LockId, ReturnId},
    manifest::Manifest,
    statement::{Device, Signer},
};
use sqlx::AnyConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    chains, continued,
    db::transaction,
    error::{Error, Result},
    guardian, log,
    statement::{self, Next},
    wire::{Sent, from_row, id, to_row},
};

/// Guardians may vouch.
const OPEN: i64 = 1;
/// A device of the owner's stopped it.
const STOPPED: i64 = 2;
/// Its time, the tries of its PIN or its configuration are over, or the guardian who began it ended it.
pub(crate) const OVER: i64 = 3;
/// Its person is back.
const DONE: i64 = 4;

/// How far a guardian's clock may be from the server's.
const GUARDIAN_CLOCK_SECONDS: u64 = 24 * 3600;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(ended::cancel))
        .routes(routes!(vouched::share))
        .routes(routes!(vouched::vouch))
}

/// A return as it is stored.
pub(crate) struct Stored {
    return_id: ReturnId,
    account_id: AccountId,
    lock_id: LockId,
    offer: Vec<u8>,
    began_at: u64,
    is_strict: bool,
    state: i64,
    ended_at: Option<i64>,
    said: Vec<u8>,
}

type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, i64, i64, i64, Option<i64>, Vec<u8>);

impl Stored {
    fn of(row: Row) -> Result<Self> {
        let (return_id, account, lock, offer, began_at, strict, state, ended_at, said) = row;
        Ok(Self {
            return_id: id(&return_id)?,
            account_id: id(&account)?,
            lock_id: id(&lock)?,
            offer,
            began_at: from_row(began_at),
            is_strict: strict == 1,
            state,
            ended_at,
            said,
        })
    }

    async fn find(return_id: ReturnId, tx: &mut AnyConnection) -> Result<Self> {
        let row: Option<Row> = sqlx::query_as(
            "-- comeback::find
            select return_id, account_id, lock_id, offer, began_at, strict, state, ended_at, said
            from comeback where return_id = $1",
        )
        .bind(return_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        Self::of(row.ok_or(Code::NotFound)?)
    }

    fn is_open(&self, now: u64) -> bool {
        self.state == OPEN && now < self.began_at + RETURN_SECONDS
    }

    fn check_open(&self, now: u64) -> Result<()> {
        if self.is_open(now) { Ok(()) } else { Err(Code::ReturnOver.into()) }
    }

    async fn vouches(&self, tx: &mut AnyConnection) -> Result<Vec<Vouched>> {
        let rows: Vec<(i64, i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "-- comeback::vouches
            select number, manner, bytes, sealed from vouch where return_id = $1
            order by received_at, number",
        )
        .bind(self.return_id.as_bytes())
        .fetch_all(&mut *tx)
        .await?;
        let vouched = |(number, manner, bytes, sealed)| {
            Ok(Vouched {
                number: u8::try_from(number).map_err(|_| Error::Broken("a guardian's number"))?,
                met: manner == i64::from(Manner::FaceToFace as u8),
                bytes,
                sealed,
            })
        };
        rows.into_iter().map(vouched).collect()
    }

    fn show(&self, vouches: &[Vouched], now: u64) -> ReturnShown {
        let state = match self.state {
            OPEN if self.is_open(now) => ReturnState::Open,
            STOPPED => ReturnState::Stopped,
            DONE => ReturnState::Done,
            _ => ReturnState::Over,
        };
        ReturnShown {
            said: Base64(self.said.clone()),
            vouches: vouches.iter().map(|it| Base64(it.bytes.clone())).collect(),
            state,
            is_strict: self.is_strict,
            began_at: self.began_at,
            ended_at: self.ended_at.map(from_row),
        }
    }

    /// Whether what guardians sealed may be had, with these papers beside. BACK-3, BACK-5.
    async fn is_ready(
        &self,
        guardians: &Guardians,
        vouches: &[Vouched],
        papers: &BTreeSet<u8>,
        now: u64,
        tx: &mut AnyConnection,
    ) -> Result<bool> {
        let groups = counted::groups(self.return_id, guardians, vouches, tx).await?;
        let met = groups.iter().filter(|it| it.is_structure_that_met).count();
        let asks = guardians.asks(self.is_strict, met);
        let waited = now >= self.began_at + u64::from(asks.wait_seconds);
        let enough = groups.len() + papers.len() >= usize::from(asks.guardians);
        Ok(self.is_open(now) && check!(ReturnWait, waited && enough))
    }
}

/// A vouch as it is stored.
struct Vouched {
    number: u8,
    met: bool,
    bytes: Vec<u8>,
    sealed: Vec<u8>,
}

/// The guardians of a configuration that is live, or may overrule.
fn named(manifest: &Manifest, lock_id: LockId) -> Result<Guardians> {
    manifest.guardians_of(lock_id).cloned().ok_or(Code::NotFound.into())
}

/// Whether what a guardian signed is the caller's, on this device, and for the guardian that it names.
async fn check_said(
    (said, device, made_at): (&ByGuardian, &Device, u64),
    (guardians, lock_id, number): (&Guardians, LockId, u8),
    caller: Caller,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    guardian::check_is(caller, (lock_id, number), app, tx).await?;
    let name = &guardians.get(number).ok_or(Code::Refused)?.name;
    let theirs = device.account_id == caller.account_id
        && device.device_id == caller.device_id
        && said.is_of(name, device)
        && made_at.abs_diff(app.clock.now()) <= GUARDIAN_CLOCK_SECONDS;
    if !theirs {
        return Err(Code::Refused.into());
    }
    if let (
        ByGuardian::Structure { certificate, .. },
        GuardianName::Structure { structure_id, .. },
    ) = (said, name)
    {
        let chain = chains::chain(*structure_id, app, tx).await?;
        reconnect_format::structure::verify_certificate(&certificate.encode(), &chain)?;
    }
    Ok(())
}

/// Begins a return, at the word of a guardian. BACK-2, BACK-3.
#[utoipa::path(
    post, path = "/v1/returns", request_body = BeginReturn,
    responses((status = 201, body = Begun), (status = "default", body = Problem))
)]
pub(crate) async fn begin(
    caller: Caller,
    State(app): State<App>,
    Sent(asked): Sent<BeginReturn>,
) -> Result<(StatusCode, Json<Begun>)> {
    let (said, signed, device) = ByGuardian::open::<Return>(&asked.said.0)?;
    let return_id = ReturnId(signed.hash());
    let body = signed.into_body();
    let offer: ReturnOffer = decode(&asked.offer.0).map_err(|_| Code::BadRequest)?;
    if asked.offer.0.len() != RETURN_OFFER_BYTES || offer.hash() != body.offer_hash {
        return Err(Code::Refused.into());
    }
    let mark = log::value(&asked.mark)?;
    app.disk.check_room(0)?;
    let manifest = statement::load(body.account_id, &app).await?;
    let guardians = named(&manifest, body.lock_id)?;
    let now = app.clock.now();
    transaction!(app.db, "comeback::begin", |tx| {
        let signed = (&said, &device, body.made_at);
        check_said(signed, (&guardians, body.lock_id, body.guardian), caller, &app, tx).await?;
        continued::check_not_behind(body.account_id, tx).await?;
        end_late(body.account_id, now, tx).await?;
        if is_known(return_id, tx).await? {
            return Ok(());
        }
        check_begins(body.lock_id, now, tx).await?;
        let place = place(&body, &guardians, tx).await?;
        check_count(&body, &place, tx).await?;
        // Where all are needed, nobody could be asked for beside them: there it may be stopped again.
        let more = usize::from(guardians.needed) < guardians.guardians.len();
        let strict = more && was_stopped(body.lock_id, now, tx).await?;
        let begun = sqlx::query(
            "-- comeback::begin
            insert into comeback (return_id, account_id, lock_id, generation, begun_by, count, offer,
              held_id, began_at, strict, state, entered, opened_at, tries_left, said)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, $13)
            on conflict do nothing",
        )
        .bind(return_id.as_bytes())
        .bind(body.account_id.as_bytes())
        .bind(body.lock_id.as_bytes())
        .bind(place.generation)
        .bind(place.begun_by())
        .bind(i64::from(body.count))
        .bind(asked.offer.0.clone())
        .bind(offer.held_id.as_bytes())
        .bind(to_row(now))
        .bind(i64::from(strict))
        .bind(OPEN)
        .bind(i64::from(RETURN_TRIES))
        .bind(asked.said.0.clone())
        .execute(&mut *tx)
        .await?;
        // The card has served for another one.
        if begun.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        log::returned((body.account_id, place.who), &mark, return_id, tx).await
    })?;
    Ok((StatusCode::CREATED, Json(Begun { return_id })))
}

async fn is_known(return_id: ReturnId, tx: &mut AnyConnection) -> Result<bool> {
    let known: Option<i64> = sqlx::query_scalar(
        "-- comeback::is_known
        select state from comeback where return_id = $1",
    )
    .bind(return_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    Ok(known.is_some())
}

/// Among which returns one is counted.
struct Place {
    /// Of the lock's root.
    generation: i64,
    /// The guardian who begins it.
    who: GuardianId,
}

impl Place {
    fn begun_by(&self) -> Vec<u8> {
        match self.who {
            GuardianId::Structure(structure_id) => structure_id.as_bytes().to_vec(),
            GuardianId::Account(account_id) => account_id.as_bytes().to_vec(),
        }
    }
}

async fn place(body: &Return, guardians: &Guardians, tx: &mut AnyConnection) -> Result<Place> {
    let one = guardians.get(body.guardian).ok_or(Code::Refused)?;
    let generation: Option<i64> = sqlx::query_scalar(
        "-- comeback::place
        select generation from guardians where lock_id = $1 and account_id = $2",
    )
    .bind(body.lock_id.as_bytes())
    .bind(body.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let generation = generation.ok_or(Code::NotFound)?;
    Ok(Place { generation, who: one.name.guardian_id().ok_or(Code::Refused)? })
}

/// How many returns a guardian has begun in a generation. BACK-3.
pub(crate) async fn begun(
    account_id: AccountId,
    (generation, begun_by): (i64, &[u8]),
    tx: &mut AnyConnection,
) -> Result<u32> {
    let count: i64 = sqlx::query_scalar(
        "-- comeback::begun
        select coalesce(max(count), 0) from comeback
        where account_id = $1 and generation = $2 and begun_by = $3",
    )
    .bind(account_id.as_bytes())
    .bind(generation)
    .bind(begun_by)
    .fetch_one(&mut *tx)
    .await?;
    u32::try_from(count).map_err(|_| Error::Broken("a count of returns"))
}

/// One at a time for each guardian, and counted without gaps: whoever looks into the log finds the next, and no
/// guardian holds another up. BACK-3, BACK-4.
async fn check_count(body: &Return, place: &Place, tx: &mut AnyConnection) -> Result<()> {
    let begun_by = place.begun_by();
    let open: Option<i64> = sqlx::query_scalar(
        "-- comeback::check_count
        select count from comeback where account_id = $1 and begun_by = $2 and state = 1 limit 1",
    )
    .bind(body.account_id.as_bytes())
    .bind(begun_by.as_slice())
    .fetch_optional(&mut *tx)
    .await?;
    let count = begun(body.account_id, (place.generation, &begun_by), tx).await?;
    if open.is_some() || body.count != count + 1 {
        return Err(Code::Conflict.into());
    }
    if count >= RETURNS_MAX { Err(Error::TooMany(RETURNS_MAX.into())) } else { Ok(()) }
}

/// Under guardians who were ended, a return begins for a while only: after they were, after a return under them ended,
/// and after those who were named later overruled somebody. GUARD-8.
async fn check_begins(lock_id: LockId, now: u64, tx: &mut AnyConnection) -> Result<()> {
    let may: Option<i64> = sqlx::query_scalar(
        "-- comeback::check_begins
        select sequence from guardians k where k.lock_id = $1 and (k.ended_at is null or (
          k.ended_at > $3 and (k.ended_at > $2 or k.reopened_at > $2 or exists (
            select 1 from comeback c where c.lock_id = k.lock_id and c.ended_at > $2))))",
    )
    .bind(lock_id.as_bytes())
    .bind(to_row(now.saturating_sub(OVERRULE_BEGINS_SECONDS)))
    // It ends in time, then.
    .bind(to_row(now.saturating_sub(OVERRULE_SECONDS - RETURN_SECONDS)))
    .fetch_optional(&mut *tx)
    .await?;
    may.map(drop).ok_or(Code::NotFound.into())
}

/// Whether one was stopped not long ago, of these guardians or of others before them: whoever named others for
/// themselves stops nothing for those who overrule them. BACK-5.
async fn was_stopped(lock_id: LockId, now: u64, tx: &mut AnyConnection) -> Result<bool> {
    let stopped: Option<i64> = sqlx::query_scalar(
        "-- comeback::was_stopped
        select 1 from comeback c
        join guardians before on before.lock_id = c.lock_id
        join guardians k on k.account_id = c.account_id and k.sequence >= before.sequence
        where k.lock_id = $1 and c.state = 2 and c.ended_at > $2 limit 1",
    )
    .bind(lock_id.as_bytes())
    .bind(to_row(now.saturating_sub(STRICT_SECONDS)))
    .fetch_optional(&mut *tx)
    .await?;
    Ok(stopped.is_some())
}

/// Nobody comes back in the way that they began.
pub(crate) async fn end_all(account_id: AccountId, now: u64, tx: &mut AnyConnection) -> Result<()> {
    let open: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- comeback::end_all
        select return_id from comeback where account_id = $1 and state = 1",
    )
    .bind(account_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    for return_id in open {
        ended::end_one(id(&return_id)?, OVER, now, tx).await?;
    }
    Ok(())
}

/// What took too long is over.
async fn end_late(account_id: AccountId, now: u64, tx: &mut AnyConnection) -> Result<()> {
    sqlx::query(
        "-- comeback::end_late
        update comeback set state = 3, ended_at = began_at + $2
        where account_id = $1 and state = 1 and began_at + $2 <= $3",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(RETURN_SECONDS))
    .bind(to_row(now))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A new generation began: whoever began it through guardians is back, and what is open under guardians who were
/// overruled is over. A generation of the root's ends no return: its thief would begin one. BACK-3.
pub(crate) async fn end_with_generation(
    next: &Next,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let Signer::Guardians { lock_id: by } = next.statement.body().signer else { return Ok(()) };
    // Of several whose values were given out it was the last: they are given once more before one enters.
    let open: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
        "-- comeback::end_with_generation
        select return_id, lock_id, entered from comeback where account_id = $1 and state = 1
        order by entered desc",
    )
    .bind(next.after.account_id().as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let mut back = false;
    for (return_id, lock_id, entered) in open {
        let lock_id: LockId = id(&lock_id)?;
        let is_it = !back && lock_id == by && entered > 0;
        back |= is_it;
        let older = lock_id != by && next.after.guardians_of(lock_id).is_some();
        if !older {
            let state = if is_it { DONE } else { OVER };
            ended::end_one(id(&return_id)?, state, now, tx).await?;
        }
    }
    Ok(())
}

/// A device of the owner's says that it is not the owner who comes back. BACK-4, BACK-5.
pub(crate) async fn stop(
    account_id: AccountId,
    return_id: ReturnId,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let stored = Stored::find(return_id, tx).await?;
    if stored.account_id != account_id {
        return Err(Code::NotFound.into());
    }
    stored.check_open(now)?;
    if stored.is_strict {
        return Err(Code::ReturnStrict.into());
    }
    ended::end_one(return_id, STOPPED, now, tx).await
}

/// Returns to a safe, of one configuration or of all; in order. Those of the newest generation are all among them:
/// the log has them.
pub(crate) async fn shown(
    account_id: AccountId,
    lock_id: Option<LockId>,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<Vec<ReturnShown>> {
    let rows: Vec<Row> = sqlx::query_as(
        "-- comeback::shown
        select return_id, account_id, lock_id, offer, began_at, strict, state, ended_at, said
        from comeback where account_id = $1 order by began_at, count, return_id",
    )
    .bind(account_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let now = app.clock.now();
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = Stored::of(row)?;
        if lock_id.is_some_and(|lock_id| lock_id != stored.lock_id) {
            continue;
        }
        let vouches = stored.vouches(tx).await?;
        shown.push(stored.show(&vouches, now));
    }
    Ok(shown)
}
