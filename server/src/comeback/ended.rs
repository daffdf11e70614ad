//! How one return ends, and what is kept of it. BACK-9.

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    api::{Code, Problem},
    guardian::RETURN_SECONDS,
    id::ReturnId,
};
use sqlx::AnyConnection;

use super::{OVER, Stored};
use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::Result,
    kept,
    wire::{Named, to_row},
};

/// For so long after its end, vouches are kept, and a return whose generation is over.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Ends one return, and removes what was sealed to it.
pub(super) async fn end_one(
    return_id: ReturnId,
    state: i64,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- comeback::end_one
        update vouch set sealed = $2 where return_id = $1",
    )
    .bind(return_id.as_bytes())
    .bind(Vec::<u8>::new())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- comeback::end_one
        update comeback set state = $2, ended_at = $3 where return_id = $1 and state = 1",
    )
    .bind(return_id.as_bytes())
    .bind(state)
    .bind(to_row(now))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The guardian who began a return ends it: a mistake does not wait for its time. BACK-9.
#[utoipa::path(
    post, path = "/v1/returns/{return_id}/cancel", params(("return_id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn cancel(
    caller: Caller,
    State(app): State<App>,
    Named(return_id): Named<ReturnId>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    transaction!(app.db, "comeback::cancel", |tx| {
        let theirs: Option<i64> = sqlx::query_scalar(
            "-- comeback::cancel
            select c.state from comeback c
            where c.return_id = $1 and (c.begun_by = $2 or exists (
              select 1 from member m
              where m.structure_id = c.begun_by and m.account_id = $2 and m.confirmed = 1
                and m.ends_at > $3))",
        )
        .bind(return_id.as_bytes())
        .bind(caller.account_id.as_bytes())
        .bind(app.clock.now_row())
        .fetch_optional(&mut *tx)
        .await?;
        theirs.ok_or(Code::NotFound)?;
        // What is over stays as it ended.
        if Stored::find(return_id, tx).await?.is_open(now) {
            end_one(return_id, OVER, now, tx).await?;
        }
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// What took too long is over, and what ended long ago goes. A return of the newest generation stays, or of one whose
/// guardians may overrule, as its mark in the log does: the owner's devices would take it for one that was kept from
/// them.
pub(crate) async fn sweep(now: i64, tx: &mut AnyConnection) -> Result<u64> {
    sqlx::query(
        "-- comeback::sweep
        update comeback set state = 3, ended_at = began_at + $1
        where state = 1 and began_at <= $2 - $1",
    )
    .bind(to_row(RETURN_SECONDS))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let wiped = sqlx::query(
        "-- comeback::sweep
        update vouch set sealed = $1 where sealed <> $1 and return_id in (
          select return_id from comeback where state <> 1)",
    )
    .bind(Vec::<u8>::new())
    .execute(&mut *tx)
    .await?;
    let vouches = sqlx::query(
        "-- comeback::sweep
        delete from vouch where return_id in (
          select return_id from comeback where ended_at <= $1)",
    )
    .bind(now - KEPT_SECONDS)
    .execute(&mut *tx)
    .await?;
    let returns = sqlx::query(
        "-- comeback::sweep
        delete from comeback where ended_at <= $1 and exists (
          select 1 from generation g
          where g.account_id = comeback.account_id and g.generation > comeback.generation)
          and not exists (
          select 1 from guardians k
          where k.account_id = comeback.account_id and k.generation = comeback.generation
            and (k.ended_at is null or k.ended_at > $2))",
    )
    .bind(now - KEPT_SECONDS)
    .bind(kept::over_before(now))
    .execute(&mut *tx)
    .await?;
    Ok(wiped.rows_affected() + vouches.rows_affected() + returns.rows_affected())
}
