//! What a structure was given is compared with the log: also what is newer than the log has it, what a
//! device that is gone had signed, and what nobody can compare.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Error, ServerMisbehaved, Unchecked},
    vault::{GrantState, ReceivedPaper},
    world::World as _,
};
use reconnect_format::{
    api::{Call, FreshAsked, Freshness},
    id::{Base64, DocumentId, GrantId},
};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Person, Server, card},
    team::{Member, Team},
};

super::on_both_databases! {
    what_is_newer_than_the_log_is_read_and_so_is_what_it_names,
    what_a_device_signed_that_is_gone_stays_readable,
    a_log_that_is_silent_keeps_nobody_from_reading,
    a_safe_that_the_log_does_not_have_yet_is_read_for_a_while,
    a_safe_that_was_put_back_is_noticed_by_readers,
    only_who_may_open_a_grant_is_shown_what_the_log_names,
    a_log_that_goes_on_between_two_answers_is_asked_again,
}

const SECRET: &[u8] = b"Attestation";

async fn stage(server: &Server) -> Result<(Team, Person, DocumentId, GrantId)> {
    // Boxed: a play with several people is a large future.
    Box::pin(async {
        let team = Team::on(server).await?;
        let mut owner = server.person().await?;
        let document_id = owner.add("Passeport", SECRET).await?;
        let grant_id = owner.give(team.structure_id, &[document_id]).await?;
        Ok((team, owner, document_id, grant_id))
    })
    .await
}

/// Looks, opens, and says whether it was compared.
async fn open(member: &mut Member, grant_id: GrantId) -> Result<Vec<ReceivedPaper>, Error> {
    member.look().await?;
    member.open(grant_id).await
}

fn is_checked(papers: &[ReceivedPaper]) -> bool {
    !papers.is_empty() && papers.iter().all(|paper| paper.unchecked.is_none())
}

async fn what_is_newer_than_the_log_is_read_and_so_is_what_it_names(server: Server) -> Result<()> {
    let (mut team, mut owner, first, _) = stage(&server).await?;
    let second = owner.add("Bail", b"lease").await?;
    server.app().publish().await?;
    // From here on, the log is behind: a grant, a version and a card that it does not name yet.
    server.hold_log(true);
    let grant_id = owner.give(team.structure_id, &[first, second]).await?;
    owner.vault.add(&owner.browser, Some(first), b"newer", &card("Passeport")).await?;
    owner.vault.rename(&owner.browser, second, "Bail signé").await?;
    for published in [false, true] {
        if published {
            server.hold_log(false);
            server.app().publish().await?;
        }
        let papers = open(&mut team.worker, grant_id).await?;
        ensure!(is_checked(&papers) && papers.len() == 2, "published: {published}");
        let titles: Vec<_> = papers.iter().filter_map(|it| it.card.as_ref().ok()).collect();
        ensure!(titles.iter().any(|card| card.title() == "Bail signé"));
        ensure!(team.worker.read(grant_id, first).await? == b"newer");
        ensure!(team.worker.read(grant_id, second).await? == b"lease");
        // Somebody who comes in new sees the same.
        let papers = open(&mut team.manager, grant_id).await?;
        ensure!(is_checked(&papers));
    }
    // What changes between two looks is no lie.
    owner.vault.add(&owner.browser, Some(first), b"newest", &card("Passeport")).await?;
    server.app().publish().await?;
    let outdated = team.worker.read(grant_id, first).await.err();
    ensure!(outdated.as_ref().map(Error::code) == Some("conflict"), "{outdated:?}");
    ensure!(team.worker.read(grant_id, first).await? == b"newest");
    owner.vault.take_back(&owner.browser, grant_id).await?;
    server.app().publish().await?;
    ensure!(team.worker.read(grant_id, first).await == Err(Error::TakenBack));
    Ok(())
}

async fn what_a_device_signed_that_is_gone_stays_readable(server: Server) -> Result<()> {
    let (mut team, mut owner, _, _) = stage(&server).await?;
    let shared = server.browser();
    let mut there = owner.with_words(&shared, false).await?;
    let document_id = there.add(&shared, None, SECRET, &card("Facture")).await?;
    ensure!(there.sign_out(&shared, false).await.is_ok());
    owner.vault.sync(&owner.browser).await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    for _ in 0..2 {
        ensure!(is_checked(&open(&mut team.worker, grant_id).await?));
        ensure!(team.worker.read(grant_id, document_id).await? == SECRET);
        server.app().publish().await?;
    }
    Ok(())
}

async fn a_log_that_is_silent_keeps_nobody_from_reading(server: Server) -> Result<()> {
    let (mut team, _owner, document_id, grant_id) = stage(&server).await?;
    server.app().publish().await?;
    let fresh = format!("/v1/received/{grant_id}/fresh");
    team.worker.browser().cut(Cut::Call, &fresh);
    let papers = open(&mut team.worker, grant_id).await?;
    ensure!(papers[0].unchecked == Some(Unchecked::Unanswered), "{:?}", papers[0].unchecked);
    team.worker.browser().cut(Cut::Call, &fresh);
    let Person { browser, vault, .. } = &mut team.worker.person;
    let reading = team.worker.desk.reading(vault, browser, grant_id, document_id).await?;
    ensure!(reading.unchecked == Some(Unchecked::Unanswered), "{:?}", reading.unchecked);
    let bytes = browser.ship(reading.call.clone(), Some(vault.token())).await;
    ensure!(*reading.open(&bytes.map_err(|_| anyhow::anyhow!("read"))?)? == *SECRET);
    // Whoever opens it again asks again.
    ensure!(is_checked(&team.worker.open(grant_id).await?));
    Ok(())
}

async fn a_safe_that_the_log_does_not_have_yet_is_read_for_a_while(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    server.app().publish().await?;
    server.hold_log(true);
    let mut owner = server.person().await?;
    let document_id = owner.add("Passeport", SECRET).await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    ensure!(is_checked(&open(&mut team.worker, grant_id).await?));
    // The server keeps it out of the log, and goes on signing that.
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query("delete from log_waiting").execute(&mut connection).await?;
    server.clock().advance(11 * 60);
    server.app().publish().await?;
    let opened = open(&mut team.worker, grant_id).await.map(drop);
    ensure!(opened == Err(ServerMisbehaved::Withheld.into()), "{opened:?}");
    Ok(())
}

async fn a_safe_that_was_put_back_is_noticed_by_readers(server: Server) -> Result<()> {
    let (mut team, mut owner, document_id, grant_id) = stage(&server).await?;
    owner.add("Bail", b"lease").await?;
    server.app().publish().await?;
    // The database has lost its newest statement; the log has not.
    let mut connection = dump::connect(server.config()).await?;
    let account_id = owner.vault.account_id();
    let newest = i64::try_from(owner.vault.manifest().sequence())?;
    sqlx::query("delete from statement where account_id = $1 and sequence = $2")
        .bind(account_id.as_bytes())
        .bind(newest)
        .execute(&mut connection)
        .await?;
    let opened = open(&mut team.worker, grant_id).await.map(drop);
    ensure!(opened == Err(ServerMisbehaved::Withheld.into()), "{opened:?}");
    ensure!(team.worker.read(grant_id, document_id).await.is_err());
    Ok(())
}

async fn only_who_may_open_a_grant_is_shown_what_the_log_names(server: Server) -> Result<()> {
    let (team, mut owner, _, grant_id) = stage(&server).await?;
    let stranger = server.person().await?;
    server.app().publish().await?;
    let call = |leaves: &[u8]| {
        let asked = FreshAsked { leaves: Base64(leaves.to_vec()) };
        Call::send(format!("/v1/received/{grant_id}/fresh"), &asked)
    };
    let status = async |person: &Person, leaves: &[u8]| -> Result<u16> {
        Ok(person
            .browser
            .send(&call(leaves), Some(person.vault.token()))
            .await
            .map_or(0, |it| it.status))
    };
    ensure!(status(&stranger, &[]).await? == 404);
    ensure!(status(&owner, &[]).await? == 404);
    ensure!(status(&team.worker.person, &[]).await? == 200);
    ensure!(status(&team.worker.person, &[1; 31]).await? == 400, "half a leaf");
    ensure!(status(&team.worker.person, &[1; 64]).await? == 400, "one twice");
    let bytes = team.worker.browser().ship(call(&[1; 32]), Some(team.worker.token())).await;
    let shown: Freshness = serde_json::from_slice(&bytes.map_err(|_| anyhow::anyhow!("shown"))?)?;
    let logged = shown.logged.context("the log names it")?;
    ensure!(logged.places == [None] && logged.beside.0.len() == 32, "nothing of the others");
    owner.vault.take_back(&owner.browser, grant_id).await?;
    ensure!(status(&team.worker.person, &[]).await? == 404);
    let grants = owner.vault.grants(owner.vault.time(&owner.browser));
    ensure!(grants[0].state == GrantState::TakenBack);
    Ok(())
}

async fn a_log_that_goes_on_between_two_answers_is_asked_again(server: Server) -> Result<()> {
    let (mut team, mut owner, document_id, grant_id) = stage(&server).await?;
    server.app().publish().await?;
    // The first answer about the head is one of before another paper came, for as often as is said.
    let (asked, answers) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let stale = Rc::new(Cell::new(0));
    let (count, said, left) = (Rc::clone(&asked), Rc::clone(&answers), Rc::clone(&stale));
    team.worker.browser().lie(move |call, body| {
        if !call.path.ends_with("/fresh") {
            return body;
        }
        count.set(count.get() + 1);
        said.borrow_mut().push(body.clone());
        if left.get() == 0 {
            return body;
        }
        left.set(left.get() - 1);
        said.borrow().first().cloned().unwrap_or(body)
    });
    ensure!(is_checked(&open(&mut team.worker, grant_id).await?) && asked.get() == 1);
    for (times, more) in [(1, 2), (2, 3)] {
        owner.add("Bail", b"lease").await?;
        server.app().publish().await?;
        asked.set(0);
        stale.set(times);
        ensure!(is_checked(&open(&mut team.worker, grant_id).await?) && asked.get() == more);
    }
    // Where it never meets, it is not believed.
    owner.add("Bail", b"lease").await?;
    server.app().publish().await?;
    stale.set(usize::MAX);
    let opened = open(&mut team.worker, grant_id).await.map(drop);
    ensure!(opened == Err(ServerMisbehaved::Withheld.into()), "{opened:?}");
    team.worker.browser().hear_the_truth();
    ensure!(team.worker.open_and_read(grant_id, document_id).await? == SECRET);
    Ok(())
}
