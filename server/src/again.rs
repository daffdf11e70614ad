//! Another group of a structure, when nobody is left in the one before: whoever holds the structure's
//! paper begins it, and lets the others in.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{AnotherGroup, Code, Problem, Recoveries, Recovery},
    decode,
    id::{Base64, StructureId},
    structure::{EpochTerms, Link, StructureBody, StructureChain},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    chains,
    db::transaction,
    error::Result,
    leaf, log,
    member::{joined, learn},
    structure,
    wire::{Named, Sent, from_row, to_row},
};

/// Of so many members, those that sealed last, is shown what they sealed for the paper.
const SHOWN: i64 = 200;

/// The histories as whoever holds the paper opens them, for members: one a member, so that nobody
/// replaces what somebody else sealed. HIST-4.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/recovery",
    params(("structure_id" = String, Path)),
    responses((status = 200, body = Recoveries), (status = "default", body = Problem))
)]
pub(crate) async fn recovery(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
) -> Result<Json<Recoveries>> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "-- again::recovery
        select r.mls_epoch, r.bytes from recovery r
        join member m on m.structure_id = r.structure_id
        where r.structure_id = $1 and m.account_id = $2 and m.confirmed = 1
        order by r.mls_epoch desc, r.number limit $3",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .bind(SHOWN)
    .fetch_all(app.db.reader())
    .await?;
    if rows.is_empty() {
        return Err(Code::NotFound.into());
    }
    let recovery =
        |(mls_epoch, bytes)| Recovery { mls_epoch: from_row(mls_epoch), recovery: Base64(bytes) };
    Ok(Json(Recoveries { recoveries: rows.into_iter().map(recovery).collect() }))
}

/// Keeps what a member sealed for the paper, in the place of what they sealed before. HIST-4.
pub(crate) async fn keep(
    (structure_id, caller): (StructureId, Caller),
    mls_epoch: u64,
    recovery: &Base64,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- again::keep
        insert into recovery (structure_id, number, mls_epoch, bytes)
        select structure_id, number, $3, $4 from member
        where structure_id = $1 and account_id = $2 and confirmed = 1
        on conflict (structure_id, number) do update set mls_epoch = $3, bytes = $4",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .bind(to_row(mls_epoch))
    .bind(recovery.0.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Begins another group: the root says so, and the caller, a member, is its manager.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/groups",
    params(("structure_id" = String, Path)), request_body = AnotherGroup,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn begin(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(again): Sent<AnotherGroup>,
) -> Result<StatusCode> {
    app.disk.check_room(0)?;
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "again::begin", |tx| {
        let chain = joined(structure_id, caller, &app, tx).await?;
        if structure::holds(structure_id, &again.statements, tx).await? {
            return Ok(());
        }
        structure::check_sizes(structure_id, &[&again.history, &again.recovery], tx).await?;
        let (before, _) = chain.head();
        let (chain, epoch) = check(&again, chain, caller)?;
        store((&chain, &epoch), before, &again, tx).await?;
        keep((structure_id, caller), 0, &again.recovery, tx).await?;
        // Who begins has a leaf, whatever they had asked for.
        leaf::forget((structure_id, caller), tx).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(
    again: &AnotherGroup,
    mut chain: StructureChain,
    caller: Caller,
) -> Result<(StructureChain, EpochTerms)> {
    let first = again.statements.first().ok_or(Code::Refused)?;
    // The structure went on meanwhile: read again.
    if Link::claim(&first.0)?.sequence <= chain.head().0 {
        return Err(Code::Conflict.into());
    }
    let group = chain.roster.as_ref().map_or(0, |roster| roster.group);
    let mut last = None;
    for link in &again.statements {
        if !matches!(decode(&link.0)?, Link::Root { .. }) {
            return Err(Code::Refused.into());
        }
        chain.append(&link.0)?;
        chains::check_room(&chain, &link.0)?;
        last = Some(Link::claim(&link.0)?.body);
    }
    match last {
        Some(StructureBody::Epoch(terms))
            if group.checked_add(1) == Some(terms.roster.group)
                && terms.roster.mls_epoch == 0
                && chain.is_manager(caller.account_id)
                && !again.recovery.0.is_empty() =>
        {
            Ok((chain, terms))
        }
        _ => Err(Code::Refused.into()),
    }
}

/// Nothing of the group before can be taken in any more. Who asks for a leaf goes on waiting.
async fn store(
    (chain, terms): (&StructureChain, &EpochTerms),
    before: u64,
    again: &AnotherGroup,
    tx: &mut AnyConnection,
) -> Result<()> {
    let structure_id = chain.structure_id;
    let moved = sqlx::query(
        "-- again::store
        update structure set mls_epoch = 0, history = $1, sequence = $2, epoch = $3, key_id = $4
        where structure_id = $5 and sequence = $6",
    )
    .bind(again.history.0.clone())
    .bind(to_row(chain.head().0))
    .bind(to_row(terms.epoch))
    .bind(terms.recipient.id().as_slice())
    .bind(structure_id.as_bytes())
    .bind(to_row(before))
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(Code::Conflict.into());
    }
    for statement in [
        "-- again::store\ndelete from mls_commit where structure_id = $1",
        "-- again::store\ndelete from welcome where structure_id = $1",
        "-- again::store\ndelete from recovery where structure_id = $1",
    ] {
        sqlx::query(statement).bind(structure_id.as_bytes()).execute(&mut *tx).await?;
    }
    for (sequence, statement) in (before + 1..).zip(&again.statements) {
        structure::insert_statement(structure_id, sequence, &statement.0, tx).await?;
    }
    log::entry(structure_id, chain.head(), tx).await
}
