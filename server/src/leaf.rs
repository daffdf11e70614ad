//! Leaves of a structure's group: a member's device asks for one, another member's page answers with
//! a commit, and the welcome waits for the device.

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    api::{AskForLeaf, Code, Problem},
    id::{AccountId, DeviceId, StructureId},
    structure::verify_leaf_request,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::{Error, Result},
    member::{joined, learn},
    turn,
    wire::{Named, Sent, to_row},
};

/// Requests that one member may have open.
const OPEN: i64 = 20;
/// A key package with its proof, and another proof.
const REQUEST_MAX_BYTES: usize = 64 * 1024;
/// How long a request waits. GROUP-9.
const WAITS_SECONDS: i64 = 30 * 24 * 3600;
/// How far a device's clock may be off.
const CLOCK_SECONDS: u64 = 24 * 3600;

/// Asks for a leaf of the caller's device, in the place of what it asked or was given before.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/leaves",
    params(("structure_id" = String, Path)), request_body = AskForLeaf,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn ask(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(asked): Sent<AskForLeaf>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    app.disk.check_room(0)?;
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "leaf::ask", |tx| {
        let chain = joined(structure_id, caller, &app, tx).await?;
        let next = (chain.head().0 + 1, now);
        let request = verify_leaf_request(&asked.request.0, structure_id, next)?.into_body();
        let sound = request.account_id == caller.account_id
            && request.device_id == caller.device_id
            && request.made_at <= now + CLOCK_SECONDS
            && asked.request.0.len() <= REQUEST_MAX_BYTES;
        if !sound {
            return Err(Code::Refused.into());
        }
        take_in(structure_id, caller, &asked.request.0, to_row(now), tx).await?;
        // Each colleague's page answers by itself: whoever asks is counted.
        turn::take_count(&chain, caller.account_id, 1, (now, tx)).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take_in(
    structure_id: StructureId,
    caller: Caller,
    request: &[u8],
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let open: i64 = sqlx::query_scalar(
        "-- leaf::take_in
        select count(*) from leaf_request
        where structure_id = $1 and account_id = $2 and device_id <> $3",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .bind(caller.device_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if open >= OPEN {
        return Err(Error::Wait(Code::TooManyRequests, 3600));
    }
    forget((structure_id, caller), tx).await?;
    sqlx::query(
        "-- leaf::take_in
        insert into leaf_request (structure_id, account_id, device_id, asked_at, bytes)
        values ($1, $2, $3, $4, $5)",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .bind(caller.device_id.as_bytes())
    .bind(now)
    .bind(request.to_vec())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What the caller's device asked for, and was given, is over.
pub(crate) async fn forget(
    (structure_id, caller): (StructureId, Caller),
    tx: &mut AnyConnection,
) -> Result<()> {
    for statement in [
        "-- leaf::forget
        delete from leaf_request where structure_id = $1 and account_id = $2 and device_id = $3",
        "-- leaf::forget
        delete from welcome where structure_id = $1 and account_id = $2 and device_id = $3",
    ] {
        sqlx::query(statement)
            .bind(structure_id.as_bytes())
            .bind(caller.account_id.as_bytes())
            .bind(caller.device_id.as_bytes())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Takes away the request that is answered: it must be the one that waits, of somebody who is here.
pub(crate) async fn use_up(
    (structure_id, (account_id, device_id)): (StructureId, (AccountId, DeviceId)),
    request: &[u8],
    tx: &mut AnyConnection,
) -> Result<()> {
    let used = sqlx::query(
        "-- leaf::use_up
        delete from leaf_request
        where structure_id = $1 and account_id = $2 and device_id = $3 and bytes = $4",
    )
    .bind(structure_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(device_id.as_bytes())
    .bind(request.to_vec())
    .execute(&mut *tx)
    .await?;
    if used.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
}

/// A device that came into a group.
pub(crate) struct Joined {
    pub(crate) structure_id: StructureId,
    pub(crate) asker: (AccountId, DeviceId),
    /// The group's epoch after it.
    pub(crate) epoch: u64,
}

/// Keeps the welcome for a device; none for one that was retired meanwhile.
pub(crate) async fn welcome(joined: Joined, bytes: &[u8], tx: &mut AnyConnection) -> Result<()> {
    let (account_id, device_id) = joined.asker;
    sqlx::query(
        "-- leaf::welcome
        insert into welcome (structure_id, account_id, device_id, joined_epoch, bytes)
        select $1, account_id, device_id, $4, $5 from device
        where account_id = $2 and device_id = $3
        on conflict (structure_id, account_id, device_id) do update
        set joined_epoch = $4, bytes = $5",
    )
    .bind(joined.structure_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(device_id.as_bytes())
    .bind(to_row(joined.epoch))
    .bind(bytes.to_vec())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Takes away what nobody answered in time.
pub(crate) async fn sweep(now: i64, tx: &mut AnyConnection) -> Result<u64> {
    let gone = sqlx::query("-- leaf::sweep\ndelete from leaf_request where asked_at <= $1")
        .bind(now - WAITS_SECONDS)
        .execute(&mut *tx)
        .await?;
    Ok(gone.rows_affected())
}
