//! New generations of a safe: other keys, of which all is taken in at once; and what shows others an
//! account's keys.

use axum::{Extension, Json, extract::State};
use reconnect_format::{
    DecodeError, Unverified,
    account::AccountKeys,
    api::{BeginGeneration, Code, OwnerWrap, Problem, Submission, Written},
    check, decode, encode,
    grant::{OWNER_WRAP_BYTES, RecipientName},
    id::{AccountId, ReturnId},
    lock::LockAccess,
    statement::{Body, KeysProof, Signer, Statement},
};
use sqlx::AnyConnection;

use crate::{
    account::{LOG_PLACE_BYTES, check_ways_back},
    app::App,
    caller::Caller,
    comeback,
    db::transaction,
    effect::{self, Effect},
    error::{Error, Result},
    guardian, kept, limit, log,
    statement::{Next, Place, place_after},
    tries,
    wire::Sent,
};

/// Sealed roots: salt and tag beside 32 bytes of each.
const ROOTS_EXTRA_BYTES: usize = 48;

/// Begins a new generation of the caller's safe. From the answer on, nothing of before opens it. ACC-4.
#[utoipa::path(
    post, path = "/v1/generations", request_body = BeginGeneration,
    responses((status = 200, body = Written), (status = "default", body = Problem))
)]
pub(crate) async fn renew(
    caller: Caller,
    State(app): State<App>,
    Extension(seat): Extension<limit::Place>,
    Sent(asked): Sent<BeginGeneration>,
) -> Result<Json<Written>> {
    app.unlock_rate.turn(&seat, &app.crowd).await?;
    let of_root = |signer: Signer| matches!(signer, Signer::Root { .. });
    take_in(caller.account_id, asked, (of_root, None), &app).await
}

/// Takes in a whole generation, if its first statement is signed by one of these.
pub(crate) async fn take_in(
    account_id: AccountId,
    asked: BeginGeneration,
    (may_begin, back): (impl Fn(Signer) -> bool, Option<ReturnId>),
    app: &App,
) -> Result<Json<Written>> {
    let BeginGeneration { submissions, owner_wraps, log_place, earlier_roots } = asked;
    let steps = check(account_id, submissions, app).await?;
    let after = steps.last().map(|(next, ..)| next.after.clone()).ok_or(Code::Refused)?;
    let earlier = usize::try_from(after.keys().generation - 1).map_err(|_| Code::Refused)?;
    let begun = steps.first().is_some_and(|(next, ..)| may_begin(next.statement.body().signer));
    let sound = begun
        && log_place.0.len() == LOG_PLACE_BYTES
        && earlier_roots.0.len() == ROOTS_EXTRA_BYTES + 32 * earlier
        && owner_wraps.iter().all(|it| {
            let given = after.grant(it.grant_id).map(|terms| &terms.recipient);
            it.wrap.0.len() == OWNER_WRAP_BYTES
                && matches!(given, Some(RecipientName::Structure { .. }))
        });
    if !sound {
        return Err(Code::Refused.into());
    }
    let written = transaction!(app.db, "generation::take_in", |tx| {
        // It may have ended since its body began to arrive.
        if let Some(return_id) = back {
            comeback::opened::check_entered(return_id, app.clock.now(), tx).await?;
        }
        for (next, effect, log_value) in &steps {
            next.write(log_value, app.clock.now(), tx).await?;
            effect::apply(next, effect, app, tx).await?;
        }
        let sealed = (&log_place.0[..], &earlier_roots.0[..]);
        seal_again(account_id, sealed, &owner_wraps, tx).await
    });
    app.taken_away();
    written?;
    for (next, ..) in &steps {
        // As when a safe is opened: the try that registering words cost.
        if let Body::SetLock { access: LockAccess::Words { handle, .. }, .. } =
            &next.statement.body().body
            && let Ok(handle) = str::from_utf8(handle)
        {
            tries::give_back(app.secrets.tries_key(handle), app).await?;
        }
    }
    app.manifests.keep(after.clone());
    Ok(Json(Written { sequence: after.sequence() }))
}

/// Each statement with what it means, and its head for the log.
type Step = (Box<Next>, Effect, [u8; 32]);

/// Verifies that the statements follow, and are what a generation begins with: a device, two ways back at
/// least, and the owner's own grant under the new keys. ACC-3, ACC-4.
async fn check(
    account_id: AccountId,
    submissions: Vec<Submission>,
    app: &App,
) -> Result<Vec<Step>> {
    // Each kind of way back once, at most.
    if !(5..=6).contains(&submissions.len()) {
        return Err(Code::Refused.into());
    }
    let mut steps: Vec<Step> = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let before = steps.last().map(|(next, ..)| next.after.clone());
        let next =
            match place_after(account_id, before, submission.statement.0.clone(), app).await? {
                Place::Next(next) => next,
                // Its sender's session ended with it.
                Place::Written(_) => return Err(Code::Conflict.into()),
            };
        guardian::check_clock(&next, app)?;
        let log_value = log::value(&submission.log_value)?;
        let effect = effect::check(&next, submission)?;
        steps.push((next, effect, log_value));
    }
    let bodies: Vec<_> = steps.iter().map(|(next, ..)| &next.statement.body().body).collect();
    let [Body::NewGeneration { .. }, Body::AddDevice { .. }, set @ .., Body::Regrant { terms, .. }] =
        bodies.as_slice()
    else {
        return Err(Code::Refused.into());
    };
    check_ways_back(set)?;
    if !matches!(terms.recipient, RecipientName::Owner { .. }) {
        return Err(Code::Refused.into());
    }
    Ok(steps)
}

/// What is so from the statement of a new generation on: no device, lock or session of before.
pub(crate) async fn begin(
    next: &Next,
    keys: &AccountKeys,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let (account_id, now) = (next.after.account_id(), app.clock.now_row());
    kept::keep(account_id, next.before.keys().generation, tx).await?;
    guardian::end(account_id, now, tx).await?;
    let mut path = read_path(newest_path(account_id, tx).await?)?;
    if let Signer::Guardians { lock_id } = next.statement.body().signer {
        path.push(guardian::named_in(lock_id, tx).await?);
        if check!(OverruleOrder) {
            guardian::overrule(account_id, (lock_id, now), tx).await?;
        }
    }
    // Once those who were named by whoever is overruled are gone.
    comeback::end_with_generation(next, app.clock.now(), tx).await?;
    for gone in [
        "-- generation::begin
        delete from lock where account_id = $1",
        "-- generation::begin
        delete from device where account_id = $1",
    ] {
        sqlx::query(gone).bind(account_id.as_bytes()).execute(&mut *tx).await?;
    }
    path.push(next.statement.encode());
    sqlx::query(
        "-- generation::begin
        insert into generation (account_id, generation, path) values ($1, $2, $3)",
    )
    .bind(account_id.as_bytes())
    .bind(i64::from(keys.generation))
    .bind(encode(&path))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What the owner alone opens, under the new keys.
async fn seal_again(
    account_id: AccountId,
    (log_place, earlier_roots): (&[u8], &[u8]),
    owner_wraps: &[OwnerWrap],
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- generation::seal_again
        update account set log_place = $1, earlier_roots = $2 where account_id = $3",
    )
    .bind(log_place)
    .bind(earlier_roots)
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    for OwnerWrap { grant_id, wrap } in owner_wraps {
        sqlx::query(
            "-- generation::seal_again
            update granted set owner_wrap = $1
            where grant_id = $2 and account_id = $3 and structure_id is not null",
        )
        .bind(wrap.0.as_slice())
        .bind(grant_id.as_bytes())
        .bind(account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn newest_path(account_id: AccountId, tx: &mut AnyConnection) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar(
        "-- generation::newest_path
        select path from generation where account_id = $1 order by generation desc limit 1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?)
}

/// The statements that lead to the keys of a generation, as they are stored; none to the first's.
pub(crate) fn read_path(stored: Option<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    stored.map_or(Ok(Vec::new()), |path| {
        decode(&path).map_err(|_: DecodeError| Error::Broken("a stored path does not decode"))
    })
}

/// The statements that name an account's keys, which were verified when they were stored: its first, and
/// those that lead from there to the newest. None where there is no such safe.
pub(crate) async fn named(
    account_id: AccountId,
    app: &App,
) -> Result<Option<(Vec<u8>, Vec<Vec<u8>>)>> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "-- generation::named
        select said.bytes, k.path from statement said
        left join generation k on k.account_id = said.account_id
        where said.account_id = $1 and said.sequence = 1
        order by k.generation desc limit 1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    row.map(|(opening, path)| Ok((opening, read_path(path)?))).transpose()
}

/// The newest keys of an account; none where there is no such safe.
pub(crate) async fn newest_keys(account_id: AccountId, app: &App) -> Result<Option<AccountKeys>> {
    let Some((opening, mut path)) = named(account_id, app).await? else { return Ok(None) };
    keys_of(&path.pop().unwrap_or(opening)).map(Some)
}

/// The keys that a stored statement names.
pub(crate) fn keys_of(statement: &[u8]) -> Result<AccountKeys> {
    match Unverified::<Statement>::decode(statement)?.claim().body.clone() {
        Body::Open { keys } | Body::NewGeneration { keys, .. } => Ok(keys),
        _ => Err(Error::Broken("a stored statement does not name keys")),
    }
}

/// What shows others the keys of a generation.
pub(crate) fn keys_proof(opening: Vec<u8>, path: Option<Vec<u8>>) -> Result<KeysProof> {
    Ok(KeysProof { opening, generations: read_path(path)? })
}
