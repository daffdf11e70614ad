//! The map from index to newest statement: a tree by the bits of the index, its parts shared between
//! one state and the next, so that an older one can still be asked.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{Error, Hash, Head, Newest, codec};

/// Bits of an index.
const DEPTH: usize = 256;
/// The hash of nothing.
const NOTHING: Hash = [0; 32];

#[derive(Debug)]
enum Node {
    One { hash: Hash, head: Head },
    More { hash: Hash, left: Part, right: Part },
}

type Part = Option<Arc<Node>>;

/// One state of the map. A copy costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Map {
    top: Part,
    count: u64,
}

impl Map {
    /// Its root.
    pub fn root(&self) -> Hash {
        hash_of(self.top.as_ref())
    }

    /// Number of indices that have something.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What stands at an index.
    pub fn get(&self, index: &Hash) -> Option<Newest> {
        self.prove(index).1
    }

    /// Sets what stands at one.
    pub fn set(&mut self, head: Head) {
        let is_new = self.get(&head.index).is_none();
        self.top = Some(set(self.top.as_ref(), 0, head));
        self.count += u64::from(is_new);
    }

    /// What stands at an index, or that nothing does, with its proof.
    pub fn prove(&self, index: &Hash) -> (MapProof, Option<Newest>) {
        let mut siblings = Vec::new();
        let mut part = self.top.as_ref();
        while let Some(node) = part {
            match node.as_ref() {
                Node::One { head, .. } if head.index == *index => {
                    return (MapProof { siblings, other: None }, Some(head.newest));
                }
                Node::One { head, .. } => {
                    return (MapProof { siblings, other: Some(*head) }, None);
                }
                Node::More { left, right, .. } => {
                    let goes_right = bit(index, siblings.len());
                    let (next, beside) = if goes_right { (right, left) } else { (left, right) };
                    siblings.push(hash_of(beside.as_ref()));
                    part = next.as_ref();
                }
            }
        }
        (MapProof { siblings, other: None }, None)
    }
}

fn hash_of(part: Option<&Arc<Node>>) -> Hash {
    part.map_or(NOTHING, |node| match node.as_ref() {
        Node::One { hash, .. } | Node::More { hash, .. } => *hash,
    })
}

fn set(part: Option<&Arc<Node>>, depth: usize, new: Head) -> Arc<Node> {
    let (left, right) = match part.map(AsRef::as_ref) {
        None => return one(new),
        Some(Node::One { head, .. }) if head.index == new.index => return one(new),
        Some(Node::One { head, .. }) => {
            let old = Some(one(*head));
            if bit(&head.index, depth) { (None, old) } else { (old, None) }
        }
        Some(Node::More { left, right, .. }) => (left.clone(), right.clone()),
    };
    let (left, right) = if bit(&new.index, depth) {
        (left, Some(set(right.as_ref(), depth + 1, new)))
    } else {
        (Some(set(left.as_ref(), depth + 1, new)), right)
    };
    let hash = more_hash(&hash_of(left.as_ref()), &hash_of(right.as_ref()));
    Arc::new(Node::More { hash, left, right })
}

fn one(head: Head) -> Arc<Node> {
    Arc::new(Node::One { hash: one_hash(&head), head })
}

fn one_hash(head: &Head) -> Hash {
    Sha256::new().chain_update([2]).chain_update(codec::encode(head)).finalize().into()
}

fn more_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([3]).chain_update(left).chain_update(right).finalize().into()
}

/// Whether the walk goes right at this depth, the index's most significant bit being the first.
fn bit(index: &Hash, depth: usize) -> bool {
    index.get(depth / 8).is_some_and(|byte| byte >> (7 - depth % 8) & 1 == 1)
}

/// Shows what stands at an index, or that nothing does.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct MapProof {
    /// What stands beside the way, from the root down.
    pub siblings: Vec<Hash>,
    /// The one entry that stands where the way ends, when it is not the one asked for: its index
    /// begins with the bits that were walked.
    pub other: Option<Head>,
}

impl MapProof {
    /// Checks that the map with this root has `newest` at `index`, or nothing. LOG-3.
    pub fn verify(&self, root: &Hash, index: &Hash, newest: Option<&Newest>) -> Result<(), Error> {
        let depth = self.siblings.len();
        let begins = |other: &Head| (0..depth).all(|at| bit(&other.index, at) == bit(index, at));
        let end = match (newest, &self.other) {
            _ if depth > DEPTH => return Err(Error::WrongMap),
            (Some(newest), None) => one_hash(&Head { index: *index, newest: *newest }),
            (None, None) => NOTHING,
            (None, Some(other)) if other.index != *index && begins(other) => one_hash(other),
            _ => return Err(Error::WrongMap),
        };
        let computed = self.siblings.iter().enumerate().rev().fold(end, |below, (at, beside)| {
            if bit(index, at) { more_hash(beside, &below) } else { more_hash(&below, beside) }
        });
        if computed == *root { Ok(()) } else { Err(Error::WrongMap) }
    }
}
