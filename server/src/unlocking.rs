//! Unlockings that are under way, between the second and the third message, and whoever opened a lock and
//! has not read the whole chain. Rows that live for minutes: any server on the database takes the next message.

use opaque_ke::ServerLogin;
use reconnect_format::{
    api::Code,
    id::{AccountId, LockId, UnlockId},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    db::transaction,
    error::{Error, Result},
    secret::Words,
    wire::{id, to_row},
};

/// How long somebody has between the first and the third message.
const LIFE_SECONDS: u64 = 120;
/// How long the rest of a long chain may be asked for, once its lock was opened.
const REST_SECONDS: u64 = 600;
/// Unlockings that are under way at one time.
pub(crate) const UNDER_WAY: i64 = 20_000;

pub(crate) struct UnderWay {
    pub(crate) login: ServerLogin<Words>,
    pub(crate) spent: Spent,
    pub(crate) lock: Option<(AccountId, LockId)>,
}

/// Whose try it was, to be given back after a valid finish.
#[derive(Clone, Copy)]
pub(crate) enum Spent {
    /// Of six words: under which key of [`crate::tries`].
    Words([u8; 32]),
    /// Of this lock's PIN.
    Pin(LockId),
}

/// Refuses when too many are under way. Counted outside of the transaction that begins one: with all that
/// begin at one instant they may be a few more, and none waits for another.
pub(crate) async fn check_room(app: &App) -> Result<()> {
    let count: i64 = sqlx::query_scalar("-- unlocking::check_room\nselect count(*) from unlocking")
        .fetch_one(app.db.reader())
        .await?;
    if count < UNDER_WAY { Ok(()) } else { Err(Error::Wait(Code::TooManyRequests, 10)) }
}

/// Begins one, in the transaction that spends its try.
pub(crate) async fn begin(
    unlock_id: UnlockId,
    one: &UnderWay,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    if let Spent::Pin(lock_id) = one.spent {
        // One at a time for each lock: whoever has one card cannot take everybody's room.
        sqlx::query(
            "-- unlocking::begin
            delete from unlocking where lock_id = $1 and tries_key is null",
        )
        .bind(lock_id.as_bytes())
        .execute(&mut *tx)
        .await?;
    }
    let tries_key = match &one.spent {
        Spent::Words(key) => Some(key.as_slice()),
        Spent::Pin(_) => None,
    };
    sqlx::query(
        "-- unlocking::begin
        insert into unlocking (unlock_id, login, tries_key, lock_id, account_id, ends_at)
        values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(unlock_id.as_bytes())
    .bind(one.login.serialize().to_vec())
    .bind(tries_key.map(<[u8]>::to_vec))
    .bind(one.lock.map(|(_, lock_id)| lock_id.as_bytes().to_vec()))
    .bind(one.lock.map(|(account_id, _)| account_id.as_bytes().to_vec()))
    .bind(to_row(now + LIFE_SECONDS))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

type Row = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, i64);

/// Takes one out: each is finished once, on whichever server.
pub(crate) async fn end(unlock_id: UnlockId, app: &App) -> Result<UnderWay> {
    let row: Option<Row> = transaction!(app.db, "unlocking::end", |tx| {
        let row = sqlx::query_as(
            "-- unlocking::end
            delete from unlocking where unlock_id = $1
            returning login, tries_key, lock_id, account_id, ends_at",
        )
        .bind(unlock_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        Ok(row)
    })?;
    let (login, tries_key, lock_id, account_id, ends_at) = row.ok_or(Code::UnlockOver)?;
    if app.clock.now_row() >= ends_at {
        return Err(Code::UnlockOver.into());
    }
    let login = ServerLogin::deserialize(&login)
        .map_err(|_| Error::Broken("a stored login does not decode"))?;
    let lock = match (account_id, lock_id) {
        (Some(account_id), Some(lock_id)) => Some((id(&account_id)?, id(&lock_id)?)),
        _ => None,
    };
    let spent = match (tries_key, lock) {
        (Some(key), _) => {
            let key = key.as_slice().try_into();
            Spent::Words(key.map_err(|_| Error::Broken("a key of tries has another length"))?)
        }
        (None, Some((_, lock_id))) => Spent::Pin(lock_id),
        (None, None) => return Err(Error::Broken("an unlocking of nothing")),
    };
    Ok(UnderWay { login, spent, lock })
}

/// Names what is left of a chain.
pub(crate) async fn keep_rest(
    rest_id: UnlockId,
    (account_id, lock_id): (AccountId, LockId),
    app: &App,
) -> Result<()> {
    let count: i64 =
        sqlx::query_scalar("-- unlocking::keep_rest\nselect count(*) from unlock_rest")
            .fetch_one(app.db.reader())
            .await?;
    if count >= UNDER_WAY {
        return Err(Error::Wait(Code::TooManyRequests, 10));
    }
    let ends_at = to_row(app.clock.now() + REST_SECONDS);
    transaction!(app.db, "unlocking::keep_rest", |tx| {
        sqlx::query(
            "-- unlocking::keep_rest
            insert into unlock_rest (rest_id, account_id, lock_id, ends_at) values ($1, $2, $3, $4)",
        )
        .bind(rest_id.as_bytes())
        .bind(account_id.as_bytes())
        .bind(lock_id.as_bytes())
        .bind(ends_at)
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// Who opened which lock and may read on.
pub(crate) async fn rest(rest_id: UnlockId, app: &App) -> Result<Option<(AccountId, LockId)>> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- unlocking::rest
        select account_id, lock_id from unlock_rest where rest_id = $1 and ends_at > $2",
    )
    .bind(rest_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_optional(app.db.reader())
    .await?;
    row.map(|(account_id, lock_id)| Ok((id(&account_id)?, id(&lock_id)?))).transpose()
}
