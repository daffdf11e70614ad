//! Deposits: what workers seal for owners, kept until the owner takes it, refuses it, or thirty days
//! have passed. Until then its bytes count for whoever sent it.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use reconnect_format::{
    api::{
        Code, GiveDeposit, Inbox, OwnerKeys, Problem, SentDeposit, SentDeposits, WaitingDeposit,
    },
    deposit::{DEPOSIT_KEPT_MAX_BYTES, DEPOSIT_WRAP_BYTES, Deposit},
    encode,
    id::{AccountId, Base64, DepositId, EnvelopeId},
    statement::Attested,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    document,
    download::{self, Access, Content},
    error::{Error, Result},
    generation, upload,
    wire::{Named, Sent, from_row, id, to_row},
};

/// It waits.
const WAITING: i64 = 1;
/// The owner took it.
pub(crate) const TAKEN: i64 = 2;
/// The owner refused it.
pub(crate) const REFUSED: i64 = 3;
/// How long it waits.
const SECONDS: i64 = 30 * 24 * 3600;
/// Deposits that wait for one owner, at most. DEP-7.
const INBOX: i64 = 50;
/// Those of one structure among them.
const INBOX_OF_ONE: i64 = 10;
/// Deposits of one account, whatever became of them, while they are remembered.
const SENT: i64 = 500;
/// How far the depositor's clock may be from the server's.
const CLOCK_SECONDS: u64 = 24 * 3600;

/// Whether the caller is a confirmed member of a structure that the operator accepted. DEP-7.
pub(crate) async fn check_may(caller: Caller, app: &App) -> Result<()> {
    let member: Option<i64> = sqlx::query_scalar(
        "-- deposit::check_may
        select m.confirmed from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2 limit 1",
    )
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_optional(app.db.reader())
    .await?;
    member.map(drop).ok_or(Code::NotFound.into())
}

/// The public keys of an owner whose address somebody holds: nobody guesses one.
#[utoipa::path(
    get, path = "/v1/owners/{account_id}", params(("account_id" = String, Path)),
    responses((status = 200, body = OwnerKeys), (status = "default", body = Problem))
)]
pub(crate) async fn owner(
    _caller: Caller,
    State(app): State<App>,
    Named(account_id): Named<AccountId>,
) -> Result<Json<OwnerKeys>> {
    let (opening, path) = generation::named(account_id, &app).await?.ok_or(Code::NotFound)?;
    let keys = Base64(encode(&generation::keys_of(&opening)?));
    Ok(Json(OwnerKeys { keys, generations: path.into_iter().map(Base64).collect() }))
}

/// Takes a deposit in, whose content has arrived whole.
#[utoipa::path(
    post, path = "/v1/deposits", request_body = GiveDeposit,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn give(
    caller: Caller,
    State(app): State<App>,
    Sent(given): Sent<GiveDeposit>,
) -> Result<StatusCode> {
    check_may(caller, &app).await?;
    let (signed, device) = Attested::open::<Deposit>(&given.deposit.0)?;
    let deposit = signed.into_body();
    let sound = device.account_id == caller.account_id
        && device.device_id == caller.device_id
        && deposit.account_id == caller.account_id
        && deposit.device_id == caller.device_id
        && deposit.owner != caller.account_id
        && deposit.made_at.abs_diff(app.clock.now()) <= CLOCK_SECONDS
        && given.wrap.0.len() == DEPOSIT_WRAP_BYTES
        && given.kept.0.len() <= DEPOSIT_KEPT_MAX_BYTES;
    if !sound {
        return Err(Code::Refused.into());
    }
    app.disk.check_room(0)?;
    let newest = generation::newest_keys(deposit.owner, &app).await?.ok_or(Code::NotFound)?;
    transaction!(app.db, "deposit::give", |tx| {
        if is_there(&deposit, tx).await? {
            return Ok(());
        }
        // The owner began a new generation meanwhile: read again and repeat.
        if newest.recipient.id() != deposit.key_id {
            return Err(Code::Conflict.into());
        }
        let serial = check_depositor(&deposit, &app, tx).await?;
        check_counts(&deposit, app.clock.now_row(), tx).await?;
        let whose = (caller.account_id, deposit.owner);
        let document_id = deposit.deposit_id.as_document();
        upload::tie(whose, document_id, &deposit.content, 0, tx).await?;
        insert(&deposit, serial, &given, &app, tx).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether it was taken in before: the first counts.
async fn is_there(deposit: &Deposit, tx: &mut AnyConnection) -> Result<bool> {
    let known: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- deposit::is_there
        select depositor, envelope_id from deposit where deposit_id = $1",
    )
    .bind(deposit.deposit_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let same = |(depositor, envelope): &(Vec<u8>, Vec<u8>)| {
        depositor == deposit.account_id.as_bytes()
            && envelope == deposit.content.envelope_id.as_bytes()
    };
    match known {
        None => Ok(false),
        Some(known) if same(&known) => Ok(true),
        Some(_) => Err(Code::Refused.into()),
    }
}

/// The serial number of the depositor's certificate in the structure that they name.
async fn check_depositor(deposit: &Deposit, app: &App, tx: &mut AnyConnection) -> Result<i64> {
    let row: Option<(i64, i64, i64)> = sqlx::query_as(
        "-- deposit::check_depositor
        select m.serial, m.number, s.epoch from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        where m.structure_id = $1 and m.account_id = $2 and m.confirmed = 1 and m.ends_at > $3",
    )
    .bind(deposit.structure_id.as_bytes())
    .bind(deposit.account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_optional(&mut *tx)
    .await?;
    let (serial, number, epoch) = row.ok_or(Code::NotFound)?;
    if number != i64::from(deposit.worker_number) {
        return Err(Code::Refused.into());
    }
    // A new epoch began meanwhile: read again and repeat.
    if epoch == to_row(deposit.epoch) { Ok(serial) } else { Err(Code::Conflict.into()) }
}

/// An inbox is bounded, and no structure fills it alone. What was refused keeps its place of that
/// structure's: it would learn of it otherwise. DEP-7.
async fn check_counts(deposit: &Deposit, now: i64, tx: &mut AnyConnection) -> Result<()> {
    let (all, of_one): (i64, i64) = sqlx::query_as(
        "-- deposit::check_counts
        select coalesce(sum(case when state = 1 then 1 else 0 end), 0),
          coalesce(sum(case when structure_id = $2 then 1 else 0 end), 0)
        from deposit where account_id = $1 and state <> 2 and ends_at > $3",
    )
    .bind(deposit.owner.as_bytes())
    .bind(deposit.structure_id.as_bytes())
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    let sent: i64 = sqlx::query_scalar(
        "-- deposit::check_counts
        select count(*) from deposit where depositor = $1",
    )
    .bind(deposit.account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    for (count, most) in [(all, INBOX), (of_one, INBOX_OF_ONE), (sent, SENT)] {
        if count >= most {
            return Err(Error::TooMany(from_row(most)));
        }
    }
    Ok(())
}

async fn insert(
    deposit: &Deposit,
    serial: i64,
    given: &GiveDeposit,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let now = app.clock.now_row();
    let owner: Option<i64> = sqlx::query_scalar(
        "-- deposit::insert
        select sequence from account where account_id = $1",
    )
    .bind(deposit.owner.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    owner.ok_or(Code::NotFound)?;
    sqlx::query(
        "-- deposit::insert
        insert into deposit (deposit_id, account_id, depositor, structure_id, serial, envelope_id,
          state, sent_at, ends_at, bytes, wrap, kept)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(deposit.deposit_id.as_bytes())
    .bind(deposit.owner.as_bytes())
    .bind(deposit.account_id.as_bytes())
    .bind(deposit.structure_id.as_bytes())
    .bind(serial)
    .bind(deposit.content.envelope_id.as_bytes())
    .bind(WAITING)
    .bind(now)
    .bind(now + SECONDS)
    .bind(given.deposit.0.clone())
    .bind(given.wrap.0.clone())
    .bind(given.kept.0.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What waits for the caller.
#[utoipa::path(
    get, path = "/v1/deposits",
    responses((status = 200, body = Inbox), (status = "default", body = Problem))
)]
pub(crate) async fn inbox(caller: Caller, State(app): State<App>) -> Result<Json<Inbox>> {
    type Row = (Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>);
    let rows: Vec<Row> = sqlx::query_as(
        "-- deposit::inbox
        select d.deposit_id, d.ends_at, d.bytes, d.wrap, c.bytes from deposit d
        join certificate c on c.structure_id = d.structure_id and c.serial = d.serial
        where d.account_id = $1 and d.state = 1 and d.ends_at > $2
        order by d.sent_at, d.deposit_id",
    )
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_all(app.db.reader())
    .await?;
    let deposits = rows
        .into_iter()
        .map(|(deposit_id, ends_at, deposit, wrap, certificate)| {
            Ok(WaitingDeposit {
                deposit_id: id(&deposit_id)?,
                deposit: Base64(deposit),
                certificate: Base64(certificate),
                wrap: Base64(wrap),
                ends_at: from_row(ends_at),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Json(Inbox { deposits }))
}

/// How many wait for somebody.
pub(crate) async fn count(account_id: AccountId, app: &App, tx: &mut AnyConnection) -> Result<u32> {
    let count: i64 = sqlx::query_scalar(
        "-- deposit::count
        select count(*) from deposit where account_id = $1 and state = 1 and ends_at > $2",
    )
    .bind(account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_one(&mut *tx)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What the caller sent. That somebody refused is not told: it waits until its last day.
#[utoipa::path(
    get, path = "/v1/deposits/sent",
    responses((status = 200, body = SentDeposits), (status = "default", body = Problem))
)]
pub(crate) async fn sent(caller: Caller, State(app): State<App>) -> Result<Json<SentDeposits>> {
    type Row = (Vec<u8>, i64, i64, i64, Vec<u8>);
    let rows: Vec<Row> = sqlx::query_as(
        "-- deposit::sent
        select deposit_id, sent_at, ends_at, state, kept from deposit where depositor = $1
        order by sent_at desc, deposit_id",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    let deposits = rows
        .into_iter()
        .map(|(deposit_id, sent_at, ends_at, state, kept)| {
            Ok(SentDeposit {
                deposit_id: id(&deposit_id)?,
                sent_at: from_row(sent_at),
                ends_at: from_row(ends_at),
                accepted: state == TAKEN,
                kept: Base64(kept),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Json(SentDeposits { deposits }))
}

/// The sealed content of a deposit that waits for the caller.
#[utoipa::path(
    get, path = "/v1/deposits/{deposit_id}/content",
    params(("deposit_id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206, content_type = "application/octet-stream"),
        (status = 416, description = "No byte of that range is there"),
        (status = "default", body = Problem),
    )
)]
pub(crate) async fn content(
    caller: Caller,
    State(app): State<App>,
    Named(deposit_id): Named<DepositId>,
    headers: HeaderMap,
) -> Result<Response> {
    let (envelope_id, prefix) =
        content_of(caller, deposit_id, &app).await?.ok_or(Error::Code(Code::NotFound))?;
    let content = Content::new(envelope_id, prefix)?;
    download::answer(content, Access::Deposit { caller, deposit_id }, &headers, app).await
}

/// The content that waits for the caller, and what it begins with.
pub(crate) async fn content_of(
    caller: Caller,
    deposit_id: DepositId,
    app: &App,
) -> Result<Option<(EnvelopeId, Vec<u8>)>> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- deposit::content_of
        select e.envelope_id, e.prefix from deposit d
        join envelope e on e.envelope_id = d.envelope_id
        where d.account_id = $1 and d.deposit_id = $2 and d.state = 1 and d.ends_at > $3",
    )
    .bind(caller.account_id.as_bytes())
    .bind(deposit_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_optional(app.db.reader())
    .await?;
    row.map(|(envelope, prefix)| Ok((id(&envelope)?, prefix))).transpose()
}

/// Its owner took or refused it: key and content go in the same transaction. Of what was refused, the
/// room that it takes stays taken, so that its depositor does not see it. One that is not there is no
/// reason to refuse what the owner signed.
pub(crate) async fn settle(
    account_id: AccountId,
    deposit_id: DepositId,
    state: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- deposit::settle
        update deposit set state = $1, wrap = null
        where deposit_id = $2 and account_id = $3 and state = 1
        returning depositor, envelope_id",
    )
    .bind(state)
    .bind(deposit_id.as_bytes())
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let Some((depositor, envelope)) = row else { return Ok(()) };
    if state == TAKEN {
        return document::forget(id(&depositor)?, &[id(&envelope)?], tx).await;
    }
    sqlx::query(
        "-- deposit::settle
        insert into doomed (envelope_id) values ($1) on conflict do nothing",
    )
    .bind(envelope)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A safe that closes lets go of what waits for it; the rows go with the account.
pub(crate) async fn forget_all_for(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- deposit::forget_all_for
        select depositor, envelope_id from deposit where account_id = $1 and state = 1",
    )
    .bind(account_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    for (depositor, envelope) in rows {
        document::forget(id(&depositor)?, &[id(&envelope)?], tx).await?;
    }
    Ok(())
}

/// Deposits whose thirty days have passed, with what still waits of them.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.now_row();
    let gone = transaction!(app.db, "deposit::sweep", |tx| {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "-- deposit::sweep
                delete from deposit where ends_at <= $1 returning depositor, envelope_id",
        )
        .bind(now)
        .fetch_all(&mut *tx)
        .await?;
        for (depositor, envelope) in &rows {
            document::forget(id(depositor)?, &[id(envelope)?], tx).await?;
        }
        Ok(!rows.is_empty())
    })?;
    if gone {
        app.taken_away();
    }
    Ok(())
}
