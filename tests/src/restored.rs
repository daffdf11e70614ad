//! A server whose disk is lost, and what was made of its backup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use reconnect::{Config, Restored, Sources, backup, config::DatabaseUrl, restore};
use tempfile::TempDir;

use crate::stage::{Database, Server, settings};

/// Rows that a restore makes anew, or leaves as they were: sessions end, what was tried may be tried again, and
/// how far the log has come is read from its own files.
pub const OTHERS: [&str; 8] = [
    "session",
    "unlocking",
    "unlock_rest",
    "link",
    "server",
    "handle_tries",
    "held_use",
    "log_published",
];

/// What is kept elsewhere than on the server's disk.
pub struct Elsewhere {
    folder: TempDir,
}

impl Elsewhere {
    /// An empty one.
    pub fn empty() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// A server with a journal here, and a backup of before anybody came.
    pub async fn server(&self, database: Database) -> Result<Server> {
        let journal = self.journal();
        let server = Server::alone(database, |config| config.journal = Some(journal)).await?;
        self.back_up(&server).await?;
        Ok(server)
    }

    /// Where backups are.
    pub fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// Where the log is copied to before the disk is lost.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Takes a backup, at another second than the last.
    pub async fn back_up(&self, server: &Server) -> Result<PathBuf> {
        server.clock().advance(1);
        let taken = backup(server.config().clone(), server.clock(), &self.backups(), 35).await?;
        ensure!(taken.damage.is_empty(), "{taken}");
        Ok(taken.folder)
    }

    /// Keeps the log, as another disk would.
    pub fn keep_log(&self, data: &Path) -> Result<()> {
        fs::create_dir_all(self.log())?;
        for entry in fs::read_dir(data.join("log"))? {
            let entry = entry?;
            fs::copy(entry.path(), self.log().join(entry.file_name()))?;
        }
        Ok(())
    }

    /// A restore of the newest backup, with the log that was kept.
    pub fn sources(&self, with_journal: bool) -> Sources {
        let journals = if with_journal { vec![self.journal()] } else { Vec::new() };
        Sources { backup: self.backups(), log: self.log(), journals, seen: Vec::new() }
    }

    /// Loses the server's disk, and restores it on another.
    pub async fn restore(&self, server: Server, with_journal: bool) -> Result<(Server, Restored)> {
        self.keep_log(server.folder())?;
        let sources = self.sources(with_journal);
        server.move_to(async |config| restore(config, &sources).await).await
    }

    /// Loses the server's disk, and looks whether the journal brings everything back, row by row and blob by
    /// blob.
    pub async fn check(&self, server: Server) -> Result<Server> {
        server.app().sweep().await?;
        server.app().publish().await?;
        let before = server.dump().await?.without(&OTHERS);
        let (server, restored) = self.restore(server, true).await?;
        server.app().sweep().await?;
        let after = server.dump().await?.without(&OTHERS);
        ensure!(before == after, "{restored}\n{}", before.difference(&after));
        ensure!(restored.safes_behind == 0 && restored.structures_behind.is_empty(), "{restored}");
        Ok(server)
    }
}

/// What a server on another folder, and another database of the same kind, would run with.
pub async fn like(config: &Config, folder: &Path) -> Result<Config> {
    let database = match &config.database {
        DatabaseUrl::Postgres(_) => Database::Postgres,
        _ => Database::Sqlite,
    };
    let fresh = settings(folder, database).await?;
    Ok(Config { data: fresh.data, database: fresh.database, journal: None, ..config.clone() })
}
