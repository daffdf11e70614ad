//! Bounds, and forms that look right and are not: each is read one way, or refused for its reason.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_log::{
    Beside, Carried, Checkpoint, Error, Fault, Hash, Head, KeyKind, Leaf, Lookup, Map, MapProof,
    Newest, Note, Policy, Question, Replay, Tree, VerifierKey,
    leaf::{decode_heads, encode_heads, heads_hash},
    lookup::BESIDE_MAX,
    note::SIGNATURES_MAX,
    replay::HEADS_MAX,
    tile::{TilePath, decode_entries, encode_entries},
    tree::{leaf_hash, node_hash, root_before, verify_consistency, verify_inclusion},
};
use sha2::{Digest as _, Sha256};
use tls_codec::Size as _;

const NOW: u64 = 1_760_000_000;
const ORIGIN: &str = "log.example/a";

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn sign(seed: u8) -> impl Fn(&[u8]) -> [u8; 64] {
    move |message| signing(seed).sign(message).to_bytes()
}

fn named(name: &str, kind: KeyKind, seed: u8) -> Result<VerifierKey, Error> {
    VerifierKey::new(name, kind, signing(seed).verifying_key().to_bytes())
}

fn log_key() -> VerifierKey {
    named(ORIGIN, KeyKind::Log, 1).expect("a key")
}

fn witness(seed: u8) -> VerifierKey {
    named(&format!("witness-{seed}"), KeyKind::Cosigner, seed).expect("a key")
}

fn note() -> Note {
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 7, root: [9; 32] };
    Note::make(checkpoint, &log_key(), NOW, sign(1))
}

fn newest(number: u8) -> Newest {
    Newest { sequence: number.into(), value: [number; 32] }
}

fn head(index: Hash, number: u8) -> Head {
    Head { index, newest: newest(number) }
}

// Keys, notes and checkpoints.

#[test]
fn a_key_is_read_as_it_is_written_and_no_other_way() {
    for kind in [KeyKind::Log, KeyKind::Cosigner] {
        let key = named(ORIGIN, kind, 1).expect("a key");
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        assert_eq!(key.as_kind(KeyKind::Log).to_string().parse(), Ok(key.as_kind(KeyKind::Log)));
        let other_id = key.to_string().replacen('+', "+f", 1);
        assert_eq!(other_id.parse::<VerifierKey>(), Err(Error::NotAKey));
    }
    // A kind that nobody signs with.
    let text = log_key().to_string();
    let (front, key) = text.split_at(text.len() - 44);
    let mut bytes = STANDARD.decode(key).expect("its kind and the key");
    assert_eq!(bytes.first(), Some(&1));
    bytes[0] = 2;
    let unknown = format!("{front}{}", STANDARD.encode(bytes));
    assert_eq!(unknown.parse::<VerifierKey>(), Err(Error::NotAKey));
}

#[test]
fn a_name_has_no_white_space_no_control_no_plus_and_255_bytes_at_most() {
    let long = "a".repeat(255);
    for name in ["a", "log.example/é", &long] {
        assert!(named(name, KeyKind::Log, 1).is_ok(), "{name}");
    }
    for name in ["", "a b", "a\u{1}b", "a+b", "a\u{2003}b", &format!("{long}a")] {
        assert_eq!(named(name, KeyKind::Log, 1), Err(Error::NotAKey), "{name:?}");
    }
}

#[test]
fn a_note_with_a_line_or_a_checkpoint_of_another_form_is_refused() {
    let good = note().to_string();
    assert_eq!(Note::parse(&good), Ok(note()));
    let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    assert!(good.contains(root));
    let first = note().lines().first().expect("a line").to_string();
    for (from, to) in [
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n+7\n"),
        // What is no name, in the text and before a signature.
        ("log.example/a\n7", "log example/a\n7"),
        (first.as_str(), &first.replacen(ORIGIN, "log+example", 1)),
        // An extension, and a signature of nothing under an id of four bytes.
        (root, &format!("{root}\nmore")),
        (first.as_str(), "\u{2014} log.example/a AAAAAA==\n"),
        (first.as_str(), "- log.example/a AAAAAAAA\n"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert_eq!(Note::parse(&bad), Err(Error::NotACheckpoint), "{bad}");
    }
    assert!(Note::parse(&good.replacen(&first, "\u{2014} b AAAAAAAA\n", 1)).is_ok());
    let unsigned = format!("{}\n", note().claim().text());
    assert_eq!(Note::parse(&unsigned), Err(Error::NotACheckpoint));
}

#[test]
fn a_note_has_64_signatures_at_most() {
    let mut many = note().to_string();
    let line = note().lines().first().expect("a line").to_string();
    while Note::parse(&many).is_ok_and(|read| read.lines().len() < SIGNATURES_MAX) {
        many.push_str(&line);
    }
    assert_eq!(Note::parse(&many).expect("64").lines().len(), SIGNATURES_MAX);
    many.push_str(&line);
    assert_eq!(Note::parse(&many), Err(Error::NotACheckpoint));
}

#[test]
fn a_line_says_with_what_it_was_signed_and_when() {
    let mut note = note();
    let line = note.cosign(&witness(2), NOW + 5, sign(2));
    assert_eq!(line.time(), NOW + 5);
    let (time, signature) = line.signature().split_at(8);
    assert_eq!(time, (NOW + 5).to_be_bytes());
    assert_eq!(signature.len(), 64);
    assert!(line.is_of(&witness(2)) && !line.is_of(&witness(3)));
    // Another's line under the same name, and one's own under another id.
    let pretender = named("witness-2", KeyKind::Cosigner, 3).expect("a key");
    assert!(!line.is_of(&pretender));
    note.put(&witness(2), line.clone());
    let newer = note.cosign(&witness(2), NOW + 9, sign(2));
    note.put(&witness(2), newer);
    let times: Vec<_> = note.lines().iter().skip(1).map(reconnect_log::Line::time).collect();
    assert_eq!(times, [NOW, NOW + 9]);
    assert_eq!(note.verify(&witness(2)), Ok(Some(NOW + 9)));
    assert_eq!(note.verify(&witness(3)), Ok(None));
    // A key's id is in each of its lines, the kind being part of it.
    assert_ne!(log_key().id(), log_key().as_kind(KeyKind::Cosigner).id());
    assert_eq!(log_key().key(), signing(1).verifying_key().as_bytes());
}

#[test]
fn a_signature_of_a_known_key_that_does_not_verify_is_refused_whatever_else_there_is() {
    let mut note = note();
    let lie = note.cosign(&witness(2), NOW, sign(3));
    note.put(&witness(2), lie);
    assert_eq!(note.verify(&witness(2)), Err(Error::BadSignature));
    assert_eq!(note.verify(&log_key()), Ok(Some(0)));
}

// Whom a client believes.

#[test]
fn witnesses_are_more_than_half_of_all_or_none() {
    let enough = |required, witnesses| Policy::is_enough(required, witnesses);
    for (required, witnesses) in [(0, 0), (0, 3), (1, 1), (2, 2), (2, 3), (3, 3), (3, 4), (3, 5)] {
        assert!(enough(required, witnesses), "{required} of {witnesses}");
    }
    for (required, witnesses) in [(1, 0), (1, 2), (1, 3), (2, 4), (2, 5), (4, 3)] {
        assert!(!enough(required, witnesses), "{required} of {witnesses}");
    }
}

#[test]
fn a_policy_that_contradicts_itself_is_none() {
    let new = |log: VerifierKey, witnesses: &[VerifierKey], required| {
        Policy::new(log, witnesses.to_vec(), required).map(|it| it.is_one_operators_word())
    };
    let two = [witness(2), witness(3)];
    assert_eq!(new(log_key(), &two, 2), Ok(false));
    assert_eq!(new(log_key(), &two, 0), Ok(true));
    assert_eq!(new(log_key(), &two, 1), Err(Error::BadPolicy));
    // One key twice, under another name too; the log's own; keys for something else.
    let again = named("another", KeyKind::Cosigner, 2).expect("a key");
    assert_eq!(new(log_key(), &[witness(2), again], 2), Err(Error::BadPolicy));
    let own = log_key().as_kind(KeyKind::Cosigner);
    assert_eq!(new(log_key(), &[own.clone(), witness(2)], 2), Err(Error::BadPolicy));
    let of_texts = two.clone().map(|it| it.as_kind(KeyKind::Log));
    assert_eq!(new(log_key(), &of_texts, 2), Err(Error::BadPolicy));
    assert_eq!(new(own, &two, 2), Err(Error::BadPolicy));
}

// Leaves, heads and objects.

#[test]
fn heads_ascend_each_index_once() {
    let heads = [head([1; 32], 1), head([2; 32], 1)];
    let bytes = encode_heads(&heads);
    assert_eq!(decode_heads(&bytes), Ok(heads.to_vec()));
    let hash: Hash = Sha256::digest([[4].as_slice(), &bytes].concat()).into();
    assert_eq!(heads_hash(&bytes), hash);
    let [first, second] = heads;
    assert_eq!(decode_heads(&encode_heads(&[second, first])), Err(Error::NotCanonical));
    assert_eq!(decode_heads(&encode_heads(&[first, first])), Err(Error::NotCanonical));
    assert_eq!(decode_heads(bytes.get(1..).unwrap_or_default()), Err(Error::Truncated));
}

#[test]
fn a_leaf_is_one_object_of_a_known_suite() {
    let entry = Leaf::Entry { index: [3; 32], newest: newest(4) };
    let mut bytes = entry.encode();
    assert_eq!(Leaf::decode(&bytes), Ok(entry));
    assert_eq!(Leaf::decode(&bytes[..20]), Err(Error::Truncated));
    assert_eq!(Leaf::decode(&[0]), Err(Error::Truncated));
    bytes.push(0);
    assert_eq!(Leaf::decode(&bytes), Err(Error::TrailingBytes));
    bytes[1] = 2;
    assert_eq!(Leaf::decode(&bytes), Err(Error::UnknownVersion));
    let unknown_kind = [[0, 1, 9].as_slice(), &[0; 72]].concat();
    assert_eq!(Leaf::decode(&unknown_kind), Err(Error::UnknownVersion));
}

fn lookup(padding: usize, beside: usize) -> Lookup {
    let map_proof = MapProof { siblings: vec![[1; 32]], other: None };
    Lookup {
        checkpoint: vec![7; padding],
        consistency: Vec::new(),
        map_leaf: Vec::new(),
        inclusion: Vec::new(),
        map_proof: map_proof.clone(),
        newest: Some(newest(1)),
        beside: vec![Beside { map_proof, newest: None }; beside],
    }
}

#[test]
fn an_object_has_a_mebibyte_at_most_and_an_answer_32_beside_one() {
    let largest = 1 << 20;
    let padding = largest - lookup(largest - 200, 2).encode().len() + largest - 200;
    let exact = lookup(padding, 2);
    assert_eq!(exact.encode().len(), largest);
    assert_eq!(exact.tls_serialized_len(), largest);
    assert_eq!(Lookup::decode(&exact.encode()), Ok(exact));
    let more = lookup(padding + 1, 2).encode();
    assert_eq!(Lookup::decode(&more), Err(Error::NotCanonical));
    let many = lookup(0, BESIDE_MAX);
    assert_eq!(Lookup::decode(&many.encode()), Ok(many));
    assert_eq!(Lookup::decode(&lookup(0, BESIDE_MAX + 1).encode()), Err(Error::NotCanonical));
    let mut cut = lookup(0, 1).encode();
    cut.pop();
    assert_eq!(Lookup::decode(&cut), Err(Error::Truncated));
}

#[test]
fn a_checkpoint_travels_beside_a_text() {
    let carried = Carried::of(&note(), &log_key()).expect("the log signed when");
    assert_eq!(Carried::decode(&carried.encode()), Ok(carried));
    assert_eq!(carried.encode().len(), 2 + 8 + 32 + 8 + 64);
    assert_eq!(carried.to_string().parse(), Ok(carried));
    let known = carried.verify(&log_key()).expect("the log's");
    assert_eq!((known.claim(), known.lines()), (note().claim(), &note().lines()[1..]));
    let other = named("log.example/b", KeyKind::Log, 1).expect("a key");
    assert_eq!(carried.verify(&other), Err(Error::BadSignature));
    let text = Carried::beside("words", Some(&carried));
    assert_eq!(Carried::split(&format!(" {text}\n")), ("words", Some(carried)));
    assert_eq!(Carried::split(&Carried::beside("words", None)), ("words", None));
    // What people type carries none.
    assert_eq!(Carried::split("some.words"), ("some.words", None));
    let mut unknown = carried.encode();
    unknown[1] = 2;
    assert_eq!(Carried::decode(&unknown), Err(Error::UnknownVersion));
    // A note that only others signed carries nothing.
    assert_eq!(Carried::of(&note(), &witness(2)), None);
}

// The map.

fn map_of(heads: &[Head]) -> Map {
    let mut map = Map::default();
    for head in heads {
        map.set(*head);
    }
    map
}

fn last_bit(bit: u8) -> Hash {
    let mut index = [0; 32];
    index[31] = bit;
    index
}

#[test]
fn indices_that_part_at_the_last_bit_are_proved_by_256_siblings_and_none_by_more() {
    let map = map_of(&[head(last_bit(0), 1), head(last_bit(1), 2)]);
    for (at, number) in [(0, 1), (1, 2)] {
        let (proof, found) = map.prove(&last_bit(at));
        assert_eq!((proof.siblings.len(), found), (256, Some(newest(number))));
        assert_eq!(proof.verify(&map.root(), &last_bit(at), found.as_ref()), Ok(()));
    }
    // A tree that goes on beneath the last bit: no honest map has it, whatever its root is.
    let (proof, found) = map.prove(&last_bit(0));
    let end =
        Sha256::digest([&[2], last_bit(0).as_slice(), &1_u64.to_be_bytes(), &[1; 32]].concat());
    let more =
        |left: &[u8], right: &[u8]| -> Hash { Sha256::digest([&[3], left, right].concat()).into() };
    let siblings = [proof.siblings, vec![[5; 32]]].concat();
    let root = siblings.iter().rev().fold(end.into(), |below: Hash, beside| more(&below, beside));
    let deep = MapProof { siblings, other: None };
    assert_eq!(deep.verify(&root, &last_bit(0), found.as_ref()), Err(Error::WrongMap));
}

#[test]
fn an_absence_is_not_shown_by_an_entry_from_elsewhere_nor_by_the_index_itself() {
    let (there, beside, asked) = ([0x00; 32], [0xc0; 32], [0x80; 32]);
    let map = map_of(&[head(there, 1), head(beside, 2)]);
    let (proof, found) = map.prove(&asked);
    assert_eq!((found, proof.other), (None, Some(head(beside, 2))));
    assert_eq!(proof.verify(&map.root(), &asked, None), Ok(()));
    // The same proof, for what it would hide: the way to it ends at itself.
    assert_eq!(proof.verify(&map.root(), &beside, None), Err(Error::WrongMap));
    // An entry of the left half as if the way to the right ended at it. Where a map mirrors the two the hashes fit, and
    // only the bits tell.
    let end = |Head { index, newest: Newest { sequence, value } }: Head| {
        Sha256::digest([&[2], index.as_slice(), &sequence.to_be_bytes(), &value].concat())
    };
    let mirrored = MapProof { siblings: vec![[5; 32]], other: Some(head(there, 1)) };
    let root = Sha256::digest([&[3], [5; 32].as_slice(), &end(head(there, 1))].concat()).into();
    assert_eq!(mirrored.verify(&root, &asked, None), Err(Error::WrongMap));
}

// Replaying.

#[test]
fn who_writes_a_log_takes_back_what_nobody_was_told() {
    let mut replay = Replay::default();
    assert!(!replay.ends_with_map());
    let mut marks = Vec::new();
    for number in 1..=20 {
        marks.push((replay.mark(), replay.size(), replay.root(), replay.map().root()));
        let entry = Leaf::Entry { index: [number; 32], newest: newest(number) };
        let (map, heads) = replay.map_leaf(&[entry], &[]);
        replay.take(&entry.encode(), &[]).expect("an entry");
        assert!(!replay.ends_with_map());
        replay.take(&map.encode(), &heads).expect("a map");
        assert!(replay.ends_with_map());
    }
    for (mark, size, root, map) in marks.into_iter().rev() {
        replay.back(mark);
        let now = (replay.size(), replay.root(), replay.map().root());
        assert_eq!(now, (size, root, map));
        assert_eq!(replay.ends_with_map(), size > 0);
        // It goes on from there like one that never was further.
        let mut again = replay.clone();
        let entry = Leaf::Entry { index: [77; 32], newest: newest(1) };
        again.take(&entry.encode(), &[]).expect("an entry");
        let proof = again.tree().inclusion(size, size + 1).expect("there");
        let leaf = leaf_hash(&entry.encode());
        assert_eq!(verify_inclusion(leaf, (size, size + 1), &proof, &again.root()), Ok(()));
    }
}

#[test]
fn a_map_leaf_names_its_heads_by_hash_and_number() {
    let replay = Replay::default();
    let heads = [head([1; 32], 1)];
    let (honest, bytes) = replay.map_leaf(&[], &heads);
    let Leaf::Map { root, heads_hash: hash, heads_count } = honest else { return };
    assert_eq!(heads_count, 1);
    assert_eq!(replay.clone().take(&honest.encode(), &bytes), Ok(()));
    let told = |heads_hash, heads_count| {
        replay.clone().take(&Leaf::Map { root, heads_hash, heads_count }.encode(), &bytes)
    };
    assert_eq!(told(hash, 2), Err(Fault::Heads { leaf: 0 }));
    assert_eq!(told([0; 32], 1), Err(Fault::Heads { leaf: 0 }));
    assert_eq!(told(hash, HEADS_MAX), Err(Fault::Heads { leaf: 0 }));
    assert_eq!(told(hash, HEADS_MAX + 1), Err(Fault::TooManyHeads { leaf: 0 }));
}

// Tiles.

fn paths(tiles: impl Iterator<Item = TilePath>) -> Vec<String> {
    tiles.map(|tile| tile.to_string()).collect()
}

#[test]
fn a_grown_log_has_new_tiles() {
    assert_eq!(paths(TilePath::entries(0, 1)), ["entries/000.p/1"]);
    assert_eq!(paths(TilePath::entries(0, 256)), ["entries/000"]);
    assert_eq!(
        paths(TilePath::entries(255, 513)),
        ["entries/000", "entries/001", "entries/002.p/1"]
    );
    assert_eq!(paths(TilePath::entries(256, 257)), ["entries/001.p/1"]);
    assert_eq!(paths(TilePath::hashes(0, 3)), ["0/000.p/3"]);
    assert_eq!(paths(TilePath::hashes(255, 256)), ["0/000", "1/000.p/1"]);
    assert_eq!(paths(TilePath::hashes(256, 300)), ["0/001.p/44"]);
    assert_eq!(
        paths(TilePath::hashes(65_535, 65_537)),
        ["0/255", "0/256.p/1", "1/000", "2/000.p/1"]
    );
    let second = TilePath { level: None, number: 2, width: 1 };
    assert_eq!(second.first(), 512);
}

#[test]
fn a_tile_has_one_path() {
    let whole = TilePath { level: Some(63), number: 1_234_067, width: 256 };
    assert_eq!(whole.to_string(), "63/x001/x234/067");
    for path in ["63/x001/x234/067", "entries/999", "entries/x001/000.p/255"] {
        assert_eq!(path.parse::<TilePath>().map(|it| it.to_string()).as_deref(), Ok(path));
    }
    for path in [
        "64/000",
        "0/0",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/257",
        "0/x000/001",
        "0/000/",
        "+0/000",
        "entries",
        "other/000",
    ] {
        assert_eq!(path.parse::<TilePath>(), Err(Error::NotCanonical), "{path}");
    }
}

#[test]
fn leaves_stand_in_a_tile_after_their_lengths() {
    let leaves: [&[u8]; 3] = [&[1], &[], &[7; 300]];
    let bytes = encode_entries(leaves);
    assert_eq!(bytes.get(..5), Some([0, 1, 1, 0, 0].as_slice()));
    assert_eq!(decode_entries(&bytes), Ok(leaves.to_vec()));
    assert_eq!(decode_entries(&[]), Ok(Vec::new()));
    assert_eq!(decode_entries(&[0, 2, 1]), Err(Error::Truncated));
    assert_eq!(decode_entries(&[0]), Err(Error::Truncated));
}

// The tree.

fn tree(size: u64) -> Tree {
    let mut tree = Tree::default();
    tree.extend((0..size).map(|number| leaf_hash(&number.to_be_bytes())));
    tree
}

#[test]
fn a_tree_has_the_rows_roots_and_proofs_that_it_has_and_no_more() {
    let tree = tree(6);
    let leaf = |number: u64| leaf_hash(&number.to_be_bytes());
    assert_eq!(tree.size(), 6);
    assert_eq!(tree.row(0, 1, 2), Some([leaf(1), leaf(2)].as_slice()));
    assert_eq!(tree.row(1, 2, 1), Some([node_hash(&leaf(4), &leaf(5))].as_slice()));
    assert_eq!((tree.row(0, 5, 2), tree.row(1, 3, 1), tree.row(3, 0, 1)), (None, None, None));
    assert_eq!(tree.root(0), Some(Sha256::digest([]).into()));
    assert_eq!((tree.root(1), tree.root(7)), (Some(leaf(0)), None));
    for (index, size) in [(6, 6), (7, 6), (0, 7), (6, 7), (0, 0)] {
        assert_eq!(tree.inclusion(index, size), None, "{index} of {size}");
    }
    assert!(tree.inclusion(5, 6).is_some() && tree.inclusion(2, 3).is_some());
    for (from, size) in [(4, 3), (1, 7), (7, 7)] {
        assert_eq!(tree.consistency(from, size), None, "{from} to {size}");
    }
    assert_eq!(tree.consistency(0, 6), Some(Vec::new()));
    assert_eq!(tree.consistency(6, 6), Some(Vec::new()));
}

#[test]
fn a_proof_that_is_too_long_or_of_another_place_is_refused() {
    let tree = tree(7);
    let root = tree.root(7).expect("a root");
    let leaf = leaf_hash(&6_u64.to_be_bytes());
    let proof = tree.inclusion(6, 7).expect("a proof");
    assert_eq!(verify_inclusion(leaf, (6, 7), &proof, &root), Ok(()));
    assert_eq!(verify_inclusion(leaf, (7, 7), &proof, &root), Err(Error::NotIncluded));
    assert_eq!(verify_inclusion(leaf, (0, 0), &[], &leaf), Err(Error::NotIncluded));
    let longer = [proof, vec![[0; 32]]].concat();
    assert_eq!(verify_inclusion(leaf, (6, 7), &longer, &root), Err(Error::NotIncluded));
    // One more step would lead to its own root: the size forbids it.
    let above = node_hash(&[0; 32], &root);
    assert_eq!(verify_inclusion(leaf, (6, 7), &longer, &above), Err(Error::NotIncluded));
}

#[test]
fn a_tree_that_grew_shows_what_it_was() {
    let tree = tree(13);
    let new = tree.root(13).expect("a root");
    let nothing: Hash = Sha256::digest([]).into();
    for from in 0..=13 {
        let old = tree.root(from).expect("a root");
        let proof = tree.consistency(from, 13).expect("a proof");
        assert_eq!(verify_consistency((from, &old), (13, &new), &proof), Ok(()));
        let told = from == 13 || !(from == 0 || from.is_power_of_two());
        assert_eq!(root_before(from, (13, &new), &proof), told.then_some(old), "{from}");
        assert_eq!(root_before(from, (13, &[0; 32]), &proof), (from == 13).then_some([0; 32]));
        let longer = [proof, vec![[0; 32]]].concat();
        let refused = verify_consistency((from, &old), (13, &new), &longer);
        assert_eq!(refused, Err(Error::Inconsistent), "{from}");
    }
    assert_eq!(verify_consistency((0, &[1; 32]), (13, &new), &[]), Err(Error::Inconsistent));
    assert_eq!(verify_consistency((0, &nothing), (0, &nothing), &[]), Ok(()));
    assert_eq!(verify_consistency((13, &[1; 32]), (13, &new), &[]), Err(Error::Forked));
    assert_eq!(verify_consistency((14, &new), (13, &new), &[]), Err(Error::WentBack));
    assert_eq!(root_before(14, (13, &new), &[]), None);
}

// What a server answers.

#[test]
fn an_answer_is_believed_for_a_day_around_the_witnessed_time() {
    let mut replay = Replay::default();
    let (leaf, heads) = replay.map_leaf(&[], &[head([8; 32], 1)]);
    replay.take(&leaf.encode(), &heads).expect("a map");
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 1, root: replay.root() };
    let note = Note::make(checkpoint.clone(), &log_key(), NOW, sign(1));
    let (map_proof, found) = replay.map().prove(&[8; 32]);
    let answer = Lookup {
        checkpoint: note.to_string().into_bytes(),
        consistency: Vec::new(),
        map_leaf: leaf.encode(),
        inclusion: Vec::new(),
        map_proof,
        newest: found,
        beside: Vec::new(),
    };
    let policy = Policy::new(log_key(), Vec::new(), 0).expect("a policy");
    let ask = |now| Question { policy: &policy, index: [8; 32], beside: &[], kept: None, now };
    let day = 24 * 3600;
    let believed = answer.verify(&ask(NOW - day)).expect("a day ahead");
    assert_eq!(believed.index(), [8; 32]);
    assert_eq!(believed.checkpoint(), &checkpoint);
    assert_eq!(believed.kept().time, NOW);
    assert!(answer.verify(&ask(NOW + day)).is_ok());
    assert_eq!(answer.verify(&ask(NOW + day + 1)), Err(Error::Stale));
    assert_eq!(answer.verify(&ask(NOW - day - 1)), Err(Error::Ahead { time: NOW }));
    // One that says how it continues what nobody has seen.
    let consistency = vec![[0; 32]];
    let odd = Lookup { consistency, ..answer };
    assert_eq!(odd.verify(&ask(NOW)), Err(Error::Inconsistent));
}
