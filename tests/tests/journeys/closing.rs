//! A structure closes, by two managers or by its paper: everything that was given to it ends, for
//! everybody, and its public chain says so.

use anyhow::{Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Agreed, Comparison, Distrust, GrantState, Standing},
    world::World as _,
};
use reconnect_format::{
    api::{Call, StructureList},
    id::{GrantId, StructureId},
};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Person, Server, bytes, card},
    team::Member,
};

super::on_both_databases! {
    two_managers_close_and_everything_that_was_given_ends,
    the_paper_closes_and_an_answer_that_was_lost_takes_nothing_with_it,
    one_manager_closes_nothing,
}

async fn count(server: &Server, what: &str, structure_id: StructureId) -> Result<i64> {
    let mut connection = dump::connect(server.config()).await?;
    let query = format!("select count(*) from {what} and structure_id = $1");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(structure_id.as_bytes());
    Ok(query.fetch_one(&mut connection).await?)
}

fn state(owner: &Person, grant_id: GrantId) -> Option<GrantState> {
    let grants = owner.vault.grants(owner.browser.now());
    grants.iter().find(|it| it.terms.grant_id == grant_id).map(|it| it.state)
}

async fn two_managers_close_and_everything_that_was_given_ends(server: Server) -> Result<()> {
    let mut first = Member::found(server.person().await?, "Accueil de jour", "Lyon").await?;
    let structure_id = first.desk.structure_id();
    server.accept(structure_id).await?;
    let mut second = first.admit(server.person().await?, "Paul").await?;
    let mut worker = first.admit(server.person().await?, "Nour").await?;
    first.make_manager(2).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(structure_id, &[id]).await?;
    worker.settle().await?;
    ensure!(worker.received().await?.len() == 1);
    ensure!(worker.read(given, id).await? == bytes(1, 20_000));
    worker.deposit(owner.vault.account_id(), b"paper").await?;

    ensure!(first.close().await? == Agreed::Waits);
    worker.settle().await?;
    ensure!(worker.read(given, id).await.is_ok(), "nothing has closed yet");
    second.settle().await?;
    let asked = second.desk.asked_to_close(&second.person.vault);
    ensure!(asked.is_some_and(|it| it.by == "Maryam" && !it.mine));
    ensure!(second.close().await? == Agreed::Done);
    ensure!(second.desk.standing() == Standing::Closed);

    // Members are refused, told why, and keep nothing.
    for member in [&mut first, &mut second, &mut worker] {
        ensure!(member.read(given, id).await.is_err());
        member.settle().await?;
        ensure!(member.desk.standing() == Standing::Closed, "{:?}", member.desk.standing());
        let kept = format!("desk/{}", member.person.vault.account_id());
        ensure!(!member.browser().kept_names().contains(&kept));
        ensure!(member.gifts().is_empty());
    }
    // What was wrapped is gone; the chain and who was certified stay.
    let wraps = "wrap w join granted g on g.grant_id = w.grant_id where 1 = 1";
    ensure!(count(&server, wraps, structure_id).await? == 0);
    let granted = "granted where recipient_wrap is not null";
    ensure!(count(&server, granted, structure_id).await? == 0);
    ensure!(count(&server, "member where 1 = 1", structure_id).await? == 0);
    ensure!(count(&server, "certificate where 1 = 1", structure_id).await? == 3);

    what_the_owner_sees(&server, &mut owner, (structure_id, given)).await
}

async fn what_the_owner_sees(
    server: &Server,
    owner: &mut Person,
    (structure_id, given): (StructureId, GrantId),
) -> Result<()> {
    let Person { browser, vault, .. } = owner;
    vault.sync(browser).await?;
    vault.learn_structures(browser).await?;
    ensure!(vault.is_closed(structure_id));
    // Who opened what is still shown, and who gave a paper is not believed any more.
    ensure!(vault.openings().iter().any(|it| it.worker_number == 3));
    let inbox = vault.look_into_inbox(browser).await?;
    ensure!(inbox.waiting.is_empty());
    ensure!(inbox.quarantined.iter().any(|(_, why)| *why == Distrust::Left));
    ensure!(state(owner, given) == Some(GrantState::Closed));
    // What is written goes on without it, and nothing new is given to it.
    let id = owner.add("Photo", &bytes(2, 100)).await?;
    let ids: Vec<_> = owner.vault.papers().iter().map(|it| it.document_id).collect();
    for document_id in ids {
        let Person { browser, vault, .. } = &mut *owner;
        vault.add(browser, Some(document_id), &bytes(3, 100), &card("Neuf")).await?;
    }
    ensure!(owner.give(structure_id, &[id]).await.is_err());
    // It is found no more; who knows its code still verifies that it has closed.
    let list = owner.browser.send(&Call::read("/v1/structures?search=").open(), None).await?;
    let list: StructureList = serde_json::from_slice(&list.body)?;
    ensure!(list.structures.iter().all(|it| it.structure_id != structure_id));
    let mut stranger = server.person().await?;
    let Person { browser, vault, .. } = &mut stranger;
    let code = structure_id.code();
    vault.compare_structure(browser, structure_id, Comparison::read(&code)).await?;
    ensure!(vault.is_closed(structure_id));
    // Taken back, it goes from the list of what can be.
    owner.vault.take_back(&owner.browser, given).await?;
    ensure!(state(owner, given) == Some(GrantState::TakenBack));
    Ok(())
}

async fn the_paper_closes_and_an_answer_that_was_lost_takes_nothing_with_it(
    server: Server,
) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let person = server.person().await?;
        let (mut first, paper) = Member::found_with_paper(person, "Accueil", "Lyon").await?;
        server.accept(first.desk.structure_id()).await?;
        let mut worker = first.admit(server.person().await?, "Paul").await?;
        worker.browser().cut(when, "/statements");
        ensure!(worker.close_with(&paper).await == Err(Error::Offline));
        if when == Cut::Answer {
            // The page that is opened next is told, once.
            worker.come_again().await?;
        } else {
            worker.close_with(&paper).await?;
        }
        ensure!(worker.desk.standing() == Standing::Closed);
        ensure!(worker.come_again().await.is_err(), "it belongs to nothing");
        first.settle().await?;
        ensure!(first.desk.standing() == Standing::Closed);
        // Whoever worked there can found another one.
        Member::found(first.person, "Autre accueil", "Lyon").await?;
    }
    Ok(())
}

async fn one_manager_closes_nothing(server: Server) -> Result<()> {
    let mut first = Member::found(server.person().await?, "Accueil de jour", "Lyon").await?;
    server.accept(first.desk.structure_id()).await?;
    let mut worker = first.admit(server.person().await?, "Paul").await?;
    ensure!(first.close().await? == Agreed::Waits);
    ensure!(first.close().await? == Agreed::Waits);
    ensure!(worker.close().await.is_err());
    worker.settle().await?;
    ensure!(worker.desk.standing() == Standing::Member);
    Ok(())
}
