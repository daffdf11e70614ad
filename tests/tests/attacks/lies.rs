//! What a lying server does to its answers and to its own database.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use reconnect_format::{api::Sync, id::Base64};
use reconnect_tests::{browser::Browser, dump, stage::Server};
use serde::{Serialize, de::DeserializeOwned};

/// Changes every answer to calls whose path contains this; the change is told the path.
pub(crate) fn lie<T: Serialize + DeserializeOwned>(
    browser: &Browser,
    path: &str,
    change: impl Fn(&str, &mut T) + 'static,
) {
    let path = path.to_owned();
    browser.lie(move |call, body| {
        if !call.path.contains(&path) {
            return body;
        }
        let Ok(mut answer) = serde_json::from_slice::<T>(&body) else { return body };
        change(&call.path, &mut answer);
        serde_json::to_vec(&answer).unwrap_or(body)
    });
}

/// Changes what a safe's device is told of the chain, given the number of statements that it has. What
/// it is told is said to be everything.
pub(crate) fn lie_about_the_chain(browser: &Browser, change: impl Fn(u64, &mut Sync) + 'static) {
    lie(browser, "/v1/sync", move |path, sync: &mut Sync| {
        let asked = path.split(['=', '&']).nth(1).and_then(|text| text.parse().ok());
        let known = asked.unwrap_or_default();
        change(known, sync);
        sync.records_until = known + sync.statements.len() as u64;
        sync.more = false;
    });
}

/// Lets a chain of that length go on with a statement.
pub(crate) fn add_to_the_chain(browser: &Browser, length: u64, statement: Vec<u8>) {
    lie_about_the_chain(browser, move |known, sync| {
        if known == length {
            sync.statements.push(Base64(statement.clone()));
        }
    });
}

/// Gives bytes in place of those that calls whose path ends so are answered with.
pub(crate) fn answer_with(browser: &Browser, path: &str, bytes: Vec<u8>) {
    let path = path.to_owned();
    browser.lie(move |call, body| if call.path.ends_with(&path) { bytes.clone() } else { body });
}

/// Says something to the database, beside the server.
pub(crate) async fn say(server: &Server, sql: &'static str, bytes: &[&[u8]]) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query("pragma foreign_keys = off").execute(&mut connection).await?;
    let query = bytes.iter().fold(sqlx::query(sql), |query, bytes| query.bind(*bytes));
    query.execute(&mut connection).await?;
    Ok(())
}

/// Everything that a server stored at one moment, to bring back later.
pub(crate) struct Backup(tempfile::TempDir);

impl Backup {
    pub(crate) async fn take(server: Server) -> Result<(Self, Server)> {
        let kept = tempfile::tempdir()?;
        let server = server.restart_after(|folder| copy(folder, kept.path())).await?;
        Ok((Self(kept), server))
    }

    pub(crate) async fn bring_back(&self, server: Server) -> Result<Server> {
        self.bring_back_but(server, "").await
    }

    /// All but one folder, which stays as it is by now.
    pub(crate) async fn bring_back_but(&self, server: Server, but: &str) -> Result<Server> {
        server
            .restart_after(|folder| {
                for entry in fs::read_dir(folder)? {
                    let path = entry?.path();
                    if path.file_name().is_some_and(|name| name == but) {
                        fs::remove_dir_all(self.0.path().join(but))?;
                    } else if path.is_dir() {
                        fs::remove_dir_all(path)?;
                    } else {
                        fs::remove_file(path)?;
                    }
                }
                copy(self.0.path(), folder)
            })
            .await
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a path without a name")?);
        if path.is_dir() { copy(&path, &target)? } else { fs::copy(&path, &target).map(drop)? }
    }
    Ok(())
}
