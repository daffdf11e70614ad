//! Everything that a server stores, as text that can be compared: rows of all tables, and a hash
//! of each blob.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use reconnect::{Config, config::DatabaseUrl};
use sha2::{Digest as _, Sha256};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::store::Store;

/// What was stored at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Each table's rows, sorted.
    pub rows: BTreeMap<String, Vec<String>>,
    /// Each blob's hash.
    pub blobs: BTreeMap<String, String>,
}

impl Dump {
    /// Reads everything, beside a running server.
    pub async fn take(config: &Config) -> Result<Self> {
        let mut connection = connect(config).await?;
        let mut rows = BTreeMap::new();
        for (table, columns) in columns(&mut connection, config).await? {
            let line = if config.database == DatabaseUrl::Sqlite {
                let quoted: Vec<_> = columns.iter().map(|it| format!("quote(\"{it}\")")).collect();
                quoted.join(" || '|' || ")
            } else {
                "it::text".to_owned()
            };
            let query = format!("select {line} as line from \"{table}\" it order by 1");
            let lines: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut connection).await?;
            rows.insert(table, lines);
        }
        connection.close().await?;
        let store = Store::of(config)?;
        let mut blobs = BTreeMap::new();
        for blob in store.blobs().await? {
            let hash = hex::encode(Sha256::digest(store.read(&blob).await?));
            blobs.insert(blob.name, hash);
        }
        Ok(Self { rows, blobs })
    }

    /// The same without some tables: those that a refusal may write to.
    #[must_use]
    pub fn without(mut self, tables: &[&str]) -> Self {
        self.rows.retain(|table, _| !tables.contains(&table.as_str()));
        self
    }

    /// What differs, in a line for each table.
    pub fn difference(&self, other: &Self) -> String {
        let mut lines = Vec::new();
        let tables: BTreeSet<_> = self.rows.keys().chain(other.rows.keys()).collect();
        for table in tables {
            let (before, after) = (self.rows.get(table), other.rows.get(table));
            if before != after {
                let count = |rows: Option<&Vec<String>>| rows.map_or(0, Vec::len);
                lines.push(format!("{table}: {} rows, then {}", count(before), count(after)));
            }
        }
        if self.blobs != other.blobs {
            lines.push(format!("blobs: {}, then {}", self.blobs.len(), other.blobs.len()));
        }
        lines.join("; ")
    }
}

/// A connection beside the server's own.
pub async fn connect(config: &Config) -> Result<AnyConnection> {
    sqlx::any::install_default_drivers();
    let url = if let DatabaseUrl::Postgres(url) = &config.database {
        url.clone()
    } else {
        let file = config.data.join("reconnect.sqlite");
        format!("sqlite://{}?mode=rw", file.to_str().context("a path that is no text")?)
    };
    Ok(AnyConnection::connect(&url).await?)
}

/// All tables with their columns.
pub async fn columns(
    connection: &mut AnyConnection,
    config: &Config,
) -> Result<BTreeMap<String, Vec<String>>> {
    let query = if config.database == DatabaseUrl::Sqlite {
        "select t.name, c.name from sqlite_master t, pragma_table_info(t.name) c
        where t.type = 'table' and t.name not like 'sqlite%' order by t.name, c.cid"
    } else {
        "select table_name::text, column_name::text from information_schema.columns
        where table_schema = 'public' order by table_name, ordinal_position"
    };
    let pairs: Vec<(String, String)> = sqlx::query_as(query).fetch_all(connection).await?;
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    for (table, column) in pairs {
        tables.entry(table).or_default().push(column);
    }
    Ok(tables)
}
