//! A log that grows, who looks things up in it, and what whoever replays it notices.

use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use reconnect_log::{
    Checkpoint, Error, Fault, Hash, Head, Kept, KeyKind, Leaf, Lookup, Newest, Note, Policy,
    Question, Replay, VerifierKey,
};

const NOW: u64 = 1_760_000_000;
const ORIGIN: &str = "log.example/a";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn verifier(name: &str, kind: KeyKind, seed: u8) -> VerifierKey {
    VerifierKey::new(name, kind, key(seed).verifying_key().to_bytes()).expect("a key")
}

fn sign(seed: u8) -> impl Fn(&[u8]) -> [u8; 64] {
    move |message| key(seed).sign(message).to_bytes()
}

/// A head of that number.
fn head(index: u8, number: u8) -> Head {
    let newest = Newest { sequence: number.into(), value: [number; 32] };
    Head { index: [index; 32], newest }
}

fn entry(index: u8, number: u8) -> Leaf {
    let Head { index, newest } = head(index, number);
    Leaf::Entry { index, newest }
}

/// A log, batch by batch.
#[derive(Default)]
struct Story {
    replay: Replay,
    last: Vec<u8>,
}

impl Story {
    fn batch(&mut self, entries: &[(u8, u8)], heads: &[(u8, u8)]) {
        let leaf = |(index, number): &(u8, u8)| entry(*index, *number);
        let entries: Vec<_> = entries.iter().map(leaf).collect();
        let heads: Vec<_> = heads.iter().map(|(index, number)| head(*index, *number)).collect();
        let (map, bytes) = self.replay.map_leaf(&entries, &heads);
        for entry in &entries {
            self.replay.take(&entry.encode(), &[]).expect("an entry");
        }
        self.last = map.encode();
        self.replay.take(&self.last, &bytes).expect("a map");
    }

    fn note(&self, time: u64) -> Note {
        let checkpoint = Checkpoint {
            origin: ORIGIN.into(),
            size: self.replay.size(),
            root: self.replay.root(),
        };
        Note::make(checkpoint, &verifier(ORIGIN, KeyKind::Log, 1), time, sign(1))
    }

    fn look_up(&self, note: &Note, index: Hash, from: u64) -> Lookup {
        self.look_up_beside(note, (index, &[]), from)
    }

    fn look_up_beside(&self, note: &Note, (index, beside): (Hash, &[Hash]), from: u64) -> Lookup {
        let size = self.replay.size();
        let (map_proof, newest) = self.replay.map().prove(&index);
        Lookup {
            checkpoint: note.to_string().into_bytes(),
            consistency: self.replay.tree().consistency(from, size).expect("grown"),
            map_leaf: self.last.clone(),
            inclusion: self.replay.tree().inclusion(size - 1, size).expect("there"),
            map_proof,
            newest,
            beside: beside.iter().map(|index| self.replay.map().prove(index).into()).collect(),
        }
    }
}

fn witnessed(story: &Story) -> Note {
    let mut note = story.note(NOW);
    for seed in [2, 3] {
        let witness = verifier(&format!("witness-{seed}"), KeyKind::Cosigner, seed);
        let line = note.cosign(&witness, NOW + u64::from(seed), sign(seed));
        note.put(&witness, line);
    }
    note
}

fn policy(required: usize) -> Policy {
    let witnesses =
        [2, 3, 4].map(|seed| verifier(&format!("witness-{seed}"), KeyKind::Cosigner, seed));
    Policy::new(verifier(ORIGIN, KeyKind::Log, 1), witnesses.into(), required).expect("a policy")
}

fn grown() -> Story {
    let mut story = Story::default();
    story.batch(&[(1, 1), (2, 2)], &[(8, 1)]);
    story.batch(&[], &[(8, 2), (9, 1)]);
    story
}

#[test]
fn what_log_and_witnesses_agree_on_is_believed_at_the_witnessed_time() {
    let mut story = grown();
    let policy = policy(2);
    let ask = |kept| Question { policy: &policy, index: [8; 32], beside: &[], kept, now: NOW + 60 };
    let first = story.look_up(&witnessed(&story), [8; 32], 0).verify(&ask(None)).expect("believed");
    assert_eq!((first.newest(), first.time()), (Some(head(8, 2).newest), NOW + 2));
    let from = story.replay.size();
    story.batch(&[(1, 7)], &[(8, 3)]);
    let second = story.look_up(&witnessed(&story), [8; 32], from);
    let second = second.verify(&ask(Some(first.kept()))).expect("continues");
    assert_eq!(second.newest(), Some(head(8, 3).newest));
    let nothing = story.look_up(&witnessed(&story), [5; 32], 0);
    let nothing = nothing.verify(&Question { index: [5; 32], ..ask(None) }).expect("absent");
    assert_eq!(nothing.newest(), None);
}

#[test]
fn what_stands_beside_an_index_is_believed_under_the_same_checkpoint_only() {
    let story = grown();
    let (policy, beside) = (policy(2), [[9; 32], [5; 32]]);
    let index = [8; 32];
    let ask = Question { policy: &policy, index, beside: &beside, kept: None, now: NOW + 60 };
    let honest = story.look_up_beside(&witnessed(&story), (index, &beside), 0);
    let found = honest.verify(&ask).expect("believed");
    assert_eq!(found.beside(), [Some(head(9, 1).newest), None]);
    // An answer about others, about fewer, and one of an older map.
    let older = {
        let mut story = Story::default();
        story.batch(&[(1, 1), (2, 2)], &[(8, 1)]);
        story
    };
    let proofs = |story: &Story, of: &[Hash]| {
        of.iter().map(|index| story.replay.map().prove(index).into()).collect::<Vec<_>>()
    };
    for beside in [
        proofs(&story, &[[5; 32], [9; 32]]),
        proofs(&story, &[[9; 32]]),
        proofs(&story, &[[9; 32], [5; 32], [5; 32]]),
        proofs(&older, &beside),
    ] {
        let lie = Lookup { beside, ..honest.clone() };
        assert_eq!(lie.verify(&ask).err(), Some(Error::WrongMap));
    }
}

#[test]
fn what_is_too_old_too_far_ahead_or_by_too_few_is_refused() {
    let story = grown();
    let note = witnessed(&story);
    let look = story.look_up(&note, [8; 32], 0);
    let refused = |required, now| {
        let policy = policy(required);
        look.verify(&Question { policy: &policy, index: [8; 32], beside: &[], kept: None, now })
            .err()
    };
    assert_eq!(refused(3, NOW), Some(Error::TooFewWitnesses { found: 2, required: 3 }));
    assert_eq!(refused(2, NOW + 2 + 86_400), None);
    assert_eq!(refused(2, NOW + 3 + 86_400), Some(Error::Stale));
    assert_eq!(refused(2, NOW - 2 * 86_400), Some(Error::Ahead { time: NOW + 2 }));
}

#[test]
fn a_fork_and_a_way_back_are_told_apart() {
    let story = grown();
    let mut other = Story::default();
    other.batch(&[(1, 1), (2, 3)], &[(8, 1)]);
    other.batch(&[], &[(8, 2), (9, 1)]);
    let policy = policy(2);
    let kept = Kept { note: witnessed(&story), time: NOW };
    let verify = |lookup: Lookup| {
        let asked =
            Question { policy: &policy, index: [8; 32], beside: &[], kept: Some(&kept), now: NOW };
        lookup.verify(&asked).err()
    };
    assert_eq!(verify(other.look_up(&witnessed(&other), [8; 32], 4)), Some(Error::Forked));
    other.batch(&[], &[(8, 4)]);
    let inconsistent = other.look_up(&witnessed(&other), [8; 32], 4);
    assert_eq!(verify(inconsistent), Some(Error::Inconsistent));
    let mut young = Story::default();
    young.batch(&[], &[(8, 2)]);
    assert_eq!(verify(young.look_up(&witnessed(&young), [8; 32], 0)), Some(Error::WentBack));
}

#[test]
fn a_replay_notices_what_goes_back_and_what_the_map_hides() {
    let mut replay = grown().replay;
    let fault = Fault::Rollback { leaf: 4, index: [8; 32] };
    let older = Newest { sequence: 1, value: [9; 32] };
    let other = Newest { sequence: 2, value: [9; 32] };
    for newest in [head(8, 1).newest, older, other] {
        let back = Leaf::Entry { index: [8; 32], newest }.encode();
        assert_eq!(replay.clone().take(&back, &[]), Err(fault));
    }
    // What is so may be said again.
    assert_eq!(replay.clone().take(&entry(8, 2).encode(), &[]), Ok(()));
    let (Leaf::Map { heads_hash, heads_count, .. }, heads) = replay.map_leaf(&[], &[]) else {
        return;
    };
    let lie = Leaf::Map { root: [1; 32], heads_hash, heads_count }.encode();
    assert_eq!(replay.clone().take(&lie, &heads), Err(Fault::Map { leaf: 4 }));
    let (honest, _) = replay.map_leaf(&[], &[head(9, 7)]);
    assert_eq!(replay.clone().take(&honest.encode(), &[]), Err(Fault::Heads { leaf: 4 }));
    assert_eq!(
        replay.take(&[0, 1, 3], &[]),
        Err(Fault::Leaf { leaf: 4, error: Error::UnknownVersion })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_changed_byte_of_an_answer_is_never_believed(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let story = grown();
        let policy = policy(2);
        let asked = Question { policy: &policy, index: [8; 32], beside: &[], kept: None, now: NOW };
        let honest = story.look_up(&witnessed(&story), [8; 32], 0);
        let mut bytes = honest.encode();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let verified = Lookup::decode(&bytes).and_then(|lookup| lookup.verify(&asked));
        prop_assert!(verified.is_err());
    }
}
