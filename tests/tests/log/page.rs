//! What a client's page saved of a log that did not continue what it had seen is evidence for a stranger.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use reconnect_core::{
    error::ServerMisbehaved, evidence::EVIDENCE, log::Carried, vault::Comparison, world::World as _,
};
use reconnect_log::{KeyKind, VerifierKey};
use reconnect_tests::{
    between::{LogThief, service_key},
    stage::{Database, Person, Server},
    team::Team,
};

use crate::{
    auditor::Auditor,
    misbehaviour::{NO_EVIDENCE, ONES_WORD},
};

/// The file of an owner who scanned a poster while they were shown another log, as long as `long` says.
async fn saved(
    server: &Server,
    team: &Team,
    poster: &str,
    long: impl Fn(u64) -> u64 + Clone + Send + Sync + 'static,
) -> Result<Vec<u8>> {
    let mut owner = Person::open(server.browser(), true).await?;
    owner.browser = LogThief::of(server).await?.between(server, long);
    let Person { browser, vault, .. } = &mut owner;
    let scanned = Comparison::read(poster);
    let refused = vault.compare_structure(browser, team.structure_id, scanned).await.err();
    ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{refused:?}");
    browser.kept(EVIDENCE).await.context("nothing is kept")
}

#[tokio::test]
async fn what_a_page_saved_is_judged_by_a_stranger() -> Result<()> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    let Person { browser, vault, .. } = &mut team.manager.person;
    let mut size = 0;
    // A proof from a power of two does not hold the other root.
    while size < 3 || u64::is_power_of_two(size) {
        vault.add(browser, None, b"more", &reconnect_tests::stage::card("more")).await?;
        vault.look(browser).await?;
        let square = vault.square("");
        let (_, carried) = Carried::split(&square);
        size = u64::from_be_bytes(carried.context("none")?.encode()[2..10].try_into()?);
    }
    let poster = team.manager.person.vault.square(&team.structure_id.to_string());
    let log = service_key(&server).await?;
    let stranger = Auditor::new().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("two-books.json");
    for (kind, code, about, long) in [
        ("fork", 0, "two trees of", size),
        ("fork", 0, "two trees of", size + 7),
        ("back", ONES_WORD, "leaves first", 1),
    ] {
        let file = saved(&server, &team, &poster, move |_| long).await?;
        fs::write(&path, &file)?;
        let judged = stranger.check(&path, &log).await?;
        ensure!(judged.code == code && judged.says("misbehaved", about), "{kind}: {judged:?}");
        ensure!(judged.last()["kind"] == kind, "{judged:?}");
        let key = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        let other = VerifierKey::new(log.name(), KeyKind::Log, key)?;
        ensure!(stranger.check(&path, &other).await?.code == NO_EVIDENCE, "another's key");
        spoil(&stranger, &path, &file, &log).await?;
    }
    Ok(())
}

/// A note that was changed, and a file that is missing: no evidence.
async fn spoil(stranger: &Auditor, path: &Path, file: &[u8], log: &VerifierKey) -> Result<()> {
    for name in ["first.note", "second.note"] {
        let mut about: serde_json::Value = serde_json::from_slice(file)?;
        let files = about["files"].as_object_mut().context("files")?;
        let note = files.get(name).and_then(|it| it.as_str()).context("a note")?;
        let mut changed = URL_SAFE_NO_PAD.decode(note)?;
        changed[0] ^= 1;
        files.insert(name.to_owned(), URL_SAFE_NO_PAD.encode(changed).into());
        fs::write(path, serde_json::to_vec(&about)?)?;
        ensure!(stranger.check(path, log).await?.code == NO_EVIDENCE, "{name} was changed");
        about["files"].as_object_mut().context("files")?.remove(name);
        fs::write(path, serde_json::to_vec(&about)?)?;
        ensure!(stranger.check(path, log).await?.code == NO_EVIDENCE, "{name} is missing");
    }
    Ok(())
}
