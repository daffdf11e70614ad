//! Somebody leaves a structure: the server refuses them, and what is given from then on is beyond
//! them, even with the server on their side.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Desk, Standing},
};
use reconnect_format::id::StructureId;
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Server, bytes},
    team::{Member, Team},
};

super::on_both_databases! {
    who_leaves_is_refused_and_everybody_else_goes_on,
    who_left_opens_nothing_new_even_with_the_server_on_their_side,
    a_removal_whose_answer_was_lost_is_made_once,
    a_worker_and_a_stranger_put_nobody_out,
    what_was_kept_goes_with_the_place_and_the_safe_stays,
    a_server_that_says_so_alone_takes_no_place_away,
}

async fn who_leaves_is_refused_and_everybody_else_goes_on(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut stays = team.manager.admit(server.person().await?, "Nour").await?;
    team.worker.settle().await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    ensure!(team.worker.read(grant_id, id).await? == bytes(1, 20_000));

    team.manager.put_out(2).await?;
    ensure!(team.manager.numbers() == [1, 3], "{:?}", team.manager.numbers());
    ensure!(team.manager.desk.recipient_epoch() == 2);
    // Refused at once, whatever they ask.
    let read = team.worker.read(grant_id, id).await.err().context("it was read")?;
    ensure!(matches!(read.code(), "not_found" | "taken_back"), "{read:?}");
    ensure!(team.worker.received().await?.is_empty());
    team.worker.settle().await?;
    ensure!(team.worker.desk.standing() == Standing::Left);
    // The others go on, somebody new comes, and all of them read what was given before.
    stays.settle().await?;
    ensure!(stays.numbers() == [1, 3]);
    let mut late = team.manager.admit(server.person().await?, "Zoé").await?;
    stays.settle().await?;
    ensure!(late.numbers() == [1, 3, 4]);
    let other = owner.add("Photo", &bytes(2, 20_000)).await?;
    let second = owner.give(team.structure_id, &[other]).await?;
    for member in [&mut team.manager, &mut stays, &mut late] {
        ensure!(member.received().await?.len() == 2);
        ensure!(member.read(grant_id, id).await? == bytes(1, 20_000));
        ensure!(member.read(second, other).await? == bytes(2, 20_000));
    }
    // What they opened while they were there stays in the owner's trace.
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    ensure!(owner.vault.openings().iter().any(|it| it.worker_number == 2));
    Ok(())
}

/// A copy of the departed's row, put back by whoever holds the database.
async fn put_back(server: &Server, structure_id: StructureId, member: &Row) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query(
        "insert into member (structure_id, account_id, confirmed, serial, number, ends_at)
         values ($1, $2, 1, $3, $4, $5)",
    )
    .bind(structure_id.as_bytes())
    .bind(member.0.clone())
    .bind(member.1)
    .bind(member.2)
    .bind(member.3)
    .execute(&mut connection)
    .await?;
    Ok(())
}

type Row = (Vec<u8>, i64, i64, i64);

async fn row_of(server: &Server, number: i64) -> Result<Row> {
    let mut connection = dump::connect(server.config()).await?;
    let row =
        sqlx::query_as("select account_id, serial, number, ends_at from member where number = $1")
            .bind(number)
            .fetch_one(&mut connection)
            .await?;
    Ok(row)
}

async fn who_left_opens_nothing_new_even_with_the_server_on_their_side(
    server: Server,
) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let old = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    let row = row_of(&server, 2).await?;
    team.manager.put_out(2).await?;
    let other = owner.add("Photo", &bytes(2, 20_000)).await?;
    let new = owner.give(team.structure_id, &[other]).await?;
    put_back(&server, team.structure_id, &row).await?;

    // The server answers them now: what they had stays within their reach, and shows that they are
    // answered; nothing else does.
    ensure!(team.worker.read(old, id).await? == bytes(1, 20_000));
    let gifts = team.worker.received().await?;
    ensure!(gifts.iter().all(|gift| gift.grant_id != new));
    ensure!(team.worker.read(new, other).await.is_err());
    // They cannot follow the group either.
    ensure!(team.worker.settle().await.is_err());
    ensure!(team.worker.desk.recipient_epoch() == 2);
    ensure!(team.worker.read(new, other).await.is_err());
    Ok(())
}

async fn a_removal_whose_answer_was_lost_is_made_once(server: Server) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let mut team = Team::on(&server).await?;
        team.manager.browser().cut(when, "/commits");
        let lost = team.manager.put_out(2).await.err();
        ensure!(matches!(lost, Some(Error::Offline)), "{lost:?}");
        team.manager.settle().await?;
        ensure!(team.manager.numbers() == [1]);
        ensure!(team.manager.desk.recipient_epoch() == 2);
        let again = team.manager.put_out(2).await.err();
        ensure!(matches!(again, Some(Error::NotFound)), "{again:?}");
        team.worker.settle().await?;
        ensure!(team.worker.desk.standing() == Standing::Left);
    }
    Ok(())
}

/// Comes to the page again, in the same browser.
async fn again(member: &Member) -> Result<Option<Desk>> {
    let browser = member.browser();
    let mut vault = member.person.with_words(browser, true).await?;
    Ok(Desk::resume(&mut vault, browser).await?)
}

async fn what_was_kept_goes_with_the_place_and_the_safe_stays(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    let own = team.worker.person.add("Bail", &bytes(2, 20_000)).await?;
    team.manager.put_out(2).await?;
    // The page that is opened next says so, once, and has nothing left by then.
    let name = format!("desk/{}", team.worker.person.vault.account_id());
    ensure!(team.worker.browser().kept_names().contains(&name));
    let there = again(&team.worker).await?.context("it was not said")?;
    ensure!(there.standing() == Standing::Left);
    ensure!(there.members(&team.worker.person.vault).is_empty());
    ensure!(!team.worker.browser().kept_names().contains(&name));
    ensure!(again(&team.worker).await?.is_none(), "it was said again");
    // So does the page that was open.
    team.worker.settle().await?;
    ensure!(team.worker.desk.standing() == Standing::Left && team.worker.gifts().is_empty());
    ensure!(team.worker.read(grant_id, id).await.is_err());
    ensure!(team.worker.person.read(own).await? == bytes(2, 20_000));
    // Who comes back is somebody new, under another number.
    let Team { mut manager, worker, .. } = team;
    let back = manager.admit(worker.person, "Paul").await?;
    ensure!(back.numbers() == [1, 3], "{:?}", back.numbers());
    Ok(())
}

async fn a_server_that_says_so_alone_takes_no_place_away(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let row = row_of(&server, 2).await?;
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query("delete from member where number = 2").execute(&mut connection).await?;
    let refused = team.worker.settle().await.err();
    ensure!(matches!(refused, Some(Error::NotAMember)), "{refused:?}");
    ensure!(again(&team.worker).await?.is_none());
    // Everything is still there when the server thinks better of it.
    put_back(&server, team.structure_id, &row).await?;
    let there = again(&team.worker).await?.context("belongs to nothing")?;
    ensure!(there.standing() == Standing::Member, "{:?}", there.standing());
    Ok(())
}

async fn a_worker_and_a_stranger_put_nobody_out(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let stays = team.manager.admit(server.person().await?, "Nour").await?;
    team.worker.settle().await?;
    for number in [1, 2, 3, 7] {
        ensure!(team.worker.put_out(number).await.is_err(), "worker {number}");
    }
    // A manager's own place, and one that nobody has.
    ensure!(team.manager.put_out(1).await.is_err());
    ensure!(team.manager.put_out(7).await.is_err());
    team.manager.settle().await?;
    ensure!(team.manager.numbers() == [1, 2, 3]);
    ensure!(stays.numbers().len() == 3);
    Ok(())
}
