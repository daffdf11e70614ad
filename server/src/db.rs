//! The database: `SQLite` or `PostgreSQL` behind one set of statements.
//!
//! `SQLite` has one writer, write-ahead log, `synchronous = FULL` (asserted), foreign keys and
//! secure deletion; its transactions begin IMMEDIATE. `PostgreSQL` transactions are SERIALIZABLE.
//! [`transaction!`] tries again what lost a race, or could not be committed together with others
//! ([`crate::writer`]), so its block may run more than once.

mod file;

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _, Executor as _,
    any::{AnyConnectOptions, AnyPoolOptions},
    pool::PoolConnection,
};

use reconnect_format::api::Code;

use file::{BUSY_TIMEOUT, sqlite_url};
pub(crate) use file::{connect_to, prepare_sqlite};

use crate::{
    config::DatabaseUrl,
    disk::Disk,
    error::{Error, Fault, Result, kind},
    fault::{self, Mutant},
    metrics::{Transaction, Transactions},
    secret::sync_folder,
    writer::{Ended, Line, Turn},
};

/// A transaction that only reads.
pub(crate) type Snapshot = sqlx::Transaction<'static, Any>;

/// How often a transaction that lost a race is tried again.
const ATTEMPTS: u32 = 16;
/// Connections that read from `SQLite` at one time.
const READERS: u32 = 8;
/// Connections to `PostgreSQL` at one time.
const CONNECTIONS: u32 = 24;

/// An acknowledged commit is on the disk, whatever a role or a database was set to.
const DURABLE: &str = "select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') = 'off'";
const CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";

/// Every migration, in order; a released one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_behind.sql"),
    include_str!("../../migrations/0003_shared.sql"),
    include_str!("../../migrations/0004_scrub.sql"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// How deep a database looks into its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything, indexes against tables, in one reading.
    Whole,
    /// Each table by itself: what is erased meanwhile leaves the write-ahead log between two of them.
    TableByTable,
}

/// A database that cannot be read is what a look at it finds, and no reason to stop.
fn broken(error: sqlx::Error) -> Result<Vec<String>> {
    match kind(&error) {
        Fault::Broken => Ok(vec![error.to_string()]),
        _ => Err(error.into()),
    }
}

/// Pools to one database.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    readers: AnyPool,
    /// Before the one writer of `SQLite`.
    line: Option<Line>,
    kind: Kind,
    disk: Disk,
    pub(crate) transactions: Transactions,
}

impl Db {
    /// Opens the database that `url` names, and brings its schema up to this binary's.
    pub(crate) async fn open(url: &DatabaseUrl, data: &Path, disk: &Disk) -> anyhow::Result<Self> {
        let db = Self::connect(url, data, disk).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens the database beside a running server: the schema must be this binary's.
    pub(crate) async fn open_beside(
        url: &DatabaseUrl,
        data: &Path,
        disk: &Disk,
    ) -> anyhow::Result<Self> {
        let db = Self::connect(url, data, disk).await?;
        let version = db.schema_version().await?;
        ensure!(
            version == MIGRATIONS.len(),
            "the database has schema {version}, this command needs {}",
            MIGRATIONS.len()
        );
        Ok(db)
    }

    async fn connect(url: &DatabaseUrl, data: &Path, disk: &Disk) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        match url {
            DatabaseUrl::Sqlite => Self::connect_sqlite(&data.join("reconnect.sqlite"), disk).await,
            DatabaseUrl::Unknown => bail!("RECONNECT_DATABASE: no database"),
            DatabaseUrl::Postgres(url) => {
                let options: AnyConnectOptions =
                    url.parse().map_err(|_| anyhow::anyhow!("RECONNECT_DATABASE is no address"))?;
                let pool = AnyPoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(Duration::from_secs(10))
                    .after_connect(|connection, _| {
                        Box::pin(async move { connection.execute(DURABLE).await.map(drop) })
                    })
                    .connect_with(options)
                    .await
                    .context("RECONNECT_DATABASE: cannot connect")?;
                let (disk, transactions) = (disk.clone(), Transactions::default());
                Ok(Self { readers: pool, line: None, kind: Kind::Postgres, disk, transactions })
            }
        }
    }

    async fn connect_sqlite(file: &Path, disk: &Disk) -> anyhow::Result<Self> {
        let options: AnyConnectOptions = sqlite_url(file)?.parse()?;
        let context = || format!("cannot open {}", file.display());
        // Before anything else: what a crash left in the log moves into the database, durably.
        let mut first = AnyConnection::connect_with(&options).await.with_context(context)?;
        let start = if fault::has(Mutant::NoCheckpoint) { BUSY_TIMEOUT } else { CHECKPOINT };
        let mut moved = first.execute(start).await;
        if moved.as_ref().is_err_and(|error| kind(error) == Fault::Full) && disk.give_up_ballast() {
            moved = first.execute(CHECKPOINT).await;
        }
        moved.with_context(context)?;
        first.close().await.with_context(context)?;
        let line = Line::open(&options, disk).await.with_context(context)?;
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move { prepare_sqlite(connection, true).await })
            })
            .connect_with(options);
        let readers = readers.await.with_context(context)?;
        // The names of its files: SQLite syncs them with its first write, and says nothing when that fails.
        sync_folder(file.parent().unwrap_or(Path::new("."))).with_context(context)?;
        let (disk, transactions) = (disk.clone(), Transactions::default());
        Ok(Self { readers, line: Some(line), kind: Kind::Sqlite, disk, transactions })
    }

    /// For one statement that reads.
    pub(crate) fn reader(&self) -> &AnyPool {
        &self.readers
    }

    /// Several statements that read one state.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        Ok(match self.kind {
            Kind::Sqlite => self.readers.begin_with("begin").await?,
            Kind::Postgres => {
                self.readers.begin_with("begin isolation level repeatable read read only").await?
            }
        })
    }

    /// For [`transaction!`].
    pub(crate) fn attempts(&self, name: &'static str) -> Attempts<'_> {
        let seen = self.transactions.begin(name);
        Attempts { db: self, name, count: 0, alone: false, seen }
    }

    async fn begin(&self, alone: bool) -> Result<Tx, sqlx::Error> {
        if let Some(line) = &self.line {
            return line.turn(alone).await.map(Tx::Turn);
        }
        let mut own = Own { connection: self.readers.acquire().await?, is_open: true };
        if let Err(error) = own.connection.execute("begin isolation level serializable").await {
            own.roll_back().await;
            return Err(error);
        }
        Ok(Tx::Own(own))
    }

    /// How many stand in the line before `SQLite`'s writer.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.line.as_ref().map_or(0, Line::waiting)
    }

    /// Whether servers with other data folders could be on it.
    pub(crate) fn is_shared(&self) -> bool {
        self.kind == Kind::Postgres
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        sqlx::query("-- db::ping\nselect 1").execute(&self.readers).await?;
        Ok(())
    }

    /// What the database finds wrong in its own files, a line each.
    pub(crate) async fn check(&self, depth: Depth) -> Result<Vec<String>> {
        if self.kind == Kind::Postgres {
            return Ok(Vec::new());
        }
        let mut statements = vec!["pragma integrity_check".to_owned()];
        if depth == Depth::TableByTable {
            let tables = "-- Db::check
                select 'pragma quick_check(\"' || name || '\")' from sqlite_master
                where type = 'table' and name not like 'sqlite%'";
            statements = match sqlx::query_scalar(tables).fetch_all(&self.readers).await {
                Ok(statements) => statements,
                Err(error) => return broken(error),
            };
        }
        let mut wrong = Vec::new();
        for statement in statements {
            let said = sqlx::query_scalar::<_, String>(AssertSqlSafe(statement));
            match said.fetch_all(&self.readers).await {
                Ok(said) => wrong.extend(said.into_iter().filter(|line| line != "ok")),
                Err(error) => wrong.extend(broken(error)?),
            }
        }
        Ok(wrong)
    }

    /// Moves the write-ahead log into the database, so that what was erased is gone from it too.
    /// Whether all of it could be moved: somebody who reads an older state is not waited for.
    pub(crate) async fn checkpoint(&self) -> Result<bool> {
        let Some(line) = &self.line else { return Ok(true) };
        let mut connection = line.outside().await?;
        connection.execute("pragma busy_timeout = 100").await?;
        let busy: Result<i64, sqlx::Error> =
            sqlx::query_scalar(CHECKPOINT).fetch_one(&mut *connection).await;
        connection.execute(BUSY_TIMEOUT).await?;
        Ok(busy? == 0)
    }

    /// Ends every connection after what they are doing.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.checkpoint().await {
            tracing::warn!(%error, "no checkpoint at the end");
        }
        self.readers.close().await;
        if let Some(line) = &self.line {
            line.close().await;
        }
    }

    async fn schema_version(&self) -> anyhow::Result<usize> {
        let mut tx = self.begin(true).await?;
        tx.execute("create table if not exists schema_version (version bigint primary key)")
            .await?;
        let version: i64 =
            sqlx::query_scalar("select coalesce(max(version), 0) from schema_version")
                .fetch_one(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(usize::try_from(version)?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let version = self.schema_version().await?;
        if version > MIGRATIONS.len() {
            bail!(
                "the database has schema {version}, which is newer than this binary's {}: \
                 start the newer binary",
                MIGRATIONS.len()
            );
        }
        let (bytes, unlogged) = match self.kind {
            Kind::Sqlite => ("blob", ""),
            Kind::Postgres => ("bytea", "unlogged"),
        };
        for (index, text) in MIGRATIONS.iter().enumerate().skip(version) {
            let number = i64::try_from(index + 1)?;
            let mut tx = self.begin(true).await?;
            let text = text.replace("{bytes}", bytes).replace("{unlogged}", unlogged);
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await?;
            sqlx::query("insert into schema_version (version) values ($1)")
                .bind(number)
                .execute(&mut *tx)
                .await?;
            fault::point("db::migrate", "before its commit");
            tx.commit().await?;
            fault::point("db::migrate", "after its commit");
            tracing::info!(schema = number, "migrated");
        }
        Ok(())
    }
}

/// Runs a block in one transaction and commits it; on an error nothing has happened. The block runs
/// again when the transaction lost a race. It borrows what is around it and ends in a `Result`.
///
/// A macro, because the compiler cannot yet show that a future with such a closure is `Send`.
macro_rules! transaction {
    ($db:expr, $name:literal, |$tx:ident| $work:block) => {
        async {
            let mut attempts = $db.attempts($name);
            loop {
                let mut begun = attempts.begin().await?;
                let done: $crate::error::Result<_> = {
                    let $tx: &mut sqlx::AnyConnection = &mut begun;
                    async { $work }.await
                };
                if let Some(value) = attempts.end(begun, done).await? {
                    break Ok::<_, $crate::error::Error>(value);
                }
            }
        }
        .await
    };
}
pub(crate) use transaction;

/// A transaction that writes.
pub(crate) enum Tx {
    /// On a connection of its own, to `PostgreSQL`.
    Own(Own),
    /// With `SQLite`'s one writer.
    Turn(Turn),
}

/// A transaction on a connection of its own. Not sqlx's: it ends the connection whenever it is not
/// certain that it could be undone.
pub(crate) struct Own {
    connection: PoolConnection<Any>,
    is_open: bool,
}

impl Own {
    async fn commit(mut self) -> Result<Ended, sqlx::Error> {
        if let Err(error) = self.connection.execute("commit").await {
            self.roll_back().await;
            return Err(error);
        }
        self.is_open = false;
        Ok(Ended::Kept)
    }

    /// Undoes everything; a connection that cannot do it is closed.
    async fn roll_back(&mut self) {
        self.is_open = self.connection.execute("rollback").await.is_err();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.is_open {
            // The caller hung up in the middle: closing the connection rolls back.
            self.connection.close_on_drop();
        }
    }
}

impl Tx {
    async fn commit(self) -> Result<Ended, sqlx::Error> {
        match self {
            Self::Own(own) => own.commit().await,
            Self::Turn(turn) => turn.commit().await,
        }
    }

    /// Undoes what it wrote. It is over when what it read is certain, too.
    async fn roll_back(self) -> Result<Ended, sqlx::Error> {
        match self {
            Self::Own(mut own) => {
                own.roll_back().await;
                Ok(Ended::Kept)
            }
            Self::Turn(turn) => turn.roll_back().await,
        }
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Own(own) => &own.connection,
            Self::Turn(turn) => turn,
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Own(own) => &mut own.connection,
            Self::Turn(turn) => turn,
        }
    }
}

/// The attempts of one transaction.
pub(crate) struct Attempts<'a> {
    db: &'a Db,
    name: &'static str,
    count: u32,
    /// Whether the next one is to be committed by itself.
    alone: bool,
    seen: Transaction,
}

impl Attempts<'_> {
    /// Begins the next attempt.
    pub(crate) async fn begin(&mut self) -> Result<Tx> {
        loop {
            self.count += 1;
            self.seen.attempt(self.count);
            match self.db.begin(self.alone).await {
                Ok(tx) => return Ok(tx),
                Err(error) => self.again(error.into()).await?,
            }
        }
    }

    /// Ends an attempt: with its value, with nothing when there is to be another, or with an error.
    pub(crate) async fn end<T>(&mut self, tx: Tx, done: Result<T>) -> Result<Option<T>> {
        let failed = match done {
            Ok(value) => {
                fault::point(self.name, "before its commit");
                match tx.commit().await {
                    Ok(Ended::Kept) => {
                        fault::point(self.name, "after its commit");
                        self.seen.kept();
                        return Ok(Some(value));
                    }
                    Ok(Ended::Undone) => None,
                    Err(error) => Some(error.into()),
                }
            }
            Err(error) => match tx.roll_back().await {
                Ok(Ended::Kept) => Some(error),
                Ok(Ended::Undone) => None,
                Err(worse) => {
                    tracing::warn!(%error, "could not be undone");
                    Some(worse.into())
                }
            },
        };
        match failed {
            Some(error) => self.again(error).await?,
            None => self.alone = true,
        }
        Ok(None)
    }

    /// Waits before another attempt, or gives the error back when there is none.
    async fn again(&self, error: Error) -> Result<()> {
        match error {
            Error::Code(Code::StorageFull) if self.db.disk.give_up_ballast() => Ok(()),
            Error::Raced if self.count < ATTEMPTS => {
                tracing::debug!(name = self.name, attempt = self.count, "lost a race");
                // Not all who lost it come again at one time.
                let mut chance = [0];
                let _ = getrandom::fill(&mut chance);
                let pause = self.count * self.count * (128 + u32::from(chance[0])) / 128;
                tokio::time::sleep(Duration::from_millis(pause.into())).await;
                Ok(())
            }
            Error::Raced => Err(Error::Wait(Code::Unavailable, 1)),
            error => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I-30: an older binary on a newer schema.
    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::new(folder.path(), 0);
        let db = Db::open(&DatabaseUrl::Sqlite, folder.path(), &disk).await.expect("opens");
        let written: Result<()> = transaction!(db, "test", |tx| {
            sqlx::query("insert into schema_version (version) values (99)").execute(tx).await?;
            Ok(())
        });
        written.expect("written");
        db.close().await;
        let error =
            Db::open(&DatabaseUrl::Sqlite, folder.path(), &disk).await.expect_err("refused");
        assert!(error.to_string().contains("newer"));
    }

    #[tokio::test]
    async fn what_a_transaction_refused_has_not_happened() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::new(folder.path(), 0);
        let db = Db::open(&DatabaseUrl::Sqlite, folder.path(), &disk).await.expect("opens");
        let refused: Result<()> = transaction!(db, "test", |tx| {
            sqlx::query("insert into doomed (envelope_id) values ($1)")
                .bind(vec![1_u8; 16])
                .execute(&mut *tx)
                .await?;
            Err(Code::Refused.into())
        });
        assert!(refused.is_err());
        let count: i64 = sqlx::query_scalar("select count(*) from doomed")
            .fetch_one(db.reader())
            .await
            .expect("counted");
        assert_eq!(count, 0);
    }
}
