//! Somebody left a structure, and owners write nothing: those who stay carry what was given over to the
//! newest recipient epoch.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Blame, Renewal, Sentence},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{Call, CheckRewraps, Received, ReceivedGrant},
    id::{DocumentId, GrantId},
    rewrap::{MemberSays, Opened, RewrapCheck, RewrapFound, wrap_hash},
};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Person, Server, bytes},
    team::{Member, Team},
};

super::on_both_databases! {
    what_was_given_is_wrapped_again_and_opened_by_another,
    a_page_that_is_lost_goes_on_where_it_was,
    two_members_who_do_it_at_once_hurt_nothing,
    an_owner_who_writes_goes_first,
    what_was_taken_back_or_ended_is_not_wrapped_again,
    another_departure_begins_anew,
    alone_it_takes_a_week,
    who_says_falsely_that_something_does_not_open_is_found,
    an_old_seed_leaves_the_history_when_nothing_needs_it,
    a_history_that_leaves_a_seed_out_costs_nobody,
}

/// A structure of three, one of whom is put out, and what an owner gave them.
struct Scene {
    team: Team,
    stays: Member,
    owner: Person,
    passport: DocumentId,
    grant_ids: Vec<GrantId>,
}

impl Scene {
    async fn on(server: &Server) -> Result<Self> {
        Box::pin(Self::set(server)).await
    }

    async fn set(server: &Server) -> Result<Self> {
        let mut team = Team::on(server).await?;
        let stays = team.manager.admit(server.person().await?, "Nour").await?;
        team.worker.settle().await?;
        let mut owner = server.person().await?;
        let passport = owner.add("Passeport", &bytes(1, 20_000)).await?;
        let mut grant_ids = Vec::new();
        for _ in 0..3 {
            grant_ids.push(owner.give(team.structure_id, &[passport]).await?);
        }
        grant_ids.sort_unstable();
        Ok(Self { team, stays, owner, passport, grant_ids })
    }

    /// The worker leaves.
    async fn after_a_departure(server: &Server) -> Result<Self> {
        Box::pin(Self::depart(server)).await
    }

    async fn depart(server: &Server) -> Result<Self> {
        let mut scene = Self::on(server).await?;
        scene.team.manager.put_out(2).await?;
        scene.stays.settle().await?;
        Ok(scene)
    }

    /// What the server lists.
    async fn listed(&self) -> Result<Vec<ReceivedGrant>> {
        let Person { browser, vault, .. } = &self.team.manager.person;
        let answer = browser.ship(Call::read("/v1/received"), Some(vault.token())).await?;
        Ok(serde_json::from_slice::<Received>(&answer)?.grants)
    }
}

async fn what_was_given_is_wrapped_again_and_opened_by_another(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    let first = scene.team.manager.renew().await?;
    ensure!(first == Renewal { all: 3, renewed: 3, waiting: 3, left: 0 }, "{first:?}");
    // Until another has looked, readers are given the old ones.
    let listed = scene.listed().await?;
    ensure!(listed.iter().all(|it| it.epoch == 1 && it.rewrapped_by == Some(1)), "{listed:?}");
    scene.stays.look().await?;
    ensure!(
        scene.stays.open_and_read(scene.grant_ids[0], scene.passport).await? == bytes(1, 20_000)
    );
    let second = scene.stays.renew().await?;
    ensure!(second == Renewal { all: 3, renewed: 3, waiting: 0, left: 0 }, "{second:?}");
    let listed = scene.listed().await?;
    ensure!(listed.iter().all(|it| it.epoch == 2 && it.rewrapped_by.is_none()), "{listed:?}");
    // Everybody reads: who was there all the time, at an open page and a new one, and who comes later.
    let mut late = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    let mut elsewhere = scene.stays.elsewhere(&server).await?;
    scene.team.manager.settle().await?;
    elsewhere.settle().await?;
    for member in [&mut scene.team.manager, &mut scene.stays, &mut late, &mut elsewhere] {
        let gifts = member.received().await?;
        ensure!(gifts.len() == 3 && gifts[0].signed_as == "Aminata D.");
        ensure!(member.read(gifts[0].grant_id, scene.passport).await? == bytes(1, 20_000));
    }
    // The owner's trace says it once, and nobody who only wrapped has looked.
    let Person { vault, browser, .. } = &mut scene.owner;
    vault.sync(browser).await?;
    vault.learn_structures(browser).await?;
    let trace = vault.trace();
    let count = |of: fn(&Sentence) -> bool| trace.iter().filter(|it| of(&it.sentence)).count();
    ensure!(count(|it| matches!(it, Sentence::Rewrapped(_))) == 1);
    ensure!(count(|it| matches!(it, Sentence::Opened(_))) == vault.openings().len());
    ensure!(vault.openings().iter().all(|it| it.worker_number != 2));
    Ok(())
}

async fn a_page_that_is_lost_goes_on_where_it_was(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    for (when, path) in
        [(Cut::Call, "/rewraps/open"), (Cut::Call, "/rewraps"), (Cut::Answer, "/rewraps")]
    {
        scene.stays.browser().cut(when, path);
        let lost = scene.stays.renew().await.err();
        ensure!(matches!(lost, Some(Error::Offline)), "{path}: {lost:?}");
        // The page is opened again.
        scene.stays.come_in_again().await?;
    }
    let done = scene.stays.renew().await?;
    ensure!(done == Renewal { all: 3, renewed: 3, waiting: 3, left: 0 }, "{done:?}");
    scene.team.manager.browser().cut(Cut::Answer, "/rewraps/checks");
    let lost = scene.team.manager.renew().await.err();
    ensure!(matches!(lost, Some(Error::Offline)), "{lost:?}");
    let done = scene.team.manager.renew().await?;
    ensure!(done == Renewal { all: 3, renewed: 3, waiting: 0, left: 0 }, "{done:?}");
    Ok(())
}

async fn two_members_who_do_it_at_once_hurt_nothing(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    let Scene { team, stays, .. } = &mut scene;
    team.manager.look().await?;
    stays.look().await?;
    // Both saw that there is something to do; one is first.
    let Person { browser, vault, .. } = &mut team.manager.person;
    ensure!(!team.manager.desk.renew_some(vault, browser).await?);
    let Person { browser, vault, .. } = &mut stays.person;
    ensure!(!stays.desk.renew_some(vault, browser).await?);
    // The slower one found the first one's wraps, and opened them.
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 2 && it.rewrapped_by.is_none()));
    for member in [&mut scene.team.manager, &mut scene.stays] {
        let done = member.renew().await?;
        ensure!(done == Renewal { all: 3, renewed: 3, waiting: 0, left: 0 }, "{done:?}");
        ensure!(
            member.open_and_read(scene.grant_ids[0], scene.passport).await? == bytes(1, 20_000)
        );
    }
    Ok(())
}

async fn an_owner_who_writes_goes_first(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    scene.team.manager.renew().await?;
    scene.owner.vault.rename(&scene.owner.browser, scene.passport, "Une").await?;
    // Successors took the place of all three, and of what waited.
    let listed = scene.listed().await?;
    ensure!(listed.iter().all(|it| it.epoch == 2 && it.rewrapped_by.is_none()), "{listed:?}");
    ensure!(listed.iter().all(|it| !scene.grant_ids.contains(&it.grant_id)));
    let done = scene.stays.renew().await?;
    ensure!(done == Renewal { all: 3, renewed: 3, waiting: 0, left: 0 }, "{done:?}");
    // What is in force goes the same way.
    let number = scene.team.manager.admit(server.person().await?, "Zoé").await?.numbers()[2];
    scene.team.manager.put_out(number).await?;
    scene.stays.settle().await?;
    scene.team.manager.renew().await?;
    scene.stays.renew().await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 3));
    scene.owner.vault.rename(&scene.owner.browser, scene.passport, "Deux").await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 3));
    let gifts = scene.stays.received().await?;
    ensure!(gifts.len() == 3);
    ensure!(scene.stays.read(gifts[0].grant_id, scene.passport).await? == bytes(1, 20_000));
    Ok(())
}

async fn what_was_taken_back_or_ended_is_not_wrapped_again(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    scene.team.manager.look().await?;
    let Person { browser, vault, .. } = &mut scene.owner;
    vault.take_back(browser, scene.grant_ids[0]).await?;
    let Person { browser, vault, .. } = &mut scene.team.manager.person;
    while scene.team.manager.desk.renew_some(vault, browser).await? {}
    let done = scene.stays.renew().await?;
    ensure!(done == Renewal { all: 2, renewed: 2, waiting: 0, left: 0 }, "{done:?}");
    server.pass(31).await?;
    let dump = server.dump().await?;
    // The owner's own grant, and three members'.
    for (table, left) in [("granted", 4), ("rewrap", 0), ("rewrap_list", 0)] {
        let rows = dump.rows.get(table).map(Vec::len);
        ensure!(rows == Some(left), "{table}: {rows:?}");
    }
    Ok(())
}

async fn another_departure_begins_anew(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    let mut leaves = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    scene.stays.settle().await?;
    // Somebody wraps, and is gone before anybody has looked.
    leaves.renew().await?;
    let number = *scene.team.manager.numbers().last().context("nobody")?;
    scene.team.manager.put_out(number).await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 1 && it.rewrapped_by.is_none()));
    // What is staged for the epoch before is refused, and made anew.
    scene.stays.look().await?;
    let Person { browser, vault, .. } = &mut scene.stays.person;
    let stale = scene.stays.desk.renew_some(vault, browser).await.err();
    ensure!(stale.is_some_and(|error| error.code() == "conflict"));
    scene.stays.settle().await?;
    scene.stays.renew().await?;
    scene.team.manager.renew().await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 3));
    ensure!(
        scene.stays.open_and_read(scene.grant_ids[0], scene.passport).await? == bytes(1, 20_000)
    );
    Ok(())
}

async fn alone_it_takes_a_week(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    let number = *scene.stays.numbers().last().context("nobody")?;
    scene.team.manager.put_out(number).await?;
    scene.team.manager.put_out(2).await?;
    let done = scene.team.manager.renew().await?;
    ensure!(done == Renewal { all: 3, renewed: 3, waiting: 3, left: 0 }, "{done:?}");
    server.pass(6).await?;
    scene.team.manager.come_in_again().await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 1));
    server.pass(1).await?;
    scene.team.manager.come_in_again().await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 3 && it.rewrapped_by.is_none()));
    scene.team.manager.look().await?;
    ensure!(
        scene.team.manager.open_and_read(scene.grant_ids[0], scene.passport).await?
            == bytes(1, 20_000)
    );
    Ok(())
}

/// What waits, as the server has it.
async fn waiting(server: &Server) -> Result<Vec<RewrapFound>> {
    let mut connection = dump::connect(server.config()).await?;
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select grant_id, wrap from rewrap where state = 1 order by grant_id")
            .fetch_all(&mut connection)
            .await?;
    rows.into_iter()
        .map(|(grant_id, wrap)| {
            let grant_id = grant_id.as_slice().try_into()?;
            Ok(RewrapFound { grant_id, wrap_hash: wrap_hash(&wrap), opened: Opened::No })
        })
        .collect()
}

/// A changed client of a member says that nothing of what waits opens.
async fn refuse(server: &Server, member: &Member) -> Result<()> {
    let Member { desk, person: Person { browser, vault, .. } } = member;
    let by = MemberSays {
        structure_id: desk.structure_id(),
        epoch: desk.recipient_epoch(),
        worker_number: desk.number(vault).context("no number")?,
        account_id: vault.account_id(),
        device_id: vault.device_id(),
        made_at: browser.now(),
    };
    let grants = waiting(server).await?;
    let check = vault.sign_anything(RewrapCheck { suite: Suite::V1, by, grants });
    let path = format!("/v1/structures/{}/rewraps/checks", desk.structure_id());
    browser.ship(Call::send(path, &CheckRewraps { check }), Some(vault.token())).await?;
    Ok(())
}

async fn who_says_falsely_that_something_does_not_open_is_found(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    let mut third = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    scene.stays.settle().await?;
    scene.team.manager.renew().await?;
    refuse(&server, &scene.stays).await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 1 && it.rewrapped_by.is_none()));
    // Whoever was refused makes room for another; a second refusal by the same person counts for nothing.
    scene.team.manager.renew().await?;
    ensure!(waiting(&server).await?.is_empty());
    third.renew().await?;
    refuse(&server, &scene.stays).await?;
    ensure!(scene.listed().await?.iter().all(|it| it.rewrapped_by == Some(4)));
    scene.team.manager.renew().await?;
    ensure!(scene.listed().await?.iter().all(|it| it.epoch == 2));
    for member in [&mut scene.team.manager, &mut third] {
        let Person { browser, vault, .. } = &mut member.person;
        member.desk.judge_refused(vault, browser).await?;
        ensure!(member.desk.blamed() == [Blame { number: 3, said_falsely: true }]);
        member.look().await?;
        let read = member.open_and_read(scene.grant_ids[0], scene.passport).await?;
        ensure!(read == bytes(1, 20_000));
    }
    Ok(())
}

async fn an_old_seed_leaves_the_history_when_nothing_needs_it(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    scene.team.manager.look().await?;
    // Who comes while grants are under the first key needs its seed.
    let mut early = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    ensure!(early.desk.held_epochs() == [1, 2], "{:?}", early.desk.held_epochs());
    scene.stays.settle().await?;
    scene.team.manager.renew().await?;
    scene.team.manager.look().await?;
    ensure!(scene.team.manager.desk.held_epochs() == [1, 2], "nobody else has opened them");
    scene.stays.renew().await?;
    // A page that has not read the list keeps what it has.
    let next = scene.team.manager.admit(server.person().await?, "Ali").await?;
    ensure!(next.desk.held_epochs() == [1, 2], "{:?}", next.desk.held_epochs());
    scene.team.manager.look().await?;
    let late = scene.team.manager.admit(server.person().await?, "Léa").await?;
    ensure!(late.desk.held_epochs() == [2], "{:?}", late.desk.held_epochs());
    for member in [&mut scene.stays, &mut early] {
        member.settle().await?;
        member.look().await?;
        member.come_in_again().await?;
        ensure!(member.desk.held_epochs() == [2], "{:?}", member.desk.held_epochs());
        member.look().await?;
        let read = member.open_and_read(scene.grant_ids[0], scene.passport).await?;
        ensure!(read == bytes(1, 20_000));
    }
    Ok(())
}

async fn a_history_that_leaves_a_seed_out_costs_nobody(server: Server) -> Result<()> {
    let mut scene = Scene::after_a_departure(&server).await?;
    // The server tells the manager's page that there is nothing, so that its commit leaves the seed out.
    scene.team.manager.browser().lie(|call, body| {
        let nothing = br#"{"grants":[]}"#.to_vec();
        if call.path == "/v1/received" { nothing } else { body }
    });
    scene.team.manager.look().await?;
    let mut late = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    ensure!(late.desk.held_epochs() == [2]);
    late.look().await?;
    ensure!(late.gifts().is_empty(), "a face opened without its seed");
    scene.team.manager.browser().hear_the_truth();
    // Whoever saw that something is under it has kept it, and goes on after the page was closed.
    scene.stays.come_in_again().await?;
    ensure!(scene.stays.desk.held_epochs() == [1, 2], "{:?}", scene.stays.desk.held_epochs());
    scene.stays.look().await?;
    ensure!(
        scene.stays.open_and_read(scene.grant_ids[0], scene.passport).await? == bytes(1, 20_000)
    );
    // Their next commit brings it back to everybody.
    let mut elsewhere = scene.stays.elsewhere(&server).await?;
    scene.stays.settle().await?;
    elsewhere.settle().await?;
    for member in [&mut late, &mut scene.team.manager, &mut elsewhere] {
        member.settle().await?;
        ensure!(member.desk.held_epochs() == [1, 2], "{:?}", member.desk.held_epochs());
        member.look().await?;
        ensure!(member.gifts().len() == 3);
    }
    Ok(())
}
