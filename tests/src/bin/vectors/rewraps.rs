//! Lists that members sign of grants that they wrapped again, or looked at; and the receipt for it.

use anyhow::Result;
use reconnect_format::{
    Suite, encode,
    id::{GrantId, StructureId},
    receipt::{Receipt, Subject},
    rewrap::{MemberSays, Opened, REWRAPS, Rewrap, RewrapCheck, RewrapFound, Rewrapped},
    statement::Attested,
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, hash, sign, sign_as},
    draw, flip, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut scene = Scene::set()?;
    rewraps(writer, &scene)?;
    checks(writer, &scene)?;
    receipt(writer, &mut scene)
}

/// A member, somebody else, and what the member says of more grants than one list names.
struct Scene {
    member: Person,
    stranger: Person,
    by: MemberSays,
    key_id: [u8; 32],
    wrapped: Vec<Rewrapped>,
    found: Vec<RewrapFound>,
}

impl Scene {
    fn set() -> Result<Self> {
        let mut member = Person::open(seeded("rewraps"))?;
        let stranger = Person::open(seeded("rewraps of a stranger"))?;
        let mut grant_ids: Vec<_> = (0..=REWRAPS).map(|_| GrantId(draw(&mut member.rng))).collect();
        grant_ids.sort_unstable();
        let by = MemberSays {
            structure_id: StructureId(draw(&mut member.rng)),
            epoch: 3,
            worker_number: 7,
            account_id: member.account,
            device_id: member.device,
            made_at: NOW,
        };
        let key_id = draw(&mut member.rng);
        let wrapped: Vec<_> = grant_ids
            .iter()
            .map(|grant_id| Rewrapped {
                grant_id: *grant_id,
                statement_hash: draw(&mut member.rng),
                from_epoch: 2,
                wrap_hash: hash("rewrap wrap", &draw::<32>(&mut member.rng)),
            })
            .collect();
        let words = [Opened::Yes, Opened::No].into_iter().cycle();
        let found = wrapped.iter().zip(words).map(|(it, opened)| {
            let Rewrapped { grant_id, wrap_hash, .. } = *it;
            RewrapFound { grant_id, wrap_hash, opened }
        });
        let found = found.collect();
        Ok(Self { member, stranger, by, key_id, wrapped, found })
    }

    fn rewrap(&self, by: MemberSays, grants: &[Rewrapped]) -> Rewrap {
        Rewrap { suite: Suite::V1, by, key_id: self.key_id, grants: grants.to_vec() }
    }

    fn check(&self, grants: &[RewrapFound]) -> RewrapCheck {
        RewrapCheck { suite: Suite::V1, by: self.by, grants: grants.to_vec() }
    }
}

fn rewraps(writer: &mut Writer, scene: &Scene) -> Result<()> {
    let Scene { member, stranger, by, wrapped, .. } = scene;
    let two = scene.rewrap(*by, &wrapped[..2]);
    let object = sign(&member.device_key, &two);
    let good = Vector::new("rewrap", "two-grants", "REWRAP-2", "signed by a member's device")
        .hex("hash", hash("rewrap", &object))
        .hex("account", member.account.0)
        .hex("device", member.device.0)
        .item(member.attest(&two));
    writer.put(&good)?;
    let bad = |name, expect, about| good.spoilt(name, "REWRAP-2", expect, about);
    let turned: Vec<_> = wrapped[..2].iter().rev().cloned().collect();
    let twice = vec![wrapped[0].clone(), wrapped[0].clone()];
    for (name, about, grants) in [
        ("descending", "the higher grant first", &turned[..]),
        ("twice", "one grant twice", &twice),
        ("none", "of no grant", &[]),
        ("too-many", "of 101 grants", wrapped),
    ] {
        let vector = bad(name, "not_canonical", about);
        writer.put(&vector.item(member.attest(&scene.rewrap(*by, grants))))?;
    }
    let elses = MemberSays { account_id: stranger.account, ..*by };
    let vector = bad("another-account", "bad_signature", "in another account's name");
    writer.put(&vector.item(member.attest(&scene.rewrap(elses, &wrapped[..2]))))?;
    let framed = encode(&Attested { object, proof: stranger.proof() });
    let vector = good.spoilt("framed", "DEV-2", "bad_signature", "somebody else's proof beside it");
    writer.put(&vector.item(framed))?;
    let vector = bad("another-structure", "bad_signature", "one bit of the structure");
    writer.put(&vector.change(flip(2 + 2)))
}

fn checks(writer: &mut Writer, scene: &Scene) -> Result<()> {
    let Scene { member, found, .. } = scene;
    let two = scene.check(&found[..2]);
    let about = "one opened, the other did not";
    let good = Vector::new("rewrap-check", "two-grants", "REWRAP-2", about)
        .hex("hash", hash("rewrap check", &sign(&member.device_key, &two)))
        .hex("account", member.account.0)
        .hex("device", member.device.0)
        .item(member.attest(&two));
    writer.put(&good)?;
    let vector = good.spoilt("none", "REWRAP-2", "not_canonical", "of no grant");
    writer.put(&vector.item(member.attest(&scene.check(&[]))))?;
    let about = "neither opened nor not";
    let vector = good.spoilt("opened-3", "CODEC-2", "unknown_version", about);
    // After the length of the object: suite, who says it, the list's length, one entry, and what names
    // the second.
    let place = 2 + 2 + (32 + 8 + 4 + 32 + 16 + 8) + 2 + 49 + 48;
    writer.put(&vector.change(|bytes| bytes[place] = 3))?;
    let about = "signed under the other label";
    let vector = good.spoilt("as-a-rewrap", "SIG-2", "bad_signature", about);
    let object = sign_as(&member.device_key, "rewrap", &encode(&two));
    writer.put(&vector.item(encode(&Attested { object, proof: member.proof() })))
}

fn receipt(writer: &mut Writer, scene: &mut Scene) -> Result<()> {
    let Scene { member, stranger, by, wrapped, .. } = scene;
    let receipt = Receipt {
        suite: Suite::V1,
        grant_id: wrapped[0].grant_id,
        owner: stranger.account,
        structure_id: by.structure_id,
        worker_number: by.worker_number,
        account_id: member.account,
        device_id: member.device,
        subject: Subject::Rewrap { epoch: 3 },
        made_at: NOW,
        nonce: draw(&mut member.rng),
    };
    let good = Vector::new("receipt", "to-wrap-again", "RCPT-2", "for the grant's secret alone")
        .hex("hash", hash("receipt", &sign(&member.device_key, &receipt)))
        .hex("account", member.account.0)
        .hex("device", member.device.0)
        .item(member.attest(&receipt));
    writer.put(&good)?;
    let place = 2 + 2 + 16 + 32 + 32 + 4 + 32 + 16 + 1 + 7;
    let vector = good.spoilt("another-epoch", "RCPT-2", "bad_signature", "one bit of the epoch");
    writer.put(&vector.change(flip(place)))
}
