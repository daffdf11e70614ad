//! A structure is founded, accepted and found; people join it by a link.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Desk, Standing},
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{api::Call, id::DocumentId};
use reconnect_tests::{
    browser::Cut,
    scan::contains,
    stage::{DAY, Person, Server, bytes},
    team::{Member, Team, called},
};

super::on_both_databases! {
    a_structure_is_founded_accepted_and_found,
    a_worker_joins_by_a_link_and_waits_for_the_manager,
    a_link_is_good_for_one_person_and_one_day,
    an_admission_whose_answer_was_lost_is_made_once,
    an_admission_that_arrives_late_is_taken_in,
    a_founding_whose_answer_was_lost_is_found_again_by_its_root,
    a_team_grows_and_everybody_reads_what_came_before,
}

async fn a_structure_is_founded_accepted_and_found(server: Server) -> Result<()> {
    let mut manager = Member::found(server.person().await?, "Halte de nuit", "Marseille").await?;
    let id = manager.desk.structure_id();
    ensure!(manager.desk.standing() == Standing::WaitingForOperator);
    let mut owner = server.person().await?;
    ensure!(owner.vault.find_structures(&owner.browser, "halte").await?.is_empty());
    let hidden = owner.vault.structure(&owner.browser, id).await.err();
    ensure!(hidden.as_ref().map(Error::code) == Some("not_found"), "{hidden:?}");
    let given = owner.give(id, &[DocumentId([1; 16])]).await;
    ensure!(given.is_err(), "a structure that is not accepted was given something");

    server.accept(id).await?;
    manager.settle().await?;
    ensure!(manager.desk.standing() == Standing::Member);
    for search in ["halte", "NUIT", "marseille"] {
        let found = owner.vault.find_structures(&owner.browser, search).await?;
        ensure!(found.len() == 1 && found[0].structure_id == id, "by {search}: {found:?}");
    }
    ensure!(owner.vault.find_structures(&owner.browser, "Lille").await?.is_empty());
    // What looks like a pattern is text.
    ensure!(owner.vault.find_structures(&owner.browser, "%").await?.len() <= 1);
    ensure!(owner.vault.structure(&owner.browser, id).await?.structure_id == id);
    let team = manager.desk.members(&manager.person.vault);
    ensure!(team.len() == 1 && team[0].me && team[0].name == "Maryam" && team[0].number == 1);
    Ok(())
}

async fn a_worker_joins_by_a_link_and_waits_for_the_manager(server: Server) -> Result<()> {
    let mut manager = Member::found(server.person().await?, "Accueil", "Lyon").await?;
    server.accept(manager.desk.structure_id()).await?;
    manager.settle().await?;
    let fragment = manager.invite("Paul, du matin").await?;
    let mut person = server.person().await?;
    let Person { browser, vault, .. } = &mut person;
    let desk = Desk::join(vault, browser, &fragment, "Paul").await?;
    let mut worker = Member { person, desk };
    worker.settle().await?;
    ensure!(worker.desk.standing() == Standing::WaitingForManager);
    // While they wait they see nothing of the inside.
    let inside = format!("/v1/structures/{}/inside", manager.desk.structure_id());
    let refused = worker.browser().send(&Call::read(inside), Some(worker.token())).await?;
    ensure!(refused.status == 404);
    ensure!(worker.received().await.is_ok_and(|gifts| gifts.is_empty()));
    let pending = manager.desk.invitations();
    ensure!(pending.len() == 1 && pending[0].name == "Paul, du matin");

    manager.settle().await?;
    worker.settle().await?;
    ensure!(worker.desk.standing() == Standing::Member);
    ensure!(manager.desk.invitations().is_empty());
    for member in [&manager, &worker] {
        let team = member.desk.members(&member.person.vault);
        let names: Vec<_> = team.iter().map(|it| (it.number, it.name.as_str())).collect();
        ensure!(names == [(1, "Maryam"), (2, "Paul")], "{names:?}");
    }
    // The names are nowhere on the server, nor was the link's secret.
    let secret = reconnect_format::id::Base64::try_from(fragment)?.0;
    for exchange in server.recording().borrow().iter() {
        ensure!(!contains(&exchange.sent, b"Paul"), "{}", exchange.head);
        ensure!(!contains(&exchange.answer.body, b"Maryam"), "{}", exchange.head);
    }
    for (table, rows) in server.dump().await?.rows {
        let secret = hex::encode(&secret[32..]);
        ensure!(!rows.iter().any(|row| row.to_lowercase().contains(&secret)), "in {table}");
    }
    Ok(())
}

async fn a_link_is_good_for_one_person_and_one_day(server: Server) -> Result<()> {
    let mut manager = Member::found(server.person().await?, "Accueil", "Lyon").await?;
    server.accept(manager.desk.structure_id()).await?;
    manager.settle().await?;
    let fragment = manager.invite("Paul").await?;
    let mut first = server.person().await?;
    Desk::join(&mut first.vault, &first.browser, &fragment, "Paul").await?;
    let mut second = server.person().await?;
    let used = Desk::join(&mut second.vault, &second.browser, &fragment, "Voleur").await.err();
    ensure!(used.as_ref().map(Error::code) == Some("invitation_used"), "{used:?}");

    let late = manager.invite("Nour").await?;
    server.clock().advance(DAY + 60);
    let mut third = server.person().await?;
    let ended = Desk::join(&mut third.vault, &third.browser, &late, "Nour").await.err();
    ensure!(ended.as_ref().map(Error::code) == Some("invitation_ended"), "{ended:?}");
    let half: String = late.chars().take(40).collect();
    let misread = Desk::join(&mut third.vault, &third.browser, &half, "Nour").await.err();
    ensure!(misread.as_ref().map(Error::code) == Some("invitation_misread"), "{misread:?}");
    // Another secret for the same structure: no such invitation.
    let mut forged = reconnect_format::id::Base64::try_from(late)?;
    forged.0[40] ^= 1;
    let forged: String = forged.into();
    let unknown = Desk::join(&mut third.vault, &third.browser, &forged, "Nour").await.err();
    ensure!(unknown.as_ref().map(Error::code) == Some("not_found"), "{unknown:?}");
    Ok(())
}

async fn an_admission_whose_answer_was_lost_is_made_once(server: Server) -> Result<()> {
    let mut manager = Member::found(server.person().await?, "Accueil", "Lyon").await?;
    server.accept(manager.desk.structure_id()).await?;
    manager.settle().await?;
    for (when, name) in [(Cut::Answer, "Paul"), (Cut::Call, "Nour")] {
        let fragment = manager.invite(name).await?;
        let mut person = server.person().await?;
        let Person { browser, vault, .. } = &mut person;
        let desk = Desk::join(vault, browser, &fragment, name).await?;
        let mut worker = Member { person, desk };
        manager.browser().cut(when, "/commits");
        ensure!(manager.settle().await == Err(Error::Offline));
        manager.settle().await?;
        worker.settle().await?;
        ensure!(worker.desk.standing() == Standing::Member, "{name} after {when:?}");
    }
    let team = manager.desk.members(&manager.person.vault);
    ensure!(team.len() == 3, "{team:?}");
    Ok(())
}

async fn an_admission_that_arrives_late_is_taken_in(server: Server) -> Result<()> {
    let mut manager = Member::found(server.person().await?, "Accueil", "Lyon").await?;
    server.accept(manager.desk.structure_id()).await?;
    manager.settle().await?;
    // Before the next look, in the middle of it, after it; and then over a page that is opened anew.
    let turns = [None, Some("/invitations"), Some("/commits")];
    for (turn, name) in turns.into_iter().zip(["Paul", "Nour", "Sami"]) {
        let fragment = manager.invite(name).await?;
        let mut person = server.person().await?;
        let Person { browser, vault, .. } = &mut person;
        let desk = Desk::join(vault, browser, &fragment, name).await?;
        let mut worker = Member { person, desk };
        manager.browser().cut(Cut::OnItsWay, "/commits");
        ensure!(manager.settle().await == Err(Error::Offline));
        if let Some(what) = turn {
            manager.browser().cut(Cut::Call, what);
            // What is asked first is lost: the group was looked at, and nobody was admitted.
            let looked = manager.settle().await;
            ensure!(looked.is_ok() || looked == Err(Error::Offline), "{looked:?}");
        }
        manager.browser().let_through().await?;
        manager.settle().await?;
        let Member { person, .. } = manager;
        let Person { browser, mut vault, handle, words, sheet } = person;
        let desk = Desk::resume(&mut vault, &browser).await?.context("no desk was kept")?;
        manager = Member { person: Person { browser, vault, handle, words, sheet }, desk };
        worker.settle().await?;
        ensure!(worker.desk.standing() == Standing::Member, "{name}, {turn:?}");
    }
    let team = manager.desk.members(&manager.person.vault);
    ensure!(team.len() == 4, "{team:?}");
    Ok(())
}

async fn a_founding_whose_answer_was_lost_is_found_again_by_its_root(server: Server) -> Result<()> {
    for when in [Cut::Answer, Cut::Call] {
        let mut person = server.person().await?;
        let Person { browser, vault, .. } = &mut person;
        let paper = PaperSecret::generate(&mut browser.rng());
        for _ in 0..2 {
            browser.cut(when, "/v1/structures");
        }
        let lost = Desk::found(vault, browser, &paper, &called("Accueil", "Lyon")).await.err();
        ensure!(lost == Some(Error::Offline), "{lost:?}");
        let there = Desk::resume(vault, browser).await?;
        ensure!(there.is_some() == (when == Cut::Answer));
        let desk = match there {
            Some(desk) => desk,
            None => Desk::found(vault, browser, &paper, &called("Accueil", "Lyon")).await?,
        };
        ensure!(desk.is_rooted_in(&paper), "the letters on paper are the root's");
        ensure!(!desk.is_rooted_in(&PaperSecret::generate(&mut browser.rng())));
    }
    Ok(())
}

async fn a_team_grows_and_everybody_reads_what_came_before(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    let mut late = team.manager.admit(server.person().await?, "Nour").await?;
    team.worker.settle().await?;
    for member in [&mut team.manager, &mut team.worker, &mut late] {
        ensure!(member.received().await?.len() == 1);
        ensure!(member.read(grant_id, id).await? == bytes(1, 20_000));
        ensure!(member.desk.members(&member.person.vault).len() == 3);
    }
    // Given after they came, read by all as well.
    let other = owner.add("Photo", &bytes(2, 20_000)).await?;
    let second = owner.give(team.structure_id, &[other]).await?;
    for member in [&mut team.manager, &mut team.worker, &mut late] {
        ensure!(member.received().await?.len() == 2);
        ensure!(member.read(second, other).await? == bytes(2, 20_000));
    }
    Ok(())
}
