//! What a return under guardians needs whom others replaced: kept for a while, then gone. GUARD-8.

use reconnect_format::{
    api::{OwnerWrap, Wrap},
    guardian::{OVERRULE_BEGINS_SECONDS, OVERRULE_SECONDS, RETURN_SECONDS},
    id::{AccountId, Base64},
};
use sqlx::AnyConnection;

use crate::{
    error::Result,
    sync::read_owner_wraps,
    wire::{id, to_row},
};

/// A device's clock may be behind by so much that looks at marks.
const CLOCKS_SECONDS: i64 = 2 * 24 * 3600;

/// What the owner of a generation alone opens, beside wraps.
pub(crate) struct Sealed {
    pub(crate) log_place: Vec<u8>,
    pub(crate) earlier_roots: Option<Vec<u8>>,
}

/// Keeps what the owner of this generation alone opens, before another begins; where nobody may overrule that one,
/// nothing.
pub(crate) async fn keep(
    account_id: AccountId,
    generation: u32,
    tx: &mut AnyConnection,
) -> Result<()> {
    for copied in [
        "-- kept::keep
        insert into kept_generation (account_id, generation, log_place, earlier_roots, grant_id, owner_wrap)
        select a.account_id, $2, a.log_place, a.earlier_roots, g.grant_id, g.owner_wrap
        from account a join granted g on g.account_id = a.account_id and g.structure_id is null
        where a.account_id = $1
          and exists (
            select 1 from guardians
            where account_id = $1 and generation = $2 and root_wrap <> $3)",
        "-- kept::keep
        insert into kept_owner_wrap (grant_id, generation, owner_wrap)
        select g.grant_id, $2, g.owner_wrap from granted g
        where g.account_id = $1 and g.structure_id is not null
          and exists (
            select 1 from guardians
            where account_id = $1 and generation = $2 and root_wrap <> $3)",
        "-- kept::keep
        insert into kept_wrap (envelope_id, generation, wrap)
        select w.envelope_id, $2, w.wrap from granted g join wrap w on w.grant_id = g.grant_id
        where g.account_id = $1 and g.structure_id is null
          and exists (
            select 1 from guardians
            where account_id = $1 and generation = $2 and root_wrap <> $3)",
    ] {
        sqlx::query(copied)
            .bind(account_id.as_bytes())
            .bind(i64::from(generation))
            .bind(Vec::<u8>::new())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// What is sealed under the vault key of a generation that is over.
pub(crate) async fn sealed(
    account_id: AccountId,
    generation: u32,
    tx: &mut AnyConnection,
) -> Result<Option<Sealed>> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "-- kept::sealed
        select log_place, earlier_roots from kept_generation
        where account_id = $1 and generation = $2",
    )
    .bind(account_id.as_bytes())
    .bind(i64::from(generation))
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|(log_place, earlier_roots)| Sealed { log_place, earlier_roots }))
}

/// The owner's copies of grants, their own among them, of statements between these numbers.
pub(crate) async fn owner_wraps(
    (account_id, generation): (AccountId, u32),
    (after, until): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<Vec<OwnerWrap>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- kept::owner_wraps
        select grant_id, owner_wrap from kept_generation where account_id = $1 and generation = $2
        union all
        select k.grant_id, k.owner_wrap from kept_owner_wrap k
        join granted g on g.grant_id = k.grant_id
        where g.account_id = $1 and k.generation = $2 and g.sequence > $3 and g.sequence <= $4",
    )
    .bind(account_id.as_bytes())
    .bind(i64::from(generation))
    .bind(to_row(after))
    .bind(to_row(until))
    .fetch_all(&mut *tx)
    .await?;
    read_owner_wraps(rows)
}

/// The owner's wraps of documents' keys, of statements between these numbers.
pub(crate) async fn wraps(
    (account_id, generation): (AccountId, u32),
    (after, until): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<Vec<Wrap>> {
    let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- kept::wraps
        select g.grant_id, k.envelope_id, k.wrap
        from envelope e
        join kept_wrap k on k.envelope_id = e.envelope_id and k.generation = $2
        join kept_generation g on g.account_id = e.account_id and g.generation = $2
        where e.account_id = $1 and e.sequence > $3 and e.sequence <= $4
        order by e.sequence",
    )
    .bind(account_id.as_bytes())
    .bind(i64::from(generation))
    .bind(to_row(after))
    .bind(to_row(until))
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(grant, envelope, wrap)| {
            Ok(Wrap { grant_id: id(&grant)?, envelope_id: id(&envelope)?, wrap: Base64(wrap) })
        })
        .collect()
}

/// Removes what nobody may overrule with any more; how many configurations it was of. While guardians who were
/// named later may begin a return, or one goes on, and a while after, those before may still have to overrule it.
pub(crate) async fn sweep(now: i64, tx: &mut AnyConnection) -> Result<u64> {
    let over: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- kept::sweep
        update guardians set root_wrap = $3
        where root_wrap <> $3 and ended_at is not null and ended_at <= $1 and reopened_at <= $1
          and not exists (
            select 1 from comeback c
            join guardians later on later.lock_id = c.lock_id
            where later.account_id = guardians.account_id and later.sequence >= guardians.sequence
              and ((c.state = 1 and c.began_at > $2) or c.ended_at > $1))
          and (ended_at <= $4 or not exists (
            select 1 from guardians later
            where later.account_id = guardians.account_id and later.sequence > guardians.sequence
              and later.ended_at > $1))
        returning account_id",
    )
    .bind(now - to_row(OVERRULE_BEGINS_SECONDS))
    .bind(now - to_row(RETURN_SECONDS))
    .bind(Vec::<u8>::new())
    .bind(now - to_row(OVERRULE_SECONDS - RETURN_SECONDS))
    .fetch_all(&mut *tx)
    .await?;
    // That they were there is known for as long as their owner's devices look at the marks of their returns.
    let forgotten = sqlx::query(
        "-- kept::sweep
        delete from guardians where root_wrap = $2 and ended_at <= $1 and exists (
          select 1 from guardians k
          where k.account_id = guardians.account_id and k.sequence > guardians.sequence)",
    )
    .bind(over_before(now))
    .bind(Vec::<u8>::new())
    .execute(&mut *tx)
    .await?;
    for account in &over {
        forget(id(account)?, tx).await?;
    }
    Ok(over.len() as u64 + forgotten.rows_affected())
}

/// Whoever was ended before overrules nobody any more, by whatever clock.
pub(crate) fn over_before(now: i64) -> i64 {
    now - to_row(OVERRULE_SECONDS) - CLOCKS_SECONDS
}

/// Removes what belonged to guardians of a safe whose lock's wrap is gone.
pub(crate) async fn forget(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    for gone in [
        "-- kept::forget
        delete from guardian where account_id = $1 and not exists (
          select 1 from guardians k where k.lock_id = guardian.lock_id and k.root_wrap <> $2)",
        "-- kept::forget
        delete from kept_generation where account_id = $1 and not exists (
          select 1 from guardians k
          where k.account_id = $1 and k.generation = kept_generation.generation
            and k.root_wrap <> $2)",
    ] {
        sqlx::query(gone)
            .bind(account_id.as_bytes())
            .bind(Vec::<u8>::new())
            .execute(&mut *tx)
            .await?;
    }
    for gone in [
        "-- kept::forget
        delete from kept_owner_wrap
        where grant_id in (select grant_id from granted where account_id = $1)
          and generation not in (select generation from kept_generation where account_id = $1)",
        "-- kept::forget
        delete from kept_wrap
        where envelope_id in (select envelope_id from envelope where account_id = $1)
          and generation not in (select generation from kept_generation where account_id = $1)",
    ] {
        sqlx::query(gone).bind(account_id.as_bytes()).execute(&mut *tx).await?;
    }
    Ok(())
}
