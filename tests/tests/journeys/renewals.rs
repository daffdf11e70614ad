//! Certificates last three years; the page of a manager that is open makes the next ones, and nobody who
//! left gets one.

use anyhow::{Result, ensure};
use reconnect_core::vault::Standing;
use reconnect_tests::{
    dump,
    stage::{Server, bytes},
    team::{Member, Team},
};

super::on_both_databases! {
    a_desk_outlives_its_certificates,
    a_desk_that_nobody_opened_for_years_goes_on,
}

/// When the certificates of those who are here end, by number.
async fn ends(server: &Server) -> Result<Vec<(i64, i64)>> {
    let mut connection = dump::connect(server.config()).await?;
    let query = sqlx::query_as("select number, ends_at from member order by number");
    Ok(query.fetch_all(&mut connection).await?)
}

async fn a_desk_outlives_its_certificates(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let left = team.manager.admit(server.person().await?, "Zoé").await?;
    team.manager.put_out(3).await?;
    let before = ends(&server).await?;
    server.pass(3 * 365 - 100).await?;
    team.manager.come_again().await?;
    ensure!(ends(&server).await? == before, "it is too early");
    server.pass(20).await?;
    team.worker.come_again().await?;
    ensure!(ends(&server).await? == before, "a worker renews nobody");
    team.manager.come_again().await?;
    let after = ends(&server).await?;
    ensure!(after.len() == 2, "{after:?}");
    for ((number, old), (same, new)) in before.iter().zip(&after) {
        ensure!(number == same && new - old > 1000 * 24 * 3600, "{before:?} {after:?}");
    }
    // Nothing is renewed twice, and the team is who it was.
    team.manager.settle().await?;
    ensure!(ends(&server).await? == after && team.manager.numbers() == [1, 2]);
    let mut connection = dump::connect(server.config()).await?;
    let certificates: i64 =
        sqlx::query_scalar("select count(*) from certificate").fetch_one(&mut connection).await?;
    ensure!(certificates == 5, "{certificates}");
    // Past the first ones' end everybody works: reads, lets devices in, admits, leaves.
    server.pass(120).await?;
    Box::pin(works(&server, team)).await?;
    drop(left);
    Ok(())
}

async fn works(server: &Server, mut team: Team) -> Result<()> {
    team.manager.come_again().await?;
    team.worker.come_again().await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    ensure!(team.worker.read(given, id).await? == bytes(1, 20_000));
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    ensure!(owner.vault.openings().iter().any(|it| it.worker_number == 2));
    let mut device = team.manager.elsewhere(server).await?;
    team.worker.settle().await?;
    device.settle().await?;
    ensure!(device.desk.standing() == Standing::Member);
    let late: Member = team.manager.admit(server.person().await?, "Léa").await?;
    ensure!(late.numbers() == [1, 2, 4], "{:?}", late.numbers());
    team.manager.put_out(2).await?;
    team.worker.settle().await?;
    ensure!(team.worker.desk.standing() == Standing::Left);
    Ok(())
}

async fn a_desk_that_nobody_opened_for_years_goes_on(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    server.pass(4 * 365).await?;
    team.manager.come_again().await?;
    ensure!(team.manager.numbers() == [1, 2]);
    works_again(&server, &mut team).await
}

async fn works_again(server: &Server, team: &mut Team) -> Result<()> {
    team.worker.come_again().await?;
    let late = team.manager.admit(server.person().await?, "Léa").await?;
    team.worker.settle().await?;
    ensure!(team.worker.numbers() == late.numbers());
    Ok(())
}
