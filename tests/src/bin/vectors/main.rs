//! Writes the test vectors of PROTOCOL.md that do not exist yet; one that exists is never changed.
//!
//! Everything comes from fixed seeds. Keys, envelopes and signatures are made by hand here
//! ([`byhand`]), from the text of PROTOCOL.md and not from `core`: two readings of one text.

mod byhand;
mod carried;
mod continued;
mod deposits;
mod encodings;
mod envelopes;
mod fresh;
mod generations;
mod grants;
mod guardians;
mod keys;
mod linking;
mod log;
mod lookups;
mod overruling;
mod pake;
mod rewraps;
mod safes;
mod structures;
mod successors;
mod uses;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect_core::vectors::judge;
use sha2::{Digest as _, Sha256};

fn main() -> Result<()> {
    let mut writer = Writer { folder: folder(), written: 0 };
    encodings::write(&mut writer)?;
    keys::write(&mut writer)?;
    pake::write(&mut writer)?;
    envelopes::write(&mut writer)?;
    safes::write(&mut writer)?;
    generations::write(&mut writer)?;
    continued::write(&mut writer)?;
    uses::write(&mut writer)?;
    fresh::write(&mut writer)?;
    grants::write(&mut writer)?;
    deposits::write(&mut writer)?;
    linking::write(&mut writer)?;
    guardians::write(&mut writer)?;
    overruling::write(&mut writer)?;
    structures::write(&mut writer)?;
    successors::write(&mut writer)?;
    rewraps::write(&mut writer)?;
    log::write(&mut writer)?;
    lookups::write(&mut writer)?;
    carried::write(&mut writer)?;
    say(writer.written);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the outcome is what the command is for")]
fn say(written: usize) {
    println!("{written} new vectors");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1")
}

/// Writes files, and nothing over them.
pub(crate) struct Writer {
    folder: PathBuf,
    written: usize,
}

impl Writer {
    /// Judges a vector, and writes it when there is none of its name.
    pub(crate) fn put(&mut self, vector: &Vector) -> Result<()> {
        let path = self.folder.join(vector.object).join(&vector.name);
        if path.exists() {
            return Ok(());
        }
        let text = vector.text()?;
        let verdict = judge(text.as_bytes()).with_context(|| vector.name.clone())?;
        ensure!(
            verdict.holds(),
            "{}/{} should be {} and is {}",
            vector.object,
            vector.name,
            verdict.expect,
            verdict.found
        );
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::write(path, text)?;
        self.written += 1;
        Ok(())
    }
}

/// One scenario.
#[derive(Clone)]
pub(crate) struct Vector {
    object: &'static str,
    name: String,
    rule: &'static str,
    expect: &'static str,
    about: &'static str,
    head: Vec<(&'static str, String)>,
    items: Vec<Vec<u8>>,
}

impl Vector {
    /// One that is accepted, until [`Self::expect`] says otherwise.
    pub(crate) fn new(
        object: &'static str,
        name: impl Into<String>,
        rule: &'static str,
        about: &'static str,
    ) -> Self {
        let (head, items) = (Vec::new(), Vec::new());
        Self { object, name: name.into(), rule, expect: "ok", about, head, items }
    }

    /// The same scenario, spoilt.
    pub(crate) fn spoilt(
        &self,
        name: impl Into<String>,
        rule: &'static str,
        expect: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name: name.into(), rule, expect, about, ..self.clone() }
    }

    /// What must be found.
    pub(crate) fn expect(mut self, expect: &'static str) -> Self {
        self.expect = expect;
        self
    }

    /// A value of the head; takes the place of one of that name.
    pub(crate) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.head.retain(|(known, _)| *known != name);
        self.head.push((name, format!("{value}")));
        self
    }

    /// The same in hex.
    pub(crate) fn hex(self, name: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(name, hex::encode(bytes))
    }

    /// Leaves out a value of the head.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.head.retain(|(known, _)| *known != name);
        self
    }

    /// The items, in place of those before.
    pub(crate) fn items(mut self, items: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.items = items.into_iter().collect();
        self
    }

    /// The one item.
    pub(crate) fn item(self, item: impl AsRef<[u8]>) -> Self {
        self.items([item.as_ref().to_vec()])
    }

    /// The same with its first item changed.
    pub(crate) fn change(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        if let Some(item) = self.items.first_mut() {
            change(item);
        }
        self
    }

    fn text(&self) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "object: {}\nexpect: {}", self.object, self.expect)?;
        writeln!(text, "rule: {}\nabout: {}", self.rule, self.about)?;
        for (name, value) in &self.head {
            writeln!(text, "{name}: {value}")?;
        }
        writeln!(text, "---")?;
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                writeln!(text)?;
            }
            for line in item.chunks(64) {
                writeln!(text, "{}", hex::encode(line))?;
            }
        }
        Ok(text)
    }
}

/// Flips the lowest bit of a byte.
pub(crate) fn flip(place: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[place] ^= 1
}

/// Flips the lowest bit of the last byte.
#[expect(clippy::ptr_arg, reason = "changes are all of one shape")]
pub(crate) fn flip_last(bytes: &mut Vec<u8>) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}

/// Takes the last byte away.
pub(crate) fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len().saturating_sub(1));
}

/// The generator that a text seeds.
pub(crate) fn seeded(text: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(Sha256::digest(text).into())
}

/// What the generator will give next.
pub(crate) fn peek<const N: usize>(rng: &ChaCha20Rng) -> [u8; N] {
    draw(&mut rng.clone())
}

/// The next bytes.
pub(crate) fn draw<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
