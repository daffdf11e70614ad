//! Introductions: what a structure's chain may say of another, and what an owner may make of it.

use anyhow::Result;
use reconnect_format::{id::StructureId, statement::Body, structure::StructureBody};

use super::{Place, by_manager, by_root};
use crate::{
    Vector, Writer,
    byhand::{Person, sign},
    seeded,
};

const OTHER: StructureId = StructureId([5; 32]);

fn introduce(sequence: u64) -> StructureBody {
    StructureBody::Introduce { introduced: OTHER, sequence, head: [6; 32] }
}

pub(super) fn write(writer: &mut Writer) -> Result<()> {
    let mut place = Place::found()?;
    let worker = Person::open(seeded("a worker who introduces"))?;
    let withdraw = StructureBody::Withdraw { introduced: OTHER };
    let own = StructureBody::Introduce { introduced: place.id, sequence: 1, head: [6; 32] };
    let put = |writer: &mut Writer, place: &Place, (name, expect), about, link| {
        let vector = Vector::new("structure", name, "INTRO-1", about).expect(expect);
        let vector = if expect == "ok" {
            let sequence = (place.chain.len() as u64 + 1).to_be_bytes();
            vector.hex("sequence", sequence)
        } else {
            vector
        };
        let chain = place.chain.iter().cloned().chain([link]);
        writer.put(&vector.hex("structure", place.id.0).items(chain))
    };
    let by =
        |place: &Place, body: &StructureBody| by_manager(&place.founder, &place.next(body.clone()));
    let link = by(&place, &introduce(3));
    put(writer, &place, ("introduces", "ok"), "a manager compared another's code", link)?;
    for (name, expect, about, body) in [
        ("introduces-itself", "other_chain", "nobody vouches for themselves", &own),
        ("introduces-nothing", "other_chain", "no statement of it was seen", &introduce(0)),
        ("withdraws-nothing", "other_chain", "nothing stands", &withdraw),
    ] {
        let link = by(&place, body);
        put(writer, &place, (name, expect), about, link)?;
    }
    let said = place.next(introduce(3));
    let link = by_root(&place.root, &said);
    put(writer, &place, ("introduced-by-the-root", "wrong_signer"), "a manager's to say", link)?;
    let link = by_manager(&worker, &said);
    let about = "by somebody who is no manager";
    put(writer, &place, ("introduced-by-a-worker", "wrong_signer"), about, link)?;

    place.say(introduce(3));
    let link = by(&place, &introduce(2));
    put(writer, &place, ("introduces-backwards", "other_chain"), "less than was seen", link)?;
    let link = by(&place, &introduce(3));
    put(writer, &place, ("introduces-again", "ok"), "the same, said later", link)?;
    let link = by(&place, &withdraw);
    put(writer, &place, ("withdraws", "ok"), "it does not stand any more", link)?;
    place.say(withdraw.clone());
    let link = by(&place, &withdraw);
    put(writer, &place, ("withdraws-twice", "other_chain"), "nothing stands any more", link)?;

    let second = Person::open(seeded("a second manager who introduces"))?;
    place.say(StructureBody::AddManager { account_id: second.account });
    let said = place.next(introduce(3));
    place.take(&sign(&second.device_key, &said), by_manager(&second, &said));
    let link = by(&place, &withdraw);
    put(writer, &place, ("withdraws-another-s", "ok"), "any manager takes it back", link)?;
    let removal =
        StructureBody::RemoveManager { account_id: second.account, last_serial: 7, motion: None };
    place.say_as_root(&place.next(removal));
    let link = by(&place, &withdraw);
    let about = "a word ends with the manager whose it is";
    put(writer, &place, ("withdraws-what-ended", "other_chain"), about, link)?;
    let link = by(&place, &introduce(2));
    put(writer, &place, ("introduces-anew", "ok"), "nothing stands before it", link)?;
    admissions(writer)
}

fn admit(structure: u8, sequence: u64, introducer: u8) -> Body {
    Body::AdmitStructure {
        structure_id: StructureId([structure; 32]),
        sequence,
        head: [6; 32],
        introducer: StructureId([introducer; 32]),
    }
}

/// Of an owner who compared structures 5 and 8, and admits 9 on the word of 5.
fn admissions(writer: &mut Writer) -> Result<()> {
    let mut person = Person::open(seeded("admissions"))?;
    for structure in [5, 8] {
        let structure_id = StructureId([structure; 32]);
        person.say(Body::CompareStructure { structure_id, sequence: 2, head: [6; 32] })?;
    }
    refuse(
        writer,
        &mut person,
        "admits-what-was-compared",
        "its code was compared",
        admit(8, 3, 5),
    )?;
    refuse(
        writer,
        &mut person,
        "admits-on-its-own-word",
        "nobody vouches for themselves",
        admit(5, 3, 5),
    )?;
    person.say(admit(9, 3, 5))?;
    let good = Vector::new("chain", "admitted", "INTRO-3", "on the word of one that was compared")
        .hex("account", person.account.0)
        .hex("sequence", person.manifest.sequence().to_be_bytes())
        .hex("head", person.manifest.head())
        .hex("root", person.manifest.root());
    writer.put(&good.items(person.chain.clone()))?;
    refuse(writer, &mut person, "admits-the-same", "nothing more was seen", admit(9, 3, 5))?;
    refuse(writer, &mut person, "admits-backwards", "less than was seen", admit(9, 2, 8))?;
    let structure_id = StructureId([9; 32]);
    let earlier = Body::CompareStructure { structure_id, sequence: 2, head: [6; 32] };
    refuse(
        writer,
        &mut person,
        "compares-before-what-was-admitted",
        "less than was seen",
        earlier,
    )?;
    let compared = Body::CompareStructure { structure_id, sequence: 3, head: [6; 32] };
    person.say(compared)?;
    let about = "a comparison stays one";
    refuse(writer, &mut person, "admits-after-comparing", about, admit(9, 4, 5))
}

fn refuse(
    writer: &mut Writer,
    person: &mut Person,
    name: &str,
    about: &'static str,
    body: Body,
) -> Result<()> {
    let signer = person.signer_of(&body);
    let statement = person.next(signer, body);
    let mut chain = person.chain.clone();
    chain.push(person.sign(&statement));
    let vector = Vector::new("chain", name, "STMT-5", about).expect("contradiction");
    writer.put(&vector.items(chain))
}
