//! The file of `SQLite`: its address, and what every connection to it is set to.

use std::path::Path;

use anyhow::Context as _;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, any::AnyConnectOptions};

use crate::{
    config::DatabaseUrl,
    fault::{self, Mutant},
};

/// How long a `SQLite` connection waits for another process, such as the operator's command.
pub(super) const BUSY_TIMEOUT: &str = "pragma busy_timeout = 10000";

/// A connection of one's own, beside whoever else is connected.
pub(crate) async fn connect_to(url: &DatabaseUrl, data: &Path) -> anyhow::Result<AnyConnection> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = match url {
        DatabaseUrl::Postgres(url) => {
            url.parse().map_err(|_| anyhow::anyhow!("RECONNECT_DATABASE is no address"))?
        }
        _ => sqlite_url(&data.join("reconnect.sqlite"))?.parse()?,
    };
    let mut connection = AnyConnection::connect_with(&options).await?;
    if *url == DatabaseUrl::Sqlite {
        connection.execute(BUSY_TIMEOUT).await?;
    }
    Ok(connection)
}

pub(super) fn sqlite_url(file: &Path) -> anyhow::Result<String> {
    use std::fmt::Write as _;
    let path = file.to_str().context("RECONNECT_DATA is not UTF-8")?;
    let mut url = "sqlite://".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}")?;
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

/// Sets what durability and erasure rest on, and reads it back.
pub(crate) async fn prepare_sqlite(
    connection: &mut AnyConnection,
    read_only: bool,
) -> Result<(), sqlx::Error> {
    let (synchronous, level) = if fault::has(Mutant::SynchronousOff) {
        ("pragma synchronous = off", 0)
    } else if fault::has(Mutant::SynchronousNormal) {
        ("pragma synchronous = normal", 1)
    } else {
        ("pragma synchronous = full", 2)
    };
    for pragma in [
        BUSY_TIMEOUT,
        "pragma journal_mode = wal",
        // The writer does it: SQLite would not say that a sync failed.
        "pragma wal_autocheckpoint = 0",
        synchronous,
        "pragma foreign_keys = 1",
        "pragma secure_delete = 1",
        "pragma temp_store = memory",
        "pragma cache_size = -16384",
    ] {
        connection.execute(pragma).await?;
    }
    let journal: String =
        sqlx::query_scalar("pragma journal_mode").fetch_one(&mut *connection).await?;
    let settings = [("synchronous", level), ("foreign_keys", 1), ("secure_delete", 1)];
    let mut as_set = journal == "wal";
    for (name, wanted) in settings {
        let value: i64 = sqlx::query_scalar(AssertSqlSafe(format!("pragma {name}")))
            .fetch_one(&mut *connection)
            .await?;
        as_set &= value == wanted;
    }
    if !as_set {
        let what = "SQLite does not keep WAL, synchronous = FULL, foreign keys and secure deletion";
        return Err(sqlx::Error::Configuration(what.into()));
    }
    if read_only {
        connection.execute("pragma query_only = 1").await?;
    }
    Ok(())
}
