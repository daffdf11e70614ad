//! What is held: recovery sheets and passkeys, which open a safe alone, and cards and remembered devices, which ask
//! for a PIN as well.
//!
//! Invariant: nothing is spent, and nothing told, before the signature of what is held was verified. A try of a
//! PIN is spent in the database before the first answer of the PAKE, which is the first to depend on it.

use axum::{Json, extract::State};
use opaque_ke::CredentialRequest;
use reconnect_format::{
    PublicKey, Unverified,
    api::{Code, LockState, Locks, PakeAnswer, Problem, Unlocked, UseHeld},
    check,
    id::{AccountId, LockId},
    lock::{HeldUse, PIN_TRIES},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::{Error, Result},
    secret::Words,
    unlock::{begin_pin, unlocked},
    unlocking,
    wire::{Sent, id, to_row},
};

/// How far a device's clock may be from the server's: also how long a nonce must be remembered.
pub(crate) const CLOCK_SECONDS: u64 = 30 * 24 * 3600;

/// Safe, lock, key, the record of its PIN, and the statement that set it.
type LockRow = (Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>, i64);

/// A lock, and a use of it that whoever holds its secret has signed.
struct Used {
    account_id: AccountId,
    lock_id: LockId,
    /// Of its PIN.
    record: Option<Vec<u8>>,
    held_use: HeldUse,
}

impl Used {
    /// No rate, or strangers could close the sheets and cards of everybody: nobody guesses one, and who holds
    /// none costs one look into an index. LOCK-5, LOCK-10.
    async fn verify(sent: &UseHeld, app: &App) -> Result<Self> {
        let wrong = Code::WrongHeld;
        let held_use = Unverified::<HeldUse>::decode(&sent.held_use.0).map_err(|_| wrong)?;
        // Nobody's stands in where there is none, with the sequence number 0: a row is read, and a signature
        // verified, in either case.
        let nobody = &app.nobody;
        let lock: LockRow = sqlx::query_as(
            "-- held::verify
            select account_id, lock_id, held_signing, record, sequence from lock where held_id = $1
            union all select $2, $3, $2, $4, 0 order by sequence desc limit 1",
        )
        .bind(held_use.claim().held_id.as_bytes())
        .bind(nobody.signing.0.as_slice())
        .bind(nobody.signing.0[..16].to_vec())
        .bind(nobody.record.as_slice())
        .fetch_one(app.db.reader())
        .await?;
        let (account_id, lock_id, held_signing, record, sequence) = lock;
        let signing = PublicKey(held_signing.as_slice().try_into().map_err(|_| wrong)?);
        let claim = held_use.claim().clone();
        let held_use = match held_use.verify(&signing) {
            Ok(signed) => signed.into_body(),
            Err(_) if !check!(HeldUse) && sequence > 0 => claim,
            Err(_) => return Err(wrong.into()),
        };
        // Told to whoever holds it, and to nobody else. LOCK-5.
        if held_use.made_at.abs_diff(app.clock.now()) > CLOCK_SECONDS {
            return Err(Code::WrongClock.into());
        }
        Ok(Self { account_id: id(&account_id)?, lock_id: id(&lock_id)?, record, held_use })
    }

    /// One use counts once, and only while its lock is live.
    async fn count(&self, now: u64, tx: &mut AnyConnection) -> Result<()> {
        let kept_until = to_row(now.max(self.held_use.made_at) + 2 * CLOCK_SECONDS);
        let fresh = sqlx::query(
            "-- held::count
            insert into held_use (account_id, nonce, kept_until)
            select $1, $2, $3
            where exists (select 1 from lock where account_id = $1 and lock_id = $4)
            on conflict do nothing",
        )
        .bind(self.account_id.as_bytes())
        .bind(self.held_use.nonce.as_slice())
        .bind(kept_until)
        .bind(self.lock_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        if fresh.rows_affected() == 1 { Ok(()) } else { Err(Code::WrongHeld.into()) }
    }
}

/// The same of what guardians put together: one use counts once. LOCK-5.
pub(crate) async fn count_once(
    account_id: AccountId,
    held_use: &HeldUse,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let fresh = sqlx::query(
        "-- held::count_once
        insert into held_use (account_id, nonce, kept_until) values ($1, $2, $3)
        on conflict do nothing",
    )
    .bind(account_id.as_bytes())
    .bind(held_use.nonce.as_slice())
    .bind(to_row(now.max(held_use.made_at) + 2 * CLOCK_SECONDS))
    .execute(&mut *tx)
    .await?;
    if fresh.rows_affected() == 1 { Ok(()) } else { Err(Code::WrongHeld.into()) }
}

/// Opens with a recovery sheet or a passkey. It waits for no counter of the words.
#[utoipa::path(
    post, path = "/v1/unlock/held", request_body = UseHeld,
    responses((status = 200, body = Unlocked), (status = "default", body = Problem))
)]
pub(crate) async fn unlock(
    State(app): State<App>,
    Sent(sent): Sent<UseHeld>,
) -> Result<Json<Unlocked>> {
    let used = Used::verify(&sent, &app).await?;
    if used.record.is_some() || !used.held_use.request.is_empty() {
        return Err(Code::WrongHeld.into());
    }
    let now = app.clock.now();
    let unlocked = transaction!(app.db, "held::unlock", |tx| {
        used.count(now, tx).await?;
        unlocked(used.account_id, used.lock_id, tx).await
    })?;
    Ok(Json(unlocked.ok_or(Code::WrongHeld)?.named(used.lock_id, &app).await?))
}

/// First and second message of an OPAQUE login with a PIN. A try is spent, durably, before the answer. LOCK-11.
#[utoipa::path(
    post, path = "/v1/unlock/pin", request_body = UseHeld,
    responses((status = 200, body = PakeAnswer), (status = "default", body = Problem))
)]
pub(crate) async fn start_pin(
    State(app): State<App>,
    Sent(sent): Sent<UseHeld>,
) -> Result<Json<PakeAnswer>> {
    let used = Used::verify(&sent, &app).await?;
    let record = used.record.as_ref().ok_or(Code::WrongHeld)?;
    let request = CredentialRequest::<Words>::deserialize(&used.held_use.request)
        .map_err(|_| Code::BadRequest)?;
    let now = app.clock.now();
    // Whatever has no room is refused before a try is spent; the answer leaves after it.
    unlocking::check_room(&app).await?;
    let begun = begin_pin((used.account_id, used.lock_id), record, request, &app)?;
    let left = transaction!(app.db, "held::start_pin", |tx| {
        used.count(now, tx).await?;
        unlocking::begin(begun.answer.unlock_id, &begun.one, now, tx).await?;
        spend(used.lock_id, tx).await
    })?;
    Ok(Json(PakeAnswer { tries_left: Some(left), ..begun.answer }))
}

/// Spends one try, and says how many are left.
async fn spend(lock_id: LockId, tx: &mut AnyConnection) -> Result<u32> {
    if !check!(PinTries) {
        return Ok(PIN_TRIES);
    }
    let left: Option<i64> = sqlx::query_scalar(
        "-- held::spend
        update lock set tries_left = tries_left - 1
        where lock_id = $1 and tries_left > 0
        returning tries_left",
    )
    .bind(lock_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let left = left.ok_or(Code::PinSpent)?;
    u32::try_from(left).map_err(|_| Error::Broken("more tries than there are"))
}

/// Gives all tries back: a finish was valid.
pub(crate) async fn give_tries_back(lock_id: LockId, app: &App) -> Result<()> {
    transaction!(app.db, "held::give_tries_back", |tx| {
        sqlx::query(
            "-- held::give_tries_back
            update lock set tries_left = $2 where lock_id = $1",
        )
        .bind(lock_id.as_bytes())
        .bind(i64::from(PIN_TRIES))
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// The caller's locks, as far as the server alone knows of them.
#[utoipa::path(
    get, path = "/v1/locks",
    responses((status = 200, body = Locks), (status = "default", body = Problem))
)]
pub(crate) async fn locks(caller: Caller, State(app): State<App>) -> Result<Json<Locks>> {
    let rows: Vec<(Vec<u8>, Option<i64>)> = sqlx::query_as(
        "-- held::locks
        select lock_id, tries_left from lock where account_id = $1",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    let locks = rows.iter().map(|(lock_id, left)| {
        let tries_left = left.and_then(|left| u32::try_from(left).ok());
        Ok(LockState { lock_id: id(lock_id)?, tries_left })
    });
    Ok(Json(Locks { locks: locks.collect::<Result<_>>()? }))
}
