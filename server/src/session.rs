//! Sessions: what a device opens with its signature, and ends. Tokens are stored as hashes, and one
//! that was used never comes back.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    PublicKey, Unverified,
    api::{Code, OpenSession, Problem, Session, SessionState, Sessions},
    id::{AccountId, DeviceId},
    lock::SessionOpening,
    manifest::Manifest,
    statement::{Body, Statement},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    continued,
    db::transaction,
    effect,
    error::{Error, Result},
    generation::newest_keys,
    held::CLOCK_SECONDS,
    log,
    statement::{self, Next, Place},
    time::LEAP_SECONDS,
    wire::{Sent, from_row, id, to_row},
};

/// How long a session lives.
const LIFE_SECONDS: u64 = 12 * 3600;
/// One that ends later than this was opened while the clock was ahead, by more than is believed of a clock:
/// it would live until the clock is there again.
const LATEST_SECONDS: i64 = LIFE_SECONDS.cast_signed() + LEAP_SECONDS;
/// Sessions of one account whose rows are kept: eighty a day.
const SESSIONS: i64 = 5_000;

/// When a session that lives at `now` ends at the latest.
pub(crate) fn latest_end(now: i64) -> i64 {
    now.saturating_add(LATEST_SECONDS)
}

/// Opens a session, and adds its device when it is new.
#[utoipa::path(
    post, path = "/v1/sessions", request_body = OpenSession,
    responses((status = 201, body = Session), (status = "default", body = Problem))
)]
pub(crate) async fn open(
    State(app): State<App>,
    Sent(request): Sent<OpenSession>,
) -> Result<(StatusCode, Json<Session>)> {
    let opening = Unverified::<SessionOpening>::decode(&request.opening.0).map_err(ended)?;
    let (account_id, device_id) = (opening.claim().account_id, opening.claim().device_id);
    let going = match &request.continued {
        Some(continued) => {
            check_root(account_id, &continued.statement.0, &app).await?;
            continued::check(account_id, continued, &app).await?
        }
        None => None,
    };
    let before = going.as_ref().map(|it| it.next.after.clone());
    let next = match &request.statement {
        Some(statement) => added((account_id, device_id), before, &statement.0, &app).await?,
        None => None,
    };
    let log_value = if next.is_some() { log::value(&request.log_value)? } else { [0; 32] };
    let signing = match &next {
        Some(next) => next.after.device(device_id).map(|device| device.signing),
        // Nobody's where there is none: a signature is verified in either case.
        None => signing_key(account_id, device_id, &app).await?.or(Some(app.nobody.signing)),
    };
    let opening = opening.verify(&signing.ok_or(Code::SessionEnded)?).map_err(ended)?.into_body();
    let now = app.clock.now();
    if opening.made_at.abs_diff(now) > CLOCK_SECONDS {
        return Err(Code::WrongClock.into());
    }
    let expires_at = transaction!(app.db, "session::open", |tx| {
        match &going {
            Some(going) => going.write(&app, tx).await?,
            // A device that was retired since the backup would come in. BACKUP-10.
            None => continued::check_not_behind(account_id, tx).await?,
        }
        if let Some(next) = &next {
            next.write(&log_value, now, tx).await?;
            let signing = signing.ok_or(Code::SessionEnded)?;
            add_device(account_id, device_id, signing, tx).await?;
        }
        insert(&opening, now, tx).await
    })?;
    if going.is_some() {
        app.taken_away();
    }
    if let Some(next) = next.or(going.map(|going| going.next)) {
        app.manifests.keep(next.after);
    }
    Ok((StatusCode::CREATED, Json(Session { expires_at })))
}

fn ended<E>(_: E) -> Error {
    Code::SessionEnded.into()
}

/// The root's signature comes first: folding a chain costs more than a signature, and who has not
/// shown one learns nothing of the safe, not even whether there is one.
async fn check_root(account_id: AccountId, statement: &[u8], app: &App) -> Result<()> {
    let keys = newest_keys(account_id, app).await?;
    let root = keys.map_or(app.nobody.signing, |keys| keys.signing);
    Unverified::<Statement>::decode(statement).and_then(|s| s.verify(&root)).map_err(ended)?;
    Ok(())
}

/// Verifies the statement that adds a device. `None` when it is written already.
async fn added(
    (account_id, opened): (AccountId, DeviceId),
    before: Option<Arc<Manifest>>,
    statement: &[u8],
    app: &App,
) -> Result<Option<Box<Next>>> {
    check_root(account_id, statement, app).await?;
    match statement::place_after(account_id, before, statement.to_vec(), app).await {
        Ok(Place::Written(_)) => Ok(None),
        Ok(Place::Next(next)) => match &next.statement.body().body {
            Body::AddDevice { device_id, .. } if *device_id == opened => {
                effect::check_count(&next.statement.body().body, &next.after)?;
                Ok(Some(next))
            }
            _ => Err(Code::SessionEnded.into()),
        },
        Err(Error::Code(Code::Conflict)) => Err(Code::Conflict.into()),
        Err(Error::Code(_)) => Err(Code::SessionEnded.into()),
        Err(error) => Err(error),
    }
}

async fn signing_key(
    account_id: AccountId,
    device_id: DeviceId,
    app: &App,
) -> Result<Option<PublicKey>> {
    let key: Option<Vec<u8>> = sqlx::query_scalar(
        "-- session::signing_key
        select signing from device where account_id = $1 and device_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(device_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    Ok(key.and_then(|key| key.as_slice().try_into().ok()).map(PublicKey))
}

/// Stores a session, and says when it ends. The same opening again is the same session; a token that
/// was used by another, or that has ended, is refused.
async fn insert(opening: &SessionOpening, now: u64, tx: &mut AnyConnection) -> Result<u64> {
    check_count(opening.account_id, tx).await?;
    let expires_at = now + LIFE_SECONDS;
    let kept_until = expires_at.max(opening.made_at) + 2 * CLOCK_SECONDS;
    let ends: Option<i64> = sqlx::query_scalar(
        "-- session::insert
        insert into session (token_hash, account_id, device_id, expires_at, ended, kept_until)
        select $1, $2, $3, $4, 0, $5
        where exists (select 1 from device where account_id = $2 and device_id = $3)
        on conflict (token_hash) do update set expires_at = session.expires_at
        where session.account_id = $2 and session.device_id = $3 and session.ended = 0
          and session.expires_at > $6 and session.expires_at <= $7
        returning expires_at",
    )
    .bind(opening.token_hash.as_slice())
    .bind(opening.account_id.as_bytes())
    .bind(opening.device_id.as_bytes())
    .bind(to_row(expires_at))
    .bind(to_row(kept_until))
    .bind(to_row(now))
    .bind(latest_end(to_row(now)))
    .fetch_optional(&mut *tx)
    .await?;
    Ok(from_row(ends.ok_or(Code::SessionEnded)?))
}

/// Whoever opens sessions without end would fill the disk: their rows are kept for two months.
async fn check_count(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    let kept: i64 = sqlx::query_scalar(
        "-- session::check_count
        select count(*) from session where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if kept < SESSIONS { Ok(()) } else { Err(Error::Wait(Code::TooManyRequests, 3600)) }
}

/// The sessions of the caller's safe that have not ended, the newest first.
#[utoipa::path(
    get, path = "/v1/sessions",
    responses((status = 200, body = Sessions), (status = "default", body = Problem))
)]
pub(crate) async fn list(caller: Caller, State(app): State<App>) -> Result<Json<Sessions>> {
    let rows: Vec<(Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
        "-- session::list
        select device_id, expires_at, token_hash from session
        where account_id = $1 and ended = 0 and expires_at > $2 and expires_at <= $3
        order by expires_at desc limit 200",
    )
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .bind(latest_end(app.clock.now_row()))
    .fetch_all(app.db.reader())
    .await?;
    let sessions = rows.iter().map(|(device_id, expires_at, token_hash)| {
        let (device_id, expires_at) = (id(device_id)?, from_row(*expires_at));
        Ok(SessionState { device_id, expires_at, this: *token_hash == caller.token_hash })
    });
    Ok(Json(Sessions { sessions: sessions.collect::<Result<_>>()? }))
}

/// Ends the session that asks.
#[utoipa::path(
    delete, path = "/v1/sessions/this",
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn end_this(caller: Caller, State(app): State<App>) -> Result<StatusCode> {
    transaction!(app.db, "session::end_this", |tx| {
        sqlx::query(
            "-- session::end_this
                update session set ended = 1 where token_hash = $1 and account_id = $2",
        )
        .bind(caller.token_hash.as_slice())
        .bind(caller.account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        Ok(())
    })?;
    app.taken_away();
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of the caller's account.
#[utoipa::path(
    delete, path = "/v1/sessions",
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn end_all(caller: Caller, State(app): State<App>) -> Result<StatusCode> {
    transaction!(app.db, "session::end_all", |tx| {
        sqlx::query(
            "-- session::end_all
                update session set ended = 1 where account_id = $1",
        )
        .bind(caller.account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        Ok(())
    })?;
    app.taken_away();
    Ok(StatusCode::NO_CONTENT)
}

/// Stores a device that a statement added.
pub(crate) async fn add_device(
    account_id: AccountId,
    device_id: DeviceId,
    signing: PublicKey,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- session::add_device
        insert into device (account_id, device_id, signing) values ($1, $2, $3)",
    )
    .bind(account_id.as_bytes())
    .bind(device_id.as_bytes())
    .bind(signing.0.as_slice())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes a device that a statement retired, and its sessions with it.
pub(crate) async fn retire_device(
    account_id: AccountId,
    device_id: DeviceId,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- session::retire_device
        delete from device where account_id = $1 and device_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(device_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: crate::Config,
    }

    async fn on(folder: &tempfile::TempDir) -> anyhow::Result<App> {
        let data = folder.path().to_string_lossy().into_owned();
        let config = <Command as clap::Parser>::try_parse_from(["reconnect", "--data", &data])?;
        App::open(config.config, crate::Clock::manual(1_000_000)).await
    }

    #[tokio::test]
    async fn a_session_ends_after_half_a_day_and_its_token_is_known_for_two_months_more()
    -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let app = on(&folder).await?;
        let id = [1; 32];
        let (account_id, device_id) = (AccountId(id), DeviceId([1; DeviceId::SIZE_BYTES]));
        let now = 1_000_000;
        // A device whose clock is ahead may sign for as long as that is believed of it.
        for (made_at, kept_until) in [(now, now + 12 * 3600), (now + 100_000, now + 100_000)] {
            let token_hash = [u8::from(made_at > now); 32];
            let opening = SessionOpening {
                suite: reconnect_format::Suite::V1,
                account_id,
                device_id,
                token_hash,
                made_at,
            };
            let (ends, kept) = transaction!(app.db, "test", |tx| {
                for insert in [
                    "insert into account (account_id, sequence, head, used_bytes,
                      receipt_count, log_index, log_place)
                    values ($1, 1, $1, 0, 0, $1, $1) on conflict do nothing",
                    "insert into device (account_id, device_id, signing) values ($1, $2, $1)
                    on conflict do nothing",
                ] {
                    sqlx::query(insert)
                        .bind(account_id.as_bytes())
                        .bind(device_id.as_bytes())
                        .execute(&mut *tx)
                        .await?;
                }
                let ends = insert(&opening, now, tx).await?;
                let kept: i64 =
                    sqlx::query_scalar("select kept_until from session where token_hash = $1")
                        .bind(token_hash.as_slice())
                        .fetch_one(&mut *tx)
                        .await?;
                Ok((ends, kept))
            })?;
            anyhow::ensure!(ends == now + 43_200, "{ends}");
            anyhow::ensure!(kept == to_row(kept_until + 60 * 24 * 3600), "{kept}");
        }
        anyhow::ensure!(latest_end(1_000) == 1_000 + 43_200 + 86_400);
        Ok(())
    }

    #[tokio::test]
    async fn so_many_sessions_of_one_safe_are_kept_and_no_more() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let app = on(&folder).await?;
        let account_id = AccountId([1; 32]);
        let counted = transaction!(app.db, "test", |tx| {
            for insert in [
                "insert into account (account_id, sequence, head, used_bytes, receipt_count,
                  log_index, log_place)
                values ($1, 1, $1, 0, 0, $1, $1)",
                "insert into device (account_id, device_id, signing) values ($1, $1, $1)",
                "insert into session (token_hash, account_id, device_id, expires_at, ended,
                  kept_until)
                with recursive numbers (it) as
                  (select 1 union all select it + 1 from numbers where it < 4999)
                select cast(it as blob), $1, $1, 0, 1, 0 from numbers",
            ] {
                sqlx::query(insert).bind(account_id.as_bytes()).execute(&mut *tx).await?;
            }
            let before = check_count(account_id, tx).await;
            sqlx::query(
                "insert into session (token_hash, account_id, device_id, expires_at, ended,
                  kept_until)
                values ($1, $1, $1, 0, 1, 0)",
            )
            .bind(account_id.as_bytes())
            .execute(&mut *tx)
            .await?;
            Ok((before, check_count(account_id, tx).await))
        })?;
        let full = matches!(counted, (Ok(()), Err(Error::Wait(Code::TooManyRequests, 3600))));
        anyhow::ensure!(full, "{counted:?}");
        Ok(())
    }

    #[tokio::test]
    async fn who_shows_no_signature_of_the_root_comes_no_further() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let app = on(&folder).await?;
        let checked = check_root(AccountId([1; 32]), b"no statement", &app).await;
        anyhow::ensure!(matches!(checked, Err(Error::Code(Code::SessionEnded))), "{checked:?}");
        Ok(())
    }
}
