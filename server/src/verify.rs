//! Everything that is stored is read, and compared with what was hashed and signed when it came: at once by
//! `reconnect verify`, which works beside a running server, and slowly by the server itself ([`crate::scrub`]). What
//! goes away meanwhile is no damage.

use std::fmt;

use anyhow::{Context as _, ensure};
use reconnect_format::{
    api::Code,
    envelope::{
        CHUNK_BYTES, EnvelopeHeader, EnvelopeKind, EnvelopeRef, HEADER_BYTES, TAG_BYTES,
        check_whole,
    },
    id::{AccountId, EnvelopeId, StructureId},
    manifest::Manifest,
    structure::StructureChain,
    tree,
};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::{
    blob::{Blobs, Part},
    chains,
    config::{Config, DatabaseUrl},
    db::{Db, Depth, Snapshot},
    disk::Disk,
    error::{Error, Fault, Result, kind},
    log::Log,
    object,
    secret::{FILES, Secrets},
    wire::id,
};

/// What does not read as it should is read again after so long, before anybody is told.
const AGAIN: Duration = Duration::from_secs(1);
/// The scrub waits for so long at least, so that it does not wait for each chunk.
const SHORTEST: Duration = Duration::from_millis(20);
/// What a statement costs to check, in bytes that could be hashed instead.
const STATEMENT_BYTES: u64 = 16 << 10;

/// What was looked at, and what is damaged.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Safes whose chains were folded.
    pub safes: u64,
    /// Structures whose chains were folded.
    pub structures: u64,
    /// Envelopes that a statement names.
    pub envelopes: u64,
    /// Bytes of sealed content that were read.
    pub bytes: u64,
    /// What is not as it was when it came.
    pub damage: Vec<Damage>,
}

/// One thing that is not as it was when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Of what kind it is: says nothing of whose.
    pub kind: &'static str,
    /// Which one. It may hold an id: for whoever asked, and not for the server's log.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, why, .. } = self;
        if why.is_empty() { f.write_str(place) } else { write!(f, "{place}: {why}") }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { safes, structures, envelopes, bytes, damage } = self;
        for place in damage {
            writeln!(f, "damaged: {place}")?;
        }
        write!(
            f,
            "{safes} safes, {structures} structures, {envelopes} envelopes, {bytes} bytes of content, \
             the log: {} damaged",
            damage.len()
        )
    }
}

/// Looks at everything in a data folder and its database.
pub async fn verify(mut config: Config) -> anyhow::Result<Found> {
    config.check().map_err(anyhow::Error::msg)?;
    let folder = || format!("RECONNECT_DATA: no folder {}", config.data.display());
    config.data = config.data.canonicalize().with_context(folder)?;
    if config.database == DatabaseUrl::Sqlite {
        // Opened, it would be made.
        let file = config.data.join("reconnect.sqlite");
        ensure!(file.is_file(), "RECONNECT_DATA: no database {}", file.display());
    }
    let disk = Disk::new(&config.data, config.reserve_bytes);
    let db = Db::open_beside(&config.database, &config.data, &disk).await?;
    let mut scrub = Scrub::new(db, Blobs::beside(&config)?, None);
    let looked = scrub.look(&config).await;
    scrub.db.close().await;
    looked.map_err(|error| anyhow::anyhow!("not everything could be read: {error}"))?;
    Ok(scrub.found)
}

/// How fast something is read: never more bytes a second.
struct Pace {
    bytes_per_second: u64,
    due: Instant,
}

impl Pace {
    async fn took(&mut self, bytes: u64) {
        let micros = bytes.saturating_mul(1_000_000) / self.bytes_per_second.max(1);
        // Time that nothing was read in is not made up for.
        let now = Instant::now();
        self.due = self.due.max(now) + Duration::from_micros(micros);
        if self.due - now > SHORTEST {
            sleep_until(self.due).await;
        }
    }
}

/// Looks at what is stored, and remembers what it found.
pub(crate) struct Scrub {
    db: Db,
    blobs: Blobs,
    pace: Option<Pace>,
    pub(crate) found: Found,
}

impl Scrub {
    /// One that reads at most so many bytes a second, or as fast as it can.
    pub(crate) fn new(db: Db, blobs: Blobs, bytes_per_second: Option<u64>) -> Self {
        let pace =
            bytes_per_second.map(|bytes_per_second| Pace { bytes_per_second, due: Instant::now() });
        Self { db, blobs, pace, found: Found::default() }
    }

    async fn look(&mut self, config: &Config) -> Result<()> {
        self.database(Depth::Whole).await?;
        self.log(config).await?;
        for first in 0..=u8::MAX {
            self.slice(first).await?;
        }
        Ok(())
    }

    fn damaged(&mut self, kind: &'static str, place: String, why: impl Into<String>) {
        self.found.damage.push(Damage { kind, place, why: why.into() });
    }

    async fn took(&mut self, bytes: u64) {
        if let Some(pace) = &mut self.pace {
            pace.took(bytes).await;
        }
    }

    /// The database's own files.
    pub(crate) async fn database(&mut self, depth: Depth) -> Result<()> {
        for line in self.db.check(depth).await? {
            self.damaged("database", "the database".to_owned(), line);
        }
        Ok(())
    }

    /// The log replays, under the server's key. Secrets that are not there are said, and not made anew.
    pub(crate) async fn log(&mut self, config: &Config) -> Result<()> {
        let folder = config.data.join("secrets");
        let gone: Vec<_> = FILES.into_iter().filter(|name| !folder.join(name).is_file()).collect();
        for name in &gone {
            self.damaged("secret", format!("secrets/{name}"), "it is not there");
        }
        if !gone.is_empty() {
            return Ok(());
        }
        let config = config.clone();
        let opened = tokio::task::spawn_blocking(move || {
            Secrets::open(&config.data).and_then(|secrets| Log::check(&config, &secrets))
        });
        let opened = opened.await.map_err(|_| Error::Broken("the log could not be replayed"))?;
        let log = match opened {
            Ok(log) => log,
            Err(error) => {
                self.damaged("log", "the log".to_owned(), format!("{error:#}"));
                return Ok(());
            }
        };
        let Some(bucket) = self.blobs.bucket().cloned() else { return Ok(()) };
        for (size, root) in log.trees(&bucket).await? {
            let (bytes, why) = log.look_at((size, root), &bucket).await?;
            if let Some(why) = why {
                self.damaged("log", format!("the log's batch that ends at {size}"), why);
            }
            self.took(bytes).await;
        }
        Ok(())
    }

    /// What has an id that begins so. A database that cannot be read there is damage, too.
    pub(crate) async fn slice(&mut self, first: u8) -> Result<()> {
        match self.slice_that_reads(first).await {
            Err(Error::Database(error)) if kind(&error) == Fault::Broken => {
                self.damaged("database", "the database".to_owned(), error.to_string());
                Ok(())
            }
            looked => looked,
        }
    }

    async fn slice_that_reads(&mut self, first: u8) -> Result<()> {
        self.parts(first).await?;
        let safes = "-- Scrub::slice
            select account_id from account
            where account_id >= $1 and account_id <= $2 order by account_id";
        for account in self.ids(safes, first).await? {
            let cost = self.safe(id(&account)?).await?;
            self.took(cost).await;
        }
        let structures = "-- Scrub::slice
            select structure_id from structure
            where structure_id >= $1 and structure_id <= $2 order by structure_id";
        for structure in self.ids(structures, first).await? {
            let cost = self.structure(id(&structure)?).await?;
            self.took(cost).await;
        }
        Ok(())
    }

    async fn ids(&self, statement: &'static str, first: u8) -> Result<Vec<Vec<u8>>> {
        let ids = sqlx::query_scalar(statement).bind(vec![first]).bind(last(first));
        ids.fetch_all(self.db.reader()).await.map_err(unread)
    }

    /// Every part that has a row, chunk by chunk.
    async fn parts(&mut self, first: u8) -> Result<()> {
        const PAGE: i64 = 500;
        let (mut envelope, mut index) = (vec![first], -1);
        loop {
            let page: Vec<(Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
                "-- Scrub::parts
                select envelope_id, part_index, leaves from part
                where (envelope_id, part_index) > ($1, $2) and envelope_id <= $3
                order by envelope_id, part_index limit $4",
            )
            .bind(envelope.clone())
            .bind(index)
            .bind(last(first))
            .bind(PAGE)
            .fetch_all(self.db.reader())
            .await
            .map_err(unread)?;
            let Some((last, last_index, _)) = page.last() else { return Ok(()) };
            (envelope, index) = (last.clone(), *last_index);
            for (of, part, leaves) in page {
                self.part(id(&of)?, part, leaves).await?;
            }
        }
    }

    async fn part(&mut self, envelope_id: EnvelopeId, index: i64, leaves: Vec<u8>) -> Result<()> {
        if self.wrong(envelope_id, index, &leaves).await?.is_none() {
            return Ok(());
        }
        sleep(AGAIN).await;
        let Some(why) = self.wrong(envelope_id, index, &leaves).await? else { return Ok(()) };
        // It may have gone meanwhile, and its id may be used again.
        let there: Option<Vec<u8>> = sqlx::query_scalar(
            "-- Scrub::part
            select leaves from part where envelope_id = $1 and part_index = $2",
        )
        .bind(envelope_id.as_bytes())
        .bind(index)
        .fetch_optional(self.db.reader())
        .await
        .map_err(unread)?;
        if there == Some(leaves) {
            self.damaged("part", format!("blobs/{envelope_id}/{index}"), why);
        }
        Ok(())
    }

    /// What is wrong with a part, if anything is.
    async fn wrong(
        &mut self,
        envelope_id: EnvelopeId,
        index: i64,
        leaves: &[u8],
    ) -> Result<Option<String>> {
        let (part, whole) = match self.place(envelope_id, index).await {
            Ok(place) => place,
            Err(Error::Broken(why)) => return Ok(Some(why.to_owned())),
            Err(error) => return Err(error),
        };
        match self.hashes(part, whole).await {
            Ok(hashes) => {
                self.found.bytes += whole;
                Ok((hashes != leaves).then(|| "is not what came".to_owned()))
            }
            Err(error) => self.unreadable(part, whole, error).await,
        }
    }

    /// Where a part is, and how many bytes it has.
    async fn place(&self, envelope_id: EnvelopeId, index: i64) -> Result<(Part, u64)> {
        let index = u32::try_from(index).map_err(|_| Error::Broken("a part has no number"))?;
        let prefix: Option<Vec<u8>> = sqlx::query_scalar(
            "-- Scrub::place
            select prefix from envelope where envelope_id = $1",
        )
        .bind(envelope_id.as_bytes())
        .fetch_optional(self.db.reader())
        .await
        .map_err(unread)?;
        let header = prefix.as_deref().and_then(|prefix| prefix.get(..HEADER_BYTES));
        let header = header.and_then(|bytes| EnvelopeHeader::decode(bytes).ok());
        let whole = header.ok_or(Error::Broken("its envelope's header is gone"))?.part_bytes(index);
        let part = object::find(envelope_id, index, (self.blobs.bucket(), &self.db)).await?;
        Ok((part, whole))
    }

    /// The hashes of a part's chunks.
    async fn hashes(&mut self, part: Part, whole: u64) -> Result<Vec<u8>> {
        let mut reading = self.blobs.open_part(part, 0..whole).await?;
        let (mut bytes, mut hashes) = (0, Vec::new());
        while bytes < whole {
            let count = (whole - bytes).min((CHUNK_BYTES + TAG_BYTES).into());
            let (rest, chunk) = reading.ahead(count).read().await?;
            hashes.extend_from_slice(&tree::leaf_hash(&chunk));
            (reading, bytes) = (rest, bytes + count);
            self.took(count).await;
        }
        Ok(hashes)
    }

    /// Why a part could not be read, where that is its own fault: a store that is away is no damage.
    async fn unreadable(&self, part: Part, whole: u64, error: Error) -> Result<Option<String>> {
        /// Too many files are open, in this program or in all.
        const TOO_MANY: [i32; 2] = [23, 24];
        let Some(bucket) = self.blobs.bucket() else {
            return match error {
                Error::File(error)
                    if !error.raw_os_error().is_some_and(|it| TOO_MANY.contains(&it)) =>
                {
                    Ok(Some(error.to_string()))
                }
                error => Err(error),
            };
        };
        match bucket.bytes_of(part).await {
            Ok(bytes) if bytes == whole => Err(Error::Wait(Code::Unavailable, 5)),
            Ok(_) => Ok(Some("has another length".to_owned())),
            Err(Error::Broken(why)) => Ok(Some(why.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// A safe: its chain, and every envelope that the chain names. What it costs to look.
    async fn safe(&mut self, account_id: AccountId) -> Result<u64> {
        let mut snapshot = self.db.snapshot().await?;
        let head: Option<Vec<u8>> =
            sqlx::query_scalar("-- Scrub::safe\nselect head from account where account_id = $1")
                .bind(account_id.as_bytes())
                .fetch_optional(&mut *snapshot)
                .await
                .map_err(unread)?;
        let Some(head) = head else { return Ok(0) };
        let chain: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- Scrub::safe
            select bytes from statement where account_id = $1 order by sequence",
        )
        .bind(account_id.as_bytes())
        .fetch_all(&mut *snapshot)
        .await
        .map_err(unread)?;
        self.found.safes += 1;
        let cost = STATEMENT_BYTES * chain.len() as u64;
        let folded = tokio::task::spawn_blocking(move || {
            Manifest::replay(chain.iter().map(Vec::as_slice)).map(|(manifest, _)| manifest)
        });
        let folded = folded.await.map_err(|_| Error::Broken("a chain could not be folded"))?;
        let manifest =
            folded.ok().filter(|it| it.account_id() == account_id && it.head()[..] == head);
        let Some(manifest) = manifest else {
            self.damaged("safe", format!("the statements of safe {account_id}"), "");
            return Ok(cost);
        };
        for (_, document) in manifest.documents() {
            let named =
                [Some(&document.content), Some(&document.card), document.thumbnail.as_ref()];
            for named in named.into_iter().flatten() {
                self.found.envelopes += 1;
                if !is_stored(named, &mut snapshot).await? {
                    self.damaged("envelope", format!("envelope {}", named.envelope_id), "");
                }
            }
        }
        Ok(cost)
    }

    async fn structure(&mut self, structure_id: StructureId) -> Result<u64> {
        let mut snapshot = self.db.snapshot().await?;
        let rows = chains::rows_from(structure_id, 1, &mut snapshot).await.map_err(unread)?;
        self.found.structures += 1;
        let cost = STATEMENT_BYTES * rows.len() as u64;
        let verified = tokio::task::spawn_blocking(move || {
            StructureChain::verify(structure_id, rows.iter().map(Vec::as_slice)).is_ok()
        });
        if !verified.await.unwrap_or(false) {
            self.damaged("structure", format!("the statements of structure {structure_id}"), "");
        }
        Ok(cost)
    }
}

/// The last id that begins so, whatever its length.
fn last(first: u8) -> Vec<u8> {
    let mut last = vec![u8::MAX; 33];
    last.splice(..1, [first]);
    last
}

/// A database that cannot be read is what is looked for: no reason to stop, as it is where somebody writes.
fn unread(error: sqlx::Error) -> Error {
    match kind(&error) {
        Fault::Broken => Error::Database(error),
        _ => error.into(),
    }
}

/// Whether the database has of an envelope what the statement that names it says.
async fn is_stored(named: &EnvelopeRef, snapshot: &mut Snapshot) -> Result<bool> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "-- verify::is_stored
        select prefix, whole from envelope where envelope_id = $1",
    )
    .bind(named.envelope_id.as_bytes())
    .fetch_optional(&mut **snapshot)
    .await
    .map_err(unread)?;
    let Some((prefix, whole)) = row else { return Ok(false) };
    if named.kind != EnvelopeKind::Content {
        return Ok(whole.is_some_and(|whole| check_whole(&whole, named).is_ok()));
    }
    let leaves: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- verify::is_stored
        select leaves from part where envelope_id = $1 order by part_index",
    )
    .bind(named.envelope_id.as_bytes())
    .fetch_all(&mut **snapshot)
    .await
    .map_err(unread)?;
    let hashes: Vec<[u8; 32]> = std::iter::once(tree::leaf_hash(&prefix))
        .chain(leaves.concat().as_chunks::<32>().0.iter().copied())
        .collect();
    Ok(tree::root(&hashes) == named.tree_root)
}
