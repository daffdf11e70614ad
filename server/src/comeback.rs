//! Returns: somebody who lost everything comes back through guardians.
//!
//! Invariant: what guardians sealed, and what it opens, leaves only when enough of them have vouched and the
//! wait is over; lock, offer and times of a return never change. BACK-3, BACK-8.

pub(crate) mod looked;
mod vouched;

use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{BeginReturn, Begun, Code, Problem, ReturnShown, ReturnState},
    check, decode,
    guardian::{
        ByGuardian, GuardianName, Guardians, Manner, RETURN_OFFER_BYTES, RETURN_SECONDS,
        RETURN_TRIES, RETURNS_MAX, Return, ReturnOffer, STRICT_SECONDS,
    },
    id::{AccountId, Base64, LockId, ReturnId},
    manifest::Manifest,
    statement::Device,
};
use sqlx::AnyConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    chains,
    db::transaction,
    error::{Error, Result},
    guardian, log, statement,
    wire::{Sent, from_row, id, to_row},
};

/// Guardians may vouch.
const OPEN: i64 = 1;
/// A device of the owner's stopped it.
const STOPPED: i64 = 2;
/// Its time, the tries of its PIN or its configuration are over.
pub(crate) const OVER: i64 = 3;
/// Its person is back.
const DONE: i64 = 4;

/// Returns that an answer shows: all under one configuration, at least.
const SHOWN: i64 = RETURNS_MAX as i64;
/// How far a guardian's clock may be from the server's.
const GUARDIAN_CLOCK_SECONDS: u64 = 24 * 3600;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(vouched::share))
        .routes(routes!(vouched::vouch))
}

/// A return as it is stored.
struct Stored {
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
        type Row = (i64, Vec<u8>, i64, Vec<u8>, Vec<u8>);
        let rows: Vec<Row> = sqlx::query_as(
            "-- comeback::vouches
            select number, account_id, manner, bytes, sealed from vouch where return_id = $1
            order by received_at, number",
        )
        .bind(self.return_id.as_bytes())
        .fetch_all(&mut *tx)
        .await?;
        let vouched = |(number, account, manner, bytes, sealed): (_, Vec<u8>, _, _, _)| {
            Ok(Vouched {
                number: u8::try_from(number).map_err(|_| Error::Broken("a guardian's number"))?,
                account_id: id(&account)?,
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
        let (mut counted, mut met) = (papers.clone(), 0);
        for vouch in vouches {
            let Some(one) = guardians.get(vouch.number) else { continue };
            match one.name {
                GuardianName::Structure { .. } => {
                    met += usize::from(vouch.met);
                    counted.insert(vouch.number);
                }
                // Two people of one structure count as one.
                GuardianName::Account { .. } if self.is_of_a_voucher(vouch, tx).await? => {}
                GuardianName::Account { .. } | GuardianName::Paper { .. } => {
                    counted.insert(vouch.number);
                }
            }
        }
        let asks = guardians.asks(self.is_strict, met);
        let waited = now >= self.began_at + u64::from(asks.wait_seconds);
        let enough = counted.len() >= usize::from(asks.guardians);
        Ok(self.is_open(now) && check!(ReturnWait, waited && enough))
    }

    /// Whether somebody who vouched for themselves works in a structure that vouched too.
    async fn is_of_a_voucher(&self, vouch: &Vouched, tx: &mut AnyConnection) -> Result<bool> {
        let both: Option<i64> = sqlx::query_scalar(
            "-- comeback::is_of_a_voucher
            select m.confirmed from vouch v
            join guardian g on g.lock_id = $2 and g.number = v.number
            join member m on m.structure_id = g.structure_id and m.account_id = $3
            where v.return_id = $1 limit 1",
        )
        .bind(self.return_id.as_bytes())
        .bind(self.lock_id.as_bytes())
        .bind(vouch.account_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        Ok(both.is_some())
    }
}

/// A vouch as it is stored.
struct Vouched {
    number: u8,
    account_id: AccountId,
    met: bool,
    bytes: Vec<u8>,
    sealed: Vec<u8>,
}

/// The guardians that a safe's newest statements name, if it is this configuration.
fn named(manifest: &Manifest, lock_id: LockId) -> Result<Guardians> {
    let live = manifest.guardians().filter(|(live, _)| *live == lock_id);
    live.map(|(_, guardians)| guardians.clone()).ok_or(Code::NotFound.into())
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
        end_late(body.account_id, now, tx).await?;
        if is_known(return_id, tx).await? {
            return Ok(());
        }
        check_place(&body, tx).await?;
        // Where all are needed, nobody could be asked for beside them: there it may be stopped again.
        let more = usize::from(guardians.needed) < guardians.guardians.len();
        let strict = more && was_stopped(body.account_id, now, tx).await?;
        let begun = sqlx::query(
            "-- comeback::begin
            insert into comeback (return_id, account_id, lock_id, count, offer, held_id, began_at,
              strict, state, entered, tries_left, said)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)
            on conflict do nothing",
        )
        .bind(return_id.as_bytes())
        .bind(body.account_id.as_bytes())
        .bind(body.lock_id.as_bytes())
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
        log::returned((body.account_id, return_id), &mark, tx).await
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

/// One at a time, and counted without gaps: whoever looks into the log finds the next. BACK-3, BACK-4.
async fn check_place(body: &Return, tx: &mut AnyConnection) -> Result<()> {
    let (open, count): (i64, i64) = sqlx::query_as(
        "-- comeback::check_place
        select coalesce(sum(case when state = 1 then 1 else 0 end), 0),
          coalesce(max(case when lock_id = $2 then count else 0 end), 0)
        from comeback where account_id = $1",
    )
    .bind(body.account_id.as_bytes())
    .bind(body.lock_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if open > 0 || i64::from(body.count) != count + 1 {
        return Err(Code::Conflict.into());
    }
    let most = i64::from(RETURNS_MAX);
    if count >= most { Err(Error::TooMany(from_row(most))) } else { Ok(()) }
}

async fn was_stopped(account_id: AccountId, now: u64, tx: &mut AnyConnection) -> Result<bool> {
    let stopped: Option<i64> = sqlx::query_scalar(
        "-- comeback::was_stopped
        select 1 from comeback where account_id = $1 and state = 2 and ended_at > $2 limit 1",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(now.saturating_sub(STRICT_SECONDS)))
    .fetch_optional(&mut *tx)
    .await?;
    Ok(stopped.is_some())
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

/// Ends what is open: the safe has other guardians, or none.
pub(crate) async fn end_all(
    account_id: AccountId,
    state: i64,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    // What guardians sealed to it is of no use any more, and goes.
    sqlx::query(
        "-- comeback::end_all
        update vouch set sealed = $2 where return_id in (
          select return_id from comeback where account_id = $1 and state = 1)",
    )
    .bind(account_id.as_bytes())
    .bind(Vec::<u8>::new())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- comeback::end_all
        update comeback set state = $2, ended_at = $3 where account_id = $1 and state = 1",
    )
    .bind(account_id.as_bytes())
    .bind(state)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A new generation began: whoever opened the safe through guardians is back, and what else is open is over.
pub(crate) async fn end_with_generation(
    account_id: AccountId,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- comeback::end_with_generation
        update comeback set state = $2, ended_at = $3
        where account_id = $1 and state = 1 and entered = 1",
    )
    .bind(account_id.as_bytes())
    .bind(DONE)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    end_all(account_id, OVER, now, tx).await
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
    end_all(account_id, STOPPED, to_row(now), tx).await
}

/// Returns to a safe, of one configuration or of all; in order.
pub(crate) async fn shown(
    account_id: AccountId,
    lock_id: Option<LockId>,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<Vec<ReturnShown>> {
    let rows: Vec<Row> = sqlx::query_as(
        "-- comeback::shown
        select return_id, account_id, lock_id, offer, began_at, strict, state, ended_at, said
        from comeback where account_id = $1 order by began_at desc limit $2",
    )
    .bind(account_id.as_bytes())
    .bind(SHOWN)
    .fetch_all(&mut *tx)
    .await?;
    let now = app.clock.now();
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        let stored = Stored::of(row)?;
        if lock_id.is_some_and(|lock_id| lock_id != stored.lock_id) {
            continue;
        }
        let vouches = stored.vouches(tx).await?;
        shown.push(stored.show(&vouches, now));
    }
    Ok(shown)
}
