//! What is said of a structure without a commit of its group: who manages it, what one manager asks
//! another to say, whom it introduces, that it ends, and certificates that are renewed. Who may say
//! what is the chain's to judge.

use axum::{extract::State, http::StatusCode};
use reconnect_format::{
    api::{Code, Moved, Problem, Renewal, StructureSays},
    decode, encode,
    id::{AccountId, Base64, StructureId},
    statement::Attested,
    structure::{
        Certificate, Link, MotionAbout, StructureBody, StructureChain, verify_certificate,
    },
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    chains,
    db::transaction,
    error::Result,
    log,
    member::{joined, learn, managed},
    structure, turn,
    wire::{Named, Sent, to_row},
};

/// Statements that one call holds: somebody is named, and somebody else removed.
const STATEMENTS: usize = 2;
/// How long a motion can be carried. STRUCT-9.
const MOTION_SECONDS: i64 = 30 * 24 * 3600;
/// How far a device's clock may be off.
const CLOCK_SECONDS: u64 = 24 * 3600;

/// Takes statements of a manager, or of the structure's root, in one transaction.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/statements",
    params(("structure_id" = String, Path)), request_body = StructureSays,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn say(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(said): Sent<StructureSays>,
) -> Result<StatusCode> {
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "say::say", |tx| {
        let mut chain = joined(structure_id, caller, &app, tx).await?;
        if structure::holds(structure_id, &said.statements, tx).await? {
            return Ok(());
        }
        let (before, _) = chain.head();
        let first = said.statements.first().ok_or(Code::Refused)?;
        if said.statements.len() > STATEMENTS {
            return Err(Code::Refused.into());
        }
        // Somebody was faster: read again and repeat.
        if Link::claim(&first.0)?.sequence <= before {
            return Err(Code::Conflict.into());
        }
        for link in &said.statements {
            append(&mut chain, link, caller)?;
            chains::check_room(&chain, &link.0)?;
            carry_out(structure_id, Link::claim(&link.0)?.body, tx).await?;
        }
        store(&chain, before, &said.statements, tx).await?;
        turn::take(&chain, caller.account_id, &said.statements, (app.clock.now(), tx)).await
    })?;
    // Somebody may have lost what they could fetch.
    app.taken_away();
    Ok(StatusCode::NO_CONTENT)
}

/// A manager's statement comes from that manager; the root's from any member who has it.
fn append(chain: &mut StructureChain, link: &Base64, caller: Caller) -> Result<()> {
    chain.append(&link.0)?;
    let signer = chain.signers.last().copied().flatten().map(|(account_id, _)| account_id);
    let own = match decode(&link.0)? {
        Link::Root { .. } => true,
        Link::Manager { .. } => signer == Some(caller.account_id),
        Link::Member { .. } => false,
    };
    if own { Ok(()) } else { Err(Code::Refused.into()) }
}

async fn carry_out(
    structure_id: StructureId,
    body: StructureBody,
    tx: &mut AnyConnection,
) -> Result<()> {
    match body {
        StructureBody::AddManager { account_id } => is_here(structure_id, account_id, tx).await,
        StructureBody::RemoveManager { account_id, last_serial, .. } => {
            is_newest(structure_id, last_serial, tx).await?;
            forget_motions(structure_id, account_id, tx).await
        }
        StructureBody::Close { .. } => close(structure_id, tx).await,
        StructureBody::Introduce { .. } | StructureBody::Withdraw { .. } => Ok(()),
        // The others go with a commit, or with another group.
        _ => Err(Code::Refused.into()),
    }
}

/// STRUCT-11: who is to manage is a member.
async fn is_here(
    structure_id: StructureId,
    account_id: AccountId,
    tx: &mut AnyConnection,
) -> Result<()> {
    let here: i64 = sqlx::query_scalar(
        "-- say::is_here
        select count(*) from member
        where structure_id = $1 and account_id = $2 and confirmed = 1",
    )
    .bind(structure_id.as_bytes())
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if here == 1 { Ok(()) } else { Err(Code::Refused.into()) }
}

/// STRUCT-11: a lower one would take from others the certificates that somebody signed honestly.
async fn is_newest(
    structure_id: StructureId,
    last_serial: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let newest: Option<i64> = sqlx::query_scalar(
        "-- say::is_newest
        select max(serial) from certificate where structure_id = $1",
    )
    .bind(structure_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    // One was made since: read again and repeat.
    if newest == Some(to_row(last_serial)) { Ok(()) } else { Err(Code::Conflict.into()) }
}

/// Ends everything that was given to a structure, and what its members held; chain and certificates
/// stay, so that owners can verify its end and who opened what. GRANT-10, STRUCT-10.
async fn close(structure_id: StructureId, tx: &mut AnyConnection) -> Result<()> {
    for statement in [
        "-- say::close
        delete from wrap where grant_id in (select grant_id from granted where structure_id = $1)",
        "-- say::close
        delete from rewrap
        where grant_id in (select grant_id from granted where structure_id = $1)",
        "-- say::close\ndelete from rewrap_list where structure_id = $1",
        "-- say::close\nupdate granted set recipient_wrap = null where structure_id = $1",
        "-- say::close\ndelete from guardian where structure_id = $1",
        "-- say::close\ndelete from invitation where structure_id = $1",
        "-- say::close\ndelete from mls_commit where structure_id = $1",
        "-- say::close\ndelete from recovery where structure_id = $1",
        // With their welcomes, requests and motions.
        "-- say::close\ndelete from member where structure_id = $1",
    ] {
        sqlx::query(statement).bind(structure_id.as_bytes()).execute(&mut *tx).await?;
    }
    sqlx::query(
        "-- say::close
        update structure set closed = 1, history = $2 where structure_id = $1",
    )
    .bind(structure_id.as_bytes())
    .bind(Vec::<u8>::new())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What somebody asked for, and what was asked about them, is over.
async fn forget_motions(
    structure_id: StructureId,
    account_id: AccountId,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- say::forget_motions
        delete from motion where structure_id = $1 and (mover = $2 or about = $3)",
    )
    .bind(structure_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(encode(&MotionAbout::RemoveManager(account_id)))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn store(
    chain: &StructureChain,
    before: u64,
    statements: &[Base64],
    tx: &mut AnyConnection,
) -> Result<()> {
    let structure_id = chain.structure_id;
    let moved = sqlx::query(
        "-- say::store
        update structure set sequence = $1 where structure_id = $2 and sequence = $3",
    )
    .bind(to_row(chain.head().0))
    .bind(structure_id.as_bytes())
    .bind(to_row(before))
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(Code::Conflict.into());
    }
    for (sequence, statement) in (before + 1..).zip(statements) {
        structure::insert_statement(structure_id, sequence, &statement.0, tx).await?;
    }
    log::entry(structure_id, chain.head(), tx).await
}

/// Keeps what a manager asks the others to say with them, in the place of what they asked before.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/motions",
    params(("structure_id" = String, Path)), request_body = Moved,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn propose(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(asked): Sent<Moved>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    app.disk.check_room(0)?;
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "say::propose", |tx| {
        let chain = managed(structure_id, caller, &app, tx).await?;
        let (motion, mover) = chain.open_motion(&decode(&asked.motion.0)?, now)?;
        let sound = mover == caller.account_id
            && motion.about.removes().is_none_or(|removed| chain.is_manager(removed))
            && motion.made_at <= now + CLOCK_SECONDS;
        if !sound {
            return Err(Code::Refused.into());
        }
        sqlx::query(
            "-- say::propose
            insert into motion (structure_id, mover, about, made_at, bytes)
            values ($1, $2, $3, $4, $5)
            on conflict (structure_id, mover, about) do update set made_at = $4, bytes = $5",
        )
        .bind(structure_id.as_bytes())
        .bind(caller.account_id.as_bytes())
        .bind(encode(&motion.about))
        .bind(to_row(motion.made_at))
        .bind(asked.motion.0.clone())
        .execute(&mut *tx)
        .await?;
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member's next certificate, under the number that they have. GROUP-11.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/certificates",
    params(("structure_id" = String, Path)), request_body = Renewal,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn renew(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(renewal): Sent<Renewal>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "say::renew", |tx| {
        let chain = managed(structure_id, caller, &app, tx).await?;
        let attested = &renewal.certificate.0;
        let (_, signer) = Attested::open::<Certificate>(attested)?;
        let certificate = verify_certificate(attested, &chain)?.into_body();
        let sound = signer.account_id == caller.account_id
            && certificate.ends_at > now
            && !chain.is_revoked(certificate.number);
        if !sound {
            return Err(Code::Refused.into());
        }
        if is_renewed(&certificate, attested, tx).await? {
            return Ok(());
        }
        structure::insert_certificate(&certificate, attested, tx).await?;
        let renewed = sqlx::query(
            "-- say::renew
            update member set serial = $1, ends_at = $2
            where structure_id = $3 and account_id = $4 and number = $5 and confirmed = 1",
        )
        .bind(to_row(certificate.serial))
        .bind(to_row(certificate.ends_at))
        .bind(structure_id.as_bytes())
        .bind(certificate.account_id.as_bytes())
        .bind(i64::from(certificate.number))
        .execute(&mut *tx)
        .await?;
        if renewed.rows_affected() == 1 { Ok(()) } else { Err(Code::Refused.into()) }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn is_renewed(
    certificate: &Certificate,
    attested: &[u8],
    tx: &mut AnyConnection,
) -> Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "-- say::is_renewed
        select count(*) from certificate where structure_id = $1 and serial = $2 and bytes = $3",
    )
    .bind(certificate.structure_id.as_bytes())
    .bind(to_row(certificate.serial))
    .bind(attested.to_vec())
    .fetch_one(&mut *tx)
    .await?;
    Ok(count > 0)
}

/// Takes away what nobody carried in time.
pub(crate) async fn sweep(now: i64, tx: &mut AnyConnection) -> Result<u64> {
    let gone = sqlx::query("-- say::sweep\ndelete from motion where made_at <= $1")
        .bind(now - MOTION_SECONDS)
        .execute(&mut *tx)
        .await?;
    Ok(gone.rows_affected())
}
