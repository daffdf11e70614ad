//! What whoever comes back opens, once guardians have sealed what they hold: the safe, and its new generation.
//!
//! Invariant: nothing here is answered, and no body is read, but for a return whose values were given out. BACK-8.

use axum::{
    Extension, Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use reconnect_format::{
    Unverified,
    api::{BeginGeneration, Code, OpenReturn, Problem, ReturnOpened, Written},
    check,
    guardian::Guardians,
    id::{AccountId, Base64, ReturnId},
    lock::HeldUse,
    statement::{Body, Signer, Statement},
};
use sqlx::AnyConnection;

use super::{Stored, named};
use crate::{
    app::App,
    continued,
    db::transaction,
    error::{Error, Result},
    generation,
    held::{self, CLOCK_SECONDS},
    kept::{self, Sealed},
    limit, statement, sync,
    wire::{Named, Sent, from_row, to_row},
};

/// A return that is open, and whose values were given out.
pub(crate) struct Entered(Stored);

impl FromRequestParts<App> for Entered {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let Named(return_id) = Named::<ReturnId>::from_request_parts(parts, app).await?;
        let mut tx = app.db.snapshot().await?;
        check_entered(return_id, app.clock.now(), &mut tx).await.map(Self)
    }
}

/// Finds a return that is open, and whose values were given out. BACK-8.
pub(crate) async fn check_entered(
    return_id: ReturnId,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<Stored> {
    let entered: Option<i64> = sqlx::query_scalar(
        "-- comeback::check_entered
        select entered from comeback where return_id = $1",
    )
    .bind(return_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let stored = Stored::find(return_id, tx).await?;
    stored.check_open(now)?;
    if check!(ReturnWait, entered.is_some_and(|it| it > 0)) {
        Ok(stored)
    } else {
        Err(Code::NotFound.into())
    }
}

/// For so long after whoever comes back opened the safe, nobody else writes to it: a thief who is there would be first
/// each time.
const PAUSE_SECONDS: u64 = 600;

/// Refuses what is said while somebody comes back, but that it is not the owner. BACK-8.
pub(crate) async fn check_pause(
    account_id: AccountId,
    statement: &Statement,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let is_theirs = matches!(statement.signer, Signer::Guardians { .. });
    if is_theirs || matches!(statement.body, Body::StopReturn { .. }) {
        return Ok(());
    }
    let opened: Option<i64> = sqlx::query_scalar(
        "-- comeback::check_pause
        select opened_at from comeback
        where account_id = $1 and state = 1 and opened_at > $2 limit 1",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(now.saturating_sub(PAUSE_SECONDS)))
    .fetch_optional(&mut *tx)
    .await?;
    if opened.is_none() { Ok(()) } else { Err(Error::Wait(Code::TooManyRequests, 60)) }
}

/// Opens a safe with what guardians put together, as it was in their generation. BACK-8.
#[utoipa::path(
    post, path = "/v1/returns/{return_id}/open", params(("return_id" = String, Path)),
    request_body = OpenReturn,
    responses((status = 200, body = ReturnOpened), (status = "default", body = Problem))
)]
pub(crate) async fn open(
    Entered(stored): Entered,
    State(app): State<App>,
    Sent(asked): Sent<OpenReturn>,
) -> Result<Json<ReturnOpened>> {
    let manifest = statement::load(stored.account_id, &app).await?;
    let guardians = named(&manifest, stored.lock_id)?;
    let held_use = verify(&asked.held_use, &guardians, &app)?;
    let now = app.clock.now();
    transaction!(app.db, "comeback::open", |tx| {
        continued::check_not_behind(stored.account_id, tx).await?;
        held::count_once(stored.account_id, &held_use, now, tx).await?;
        sqlx::query("-- comeback::open\nupdate comeback set opened_at = $2 where return_id = $1")
            .bind(stored.return_id.as_bytes())
            .bind(to_row(now))
            .execute(&mut *tx)
            .await?;
        Ok(())
    })?;
    let mut tx = app.db.snapshot().await?;
    opened(&stored, (asked.statements_after, asked.records_after), &mut tx).await.map(Json)
}

/// Whoever put together what guardians hold has the lock's key.
fn verify(sent: &Base64, guardians: &Guardians, app: &App) -> Result<HeldUse> {
    let wrong = Code::WrongHeld;
    let held_use = Unverified::<HeldUse>::decode(&sent.0).map_err(|_| wrong)?;
    let held_use = held_use.verify(&guardians.held.signing).map_err(|_| wrong)?.into_body();
    if held_use.held_id != guardians.held.held_id {
        return Err(wrong.into());
    }
    if held_use.made_at.abs_diff(app.clock.now()) > CLOCK_SECONDS {
        return Err(Code::WrongClock.into());
    }
    Ok(held_use)
}

async fn opened(
    stored: &Stored,
    (statements_after, after): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<ReturnOpened> {
    let account_id = stored.account_id;
    let (root_wrap, generation): (Vec<u8>, i64) = sqlx::query_as(
        "-- comeback::opened
        select root_wrap, generation from guardians where lock_id = $1",
    )
    .bind(stored.lock_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    let (log_place, earlier_roots, head): (Vec<u8>, Option<Vec<u8>>, i64) = sqlx::query_as(
        "-- comeback::opened
        select log_place, earlier_roots, sequence from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    let generation = u32::try_from(generation).map_err(|_| Error::Broken("a generation"))?;
    let over = kept::sealed(account_id, generation, tx).await?;
    let page = statement::page(account_id, statements_after, tx).await?;
    let (is_over, sealed) = match over {
        Some(sealed) => (true, sealed),
        None => (false, Sealed { log_place, earlier_roots }),
    };
    let mut given = ReturnOpened {
        root_wrap: Base64(root_wrap),
        log_place: Base64(sealed.log_place),
        earlier_roots: sealed.earlier_roots.map(Base64),
        statements: page.rows,
        owner_wraps: Vec::new(),
        wraps: Vec::new(),
        records_until: after,
        more: true,
    };
    if page.more {
        return Ok(given);
    }
    let until = after.saturating_add(sync::RECORDS).min(from_row(head)).max(after);
    let (of, between) = ((account_id, generation), (after, until));
    (given.owner_wraps, given.wraps) = if is_over {
        (kept::owner_wraps(of, between, tx).await?, kept::wraps(of, between, tx).await?)
    } else {
        let wraps = sync::owner_wraps(account_id, between, tx).await?;
        (wraps, sync::wraps(account_id, between, tx).await?)
    };
    given.records_until = until;
    given.more = until < from_row(head);
    Ok(given)
}

/// Begins a new generation of the safe to which somebody came back, signed by what guardians put together. GUARD-7.
#[utoipa::path(
    post, path = "/v1/returns/{return_id}/generation", params(("return_id" = String, Path)),
    request_body = BeginGeneration,
    responses((status = 200, body = Written), (status = "default", body = Problem))
)]
pub(crate) async fn renew(
    Entered(stored): Entered,
    State(app): State<App>,
    Extension(seat): Extension<limit::Place>,
    Sent(asked): Sent<BeginGeneration>,
) -> Result<Json<Written>> {
    app.unlock_rate.turn(&seat, &app.crowd).await?;
    let by = Signer::Guardians { lock_id: stored.lock_id };
    let theirs = (|signer| signer == by, Some(stored.return_id));
    generation::take_in(stored.account_id, asked, theirs, &app).await
}
