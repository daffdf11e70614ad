//! Accounts: registering six words and PINs, opening a safe, its locks, and closing it.

use axum::{Extension, Json, extract::State, http::StatusCode};
use opaque_ke::{RegistrationRequest, ServerRegistration};
use reconnect_format::{
    Label,
    api::{
        Code, GrantWraps, LockMaterial, OpenAccount, PinRegistrationStart, Problem,
        RegistrationAnswer, RegistrationStart, Written,
    },
    check,
    grant::OWNER_WRAP_BYTES,
    id::{AccountId, Base64, LockId},
    lock::{HANDLE_MAX_BYTES, LockAccess, PIN_TRIES},
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
    grant,
    limit::Place,
    log,
    secret::Words,
    session, statement, tries,
    wire::{Sent, to_row},
};

/// A sealed `LogPlace`: salt, suite, index, opening, tag.
pub(crate) const LOG_PLACE_BYTES: usize = 114;

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
    Extension(place): Extension<Place>,
    Sent(start): Sent<RegistrationStart>,
) -> Result<Json<RegistrationAnswer>> {
    app.unlock_rate.turn(&place, &app.crowd).await?;
    check_handle(&start.handle)?;
    let request = RegistrationRequest::<Words>::deserialize(&start.request.0)
        .map_err(|_| Code::BadRequest)?;
    let (key, now) = (app.secrets.tries_key(&start.handle), app.clock.now());
    transaction!(app.db, "account::register_words", |tx| { tries::spend(key, now, tx).await })?;
    let answer =
        ServerRegistration::<Words>::start(&app.secrets.opaque, request, start.handle.as_bytes())
            .map_err(|_| Code::BadRequest)?;
    Ok(Json(RegistrationAnswer { response: Base64(answer.message.serialize().to_vec()) }))
}

/// The server's half of a PIN's OPAQUE registration.
///
/// Never for a lock that is or was: it would try PINs, and nobody would count. LOCK-12.
#[utoipa::path(
    post, path = "/v1/pin/registration", request_body = PinRegistrationStart,
    responses((status = 200, body = RegistrationAnswer), (status = "default", body = Problem))
)]
pub(crate) async fn register_pin(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Sent(start): Sent<PinRegistrationStart>,
) -> Result<Json<RegistrationAnswer>> {
    app.unlock_rate.turn(&place, &app.crowd).await?;
    let request = RegistrationRequest::<Words>::deserialize(&start.request.0)
        .map_err(|_| Code::BadRequest)?;
    let known: Option<i64> = sqlx::query_scalar(
        "-- account::register_pin
        select 1 from pin_lock where lock_id = $1",
    )
    .bind(start.lock_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    if check!(PinRegistration, known.is_none()) {
        let name = pin_name(start.lock_id);
        let answer = ServerRegistration::<Words>::start(&app.secrets.opaque, request, &name)
            .map_err(|_| Code::BadRequest)?;
        return Ok(Json(RegistrationAnswer {
            response: Base64(answer.message.serialize().to_vec()),
        }));
    }
    Err(Code::Conflict.into())
}

/// OPAQUE's credential identifier of a PIN. No handle has a space.
pub(crate) fn pin_name(lock_id: LockId) -> Vec<u8> {
    [b"lock ".as_slice(), lock_id.as_bytes()].concat()
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
    Extension(place): Extension<Place>,
    Sent(opening): Sent<OpenAccount>,
) -> Result<(StatusCode, Json<Written>)> {
    app.unlock_rate.turn(&place, &app.crowd).await?;
    let opening = Opening::check(opening)?;
    let written = match app.disk.check_room(0) {
        Ok(()) => transaction!(app.db, "account::open", |tx| {
            opening.write(app.clock.now_row(), tx).await
        }),
        Err(full) => Err(full),
    };
    match written {
        // The try that registering words cost: a new handle has as many as an unknown one.
        Ok(()) => {
            if let Some(handle) = opening.handle() {
                tries::give_back(app.secrets.tries_key(handle), &app).await?;
            }
        }
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
    fn handle(&self) -> Option<&str> {
        let handle = self.locks.iter().find_map(|(_, access, _)| access.handle());
        handle.and_then(|handle| str::from_utf8(handle).ok())
    }

    fn check(opening: OpenAccount) -> Result<Self> {
        let chain = opening.statements.iter().map(|statement| statement.0.as_slice());
        let locks = opening.locks.len();
        if opening.statements.len() != locks + 3 {
            return Err(Code::Refused.into());
        }
        let (manifest, statements) = Manifest::replay(chain)?;
        let bodies: Vec<_> = statements.iter().map(|statement| &statement.body().body).collect();
        let [Body::Open { .. }, Body::AddDevice { .. }, set @ .., Body::Grant(_)] =
            bodies.as_slice()
        else {
            return Err(Code::Refused.into());
        };
        check_ways_back(set)?;
        let mut locks: Vec<(LockId, LockAccess, LockMaterial)> = Vec::with_capacity(set.len());
        for (body, material) in set.iter().zip(opening.locks) {
            let Body::SetLock { lock_id, access, .. } = body else {
                return Err(Code::Refused.into());
            };
            check_lock(manifest.account_id(), body, &material)?;
            locks.push((*lock_id, access.clone(), material));
        }
        let sound = manifest.owner_grant().is_some()
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
        // After the opening and the device.
        for (sequence, (lock_id, access, material)) in (3..).zip(&self.locks) {
            set_lock(account_id, (*lock_id, sequence), (access, material), tx).await?;
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
            select bytes from statement where account_id = $1 and sequence <= $2 order by sequence",
        )
        .bind(self.manifest.account_id().as_bytes())
        .bind(to_row(self.manifest.sequence()))
        .fetch_all(app.db.reader())
        .await?;
        Ok(chain.len() == self.statements.len()
            && chain.iter().zip(&self.statements).all(|(row, signed)| *row == signed.encode()))
    }
}

/// What a safe is opened with, or a new generation: two ways back at least, of each kind one at most, and no
/// other lock. ACC-3.
pub(crate) fn check_ways_back(set: &[&Body]) -> Result<()> {
    let mut kinds = Vec::with_capacity(set.len());
    for body in set {
        match body {
            Body::SetLock { access, .. }
                if access.kind().is_way_back() && !kinds.contains(&access.kind()) =>
            {
                kinds.push(access.kind());
            }
            _ => return Err(Code::Refused.into()),
        }
    }
    if (2..=3).contains(&kinds.len()) { Ok(()) } else { Err(Code::Refused.into()) }
}

/// Stores a lock that a statement set. LOCK-15: what is held finds the locks of one key.
pub(crate) async fn set_lock(
    account_id: AccountId,
    (lock_id, sequence): (LockId, u64),
    (access, material): (&LockAccess, &LockMaterial),
    tx: &mut AnyConnection,
) -> Result<()> {
    let handle = access.handle().map(|handle| String::from_utf8_lossy(handle).into_owned());
    let (held, is_words) = (access.held(), handle.is_some());
    let tries = (held.is_some() && material.record.is_some()).then_some(i64::from(PIN_TRIES));
    let stored = sqlx::query(
        "-- account::set_lock
        insert into lock (account_id, lock_id, sequence, handle, record, held_id, held_signing,
          tries_left, root_wrap, device_id)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
        where not exists (
          select 1 from lock where held_id = $6 and (account_id <> $1 or held_signing <> $7))
        on conflict do nothing",
    )
    .bind(account_id.as_bytes())
    .bind(lock_id.as_bytes())
    .bind(to_row(sequence))
    .bind(handle)
    .bind(material.record.as_ref().map(|record| record.0.clone()))
    .bind(held.map(|held| held.held_id.as_bytes().to_vec()))
    .bind(held.map(|held| held.signing.0.to_vec()))
    .bind(tries)
    .bind(material.root_wrap.0.clone())
    .bind(access.device().map(|device_id| device_id.as_bytes().to_vec()))
    .execute(&mut *tx)
    .await?;
    if tries.is_some() {
        // LOCK-12: for good.
        let named = sqlx::query(
            "-- account::set_lock
            insert into pin_lock (lock_id) values ($1) on conflict do nothing",
        )
        .bind(lock_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if named.rows_affected() == 0 {
            return Err(Code::Refused.into());
        }
    }
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
