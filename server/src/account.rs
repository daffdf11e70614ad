//! Accounts: registering six words, opening a safe, its locks, and closing it.

use axum::{Json, extract::State, http::StatusCode};
use opaque_ke::{RegistrationRequest, ServerRegistration};
use reconnect_format::{
    Label,
    api::{
        Code, GrantWraps, LockMaterial, OpenAccount, Problem, RegistrationAnswer,
        RegistrationStart, Written,
    },
    decode,
    grant::OWNER_WRAP_BYTES,
    id::{AccountId, Base64, LockId},
    lock::{HANDLE_MAX_BYTES, LockAccess, LockKind, RootWrap},
    log::account_index,
    manifest::Manifest,
    statement::Body,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    db::transaction,
    deposit,
    effect::check_lock,
    error::{Error, Result},
    grant, log,
    secret::Words,
    session, statement, tries,
    wire::{Sent, to_row},
};

/// A sealed `LogPlace`: salt, suite, index, opening, tag.
const LOG_PLACE_BYTES: usize = 114;

/// The server's half of an OPAQUE registration.
///
/// It is answered for any handle, known or not, and costs a try of it: without that, it would be a
/// way to guess words which nobody counts. LOCK-8.
#[utoipa::path(
    post, path = "/v1/words/registration", request_body = RegistrationStart,
    responses((status = 200, body = RegistrationAnswer), (status = "default", body = Problem))
)]
pub(crate) async fn register_words(
    State(app): State<App>,
    Sent(start): Sent<RegistrationStart>,
) -> Result<Json<RegistrationAnswer>> {
    app.unlock_rate.take()?;
    check_handle(&start.handle)?;
    let request = RegistrationRequest::<Words>::deserialize(&start.request.0)
        .map_err(|_| Code::BadRequest)?;
    tries::spend(app.secrets.tries_key(&start.handle), &app).await?;
    let answer =
        ServerRegistration::<Words>::start(&app.secrets.opaque, request, start.handle.as_bytes())
            .map_err(|_| Code::BadRequest)?;
    Ok(Json(RegistrationAnswer { response: Base64(answer.message.serialize().to_vec()) }))
}

/// Handles that no device draws are refused alike, before anything is looked up.
pub(crate) fn check_handle(handle: &str) -> Result<()> {
    let sound = !handle.is_empty()
        && handle.len() <= HANDLE_MAX_BYTES
        && handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if sound { Ok(()) } else { Err(Code::BadRequest.into()) }
}

/// Opens a safe.
#[utoipa::path(
    post, path = "/v1/accounts", request_body = OpenAccount,
    responses((status = 201, body = Written), (status = "default", body = Problem))
)]
pub(crate) async fn open(
    State(app): State<App>,
    Sent(opening): Sent<OpenAccount>,
) -> Result<(StatusCode, Json<Written>)> {
    app.unlock_rate.take()?;
    let opening = Opening::check(opening)?;
    let written = match app.disk.check_room(0) {
        Ok(()) => transaction!(app.db, "account::open", |tx| {
            opening.write(app.clock.now_row(), tx).await
        }),
        Err(full) => Err(full),
    };
    match written {
        // The try that registering the words cost: a new handle has as many as an unknown one.
        Ok(()) => tries::give_back(app.secrets.tries_key(&opening.handle()), &app).await?,
        // The same request again has the effect of one.
        Err(error) if opening.is_written(&app).await? => drop(error),
        Err(error) => return Err(error),
    }
    Ok((StatusCode::CREATED, Json(Written { sequence: opening.manifest.sequence() })))
}

/// A new safe whose statements were verified.
struct Opening {
    manifest: Manifest,
    statements: Vec<reconnect_format::Signed<reconnect_format::statement::Statement>>,
    locks: Vec<(LockId, LockAccess, LockMaterial)>,
    owner_wrap: Base64,
    log_index: [u8; 32],
    log_place: Base64,
    log_value: [u8; 32],
}

impl Opening {
    fn handle(&self) -> String {
        let mut handles = self.locks.iter().filter_map(|(_, access, _)| match access {
            LockAccess::Words { handle, .. } => Some(String::from_utf8_lossy(handle).into_owned()),
            LockAccess::Sheet { .. } => None,
        });
        handles.next().unwrap_or_default()
    }

    fn check(opening: OpenAccount) -> Result<Self> {
        let chain = opening.statements.iter().map(|statement| statement.0.as_slice());
        if opening.statements.len() != 5 {
            return Err(Code::Refused.into());
        }
        let (manifest, statements) = Manifest::replay(chain)?;
        let bodies: Vec<_> = statements.iter().map(|statement| &statement.body().body).collect();
        let [Body::Open { .. }, Body::AddDevice { .. }, words, sheet, Body::Grant(_)] =
            bodies.as_slice()
        else {
            return Err(Code::Refused.into());
        };
        let mut locks = Vec::with_capacity(2);
        for (body, kind) in [(words, LockKind::Words), (sheet, LockKind::Sheet)] {
            let Body::SetLock { lock_id, access, .. } = body else {
                return Err(Code::Refused.into());
            };
            if access.kind() != kind {
                return Err(Code::Refused.into());
            }
            let root_wrap = find_wrap(*lock_id, &opening.root_wraps)?;
            let words_record = (kind == LockKind::Words).then(|| opening.words_record.clone());
            let material = LockMaterial { root_wrap, words_record };
            check_lock(manifest.account_id(), body, &material)?;
            locks.push((*lock_id, access.clone(), material));
        }
        let sound = opening.root_wraps.len() == 2
            && manifest.owner_grant().is_some()
            && opening.owner_wrap.0.len() == OWNER_WRAP_BYTES
            && opening.log_place.0.len() == LOG_PLACE_BYTES;
        if !sound {
            return Err(Code::Refused.into());
        }
        let log_value = log::value(&opening.log_value)?;
        let log_index = account_index(manifest.account_id(), &log::value(&opening.log_nonce)?);
        let OpenAccount { owner_wrap, log_place, .. } = opening;
        Ok(Self { manifest, statements, locks, owner_wrap, log_index, log_place, log_value })
    }

    async fn write(&self, now: i64, tx: &mut AnyConnection) -> Result<()> {
        let account_id = self.manifest.account_id();
        let opened = sqlx::query(
            "-- account::open
            insert into account (account_id, sequence, head, used_bytes, receipt_count, log_index,
              log_place)
            select $1, $2, $3, 0, 0, $5, $6
            where not exists (select 1 from closed_account where account_hash = $4)
            on conflict do nothing",
        )
        .bind(account_id.as_bytes())
        .bind(to_row(self.manifest.sequence()))
        .bind(self.manifest.head().as_slice())
        .bind(Label::AccountId.hash(account_id.as_bytes()).as_slice())
        .bind(self.log_index.as_slice())
        .bind(self.log_place.0.clone())
        .execute(&mut *tx)
        .await?;
        if opened.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        log::head(account_id, self.manifest.sequence(), &self.log_value, tx).await?;
        for signed in &self.statements {
            // The device that signs the owner's grant was added by the second statement.
            statement::insert(signed, &self.manifest, tx).await?;
            if let Body::AddDevice { device_id, signing, .. } = &signed.body().body {
                session::add_device(account_id, *device_id, *signing, tx).await?;
            }
        }
        for (lock_id, access, material) in &self.locks {
            set_lock(account_id, *lock_id, (access, material), tx).await?;
        }
        let terms = self.manifest.owner_grant().ok_or(Code::Refused)?;
        let wraps =
            GrantWraps { owner_wrap: self.owner_wrap.clone(), recipient_wrap: Base64::default() };
        grant::give(account_id, (self.manifest.sequence(), now), (terms, &wraps), tx).await
    }

    /// Whether these very statements begin a chain that is stored.
    async fn is_written(&self, app: &App) -> Result<bool> {
        let chain: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- account::is_written
            select bytes from statement where account_id = $1 and sequence <= 5 order by sequence",
        )
        .bind(self.manifest.account_id().as_bytes())
        .fetch_all(app.db.reader())
        .await?;
        Ok(chain.len() == self.statements.len()
            && chain.iter().zip(&self.statements).all(|(row, signed)| *row == signed.encode()))
    }
}

fn find_wrap(lock_id: LockId, wraps: &[Base64]) -> Result<Base64> {
    for wrap in wraps {
        if decode::<RootWrap>(&wrap.0)?.binding.lock_id == lock_id {
            return Ok(wrap.clone());
        }
    }
    Err(Code::Refused.into())
}

/// Stores a lock that a statement set.
pub(crate) async fn set_lock(
    account_id: AccountId,
    lock_id: LockId,
    (access, material): (&LockAccess, &LockMaterial),
    tx: &mut AnyConnection,
) -> Result<()> {
    let (handle, sheet) = match access {
        LockAccess::Words { handle, .. } => {
            (Some(String::from_utf8(handle.clone()).map_err(|_| Code::Refused)?), None)
        }
        LockAccess::Sheet { sheet_id, signing } => (None, Some((sheet_id, signing))),
    };
    let is_words = handle.is_some();
    let stored = sqlx::query(
        "-- account::set_lock
        insert into lock (account_id, lock_id, handle, words_record, sheet_id, sheet_signing, root_wrap)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing",
    )
    .bind(account_id.as_bytes())
    .bind(lock_id.as_bytes())
    .bind(handle)
    .bind(material.words_record.as_ref().map(|record| record.0.clone()))
    .bind(sheet.map(|(sheet_id, _)| sheet_id.as_bytes().to_vec()))
    .bind(sheet.map(|(_, signing)| signing.0.to_vec()))
    .bind(material.root_wrap.0.clone())
    .execute(&mut *tx)
    .await?;
    match stored.rows_affected() {
        1 => Ok(()),
        _ if is_words => Err(Code::HandleTaken.into()),
        _ => Err(Code::Refused.into()),
    }
}

/// Removes a lock that a statement retired.
pub(crate) async fn retire_lock(
    account_id: AccountId,
    lock_id: LockId,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- account::retire_lock
        delete from lock where account_id = $1 and lock_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(lock_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes everything of a safe. What is left is a hash, so that it cannot be opened again.
pub(crate) async fn close(account_id: AccountId, tx: &mut AnyConnection) -> Result<()> {
    deposit::forget_all_for(account_id, tx).await?;
    sqlx::query(
        "-- account::close
        insert into doomed (envelope_id)
        select envelope_id from envelope where account_id = $1 and whole is null
        on conflict do nothing",
    )
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- account::close
        update invitation set joiner = null, answer = null where joiner = $1 and used = 0",
    )
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- account::close
        insert into closed_account (account_hash) values ($1) on conflict do nothing",
    )
    .bind(Label::AccountId.hash(account_id.as_bytes()).as_slice())
    .execute(&mut *tx)
    .await?;
    let gone = sqlx::query(
        "-- account::close
        delete from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    if gone.rows_affected() == 1 { Ok(()) } else { Err(Error::Broken("a safe was not there")) }
}
