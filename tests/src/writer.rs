//! People who write while the server comes and goes, and know what was acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    io::{self, Write as _},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand_core::Rng as _;
use reconnect_core::{
    error::Error,
    vault::{upload_begin, upload_part},
    world::{ShipError, World as _},
};
use reconnect_format::{
    api::{Call, Code},
    envelope::{CHUNK_BYTES, TAG_BYTES},
    id::{DocumentId, EnvelopeId},
    tree,
};
use reconnect_log::{
    Leaf, Note, Replay,
    tile::{TilePath, decode_entries},
};
use sqlx::Connection as _;
use tokio::sync::watch;

use crate::{
    browser::Browser,
    dump,
    process::Setup,
    stage::{Person, bytes, card, parts, read},
    wire,
};

/// Whether the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// No more kills: finish what you are doing.
    Over,
}

/// What a paper must be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    title: String,
    seed: u64,
    count: usize,
}

impl Known {
    fn plain(&self) -> Vec<u8> {
        bytes(self.seed, self.count)
    }
}

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Op {
    Put(DocumentId, Known),
    Rename(DocumentId, String),
    Remove(DocumentId),
}

/// Somebody who writes, and knows what was acknowledged.
pub struct Writer {
    person: Person,
    number: usize,
    life: watch::Receiver<Life>,
    papers: BTreeMap<DocumentId, Known>,
    /// The upload that was declared last.
    begun: Option<EnvelopeId>,
    /// Uploads that nobody will finish, oldest first.
    unfinished: VecDeque<EnvelopeId>,
    /// What was done last, and what came of it: for whoever finds a loss.
    done: Vec<String>,
    /// How many may have been.
    pub doubts: usize,
    /// How many answers said that the server failed.
    pub refusals: usize,
}

impl Writer {
    /// Somebody with an empty safe.
    pub fn new(person: Person, number: usize, life: watch::Receiver<Life>) -> Self {
        Self {
            person,
            number,
            life,
            papers: BTreeMap::new(),
            begun: None,
            unfinished: VecDeque::new(),
            done: Vec::new(),
            doubts: 0,
            refusals: 0,
        }
    }

    /// Writes until it is over; an error says what was lost, and what was done before.
    pub async fn work(&mut self) -> Result<()> {
        let worked = self.write().await;
        worked.with_context(|| format!("writer {}, lately: {}", self.number, self.done.join("; ")))
    }

    async fn write(&mut self) -> Result<()> {
        while *self.life.borrow() != Life::Over {
            let mut doubt = None;
            let acted = self.act(&mut doubt).await;
            self.note(format!(
                "{doubt:?}: {acted:?} at {}",
                self.person.vault.manifest().sequence()
            ));
            match acted {
                Ok(()) => {
                    if let Some(op) = doubt {
                        self.apply(op);
                    }
                }
                Err(Error::Offline) => {
                    self.doubts += 1;
                    self.settle(doubt).await?;
                }
                // After a restore nobody's session is live.
                Err(Error::Refused(problem)) if problem.status == 401 => self.settle(doubt).await?,
                Err(Error::Refused(problem)) if problem.status >= 500 => {
                    self.refusals += 1;
                    if problem.code != Code::StorageFull {
                        // Nobody reads it when there is no terminal.
                        let _ = writeln!(io::stderr(), "refused: {problem:?} at {doubt:?}");
                    }
                    self.settle(doubt).await?;
                }
                Err(error) => bail!("writer {}: {error:?} at {doubt:?}", self.number),
            }
        }
        self.settle(None).await
    }

    fn note(&mut self, line: String) {
        const NOTED: usize = 12;
        if self.done.len() == NOTED {
            self.done.remove(0);
        }
        self.done.push(line);
    }

    /// Does something; `op` says what, before it is asked for.
    async fn act(&mut self, op: &mut Option<Op>) -> Result<(), Error> {
        let mut rng = self.person.browser.rng();
        let dice = rng.next_u64();
        let below = |bound: usize| usize::try_from(dice >> 8).unwrap_or_default() % bound;
        let any = self.papers.keys().nth(below(self.papers.len().max(1))).copied();
        let chosen = match (dice >> 32) % 10 {
            0 if self.papers.len() > 3 => any.map(Op::Remove),
            1 | 2 => any.map(|id| Op::Rename(id, format!("renamed {}", dice % 1000))),
            _ => None,
        };
        let Person { browser, vault, .. } = &mut self.person;
        match chosen {
            Some(Op::Remove(id)) => {
                *op = Some(Op::Remove(id));
                vault.remove(browser, id).await
            }
            Some(Op::Rename(id, title)) => {
                *op = Some(Op::Rename(id, title.clone()));
                vault.rename(browser, id, &title).await
            }
            _ => {
                let count = match dice % 8 {
                    0 if dice.is_multiple_of(5) => 4_400_000 + below(1_000_000),
                    1 => below(600_000),
                    _ => below(20_000),
                };
                let title = format!("paper {}", dice % 1000);
                let known = Known { title, seed: dice, count };
                let replaced = any.filter(|_| dice.is_multiple_of(3));
                self.put(replaced, known, op).await
            }
        }
    }

    async fn put(
        &mut self,
        replaced: Option<DocumentId>,
        known: Known,
        op: &mut Option<Op>,
    ) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        let plain = known.plain();
        let draft = vault.begin_content(browser, replaced, plain.len() as u64)?;
        let (pieces, leaves) = parts(&draft.plan, &plain);
        let card = card(&known.title);
        *op = Some(Op::Put(draft.document_id, known));
        self.begun = Some(draft.envelope_id);
        browser.ship(upload_begin(&draft), Some(vault.token())).await?;
        for (index, piece) in (0..).zip(pieces) {
            let call = upload_part(draft.envelope_id, index, piece);
            browser.ship(call, Some(vault.token())).await?;
        }
        vault.finish_content(browser, &draft, &leaves, &card).await
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Put(id, known) => {
                self.papers.insert(id, known);
            }
            Op::Rename(id, title) => {
                self.papers.entry(id).and_modify(|known| known.title = title);
            }
            Op::Remove(id) => {
                self.papers.remove(&id);
            }
        }
    }

    /// After a cut: whatever was in doubt has happened whole, or has not happened.
    async fn settle(&mut self, doubt: Option<Op>) -> Result<()> {
        loop {
            self.life.wait_for(|life| *life != Life::Down).await?;
            match self.person.vault.sync(&self.person.browser).await {
                Ok(()) => break,
                Err(Error::Offline) => tokio::task::yield_now().await,
                Err(Error::Refused(problem)) if problem.status == 401 => self.come_in().await?,
                Err(error) => bail!("writer {}: {error:?} after a restart", self.number),
            }
        }
        if let Some(op) = doubt {
            let before = self.papers.clone();
            self.apply(op.clone());
            let has_happened = self.agrees();
            let sequence = self.person.vault.manifest().sequence();
            self.note(format!("it has happened: {has_happened}, at {sequence}"));
            if !has_happened {
                self.papers = before;
                if matches!(op, Op::Put(..)) {
                    self.give_up().await;
                }
            }
            if let Op::Put(id, _) = op {
                self.check_whole(id).await?;
            }
        }
        ensure!(self.agrees(), "writer {}: the safe is neither before nor after", self.number);
        Ok(())
    }

    /// A safe has a hundred uploads under way at most, so the oldest that nobody will finish makes room. No sooner:
    /// what a cut left of an upload is looked at in the end, and what is erased lets the server tidy its files.
    async fn give_up(&mut self) {
        const KEPT: usize = 50;
        self.unfinished.extend(self.begun.take());
        if self.unfinished.len() <= KEPT {
            return;
        }
        let Some(envelope_id) = self.unfinished.pop_front() else { return };
        let upload = Call::read(format!("/v1/envelopes/{envelope_id}"));
        let Person { browser, vault, .. } = &self.person;
        // The server may be away again, and forgets it after a day.
        drop(browser.send(&Call { method: "DELETE", ..upload }, Some(vault.token())).await);
    }

    /// Comes in again with the sheet, unless the server is away.
    async fn come_in(&mut self) -> Result<()> {
        match self.person.with_sheet(&self.person.browser, true).await {
            Ok(vault) => self.person.vault = vault,
            Err(Error::Offline) => tokio::task::yield_now().await,
            Err(error) => bail!("writer {} cannot come in: {error:?}", self.number),
        }
        Ok(())
    }

    /// Whether the safe shows exactly what is known: papers, titles, lengths.
    fn agrees(&self) -> bool {
        let shown: BTreeMap<_, _> = self
            .person
            .vault
            .papers()
            .iter()
            .map(|paper| {
                let said = paper.card.map(|card| (card.title().to_owned(), card.true_bytes()));
                (paper.document_id, said.ok())
            })
            .collect();
        let known: BTreeMap<_, _> = self
            .papers
            .iter()
            .map(|(id, known)| (*id, Some((known.title.clone(), known.count as u64))))
            .collect();
        shown == known
    }

    /// A paper that was in doubt: not there, or byte for byte.
    async fn check_whole(&self, id: DocumentId) -> Result<()> {
        let Person { browser, vault, .. } = &self.person;
        if let Some(known) = self.papers.get(&id) {
            return match read(vault, browser, id).await {
                Ok(plain) if plain == known.plain() => Ok(()),
                Err(Error::Offline) => Ok(()),
                Err(Error::Refused(problem)) if problem.status >= 500 => Ok(()),
                other => bail!("{id} is not {known:?}: {:?}", other.err()),
            };
        }
        let call = Call::read(format!("/v1/documents/{id}/content"));
        match browser.send(&call, Some(vault.token())).await {
            Ok(answer) if answer.status == 404 => Ok(()),
            Err(ShipError::Offline) => Ok(()),
            other => bail!("{id}: {:?}", other.map(|answer| answer.status)),
        }
    }

    /// How many calls that write were acknowledged.
    pub fn acks(&self) -> usize {
        self.person.browser.acked()
    }

    /// How many papers are known to be there.
    pub fn papers(&self) -> usize {
        self.papers.len()
    }

    /// Comes in on another device and reads everything.
    pub async fn check_elsewhere(&self, elsewhere: &Browser) -> Result<()> {
        let vault = self.person.with_sheet(elsewhere, false).await?;
        ensure!(vault.papers().len() == self.papers.len(), "papers are missing, or came back");
        for (id, known) in &self.papers {
            let plain = read(&vault, elsewhere, *id).await.context(known.title.clone())?;
            ensure!(plain == known.plain(), "{} differs", known.title);
        }
        Ok(())
    }
}

/// No row without its blob, hash by hash; no blob without its row; nothing half-written.
pub async fn check_blobs(config: &reconnect::Config) -> Result<()> {
    let mut connection = dump::connect(config).await?;
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select envelope_id from envelope where whole is null")
            .fetch_all(&mut connection)
            .await?;
    let parts: Vec<(Vec<u8>, i64, Vec<u8>)> =
        sqlx::query_as("select envelope_id, part_index, leaves from part")
            .fetch_all(&mut connection)
            .await?;
    connection.close().await?;
    let named = |row: &[u8]| Ok::<_, anyhow::Error>(EnvelopeId::try_from(row)?.to_string());
    let rows: BTreeSet<_> = rows.iter().map(|row| named(row)).collect::<Result<_>>()?;
    let blobs = config.data.join("blobs");
    for (envelope, index, leaves) in &parts {
        let name = format!("{}/{index}", named(envelope)?);
        let part =
            fs::read(blobs.join(&name)).with_context(|| format!("row without blob: {name}"))?;
        let sealed_chunk = (CHUNK_BYTES + TAG_BYTES) as usize;
        let hashes: Vec<u8> = part.chunks(sealed_chunk).flat_map(tree::leaf_hash).collect();
        ensure!(hashes == *leaves, "{name} is not what was taken in");
    }
    let mut orphans = Vec::new();
    for folder in fs::read_dir(blobs)? {
        let folder = folder?;
        let name = folder.file_name().to_string_lossy().into_owned();
        for part in fs::read_dir(folder.path())? {
            let part = part?.file_name().to_string_lossy().into_owned();
            ensure!(!part.contains('#'), "half-written: {name}/{part}");
        }
        if !rows.contains(&name) {
            orphans.push(name);
        }
    }
    ensure!(orphans.is_empty(), "blobs without rows: {orphans:?}");
    Ok(())
}

/// Whatever was acknowledged is in the log after a start: nothing waits, every safe has its head,
/// and whoever replays it finds no leaf twice and no root that is not what the leaves make.
pub async fn check_log(setup: &Setup, config: &reconnect::Config) -> Result<()> {
    let mut connection = dump::connect(config).await?;
    let waiting: i64 =
        sqlx::query_scalar("select count(*) from log_waiting").fetch_one(&mut connection).await?;
    ensure!(waiting == 0, "{waiting} statements wait for the log after a start");
    let indices: Vec<Vec<u8>> =
        sqlx::query_scalar("select log_index from account").fetch_all(&mut connection).await?;
    let read = async |path: String| {
        wire::outside(setup.address, &Call::read(format!("/v1/log/{path}")).open(), None).await
    };
    let note = String::from_utf8(read("checkpoint".into()).await?.body)?;
    let checkpoint = Note::parse(&note)?.claim().clone();
    let mut replay = Replay::default();
    let mut entries = BTreeSet::new();
    for tile in TilePath::entries(0, checkpoint.size) {
        let tile = read(format!("tile/{tile}")).await?.body;
        for leaf in decode_entries(&tile)? {
            let heads = read(format!("heads/{}", replay.size())).await?;
            let heads = if heads.status == 200 { heads.body } else { Vec::new() };
            replay.take(leaf, &heads)?;
            let again =
                matches!(Leaf::decode(leaf)?, Leaf::Entry { .. }) && !entries.insert(leaf.to_vec());
            ensure!(!again, "an entry stands in the log twice");
        }
    }
    ensure!(replay.root() == checkpoint.root, "the log is not what its checkpoint says");
    for index in indices {
        let index = index.try_into().ok().context("an index of 32 bytes")?;
        ensure!(replay.map().get(&index).is_some(), "a safe is not in the log");
    }
    Ok(())
}
