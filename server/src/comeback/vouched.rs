//! What guardians do while a return is open.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    Label,
    api::{Code, GiveVouch, OpenShare, Problem, ShareShown},
    guardian::{ByGuardian, VOUCHED_BYTES, Vouch},
    id::{Base64, ReturnId},
};

use super::{Stored, check_said, counted, named};
use crate::{
    app::App,
    caller::Caller,
    continued,
    db::transaction,
    error::Result,
    guardian, statement,
    wire::{Named, Sent, to_row},
};

/// What a guardian holds, and for whom it is to be sealed, while a return is open. GUARD-4.
#[utoipa::path(
    post, path = "/v1/returns/{return_id}/share", params(("return_id" = String, Path)),
    request_body = OpenShare,
    responses((status = 200, body = ShareShown), (status = "default", body = Problem))
)]
pub(crate) async fn share(
    caller: Caller,
    State(app): State<App>,
    Named(return_id): Named<ReturnId>,
    Sent(asked): Sent<OpenShare>,
) -> Result<Json<ShareShown>> {
    let mut tx = app.db.snapshot().await?;
    let stored = Stored::find(return_id, &mut tx).await?;
    guardian::check_is(caller, (stored.lock_id, asked.number), &app, &mut tx).await?;
    stored.check_open(app.clock.now())?;
    let wrap: Vec<u8> = sqlx::query_scalar(
        "-- comeback::share
        select wrap from guardian where lock_id = $1 and number = $2",
    )
    .bind(stored.lock_id.as_bytes())
    .bind(i64::from(asked.number))
    .fetch_one(&mut *tx)
    .await?;
    Ok(Json(ShareShown { wrap: Base64(wrap), offer: Base64(stored.offer) }))
}

/// Takes in a guardian's vouch: one for each guardian, and for each account. BACK-3.
#[utoipa::path(
    post, path = "/v1/returns/{return_id}/vouches", params(("return_id" = String, Path)),
    request_body = GiveVouch,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn vouch(
    caller: Caller,
    State(app): State<App>,
    Named(return_id): Named<ReturnId>,
    Sent(given): Sent<GiveVouch>,
) -> Result<StatusCode> {
    let (said, signed, device) = ByGuardian::open::<Vouch>(&given.vouch.0)?;
    let body = signed.into_body();
    let sound = body.return_id == return_id
        && given.sealed.0.len() == VOUCHED_BYTES
        && body.sealed_hash == Label::VouchedHash.hash(&given.sealed.0);
    if !sound {
        return Err(Code::Refused.into());
    }
    let now = app.clock.now();
    let stored = {
        let mut tx = app.db.snapshot().await?;
        Stored::find(return_id, &mut tx).await?
    };
    let manifest = statement::load(stored.account_id, &app).await?;
    let guardians = named(&manifest, stored.lock_id)?;
    transaction!(app.db, "comeback::vouch", |tx| {
        Stored::find(return_id, tx).await?.check_open(now)?;
        continued::check_not_behind(stored.account_id, tx).await?;
        let signed = (&said, &device, body.made_at);
        check_said(signed, (&guardians, stored.lock_id, body.guardian), caller, &app, tx).await?;
        let taken = sqlx::query(
            "-- comeback::vouch
            insert into vouch (return_id, number, account_id, manner, received_at, bytes, sealed)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict do nothing",
        )
        .bind(return_id.as_bytes())
        .bind(i64::from(body.guardian))
        .bind(caller.account_id.as_bytes())
        .bind(i64::from(body.manner as u8))
        .bind(to_row(now))
        .bind(given.vouch.0.clone())
        .bind(given.sealed.0.clone())
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 1 {
            let (of, at) = ((return_id, body.guardian), app.clock.now_row());
            return counted::note_places(of, caller.account_id, at, tx).await;
        }
        // The same again is a repeated request. Nobody is told that anything else was taken in.
        let again: Option<i64> = sqlx::query_scalar(
            "-- comeback::vouch
            select manner from vouch where return_id = $1 and number = $2 and bytes = $3",
        )
        .bind(return_id.as_bytes())
        .bind(i64::from(body.guardian))
        .bind(given.vouch.0.clone())
        .fetch_optional(&mut *tx)
        .await?;
        again.map(drop).ok_or(Code::Conflict.into())
    })?;
    Ok(StatusCode::NO_CONTENT)
}
