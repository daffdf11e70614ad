//! Checkpoints in signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature), read strictly.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::{Error, Hash};

/// Signatures on one note: more are refused.
pub const SIGNATURES_MAX: usize = 64;
/// How a line of a signature begins.
const DASH: &str = "\u{2014} ";

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// The text of a note.
    Log = 1,
    /// The text, and when it was seen.
    Cosigner = 4,
}

/// Whose signature it is, and what verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: [u8; 32],
}

impl VerifierKey {
    /// A key under a name without white space and plus.
    pub fn new(name: &str, kind: KeyKind, key: [u8; 32]) -> Result<Self, Error> {
        VerifyingKey::from_bytes(&key).map_err(|_| Error::NotAKey)?;
        if !is_name(name) {
            return Err(Error::NotAKey);
        }
        Ok(Self { name: name.to_owned(), kind, key })
    }

    /// Under what name it signs; a log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its bytes.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The same key and name, for signing something else.
    #[must_use]
    pub fn as_kind(&self, kind: KeyKind) -> Self {
        Self { kind, ..self.clone() }
    }

    /// What finds its lines in a note.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', self.kind as u8])
            .chain_update(self.key)
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Checks one signature, strictly. SIG-1.
    fn check(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| Error::BadSignature)?;
        key.verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| Error::BadSignature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = STANDARD.encode([&[self.kind as u8], self.key.as_slice()].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::NotAKey);
        };
        let bytes = STANDARD.decode(key).map_err(|_| Error::NotAKey)?;
        let (kind, key) = bytes.split_first().ok_or(Error::NotAKey)?;
        let kind = match kind {
            1 => KeyKind::Log,
            4 => KeyKind::Cosigner,
            _ => return Err(Error::NotAKey),
        };
        let key = key.try_into().map_err(|_| Error::NotAKey)?;
        let read = Self::new(name, kind, key)?;
        // The id in the middle must be the key's, in the form that is written here.
        if read.to_string() == text { Ok(read) } else { Err(Error::NotAKey) }
    }
}

fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= 255 && !name.chars().any(bad)
}

/// What a log was at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Checkpoint {
    /// Three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::NotACheckpoint);
        };
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| Error::NotACheckpoint)?,
            root: STANDARD
                .decode(root)
                .ok()
                .and_then(|root| root.try_into().ok())
                .ok_or(Error::NotACheckpoint)?,
        };
        // No extension, no sign or zero before a number, nothing but this text.
        let is_this = is_name(origin) && checkpoint.text() == text;
        if is_this { Ok(checkpoint) } else { Err(Error::NotACheckpoint) }
    }
}

/// One signature on a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Line {
    /// Whether it says that it is this key's.
    pub fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.id()
    }

    /// What was signed with; a cosigner's begins with the time.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// When a cosigner says that it signed.
    pub fn time(&self) -> u64 {
        self.signature.first_chunk().map_or(0, |time| u64::from_be_bytes(*time))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = STANDARD.encode([self.id.as_slice(), &self.signature].concat());
        writeln!(f, "{DASH}{} {bytes}", self.name)
    }
}

impl FromStr for Line {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let line = text.strip_prefix(DASH).and_then(|rest| rest.strip_suffix('\n'));
        let (name, bytes) = line.and_then(|it| it.split_once(' ')).ok_or(Error::NotACheckpoint)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| Error::NotACheckpoint)?;
        let (id, signature) = bytes.split_first_chunk().ok_or(Error::NotACheckpoint)?;
        if !is_name(name) || signature.is_empty() {
            return Err(Error::NotACheckpoint);
        }
        Ok(Self { name: name.to_owned(), id: *id, signature: signature.to_vec() })
    }
}

/// A checkpoint with signatures that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    checkpoint: Checkpoint,
    lines: Vec<Line>,
}

impl Note {
    /// Signs a checkpoint as its log, at a time; `sign` is given a message and knows the key.
    pub fn make(
        checkpoint: Checkpoint,
        key: &VerifierKey,
        time: u64,
        sign: impl Fn(&[u8]) -> [u8; 64],
    ) -> Self {
        let signature = sign(checkpoint.text().as_bytes()).to_vec();
        let key = key.as_kind(KeyKind::Log);
        let line = Line { name: key.name.clone(), id: key.id(), signature };
        let mut note = Self { checkpoint, lines: vec![line] };
        let own = note.cosign(&key, time, sign);
        note.lines.push(own);
        note
    }

    /// A cosignature, for whoever verified what the note says. LOG-8 is the caller's to keep.
    pub fn cosign(&self, key: &VerifierKey, time: u64, sign: impl Fn(&[u8]) -> [u8; 64]) -> Line {
        let signed = sign(cosigned(time, &self.checkpoint.text()).as_bytes());
        let signature = [time.to_be_bytes().as_slice(), &signed].concat();
        let key = key.as_kind(KeyKind::Cosigner);
        Line { name: key.name.clone(), id: key.id(), signature }
    }

    /// One signature alone, as it was carried.
    pub(crate) fn cosigned(
        checkpoint: Checkpoint,
        key: &VerifierKey,
        time: u64,
        signature: &[u8; 64],
    ) -> Self {
        let signature = [time.to_be_bytes().as_slice(), signature].concat();
        let line = Line { name: key.name.clone(), id: key.id(), signature };
        Self { checkpoint, lines: vec![line] }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (body, lines) = text.rsplit_once("\n\n").ok_or(Error::NotACheckpoint)?;
        let checkpoint = Checkpoint::parse(&format!("{body}\n"))?;
        let lines: Vec<Line> =
            lines.split_inclusive('\n').map(str::parse).collect::<Result<_, _>>()?;
        if lines.is_empty() || lines.len() > SIGNATURES_MAX {
            return Err(Error::NotACheckpoint);
        }
        Ok(Self { checkpoint, lines })
    }

    /// What it says, believed by nobody.
    pub fn claim(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// All signatures.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Puts a cosignature in place of those that the same key gave before.
    pub fn put(&mut self, key: &VerifierKey, line: Line) {
        self.lines.retain(|other| !other.is_of(key));
        self.lines.push(line);
    }

    /// Checks all signatures of a key: the newest time that one of them says, or none when there
    /// is no signature. One of a known key that does not verify is refused, whatever else there is.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, Error> {
        let text = self.checkpoint.text();
        let mut newest = None;
        for line in self.lines.iter().filter(|line| line.is_of(key)) {
            let time = match key.kind {
                KeyKind::Log => {
                    let signature =
                        line.signature.as_slice().try_into().map_err(|_| Error::BadSignature)?;
                    key.check(text.as_bytes(), signature)?;
                    0
                }
                KeyKind::Cosigner => {
                    let (time, signature) =
                        line.signature.split_first_chunk().ok_or(Error::BadSignature)?;
                    let signature = signature.try_into().map_err(|_| Error::BadSignature)?;
                    let time = u64::from_be_bytes(*time);
                    key.check(cosigned(time, &text).as_bytes(), signature)?;
                    time
                }
            };
            newest = newest.max(Some(time));
        }
        Ok(newest)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.checkpoint.text())?;
        self.lines.iter().try_for_each(|line| write!(f, "{line}"))
    }
}

fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
