//! Statements: what an owner signs, taken in one at a time.
//!
//! The chain is folded with the client's own code. What is expensive (signatures, the manifest's
//! root) happens before the transaction; in it, one compare-and-swap on the chain's head decides.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Extension, Json, extract::State};
use futures_util::TryStreamExt as _;
use reconnect_format::{
    Signed, Unverified,
    api::{Code, Problem, Submission, Written},
    id::{AccountId, Base64},
    lock::LockAccess,
    manifest::Manifest,
    statement::{Body, Signer, Statement},
    switch::elsewhere,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    comeback, continued,
    db::transaction,
    effect,
    error::{Error, Result},
    guardian, limit, log,
    wire::{Page, Sent, to_row},
};

/// Manifests that are kept in memory.
const MANIFESTS: usize = 128;

/// Manifests of some safes, one of each, to save folding whole chains again.
#[derive(Debug, Default)]
pub(crate) struct Manifests(Mutex<HashMap<AccountId, Arc<Manifest>>>);

impl Manifests {
    fn find(&self, account_id: AccountId) -> Option<Arc<Manifest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account_id).map(Arc::clone)
    }

    /// Keeps what is so after a statement; a closed safe is forgotten.
    pub(crate) fn keep(&self, manifest: Arc<Manifest>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if manifest.is_closed() {
            kept.remove(&manifest.account_id());
            return;
        }
        if kept.len() >= MANIFESTS
            && let Some(any) = kept.keys().next().copied()
        {
            kept.remove(&any);
        }
        kept.insert(manifest.account_id(), manifest);
    }
}

/// A statement that follows, verified, and not yet written.
pub(crate) struct Next {
    /// What is so after it.
    pub(crate) after: Arc<Manifest>,
    /// What was so before it.
    pub(crate) before: Arc<Manifest>,
    pub(crate) statement: Signed<Statement>,
}

/// Where a statement belongs.
pub(crate) enum Place {
    /// It is written already, byte for byte.
    Written(u64),
    /// It follows the newest one.
    Next(Box<Next>),
}

/// Verifies a statement against its chain.
pub(crate) async fn place(account_id: AccountId, bytes: Vec<u8>, app: &App) -> Result<Place> {
    place_after(account_id, None, bytes, app).await
}

/// The same where it follows what is not written yet.
pub(crate) async fn place_after(
    account_id: AccountId,
    before: Option<Arc<Manifest>>,
    bytes: Vec<u8>,
    app: &App,
) -> Result<Place> {
    let statement = Unverified::<Statement>::decode(&bytes)?;
    let claim = statement.claim();
    if claim.account_id != account_id {
        return Err(Code::Refused.into());
    }
    let before = match before {
        Some(before) => before,
        None => load(account_id, app).await?,
    };
    if claim.sequence <= before.sequence() {
        let written: Option<i64> = sqlx::query_scalar(
            "-- statement::place
            select sequence from statement
            where account_id = $1 and sequence = $2 and bytes = $3",
        )
        .bind(account_id.as_bytes())
        .bind(to_row(claim.sequence))
        .bind(bytes)
        .fetch_optional(app.db.reader())
        .await?;
        return match written {
            Some(_) => Ok(Place::Written(claim.sequence)),
            None => Err(Code::Conflict.into()),
        };
    }
    let appended = tokio::task::spawn_blocking(elsewhere(move || {
        let mut after = (*before).clone();
        let statement = after.append(statement)?;
        Ok(Place::Next(Box::new(Next { after: Arc::new(after), before, statement })))
    }));
    appended.await.map_err(|_| Error::Broken("a statement could not be folded"))?
}

/// What is so in a safe; 404 when there is none.
pub(crate) async fn load(account_id: AccountId, app: &App) -> Result<Arc<Manifest>> {
    let head: Option<Vec<u8>> = sqlx::query_scalar(
        "-- statement::load
        select head from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    let head = head.ok_or(Code::NotFound)?;
    if let Some(kept) = app.manifests.find(account_id).filter(|kept| kept.head()[..] == head[..]) {
        return Ok(kept);
    }
    let manifest = fold(account_id, u64::MAX, app).await?;
    app.manifests.keep(Arc::clone(&manifest));
    Ok(manifest)
}

/// What was so after the statement that the log names: most often, the newest.
pub(crate) async fn as_of(
    account_id: AccountId,
    sequence: u64,
    app: &App,
) -> Result<Arc<Manifest>> {
    let newest = load(account_id, app).await?;
    if newest.sequence() == sequence {
        return Ok(newest);
    }
    let kept = app.logged.find(account_id).filter(|kept| kept.sequence() == sequence);
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let folded = fold(account_id, sequence, app).await?;
    app.logged.keep(Arc::clone(&folded));
    Ok(folded)
}

async fn fold(account_id: AccountId, until: u64, app: &App) -> Result<Arc<Manifest>> {
    let chain: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- statement::fold
        select bytes from statement where account_id = $1 and sequence <= $2 order by sequence",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(until))
    .fetch_all(app.db.reader())
    .await?;
    let folded = tokio::task::spawn_blocking(elsewhere(move || {
        Manifest::replay(chain.iter().map(Vec::as_slice)).map(|(manifest, _)| Arc::new(manifest))
    }));
    folded
        .await
        .map_err(|_| Error::Broken("a chain could not be folded"))?
        .map_err(|_| Error::Broken("a stored chain does not verify"))
}

/// The statements of a safe after one, as far as one answer goes.
pub(crate) async fn page(
    account_id: AccountId,
    after: u64,
    tx: &mut AnyConnection,
) -> Result<Page<Base64>> {
    let mut rows = sqlx::query_scalar::<_, Vec<u8>>(
        "-- statement::page
        select bytes from statement where account_id = $1 and sequence > $2
        order by sequence limit $3",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .bind(Page::<Base64>::limit())
    .fetch(&mut *tx);
    let mut page = Page::new();
    while let Some(row) = rows.try_next().await? {
        let bytes = row.len();
        if !page.take(Base64(row), bytes) {
            break;
        }
    }
    Ok(page)
}

impl Next {
    /// Writes the statement behind the head that it follows, or finds that somebody was faster.
    /// Its head goes into the log's next batch.
    pub(crate) async fn write(
        &self,
        log_value: &[u8; 32],
        now: u64,
        tx: &mut AnyConnection,
    ) -> Result<()> {
        let account_id = self.after.account_id();
        // BACKUP-10. One that goes on has taken it out of there.
        continued::check_not_behind(account_id, tx).await?;
        comeback::opened::check_pause(account_id, self.statement.body(), now, tx).await?;
        let moved = sqlx::query(
            "-- Next::write
            update account set sequence = $1, head = $2
            where account_id = $3 and sequence = $4 and head = $5",
        )
        .bind(to_row(self.after.sequence()))
        .bind(self.after.head().as_slice())
        .bind(account_id.as_bytes())
        .bind(to_row(self.before.sequence()))
        .bind(self.before.head().as_slice())
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(Code::Conflict.into());
        }
        insert(&self.statement, &self.before, tx).await?;
        log::head(account_id, self.after.sequence(), log_value, tx).await
    }
}

/// Writes one statement's row.
pub(crate) async fn insert(
    statement: &Signed<Statement>,
    before: &Manifest,
    tx: &mut AnyConnection,
) -> Result<()> {
    let body = statement.body();
    let proof = match body.signer {
        Signer::Device { device_id } => before.device(device_id).map(|device| to_row(device.added)),
        Signer::Root { .. } | Signer::Guardians { .. } => None,
    };
    sqlx::query(
        "-- statement::insert
        insert into statement (account_id, sequence, generation, proof_sequence, bytes)
        values ($1, $2, $3, $4, $5)",
    )
    .bind(body.account_id.as_bytes())
    .bind(to_row(body.sequence))
    .bind(i64::from(before.keys().generation))
    .bind(proof)
    .bind(statement.encode())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Takes the next statement of the caller's safe, and everything that it means, in one transaction.
#[utoipa::path(
    post, path = "/v1/statements", request_body = Submission,
    responses((status = 200, body = Written), (status = "default", body = Problem))
)]
pub(crate) async fn submit(
    caller: Caller,
    State(app): State<App>,
    Extension(seat): Extension<limit::Place>,
    Sent(submission): Sent<Submission>,
) -> Result<Json<Written>> {
    let place = place(caller.account_id, submission.statement.0.clone(), &app).await?;
    if let Place::Next(next) = &place
        && let Body::NewGeneration { .. } | Body::Continue { .. } = &next.statement.body().body
    {
        // With its locks and its device, or not at all: ACC-4. With the opening of a session: BACKUP-10.
        return Err(Code::Refused.into());
    }
    let next = match place {
        Place::Written(sequence) => {
            // The first time, the caller may have hung up between the commit and what follows it.
            let statement = Unverified::<Statement>::decode(&submission.statement.0)?;
            if takes_away(&statement.claim().body) {
                app.taken_away();
            }
            return Ok(Json(Written { sequence }));
        }
        Place::Next(next) => next,
    };
    if adds(&next.statement.body().body) {
        app.disk.check_room(0)?;
    }
    if let Body::SetLock { access: LockAccess::Words { .. }, .. } = &next.statement.body().body {
        // It tells whether a handle is taken, as opening a safe does.
        app.unlock_rate.turn(&seat, &app.crowd).await?;
    }
    effect::check_count(&next.statement.body().body, &next.after)?;
    guardian::check_clock(&next, &app)?;
    let log_value = log::value(&submission.log_value)?;
    let effect = effect::check(&next, submission)?;
    let written = transaction!(app.db, "statement::submit", |tx| {
        next.write(&log_value, app.clock.now(), tx).await?;
        effect::apply(&next, &effect, &app, tx).await
    });
    if takes_away(&next.statement.body().body) {
        app.taken_away();
    }
    match written {
        Ok(()) => {}
        // Another copy of the same request may have been faster.
        Err(Error::Code(Code::Conflict)) => {
            return is_written(&next, &app).await;
        }
        Err(error) => return Err(error),
    }
    app.manifests.keep(Arc::clone(&next.after));
    Ok(Json(Written { sequence: next.after.sequence() }))
}

async fn is_written(next: &Next, app: &App) -> Result<Json<Written>> {
    let account_id = next.after.account_id();
    match place(account_id, next.statement.encode(), app).await? {
        Place::Written(sequence) => Ok(Json(Written { sequence })),
        Place::Next(_) => Err(Code::Conflict.into()),
    }
}

fn takes_away(body: &Body) -> bool {
    matches!(
        body,
        Body::Revoke { .. }
            | Body::Regrant { .. }
            | Body::RemoveDocument { .. }
            | Body::RetireDevice { .. }
            | Body::RetireLock { .. }
            | Body::StopReturn { .. }
            | Body::PutVersion { .. }
            | Body::AcceptDeposit { .. }
            | Body::RefuseDeposit { .. }
            | Body::PutCard { .. }
            | Body::Close
    )
}

/// Whether a statement may wait until there is room: what takes away, or lets somebody in, may not.
fn adds(body: &Body) -> bool {
    matches!(
        body,
        Body::PutVersion { .. }
            | Body::AcceptDeposit { .. }
            | Body::PutCard { .. }
            | Body::Grant(_)
            | Body::Regrant { .. }
    )
}
