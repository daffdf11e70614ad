//! A server that ends at every step once: before each commit and after it, and between the steps on the disk. It is
//! started again each time, whoever asked asks again with the same bytes, and nothing happens twice or not at all.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect::{Config, verify};
use reconnect_core::{
    error::Error,
    held::Pin,
    vault::{Desk, Standing, Vault, upload_begin},
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::Call,
    id::{DocumentId, GrantId, StructureId},
};
use reconnect_tests::{
    dump,
    process::{Process, Setup, build_with_faults, root},
    stage::{Database, Person, bytes, card, titles},
    store::Store,
    team::{Member, accept},
    writer::{check_blobs, check_log},
};
use sqlx::Connection as _;

use super::{patient_browser, say};

/// Between two looks at something that the log or a restart delays.
const PAUSE: Duration = Duration::from_millis(100);
/// Looks before giving up.
const LOOKS: u32 = 300;

/// Steps that neither play comes to, and why.
const ELSEWHERE: [(&str, &str); 10] = [
    ("Time::believe", "the newest time, when it has gone on by a while"),
    ("Operator::accept", "the operator's command, a process of its own"),
    ("again::", "a structure that begins again"),
    ("comeback::", "coming back through guardians, with its waiting times"),
    ("guardian::", "the same"),
    ("restore::", "a restore, which begins again in an empty folder when it ended"),
    ("link::", "letting a computer in, whose rows live for two minutes and may be lost"),
    ("unlocking::keep_rest", "the rest of a chain that is longer than an answer"),
    ("rewrap::", "carrying over what was given, in the next session of a worker"),
    ("say::", "motions of managers"),
];

/// Steps that there are only on one of the two: with a folder beside `SQLite`, or with a bucket beside `PostgreSQL`.
const ONLY_ON: [(&str, Database); 8] = [
    ("log::forget", Database::Sqlite),
    ("blobs: a part", Database::Sqlite),
    ("blobs: an upload's folder", Database::Sqlite),
    ("log::publish", Database::Postgres),
    ("log::share", Database::Postgres),
    ("object::", Database::Postgres),
    ("shared::", Database::Postgres),
    ("blobs: an object", Database::Postgres),
];

/// I-1, I-3: every step of uploads, removals, grants, revocations, commits of groups, sweeps and migrations ends the
/// server once; the same request again has the effect of one, and nothing that was acknowledged is lost.
#[tokio::test]
async fn a_server_that_ends_at_every_step_once_loses_nothing_on_sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut setup, config) = Setup::over(&folder.path().join("data"), Database::Sqlite).await?;
    setup.variables.push(("RECONNECT_LOG_SECONDS", "1".to_owned()));
    end_at_every_step((setup, &config), Database::Sqlite, folder.path()).await
}

/// I-1, I-3: the same on `PostgreSQL` with a bucket, where objects have rows before them and the log is published by one
/// row of the database.
#[tokio::test]
async fn a_server_that_ends_at_every_step_once_loses_nothing_on_postgres() -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let (setups, config) = Setup::pair([folders[0].path(), folders[1].path()]).await?;
    let [setup, _] = setups;
    end_at_every_step((setup, &config), Database::Postgres, folders[1].path()).await
}

async fn end_at_every_step(
    (mut setup, config): (Setup, &Config),
    database: Database,
    folder: &Path,
) -> Result<()> {
    let points = folder.join("points");
    setup.program = build_with_faults().await?;
    setup.variables.push(("RECONNECT_POINTS", points.display().to_string()));
    // A slice of what is stored is read again every two seconds.
    setup.variables.push(("RECONNECT_SCRUB_SECONDS", "600".to_owned()));
    let process = start(&setup).await?;
    tokio::select! {
        played = Box::pin(play(&setup, config)) => played?,
        ended = keep_up(&setup, process) => ended?,
    }
    let passed = fs::read_to_string(&points)?;
    let passed: BTreeSet<_> = passed.lines().collect();
    say(&format!("{database:?}: the server ended at {} steps, once at each", passed.len()));
    let steps = steps(database)?;
    let missed: Vec<_> = steps.into_iter().filter(|step| !passed.contains(&**step)).collect();
    ensure!(missed.is_empty(), "not played, and not said to be elsewhere: {missed:?}");

    let process = start(&setup).await?;
    match database {
        Database::Sqlite => check_blobs(config).await?,
        Database::Postgres => check_objects(config).await?,
    }
    check_log(&setup, config).await?;
    process.kill().await
}

/// Every part has its object, byte for byte, and no object is there that no row names.
async fn check_objects(config: &Config) -> Result<()> {
    let found = verify(config.clone()).await?;
    ensure!(found.damage.is_empty(), "{found}");
    let mut connection = dump::connect(config).await?;
    let names: Vec<Vec<u8>> =
        sqlx::query_scalar("select name from object").fetch_all(&mut connection).await?;
    connection.close().await?;
    let names: BTreeSet<_> = names.iter().map(hex::encode).collect();
    let blobs = Store::of(config)?.blobs().await?;
    let is_named = |name: &str| name.split_once('.').is_some_and(|(_, it)| names.contains(it));
    let stray: Vec<_> = blobs.iter().filter(|blob| !is_named(&blob.name)).collect();
    ensure!(stray.is_empty() && !blobs.is_empty(), "objects without rows: {stray:?}");
    Ok(())
}

/// Every transaction of the server's source, before its commit and after it, and every step that it names otherwise.
fn steps(database: Database) -> Result<BTreeSet<String>> {
    let is_here = |name: &str| {
        !ELSEWHERE.iter().any(|(known, _)| name.starts_with(known))
            && !ONLY_ON.iter().any(|(known, on)| name.starts_with(known) && *on != database)
    };
    let mut steps = BTreeSet::new();
    let mut folders = vec![root().join("server/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path)?;
            for call in text.split("transaction!(").skip(1) {
                let Some((_, name)) = call.split_once(", \"") else { continue };
                let name = name.split('"').next().unwrap_or_default();
                if name.contains("::") && is_here(name) {
                    steps.insert(format!("{name} before its commit"));
                    steps.insert(format!("{name} after its commit"));
                }
            }
            for call in text.split("fault::point(\"").skip(1) {
                let words = call.lines().next().and_then(|line| line.split_once("\")"));
                let parts = words.and_then(|(words, _)| words.split_once("\", \""));
                if let Some((what, when)) = parts.filter(|(what, _)| is_here(what)) {
                    steps.insert(format!("{what} {when}"));
                }
            }
        }
    }
    ensure!(steps.len() > 40, "the source names {} steps", steps.len());
    Ok(steps)
}

/// Starts it, again and again where it ends on its way.
async fn start(setup: &Setup) -> Result<Process> {
    for _ in 0..100 {
        if let Ok(process) = setup.start().await {
            return Ok(process);
        }
    }
    bail!("it does not come up")
}

async fn keep_up(setup: &Setup, mut process: Process) -> Result<()> {
    loop {
        if let Ok(ended) = process.ended().await {
            ensure!(ended.code().is_none(), "it ended by itself with {ended}");
            process = start(setup).await?;
        }
    }
}

/// Tries again until it goes: what a restart or the log delays is no refusal.
macro_rules! in_the_end {
    ($work:expr) => {{
        let mut looks = 0;
        loop {
            match Box::pin($work).await {
                Ok(value) => break value,
                Err(error) if looks >= LOOKS => bail!("{}: {error:?}", stringify!($work)),
                Err(_) => looks += 1,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }};
}

async fn play(setup: &Setup, config: &Config) -> Result<()> {
    let mut owner = Person::open(patient_browser(setup.address), true).await?;
    let kept = owner.add("Passeport", &bytes(1, 300_000)).await?;
    papers(&mut owner, kept).await?;
    let (mut manager, mut worker) = Box::pin(team(setup, config)).await?;
    let structure_id = manager.desk.structure_id();
    let grant_id = Box::pin(give(&mut owner, &mut worker, (structure_id, kept))).await?;

    let deposit_id = in_the_end!(worker.deposit(owner.vault.account_id(), b"une attestation"));
    let inbox = in_the_end!(owner.vault.look_into_inbox(&owner.browser));
    ensure!(inbox.waiting.contains(&deposit_id), "the deposit waits");
    let words = card("Attestation");
    in_the_end!(owner.vault.accept_deposit(&owner.browser, deposit_id, &words));

    in_the_end!(owner.vault.take_back(&owner.browser, grant_id));
    let path = format!("/v1/grants/{grant_id}/documents/{kept}/content");
    let gone = worker.browser().send(&Call::read(path), Some(worker.token())).await;
    ensure!(gone.is_ok_and(|it| it.status == 404), "what was taken back is still answered");

    let other = patient_browser(setup.address);
    let mut vault = in_the_end!(worker.person.with_sheet(&other, true));
    let asks = in_the_end!(Desk::resume(&mut vault, &other));
    ensure!(asks.is_some(), "the worker belongs to nothing on another device");

    let number = *worker.numbers().last().context("the worker's number")?;
    in_the_end!(manager.put_out(number));
    Box::pin(ways(owner, setup, kept)).await
}

/// Uploads, other names, other content, removals, and an upload that is given up.
async fn papers(owner: &mut Person, kept: DocumentId) -> Result<()> {
    let gone = owner.add("Brouillon", &bytes(2, 5_000_000)).await?;
    let Person { browser, vault, .. } = owner;
    vault.rename(browser, kept, "Passeport 2026").await?;
    vault.add(browser, Some(kept), &bytes(3, 200_000), &card("Passeport 2026")).await?;
    vault.remove(browser, gone).await?;
    let draft = vault.begin_content(browser, None, 70_000)?;
    browser.ship(upload_begin(&draft), Some(vault.token())).await?;
    let path = format!("/v1/envelopes/{}", draft.envelope_id);
    let given_up = Call { method: "DELETE", ..Call::read(path) };
    let answer = browser.send(&given_up, Some(vault.token())).await;
    // Asked again, it is gone already.
    ensure!(answer.is_ok_and(|it| matches!(it.status, 204 | 404)), "an upload is given up");
    ensure!(titles(vault) == ["Passeport 2026"], "{:?}", titles(vault));
    // What was removed is swept.
    tokio::time::sleep(Duration::from_secs(3)).await;
    vault.sync(browser).await?;
    Ok(())
}

/// A structure with a manager and a worker.
async fn team(setup: &Setup, config: &Config) -> Result<(Member, Member)> {
    let manager = Person::open(patient_browser(setup.address), true).await?;
    let mut manager = Member::found(manager, "Accueil de jour", "Lyon").await?;
    let clock = reconnect::Clock::System(super::system_now);
    accept(config.clone(), clock, manager.desk.structure_id()).await?;
    in_the_end!(manager.settle());
    let worker = Person::open(patient_browser(setup.address), true).await?;
    let mut worker = manager.invite_to_join(worker, "Paul").await?;
    for _ in 0..LOOKS {
        in_the_end!(manager.settle());
        in_the_end!(worker.settle());
        if worker.desk.standing() == Standing::Member {
            return Ok((manager, worker));
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("the worker is not admitted: {:?}", worker.desk.standing())
}

/// The owner gives, and the worker opens and reads.
async fn give(
    owner: &mut Person,
    worker: &mut Member,
    (structure_id, kept): (StructureId, DocumentId),
) -> Result<GrantId> {
    let grant_id = in_the_end!(owner.give(structure_id, &[kept]));
    in_the_end!(worker.look());
    let read = in_the_end!(worker.open_and_read(grant_id, kept));
    ensure!(read == bytes(3, 200_000), "the worker reads something else");
    in_the_end!(owner.vault.sync(&owner.browser));
    Ok(grant_id)
}

/// Every way in, a new generation, and the end of sessions.
async fn ways(mut owner: Person, setup: &Setup, kept: DocumentId) -> Result<()> {
    let pin = Pin::choose("481709")?;
    let secret = PaperSecret::card(&mut owner.browser.rng());
    in_the_end!(owner.vault.set_card(&owner.browser, &secret, &pin, 7));
    let elsewhere = patient_browser(setup.address);
    let with_card = in_the_end!(Vault::unlock_with_card(&elsewhere, &secret, &pin, false));
    with_card.sign_out(&elsewhere, false).await.map_err(|_| Error::Offline)?;
    let with_words = in_the_end!(owner.with_words(&elsewhere, true));
    with_words.sign_out(&elsewhere, false).await.map_err(|_| Error::Offline)?;
    let owner = owner.begin_generation().await?;
    ensure!(owner.read(kept).await? == bytes(3, 200_000), "a paper after the new generation");
    let again = patient_browser(setup.address);
    let vault = in_the_end!(owner.with_sheet(&again, true));
    ensure!(titles(&vault).len() == 2, "{:?}", titles(&vault));
    vault.sign_out(&again, true).await.map_err(|_| Error::Offline)?;
    Ok(())
}
