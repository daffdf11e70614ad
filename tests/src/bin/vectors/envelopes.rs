//! Content, cards, thumbnails: whole in the file, or made by a rule.

use anyhow::{Context as _, Result};
use rand_chacha::ChaCha20Rng;
use reconnect_core::document::{
    Card, DocumentKind, SealedEnvelope, seal_card, seal_content, seal_thumbnail,
};
use reconnect_format::{
    encode,
    envelope::{EnvelopeHeader, EnvelopeKind, EnvelopeRef},
    id::{AccountId, DocumentId, EnvelopeId},
};
use sha2::{Digest as _, Sha256};

use reconnect_tests::collision::two_keys;

use crate::{Vector, Writer, byhand, cut, draw, flip, flip_last, peek, seeded};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    cards(writer)?;
    thumbnails(writer)?;
    contents(writer)?;
    two_openings(writer)?;
    by_rule(writer)
}

/// Whose envelope, and of what: what the head says.
struct Whose {
    owner: AccountId,
    document: DocumentId,
}

impl Whose {
    fn draw(rng: &mut ChaCha20Rng) -> Self {
        Self { owner: AccountId(draw(rng)), document: DocumentId(draw(rng)) }
    }

    /// An envelope in its vector, with the 80 bytes that it was sealed with: key, salt, id.
    fn vector(&self, vector: Vector, drawn: [u8; 80], named: &EnvelopeRef, bytes: &[u8]) -> Vector {
        vector
            .hex("key", &drawn[..32])
            .hex("owner", self.owner.0)
            .hex("document", self.document.0)
            .hex("randomness", drawn)
            .hex("named", encode(named))
            .item(bytes)
    }
}

fn cards(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("cards");
    let whose = Whose::draw(&mut rng);
    let card =
        Card::new("Residence permit", DocumentKind::Photo, "image/jpeg", 812_345, 1, byhand::NOW)?;
    let drawn: [u8; 80] = peek(&rng);
    let SealedEnvelope { bytes, named, .. } =
        seal_card(&card, whose.owner, whose.document, 3, &mut rng)?;
    let vector = Vector::new("card", "a-card", "CARD-1", "2,195 bytes, whatever the title");
    let good = whose.vector(vector, drawn, &named, &bytes).hex("plain", encode(&card));
    writer.put(&good)?;
    damaged(writer, &good, &named)?;
    let drawn: [u8; 80] = peek(&rng);
    let arabic = Card::new("جواز سفر", DocumentKind::Pdf, "application/pdf", 1, 12, byhand::NOW)?;
    let SealedEnvelope { bytes, named, .. } =
        seal_card(&arabic, whose.owner, whose.document, 1, &mut rng)?;
    let vector = Vector::new("card", "an-arabic-title", "CARD-1", "UTF-8, in any script");
    writer.put(&whose.vector(vector, drawn, &named, &bytes).hex("plain", encode(&arabic)))?;
    misshapen(writer, &good, &card, &whose, &mut rng)
}

/// What a server, or who holds its disk, can do to bytes that a statement names.
fn damaged(writer: &mut Writer, good: &Vector, named: &EnvelopeRef) -> Result<()> {
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    for (name, rule, about, place) in [
        ("another-suite", "CODEC-2", "suite 0", 1),
        ("another-owner", "ENV-5", "one bit of the owner", 3),
        ("another-document", "ENV-5", "one bit of the document", 35),
        ("another-version", "ENV-5", "one bit of the version", 54),
        ("another-salt", "ENV-5", "one bit of the salt", 55),
        ("another-chunk-size", "ENV-3", "one bit of the chunk size", 90),
        ("another-length", "ENV-4", "one bit of the padded length", 98),
        ("another-commitment", "ENV-10", "one bit of the commitment", 99),
        ("another-first-byte", "ENV-8", "one bit of the first sealed byte", 131),
        ("another-last-byte", "ENV-8", "one bit of the last sealed byte", 2178),
    ] {
        writer.put(&bad(name, rule, about).change(flip(place)))?;
    }
    // The same without the name of a statement: what the AEAD and the commitment do alone.
    for (name, rule, about, place) in [
        ("liar-owner", "ENV-8", "a named header of another owner", 3),
        ("liar-document", "ENV-8", "a named header of another document", 35),
        ("liar-version", "ENV-10", "a named header of another version", 54),
        ("liar-salt", "ENV-10", "a named header with another salt", 55),
        ("liar-commitment", "ENV-10", "a named envelope with another commitment", 99),
        ("liar-byte", "ENV-11", "a named envelope with another byte", 131),
        ("liar-tag", "ENV-11", "a named envelope with another tag", 2194),
    ] {
        writer.put(&bad(name, rule, about).without("named").change(flip(place)))?;
    }
    let vector = bad("another-kind", "ENV-4", "a thumbnail's number");
    writer.put(&vector.change(|bytes| bytes[2] = 3))?;
    let vector = bad("another-tag", "ENV-8", "one bit of the tag");
    writer.put(&vector.change(flip_last))?;
    let vector = bad("truncated", "ENV-8", "one byte short");
    writer.put(&vector.change(cut))?;
    let vector = bad("trailing", "ENV-8", "one byte too long");
    writer.put(&vector.change(|bytes| bytes.push(0)))?;
    let vector = bad("prefix-only", "ENV-8", "no chunk at all");
    writer.put(&vector.change(|bytes| bytes.truncate(131)))?;
    writer.put(&bad("nothing", "ENV-8", "no bytes at all").item([]))?;
    writer.put(&bad("other-key", "ENV-10", "another document key").hex("key", [7; 32]))?;
    writer.put(&bad("other-owner", "ENV-8", "expected of another owner").hex("owner", [7; 32]))?;
    let vector = bad("other-document", "ENV-8", "expected of another document");
    writer.put(&vector.hex("document", [7; 16]))?;
    for (name, about, change) in [
        ("named-header", "another header hash was signed", (|n| n.header_hash[0] ^= 1) as Change),
        ("named-root", "another tree root was signed", |n| n.tree_root[0] ^= 1),
        ("named-version", "another version was signed", |n| n.version += 1),
        ("named-length", "another length was signed", |n| n.sealed_bytes += 1),
        ("named-kind", "another kind was signed", |n| n.kind = EnvelopeKind::Thumbnail),
    ] {
        let mut other = named.clone();
        change(&mut other);
        writer.put(&bad(name, "ENV-8", about).hex("named", encode(&other)))?;
    }
    Ok(())
}

type Change = fn(&mut EnvelopeRef);

/// What opens, and is no card.
fn misshapen(
    writer: &mut Writer,
    good: &Vector,
    card: &Card,
    whose: &Whose,
    rng: &mut ChaCha20Rng,
) -> Result<()> {
    let plain = encode(card);
    let length = u32::try_from(plain.len())?;
    let counted = |length: u32, plain: &[u8]| {
        let mut padded = [length.to_be_bytes().as_slice(), plain].concat();
        padded.resize(2048, 0);
        padded
    };
    let mut title = plain.clone();
    title[3] = 0xff;
    let mut kind = plain.clone();
    kind[19] = 9;
    let longer = [plain.as_slice(), &[0]].concat();
    for (name, rule, about, plain) in [
        ("length-over-the-end", "CARD-1", "a length past the end", counted(2045, &plain)),
        ("title-not-text", "CARD-1", "a title that is not UTF-8", counted(length, &title)),
        ("kind-unknown", "CODEC-2", "there is no kind 9", counted(length, &kind)),
        ("card-trailing", "CODEC-1", "a byte after the card", counted(length + 1, &longer)),
        ("card-truncated", "CODEC-1", "a card that ends early", counted(length - 1, &plain)),
        ("padding-not-zero", "ENV-12", "a byte after the card's padding began", {
            let mut padded = counted(length, &plain);
            padded[2047] = 1;
            padded
        }),
        ("card-of-nothing", "CODEC-1", "no card at all", counted(0, &plain)),
    ] {
        let key: [u8; 32] = draw(rng);
        let header = EnvelopeHeader {
            owner: whose.owner,
            document_id: whose.document,
            ..byhand::header(rng, EnvelopeKind::Card, 2048)
        };
        let bytes = byhand::envelope(&key, &header, &plain)?;
        let named = byhand::name(&bytes, &header, EnvelopeId(draw(rng)));
        let vector = good.spoilt(name, rule, "damaged", about).without("plain");
        writer.put(&vector.hex("key", key).hex("named", encode(&named)).item(bytes))?;
    }
    Ok(())
}

fn thumbnails(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("thumbnails");
    let whose = Whose::draw(&mut rng);
    let drawn: [u8; 80] = peek(&rng);
    let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9];
    let SealedEnvelope { bytes, named, .. } =
        seal_thumbnail(&jpeg, whose.owner, whose.document, 1, &mut rng)?;
    let vector = Vector::new("thumbnail", "a-picture", "ENV-4", "32 KiB, whatever the picture");
    let good = whose.vector(vector, drawn, &named, &bytes).hex("plain", jpeg);
    writer.put(&good)
}

fn contents(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("contents");
    let whose = Whose::draw(&mut rng);
    let drawn: [u8; 80] = peek(&rng);
    let plain = b"%PDF\x2d1.7 and so on";
    let SealedEnvelope { bytes, named, .. } =
        seal_content(plain, whose.owner, whose.document, 1, &mut rng);
    let about = "18 bytes, padded to the floor";
    let vector = Vector::new("content", "sixteen-kibibytes", "ENV-4", about);
    let good = whose.vector(vector, drawn, &named, &bytes).with("true_bytes", plain.len());
    let good = good.hex("plain_hash", Sha256::digest(plain));
    writer.put(&good)?;
    let about = "the card says a length of another size class";
    let longer = good.spoilt("length-of-another-class", "ENV-11", "damaged", about);
    writer.put(&longer.with("true_bytes", 16_385))?;
    let mut padded = plain.to_vec();
    padded.resize(16_384, 0);
    padded[16_383] = 1;
    let header = EnvelopeHeader {
        owner: whose.owner,
        document_id: whose.document,
        ..byhand::header(&mut rng, EnvelopeKind::Content, 16_384)
    };
    let sealed = byhand::envelope(&drawn[..32].try_into()?, &header, &padded)?;
    let about = "a byte in the padding, sealed by who holds the key";
    let hidden = good.spoilt("padding-not-zero", "ENV-12", "damaged", about);
    writer.put(&hidden.without("named").item(sealed))?;
    let about = "a middle byte of the chunk, named by a liar";
    let bit = good.spoilt("liar-byte", "ENV-11", "damaged", about);
    writer.put(&bit.without("named").change(flip(9000)))
}

/// One ciphertext, two keys: the second opens it too, and the commitment says no.
fn two_openings(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("two keys");
    let keys: [[u8; 32]; 2] = [draw(&mut rng), draw(&mut rng)];
    let header = byhand::header(&mut rng, EnvelopeKind::Content, 16_384);
    let [first, second] = keys.each_ref().map(|key| byhand::envelope_keys(key, &header));
    let (first, second) = (first?, second?);
    let mut nonce = [0; 12];
    nonce[11] = 1;
    let blocks = (0..1024).map(|_| draw(&mut rng)).collect();
    let payloads = [&first.payload, &second.payload];
    let sealed = two_keys(payloads, nonce, &first.header_hash, blocks)?;
    let bytes = [encode(&header).as_slice(), &first.commitment, &sealed].concat();
    let id: [u8; 16] = draw(&mut rng);
    let named = byhand::name(&bytes, &header, EnvelopeId(id));
    let mut drawn = [0; 80];
    drawn[..32].copy_from_slice(&keys[0]);
    drawn[32..64].copy_from_slice(&header.salt);
    drawn[64..].copy_from_slice(&id);
    let whose = Whose { owner: header.owner, document: header.document_id };
    let about = "both keys pass AES-GCM's tag; the commitment is to this one";
    let vector = Vector::new("content", "two-keys-the-first", "ENV-10", about);
    let good = whose.vector(vector, drawn, &named, &bytes).with("true_bytes", 16_384);
    writer.put(&good)?;
    let about = "the other key passes AES-GCM's tag, and not the commitment";
    let other = good.spoilt("two-keys", "ENV-10", "damaged", about);
    writer.put(&other.hex("key", keys[1]))
}

/// Three chunks, too large for a file: both builds make them, and must make the same.
fn by_rule(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("by rule");
    let whose = Whose::draw(&mut rng);
    let drawn: [u8; 80] = peek(&rng);
    let length = 600_000_u64;
    let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251)).collect::<Result<_, _>>()?;
    let SealedEnvelope { bytes, named, .. } =
        seal_content(&plain, whose.owner, whose.document, 2, &mut rng);
    let mut padded = plain;
    padded.resize(606_208, 0);
    let header = EnvelopeHeader {
        owner: whose.owner,
        document_id: whose.document,
        version: 2,
        salt: drawn[32..64].try_into()?,
        ..byhand::header(&mut rng, EnvelopeKind::Content, 606_208)
    };
    let key = drawn[..32].try_into()?;
    anyhow::ensure!(byhand::envelope(&key, &header, &padded)? == bytes, "two readings differ");
    let about = "byte i is i mod 251; three chunks";
    let vector = Vector::new("content-by-rule", "three-chunks", "ENV-6", about);
    let good = whose
        .vector(vector, drawn, &named, &[])
        .items([])
        .with("true_bytes", length)
        .with("version", 2)
        .with("named_as", "made")
        .hex("prefix", bytes.get(..131).context("a prefix")?)
        .hex("envelope_hash", Sha256::digest(&bytes));
    writer.put(&good)?;
    for (name, about, damage) in [
        ("chunks-swapped", "the first two change places", "order 1 0 2"),
        ("chunk-twice", "the first stands for the second", "order 0 0 2"),
        ("last-chunk-missing", "two chunks, the second not marked as last", "order 0 1"),
        ("last-chunk-alone", "the last alone", "order 2"),
        ("last-chunk-twice", "the last comes again", "order 0 1 2 2"),
        ("middle-missing", "the first, then the last", "order 0 2"),
        ("cut-by-a-byte", "one byte short", "cut 1"),
        ("cut-by-the-tag", "the last chunk without its tag", "cut 16"),
        ("one-bit-in-the-middle", "one bit of the second chunk", "flip 300000"),
    ] {
        let vector = good.spoilt(name, "ENV-6", "damaged", about).with("damage", damage);
        writer.put(&vector)?;
        let liar = good.spoilt(format!("liar-{name}"), "ENV-6", "damaged", about);
        writer.put(&liar.with("damage", damage).with("named_as", "damaged"))?;
    }
    Ok(())
}
