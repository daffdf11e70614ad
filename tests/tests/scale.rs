//! Several servers on one `PostgreSQL` with one bucket: what only they can get wrong, and what an object store
//! can do to them.

#[path = "scale/collect.rs"]
mod collect;
#[path = "scale/damage.rs"]
mod damage;
#[path = "scale/hostile.rs"]
mod hostile;
#[path = "scale/kills.rs"]
mod kills;
#[path = "scale/log.rs"]
mod log;
#[path = "scale/start.rs"]
mod start;
#[path = "scale/witnesses.rs"]
mod witnesses;

use std::{collections::BTreeSet, io::Write as _};

use anyhow::{Result, ensure};
use reconnect_tests::{dump, stage::Server};

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Runs a statement on the database, beside the servers.
async fn execute(server: &Server, statement: &'static str) -> Result<u64> {
    let mut connection = dump::connect(server.config()).await?;
    Ok(sqlx::query(statement).execute(&mut connection).await?.rows_affected())
}

/// Every part has its object, byte for byte; every object counts for a part.
async fn check(server: &Server) -> Result<usize> {
    let found = reconnect::verify(server.config().clone()).await?;
    ensure!(found.damage.is_empty(), "{found}");
    let mut connection = dump::connect(server.config()).await?;
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select name from object where counts = 1")
        .fetch_all(&mut connection)
        .await?;
    let rows: BTreeSet<String> = rows.iter().map(hex::encode).collect();
    let blobs = server.blobs().await?;
    let names = blobs.iter().filter_map(|blob| Some(blob.name.split_once('.')?.1.to_owned()));
    let objects: BTreeSet<String> = names.collect();
    ensure!(objects == rows, "{} objects, {} rows", objects.len(), rows.len());
    Ok(objects.len())
}
