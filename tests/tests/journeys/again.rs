//! Nobody is left who could let anybody in: whoever holds the structure's paper begins again, and
//! everything that was given still opens.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Desk, Standing},
    words::PaperSecret,
    world::World as _,
};
use reconnect_tests::{
    browser::Cut,
    stage::{Server, bytes},
    team::Member,
};

super::on_both_databases! {
    a_founder_whose_only_browser_was_cleared_begins_again,
    a_worker_with_the_paper_begins_again_and_lets_the_others_in,
    an_answer_that_was_lost_is_asked_for_again,
    another_paper_begins_nothing_and_neither_does_one_that_is_not_needed,
}

async fn begin(member: &mut Member, paper: &PaperSecret) -> Result<(), Error> {
    let Member { person, desk } = member;
    desk.begin_again(&mut person.vault, &person.browser, paper).await
}

fn stands(member: &Member, standing: Standing) -> Result<()> {
    ensure!(member.desk.standing() == standing, "{:?}", member.desk.standing());
    Ok(())
}

async fn a_founder_whose_only_browser_was_cleared_begins_again(server: Server) -> Result<()> {
    let (founder, paper) = Member::accepted(&server).await?;
    let structure_id = founder.desk.structure_id();
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let old = owner.give(structure_id, &[id]).await?;
    let mut back = founder.elsewhere(&server).await?;
    stands(&back, Standing::WaitingForColleague)?;
    begin(&mut back, &paper).await?;
    stands(&back, Standing::Member)?;
    ensure!(back.numbers() == [1] && back.desk.recipient_epoch() == 2);
    let new = owner.give(structure_id, &[id]).await?;
    ensure!(back.received().await?.len() == 2);
    for grant_id in [old, new] {
        ensure!(back.read(grant_id, id).await? == bytes(1, 20_000));
    }
    // It goes on, also over a page that is opened anew, and with somebody new.
    let browser = back.person.browser;
    let mut vault = founder.person.with_words(&browser, true).await?;
    let desk = Desk::resume(&mut vault, &browser).await?.context("belongs to nothing")?;
    let mut back = Member { person: founder.person.at(browser, vault), desk };
    stands(&back, Standing::Member)?;
    let mut late = back.admit(server.person().await?, "Nour").await?;
    ensure!(late.numbers() == [1, 2]);
    ensure!(late.received().await?.len() == 2);
    ensure!(late.read(old, id).await? == bytes(1, 20_000));
    Ok(())
}

async fn a_worker_with_the_paper_begins_again_and_lets_the_others_in(server: Server) -> Result<()> {
    let (mut founder, paper) = Member::accepted(&server).await?;
    let worker = founder.admit(server.person().await?, "Paul").await?;
    let other = founder.admit(server.person().await?, "Nour").await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(founder.desk.structure_id(), &[id]).await?;
    // Everybody's browser was cleared.
    let mut worker = worker.elsewhere(&server).await?;
    let mut manager = founder.elsewhere(&server).await?;
    begin(&mut worker, &paper).await?;
    worker.settle().await?;
    manager.settle().await?;
    // Who has asked before is let in, whoever comes later asks then.
    let mut other = other.elsewhere(&server).await?;
    worker.settle().await?;
    other.settle().await?;
    // An old browser that turns up has the group of before: it asks by itself.
    founder.settle().await?;
    stands(&founder, Standing::WaitingForColleague)?;
    manager.settle().await?;
    founder.settle().await?;
    for member in [&mut worker, &mut manager, &mut other, &mut founder] {
        member.settle().await?;
        stands(member, Standing::Member)?;
        ensure!(member.numbers() == [1, 2, 3]);
        ensure!(member.received().await?.len() == 1);
        ensure!(member.read(given, id).await? == bytes(1, 20_000));
    }
    // Whoever began again manages.
    worker.admit(server.person().await?, "Zoé").await?;
    Ok(())
}

async fn an_answer_that_was_lost_is_asked_for_again(server: Server) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let (founder, paper) = Member::accepted(&server).await?;
        let mut back = founder.elsewhere(&server).await?;
        for _ in 0..2 {
            back.browser().cut(when, "/groups");
        }
        ensure!(begin(&mut back, &paper).await == Err(Error::Offline));
        back.settle().await?;
        if when == Cut::Call {
            stands(&back, Standing::WaitingForColleague)?;
            begin(&mut back, &paper).await?;
        }
        stands(&back, Standing::Member)?;
        ensure!(back.admit(server.person().await?, "Nour").await?.numbers() == [1, 2]);
    }
    Ok(())
}

async fn another_paper_begins_nothing_and_neither_does_one_that_is_not_needed(
    server: Server,
) -> Result<()> {
    let (mut founder, paper) = Member::accepted(&server).await?;
    let mut back = founder.elsewhere(&server).await?;
    let other = PaperSecret::generate(&mut back.browser().rng());
    ensure!(begin(&mut back, &other).await == Err(Error::WrongPaper));
    stands(&back, Standing::WaitingForColleague)?;
    // A colleague's page was open after all.
    founder.settle().await?;
    begin(&mut back, &paper).await?;
    stands(&back, Standing::Member)?;
    ensure!(back.desk.recipient_epoch() == 1, "nothing was begun");
    Ok(())
}
