//! Labels, padding, headers, the codec's refusals.

use anyhow::Result;
use reconnect_format::{
    Unverified, encode,
    envelope::{EnvelopeHeader, EnvelopeKind},
    statement::{DeviceProof, KeysProof, Statement},
};

use crate::{
    Vector, Writer,
    byhand::{PROTOCOL, Person, hash, header, labelled, sign_statement},
    cut, flip, flip_last, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    labels(writer)?;
    for (name, length, padded, about) in [
        ("nothing", 0, 16_384, "an empty document is as long as a small one"),
        ("floor", 16_384, 16_384, "the floor itself"),
        ("above-the-floor", 16_385, 17_408, "one byte more, padded by PADME"),
        ("a-megabyte", 1_000_000, 1_015_808, "PADME keeps five bits of a megabyte"),
    ] {
        let vector = Vector::new("padding", name, "ENV-4", about);
        writer.put(&vector.with("true_bytes", length).with("padded_bytes", padded))?;
    }
    headers(writer)?;
    account_keys(writer)?;
    codec(writer)
}

fn labels(writer: &mut Writer) -> Result<()> {
    let vector = Vector::new("label", "encoded", "LABEL-2", "length, text, content");
    let vector = vector
        .with("text", format!("{PROTOCOL} statement"))
        .hex("content", b"abc")
        .hex("encoded", labelled("statement", b"abc"))
        .hex("hash", hash("statement", b"abc"));
    writer.put(&vector)?;
    let unknown = vector.spoilt(
        "not-in-the-registry",
        "LABEL-1",
        "unknown_label",
        "a text that version 1 does not have",
    );
    writer.put(
        &unknown.with("text", format!("{PROTOCOL} sentence")).without("encoded").without("hash"),
    )
}

fn headers(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("header");
    let content = header(&mut rng, EnvelopeKind::Content, 1_015_808);
    let good = Vector::new("header", "content", "ENV-1", "99 bytes: 3.9 chunks, one part")
        .hex("hash", hash("envelope header", &encode(&content)))
        .hex("sealed_bytes", (131_u64 + 1_015_808 + 4 * 16).to_be_bytes())
        .hex("chunks", 4_u32.to_be_bytes())
        .hex("parts", 1_u32.to_be_bytes())
        .item(encode(&content));
    writer.put(&good)?;
    let bare = good.without("hash").without("sealed_bytes").without("chunks").without("parts");
    let spoil = |name, rule, expect, about, change: fn(&mut Vec<u8>)| {
        bare.spoilt(name, rule, expect, about).change(change)
    };
    let cut = "one byte short";
    writer.put(&spoil("truncated", "CODEC-1", "truncated", cut, |b| b.truncate(98)))?;
    writer.put(&spoil("trailing", "CODEC-1", "trailing", "one byte too long", |b| b.push(0)))?;
    let none = "there is no suite 0";
    writer.put(&spoil("suite-0", "CODEC-2", "unknown_version", none, |b| b[1] = 0))?;
    let later = "suite 2 is not read by version 1";
    writer.put(&spoil("suite-2", "CODEC-2", "unknown_version", later, |b| b[1] = 2))?;
    let kind = "there is no kind 4";
    writer.put(&spoil("kind-4", "CODEC-2", "unknown_version", kind, |b| b[2] = 4))?;
    let other = |name, rule, about, change: fn(&mut EnvelopeHeader)| {
        let mut header = content.clone();
        change(&mut header);
        bare.spoilt(name, rule, "not_canonical", about).item(encode(&header))
    };
    for vector in [
        other("version-0", "ENV-1", "versions count from 1", |h| h.version = 0),
        other("chunks-of-64-kib", "ENV-3", "another chunk size", |h| h.chunk_bytes = 65_536),
        other("chunks-of-nothing", "ENV-3", "a chunk size of zero", |h| h.chunk_bytes = 0),
        other("length-not-padme", "ENV-4", "a length that PADME never gives", |h| {
            h.padded_bytes = 1_000_000;
        }),
        other("length-below-the-floor", "ENV-4", "less than 16 KiB", |h| h.padded_bytes = 16_000),
        other("length-0", "ENV-4", "no chunk at all", |h| h.padded_bytes = 0),
        other("length-endless", "ENV-3", "more chunks than the counter may count", |h| {
            h.padded_bytes = u64::MAX;
        }),
        other("length-too-many-chunks", "ENV-3", "2^21 chunks", |h| h.padded_bytes = 1 << 39),
        other("card-of-4-kib", "ENV-4", "cards have one size", |h| {
            (h.kind, h.padded_bytes) = (EnvelopeKind::Card, 4096);
        }),
        other("thumbnail-of-16-kib", "ENV-4", "thumbnails have one size", |h| {
            (h.kind, h.padded_bytes) = (EnvelopeKind::Thumbnail, 16_384);
        }),
    ] {
        writer.put(&vector)?;
    }
    Ok(())
}

fn account_keys(writer: &mut Writer) -> Result<()> {
    let person = Person::open(seeded("account keys"))?;
    let good = Vector::new("account-keys", "first-generation", "ACC-2", "their hash is the id")
        .hex("account", hash("account id", &encode(&person.keys)))
        .hex("recipient_key_id", hash("recipient key id", &person.keys.recipient.0))
        .item(encode(&person.keys));
    writer.put(&good)?;
    let other = "one bit of the recipient key: another account";
    writer.put(&good.spoilt("one-bit", "ACC-2", "differs", other).change(flip_last))?;
    let suite = good.spoilt("suite-2", "CODEC-2", "unknown_version", "a later suite");
    writer.put(&suite.change(|bytes| bytes[1] = 2))?;
    let short = good.spoilt("truncated", "CODEC-1", "truncated", "a key that ends early");
    writer.put(&short.change(|bytes| bytes.truncate(1253)))
}

type Change = fn(&mut Statement);

/// A proof is two vectors: what the codec does with their lengths.
fn codec(writer: &mut Writer) -> Result<()> {
    let person = Person::open(seeded("proof"))?;
    let stranger = Person::open(seeded("proof of a stranger"))?;
    let proof = person.proof();
    let good = Vector::new("proof", "a-device", "DEV-2", "opening and device of one account")
        .hex("account", person.account.0)
        .hex("device", person.device.0)
        .hex("signing", person.device_key.verifying_key().to_bytes())
        .item(encode(&proof));
    writer.put(&good)?;
    let [high, low] = u16::try_from(proof.keys.opening.len())?.to_be_bytes();
    let long = good.spoilt("length-in-four-bytes", "CODEC-3", "not_canonical", "2 bytes suffice");
    writer.put(&long.change(|bytes| {
        bytes.splice(0..2, [0x80, 0, high, low]);
    }))?;
    let bad = |name, rule, expect, about| good.spoilt(name, rule, expect, about);
    let vector = bad("length-over-the-end", "CODEC-1", "truncated", "a length past the end");
    writer.put(&vector.change(|bytes| bytes[0] |= 0x3f))?;
    let vector = bad("truncated", "CODEC-1", "truncated", "one byte short");
    writer.put(&vector.change(cut))?;
    let vector = bad("trailing", "CODEC-1", "trailing", "one byte too long");
    writer.put(&vector.change(|bytes| bytes.push(0)))?;
    let vector = bad("one-bit", "SIG-1", "bad_signature", "one bit of the opening's key");
    writer.put(&vector.change(flip(200)))?;
    let with = |opening: &[u8], device: &[u8]| {
        encode(&DeviceProof {
            keys: KeysProof::of_first(opening.to_vec()),
            device: device.to_vec(),
        })
    };
    let [opening, device, lock, ..] = person.chain.as_slice() else { return Ok(()) };
    for (name, about, change) in [
        ("opening-at-2", "an opening that is the second", (|s| s.sequence = 2) as Change),
        ("opening-after-something", "an opening after another statement", |s| s.previous[0] = 1),
    ] {
        let mut first = Unverified::<Statement>::decode(opening)?.claim().clone();
        change(&mut first);
        let item = with(&sign_statement(&person.root_key, &first), device);
        writer.put(&bad(name, "DEV-2", "bad_signature", about).item(item))?;
    }
    let mut early = Unverified::<Statement>::decode(device)?.claim().clone();
    early.sequence = 1;
    let early = with(opening, &sign_statement(&person.root_key, &early));
    let vector = bad("device-before-the-opening", "DEV-2", "bad_signature", "a device at number 1");
    writer.put(&vector.item(early))?;
    for (name, about, item) in [
        ("opening-of-another", "one account's opening, another's device", {
            with(&stranger.chain[0], device)
        }),
        ("device-of-another", "the other way", with(opening, &stranger.chain[1])),
        ("no-opening", "the first is no opening", with(device, device)),
        ("no-device", "the second adds a lock, not a device", with(opening, lock)),
    ] {
        writer.put(&bad(name, "DEV-2", "bad_signature", about).item(item))?;
    }
    Ok(())
}
