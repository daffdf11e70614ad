//! What members are shown to re-wrap: secrets, for a receipt of each, and what was refused.

use axum::{Json, extract::State};
use reconnect_format::{
    api::{
        Code, GiveReceipt, OpenForRewrap, OpenedForRewrap, OpenedSecret, Problem, RefusedRewrap,
        RefusedRewraps, WaitingRewrap,
    },
    id::{Base64, GrantId, StructureId},
    receipt::Subject,
    rewrap::{REFUSALS, REWRAPS},
};
use sqlx::AnyConnection;

use super::{Place, REFUSED, WAITS};
use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::{Error, Result},
    receipt,
    wire::{Named, Sent, from_row, id, to_row},
};

/// Wraps of one grant that are kept as evidence and given to whoever looks again.
const KEPT: i64 = 5;

/// The secrets of grants, for receipts: to wrap them again, or to check that somebody did. RCPT-1.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/rewraps/open",
    params(("structure_id" = String, Path)), request_body = OpenForRewrap,
    responses((status = 200, body = OpenedForRewrap), (status = "default", body = Problem))
)]
pub(crate) async fn open(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(asked): Sent<OpenForRewrap>,
) -> Result<Json<OpenedForRewrap>> {
    let now = app.clock.now_row();
    let verified = verify_all(asked, caller, app.clock.now());
    let grant_ids = transaction!(app.db, "rewrap::open", |tx| {
        let place = Place::of(structure_id, caller, now, tx).await?;
        let verified = verified.as_ref().map_err(|_| Code::Refused)?;
        let mut grant_ids = Vec::new();
        for receipt in verified {
            let grant_id = receipt.receipt.grant_id;
            let Subject::Rewrap { epoch } = receipt.receipt.subject else {
                return Err(Code::Refused.into());
            };
            place.check_epoch(epoch)?;
            match receipt::standing(caller, grant_id, now, tx).await {
                Ok(standing) if standing.structure_id == structure_id => {
                    receipt.check(grant_id, &standing)?;
                    receipt.store(&standing, now, tx).await?;
                    grant_ids.push(grant_id);
                }
                Ok(_) => return Err(Code::Refused.into()),
                // It was taken back, or ended, since the list was read.
                Err(Error::Code(Code::NotFound)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(grant_ids)
    })?;
    let mut tx = app.db.snapshot().await?;
    let place = Place::of(structure_id, caller, now, &mut tx).await?;
    let mut grants = Vec::with_capacity(grant_ids.len());
    for grant_id in grant_ids {
        match receipt::standing(caller, grant_id, now, &mut tx).await {
            Ok(standing) if standing.structure_id == structure_id => {
                grants.push(opened(grant_id, standing, place.epoch, &mut tx).await?);
            }
            Ok(_) | Err(Error::Code(Code::NotFound)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Json(OpenedForRewrap { grants }))
}

fn verify_all(asked: OpenForRewrap, caller: Caller, now: u64) -> Result<Vec<receipt::Verified>> {
    if asked.receipts.len() > REWRAPS {
        return Err(Code::BadRequest.into());
    }
    let given = asked.attested()?.into_iter().map(|receipt| GiveReceipt { receipt });
    given.map(|it| receipt::verify(it, caller, now)).collect()
}

/// A grant's secret, with what waits for it, and what was refused.
async fn opened(
    grant_id: GrantId,
    standing: receipt::Standing,
    epoch: i64,
    tx: &mut AnyConnection,
) -> Result<OpenedSecret> {
    let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
        "-- rewrap::opened
        select number, state, wrap from rewrap
        where grant_id = $1 and epoch = $2 and wrap is not null
        order by received_at desc, number limit $3",
    )
    .bind(grant_id.as_bytes())
    .bind(epoch)
    .bind(KEPT)
    .fetch_all(&mut *tx)
    .await?;
    let (mut waiting, mut refused) = (None, Vec::new());
    for (number, state, wrap) in rows {
        if state == WAITS {
            let by = number.try_into().map_err(|_| Error::Broken("a member's number"))?;
            waiting = Some(WaitingRewrap { by, wrap: Base64(wrap) });
        } else {
            refused.push(Base64(wrap));
        }
    }
    Ok(OpenedSecret {
        grant_id,
        epoch: from_row(standing.epoch),
        wrap: Base64(standing.recipient_wrap),
        waiting,
        refused,
    })
}

/// What was refused, with what both sides signed.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/rewraps", params(("structure_id" = String, Path)),
    responses((status = 200, body = RefusedRewraps), (status = "default", body = Problem))
)]
pub(crate) async fn refused(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
) -> Result<Json<RefusedRewraps>> {
    let mut tx = app.db.snapshot().await?;
    let now = app.clock.now_row();
    let place = Place::of(structure_id, caller, now, &mut tx).await?;
    let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- rewrap::refused
        select r.grant_id, made.bytes, said.bytes
        from granted g
        join rewrap r on r.grant_id = g.grant_id and r.epoch = $1 and r.state = $2
        join rewrap_list made on made.list_hash = r.list_hash
        join rewrap_list said on said.list_hash = r.check_hash
        where g.structure_id = $3 and g.ends_at > $4
        order by r.received_at desc, r.grant_id, r.number limit $5",
    )
    .bind(place.epoch)
    .bind(REFUSED)
    .bind(structure_id.as_bytes())
    .bind(now)
    .bind(to_row(REFUSALS as u64))
    .fetch_all(&mut *tx)
    .await?;
    let refused = rows.into_iter().map(|(grant_id, rewrap, check)| {
        let grant_id = id(&grant_id)?;
        Ok(RefusedRewrap { grant_id, rewrap: Base64(rewrap), check: Base64(check) })
    });
    Ok(Json(RefusedRewraps { refused: refused.collect::<Result<_>>()? }))
}
