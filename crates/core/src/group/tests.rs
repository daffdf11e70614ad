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
    statement::{Attested, Body, KeysProof, Signer as StatementSigner},
    structure::{
        Certificate, ChainError, EpochTerms, Founding, JoinRequest, LeafRequest, Link, Role,
        StructureBody, StructureChain, StructureStatement, verify_certificate, verify_leaf_request,
    },
};

mod commits;
mod intruders;
mod members;
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
    device_named(account, DeviceId([device; 16]), device)
}

/// The same, under any id.
fn device_named(account: u8, device_id: DeviceId, seed: u8) -> Person {
    let secrets = AccountSecrets::derive(Root::from_bytes([account; 32]), 1);
    let keys = secrets.public();
    let root = StatementSigner::Root { generation: 1 };
    let open = Body::Open { keys: keys.clone() };
    let opening = Manifest::before(keys).next(root, open, NOW, [1; 16]);
    let opening = secrets.signing.sign(opening).encode();
    let (manifest, _) = Manifest::begin(Unverified::decode(&opening).unwrap()).unwrap();
    let device = DeviceSecrets::derive(DeviceSeed::from_bytes([seed; 32]));
    let (signing, leaf) = (device.signing.public(), device.leaf.public());
    let add = manifest.next(root, Body::AddDevice { device_id, signing, leaf }, NOW, [2; 16]);
    let added = secrets.signing.sign(add).encode();
    let proof = DeviceProof { keys: KeysProof::of_first(opening), device: added };
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
    root: [u8; 32],
    chain: StructureChain,
    certificates: Vec<Signed<Certificate>>,
}

impl House {
    fn found(nonce: u8) -> (Self, Group) {
        let founder = person(1, 1);
        let seed = [nonce; 32];
        let root = SignKey::from_seed(&seed);
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
        let mut house = Self { founder, root: seed, chain, certificates: vec![] };
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
        Self { founder: person(1, 1), root: self.root, chain, certificates }
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
        self.say(StructureBody::Roster { terms: roster, answers: None });
    }

    fn say(&mut self, body: StructureBody) {
        self.try_to_say(body).unwrap();
    }

    fn next(&self, body: StructureBody) -> StructureStatement {
        let (sequence, previous) = self.chain.head();
        StructureStatement {
            suite: Suite::V1,
            structure_id: self.id(),
            sequence: sequence + 1,
            previous,
            made_at: NOW,
            body,
        }
    }

    fn say_with_the_paper(&mut self, body: StructureBody) {
        let said = by_root(&SignKey::from_seed(&self.root), self.next(body));
        self.chain.append(&said).unwrap();
    }

    fn try_to_say(&mut self, body: StructureBody) -> Result<(), ChainError> {
        let signed = self.founder.device.signing.sign(self.next(body));
        let statement = Attested { object: signed.encode(), proof: self.founder.proof.clone() };
        self.chain.append(&Link::Manager { statement }.encode())
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
        (newcomer.join(&welcome(&admission), None, &self.gate()).unwrap(), admission)
    }

    /// What whoever answers it next checks of a request.
    fn read(&self, attested: &[u8]) -> Result<Signed<LeafRequest>, ChainError> {
        verify_leaf_request(attested, self.id(), (self.chain.head().0 + 1, NOW))
    }

    /// Another device of somebody who is here asks, and comes in.
    fn let_in(&mut self, group: &mut Group, person: &Person) -> Group {
        let (newcomer, _, request) = ask_for_leaf(person, self);
        let (rng, device) = (&mut UnwrapErr(SysRng), &self.founder.device);
        let change = Change::Leaf(&request);
        let staged = group.stage(change, &history(), device, &self.gate(), rng).unwrap();
        let answers = Some(request.hash());
        self.say(StructureBody::Roster { terms: staged.roster.clone(), answers });
        group.merge_staged().unwrap();
        newcomer.join(&welcome(&staged), answers, &self.gate()).unwrap()
    }
}

/// A request of `person` for a leaf, as it travels, and as whoever is given it reads it.
fn ask_for_leaf(person: &Person, house: &House) -> (Newcomer, Vec<u8>, Signed<LeafRequest>) {
    let (newcomer, key_package) = Newcomer::new(&person.device, &person.proof).unwrap();
    let request = LeafRequest {
        suite: Suite::V1,
        structure_id: house.id(),
        account_id: person.account_id,
        device_id: person.device_id,
        sequence: house.chain.head().0,
        made_at: NOW,
        key_package,
    };
    let attested = person.attest(person.device.signing.sign(request).encode());
    let request = house.read(&attested).unwrap();
    (newcomer, attested, request)
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
    assert_eq!(group.take_in(commit, None, gate), Err(error));
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
