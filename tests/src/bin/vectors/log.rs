//! The log: leaves, map, keys, values, places, replays. By hand from section 15.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use reconnect_format::tree;
use sha2::{Digest as _, Sha256};

use crate::{
    Vector, Writer,
    byhand::{hash, kdf, seal},
    cut, draw, flip, flip_last, seeded,
};

pub(crate) type Hash = [u8; 32];

pub(crate) const ORIGIN: &str = "log.example/reconnect";

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    leaves(writer)?;
    maps(writer)?;
    keys(writer)?;
    values(writer)?;
    places(writer)?;
    marks(writer)?;
    replays(writer)
}

/// Number and value.
pub(crate) fn newest(number: u8) -> Vec<u8> {
    [&u64::from(number).to_be_bytes()[..], &[number; 32]].concat()
}

pub(crate) fn entry(index: Hash, newest: &[u8]) -> Vec<u8> {
    [&[0, 1, 1], index.as_slice(), newest].concat()
}

pub(crate) fn map_leaf(root: Hash, heads: &[u8]) -> Result<Vec<u8>> {
    let hash: Hash = Sha256::digest([&[4], heads].concat()).into();
    let count = u32::try_from(heads.len() / 72)?.to_be_bytes();
    Ok([&[0, 1, 2], root.as_slice(), &hash, &count].concat())
}

/// An index that begins with these bits and goes on with one byte.
pub(crate) fn index(first: u8, rest: u8) -> Hash {
    let mut index = [rest; 32];
    index[0] = first;
    index
}

pub(crate) fn one(index: Hash, newest: &[u8]) -> Hash {
    Sha256::digest([&[2], index.as_slice(), newest].concat()).into()
}

fn more(left: Hash, right: Hash) -> Hash {
    Sha256::digest([&[3], left.as_slice(), &right].concat()).into()
}

/// Length, siblings, the other entry: section 3's vectors, two bytes of length above 63.
pub(crate) fn proof(siblings: &[Hash], other: Option<(Hash, u8)>) -> Vec<u8> {
    let mut bytes = vector(&siblings.concat());
    match other {
        None => bytes.push(0),
        Some((index, number)) => {
            bytes.extend([&[1], index.as_slice(), &newest(number)].concat());
        }
    }
    bytes
}

pub(crate) fn vector(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let prefix = match length {
        0..64 => length.to_be_bytes()[1..].to_vec(),
        _ => (length | 0x4000).to_be_bytes().to_vec(),
    };
    [prefix, content.to_vec()].concat()
}

fn leaves(writer: &mut Writer) -> Result<()> {
    let item = entry(index(0x12, 3), &newest(4));
    let good = Vector::new("log-leaf", "entry", "CODEC-1", "an index gets a value: 75 bytes")
        .hex("hash", tree::leaf_hash(&item))
        .item(item);
    writer.put(&good)?;
    let item = map_leaf([5; 32], &[])?;
    let map = Vector::new("log-leaf", "map", "CODEC-1", "a map without heads: 71 bytes");
    let map = map.hex("hash", tree::leaf_hash(&item)).item(item);
    writer.put(&map)?;
    let bad =
        |from: &Vector, name: &str, rule, expect, about| from.spoilt(name, rule, expect, about);
    let short = "one byte short";
    writer.put(&bad(&good, "entry-truncated", "CODEC-1", "truncated", short).change(cut))?;
    writer.put(&bad(&map, "map-truncated", "CODEC-1", "truncated", short).change(cut))?;
    let long = bad(&good, "entry-trailing", "CODEC-1", "trailing", "one byte too long");
    writer.put(&long.change(|bytes| bytes.push(0)))?;
    let suite = bad(&good, "suite-2", "CODEC-2", "unknown_version", "a later suite");
    writer.put(&suite.change(|bytes| bytes[1] = 2))?;
    let kind = bad(&good, "kind-3", "CODEC-2", "unknown_version", "there is no third kind");
    writer.put(&kind.change(|bytes| bytes[2] = 3))?;
    let nothing = bad(&good, "nothing", "CODEC-1", "truncated", "no bytes at all");
    writer.put(&nothing.item([]))
}

/// Three entries: a is 0001 0010…, b is 0001 0110…, c is 1000 0000….
struct Example {
    entries: [(Hash, u8); 3],
    /// What is below the first bit 0, and below 00.
    left: [Hash; 2],
    /// What stands beside the way to a.
    beside: [Hash; 6],
}

fn example() -> Example {
    let (a, b) = ((index(0x12, 1), 0xa), (index(0x16, 2), 0xb));
    let c = (index(0x80, 3), 0xc);
    let leaf = |(index, number): (Hash, u8)| one(index, &newest(number));
    let both = more(leaf(a), leaf(b));
    // Bits 0001 0: nothing beside the way from the fifth bit up to the second.
    let below_0001 = more(both, [0; 32]);
    let below_00 = more(more([0; 32], below_0001), [0; 32]);
    let below_0 = more(below_00, [0; 32]);
    let beside = [leaf(c), [0; 32], [0; 32], [0; 32], [0; 32], leaf(b)];
    Example { entries: [a, b, c], left: [below_0, below_00], beside }
}

fn maps(writer: &mut Writer) -> Result<()> {
    let Example { entries: [(a, va), _, (c, vc)], left: [left, _], beside } = example();
    let root = more(left, one(c, &newest(vc)));
    let good = Vector::new("log-map", "present", "LOG-3", "an index's value, six bits down")
        .hex("root", root)
        .hex("index", a)
        .with("sequence", va)
        .hex("value", [va; 32])
        .item(proof(&beside, None));
    writer.put(&good)?;
    let alone = Vector::new("log-map", "alone", "LOG-3", "the only entry is the root")
        .hex("root", one(a, &newest(va)))
        .hex("index", a)
        .with("sequence", va)
        .hex("value", [va; 32])
        .item(proof(&[], None));
    writer.put(&alone)?;
    let empty = Vector::new("log-map", "empty", "LOG-3", "an empty map has nothing")
        .hex("root", [0; 32])
        .hex("index", a)
        .item(proof(&[], None));
    writer.put(&empty)?;
    map_lies(writer, &good)?;
    let long = good.spoilt("trailing", "CODEC-1", "trailing", "a byte after the proof");
    writer.put(&long.change(|bytes| bytes.push(0)))?;
    let short = good.spoilt("truncated", "CODEC-1", "truncated", "a sibling cut in two");
    writer.put(&short.change(|bytes| bytes.truncate(40)))?;
    let two = good.spoilt("optional-2", "CODEC-3", "not_canonical", "an optional of 2");
    writer.put(&two.change(|bytes| *bytes.last_mut().unwrap_or(&mut 0) = 2))
}

/// Absences, and what a server could say instead of the truth.
fn map_lies(writer: &mut Writer, good: &Vector) -> Result<()> {
    let Example { entries: [(a, va), (b, vb), (c, vc)], left: [chain, below_00], beside } =
        example();
    // 0100…: an empty place at the second bit; 1100…: only c begins with its first bit.
    let (gap, near_c) = (index(0x40, 9), index(0xc0, 9));
    let beside_gap = [one(c, &newest(vc)), below_00];
    let absent = good.spoilt("absent", "LOG-3", "ok", "an empty place").hex("index", gap);
    let absent = absent.without("sequence").without("value").item(proof(&beside_gap, None));
    writer.put(&absent)?;
    let other = good.spoilt("absent-beside-another", "LOG-3", "ok", "the one other entry");
    let other = other
        .hex("index", near_c)
        .without("sequence")
        .without("value")
        .item(proof(&[chain], Some((c, vc))));
    writer.put(&other)?;
    let with = |vector: &Vector, number: u8| {
        vector.clone().with("sequence", number).hex("value", [number; 32])
    };
    let lies = [
        ("another-value", "not its value", good.clone().hex("value", [vb; 32])),
        ("another-number", "not its number", good.clone().with("sequence", vb)),
        ("another-index", "another's value", good.clone().hex("index", b)),
        ("another-root", "another map", good.clone().hex("root", one(a, &newest(va)))),
        (
            "said-to-be-absent",
            "a present index, said to be nothing",
            good.clone().without("sequence").without("value"),
        ),
        ("said-to-be-there", "an absent index with a value", with(&absent, va)),
        ("sibling-missing", "one step short", good.clone().item(proof(&beside[..5], None))),
        ("siblings-the-other-way", "from the leaf up", {
            let mut beside = beside;
            beside.reverse();
            good.clone().item(proof(&beside, None))
        }),
        ("other-in-another-place", "another entry that does not begin with the bits walked", {
            let other = other.clone().hex("index", gap);
            other.item(proof(&[one(c, &newest(vc))], Some((c, vc))))
        }),
        ("other-is-itself", "absence shown by the entry itself", {
            good.clone().without("sequence").without("value").item(proof(&beside, Some((a, va))))
        }),
        ("other-and-a-value", "a value, and another entry where it should be", {
            with(&other, vc)
        }),
        ("other-with-another-value", "the other entry with a value that it has not", {
            other.clone().item(proof(&[chain], Some((c, va))))
        }),
        ("deeper-than-an-index", "257 siblings", good.clone().item(proof(&[[0; 32]; 257], None))),
    ];
    for (name, about, vector) in lies {
        writer.put(&vector.spoilt(name, "LOG-3", "wrong_map", about))?;
    }
    Ok(())
}

pub(crate) fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn key_id(name: &str, kind: u8, seed: u8) -> Vec<u8> {
    let key = signing(seed).verifying_key().to_bytes();
    Sha256::digest([name.as_bytes(), &[b'\n', kind], &key].concat())[..4].to_vec()
}

pub(crate) fn verifier(name: &str, kind: u8, seed: u8) -> String {
    let id = hex::encode(key_id(name, kind, seed));
    let key = [&[kind], signing(seed).verifying_key().as_bytes().as_slice()].concat();
    format!("{name}+{id}+{}", STANDARD.encode(key))
}

fn keys(writer: &mut Writer) -> Result<()> {
    let log = verifier(ORIGIN, 1, 1);
    let good = Vector::new("log-key", "a-log", "LOG-4", "name, key id, key")
        .with("key", &log)
        .with("name", ORIGIN)
        .hex("id", key_id(ORIGIN, 1, 1))
        .hex("public", signing(1).verifying_key().to_bytes());
    writer.put(&good)?;
    let witness = Vector::new("log-key", "a-witness", "LOG-4", "type 4, another key id");
    let witness = witness.with("key", verifier("w", 4, 2)).with("name", "w");
    writer.put(&witness.hex("id", key_id("w", 4, 2)))?;
    let key = log.rsplit('+').next().context("three parts")?;
    let id = hex::encode(key_id(ORIGIN, 1, 1));
    for (name, about, text) in [
        ("another-id", "the key id of another key", format!("{ORIGIN}+00000000+{key}")),
        ("capitals", "the key id in capitals", format!("{ORIGIN}+{}+{key}", id.to_uppercase())),
        ("no-name", "an empty name", verifier("", 1, 1)),
        ("a-space", "a name with a space", verifier("a log", 1, 1)),
        ("type-2", "a type that is not known", verifier(ORIGIN, 2, 1)),
        ("no-padding", "base64 without its padding", log.trim_end_matches('=').to_owned() + "A"),
        ("half", "two parts", format!("{ORIGIN}+{id}")),
        ("short", "31 bytes", format!("{ORIGIN}+{id}+{}", STANDARD.encode([1; 31]))),
    ] {
        let bad = Vector::new("log-key", name, "LOG-4", about).expect("not_a_key");
        writer.put(&bad.with("key", text))?;
    }
    Ok(())
}

fn values(writer: &mut Writer) -> Result<()> {
    let (structure, head) = ([0x51; 32], [0x52; 32]);
    let value =
        |sequence: u64| hash("log value", &[sequence.to_be_bytes().as_slice(), &head].concat());
    let good =
        Vector::new("log-value", "of-a-structure", "LABEL-1", "a structure's newest statement")
            .hex("structure", structure)
            .with("sequence", 7)
            .hex("head", head)
            .hex("index", hash("log index", &structure))
            .hex("value", value(7));
    writer.put(&good)?;
    let other =
        good.spoilt("of-another-sequence", "LABEL-1", "differs", "the number is hashed too");
    writer.put(&other.hex("value", value(8)))
}

fn places(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("log place");
    let (vault, account): (Hash, Hash) = (draw(&mut rng), draw(&mut rng));
    let (salt, index): (Hash, Hash) = (draw(&mut rng), draw(&mut rng));
    let (opening, head): (Hash, Hash) = (draw(&mut rng), draw(&mut rng));
    let sealed = |suite: u8, longer: &[u8]| -> Result<_> {
        let plain = [&[0, suite], index.as_slice(), &opening, longer].concat();
        let key = kdf(&vault, &salt, "log place", &account)?;
        let sealed = seal(&key, [0; 12], &crate::byhand::labelled("log place", &account), &plain)?;
        Ok([salt.as_slice(), &sealed].concat())
    };
    let value = [opening.as_slice(), &3_u64.to_be_bytes(), &head].concat();
    let good = Vector::new("log-place", "kept", "LOG-11", "where a safe's head stands, sealed")
        .hex("vault_key", vault)
        .hex("account", account)
        .hex("salt", salt)
        .with("sequence", 3)
        .hex("head", head)
        .hex("index", index)
        .hex("value", hash("log value", &value))
        .item(sealed(1, &[])?);
    writer.put(&good)?;
    let bad = |name, rule, about| good.spoilt(name, rule, "damaged", about);
    writer.put(&bad("of-another-safe", "OPEN-1", "another safe's").hex("account", [1; 32]))?;
    writer.put(&bad("another-salt", "OPEN-1", "one bit of the salt").change(flip(0)))?;
    writer.put(&bad("another-tag", "OPEN-1", "one bit of the tag").change(flip_last))?;
    writer.put(&bad("truncated", "OPEN-1", "one byte short").change(cut))?;
    writer.put(&bad("suite-2", "CODEC-2", "a later suite").item(sealed(2, &[])?))?;
    writer.put(&bad("trailing", "CODEC-1", "a byte after it").item(sealed(1, &[0])?))
}

fn marks(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("log mark");
    let (account, opening): (Hash, Hash) = (draw(&mut rng), draw(&mut rng));
    let device: [u8; 16] = draw(&mut rng);
    let mark = hash("log mark", &[opening.as_slice(), &[1], &device].concat());
    let good = Vector::new("log-mark", "of-a-device", "LOG-20", "that a device is retired")
        .hex("account", account)
        .hex("opening", opening)
        .hex("device", device)
        .hex("mark", mark)
        .hex("index", hash("log index", &[account, mark].concat()))
        .hex("value", hash("log value", &mark));
    writer.put(&good)?;
    let other = |name, about| good.spoilt(name, "LOG-20", "differs", about);
    let without = hash("log mark", &[opening.as_slice(), &device].concat());
    writer.put(&other("of-no-kind", "without what it is about").hex("mark", without))?;
    writer.put(&other("of-another-safe", "another account").hex("account", [1; 32]))?;
    writer.put(&other("of-another-device", "another device").hex("device", [1; 16]))?;
    writer.put(&other("of-another-opening", "another opening").hex("opening", [1; 32]))?;
    let over = |generation: u32| {
        let subject = [[2].as_slice(), &generation.to_be_bytes()].concat();
        hash("log mark", &[opening.as_slice(), &subject].concat())
    };
    let next: Hash = draw(&mut rng);
    let value = |next: Hash| hash("log value", &[over(1), next].concat());
    let good = Vector::new("log-mark", "of-a-generation", "LOG-20", "that a generation is over")
        .hex("account", account)
        .hex("opening", opening)
        .with("generation", 1)
        .hex("next", next)
        .hex("mark", over(1))
        .hex(
            "index",
            hash("log index", &[account.as_slice(), &over(1), &[2], &1_u32.to_be_bytes()].concat()),
        )
        .hex("value", value(next));
    writer.put(&good)?;
    let other = |name, about| good.spoilt(name, "LOG-20", "differs", about);
    writer.put(&other("of-another-generation", "the one after").hex("mark", over(2)))?;
    let about = "where a device's mark would stand";
    let as_device = hash("log index", &[account, over(1)].concat());
    writer.put(&other("of-a-generation-as-a-device", about).hex("index", as_device))?;
    let about = "it went over to another root";
    writer.put(&other("of-a-generation-elsewhere", about).hex("value", value([1; 32])))
}

/// Heads in a replay: two bytes before them, so that they are not taken for a leaf.
fn shown(heads: &[u8]) -> Vec<u8> {
    [&[0, 0], heads].concat()
}

fn replays(writer: &mut Writer) -> Result<()> {
    let (a, c) = (index(0x12, 1), index(0x80, 3));
    let head = |number: u8| [&c[..], &newest(number)].concat();
    let first = more(one(a, &newest(1)), one(c, &newest(1)));
    let second = more(one(a, &newest(1)), one(c, &newest(2)));
    let items = vec![
        entry(a, &newest(1)),
        map_leaf(first, &head(1))?,
        shown(&head(1)),
        map_leaf(second, &head(2))?,
        shown(&head(2)),
    ];
    let hashes = [0, 1, 3].map(|at| tree::leaf_hash(&items[at]));
    let good =
        Vector::new("log-replay", "two-batches", "LOG-2", "an entry, and a head that moves on")
            .hex("root", tree::root(&hashes))
            .hex("map_root", second)
            .items(items.clone());
    writer.put(&good)?;
    let bad = |name, rule, expect, about, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut items = items.clone();
        change(&mut items);
        good.spoilt(name, rule, expect, about).without("root").without("map_root").items(items)
    };
    let back = map_leaf(first, &head(1))?;
    let spoilt = [
        bad("head-comes-back", "LOG-2", "rollback", "a head that was replaced", &|items| {
            items.extend([back.clone(), shown(&head(1))]);
        }),
        bad("map-lies", "LOG-2", "wrong_map", "a root that the leaves do not make", &|items| {
            items[3][10] ^= 1;
        }),
        bad(
            "map-forgets-an-entry",
            "LOG-2",
            "wrong_map",
            "an entry that no map covers",
            &|items| {
                items.insert(3, entry(index(0x40, 1), &newest(1)));
            },
        ),
        bad("heads-of-another-leaf", "LOG-2", "wrong_heads", "other heads than named", &|items| {
            items[4] = shown(&head(3));
        }),
        bad("heads-are-hidden", "LOG-2", "wrong_heads", "no heads where one is named", &|items| {
            items[4] = shown(&[]);
        }),
        bad("count-differs", "LOG-2", "wrong_heads", "two heads named, one shown", &|items| {
            items[3][70] = 2;
        }),
        bad("too-many-heads", "LOG-13", "too_many_heads", "65,537 heads named", &|items| {
            items[3][67..].copy_from_slice(&65_537_u32.to_be_bytes());
        }),
        bad("ends-with-an-entry", "LOG-1", "not_a_map_leaf", "no map after an entry", &|items| {
            items.push(entry(index(0x40, 1), &newest(1)));
        }),
    ];
    for vector in spoilt {
        writer.put(&vector)?;
    }
    rollbacks(writer, (&good, &items), a)?;
    let two = [head(1), head(2)].concat();
    let twice = map_leaf(first, &two)?;
    let twice =
        bad("index-twice", "LOG-2", "wrong_heads", "an index twice in one batch", &|items| {
            (items[1], items[2]) = (twice.clone(), shown(&two));
        });
    writer.put(&twice)
}

/// What an index must not have behind these.
fn rollbacks(writer: &mut Writer, (good, items): (&Vector, &[Vec<u8>]), index: Hash) -> Result<()> {
    for (name, about, entries) in [
        ("entry-comes-back", "an entry that was replaced", vec![newest(9), newest(1)]),
        ("never-named-before", "5, which no map named, after 6", vec![newest(6), newest(5)]),
        ("another-under-its-number", "1 again, another value", {
            vec![[&newest(1)[..8], &[9; 32]].concat()]
        }),
    ] {
        let behind = entries.iter().map(|newest| entry(index, newest));
        let vector = good.spoilt(name, "LOG-2", "rollback", about);
        let vector = vector.without("root").without("map_root");
        writer.put(&vector.items(items.iter().cloned().chain(behind)))?;
    }
    Ok(())
}
