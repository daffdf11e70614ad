//! Documents: the card, the chunk plan that native code and browsers share, sealing and opening.
//!
//! A plan says everything that sealing needs: prefix, payload key, nonce and associated data of
//! each chunk. The page runs it on WebCrypto; here it runs on `aes-gcm`, and writes the same bytes.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite, check, decode, encode,
    envelope::{
        CARD_BYTES, CHUNK_BYTES, EnvelopeHeader, EnvelopeKind, EnvelopeRef, HEADER_BYTES,
        PREFIX_BYTES, TAG_BYTES, THUMBNAIL_BYTES, check_whole, chunk_nonce, padded_content_bytes,
    },
    id::{AccountId, DocumentId, EnvelopeId},
    tree,
};
use subtle::ConstantTimeEq;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::{Damaged, Error},
    seal::{derive, open_with_nonce, seal_with_nonce},
    secret::DocumentKey,
};

/// Longest title, in bytes of UTF-8.
pub const TITLE_MAX_BYTES: usize = 400;

/// What a document is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum DocumentKind {
    /// A picture.
    Photo = 1,
    /// A PDF.
    Pdf = 2,
    /// Something that can be kept and taken away, but not shown.
    Other = 3,
}

/// What is written on a document's card. Sealed as one; nothing of it is a column. CARD-1.
#[derive(Clone, Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Card {
    #[zeroize(skip)]
    suite: Suite,
    title: Vec<u8>,
    #[zeroize(skip)]
    kind: DocumentKind,
    media_type: Vec<u8>,
    true_bytes: u64,
    page_count: u32,
    added_at: u64,
}

impl Card {
    /// Writes a card. Refuses an empty title and texts that are too long.
    pub fn new(
        title: &str,
        kind: DocumentKind,
        media_type: &str,
        true_bytes: u64,
        page_count: u32,
        added_at: u64,
    ) -> Result<Self, Error> {
        let title = title.trim();
        if title.is_empty() || title.len() > TITLE_MAX_BYTES || media_type.len() > 100 {
            return Err(Error::BadInput);
        }
        Ok(Self {
            suite: Suite::V1,
            title: title.as_bytes().to_vec(),
            kind,
            media_type: media_type.as_bytes().to_vec(),
            true_bytes,
            page_count,
            added_at,
        })
    }

    /// The same card with another title.
    pub fn renamed(&self, title: &str) -> Result<Self, Error> {
        Self::new(
            title,
            self.kind,
            self.media_type(),
            self.true_bytes,
            self.page_count,
            self.added_at,
        )
    }

    pub(crate) fn is_readable(&self) -> bool {
        std::str::from_utf8(&self.title).is_ok() && std::str::from_utf8(&self.media_type).is_ok()
    }

    /// What the person calls it.
    pub fn title(&self) -> &str {
        std::str::from_utf8(&self.title).unwrap_or_default()
    }

    /// What it is shown as.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// IANA media type.
    pub fn media_type(&self) -> &str {
        std::str::from_utf8(&self.media_type).unwrap_or_default()
    }

    /// Length of the document in bytes, before padding.
    pub fn true_bytes(&self) -> u64 {
        self.true_bytes
    }

    /// Pages; 1 for a picture, 0 when not known.
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// Seconds since 1970, by the clock of the device that added it.
    pub fn added_at(&self) -> u64 {
        self.added_at
    }
}

/// How one envelope is sealed or opened. Wiped when dropped.
pub struct ChunkPlan {
    header: EnvelopeHeader,
    header_hash: [u8; 32],
    payload_key: Zeroizing<[u8; 32]>,
    commitment: [u8; 32],
}

impl ChunkPlan {
    /// The plan for sealing `true_bytes` of content under a fresh key.
    pub fn for_content(
        key: &DocumentKey,
        owner: AccountId,
        document_id: DocumentId,
        version: u32,
        true_bytes: u64,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let padded = padded_content_bytes(true_bytes);
        Self::fresh(key, EnvelopeKind::Content, owner, document_id, version, padded, rng)
    }

    #[expect(clippy::too_many_arguments, reason = "one for each field of the header")]
    fn fresh(
        key: &DocumentKey,
        kind: EnvelopeKind,
        owner: AccountId,
        document_id: DocumentId,
        version: u32,
        padded_bytes: u64,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self::derive(
            key,
            EnvelopeHeader {
                suite: Suite::V1,
                kind,
                owner,
                document_id,
                version,
                salt,
                chunk_bytes: CHUNK_BYTES,
                padded_bytes,
            },
        )
    }

    fn derive(key: &DocumentKey, header: EnvelopeHeader) -> Self {
        let header_hash = header.hash();
        let part = |label| derive(key.expose(), &header.salt, label, &header_hash);
        let payload_key = part(Label::EnvelopePayload);
        let commitment = *part(Label::EnvelopeCommitment);
        Self { header, header_hash, payload_key, commitment }
    }

    /// The plan for opening: checks prefix against what the owner signed, and the commitment in
    /// constant time, before anything is decrypted. ENV-8, ENV-10.
    pub fn for_opening(
        key: &DocumentKey,
        prefix: &[u8],
        named: &EnvelopeRef,
        owner: AccountId,
        document_id: DocumentId,
    ) -> Result<Self, Damaged> {
        let (header, commitment) = prefix.split_at_checked(HEADER_BYTES).ok_or(Damaged)?;
        let header = EnvelopeHeader::decode(header).map_err(|_| Damaged)?;
        let named_so = header.hash() == named.header_hash
            && header.kind == named.kind
            && header.version == named.version
            && header.sealed_bytes() == named.sealed_bytes
            && header.owner == owner
            && header.document_id == document_id;
        let plan = Self::derive(key, header);
        let committed = bool::from(plan.commitment.ct_eq(commitment));
        if check!(EnvelopeHeader, named_so) && check!(EnvelopeCommitment, committed) {
            Ok(plan)
        } else {
            Err(Damaged)
        }
    }

    /// Header and commitment, as they are stored.
    pub fn prefix(&self) -> Vec<u8> {
        [encode(&self.header).as_slice(), &self.commitment].concat()
    }

    /// What is known without a key.
    pub fn header(&self) -> &EnvelopeHeader {
        &self.header
    }

    /// The associated data of every chunk.
    pub fn associated(&self) -> &[u8; 32] {
        &self.header_hash
    }

    /// The nonce of chunk `index`. ENV-6.
    pub fn nonce(&self, index: u32) -> [u8; 12] {
        chunk_nonce(index, index + 1 == self.header.chunk_count())
    }

    /// The payload key, for handing it to a platform's AES as a key that cannot be taken out.
    pub fn payload_key(&self) -> &[u8; 32] {
        &self.payload_key
    }

    /// Seals chunk `index`. `plain` may be shorter than the chunk: zeros follow. ENV-4.
    pub fn seal_chunk(&self, index: u32, plain: &[u8]) -> Vec<u8> {
        let mut padded = Zeroizing::new(plain.to_vec());
        padded.resize(self.header.chunk_plain_bytes(index) as usize, 0);
        seal_with_nonce(&self.payload_key, self.nonce(index), &self.header_hash, &padded)
    }

    /// Opens chunk `index`.
    pub fn open_chunk(&self, index: u32, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        if sealed.len() as u64 != u64::from(self.header.chunk_plain_bytes(index) + TAG_BYTES) {
            return Err(Damaged);
        }
        open_with_nonce(&self.payload_key, self.nonce(index), &self.header_hash, sealed)
    }

    /// How a statement names the envelope whose chunks hash to `chunk_leaves`. ENV-7.
    pub fn name(&self, envelope_id: EnvelopeId, chunk_leaves: &[[u8; 32]]) -> EnvelopeRef {
        let leaves = [&[tree::leaf_hash(&self.prefix())], chunk_leaves].concat();
        EnvelopeRef {
            envelope_id,
            kind: self.header.kind,
            version: self.header.version,
            header_hash: self.header_hash,
            tree_root: tree::root(&leaves),
            sealed_bytes: self.header.sealed_bytes(),
        }
    }
}

/// A sealed envelope with its name and its key.
pub struct SealedEnvelope {
    /// The whole envelope.
    pub bytes: Vec<u8>,
    /// As a statement names it.
    pub named: EnvelopeRef,
    /// Sealed it, and nothing else.
    pub key: DocumentKey,
}

/// Draws an id.
pub(crate) fn draw_id(rng: &mut impl CryptoRng) -> [u8; 16] {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    id
}

/// Seals content that is in memory. The page streams instead, by the same plan. ENV-2.
pub fn seal_content(
    content: &[u8],
    owner: AccountId,
    document_id: DocumentId,
    version: u32,
    rng: &mut impl CryptoRng,
) -> SealedEnvelope {
    let key = DocumentKey::generate(rng);
    let plan = ChunkPlan::for_content(&key, owner, document_id, version, content.len() as u64, rng);
    seal_whole(&plan, key, content, rng)
}

/// Seals a card. CARD-1.
pub fn seal_card(
    card: &Card,
    owner: AccountId,
    document_id: DocumentId,
    version: u32,
    rng: &mut impl CryptoRng,
) -> Result<SealedEnvelope, Error> {
    seal_small(&encode(card), EnvelopeKind::Card, owner, document_id, version, rng)
}

/// Seals a thumbnail: a JPEG of at most 32,764 bytes.
pub fn seal_thumbnail(
    jpeg: &[u8],
    owner: AccountId,
    document_id: DocumentId,
    version: u32,
    rng: &mut impl CryptoRng,
) -> Result<SealedEnvelope, Error> {
    seal_small(jpeg, EnvelopeKind::Thumbnail, owner, document_id, version, rng)
}

fn seal_small(
    content: &[u8],
    kind: EnvelopeKind,
    owner: AccountId,
    document_id: DocumentId,
    version: u32,
    rng: &mut impl CryptoRng,
) -> Result<SealedEnvelope, Error> {
    let padded_bytes = if kind == EnvelopeKind::Card { CARD_BYTES } else { THUMBNAIL_BYTES };
    let length = u32::try_from(content.len()).map_err(|_| Error::BadInput)?;
    if u64::from(length) + 4 > padded_bytes {
        return Err(Error::BadInput);
    }
    let key = DocumentKey::generate(rng);
    let plan = ChunkPlan::fresh(&key, kind, owner, document_id, version, padded_bytes, rng);
    let counted = Zeroizing::new([length.to_be_bytes().as_slice(), content].concat());
    Ok(seal_whole(&plan, key, &counted, rng))
}

fn seal_whole(
    plan: &ChunkPlan,
    key: DocumentKey,
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> SealedEnvelope {
    let mut bytes = plan.prefix();
    let mut leaves = Vec::new();
    for index in 0..plan.header().chunk_count() {
        let start = (index as usize * CHUNK_BYTES as usize).min(content.len());
        let end = (start + CHUNK_BYTES as usize).min(content.len());
        let sealed = plan.seal_chunk(index, content.get(start..end).unwrap_or_default());
        leaves.push(tree::leaf_hash(&sealed));
        bytes.extend_from_slice(&sealed);
    }
    let named = plan.name(EnvelopeId(draw_id(rng)), &leaves);
    SealedEnvelope { bytes, named, key }
}

/// Opens a whole envelope that is in memory, without its padding. ENV-8, ENV-10, ENV-11.
pub fn open_content(
    key: &DocumentKey,
    bytes: &[u8],
    named: &EnvelopeRef,
    owner: AccountId,
    document_id: DocumentId,
    true_bytes: u64,
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let mut plain = open_whole(EnvelopeKind::Content, key, bytes, named, owner, document_id)?;
    let length = usize::try_from(true_bytes).map_err(|_| Damaged)?;
    if padded_content_bytes(true_bytes) != plain.len() as u64 {
        return Err(Damaged);
    }
    // ENV-12: one content has one encoding.
    if plain.iter().skip(length).any(|byte| *byte != 0) {
        return Err(Damaged);
    }
    plain.truncate(length);
    Ok(plain)
}

/// Opens a card.
pub fn open_card(
    key: &DocumentKey,
    bytes: &[u8],
    named: &EnvelopeRef,
    owner: AccountId,
    document_id: DocumentId,
) -> Result<Card, Damaged> {
    let plain = open_small(EnvelopeKind::Card, key, bytes, named, owner, document_id)?;
    let card: Card = decode(&plain).map_err(|_| Damaged)?;
    if card.is_readable() { Ok(card) } else { Err(Damaged) }
}

/// Opens a thumbnail.
pub fn open_thumbnail(
    key: &DocumentKey,
    bytes: &[u8],
    named: &EnvelopeRef,
    owner: AccountId,
    document_id: DocumentId,
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    open_small(EnvelopeKind::Thumbnail, key, bytes, named, owner, document_id)
}

fn open_small(
    kind: EnvelopeKind,
    key: &DocumentKey,
    bytes: &[u8],
    named: &EnvelopeRef,
    owner: AccountId,
    document_id: DocumentId,
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let plain = open_whole(kind, key, bytes, named, owner, document_id)?;
    let (length, rest) = plain.split_first_chunk::<4>().ok_or(Damaged)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Damaged)?;
    let (content, padding) = rest.split_at_checked(length).ok_or(Damaged)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(Damaged);
    }
    Ok(Zeroizing::new(content.to_vec()))
}

fn open_whole(
    kind: EnvelopeKind,
    key: &DocumentKey,
    bytes: &[u8],
    named: &EnvelopeRef,
    owner: AccountId,
    document_id: DocumentId,
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    if named.kind != kind || check_whole(bytes, named).is_err() {
        return Err(Damaged);
    }
    let (prefix, chunks) = bytes.split_at_checked(PREFIX_BYTES).ok_or(Damaged)?;
    let plan = ChunkPlan::for_opening(key, prefix, named, owner, document_id)?;
    let mut content = Zeroizing::new(Vec::with_capacity(chunks.len()));
    for (index, sealed) in (0_u32..).zip(chunks.chunks((CHUNK_BYTES + TAG_BYTES) as usize)) {
        content.extend_from_slice(&plan.open_chunk(index, sealed)?);
    }
    Ok(content)
}
