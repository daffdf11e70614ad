//! Opening what a structure was given: every opening with a receipt, signed before the server gives
//! anything, and of nothing that the log says is over.

use reconnect_format::{
    Suite,
    api::{Call, Code, DocumentOpened, GiveReceipt, GrantOpened, GrantedDocument, Problem},
    check,
    envelope::EnvelopeRef,
    grant::{GrantTerms, WrapBinding},
    id::{AccountId, DocumentId, GrantId},
    manifest::RecordKey,
    receipt::{Receipt, Subject},
    statement::{Attested, Body, Device, Signer, Statement},
};
use zeroize::Zeroizing;

use super::{
    super::{Vault, desk::Desk, papers::Reading},
    KnownGrant, Tray,
    fresh::{self, Claim},
};
use crate::{
    document::{Card, draw_id, open_card, open_thumbnail},
    error::{Damaged, Error, ServerMisbehaved, Unchecked},
    grant::{open_as_recipient, unwrap_document},
    place::LogPlace,
    secret::GrantKey,
    world::{World, ask},
};

/// How long one receipt stands for one look at a list; the server takes it for an hour. RCPT-3.
const RECEIPT_SECONDS: u64 = 50 * 60;

/// For so long a list that was compared with the log is shown without asking again.
const FRESH_SECONDS: u64 = 600;

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
    /// Why nobody knows whether it is still given, and the newest. FRESH-4.
    pub unchecked: Option<Unchecked>,
}

/// A grant that was opened in this session.
pub(super) struct OpenedGrant {
    owner_sequence: u64,
    key: GrantKey,
    place: LogPlace,
    /// When it was compared with the log, or why it could not be. FRESH-4.
    checked: Result<u64, Unchecked>,
    /// Asking again with the same receipt is the same opening, for a while.
    receipt: GiveReceipt,
    receipt_at: u64,
    papers: Vec<OpenedPaper>,
}

impl OpenedGrant {
    /// Whether its receipt still stands for this look. RCPT-3.
    fn has_receipt(&self, now: u64) -> bool {
        now < self.receipt_at + RECEIPT_SECONDS
    }
}

struct OpenedPaper {
    paper: ReceivedPaper,
    claim: Claim,
    content: EnvelopeRef,
    thumbnail: Option<EnvelopeRef>,
    thumbnail_wrap: Option<Vec<u8>>,
}

/// A document under a grant as its owner's statements name it, before a key of it is used.
struct NamedPaper {
    shown: GrantedDocument,
    document_id: DocumentId,
    content: EnvelopeRef,
    card: EnvelopeRef,
    thumbnail: Option<EnvelopeRef>,
    /// Of the content, and of the card.
    claims: [Claim; 2],
}

impl Tray {
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

    fn opened_paper(
        &self,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<(&KnownGrant, &OpenedGrant, &OpenedPaper), Error> {
        let grant_id = self.newest_of(grant_id);
        let known = self.known.get(&grant_id).ok_or(Error::GrantEnded)?;
        let opened = self.opened.get(&grant_id).ok_or(Error::GrantEnded)?;
        let mut papers = opened.papers.iter();
        let paper = papers.find(|it| it.paper.document_id == document_id);
        Ok((known, opened, paper.ok_or(Error::NotFound)?))
    }
}

impl Desk {
    /// Opens a grant that a look has shown, and gives the documents that it covers, as far as they are
    /// there: its owner's trace says so. RCPT-1.
    pub async fn open(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
    ) -> Result<Vec<ReceivedPaper>, Error> {
        let mut answer = self.try_to_open(vault, world, grant_id).await;
        if was_overtaken(&answer) {
            answer = self.try_to_open(vault, world, grant_id).await;
        }
        if !self.finds_successor(vault, world, grant_id, &answer).await? {
            answer?;
        }
        let opened = self.tray.opened.get(&self.tray.newest_of(grant_id));
        let OpenedGrant { papers, checked, .. } = opened.ok_or(Error::GrantEnded)?;
        let papers =
            papers.iter().map(|it| ReceivedPaper { unchecked: checked.err(), ..it.paper.clone() });
        Ok(papers.collect())
    }

    async fn try_to_open(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
    ) -> Result<(), Error> {
        let grant_id = self.tray.newest_of(grant_id);
        let known = self.tray.known.get(&grant_id).ok_or(Error::GrantEnded)?;
        let listed = self.tray.listed.get(&grant_id).map_or(0, |it| it.owner_sequence);
        let opened = self.tray.opened.get(&grant_id);
        let is_known = |opened: &OpenedGrant| {
            let checked = opened.checked.is_ok_and(|at| world.now() < at + FRESH_SECONDS);
            checked && opened.has_receipt(world.now()) && opened.owner_sequence == listed
        };
        if opened.is_some_and(is_known) {
            return Ok(());
        }
        let fresh = opened.filter(|opened| opened.has_receipt(world.now()));
        let (receipt, receipt_at) = match fresh {
            Some(opened) => (opened.receipt.clone(), opened.receipt_at),
            None => (
                self.receipt(vault, world, grant_id, known.owner.account_id, Subject::List)?,
                world.now(),
            ),
        };
        let list = format!("/v1/received/{grant_id}/list");
        let asked = |path: String| Call::send(path, &receipt);
        let gone = |error| known.gone(error, world.now());
        let mut answer: GrantOpened = vault.read(world, asked(list.clone())).await.map_err(gone)?;
        if answer.epoch > self.recipient_epoch() {
            // It was wrapped to an epoch that began since this page looked.
            self.catch_up(vault, world).await?;
        }
        let known = self.tray.known.get(&grant_id).ok_or(Error::GrantEnded)?;
        let gone = |error| known.gone(error, world.now());
        let wrap = &answer.recipient_wrap.0;
        let key = self.key_of(&known.terms, answer.epoch)?;
        let secret = open_as_recipient(wrap, known.statement_hash, &known.terms, &key)?;
        let (owner, mut named) = (known.owner.account_id, Vec::new());
        loop {
            for document in answer.documents {
                named.push(name_paper(document, owner, &known.terms)?);
            }
            // SYNC-4: each answer goes on after the one before, so that there is an end.
            let Some(next) = answer.next else { break };
            answer =
                vault.read(world, asked(format!("{list}?after={next}"))).await.map_err(gone)?;
            if answer.next.is_some_and(|after| after <= next) {
                return Err(Error::Unreadable);
            }
        }
        let claims = named.iter().flat_map(|it| it.claims.clone());
        let claims: Vec<_> = claims.chain([known.claim.clone()]).collect();
        let place = secret.place().copy();
        let checked = is_fresh(vault, world, known, &place, &claims).await?;
        let key = secret.key();
        let papers = named.into_iter().map(|it| it.open(owner, grant_id, &key));
        let papers: Vec<_> = papers.collect();
        for paper in &papers {
            self.tray.check_version(owner, paper)?;
        }
        let opened = OpenedGrant {
            owner_sequence: listed,
            key,
            place,
            checked,
            receipt,
            receipt_at,
            papers,
        };
        self.tray.opened.insert(grant_id, opened);
        Ok(())
    }

    /// Whether the server lists a successor of a grant that it has no more; it is open by then. GRANT-9.
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
        let before = self.tray.newest_of(grant_id);
        let mut more = self.look(vault, world).await?;
        while more && self.tray.newest_of(grant_id) == before {
            more = self.learn_more(vault, world).await?;
        }
        let found = self.tray.newest_of(grant_id) != before;
        if found {
            self.try_to_open(vault, world, grant_id).await?;
        }
        Ok(found)
    }

    /// Keys of the grants that this page has opened.
    #[cfg(feature = "vectors")]
    pub(in super::super) fn grant_keys(&self) -> Vec<GrantKey> {
        let opened = self.tray.opened.values();
        opened.map(|grant| GrantKey::from_bytes(*grant.key.expose())).collect()
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

    /// Gives a receipt for a document and prepares reading it. RCPT-1.
    pub async fn reading(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Reading, Error> {
        let answer = self.try_reading(vault, world, grant_id, document_id).await;
        if was_overtaken(&answer) {
            self.tray.opened.remove(&self.tray.newest_of(grant_id));
            self.open(vault, world, grant_id).await?;
            // There is another one by now: whoever asked for this one looks at the list again.
            return Err(Error::Refused(Problem::of(Code::Conflict)));
        }
        if self.finds_successor(vault, world, grant_id, &answer).await? {
            return self.try_reading(vault, world, grant_id, document_id).await;
        }
        answer
    }

    async fn try_reading(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Reading, Error> {
        let (grant, opened, paper) = self.tray.opened_paper(grant_id, document_id)?;
        let grant_id = grant.terms.grant_id;
        let claims = [grant.claim.clone(), paper.claim.clone()];
        let checked = is_fresh(vault, world, grant, &opened.place, &claims).await?;
        let subject = Subject::Document { document_id, version: paper.paper.version };
        let receipt = self.receipt(vault, world, grant_id, grant.owner.account_id, subject)?;
        let path = format!("/v1/received/{grant_id}/documents/{document_id}");
        let call = Call::send(format!("{path}/open"), &receipt);
        let answer: DocumentOpened = ask(world, call, Some(vault.token()))
            .await
            .map_err(|error| grant.gone(error, world.now()))?;
        let binding = WrapBinding::new(grant_id, document_id, &paper.content);
        let key = unwrap_document(&answer.content_wrap.0, &opened.key, &binding)?;
        let card = paper.paper.card.as_ref().map_err(|damaged| *damaged)?;
        let reading = Reading {
            call: Call::read(format!("{path}/content")),
            named: paper.content.clone(),
            true_bytes: card.true_bytes(),
            unchecked: checked.err(),
            key,
            owner: grant.owner.account_id,
            document_id,
        };
        if let Some(opened) = self.tray.opened.get_mut(&grant_id) {
            opened.checked = checked;
        }
        Ok(reading)
    }

    /// A received document's picture.
    pub async fn thumbnail(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let opened = self.tray.opened.get(&self.tray.newest_of(grant_id));
        if opened.is_some_and(|opened| !opened.has_receipt(world.now())) {
            self.open(vault, world, grant_id).await?;
        }
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
        let (grant, opened, paper) = self.tray.opened_paper(grant_id, document_id)?;
        let grant_id = grant.terms.grant_id;
        let named = paper.thumbnail.as_ref().ok_or(Error::NotFound)?;
        let wrap = paper.thumbnail_wrap.as_ref().ok_or(Damaged)?;
        let binding = WrapBinding::new(grant_id, document_id, named);
        let key = unwrap_document(wrap, &opened.key, &binding)?;
        let path = format!("/v1/received/{grant_id}/documents/{document_id}/thumbnail");
        let bytes = world
            .ship(Call::read(path), Some(vault.token()))
            .await
            .map_err(|error| grant.gone(error.into(), world.now()))?;
        Ok(open_thumbnail(&key, &bytes, named, grant.owner.account_id, document_id)?)
    }
}

/// Compares what is shown with the log: when that was, or why it could not be. What the log says to be
/// over, or what ended, is refused. FRESH-1, FRESH-4, FRESH-5.
async fn is_fresh(
    vault: &mut Vault,
    world: &impl World,
    grant: &KnownGrant,
    place: &LogPlace,
    claims: &[Claim],
) -> Result<Result<u64, Unchecked>, Error> {
    if !check!(Fresh) {
        return Ok(Ok(world.now()));
    }
    let subject = fresh::Subject { grant_id: grant.terms.grant_id, owner: &grant.owner, place };
    let checked = match fresh::check(vault, world, &subject, claims).await {
        Ok(()) => Ok(world.now()),
        Err(Error::Unchecked(unchecked)) => Err(unchecked),
        Err(error) => return Err(grant.gone(error, vault.time(world))),
    };
    if grant.terms.ends_at <= vault.time(world) {
        return Err(Error::GrantEnded);
    }
    Ok(checked)
}

/// Whether what was shown may have been so a moment ago: it is asked for once more. FRESH-4.
fn was_overtaken<T>(answer: &Result<T, Error>) -> bool {
    use ServerMisbehaved::{OldVersion, RetiredDevice, ShownTakenBack};
    matches!(answer, Err(Error::Misbehaved(OldVersion | RetiredDevice | ShownTakenBack)))
}

/// What `owner` said of a document, by one of their devices. GRANT-7.
fn owners_statement(attested: &[u8], owner: AccountId) -> Result<(Statement, Device), Error> {
    let (statement, device) = Attested::open::<Statement>(attested)?;
    let body = statement.into_body();
    let theirs = body.account_id == owner
        && device.account_id == owner
        && body.signer == Signer::Device { device_id: device.device_id };
    if check!(GrantOwner, theirs) {
        Ok((body, device))
    } else {
        Err(ServerMisbehaved::Forged.into())
    }
}

fn name_paper(
    shown: GrantedDocument,
    owner: AccountId,
    terms: &GrantTerms,
) -> Result<NamedPaper, Error> {
    let forged = Error::from(ServerMisbehaved::Forged);
    let (written, device) = owners_statement(&shown.version.0, owner)?;
    let (Body::PutVersion { document_id, content, mut card, thumbnail }
    | Body::AcceptDeposit { document_id, content, mut card, thumbnail, .. }) = written.body.clone()
    else {
        return Err(forged);
    };
    if !terms.scope.covers(document_id) {
        return Err(forged);
    }
    let claim = |statement: &Statement, key, device: &Device| {
        Claim::new(statement, key, device, ServerMisbehaved::OldVersion)
    };
    let mut of_card = claim(&written, RecordKey::Card(document_id), &device)?;
    if let Some(renamed) = &shown.renamed {
        let (renamed, device) = owners_statement(&renamed.0, owner)?;
        of_card = claim(&renamed, RecordKey::Card(document_id), &device)?;
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
    let of_content = claim(&written, RecordKey::Document(document_id), &device)?;
    Ok(NamedPaper { shown, document_id, content, card, thumbnail, claims: [of_content, of_card] })
}

impl NamedPaper {
    /// Opens the card. One that does not open is shown as such: the others still show.
    fn open(self, owner: AccountId, grant_id: GrantId, key: &GrantKey) -> OpenedPaper {
        let Self { shown, document_id, content, card, thumbnail, claims: [claim, _] } = self;
        let binding = WrapBinding::new(grant_id, document_id, &card);
        let opened = unwrap_document(&shown.card_wrap.0, key, &binding)
            .and_then(|key| open_card(&key, &shown.card.0, &card, owner, document_id));
        let paper = ReceivedPaper {
            document_id,
            card: opened,
            version: content.version,
            has_thumbnail: thumbnail.is_some(),
            unchecked: None,
        };
        let thumbnail_wrap = shown.thumbnail_wrap.map(|wrap| wrap.0);
        OpenedPaper { paper, claim, content, thumbnail, thumbnail_wrap }
    }
}
