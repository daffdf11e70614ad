//! People, a structure with its chain, and attackers who hold valid state and use the library
//! directly, as somebody with a changed client would.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use getrandom::SysRng;
use openmls::{
    credentials::BasicCredential,
    extensions::{
        Extension, ExtensionType, Extensions, RequiredCapabilitiesExtension, UnknownExtension,
    },
    prelude::{
        Capabilities, Ciphersuite, CredentialWithKey, KeyPackage, LeafNodeParameters, Lifetime,
        MlsGroupCreateConfig, MlsMessageBodyIn, MlsMessageOut, NewSignerBundle,
    },
};
use rand_core::UnwrapErr;
use reconnect_format::{
    Signed, Suite, Unverified, encode,
    id::{AccountId, DeviceId, InvitationId},
    manifest::Manifest,
    statement::{Attested, Body, Signer as StatementSigner},
    structure::{
        Certificate, ChainError, EpochTerms, Founding, JoinRequest, Link, Role, StructureBody,
        StructureChain, StructureStatement, verify_certificate,
    },
};

mod over_time;

use super::{
    mls::{capabilities, join_config, lifetime, read_key_package},
    *,
};
use crate::{
    key::{AccountSecrets, RecipientKey, SignKey},
    secret::{DeviceSeed, Root},
};

const NOW: u64 = 1_800_000_000;
const YEAR: u64 = 365 * 24 * 3600;

/// A device of a person.
struct Person {
    account_id: AccountId,
    device_id: DeviceId,
    device: DeviceSecrets,
    proof: DeviceProof,
}

/// The device `device` of the account whose root is all `account`.
fn person(account: u8, device: u8) -> Person {
    let secrets = AccountSecrets::derive(Root::from_bytes([account; 32]), 1);
    let keys = secrets.public();
    let root = StatementSigner::Root { generation: 1 };
    let open = Body::Open { keys: keys.clone() };
    let opening = Manifest::before(keys).next(root, open, NOW, [1; 16]);
    let opening = secrets.signing.sign(opening).encode();
    let (manifest, _) = Manifest::begin(Unverified::decode(&opening).unwrap()).unwrap();
    let device_id = DeviceId([device; 16]);
    let device = DeviceSecrets::derive(DeviceSeed::from_bytes([device; 32]));
    let (signing, leaf) = (device.signing.public(), device.leaf.public());
    let add = manifest.next(root, Body::AddDevice { device_id, signing, leaf }, NOW, [2; 16]);
    let added = secrets.signing.sign(add).encode();
    let proof = DeviceProof { opening, device: added };
    Person { account_id: manifest.account_id(), device_id, device, proof }
}

impl Person {
    /// A key package and the request that carries it.
    fn ask(&self, structure_id: StructureId) -> (Newcomer, JoinRequest) {
        let (newcomer, key_package) = Newcomer::new(&self.device, &self.proof).unwrap();
        (newcomer, self.request(structure_id, key_package))
    }

    fn request(&self, structure_id: StructureId, key_package: Vec<u8>) -> JoinRequest {
        JoinRequest {
            suite: Suite::V1,
            structure_id,
            invitation_id: InvitationId([0; 16]),
            account_id: self.account_id,
            device_id: self.device_id,
            key_package,
            sealed_name: vec![],
        }
    }

    fn attest(&self, object: Vec<u8>) -> Vec<u8> {
        Attested { object, proof: self.proof.clone() }.encode()
    }
}

fn by_root(root: &SignKey, statement: StructureStatement) -> Vec<u8> {
    Link::Root { statement: root.sign(statement).encode() }.encode()
}

/// What is public of a structure, and its founder.
struct House {
    founder: Person,
    chain: StructureChain,
    certificates: Vec<Signed<Certificate>>,
}

impl House {
    fn found(nonce: u8) -> (Self, Group) {
        let founder = person(1, 1);
        let root = SignKey::from_seed(&[nonce; 32]);
        let founding = Founding {
            suite: Suite::V1,
            name: b"Foyer".to_vec(),
            place: b"Lyon".to_vec(),
            root: root.public(),
            recovery: Box::new(RecipientKey::of_paper(&[nonce; 32]).public().clone()),
            founder: founder.account_id,
            nonce: [nonce; 32],
        };
        let structure_id = founding.structure_id();
        let first = StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: 1,
            previous: [0; 32],
            made_at: NOW,
            body: StructureBody::Found(founding),
        };
        let chain = StructureChain::begin(structure_id, &by_root(&root, first)).unwrap();
        let mut house = Self { founder, chain, certificates: vec![] };
        house.certify_founder();
        let device = &house.founder.device;
        let group = Group::found(structure_id, 1, device, &house.founder.proof).unwrap();
        let recipient =
            Box::new(RecipientKey::of_epoch(&group.epoch_seed(1).unwrap()).public().clone());
        let roster = group.roster(&house.gate()).unwrap();
        house.say(StructureBody::Epoch(EpochTerms {
            epoch: 1,
            recipient,
            roster,
            revoked: vec![],
        }));
        (house, group)
    }

    /// The same, for a chain that goes on otherwise.
    fn copy(&self) -> Self {
        let (chain, certificates) = (self.chain.clone(), self.certificates.clone());
        Self { founder: person(1, 1), chain, certificates }
    }

    fn id(&self) -> StructureId {
        self.chain.structure_id
    }

    fn gate(&self) -> Gate<'_> {
        Gate { chain: &self.chain, certificates: &self.certificates, now: NOW }
    }

    fn certificate(&self, account_id: AccountId, ends_at: u64) -> Signed<Certificate> {
        let number = u32::try_from(self.certificates.len()).unwrap() + 1;
        let certificate = Certificate {
            suite: Suite::V1,
            structure_id: self.id(),
            serial: number.into(),
            number,
            account_id,
            role: Role::Worker,
            ends_at,
        };
        let signed = self.founder.device.signing.sign(certificate);
        verify_certificate(&self.founder.attest(signed.encode()), &self.chain).unwrap()
    }

    fn certify_founder(&mut self) {
        self.certificates.push(self.certificate(self.founder.account_id, NOW + YEAR));
    }

    fn certify(&mut self, person: &Person) {
        self.certificates.push(self.certificate(person.account_id, NOW + YEAR));
    }

    /// The chain's next statement says that somebody joined.
    fn state(&mut self, roster: RosterTerms) {
        self.say(StructureBody::Roster(roster));
    }

    fn say(&mut self, body: StructureBody) {
        let (sequence, previous) = self.chain.head();
        let statement = StructureStatement {
            suite: Suite::V1,
            structure_id: self.id(),
            sequence: sequence + 1,
            previous,
            made_at: NOW,
            body,
        };
        let signed = self.founder.device.signing.sign(statement);
        let statement = Attested { object: signed.encode(), proof: self.founder.proof.clone() };
        self.chain.append(&Link::Manager { statement }.encode()).unwrap();
    }

    fn stage(&self, group: &mut Group, request: &JoinRequest) -> Result<Staged, GroupError> {
        let rng = &mut UnwrapErr(SysRng);
        group.stage(Change::Admit(request), &history(), &self.founder.device, &self.gate(), rng)
    }

    /// Certifies and admits: the founder's group goes on, the newcomer joins.
    fn admit(&mut self, group: &mut Group, person: &Person) -> (Group, Staged) {
        self.certify(person);
        let (newcomer, request) = person.ask(self.id());
        let admission = self.stage(group, &request).unwrap();
        self.state(admission.roster.clone());
        group.merge_staged().unwrap();
        (newcomer.join(&welcome(&admission), &self.gate()).unwrap(), admission)
    }
}

fn history() -> History {
    History {
        seeds: vec![(1, EpochSeed::from_bytes([7; 32])), (2, EpochSeed::from_bytes([8; 32]))],
        names: vec![(1, "Amina".to_owned()), (2, "Zoé".to_owned())],
    }
}

fn assert_is_history(opened: &History) {
    assert_eq!(opened.names, [(1, "Amina".to_owned()), (2, "Zoé".to_owned())]);
    let seeds: Vec<_> = opened.seeds.iter().map(|(epoch, seed)| (*epoch, *seed.expose())).collect();
    assert_eq!(seeds, [(1, [7; 32]), (2, [8; 32])]);
}

fn welcome(staged: &Staged) -> Vec<u8> {
    staged.welcome.clone().unwrap()
}

/// Same epoch, tree, authenticator, members and exporter.
fn assert_agree(a: &Group, b: &Group, house: &House) {
    assert_eq!(a.roster(&house.gate()), b.roster(&house.gate()));
    assert_eq!(a.members(), b.members());
    assert_eq!(a.epoch_seed(3).unwrap().expose(), b.epoch_seed(3).unwrap().expose());
    assert_ne!(a.epoch_seed(3).unwrap().expose(), a.epoch_seed(4).unwrap().expose());
}

/// Refused, and the group is what it was, to the byte.
fn assert_refused(group: &mut Group, commit: &[u8], gate: &Gate<'_>, error: GroupError) {
    let before = group.snapshot();
    assert_eq!(group.take_in(commit, gate), Err(error));
    assert_eq!(*group.snapshot(), *before);
}

fn bytes(message: &MlsMessageOut) -> Vec<u8> {
    message.to_bytes().unwrap()
}

/// A key package that the library finds valid, made by `person` with any credential and lifetime.
fn forge(person: &Person, proof: &DeviceProof, lifetime: Lifetime) -> (Newcomer, KeyPackage) {
    let store = Store::default();
    let credential = CredentialWithKey {
        credential: BasicCredential::new(encode(proof)).into(),
        signature_key: person.device.leaf.public().0.to_vec().into(),
    };
    let package = KeyPackage::builder()
        .key_package_lifetime(lifetime)
        .leaf_node_capabilities(capabilities())
        .build(SUITE, store.provider(), &LeafSigner(&person.device.leaf), credential)
        .unwrap()
        .into_key_package();
    (Newcomer { store }, package)
}

/// Adds somebody without any check of ours; commit and welcome. The adder goes on.
fn add_unchecked(group: &mut Group, by: &Person, package: KeyPackage) -> (Vec<u8>, Vec<u8>) {
    let signer = LeafSigner(&by.device.leaf);
    let (commit, welcome, _) =
        group.mls.add_members(group.store.provider(), &signer, &[package]).unwrap();
    group.mls.merge_pending_commit(group.store.provider()).unwrap();
    (bytes(&commit), bytes(&welcome))
}

/// What a statement of this group would say if nobody judged its leaves.
fn unjudged(group: &Group) -> RosterTerms {
    RosterTerms {
        group: group.number(),
        mls_epoch: group.mls_epoch(),
        roster_hash: [0; 32],
        roster_size: 1,
        tree_hash: [0; 32],
        authenticator_hash: [0; 32],
    }
}

#[test]
fn a_founder_is_alone_and_may_be_restored() {
    let (house, group) = House::found(1);
    assert_eq!(group.mls_epoch(), 0);
    assert_eq!(group.structure_id(), house.id());
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 1);
    let members = group.members().unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].account_id, house.founder.account_id);
    assert_eq!(members[0].device_id, house.founder.device_id);
    let resumed = Group::resume(house.id(), 1, &group.snapshot()).unwrap();
    assert_agree(&group, &resumed, &house);
    assert_eq!(format!("{group:?}"), format!("Group({}, 0)", house.id()));
}

#[test]
fn a_founder_signs_with_the_key_that_the_proof_names() {
    let (founder, other) = (person(1, 1), person(2, 2));
    let id = StructureId([0; 32]);
    let error = Group::found(id, 1, &founder.device, &other.proof).unwrap_err();
    assert_eq!(error, GroupError::NotAllowed);
    let error = Newcomer::new(&founder.device, &other.proof).unwrap_err();
    assert_eq!(error, GroupError::NotAllowed);
}

#[test]
fn three_members_agree_and_read_what_was_given_before() {
    let (mut house, mut first) = House::found(1);
    let (mut second, admission) = house.admit(&mut first, &person(2, 2));
    assert_eq!(admission.mls_epoch, 0);
    assert_eq!(first.mls_epoch(), 1);
    assert_agree(&first, &second, &house);
    assert_is_history(&second.open_history(&admission.history).unwrap());
    assert_is_history(&first.open_history(&admission.history).unwrap());

    let (third, admission) = house.admit(&mut first, &person(3, 3));
    assert_eq!(second.open_history(&admission.history).err(), Some(GroupError::Damaged));
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
    assert_agree(&first, &third, &house);
    assert_eq!(admission.roster.roster_size, 3);
    assert_eq!(admission.roster, third.roster(&house.gate()).unwrap());
    assert_is_history(&third.open_history(&admission.history).unwrap());
    assert_is_history(&second.open_history(&admission.history).unwrap());
    assert_eq!(third.members().unwrap().len(), 3);
}

#[test]
fn an_epoch_seed_is_its_epochs_and_its_structures() {
    let (mut house, mut group) = House::found(1);
    let (_, other) = House::found(2);
    let before = RecipientKey::of_epoch(&group.epoch_seed(1).unwrap()).public().clone();
    assert_ne!(&before, RecipientKey::of_epoch(&other.epoch_seed(1).unwrap()).public());
    house.admit(&mut group, &person(2, 2));
    assert_ne!(&before, RecipientKey::of_epoch(&group.epoch_seed(1).unwrap()).public());
}

#[test]
fn every_seed_of_a_history_must_be_the_chains() {
    let (mut house, group) = House::found(1);
    let first = group.epoch_seed(1).unwrap();
    let seed = |byte| EpochSeed::from_bytes([byte; 32]);
    for epoch in 2..=4 {
        let roster = group.roster(&house.gate()).unwrap();
        let key = RecipientKey::of_epoch(&seed(u8::try_from(epoch).unwrap())).public().clone();
        house.say(StructureBody::Epoch(EpochTerms {
            epoch,
            recipient: Box::new(key),
            roster,
            revoked: vec![],
        }));
    }
    let check = |seeds: &[(u64, u8)]| {
        let known = |(epoch, byte): &(u64, u8)| match byte {
            1 => (*epoch, EpochSeed::from_bytes(*first.expose())),
            other => (*epoch, seed(*other)),
        };
        History { seeds: seeds.iter().map(known).collect(), names: vec![] }.check(&house.chain)
    };
    assert_eq!(check(&[(1, 1), (2, 2), (3, 3), (4, 4)]), Ok(()));
    assert_eq!(check(&[(2, 2), (4, 4)]), Ok(()), "what nothing is wrapped to may be gone");
    for wrong in [
        // Another seed in an old epoch, in the middle, in the newest; twice; one that is swapped.
        &[(1, 9), (2, 2), (3, 3), (4, 4)][..],
        &[(1, 1), (2, 9), (3, 3), (4, 4)],
        &[(1, 1), (2, 2), (3, 3), (4, 9)],
        &[(1, 1), (1, 9), (4, 4)],
        &[(2, 3), (3, 2), (4, 4)],
        // No newest; epochs that the chain does not have.
        &[(1, 1), (2, 2), (3, 3)],
        &[(4, 4), (5, 5)],
        &[(0, 4), (4, 4)],
        &[],
    ] {
        assert_eq!(check(wrong), Err(GroupError::Damaged), "{wrong:?}");
    }
}

#[test]
fn a_history_opens_in_its_epoch_only_and_whole() {
    let (mut house, mut group) = House::found(1);
    let rng = &mut UnwrapErr(SysRng);
    let sealed = group.seal_history(&history(), rng).unwrap();
    assert_ne!(sealed, group.seal_history(&history(), rng).unwrap(), "sealed twice, salted twice");
    for index in [0, 31, 32, sealed.len() - 1] {
        let mut damaged = sealed.clone();
        damaged[index] ^= 1;
        assert_eq!(group.open_history(&damaged).err(), Some(GroupError::Damaged));
    }
    assert_eq!(group.open_history(&sealed[..40]).err(), Some(GroupError::Damaged));
    house.admit(&mut group, &person(2, 2));
    assert_eq!(group.open_history(&sealed).err(), Some(GroupError::Damaged));
}

#[test]
fn two_devices_of_one_person_are_one_member_of_the_roster() {
    let (mut house, mut first) = House::found(1);
    house.admit(&mut first, &person(2, 2));
    let (_, admission) = house.admit(&mut first, &person(2, 3));
    assert_eq!(admission.roster.roster_size, 2);
    assert_eq!(first.members().unwrap().len(), 3);
}

#[test]
fn a_manager_refuses_ghosts_and_is_what_it_was() {
    let (mut house, mut group) = House::found(1);
    let ghost = person(9, 9);
    let before = group.snapshot();
    let (_, request) = ghost.ask(house.id());
    let refused = |house: &House, group: &mut Group, request: &JoinRequest, error| {
        assert_eq!(house.stage(group, request).err(), Some(error));
        assert_eq!(*group.snapshot(), *before);
    };
    // No certificate at all.
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // One that the ghost signed: it does not become a verified certificate.
    let forged =
        ghost.device.signing.sign(house.certificate(ghost.account_id, NOW + 1).into_body());
    let opened = verify_certificate(&ghost.attest(forged.encode()), &house.chain);
    assert_eq!(opened.unwrap_err(), ChainError::WrongSigner);
    // One of another structure with the same manager.
    let (elsewhere, _) = House::found(2);
    house.certificates.push(elsewhere.certificate(ghost.account_id, NOW + YEAR));
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // One that has ended, and one that has ended after a longer one.
    house.certificates.push(house.certificate(ghost.account_id, NOW + YEAR));
    house.certificates.push(house.certificate(ghost.account_id, NOW));
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // A certified worker's proof with the ghost's key.
    let worker = person(2, 2);
    house.certify(&worker);
    let (_, stolen) = forge(&ghost, &worker.proof, lifetime());
    let stolen = worker.request(house.id(), bytes(&stolen.into()));
    refused(&house, &mut group, &stolen, GroupError::NotAllowed);
    // A certified worker's key package in somebody else's request, or for another structure.
    let (_, mut request) = worker.ask(house.id());
    request.account_id = ghost.account_id;
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    let (_, request) = worker.ask(elsewhere.id());
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // A lifetime would lock out whoever is away when it ends.
    let (_, mortal) = forge(&worker, &worker.proof, Lifetime::default());
    let mortal = worker.request(house.id(), bytes(&mortal.into()));
    refused(&house, &mut group, &mortal, GroupError::NotAllowed);
    // A flipped bit.
    let (_, mut request) = worker.ask(house.id());
    let middle = request.key_package.len() / 2;
    request.key_package[middle] ^= 1;
    refused(&house, &mut group, &request, GroupError::Damaged);
    // The group is as usable as before.
    house.admit(&mut group, &worker);
}

#[test]
fn members_and_newcomers_refuse_a_ghost_whom_a_manager_added() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (ghost, third) = (person(9, 9), person(3, 3));
    let (_, package) = forge(&ghost, &ghost.proof, lifetime());
    let mut hostile = first.copy().unwrap();
    let (commit, _) = add_unchecked(&mut hostile, &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // Even when the chain claims that very epoch.
    let mut lying = house.copy();
    lying.state(unjudged(&hostile));
    assert_refused(&mut second, &commit, &lying.gate(), GroupError::NotAllowed);

    // A newcomer who is certified, welcomed into the group with the ghost in it.
    house.certify(&third);
    lying.certificates.clone_from(&house.certificates);
    let (newcomer, package) = forge(&third, &third.proof, lifetime());
    let (_, welcome) = add_unchecked(&mut hostile, &house.founder, package);
    lying.state(unjudged(&hostile));
    assert_eq!(newcomer.join(&welcome, &lying.gate()).err(), Some(GroupError::NotAllowed));

    // Nor when the chain has gone further since.
    let mls_epoch = hostile.mls_epoch() + 1;
    lying.state(RosterTerms { mls_epoch, ..unjudged(&hostile) });
    assert_eq!(newcomer.join(&welcome, &lying.gate()).err(), Some(GroupError::NotAllowed));

    // A worker's proof under the ghost's key.
    let worker = person(4, 4);
    house.certify(&worker);
    let (_, package) = forge(&ghost, &worker.proof, lifetime());
    let (commit, _) = add_unchecked(&mut first.copy().unwrap(), &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // A certified worker, for a while only.
    let (_, package) = forge(&worker, &worker.proof, Lifetime::default());
    let (commit, _) = add_unchecked(&mut first.copy().unwrap(), &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // The epoch did not move: the honest commit fits.
    let (_, admission) = house.admit(&mut first, &third);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn only_managers_commit_and_welcome() {
    let (mut house, mut first) = House::found(1);
    let (worker, third) = (person(2, 2), person(3, 3));
    let (mut second, _) = house.admit(&mut first, &worker);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let gate = house.gate();
    // The worker's own client refuses, whichever device it is given.
    for device in [&worker.device, &house.founder.device] {
        let staged = second.stage(Change::Admit(&request), &history(), device, &gate, rng);
        assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    }
    // A manager's client takes only its own device, even beside another manager's.
    let other = person(1, 7);
    let staged = first.stage(Change::Admit(&request), &history(), &other.device, &gate, rng);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // A changed client does not, but everybody else's does.
    let (_, package) = forge(&third, &third.proof, lifetime());
    let (commit, _) = add_unchecked(&mut second.copy().unwrap(), &worker, package);
    assert_refused(&mut first, &commit, &house.gate(), GroupError::NotAllowed);
    // And the newcomer finds no statement for it: a worker's cannot change who is in the roster.
    let package = read_key_package(&second.store, &request.key_package).unwrap();
    let (_, welcome) = add_unchecked(&mut second, &worker, package);
    assert_eq!(newcomer.join(&welcome, &house.gate()).err(), Some(GroupError::Unstated));
}

#[test]
fn a_manager_adds_and_renews_and_nothing_else() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let signer = LeafSigner(&house.founder.device.leaf);

    // A removal.
    let mut hostile = first.copy().unwrap();
    let index = second.mls.own_leaf_index();
    let (commit, _, _) =
        hostile.mls.remove_members(hostile.store.provider(), &signer, &[index]).unwrap();
    assert_refused(&mut second, &bytes(&commit), &house.gate(), GroupError::NotAllowed);

    // A standalone proposal.
    let mut hostile = first.copy().unwrap();
    let proposal = hostile.mls.leave_group(hostile.store.provider(), &signer).unwrap();
    assert_refused(&mut second, &bytes(&proposal), &house.gate(), GroupError::NotAllowed);

    // An application message.
    let mut hostile = first.copy().unwrap();
    let message = hostile.mls.create_message(hostile.store.provider(), &signer, b"hello").unwrap();
    assert_refused(&mut second, &bytes(&message), &house.gate(), GroupError::NotAllowed);

    // A change of the group's context.
    let mut hostile = first.copy().unwrap();
    let (commit, _, _) = hostile
        .mls
        .update_group_context_extensions(hostile.store.provider(), Extensions::empty(), &signer)
        .unwrap();
    assert_refused(&mut second, &bytes(&commit), &house.gate(), GroupError::NotAllowed);

    // Another person's leaf in the committer's place.
    let mut hostile = first.copy().unwrap();
    let other = credential(&person(2, 3).device, &person(2, 3).proof).unwrap();
    let changed = CredentialWithKey {
        credential: other.credential,
        signature_key: house.founder.device.leaf.public().0.to_vec().into(),
    };
    let leaf = LeafNodeParameters::builder().with_credential_with_key(changed).build();
    let bundle = hostile.mls.self_update(hostile.store.provider(), &signer, leaf).unwrap();
    assert_refused(&mut second, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);

    // A worker's leaf, and the worker's own key.
    let mut hostile = first.copy().unwrap();
    let worker = person(2, 3);
    let bundle = NewSignerBundle {
        signer: &LeafSigner(&worker.device.leaf),
        credential_with_key: credential(&worker.device, &worker.proof).unwrap(),
    };
    let leaf = LeafNodeParameters::default();
    let provider = hostile.store.provider();
    let bundle = hostile.mls.self_update_with_new_signer(provider, &signer, bundle, leaf).unwrap();
    assert_refused(&mut second, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);

    // A renewal of the committer's own encryption key.
    let leaf = LeafNodeParameters::default();
    let bundle = first.mls.self_update(first.store.provider(), &signer, leaf).unwrap();
    first.mls.merge_pending_commit(first.store.provider()).unwrap();
    let commit = bytes(bundle.commit());
    house.state(first.roster(&house.gate()).unwrap());
    second.take_in(&commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn nobody_joins_by_themselves() {
    let (mut house, mut first) = House::found(1);
    house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let signer = LeafSigner(&house.founder.device.leaf);
    let crypto = first.store.provider().crypto();
    let info = bytes(&first.mls.export_group_info(crypto, &signer, true).unwrap());
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&info).unwrap();
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { unreachable!() };
    let store = Store::default();
    let signer = LeafSigner(&third.device.leaf);
    let (_, bundle) = MlsGroup::external_commit_builder()
        .with_config(join_config())
        .build_group(store.provider(), info, credential(&third.device, &third.proof).unwrap())
        .unwrap()
        .leaf_node_parameters(
            LeafNodeParameters::builder().with_capabilities(capabilities()).build(),
        )
        .load_psks(store.provider().storage())
        .unwrap()
        .build(store.provider().rand(), store.provider().crypto(), &signer, |_| true)
        .unwrap()
        .finalize(store.provider())
        .unwrap();
    assert_refused(&mut first, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);
}

#[test]
fn extensions_are_refused_wherever_they_are() {
    let (mut house, mut group) = House::found(1);
    let third = person(3, 3);
    house.certify(&third);
    let unknown = Extension::Unknown(0xff01, UnknownExtension(vec![1]));
    let known = [unknown.extension_type(), ExtensionType::LastResort];
    let builder = KeyPackage::builder()
        .key_package_lifetime(lifetime())
        .leaf_node_capabilities(Capabilities::new(None, Some(&[SUITE]), Some(&known), None, None));
    let extended = [
        builder.clone().leaf_node_extensions(Extensions::single(unknown).unwrap()),
        builder.mark_as_last_resort(),
    ];
    for builder in extended {
        let store = Store::default();
        let signer = LeafSigner(&third.device.leaf);
        let credential = credential(&third.device, &third.proof).unwrap();
        let bundle = builder.build(SUITE, store.provider(), &signer, credential).unwrap();
        let request = third.request(house.id(), bytes(&bundle.into_key_package().into()));
        assert_eq!(house.stage(&mut group, &request).err(), Some(GroupError::NotAllowed));
    }
}

/// A group of this structure that was founded with other choices.
fn found_otherwise(house: &House, config: &MlsGroupCreateConfig) -> Group {
    let founder = &house.founder;
    let store = Store::default();
    let signer = LeafSigner(&founder.device.leaf);
    let credential = credential(&founder.device, &founder.proof).unwrap();
    let id = group_id(house.id(), 1);
    let mls =
        MlsGroup::new_with_group_id(store.provider(), &signer, config, id, credential).unwrap();
    Group { structure_id: house.id(), number: 1, store, mls, staged: None }
}

#[test]
fn a_group_with_other_choices_is_nobodys() {
    let (mut house, _) = House::found(1);
    let classical = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
    let config = MlsGroupCreateConfig::builder().ciphersuite(classical).build();
    let group = found_otherwise(&house, &config);
    assert_eq!(group.roster(&house.gate()), Err(GroupError::NotAllowed));

    let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::default());
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .capabilities(capabilities())
        .use_ratchet_tree_extension(true)
        .with_group_context_extensions(Extensions::single(required).unwrap())
        .build();
    let mut group = found_otherwise(&house, &config);
    assert_eq!(group.roster(&house.gate()), Err(GroupError::NotAllowed));
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, package) = forge(&second, &second.proof, lifetime());
    let (_, welcome) = add_unchecked(&mut group, &house.founder, package);
    house.state(unjudged(&group));
    assert_eq!(newcomer.join(&welcome, &house.gate()).err(), Some(GroupError::NotAllowed));
}

#[test]
fn of_two_commits_in_one_epoch_one_counts() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (mut third, admission) = house.admit(&mut first, &person(3, 3));
    second.take_in(&admission.commit, &house.gate()).unwrap();
    let mut twin = first.copy().unwrap();
    let (fourth, fifth) = (person(4, 4), person(5, 5));
    house.certify(&fifth);
    let (_, other) = {
        let (newcomer, request) = fifth.ask(house.id());
        (newcomer, house.stage(&mut twin, &request).unwrap())
    };
    let (_, admission) = house.admit(&mut first, &fourth);
    // Shown the commit that the chain does not name, a member knows that there is a fork.
    assert_refused(&mut third, &other.commit, &house.gate(), GroupError::Fork);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_refused(&mut second, &other.commit, &house.gate(), GroupError::WrongEpoch);
    assert_refused(&mut second, &admission.commit, &house.gate(), GroupError::WrongEpoch);
    // The member who was shown the wrong one goes on with the right one.
    third.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&second, &third, &house);
    assert_agree(&first, &third, &house);
}

#[test]
fn members_who_were_shown_different_groups_find_out() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let mut twin = first.copy().unwrap();
    let mut fork = House::found(1).0;
    fork.chain.clone_from(&house.chain);
    fork.certificates.clone_from(&house.certificates);
    let (_, admission) = fork.admit(&mut twin, &person(5, 5));
    let (_, _) = house.admit(&mut first, &person(4, 4));
    // With a second chain it works for a while ...
    second.take_in(&admission.commit, &fork.gate()).unwrap();
    // ... until the member sees the chain that others see.
    house.certify(&person(5, 5));
    assert_eq!(second.compare(&house.gate()), Err(GroupError::Fork));
    assert_eq!(first.compare(&house.gate()), Ok(()));
}

#[test]
fn a_commit_that_the_chain_does_not_reach_waits() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    assert_refused(&mut second, &admission.commit, &house.gate(), GroupError::Unstated);
    assert_eq!(
        newcomer.join(&welcome(&admission), &house.gate()).err(),
        Some(GroupError::Unstated)
    );
    house.state(admission.roster.clone());
    second.take_in(&admission.commit, &house.gate()).unwrap();
    newcomer.join(&welcome(&admission), &house.gate()).unwrap();
}

#[test]
fn a_member_who_was_away_takes_in_what_was_missed() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let commits: Vec<_> = (3..7).map(|n| house.admit(&mut first, &person(n, n)).1.commit).collect();
    assert_refused(&mut second, &commits[1], &house.gate(), GroupError::WrongEpoch);
    for commit in &commits {
        second.take_in(commit, &house.gate()).unwrap();
    }
    assert_agree(&first, &second, &house);
}

#[test]
fn what_was_missed_is_judged_at_the_time_of_the_newest_statement() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certificates.push(house.certificate(third.account_id, NOW + 10));
    let (_, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    let late = Gate { now: NOW + 10, ..house.gate() };
    assert_refused(&mut second, &admission.commit, &late, GroupError::NotAllowed);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    // Whoever has ended since is nobody's reason to stop, once renewed.
    first.merge_staged().unwrap();
    let (_, admission) = house.admit(&mut first, &person(4, 4));
    house.chain.roster = Some(RosterTerms { mls_epoch: 99, ..unjudged(&first) });
    let late = Gate { now: NOW + 10, ..house.gate() };
    assert_refused(&mut second, &admission.commit, &late, GroupError::NotAllowed);
    house.certify(&third);
    let late = Gate { now: NOW + 10, ..house.gate() };
    second.take_in(&admission.commit, &late).unwrap();
}

#[test]
fn a_damaged_commit_or_one_of_another_structure_changes_nothing() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (_, admission) = house.admit(&mut first, &person(3, 3));
    for index in [0, 3, 40, admission.commit.len() / 2, admission.commit.len() - 1] {
        let mut damaged = admission.commit.clone();
        damaged[index] ^= 1;
        let before = second.snapshot();
        assert!(second.take_in(&damaged, &house.gate()).is_err());
        assert_eq!(*second.snapshot(), *before);
    }
    assert_refused(&mut second, b"", &house.gate(), GroupError::Damaged);
    assert_refused(&mut second, &welcome(&admission), &house.gate(), GroupError::Damaged);
    let (mut elsewhere, mut other) = House::found(2);
    let (mut neighbour, _) = elsewhere.admit(&mut other, &person(2, 2));
    assert_refused(&mut neighbour, &admission.commit, &elsewhere.gate(), GroupError::NotAllowed);
    elsewhere.certify(&person(3, 3));
    assert_refused(&mut second, &admission.commit, &elsewhere.gate(), GroupError::NotAllowed);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn a_refused_admission_leaves_a_usable_group() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (third, fourth) = (person(3, 3), person(4, 4));
    house.certify(&third);
    let (_, request) = third.ask(house.id());
    assert_eq!(first.merge_staged(), Err(GroupError::Staged));
    let refused = house.stage(&mut first, &request).unwrap();
    assert!(first.is_staged());
    assert_eq!(first.mls_epoch(), 1);
    assert_eq!(house.stage(&mut first, &request).err(), Some(GroupError::Staged));
    first.drop_staged().unwrap();
    assert!(!first.is_staged());
    // Had it been accepted after all, this device could not follow: it would have to come anew.
    assert_refused(&mut first, &refused.commit, &house.gate(), GroupError::NotAllowed);
    assert_eq!(first.compare(&house.gate()), Ok(()));
    let (_, admission) = house.admit(&mut first, &fourth);
    assert_ne!(refused.commit, admission.commit);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn a_commit_whose_answer_was_lost_is_known_again() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    let kept = first.snapshot();
    drop(first);
    let mut first = Group::resume(house.id(), 1, &kept).unwrap();
    assert!(first.is_staged());
    house.state(admission.roster.clone());
    first.take_in(&admission.commit, &house.gate()).unwrap();
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert!(!first.is_staged());
    assert_agree(&first, &second, &house);
    let third = newcomer.join(&welcome(&admission), &house.gate()).unwrap();
    assert_agree(&first, &third, &house);
}

#[test]
fn a_manager_who_was_too_late_takes_in_the_other_commit() {
    let (mut house, mut first) = House::found(1);
    // The founder's second device: a manager too.
    let device = person(1, 7);
    let (mut second, _) = house.admit(&mut first, &device);
    let (third, fourth) = (person(3, 3), person(4, 4));
    house.certify(&fourth);
    let (_, request) = fourth.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let gate = house.gate();
    second.stage(Change::Admit(&request), &history(), &device.device, &gate, rng).unwrap();
    let (_, admission) = house.admit(&mut first, &third);
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert!(!second.is_staged());
    assert_agree(&first, &second, &house);
    // And tries again.
    let gate = house.gate();
    let again =
        second.stage(Change::Admit(&request), &history(), &device.device, &gate, rng).unwrap();
    second.merge_staged().unwrap();
    house.state(again.roster);
    first.take_in(&again.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn everybody_goes_on_from_a_snapshot() {
    let (mut house, first) = House::found(1);
    let mut first = Group::resume(house.id(), 1, &first.snapshot()).unwrap();
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let newcomer = Newcomer::resume(&newcomer.snapshot()).unwrap();
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    first.merge_staged().unwrap();
    let second = newcomer.join(&welcome(&admission), &house.gate()).unwrap();
    let mut second = Group::resume(house.id(), 1, &second.snapshot()).unwrap();
    let mut first = Group::resume(house.id(), 1, &first.snapshot()).unwrap();
    let (_, admission) = house.admit(&mut first, &person(3, 3));
    second.take_in(&admission.commit, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
    let resumed = Group::resume(house.id(), 1, &second.snapshot()).unwrap();
    assert_eq!(*resumed.snapshot(), *second.snapshot(), "one state, one snapshot");
}

#[test]
fn a_snapshot_of_something_else_does_not_resume() {
    let (house, group) = House::found(1);
    let snapshot = group.snapshot();
    let other = StructureId([9; 32]);
    assert_eq!(Group::resume(other, 1, &snapshot).err(), Some(GroupError::Damaged));
    let (newcomer, _) = Newcomer::new(&house.founder.device, &house.founder.proof).unwrap();
    let waiting = newcomer.snapshot();
    assert_eq!(Group::resume(house.id(), 1, &waiting).err(), Some(GroupError::Damaged));
    for cut in [0, 1, snapshot.len() / 2, snapshot.len() - 1] {
        assert_eq!(Group::resume(house.id(), 1, &snapshot[..cut]).err(), Some(GroupError::Damaged));
    }
    let longer = [snapshot.as_slice(), &[0]].concat();
    assert_eq!(Group::resume(house.id(), 1, &longer).err(), Some(GroupError::Damaged));
}

#[test]
fn a_refused_welcome_leaves_the_newcomer_waiting() {
    let (mut house, mut first) = House::found(1);
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    let whole = welcome(&admission);
    for index in [3, 60, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[index] ^= 1;
        assert!(newcomer.join(&damaged, &house.gate()).is_err());
    }
    assert_eq!(newcomer.join(b"", &house.gate()).err(), Some(GroupError::Damaged));
    let refused = newcomer.join(&admission.commit, &house.gate()).err();
    assert_eq!(refused, Some(GroupError::Damaged));
    // A welcome into another structure of the same manager.
    let (mut elsewhere, mut other) = House::found(2);
    elsewhere.certify(&second);
    let lure = second.request(elsewhere.id(), request.key_package.clone());
    let lure = elsewhere.stage(&mut other, &lure).unwrap();
    elsewhere.state(lure.roster.clone());
    let refused = newcomer.join(&welcome(&lure), &house.gate()).err();
    assert_eq!(refused, Some(GroupError::NotAllowed));
    // Another newcomer's welcome.
    let (stranger, _) = person(5, 5).ask(house.id());
    let refused = stranger.join(&welcome(&admission), &house.gate()).err();
    assert_eq!(refused, Some(GroupError::Damaged));
    newcomer.join(&welcome(&admission), &house.gate()).unwrap();
}

#[test]
fn a_newcomer_refuses_a_group_that_the_chain_describes_otherwise() {
    let (mut house, mut first) = House::found(1);
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    let truth = admission.roster.clone();
    let mut lies = [truth.clone(), truth.clone(), truth.clone()];
    lies[0].authenticator_hash[0] ^= 1;
    lies[1].tree_hash[0] ^= 1;
    lies[2].roster_size += 1;
    for lie in lies {
        let mut lying = house.copy();
        lying.state(lie);
        let refused = newcomer.join(&welcome(&admission), &lying.gate()).err();
        assert_eq!(refused, Some(GroupError::Fork));
    }
    // A certificate that was renewed since is no lie.
    house.state(truth);
    house.certify_founder();
    newcomer.join(&welcome(&admission), &house.gate()).unwrap();
}

#[test]
fn a_member_whose_certificate_has_ended_is_renewed_before_others_join() {
    let (mut house, mut first) = House::found(1);
    let (second, third) = (person(2, 2), person(3, 3));
    house.certificates.push(house.certificate(second.account_id, NOW + 10));
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    first.merge_staged().unwrap();
    newcomer.join(&welcome(&admission), &house.gate()).unwrap();
    house.certify(&third);
    let (_, request) = third.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let later = Gate { now: NOW + 10, ..house.gate() };
    let device = &house.founder.device;
    let staged = first.stage(Change::Admit(&request), &history(), device, &later, rng);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    house.certificates.push(house.certificate(second.account_id, NOW + YEAR));
    let later = Gate { now: NOW + 10, ..house.gate() };
    let device = &house.founder.device;
    first.stage(Change::Admit(&request), &history(), device, &later, rng).unwrap();
}
