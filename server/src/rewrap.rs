//! Re-wraps: grants' secrets that members carry over to the newest recipient epoch after somebody left.
//!
//! Invariant: the old wrap is what readers are given until a second member has opened the new one, or
//! seven days have passed. Whether one opens is for members to judge; here it is bytes of a length.

pub(crate) mod shown;

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    Signed, Unverified,
    api::{CheckRewraps, Code, GiveRewraps, Problem},
    grant::RECIPIENT_WRAP_BYTES,
    id::StructureId,
    rewrap::{
        GrantList, Opened, REWRAP_SECONDS, Rewrap, RewrapCheck, RewrapFound, Rewrapped,
        verify_list, wrap_hash,
    },
    statement::Statement,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::Result,
    held::CLOCK_SECONDS,
    wire::{Named, Sent, to_row},
};

/// Nobody else has opened it yet.
const WAITS: i64 = 1;
/// It is what readers are given.
const IN_FORCE: i64 = 2;
/// Somebody said that it does not open.
const REFUSED: i64 = 3;
/// The caller's place in a structure, and its newest recipient epoch.
struct Place {
    structure_id: StructureId,
    number: i64,
    epoch: i64,
    key_id: Vec<u8>,
}

impl Place {
    /// 404 for everybody who is no member, and while the structure is not accepted.
    async fn of(
        structure_id: StructureId,
        caller: Caller,
        now: i64,
        tx: &mut AnyConnection,
    ) -> Result<Self> {
        let row: Option<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "-- Place::of
            select m.number, s.epoch, s.key_id
            from session x
            join member m on m.account_id = x.account_id
            join structure s on s.structure_id = m.structure_id and s.acceptance is not null
            where s.structure_id = $1 and m.account_id = $2 and m.confirmed = 1 and m.ends_at > $3
              and x.token_hash = $4 and x.ended = 0 and x.expires_at > $3",
        )
        .bind(structure_id.as_bytes())
        .bind(caller.account_id.as_bytes())
        .bind(now)
        .bind(caller.token_hash.as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let (number, epoch, key_id) = row.ok_or(Code::NotFound)?;
        Ok(Self { structure_id, number, epoch, key_id })
    }

    /// Whether a list is this member's, of now, and to the newest epoch. REWRAP-2, REWRAP-4.
    fn check<T: GrantList>(&self, list: &Signed<T>, caller: Caller, now: u64) -> Result<()> {
        let by = list.body().by();
        let theirs = by.account_id == caller.account_id
            && by.device_id == caller.device_id
            && by.structure_id == self.structure_id
            && i64::from(by.worker_number) == self.number
            && by.made_at.abs_diff(now) <= CLOCK_SECONDS;
        if theirs { self.check_epoch(by.epoch) } else { Err(Code::Refused.into()) }
    }

    /// A new epoch may have begun meanwhile: read again and repeat.
    fn check_epoch(&self, epoch: u64) -> Result<()> {
        match to_row(epoch) {
            epoch if epoch == self.epoch => Ok(()),
            epoch if epoch < self.epoch => Err(Code::Conflict.into()),
            _ => Err(Code::Refused.into()),
        }
    }

    async fn keep_list(
        &self,
        (list_hash, bytes): (&[u8; 32], &[u8]),
        tx: &mut AnyConnection,
    ) -> Result<()> {
        sqlx::query(
            "-- Place::keep_list
            insert into rewrap_list (list_hash, structure_id, bytes) values ($1, $2, $3)
            on conflict do nothing",
        )
        .bind(list_hash.as_slice())
        .bind(self.structure_id.as_bytes())
        .bind(bytes)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

/// Takes in what a member wrapped to the newest epoch, for as many of the grants as nobody else has.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/rewraps",
    params(("structure_id" = String, Path)), request_body = GiveRewraps,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn give(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(given): Sent<GiveRewraps>,
) -> Result<StatusCode> {
    let now = app.clock.now_row();
    app.disk.check_room(0)?;
    let list = verify_list::<Rewrap>(&given.rewrap.0);
    transaction!(app.db, "rewrap::give", |tx| {
        let place = Place::of(structure_id, caller, now, tx).await?;
        let list = list.as_ref().map_err(|_| Code::Refused)?;
        place.check(list, caller, app.clock.now())?;
        let Rewrap { key_id, grants, .. } = list.body();
        let named = grants.len() == given.wraps.len()
            && grants.iter().zip(&given.wraps).all(|(grant, wrap)| {
                wrap.0.len() == RECIPIENT_WRAP_BYTES && wrap_hash(&wrap.0) == grant.wrap_hash
            });
        if !named || key_id.as_slice() != place.key_id {
            return Err(Code::Refused.into());
        }
        let list_hash = list.hash();
        place.keep_list((&list_hash, &given.rewrap.0), tx).await?;
        for (grant, wrap) in grants.iter().zip(&given.wraps) {
            if place.is_as_said(grant, now, tx).await? {
                place.take_in(grant, &wrap.0, (&list_hash, now), tx).await?;
            }
        }
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

impl Place {
    /// Whether a grant is live, given by that statement, and still wrapped for that epoch, before the
    /// newest. REWRAP-4.
    async fn is_as_said(
        &self,
        grant: &Rewrapped,
        now: i64,
        tx: &mut AnyConnection,
    ) -> Result<bool> {
        let statement: Option<Vec<u8>> = sqlx::query_scalar(
            "-- Place::is_as_said
            select given.bytes from granted g
            join statement given on given.account_id = g.account_id and given.sequence = g.sequence
            where g.grant_id = $1 and g.structure_id = $2 and g.ends_at > $3
              and g.epoch = $4 and g.epoch < $5",
        )
        .bind(grant.grant_id.as_bytes())
        .bind(self.structure_id.as_bytes())
        .bind(now)
        .bind(to_row(grant.from_epoch))
        .bind(self.epoch)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(bytes) = statement else { return Ok(false) };
        Ok(Unverified::<Statement>::decode(&bytes)?.hash() == grant.statement_hash)
    }

    /// The first counts; nobody has two goes at one grant. REWRAP-4, REWRAP-6.
    async fn take_in(
        &self,
        grant: &Rewrapped,
        wrap: &[u8],
        (list_hash, now): (&[u8; 32], i64),
        tx: &mut AnyConnection,
    ) -> Result<()> {
        sqlx::query(
            "-- Place::take_in
            delete from rewrap where grant_id = $1 and state = $2 and epoch < $3",
        )
        .bind(grant.grant_id.as_bytes())
        .bind(WAITS)
        .bind(self.epoch)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "-- Place::take_in
            insert into rewrap (grant_id, epoch, number, state, wrap, list_hash, received_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict do nothing",
        )
        .bind(grant.grant_id.as_bytes())
        .bind(self.epoch)
        .bind(self.number)
        .bind(WAITS)
        .bind(wrap)
        .bind(list_hash.as_slice())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

/// Takes in what a second member found: what opened takes the old wrap's place.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/rewraps/checks",
    params(("structure_id" = String, Path)), request_body = CheckRewraps,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn check(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(given): Sent<CheckRewraps>,
) -> Result<StatusCode> {
    let now = app.clock.now_row();
    let list = verify_list::<RewrapCheck>(&given.check.0);
    let moved = transaction!(app.db, "rewrap::check", |tx| {
        let place = Place::of(structure_id, caller, now, tx).await?;
        let list = list.as_ref().map_err(|_| Code::Refused)?;
        place.check(list, caller, app.clock.now())?;
        let list_hash = list.hash();
        place.keep_list((&list_hash, &given.check.0), tx).await?;
        let mut moved = false;
        for found in &list.body().grants {
            moved |= place.settle(found, &list_hash, tx).await?;
        }
        Ok(moved)
    })?;
    if moved {
        app.taken_away();
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Place {
    /// What somebody else wrapped, and this member looked at. Whether an old wrap went with it.
    async fn settle(
        &self,
        found: &RewrapFound,
        list_hash: &[u8; 32],
        tx: &mut AnyConnection,
    ) -> Result<bool> {
        let row: Option<(i64, Vec<u8>, i64)> = sqlx::query_as(
            "-- Place::settle
            select r.number, r.wrap, (
              select count(*) from rewrap said
              where said.grant_id = r.grant_id and said.epoch = r.epoch and said.state = $4
                and said.checked_by = $5)
            from rewrap r
            join granted g on g.grant_id = r.grant_id and g.structure_id = $6
            where r.grant_id = $1 and r.epoch = $2 and r.state = $3 and r.number <> $5",
        )
        .bind(found.grant_id.as_bytes())
        .bind(self.epoch)
        .bind(WAITS)
        .bind(REFUSED)
        .bind(self.number)
        .bind(self.structure_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((number, wrap, said_before)) = row else { return Ok(false) };
        let refuses = found.opened == Opened::No;
        // REWRAP-6: nobody keeps a grant from ever being wrapped again.
        if wrap_hash(&wrap) != found.wrap_hash || (refuses && said_before > 0) {
            return Ok(false);
        }
        sqlx::query(
            "-- Place::settle
            update rewrap set checked_by = $1, check_hash = $2, state = $3
            where grant_id = $4 and epoch = $5 and number = $6",
        )
        .bind(self.number)
        .bind(list_hash.as_slice())
        .bind(if refuses { REFUSED } else { WAITS })
        .bind(found.grant_id.as_bytes())
        .bind(self.epoch)
        .bind(number)
        .execute(&mut *tx)
        .await?;
        if !refuses {
            put_in_force(found.grant_id.as_bytes(), (self.epoch, &wrap), tx).await?;
        }
        Ok(!refuses)
    }
}

/// The new wrap takes the old one's place. REWRAP-5.
async fn put_in_force(
    grant_id: &[u8],
    (epoch, wrap): (i64, &[u8]),
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- rewrap::put_in_force
        update granted set recipient_wrap = $1, epoch = $2 where grant_id = $3 and epoch < $2",
    )
    .bind(wrap)
    .bind(epoch)
    .bind(grant_id)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- rewrap::put_in_force
        update rewrap set state = $1, wrap = null where grant_id = $2 and epoch = $3 and state = $4",
    )
    .bind(IN_FORCE)
    .bind(grant_id)
    .bind(epoch)
    .bind(WAITS)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- rewrap::put_in_force
        delete from rewrap where grant_id = $1 and epoch < $2",
    )
    .bind(grant_id)
    .bind(epoch)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What nobody looked at for seven days takes the old wrap's place; what waited for an epoch that
/// ended goes, and lists that name nothing any more. Whether an old wrap went. REWRAP-5.
pub(crate) async fn sweep(app: &App) -> Result<bool> {
    let before = app.clock.now_row() - to_row(REWRAP_SECONDS);
    transaction!(app.db, "rewrap::sweep", |tx| {
        sqlx::query(
            "-- rewrap::sweep
            delete from rewrap where state = $1 and epoch < (
              select s.epoch from granted g join structure s on s.structure_id = g.structure_id
              where g.grant_id = rewrap.grant_id)",
        )
        .bind(WAITS)
        .execute(&mut *tx)
        .await?;
        let due: Vec<(Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
            "-- rewrap::sweep
            select grant_id, epoch, wrap from rewrap where state = $1 and received_at <= $2",
        )
        .bind(WAITS)
        .bind(before)
        .fetch_all(&mut *tx)
        .await?;
        for (grant_id, epoch, wrap) in &due {
            put_in_force(grant_id, (*epoch, wrap), tx).await?;
        }
        sqlx::query(
            "-- rewrap::sweep
            delete from rewrap_list where not exists (
              select 1 from rewrap r
              where r.list_hash = rewrap_list.list_hash or r.check_hash = rewrap_list.list_hash)",
        )
        .execute(&mut *tx)
        .await?;
        Ok(!due.is_empty())
    })
}
