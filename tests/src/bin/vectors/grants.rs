//! Grants: the wrap for the recipient, the owner's own, and one for each document key.

use anyhow::Result;
use rand_core::Rng as _;
use reconnect_core::{grant::GrantSecret, key::RecipientKey, secret::EpochSeed};
use reconnect_format::{
    Suite, encode,
    envelope::EnvelopeKind,
    grant::{GrantTerms, RecipientName, Scope, WrapBinding},
    id::{DocumentId, GrantId, StructureId},
    statement::Body,
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, hash, hpke_seal, kdf, labelled, seal},
    cut, draw, flip, flip_last,
    keys::FixedRng,
    peek, seeded,
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
        let grant_key = peek(&person.rng);
        let words = GrantSecret::generate("Amina", "housing request", &mut person.rng)?;
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
            purpose_hash: words.purpose_hash(),
            commitment: kdf(&grant_key, b"", "grant commitment", grant_id.as_bytes())?,
        };
        let statement = Self::say(&mut person, &terms);
        let mut secret = encode(&words);
        secret.resize(512, 0);
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
        let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(self.seed)));
        let key_id = hash("recipient key id", &key.public().0);
        let bound = [&[0, 1][..], &hash("statement", statement), &key_id].concat();
        let mut randomness = [0; 64];
        self.person.rng.fill_bytes(&mut randomness);
        let info = labelled("grant recipient wrap", &bound);
        hpke_seal(key.public(), &info, secret, &randomness)
    }
}

fn recipient(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let (secret, statement) = (given.secret.clone(), given.statement.clone());
    let good = Vector::new("grant", "to-a-structure", "GRANT-2", "1,648 bytes, whatever the words")
        .hex("seed", given.seed)
        .hex("statement", &statement)
        .hex("grant_key", given.grant_key)
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
    other.purpose_hash[0] ^= 1;
    let other = Given::say(&mut given.person, &other);
    let wrap = given.wrap(&secret, &other)?;
    let vector = bad("another-purpose", "GRANT-1", "another purpose was signed");
    writer.put(&vector.hex("statement", &other).item(wrap))?;
    let mut padded = secret.clone();
    padded[511] = 1;
    let wrap = given.wrap(&padded, &statement)?;
    let vector = bad("padding-not-zero", "CODEC-3", "something after the secret");
    writer.put(&vector.item(wrap))?;
    let wrap = given.wrap(&secret[..511], &statement)?;
    writer.put(&bad("a-byte-short", "CODEC-3", "511 bytes inside").item(wrap))?;
    let mut name = secret;
    name[33] = 0xff;
    let wrap = given.wrap(&name, &statement)?;
    writer.put(&bad("name-not-text", "CODEC-3", "a name that is not UTF-8").item(wrap))
}

fn owner(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let id = given.terms.grant_id.0;
    let vault_key = given.person.vault_key;
    let key = kdf(&vault_key, b"", "grant owner wrap", &id)?;
    let secret = given.secret.clone();
    let good = Vector::new("owner-wrap", "own-copy", "GRANT-4", "528 bytes under the vault key")
        .hex("vault_key", vault_key)
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
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut other = secret.clone();
        change(&mut other);
        seal(&key, [0; 12], &id, &other)
    };
    let about = "a key that is sealed truly and not committed to";
    writer.put(&bad("another-key", about).item(sealed(&|it| it[0] ^= 1)?))?;
    let about = "words that are sealed truly and were not signed";
    writer.put(&bad("another-purpose", about).item(sealed(&|it| it[39] ^= 1)?))?;
    writer.put(&bad("padding-not-zero", "something after it").item(sealed(&|it| it[511] = 1)?))?;
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
