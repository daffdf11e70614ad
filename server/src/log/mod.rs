//! The transparency log (PROTOCOL.md section 15), in `data/log`: outside the database, because a
//! database that is put back from a backup must not fork it.
//!
//! The files are the truth. What waits for the log stands in the database, in the transaction of
//! the statement that it is about, until a checkpoint with it was published; a crash anywhere in
//! between repeats the batch, and what the log has already is passed over.

mod queue;
mod routes;
mod said;
mod shared;
mod state;
mod store;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::{Context as _, bail, ensure};
use reconnect_format::api::Code;
use reconnect_log::{Checkpoint, KeyKind, Line, Newest, Note, VerifierKey};
use tokio::time::{Duration, sleep};

use crate::{
    app::App,
    config::Config,
    error::{Error, Result, is_full, stop_without_ack},
    secret::Secrets,
};

use queue::Waiting;
pub(crate) use queue::{entry, generation_over, head, mark, returned, value, waiting};
pub(crate) use routes::{
    __path_checkpoint, __path_hand_in, __path_heads, __path_look_up, __path_tile, checkpoint,
    hand_in, heads, look_up, tile,
};
pub(crate) use said::{__path_said, announce, said};
use state::{Standing, State, hash_of};
use store::{NEWEST, Store, WITNESSED};

/// A checkpoint that witnesses were asked for stands at most this long without them.
const STANDS_SECONDS: u64 = 60;
/// The same checkpoint is signed again, with a new time, this often.
const FRESH_SECONDS: u64 = 600;

/// The log of this installation.
pub(crate) struct Log {
    store: Store,
    key: VerifierKey,
    witnesses: Vec<VerifierKey>,
    waits_for: usize,
    every: Duration,
    state: RwLock<State>,
    /// One batch at a time.
    one: tokio::sync::Mutex<()>,
}

/// What the log's checkpoints say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) size: u64,
    /// As far as enough witnesses have cosigned.
    pub(crate) witnessed: u64,
    /// When the newest was signed.
    pub(crate) signed_at: u64,
}

impl Log {
    /// Reads the log, replays it, and checks that it is what its newest checkpoint says.
    pub(crate) fn open(config: &Config, secrets: &Secrets) -> anyhow::Result<Self> {
        Self::open_as(config.blobs.is_bucket(), config, secrets)
    }

    /// The same for who looks for damage: a copy that could be made anew is damaged, too.
    pub(crate) fn check(config: &Config, secrets: &Secrets) -> anyhow::Result<Self> {
        Self::open_as(false, config, secrets)
    }

    fn open_as(is_copy: bool, config: &Config, secrets: &Secrets) -> anyhow::Result<Self> {
        let store = Store::open(&config.data, is_copy)?;
        let newest = match store.note(NEWEST) {
            Err(_) if is_copy => None,
            newest => newest?,
        };
        let said = newest.as_ref().map(|note| note.claim().origin.clone());
        let origin = match (&config.log.origin, said) {
            (Some(origin), Some(said)) if *origin != said => {
                bail!("RECONNECT_LOG_ORIGIN is {origin}, but the log in the data folder is {said}")
            }
            (_, Some(said)) => said,
            (Some(origin), None) => origin.clone(),
            (None, None) => config.listen.to_string(),
        };
        let key = VerifierKey::new(&origin, KeyKind::Log, secrets.log_key())
            .context("RECONNECT_LOG_ORIGIN: a name without white space and plus")?;
        if let Some(note) = &newest {
            let signed = note.verify(&key).ok().flatten().is_some();
            ensure!(signed, "log/checkpoint was not signed with secrets/log.key");
        }
        let witnessed = match store.note(WITNESSED) {
            Err(_) if is_copy => None,
            witnessed => witnessed?,
        };
        let state = match State::replay(&store, newest, witnessed.as_ref()) {
            Err(error) if is_copy => {
                tracing::warn!("the copy of the log is made anew: {error:#}");
                State::default()
            }
            replayed => replayed?,
        };
        Ok(Self {
            store,
            key,
            witnesses: config.log.witnesses.clone(),
            waits_for: usize::try_from(config.log.required)?,
            every: Duration::from_secs(config.log.seconds),
            state: RwLock::new(state),
            one: tokio::sync::Mutex::default(),
        })
    }

    /// What verifies its checkpoints.
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Which statement of a chain it names to whoever looks its index up.
    pub(crate) fn names(&self, index: &[u8]) -> Result<Option<u64>> {
        let index = hash_of(index)?;
        let state = self.read();
        let newest = state.shown(0).and_then(|standing| standing.map.get(&index));
        Ok(newest.map(|it| it.sequence))
    }

    /// Number and value of the newest statement at an index, as the newest checkpoint has it.
    pub(crate) fn newest(&self, index: &[u8]) -> Result<Option<Newest>> {
        let index = hash_of(index)?;
        let state = self.read();
        Ok(state.newest.as_ref().and_then(|standing| standing.map.get(&index)))
    }

    /// How many leaves were published.
    pub(crate) fn size(&self) -> u64 {
        self.read().published()
    }

    /// Fails where somebody saw a checkpoint that this log does not continue.
    pub(crate) fn check_continues(&self, seen: &Note) -> anyhow::Result<()> {
        ensure!(seen.verify(&self.key).ok().flatten().is_some(), "this log did not sign it");
        let (state, claim) = (self.read(), seen.claim());
        let has = state.published();
        ensure!(
            has >= claim.size,
            "the log ends at {has}, but somebody saw {}: find the newer copy; a server that went on from \
             this one would fork it",
            claim.size
        );
        ensure!(state.replay.tree().root(claim.size) == Some(claim.root), "the log forked");
        Ok(())
    }

    /// How far it is, for who watches.
    pub(crate) fn standing(&self) -> Shown {
        let own = self.key.as_kind(KeyKind::Cosigner);
        let state = self.read();
        let size = |it: Option<&Standing>| it.map_or(0, |it| it.note.claim().size);
        let signed_at = |it: &Standing| it.note.verify(&own).ok().flatten();
        let size = (size(state.newest.as_ref()), size(state.witnessed.as_ref()));
        Shown {
            size: size.0,
            witnessed: if self.waits_for == 0 { size.0 } else { size.1 },
            signed_at: state.newest.as_ref().and_then(signed_at).unwrap_or(0),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cosigned(&self, note: &Note) -> bool {
        let signed = |key: &&VerifierKey| matches!(note.verify(key), Ok(Some(_)));
        self.witnesses.iter().filter(signed).count() >= self.waits_for
    }

    /// Takes in what waits, as one batch, and publishes it; or signs again what stands. Whether
    /// what waits is in the log now.
    fn advance(&self, waiting: &[Waiting], secrets: &Secrets, now: u64) -> Result<bool> {
        let sign = |message: &[u8]| secrets.sign_as_log(message);
        let batch = {
            let state = self.read();
            if let Some(newest) = &state.newest {
                let awaited = !self.is_cosigned(&newest.note)
                    && now.saturating_sub(newest.since) < STANDS_SECONDS;
                if awaited {
                    return Ok(false);
                }
            }
            state.batch(waiting)
        };
        if let Some(batch) = batch {
            stored(self.store.append(batch.after, &batch.entries_bytes(), &batch.heads))?;
            if let Err(error) = self.write().take(&batch) {
                stop_without_ack("log", &error);
            }
        }
        let (is_new, checkpoint) = {
            let state = self.read();
            let (size, root) = (state.replay.size(), state.replay.root());
            let is_new = state.newest.as_ref().is_none_or(|it| it.note.claim().size != size);
            (is_new, Checkpoint { origin: self.key.name().to_owned(), size, root })
        };
        if is_new {
            let note = Note::make(checkpoint, &self.key, now, sign);
            stored(self.store.keep(NEWEST, &note))?;
            let mut state = self.write();
            let map = state.replay.map().clone();
            state.newest = Some(Standing { note, map, since: now });
        } else {
            self.freshen(now, sign)?;
        }
        Ok(true)
    }

    /// Says again, with a new time, that the newest checkpoint is the newest.
    fn freshen(&self, now: u64, sign: impl Fn(&[u8]) -> [u8; 64] + Copy) -> Result<()> {
        let own = self.key.as_kind(KeyKind::Cosigner);
        let mut state = self.write();
        let State { newest, witnessed, .. } = &mut *state;
        for (name, standing) in [(NEWEST, newest), (WITNESSED, witnessed)] {
            let Some(standing) = standing else { continue };
            let signed_at = standing.note.verify(&own).ok().flatten().unwrap_or(0);
            if now.saturating_sub(signed_at) >= FRESH_SECONDS {
                let line = standing.note.cosign(&own, now, sign);
                standing.note.put(&own, line);
                stored(self.store.keep(name, &standing.note))?;
            }
        }
        Ok(())
    }

    /// The cosignatures of witnesses that a note brings. Anybody may send some: all is verified before anybody
    /// waits for it.
    fn valid<'a>(&'a self, given: &'a Note) -> Result<Vec<(&'a VerifierKey, u64, &'a Line)>> {
        let mut valid = Vec::new();
        for key in &self.witnesses {
            let mut lines = given.lines().iter().filter(|line| line.is_of(key));
            let (line, more) = (lines.next(), lines.next());
            if more.is_some() {
                return Err(Code::Refused.into());
            }
            let time = given.verify(key).map_err(|_| Code::Refused)?;
            valid.extend(time.zip(line).map(|(time, line)| (key, time, line)));
        }
        if valid.is_empty() { Err(Code::Refused.into()) } else { Ok(valid) }
    }

    /// Puts newer signatures of another copy of a note into it. Whether there were any.
    fn merge(&self, into: &mut Note, from: &Note) -> bool {
        let own = self.key.as_kind(KeyKind::Cosigner);
        let mut news = false;
        for key in self.witnesses.iter().chain([&own]) {
            let time = |note: &Note| note.verify(key).ok().flatten();
            let line = from.lines().iter().find(|line| line.is_of(key));
            if let Some(line) = line.filter(|_| time(from) > time(into)) {
                into.put(key, line.clone());
                news = true;
            }
        }
        news
    }

    /// Takes a witness's cosignature of a checkpoint that stands. Nothing is written where nothing is new.
    fn cosigned(&self, given: &Note) -> Result<()> {
        let valid = self.valid(given)?;
        let mut state = self.write();
        let State { newest, witnessed, .. } = &mut *state;
        let is_given = |it: &Standing| it.note.claim() == given.claim();
        let is_newest = newest.as_ref().is_some_and(is_given);
        let stands = if is_newest { newest.as_mut() } else { witnessed.as_mut() };
        let standing = stands.filter(|it| is_given(it)).ok_or(Code::Conflict)?;
        let mut news = false;
        for (key, time, line) in valid {
            if Some(time) > standing.note.verify(key).ok().flatten() {
                standing.note.put(key, line.clone());
                news = true;
            }
        }
        if !news {
            return Ok(());
        }
        let standing = standing.clone();
        if is_newest {
            stored(self.store.keep(NEWEST, &standing.note))?;
        }
        if self.waits_for > 0 && self.is_cosigned(&standing.note) {
            stored(self.store.keep(WITNESSED, &standing.note))?;
            *witnessed = Some(standing);
        }
        Ok(())
    }
}

/// What could not be written: a full disk is told, anything else ends the process.
fn stored(done: std::io::Result<()>) -> Result<()> {
    match done {
        Err(error) if !is_full(&error) => stop_without_ack("log", &error),
        done => Ok(done?),
    }
}

/// Compares the log with what the database knows to be published, and brings it up to date.
pub(crate) async fn begin(app: &App) -> anyhow::Result<()> {
    if let Some(bucket) = app.blobs.bucket() {
        return shared::begin(bucket, app).await;
    }
    let published = queue::published(app).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    if let Some((size, root)) = published {
        let state = app.log.read();
        let has = state.newest.as_ref().map_or(0, |newest| newest.note.claim().size);
        ensure!(
            has >= size,
            "the log in the data folder ends at {has}, but {size} was published: it was put back \
             from an older copy. Put back the newer folder `log`; a server that went on from here \
             would fork it"
        );
        ensure!(
            state.replay.tree().root(size) == Some(root),
            "the log in the data folder is not the one that the database knows: they do not belong \
             together"
        );
    }
    step(app).await.map_err(|error| anyhow::anyhow!("the log cannot go on: {error}"))
}

/// Before something is said of the log: what other servers published is known here.
pub(crate) async fn follow(app: &App) -> Result<()> {
    match app.blobs.bucket() {
        Some(bucket) => shared::follow(bucket, app).await,
        None => Ok(()),
    }
}

/// One batch.
pub(crate) async fn step(app: &App) -> Result<()> {
    if let Some(bucket) = app.blobs.bucket() {
        return shared::step(bucket, app).await;
    }
    let _one = app.log.one.lock().await;
    let waiting = queue::read(app).await?;
    let (worker, now) = (app.clone(), app.clock.now());
    let done = tokio::task::spawn_blocking(move || {
        let taken = worker.log.advance(&waiting, &worker.secrets, now)?;
        let state = worker.log.read();
        Ok::<_, Error>((taken, waiting, state.replay.size(), state.replay.root()))
    });
    let (taken, waiting, size, root) =
        done.await.map_err(|_| Error::Broken("the log could not go on"))??;
    if taken { queue::forget(&waiting, (size, root), app).await } else { Ok(()) }
}

/// Goes on for as long as the server runs.
pub(crate) async fn forever(app: App) {
    loop {
        sleep(app.log.every).await;
        if let Err(error) = step(&app).await {
            tracing::error!(%error, "the log did not go on");
        }
    }
}

#[cfg(test)]
mod tests;
