//! Tiles (C2SP tlog-tiles): 256 hashes or leaves under one path, or fewer at the log's end.

use std::{fmt, str::FromStr};

use crate::Error;

/// Hashes or leaves of a whole tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree between one level of tiles and the next.
pub const HEIGHT: usize = 8;

/// Which tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilePath {
    /// Of hashes at this level, from 0; or of leaves.
    pub level: Option<u8>,
    /// Number, from 0.
    pub number: u64,
    /// How many hashes or leaves, from 1 to 256.
    pub width: u16,
}

impl TilePath {
    /// The tiles of leaves that hold those from `from` up to `size`.
    pub fn entries(from: u64, size: u64) -> impl Iterator<Item = Self> {
        Self::of_row(None, from, size)
    }

    /// The tiles of hashes that a tree of `size` has and one of `from` had not.
    pub fn hashes(from: u64, size: u64) -> impl Iterator<Item = Self> {
        let rows = (0..8).map(move |level| {
            let levels = usize::from(level) * HEIGHT;
            (level, from >> levels, size >> levels)
        });
        rows.filter(|(_, from, size)| size > from)
            .flat_map(|(level, from, size)| Self::of_row(Some(level), from, size))
    }

    fn of_row(level: Option<u8>, from: u64, size: u64) -> impl Iterator<Item = Self> {
        (from / WIDTH..size.div_ceil(WIDTH)).map(move |number| {
            let left = size.saturating_sub(number * WIDTH).min(WIDTH);
            Self { level, number, width: u16::try_from(left).unwrap_or(u16::MAX) }
        })
    }

    /// Number of its first hash or leaf, in its row.
    pub fn first(&self) -> u64 {
        self.number.saturating_mul(WIDTH)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{level}/")?,
            None => f.write_str("entries/")?,
        }
        // Three digits at a time, all but the last after an x.
        let mut groups = vec![format!("{:03}", self.number % 1000)];
        let mut rest = self.number / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        if u64::from(self.width) < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = Error;

    /// Reads what stands after `tile/`, in the one form that is written here.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (level, rest) = text.split_once('/')?;
            let level = match level {
                "entries" => None,
                level => Some(level.parse().ok().filter(|level| *level < 64)?),
            };
            let (number, width) = match rest.split_once(".p/") {
                Some((number, width)) => (number, width.parse().ok()?),
                None => (rest, 256),
            };
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let tile = Self { level, number: digits.parse().ok()?, width };
            ((1..=256).contains(&width) && tile.to_string() == text).then_some(tile)
        };
        parse().ok_or(Error::NotCanonical)
    }
}

/// The bytes of a tile of leaves: each after its length.
pub fn encode_entries<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        // Invariant: a leaf of this crate has 71 bytes at most.
        bytes.extend(u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(leaf);
    }
    bytes
}

/// Reads leaves, each after its length.
pub fn decode_entries(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut leaves = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or(Error::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (leaf, rest) = rest.split_at_checked(length).ok_or(Error::Truncated)?;
        leaves.push(leaf);
        bytes = rest;
    }
    Ok(leaves)
}
