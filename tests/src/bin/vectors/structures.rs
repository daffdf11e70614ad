//! Structures: chains from their founding, certificates, invitations, receipts, acceptance.

use anyhow::Result;
use ed25519_dalek::SigningKey;
use reconnect_core::{key::RecipientKey, secret::EpochSeed, words::PaperSecret};
use reconnect_format::{
    PublicKey, Suite,
    account::RecipientPublicKey,
    encode,
    id::{GrantId, InvitationId, StructureId},
    receipt::{Receipt, Subject},
    statement::Attested,
    structure::{
        Acceptance, Certificate, EpochTerms, Founding, Invitation, Link, Role, RosterTerms,
        StructureBody, StructureStatement,
    },
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, hash, sign},
    draw, flip, flip_last, seeded,
};

#[path = "introductions.rs"]
mod introductions;
#[path = "leaves.rs"]
mod leaves;
#[path = "structures_over_time.rs"]
mod over_time;

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut place = Place::found()?;
    beginnings(writer, &mut place)?;
    links(writer, &mut place)?;
    over_time::write(writer)?;
    seen(writer, &place)?;
    certificates(writer, &mut place)?;
    words(writer, &mut place)?;
    leaves::write(writer, &mut place)?;
    introductions::write(writer)
}

/// A structure with a founder, and somebody who is nobody in it.
struct Place {
    founder: Person,
    stranger: Person,
    founding: Founding,
    root: SigningKey,
    id: StructureId,
    chain: Vec<Vec<u8>>,
    hashes: Vec<[u8; 32]>,
}

impl Place {
    fn found() -> Result<Self> {
        let mut founder = Person::open(seeded("founder"))?;
        let root = SigningKey::from_bytes(&draw(&mut founder.rng));
        let founding = Founding {
            suite: Suite::V1,
            name: b"Maison de la Source".to_vec(),
            place: b"Marseille".to_vec(),
            root: PublicKey(root.verifying_key().to_bytes()),
            recovery: Box::new(recovery(&mut founder)),
            founder: founder.account,
            nonce: draw(&mut founder.rng),
        };
        let mut place = Self {
            stranger: Person::open(seeded("a stranger to the structure"))?,
            id: StructureId(hash("structure id", &encode(&founding))),
            chain: Vec::new(),
            hashes: Vec::new(),
            founding,
            root,
            founder,
        };
        let first = place.next(StructureBody::Found(place.founding.clone()));
        place.say_as_root(&first);
        let epoch = StructureBody::Epoch(place.epoch(1));
        place.say(epoch);
        let roster = joined(place.roster(1));
        place.say(roster);
        Ok(place)
    }

    fn take(&mut self, object: &[u8], travels: Vec<u8>) {
        self.hashes.push(hash("structure statement", object));
        self.chain.push(travels);
    }

    fn say(&mut self, body: StructureBody) {
        let statement = self.next(body);
        let object = sign(&self.founder.device_key, &statement);
        self.take(&object, by_manager(&self.founder, &statement));
    }

    fn say_as_root(&mut self, statement: &StructureStatement) {
        let object = sign(&self.root, statement);
        self.take(&object, by_root(&self.root, statement));
    }

    fn next(&self, body: StructureBody) -> StructureStatement {
        StructureStatement {
            suite: Suite::V1,
            structure_id: self.id,
            sequence: self.chain.len() as u64 + 1,
            previous: self.hashes.last().copied().unwrap_or_default(),
            made_at: NOW,
            body,
        }
    }

    fn roster(&mut self, mls_epoch: u64) -> RosterTerms {
        let rng = &mut self.founder.rng;
        RosterTerms {
            group: 1,
            mls_epoch,
            roster_hash: draw(rng),
            roster_size: 2,
            tree_hash: draw(rng),
            authenticator_hash: draw(rng),
        }
    }

    fn epoch(&mut self, epoch: u64) -> EpochTerms {
        let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut self.founder.rng));
        EpochTerms {
            epoch,
            recipient: Box::new(key.public().clone()),
            roster: self.roster(epoch - 1),
            revoked: Vec::new(),
        }
    }

    fn vector(&self, name: &str, rule: &'static str, about: &'static str) -> Vector {
        let vector = Vector::new("structure", name, rule, about).hex("structure", self.id.0);
        vector.items(self.chain.clone())
    }
}

/// A roster whose commit answers no request.
fn joined(terms: RosterTerms) -> StructureBody {
    StructureBody::Roster { terms, answers: None }
}

fn recovery(person: &mut Person) -> RecipientPublicKey {
    PaperSecret::generate(&mut person.rng).structure_recovery().public().clone()
}

/// Section 13.2: a link that the structure's root signed.
pub(super) fn by_root(root: &SigningKey, statement: &StructureStatement) -> Vec<u8> {
    encode(&Link::Root { statement: sign(root, statement) })
}

/// Section 13.2: a link that a manager's device signed.
pub(super) fn by_manager(manager: &Person, statement: &StructureStatement) -> Vec<u8> {
    let object = sign(&manager.device_key, statement);
    encode(&Link::Manager { statement: Attested { object, proof: manager.proof() } })
}

fn beginnings(writer: &mut Writer, place: &mut Place) -> Result<()> {
    let good = place
        .vector("founded", "STRUCT-6", "founding, first epoch, a newcomer")
        .hex("sequence", 3_u64.to_be_bytes())
        .hex("head", place.hashes[2]);
    writer.put(&good)?;
    let bare = place.vector("", "STRUCT-1", "");
    let bad = |name, expect, about| bare.spoilt(name, "STRUCT-1", expect, about);
    writer.put(&bad("nothing", "other_chain", "no statement at all").items([]))?;
    let other = bad("another-id", "other_chain", "a true chain, not of the id that was compared");
    writer.put(&other.hex("structure", [7; 32]))?;
    let mut lookalike = place.founding.clone();
    lookalike.nonce[0] ^= 1;
    let mut statement = place.next(StructureBody::Found(lookalike));
    (statement.sequence, statement.previous) = (1, [0; 32]);
    let about = "the same name and root, another nonce: another structure";
    let vector = bad("a-lookalike", "other_chain", about);
    writer.put(&vector.item(by_root(&place.root, &statement)))?;
    for (name, about, change) in [
        ("name-of-nothing", "no name", (|f| f.name.clear()) as fn(&mut Founding)),
        ("name-too-long", "121 bytes", |f| f.name = vec![b'a'; 121]),
        ("name-not-text", "not UTF-8", |f| f.name = vec![0xff]),
        ("name-of-spaces", "white space alone", |f| f.name = b"   ".to_vec()),
        ("place-with-a-newline", "a control character", |f| f.place.push(b'\n')),
        ("place-that-turns", "writes the rest from right to left", |f| {
            f.place = "Marseille\u{202e}".into();
        }),
    ] {
        let mut founding = place.founding.clone();
        change(&mut founding);
        let id = StructureId(hash("structure id", &encode(&founding)));
        let mut other = statement.clone();
        other.structure_id = id;
        other.body = StructureBody::Found(founding);
        let vector = bare.spoilt(name, "STRUCT-8", "other_chain", about).hex("structure", id.0);
        writer.put(&vector.item(by_root(&place.root, &other)))?;
    }
    statement.body = StructureBody::Found(place.founding.clone());
    let forged = by_root(&place.founder.device_key, &statement);
    let vector =
        bad("founded-by-a-device", "bad_signature", "not signed by the root that it names");
    writer.put(&vector.item(forged))?;
    let mut second = statement.clone();
    second.sequence = 2;
    let vector = bad("begins-at-2", "other_chain", "the first is the second");
    writer.put(&vector.item(by_root(&place.root, &second)))?;
    let roster = place.roster(1);
    statement.body = joined(roster);
    let vector = bad("first-is-not-found", "other_chain", "begins with a roster");
    writer.put(&vector.item(by_root(&place.root, &statement)))
}

fn links(writer: &mut Writer, place: &mut Place) -> Result<()> {
    let chain = place.chain.clone();
    let id = place.id.0;
    let mut refuse = |name, rule, expect, about, travels: Vec<u8>| {
        let items = chain.iter().cloned().chain([travels]);
        let vector = Vector::new("structure", name, rule, about).expect(expect);
        writer.put(&vector.hex("structure", id).items(items))
    };
    let roster = joined(place.roster(2));
    let next = place.next(roster);
    for (name, about, change) in [
        ("link-skipped", "a number is left out", (|s| s.sequence += 1) as Change),
        ("link-repeated", "a number comes twice", |s| s.sequence -= 1),
        ("link-to-another", "follows something else", |s| s.previous[0] ^= 1),
        ("link-of-another", "another structure's statement", |s| s.structure_id.0[0] ^= 1),
    ] {
        let mut other = next.clone();
        change(&mut other);
        refuse(name, "STRUCT-3", "other_chain", about, by_manager(&place.founder, &other))?;
    }
    let about = "a true device of somebody who is no manager";
    let by_stranger = by_manager(&place.stranger, &next);
    refuse("by-a-stranger", "STRUCT-3", "wrong_signer", about, by_stranger)?;
    let object = sign(&place.stranger.device_key, &next);
    let statement = Attested { object, proof: place.founder.proof() };
    let borrowed = encode(&Link::Manager { statement });
    let about = "a stranger's signature beside a manager's proof";
    refuse("by-a-borrowed-proof", "DEV-2", "bad_signature", about, borrowed)?;
    let about = "the root says nothing of a roster";
    let by_the_root = by_root(&place.root, &next);
    refuse("roster-by-the-root", "STRUCT-3", "wrong_signer", about, by_the_root)?;
    let by_another = by_root(&place.founder.device_key, &next);
    refuse("by-another-root", "STRUCT-3", "bad_signature", "not the structure's root", by_another)?;
    let founding = place.next(StructureBody::Found(place.founding.clone()));
    let again = by_manager(&place.founder, &founding);
    refuse("founded-again", "STRUCT-3", "other_chain", "a second founding", again)?;
    for (name, about, epoch) in
        [("epoch-skipped", "epoch 3 after 1", 3), ("epoch-repeated", "epoch 1 after 1", 1)]
    {
        let epoch = StructureBody::Epoch(place.epoch(epoch));
        let travels = by_manager(&place.founder, &place.next(epoch));
        refuse(name, "STRUCT-4", "other_chain", about, travels)?;
    }
    let same = joined(place.roster(1));
    let again = by_manager(&place.founder, &place.next(same));
    let about = "a roster of an MLS epoch that was stated before";
    refuse("mls-epoch-again", "STRUCT-5", "other_chain", about, again)?;
    let mut back = place.epoch(2);
    back.roster.mls_epoch = 0;
    let back = by_manager(&place.founder, &place.next(StructureBody::Epoch(back)));
    let about = "a recipient epoch of an older MLS epoch";
    refuse("mls-epoch-back", "STRUCT-5", "other_chain", about, back)?;
    let mut torn = by_manager(&place.founder, &next);
    flip(101)(&mut torn);
    let about = "one bit of the roster's hash";
    refuse("one-bit", "SIG-2", "bad_signature", about, torn)
}

type Change = fn(&mut StructureStatement);

fn seen(writer: &mut Writer, place: &Place) -> Result<()> {
    let with = |name, expect, about, sequence: u64, head: [u8; 32]| {
        place
            .vector(name, "STRUCT-7", about)
            .expect(expect)
            .with("seen_sequence", sequence)
            .hex("seen_head", head)
    };
    let about = "what was seen is still there";
    writer.put(&with("seen-before", "ok", about, 2, place.hashes[1]))?;
    let about = "more was seen than is shown";
    writer.put(&with("rolled-back", "rollback", about, 4, [7; 32]))?;
    let about = "something else was seen in that place";
    writer.put(&with("changed", "other_chain", about, 3, [7; 32]))?;
    writer.put(&with("seen-number-0", "rollback", "numbers count from 1", 0, [0; 32]))
}

fn certificates(writer: &mut Writer, place: &mut Place) -> Result<()> {
    let certificate = Certificate {
        suite: Suite::V1,
        structure_id: place.id,
        serial: 2,
        number: 2,
        account_id: place.stranger.account,
        role: Role::Worker,
        ends_at: NOW + 365 * 86_400,
    };
    let signed = sign(&place.founder.device_key, &certificate);
    let with = |certificate: Vec<u8>| [certificate].into_iter().chain(place.chain.clone());
    let good =
        Vector::new("certificate", "of-a-worker", "CERT-1", "signed by the founder's device")
            .hex("structure", place.id.0)
            .hex("hash", hash("certificate", &signed))
            .items(with(place.founder.attest(&certificate)));
    writer.put(&good)?;
    let bad = |name, expect, about| good.spoilt(name, "CERT-1", expect, about).without("hash");
    let by_stranger = place.stranger.attest(&certificate);
    let vector = bad("by-oneself", "wrong_signer", "who is certified certifies themselves");
    writer.put(&vector.items(with(by_stranger)))?;
    let mut other = certificate.clone();
    other.structure_id.0[0] ^= 1;
    let vector = bad("of-another-structure", "other_chain", "the founder's, for elsewhere");
    writer.put(&vector.items(with(place.founder.attest(&other))))?;
    let vector = bad("another-role", "bad_signature", "a worker's becomes a manager's");
    // Length of the object in two bytes, then suite, structure, serial, number, account: the role.
    writer.put(&vector.change(|bytes| bytes[2 + 2 + 32 + 8 + 4 + 32] = 1))?;
    let vector = bad("another-end", "bad_signature", "one bit of the end");
    writer.put(&vector.change(flip(2 + 2 + 32 + 8 + 4 + 32 + 8)))?;
    let vector = bad("role-3", "unknown_version", "there is no third role");
    writer.put(&vector.change(|bytes| bytes[2 + 2 + 32 + 8 + 4 + 32] = 3))
}

/// What devices and the operator sign besides.
fn words(writer: &mut Writer, place: &mut Place) -> Result<()> {
    let reader = &mut place.stranger;
    let receipt = Receipt {
        suite: Suite::V1,
        grant_id: GrantId(draw(&mut reader.rng)),
        owner: place.founder.account,
        structure_id: place.id,
        worker_number: 2,
        account_id: reader.account,
        device_id: reader.device,
        subject: Subject::List,
        made_at: NOW,
        nonce: draw(&mut reader.rng),
    };
    let object = sign(&reader.device_key, &receipt);
    let good = Vector::new("receipt", "of-a-list", "RCPT-2", "signed by the reader's device")
        .hex("hash", hash("receipt", &object))
        .hex("account", reader.account.0)
        .hex("device", reader.device.0)
        .item(reader.attest(&receipt));
    writer.put(&good)?;
    let bad = |name, rule, expect, about| good.spoilt(name, rule, expect, about);
    let vector = bad("another-grant", "RCPT-2", "bad_signature", "one bit of the grant");
    writer.put(&vector.change(flip(4)))?;
    let vector = bad("another-proof", "DEV-2", "bad_signature", "one bit of the proof");
    writer.put(&vector.change(flip_last))?;
    let framed = encode(&Attested { object, proof: place.founder.proof() });
    let vector = bad("framed", "DEV-2", "bad_signature", "somebody else's proof beside it");
    writer.put(&vector.item(framed))?;
    let subject = bad("subject-4", "CODEC-2", "unknown_version", "there is no fourth subject");
    writer.put(&subject.change(|bytes| bytes[2 + 2 + 16 + 32 + 32 + 4 + 32 + 16] = 4))?;
    let invitation = Invitation {
        suite: Suite::V1,
        structure_id: place.id,
        invitation_id: InvitationId(draw(&mut place.founder.rng)),
        role: Role::Worker,
        ends_at: NOW + 86_400,
    };
    let object = sign(&place.founder.device_key, &invitation);
    let good = Vector::new("invitation", "for-a-worker", "INV-1", "the secret is not in it")
        .hex("hash", hash("invitation", &object))
        .item(place.founder.attest(&invitation));
    writer.put(&good)?;
    let vector = good.spoilt("another-role", "INV-1", "bad_signature", "as a manager");
    writer.put(&vector.change(|bytes| bytes[2 + 2 + 32 + 16] = 1))?;
    let operator = SigningKey::from_bytes(&draw(&mut place.founder.rng));
    let acceptance = Acceptance { suite: Suite::V1, structure_id: place.id, accepted_at: NOW + 60 };
    let signed = sign(&operator, &acceptance);
    let good = Vector::new("acceptance", "by-the-operator", "SIG-2", "one structure, one time")
        .hex("signing", operator.verifying_key().to_bytes())
        .hex("hash", hash("acceptance", &signed))
        .item(signed);
    writer.put(&good)?;
    let about = "another structure's id";
    let vector = good.spoilt("of-another", "SIG-2", "bad_signature", about);
    writer.put(&vector.change(flip(2)))
}
