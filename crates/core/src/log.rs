//! What a client knows of the log: whom its release believes, what this device has seen, and the one
//! way to ask. What comes out is witnessed, or it is an error that says why not.

use reconnect_format::{
    api::{Call, LogAnswer, Service},
    check,
    id::LogIndex,
};
use reconnect_log::{Kept, Lookup, Note, Policy, Question, VerifierKey, Witnessed};

use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    world::{World, ask},
};

/// Under what name a device keeps what it has seen.
const SEEN: &str = "log";
/// Under what name it keeps what no one log can have said.
const EVIDENCE: &str = "log-evidence";

/// Whom this release of the client believes about the log: constants, never from a server. LOG-5.
#[derive(Clone, Debug, Default)]
pub struct Release {
    log: Option<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    required: usize,
}

impl Release {
    /// Reads lines `log KEY`, `witness KEY`, `required NUMBER`; `#` begins a remark.
    pub fn read(text: &str) -> Result<Self, reconnect_log::Error> {
        let bad = reconnect_log::Error::BadPolicy;
        let mut release = Self::default();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(' ').ok_or(bad)? {
                ("log", key) if release.log.is_none() => release.log = Some(key.parse()?),
                ("witness", key) => release.witnesses.push(key.parse()?),
                ("required", number) => release.required = number.parse().map_err(|_| bad)?,
                _ => return Err(bad),
            }
        }
        let enough = Policy::is_enough(release.required, release.witnesses.len());
        if enough { Ok(release) } else { Err(bad) }
    }

    /// Whether nobody but the operator vouches for the log: the page must say so. LOG-5.
    pub fn is_one_operators_word(&self) -> bool {
        self.required == 0
    }
}

/// What a device has seen of the log.
#[derive(Clone, Debug)]
struct Seen {
    /// Pinned when it was first seen, where the release names none. LOG-14.
    log: VerifierKey,
    kept: Kept,
}

impl Seen {
    fn encode(&self) -> Vec<u8> {
        format!("{}\n{}\n{}", self.kept.time, self.log, self.kept.note).into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = str::from_utf8(bytes).ok()?.splitn(3, '\n');
        let (time, log, note) = (parts.next()?, parts.next()?, parts.next()?);
        let kept = Kept { time: time.parse().ok()?, note: Note::parse(note).ok()? };
        Some(Self { log: log.parse().ok()?, kept })
    }
}

/// What this page has seen of the log.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Option<Seen>,
}

impl Watch {
    /// Looks an index up and checks everything. LOG-9.
    ///
    /// A device of one's own remembers the newest checkpoint; on a shared one this page does.
    pub(crate) async fn look_up(
        &mut self,
        world: &impl World,
        index: [u8; 32],
        own_device: bool,
    ) -> Result<Witnessed, Error> {
        // Another page of this device may have seen more meanwhile.
        if own_device && let Some(kept) = world.kept(SEEN).await.as_deref().and_then(Seen::decode) {
            let is_newer = |seen: &Seen| seen.kept.note.claim().size < kept.kept.note.claim().size;
            if self.seen.as_ref().is_none_or(is_newer) {
                self.seen = Some(kept);
            }
        }
        let release = world.release();
        let seen = self.seen.as_ref();
        // A release that names another log than was pinned before has the last word.
        let seen = seen.filter(|it| release.log.as_ref().is_none_or(|log| *log == it.log));
        let from = seen.map_or(0, |seen| seen.kept.note.claim().size);
        let path = format!("/v1/log/lookup?index={}&from={from}", LogIndex(index));
        let answer = ask::<LogAnswer>(world, Call::read(path).open(), None).await;
        let answer = answer.map_err(|_| Unchecked::Unanswered)?;
        let log = match (&release.log, seen) {
            (Some(log), _) => log.clone(),
            (None, Some(seen)) => seen.log.clone(),
            (None, None) => first_log(world).await?,
        };
        let required = if check!(Witnesses) { release.required } else { 0 };
        let policy = Policy::new(log.clone(), release.witnesses.clone(), required)
            .map_err(|_| ServerMisbehaved::LogForged)?;
        let asked =
            Question { policy: &policy, index, kept: seen.map(|it| &it.kept), now: world.now() };
        let lookup = Lookup::decode(&answer.lookup.0).map_err(|_| ServerMisbehaved::LogForged)?;
        match lookup.verify(&asked) {
            Ok(witnessed) => {
                let seen = Seen { log, kept: witnessed.kept().clone() };
                if own_device {
                    world.keep(SEEN, &seen.encode()).await?;
                }
                self.seen = Some(seen);
                Ok(witnessed)
            }
            Err(error) => {
                let refused = refusal(error);
                if own_device && matches!(refused, Error::Misbehaved(_)) {
                    // LOG-7: shown to whoever helps, beside what was seen before.
                    world.keep(EVIDENCE, &answer.lookup.0).await?;
                }
                Err(refused)
            }
        }
    }
}

/// The first key that this device is shown; from then on it believes no other. LOG-14.
async fn first_log(world: &impl World) -> Result<VerifierKey, Error> {
    let service = ask::<Service>(world, Call::read("/v1/service").open(), None).await;
    let service = service.map_err(|_| Unchecked::Unanswered)?;
    Ok(service.log.parse().map_err(|_| ServerMisbehaved::LogForged)?)
}

fn refusal(error: reconnect_log::Error) -> Error {
    use reconnect_log::Error as Log;
    match error {
        // LOG-5, LOG-6.
        Log::TooFewWitnesses { .. } => Unchecked::TooFewWitnesses.into(),
        Log::Stale => Unchecked::Stale.into(),
        Log::Ahead => Unchecked::Ahead.into(),
        // LOG-7.
        Log::WentBack | Log::Forked | Log::Inconsistent => ServerMisbehaved::LogForked.into(),
        _ => ServerMisbehaved::LogForged.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_contradicts_itself_is_refused() {
        let key = "log.example+";
        for text in ["required 1", "witness", "witness x", "log a\nlog b", key, "required -1"] {
            assert!(Release::read(text).is_err(), "{text}");
        }
        let empty = Release::read("# nobody\n\n").expect("nobody is named");
        assert!(empty.is_one_operators_word() && empty.log.is_none());
    }
}
