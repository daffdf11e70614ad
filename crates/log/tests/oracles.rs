//! What this crate makes and believes, beside others' readings of the same texts.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use proptest::prelude::*;
use reconnect_log::{
    Checkpoint, Error, Hash, Head, KeyKind, Map, Newest, Note, Tree, VerifierKey,
    tile::TilePath,
    tree::{leaf_hash, verify_consistency, verify_inclusion},
};

fn newest(number: u8) -> Newest {
    Newest { sequence: number.into(), value: [number; 32] }
}

fn trees(size: u64) -> (Tree, MemoryBackedTree<sha2::Sha256, Vec<u8>>) {
    let (mut ours, mut theirs) = (Tree::default(), MemoryBackedTree::new());
    for number in 0..size {
        ours.push(leaf_hash(&number.to_be_bytes()));
        theirs.push(number.to_be_bytes().to_vec());
    }
    (ours, theirs)
}

#[test]
fn every_proof_of_small_trees_is_the_one_that_others_make() {
    for size in 1..40_u64 {
        let (ours, theirs) = trees(size);
        let root = ours.root(size).expect("a root");
        assert_eq!(root.as_slice(), theirs.root().as_bytes().as_slice());
        for index in 0..size {
            let proof = ours.inclusion(index, size).expect("a proof");
            let other = theirs.prove_inclusion(usize::try_from(index).expect("small"));
            assert_eq!(proof.concat(), other.as_bytes());
            let leaf = leaf_hash(&index.to_be_bytes());
            assert_eq!(verify_inclusion(leaf, (index, size), &proof, &root), Ok(()));
        }
        for from in 1..size {
            let proof = ours.consistency(from, size).expect("a proof");
            let added = usize::try_from(size - from).expect("small");
            assert_eq!(proof.concat(), theirs.prove_consistency(added).as_bytes());
            let old = ours.root(from).expect("a root");
            assert_eq!(verify_consistency((from, &old), (size, &root), &proof), Ok(()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn an_inclusion_is_believed_here_when_and_only_when_others_believe_it(
        size in 1..70_u64, index in 0..70_u64, claimed in 1..70_u64,
        change in prop::option::of((0..8_usize, 0..32_usize)), cut in 0..2_usize,
    ) {
        let (ours, theirs) = trees(size);
        let index = index % size;
        let root = ours.root(size).expect("a root");
        let mut proof = ours.inclusion(index, size).expect("a proof");
        proof.truncate(proof.len() - cut.min(proof.len()));
        if let Some((at, byte)) = change && let Some(hash) = proof.get_mut(at) {
            hash[byte] ^= 1;
        }
        let believed = verify_inclusion(leaf_hash(&index.to_be_bytes()), (index, claimed), &proof, &root);
        let other = RootHash::<sha2::Sha256>::new(*theirs.root().as_bytes(), claimed);
        let theirs = InclusionProof::try_from_bytes(proof.concat())
            .and_then(|proof| other.verify_inclusion(&index.to_be_bytes().to_vec(), index, &proof));
        prop_assert_eq!(believed.is_ok(), theirs.is_ok());
    }

    #[test]
    fn a_consistency_is_believed_here_when_and_only_when_others_believe_it(
        size in 2..70_u64, from in 1..70_u64, claimed in 1..70_u64,
        change in prop::option::of((0..8_usize, 0..32_usize)), cut in 0..2_usize,
    ) {
        let (ours, theirs) = trees(size);
        let from = 1 + from % (size - 1);
        let (old, root) = (ours.root(from).expect("a root"), ours.root(size).expect("a root"));
        let mut proof = ours.consistency(from, size).expect("a proof");
        proof.truncate(proof.len() - cut.min(proof.len()));
        if let Some((at, byte)) = change && let Some(hash) = proof.get_mut(at) {
            hash[byte] ^= 1;
        }
        prop_assume!(claimed < size);
        let believed = verify_consistency((claimed, &old), (size, &root), &proof);
        let new = RootHash::<sha2::Sha256>::new(*theirs.root().as_bytes(), size);
        let earlier = RootHash::<sha2::Sha256>::new(old.into(), claimed);
        let theirs = ConsistencyProof::try_from_bytes(proof.concat())
            .and_then(|proof| new.verify_consistency(&earlier, &proof));
        prop_assert_eq!(believed.is_ok(), theirs.is_ok());
    }

    #[test]
    fn the_map_says_what_was_set_last_and_proves_it(
        sets in prop::collection::vec((0..12_u8, 0..200_u8), 0..40), asked in 0..14_u8,
        far in any::<bool>(),
    ) {
        // Far: indices that part at the first bits; otherwise at the last.
        let index = |number: u8| {
            let mut index = [7; 32];
            index[if far { 0 } else { 31 }] = number.wrapping_mul(19);
            index
        };
        let mut map = Map::default();
        let mut plain = std::collections::BTreeMap::new();
        for (at, value) in &sets {
            map.set(Head { index: index(*at), newest: newest(*value) });
            plain.insert(index(*at), newest(*value));
        }
        prop_assert_eq!(map.count(), plain.len() as u64);
        prop_assert_eq!(map.root(), by_definition(&plain.clone().into_iter().collect::<Vec<_>>(), 0));
        let (proof, value) = map.prove(&index(asked));
        prop_assert_eq!(value, plain.get(&index(asked)).copied());
        let root = map.root();
        prop_assert_eq!(proof.verify(&root, &index(asked), value.as_ref()), Ok(()));
        // Neither another value nor an absence can be shown with what is there.
        let lie = if value.is_some() { None } else { Some(newest(1)) };
        prop_assert_eq!(proof.verify(&root, &index(asked), lie.as_ref()), Err(Error::WrongMap));
        let mut other = map.clone();
        other.set(Head { index: index(asked), newest: newest(0xee) });
        prop_assert_ne!(other.root(), root);
        prop_assert_eq!(map.root(), root);
    }

    #[test]
    fn tiles_have_the_paths_that_others_give_them(level in 0..60_u8, number in 0..5_000_000_u64, width in 1..=256_u16) {
        for ours in [
            TilePath { level: Some(level), number, width },
            TilePath { level: None, number, width },
        ] {
            let data = ours.level.is_none();
            let theirs = tlog_tiles::Tile::new(8, if data { 0 } else { level }, number, width.into(), data);
            let path = theirs.path().replace("tile/8/data/", "entries/").replace("tile/8/", "");
            prop_assert_eq!(path, ours.to_string());
            prop_assert_eq!(ours.to_string().parse(), Ok(ours));
        }
    }

    #[test]
    fn bytes_that_are_no_note_are_refused_without_a_panic(text in ".{0,200}") {
        prop_assert!(Note::parse(&text).is_err());
        prop_assert!(text.parse::<VerifierKey>().is_err());
        prop_assert!(text.parse::<TilePath>().is_err());
    }
}

/// PROTOCOL.md's words, without anything kept.
fn by_definition(entries: &[(Hash, Newest)], depth: usize) -> Hash {
    use sha2::{Digest as _, Sha256};
    match entries {
        [] => [0; 32],
        [(index, Newest { sequence, value })] => {
            let content = [&[2], index.as_slice(), &sequence.to_be_bytes(), value].concat();
            Sha256::digest(content).into()
        }
        more => {
            let bit = |index: &Hash| index[depth / 8] & (0x80 >> (depth % 8)) != 0;
            let (right, left): (Vec<_>, Vec<_>) = more.iter().partition(|(index, _)| bit(index));
            let (left, right) = (by_definition(&left, depth + 1), by_definition(&right, depth + 1));
            Sha256::digest([&[3], left.as_slice(), &right].concat()).into()
        }
    }
}

#[test]
fn others_read_and_verify_our_checkpoints_and_name_our_keys_alike() {
    use ed25519_dalek::{Signer as _, SigningKey};
    let signing = SigningKey::from_bytes(&[7; 32]);
    let key = VerifierKey::new("log.example/a", KeyKind::Log, signing.verifying_key().to_bytes())
        .expect("a key");
    let checkpoint = Checkpoint { origin: "log.example/a".into(), size: 1_000, root: [9; 32] };
    let sign = |message: &[u8]| signing.sign(message).to_bytes();
    let note = Note::make(checkpoint.clone(), &key, 1_760_000_000, sign);
    let verifier = signed_note::StandardVerifier::new(&key.to_string()).expect("their key");
    let list = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).expect("their note");
    let (known, unknown) = theirs.verify(&list).expect("verifies");
    assert_eq!((known.len(), unknown.len()), (1, 1));
    let read = tlog_tiles::Checkpoint::from_bytes(theirs.text()).expect("their checkpoint");
    assert_eq!((read.origin(), read.size(), read.hash().0), ("log.example/a", 1_000, [9; 32]));
    assert_eq!(read.to_bytes(), checkpoint.text().as_bytes());
    assert_eq!(theirs.to_bytes(), note.to_string().as_bytes());
}
