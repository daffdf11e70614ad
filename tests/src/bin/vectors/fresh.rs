//! What a grantee is shown of an owner's safe: a statement's head, and some leaves of its manifest.

use anyhow::{Context as _, Result};
use reconnect_format::{Unverified, statement::Statement};
use sha2::{Digest as _, Sha256};

use crate::{
    Vector, Writer,
    byhand::{Person, head, statement_hash},
    cut, flip, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    heads(writer)?;
    leaves(writer)
}

fn heads(writer: &mut Writer) -> Result<()> {
    let mut person = Person::open(seeded("statements"))?;
    person.add_document()?;
    let said = person.chain.last().context("a statement")?;
    let key = person.device_key.verifying_key().to_bytes();
    let claim = Unverified::<Statement>::decode(said)?.claim().clone();
    let about = "the same without what it says, under the same signature and hash";
    let shown = Vector::new("statement-head", "put-version", "STMT-10", about)
        .hex("signing", key)
        .hex("hash", statement_hash(said)?)
        .item([&head(&claim)[..], &said[said.len() - 64..]].concat());
    writer.put(&shown)?;
    for (name, rule, about, place) in [
        ("one-bit-account", "SIG-2", "one bit of the account", 2),
        ("one-bit-sequence", "SIG-2", "one bit of the sequence number", 41),
        ("one-bit-root", "SIG-2", "one bit of the manifest root", 60),
        ("one-bit-content", "STMT-10", "one bit of the hash of what it says", 92),
    ] {
        let vector = shown.spoilt(name, rule, "bad_signature", about);
        writer.put(&vector.change(flip(place)))?;
    }
    let vector = shown.spoilt("truncated", "CODEC-1", "truncated", "one byte short");
    writer.put(&vector.change(cut))?;
    let about = "the statement in the place of its head";
    let vector = shown.spoilt("the-statement", "CODEC-2", "unknown_version", about);
    writer.put(&vector.item(said))
}

/// Two of five leaves of a manifest, and one that is not there.
fn leaves(writer: &mut Writer) -> Result<()> {
    let leaf: [[u8; 32]; 5] = [1, 2, 3, 4, 5].map(|number| [number * 16; 32]);
    let parent = |left: &[u8; 32], right: &[u8; 32]| -> [u8; 32] {
        Sha256::digest([&[1], left.as_slice(), right].concat()).into()
    };
    let four = parent(&parent(&leaf[0], &leaf[1]), &parent(&leaf[2], &leaf[3]));
    let beside = [leaf[0], leaf[2], leaf[4]];
    let good = Vector::new("fresh", "two-of-five", "FRESH-3", "the second and the fourth leaf")
        .hex("root", parent(&four, &leaf[4]))
        .with("size", 5)
        .hex("leaves", [leaf[1], [0x3f; 32], leaf[3]].concat())
        .with("places", "1 - 3")
        .hex("shown", [leaf[1], leaf[3]].concat())
        .item(beside.concat());
    writer.put(&good)?;
    let empty = good.spoilt("none-of-five", "FRESH-3", "ok", "nothing that was asked for is there");
    let empty = empty.hex("leaves", [0x3f; 32]).with("places", "-").hex("shown", []);
    writer.put(&empty.item(parent(&four, &leaf[4])))?;
    for (name, about, vector) in [
        ("another-place", "a leaf in the place of another", good.clone().with("places", "1 - 2")),
        ("the-same-place", "two leaves in one place", good.clone().with("places", "1 - 1")),
        ("falling-places", "the fourth before the second", good.clone().with("places", "3 - 1")),
        ("beyond-the-last", "a place that is not there", good.clone().with("places", "1 - 5")),
        ("not-there", "a leaf that is not there", good.clone().with("places", "1 3 -")),
        (
            "one-kept-back",
            "a leaf that is there, said not to be",
            good.clone().with("places", "1 - -"),
        ),
        ("a-place-too-few", "a leaf of which nothing is said", good.clone().with("places", "1 -")),
        ("another-size", "a tree of four", good.clone().with("size", 4)),
        ("no-size", "a tree of nothing", good.clone().with("size", 0)),
        ("another-root", "another statement's", good.clone().hex("root", four)),
        ("one-bit", "one bit of what stands beside", good.clone().change(flip(40))),
        ("a-part-missing", "one part less", good.clone().item(beside[..2].concat())),
        ("a-part-too-many", "one part more", good.clone().item([beside[0]; 4].concat())),
        ("half-a-part", "a part of 31 bytes", good.clone().change(cut)),
        ("parts-in-another-order", "the last part first", {
            good.clone().item([leaf[4], leaf[0], leaf[2]].concat())
        }),
    ] {
        writer.put(&vector.spoilt(name, "FRESH-3", "withheld", about).without("shown"))?;
    }
    Ok(())
}
