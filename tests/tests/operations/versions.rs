//! Two versions and one database: a server that runs while the next version brings the schema up to its own, and one
//! that finds what an earlier version left, also where it is killed on its way.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use reconnect::App;
use reconnect_tests::{
    dump,
    process::{Setup, build_with_faults, root},
    stage::{Database, Person, Server, bytes, read, settings},
    team::Team,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use super::{browser, say};

/// What the next version could add: migrations only add, so that servers of both versions run meanwhile.
const NEXT: [&str; 4] = [
    "create table of_the_next (one bigint primary key)",
    "alter table account add column of_the_next bigint",
    "alter table statement add column of_the_next text",
    "insert into schema_version (version) select max(version) + 1 from schema_version",
];

async fn the_next_version_migrates_beneath_a_running_server(database: Database) -> Result<()> {
    let server = Server::on(database).await?;
    let mut owner = server.person().await?;
    let paper = owner.add("Passeport", &bytes(1, 70_000)).await?;
    let mut team = Box::pin(Team::on(&server)).await?;
    let mut connection = dump::connect(server.config()).await?;
    for step in NEXT {
        sqlx::query(step).execute(&mut connection).await?;
    }
    connection.close().await?;

    // The one that runs goes on, for those who are there and for those who come.
    let later = owner.add("Carte", &bytes(2, 70_000)).await?;
    let given = owner.give(team.structure_id, &[paper, later]).await?;
    team.worker.received().await?;
    ensure!(team.worker.read(given, later).await? == bytes(2, 70_000));
    owner.vault.take_back(&owner.browser, given).await?;
    owner.vault.remove(&owner.browser, later).await?;
    server.app().sweep().await?;
    let elsewhere = server.browser();
    owner.with_words(&elsewhere, true).await?;
    // Started again, it would not know what it does not know.
    let again = server
        .restart_with(async |config| {
            let refused = App::open(config, reconnect::Clock::manual(0)).await.err();
            let said = refused.context("an older binary started on a newer schema")?.to_string();
            bail!("{said}")
        })
        .await;
    let said = again.err().context("it was refused")?.to_string();
    ensure!(said.contains("newer than this binary"), "{said}");
    Ok(())
}

/// I-27, I-30: while the next version migrates, the one that runs goes on; started again, it is refused.
#[tokio::test]
async fn the_next_version_migrates_beneath_a_running_server_on_sqlite() -> Result<()> {
    Box::pin(the_next_version_migrates_beneath_a_running_server(Database::Sqlite)).await
}

/// I-27, I-30: while the next version migrates, the one that runs goes on; started again, it is refused.
#[tokio::test]
async fn the_next_version_migrates_beneath_a_running_server_on_postgres() -> Result<()> {
    Box::pin(the_next_version_migrates_beneath_a_running_server(Database::Postgres)).await
}

/// I-27: a server that finds the schema of the first version brings it up to its own, killed before and after each
/// commit on its way, and everything is there.
#[tokio::test]
async fn a_migration_that_is_killed_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::on(&folder.path().join("data")).await?;
    let process = setup.start().await?;
    let mut owner = Person::open(browser(setup.address), true).await?;
    let paper = owner.add("Passeport", &bytes(1, 300_000)).await?;
    ensure!(process.stop().await?.success());
    let config = settings(&setup.folder, Database::Sqlite).await?;
    let mut connection = dump::connect(&config).await?;
    let undone = back_to_the_first(&mut connection).await?;
    connection.close().await?;

    let sound = std::mem::replace(&mut setup.program, build_with_faults().await?);
    let points = folder.path().join("points");
    setup.variables.push(("RECONNECT_POINTS", points.display().to_string()));
    let mut killed = 0;
    let process = loop {
        match setup.start().await {
            Ok(process) => break process,
            Err(error) if killed > 100 => return Err(error.context("it does not come up")),
            Err(_) => killed += 1,
        }
    };
    let passed = fs::read_to_string(&points)?;
    for step in ["db::migrate before its commit", "db::migrate after its commit"] {
        ensure!(passed.lines().any(|line| line == step), "not killed: {step}");
    }
    // What follows meets more steps: another play is about those.
    process.kill().await?;
    setup.program = sound;
    let process = setup.start().await?;
    let elsewhere = browser(setup.address);
    let vault = owner.with_sheet(&elsewhere, true).await?;
    ensure!(read(&vault, &elsewhere, paper).await? == bytes(1, 300_000));
    say(&format!("{undone} migrations were made again, killed {killed} times on the way up"));
    process.kill().await
}

/// Makes the schema that of the first migration again; how many were undone.
async fn back_to_the_first(connection: &mut AnyConnection) -> Result<usize> {
    let mut files: Vec<_> = fs::read_dir(root().join("migrations"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let later = files.get(1..).unwrap_or_default();
    ensure!(!later.is_empty(), "there is one migration alone");
    for file in later.iter().rev() {
        let text = fs::read_to_string(file)?;
        let code = text.lines().map(|line| line.split("--").next().unwrap_or_default().trim());
        let code = code.collect::<Vec<_>>().join(" ");
        for statement in code.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            let words: Vec<_> = statement.split_whitespace().collect();
            let undo = match words.as_slice() {
                ["create", "table", name, ..] | ["create", _, "table", name, ..] => {
                    format!("drop table {name}")
                }
                ["create", "index", ..] | ["create", "unique", "index", ..] => continue,
                ["alter", "table", table, "add", "column", column, ..] => {
                    format!("alter table {table} drop column {column}")
                }
                _ => bail!("{}: say here how this is undone: {statement}", file.display()),
            };
            sqlx::query(AssertSqlSafe(undo)).execute(&mut *connection).await?;
        }
    }
    sqlx::query("delete from schema_version where version > 1").execute(connection).await?;
    Ok(later.len())
}
