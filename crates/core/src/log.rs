//! What a client knows of the log: whom its release believes, what this device has seen, and the one
//! way to ask. What comes out is witnessed, or it is an error that says why not.

use std::cell::Cell;

use reconnect_format::{
    api::{BESIDE, Call, LogAnswer, Service},
    check,
    id::{Base64, LogIndex},
};
pub use reconnect_log::Carried;
use reconnect_log::{Kept, Lookup, Newest, Note, Policy, Question, VerifierKey, Witnessed};

use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    evidence::Evidence,
    world::{World, ask},
};

/// Under what name a device keeps what it has seen.
const SEEN: &str = "log";
/// How often two answers are asked for until they are of one checkpoint.
const MEETING_TRIES: usize = 5;

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
    /// Read from a square, and not yet compared with what the server shows. LOG-17.
    carried: Option<Carried>,
    /// Witnessed time that is ahead of this device's clock by so much that no key is used on it.
    ahead: u64,
}

impl Watch {
    /// One that has read a square, perhaps.
    pub(crate) fn carrying(carried: Option<Carried>) -> Self {
        Self { carried, ..Self::default() }
    }

    /// Witnessed time, as far as this device or page has seen: it never goes back. LOG-6.
    pub(crate) fn time(&self) -> u64 {
        self.seen.as_ref().map_or(0, |seen| seen.kept.time).max(self.ahead)
    }

    /// Remembers what a square carried until the next look-up.
    pub(crate) fn carry(&mut self, carried: Carried) {
        self.carried = Some(carried);
    }

    /// The newest checkpoint that was verified, for a square. LOG-16.
    pub(crate) fn carried(&self) -> Option<Carried> {
        self.seen.as_ref().and_then(|seen| Carried::of(&seen.kept.note, &seen.log))
    }

    /// Looks an index up and checks everything. LOG-9.
    ///
    /// A device of one's own remembers the newest checkpoint; on a shared one this page does.
    pub(crate) fn look_up(
        &mut self,
        world: &impl World,
        index: [u8; 32],
        own_device: bool,
    ) -> impl Future<Output = Result<Witnessed, Error>> {
        self.look_up_beside(world, index, &[], own_device)
    }

    /// The same, and what stands at each of `marks`, then or a moment later: there may be
    /// more of them than one answer has.
    pub(crate) async fn look_up_marks(
        &mut self,
        world: &impl World,
        index: [u8; 32],
        marks: &[[u8; 32]],
        own_device: bool,
    ) -> Result<(Witnessed, Vec<Option<Newest>>), Error> {
        let (mut first, mut there) = (None, Vec::new());
        let mut chunks = marks.chunks(BESIDE);
        loop {
            let asked = chunks.next().unwrap_or_default();
            let witnessed = self.look_up_beside(world, index, asked, own_device).await?;
            there.extend(witnessed.beside().iter().copied());
            let witnessed = first.take().unwrap_or(witnessed);
            if there.len() == marks.len() {
                return Ok((witnessed, there));
            }
            first = Some(witnessed);
        }
    }

    async fn look_up_beside(
        &mut self,
        world: &impl World,
        index: [u8; 32],
        beside: &[[u8; 32]],
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
        // A release that names another log than was pinned before has the last word.
        let seen = self.seen.as_ref();
        let seen = seen.filter(|it| release.log.as_ref().is_none_or(|log| *log == it.log));
        let log = match (&release.log, seen) {
            (Some(log), _) => log.clone(),
            (None, Some(seen)) => seen.log.clone(),
            (None, None) => first_log(world).await?,
        };
        let asking = Asking { index, beside, log: &log, own_device, ahead: Cell::new(0) };
        // Boxed: three of them in one future would make every journey's larger.
        let answered = Box::pin(asking.after(world, seen.map(|it| &it.kept))).await;
        // FRESH-5: nothing is believed under it, and yet it is so late: where witnesses say so. One
        // operator's word would end everything with one wrong clock.
        if !release.is_one_operators_word() {
            self.ahead = self.ahead.max(asking.ahead.get());
        }
        let mut witnessed = answered?;
        // Nothing is believed before what was carried is continued as well. The log may grow between
        // two answers: they must be of one checkpoint.
        for _ in 0..MEETING_TRIES {
            let Some(carried) = self.carried.take().filter(|_| check!(Carried)) else { break };
            if Box::pin(asking.meets(world, carried, &witnessed)).await.inspect_err(|error| {
                self.carried = matches!(error, Error::Unchecked(_)).then_some(carried);
            })? {
                break;
            }
            self.carried = Some(carried);
            witnessed = Box::pin(asking.after(world, Some(witnessed.kept()))).await?;
        }
        let seen = Seen { log, kept: witnessed.kept().clone() };
        if own_device {
            world.keep(SEEN, &seen.encode()).await?;
        }
        self.seen = Some(seen);
        Ok(witnessed)
    }
}

/// One question to a log, asked as often as it takes.
struct Asking<'a> {
    index: [u8; 32],
    beside: &'a [[u8; 32]],
    log: &'a VerifierKey,
    own_device: bool,
    /// Witnessed time, where an answer was too far ahead of the clock.
    ahead: Cell<u64>,
}

impl Asking<'_> {
    /// Whether the log's newest checkpoint, which continues what this device has seen, continues what
    /// was carried; not yet if the log grew meanwhile. LOG-17.
    async fn meets(
        &self,
        world: &impl World,
        carried: Carried,
        witnessed: &Witnessed,
    ) -> Result<bool, Error> {
        let note = carried.verify(self.log).map_err(|_| Error::OtherLog)?;
        let kept = Kept { note, time: witnessed.time() };
        let other = Box::pin(self.after(world, Some(&kept))).await?;
        let (one, other) = (witnessed.kept(), other.kept());
        let (first, second) = (one.note.claim(), other.note.claim());
        if first.size == second.size && first != second {
            let evidence = Evidence::fork(&one.note, &other.note);
            evidence.keep(world, self.log, self.own_device).await?;
            return Err(ServerMisbehaved::LogForked.into());
        }
        Ok(first.size == second.size)
    }

    /// Asks once, and keeps what the answer shows against the log. LOG-7.
    async fn after(&self, world: &impl World, kept: Option<&Kept>) -> Result<Witnessed, Error> {
        let release = world.release();
        let from = kept.map_or(0, |kept| kept.note.claim().size);
        let (index, beside) = (LogIndex(self.index), String::from(Base64(self.beside.concat())));
        let path = format!("/v1/log/lookup?index={index}&beside={beside}&from={from}");
        let answer = ask::<LogAnswer>(world, Call::read(path).open(), None).await;
        let answer = answer.map_err(|_| Unchecked::Unanswered)?;
        let required = if check!(Witnesses) { release.required } else { 0 };
        let policy = Policy::new(self.log.clone(), release.witnesses.clone(), required)
            .map_err(|_| ServerMisbehaved::LogForged)?;
        let (index, beside) = (self.index, self.beside);
        let asked = Question { policy: &policy, index, beside, kept, now: world.now() };
        let lookup = Lookup::decode(&answer.lookup.0).map_err(|_| ServerMisbehaved::LogForged)?;
        let refused = match lookup.verify(&asked) {
            Ok(witnessed) => return Ok(witnessed),
            Err(error) => {
                if let reconnect_log::Error::Ahead { time } = error {
                    self.ahead.set(time);
                }
                refusal(error)
            }
        };
        if refused == Error::Misbehaved(ServerMisbehaved::LogForked)
            && let Some(kept) = kept
            && let Some(evidence) = Evidence::of(&kept.note, &lookup)
        {
            evidence.keep(world, self.log, self.own_device).await?;
        }
        Err(refused)
    }
}

/// The newest checkpoint, for the square of a sheet that is drawn before there is a safe. LOG-16.
pub async fn newest(world: &impl World) -> Option<Carried> {
    let mut watch = Watch::default();
    let mut index = [0; 32];
    rand_core::Rng::fill_bytes(&mut world.rng(), &mut index);
    watch.look_up(world, index, false).await.ok()?;
    watch.carried()
}

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
        Log::Ahead { .. } => Unchecked::Ahead.into(),
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
