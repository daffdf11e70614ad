//! Somebody left a structure: what an owner writes from then on goes under a successor of the grant,
//! and whoever may read it notices nothing.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::{Comparison, Gift, GivenGrant, GrantState, Sentence},
    world::World as _,
};
use reconnect_format::{
    grant::RecipientName,
    id::{DocumentId, GrantId},
};
use reconnect_tests::{
    browser::{Cut, Recording},
    stage::{Person, Server, bytes, card},
    team::{Member, OpenedGift, Team},
};

super::on_both_databases! {
    what_was_given_goes_on_after_somebody_left,
    a_page_that_was_open_all_the_time_notices_nothing,
    one_look_serves_all_grants_to_a_structure,
    a_renewal_whose_answer_was_lost_is_made_once,
    two_devices_renew_a_grant_once,
    what_was_taken_back_is_not_renewed,
    an_epoch_that_ends_on_the_way_ends_no_write,
}

/// A structure of three, an owner, and what she gave them.
struct Scene {
    team: Team,
    stays: Member,
    owner: Person,
    passport: DocumentId,
    photo: DocumentId,
    grant_id: GrantId,
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
        let photo = owner.add("Photo", &bytes(2, 20_000)).await?;
        let grant_id = owner.give(team.structure_id, &[passport, photo]).await?;
        Ok(Self { team, stays, owner, passport, photo, grant_id })
    }

    async fn replace(&mut self, seed: u64) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.owner;
        let content = bytes(seed, 20_000);
        vault.add(browser, Some(self.passport), &content, &card("Passeport")).await.map(drop)
    }

    async fn rename(&mut self, title: &str) -> Result<(), Error> {
        self.owner.vault.rename(&self.owner.browser, self.photo, title).await
    }

    /// The one grant that the owner's list shows.
    fn given(&self) -> Result<GivenGrant> {
        let mut grants = self.owner.vault.grants(self.owner.browser.now());
        ensure!(grants.len() == 1, "{} grants", grants.len());
        grants.pop().context("none")
    }

    /// Live grants to structures, as statements say.
    fn epochs(&self) -> Vec<u64> {
        let grants = self.owner.vault.manifest().grants();
        let epochs = grants.filter_map(|terms| match terms.recipient {
            RecipientName::Structure { epoch, .. } => Some(epoch),
            _ => None,
        });
        epochs.collect()
    }
}

fn title(member: &[OpenedGift], id: DocumentId) -> Option<String> {
    let papers = member.iter().flat_map(|gift| &gift.documents);
    let mut cards = papers.filter(|it| it.document_id == id).map(|it| it.card.as_ref());
    cards.next()?.ok().map(|card| card.title().to_owned())
}

async fn what_was_given_goes_on_after_somebody_left(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    let (old, passport, photo) = (scene.grant_id, scene.passport, scene.photo);
    scene.stays.received().await?;
    ensure!(scene.stays.read(old, passport).await? == bytes(1, 20_000));
    scene.team.manager.put_out(2).await?;
    scene.replace(3).await?;
    scene.rename("Photo d'identité").await?;

    // One grant, of the new epoch, with the words of the old.
    ensure!(scene.epochs() == [2], "{:?}", scene.epochs());
    scene.owner.vault.sync(&scene.owner.browser).await?;
    let given = scene.given()?;
    ensure!(given.state == GrantState::Live && given.earlier == [old]);
    ensure!(given.renewed_at.is_some() && given.terms.grant_id != old);
    let words = given.words.context("no words")?;
    ensure!(words == ("Aminata D.".to_owned(), "Demande de logement".to_owned()));
    // Who was there and who comes later read old and new.
    let mut late = scene.team.manager.admit(server.person().await?, "Zoé").await?;
    for member in [&mut scene.team.manager, &mut scene.stays, &mut late] {
        let gifts = member.received().await?;
        ensure!(gifts.len() == 1 && gifts[0].purpose == "Demande de logement");
        ensure!(gifts[0].signed_as == "Aminata D.");
        ensure!(title(&gifts, photo).as_deref() == Some("Photo d'identité"));
        let grant_id = gifts[0].grant_id;
        ensure!(member.read(grant_id, passport).await? == bytes(3, 20_000));
        ensure!(member.read(grant_id, photo).await? == bytes(2, 20_000));
    }
    // The trace has what was opened under either, and one that was given, none that was taken back.
    let Person { vault, browser, .. } = &mut scene.owner;
    vault.sync(browser).await?;
    vault.learn_structures(browser).await?;
    ensure!(scene.given()?.opened.iter().filter(|it| it.worker_number == 3).count() >= 2);
    let trace = scene.owner.vault.trace();
    let count = |of: fn(&Sentence) -> bool| trace.iter().filter(|it| of(&it.sentence)).count();
    ensure!(count(|it| matches!(it, Sentence::Given { .. })) == 1);
    ensure!(count(|it| matches!(it, Sentence::Renewed(_))) == 1);
    ensure!(count(|it| matches!(it, Sentence::TakenBack { .. })) == 0);
    // The id that a page still holds takes back what goes on in its place.
    scene.owner.vault.take_back(&scene.owner.browser, old).await?;
    ensure!(scene.epochs().is_empty() && scene.given()?.state == GrantState::TakenBack);
    ensure!(scene.stays.received().await?.is_empty());
    Ok(())
}

async fn a_page_that_was_open_all_the_time_notices_nothing(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    let (old, passport, photo) = (scene.grant_id, scene.passport, scene.photo);
    scene.stays.received().await?;
    scene.team.manager.put_out(2).await?;
    scene.rename("Photo d'identité").await?;
    // Neither the list nor the group was looked at since.
    ensure!(scene.stays.read(old, photo).await? == bytes(2, 20_000));
    ensure!(scene.stays.read(old, passport).await? == bytes(1, 20_000));
    let Person { browser, vault, .. } = &mut scene.stays.person;
    let picture = scene.stays.desk.thumbnail(vault, browser, old, passport).await?;
    ensure!(*picture == *b"a small picture of Passeport");
    // Once more, and the page still holds the first id.
    scene.stays.settle().await?;
    let number = scene.team.manager.admit(server.person().await?, "Zoé").await?.numbers()[2];
    scene.team.manager.put_out(number).await?;
    scene.replace(4).await?;
    ensure!(scene.epochs() == [3]);
    ensure!(scene.stays.read(old, passport).await? == bytes(4, 20_000));
    let gifts = scene.stays.received().await?;
    ensure!(gifts.len() == 1 && gifts[0].earlier.contains(&old), "{:?}", gifts[0].earlier);
    // Taken back is said when it was.
    scene.owner.vault.take_back(&scene.owner.browser, old).await?;
    let gone = scene.stays.read(old, passport).await.err();
    ensure!(gone == Some(Error::TakenBack), "{gone:?}");
    Ok(())
}

async fn one_look_serves_all_grants_to_a_structure(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    for _ in 0..2 {
        scene.owner.give(scene.team.structure_id, &[scene.photo]).await?;
    }
    let looks = |recording: &Recording| {
        let face = format!("/v1/structures/{}", scene.team.structure_id);
        let calls = recording.borrow();
        calls.iter().filter(|it| it.head.split(' ').any(|part| part == face)).count()
    };
    let before = looks(server.recording());
    scene.owner.vault.rename(&scene.owner.browser, scene.photo, "Une").await?;
    ensure!(looks(server.recording()) == before + 1, "more or less than one look");
    scene.owner.vault.rename(&scene.owner.browser, scene.passport, "Deux").await?;
    ensure!(looks(server.recording()) == before + 2);
    let kept = scene.owner.add("Lettre", b"for nobody").await?;
    scene.owner.vault.rename(&scene.owner.browser, kept, "Trois").await?;
    ensure!(looks(server.recording()) == before + 2, "nobody was given that");
    scene.team.manager.put_out(2).await?;
    scene.rename("Quatre").await?;
    ensure!(scene.epochs() == [2, 2, 2], "{:?}", scene.epochs());
    ensure!(scene.stays.received().await?.len() == 3);
    Ok(())
}

async fn a_renewal_whose_answer_was_lost_is_made_once(server: Server) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let mut scene = Scene::on(&server).await?;
        scene.team.manager.put_out(2).await?;
        let Person { browser, vault, .. } = &mut scene.owner;
        // The chain that was seen is written down, so that the next statement is the successor.
        let code = scene.team.structure_id.code();
        let comparison = Comparison::read(&code);
        vault.compare_structure(browser, scene.team.structure_id, comparison).await?;
        for _ in 0..2 {
            browser.cut(when, "/v1/statements");
        }
        browser.cut(Cut::Call, "/v1/sync");
        let lost = scene.rename("Une").await.err();
        ensure!(matches!(lost, Some(Error::Offline)), "{lost:?}");
        while scene.rename("Une").await.is_err() {}
        ensure!(scene.epochs() == [2]);
        ensure!(scene.given()?.earlier.len() == 1);
        let gifts = scene.stays.received().await?;
        ensure!(gifts.len() == 1 && title(&gifts, scene.photo).as_deref() == Some("Une"));
    }
    Ok(())
}

async fn two_devices_renew_a_grant_once(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    let other = server.browser();
    let mut elsewhere = scene.owner.with_words(&other, true).await?;
    scene.team.manager.put_out(2).await?;
    scene.rename("Une").await?;
    // This device has not seen the successor, nor that there is a new epoch.
    elsewhere.rename(&other, scene.passport, "Deux").await?;
    scene.owner.vault.sync(&scene.owner.browser).await?;
    ensure!(scene.epochs() == [2] && scene.given()?.earlier.len() == 1);
    let gifts = scene.stays.received().await?;
    ensure!(title(&gifts, scene.photo).as_deref() == Some("Une"));
    ensure!(title(&gifts, scene.passport).as_deref() == Some("Deux"));
    Ok(())
}

async fn what_was_taken_back_is_not_renewed(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    let other = server.browser();
    let mut elsewhere = scene.owner.with_words(&other, true).await?;
    scene.team.manager.put_out(2).await?;
    elsewhere.take_back(&other, scene.grant_id).await?;
    scene.rename("Une").await?;
    ensure!(scene.epochs().is_empty() && scene.given()?.state == GrantState::TakenBack);
    ensure!(scene.stays.received().await?.is_empty());
    Ok(())
}

async fn an_epoch_that_ends_on_the_way_ends_no_write(server: Server) -> Result<()> {
    let mut scene = Scene::on(&server).await?;
    // A new title, wrapped for the first epoch, never arrives; the same is asked for again.
    scene.owner.browser.cut(Cut::Call, "/v1/statements");
    scene.owner.browser.cut(Cut::Call, "/v1/statements");
    let lost = scene.rename("Une").await.err();
    ensure!(matches!(lost, Some(Error::Offline)), "{lost:?}");
    scene.team.manager.put_out(2).await?;
    scene.rename("Une").await?;
    ensure!(scene.epochs() == [2]);
    ensure!(title(&scene.stays.received().await?, scene.photo).as_deref() == Some("Une"));
    // A grant that is on its way while somebody leaves is made anew for those who stay.
    let number = scene.team.manager.admit(server.person().await?, "Zoé").await?.numbers()[2];
    scene.stays.settle().await?;
    let Scene { owner, team, photo, .. } = &mut scene;
    owner.browser.cut(Cut::Call, "/v1/statements");
    owner.browser.cut(Cut::Call, "/v1/statements");
    let structure_id = team.structure_id;
    let ends_at = owner.browser.now() + 1000;
    let gift = Gift {
        structure_id,
        document_ids: vec![*photo],
        ends_at,
        signed_as: String::new(),
        purpose: String::new(),
    };
    let lost = owner.vault.give(&owner.browser, &gift).await.err();
    ensure!(matches!(lost, Some(Error::Offline)), "{lost:?}");
    team.manager.put_out(number).await?;
    owner.vault.give(&owner.browser, &gift).await?;
    let mut epochs = scene.epochs();
    epochs.sort_unstable();
    ensure!(epochs == [2, 3], "{epochs:?}");
    ensure!(scene.stays.received().await?.len() == 2);
    Ok(())
}
