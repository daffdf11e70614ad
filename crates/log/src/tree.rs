//! The append-only tree of RFC 6962 section 2.1: growing it, proving, verifying.
//!
//! [`Tree`] keeps the hash of every complete subtree, 64 bytes a leaf, and proves at any size that
//! it once had.

use std::cmp::Ordering;

use sha2::{Digest as _, Sha256};

use crate::{Error, Hash};

/// Hash of one leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hash of two subtrees.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// All leaves' hashes, and those of the complete subtrees above them.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `levels[l][i]` covers the leaves from `i << l` to `(i + 1) << l`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { return };
            row.push(hash);
            match row.as_slice() {
                [.., left, right] if row.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// Takes away the leaves behind the first `size`.
    pub(crate) fn truncate(&mut self, size: u64) {
        for (level, row) in (0..).zip(&mut self.levels) {
            let kept = size.checked_shr(level).unwrap_or(0);
            row.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        }
        self.levels.retain(|row| !row.is_empty());
    }

    /// Hashes of complete subtrees of 2^`level` leaves, `count` from number `first`; none when the
    /// tree has not so many.
    pub fn row(&self, level: usize, first: u64, count: u64) -> Option<&[Hash]> {
        let first = usize::try_from(first).ok()?;
        let count = usize::try_from(count).ok()?;
        self.levels.get(level)?.get(first..first.checked_add(count)?)
    }

    /// The root over the first `size` leaves; none when there are fewer.
    pub fn root(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(Sha256::digest([]).into()),
            _ => self.range(0, size),
        }
    }

    /// Proves that leaf `index` is in the tree of `size`. Its root is computed from the leaf up.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let (mut start, mut end) = (0, size);
        let mut proof = Vec::new();
        if index >= size || size > self.size() {
            return None;
        }
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(start, middle)?);
                start = middle;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// Proves that the tree of `size` continues the tree of `from`.
    pub fn consistency(&self, from: u64, size: u64) -> Option<Vec<Hash>> {
        if from > size || size > self.size() {
            return None;
        }
        if from == 0 || from == size {
            return Some(Vec::new());
        }
        let (mut start, mut end) = (0, size);
        let mut proof = Vec::new();
        // RFC 6962's SUBPROOF, from the root down; the last step is the largest part that both have.
        while end != from {
            let middle = start + split(end - start);
            if from <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(start, middle)?);
                start = middle;
            }
        }
        if start > 0 {
            proof.push(self.range(start, end)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// The hash over one leaf or more, `start` being where a subtree begins.
    fn range(&self, start: u64, end: u64) -> Option<Hash> {
        let count = end.checked_sub(start)?;
        if count.is_power_of_two() {
            let level = count.trailing_zeros();
            let row = self.levels.get(usize::try_from(level).ok()?)?;
            return row.get(usize::try_from(start >> level).ok()?).copied();
        }
        let middle = start + split(count);
        Some(node_hash(&self.range(start, middle)?, &self.range(middle, end)?))
    }
}

impl Extend<Hash> for Tree {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

/// The largest power of two smaller than `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Checks that `leaf` is leaf `index` of the tree of `size` with this root (RFC 9162 section
/// 2.1.3.2).
pub fn verify_inclusion(
    leaf: Hash,
    (index, size): (u64, u64),
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::NotIncluded);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(Error::NotIncluded);
        }
        if place % 2 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A last node without a sibling stands for its parents until it is a right child.
            while place.is_multiple_of(2) && place != 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place / 2, last / 2);
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(Error::NotIncluded) }
}

/// Checks that the second tree, of a size and a root, continues the first (RFC 9162 section
/// 2.1.4.2).
pub fn verify_consistency(
    (from, old): (u64, &Hash),
    (size, new): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), Error> {
    if from == size && old != new {
        return Err(Error::Forked);
    }
    if from > size {
        return Err(Error::WentBack);
    }
    if from == size || from == 0 {
        let empty = proof.is_empty() && (from > 0 || *old == <Hash>::from(Sha256::digest([])));
        return if empty { Ok(()) } else { Err(Error::Inconsistent) };
    }
    if roots(from, old, size, proof) == Some((*old, *new)) {
        Ok(())
    } else {
        Err(Error::Inconsistent)
    }
}

/// The root of the first `from` leaves of a tree, out of a proof that leads to the tree's own root. A
/// proof from a power of two does not hold it; `None` also when the proof leads elsewhere.
pub fn root_before(from: u64, (size, new): (u64, &Hash), proof: &[Hash]) -> Option<Hash> {
    match from.cmp(&size) {
        Ordering::Equal => Some(*new),
        Ordering::Greater => None,
        Ordering::Less if from.is_power_of_two() || from == 0 => None,
        Ordering::Less => roots(from, &[0; 32], size, proof)
            .and_then(|(old, leads)| (leads == *new).then_some(old)),
    }
}

/// Both roots that a proof leads to; `old` is its first node where the first tree is a whole one.
fn roots(from: u64, old: &Hash, size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let (mut place, mut last) = (from - 1, size - 1);
    while place % 2 == 1 {
        (place, last) = (place / 2, last / 2);
    }
    let (first, proof) = if from.is_power_of_two() { (old, proof) } else { proof.split_first()? };
    let (mut left, mut right) = (*first, *first);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if place % 2 == 1 || place == last {
            (left, right) = (node_hash(sibling, &left), node_hash(sibling, &right));
            while place.is_multiple_of(2) && place != 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            right = node_hash(&right, sibling);
        }
        (place, last) = (place / 2, last / 2);
    }
    (last == 0).then_some((left, right))
}
