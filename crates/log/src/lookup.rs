//! What a server answers about an index, and the one way to believe it.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Checkpoint, Error, Hash, Leaf, MapProof, Newest, Note, Policy, codec,
    policy::Checked,
    tree::{leaf_hash, verify_consistency, verify_inclusion},
};

/// How far witnessed time and the device's clock may be apart.
const DAY_SECONDS: u64 = 24 * 3600;
/// At most so many are looked up beside one.
pub const BESIDE_MAX: usize = 32;

/// An answer that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Lookup {
    /// A signed note.
    pub checkpoint: Vec<u8>,
    /// Shows that the tree continues the one that the client has seen.
    pub consistency: Vec<Hash>,
    /// The last leaf.
    pub map_leaf: Vec<u8>,
    /// Shows that it is.
    pub inclusion: Vec<Hash>,
    /// Shows what the map says.
    pub map_proof: MapProof,
    /// What it says, if anything.
    pub newest: Option<Newest>,
    /// The same of other indices that were asked for, in their order.
    #[tls_codec(with = "few")]
    pub beside: Vec<Beside>,
}

/// A list that is no longer than what anybody may ask for: each takes many times what it may have as bytes.
mod few {
    use tls_codec::{DeserializeBytes as _, Error, Serialize as _, Size as _, TlsVarInt};

    use super::{BESIDE_MAX, Beside};

    pub(super) fn tls_serialized_len(list: &Vec<Beside>) -> usize {
        list.tls_serialized_len()
    }

    pub(super) fn tls_serialize<W: std::io::Write>(
        list: &Vec<Beside>,
        writer: &mut W,
    ) -> Result<usize, Error> {
        list.tls_serialize(writer)
    }

    pub(super) fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Vec<Beside>, &[u8]), Error> {
        let (length, rest) = TlsVarInt::tls_deserialize_bytes(bytes)?;
        let length = usize::try_from(length.value()).map_err(|_| Error::EndOfStream)?;
        let (mut left, rest) = rest.split_at_checked(length).ok_or(Error::EndOfStream)?;
        let mut list = Vec::new();
        while !left.is_empty() {
            if list.len() == BESIDE_MAX {
                return Err(Error::InvalidVectorLength);
            }
            let (found, after) = Beside::tls_deserialize_bytes(left)?;
            list.push(found);
            left = after;
        }
        Ok((list, rest))
    }
}

/// What the map says of an index beside the one that is looked up.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Beside {
    /// Shows what the map says.
    pub map_proof: MapProof,
    /// What it says, if anything.
    pub newest: Option<Newest>,
}

impl From<(MapProof, Option<Newest>)> for Beside {
    fn from((map_proof, newest): (MapProof, Option<Newest>)) -> Self {
        Self { map_proof, newest }
    }
}

/// The newest checkpoint that a device has verified: it is kept, and evidence if the log forks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The signed note.
    pub note: Note,
    /// Witnessed time, which never goes back.
    pub time: u64,
}

/// What is asked, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whom the client believes.
    pub policy: &'a Policy,
    /// Of which subject.
    pub index: Hash,
    /// Of which others.
    pub beside: &'a [Hash],
    /// What the device has seen before.
    pub kept: Option<&'a Kept>,
    /// The device's clock.
    pub now: u64,
}

/// What log, map and witnesses agree on. Only [`Lookup::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    kept: Kept,
    index: Hash,
    newest: Option<Newest>,
    beside: Vec<Option<Newest>>,
}

impl Witnessed {
    /// Of which state of the log.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.kept.note.claim()
    }

    /// Witnessed time.
    pub fn time(&self) -> u64 {
        self.kept.time
    }

    /// What was asked for.
    pub fn index(&self) -> Hash {
        self.index
    }

    /// What stands at the index, or that nothing does.
    pub fn newest(&self) -> Option<Newest> {
        self.newest
    }

    /// What stands at each index that was asked for beside it.
    pub fn beside(&self) -> &[Option<Newest>] {
        &self.beside
    }

    /// What the device keeps from now on.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }
}

impl Lookup {
    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads exactly one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(bytes)
    }

    /// Checks everything, in the order of LOG-9.
    pub fn verify(&self, asked: &Question<'_>) -> Result<Witnessed, Error> {
        let text = str::from_utf8(&self.checkpoint).map_err(|_| Error::NotACheckpoint)?;
        let note = Note::parse(text)?;
        let Checked { checkpoint, time } = asked.policy.check(&note)?;
        // LOG-6: witnessed time never goes back on one device.
        let time = asked.kept.map_or(time, |kept| time.max(kept.time));
        if asked.now.saturating_sub(time) > DAY_SECONDS {
            return Err(Error::Stale);
        }
        if time.saturating_sub(asked.now) > DAY_SECONDS {
            return Err(Error::Ahead { time });
        }
        // LOG-7.
        if let Some(kept) = asked.kept {
            let seen = kept.note.claim();
            let newer = (checkpoint.size, &checkpoint.root);
            verify_consistency((seen.size, &seen.root), newer, &self.consistency)?;
        } else if !self.consistency.is_empty() {
            return Err(Error::Inconsistent);
        }
        let last = checkpoint.size.checked_sub(1).ok_or(Error::NotIncluded)?;
        let leaf = leaf_hash(&self.map_leaf);
        verify_inclusion(leaf, (last, checkpoint.size), &self.inclusion, &checkpoint.root)?;
        // LOG-1: the last leaf is the map's.
        let Leaf::Map { root, .. } = Leaf::decode(&self.map_leaf)? else {
            return Err(Error::NotAMapLeaf);
        };
        self.map_proof.verify(&root, &asked.index, self.newest.as_ref())?;
        if self.beside.len() != asked.beside.len() {
            return Err(Error::WrongMap);
        }
        for (found, index) in self.beside.iter().zip(asked.beside) {
            found.map_proof.verify(&root, index, found.newest.as_ref())?;
        }
        let beside = self.beside.iter().map(|found| found.newest).collect();
        Ok(Witnessed { kept: Kept { note, time }, index: asked.index, newest: self.newest, beside })
    }
}
