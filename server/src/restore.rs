//! Restoring: a backup, the log's newest copy, and what the journal kept since then, into a folder and a database
//! that are empty (PROTOCOL.md section 17).
//!
//! The log is never taken from an older copy: whoever saw a longer one would find a fork. What the log names further than the
//! rows go was changed after the backup; what was taken back then is not known, so nothing of it is given out.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_format::{
    Label, check,
    id::{AccountId, DeviceId, StructureId},
    log::structure_index,
};
use reconnect_log::Note;
use tower::ServiceExt as _;

use crate::{
    app::{self, App},
    backup::{self, About, DATABASE, LOG_FILES, copy_files, sha256},
    clock::Clock,
    config::{Config, DatabaseUrl},
    db::{Db, connect_to, transaction},
    disk::Disk,
    document,
    error::{Error, Result},
    journal::{self, Record},
    log::Log,
    secret::{FILES, Secrets, make_folder, sync_folder},
    tables,
    verify::{Found, verify},
    wire::{from_row, id, to_row},
};

/// Is there while a restore is not finished: a server does not start on such a folder.
pub(crate) const UNFINISHED: &str = "restoring";
/// Where a backup's rows wait for another database.
const WAITING: &str = "rows";

/// From what a restore is made.
#[derive(Clone, Debug)]
pub struct Sources {
    /// A backup, or a folder of backups, of which the newest is taken.
    pub backup: PathBuf,
    /// The newest copy of the log's folder.
    pub log: PathBuf,
    /// Folders of journals.
    pub journals: Vec<PathBuf>,
    /// Checkpoints that somebody saw: the log must be as long.
    pub seen: Vec<PathBuf>,
}

/// What was restored.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Of which backup.
    pub backup: PathBuf,
    /// Requests of the journal that were made again.
    pub repeated: u64,
    /// Requests of the journal that could not be: each with what it was answered.
    pub left: Vec<String>,
    /// Safes that were changed after the backup in ways that are not known: nothing of them is given out.
    pub safes_behind: u64,
    /// Structures of which the same is so: each waits to be accepted again.
    pub structures_behind: Vec<StructureId>,
    /// Leaves of the log.
    pub log_size: u64,
    /// What was found when everything was read again.
    pub found: Found,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "restored {}", self.backup.display())?;
        writeln!(f, "{}", self.found)?;
        let (made, left) = (self.repeated, self.left.len());
        writeln!(f, "{made} requests of the journal were made again, {left} could not be")?;
        for line in self.left.iter().take(20) {
            writeln!(f, "  {line}")?;
        }
        let behind = self.safes_behind;
        writeln!(f, "{behind} safes are behind the log: nothing of them is given out")?;
        for structure_id in &self.structures_behind {
            let code = structure_id.code();
            writeln!(f, "structure {code} is behind the log: look at it, and accept it again")?;
        }
        let size = self.log_size;
        write!(f, "the log has {size} leaves; all sessions have ended")
    }
}

/// Restores into the data folder and the database of `config`, which must be empty.
pub async fn restore(config: Config, sources: &Sources) -> anyhow::Result<Restored> {
    let mut config = Config { journal: None, ..config };
    config.check().map_err(anyhow::Error::msg)?;
    config.check_folder()?;
    let from = newest(&sources.backup)?;
    let about = backup::about(&from)?;
    let file = from.join(DATABASE);
    ensure!(sha256(&file)? == about.sha256, "{} is damaged", file.display());
    for name in [UNFINISHED, DATABASE, "blobs", "secrets", "log"] {
        let there = config.data.join(name);
        ensure!(!there.exists(), "RECONNECT_DATA: move {} away first", there.display());
    }
    make_folder(&config.data).context("RECONNECT_DATA")?;
    config.data = config.data.canonicalize().context("RECONNECT_DATA")?;
    let unfinished = config.data.join(UNFINISHED);
    fs::write(&unfinished, "")?;
    sync_folder(&config.data)?;
    copy_files(&from.join("secrets"), &config.data.join("secrets"), &FILES)?;
    copy_files(&sources.log, &config.data.join("log"), &LOG_FILES)?;
    check_log(&config, sources)?;
    copy_blobs(&from, &config.data)?;
    copy_rows(&from, &config).await?;

    let clock = Clock::manual(about.made_at);
    let app = App::open_unfinished(config.clone(), clock.clone()).await?;
    let mut restored = Restored { backup: from, ..Restored::default() };
    let worked = Work { app: &app, about: &about, restored: &mut restored }.all(sources).await;
    app.close().await;
    drop(app);
    worked?;
    // What is damaged is named; it keeps nobody else out.
    restored.found = verify(config.clone()).await?;
    fs::remove_file(&unfinished)?;
    sync_folder(&config.data)?;
    Ok(restored)
}

/// The backup that is meant.
fn newest(named: &Path) -> anyhow::Result<PathBuf> {
    if named.join(backup::ABOUT).is_file() {
        return Ok(named.to_path_buf());
    }
    let last = backup::whole_in(named)?.pop();
    last.with_context(|| format!("no backup in {}", named.display()))
}

/// The log is whole, and as long as anybody saw it. BACKUP-3.
fn check_log(config: &Config, sources: &Sources) -> anyhow::Result<()> {
    let log = Log::open(config, &Secrets::open(&config.data)?)
        .with_context(|| format!("the log in {}", sources.log.display()))?;
    for file in &sources.seen {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let note =
            Note::parse(&text).with_context(|| format!("{} is no checkpoint", file.display()))?;
        if check!(RestoredLog) {
            log.check_continues(&note).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}

/// All blobs of the folder of backups: the first sweep removes those without a row.
fn copy_blobs(from: &Path, data: &Path) -> anyhow::Result<()> {
    let (from, to) = (from.parent().unwrap_or(from).join("blobs"), data.join("blobs"));
    make_folder(&to)?;
    for envelope in fs::read_dir(&from).with_context(|| from.display().to_string())? {
        let envelope = envelope?;
        let folder = to.join(envelope.file_name());
        fs::create_dir(&folder)?;
        for part in fs::read_dir(envelope.path())? {
            let part = part?;
            // A backup that was cut off leaves what it was copying.
            if part.path().extension().is_some() {
                continue;
            }
            journal::copy_durably(&part.path(), &folder.join(part.file_name()))?;
        }
    }
    Ok(sync_folder(&to)?)
}

/// The rows, into whichever database.
async fn copy_rows(from: &Path, config: &Config) -> anyhow::Result<()> {
    if config.database == DatabaseUrl::Sqlite {
        return Ok(journal::copy_durably(&from.join(DATABASE), &config.data.join(DATABASE))?);
    }
    let waiting = config.data.join(WAITING);
    make_folder(&waiting)?;
    journal::copy_durably(&from.join(DATABASE), &waiting.join(DATABASE))?;
    fill(&waiting, config).await?;
    Ok(fs::remove_dir_all(&waiting)?)
}

/// Copies every row of a `SQLite` file into another database, which is empty; how many they were.
pub(crate) async fn fill(folder: &Path, config: &Config) -> anyhow::Result<u64> {
    // To this binary's schema.
    let rows = Db::open(&DatabaseUrl::Sqlite, folder, &Disk::new(folder, 0)).await?;
    rows.close().await;
    let into = Db::open(&config.database, &config.data, &Disk::new(&config.data, 0)).await?;
    into.close().await;
    let mut from = connect_to(&DatabaseUrl::Sqlite, folder).await?;
    let mut to = connect_to(&config.database, &config.data).await?;
    let tables = tables::tables(&mut from).await?;
    tables::copy(&tables, &mut from, &mut to).await.context("RECONNECT_DATABASE")
}

struct Work<'a> {
    app: &'a App,
    about: &'a About,
    restored: &'a mut Restored,
}

impl Work<'_> {
    async fn all(&mut self, sources: &Sources) -> anyhow::Result<()> {
        let broken = |error: Error| anyhow::anyhow!("{error}");
        self.forget_gone().await.map_err(broken)?;
        forget_behind(self.app).await.map_err(broken)?;
        end_sessions(self.app).await.map_err(broken)?;
        self.repeat(&sources.journals).await?;
        end_sessions(self.app).await.map_err(broken)?;
        self.app.publish().await?;
        self.hold_back().await.map_err(broken)?;
        self.restored.log_size = self.app.log.size();
        Ok(())
    }

    /// What was erased while the backup was taken.
    async fn forget_gone(&self) -> Result<()> {
        for envelope_id in &self.about.gone {
            transaction!(self.app.db, "restore::forget_gone", |tx| {
                let owner: Option<Vec<u8>> = sqlx::query_scalar(
                    "-- restore::forget_gone
                    select account_id from envelope where envelope_id = $1",
                )
                .bind(envelope_id.as_bytes())
                .fetch_optional(&mut *tx)
                .await?;
                match owner {
                    Some(owner) => document::forget(id(&owner)?, &[*envelope_id], tx).await,
                    None => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    /// Makes the requests of the journals again, each at its time. One that another must come before is tried
    /// again after it: servers write one journal each, and two answers may have crossed. BACKUP-5.
    async fn repeat(&mut self, journals: &[PathBuf]) -> anyhow::Result<()> {
        let mut records = Vec::new();
        for folder in journals {
            let context = || format!("the journal {}", folder.display());
            for (name, _) in journal::segments(folder).with_context(context)? {
                let start = self.about.journal.get(&name).copied().unwrap_or(0);
                let read = journal::records(folder, &name, start).with_context(context)?;
                records.extend(read.into_iter().map(|record| (folder.clone(), record)));
            }
        }
        records.sort_by_key(|(_, record)| record.at);
        // The operator's word is in a file of its own, and in no order with what came in the same second: it is put
        // where it belongs as soon as the structure is there.
        let (mut accepted, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|(_, record)| record.method == journal::ACCEPTED);
        let mut records = others;
        self.accept(&mut accepted).await?;
        let router = app::router(self.app.clone());
        loop {
            let (before, mut left) = (records.len(), Vec::new());
            self.restored.left.clear();
            for (folder, record) in records {
                self.app.clock.set(record.at);
                let said = self.make(&router, &folder, &record).await?;
                match said {
                    None => {
                        self.restored.repeated += 1;
                        self.accept(&mut accepted).await?;
                    }
                    Some(said) => {
                        let (method, path) = (&record.method, route_of(&record.path));
                        self.restored.left.push(format!("{method} {path}: {said}"));
                        left.push((folder, record));
                    }
                }
            }
            if left.is_empty() || left.len() == before {
                return Ok(());
            }
            records = left;
        }
    }

    /// Accepts those structures that are there.
    async fn accept(&mut self, accepted: &mut Vec<(PathBuf, Record)>) -> anyhow::Result<()> {
        let mut waiting = Vec::new();
        for (folder, record) in accepted.drain(..) {
            let done = accept(&record.path, &record.body, self.app).await;
            if done.map_err(|error| anyhow::anyhow!("{error}"))? {
                self.restored.repeated += 1;
            } else {
                waiting.push((folder, record));
            }
        }
        *accepted = waiting;
        Ok(())
    }

    /// Makes one request; none when it was taken, otherwise what was said.
    async fn make(
        &self,
        router: &Router,
        folder: &Path,
        record: &Record,
    ) -> anyhow::Result<Option<String>> {
        let blobs = self.app.config.data.join("blobs");
        let Ok(body) = journal::body(folder, record, &blobs) else {
            return Ok(Some("its part is not in the journal".to_owned()));
        };
        let mut request = Request::builder()
            .method(record.method.as_str())
            .uri(record.path.as_str())
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(caller) = record.caller {
            let Ok(token) = lend_session(caller, self.app).await else {
                return Ok(Some("its device is not there".to_owned()));
            };
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = router.clone().oneshot(request.body(Body::from(body))?).await?;
        let status = answer.status();
        Ok((!status.is_success()).then(|| status.to_string()))
    }

    /// Of what the log names further than the rows go, nothing is given out. BACKUP-6.
    async fn hold_back(&mut self) -> Result<()> {
        let safes: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
            "-- restore::hold_back
            select account_id, log_index, sequence from account",
        )
        .fetch_all(self.app.db.reader())
        .await?;
        let mut behind = Vec::new();
        for (account_id, index, sequence) in safes {
            let is_behind = self
                .app
                .log
                .newest(&index)?
                .is_some_and(|named| named.sequence > from_row(sequence));
            if is_behind && check!(RestoredBehind) {
                behind.push(account_id);
            }
        }
        let structures: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "-- restore::hold_back
            select structure_id, sequence from structure",
        )
        .fetch_all(self.app.db.reader())
        .await?;
        for (structure, sequence) in structures {
            let structure_id = id(&structure)?;
            let named = self.app.log.newest(&structure_index(structure_id))?;
            if named.is_some_and(|named| named.sequence > from_row(sequence)) {
                self.restored.structures_behind.push(structure_id);
            }
        }
        self.restored.safes_behind = behind.len() as u64;
        let structures = &self.restored.structures_behind;
        transaction!(self.app.db, "restore::hold_back", |tx| {
            for account_id in &behind {
                sqlx::query("-- restore::hold_back\ninsert into behind (account_id) values ($1)")
                    .bind(account_id.as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            for structure_id in structures {
                sqlx::query(
                    "-- restore::hold_back
                    update structure set acceptance = null where structure_id = $1",
                )
                .bind(structure_id.as_bytes())
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })
    }
}

/// What was behind when the backup was taken is looked at again.
async fn forget_behind(app: &App) -> Result<()> {
    transaction!(app.db, "restore::forget_behind", |tx| {
        sqlx::query("-- restore::forget_behind\ndelete from behind").execute(&mut *tx).await?;
        Ok(())
    })
}

/// Everybody comes in anew: whoever's session was ended after the backup must not come back with it. BACKUP-4.
async fn end_sessions(app: &App) -> Result<()> {
    transaction!(app.db, "restore::end_sessions", |tx| {
        sqlx::query("-- restore::end_sessions\ndelete from session").execute(&mut *tx).await?;
        Ok(())
    })
}

/// A session for one request of the journal; it ends with the restore.
async fn lend_session((account_id, device_id): (AccountId, DeviceId), app: &App) -> Result<String> {
    let mut token = [0; 32];
    getrandom::fill(&mut token).map_err(|_| Error::Broken("the system gives no randomness"))?;
    let ends = to_row(app.clock.now() + 3600);
    transaction!(app.db, "restore::lend_session", |tx| {
        sqlx::query("-- restore::lend_session\ndelete from session").execute(&mut *tx).await?;
        sqlx::query(
            "-- restore::lend_session
            insert into session (token_hash, account_id, device_id, expires_at, ended, kept_until)
            values ($1, $2, $3, $4, 0, $4)",
        )
        .bind(Label::SessionToken.hash(&token).to_vec())
        .bind(account_id.as_bytes())
        .bind(device_id.as_bytes())
        .bind(ends)
        .execute(&mut *tx)
        .await?;
        Ok(())
    })?;
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// Whether there is such a structure.
async fn accept(structure_id: &str, acceptance: &[u8], app: &App) -> Result<bool> {
    let structure_id: StructureId = structure_id.parse()?;
    transaction!(app.db, "restore::accept", |tx| {
        let accepted = sqlx::query(
            "-- restore::accept
            update structure set acceptance = $1 where structure_id = $2",
        )
        .bind(acceptance)
        .bind(structure_id.as_bytes())
        .execute(&mut *tx)
        .await?;
        Ok(accepted.rows_affected() == 1)
    })
}

/// A path without what it names.
fn route_of(path: &str) -> String {
    let is_id = |part: &&str| part.len() > 20 || part.bytes().all(|it| it.is_ascii_digit());
    let parts =
        path.split('/').map(|part| if !part.is_empty() && is_id(&part) { "…" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A server does not start where a restore was not finished. BACKUP-7.
pub(crate) fn check_finished(data: &Path) -> anyhow::Result<()> {
    if data.join(UNFINISHED).exists() {
        bail!(
            "RECONNECT_DATA: a restore into this folder was not finished: empty the folder and the \
             database, and restore again"
        );
    }
    Ok(())
}
