//! Backups, taken beside a running server: a folder that holds several, each whole, and the blobs of all.
//!
//! ```text
//! blobs/ENVELOPE/PART        written once; as long as one of the backups has a row of it
//! 2026-09-01T12-00-00Z/      one backup
//!   reconnect.sqlite         the database as it was at one moment, whichever it is
//!   secrets/ log/            the log at that moment or later: a restore wants a newer one
//!   backup.json              what it is; written last
//! ```
//!
//! BACKUP-1: the rows are read first and the blobs after them, which are never changed: so every row has its blob. What was
//! erased in between is named, and not brought back.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use reconnect_format::{
    envelope::{CHUNK_BYTES, TAG_BYTES},
    id::EnvelopeId,
    tree,
};
use serde::{Deserialize, Serialize};
use sha2_opaque::{Digest as _, Sha256};
use sqlx::{AnyConnection, Connection as _};

use crate::{
    clock::Clock,
    config::{Config, DatabaseUrl},
    db::{Db, connect_to},
    disk::Disk,
    journal::{self, SEGMENT_SECONDS, copy_durably},
    secret::{FILES, make_folder, sync_folder},
    tables,
    wire::id,
};

/// The one format that there is.
pub(crate) const FORMAT: u32 = 1;
/// What a backup is, in its folder.
pub(crate) const ABOUT: &str = "backup.json";
/// The database in it.
pub(crate) const DATABASE: &str = "reconnect.sqlite";
/// Files of the log, in the order in which they are copied: what a checkpoint names was written before it.
pub(crate) const LOG_FILES: [&str; 4] = ["checkpoint", "witnessed", "leaves", "heads"];
/// Seconds of a day.
const DAY: u64 = 86_400;

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// Of this layout.
    pub(crate) format: u32,
    /// Of the binary that took it.
    pub(crate) version: String,
    /// When it was begun, in seconds.
    pub(crate) made_at: u64,
    /// Of the database's file.
    pub(crate) sha256: String,
    /// Envelopes that have rows in it and were erased while it was taken.
    pub(crate) gone: Vec<EnvelopeId>,
    /// How much of each file of the journal it holds for certain.
    pub(crate) journal: BTreeMap<String, u64>,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Where it is.
    pub folder: PathBuf,
    /// Blobs that it has.
    pub parts: u64,
    /// Of them, those that no earlier backup had.
    pub copied: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Earlier backups that were removed.
    pub removed: u64,
    /// What could not be copied as it came.
    pub damage: Vec<String>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, parts, copied, bytes, removed, damage } = self;
        for place in damage {
            writeln!(f, "damaged: {place}")?;
        }
        write!(
            f,
            "{}: {parts} parts, {copied} of them new, {bytes} bytes; {removed} older backups removed",
            folder.display()
        )
    }
}

/// Takes a backup into `to`, and removes those there that are older than so many days.
pub async fn backup(
    mut config: Config,
    clock: &Clock,
    to: &Path,
    keep_days: u64,
) -> anyhow::Result<Taken> {
    config.check().map_err(anyhow::Error::msg)?;
    let folder = || format!("RECONNECT_DATA: no folder {}", config.data.display());
    config.data = config.data.canonicalize().with_context(folder)?;
    config.check_folder()?;
    for name in FILES {
        let file = config.data.join("secrets").join(name);
        ensure!(file.is_file(), "RECONNECT_DATA: no server has run here: no {}", file.display());
    }
    make_folder(to)?;
    make_folder(&to.join("blobs"))?;
    let lock = File::create(to.join("lock"))?;
    lock.try_lock().map_err(|_| anyhow::anyhow!("another backup is taken into this folder"))?;
    let mut work = Work { to, clock, config: &config, taken: Taken::default() };
    work.take().await?;
    work.prune(keep_days).await?;
    work.trim_journal()?;
    Ok(work.taken)
}

struct Work<'a> {
    to: &'a Path,
    clock: &'a Clock,
    config: &'a Config,
    taken: Taken,
}

impl Work<'_> {
    async fn take(&mut self) -> anyhow::Result<()> {
        let made_at = self.clock.now();
        let name = name_of(made_at).context("a time that no calendar has")?;
        let (fresh, whole) = (self.to.join(format!(".{name}.new")), self.to.join(&name));
        ensure!(!whole.exists(), "there is a backup of this second: {}", whole.display());
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        make_folder(&fresh)?;
        let segments = match &self.config.journal {
            Some(folder) if folder.exists() => journal::segments(folder)?,
            _ => Vec::new(),
        };
        self.database(&fresh).await.context("the database could not be copied")?;
        let data = &self.config.data;
        copy_files(&data.join("log"), &fresh.join("log"), &LOG_FILES)?;
        copy_files(&data.join("secrets"), &fresh.join("secrets"), &FILES)?;
        let about = About {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made_at,
            gone: self.parts(&fresh).await?,
            sha256: sha256(&fresh.join(DATABASE))?,
            journal: segments.into_iter().collect(),
        };
        fs::write(fresh.join(ABOUT), serde_json::to_vec_pretty(&about)?)?;
        for name in [DATABASE, ABOUT] {
            File::open(fresh.join(name))?.sync_all()?;
        }
        sync_folder(&fresh)?;
        sync_folder(&self.to.join("blobs"))?;
        fs::rename(&fresh, &whole)?;
        sync_folder(self.to)?;
        self.taken.folder = whole;
        Ok(())
    }

    /// The rows as they are at one moment.
    async fn database(&self, fresh: &Path) -> anyhow::Result<()> {
        let file = fresh.join(DATABASE);
        if self.config.database == DatabaseUrl::Sqlite {
            let from = self.config.data.join(DATABASE);
            ensure!(from.is_file(), "RECONNECT_DATA: no database {}", from.display());
            let mut connection = connect_to(&self.config.database, &self.config.data).await?;
            let file = file.to_str().context("a path that is no text")?.to_owned();
            sqlx::query("vacuum into $1").bind(file).execute(&mut connection).await?;
            connection.close().await?;
            return forget_moments(fresh).await;
        }
        let made = Db::open(&DatabaseUrl::Sqlite, fresh, &Disk::new(fresh, 0)).await?;
        made.close().await;
        let mut to = connect_to(&DatabaseUrl::Sqlite, fresh).await?;
        let tables = tables::tables(&mut to).await?;
        let disk = Disk::new(&self.config.data, 0);
        let from = Db::open_beside(&self.config.database, &self.config.data, &disk).await?;
        let mut snapshot = from.snapshot().await?;
        tables::copy(&tables, &mut snapshot, &mut to).await?;
        snapshot.rollback().await?;
        from.close().await;
        to.close().await?;
        forget_moments(fresh).await
    }

    /// The blobs of the rows, and which were erased meanwhile.
    async fn parts(&mut self, fresh: &Path) -> anyhow::Result<Vec<EnvelopeId>> {
        let mut rows = connect_to(&DatabaseUrl::Sqlite, fresh).await?;
        let disk = Disk::new(&self.config.data, 0);
        let live = Db::open_beside(&self.config.database, &self.config.data, &disk).await?;
        let mut gone = Vec::new();
        for (envelope, index, leaves) in parts_of(&mut rows).await? {
            let envelope_id: EnvelopeId = id(&envelope).map_err(|it| anyhow::anyhow!("{it}"))?;
            let place = format!("{envelope_id}/{index}");
            self.taken.parts += 1;
            match self.part(&place, &leaves)? {
                Part::Whole => {}
                Part::Missing if has_part(&envelope, index, &live).await? => {
                    self.taken.damage.push(format!("blobs/{place}: it is not there"));
                }
                Part::Missing => {
                    gone.push(envelope_id);
                    self.taken.parts -= 1;
                }
                Part::Damaged => {
                    self.taken.damage.push(format!("blobs/{place}: is not what came"));
                }
            }
        }
        live.close().await;
        rows.close().await?;
        gone.dedup();
        Ok(gone)
    }

    fn part(&mut self, place: &str, leaves: &[u8]) -> anyhow::Result<Part> {
        let from = self.config.data.join("blobs").join(place);
        let to = self.to.join("blobs").join(place);
        let known = fs::metadata(&to).map(|it| it.len()).ok();
        let length = match fs::metadata(&from) {
            Ok(there) => there.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Part::Missing),
            Err(error) => return Err(error.into()),
        };
        if known == Some(length) {
            return Ok(Part::Whole);
        }
        if let Some(folder) = to.parent().filter(|folder| !folder.is_dir()) {
            make_folder(folder)?;
        }
        match copy_durably(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Part::Missing),
            copied => copied?,
        }
        self.taken.copied += 1;
        self.taken.bytes += length;
        if hashes(&to)? == leaves {
            return Ok(Part::Whole);
        }
        // Kept, it would pass for whole the next time, and the journal's copy would go.
        fs::remove_file(&to)?;
        Ok(Part::Damaged)
    }

    /// Removes backups whose time is over, but for the one that was just taken, and blobs that none has a row of.
    async fn prune(&mut self, keep_days: u64) -> anyhow::Result<()> {
        let oldest = self.clock.now().saturating_sub(keep_days.saturating_mul(DAY));
        let mut kept = HashSet::new();
        for folder in whole_in(self.to)? {
            if folder != self.taken.folder && about(&folder)?.made_at < oldest {
                fs::remove_dir_all(&folder)?;
                self.taken.removed += 1;
                continue;
            }
            let mut rows = connect_to(&DatabaseUrl::Sqlite, &folder).await?;
            for (envelope, ..) in parts_of(&mut rows).await? {
                kept.insert(envelope);
            }
            rows.close().await?;
        }
        for entry in fs::read_dir(self.to.join("blobs"))? {
            let entry = entry?;
            let named = entry.file_name().to_str().and_then(|it| it.parse().ok());
            if !named.is_some_and(|EnvelopeId(it)| kept.contains(it.as_slice())) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(sync_folder(&self.to.join("blobs"))?)
    }

    /// Removes what the journal kept until this backup.
    fn trim_journal(&self) -> anyhow::Result<()> {
        let Some(folder) = self.config.journal.as_deref().filter(|it| it.exists()) else {
            return Ok(());
        };
        let about = about(&self.taken.folder)?;
        for (name, length) in journal::segments(folder)? {
            // Whoever writes begins another file after that time: nothing more comes into this one.
            let is_over =
                journal::begun(&name).is_some_and(|it| it + 2 * SEGMENT_SECONDS < about.made_at);
            if is_over && about.journal.get(&name) == Some(&length) {
                fs::remove_file(folder.join(name))?;
            }
        }
        let parts = folder.join("parts");
        for entry in fs::read_dir(&parts).into_iter().flatten() {
            let entry = entry?;
            let name = entry.file_name();
            let place = name.to_str().and_then(|it| it.rsplit_once('-'));
            let is_kept = place.is_some_and(|(envelope_id, index)| {
                self.to.join("blobs").join(envelope_id).join(index).is_file()
            });
            if is_kept {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(sync_folder(folder)?)
    }
}

/// What lives for minutes or hours, and must be in no backup: LINK-6. A restore ends sessions anyway.
async fn forget_moments(fresh: &Path) -> anyhow::Result<()> {
    let mut connection = connect_to(&DatabaseUrl::Sqlite, fresh).await?;
    for statement in [
        "pragma secure_delete = 1",
        "-- backup::forget_moments\ndelete from session",
        "-- backup::forget_moments\ndelete from unlocking",
        "-- backup::forget_moments\ndelete from unlock_rest",
        "-- backup::forget_moments\ndelete from link",
        // What a restore brings is read whole anyway.
        "-- backup::forget_moments\ndelete from scrub",
    ] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

enum Part {
    Whole,
    Missing,
    Damaged,
}

/// Every part that has a row, with the hashes of its chunks.
async fn parts_of(rows: &mut AnyConnection) -> anyhow::Result<Vec<(Vec<u8>, i64, Vec<u8>)>> {
    Ok(sqlx::query_as(
        "-- backup::parts_of
        select envelope_id, part_index, leaves from part order by envelope_id, part_index",
    )
    .fetch_all(rows)
    .await?)
}

async fn has_part(envelope: &[u8], index: i64, live: &Db) -> anyhow::Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "-- backup::has_part
        select count(*) from part where envelope_id = $1 and part_index = $2",
    )
    .bind(envelope.to_vec())
    .bind(index)
    .fetch_one(live.reader())
    .await?;
    Ok(count > 0)
}

/// What a backup says of itself.
pub(crate) fn about(folder: &Path) -> anyhow::Result<About> {
    let file = folder.join(ABOUT);
    let text = fs::read(&file).with_context(|| format!("no backup: {}", file.display()))?;
    let about: About = serde_json::from_slice(&text)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    ensure!(about.format == FORMAT, "{} has another format: use a newer binary", file.display());
    Ok(about)
}

/// The backups in a folder of backups, the oldest first.
pub(crate) fn whole_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
        let path = entry?.path();
        if path.join(ABOUT).is_file() && path.extension().is_none_or(|it| it != "new") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A backup's name: its time, which no file system objects to.
fn name_of(made_at: u64) -> Option<String> {
    let time = DateTime::from_timestamp(i64::try_from(made_at).ok()?, 0)?;
    Some(time.format("%Y-%m-%dT%H-%M-%SZ").to_string())
}

/// Copies those of some files that are there, durably.
pub(crate) fn copy_files(from: &Path, to: &Path, names: &[&str]) -> anyhow::Result<()> {
    make_folder(to)?;
    for name in names {
        match copy_durably(&from.join(name), &to.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => copied.with_context(|| format!("{}/{name}", from.display()))?,
        }
    }
    Ok(())
}

/// The hashes of a part's chunks.
fn hashes(part: &Path) -> io::Result<Vec<u8>> {
    let (mut part, mut hashes) = (File::open(part)?, Vec::new());
    loop {
        let mut chunk = Vec::new();
        part.by_ref().take((CHUNK_BYTES + TAG_BYTES).into()).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(hashes);
        }
        hashes.extend_from_slice(&tree::leaf_hash(&chunk));
    }
}

/// The hash of a file, in base64url.
pub(crate) fn sha256(file: &Path) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(file)?, &mut HashWriter(&mut hash))?;
    Ok(URL_SAFE_NO_PAD.encode(hash.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
