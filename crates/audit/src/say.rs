//! What the program says: sentences for people, or one JSON object a line for machines.

use std::{
    fmt,
    io::{Write as _, stdout},
    path::PathBuf,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reconnect_log::{Checkpoint, Note, VerifierKey};
use serde::Serialize;

use crate::{evidence::Kind, follow::Round, wire::HandedIn};

/// How it says it.
#[derive(Clone, Copy)]
pub(crate) struct Say {
    pub(crate) json: bool,
}

impl Say {
    pub(crate) fn event(self, event: &Event) {
        let line = match serde_json::to_string(event) {
            Ok(line) if self.json => line,
            _ => event.to_string(),
        };
        // Nobody reads it when there is no terminal.
        let _ = writeln!(stdout(), "{line}");
    }
}

/// One thing that happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A key was made.
    Key { verifier_key: String },
    /// A checkpoint was verified.
    Verified {
        size: u64,
        root: String,
        /// Indices of the map that have a value.
        indices: u64,
        is_new: bool,
        is_cosigned: bool,
        is_too_late: bool,
    },
    /// Something did not work.
    Trouble { what: String, again_in_seconds: Option<u64> },
    /// The log misbehaved.
    Misbehaved { kind: Kind, words: String, is_proof: bool, evidence: PathBuf },
    /// The page is the one that the log names.
    Page { number: u64, files: usize },
    /// It is not.
    OtherPage { what: String },
    /// It had misbehaved before.
    Known { evidence: PathBuf },
    /// What was given shows nothing.
    NoEvidence { why: String },
    /// How far a state has come.
    State { log: String, size: u64, root: Option<String>, evidence: Vec<PathBuf> },
}

impl Event {
    pub(crate) fn of(round: &Round, indices: u64) -> Self {
        let claim = round.note.claim();
        Self::Verified {
            size: claim.size,
            root: root(claim),
            indices,
            is_new: round.is_new,
            is_cosigned: round.handed_in == Some(HandedIn::Taken),
            is_too_late: round.handed_in == Some(HandedIn::TooLate),
        }
    }

    pub(crate) fn misbehaved(kind: Kind, detail: &str, evidence: PathBuf) -> Self {
        let words = format!("{kind} ({detail})");
        Self::Misbehaved { kind, words, is_proof: kind.is_proof(), evidence }
    }

    pub(crate) fn state(log: &VerifierKey, kept: Option<&Note>, evidence: Vec<PathBuf>) -> Self {
        let claim = kept.map(Note::claim);
        let size = claim.map_or(0, |claim| claim.size);
        Self::State { log: log.to_string(), size, root: claim.map(root), evidence }
    }
}

fn root(claim: &Checkpoint) -> String {
    STANDARD.encode(claim.root)
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { verifier_key } => f.write_str(verifier_key),
            Self::Verified { size, root, indices, is_new, is_cosigned, is_too_late } => {
                let new = if *is_new { "" } else { ", nothing new" };
                write!(f, "verified: {size} leaves, root {root}, {indices} indices{new}")?;
                match (is_cosigned, is_too_late) {
                    (true, _) => f.write_str("; cosigned"),
                    (_, true) => f.write_str("; cosigned too late, a larger one stands"),
                    _ => Ok(()),
                }
            }
            Self::Trouble { what, again_in_seconds: None } => write!(f, "trouble: {what}"),
            Self::Trouble { what, again_in_seconds: Some(seconds) } => {
                write!(f, "trouble: {what}; again in {seconds} s")
            }
            Self::Misbehaved { words, is_proof, evidence, .. } => {
                let rests = if *is_proof {
                    "The log's own signatures prove it."
                } else {
                    "The answer was not signed: that the server gave it is the word of whoever \
                     kept it."
                };
                write!(f, "MISBEHAVED: {words}\n{rests}\nevidence: {}", evidence.display())
            }
            Self::Page { number, files } => {
                write!(f, "page: all {files} files are those that the log names as {number}")
            }
            Self::OtherPage { what } => write!(
                f,
                "ANOTHER PAGE: {what}\nNobody signed what was served: that it was is your word. Look \
                 again in a minute: the service may have been updated just now."
            ),
            Self::Known { evidence } => write!(
                f,
                "MISBEHAVED before: see {}. Nothing is read or cosigned until somebody has looked \
                 at it and moved the folder away.",
                evidence.display()
            ),
            Self::NoEvidence { why } => write!(f, "no evidence: {why}"),
            Self::State { log, size, root, evidence } => {
                writeln!(f, "log: {log}")?;
                match root {
                    Some(root) => write!(f, "verified: {size} leaves, root {root}")?,
                    None => f.write_str("nothing verified yet")?,
                }
                evidence.iter().try_for_each(|it| write!(f, "\nevidence: {}", it.display()))
            }
        }
    }
}
