//! Linking: by hand from section 7.1.

use anyhow::Result;
use reconnect_core::{key::RecipientKey, secret::EpochSeed};

use crate::{
    Vector, Writer,
    byhand::{hash, hpke_seal, labelled, place},
    cut, draw, flip, flip_last,
    keys::FixedRng,
    seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("linking");
    let seed: [u8; 32] = draw(&mut rng);
    let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)));
    let (signing, leaf): ([u8; 32], [u8; 32]) = (draw(&mut rng), draw(&mut rng));
    let offer = [&[0, 1, 3][..], &key.public().0, &signing, &leaf].concat();
    let hash_of = hash("link offer", &offer);
    let letters = letters(&hash_of[..15]);
    offers(writer, &offer, &letters)?;
    codes(writer, &hash_of[..15], &letters)?;

    let (account, device): ([u8; 32], [u8; 16]) = (draw(&mut rng), draw(&mut rng));
    let (root, randomness): ([u8; 32], [u8; 64]) = (draw(&mut rng), draw(&mut rng));
    let generation = 1_u32.to_be_bytes();
    let secret = [&[0, 1][..], &account, &device, &generation, &root, &place(), &[21]].concat();
    let seal = |secret: &[u8], hash_of: &[u8]| {
        hpke_seal(key.public(), &labelled("link answer", hash_of), &[secret], &randomness)
    };
    let good = Vector::new("link", "to-a-computer", "LINK-4", "what lets a computer in")
        .hex("seed", seed)
        .hex("offer", &offer)
        .hex("account", account)
        .hex("device", device)
        .hex("generation", generation)
        .hex("root", root)
        .hex("picture", [21])
        .item(seal(&secret, &hash_of)?);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "LINK-4", "damaged", about);
    writer.put(&bad("one-bit", "one bit of the encapsulation").change(flip(0)))?;
    writer.put(&bad("one-bit-tag", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("truncated", "one byte short").change(cut))?;
    writer.put(&bad("another-computer", "opened with another key").hex("seed", [7; 32]))?;
    let mut other = offer.clone();
    other[2] = 4;
    writer.put(&bad("of-another-offer", "another offer of the same key").hex("offer", other))?;
    let plain =
        hpke_seal(key.public(), &labelled("deposit wrap", &hash_of), &[&secret], &randomness)?;
    writer.put(&bad("another-label", "sealed as something else").item(plain))?;
    let mut picture = secret.clone();
    picture[152] = 32;
    writer
        .put(&bad("no-picture", "a picture that there is not").item(seal(&picture, &hash_of)?))?;
    let long = [&secret[..], &[0]].concat();
    writer.put(&bad("longer", "one byte more, sealed truly").item(seal(&long, &hash_of)?))?;
    let mut suite = secret;
    suite[1] = 2;
    writer.put(&bad("suite-2", "a later suite, sealed truly").item(seal(&suite, &hash_of)?))
}

/// Crockford's base 32, five bits a letter.
pub(crate) fn letters(bytes: &[u8]) -> String {
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1)).collect();
    let letters: String = bits
        .chunks(5)
        .map(|five| five.iter().fold(0, |value, bit| value * 2 + usize::from(*bit)))
        .map(|value| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value]))
        .collect();
    let groups: Vec<_> = letters.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

fn offers(writer: &mut Writer, offer: &[u8], letters: &str) -> Result<()> {
    let good = Vector::new("link-offer", "of-a-computer", "LINK-2", "1,283 bytes, and its code")
        .hex("hash", hash("link offer", offer))
        .with("code", letters)
        .item(offer);
    writer.put(&good)?;
    for (rule, expect, name, about, vector) in [
        ("LINK-2", "differs", "another-kind", "the code is of the whole offer", {
            good.clone().change(|bytes| bytes[2] = 4)
        }),
        ("LINK-2", "differs", "another-key", "the code is of the whole offer", {
            good.clone().change(flip(3))
        }),
        ("LINK-2", "differs", "another-leaf", "the code is of the whole offer", {
            good.clone().change(flip_last)
        }),
        ("CODEC-2", "unknown_version", "kind-0", "nothing", {
            good.clone().change(|bytes| bytes[2] = 0)
        }),
        ("CODEC-2", "unknown_version", "kind-5", "a kind that there is not", {
            good.clone().change(|bytes| bytes[2] = 5)
        }),
        ("CODEC-2", "unknown_version", "suite-2", "a later suite", {
            good.clone().change(|bytes| bytes[1] = 2)
        }),
        ("CODEC-1", "truncated", "truncated", "one byte short", good.clone().change(cut)),
        ("CODEC-1", "trailing", "trailing", "one byte too long", {
            good.clone().change(|bytes| bytes.push(0))
        }),
    ] {
        writer.put(&vector.spoilt(name, rule, expect, about))?;
    }
    Ok(())
}

fn codes(writer: &mut Writer, link: &[u8], letters: &str) -> Result<()> {
    let good = Vector::new("link-code", "in-groups", "LINK-2", "as it is shown")
        .with("typed", letters)
        .hex("link", link);
    writer.put(&good)?;
    let typed = letters.to_lowercase().replace('0', "o").replace('1', "l").replace(' ', "-");
    writer.put(&good.spoilt("typed", "LINK-2", "ok", "as it is typed").with("typed", &typed))?;
    let bad = |name, about| good.spoilt(name, "LINK-2", "link_misread", about);
    let mut short = letters.to_owned();
    short.pop();
    writer.put(&bad("one-letter-short", "23 letters").with("typed", &short))?;
    let long = format!("{letters}0");
    writer.put(&bad("one-letter-long", "25 letters").with("typed", long))?;
    let u = format!("{short}U");
    writer.put(&bad("u", "no letter of the alphabet").with("typed", u))?;
    let address = format!("https://safe.example/#/link/{}", letters.replace(' ', ""));
    writer.put(&bad("address", "a code is in no address").with("typed", address))
}
