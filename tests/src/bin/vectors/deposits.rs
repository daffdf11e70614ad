//! Deposits: what a worker signs, what they seal to an owner, and that a chain takes each once.

use anyhow::Result;
use rand_core::Rng as _;
use reconnect_core::{
    document::{Card, DocumentKind},
    key::RecipientKey,
    secret::EpochSeed,
};
use reconnect_format::{
    Suite,
    deposit::Deposit,
    encode,
    envelope::EnvelopeKind,
    id::{DepositId, DocumentId, StructureId},
    statement::Body,
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, hash, hpke_seal, labelled, sign, some_name},
    cut, draw, flip, flip_last,
    keys::FixedRng,
    seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut given = Given::make()?;
    signed(writer, &given)?;
    sealed(writer, &mut given)?;
    taken_once(writer)
}

/// A worker who seals a paper to somebody.
struct Given {
    worker: Person,
    seed: [u8; 32],
    secret: Vec<u8>,
    deposit: Deposit,
}

impl Given {
    fn make() -> Result<Self> {
        let mut worker = Person::open(seeded("deposits"))?;
        let seed = draw(&mut worker.rng);
        let document_key: [u8; 32] = draw(&mut worker.rng);
        let card =
            Card::new("Proof of address", DocumentKind::Pdf, "application/pdf", 12_345, 1, NOW)?;
        let secret = secret(&document_key, b"Paul", b"Your proof of address", &encode(&card));
        let deposit = Deposit {
            suite: Suite::V1,
            owner: reconnect_format::id::AccountId(draw(&mut worker.rng)),
            key_id: hash("recipient key id", &key(seed).public().0),
            structure_id: StructureId(draw(&mut worker.rng)),
            epoch: 3,
            deposit_id: DepositId(draw(&mut worker.rng)),
            content: some_name(&mut worker.rng, EnvelopeKind::Content, 1),
            secret_hash: hash("deposit secret", &secret),
            worker_number: 7,
            account_id: worker.account,
            device_id: worker.device,
            made_at: NOW,
        };
        Ok(Self { worker, seed, secret, deposit })
    }

    /// Section 14.2: wrapped to the owner, bound to what was signed and to the key.
    fn wrap(&mut self, secret: &[u8], deposit: &[u8]) -> Result<Vec<u8>> {
        let key = key(self.seed);
        let key_id = hash("recipient key id", &key.public().0);
        let bound = [&[0, 1][..], &hash("deposit", deposit), &key_id].concat();
        let mut randomness = [0; 64];
        self.worker.rng.fill_bytes(&mut randomness);
        let mut padded = secret.to_vec();
        padded.resize(2048, 0);
        hpke_seal(key.public(), &labelled("deposit wrap", &bound), &[&padded], &randomness)
    }
}

fn key(seed: [u8; 32]) -> RecipientKey {
    RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)))
}

/// Key and words, with lengths as variable-size integers: below 64 one byte, then two.
fn secret(key: &[u8; 32], name: &[u8], message: &[u8], card: &[u8]) -> Vec<u8> {
    let mut secret = key.to_vec();
    for part in [name, message, card] {
        let length = u16::try_from(part.len()).unwrap_or_default();
        if length < 64 {
            secret.push(length.to_be_bytes()[1]);
        } else {
            secret.extend((0x4000 | length).to_be_bytes());
        }
        secret.extend_from_slice(part);
    }
    secret
}

fn signed(writer: &mut Writer, given: &Given) -> Result<()> {
    let object = sign(&given.worker.device_key, &given.deposit);
    let about = "signed by a worker's device";
    let good = Vector::new("deposit-signed", "of-a-paper", "DEP-2", about)
        .hex("hash", hash("deposit", &object))
        .hex("account", given.worker.account.0)
        .hex("device", given.worker.device.0)
        .item(given.worker.attest(&given.deposit));
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "DEP-2", "bad_signature", about);
    let mut other = given.deposit.clone();
    other.owner.0[0] ^= 1;
    let mut steered = encode(&other);
    steered.extend_from_slice(&object[object.len() - 64..]);
    let proof = given.worker.proof();
    let steered = reconnect_format::statement::Attested { object: steered, proof };
    let about = "another owner under the same signature";
    writer.put(&bad("steered", about).item(encode(&steered)))?;
    // After the length of the object: suite, owner, key.
    writer.put(&bad("another-owner", "one bit of the owner").change(flip(2 + 2 + 5)))?;
    writer.put(&bad("another-structure", "one bit of the structure").change(flip(2 + 66 + 5)))
}

fn sealed(writer: &mut Writer, given: &mut Given) -> Result<()> {
    let object = sign(&given.worker.device_key, &given.deposit);
    let secret = given.secret.clone();
    let wrap = given.wrap(&secret, &object)?;
    let good = Vector::new("deposit", "to-an-owner", "DEP-3", "3,184 bytes, whatever the words")
        .hex("seed", given.seed)
        .hex("signing", given.worker.device_key.verifying_key().to_bytes())
        .hex("deposit", &object)
        .hex("document_key", &secret[..32])
        .hex("name", b"Paul")
        .hex("message", b"Your proof of address")
        .item(wrap);
    writer.put(&good)?;
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    writer.put(&bad("one-bit", "DEP-3", "one bit of the encapsulation").change(flip(0)))?;
    writer.put(&bad("one-bit-tag", "DEP-3", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("truncated", "DEP-3", "one byte short").change(cut))?;
    writer.put(&bad("another-owner", "DEP-3", "opened with another key").hex("seed", [7; 32]))?;
    let mut other = given.deposit.clone();
    other.deposit_id.0[0] ^= 1;
    let other = sign(&given.worker.device_key, &other);
    let about = "the same words beside another deposit";
    writer.put(&bad("of-another-deposit", "DEP-3", about).hex("deposit", other))?;
    let mut words = secret.clone();
    words[33] ^= 1;
    let about = "another name, sealed truly under what was signed";
    writer.put(&bad("another-name", "DEP-5", about).item(given.wrap(&words, &object)?))?;
    let mut padded = secret.clone();
    padded.resize(2048, 0);
    padded[2047] = 1;
    let about = "something after the words";
    writer.put(&bad("padding-not-zero", "DEP-5", about).item(given.wrap(&padded, &object)?))?;
    for (name, about, words) in [
        ("no-name", "nobody", self::secret(&[1; 32], b"", b"", &secret[32..])),
        ("turned-name", "a name that turns what is beside it", {
            self::secret(&[1; 32], "Paul\u{202e}".as_bytes(), b"", b"")
        }),
        ("no-card", "no card", self::secret(&[1; 32], b"Paul", b"", b"")),
    ] {
        let mut other = given.deposit.clone();
        other.secret_hash = hash("deposit secret", &words);
        let other = sign(&given.worker.device_key, &other);
        let wrap = given.wrap(&words, &other)?;
        writer.put(&bad(name, "DEP-5", about).hex("deposit", other).item(wrap))?;
    }
    Ok(())
}

/// What a safe's chain says of deposits.
fn taken_once(writer: &mut Writer) -> Result<()> {
    let mut owner = Person::open(seeded("deposits taken"))?;
    let (taken, refused) = (DepositId(draw(&mut owner.rng)), DepositId(draw(&mut owner.rng)));
    let accept = |owner: &mut Person, deposit_id| Body::AcceptDeposit {
        deposit_id,
        deposit_hash: draw(&mut owner.rng),
        document_id: DocumentId(draw(&mut owner.rng)),
        content: some_name(&mut owner.rng, EnvelopeKind::Content, 1),
        card: some_name(&mut owner.rng, EnvelopeKind::Card, 1),
        thumbnail: None,
    };
    let body = accept(&mut owner, taken);
    owner.say(body)?;
    owner.say(Body::RefuseDeposit { deposit_id: refused })?;
    let about = "one deposit is taken, another refused";
    let good = Vector::new("chain", "deposits", "DEP-6", about).items(owner.chain.clone());
    writer.put(&good)?;
    let again = accept(&mut owner, taken);
    let changed = accept(&mut owner, refused);
    for (name, about, body) in [
        ("deposit-taken-twice", "it was taken before", again),
        ("deposit-taken-after-refusal", "it was refused before", changed),
        ("deposit-refused-twice", "it was refused before", {
            Body::RefuseDeposit { deposit_id: refused }
        }),
    ] {
        let signer = owner.signer_of(&body);
        let statement = owner.next(signer, body);
        let mut chain = owner.chain.clone();
        chain.push(owner.sign(&statement));
        writer.put(&good.spoilt(name, "DEP-6", "contradiction", about).items(chain))?;
    }
    Ok(())
}
