//! A browser that was cleared, and several devices of one person: each comes into the structure by
//! the page of somebody who is in it.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Desk, Standing},
};
use reconnect_format::{
    api::{AskForLeaf, Call, Inside},
    id::Base64,
};
use reconnect_tests::{
    browser::Cut,
    stage::{DAY, Server, bytes},
    team::{Member, Team},
};

super::on_both_databases! {
    a_cleared_browser_comes_back_and_reads_everything,
    a_worker_lets_a_manager_in_and_anybodys_other_device,
    a_device_that_was_retired_loses_its_leaf,
    an_answer_whose_answer_was_lost_is_made_once,
    two_pages_answer_at_once_and_one_of_them_wins,
    only_oneself_asks_and_nobody_waits_for_ever,
    a_newcomer_whose_browser_was_cleared_before_they_came_in_comes_in,
}

/// What is asked for waits for somebody else's page.
fn waits(member: &Member) -> Result<()> {
    let standing = member.desk.standing();
    ensure!(standing == Standing::WaitingForColleague, "{standing:?}");
    Ok(())
}

fn is_in(member: &Member) -> Result<()> {
    let standing = member.desk.standing();
    ensure!(standing == Standing::Member, "{standing:?}");
    Ok(())
}

async fn a_cleared_browser_comes_back_and_reads_everything(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let first = owner.give(team.structure_id, &[id]).await?;
    // Given in an older recipient epoch, too.
    let gone = team.manager.admit(server.person().await?, "Zoé").await?;
    team.manager.put_out(3).await?;
    let second = owner.give(team.structure_id, &[id]).await?;
    drop(gone);

    let mut back = team.worker.elsewhere(&server).await?;
    waits(&back)?;
    back.settle().await?;
    waits(&back)?;
    ensure!(back.received().await?.is_empty(), "nothing opens before");
    team.manager.settle().await?;
    back.settle().await?;
    is_in(&back)?;
    ensure!(back.numbers() == [1, 2], "{:?}", back.numbers());
    ensure!(back.received().await?.len() == 2);
    for grant_id in [first, second] {
        ensure!(back.read(grant_id, id).await? == bytes(1, 20_000));
    }
    // The owner sees the same person.
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    ensure!(owner.vault.openings().iter().any(|it| it.worker_number == 2));
    // It goes on by itself, and so does the browser that it was before.
    let third = owner.give(team.structure_id, &[id]).await?;
    team.worker.settle().await?;
    for member in [&mut team.manager, &mut team.worker, &mut back] {
        ensure!(member.received().await?.len() == 3);
        ensure!(member.read(third, id).await? == bytes(1, 20_000));
    }
    Ok(())
}

async fn a_worker_lets_a_manager_in_and_anybodys_other_device(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut manager = team.manager.elsewhere(&server).await?;
    team.worker.settle().await?;
    manager.settle().await?;
    is_in(&manager)?;
    // Who manages does so from there: the worker's other device comes in, and somebody new.
    let mut worker = team.worker.elsewhere(&server).await?;
    manager.settle().await?;
    worker.settle().await?;
    is_in(&worker)?;
    let late = manager.admit(server.person().await?, "Nour").await?;
    for member in [&mut team.manager, &mut team.worker, &mut manager, &mut worker] {
        member.settle().await?;
        ensure!(member.numbers() == late.numbers(), "{:?}", member.numbers());
    }
    // One's own other device answers as well.
    let mut third = worker.elsewhere(&server).await?;
    team.worker.settle().await?;
    third.settle().await?;
    is_in(&third)?;
    // A person who leaves does so on all of them.
    team.manager.put_out(2).await?;
    for gone in [&mut team.worker, &mut worker, &mut third] {
        gone.settle().await?;
        ensure!(gone.desk.standing() == Standing::Left);
    }
    manager.settle().await.context("the manager's other device goes on")
}

async fn a_device_that_was_retired_loses_its_leaf(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let old = team.worker.person.vault.device_id();
    let mut new = team.worker.elsewhere(&server).await?;
    team.manager.settle().await?;
    new.settle().await?;
    new.person.vault.retire_device(&new.person.browser, old).await?;
    let before = server.dump().await?;
    new.settle().await?;
    let after = server.dump().await?;
    let commits = |dump: &reconnect_tests::dump::Dump| dump.rows["mls_commit"].len();
    ensure!(commits(&after) == commits(&before) + 1, "its leaf was taken away");
    new.settle().await?;
    ensure!(commits(&server.dump().await?) == commits(&after), "once");
    team.manager.settle().await?;
    let late = team.manager.admit(server.person().await?, "Nour").await?;
    new.settle().await?;
    ensure!(new.numbers() == late.numbers());
    ensure!(team.worker.settle().await.is_err(), "a retired device has no session");
    Ok(())
}

async fn an_answer_whose_answer_was_lost_is_made_once(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    for when in [Cut::Call, Cut::Answer] {
        let mut back = team.worker.elsewhere(&server).await?;
        // The worker's own page answers: who does not manage sends again, too.
        team.worker.browser().cut(when, "/commits");
        ensure!(team.worker.settle().await == Err(Error::Offline));
        team.worker.settle().await?;
        back.settle().await?;
        is_in(&back)?;
    }
    // The call that asks is lost: it is asked again at the next look.
    let browser = server.browser();
    browser.cut(Cut::Call, "/leaves");
    let mut vault = team.worker.person.with_words(&browser, true).await?;
    ensure!(Desk::resume(&mut vault, &browser).await.err() == Some(Error::Offline));
    let desk = Desk::resume(&mut vault, &browser).await?.context("belongs to nothing")?;
    let mut back = Member { person: team.worker.person.at(browser, vault), desk };
    team.manager.settle().await?;
    back.settle().await?;
    is_in(&back)
}

async fn two_pages_answer_at_once_and_one_of_them_wins(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut back = team.worker.elsewhere(&server).await?;
    // The manager's answer is on its way while the worker's arrives.
    team.manager.browser().cut(Cut::OnItsWay, "/commits");
    ensure!(team.manager.settle().await == Err(Error::Offline));
    team.worker.settle().await?;
    back.settle().await?;
    is_in(&back)?;
    ensure!(team.manager.browser().let_through().await.is_ok(), "it is refused, whoever hears it");
    team.manager.settle().await?;
    let late = team.manager.admit(server.person().await?, "Nour").await?;
    for member in [&mut team.worker, &mut back] {
        member.settle().await?;
        ensure!(member.numbers() == late.numbers());
    }
    Ok(())
}

async fn only_oneself_asks_and_nobody_waits_for_ever(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let inside = format!("/v1/structures/{}/inside", team.structure_id);
    let path = format!("/v1/structures/{}/leaves", team.structure_id);
    let back = team.worker.elsewhere(&server).await?;
    let look = Call::read(inside);
    let seen = team.manager.browser().send(&look, Some(team.manager.token()));
    let seen: Inside = serde_json::from_slice(&seen.await?.body)?;
    let [request] = seen.requests.as_slice() else { anyhow::bail!("{:?}", seen.requests) };
    // The worker's other device, a colleague, a stranger.
    let stranger = server.person().await?;
    for (token, status) in [
        (team.worker.token(), 422),
        (team.manager.token(), 422),
        (stranger.vault.token(), 404),
        (back.token(), 204),
    ] {
        let call = Call::send(&*path, &AskForLeaf { request: request.clone() });
        let answer = stranger.browser.send(&call, Some(token)).await?;
        ensure!(answer.status == status, "{}", answer.status);
    }
    let torn = AskForLeaf { request: Base64(request.0[..request.0.len() - 1].to_vec()) };
    let answer = stranger.browser.send(&Call::send(&*path, &torn), Some(back.token())).await?;
    ensure!(answer.status == 422);
    // Over after thirty days: it is gone, and the page that comes back asks anew.
    server.pass(31).await?;
    ensure!(server.dump().await?.rows["leaf_request"].is_empty());
    let mut back = team.worker.elsewhere(&server).await?;
    team.manager.person.vault =
        team.manager.person.with_words(team.manager.browser(), true).await?;
    team.manager.settle().await?;
    back.settle().await?;
    is_in(&back)?;
    ensure!(server.clock().now() > 31 * DAY);
    Ok(())
}

async fn a_newcomer_whose_browser_was_cleared_before_they_came_in_comes_in(
    server: Server,
) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let fragment = team.manager.invite("Nour").await?;
    let mut person = server.person().await?;
    Desk::join(&mut person.vault, &person.browser, &fragment, "Nour").await?;
    let browser = server.browser();
    let mut vault = person.with_words(&browser, true).await?;
    let desk = Desk::resume(&mut vault, &browser).await?.context("waits for nothing")?;
    let mut newcomer = Member { person: person.at(browser, vault), desk };
    ensure!(newcomer.desk.standing() == Standing::WaitingForManager);
    team.manager.settle().await?;
    newcomer.settle().await?;
    waits(&newcomer)?;
    team.worker.settle().await?;
    newcomer.settle().await?;
    is_in(&newcomer)?;
    ensure!(newcomer.numbers() == [1, 2, 3]);
    Ok(())
}
