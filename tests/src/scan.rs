//! Looking for planted canaries: text or bytes that must be nowhere, in the encodings in which they
//! might hide.

use std::{fs, path::Path};

use anyhow::Result;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// One thing that must be nowhere.
pub struct Canary {
    name: String,
    needles: Vec<Vec<u8>>,
}

impl Canary {
    /// Bytes, as they are, in hexadecimal and in base64 wherever they stand.
    pub fn bytes(name: &str, bytes: &[u8]) -> Self {
        let mut needles =
            vec![bytes.to_vec(), hex::encode(bytes).into(), hex::encode_upper(bytes).into()];
        for shift in 0..3 {
            // Of each alignment, the letters that no neighbour can change.
            let shifted = [&[0; 3][..shift], bytes].concat();
            let whole = shifted.len() / 3 * 3;
            let skipped = if shift == 0 { 0 } else { 4 };
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let letters = engine.encode(shifted.get(..whole).unwrap_or_default());
                let certain = letters.as_bytes().get(skipped..).unwrap_or_default();
                if certain.len() >= 8 {
                    needles.push(certain.to_vec());
                }
            }
        }
        needles.sort();
        needles.dedup();
        Self { name: name.to_owned(), needles }
    }

    /// Text, as bytes and as UTF-16 in both orders.
    pub fn text(name: &str, text: &str) -> Self {
        let mut canary = Self::bytes(name, text.as_bytes());
        canary.needles.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        canary.needles.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        canary
    }

    /// Whether it is in `place`.
    pub fn is_in(&self, place: &[u8]) -> bool {
        self.needles.iter().any(|needle| contains(place, needle))
    }

    /// Of what.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether `needle` is somewhere in `place`.
pub fn contains(place: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(place, needle).is_some()
}

/// Every file below a folder, read whole.
pub fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push((path.display().to_string(), fs::read(&path)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_found_in_every_encoding_and_at_every_alignment() {
        let canary = Canary::text("name", "Aminata Diallo");
        for before in ["", "x", "xy", "xyz"] {
            let text = format!("{before}Aminata Diallo, and more");
            for place in [
                text.clone().into_bytes(),
                hex::encode(&text).into(),
                URL_SAFE_NO_PAD.encode(&text).into(),
                text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            ] {
                assert!(canary.is_in(&place), "after {before:?}");
            }
        }
        assert!(!canary.is_in(b"Aminata Diall0"));
    }
}
