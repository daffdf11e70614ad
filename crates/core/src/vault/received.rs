//! What a structure was given, as its people see it before they open anything: who gave, and why. Every
//! statement is verified under its owner's keys.

mod fresh;
mod opening;
mod rewrap;

use reconnect_format::{
    Signed, Sorted, Unverified,
    api::{Call, Code, FACES, Faces, FacesOf, GrantFace, Received, ReceivedGrant},
    decode,
    grant::{GrantTerms, RecipientName, Scope},
    id::{AccountId, DocumentId, GrantId},
    manifest::RecordKey,
    statement::{Body, Device, DeviceProof, Signer, Statement},
};

use self::{
    fresh::{Claim, Owner},
    opening::OpenedGrant,
};
pub use self::{
    opening::ReceivedPaper,
    rewrap::{Blame, Renewal},
};
use super::{Vault, desk::Desk};
use crate::{
    error::{Error, ServerMisbehaved},
    grant::{Face, open_face},
    key::RecipientKey,
    world::World,
};

/// A grant as a member of its structure sees it before opening it.
pub struct ReceivedGift {
    /// Which.
    pub grant_id: GrantId,
    /// Grants in whose place it goes on, as far as this session has seen them.
    pub earlier: Vec<GrantId>,
    /// By what name the owner wants to be known.
    pub signed_as: String,
    /// Why.
    pub purpose: String,
    /// Seconds since 1970.
    pub given_at: u64,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// How many documents it covers.
    pub document_count: usize,
}

/// What a desk knows of what its structure was given: for as long as its page is open.
#[derive(Default)]
pub(super) struct Tray {
    /// What the server listed at the last look.
    listed: Sorted<GrantId, ReceivedGrant>,
    /// Whether all of that was looked at.
    is_whole: bool,
    /// What of it was verified, and what was there before.
    known: Sorted<GrantId, Box<KnownGrant>>,
    /// What did not verify: the others still show.
    unsound: Sorted<GrantId, ()>,
    opened: Sorted<GrantId, OpenedGrant>,
    /// Grants whose place another has taken. GRANT-9.
    renewed: Sorted<GrantId, GrantId>,
    versions: Sorted<(AccountId, DocumentId), u32>,
    /// To which epoch this page has tried a grant: by its own number, or what another wrapped.
    tried: Sorted<(GrantId, u64, u32), ()>,
    /// Who was found to have wrapped what does not open, or to have said so falsely.
    blamed: Sorted<[u8; 32], Blame>,
}

/// A grant whose statement was verified, with its owner's words.
struct KnownGrant {
    terms: GrantTerms,
    owner: Owner,
    claim: Claim,
    given_at: u64,
    statement_hash: [u8; 32],
    face: Face,
    /// With which epoch's key the face was opened.
    epoch: u64,
}

impl Tray {
    /// The grant that goes on in the place of this one; itself when none does.
    fn newest_of(&self, grant_id: GrantId) -> GrantId {
        self.renewed.get(&grant_id).copied().unwrap_or(grant_id)
    }

    /// What of the list is not known yet, or not under the key to which it was wrapped again; the
    /// newest first.
    fn unknown(&self) -> Vec<GrantId> {
        let is_known = |it: &&ReceivedGrant| {
            let known = self.known.get(&it.grant_id);
            known.is_some_and(|known| known.epoch >= it.epoch)
        };
        let mut unknown: Vec<_> = self
            .listed
            .values()
            .filter(|it| !is_known(it) && !self.unsound.contains(&it.grant_id))
            .collect();
        unknown.sort_by_key(|it| std::cmp::Reverse(it.received_at));
        unknown.into_iter().map(|it| it.grant_id).collect()
    }

    /// Whoever saw a grant goes on with its successor, if the same owner gave it. GRANT-9.
    fn learn(&mut self, grant: KnownGrant, before: Option<GrantId>) {
        let after = grant.terms.grant_id;
        let before = before.filter(|before| {
            self.known.get(before).is_some_and(|it| it.owner.account_id == grant.owner.account_id)
        });
        if let Some(before) = before {
            let follows = self.renewed.iter().filter(|(_, now)| **now == before);
            let earlier: Vec<_> = follows.map(|(id, _)| *id).chain([before]).collect();
            self.renewed.extend(earlier.into_iter().map(|id| (id, after)));
        }
        self.known.insert(after, Box::new(grant));
    }
}

impl Desk {
    /// Looks at what the structure was given, and learns who gave the newest of it: whether there is
    /// more to learn, by [`Self::learn_more`]. Opens nothing.
    pub async fn look(&mut self, vault: &mut Vault, world: &impl World) -> Result<bool, Error> {
        let listed = every_grant(vault, world).await?;
        // What could not be read may have been of an epoch that this page had not heard of.
        self.tray.is_whole = false;
        self.tray.unsound.clear();
        self.tray.listed.clear();
        self.tray.listed.extend(listed.into_iter().map(|it| (it.grant_id, it)));
        self.learn_more(vault, world).await
    }

    /// Learns who gave some more of what was listed: whether there is still more.
    pub async fn learn_more(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<bool, Error> {
        let mut asked = self.tray.unknown();
        let more = asked.len() > FACES;
        asked.truncate(FACES);
        if !asked.is_empty() {
            let call = Call::send("/v1/received/faces", &FacesOf { grant_ids: asked.clone() });
            let answer: Faces = vault.read(world, call).await?;
            // What does not verify is passed over: the others still show.
            let verified = answer.faces.iter().filter_map(|it| Some((it, verify_grant(it).ok()?)));
            let verified: Vec<_> =
                verified.filter(|(_, (.., terms))| asked.contains(&terms.grant_id)).collect();
            if verified.iter().any(|(shown, _)| shown.epoch > self.recipient_epoch()) {
                // An epoch began since this page looked. What cannot be caught up with stays closed.
                let _ = self.catch_up(vault, world).await;
            }
            for (shown, verified) in verified {
                if let Ok((grant, before)) = self.know(shown, verified) {
                    self.tray.learn(grant, before);
                }
            }
            let unknown = self.tray.unknown();
            let unanswered = asked.iter().filter(|id| unknown.contains(id));
            let unanswered: Vec<_> = unanswered.copied().collect();
            // An answer may be too long for all of them, so the others are asked for again; one that
            // brings none says that they are gone, or not sound.
            let answered = unanswered.len() < asked.len();
            if answered && (more || !unanswered.is_empty()) {
                return Ok(true);
            }
            self.tray.unsound.extend(unanswered.into_iter().map(|id| (id, ())));
        }
        if !more {
            let Tray { listed, known, opened, .. } = &mut self.tray;
            known.retain(|grant_id, _| listed.contains(grant_id));
            opened.retain(|grant_id, _| listed.contains(grant_id));
            self.tray.is_whole = true;
            if self.history.seeds.len() > 1 {
                self.shown_guarding(vault, world).await?;
            }
            if self.forget_old_seeds() {
                self.keep(vault, world).await?;
            }
        }
        Ok(more)
    }

    /// What the structure was given and has not ended, as far as it was learned; the newest first.
    pub fn received(&self, now: u64) -> Vec<ReceivedGift> {
        let tray = &self.tray;
        let mut gifts: Vec<_> = tray
            .known
            .values()
            .filter(|it| it.terms.ends_at > now && tray.listed.contains(&it.terms.grant_id))
            .map(|grant| grant.show(&tray.renewed))
            .collect();
        gifts.sort_by_key(|gift| std::cmp::Reverse(gift.given_at));
        gifts
    }

    /// A verified grant with its face, opened; and in whose place it goes on.
    fn know(
        &self,
        shown: &GrantFace,
        (statement, device, terms): (Signed<Statement>, Device, GrantTerms),
    ) -> Result<(KnownGrant, Option<GrantId>), Error> {
        let key = self.key_of(&terms, shown.epoch)?;
        let statement_hash = statement.hash();
        let face = open_face(&shown.face.0, statement_hash, &terms, &key)?;
        let key = RecordKey::Grant(terms.grant_id);
        let claim = Claim::new(statement.body(), key, &device, ServerMisbehaved::ShownTakenBack)?;
        let (owner, Statement { made_at: given_at, body, .. }) =
            (Owner::of(&device), statement.into_body());
        let before = match body {
            Body::Regrant { grant_id, .. } => Some(grant_id),
            _ => None,
        };
        let epoch = shown.epoch;
        Ok((KnownGrant { terms, owner, claim, given_at, statement_hash, face, epoch }, before))
    }

    /// The structure's key that opens a grant: the one to which it was given, or a later epoch's to
    /// which it was wrapped again. GRANT-7, REWRAP-3.
    fn key_of(&self, terms: &GrantTerms, wrapped_for: u64) -> Result<RecipientKey, Error> {
        if self.is_ours(terms, wrapped_for) {
            Ok(self.recipient_key(wrapped_for)?)
        } else {
            Err(ServerMisbehaved::Forged.into())
        }
    }

    fn is_ours(&self, terms: &GrantTerms, wrapped_for: u64) -> bool {
        matches!(terms.recipient, RecipientName::Structure { structure_id, epoch, key_id }
            if structure_id == self.structure_id()
                && self.chain.key_id(epoch) == Some(key_id)
                && wrapped_for >= epoch)
    }
}

impl KnownGrant {
    /// What it means that the server does not have what this session has seen: no more than that it
    /// is there no longer, before its time or after.
    fn gone(&self, error: Error, now: u64) -> Error {
        match error {
            Error::Refused(problem) if problem.code == Code::NotFound => {
                if self.terms.ends_at > now { Error::TakenBack } else { Error::GrantEnded }
            }
            other => other,
        }
    }

    fn show(&self, renewed: &Sorted<GrantId, GrantId>) -> ReceivedGift {
        let grant_id = self.terms.grant_id;
        let earlier = renewed.iter().filter(|(_, now)| **now == grant_id).map(|(id, _)| *id);
        ReceivedGift {
            grant_id,
            earlier: earlier.collect(),
            signed_as: self.face.signed_as().to_owned(),
            purpose: self.face.purpose().to_owned(),
            given_at: self.given_at,
            ends_at: self.terms.ends_at,
            document_count: match &self.terms.scope {
                Scope::Safe => 0,
                Scope::Documents { document_ids } => document_ids.len(),
            },
        }
    }
}

/// All live grants, from as many answers as it takes. SYNC-4.
async fn every_grant(vault: &Vault, world: &impl World) -> Result<Vec<ReceivedGrant>, Error> {
    let (mut grants, mut after) = (Vec::new(), None);
    let mut call = Call::read("/v1/received");
    loop {
        let list: Received = vault.read(world, call).await?;
        // SYNC-4: each answer that is not the last brings some, and goes on behind them.
        let newest = list.grants.last().map(|it| it.grant_id);
        grants.extend(list.grants);
        let Some(next) = list.next else { return Ok(grants) };
        if newest != Some(next) || after >= Some(next) {
            return Err(Error::Unreadable);
        }
        after = Some(next);
        call = Call::read(format!("/v1/received?after={next}"));
    }
}

/// A statement of an owner, verified under the key of a device that the owner's root added.
fn verify_grant(grant: &GrantFace) -> Result<(Signed<Statement>, Device, GrantTerms), Error> {
    let device = decode::<DeviceProof>(&grant.proof.0)?.verify()?;
    let statement = Unverified::<Statement>::decode(&grant.statement.0)?.verify(&device.signing)?;
    let body = statement.body();
    let theirs = body.account_id == device.account_id
        && body.signer == Signer::Device { device_id: device.device_id };
    match body.body.grant_terms().cloned() {
        Some(terms) if theirs => Ok((statement, device, terms)),
        _ => Err(ServerMisbehaved::Forged.into()),
    }
}
