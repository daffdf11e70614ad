//! Merkle tree hash of RFC 6962 section 2.1, over leaves that were hashed already.

use sha2::{Digest, Sha256};

/// Hash of one leaf.
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hash of two subtrees.
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree over `leaves` (hashes of leaves, in order); the hash of nothing when empty.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            // The largest power of two smaller than the number of leaves.
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            node_hash(&root(left), &root(right))
        }
    }
}

/// What must be known beside the leaves at `places` (ascending, each once) to compute the root: the
/// roots of the largest parts without any of them, from the first leaf on. FRESH-3.
pub fn prove(leaves: &[[u8; 32]], places: &[u32]) -> Vec<[u8; 32]> {
    fn part(leaves: &[[u8; 32]], first: usize, places: &[u32], beside: &mut Vec<[u8; 32]>) {
        if places.is_empty() {
            beside.push(root(leaves));
        } else if leaves.len() > 1 {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let split = places.partition_point(|place| (*place as usize) < first + left.len());
            let (left_places, right_places) = places.split_at(split);
            part(left, first, left_places, beside);
            part(right, first + left.len(), right_places, beside);
        }
    }
    let mut beside = Vec::new();
    part(leaves, 0, places, &mut beside);
    beside
}

/// The root of a tree of `size` leaves, from some with their places (ascending, each once) and what
/// [`prove`] gives for these; none where the two do not fit together. FRESH-3.
pub fn root_of(size: u32, shown: &[(u32, [u8; 32])], beside: &[[u8; 32]]) -> Option<[u8; 32]> {
    fn part(
        (first, size): (u32, u32),
        shown: &[(u32, [u8; 32])],
        beside: &mut &[[u8; 32]],
    ) -> Option<[u8; 32]> {
        match shown {
            [] => {
                let (next, rest) = beside.split_first()?;
                *beside = rest;
                Some(*next)
            }
            [(place, leaf)] if size == 1 => (*place == first).then_some(*leaf),
            _ if size < 2 => None,
            _ => {
                let left = size.checked_next_power_of_two()? / 2;
                let split = shown.partition_point(|(place, _)| *place < first + left);
                let (left_shown, right_shown) = shown.split_at(split);
                let left_root = part((first, left), left_shown, beside)?;
                let right_root = part((first + left, size - left), right_shown, beside)?;
                Some(node_hash(&left_root, &right_root))
            }
        }
    }
    let mut rest = beside;
    let computed = part((0, size), shown, &mut rest)?;
    rest.is_empty().then_some(computed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn leaves_that_are_there_can_be_shown_and_nothing_else(
            size in 1..40_usize, chosen in proptest::collection::btree_set(0..40_u32, 0..8), change in any::<u16>(),
        ) {
            let leaves: Vec<_> = (0..size).map(|at| leaf_hash(&at.to_be_bytes())).collect();
            let size = u32::try_from(size).expect("small");
            let places: Vec<_> = chosen.into_iter().filter(|place| *place < size).collect();
            let mut shown: Vec<_> = places.iter().map(|at| (*at, leaves[*at as usize])).collect();
            let mut beside = prove(&leaves, &places);
            prop_assert_eq!(root_of(size, &shown, &beside), Some(root(&leaves)));
            let (byte, count) = (usize::from(change) % 32, shown.len() + beside.len());
            match (usize::from(change) / 32) % count {
                at if at < shown.len() => shown[at].1[byte] ^= 1,
                at => beside[at - shown.len()][byte] ^= 1,
            }
            prop_assert_ne!(root_of(size, &shown, &beside), Some(root(&leaves)));
            beside.push([0; 32]);
            prop_assert_eq!(root_of(size, &shown, &beside), None);
        }
    }

    /// Roots from RFC 6962's reference implementation (Certificate Transparency's test data).
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let inputs: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let leaves: Vec<_> = inputs.iter().map(|leaf| leaf_hash(leaf)).collect();
        let expected = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        for (count, hash) in expected {
            assert_eq!(hex::encode(root(&leaves[..count])), hash);
        }
    }
}
