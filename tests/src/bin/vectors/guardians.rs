//! Guardians and coming back: by hand from section 16.

use anyhow::Result;
use argon2::{Algorithm, Argon2, Params, Version};
use ed25519_dalek::SigningKey;
use rand_chacha::ChaCha20Rng;
use reconnect_core::{key::RecipientKey, secret::EpochSeed};
use reconnect_format::{
    PublicKey,
    account::RecipientPublicKey,
    encode,
    guardian::{Guardian, GuardianName, Guardians},
    id::{AccountId, HeldId, LockId, ReturnId, StructureId},
    lock::{Held, LockAccess},
    statement::{Body, Signer},
};

use crate::{
    Vector, Writer,
    byhand::{Person, hash, hpke_seal, kdf, labelled, seal},
    cut, draw, flip, flip_last,
    keys::FixedRng,
    linking::letters,
    safes::{Scene, chain_of},
    seeded,
};

const PIN: &str = "481709";
const DAY: u32 = 86_400;

/// Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, as one learns it at school.
fn times(one: u8, other: u8) -> u8 {
    let mut product = 0_u16;
    for bit in 0..8 {
        if other >> bit & 1 == 1 {
            product ^= u16::from(one) << bit;
        }
    }
    for bit in (8..16).rev() {
        if product >> bit & 1 == 1 {
            product ^= 0x11b << (bit - 8);
        }
    }
    product.to_be_bytes()[1]
}

/// The values of lines, each through a byte of the key at 0: two points give it back.
fn value(key: &[u8; 32], slope: &[u8; 32], number: u8) -> [u8; 32] {
    let mut value = *key;
    for (byte, slope) in value.iter_mut().zip(slope) {
        *byte ^= times(*slope, number);
    }
    value
}

/// What is held of this kind: what finds it, and what proves it.
fn held(secret: &[u8], kind: u8) -> Result<Held> {
    let id = kdf(secret, b"", "held id", &[kind])?;
    let key = SigningKey::from_bytes(&kdf(secret, b"", "held signing key", &[kind])?);
    let mut held_id = HeldId([0; 16]);
    held_id.0.copy_from_slice(&id[..16]);
    Ok(Held { held_id, signing: PublicKey(key.verifying_key().to_bytes()) })
}

struct Play {
    lock: LockId,
    key: [u8; 32],
    /// What each of three holds: value, then salt.
    shares: Vec<Vec<u8>>,
    face: Vec<u8>,
    guardians: Guardians,
    recipient_seed: [u8; 32],
}

impl Play {
    fn draw(rng: &mut ChaCha20Rng) -> Result<Self> {
        let (lock, key, slope) = (LockId(draw(rng)), draw(rng), draw(rng));
        let recipient_seed: [u8; 32] = draw(rng);
        let salt: [u8; 16] = draw(rng);
        let words = [&[8][..], b"Amina D.", &[15], b"la dame au chie", &salt].concat();
        let mut face = words.clone();
        face.resize(448, 0);
        let (mut shares, mut named) = (Vec::new(), Vec::new());
        let recipient = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(recipient_seed)));
        for number in 1..=3 {
            let salt: [u8; 32] = draw(rng);
            let value = value(&key, &slope, number);
            let parts = [&lock.0[..], &[number], &value, &salt].concat();
            let name = match number {
                1 => GuardianName::Structure {
                    structure_id: StructureId(draw(rng)),
                    epoch: 1,
                    key_id: recipient.public().id(),
                },
                2 => GuardianName::Account { account_id: AccountId(draw(rng)), key_id: draw(rng) },
                _ => GuardianName::Paper {
                    held: held(&draw::<20>(rng), 8)?,
                    recipient: Box::new(RecipientPublicKey(draw(rng))),
                },
            };
            let commitment = hash("guardian share", &parts);
            named.push(Guardian { number, name, commitment });
            shares.push([&value[..], &salt].concat());
        }
        let guardians = Guardians {
            held: held(&key, 6)?,
            needed: 2,
            wait_seconds: 7 * DAY,
            short_wait_seconds: 4 * DAY,
            face_hash: hash("grant face", &words),
            guardians: named,
        };
        Ok(Self { lock, key, shares, face, guardians, recipient_seed })
    }

    fn named(&self, vector: Vector) -> Vector {
        vector.hex("lock", self.lock.0).hex("guardians", encode(&self.guardians))
    }
}

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("guardians");
    let play = Play::draw(&mut rng)?;
    shares(writer, &play)?;
    wraps(writer, &play, &mut rng)?;
    notes(writer, &play, &mut rng)?;
    coming_back(writer, &play, &mut rng)?;
    marks(writer, &play, &mut rng)?;
    chains(writer, &play)
}

fn shares(writer: &mut Writer, play: &Play) -> Result<()> {
    let of = |numbers: &[usize]| -> Vec<Vec<u8>> {
        numbers.iter().map(|number| play.shares[number - 1].clone()).collect()
    };
    let good = Vector::new("guardian-share", "two-of-three", "BACK-6", "the first and the third")
        .hex("numbers", [1, 3])
        .hex("key", play.key)
        .items(of(&[1, 3]));
    let good = play.named(good);
    writer.put(&good)?;
    let others = good.spoilt("two-others", "BACK-6", "ok", "the third and the second");
    writer.put(&others.hex("numbers", [3, 2]).items(of(&[3, 2])))?;
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    writer.put(&bad("one-bit", "GUARD-3", "one bit of a value").change(flip(0)))?;
    writer.put(&bad("one-bit-of-the-salt", "GUARD-3", "of a salt").change(flip(40)))?;
    writer.put(&bad("truncated", "GUARD-3", "one byte short").change(cut))?;
    let moved = bad("of-another", "GUARD-3", "what one guardian holds, in the name of another");
    writer.put(&moved.hex("numbers", [2, 3]))?;
    let unknown = bad("of-nobody", "GUARD-3", "a number that nobody has");
    writer.put(&unknown.hex("numbers", [4, 3]))?;
    let twice = bad("one-twice", "BACK-6", "one guardian is not two");
    writer.put(&twice.hex("numbers", [1, 1]).items(of(&[1, 1])))?;
    let alone = bad("one-alone", "BACK-6", "one of two");
    writer.put(&alone.hex("numbers", [1]).items(of(&[1])))?;
    let other = bad("another-lock", "GUARD-3", "what was split for another configuration");
    writer.put(&other.hex("lock", [9; 16]))?;
    let mut guardians = play.guardians.clone();
    guardians.held.held_id = HeldId([9; 16]);
    let other = bad("another-key", "BACK-6", "they make another key than the lock's");
    writer.put(&other.hex("guardians", encode(&guardians)))
}

fn wraps(writer: &mut Writer, play: &Play, rng: &mut ChaCha20Rng) -> Result<()> {
    let (statement, opening): ([u8; 32], [u8; 32]) = (draw(rng), draw(rng));
    let randomness: [u8; 64] = draw(rng);
    let seed = play.recipient_seed;
    let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)));
    let info = [&[0, 1][..], &statement, &[1], &key.public().id()].concat();
    let shown = [&opening[..], &play.face].concat();
    let wrap = |label, share: &[u8]| {
        hpke_seal(key.public(), &labelled(label, &info), &[&shown, share], &randomness)
    };
    let good = Vector::new("guardian-wrap", "to-a-structure", "GUARD-4", "two messages")
        .hex("seed", seed)
        .hex("statement", statement)
        .with("number", 1)
        .hex("randomness", randomness)
        .hex("opening", opening)
        .hex("face", &play.face)
        .hex("share", &play.shares[0])
        .item(wrap("guardian wrap", &play.shares[0])?);
    let good = play.named(good);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "GUARD-3", "damaged", about);
    writer.put(&bad("one-bit", "one bit of the encapsulation").change(flip(0)))?;
    writer.put(&bad("one-bit-of-the-face", "one bit of the first message").change(flip(1120)))?;
    writer.put(&bad("one-bit-of-the-share", "one bit of the second").change(flip_last))?;
    writer.put(&bad("truncated", "one byte short").change(cut))?;
    let other = bad("another-statement", "wrapped for another statement");
    writer.put(&other.hex("statement", [9; 32]))?;
    writer.put(&bad("another-number", "as another guardian").with("number", 2))?;
    writer.put(&bad("another-guardian", "opened with another key").hex("seed", [7; 32]))?;
    let label = bad("another-label", "sealed as something else");
    writer.put(&label.item(wrap("deposit wrap", &play.shares[0])?))?;
    let share = bad("another-share", "what another guardian holds, sealed truly");
    writer.put(&share.item(wrap("guardian wrap", &play.shares[1])?))?;
    let mut guardians = play.guardians.clone();
    guardians.face_hash = [9; 32];
    let face = bad("another-face", "words that the lock does not name");
    writer.put(&face.hex("guardians", encode(&guardians)))
}

fn notes(writer: &mut Writer, play: &Play, rng: &mut ChaCha20Rng) -> Result<()> {
    let (vault, salt): ([u8; 32], [u8; 32]) = (draw(rng), draw(rng));
    let words = play.face.split_at(play.face.len() - 407).0;
    let note = [words, &[8], &[6], b"Samira", &[0]].concat();
    let mut padded = note.clone();
    padded.resize(1024, 0);
    let sealed = |plain: &[u8]| -> Result<Vec<u8>> {
        let key = kdf(&vault, &salt, "guardians note", &play.lock.0)?;
        let ad = labelled("guardians note", &play.lock.0);
        Ok([&salt[..], &seal(&key, [0; 12], &ad, plain)?].concat())
    };
    let good = Vector::new("guardians-note", "two-labels", "GUARD-5", "what the owner calls them")
        .hex("vault_key", vault)
        .hex("lock", play.lock.0)
        .hex("salt", salt)
        .hex("note", &note)
        .item(sealed(&padded)?);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "GUARD-5", "damaged", about);
    writer.put(&bad("one-bit", "one bit of the salt").change(flip(0)))?;
    writer.put(&bad("truncated", "one byte short").change(cut))?;
    writer.put(&bad("another-lock", "of another configuration").hex("lock", [9; 16]))?;
    writer.put(&bad("another-safe", "under another key").hex("vault_key", [9; 32]))?;
    padded[1000] = 1;
    writer.put(&bad("padded-with-ones", "padding that is not zero").item(sealed(&padded)?))
}

/// Keys of a return card, by hand.
struct Back {
    letters: String,
    recipient: RecipientKey,
    offer: Vec<u8>,
}

impl Back {
    fn of(secret: &[u8; 20]) -> Result<Self> {
        let check = letters(&hash("return check", secret)[..5]).replace(' ', "");
        let shown = letters(secret) + " " + check.get(..4).unwrap_or_default();
        let mut stretched = [0; 64];
        let password = kdf(secret, b"", "pin password", &[&[7][..], PIN.as_bytes()].concat())?;
        let params = Params::new(65_536, 3, 1, Some(64)).map_err(|it| anyhow::anyhow!("{it}"))?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&password, &[0; 16], &mut stretched)
            .map_err(|it| anyhow::anyhow!("{it}"))?;
        let seed = kdf(&stretched, b"", "return seed", b"")?;
        let recipient = kdf(&seed, b"", "return recipient key", b"")?;
        let recipient = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(recipient)));
        let signing = SigningKey::from_bytes(&kdf(&seed, b"", "return signing key", b"")?);
        let id = held(secret, 7)?.held_id;
        let public = &recipient.public().0[..];
        let offer = [&[0, 1][..], public, &signing.verifying_key().to_bytes(), &id.0].concat();
        Ok(Self { letters: shown, recipient, offer })
    }
}

fn coming_back(writer: &mut Writer, play: &Play, rng: &mut ChaCha20Rng) -> Result<()> {
    let secret: [u8; 20] = draw(rng);
    let back = Back::of(&secret)?;
    let keys = Vector::new("return-keys", "of-a-card-and-a-pin", "BACK-6", "what the two give")
        .with("letters", &back.letters)
        .with("pin", PIN)
        .hex("offer", &back.offer);
    writer.put(&keys)?;
    let bad = |name, rule, expect, about| keys.spoilt(name, rule, expect, about);
    let other = bad("another-pin", "BACK-7", "differs", "another PIN gives other keys");
    writer.put(&other.with("pin", "940271"))?;
    let sheet = letters(&hash("sheet check", &secret)[..5]).replace(' ', "");
    let sheet = letters(&secret) + " " + sheet.get(..4).unwrap_or_default();
    let other = bad("of-a-sheet", "BACK-6", "wrong_paper", "a sheet is no return card");
    writer.put(&other.with("letters", sheet))?;

    let hash_of = hash("return offer", &back.offer);
    let offer = Vector::new("return-offer", "of-a-card", "BACK-1", "1,266 bytes, and its code")
        .hex("hash", hash_of)
        .hex("code", &hash_of[..15])
        .item(&back.offer);
    writer.put(&offer)?;
    let bad = |name, rule, expect, about| offer.spoilt(name, rule, expect, about);
    let about = "the code is of the whole offer";
    writer.put(&bad("another-key", "BACK-1", "differs", about).change(flip(2)))?;
    writer.put(&bad("another-card", "BACK-1", "differs", about).change(flip_last))?;
    writer.put(&bad("truncated", "CODEC-1", "truncated", "one byte short").change(cut))?;
    let late = bad("suite-2", "CODEC-2", "unknown_version", "a later suite");
    writer.put(&late.change(|bytes| bytes[1] = 2))?;

    let (return_id, randomness): ([u8; 32], [u8; 64]) = (draw(rng), draw(rng));
    let sealed = |label, number: u8, share: &[u8]| {
        let info = labelled(label, &[&return_id[..], &[number]].concat());
        hpke_seal(back.recipient.public(), &info, &[share], &randomness)
    };
    let share = sealed("vouched share", 1, &play.shares[0])?;
    let good = Vector::new("vouched", "by-a-structure", "BACK-6", "sealed to whoever comes back")
        .with("letters", &back.letters)
        .with("pin", PIN)
        .hex("return", return_id)
        .with("number", 1)
        .hex("randomness", randomness)
        .hex("share", &play.shares[0])
        .hex("hash", hash("vouched hash", &share))
        .item(share);
    let good = play.named(good);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "BACK-6", "damaged", about);
    writer.put(&bad("one-bit", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("another-return", "sealed for another return").hex("return", [9; 32]))?;
    writer.put(&bad("another-guardian", "in another's name").with("number", 2))?;
    let other = bad("another-share", "what another guardian holds, sealed truly");
    writer.put(&other.item(sealed("vouched share", 1, &play.shares[1])?))?;
    let label = bad("another-label", "sealed as something else");
    writer.put(&label.item(sealed("guardian wrap", 1, &play.shares[0])?))
}

fn marks(writer: &mut Writer, play: &Play, rng: &mut ChaCha20Rng) -> Result<()> {
    let (vault, account): ([u8; 32], [u8; 32]) = (draw(rng), draw(rng));
    let return_id: [u8; 32] = draw(rng);
    let id = play.guardians.structures().next().unwrap_or(StructureId([0; 32])).0;
    let opening = kdf(&vault, b"", "return opening", b"")?;
    let mark = |kind: u8, count: u32| {
        let parts = [&opening[..], &[3, kind], &id, &count.to_be_bytes()].concat();
        hash("log mark", &parts)
    };
    let index =
        |mark: &[u8], kind: u8| hash("log index", &[&account[..], mark, &[3, kind], &id].concat());
    let (first, second, friend) = (mark(1, 1), mark(1, 2), mark(2, 1));
    let good = Vector::new("return-mark", "of-the-first", "BACK-2", "where the log has a return")
        .hex("vault_key", vault)
        .hex("structure", id)
        .with("count", 1)
        .hex("account", account)
        .hex("return", return_id)
        .hex("opening", opening)
        .hex("mark", first)
        .hex("index", index(&first, 1))
        .hex("value", hash("log value", &[&first[..], &return_id].concat()));
    writer.put(&good)?;
    let next = good.spoilt("of-the-second", "BACK-4", "ok", "the one after it");
    let next = next.without("vault_key").with("count", 2).hex("mark", second);
    let next = next.hex("index", index(&second, 1));
    writer.put(&next.hex("value", hash("log value", &[&second[..], &return_id].concat())))?;
    let account_of = good.spoilt("of-an-account", "BACK-3", "ok", "each guardian counts alone");
    let account_of = account_of.without("structure").hex("guardian", id).hex("mark", friend);
    let account_of = account_of.hex("index", index(&friend, 2));
    writer.put(&account_of.hex("value", hash("log value", &[&friend[..], &return_id].concat())))?;
    let bad = |name, about| good.spoilt(name, "BACK-2", "differs", about);
    writer.put(&bad("of-another-count", "a mark is of one return").with("count", 2))?;
    writer.put(&bad("of-another-return", "a value names one return").hex("return", [9; 32]))?;
    writer.put(&bad("elsewhere", "an index is of one account").hex("account", [9; 32]))?;
    let other = bad("of-another-guardian", "a mark is of one guardian");
    writer.put(&other.hex("structure", [9; 32]))?;
    let taken = bad("in-anothers-place", "nobody writes where another's mark stands");
    writer.put(&taken.hex("index", index(&first, 2)))?;
    let as_a_device = good.spoilt("as-a-device", "LOG-21", "differs", "no device's mark");
    writer.put(&as_a_device.hex("index", hash("log index", &[&account[..], &first].concat())))
}

type Change<'a> = &'a dyn Fn(&mut Guardians);

/// What a chain says of guardians, and what it must not.
fn chains(writer: &mut Writer, play: &Play) -> Result<()> {
    let person = Person::open(seeded("guardians of a chain"))?;
    let mut scene = Scene { writer, person };
    let structure = play.guardians.structures().next().unwrap_or(StructureId([0; 32]));
    let named = |lock: u8, change: &dyn Fn(&mut Guardians)| {
        let mut guardians = play.guardians.clone();
        change(&mut guardians);
        let access = LockAccess::Guardians(Box::new(guardians));
        let lock_id = LockId([lock; 16]);
        Body::SetLock { lock_id, generation: 1, access, wrap_hash: [7; 32] }
    };
    let about = "a structure whose code was not compared";
    scene.contradict("guardians-not-compared", "GUARD-1", about, named(1, &|_| ()))?;
    scene.person.say(Body::CompareStructure {
        structure_id: structure,
        sequence: 2,
        head: [5; 32],
    })?;
    let owner = scene.person.account;
    let bad: [(&str, &str, Change<'_>); 10] = [
        ("one-is-enough", "nobody alone", &|it| it.needed = 1),
        ("more-than-there-are", "four of three", &|it| it.needed = 4),
        ("papers-are-enough", "papers alone", &|it| {
            let paper = it.guardians[2].name.clone();
            it.guardians[1].name = paper;
            if let GuardianName::Paper { held, .. } = &mut it.guardians[1].name {
                *held = Held { held_id: HeldId([8; 16]), signing: PublicKey([8; 32]) };
            }
        }),
        ("numbers-with-a-gap", "1, 2, 4", &|it| it.guardians[2].number = 4),
        ("one-twice", "one structure as two", &|it| {
            it.guardians[1].name = it.guardians[0].name.clone();
        }),
        ("the-owner", "oneself", &|it| {
            it.guardians[1].name = GuardianName::Account { account_id: owner, key_id: [4; 32] };
        }),
        ("a-short-wait", "two days", &|it| {
            it.wait_seconds = 2 * DAY;
            it.short_wait_seconds = DAY;
        }),
        ("a-long-wait", "31 days", &|it| it.wait_seconds = 31 * DAY),
        ("no-short-wait", "less than a day", &|it| it.short_wait_seconds = DAY - 1),
        ("shorter-is-longer", "longer where it should be shorter", &|it| {
            it.short_wait_seconds = 8 * DAY;
        }),
    ];
    for (name, about, change) in bad {
        let name: &'static str = Box::leak(format!("guardians-{name}").into_boxed_str());
        scene.contradict(name, "GUARD-1", about, named(1, change))?;
    }
    let device = Signer::Device { device_id: scene.person.device };
    let statement = scene.person.next(device, named(1, &|_| ()));
    let signed = scene.person.sign(&statement);
    let about = "a device signs what the root signs";
    scene.refuse("guardians-by-a-device", "STMT-3", "wrong_signer", about, signed)?;
    scene.person.say(named(1, &|_| ()))?;
    scene.person.say(named(2, &|it| it.needed = 3))?;
    let about = "the lock that another configuration replaced";
    let gone = Body::RetireLock { lock_id: LockId([1; 16]) };
    scene.contradict("guardians-of-before", "GUARD-1", about, gone)?;
    scene.contradict("guardians-come-back", "STMT-6", "an id of before", named(1, &|_| ()))?;
    let stop = Body::StopReturn { return_id: ReturnId([6; 32]) };
    scene.person.say(stop.clone())?;
    scene.contradict("return-stopped-twice", "STMT-6", "one return, stopped again", stop)?;
    let about = "named, named anew, and a return was stopped";
    let whole = chain_of(&scene.person, "guardians-named", "GUARD-1", about)
        .hex("account", scene.person.account.0)
        .hex("head", scene.person.manifest.head())
        .hex("root", scene.person.manifest.root());
    scene.writer.put(&whole)
}
