//! What a statement means for what is stored: checked first, then written in its transaction.

use std::collections::{BTreeMap, BTreeSet};

use reconnect_format::{
    DecodeError, Label,
    api::{Code, GrantWraps, GuardianWraps, LockMaterial, SmallEnvelope, Submission, Wrap},
    decode,
    envelope::{self, EnvelopeKind, EnvelopeRef, PREFIX_BYTES},
    grant::{
        DOCUMENT_WRAP_BYTES, GrantTerms, OWNER_WRAP_BYTES, RECIPIENT_WRAP_BYTES, RecipientName,
    },
    id::{AccountId, DocumentId, EnvelopeId, GrantId},
    lock::{LockBinding, RootWrap},
    manifest::{DEVICES_MAX, DOCUMENTS_MAX, GRANTS_MAX, LOCKS_MAX, Manifest, STRUCTURES_MAX},
    statement::Body,
    structure::Role,
};
use sqlx::AnyConnection;

use crate::{
    account,
    app::App,
    comeback, deposit,
    document::{self, Small},
    error::{Error, Result},
    generation, grant, guardian, log, session,
    statement::Next,
    wire::to_row,
};

/// What a statement brings with it, checked as far as no database is needed.
pub(crate) struct Effect {
    pub(crate) small: Vec<Small>,
    pub(crate) wraps: BTreeMap<(GrantId, EnvelopeId), Vec<u8>>,
    /// Wraps that must be there, if their grant still is.
    pub(crate) required: BTreeSet<(GrantId, EnvelopeId)>,
    grant: Option<GrantWraps>,
    lock: Option<LockMaterial>,
    /// Of a device that is retired, or a generation that is over.
    mark: Option<[u8; 32]>,
    guardians: Option<GuardianWraps>,
}

/// A safe holds so many of each thing: its manifest is folded in memory, with each statement. STMT-9.
pub(crate) fn check_count(body: &Body, after: &Manifest) -> Result<()> {
    let (count, most) = match body {
        Body::PutVersion { .. } | Body::AcceptDeposit { .. } => {
            (after.documents().count(), DOCUMENTS_MAX)
        }
        Body::Grant(_) => (after.grants().count(), GRANTS_MAX),
        Body::CompareStructure { .. } | Body::AdmitStructure { .. } => {
            (after.structures().count(), STRUCTURES_MAX)
        }
        Body::SetLock { .. } => (after.locks().count(), LOCKS_MAX),
        Body::AddDevice { .. } => (after.devices().count(), DEVICES_MAX),
        _ => return Ok(()),
    };
    if count <= most { Ok(()) } else { Err(Error::TooMany(most as u64)) }
}

/// Checks what came with a statement.
pub(crate) fn check(next: &Next, submission: Submission) -> Result<Effect> {
    let statement = next.statement.body();
    let Submission { wraps, envelopes, grant, lock, mark, guardians, .. } = submission;
    let mut effect = Effect {
        small: Vec::new(),
        wraps: BTreeMap::new(),
        required: BTreeSet::new(),
        grant: None,
        lock: None,
        // LOG-21.
        mark: match &statement.body {
            Body::RetireDevice { .. } | Body::NewGeneration { .. } => Some(log::value(&mark)?),
            _ => None,
        },
        guardians: None,
    };
    match &statement.body {
        Body::PutVersion { document_id, content, card, thumbnail }
        | Body::AcceptDeposit { document_id, content, card, thumbnail, .. } => {
            let small: Vec<_> = std::iter::once(card).chain(thumbnail).collect();
            effect.small = check_small(statement.account_id, *document_id, &small, envelopes)?;
            let named: Vec<_> = std::iter::once(content).chain(small).collect();
            refuse_unless(grant.is_none() && lock.is_none())?;
            effect.required = required(&next.after, *document_id, &named, statement.made_at);
            effect.wraps = check_wraps(&next.after, *document_id, &named, wraps)?;
        }
        Body::PutCard { document_id, card } => {
            refuse_unless(grant.is_none() && lock.is_none())?;
            effect.small = check_small(statement.account_id, *document_id, &[card], envelopes)?;
            effect.required = required(&next.after, *document_id, &[card], statement.made_at);
            effect.wraps = check_wraps(&next.after, *document_id, &[card], wraps)?;
        }
        Body::Grant(terms) | Body::Regrant { terms, .. } => {
            refuse_unless(envelopes.is_empty() && lock.is_none())?;
            effect.required = covered(&next.after, terms);
            effect.wraps = sized(wraps)?;
            refuse_unless(effect.wraps.keys().all(|key| effect.required.contains(key)))?;
            refuse_unless(effect.required.len() == effect.wraps.len())?;
            effect.grant = Some(check_grant(terms, grant)?);
        }
        Body::SetLock { access, .. } => {
            refuse_unless(wraps.is_empty() && envelopes.is_empty() && grant.is_none())?;
            if let Some(named) = access.guardians() {
                guardian::check(named, guardians.as_ref())?;
                effect.guardians = guardians;
            }
            let lock = lock.ok_or(Code::Refused)?;
            check_lock(statement.account_id, &statement.body, &lock)?;
            effect.lock = Some(lock);
        }
        _ => refuse_unless(
            wraps.is_empty() && envelopes.is_empty() && grant.is_none() && lock.is_none(),
        )?,
    }
    Ok(effect)
}

/// The same of locks, and of what they are opened with.
async fn apply_to_locks(
    next: &Next,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = next.after.account_id();
    let sequence = next.after.sequence();
    match &next.statement.body().body {
        Body::SetLock { lock_id, generation, access, .. } => {
            let material = effect.lock.as_ref().ok_or(Code::Refused)?;
            let with = (access, material);
            match &effect.guardians {
                Some(wraps) => {
                    let lock = (*lock_id, sequence, *generation);
                    let now = app.clock.now_row();
                    guardian::name(account_id, lock, with, wraps, now, tx).await
                }
                None => account::set_lock(account_id, (*lock_id, sequence), with, tx).await,
            }
        }
        Body::RetireLock { lock_id } => match next.before.guardians() {
            Some((guarding, _)) if guarding == *lock_id => {
                guardian::end(account_id, app.clock.now_row(), tx).await
            }
            _ => account::retire_lock(account_id, *lock_id, tx).await,
        },
        Body::StopReturn { return_id } => {
            comeback::stop(account_id, *return_id, app.clock.now(), tx).await
        }
        _ => Err(Code::Refused.into()),
    }
}

/// Writes what a statement means, in its transaction.
pub(crate) async fn apply(
    next: &Next,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = next.after.account_id();
    let sequence = next.after.sequence();
    match &next.statement.body().body {
        Body::AddDevice { device_id, signing, .. } => {
            session::add_device(account_id, *device_id, *signing, tx).await
        }
        Body::RetireDevice { device_id } => {
            session::retire_device(account_id, *device_id, tx).await?;
            let mark = effect.mark.as_ref().ok_or(Code::Refused)?;
            log::mark(account_id, mark, tx).await
        }
        Body::NewGeneration { keys, .. } => {
            generation::begin(next, keys, app, tx).await?;
            let mark = effect.mark.as_ref().ok_or(Code::Refused)?;
            let over = next.before.keys().generation;
            log::generation_over(account_id, (mark, over), &keys.signing, tx).await
        }
        Body::SetLock { .. } | Body::RetireLock { .. } | Body::StopReturn { .. } => {
            apply_to_locks(next, effect, app, tx).await
        }
        Body::PutVersion { document_id, content, .. } => {
            let named = document::Named {
                document_id: *document_id,
                content,
                is_new: next.before.document(*document_id).is_none(),
            };
            document::put_version(&next.after, named, effect, app, tx).await
        }
        Body::AcceptDeposit { deposit_id, document_id, content, .. } => {
            let named = document::Named { document_id: *document_id, content, is_new: true };
            document::put_version(&next.after, named, effect, app, tx).await?;
            deposit::settle(account_id, *deposit_id, deposit::TAKEN, tx).await
        }
        Body::RefuseDeposit { deposit_id } => {
            deposit::settle(account_id, *deposit_id, deposit::REFUSED, tx).await
        }
        Body::PutCard { document_id, .. } => {
            document::put_card(&next.after, *document_id, effect, app, tx).await
        }
        Body::RemoveDocument { document_id } => {
            document::remove(account_id, *document_id, tx).await
        }
        Body::Grant(terms) => {
            let wraps = effect.grant.as_ref().ok_or(Code::Refused)?;
            grant::give(account_id, (sequence, app.clock.now_row()), (terms, wraps), tx).await?;
            grant::insert_wraps(&effect.wraps, tx).await
        }
        Body::Revoke { grant_id } => grant::revoke(account_id, *grant_id, tx).await,
        // GRANT-9: nothing under the old grant is left when the new one is there.
        Body::Regrant { grant_id, terms } => {
            let wraps = effect.grant.as_ref().ok_or(Code::Refused)?;
            grant::revoke(account_id, *grant_id, tx).await?;
            grant::give(account_id, (sequence, app.clock.now_row()), (terms, wraps), tx).await?;
            grant::insert_wraps(&effect.wraps, tx).await
        }
        Body::Close => account::close(account_id, tx).await,
        Body::CompareStructure { .. } | Body::AdmitStructure { .. } | Body::Open { .. } => Ok(()),
        Body::Continue { .. } => Err(Code::Refused.into()),
    }
}

fn refuse_unless(sound: bool) -> Result<()> {
    if sound { Ok(()) } else { Err(Code::Refused.into()) }
}

/// Cards and thumbnails: exactly those that are named, whole, and the owner's. ENV-8.
fn check_small(
    account_id: AccountId,
    document_id: DocumentId,
    named: &[&EnvelopeRef],
    given: Vec<SmallEnvelope>,
) -> Result<Vec<Small>> {
    refuse_unless(given.len() == named.len())?;
    let mut given: BTreeMap<_, _> =
        given.into_iter().map(|small| (small.envelope_id, small.envelope.0)).collect();
    let mut checked = Vec::with_capacity(named.len());
    for named in named {
        let bytes = given.remove(&named.envelope_id).ok_or(Code::Refused)?;
        let header = envelope::check_whole(&bytes, named)?;
        refuse_unless(header.owner == account_id && header.document_id == document_id)?;
        let prefix = bytes.get(..PREFIX_BYTES).ok_or(DecodeError::Truncated)?.to_vec();
        checked.push(Small { named: (*named).clone(), prefix, bytes });
    }
    Ok(checked)
}

/// The wraps that a document's envelopes need: for the owner, and for every grant that covers it
/// and has not ended by the clock of the device that wrote.
fn required(
    manifest: &Manifest,
    document_id: DocumentId,
    named: &[&EnvelopeRef],
    made_at: u64,
) -> BTreeSet<(GrantId, EnvelopeId)> {
    manifest
        .grants()
        .filter(|terms| terms.scope.covers(document_id) && terms.ends_at > made_at)
        .flat_map(|terms| named.iter().map(|named| (terms.grant_id, named.envelope_id)))
        .collect()
}

/// Every envelope that a grant covers when it is given.
fn covered(manifest: &Manifest, terms: &GrantTerms) -> BTreeSet<(GrantId, EnvelopeId)> {
    manifest
        .documents()
        .filter(|(document_id, _)| terms.scope.covers(*document_id))
        .flat_map(|(_, record)| record.envelopes().map(|it| it.envelope_id).collect::<Vec<_>>())
        .map(|envelope_id| (terms.grant_id, envelope_id))
        .collect()
}

fn sized(wraps: Vec<Wrap>) -> Result<BTreeMap<(GrantId, EnvelopeId), Vec<u8>>> {
    let count = wraps.len();
    let wraps: BTreeMap<_, _> =
        wraps.into_iter().map(|wrap| ((wrap.grant_id, wrap.envelope_id), wrap.wrap.0)).collect();
    refuse_unless(wraps.len() == count)?;
    refuse_unless(wraps.values().all(|wrap| wrap.len() == DOCUMENT_WRAP_BYTES))?;
    Ok(wraps)
}

/// Each wrap is of an envelope that is named, under a grant that covers the document.
fn check_wraps(
    manifest: &Manifest,
    document_id: DocumentId,
    named: &[&EnvelopeRef],
    wraps: Vec<Wrap>,
) -> Result<BTreeMap<(GrantId, EnvelopeId), Vec<u8>>> {
    let wraps = sized(wraps)?;
    let sound = wraps.keys().all(|(grant_id, envelope_id)| {
        named.iter().any(|named| named.envelope_id == *envelope_id)
            && manifest.grant(*grant_id).is_some_and(|terms| terms.scope.covers(document_id))
    });
    refuse_unless(sound)?;
    Ok(wraps)
}

fn check_grant(terms: &GrantTerms, wraps: Option<GrantWraps>) -> Result<GrantWraps> {
    let wraps = wraps.ok_or(Code::Refused)?;
    refuse_unless(wraps.owner_wrap.0.len() == OWNER_WRAP_BYTES)?;
    let recipient_bytes = wraps.recipient_wrap.0.len();
    match terms.recipient {
        RecipientName::Owner { .. } => refuse_unless(recipient_bytes == 0)?,
        RecipientName::Structure { .. } => {
            refuse_unless(recipient_bytes == RECIPIENT_WRAP_BYTES)?;
            refuse_unless(to_row(terms.ends_at) != i64::MAX)?;
        }
        // Nobody answers for such a grant yet, so none is taken.
        RecipientName::Account { .. } => refuse_unless(false)?,
    }
    Ok(wraps)
}

/// A lock's wrap and record are those that its statement names. LOCK-1, LOCK-2.
pub(crate) fn check_lock(
    account_id: AccountId,
    body: &Body,
    material: &LockMaterial,
) -> Result<()> {
    let Body::SetLock { lock_id, generation, access, wrap_hash } = body else {
        return Err(Code::Refused.into());
    };
    let wrap: RootWrap = decode(&material.root_wrap.0)?;
    let binding = LockBinding {
        suite: wrap.binding.suite,
        account_id,
        lock_id: *lock_id,
        kind: access.kind(),
        generation: *generation,
    };
    refuse_unless(wrap.binding == binding && wrap.hash() == *wrap_hash)?;
    match (access.record_hash(), &material.record) {
        (Some(record_hash), Some(record)) => {
            refuse_unless(Label::LockRecordHash.hash(&record.0) == *record_hash)?;
            refuse_unless(crate::unlock::is_record(&record.0))
        }
        (None, None) => Ok(()),
        _ => Err(Code::Refused.into()),
    }
}

/// A role as the database holds it.
pub(crate) fn role_row(role: Role) -> i64 {
    match role {
        Role::Manager => 1,
        Role::Worker => 2,
    }
}

/// A kind as the database holds it.
pub(crate) fn kind_row(kind: EnvelopeKind) -> i64 {
    match kind {
        EnvelopeKind::Content => 1,
        EnvelopeKind::Card => 2,
        EnvelopeKind::Thumbnail => 3,
    }
}
