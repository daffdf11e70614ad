//! The one writer of `SQLite`. Transactions that wait for it are committed together, by one fsync.
//!
//! They come in a line. Whoever's turn it is works alone in the open transaction, everybody but the
//! first in a savepoint, and then stands back until the whole group is committed. The commit stands in
//! the line too, behind all who came before it, and is a task of its own: a caller who hangs up neither
//! keeps it from happening nor takes anybody else's work along. Where nobody waits, a transaction
//! commits by itself at once.
//!
//! Invariant: nothing is answered before the commit that it rests on has returned, a refusal neither,
//! for it may rest on what another one of the group wrote. A group that cannot be committed is undone
//! whole, and each of it runs again, alone.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::{
    AnyConnection, Connection as _, Executor as _, any::AnyConnectOptions, error::DatabaseError,
};
use tokio::{
    sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, watch},
    time::{Duration, Instant, timeout},
};

use crate::{
    db::prepare_sqlite,
    disk::Disk,
    error::{Fault, kind, stop_without_ack},
    fault::{self, Mutant},
};

/// Transactions of one group, at most.
const MOST: usize = 128;
/// After this nobody joins a group any more: the first of it has waited long enough.
const LONGEST: Duration = Duration::from_millis(10);
/// Whoever has no turn by then is told to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// Commits after which what they wrote moves from the write-ahead log into the database. One writes some pages, or
/// hundreds with a whole group: the log stays at some megabytes.
const MOVED_AFTER: u32 = 64;
/// Waits for nobody who reads an older state: what they hold back is moved the next time.
const MOVE: &str = "pragma wal_checkpoint(passive)";
/// Undoes what one of a group has done, and nothing else.
const BACK: &str = "rollback to member; release member";

/// The line before the writer.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Nothing in it once the writer is closed.
    desk: Arc<Mutex<Option<Desk>>>,
    waiting: Arc<AtomicUsize>,
}

/// What one after the other has for themselves.
#[derive(Debug)]
struct Desk {
    connection: AnyConnection,
    options: AnyConnectOptions,
    disk: Disk,
    /// Whether somebody may have left in the middle of their turn.
    unsure: bool,
    group: Option<Group>,
    /// Commits since the last move.
    unmoved: u32,
}

/// Transactions that will be committed together.
#[derive(Debug)]
struct Group {
    members: usize,
    since: Instant,
    ended: watch::Sender<Option<Ended>>,
}

type Guard = OwnedMappedMutexGuard<Option<Desk>, Desk>;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What it wrote, or what a refusal rests on, is on the disk.
    Kept,
    /// It could not be committed together with others: it is to run again, alone.
    Undone,
}

/// A transaction whose turn it is.
pub(crate) struct Turn {
    line: Line,
    desk: Guard,
    alone: bool,
}

impl Line {
    /// Opens the writer's connection.
    pub(crate) async fn open(
        options: &AnyConnectOptions,
        disk: &Disk,
    ) -> Result<Self, sqlx::Error> {
        let connection = connect(options).await?;
        let (options, disk) = (options.clone(), disk.clone());
        let free = Desk { connection, options, disk, unsure: false, group: None, unmoved: 0 };
        Ok(Self { desk: Arc::new(Mutex::new(Some(free))), waiting: Arc::default() })
    }

    /// Waits for a turn: in the group that is open, or `alone`.
    pub(crate) async fn turn(&self, alone: bool) -> Result<Turn, sqlx::Error> {
        let mut desk = self.come().await?;
        if desk.group.as_ref().is_some_and(|group| alone || group.is_over()) {
            desk = settle(desk).await?;
        }
        desk.begin().await?;
        Ok(Turn { line: self.clone(), desk, alone })
    }

    /// The writer's connection outside of any transaction, for as long as the guard lives.
    pub(crate) async fn outside(
        &self,
    ) -> Result<impl DerefMut<Target = AnyConnection> + use<>, sqlx::Error> {
        let mut desk = settle(self.come().await?).await?;
        desk.clean().await?;
        Ok(OwnedMappedMutexGuard::map(desk, |desk| &mut desk.connection))
    }

    /// Ends the connection after what was begun.
    pub(crate) async fn close(&self) {
        if let Ok(desk) = self.come().await {
            drop(settle(desk).await);
        }
        let desk = self.desk.lock().await.take();
        if let Some(desk) = desk
            && let Err(error) = desk.connection.close().await
        {
            tracing::warn!(%error, "the writer was not closed in order");
        }
    }

    async fn come(&self) -> Result<Guard, sqlx::Error> {
        let _waiting = Waiting::new(&self.waiting);
        let lock = Arc::clone(&self.desk).lock_owned();
        let desk = timeout(PATIENCE, lock).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        open_desk(desk)
    }

    /// How many stand in it.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Commits the group when all who wait now have had their turn.
    fn commit_soon(&self) {
        let desk = Arc::clone(&self.desk).lock_owned();
        tokio::spawn(async move {
            if let Ok(mut desk) = open_desk(desk.await) {
                desk.commit().await;
            }
        });
    }
}

fn open_desk(desk: OwnedMutexGuard<Option<Desk>>) -> Result<Guard, sqlx::Error> {
    OwnedMutexGuard::try_map(desk, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)
}

/// Commits the group that is open, if there is one. A task of its own: others wait for it, whatever
/// becomes of this caller.
async fn settle(mut desk: Guard) -> Result<Guard, sqlx::Error> {
    if desk.group.is_none() {
        return Ok(desk);
    }
    let settled = tokio::spawn(async move {
        desk.commit().await;
        desk
    });
    settled.await.map_err(|_| sqlx::Error::PoolClosed)
}

async fn connect(options: &AnyConnectOptions) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = AnyConnection::connect_with(options).await?;
    prepare_sqlite(&mut connection, false).await?;
    Ok(connection)
}

/// One who waits, counted for as long as they do.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Group {
    fn new() -> Self {
        Self { members: 0, since: Instant::now(), ended: watch::Sender::new(None) }
    }

    fn is_over(&self) -> bool {
        self.members >= MOST || self.since.elapsed() >= LONGEST
    }
}

/// Waits for the end of a group. It ends without a word only with the server.
async fn outcome(mut ended: watch::Receiver<Option<Ended>>) -> Result<Ended, sqlx::Error> {
    let ended = ended.wait_for(Option::is_some).await.map_err(|_| sqlx::Error::PoolClosed)?;
    (*ended).ok_or(sqlx::Error::PoolClosed)
}

impl Desk {
    /// Opens a transaction, or a savepoint in the group's.
    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.clean().await?;
        self.unsure = true;
        if self.group.is_none() {
            self.connection.execute("begin immediate").await?;
        } else if let Err(error) = self.connection.execute("savepoint member").await {
            self.undo(&error).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Undoes what somebody left behind who went away in the middle. What they asked for last is over
    /// by then: the connection does one thing after the other.
    async fn clean(&mut self) -> Result<(), sqlx::Error> {
        if !self.unsure {
            return Ok(());
        }
        if self.group.is_none() {
            return self.roll_back().await;
        }
        match self.connection.execute(BACK).await {
            Ok(_) => self.unsure = false,
            Err(error) => self.undo(&error).await?,
        }
        Ok(())
    }

    /// Commits what is open.
    async fn keep(&mut self) -> Result<(), sqlx::Error> {
        match self.connection.execute("commit").await {
            // What a careless server would answer.
            Err(error) if fault::has(Mutant::CarryOn) && kind(&error) == Fault::Broken => Ok(()),
            done => done.map(drop),
        }?;
        self.unmoved += 1;
        if self.unmoved >= MOVED_AFTER {
            self.unmoved = 0;
            if let Err(error) = self.connection.execute(MOVE).await {
                self.judge(&error);
                tracing::warn!(%error, "the write-ahead log could not be moved");
            }
        }
        Ok(())
    }

    /// Commits the group, if there is one, and tells everybody of it. Never in a caller's own task.
    async fn commit(&mut self) {
        if let Err(error) = self.clean().await {
            tracing::warn!(%error, "the writer could not be cleaned");
        }
        let Some(group) = self.group.take() else { return };
        self.unsure = true;
        let ended = match self.keep().await {
            Ok(()) => {
                self.unsure = false;
                Ended::Kept
            }
            Err(error) => {
                self.judge(&error);
                tracing::warn!(%error, members = group.members, "a group could not be committed");
                // Should it fail, whoever comes next does it.
                drop(self.roll_back().await);
                Ended::Undone
            }
        };
        group.ended.send_replace(Some(ended));
    }

    /// Undoes everything that is not committed: the transaction is not what it must be.
    async fn undo(&mut self, error: &sqlx::Error) -> Result<(), sqlx::Error> {
        self.judge(error);
        if let Some(group) = self.group.take() {
            tracing::warn!(%error, members = group.members, "a group was undone");
            group.ended.send_replace(Some(Ended::Undone));
        }
        self.roll_back().await
    }

    /// Ends the process where going on would lose what was acknowledged. Whether there is room again
    /// where there was none.
    fn judge(&self, error: &sqlx::Error) -> bool {
        match kind(error) {
            Fault::Broken if fault::has(Mutant::CarryOn) => false,
            Fault::Broken => stop_without_ack("database", error),
            Fault::Full => self.disk.give_up_ballast(),
            Fault::Busy | Fault::Other => false,
        }
    }

    /// Undoes everything; a connection that cannot do it makes place for another one.
    async fn roll_back(&mut self) -> Result<(), sqlx::Error> {
        /// `SQLITE_ERROR`: there is no transaction any more. When the disk is full, `SQLite` rolls back by itself.
        const NONE: &str = "1";
        self.unsure = true;
        if let Err(error) = self.connection.execute("rollback").await
            && error.as_database_error().and_then(DatabaseError::code).as_deref() != Some(NONE)
        {
            self.judge(&error);
            tracing::warn!(%error, "the writer could not go back, and is replaced");
            self.connection = connect(&self.options).await?;
        }
        self.unsure = false;
        Ok(())
    }
}

impl Turn {
    /// Ends a turn whose work is done: it is committed, alone or with its group.
    pub(crate) async fn commit(mut self) -> Result<Ended, sqlx::Error> {
        let desk = &mut *self.desk;
        if desk.group.is_none() && (self.alone || self.line.waiting() == 0) {
            return match desk.keep().await {
                Ok(()) => {
                    desk.unsure = false;
                    Ok(Ended::Kept)
                }
                Err(error) => {
                    let has_room = desk.judge(&error);
                    desk.roll_back().await?;
                    if has_room { Ok(Ended::Undone) } else { Err(error) }
                }
            };
        }
        if desk.group.is_some()
            && let Err(error) = desk.connection.execute("release member").await
        {
            desk.undo(&error).await?;
            return Ok(Ended::Undone);
        }
        desk.unsure = false;
        let group = desk.group.get_or_insert_with(Group::new);
        group.members += 1;
        let (is_first, ended) = (group.members == 1, group.ended.subscribe());
        if is_first {
            self.line.commit_soon();
        }
        drop(self.desk);
        outcome(ended).await
    }

    /// Ends a turn with nothing done. A refusal waits for what it may rest on.
    pub(crate) async fn roll_back(mut self) -> Result<Ended, sqlx::Error> {
        let ended = self.desk.group.as_ref().map(|group| group.ended.subscribe());
        self.desk.clean().await?;
        drop(self.desk);
        match ended {
            Some(ended) => outcome(ended).await,
            None => Ok(Ended::Kept),
        }
    }
}

impl Deref for Turn {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.desk.connection
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.desk.connection
    }
}

#[cfg(test)]
mod tests;
