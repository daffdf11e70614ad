//! Look-ups in the log: who signed, who cosigned, what was seen before, what the map says. Notes are
//! written letter by letter.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use reconnect_format::tree;

use crate::{
    Vector, Writer, cut,
    log::{
        Hash, ORIGIN, entry, index, key_id, map_leaf, newest, one, proof, signing, vector, verifier,
    },
};

const NOW: u64 = 1_767_225_600;
const DAY: u64 = 86_400;

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    lookups(writer)?;
    seen_before(writer)?;
    signers(writer)?;
    forms(writer)
}

/// A log of one entry and its map, and whoever signs.
struct Log {
    leaves: Vec<Vec<u8>>,
    index: Hash,
    number: u8,
}

impl Log {
    fn new(number: u8) -> Result<Self> {
        let index = index(0x12, 1);
        let newest = newest(number);
        let leaves = vec![entry(index, &newest), map_leaf(one(index, &newest), &[])?];
        Ok(Self { leaves, index, number })
    }

    /// The same, with a later number in a second batch.
    fn grown(&self, number: u8) -> Result<Self> {
        let mut leaves = self.leaves.clone();
        let newest = newest(number);
        leaves.extend([entry(self.index, &newest), map_leaf(one(self.index, &newest), &[])?]);
        Ok(Self { leaves, number, ..*self })
    }

    fn hashes(&self) -> Vec<Hash> {
        self.leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect()
    }

    fn text(&self) -> String {
        let root = STANDARD.encode(tree::root(&self.hashes()));
        format!("{ORIGIN}\n{}\n{root}\n", self.leaves.len())
    }

    fn lookup(&self, note: &str, consistency: &[Hash]) -> Vec<u8> {
        self.lookup_beside(note, consistency, &[])
    }

    fn lookup_beside(&self, note: &str, consistency: &[Hash], beside: &[u8]) -> Vec<u8> {
        let hashes = self.hashes();
        // Two leaves or four: what stands beside the last one, from it up.
        let inclusion = match hashes.as_slice() {
            [a, b, c, _] => vec![*c, tree::node_hash(a, b)],
            [first, ..] => vec![*first],
            [] => vec![],
        };
        [
            vector(note.as_bytes()),
            vector(&consistency.concat()),
            vector(self.leaves.last().map_or(&[], Vec::as_slice)),
            vector(&inclusion.concat()),
            proof(&[], None),
            vec![1],
            newest(self.number),
            vector(beside),
        ]
        .concat()
    }
}

fn line(name: &str, kind: u8, seed: u8, time: u64, text: &str) -> String {
    let signed = if kind == 1 {
        signing(seed).sign(text.as_bytes()).to_bytes().to_vec()
    } else {
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let signature = signing(seed).sign(message.as_bytes()).to_bytes();
        [time.to_be_bytes().as_slice(), &signature].concat()
    };
    let bytes = STANDARD.encode([key_id(name, kind, seed), signed].concat());
    format!("\u{2014} {name} {bytes}\n")
}

fn own(text: &str) -> String {
    line(ORIGIN, 1, 1, 0, text) + &line(ORIGIN, 4, 1, NOW, text)
}

/// Two of three witnesses have signed, at different times.
fn witnessed(text: &str) -> String {
    let witness = |seed: u8, time| line(&format!("witness-{seed}"), 4, seed, time, text);
    format!("{text}\n{}{}{}", own(text), witness(2, NOW + 20), witness(3, NOW + 30))
}

fn base(log: &Log) -> Vector {
    let witnesses = [2, 3, 4].map(|seed| verifier(&format!("witness-{seed}"), 4, seed));
    Vector::new("log-lookup", "witnessed", "LOG-9", "log, map and two of three witnesses agree")
        .with("log", verifier(ORIGIN, 1, 1))
        .with("witnesses", witnesses.join(" "))
        .with("required", 2)
        .hex("index", log.index)
        .with("now", NOW + 100)
        .hex("size", (log.leaves.len() as u64).to_be_bytes())
        .hex("time", (NOW + 20).to_be_bytes())
        .hex("newest", newest(log.number))
        .item(log.lookup(&witnessed(&log.text()), &[]))
}

fn lookups(writer: &mut Writer) -> Result<()> {
    let log = Log::new(1)?;
    let grown = log.grown(2)?;
    let good = base(&log);
    writer.put(&good)?;
    let alone = good.spoilt("one-operators-word", "LOG-5", "ok", "a release without witnesses");
    writer.put(&alone.with("required", 0).hex("time", NOW.to_be_bytes()))?;
    refused(writer, &log, &grown, &good)?;
    beside(writer, &log, &good)?;
    // LOG-1: signed and witnessed, but the last leaf is an entry.
    let open = Log { leaves: vec![log.leaves[1].clone(), log.leaves[0].clone()], ..log };
    let item = open.lookup(&witnessed(&open.text()), &[]);
    let open = good.spoilt("ends-with-an-entry", "LOG-1", "not_a_map_leaf", "no map at the end");
    writer.put(&open.item(item))
}

/// What the map says of others, under the same checkpoint.
fn beside(writer: &mut Writer, log: &Log, good: &Vector) -> Result<()> {
    let absent = index(0x80, 3);
    let present = [proof(&[], None), vec![1], newest(log.number)].concat();
    let nothing = [proof(&[], Some((log.index, log.number))), vec![0]].concat();
    let note = witnessed(&log.text());
    let item = |beside: &[&[u8]]| log.lookup_beside(&note, &[], &beside.concat());
    let both = [log.index, absent].concat();
    let two = good.spoilt("two-beside", "LOG-9", "ok", "one that is there, and one that is not");
    let two = two.hex("beside", both).hex("found", [1, 0]).item(item(&[&present, &nothing]));
    writer.put(&two)?;
    for (name, about, item) in [
        ("beside-exchanged", "each under the other's index", item(&[&nothing, &present])),
        ("beside-left-out", "one of two", item(&[&present])),
        ("beside-unasked", "one more", item(&[&present, &nothing, &nothing])),
        (
            "beside-denied",
            "nothing, where something is",
            item(&[&[proof(&[], None), vec![0]].concat(), &nothing]),
        ),
    ] {
        writer.put(&two.spoilt(name, "LOG-9", "wrong_map", about).item(item))?;
    }
    Ok(())
}

/// What a device has seen decides.
fn seen_before(writer: &mut Writer) -> Result<()> {
    let (log, fork) = (Log::new(1)?, Log::new(3)?);
    let (grown, good) = (log.grown(2)?, base(&log));
    let kept = witnessed(&log.text());
    let later = base(&grown).spoilt("continues", "LOG-7", "ok", "from two leaves to four");
    let later = later.hex("kept", &kept).with("kept_time", NOW);
    let hashes = grown.hashes();
    let right = tree::node_hash(&hashes[2], &hashes[3]);
    let later = later.item(grown.lookup(&witnessed(&grown.text()), &[right]));
    writer.put(&later)?;
    let ahead = later.spoilt("time-stands-still", "LOG-6", "ok", "it never goes back on a device");
    writer.put(&ahead.with("kept_time", NOW + 50).hex("time", (NOW + 50).to_be_bytes()))?;
    let forked = witnessed(&fork.text());
    for (rule, expect, name, about, vector) in [
        ("LOG-7", "inconsistent", "no-consistency", "nothing that shows it", {
            later.clone().item(grown.lookup(&witnessed(&grown.text()), &[]))
        }),
        ("LOG-7", "inconsistent", "continues-another", "it continues another log", {
            later.clone().hex("kept", &forked)
        }),
        ("LOG-7", "inconsistent", "consistency-from-nowhere", "a proof that nobody asked for", {
            base(&grown).item(grown.lookup(&witnessed(&grown.text()), &[right]))
        }),
        ("LOG-7", "forked", "forked", "the same size, another root", {
            good.clone().hex("kept", &forked).with("kept_time", NOW)
        }),
        ("LOG-7", "went_back", "went-back", "four leaves were seen, two are shown", {
            let kept = witnessed(&grown.text());
            good.clone().hex("kept", kept).with("kept_time", NOW)
        }),
    ] {
        writer.put(&vector.spoilt(name, rule, expect, about))?;
    }
    Ok(())
}

/// What anyone refuses.
fn refused(writer: &mut Writer, log: &Log, grown: &Log, good: &Vector) -> Result<()> {
    for (rule, expect, name, about, vector) in [
        ("LOG-6", "stale", "older-than-a-day", "by the device's clock", {
            good.clone().with("now", NOW + 20 + DAY + 1)
        }),
        ("LOG-6", "ahead", "a-day-ahead", "the device's clock is behind", {
            good.clone().with("now", NOW + 20 - DAY - 1)
        }),
        ("LOG-5", "too_few_witnesses", "three-required", "two have signed", {
            good.clone().with("required", 3)
        }),
        ("LOG-5", "bad_policy", "a-witness-listed-twice", "one key cannot be two witnesses", {
            let twice = [verifier("witness-2", 4, 2), verifier("another-name", 4, 2)];
            good.clone().with("witnesses", twice.join(" "))
        }),
        ("LOG-5", "bad_policy", "half-of-the-witnesses", "two pairs could see two trees", {
            let four = [2, 3, 4, 5].map(|seed| verifier(&format!("witness-{seed}"), 4, seed));
            good.clone().with("witnesses", four.join(" "))
        }),
        ("LOG-5", "bad_policy", "the-log-as-a-witness", "the log vouches for itself", {
            let log = [verifier(ORIGIN, 4, 1), verifier("witness-2", 4, 2)];
            good.clone().with("witnesses", log.join(" "))
        }),
        ("LOG-9", "not_included", "not-the-last-leaf", "a map leaf from further up", {
            let mut early = grown.lookup(&witnessed(&grown.text()), &[]);
            let (old, new) = (&log.leaves[1], &grown.leaves[3]);
            let at = early.windows(71).position(|it| it == new.as_slice()).context("there")?;
            early.splice(at..at + 71, old.iter().copied());
            base(grown).item(early)
        }),
        ("LOG-9", "wrong_map", "another-value", "not what the map says", {
            good.clone().change(|bytes| {
                let at = bytes.len() - 2;
                bytes[at] ^= 1;
            })
        }),
        ("LOG-9", "wrong_map", "another-number", "not the number that the map says", {
            good.clone().change(|bytes| {
                let at = bytes.len() - 34;
                bytes[at] ^= 1;
            })
        }),
        ("LOG-9", "wrong_map", "another-index", "another index's value", {
            good.clone().hex("index", index(0x13, 1))
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

/// Who must have signed, and who counts.
fn signers(writer: &mut Writer) -> Result<()> {
    let log = Log::new(1)?;
    let (good, text) = (base(&log), log.text());
    let two = |first: String, second: String| format!("{text}\n{}{first}{second}", own(&text));
    let witness = |seed: u8, time| line(&format!("witness-{seed}"), 4, seed, time, &text);
    let renamed = |name: &str, seed| line(name, 4, seed, NOW, &text);
    let other = text.replace('2', "3");
    for (expect, rule, name, about, note) in [
        ("unsigned", "LOG-4", "no-log", "witnesses alone", {
            format!("{text}\n{}{}", witness(2, NOW), witness(3, NOW))
        }),
        ("unsigned", "LOG-4", "no-type-1", "the log signed with a time only", {
            format!(
                "{text}\n{}{}{}",
                line(ORIGIN, 4, 1, NOW, &text),
                witness(2, NOW),
                witness(3, NOW)
            )
        }),
        ("unsigned", "LOG-4", "no-type-4", "the log did not say when", {
            format!(
                "{text}\n{}{}{}",
                line(ORIGIN, 1, 1, 0, &text),
                witness(2, NOW),
                witness(3, NOW)
            )
        }),
        ("unsigned", "LOG-4", "another-key", "the log's name, another key", {
            let own = line(ORIGIN, 1, 7, 0, &text) + &line(ORIGIN, 4, 7, NOW, &text);
            format!("{text}\n{own}{}{}", witness(2, NOW), witness(3, NOW))
        }),
        ("bad_signature", "LOG-4", "another-text", "signatures of another checkpoint", {
            format!("{text}\n{}{}{}", own(&other), witness(2, NOW), witness(3, NOW))
        }),
        (
            "bad_signature",
            "LOG-4",
            "a-witness-of-another-text",
            "a known key that does not verify",
            { two(witness(2, NOW), line("witness-3", 4, 3, NOW, &other)) },
        ),
        ("wrong_origin", "LOG-4", "another-origin", "another log, by the same key", {
            let text = text.replace(ORIGIN, "log.example/other");
            witnessed(&text)
        }),
        ("too_few_witnesses", "LOG-5", "one-witness-twice", "two signatures by one key", {
            two(witness(2, NOW), witness(2, NOW + 9))
        }),
        (
            "too_few_witnesses",
            "LOG-5",
            "one-witness-under-another-name",
            "a name of its own choice",
            { two(witness(2, NOW), renamed("witness-9", 2)) },
        ),
        ("too_few_witnesses", "LOG-5", "strangers", "keys that nobody listed", {
            two(witness(8, NOW), witness(9, NOW))
        }),
    ] {
        let vector = good.spoilt(name, rule, expect, about).item(log.lookup(&note, &[]));
        writer.put(&vector)?;
    }
    let stranger = witnessed(&text) + &witness(9, NOW);
    let vector = good.spoilt("a-stranger-beside", "LOG-4", "ok", "unknown keys are passed over");
    writer.put(&vector.item(log.lookup(&stranger, &[])))
}

/// The one form of a note.
fn forms(writer: &mut Writer) -> Result<()> {
    let log = Log::new(1)?;
    let (good, text) = (base(&log), log.text());
    let whole = witnessed(&text);
    let many: String = (0..65).map(|_| line("witness-9", 4, 9, NOW, &text)).collect();
    for (name, about, note) in [
        ("no-signature", "a text alone", format!("{text}\n")),
        ("too-many-signatures", "65 more", format!("{whole}{many}")),
        ("an-extension", "a fourth line", { witnessed(&format!("{text}more\n")) }),
        ("size-with-a-zero", "02 leaves", { witnessed(&text.replace("\n2\n", "\n02\n")) }),
        ("size-with-a-sign", "+2 leaves", { witnessed(&text.replace("\n2\n", "\n+2\n")) }),
        ("size-too-large", "2^64 leaves", {
            witnessed(&text.replace("\n2\n", "\n18446744073709551616\n"))
        }),
        ("root-not-padded", "base64 without its padding", { witnessed(&text.replace('=', "")) }),
        ("root-not-canonical", "bits after the last byte", {
            let at = text.len() - 3;
            let next = char::from(text.as_bytes()[at] + 1);
            witnessed(&format!("{}{next}=\n", text.get(..at).context("ASCII")?))
        }),
        ("carriage-returns", "lines that end otherwise", { whole.replace('\n', "\r\n") }),
        ("no-last-newline", "the last line does not end", { whole.trim_end().to_owned() }),
        ("another-dash", "a dash that is not the one", { whole.replace('\u{2014}', "-") }),
        ("bytes-after-it", "a line that is no signature", whole.clone() + "x\n"),
    ] {
        let vector = good.spoilt(name, "LOG-4", "not_a_checkpoint", about);
        writer.put(&vector.item(log.lookup(&note, &[])))?;
    }
    Ok(())
}
