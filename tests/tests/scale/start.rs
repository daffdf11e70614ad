//! What a server says before it starts beside others. I-30.

use anyhow::{Context as _, Result, ensure};
use reconnect::{
    App, Config,
    config::{BlobsConfig, DatabaseUrl},
};
use reconnect_tests::{
    postgres,
    stage::{Database, Server, bytes},
    store::Given,
};

/// Why a server with these settings does not start.
async fn refusal(server: &Server, config: Config) -> Result<String> {
    let opened = App::open(config, server.clock().clone()).await;
    let refused = opened.err().context("it started")?;
    Ok(format!("{refused:#}"))
}

/// I-30: another server's secrets, another bucket, another database, a folder: each is refused by its name.
#[tokio::test]
async fn a_server_that_does_not_belong_to_the_others_is_refused() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    owner.add("Bail", &bytes(1, 20_000)).await?;
    let folder = tempfile::tempdir()?;
    let other = Config { data: folder.path().to_path_buf(), ..server.config().clone() };
    let said = refusal(&server, other.clone()).await?;
    ensure!(said.contains("secrets/opaque.key") && said.contains("secrets/log.key"), "{said}");
    // One file is not the others': it is named, and no other.
    for name in ["opaque.key", "operator.key", "tries.key", "log.key"] {
        std::fs::copy(
            server.folder().join("secrets").join(name),
            folder.path().join("secrets").join(name),
        )?;
    }
    let said = refusal(&server, other.clone()).await?;
    ensure!(said.starts_with("secrets/folder.id in RECONNECT_DATA"), "{said}");
    std::fs::copy(
        server.folder().join("secrets/folder.id"),
        folder.path().join("secrets/folder.id"),
    )?;
    let app = App::open(other.clone(), server.clock().clone()).await?;
    app.close().await;
    drop(app);

    let empty = Given::read()?.fresh()?;
    let said = refusal(&server, Config { blobs: empty, ..other.clone() }).await?;
    ensure!(said.contains("RECONNECT_BLOBS is not the bucket of this database"), "{said}");
    let in_a_folder = Config { blobs: BlobsConfig::default(), ..other.clone() };
    let said = refusal(&server, in_a_folder).await?;
    ensure!(said.contains("is in a bucket"), "{said}");
    let url = DatabaseUrl::Postgres(postgres::fresh_database().await?);
    let said = refusal(&server, Config { database: url, ..other.clone() }).await?;
    ensure!(said.contains("belongs to another database"), "{said}");
    let beside = Config { database: DatabaseUrl::Sqlite, ..other.clone() };
    let said = refusal(&server, beside).await?;
    ensure!(said.contains("RECONNECT_DATABASE=postgres"), "{said}");
    let mut nowhere = other;
    nowhere.blobs.s3_endpoint = Some("http://127.0.0.1:1".to_owned());
    let said = refusal(&server, nowhere).await?;
    ensure!(said.contains("RECONNECT_BLOBS"), "{said}");
    Ok(())
}
