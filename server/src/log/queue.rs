//! What waits for the log, written in the transaction of the statement that it is about.

use reconnect_format::{
    PublicKey,
    api::Code,
    guardian::GuardianId,
    id::{AccountId, Base64, ReturnId, StructureId},
    log::{
        MARK_SEQUENCE, account_index, generation_mark, mark_value, return_mark, structure_index,
        structure_value,
    },
};
use reconnect_log::Newest;
use sqlx::AnyConnection;

use super::state::hash_of;
use crate::{
    app::App,
    db::transaction,
    error::Result,
    wire::{from_row, to_row},
};

/// Entries and heads of one batch.
const BATCH: i64 = 10_000;

/// One of them.
pub(super) struct Waiting {
    pub(super) index: [u8; 32],
    pub(super) newest: Newest,
    pub(super) is_head: bool,
}

/// A structure's newest statement waits for the log.
pub(crate) async fn entry(
    structure_id: StructureId,
    (sequence, head): (u64, [u8; 32]),
    tx: &mut AnyConnection,
) -> Result<()> {
    let value = structure_value(sequence, &head);
    wait((structure_index(structure_id), Newest { sequence, value }), tx).await
}

/// An entry waits for the log.
pub(super) async fn wait(
    (index, newest): ([u8; 32], Newest),
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- log::wait
        insert into log_waiting (log_index, value, sequence, is_head) values ($1, $2, $3, 0)
        on conflict do nothing",
    )
    .bind(index.as_slice())
    .bind(newest.value.as_slice())
    .bind(to_row(newest.sequence))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A safe's newest head waits for the log; where it stands there is known of the safe only.
pub(crate) async fn head(
    account_id: AccountId,
    sequence: u64,
    value: &[u8; 32],
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- log::head
        insert into log_waiting (log_index, value, sequence, is_head)
        select log_index, $1, $2, 1 from account where account_id = $3
        on conflict do nothing",
    )
    .bind(value.as_slice())
    .bind(to_row(sequence))
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// That something of a safe is retired waits for the log. It goes there behind the head of the statement
/// that says so. LOG-21.
pub(crate) async fn mark(
    account_id: AccountId,
    mark: &[u8; 32],
    tx: &mut AnyConnection,
) -> Result<()> {
    wait_behind((account_index(account_id, mark), mark_value(mark)), tx).await
}

/// The same of a generation that went over to these keys: no device's mark takes its place.
pub(crate) async fn generation_over(
    account_id: AccountId,
    mark: (&[u8; 32], u32),
    next: &PublicKey,
    tx: &mut AnyConnection,
) -> Result<()> {
    wait_behind(generation_mark(account_id, mark, next), tx).await
}

/// That somebody comes back waits for the log: it stands there for good, before any guardian vouches. BACK-2.
pub(crate) async fn returned(
    place: (AccountId, GuardianId),
    mark: &[u8; 32],
    return_id: ReturnId,
    tx: &mut AnyConnection,
) -> Result<()> {
    wait_behind(return_mark(place, mark, return_id), tx).await
}

async fn wait_behind((index, value): ([u8; 32], [u8; 32]), tx: &mut AnyConnection) -> Result<()> {
    sqlx::query(
        "-- log::wait_behind
        insert into log_waiting (log_index, value, sequence, is_head) values ($1, $2, $3, 2)
        on conflict do nothing",
    )
    .bind(index.as_slice())
    .bind(value.as_slice())
    .bind(to_row(MARK_SEQUENCE))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The 32 bytes that came with a statement.
pub(crate) fn value(sent: &Base64) -> Result<[u8; 32]> {
    Ok(sent.0.as_slice().try_into().map_err(|_| Code::Refused)?)
}

/// Whether a structure's statement waits for the log.
pub(super) async fn waits(index: &[u8; 32], app: &App) -> Result<bool> {
    let waiting: i64 = sqlx::query_scalar(
        "-- log::waits
        select count(*) from log_waiting where log_index = $1 and is_head = 0",
    )
    .bind(index.as_slice())
    .fetch_one(app.db.reader())
    .await?;
    Ok(waiting > 0)
}

/// How much waits.
pub(crate) async fn waiting(app: &App) -> Result<i64> {
    let waiting = sqlx::query_scalar("-- log::waiting\nselect count(*) from log_waiting");
    Ok(waiting.fetch_one(app.db.reader()).await?)
}

/// What waits, each index in the order of its chain, and marks last.
pub(super) async fn read(app: &App) -> Result<Vec<Waiting>> {
    let rows: Vec<(Vec<u8>, Vec<u8>, i64, i64)> = sqlx::query_as(
        "-- log::read
        select log_index, value, sequence, is_head from log_waiting
        order by is_head, log_index, sequence limit $1",
    )
    .bind(BATCH)
    .fetch_all(app.db.reader())
    .await?;
    rows.into_iter()
        .map(|(index, value, sequence, is_head)| {
            let newest = Newest { sequence: from_row(sequence), value: hash_of(&value)? };
            Ok(Waiting { index: hash_of(&index)?, newest, is_head: is_head > 0 })
        })
        .collect()
}

/// What was published waits no more, and how far the log has come is known.
pub(super) async fn forget(
    waiting: &[Waiting],
    (size, root): (u64, [u8; 32]),
    app: &App,
) -> Result<()> {
    if waiting.is_empty() && published(app).await?.is_some_and(|(known, _)| known == size) {
        return Ok(());
    }
    transaction!(app.db, "log::forget", |tx| {
        delete(waiting, tx).await?;
        set_published((size, root), tx).await
    })
}

async fn delete(waiting: &[Waiting], tx: &mut AnyConnection) -> Result<()> {
    for gone in waiting {
        sqlx::query(
            "-- log::forget
            delete from log_waiting where log_index = $1 and value = $2",
        )
        .bind(gone.index.as_slice())
        .bind(gone.newest.value.as_slice())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn set_published((size, root): (u64, [u8; 32]), tx: &mut AnyConnection) -> Result<()> {
    sqlx::query("-- log::set_published\ndelete from log_published").execute(&mut *tx).await?;
    sqlx::query("-- log::set_published\ninsert into log_published (size, root) values ($1, $2)")
        .bind(to_row(size))
        .bind(root.as_slice())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Goes from one tree to the next for all servers, unless another one did; what that holds waits no more.
pub(super) async fn publish(
    waiting: &[Waiting],
    from: Option<(u64, [u8; 32])>,
    to: (u64, [u8; 32]),
    app: &App,
) -> Result<bool> {
    transaction!(app.db, "log::publish", |tx| {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as("-- log::publish\nselect size, root from log_published")
                .fetch_optional(&mut *tx)
                .await?;
        let known = row.as_ref().map(|(size, root)| (from_row(*size), root.as_slice()));
        if known != from.as_ref().map(|(size, root)| (*size, root.as_slice())) {
            return Ok(false);
        }
        delete(waiting, tx).await?;
        set_published(to, tx).await?;
        Ok(true)
    })
}

/// How far the log has come, as far as the database knows.
pub(super) async fn published(app: &App) -> Result<Option<(u64, [u8; 32])>> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("-- log::published\nselect size, root from log_published")
            .fetch_optional(app.db.reader())
            .await?;
    row.map(|(size, root)| Ok((from_row(size), hash_of(&root)?))).transpose()
}
