//! From the `SQLite` file of a data folder to `PostgreSQL`: every row, sessions too, so that nobody notices.

use std::fs::{self, File};

use anyhow::{Context as _, ensure};

use crate::{
    backup::DATABASE,
    config::{Config, DatabaseUrl},
    restore::{check_finished, fill},
    secret::sync_folder,
};

/// How the file is called afterwards: a server that were started on it would go on from what is no longer so.
const MOVED: &str = "reconnect.sqlite.moved";

/// Copies all rows into the database of `config`, which must be empty; how many they were. The server must
/// not run.
pub async fn migrate(mut config: Config) -> anyhow::Result<u64> {
    config.check().map_err(anyhow::Error::msg)?;
    config.check_folder()?;
    ensure!(
        matches!(config.database, DatabaseUrl::Postgres(_)),
        "RECONNECT_DATABASE: give the postgres:// address of the empty database that the rows go to"
    );
    let folder = || format!("RECONNECT_DATA: no folder {}", config.data.display());
    config.data = config.data.canonicalize().with_context(folder)?;
    check_finished(&config.data)?;
    let lock = File::create(config.data.join("lock")).context("RECONNECT_DATA")?;
    lock.try_lock()
        .map_err(|_| anyhow::anyhow!("stop the server on {} first", config.data.display()))?;
    let file = config.data.join(DATABASE);
    ensure!(file.is_file(), "RECONNECT_DATA: no database {}", file.display());
    let data = config.data.clone();
    let copied = fill(&data, &config).await?;
    fs::rename(&file, data.join(MOVED))?;
    sync_folder(&data)?;
    Ok(copied)
}
