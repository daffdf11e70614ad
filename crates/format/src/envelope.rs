//! An envelope: one sealed document, card or thumbnail.
//!
//! ```text
//! header       suite u16, kind u8, owner [32], document [16], version u32, salt [32],
//!              chunk size u32, padded length u64                               99 bytes
//! commitment   [32]   to document key and header
//! chunk 0..n   AES-256-GCM of at most 262,144 bytes, each with its tag of 16 bytes
//! ```
//!
//! The nonce of chunk `i` is seven zero bytes, `i` as u32, and 1 for the last chunk or 0 (STREAM);
//! its associated data is the header's hash. The tree of an envelope has header and commitment as
//! leaf 0 and each chunk as one leaf after it.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    DecodeError, Label, Suite, check, decode, encode,
    id::{AccountId, DocumentId, EnvelopeId},
    tree,
};

/// Plaintext bytes in every chunk but the last. ENV-3.
pub const CHUNK_BYTES: u32 = 256 * 1024;
/// Bytes that sealing adds to each chunk.
pub const TAG_BYTES: u32 = 16;
/// Chunks in every part of an upload but the last.
pub const PART_CHUNKS: u32 = 16;
/// Bytes of an encoded header.
pub const HEADER_BYTES: usize = 99;
/// Bytes before the first chunk: header and commitment.
pub const PREFIX_BYTES: usize = HEADER_BYTES + 32;
/// Padded length of every card.
pub const CARD_BYTES: u64 = 2 * 1024;
/// Padded length of every thumbnail.
pub const THUMBNAIL_BYTES: u64 = 32 * 1024;
/// The least padded length of content: everything smaller looks alike.
pub const CONTENT_FLOOR_BYTES: u64 = 16 * 1024;
/// Chunks that one envelope may have: the counter is far from wrapping, the length from overflow.
pub const CHUNKS_MAX: u64 = 1 << 20;

/// What an envelope holds.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TlsSize,
    TlsSerialize,
    TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum EnvelopeKind {
    /// The document itself.
    Content = 1,
    /// Title, kind, dates, page count and true length.
    Card = 2,
    /// A small picture.
    Thumbnail = 3,
}

/// What is known of an envelope before any key, and bound into every part of it.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct EnvelopeHeader {
    /// Version 1.
    pub suite: Suite,
    /// What it holds.
    pub kind: EnvelopeKind,
    /// Whose it is.
    pub owner: AccountId,
    /// Of which document.
    pub document_id: DocumentId,
    /// Which version of that kind, from 1.
    pub version: u32,
    /// Random; enters the derivation of the payload key.
    pub salt: [u8; 32],
    /// Always [`CHUNK_BYTES`] in version 1.
    pub chunk_bytes: u32,
    /// Plaintext bytes, padding included.
    pub padded_bytes: u64,
}

impl EnvelopeHeader {
    /// Reads a header and checks what version 1 fixes. ENV-1, ENV-3, ENV-4.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let header: Self = decode(bytes)?;
        let sized = match header.kind {
            EnvelopeKind::Content => {
                padded_content_bytes(header.padded_bytes) == header.padded_bytes
            }
            EnvelopeKind::Card => header.padded_bytes == CARD_BYTES,
            EnvelopeKind::Thumbnail => header.padded_bytes == THUMBNAIL_BYTES,
        };
        let counted = header.padded_bytes.div_ceil(CHUNK_BYTES.into()) <= CHUNKS_MAX;
        if header.chunk_bytes == CHUNK_BYTES && header.version > 0 && sized && counted {
            Ok(header)
        } else {
            Err(DecodeError::NotCanonical)
        }
    }

    /// The associated data of every chunk, and what a statement names. ENV-5.
    pub fn hash(&self) -> [u8; 32] {
        Label::EnvelopeHeader.hash(&encode(self))
    }

    /// How many chunks follow; never zero, since padded lengths have floors.
    pub fn chunk_count(&self) -> u32 {
        u32::try_from(self.padded_bytes.div_ceil(CHUNK_BYTES.into())).unwrap_or(u32::MAX)
    }

    /// Plaintext bytes of chunk `index`.
    pub fn chunk_plain_bytes(&self, index: u32) -> u32 {
        let before = u64::from(index) * u64::from(CHUNK_BYTES);
        let left = self.padded_bytes.saturating_sub(before);
        u32::try_from(left.min(CHUNK_BYTES.into())).unwrap_or(CHUNK_BYTES)
    }

    /// Bytes of the whole envelope.
    pub fn sealed_bytes(&self) -> u64 {
        PREFIX_BYTES as u64
            + self.padded_bytes
            + u64::from(self.chunk_count()) * u64::from(TAG_BYTES)
    }

    /// How many parts an upload has.
    pub fn part_count(&self) -> u32 {
        self.chunk_count().div_ceil(PART_CHUNKS)
    }

    /// Bytes of part `index` of an upload; zero past the end.
    pub fn part_bytes(&self, index: u32) -> u64 {
        let first = index.saturating_mul(PART_CHUNKS);
        let last = first.saturating_add(PART_CHUNKS).min(self.chunk_count());
        (first..last)
            .map(|chunk| u64::from(self.chunk_plain_bytes(chunk)) + u64::from(TAG_BYTES))
            .sum()
    }
}

/// The nonce of chunk `index`. ENV-6.
pub fn chunk_nonce(index: u32, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    if !check!(ChunkPlace) {
        return nonce;
    }
    nonce[7..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

/// PADME (Nikitin and others, PETS 2019, section 4) with a floor: reveals O(log log n) bits of a
/// length and adds at most 12 percent. ENV-4.
pub fn padded_content_bytes(true_bytes: u64) -> u64 {
    if !check!(Padding) {
        return true_bytes;
    }
    if true_bytes <= CONTENT_FLOOR_BYTES {
        return CONTENT_FLOOR_BYTES;
    }
    let exponent = true_bytes.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1_u64 << (exponent - kept_bits)) - 1;
    true_bytes.checked_add(mask).map_or(u64::MAX, |sum| sum & !mask)
}

/// How an owner's statement names an envelope. ENV-7.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct EnvelopeRef {
    /// Where it is stored.
    pub envelope_id: EnvelopeId,
    /// What it holds.
    pub kind: EnvelopeKind,
    /// Which version of that kind, from 1.
    pub version: u32,
    /// [`EnvelopeHeader::hash`].
    pub header_hash: [u8; 32],
    /// Root over header with commitment, then chunks.
    pub tree_root: [u8; 32],
    /// Bytes of the whole envelope.
    pub sealed_bytes: u64,
}

/// Checks that a whole small envelope (card or thumbnail) is the one that was named, and gives its
/// header. ENV-8.
pub fn check_whole(bytes: &[u8], named: &EnvelopeRef) -> Result<EnvelopeHeader, DecodeError> {
    let prefix = bytes.get(..PREFIX_BYTES).ok_or(DecodeError::Truncated)?;
    let header = EnvelopeHeader::decode(prefix.get(..HEADER_BYTES).ok_or(DecodeError::Truncated)?)?;
    let chunks = bytes.get(PREFIX_BYTES..).ok_or(DecodeError::Truncated)?;
    let sealed_chunk = (CHUNK_BYTES + TAG_BYTES) as usize;
    let leaves: Vec<_> =
        std::iter::once(prefix).chain(chunks.chunks(sealed_chunk)).map(tree::leaf_hash).collect();
    let named_so = header.hash() == named.header_hash
        && header.kind == named.kind
        && header.version == named.version
        && named.sealed_bytes == bytes.len() as u64;
    let same = header.sealed_bytes() == bytes.len() as u64
        && check!(EnvelopeHeader, named_so)
        && check!(EnvelopeTree, tree::root(&leaves) == named.tree_root);
    if same { Ok(header) } else { Err(DecodeError::NotCanonical) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(padded_bytes: u64) -> EnvelopeHeader {
        EnvelopeHeader {
            suite: Suite::V1,
            kind: EnvelopeKind::Content,
            owner: AccountId([1; 32]),
            document_id: DocumentId([2; 16]),
            version: 1,
            salt: [3; 32],
            chunk_bytes: CHUNK_BYTES,
            padded_bytes,
        }
    }

    #[test]
    fn padding_follows_padme_and_is_stable() {
        for (length, padded) in [
            (0, 16_384),
            (16_384, 16_384),
            (16_385, 17_408),
            (1_000_000, 1_015_808),
            (100 << 20, 100 << 20),
        ] {
            assert_eq!(padded_content_bytes(length), padded, "{length}");
            assert_eq!(padded_content_bytes(padded), padded);
        }
        for length in (0..4_000_000).step_by(997) {
            let padded = padded_content_bytes(length);
            assert!(padded >= length);
            assert_eq!(padded_content_bytes(padded), padded);
            assert!(length < CONTENT_FLOOR_BYTES || padded <= length + length * 12 / 100);
        }
    }

    #[test]
    fn a_header_is_99_bytes_and_its_parts_add_up() {
        let header = header(padded_content_bytes(9 * 1024 * 1024 + 5));
        let bytes = encode(&header);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(EnvelopeHeader::decode(&bytes), Ok(header.clone()));
        let parts: u64 = (0..header.part_count()).map(|part| header.part_bytes(part)).sum();
        assert_eq!(parts + PREFIX_BYTES as u64, header.sealed_bytes());
        assert_eq!(header.part_bytes(header.part_count()), 0);
    }

    #[test]
    fn lengths_that_padding_would_not_give_are_refused() {
        let bytes = encode(&header(16_385));
        assert_eq!(EnvelopeHeader::decode(&bytes), Err(DecodeError::NotCanonical));
        let endless = encode(&header(u64::MAX));
        assert_eq!(EnvelopeHeader::decode(&endless), Err(DecodeError::NotCanonical));
    }
}
