//! A checkpoint that fits into a square which cheap cameras read: what a poster, a sheet or a screen
//! carries beside what it is for.
//!
//! ```text
//! suite       u16
//! size        u64
//! root        [32]
//! time        u64     when the log signed
//! signature   [64]    the log's own cosignature; the origin is the one that the reader expects
//! ```

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Checkpoint, Error, Hash, KeyKind, Note, VerifierKey,
    codec::{self, SUITE},
};

/// Stands between what a square is for and the checkpoint.
const MARK: char = '.';

/// A checkpoint that nobody has checked yet, on its way from one device to another. LOG-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Carried {
    suite: u16,
    size: u64,
    root: Hash,
    time: u64,
    signature: [u8; 64],
}

impl Carried {
    /// The newest that the log itself said of a checkpoint.
    pub fn of(note: &Note, log: &VerifierKey) -> Option<Self> {
        let key = log.as_kind(KeyKind::Cosigner);
        let line =
            note.lines().iter().filter(|line| line.is_of(&key)).max_by_key(|it| it.time())?;
        let signature = line.signature().get(8..)?.try_into().ok()?;
        let Checkpoint { size, root, .. } = *note.claim();
        Some(Self { suite: SUITE, size, root, time: line.time(), signature })
    }

    /// As a note of this log, if the log signed it. LOG-17.
    pub fn verify(&self, log: &VerifierKey) -> Result<Note, Error> {
        let key = log.as_kind(KeyKind::Cosigner);
        let Self { size, root, time, signature, .. } = *self;
        let checkpoint = Checkpoint { origin: log.name().to_owned(), size, root };
        let note = Note::cosigned(checkpoint, &key, time, &signature);
        note.verify(&key)?;
        Ok(note)
    }

    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads exactly one. CODEC-1, CODEC-2.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.get(..2).is_some_and(|suite| suite != SUITE.to_be_bytes()) {
            return Err(Error::UnknownVersion);
        }
        codec::decode(bytes)
    }

    /// What a square holds: its text, and the checkpoint if there is one.
    pub fn beside(text: &str, carried: Option<&Self>) -> String {
        carried.map_or_else(|| text.to_owned(), |it| format!("{text}{MARK}{it}"))
    }

    /// Takes a square's text apart. What people type carries none, whatever stands in it.
    pub fn split(text: &str) -> (&str, Option<Self>) {
        let split = text.trim().split_once(MARK);
        let carried = split.and_then(|(text, carried)| Some((text, Some(carried.parse().ok()?))));
        carried.unwrap_or((text, None))
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.encode()))
    }
}

impl FromStr for Carried {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::decode(&URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::NotCanonical)?)
    }
}
