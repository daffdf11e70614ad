//! Keys from secrets, locks, what people type, HPKE.

use anyhow::{Context as _, Result};
use ed25519_dalek::SigningKey;
use reconnect_core::{
    key::RecipientKey,
    lock::wrap_root,
    secret::{EpochSeed, LockSecret, Root},
    words::{PaperSecret, SixWords},
};
use reconnect_format::{
    Suite, encode,
    id::{AccountId, LockId, StructureId},
    lock::{LockBinding, LockKind},
};

use crate::{
    Vector, Writer,
    byhand::{hash, kdf},
    cut, draw, flip, flip_last, peek, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    derived(writer)?;
    locks(writer)?;
    words(writer)?;
    sheets(writer)?;
    pins(writer)?;
    codes(writer)?;
    hpke(writer)
}

fn derived(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("derived");
    let root: [u8; 32] = draw(&mut rng);
    for (name, generation) in [("keys-of-a-root", 1_u32), ("generation-2", 2)] {
        let context = generation.to_be_bytes();
        let signing = SigningKey::from_bytes(&kdf(&root, b"", "account signing key", &context)?);
        let seed = kdf(&root, b"", "account recipient key", &context)?;
        let mut fixed = FixedRng(seed);
        let recipient = RecipientKey::of_epoch(&EpochSeed::generate(&mut fixed));
        let keys =
            [&[0, 1][..], &context, signing.verifying_key().as_bytes(), &recipient.public().0]
                .concat();
        let about = "signing, recipient and vault key, one label each";
        let vector = Vector::new("account", name, "ACC-1", about)
            .hex("root", root)
            .with("generation", generation)
            .hex("account", hash("account id", &keys))
            .hex("vault_key", kdf(&root, b"", "account vault key", &context)?)
            .hex("keys", keys);
        writer.put(&vector)?;
    }
    let seed: [u8; 32] = draw(&mut rng);
    let public = |label| -> Result<_> {
        Ok(SigningKey::from_bytes(&kdf(&seed, b"", label, b"")?).verifying_key().to_bytes())
    };
    let device = Vector::new("device", "keys-of-a-seed", "DEV-1", "signing and leaf key")
        .hex("seed", seed)
        .hex("signing", public("device signing key")?)
        .hex("leaf", public("device leaf key")?);
    writer.put(&device)?;
    let about = "X-Wing's key pair from an exported seed";
    let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)));
    let recipient = Vector::new("recipient-key", "of-an-epoch", "STRUCT-4", about)
        .hex("seed", seed)
        .hex("key_id", hash("recipient key id", &key.public().0))
        .hex("public", key.public().0);
    writer.put(&recipient)
}

/// Gives the same 32 bytes again and again: to put known bytes into a secret.
pub(crate) struct FixedRng(pub(crate) [u8; 32]);

impl rand_core::TryRng for FixedRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for (target, byte) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *target = *byte;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for FixedRng {}

fn locks(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("locks");
    let secret_bytes: [u8; 32] = peek(&rng);
    let secret = LockSecret::generate(&mut rng);
    let root_bytes: [u8; 32] = peek(&rng);
    let root = Root::generate(&mut rng);
    let mut binding = LockBinding {
        suite: Suite::V1,
        account_id: AccountId(draw(&mut rng)),
        lock_id: LockId(draw(&mut rng)),
        kind: LockKind::Words,
        generation: 1,
    };
    let mut good = None;
    for (name, kind) in [("of-words", LockKind::Words), ("of-a-sheet", LockKind::Sheet)] {
        binding.kind = kind;
        let salt: [u8; 32] = peek(&rng);
        let wrap = wrap_root(&secret, binding.clone(), &root, &mut rng);
        let vector = Vector::new("lock", name, "LOCK-1", "a root, wrapped and unwrapped")
            .hex("secret", secret_bytes)
            .hex("randomness", salt)
            .hex("root", root_bytes)
            .hex("hash", hash("lock wrap hash", &encode(&wrap)))
            .item(encode(&wrap));
        writer.put(&vector)?;
        good.get_or_insert(vector);
    }
    let good = good.context("two locks were made")?;
    let bad = |name, about| good.spoilt(name, "LOCK-1", "damaged", about);
    for (name, about, place) in [
        ("another-suite", "suite 0", 1),
        ("another-account", "one bit of the account", 2),
        ("another-lock", "one bit of the lock's id", 34),
        ("a-kind-that-is-reserved", "words (1) become 0", 50),
        ("another-generation", "generation 0", 54),
        ("another-salt", "one bit of the salt", 55),
        ("another-root", "one bit of the sealed root", 87),
    ] {
        writer.put(&bad(name, about).change(flip(place)))?;
    }
    writer.put(&bad("another-kind", "a sheet's number").change(|bytes| bytes[50] = 2))?;
    writer.put(&bad("another-tag", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("truncated", "one byte short").change(cut))?;
    writer.put(&bad("trailing", "one byte too long").change(|bytes| bytes.push(0)))?;
    writer.put(&bad("nothing", "no bytes at all").item([]))?;
    let other: [u8; 32] = draw(&mut rng);
    writer.put(&bad("another-secret", "opened with another lock's secret").hex("secret", other))
}

fn words(writer: &mut Writer) -> Result<()> {
    let words = SixWords::generate(&mut seeded("six words"));
    let plain = words.show().join(" ");
    let good = Vector::new("words", "as-drawn", "LOCK-3", "six words, single spaces")
        .with("typed", &plain)
        .hex("password", &plain);
    writer.put(&good)?;
    let typed = format!("{},", words.show().join(", ").to_uppercase());
    let shouted = good.spoilt("with-commas-in-capitals", "LOCK-3", "ok", "the same password");
    writer.put(&shouted.with("typed", typed))?;
    let dashed = "drop-down felt-tip t-shirt yo-yo abacus zoom";
    let phone = good.spoilt("with-a-phones-dash", "LOCK-3", "ok", "typographic dashes are dashes");
    let typed = dashed.replace('-', "\u{2011}");
    writer.put(&phone.with("typed", typed).hex("password", dashed))?;
    let wrong = |name, word: u32, about, words: &[String]| {
        good.spoilt(name, "LOCK-3", "words_misread", about)
            .without("password")
            .with("typed", words.join(" "))
            .with("word", word)
    };
    let drawn = words.show().to_vec();
    writer.put(&wrong("five", 6, "the sixth is missing", &drawn[..5]))?;
    let seven = [drawn.as_slice(), &drawn[..1]].concat();
    writer.put(&wrong("seven", 7, "one too many", &seven))?;
    let mut stranger = drawn;
    "zzzz".clone_into(&mut stranger[2]);
    writer.put(&wrong("a-stranger", 3, "the third is not in the list", &stranger))?;
    for (name, typed, about) in [
        ("as-drawn", "plump-otter-4711", "as printed"),
        ("with-spaces-in-capitals", "Plump Otter  4711", "spaces for dashes, any case"),
        ("with-a-phones-dash", " plump\u{2013}otter\u{2011}4711 ", "typographic dashes are dashes"),
    ] {
        let vector = Vector::new("handle", name, "LOCK-3", about);
        writer.put(&vector.with("typed", typed).with("handle", "plump-otter-4711"))?;
    }
    Ok(())
}

fn sheets(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("sheet");
    let secret: [u8; 20] = peek(&rng);
    let paper = PaperSecret::generate(&mut rng);
    let letters = paper.groups().join(" ");
    let of = |kind: u8| -> Result<[Vec<u8>; 3]> {
        let derived = |label: &str| kdf(&secret, b"", label, &[kind]);
        let signing = SigningKey::from_bytes(&derived("held signing key")?);
        let id = derived("held id")?[..16].to_vec();
        Ok([id, signing.verifying_key().to_bytes().to_vec(), derived("held secret")?.to_vec()])
    };
    let told = |vector: Vector, [id, signing, secret]: [Vec<u8>; 3]| {
        vector.hex("held_id", id).hex("signing", signing).hex("secret", secret)
    };
    let good = Vector::new("sheet", "letters", "LOCK-5", "nine groups of four")
        .with("typed", &letters)
        .with("letters", &letters);
    let good = told(good, of(2)?);
    let check = hash("card check", &secret);
    let checked: String = crockford(&check[..5]).chars().take(4).collect();
    let card = format!("{} {checked}", letters.rsplit_once(' ').context("groups")?.0);
    let about = "the same bits on a card: other check letters, another lock";
    let of_a_card = Vector::new("sheet", "of-a-card", "LOCK-6", about)
        .with("typed", &card)
        .with("letters", &card);
    writer.put(&told(of_a_card, of(3)?))?;
    for (name, about, word, kind) in [
        ("of-a-sheet", "what the server learns of a sheet, and what it does not", "sheet", 2),
        ("of-a-card", "of a card", "card", 3),
        ("of-a-device", "of a browser that remembers", "device", 4),
        ("of-a-passkey", "of what a passkey gives", "passkey", 5),
    ] {
        let vector =
            Vector::new("held", name, "LOCK-5", about).hex("held", secret).with("kind", word);
        writer.put(&told(vector, of(kind)?))?;
    }
    writer.put(&good)?;
    let typed = letters.to_lowercase().replace('0', "o").replace('1', "l").replace(' ', "-");
    let loose = good.spoilt("as-people-type", "LOCK-6", "ok", "small letters, o for 0, l for 1");
    writer.put(&loose.with("typed", typed))?;
    let wrong = |name, about, typed: String| {
        Vector::new("sheet", name, "LOCK-6", about).expect("sheet_misread").with("typed", typed)
    };
    let mut other = letters.clone().into_bytes();
    other[7] = if other[7] == b'7' { b'8' } else { b'7' };
    let other = String::from_utf8(other)?;
    writer.put(&wrong("wrong-letter", "one letter of the secret", other))?;
    let mut other = letters.clone().into_bytes();
    let last = other.len() - 1;
    other[last] = if other[last] == b'7' { b'8' } else { b'7' };
    writer.put(&wrong("wrong-check", "one letter of the check", String::from_utf8(other)?))?;
    let mut swapped = letters.split(' ').collect::<Vec<_>>();
    swapped.swap(1, 2);
    writer.put(&wrong("groups-swapped", "two groups change places", swapped.join(" ")))?;
    let short = letters.chars().skip(1).collect();
    writer.put(&wrong("short", "35 letters", short))?;
    writer.put(&wrong("long", "37 letters", format!("{letters} 0")))?;
    let stranger = format!("U{}", letters.chars().skip(1).collect::<String>());
    writer.put(&wrong("a-letter-not-used", "U is not of the alphabet", stranger))
}

/// Crockford's base 32 of five bytes at a time.
fn crockford(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let letter = |place: u32| ALPHABET[usize::from((value >> (5 * place)).to_le_bytes()[0] & 31)];
    (0..8).rev().map(|place| char::from(letter(place))).collect()
}

fn pins(writer: &mut Writer) -> Result<()> {
    let good = Vector::new("pin", "as-typed", "LOCK-9", "six digits")
        .with("typed", "481709")
        .hex("digits", "481709");
    writer.put(&good)?;
    for (name, typed) in [
        ("in-arabic-digits", "\u{664}\u{668}\u{661} \u{667}\u{660}\u{669}"),
        ("in-persian-digits", "\u{6f4}\u{6f8}\u{6f1}\u{6f7}\u{6f0}\u{6f9}"),
        ("in-bengali-digits", "\u{9ea}\u{9ee}\u{9e7}\u{9ed}\u{9e6}\u{9ef}"),
    ] {
        writer.put(&good.spoilt(name, "LOCK-9", "ok", "the same password").with("typed", typed))?;
    }
    for (name, typed) in [("five", "48170"), ("seven", "4817099"), ("a-letter", "48170o")] {
        let vector = good.spoilt(name, "LOCK-9", "pin_misread", "not six digits");
        writer.put(&vector.with("typed", typed))?;
    }
    for (name, about, typed) in [
        ("to-set", "nothing speaks against it", "481709"),
        ("two-digits", "fewer than three different digits", "448484"),
        ("a-run", "a run up, past nine", "789012"),
        ("a-run-down", "a run down", "654321"),
        ("pairs", "three times the same", "272727"),
        ("halves", "two times the same", "358358"),
        ("a-birthday", "day, month, year", "140789"),
        ("an-american-birthday", "month, day, year", "071489"),
        ("a-birthday-by-year", "year, month, day", "890714"),
    ] {
        let expect = if name == "to-set" { "ok" } else { "pin_too_plain" };
        let vector = good.spoilt(name, "LOCK-9", expect, about).with("to_set", "yes");
        writer.put(&vector.with("typed", typed))?;
    }
    let mut rng = seeded("marks");
    let (vault_key, id): ([u8; 32], [u8; 16]) = (draw(&mut rng), draw(&mut rng));
    let mark = kdf(&vault_key, b"", "mark", &id)?[0] % 32;
    let good = Vector::new("mark", "of-an-id", "LOCK-1", "a picture that only the owner knows")
        .hex("vault_key", vault_key)
        .hex("id", id)
        .with("mark", mark);
    writer.put(&good)
}

fn codes(writer: &mut Writer) -> Result<()> {
    let id = StructureId(draw(&mut seeded("code")));
    let code = id.code();
    let good = Vector::new("code", "of-an-id", "STRUCT-2", "the first hundred bits, 20 letters")
        .hex("structure", id.0)
        .with("code", &code)
        .with("typed", &code);
    writer.put(&good)?;
    let grouped: Vec<_> = code.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    let typed = grouped.join(" - ").to_lowercase().replace('0', "o").replace('1', "i");
    let loose = good.spoilt("as-people-type", "STRUCT-2", "ok", "groups, small letters, i for 1");
    writer.put(&loose.with("typed", typed))?;
    let mut other = code.clone().into_bytes();
    other[19] = if other[19] == b'7' { b'8' } else { b'7' };
    let differs = good.spoilt("another", "STRUCT-2", "code_differs", "the last letter is another");
    writer.put(&differs.with("typed", String::from_utf8(other)?))?;
    let shorter: String = code.chars().take(19).collect();
    for (name, about, typed) in [
        ("short", "19 letters prove less", shorter.clone()),
        ("long", "21 letters", format!("{code}0")),
        ("a-letter-not-used", "U is not of the alphabet", format!("{shorter}U")),
        ("nothing", "a dash is nothing", "-".to_owned()),
    ] {
        let misread = good.spoilt(name, "STRUCT-2", "code_misread", about);
        writer.put(&misread.with("typed", typed))?;
    }
    Ok(())
}

fn hpke(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("hpke");
    let seed: [u8; 32] = draw(&mut rng);
    let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut FixedRng(seed)));
    let randomness: [u8; 64] = draw(&mut rng);
    let info = b"what it is bound to";
    let wrapped = crate::byhand::hpke_seal(key.public(), info, &[b"a secret"], &randomness)?;
    let about = "X-Wing, HKDF-SHA256, AES-256-GCM in base mode";
    let good = Vector::new("hpke", "base", "GRANT-2", about)
        .hex("seed", seed)
        .hex("info", info)
        .hex("randomness", randomness)
        .hex("plain", b"a secret")
        .item(wrapped);
    writer.put(&good)?;
    let bad = |name, about| good.spoilt(name, "GRANT-2", "damaged", about);
    let vector = bad("another-mlkem-part", "one bit of ML-KEM's ciphertext");
    writer.put(&vector.change(flip(5)))?;
    let vector = bad("another-x25519-part", "one bit of X25519's share");
    writer.put(&vector.change(flip(1100)))?;
    writer.put(&bad("another-tag", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("another-info", "bound to something else").hex("info", b"something else"))?;
    let vector = bad("truncated", "shorter than an encapsulation");
    writer.put(&vector.change(|bytes| bytes.truncate(1119)))?;
    let other: [u8; 32] = draw(&mut rng);
    writer.put(&bad("another-key", "opened by somebody else").hex("seed", other))
}
