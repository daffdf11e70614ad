//! Papers: adding, renaming, replacing, removing, reading.

use reconnect_format::envelope::{CHUNK_BYTES, PART_CHUNKS, padded_content_bytes};
use reconnect_format::{
    api::{Call, Code, Problem, SmallEnvelope, Submission, Upload, Wrap},
    check,
    envelope::{EnvelopeKind, EnvelopeRef},
    grant::WrapBinding,
    id::{Base64, DepositId, DocumentId, EnvelopeId},
    manifest::DocumentRecord,
    statement::Body,
    tree,
};
use zeroize::Zeroizing;

use super::{Vault, bare};
use crate::{
    document::{
        Card, ChunkPlan, DocumentKind, SealedEnvelope, draw_id, open_card, open_content,
        open_thumbnail, seal_card, seal_thumbnail,
    },
    error::{Damaged, Error, Unchecked},
    grant::{unwrap_document, wrap_document},
    secret::{DocumentKey, GrantKey},
    world::{World, ask},
};

/// A document as its owner sees it.
pub struct Paper<'a> {
    /// Which.
    pub document_id: DocumentId,
    /// What its card says; `Err` when the card does not open.
    pub card: Result<&'a Card, Damaged>,
    /// What the manifest says.
    pub record: DocumentRecord,
}

/// What a person says of a document that they add.
pub struct PaperCard {
    /// What they call it.
    pub title: String,
    /// What it is shown as.
    pub kind: DocumentKind,
    /// IANA media type.
    pub media_type: String,
    /// Pages.
    pub page_count: u32,
    /// JPEG.
    pub thumbnail: Option<Vec<u8>>,
}

/// Content that is about to be sealed and uploaded: its plan, and the key that will be wrapped.
pub struct ContentDraft {
    /// Of which document.
    pub document_id: DocumentId,
    /// Where it will be stored.
    pub envelope_id: EnvelopeId,
    /// How it is sealed.
    pub plan: ChunkPlan,
    pub(super) true_bytes: u64,
    pub(super) key: DocumentKey,
    /// What it was, if it was sealed by somebody else before: with the hash of what they signed.
    pub(super) deposit: Option<(DepositId, [u8; 32])>,
}

/// An upload whose parts have all arrived.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) draft: &'a ContentDraft,
    pub(super) chunk_leaves: &'a [[u8; 32]],
}

impl Sealed<'_> {
    pub(super) fn named(&self) -> EnvelopeRef {
        self.draft.plan.name(self.draft.envelope_id, self.chunk_leaves)
    }
}

/// Content that is about to be read.
pub struct Reading {
    /// Where the envelope is fetched.
    pub call: Call,
    /// What the owner signed.
    pub named: EnvelopeRef,
    /// Its length without padding.
    pub true_bytes: u64,
    /// Why nobody knows whether it is still given, and the newest; of one's own nothing. FRESH-4.
    pub unchecked: Option<Unchecked>,
    pub(crate) key: DocumentKey,
    pub(crate) owner: reconnect_format::id::AccountId,
    pub(crate) document_id: DocumentId,
}

impl Reading {
    /// The plan for opening, once the prefix has arrived.
    pub fn plan(&self, prefix: &[u8]) -> Result<ChunkPlan, Damaged> {
        let plan =
            ChunkPlan::for_opening(&self.key, prefix, &self.named, self.owner, self.document_id)?;
        // ENV-11: the card's length is the one that was padded.
        let fits = padded_content_bytes(self.true_bytes) == plan.header().padded_bytes;
        if fits { Ok(plan) } else { Err(Damaged) }
    }

    /// Opens an envelope that is whole in memory.
    pub fn open(&self, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        open_content(&self.key, bytes, &self.named, self.owner, self.document_id, self.true_bytes)
    }
}

/// Declares an upload.
pub fn upload_begin(draft: &ContentDraft) -> Call {
    Call::put(format!("/v1/envelopes/{}", draft.envelope_id), draft.plan.prefix())
}

/// Puts one part of an upload; the same part may be put again.
pub fn upload_part(envelope_id: EnvelopeId, index: u32, bytes: Vec<u8>) -> Call {
    Call::put(format!("/v1/envelopes/{envelope_id}/parts/{index}"), bytes)
}

/// Asks which parts have arrived.
pub fn upload_state(envelope_id: EnvelopeId) -> Call {
    Call::read(format!("/v1/envelopes/{envelope_id}"))
}

impl Vault {
    /// All papers, in the order in which they were added.
    pub fn papers(&self) -> Vec<Paper<'_>> {
        let mut papers: Vec<_> = self
            .manifest
            .documents()
            .map(|(document_id, record)| Paper {
                document_id,
                card: self.card(document_id),
                record,
            })
            .collect();
        papers.sort_by_key(|paper| {
            (paper.card.map(Card::added_at).unwrap_or_default(), paper.record.content_sequence)
        });
        papers
    }

    pub(super) fn card(&self, document_id: DocumentId) -> Result<&Card, Damaged> {
        match self.cards.get(&document_id) {
            Some((_, Ok(card))) => Ok(card),
            _ => Err(Damaged),
        }
    }

    fn record(&self, document_id: DocumentId) -> Result<DocumentRecord, Error> {
        self.manifest.document(document_id).ok_or(Error::NotFound)
    }

    pub(super) fn open_card(&mut self, document_id: DocumentId, envelope: &[u8]) {
        let Some(record) = self.manifest.document(document_id) else { return };
        let named = &record.card;
        let card = self
            .document_key(document_id, named)
            .and_then(|key| open_card(&key, envelope, named, self.account_id(), document_id));
        self.cards.insert(document_id, (named.envelope_id, card));
    }

    /// The key of one of the owner's envelopes, by the owner's own grant.
    pub(super) fn document_key(
        &self,
        document_id: DocumentId,
        named: &EnvelopeRef,
    ) -> Result<DocumentKey, Damaged> {
        let terms = self.own_terms().ok_or(Damaged)?;
        let wrap = self.wraps.get(&named.envelope_id).ok_or(Damaged)?;
        let binding = WrapBinding::new(terms.grant_id, document_id, named);
        unwrap_document(wrap, &self.own_key, &binding)
    }

    /// Begins a document, or a new version of one, of `true_bytes`.
    pub fn begin_content(
        &self,
        world: &impl World,
        document_id: Option<DocumentId>,
        true_bytes: u64,
    ) -> Result<ContentDraft, Error> {
        let mut rng = world.rng();
        let version = match document_id {
            Some(known) => self.record(known)?.content.version + 1,
            None => 1,
        };
        let document_id = document_id.unwrap_or_else(|| DocumentId(draw_id(&mut rng)));
        let key = match self.manifest.document(document_id) {
            Some(known) if !check!(FreshKey) => self.document_key(document_id, &known.content)?,
            _ => DocumentKey::generate(&mut rng),
        };
        Ok(self.draft(world, (document_id, version), key, true_bytes))
    }

    /// A version that is about to be sealed under this key.
    pub(super) fn draft(
        &self,
        world: &impl World,
        (document_id, version): (DocumentId, u32),
        key: DocumentKey,
        true_bytes: u64,
    ) -> ContentDraft {
        let (mut rng, owner) = (world.rng(), self.account_id());
        let plan = ChunkPlan::for_content(&key, owner, document_id, version, true_bytes, &mut rng);
        let envelope_id = EnvelopeId(draw_id(&mut rng));
        ContentDraft { document_id, envelope_id, plan, true_bytes, key, deposit: None }
    }

    /// Signs for content whose parts have all arrived, and wraps its keys for everybody who may
    /// read it. From the answer on it is in the safe.
    pub async fn finish_content(
        &mut self,
        world: &impl World,
        draft: &ContentDraft,
        chunk_leaves: &[[u8; 32]],
        paper: &PaperCard,
    ) -> Result<(), Error> {
        let card = Card::new(
            &paper.title,
            paper.kind,
            &paper.media_type,
            draft.true_bytes,
            paper.page_count,
            world.now(),
        )?;
        let sealed = Sealed { draft, chunk_leaves };
        self.put_version(world, sealed, Some(&card), paper.thumbnail.as_deref()).await
    }

    /// The next version of a document, with this card, or with the one that it has by then.
    pub(super) async fn put_version(
        &mut self,
        world: &impl World,
        sealed: Sealed<'_>,
        card: Option<&Card>,
        thumbnail: Option<&[u8]>,
    ) -> Result<(), Error> {
        let Sealed { draft, .. } = sealed;
        let (document_id, content) = (draft.document_id, sealed.named());
        self.sync(world).await?;
        // Asked again after an answer was lost: what was written is written.
        if self.has_put(&content, document_id) {
            return Ok(());
        }
        let wish = format!("put {}", draft.envelope_id);
        self.write_covered(world, document_id, &wish, &|vault, mut rng| {
            vault.check_version_follows(&content, document_id)?;
            let owner = vault.account_id();
            let version = vault.next_card_version(document_id);
            let card = card.map_or_else(|| vault.card(document_id), Ok)?;
            let card = seal_card(card, owner, document_id, version, &mut rng)?;
            let thumbnail = thumbnail
                .map(|jpeg| seal_thumbnail(jpeg, owner, document_id, content.version, &mut rng))
                .transpose()?;
            let picture = thumbnail.as_ref().map(|it| it.named.clone());
            let body = vault.body_of(sealed, card.named.clone(), picture)?;
            let mut keys = vec![(&content, &draft.key), (&card.named, &card.key)];
            keys.extend(thumbnail.iter().map(|it| (&it.named, &it.key)));
            let wraps = vault.wraps_for(vault.time(world), document_id, &keys)?;
            let envelopes = std::iter::once(card).chain(thumbnail).map(small).collect();
            let submission = Submission { wraps, envelopes, ..Submission::default() };
            Ok((body, Box::new(|_, _| Ok(submission))))
        })
        .await?;
        self.sync(world).await
    }

    /// What says that this version is there; of what was a deposit, also that it was taken. DEP-6.
    fn body_of(
        &self,
        sealed: Sealed<'_>,
        card: EnvelopeRef,
        thumbnail: Option<EnvelopeRef>,
    ) -> Result<Body, Error> {
        let (document_id, content) = (sealed.draft.document_id, sealed.named());
        Ok(match sealed.draft.deposit {
            None => Body::PutVersion { document_id, content, card, thumbnail },
            Some((deposit_id, _)) if self.manifest.is_settled(deposit_id) => {
                return Err(Error::NotFound);
            }
            Some((deposit_id, deposit_hash)) => Body::AcceptDeposit {
                deposit_id,
                deposit_hash,
                document_id,
                content,
                card,
                thumbnail,
            },
        })
    }

    pub(super) fn has_put(&self, content: &EnvelopeRef, document_id: DocumentId) -> bool {
        self.manifest.document(document_id).is_some_and(|known| known.content == *content)
    }

    /// Somebody who put a version meanwhile was faster: theirs is not covered by an older one.
    fn check_version_follows(
        &self,
        content: &EnvelopeRef,
        document_id: DocumentId,
    ) -> Result<(), Error> {
        let known = self.manifest.document(document_id).map_or(0, |known| known.content.version);
        if content.version == known + 1 {
            return Ok(());
        }
        Err(Error::Refused(Problem::of(Code::Conflict)))
    }

    fn next_card_version(&self, document_id: DocumentId) -> u32 {
        self.manifest.document(document_id).map_or(1, |record| record.card.version + 1)
    }

    /// Wraps `keys` under every live grant that covers the document, the owner's own among them.
    /// [`Error::GrantEnded`] where one of them must be looked at first. GRANT-6.
    pub(super) fn wraps_for(
        &self,
        now: u64,
        document_id: DocumentId,
        keys: &[(&EnvelopeRef, &DocumentKey)],
    ) -> Result<Vec<Wrap>, Error> {
        let mut wraps = Vec::new();
        let own = self.manifest.owner_grant().ok_or(Damaged)?;
        let mut under = vec![(own.grant_id, GrantKey::from_bytes(*self.own_key.expose()))];
        for (terms, structure_id) in self.covering(now, document_id) {
            if !self.is_wrapped_for(terms, structure_id)? {
                continue;
            }
            under.push((terms.grant_id, self.grant_secret(terms)?.key()));
        }
        for (grant_id, grant_key) in &under {
            for (named, key) in keys {
                wraps.push(wrap_one(grant_key, *grant_id, document_id, named, key));
            }
        }
        Ok(wraps)
    }

    /// Adds a document that is in memory. The page streams; tests and small things do not.
    pub async fn add(
        &mut self,
        world: &impl World,
        document_id: Option<DocumentId>,
        plain: &[u8],
        paper: &PaperCard,
    ) -> Result<DocumentId, Error> {
        let draft = self.begin_content(world, document_id, plain.len() as u64)?;
        let leaves = self.upload_whole(world, &draft, plain).await?;
        self.finish_content(world, &draft, &leaves, paper).await?;
        Ok(draft.document_id)
    }

    /// Seals and uploads content that is in memory; gives the leaves of its tree.
    pub(super) async fn upload_whole(
        &self,
        world: &impl World,
        draft: &ContentDraft,
        plain: &[u8],
    ) -> Result<Vec<[u8; 32]>, Error> {
        world.ship(upload_begin(draft), Some(&self.token)).await?;
        let mut leaves = Vec::new();
        let header = draft.plan.header().clone();
        for part in 0..header.part_count() {
            let mut bytes = Vec::new();
            let last = ((part + 1) * PART_CHUNKS).min(header.chunk_count());
            for index in part * PART_CHUNKS..last {
                let start = (index as usize * CHUNK_BYTES as usize).min(plain.len());
                let end = (start + CHUNK_BYTES as usize).min(plain.len());
                let chunk = plain.get(start..end).unwrap_or_default();
                let sealed = draft.plan.seal_chunk(index, chunk);
                leaves.push(tree::leaf_hash(&sealed));
                bytes.extend_from_slice(&sealed);
            }
            world.ship(upload_part(draft.envelope_id, part, bytes), Some(&self.token)).await?;
        }
        Ok(leaves)
    }

    /// Gives a document another title: a new card under a new key.
    pub async fn rename(
        &mut self,
        world: &impl World,
        document_id: DocumentId,
        title: &str,
    ) -> Result<(), Error> {
        self.record(document_id)?;
        let card = self.card(document_id)?.renamed(title)?;
        let wish = format!("rename {document_id} {title}");
        self.write_covered(world, document_id, &wish, &|vault, mut rng| {
            let version = vault.next_card_version(document_id);
            let card = seal_card(&card, vault.account_id(), document_id, version, &mut rng)?;
            let body = Body::PutCard { document_id, card: card.named.clone() };
            let wraps =
                vault.wraps_for(vault.time(world), document_id, &[(&card.named, &card.key)])?;
            let submission =
                Submission { wraps, envelopes: vec![small(card)], ..Submission::default() };
            Ok((body, Box::new(|_, _| Ok(submission))))
        })
        .await?;
        self.sync(world).await
    }

    /// Removes a document for good: envelopes and wraps are deleted with the statement.
    pub async fn remove(
        &mut self,
        world: &impl World,
        document_id: DocumentId,
    ) -> Result<(), Error> {
        self.write(world, &format!("remove {document_id}"), &|vault, _| {
            vault.record(document_id)?;
            Ok((Body::RemoveDocument { document_id }, bare()))
        })
        .await?;
        self.forget_what_is_gone();
        Ok(())
    }

    /// Prepares reading a document.
    pub fn reading(&self, document_id: DocumentId) -> Result<Reading, Error> {
        let record = self.record(document_id)?;
        Ok(Reading {
            call: Call::read(format!("/v1/documents/{document_id}/content")),
            named: record.content.clone(),
            true_bytes: self.card(document_id)?.true_bytes(),
            unchecked: None,
            key: self.document_key(document_id, &record.content)?,
            owner: self.account_id(),
            document_id,
        })
    }

    /// A document's picture.
    pub async fn thumbnail(
        &self,
        world: &impl World,
        document_id: DocumentId,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let named = self.record(document_id)?.thumbnail.ok_or(Error::NotFound)?;
        let key = self.document_key(document_id, &named)?;
        let call = Call::read(format!("/v1/documents/{document_id}/thumbnail"));
        let bytes = world.ship(call, Some(&self.token)).await?;
        Ok(open_thumbnail(&key, &bytes, &named, self.account_id(), document_id)?)
    }

    /// Which parts of an upload have arrived.
    pub async fn parts_arrived(
        &self,
        world: &impl World,
        envelope_id: EnvelopeId,
    ) -> Result<Vec<u32>, Error> {
        ask::<Upload>(world, upload_state(envelope_id), Some(&self.token)).await.map(|it| it.parts)
    }
}

pub(super) fn wrap_one(
    grant_key: &GrantKey,
    grant_id: reconnect_format::id::GrantId,
    document_id: DocumentId,
    named: &EnvelopeRef,
    key: &DocumentKey,
) -> Wrap {
    let binding = WrapBinding::new(grant_id, document_id, named);
    let wrap = Base64(wrap_document(key, grant_key, &binding));
    Wrap { grant_id, envelope_id: named.envelope_id, wrap }
}

fn small(sealed: SealedEnvelope) -> SmallEnvelope {
    debug_assert_ne!(sealed.named.kind, EnvelopeKind::Content);
    SmallEnvelope { envelope_id: sealed.named.envelope_id, envelope: Base64(sealed.bytes) }
}
