//! `PostgreSQL` for the tests: each gets an empty database on the server that
//! `RECONNECT_TEST_POSTGRES` names.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Names where a server is; `cargo xtask test` starts one and gives it to every suite.
pub const SETTING: &str = "RECONNECT_TEST_POSTGRES";

/// Makes an empty database and gives its address.
pub async fn fresh_database() -> Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let address = env::var(SETTING)
        .with_context(|| format!("{SETTING} is not set: run this suite by `cargo xtask test`"))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("reconnect_{}_{count}", std::process::id());
    let (server, _) = address.rsplit_once('/').context("the address names no database")?;
    let mut connection = PgConnection::connect(&address).await.context(SETTING)?;
    let create = format!("create database {name}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(format!("{server}/{name}"))
}
