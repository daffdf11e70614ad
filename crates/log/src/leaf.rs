//! What stands in the tree, and the heads that a map leaf names.

use sha2::{Digest as _, Sha256};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Error, Hash,
    codec::{self, SUITE},
};

/// What the map has at an index: the newest statement of a subject.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
pub struct Newest {
    /// Its number. Everybody sees it, so that whoever replays the log notices one that goes back. LOG-2.
    pub sequence: u64,
    /// What hides all else of it.
    pub value: Hash,
}

/// One leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Leaf {
    /// Sets the map's value at an index.
    #[tls_codec(discriminant = 1)]
    Entry {
        /// Of a subject.
        index: Hash,
        /// Its newest.
        newest: Newest,
    },
    /// Sets the values of its heads, and says what the map is then.
    #[tls_codec(discriminant = 2)]
    Map {
        /// The map's root after it.
        root: Hash,
        /// [`heads_hash`].
        heads_hash: Hash,
        /// Number of heads.
        heads_count: u32,
    },
}

#[derive(Clone, Copy, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Stored {
    suite: u16,
    leaf: Leaf,
}

impl Leaf {
    /// The bytes that are hashed: 75 or 71.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&Stored { suite: SUITE, leaf: *self })
    }

    /// Reads exactly one. CODEC-1, CODEC-2.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        // The suite comes first: of another nothing else is known.
        if bytes.get(..2).is_some_and(|suite| suite != SUITE.to_be_bytes()) {
            return Err(Error::UnknownVersion);
        }
        Ok(codec::decode::<Stored>(bytes)?.leaf)
    }
}

/// What stands at an index in the map only.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
pub struct Head {
    /// Of a subject.
    pub index: Hash,
    /// Its newest.
    pub newest: Newest,
}

/// Bytes of one head: index, number, value.
pub const HEAD_BYTES: usize = 32 + 8 + 32;

/// The bytes of heads, which are sorted by index.
pub fn encode_heads(heads: &[Head]) -> Vec<u8> {
    heads.iter().flat_map(codec::encode).collect()
}

/// Reads heads: ascending by index, each index once.
pub fn decode_heads(bytes: &[u8]) -> Result<Vec<Head>, Error> {
    let (heads, []) = bytes.as_chunks::<HEAD_BYTES>() else { return Err(Error::Truncated) };
    let heads = heads.iter().map(|head| codec::decode::<Head>(head));
    let heads = heads.collect::<Result<Vec<_>, _>>()?;
    if heads.is_sorted_by(|a, b| a.index < b.index) { Ok(heads) } else { Err(Error::NotCanonical) }
}

/// How a map leaf names its heads.
pub fn heads_hash(heads: &[u8]) -> Hash {
    Sha256::new().chain_update([4]).chain_update(heads).finalize().into()
}
