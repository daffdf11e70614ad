//! Grants: the wrap for the recipient, the owner's own, and one for each document key.

use anyhow::Result;
use rand_core::Rng as _;
use reconnect_core::{key::RecipientKey, secret::EpochSeed};
use reconnect_format::{
    Suite, encode,
    envelope::EnvelopeKind,
    grant::{GrantTerms, RecipientName, Scope, WrapBinding},
    id::{DocumentId, GrantId, StructureId},
    statement::Body,
};

use crate::{
    Vector, Writer,
    byhand::{
        NOW, Person, commitment, hash, hpke_seal, kdf, labelled, place, seal, statement_hash,
    },
    cut, draw, flip, flip_last,
    keys::FixedRng,
    seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut given = Given::make()?;
    recipient(writer, &mut given)?;
    owner(writer, &mut given)?;
    document(writer, &mut given)
}

/// A person who gives a document to a structure's first epoch.
struct Given {
    person: Person,
    seed: [u8; 32],
    terms: GrantTerms,
    statement: Vec<u8>,
    /// The grant key, then the face.
    secret: Vec<u8>,
    grant_key: [u8; 32],
}

impl Given {
    fn make() -> Result<Self> {
        let mut person = Person::open(seeded("grants"))?;
        let document = person.add_document()?;
        let structure_id = StructureId(draw(&mut person.rng));
        let head = draw(&mut person.rng);
        person.say(Body::CompareStructure { structure_id, sequence: 2, head })?;
        let seed = draw(&mut person.rng);
        let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)));
        let grant_key: [u8; 32] = draw(&mut person.rng);
        let salt: [u8; 16] = draw(&mut person.rng);
        let face = [&b"\x05Amina\x0fhousing request"[..], &salt].concat();
        let grant_id = GrantId(draw(&mut person.rng));
        let terms = GrantTerms {
            grant_id,
            recipient: RecipientName::Structure {
                structure_id,
                epoch: 1,
                key_id: hash("recipient key id", &key.public().0),
            },
            scope: Scope::Documents { document_ids: vec![document] },
            ends_at: NOW + 30 * 86_400,
            face_hash: hash("grant face", &face),
            commitment: commitment(&grant_key, grant_id)?,
        };
        let statement = Self::say(&mut person, &terms);
        let mut secret = [&grant_key[..], &face].concat();
        secret.resize(32 + 448, 0);
        Ok(Self { person, seed, terms, statement, secret, grant_key })
    }

    fn say(person: &mut Person, terms: &GrantTerms) -> Vec<u8> {
        let body = Body::Grant(terms.clone());
        let signer = person.signer_of(&body);
        let statement = person.next(signer, body);
        person.sign(&statement)
    }

    /// Section 10: wrapped for the recipient, bound to a statement and to the key.
    fn wrap(&mut self, secret: &[u8], statement: &[u8]) -> Result<Vec<u8>> {
        self.wrap_with(secret, &place(), statement)
    }

    fn wrap_with(&mut self, secret: &[u8], place: &[u8], statement: &[u8]) -> Result<Vec<u8>> {
        let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(self.seed)));
        let key_id = hash("recipient key id", &key.public().0);
        let bound = [&[0, 1][..], &statement_hash(statement)?, &key_id].concat();
        let mut randomness = [0; 64];
        self.person.rng.fill_bytes(&mut randomness);
        let info = labelled("grant recipient wrap", &bound);
        let (grant_key, face) = secret.split_at(32);
        hpke_seal(key.public(), &info, &[face, &[grant_key, place].concat()], &randomness)
    }
}

fn recipient(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let (secret, statement) = (given.secret.clone(), given.statement.clone());
    let good = Vector::new("grant", "to-a-structure", "GRANT-2", "1,698 bytes, whatever the words")
        .hex("seed", given.seed)
        .hex("statement", &statement)
        .hex("grant_key", given.grant_key)
        .hex("place", place())
        .hex("signed_as", b"Amina")
        .hex("purpose", b"housing request")
        .item(given.wrap(&secret, &statement)?);
    writer.put(&good)?;
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    let vector = bad("one-bit-encapsulation", "GRANT-2", "one bit of the encapsulation");
    writer.put(&vector.change(flip(0)))?;
    let vector = bad("one-bit-sealed", "GRANT-2", "one bit of what is sealed");
    writer.put(&vector.change(flip(1200)))?;
    let vector = bad("one-bit-tag", "GRANT-2", "one bit of the tag");
    writer.put(&vector.change(flip_last))?;
    writer.put(&bad("nothing", "GRANT-2", "no bytes at all").item([]))?;
    let again = Given::say(&mut given.person, &given.terms.clone());
    let about = "the same terms in another statement: salted, so another hash";
    writer.put(&bad("of-another-statement", "GRANT-2", about).hex("statement", again))?;
    let vector = bad("of-another-epoch", "GRANT-2", "opened with another epoch's key");
    writer.put(&vector.hex("seed", [7; 32]))?;
    let mut other = given.terms.clone();
    other.commitment[0] ^= 1;
    let other = Given::say(&mut given.person, &other);
    let wrap = given.wrap(&secret, &other)?;
    let vector = bad("another-commitment", "GRANT-4", "the statement commits to another key");
    writer.put(&vector.hex("statement", &other).item(wrap))?;
    let mut other = given.terms.clone();
    other.grant_id.0[0] ^= 1;
    let other = Given::say(&mut given.person, &other);
    let wrap = given.wrap(&secret, &other)?;
    let vector = bad("another-grant", "GRANT-4", "a commitment taken from another grant");
    writer.put(&vector.hex("statement", &other).item(wrap))?;
    let mut other = given.terms.clone();
    other.face_hash[0] ^= 1;
    let other = Given::say(&mut given.person, &other);
    let wrap = given.wrap(&secret, &other)?;
    let vector = bad("another-face", "GRANT-4", "other words were signed");
    writer.put(&vector.hex("statement", &other).item(wrap))?;
    let mut padded = secret.clone();
    padded[479] = 1;
    let wrap = given.wrap(&padded, &statement)?;
    let vector = bad("padding-not-zero", "CODEC-3", "something after the words");
    writer.put(&vector.item(wrap))?;
    let wrap = given.wrap(&secret[..479], &statement)?;
    writer.put(&bad("a-byte-short", "CODEC-3", "447 bytes inside").item(wrap))?;
    let about = "the first message alone, where both are asked for";
    writer.put(&bad("the-face-alone", "GRANT-2", about).change(|it| it.truncate(1584)))?;
    let about = "the two messages in the other order";
    let turned = |it: &mut Vec<u8>| it.get_mut(1120..).unwrap_or_default().rotate_right(114);
    writer.put(&bad("key-before-face", "GRANT-2", about).change(turned))?;
    let mut name = secret;
    name[33] = 0xff;
    let mut other = given.terms.clone();
    other.face_hash = hash("grant face", &name[32..][..5 + 15 + 2 + 16]);
    let other = Given::say(&mut given.person, &other);
    let wrap = given.wrap(&name, &other)?;
    let vector = bad("name-not-text", "CODEC-3", "a name that is not UTF-8, signed");
    writer.put(&vector.hex("statement", &other).item(wrap))?;
    places(writer, given, &good)?;
    face(writer, given)
}

/// Whoever knows the grant key and wraps it again names another place.
fn places(writer: &mut Writer, given: &mut Given, good: &Vector) -> Result<()> {
    let (secret, statement) = (given.secret.clone(), given.statement.clone());
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    for (name, about, at) in [
        ("another-index", "another index in the log", 2),
        ("another-opening", "another opening of the log's values", 34),
    ] {
        let mut other = place();
        other[at] ^= 1;
        let wrap = given.wrap_with(&secret, &other, &statement)?;
        writer.put(&bad(name, "GRANT-4", about).item(wrap))?;
    }
    let mut other = place();
    other[1] = 2;
    let wrap = given.wrap_with(&secret, &other, &statement)?;
    writer.put(&bad("place-of-another-suite", "CODEC-2", "a place of suite 2").item(wrap))?;
    let wrap = given.wrap_with(&secret, &place()[..65], &statement)?;
    writer.put(&bad("place-a-byte-short", "CODEC-1", "65 bytes of it").item(wrap))
}

/// The first message, as members have it before they open a grant.
fn face(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let (secret, statement) = (given.secret.clone(), given.statement.clone());
    let wrap = given.wrap(&secret, &statement)?;
    let about = "encapsulation and first message: name and purpose, no key";
    let good = Vector::new("grant-face", "of-a-grant", "GRANT-11", about)
        .hex("seed", given.seed)
        .hex("statement", &statement)
        .hex("signed_as", b"Amina")
        .hex("purpose", b"housing request")
        .item(&wrap[..1584]);
    writer.put(&good)?;
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    writer.put(&bad("one-bit", "GRANT-2", "one bit of the words").change(flip(1130)))?;
    writer.put(&bad("the-whole-wrap", "GRANT-11", "with the key behind it").item(wrap))?;
    let mut other = secret;
    other[33] ^= 1;
    let wrap = given.wrap(&other, &statement)?;
    let about = "words by somebody who knows the recipient's key, and not the salt";
    writer.put(&bad("words-not-signed", "GRANT-4", about).item(&wrap[..1584]))
}

fn owner(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let id = given.terms.grant_id.0;
    let vault_key = given.person.vault_key;
    let key = kdf(&vault_key, b"", "grant owner wrap", &id)?;
    let secret = given.secret.clone();
    let good = Vector::new("owner-wrap", "own-copy", "GRANT-4", "496 bytes under the vault key")
        .hex("vault_key", vault_key)
        .hex("place", place())
        .hex("statement", &given.statement)
        .hex("grant_key", given.grant_key)
        .hex("commitment", given.terms.commitment)
        .hex("signed_as", b"Amina")
        .hex("purpose", b"housing request")
        .item(seal(&key, [0; 12], &id, &secret)?);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "GRANT-4", "damaged", about);
    writer.put(&bad("one-bit", "one bit of the key").change(flip(0)))?;
    writer.put(&bad("one-bit-tag", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("truncated", "one byte short").change(cut))?;
    writer.put(&bad("other-vault", "another vault key").hex("vault_key", [7; 32]))?;
    let mut other = place();
    other[2] ^= 1;
    writer.put(&bad("another-place", "the place of another safe").hex("place", other))?;
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut other = secret.clone();
        change(&mut other);
        seal(&key, [0; 12], &id, &other)
    };
    let about = "a key that is sealed truly and not committed to";
    writer.put(&bad("another-key", about).item(sealed(&|it| it[0] ^= 1)?))?;
    let about = "words that are sealed truly and were not signed";
    writer.put(&bad("another-purpose", about).item(sealed(&|it| it[33] ^= 1)?))?;
    writer.put(&bad("padding-not-zero", "something after it").item(sealed(&|it| it[479] = 1)?))?;
    writer.put(&bad("the-key-alone", "32 bytes inside").item(sealed(&|it| it.truncate(32))?))?;
    let mut other = given.terms.clone();
    other.grant_id.0[0] ^= 1;
    let other = Given::say(&mut given.person, &other);
    writer.put(&bad("of-another-grant", "another grant's wrap").hex("statement", other))
}

fn document(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let rng = &mut given.person.rng;
    let binding = WrapBinding {
        suite: Suite::V1,
        grant_id: given.terms.grant_id,
        document_id: DocumentId(draw(rng)),
        kind: EnvelopeKind::Content,
        version: 1,
        tree_root: draw(rng),
    };
    let document_key: [u8; 32] = draw(rng);
    let bound = encode(&binding);
    let key = kdf(&given.grant_key, b"", "grant document wrap", &bound)?;
    let good = Vector::new("document-wrap", "content", "GRANT-3", "48 bytes under the grant key")
        .hex("grant_key", given.grant_key)
        .hex("binding", &bound)
        .hex("document_key", document_key)
        .item(seal(&key, [0; 12], &bound, &document_key)?);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "GRANT-3", "damaged", about);
    for (name, about, place) in [
        ("another-grant", "one bit of the grant", 2),
        ("another-document", "one bit of the document", 18),
        ("another-version", "one bit of the version", 38),
        ("another-root", "one bit of the tree root", 39),
    ] {
        let mut other = bound.clone();
        other[place] ^= 1;
        writer.put(&bad(name, about).hex("binding", other))?;
    }
    let mut other = bound.clone();
    other[34] = 2;
    writer.put(&bad("another-kind", "a card's number").hex("binding", other))?;
    writer.put(&bad("another-grant-key", "another key").hex("grant_key", [7; 32]))?;
    writer.put(&bad("one-bit", "one bit of the key").change(flip(0)))?;
    writer.put(&bad("one-bit-tag", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("trailing", "one byte too long").change(|bytes| bytes.push(0)))
}
