//! What a device keeps when a log does not continue what was seen of it: in one file, which a stranger
//! can check who has the log's verifier key (PROTOCOL.md 15.6).

use reconnect_format::id::Base64;
use reconnect_log::{Lookup, Note, VerifierKey, tree::root_before};
use serde::Serialize;

use crate::{error::Error, world::World};

/// Under what name a device of one's own keeps it.
pub const EVIDENCE: &str = "log-evidence";
/// The same on a shared device: for as long as the page is open.
pub const EVIDENCE_HERE: &str = "here/log-evidence";

/// Two checkpoints that were shown, and what was said to lead from one to the other.
pub(crate) struct Evidence {
    what: (&'static str, &'static str),
    files: Files,
}

#[derive(Serialize)]
struct Files {
    #[serde(rename = "first.note")]
    first: Base64,
    #[serde(rename = "second.note")]
    second: Base64,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistency: Option<Base64>,
}

#[derive(Serialize)]
struct File<'a> {
    kind: &'static str,
    found: u64,
    log: String,
    words: &'static str,
    files: &'a Files,
}

impl Evidence {
    /// What an answer shows that does not continue `first`; nothing where its own note is none.
    pub(crate) fn of(first: &Note, answer: &Lookup) -> Option<Self> {
        let second = Note::parse(str::from_utf8(&answer.checkpoint).ok()?).ok()?;
        let (from, claim) = (first.claim().size, second.claim());
        if claim.size < from {
            return Some(Self::with(BACK, first, &second, None));
        }
        let leads = root_before(from, (claim.size, &claim.root), &answer.consistency);
        let what = if leads.is_some() { FORK } else { GAP };
        let hashes = leads.iter().chain(&answer.consistency).flatten().copied().collect();
        Some(Self::with(what, first, &second, Some(hashes)))
    }

    /// Two checkpoints of one size.
    pub(crate) fn fork(first: &Note, second: &Note) -> Self {
        Self::with(FORK, first, second, Some(second.claim().root.to_vec()))
    }

    fn with(
        what: (&'static str, &'static str),
        first: &Note,
        second: &Note,
        consistency: Option<Vec<u8>>,
    ) -> Self {
        let note = |note: &Note| Base64(note.to_string().into_bytes());
        let (first, second) = (note(first), note(second));
        Self { what, files: Files { first, second, consistency: consistency.map(Base64) } }
    }

    /// Keeps it, until somebody looked at it.
    pub(crate) async fn keep(
        &self,
        world: &impl World,
        log: &VerifierKey,
        own_device: bool,
    ) -> Result<(), Error> {
        let name = if own_device { EVIDENCE } else { EVIDENCE_HERE };
        let (kind, words) = self.what;
        // What proves more stays.
        if kind != FORK.0 && world.kept(name).await.is_some() {
            return Ok(());
        }
        let (found, log) = (world.now(), log.to_string());
        let file = File { kind, found, log, words, files: &self.files };
        let bytes = serde_json::to_vec(&file).map_err(|_| Error::Unreadable)?;
        Ok(world.keep(name, &bytes).await?)
    }
}

const FORK: (&str, &str) = (
    "fork",
    "The log forked: it signed two checkpoints that no one log can have. Some people are shown another history than others.",
);
const BACK: (&str, &str) = ("back", "The server showed a smaller log than it had shown before.");
const GAP: (&str, &str) =
    ("gap", "The server did not show that the log continues what it had shown before.");
