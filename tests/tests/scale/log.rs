//! One log that two servers publish. I-22.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use reconnect_format::api::Call;
use reconnect_log::{
    Note, Replay,
    tile::{TilePath, decode_entries},
};
use reconnect_tests::{
    dump,
    stage::{Database, Server},
    wire,
};
use sqlx::Connection as _;

use super::{execute, say};

/// What a server says of its log, replayed from the first leaf.
async fn replayed(router: &Router) -> Result<(Note, Replay, BTreeMap<u64, [u8; 32]>)> {
    let read = async |path: String| {
        let call = Call::read(format!("/v1/log/{path}")).open();
        wire::inside(router, &call, None).await
    };
    let note = Note::parse(&String::from_utf8(read("checkpoint".into()).await?.body)?)?;
    let (mut replay, mut roots) = (Replay::default(), BTreeMap::new());
    for tile in TilePath::entries(0, note.claim().size) {
        for leaf in decode_entries(&read(format!("tile/{tile}")).await?.body)? {
            let heads = read(format!("heads/{}", replay.size())).await?;
            let heads = if heads.status == 200 { heads.body } else { Vec::new() };
            replay.take(leaf, &heads)?;
            roots.insert(replay.size(), replay.root());
        }
    }
    ensure!(replay.root() == note.claim().root, "the log is not what its checkpoint says");
    Ok((note, replay, roots))
}

/// Every checkpoint that was ever put is of this log.
async fn check_checkpoints(server: &Server, roots: &BTreeMap<u64, [u8; 32]>) -> Result<usize> {
    let store = server.store()?;
    let names = store.names("log/checkpoints/").await?;
    for (name, _) in &names {
        let text = store.object(&format!("log/checkpoints/{name}")).await?;
        let claim = Note::parse(&String::from_utf8(text)?)?.claim().clone();
        ensure!(roots.get(&claim.size) == Some(&claim.root), "the log forked at {}", claim.size);
    }
    Ok(names.len())
}

/// I-22: two servers take in what waits at one time, again and again, and there is one log, of which both say the same.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_publish_at_one_time_have_one_log() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let [first, second] = server.apps() else { anyhow::bail!("two servers") };
    let mut owner = server.person().await?;
    let id = owner.add("Bail", b"lease").await?;
    for round in 0..25 {
        let title = format!("Bail {round}");
        let (browser, vault) = (&owner.browser, &mut owner.vault);
        let write = async { Ok::<_, anyhow::Error>(vault.rename(browser, id, &title).await?) };
        tokio::try_join!(write, first.publish(), second.publish(), second.publish())?;
    }
    first.publish().await?;
    let each = server.each();
    let (one, replay, roots) = replayed(&each[0]).await?;
    let (other, _, _) = replayed(&each[1]).await?;
    ensure!(one.claim() == other.claim(), "two servers say two things");
    let checkpoints = check_checkpoints(&server, &roots).await?;
    say(&format!("{checkpoints} checkpoints of {} leaves, one log", replay.size()));
    ensure!(checkpoints > 10);
    owner.vault.look(&owner.browser).await?;
    Ok(())
}

/// I-22: a server ends between the row and the checkpoint: another one signs what the row says, and nothing else.
#[tokio::test]
async fn what_a_server_did_not_come_to_sign_another_one_signs() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    server.app().publish().await?;
    let before = notes(&server).await?;
    let size = Note::parse(before.first().context("a note")?)?.claim().size;
    owner.add("Bail", b"lease").await?;
    server.app().publish().await?;
    let store = server.store()?;
    let last = store.names("log/checkpoints/").await?.pop().context("a checkpoint")?.0;
    let signed = store.object(&format!("log/checkpoints/{last}")).await?;
    let signed = Note::parse(&String::from_utf8(signed)?)?;
    ensure!(signed.claim().size > size);
    // As if the first server had ended before it signed.
    store.remove(&format!("log/checkpoints/{last}")).await?;
    put_back(&server, &before).await?;
    let (note, _, roots) = replayed(&server.each()[1]).await?;
    ensure!(note.claim() == signed.claim(), "it signed something else");
    ensure!(check_checkpoints(&server, &roots).await? > 1);
    Ok(())
}

async fn notes(server: &Server) -> Result<Vec<String>> {
    let mut connection = dump::connect(server.config()).await?;
    Ok(sqlx::query_scalar("select checkpoint from log_note").fetch_all(&mut connection).await?)
}

async fn put_back(server: &Server, notes: &[String]) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    for note in notes {
        let size = i64::try_from(Note::parse(note)?.claim().size)?;
        sqlx::query("update log_note set checkpoint = $1, size = $2 where name = 'checkpoint'")
            .bind(note)
            .bind(size)
            .execute(&mut connection)
            .await?;
    }
    Ok(connection.close().await?)
}

/// I-22, I-26: a database that is put back from a backup follows the bucket, and forks nothing; a bucket that is put back
/// stops the start.
#[tokio::test]
async fn a_database_from_a_backup_follows_the_bucket() -> Result<()> {
    let mut server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Bail", b"lease").await?;
    server.app().publish().await?;
    let before = notes(&server).await?;
    execute(&server, "create table kept_published as select * from log_published").await?;
    for round in 0..3 {
        owner.vault.rename(&owner.browser, id, &format!("Bail {round}")).await?;
        server.app().publish().await?;
    }
    let (newest, _, roots) = replayed(&server.each()[0]).await?;
    // The database is of before.
    execute(&server, "delete from log_published").await?;
    execute(&server, "insert into log_published select * from kept_published").await?;
    put_back(&server, &before).await?;
    server = server.restart().await?;
    for router in server.each() {
        let (note, _, _) = replayed(&router).await?;
        ensure!(note.claim().size >= newest.claim().size, "it went back");
    }
    owner.vault.rename(&owner.browser, id, "Bail, enfin").await?;
    server.apps()[1].publish().await?;
    let (_, replay, after) = replayed(&server.each()[0]).await?;
    ensure!(replay.size() > newest.claim().size);
    ensure!(roots.iter().all(|(size, root)| after.get(size) == Some(root)), "it forked");
    check_checkpoints(&server, &after).await?;

    // The bucket is of before: whoever has no copy does not start.
    let store = server.store()?;
    for folder in ["log/checkpoints/", "log/batches/"] {
        let last = store.names(folder).await?.pop().context("an object")?.0;
        store.remove(&format!("{folder}{last}")).await?;
    }
    let restarted = server.restart_after(|folder| Ok(std::fs::remove_dir_all(folder.join("log"))?));
    let refused = restarted.await.err().context("it went on")?;
    let said = format!("{refused:#}");
    ensure!(said.contains("would fork it"), "{said}");
    Ok(())
}

/// What the log has already waits no more, though no batch comes of it.
#[tokio::test]
async fn what_waits_though_the_log_has_it_is_passed_over_and_waits_no_more() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    server.app().publish().await?;
    server.hold_log(true);
    owner.add("Bail", b"lease").await?;
    execute(&server, "create table kept_waiting as select * from log_waiting").await?;
    server.app().publish().await?;
    let (before, _, _) = replayed(&server.each()[0]).await?;
    ensure!(execute(&server, "insert into log_waiting select * from kept_waiting").await? > 0);
    server.apps()[1].publish().await?;
    let (after, _, _) = replayed(&server.each()[0]).await?;
    ensure!(after.claim() == before.claim(), "it took the same in twice");
    ensure!(execute(&server, "delete from log_waiting").await? == 0, "it waits for ever");
    Ok(())
}
