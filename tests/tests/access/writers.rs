//! Writers at one time on one structure: each parent has one child, and whoever lost succeeds after reading
//! again. I-21. Of one safe: `journeys`, `of_many_writers_one_wins_each_place_and_all_succeed`.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use reconnect_core::error::Error;
use reconnect_format::structure::StructureChain;
use reconnect_tests::{
    dump,
    stage::{Database, Server},
    team::{Member, Team},
};

use crate::say;

/// Managers who write at one time.
const WRITERS: usize = 4;
/// Tries of each.
const TRIES: usize = 40;

/// I-21: one child of each parent.
#[tokio::test]
async fn of_many_managers_one_wins_each_place_and_all_succeed_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-21: one child of each parent.
#[tokio::test]
async fn of_many_managers_one_wins_each_place_and_all_succeed_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

async fn play(database: Database) -> Result<()> {
    let server = Server::on(database).await?;
    let Team { structure_id, mut manager, worker } = Box::pin(Team::on(&server)).await?;
    let mut managers = vec![worker];
    for name in ["Nour", "Léa"] {
        managers.push(Box::pin(manager.admit(server.person().await?, name)).await?);
    }
    let mut leaving = Vec::new();
    for name in ["Un", "Deux", "Trois", "Quatre"] {
        let member = Box::pin(manager.admit(server.person().await?, name)).await?;
        leaving.push(member.desk.number(&member.person.vault));
    }
    for number in 2..=4 {
        manager.make_manager(number).await?;
    }
    managers.push(manager);
    for member in &mut managers {
        member.settle().await?;
    }
    let leaving: Vec<u32> = leaving.into_iter().flatten().collect();
    ensure!(managers.len() == WRITERS && leaving.len() == WRITERS);
    let before = chain(&server, structure_id).await?;
    let lost: Vec<Result<usize>> =
        join_all(managers.iter_mut().zip(leaving.iter()).map(|it| Box::pin(put_out(it.0, *it.1))))
            .await;
    let lost = lost.into_iter().collect::<Result<Vec<_>>>()?;
    let after = chain(&server, structure_id).await?;
    ensure!(after >= before + WRITERS as u64, "{before} and {after}");
    for member in &mut managers {
        member.settle().await?;
        ensure!(member.numbers() == [1, 2, 3, 4], "{:?}", member.numbers());
    }
    let conflicts = server
        .recording()
        .borrow()
        .iter()
        .filter(|it| it.head.contains("/commits") && it.answer.status == 409)
        .count();
    say(&format!(
        "{database:?}: {WRITERS} managers at one time, {} statements more, {conflicts} lost a place, {} began again",
        after - before,
        lost.iter().sum::<usize>()
    ));
    ensure!(conflicts > 0, "nobody lost a race");
    Ok(())
}

/// Puts somebody out, and reads again where another was first.
async fn put_out(manager: &mut Member, number: u32) -> Result<usize> {
    for lost in 0..TRIES {
        match manager.put_out(number).await {
            Ok(()) => return Ok(lost),
            Err(Error::Offline) => manager.settle().await?,
            Err(Error::Refused(problem)) if matches!(problem.status, 409 | 503) => {
                manager.settle().await?;
            }
            Err(error) => {
                say(&format!("number {number}, try {lost}: {error:?}"));
                manager.settle().await.context("settling after")?;
            }
        }
    }
    anyhow::bail!("{number} is still there")
}

/// How many statements there are, all in their places, each signed over the one before: a parent with two children does not verify.
async fn chain(server: &Server, structure_id: reconnect_format::id::StructureId) -> Result<u64> {
    let mut connection = dump::connect(server.config()).await?;
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "select sequence, bytes from structure_statement where structure_id = $1 order by sequence",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(&mut connection)
    .await?;
    ensure!((1..).zip(&rows).all(|(place, row)| place == row.0), "a gap");
    StructureChain::verify(structure_id, rows.iter().map(|row| row.1.as_slice()))?;
    Ok(rows.len() as u64)
}
