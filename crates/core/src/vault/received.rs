//! What a structure was given, as one of its people reads it: every statement verified under its
//! owner's keys, every opening with a receipt signed before the server gives anything.

use reconnect_format::{
    Sorted, Suite, Unverified,
    api::{
        Call, Code, DocumentOpened, GiveReceipt, GrantOpened, GrantedDocument, Received,
        ReceivedGrant,
    },
    check, decode,
    envelope::EnvelopeRef,
    grant::{GrantTerms, RecipientName, WrapBinding},
    id::{AccountId, DocumentId, GrantId},
    receipt::{Receipt, Subject},
    statement::{Attested, Body, DeviceProof, Signer, Statement},
};
use zeroize::Zeroizing;

use super::{Vault, desk::Desk, papers::Reading};
use crate::{
    document::{Card, draw_id, open_card, open_thumbnail},
    error::{Damaged, Error, ServerMisbehaved},
    grant::{GrantSecret, open_as_recipient, unwrap_document},
    world::{World, ask},
};

/// How long one receipt stands for one look at a list; the server takes it for an hour. RCPT-3.
const RECEIPT_SECONDS: u64 = 50 * 60;

/// A grant as a member of its structure sees it.
pub struct ReceivedGift {
    /// Which.
    pub grant_id: GrantId,
    /// Grants in whose place it goes on, as far as this session had them open.
    pub earlier: Vec<GrantId>,
    /// By what name the owner wants to be known.
    pub signed_as: String,
    /// Why.
    pub purpose: String,
    /// Seconds since 1970.
    pub given_at: u64,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// What it covers, as far as it is there.
    pub documents: Vec<ReceivedPaper>,
}

/// A document under a grant.
#[derive(Clone)]
pub struct ReceivedPaper {
    /// Which.
    pub document_id: DocumentId,
    /// What its card says; `Err` when the card does not open.
    pub card: Result<Card, Damaged>,
    /// Version of its content.
    pub version: u32,
    /// Whether it has a picture.
    pub has_thumbnail: bool,
}

/// A grant that was opened in this session.
pub(super) struct OpenedGrant {
    terms: GrantTerms,
    owner: AccountId,
    given_at: u64,
    owner_sequence: u64,
    secret: GrantSecret,
    /// Asking again with the same receipt is the same opening, for a while.
    receipt: GiveReceipt,
    receipt_at: u64,
    papers: Vec<OpenedPaper>,
}

struct OpenedPaper {
    paper: ReceivedPaper,
    content: EnvelopeRef,
    thumbnail: Option<EnvelopeRef>,
    thumbnail_wrap: Option<Vec<u8>>,
}

impl Desk {
    /// Everything that the structure was given and that has not ended.
    pub async fn received(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<Vec<ReceivedGift>, Error> {
        let mut live = Sorted::default();
        let grants = every_grant(vault, world).await?;
        if grants.iter().any(|grant| self.is_ahead(grant)) {
            // An epoch began since this page looked. What cannot be caught up with stays closed.
            let _ = self.catch_up(vault, world).await;
        }
        for grant in &grants {
            // A grant that does not verify is passed over: the others still open.
            match self.open_grant(vault, world, grant).await {
                Ok(grant_id) => {
                    live.add(grant_id);
                }
                // It was not looked at: a list without it would say that it is gone.
                Err(Error::Offline) => return Err(Error::Offline),
                Err(Error::Refused(problem)) if matches!(problem.status, 401 | 429 | 500..) => {
                    return Err(Error::Refused(problem));
                }
                Err(_) => {}
            }
        }
        self.opened.retain(|grant_id, _| live.contains(grant_id));
        let mut gifts: Vec<_> = self
            .opened
            .values()
            .filter(|grant| grant.terms.ends_at > world.now())
            .map(|grant| grant.show(&self.renewed))
            .collect();
        gifts.sort_by_key(|gift| std::cmp::Reverse(gift.given_at));
        Ok(gifts)
    }

    /// Whether a grant names an epoch that this page has not seen begin.
    fn is_ahead(&self, grant: &ReceivedGrant) -> bool {
        verify_grant(grant).is_ok_and(|(_, terms)| match terms.recipient {
            RecipientName::Structure { epoch, .. } => epoch > self.recipient_epoch(),
            _ => false,
        })
    }

    async fn open_grant(
        &mut self,
        vault: &Vault,
        world: &impl World,
        grant: &ReceivedGrant,
    ) -> Result<GrantId, Error> {
        let (statement, terms) = verify_grant(grant)?;
        let grant_id = terms.grant_id;
        let known = self.opened.get(&grant_id);
        if known.is_some_and(|known| known.owner_sequence == grant.owner_sequence) {
            return Ok(grant_id);
        }
        let RecipientName::Structure { structure_id, epoch, key_id } = terms.recipient else {
            return Err(ServerMisbehaved::Forged.into());
        };
        let key = self.recipient_key(epoch)?;
        if structure_id != self.structure_id() || key.public().id() != key_id {
            return Err(ServerMisbehaved::Forged.into());
        }
        let owner = statement.body().account_id;
        if let Body::Regrant { grant_id: before, .. } = statement.body().body {
            self.note_successor(before, grant_id, owner);
        }
        let known = self.opened.get(&grant_id);
        let fresh = known.filter(|known| world.now() < known.receipt_at + RECEIPT_SECONDS);
        let (receipt, receipt_at) = match fresh {
            Some(known) => (known.receipt.clone(), known.receipt_at),
            None => (self.receipt(vault, world, grant_id, owner, Subject::List)?, world.now()),
        };
        let list = format!("/v1/received/{grant_id}/list");
        let mut opened: GrantOpened = vault.read(world, Call::send(&*list, &receipt)).await?;
        let secret = open_as_recipient(&opened.recipient_wrap.0, statement.hash(), &terms, &key)?;
        let mut papers = Vec::new();
        loop {
            for document in &opened.documents {
                let paper = open_paper(document, owner, &terms, &secret)?;
                self.check_version(owner, &paper)?;
                papers.push(paper);
            }
            // SYNC-4: each answer goes on after the one before, so that there is an end.
            let Some(next) = opened.next else { break };
            let call = Call::send(format!("{list}?after={next}"), &receipt);
            opened = vault.read(world, call).await?;
            if opened.next.is_some_and(|after| after <= next) {
                return Err(Error::Unreadable);
            }
        }
        let grant = OpenedGrant {
            owner,
            given_at: statement.body().made_at,
            owner_sequence: grant.owner_sequence,
            terms,
            secret,
            receipt,
            receipt_at,
            papers,
        };
        self.opened.insert(grant_id, grant);
        Ok(grant_id)
    }

    /// Whoever has a grant open goes on with its successor, if the same owner gave it. GRANT-9.
    fn note_successor(&mut self, before: GrantId, after: GrantId, owner: AccountId) {
        if self.opened.get(&before).is_some_and(|known| known.owner == owner) {
            let same = |id: &GrantId| *id == before;
            let earlier: Vec<_> =
                self.renewed.iter().filter(|(_, now)| same(now)).map(|(id, _)| *id).collect();
            self.renewed.extend(earlier.into_iter().chain([before]).map(|id| (id, after)));
        }
    }

    /// The grant that goes on in the place of this one; itself when none does.
    fn newest_of(&self, grant_id: GrantId) -> GrantId {
        self.renewed.get(&grant_id).copied().unwrap_or(grant_id)
    }

    /// Whether the server lists a successor of a grant that it has no more. GRANT-9.
    async fn finds_successor<T>(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        answer: &Result<T, Error>,
    ) -> Result<bool, Error> {
        if !matches!(answer, Err(Error::TakenBack)) {
            return Ok(false);
        }
        let before = self.newest_of(grant_id);
        self.received(vault, world).await?;
        Ok(self.newest_of(grant_id) != before)
    }

    /// In one session no document goes back to an older version. SYNC-3.
    fn check_version(
        &mut self,
        owner: AccountId,
        paper: &OpenedPaper,
    ) -> Result<(), ServerMisbehaved> {
        let ReceivedPaper { document_id, version, .. } = paper.paper;
        let known = (owner, document_id);
        if check!(SeenVersion) && self.versions.get(&known).is_some_and(|seen| version < *seen) {
            return Err(ServerMisbehaved::Rollback);
        }
        self.versions.insert(known, version);
        Ok(())
    }

    fn receipt(
        &self,
        vault: &Vault,
        world: &impl World,
        grant_id: GrantId,
        owner: AccountId,
        subject: Subject,
    ) -> Result<GiveReceipt, Error> {
        let receipt = vault.attest(Receipt {
            suite: Suite::V1,
            grant_id,
            owner,
            structure_id: self.structure_id(),
            worker_number: self.number(vault).ok_or(Error::NotAMember)?,
            account_id: vault.account_id(),
            device_id: vault.device_id(),
            subject,
            made_at: world.now(),
            nonce: draw_id(&mut world.rng()),
        });
        Ok(GiveReceipt { receipt })
    }

    fn opened_paper(
        &self,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<(&OpenedGrant, &OpenedPaper), Error> {
        let grant_id = self.newest_of(grant_id);
        let grant = self.opened.get(&grant_id).ok_or(Error::GrantEnded)?;
        let mut papers = grant.papers.iter();
        let paper = papers.find(|it| it.paper.document_id == document_id);
        Ok((grant, paper.ok_or(Error::NotFound)?))
    }

    /// Gives a receipt for a document and prepares reading it. RCPT-1.
    pub async fn reading(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Reading, Error> {
        let answer = self.try_reading(vault, world, grant_id, document_id).await;
        if self.finds_successor(vault, world, grant_id, &answer).await? {
            return self.try_reading(vault, world, grant_id, document_id).await;
        }
        answer
    }

    async fn try_reading(
        &self,
        vault: &Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Reading, Error> {
        let (grant, paper) = self.opened_paper(grant_id, document_id)?;
        let grant_id = grant.terms.grant_id;
        let subject = Subject::Document { document_id, version: paper.paper.version };
        let receipt = self.receipt(vault, world, grant_id, grant.owner, subject)?;
        let path = format!("/v1/received/{grant_id}/documents/{document_id}");
        let call = Call::send(format!("{path}/open"), &receipt);
        let opened: DocumentOpened = ask(world, call, Some(vault.token()))
            .await
            .map_err(|error| grant.gone(error, world.now()))?;
        let binding = WrapBinding::new(grant_id, document_id, &paper.content);
        let key = unwrap_document(&opened.content_wrap.0, &grant.secret.key(), &binding)?;
        let card = paper.paper.card.as_ref().map_err(|damaged| *damaged)?;
        Ok(Reading {
            call: Call::read(format!("{path}/content")),
            named: paper.content.clone(),
            true_bytes: card.true_bytes(),
            key,
            owner: grant.owner,
            document_id,
        })
    }

    /// A received document's picture.
    pub async fn thumbnail(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let answer = self.try_thumbnail(vault, world, grant_id, document_id).await;
        if self.finds_successor(vault, world, grant_id, &answer).await? {
            return self.try_thumbnail(vault, world, grant_id, document_id).await;
        }
        answer
    }

    async fn try_thumbnail(
        &self,
        vault: &Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (grant, paper) = self.opened_paper(grant_id, document_id)?;
        let grant_id = grant.terms.grant_id;
        let named = paper.thumbnail.as_ref().ok_or(Error::NotFound)?;
        let wrap = paper.thumbnail_wrap.as_ref().ok_or(Damaged)?;
        let binding = WrapBinding::new(grant_id, document_id, named);
        let key = unwrap_document(wrap, &grant.secret.key(), &binding)?;
        let path = format!("/v1/received/{grant_id}/documents/{document_id}/thumbnail");
        let bytes = world
            .ship(Call::read(path), Some(vault.token()))
            .await
            .map_err(|error| grant.gone(error.into(), world.now()))?;
        Ok(open_thumbnail(&key, &bytes, named, grant.owner, document_id)?)
    }
}

impl OpenedGrant {
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
            signed_as: self.secret.signed_as().to_owned(),
            purpose: self.secret.purpose().to_owned(),
            given_at: self.given_at,
            ends_at: self.terms.ends_at,
            documents: self.papers.iter().map(|it| it.paper.clone()).collect(),
        }
    }
}

/// All live grants, from as many answers as it takes. SYNC-4.
async fn every_grant(vault: &Vault, world: &impl World) -> Result<Vec<ReceivedGrant>, Error> {
    let mut list: Received = vault.read(world, Call::read("/v1/received")).await?;
    let mut grants = list.grants;
    while let Some(next) = list.next {
        list = vault.read(world, Call::read(format!("/v1/received?after={next}"))).await?;
        if list.next.is_some_and(|after| after <= next) {
            return Err(Error::Unreadable);
        }
        grants.append(&mut list.grants);
    }
    Ok(grants)
}

/// A statement of an owner, verified under the key of a device that the owner's root added.
fn verify_grant(
    grant: &ReceivedGrant,
) -> Result<(reconnect_format::Signed<Statement>, GrantTerms), Error> {
    let device = decode::<DeviceProof>(&grant.proof.0)?.verify()?;
    let statement = Unverified::<Statement>::decode(&grant.statement.0)?.verify(&device.signing)?;
    let body = statement.body();
    let theirs = body.account_id == device.account_id
        && body.signer == Signer::Device { device_id: device.device_id };
    match body.body.grant_terms().cloned() {
        Some(terms) if theirs => Ok((statement, terms)),
        _ => Err(ServerMisbehaved::Forged.into()),
    }
}

/// What `owner` said of a document, by one of their devices. GRANT-7.
fn owners_statement(attested: &[u8], owner: AccountId) -> Result<Statement, Error> {
    let (statement, device) = Attested::open::<Statement>(attested)?;
    let body = statement.into_body();
    let theirs = body.account_id == owner
        && device.account_id == owner
        && body.signer == Signer::Device { device_id: device.device_id };
    if check!(GrantOwner, theirs) { Ok(body) } else { Err(ServerMisbehaved::Forged.into()) }
}

fn open_paper(
    document: &GrantedDocument,
    owner: AccountId,
    terms: &GrantTerms,
    secret: &GrantSecret,
) -> Result<OpenedPaper, Error> {
    let forged = Error::from(ServerMisbehaved::Forged);
    let written = owners_statement(&document.version.0, owner)?;
    let (Body::PutVersion { document_id, content, mut card, thumbnail }
    | Body::AcceptDeposit { document_id, content, mut card, thumbnail, .. }) = written.body
    else {
        return Err(forged);
    };
    if !terms.scope.covers(document_id) {
        return Err(forged);
    }
    if let Some(renamed) = &document.renamed {
        let renamed = owners_statement(&renamed.0, owner)?;
        match renamed.body {
            // A newer card of the same document, never an older one.
            Body::PutCard { document_id: same, card: newer }
                if same == document_id
                    && newer.version > card.version
                    && renamed.sequence > written.sequence =>
            {
                card = newer;
            }
            _ => return Err(forged),
        }
    }
    let binding = WrapBinding::new(terms.grant_id, document_id, &card);
    let opened = unwrap_document(&document.card_wrap.0, &secret.key(), &binding)
        .and_then(|key| open_card(&key, &document.card.0, &card, owner, document_id));
    let paper = ReceivedPaper {
        document_id,
        card: opened,
        version: content.version,
        has_thumbnail: thumbnail.is_some(),
    };
    let thumbnail_wrap = document.thumbnail_wrap.as_ref().map(|wrap| wrap.0.clone());
    Ok(OpenedPaper { paper, content, thumbnail, thumbnail_wrap })
}
