//! What a structure's chain says over time: managers, epochs and groups that come and go, its end.

use anyhow::Result;
use reconnect_format::{
    PublicKey, Suite, encode,
    statement::Attested,
    structure::{
        Certificate, EpochTerms, Link, Motion, MotionAbout, Role, RosterTerms, StructureBody,
        StructureStatement,
    },
};

use super::{Place, by_manager, by_root, joined, recovery};
use crate::{
    Vector, Writer,
    byhand::{NOW, Person, sign},
    draw, seeded,
};

const DAY: u64 = 86_400;

/// Name, rule, what is found, why, and what is changed for it.
type Case<T> = (&'static str, &'static str, &'static str, &'static str, fn(&mut T));

/// Whose signature a link carries.
enum By<'a> {
    Root,
    Manager(&'a Person),
    /// With this certificate beside it.
    Member(&'a Person, Attested),
}

/// A structure of three managers and a worker.
struct Stage {
    place: Place,
    second: Person,
    third: Person,
    worker: Person,
}

pub(super) fn write(writer: &mut Writer) -> Result<()> {
    let mut stage = Stage::found()?;
    let good = stage
        .vector("three-managers", "STRUCT-9", "the founder added two")
        .hex("sequence", stage.place.chain.len().to_be_bytes());
    writer.put(&good)?;
    managers(writer, &mut stage)?;
    ends(writer, &mut stage)?;
    epochs(writer, &mut stage)?;
    members(writer, &mut stage)
}

impl Stage {
    fn found() -> Result<Self> {
        let mut place = Place::found()?;
        let second = Person::open(seeded("a second manager"))?;
        let third = Person::open(seeded("a third manager"))?;
        let worker = Person::open(seeded("a worker"))?;
        for account_id in [second.account, third.account] {
            place.say(StructureBody::AddManager { account_id });
        }
        Ok(Self { place, second, third, worker })
    }

    fn vector(&self, name: &str, rule: &'static str, about: &'static str) -> Vector {
        self.place.vector(name, rule, about)
    }

    fn link(&self, by: By<'_>, statement: &StructureStatement) -> Vec<u8> {
        match by {
            By::Root => by_root(&self.place.root, statement),
            By::Manager(manager) => by_manager(manager, statement),
            By::Member(member, certificate) => {
                let object = sign(&member.device_key, statement);
                let statement = Attested { object, proof: member.proof() };
                encode(&Link::Member { statement, certificate })
            }
        }
    }

    /// The chain so far and one more link.
    fn put(
        &self,
        writer: &mut Writer,
        (name, rule, expect): (&str, &'static str, &'static str),
        about: &'static str,
        link: Vec<u8>,
    ) -> Result<()> {
        let vector = Vector::new("structure", name, rule, about)
            .expect(expect)
            .hex("structure", self.place.id.0)
            .items(self.place.chain.iter().cloned().chain([link]));
        writer.put(&vector)
    }

    fn motion(&self, about: MotionAbout) -> Motion {
        Motion {
            suite: Suite::V1,
            structure_id: self.place.id,
            sequence: self.place.chain.len() as u64,
            made_at: NOW,
            about,
        }
    }

    /// A statement that removes the third manager, with a motion.
    fn removal(&self, motion: Option<Attested>) -> StructureStatement {
        let account_id = self.third.account;
        self.place.next(StructureBody::RemoveManager { account_id, last_serial: 7, motion })
    }
}

fn attested(mover: &Person, motion: &Motion) -> Attested {
    Attested { object: sign(&mover.device_key, motion), proof: mover.proof() }
}

fn managers(writer: &mut Writer, stage: &mut Stage) -> Result<()> {
    let (founder, second, third) = (&stage.place.founder, &stage.second, &stage.third);
    let about = MotionAbout::RemoveManager(third.account);
    let moved = stage.motion(about);
    let good = stage.removal(Some(attested(second, &moved)));
    let by_founder = |statement: &StructureStatement| stage.link(By::Manager(founder), statement);
    let put = |writer: &mut Writer, name, expect, about, link| {
        stage.put(writer, (name, "STRUCT-9", expect), about, link)
    };
    put(writer, "removed-by-two", "ok", "one moves, another carries it", by_founder(&good))?;
    let alone = stage.removal(None);
    put(writer, "removed-by-one", "wrong_signer", "no motion", by_founder(&alone))?;
    let by_root = stage.link(By::Root, &alone);
    put(writer, "removed-by-the-root", "ok", "the root needs nobody", by_root)?;
    let by_root = stage.link(By::Root, &good);
    put(writer, "root-with-a-motion", "wrong_signer", "the root carries no motion", by_root)?;
    let own = stage.link(By::Manager(third), &alone);
    put(writer, "leaves-by-themselves", "ok", "one's own removal needs nobody", own)?;
    let own = stage.link(By::Manager(third), &good);
    put(writer, "carries-it-themselves", "wrong_signer", "who is removed carries nothing", own)?;
    for (name, why, mover) in [
        ("moved-by-the-carrier", "one person is not two", founder),
        ("moved-by-the-removed", "who is removed moves nothing", third),
        ("moved-by-a-worker", "a stranger's motion", &stage.worker),
    ] {
        let motion = attested(mover, &moved);
        put(writer, name, "wrong_signer", why, by_founder(&stage.removal(Some(motion))))?;
    }
    for (name, why, change) in [
        (
            "motion-for-another",
            "moved about the second",
            (|m, stage| {
                m.about = MotionAbout::RemoveManager(stage.second.account);
            }) as fn(&mut Motion, &Stage),
        ),
        ("motion-to-close", "moved to close", |m, _| m.about = MotionAbout::Close),
        ("motion-elsewhere", "moved in another structure", |m, _| m.structure_id.0[0] ^= 1),
        ("motion-too-old", "thirty days and a second", |m, _| m.made_at -= 30 * DAY + 1),
        ("motion-of-before", "from before the third was a manager", |m, _| m.sequence -= 1),
        ("motion-of-later", "names a statement that does not exist", |m, _| m.sequence += 1),
    ] {
        let mut motion = moved.clone();
        change(&mut motion, stage);
        let removal = stage.removal(Some(attested(second, &motion)));
        put(writer, name, "wrong_signer", why, by_founder(&removal))?;
    }
    let borrowed = Attested { object: sign(&founder.device_key, &moved), proof: second.proof() };
    let removal = by_founder(&stage.removal(Some(borrowed)));
    put(writer, "motion-borrowed-proof", "bad_signature", "another's proof", removal)?;
    let account_id = stage.worker.account;
    let add = stage.place.next(StructureBody::AddManager { account_id });
    let link = stage.link(By::Manager(second), &add);
    put(writer, "added-by-a-manager", "ok", "any manager adds one", link)?;
    put(writer, "added-by-the-root", "ok", "so does the root", stage.link(By::Root, &add))?;
    let link = stage.link(By::Manager(&stage.worker), &add);
    put(writer, "adds-themselves", "wrong_signer", "a worker makes themselves one", link)?;
    let account_id = second.account;
    let add = by_founder(&stage.place.next(StructureBody::AddManager { account_id }));
    put(writer, "added-twice", "other_chain", "a manager is not added again", add)?;
    let (account_id, last_serial) = (stage.worker.account, 7);
    let body = StructureBody::RemoveManager { account_id, last_serial, motion: None };
    let link = stage.link(By::Root, &stage.place.next(body));
    put(writer, "removed-is-none", "other_chain", "who is no manager is not removed", link)
}

/// Root, certificates of somebody who was a manager, the last manager, the end.
fn ends(writer: &mut Writer, stage: &mut Stage) -> Result<()> {
    let closing = MotionAbout::Close;
    let moved = stage.motion(closing);
    let motion = Some(attested(&stage.second, &moved));
    let close = stage.place.next(StructureBody::Close { motion });
    let alone = stage.place.next(StructureBody::Close { motion: None });
    let put = |writer: &mut Writer, name, rule, expect, about, link| {
        stage.put(writer, (name, rule, expect), about, link)
    };
    let by_founder = |statement| stage.link(By::Manager(&stage.place.founder), statement);
    put(writer, "closed-by-two", "STRUCT-10", "ok", "two managers", by_founder(&close))?;
    put(writer, "closed-by-one", "STRUCT-10", "wrong_signer", "one", by_founder(&alone))?;
    let link = stage.link(By::Root, &alone);
    put(writer, "closed-by-the-root", "STRUCT-10", "ok", "or the root", link.clone())?;
    let mut closed = stage.place.chain.clone();
    closed.push(link);
    let mut after =
        stage.place.next(StructureBody::AddManager { account_id: stage.worker.account });
    after.sequence += 1;
    after.previous = super::hash("structure statement", &sign(&stage.place.root, &alone));
    closed.push(by_founder(&after));
    let about = "something is said after the end";
    let vector = Vector::new("structure", "goes-on-after-the-end", "STRUCT-10", about);
    let vector = vector.expect("other_chain").hex("structure", stage.place.id.0);
    writer.put(&vector.items(closed))?;
    let root = PublicKey(stage.second.device_key.verifying_key().to_bytes());
    let key = recovery(&mut stage.worker);
    let replaced = stage.place.next(StructureBody::ReplaceRoot { root, recovery: Box::new(key) });
    let put = |writer: &mut Writer, name, expect, about, link| {
        stage.put(writer, (name, "STRUCT-9", expect), about, link)
    };
    let link = stage.link(By::Root, &replaced);
    put(writer, "root-replaced", "ok", "by the old one", link)?;
    let link = stage.link(By::Manager(&stage.place.founder), &replaced);
    put(writer, "root-replaced-by-a-manager", "wrong_signer", "only the root does that", link)?;
    let mut lonely = Place::found()?;
    let (account_id, last_serial) = (lonely.founder.account, 1);
    let last = lonely.next(StructureBody::RemoveManager { account_id, last_serial, motion: None });
    let link = by_root(&lonely.root, &last);
    let about = "a structure without a manager";
    let vector = Vector::new("structure", "last-manager", "STRUCT-9", about).expect("other_chain");
    let vector = vector.hex("structure", lonely.id.0);
    writer.put(&vector.items(lonely.chain.drain(..).chain([link])))
}

fn epochs(writer: &mut Writer, stage: &mut Stage) -> Result<()> {
    let good = EpochTerms { revoked: vec![2, 5], ..stage.place.epoch(2) };
    let changes: [Case<EpochTerms>; 7] = [
        ("left", "STRUCT-4", "ok", "two members left", |_| {}),
        ("left-unordered", "STRUCT-4", "other_chain", "numbers descend", |t| t.revoked.reverse()),
        ("left-twice", "STRUCT-4", "other_chain", "a number twice", |t| t.revoked = vec![2, 2]),
        ("group-again", "STRUCT-5", "ok", "another group begins anew", |t| {
            (t.roster.group, t.roster.mls_epoch) = (2, 0);
        }),
        ("group-by-a-manager", "STRUCT-5", "wrong_signer", "that is the root's to say", |t| {
            (t.roster.group, t.roster.mls_epoch) = (2, 0);
        }),
        ("group-skipped", "STRUCT-5", "other_chain", "group 3 after 1", |t| t.roster.group = 3),
        ("group-back", "STRUCT-5", "other_chain", "group 0 after 1", |t| t.roster.group = 0),
    ];
    for (name, rule, expect, about, change) in changes {
        let mut terms = good.clone();
        change(&mut terms);
        let statement = stage.place.next(StructureBody::Epoch(terms));
        let of_a_group = name.starts_with("group-") && expect != "wrong_signer";
        let by = if of_a_group { By::Root } else { By::Manager(&stage.second) };
        let link = stage.link(by, &statement);
        stage.put(writer, (name, rule, expect), about, link)?;
    }
    let again = stage.place.next(StructureBody::Epoch(good.clone()));
    let link = stage.link(By::Root, &again);
    stage.put(writer, ("epoch-by-the-root", "STRUCT-3", "ok"), "with the paper", link)?;
    stage.place.say(StructureBody::Epoch(good));
    let again = EpochTerms { revoked: vec![5], ..stage.place.epoch(3) };
    let again = stage.place.next(StructureBody::Epoch(again));
    let left_again = stage.link(By::Manager(&stage.second), &again);
    let skipped = stage.place.roster(3);
    let skipped = stage.place.next(joined(skipped));
    let link = stage.link(By::Manager(&stage.second), &skipped);
    let about = "an MLS epoch is left out";
    stage.put(writer, ("mls-epoch-skipped", "STRUCT-5", "other_chain"), about, link)?;
    let about = "who left before leaves again";
    stage.put(writer, ("left-before", "STRUCT-4", "other_chain"), about, left_again)
}

fn members(writer: &mut Writer, stage: &mut Stage) -> Result<()> {
    let roster = stage.place.roster(2);
    stage.place.say(joined(roster.clone()));
    let certificate = Certificate {
        suite: Suite::V1,
        structure_id: stage.place.id,
        serial: 9,
        number: 9,
        account_id: stage.worker.account,
        role: Role::Worker,
        ends_at: NOW + 365 * DAY,
    };
    let certify = |by: &Person, change: fn(&mut Certificate)| {
        let mut certificate = certificate.clone();
        change(&mut certificate);
        Attested { object: sign(&by.device_key, &certificate), proof: by.proof() }
    };
    let terms = RosterTerms {
        mls_epoch: 3,
        tree_hash: draw(&mut stage.worker.rng),
        authenticator_hash: draw(&mut stage.worker.rng),
        ..roster.clone()
    };
    let answers = Some(draw(&mut stage.worker.rng));
    let answer = |terms: RosterTerms| StructureBody::Roster { terms, answers };
    let moved = stage.place.next(answer(terms.clone()));
    let (founder, worker) = (&stage.place.founder, &stage.worker);
    let put = |writer: &mut Writer, name, expect, about, link| {
        stage.put(writer, (name, "GROUP-6", expect), about, link)
    };
    let by = |certificate| By::Member(worker, certificate);
    let link = stage.link(by(certify(founder, |_| {})), &moved);
    put(writer, "device-by-a-member", "ok", "another device of one of them", link)?;
    let cases: [Case<Certificate>; 3] = [
        ("member-who-left", "GROUP-6", "wrong_signer", "a revoked number", |c| c.number = 5),
        ("member-whose-time-is-over", "GROUP-6", "wrong_signer", "it has ended", |c| {
            c.ends_at = NOW;
        }),
        ("member-of-elsewhere", "GROUP-6", "other_chain", "another structure's", |c| {
            c.structure_id.0[0] ^= 1;
        }),
    ];
    for (name, _, expect, about, change) in cases {
        let link = stage.link(by(certify(founder, change)), &moved);
        put(writer, name, expect, about, link)?;
    }
    let link = stage.link(by(certify(worker, |_| {})), &moved);
    put(writer, "member-self-made", "wrong_signer", "certified by themselves", link)?;
    let link = stage.link(By::Member(&stage.second, certify(founder, |_| {})), &moved);
    put(writer, "member-borrowed", "wrong_signer", "another member's certificate", link)?;
    let grown = RosterTerms { roster_size: terms.roster_size + 1, ..terms.clone() };
    let grown = stage.place.next(answer(grown));
    let link = stage.link(by(certify(founder, |_| {})), &grown);
    put(writer, "member-adds-somebody", "wrong_signer", "one more than before", link)?;
    let own = stage.place.next(joined(terms.clone()));
    let link = stage.link(by(certify(founder, |_| {})), &own);
    put(writer, "member-without-a-request", "ok", "leaves of their own devices go", link)?;
    answered_twice(writer, stage, &moved, &terms)?;
    let other = RosterTerms { roster_hash: [7; 32], ..terms };
    let other = stage.place.next(answer(other));
    let link = stage.link(by(certify(founder, |_| {})), &other);
    put(writer, "member-exchanges-somebody", "wrong_signer", "other certificates", link)?;
    let epoch = StructureBody::Epoch(stage.place.epoch(3));
    let epoch = stage.place.next(epoch);
    let link = stage.link(By::Member(&stage.worker, certify(&stage.place.founder, |_| {})), &epoch);
    let about = "a member begins an epoch";
    stage.put(writer, ("epoch-by-a-member", "STRUCT-3", "wrong_signer"), about, link)?;
    former(writer, stage, &certificate)
}

/// Two statements of the founder's name one request.
fn answered_twice(
    writer: &mut Writer,
    stage: &Stage,
    first: &StructureStatement,
    terms: &RosterTerms,
) -> Result<()> {
    let founder = &stage.place.founder;
    let StructureBody::Roster { answers, .. } = first.body else { return Ok(()) };
    let terms = RosterTerms { mls_epoch: terms.mls_epoch + 1, ..terms.clone() };
    let mut twice = stage.place.next(StructureBody::Roster { terms, answers });
    twice.sequence += 1;
    twice.previous = super::hash("structure statement", &sign(&founder.device_key, first));
    let both = [by_manager(founder, first), by_manager(founder, &twice)];
    let about = "one request, answered a second time";
    let vector = Vector::new("structure", "request-answered-twice", "GROUP-9", about);
    let vector = vector.expect("other_chain").hex("structure", stage.place.id.0);
    writer.put(&vector.items(stage.place.chain.iter().cloned().chain(both)))
}

/// What somebody signed who was a manager.
fn former(writer: &mut Writer, stage: &mut Stage, certificate: &Certificate) -> Result<()> {
    let (account_id, last_serial) = (stage.third.account, 9);
    let left = StructureBody::RemoveManager { account_id, last_serial, motion: None };
    let left = stage.place.next(left);
    stage.place.say_as_root(&left);
    let again = StructureBody::RemoveManager { account_id, last_serial: 8, motion: None };
    let again = stage.place.next(again);
    let mut lower = stage.place.chain.clone();
    lower.push(by_root(&stage.place.root, &again));
    let bound = Certificate { serial: 9, ..certificate.clone() };
    let about = "a second removal lowered the last serial";
    let vector = Vector::new("certificate", "above-a-lowered-bound", "STRUCT-9", about)
        .expect("wrong_signer")
        .hex("structure", stage.place.id.0)
        .items([stage.third.attest(&bound)].into_iter().chain(lower));
    writer.put(&vector)?;
    let mut put = |name, expect, about, serial| {
        let certificate = Certificate { serial, ..certificate.clone() };
        let items = [stage.third.attest(&certificate)].into_iter();
        let vector = Vector::new("certificate", name, "CERT-1", about)
            .expect(expect)
            .hex("structure", stage.place.id.0)
            .items(items.chain(stage.place.chain.clone()));
        writer.put(&vector)
    };
    put("of-a-former-manager", "ok", "signed before they were removed", 9)?;
    put("by-a-former-manager", "wrong_signer", "signed after they were removed", 10)
}
