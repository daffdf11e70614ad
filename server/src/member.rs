//! Members of structures: where a caller belongs, what members see, and admitting one.
//!
//! The order of an MLS group's commits is decided here, by compare-and-swap on its epoch; what a
//! commit says is for the members to judge.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{Admit, Code, Inside, InsideFrom, Membership, Memberships, Problem},
    id::{AccountId, Base64, StructureId},
    structure::{Certificate, Link, StructureBody, StructureChain, verify_certificate},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    effect::role_row,
    error::Result,
    log, structure,
    wire::{Asked, Named, Sent, from_row, id, to_row},
};

/// Where the caller belongs.
#[utoipa::path(
    get, path = "/v1/memberships",
    responses((status = 200, body = Memberships), (status = "default", body = Problem))
)]
pub(crate) async fn memberships(
    caller: Caller,
    State(app): State<App>,
) -> Result<Json<Memberships>> {
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "-- member::memberships
        select structure_id, confirmed from member where account_id = $1 order by structure_id",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    let memberships = rows
        .into_iter()
        .map(|(structure, confirmed)| {
            Ok(Membership { structure_id: id(&structure)?, confirmed: confirmed == 1 })
        })
        .collect::<Result<_>>()?;
    Ok(Json(Memberships { memberships }))
}

/// What the confirmed members of a structure see.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/inside",
    params(("structure_id" = String, Path), InsideFrom),
    responses((status = 200, body = Inside), (status = "default", body = Problem))
)]
pub(crate) async fn inside(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Asked(from): Asked<InsideFrom>,
) -> Result<Json<Inside>> {
    type Row = (i64, Vec<u8>, i64, Option<Vec<u8>>);
    let mut tx = app.db.snapshot().await?;
    let row: Option<Row> = sqlx::query_as(
        "-- member::inside
        select s.mls_epoch, s.history, m.joined_epoch, m.welcome
        from member m
        join structure s on s.structure_id = m.structure_id
        where m.structure_id = $1 and m.account_id = $2 and m.confirmed = 1",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (mls_epoch, history, joined_epoch, welcome) = row.ok_or(Code::NotFound)?;
    let certificates: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from certificate where structure_id = $1 order by serial",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let commits: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from mls_commit where structure_id = $1 and mls_epoch >= $2
        order by mls_epoch",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(from.commits_from))
    .fetch_all(&mut *tx)
    .await?;
    let is_new = to_row(from.commits_from) < joined_epoch;
    Ok(Json(Inside {
        mls_epoch: from_row(mls_epoch),
        certificates: certificates.into_iter().map(Base64).collect(),
        commits: commits.into_iter().map(Base64).collect(),
        history: Base64(history),
        welcome: welcome.filter(|_| is_new).map(Base64),
    }))
}

/// Admits a newcomer: commit, statement, certificate, invitation and membership in one transaction.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/commits",
    params(("structure_id" = String, Path)), request_body = Admit,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn admit(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(admit): Sent<Admit>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    app.disk.check_room(0)?;
    transaction!(app.db, "member::admit", |tx| {
        let chain = managed(structure_id, caller, tx).await?;
        if is_stored(structure_id, &admit, tx).await? {
            return Ok(());
        }
        let admission = Admission::check(&admit, chain, now)?;
        admission.commit(&admit, tx).await?;
        admission.use_invitation(&admit, tx).await?;
        admission.confirm(&admit, tx).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// The chain of a structure that the caller manages; 404 for everybody else.
pub(crate) async fn managed(
    structure_id: StructureId,
    caller: Caller,
    tx: &mut AnyConnection,
) -> Result<StructureChain> {
    let found: Option<i64> = sqlx::query_scalar(
        "-- member::managed
        select s.sequence from structure s
        join member m on m.structure_id = s.structure_id and m.account_id = s.founder
        where s.structure_id = $1 and s.founder = $2 and m.confirmed = 1",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    found.ok_or(Code::NotFound)?;
    structure::chain(structure_id, tx).await
}

async fn is_stored(
    structure_id: StructureId,
    admit: &Admit,
    tx: &mut AnyConnection,
) -> Result<bool> {
    let stored: Option<Vec<u8>> = sqlx::query_scalar(
        "-- member::is_stored
        select bytes from mls_commit where structure_id = $1 and mls_epoch = $2",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(admit.mls_epoch))
    .fetch_optional(&mut *tx)
    .await?;
    match stored {
        None => Ok(false),
        Some(stored) if stored == admit.commit.0 => Ok(true),
        Some(_) => Err(Code::Conflict.into()),
    }
}

/// An admission that was verified against the structure's chain.
struct Admission {
    chain: StructureChain,
    certificate: Certificate,
}

impl Admission {
    fn check(admit: &Admit, mut chain: StructureChain, now: u64) -> Result<Self> {
        let (sequence, _) = chain.head();
        let said = Link::claim(&admit.statement.0)?;
        // Another admission was faster: read again and repeat.
        if said.sequence <= sequence {
            return Err(Code::Conflict.into());
        }
        let StructureBody::Roster(roster) = &said.body else {
            return Err(Code::Refused.into());
        };
        let follows = admit.mls_epoch.checked_add(1) == Some(roster.mls_epoch);
        chain.append(&admit.statement.0)?;
        let certificate = verify_certificate(&admit.certificate.0, &chain)?.into_body();
        let sound = follows
            && certificate.ends_at > now
            && !admit.commit.0.is_empty()
            && !admit.welcome.0.is_empty();
        if sound { Ok(Self { chain, certificate }) } else { Err(Code::Refused.into()) }
    }

    fn structure_id(&self) -> StructureId {
        self.chain.structure_id
    }

    /// Takes the group from its epoch to the next, unless somebody was faster.
    async fn commit(&self, admit: &Admit, tx: &mut AnyConnection) -> Result<()> {
        let (sequence, _) = self.chain.head();
        let moved = sqlx::query(
            "-- Admission::commit
            update structure set mls_epoch = mls_epoch + 1, history = $1, sequence = $2
            where structure_id = $3 and mls_epoch = $4 and sequence = $5",
        )
        .bind(admit.history.0.clone())
        .bind(to_row(sequence))
        .bind(self.structure_id().as_bytes())
        .bind(to_row(admit.mls_epoch))
        .bind(to_row(sequence) - 1)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        sqlx::query(
            "-- Admission::commit
            insert into mls_commit (structure_id, mls_epoch, bytes) values ($1, $2, $3)",
        )
        .bind(self.structure_id().as_bytes())
        .bind(to_row(admit.mls_epoch))
        .bind(admit.commit.0.clone())
        .execute(&mut *tx)
        .await?;
        structure::insert_statement(self.structure_id(), sequence, &admit.statement.0, tx).await?;
        structure::insert_certificate(&self.certificate, &admit.certificate.0, tx).await?;
        log::entry(self.structure_id(), self.chain.head(), tx).await
    }

    /// Uses the invitation up, which the certified account must have answered.
    async fn use_invitation(&self, admit: &Admit, tx: &mut AnyConnection) -> Result<()> {
        let used = sqlx::query(
            "-- Admission::use_invitation
            update invitation set used = 1
            where invitation_id = $1 and structure_id = $2 and used = 0 and joiner = $3
              and role = $4",
        )
        .bind(admit.invitation_id.as_bytes())
        .bind(self.structure_id().as_bytes())
        .bind(self.certificate.account_id.as_bytes())
        .bind(role_row(self.certificate.role))
        .execute(&mut *tx)
        .await?;
        if used.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    }

    async fn confirm(&self, admit: &Admit, tx: &mut AnyConnection) -> Result<()> {
        let account_id: AccountId = self.certificate.account_id;
        let confirmed = sqlx::query(
            "-- Admission::confirm
            update member set confirmed = 1, serial = $1, number = $2, ends_at = $3,
              joined_epoch = $4, welcome = $5
            where structure_id = $6 and account_id = $7 and confirmed = 0",
        )
        .bind(to_row(self.certificate.serial))
        .bind(i64::from(self.certificate.number))
        .bind(to_row(self.certificate.ends_at))
        .bind(to_row(admit.mls_epoch) + 1)
        .bind(admit.welcome.0.clone())
        .bind(self.structure_id().as_bytes())
        .bind(account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if confirmed.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    }
}
