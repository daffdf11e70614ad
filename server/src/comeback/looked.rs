//! What whoever comes back is told, who holds a return card and its PIN; and what opens with it, when it is time.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, Json, extract::State};
use reconnect_format::{
    PublicKey, Unverified,
    api::{Code, LookReturn, Problem, ReturnFound, ReturnLooked, SharesGiven, VouchedShare},
    decode,
    guardian::{GUARDIANS_MAX, ReturnOffer},
    id::{Base64, LockId, ReturnId},
    lock::HeldUse,
    manifest::Manifest,
};
use sqlx::AnyConnection;

use super::{DONE, Row, Stored, Vouched};
use crate::{
    app::App,
    db::transaction,
    error::{Error, Result},
    guardian,
    held::CLOCK_SECONDS,
    journal::Noted,
    statement,
    wire::{Sent, to_row},
};

/// How a return stands, for whoever holds its card and PIN; with what guardians sealed, once it may be had.
#[utoipa::path(
    post, path = "/v1/returns/look", request_body = LookReturn,
    responses((status = 200, body = ReturnLooked), (status = "default", body = Problem))
)]
pub(crate) async fn look(
    State(app): State<App>,
    noted: Option<Extension<Noted>>,
    Sent(asked): Sent<LookReturn>,
) -> Result<Json<ReturnLooked>> {
    let wrong = Code::WrongHeld;
    let held_use = Unverified::<HeldUse>::decode(&asked.held_use.0).map_err(|_| wrong)?;
    let now = app.clock.now();
    let row: Option<Row> = sqlx::query_as(
        "-- comeback::look
        select return_id, account_id, lock_id, offer, began_at, strict, state, ended_at, said
        from comeback where held_id = $1",
    )
    .bind(held_use.claim().held_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    let nothing = ReturnLooked { found: None, tries_left: None };
    let Some(row) = row else {
        if let Some(Extension(noted)) = noted {
            noted.changes_nothing();
        }
        return Ok(Json(nothing));
    };
    let stored = Stored::of(row)?;
    let offer: ReturnOffer = decode(&stored.offer)?;
    let Ok(held_use) = held_use.verify(&offer.signing) else {
        let left = spend(stored.return_id, now, &app).await?;
        return Ok(Json(ReturnLooked { tries_left: Some(left), ..nothing }));
    };
    if held_use.body().made_at.abs_diff(now) > CLOCK_SECONDS {
        return Err(Code::WrongClock.into());
    }
    let manifest = match statement::load(stored.account_id, &app).await {
        Ok(manifest) => manifest,
        Err(Error::Code(Code::NotFound)) => return Ok(Json(nothing)),
        Err(error) => return Err(error),
    };
    found(&stored, &manifest, &asked.papers, now, &app).await
}

async fn found(
    stored: &Stored,
    manifest: &Arc<Manifest>,
    papers: &[Base64],
    now: u64,
    app: &App,
) -> Result<Json<ReturnLooked>> {
    // Its person is back, or nobody named who they were can overrule any more.
    let Some(guardians) = manifest.guardians_of(stored.lock_id).filter(|_| stored.state != DONE)
    else {
        return Err(Code::ReturnOver.into());
    };
    let keys = guardian::keys_proof(stored.account_id, app).await?.ok_or(Code::NotFound)?;
    let mut tx = app.db.snapshot().await?;
    let vouches = stored.vouches(&mut tx).await?;
    let statement = guardian::named_in(stored.lock_id, &mut tx).await?;
    let (shown, wraps) = papers_shown(stored.lock_id, papers, now, &mut tx).await?;
    let ready = stored.is_ready(guardians, &vouches, &shown, now, &mut tx).await?;
    let share =
        |it: &Vouched| VouchedShare { number: it.number, sealed: Base64(it.sealed.clone()) };
    let shares =
        ready.then(|| SharesGiven { vouched: vouches.iter().map(share).collect(), papers: wraps });
    let found = ReturnFound {
        shown: stored.show(&vouches, now),
        keys,
        statement: Base64(statement),
        now,
        shares,
    };
    drop(tx);
    if ready {
        note_ready(stored.return_id, now, app).await?;
    }
    Ok(Json(ReturnLooked { found: Some(Box::new(found)), tries_left: None }))
}

/// From now on the key that guardians put together opens the lock, for as long as the return is open. BACK-8.
async fn note_ready(return_id: ReturnId, now: u64, app: &App) -> Result<()> {
    transaction!(app.db, "comeback::note_ready", |tx| {
        sqlx::query(
            "-- comeback::note_ready
            update comeback set entered = $2 where return_id = $1 and state = 1",
        )
        .bind(return_id.as_bytes())
        .bind(to_row(now))
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// Which papers were shown, and what was wrapped to each.
async fn papers_shown(
    lock_id: LockId,
    papers: &[Base64],
    now: u64,
    tx: &mut AnyConnection,
) -> Result<(BTreeSet<u8>, Vec<Base64>)> {
    let (mut numbers, mut wraps) = (BTreeSet::new(), Vec::new());
    for paper in papers.iter().take(GUARDIANS_MAX) {
        let held_use = Unverified::<HeldUse>::decode(&paper.0).map_err(|_| Code::WrongHeld)?;
        let row: Option<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "-- comeback::papers_shown
            select number, held_signing, wrap from guardian where lock_id = $1 and held_id = $2",
        )
        .bind(lock_id.as_bytes())
        .bind(held_use.claim().held_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        let (number, signing, wrap) = row.ok_or(Code::WrongHeld)?;
        let signing = PublicKey(signing.as_slice().try_into().map_err(|_| Code::WrongHeld)?);
        let made_at = held_use.verify(&signing).map_err(|_| Code::WrongHeld)?.into_body().made_at;
        if made_at.abs_diff(now) > CLOCK_SECONDS {
            return Err(Code::WrongClock.into());
        }
        numbers.insert(u8::try_from(number).map_err(|_| Error::Broken("a guardian's number"))?);
        wraps.push(Base64(wrap));
    }
    Ok((numbers, wraps))
}

/// Spends one try of a return card's PIN; when none is left, the return is over. BACK-7.
async fn spend(return_id: ReturnId, now: u64, app: &App) -> Result<u32> {
    transaction!(app.db, "comeback::spend", |tx| {
        let left: Option<i64> = sqlx::query_scalar(
            "-- comeback::spend
            update comeback set tries_left = tries_left - 1
            where return_id = $1 and tries_left > 0
            returning tries_left",
        )
        .bind(return_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        if left.is_none_or(|left| left == 0) {
            sqlx::query(
                "-- comeback::spend
                update comeback set state = 3, ended_at = $2 where return_id = $1 and state = 1",
            )
            .bind(return_id.as_bytes())
            .bind(to_row(now))
            .execute(&mut *tx)
            .await?;
        }
        u32::try_from(left.unwrap_or(0)).map_err(|_| Error::Broken("more tries than there are"))
    })
}
