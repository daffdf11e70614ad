//! Structures: their public faces, and founding one.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{
        Code, FoundStructure, Problem, StructureEntry, StructureFace, StructureList,
        StructureSearch,
    },
    id::{Base64, StructureId},
    structure::{
        Certificate, EpochTerms, Link, NAME_MAX_BYTES, Role, StructureBody, StructureChain,
        verify_certificate,
    },
};
use serde::Serialize;
use sqlx::AnyConnection;
use utoipa::ToSchema;

use crate::{
    again,
    app::App,
    caller::Caller,
    chains::rows_from,
    db::transaction,
    error::{Error, Result},
    log,
    wire::{Asked, Named, Sent, id, to_row},
};

/// Structures that one search shows.
const LISTED: i64 = 50;
/// Structures that one account may found.
const FOUNDED: i64 = 50;

/// Bytes that each person adds at most to a group's commit, welcome or history: leaves with their
/// keys and proofs, seeds and a name.
const SEALED_BYTES_EACH: usize = 64 << 10;
/// How far a certificate's serial and number may be above those before it. CERT-3.
const STEP: u64 = 16;

/// An empty object.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {}

/// Structures that the operator accepted, by name.
#[utoipa::path(
    get, path = "/v1/structures", params(StructureSearch),
    responses((status = 200, body = StructureList), (status = "default", body = Problem))
)]
pub(crate) async fn search(
    State(app): State<App>,
    Asked(asked): Asked<StructureSearch>,
) -> Result<Json<StructureList>> {
    // PostgreSQL takes no text with a zero in it.
    if asked.search.len() > NAME_MAX_BYTES || asked.search.contains('\0') {
        return Err(Code::BadRequest.into());
    }
    let rows: Vec<(Vec<u8>, String, String)> = sqlx::query_as(
        "-- structure::search
        select structure_id, name, place from structure
        where acceptance is not null and closed = 0 and searched like $1 escape '!'
        order by searched, structure_id limit $2",
    )
    .bind(like(&asked.search))
    .bind(LISTED)
    .fetch_all(app.db.reader())
    .await?;
    let structures = rows
        .into_iter()
        .map(|(structure, name, place)| {
            Ok(StructureEntry { structure_id: id(&structure)?, name, place })
        })
        .collect::<Result<_>>()?;
    Ok(Json(StructureList { structures }))
}

/// A pattern that finds `text` anywhere, whatever signs are in it.
fn like(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for letter in text.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// A structure's public chain: of one that was accepted, or of the caller's own.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}", params(("structure_id" = String, Path)),
    responses((status = 200, body = StructureFace), (status = "default", body = Problem))
)]
pub(crate) async fn show(
    caller: Option<Caller>,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
) -> Result<Json<StructureFace>> {
    let mut tx = app.db.snapshot().await?;
    let account = caller.map_or(Vec::new(), |caller| caller.account_id.0.to_vec());
    let acceptance: Option<Option<Vec<u8>>> = sqlx::query_scalar(
        "-- structure::show
        select s.acceptance from structure s
        where s.structure_id = $1
          and (s.acceptance is not null or exists (
            select 1 from member m where m.structure_id = s.structure_id and m.account_id = $2))",
    )
    .bind(structure_id.as_bytes())
    .bind(account)
    .fetch_optional(&mut *tx)
    .await?;
    let acceptance = acceptance.ok_or(Code::NotFound)?;
    let statements = rows_from(structure_id, 1, &mut tx).await?;
    Ok(Json(StructureFace {
        statements: statements.into_iter().map(Base64).collect(),
        acceptance: acceptance.map(Base64),
    }))
}

/// Founds a structure: the caller becomes its manager.
#[utoipa::path(
    post, path = "/v1/structures", request_body = FoundStructure,
    responses((status = 201, body = Done), (status = "default", body = Problem))
)]
pub(crate) async fn found(
    caller: Caller,
    State(app): State<App>,
    Sent(asked): Sent<FoundStructure>,
) -> Result<(StatusCode, Json<Done>)> {
    let founding = Founding::check(asked, caller, app.clock.now())?;
    app.disk.check_room(0)?;
    transaction!(app.db, "structure::found", |tx| {
        if founding.is_stored(tx).await? {
            return Ok(());
        }
        let sealed = [&founding.asked.history, &founding.asked.recovery];
        check_sizes(founding.chain.structure_id, &sealed, tx).await?;
        founding.store(tx).await
    })?;
    Ok((StatusCode::CREATED, Json(Done {})))
}

/// A founding that was verified.
struct Founding {
    chain: StructureChain,
    epoch: EpochTerms,
    certificate: Certificate,
    caller: Caller,
    asked: FoundStructure,
    name: String,
    place: String,
}

impl Founding {
    fn check(asked: FoundStructure, caller: Caller, now: u64) -> Result<Self> {
        let first = asked.statements.first().ok_or(Code::Refused)?;
        let StructureBody::Found(founding) = Link::claim(&first.0)?.body else {
            return Err(Code::Refused.into());
        };
        let statements = asked.statements.iter().map(|statement| statement.0.as_slice());
        let chain = StructureChain::verify(founding.structure_id(), statements)?;
        let certificate = verify_certificate(&asked.certificate.0, &chain)?.into_body();
        let epoch = chain.epoch.clone().ok_or(Code::Refused)?;
        let sound = asked.statements.len() == 2
            && chain.founding.founder == caller.account_id
            && certificate.account_id == caller.account_id
            && certificate.role == Role::Manager
            && certificate.ends_at > now
            && !asked.recovery.0.is_empty();
        if !sound {
            return Err(Code::Refused.into());
        }
        let (name, place) = (text(&chain.founding.name)?, text(&chain.founding.place)?);
        Ok(Self { chain, epoch, certificate, caller, asked, name, place })
    }

    async fn is_stored(&self, tx: &mut AnyConnection) -> Result<bool> {
        let stored = rows_from(self.chain.structure_id, 1, tx).await?;
        let given: Vec<_> = self.asked.statements.iter().map(|s| s.0.as_slice()).collect();
        if stored.is_empty() {
            return Ok(false);
        }
        let same = stored.get(..2).is_some_and(|first| first == given.as_slice());
        if same { Ok(true) } else { Err(Code::Conflict.into()) }
    }

    async fn store(&self, tx: &mut AnyConnection) -> Result<()> {
        let structure_id = self.chain.structure_id;
        let founded: i64 = sqlx::query_scalar(
            "-- structure::found
            select count(*) from structure where founder = $1",
        )
        .bind(self.caller.account_id.as_bytes())
        .fetch_one(&mut *tx)
        .await?;
        if founded >= FOUNDED {
            return Err(Error::Wait(Code::TooManyRequests, 24 * 3600));
        }
        let stored = sqlx::query(
            "-- structure::found
            insert into structure (structure_id, name, place, searched, founder, sequence, epoch,
              key_id, acceptance, closed, mls_epoch, history)
            values ($1, $2, $3, $4, $5, 2, $6, $7, null, 0, $8, $9)
            on conflict do nothing",
        )
        .bind(structure_id.as_bytes())
        .bind(self.name.as_str())
        .bind(self.place.as_str())
        .bind(format!("{} {}", self.name, self.place).to_lowercase())
        .bind(self.caller.account_id.as_bytes())
        .bind(to_row(self.epoch.epoch))
        .bind(self.epoch.recipient.id().as_slice())
        .bind(to_row(self.epoch.roster.mls_epoch))
        .bind(self.asked.history.0.clone())
        .execute(&mut *tx)
        .await?;
        if stored.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        for (sequence, statement) in (1_u64..).zip(&self.asked.statements) {
            insert_statement(structure_id, sequence, &statement.0, tx).await?;
        }
        insert_certificate(&self.certificate, &self.asked.certificate.0, tx).await?;
        log::entry(structure_id, self.chain.head(), tx).await?;
        sqlx::query(
            "-- structure::found
            insert into member (structure_id, account_id, confirmed, serial, number, ends_at)
            values ($1, $2, 1, $3, $4, $5)",
        )
        .bind(structure_id.as_bytes())
        .bind(self.caller.account_id.as_bytes())
        .bind(to_row(self.certificate.serial))
        .bind(i64::from(self.certificate.number))
        .bind(to_row(self.certificate.ends_at))
        .execute(&mut *tx)
        .await?;
        let (mls_epoch, by) = (self.epoch.roster.mls_epoch, (structure_id, self.caller));
        again::keep(by, mls_epoch, &self.asked.recovery, tx).await
    }
}

/// A public name or place: UTF-8 of a sensible length, without signs that are not seen.
fn text(bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|_| Code::Refused)?;
    let sound = !text.trim().is_empty()
        && text.len() <= NAME_MAX_BYTES
        && !text.chars().any(char::is_control);
    if sound { Ok(text.to_owned()) } else { Err(Code::Refused.into()) }
}

/// Whether a chain ends with these statements.
pub(crate) async fn holds(
    structure_id: StructureId,
    statements: &[Base64],
    tx: &mut AnyConnection,
) -> Result<bool> {
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- structure::holds
        select bytes from structure_statement where structure_id = $1
        order by sequence desc limit $2",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(statements.len() as u64))
    .fetch_all(&mut *tx)
    .await?;
    Ok(!statements.is_empty() && stored.iter().rev().eq(statements.iter().map(|it| &it.0)))
}

/// Refuses what is longer than an honest group of so many people makes it: commit, welcome and
/// history, each bounded by the certificates that there are.
pub(crate) async fn check_sizes(
    structure_id: StructureId,
    sealed: &[&Base64],
    tx: &mut AnyConnection,
) -> Result<()> {
    let certificates: i64 = sqlx::query_scalar(
        "-- structure::check_sizes
        select count(*) from certificate where structure_id = $1",
    )
    .bind(structure_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    let people = usize::try_from(certificates).unwrap_or(usize::MAX).saturating_add(1);
    let most = people.saturating_mul(SEALED_BYTES_EACH);
    if sealed.iter().all(|it| it.0.len() <= most) { Ok(()) } else { Err(Code::Refused.into()) }
}

/// Stores one statement of a structure.
pub(crate) async fn insert_statement(
    structure_id: StructureId,
    sequence: u64,
    statement: &[u8],
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- structure::insert_statement
        insert into structure_statement (structure_id, sequence, bytes) values ($1, $2, $3)",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(sequence))
    .bind(statement.to_vec())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Stores a certificate, whose serial is the structure's highest.
pub(crate) async fn insert_certificate(
    certificate: &Certificate,
    attested: &[u8],
    tx: &mut AnyConnection,
) -> Result<()> {
    let stored = sqlx::query(
        "-- structure::insert_certificate
        insert into certificate (structure_id, serial, number, bytes)
        select $1, $2, $3, $4
        where not exists (select 1 from certificate where structure_id = $1 and serial >= $2)
          and $2 - $5 <= (select coalesce(max(serial), 0) from certificate where structure_id = $1)
          and $3 - $5 <= (select coalesce(max(number), 0) from certificate where structure_id = $1)
        on conflict do nothing",
    )
    .bind(certificate.structure_id.as_bytes())
    .bind(to_row(certificate.serial))
    .bind(i64::from(certificate.number))
    .bind(attested.to_vec())
    .bind(to_row(STEP))
    .execute(&mut *tx)
    .await?;
    // Another was made since: read again and repeat.
    if stored.rows_affected() == 1 { Ok(()) } else { Err(Code::Conflict.into()) }
}

/// Whether a certificate with this number was ever made.
pub(crate) async fn was_certified(
    structure_id: StructureId,
    number: u32,
    tx: &mut AnyConnection,
) -> Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "-- structure::was_certified
        select count(*) from certificate where structure_id = $1 and number = $2",
    )
    .bind(structure_id.as_bytes())
    .bind(i64::from(number))
    .fetch_one(&mut *tx)
    .await?;
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_every_sign_as_itself() {
        assert_eq!(like(" 100%_É! "), "%100!%!_é!!%");
        assert_eq!(like(""), "%%");
    }

    #[test]
    fn names_that_are_empty_or_hide_signs_are_refused() {
        assert!(text("Accueil de jour".as_bytes()).is_ok());
        for bad in ["".as_bytes(), b"  ", b"a\nb", &[0xff], &[b'a'; NAME_MAX_BYTES + 1]] {
            assert!(text(bad).is_err());
        }
    }
}
