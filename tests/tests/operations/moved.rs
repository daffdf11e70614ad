//! From a file to a database server, and what an operator is kept from doing.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect::{App, Config, Sources, backup, config::DatabaseUrl, migrate, restore};
use reconnect_format::{
    Signature, Signed, Suite,
    api::{Call, LookReturn},
    id::{Base64, HeldId},
    lock::HeldUse,
};
use reconnect_tests::{
    dump::Dump,
    postgres,
    restored::{Elsewhere, like},
    stage::{Database, bytes},
    team::Team,
};

/// I-26: an installation moves from SQLite to PostgreSQL with every row, and nobody has to come in again.
#[tokio::test]
async fn a_live_installation_moves_to_postgres() -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let paper = owner.add("Passeport", &bytes(1, 5_000_000)).await?;
    let mut team = Box::pin(Team::on(&server)).await?;
    let given = owner.give(team.structure_id, &[paper]).await?;
    team.worker.received().await?;
    let running = migrate(Config {
        database: DatabaseUrl::Postgres(postgres::fresh_database().await?),
        ..server.config().clone()
    });
    let refused = running.await.err().context("it moved under a running server")?;
    ensure!(refused.to_string().contains("stop the server"), "{refused}");

    let server = server
        .restart_with(async |config| {
            let database = DatabaseUrl::Postgres(postgres::fresh_database().await?);
            let moved = Config { database, ..config };
            let rows = migrate(moved.clone()).await?;
            ensure!(rows > 50, "{rows} rows were moved");
            let again = migrate(moved.clone()).await.err().context("it moved twice")?;
            ensure!(again.to_string().contains("no database"), "{again}");
            Ok(moved)
        })
        .await?;
    // Back in a file of SQLite, every row is what it was.
    let folder = tempfile::tempdir()?;
    let moved = server.folder().join("reconnect.sqlite.moved");
    fs::copy(moved, folder.path().join("reconnect.sqlite"))?;
    let taken = elsewhere.back_up(&server).await?;
    let before = rows_in(server.config(), folder.path()).await?;
    let after = rows_in(server.config(), &taken).await?;
    ensure!(before == after, "{}", before.difference(&after));
    // With the sessions that they had.
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.read(paper).await? == bytes(1, 5_000_000));
    ensure!(team.worker.read(given, paper).await? == bytes(1, 5_000_000));
    Ok(())
}

/// What a backup leaves out, and how far the log has come.
const OTHERS: [&str; 7] =
    ["session", "unlocking", "unlock_rest", "link", "server", "log_published", "log_waiting"];

/// The other rows of a file of `SQLite` in a folder.
async fn rows_in(config: &Config, folder: &Path) -> Result<Dump> {
    fs::create_dir_all(folder.join("blobs"))?;
    let file =
        Config { database: DatabaseUrl::Sqlite, data: folder.to_path_buf(), ..config.clone() };
    Ok(Dump::take(&file).await?.without(&OTHERS))
}

/// I-30, I-7: restores over what is there, from rows that are damaged, with a log that is not the newest, or not
/// finished. One damaged blob is named, and keeps nobody else out.
#[tokio::test]
async fn restores_that_would_harm_are_refused() -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 100_000)).await?;
    server.app().publish().await?;
    let taken = elsewhere.back_up(&server).await?;
    let newest = wire_checkpoint(&owner.browser).await?;
    owner.add("Carte", &bytes(2, 100_000)).await?;
    server.app().publish().await?;
    let seen = elsewhere.backups().join("seen");
    fs::write(&seen, wire_checkpoint(&owner.browser).await?)?;
    ensure!(fs::read_to_string(&seen)? != newest, "the log did not go on");
    let sources = elsewhere.sources(false);
    let older = Sources { log: taken.join("log"), seen: vec![seen], ..sources };

    // Into what is there.
    refuse(server.config(), &older, "move").await?;
    // With a log that ends before what somebody saw.
    let folder = tempfile::tempdir()?;
    let empty = like(server.config(), &folder.path().join("data")).await?;
    refuse(&empty, &older, "somebody saw").await?;
    // Which was not finished, so that nobody starts on it.
    let opened = App::open(empty.clone(), server.clock().clone()).await;
    let said = opened.err().context("a server started on half a restore")?.to_string();
    ensure!(said.contains("was not finished"), "{said}");
    fs::remove_dir_all(&empty.data)?;
    // From a backup with one flipped bit: in its rows, in a blob.
    let newest = Sources { log: server.folder().join("log"), seen: Vec::new(), ..older.clone() };
    let rows = taken.join("reconnect.sqlite");
    let undo = flip(&rows)?;
    refuse(&empty, &newest, "is damaged").await?;
    undo()?;
    let blobs = elsewhere.backups().join("blobs");
    let envelope = fs::read_dir(&blobs)?.next().context("no blob")??.path();
    let undo = flip(&envelope.join("0"))?;
    let damaged = restore(empty.clone(), &newest).await?.found.damage;
    ensure!(damaged.len() == 1 && damaged[0].why == "is not what came", "{damaged:?}");
    undo()?;
    fs::remove_dir_all(&empty.data)?;
    let restored = restore(empty, &newest).await?;
    ensure!(restored.safes_behind == 1, "{restored}");
    Ok(())
}

async fn refuse(config: &Config, sources: &Sources, why: &str) -> Result<()> {
    match restore(config.clone(), sources).await {
        Ok(_) => bail!("it was restored, and not refused because of: {why}"),
        Err(error) => ensure!(format!("{error:#}").contains(why), "{why}: {error:#}"),
    }
    Ok(())
}

async fn wire_checkpoint(browser: &reconnect_tests::browser::Browser) -> Result<String> {
    let answer = browser.send(&Call::read("/v1/log/checkpoint").open(), None).await?;
    Ok(String::from_utf8(answer.body)?)
}

/// Flips a bit in the middle of a file; what comes back puts it right.
fn flip(path: &Path) -> Result<impl FnOnce() -> Result<()> + use<>> {
    let good = fs::read(path)?;
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    *bad.get_mut(middle).context("an empty file")? ^= 1;
    fs::write(path, bad)?;
    let path = path.to_path_buf();
    Ok(move || Ok(fs::write(path, good)?))
}

/// I-9: what was erased is gone from backups when their time is over, and a journal when a backup has it.
#[tokio::test]
async fn what_was_erased_leaves_backups_with_their_time() -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let paper = owner.add("Passeport", &bytes(1, 100_000)).await?;
    elsewhere.back_up(&server).await?;
    let blobs = || Ok::<_, anyhow::Error>(fs::read_dir(elsewhere.backups().join("blobs"))?.count());
    ensure!(blobs()? == 1, "the paper is in the backup");
    owner.vault.remove(&owner.browser, paper).await?;
    server.pass(1).await?;
    elsewhere.back_up(&server).await?;
    ensure!(blobs()? == 1, "an older backup still needs it");
    server.pass(36).await?;
    elsewhere.back_up(&server).await?;
    ensure!(blobs()? == 0, "its time is over");
    let kept = fs::read_dir(elsewhere.backups())?.filter_map(|entry| {
        let path = entry.ok()?.path();
        path.join("backup.json").is_file().then_some(path)
    });
    ensure!(kept.count() == 1, "one backup is left");
    let journal: Vec<_> = fs::read_dir(elsewhere.journal())?
        .filter_map(|entry| entry.ok()?.path().extension().map(|it| it == "journal"))
        .filter(|is_journal| *is_journal)
        .collect();
    ensure!(journal.is_empty(), "{} files of the journal are left", journal.len());
    ensure!(fs::read_dir(elsewhere.journal().join("parts"))?.count() == 0, "a part is left");
    Ok(())
}

/// I-7: a part that is damaged is said by every backup, none has it, and the journal keeps its own copy.
#[tokio::test]
async fn a_damaged_part_is_said_by_every_backup() -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 100_000)).await?;
    let blobs = server.folder().join("blobs");
    let part = fs::read_dir(blobs)?.next().context("no blob")??.path().join("0");
    let undo = flip(&part)?;
    let kept = || Ok::<_, anyhow::Error>(fs::read_dir(elsewhere.journal().join("parts"))?.count());
    for _ in 0..2 {
        server.clock().advance(1);
        let backups = elsewhere.backups();
        let taken = backup(server.config().clone(), server.clock(), &backups, 35).await?;
        ensure!(taken.damage.len() == 1, "{taken}");
        ensure!(kept()? == 1, "the journal's copy went");
    }
    undo()?;
    elsewhere.back_up(&server).await?;
    ensure!(kept()? == 0, "a backup has it");
    Ok(())
}

/// I-29: who asks for what is not there, and who only looks, makes no journal grow.
#[tokio::test]
async fn nobody_fills_the_journal_by_asking() -> Result<()> {
    let elsewhere = Elsewhere::empty()?;
    let server = elsewhere.server(Database::Sqlite).await?;
    let owner = server.person().await?;
    let length = || {
        let files = fs::read_dir(elsewhere.journal())?;
        let lengths = files.map(|entry| Ok(entry?.metadata()?.len()));
        lengths.sum::<Result<u64>>()
    };
    let before = length()?;
    let key = SigningKey::from_bytes(&[7; 32]);
    let (suite, made_at) = (Suite::V1, server.clock().now());
    let held_use =
        HeldUse { suite, held_id: HeldId([1; 16]), nonce: [2; 32], made_at, request: Vec::new() };
    let held_use = Signed::make(held_use, |message| Signature(key.sign(message).to_bytes()));
    let asked = LookReturn { held_use: Base64(held_use.encode()), papers: Vec::new() };
    let look = Call::send("/v1/returns/look", &asked).open();
    let head = Call { method: "HEAD", ..Call::read("/v1/service").open() };
    for call in [look, head] {
        let answer = owner.browser.send(&call, None).await?;
        ensure!(answer.status == 200, "{}: {}", call.path, answer.status);
    }
    ensure!(length()? == before, "the journal grew");
    Ok(())
}
