//! Several devices at once, and requests that arrive twice.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use reconnect_core::{
    error::Error,
    vault::{Comparison, Gift},
    words::SixWords,
    world::World as _,
};
use reconnect_format::{
    api::{Call, CallBody, Code, Submission},
    manifest::Manifest,
};
use reconnect_tests::{
    browser::{Browser, Cut},
    stage::{DAY, Person, Server, bytes, card, read, titles, unlock_with_words},
    team::Team,
};

super::on_both_databases! {
    two_devices_write_at_once_and_the_loser_makes_its_statement_anew,
    of_many_writers_one_wins_each_place_and_all_succeed,
    the_same_statement_twice_has_the_effect_of_one,
    an_answer_that_was_lost_is_asked_for_again,
    what_was_not_answered_is_sent_again_and_never_signed_anew,
    a_wish_that_was_dropped_is_not_carried_out_later,
    a_paper_given_twice_after_a_lost_answer_is_given_once,
    new_words_after_a_lost_answer_are_one_lock,
    a_statement_with_other_bytes_in_a_taken_place_is_a_conflict,
    devices_come_in_at_the_same_time,
}

/// I-21: the loser makes its statement anew.
async fn two_devices_write_at_once_and_the_loser_makes_its_statement_anew(
    server: Server,
) -> Result<()> {
    let mut phone = server.person().await?;
    let id = phone.add("Passeport", b"scan").await?;
    let browser = server.browser();
    let mut laptop = phone.with_sheet(&browser, true).await?;
    // Both know the same head; the phone writes first.
    phone.vault.rename(&phone.browser, id, "Passeport malien").await?;
    let before = browser.shipped();
    let added = laptop.add(&browser, None, b"other", &card("Acte de naissance")).await?;
    ensure!(browser.shipped() - before > 4, "the laptop lost no race");
    ensure!(titles(&laptop) == ["Passeport malien", "Acte de naissance"]);
    phone.vault.sync(&phone.browser).await?;
    ensure!(phone.read(added).await? == b"other");
    ensure!(phone.vault.manifest().head() == laptop.manifest().head());
    // Both rename the same paper: both succeed, the later name stays.
    phone.vault.rename(&phone.browser, added, "Un").await?;
    laptop.rename(&browser, added, "Deux").await?;
    phone.vault.sync(&phone.browser).await?;
    ensure!(titles(&phone.vault) == ["Passeport malien", "Deux"]);
    // One removes what the other renames.
    phone.vault.remove(&phone.browser, id).await?;
    let late = laptop.rename(&browser, id, "Trop tard").await;
    ensure!(late.is_err(), "a removed paper was renamed");
    laptop.sync(&browser).await?;
    ensure!(titles(&laptop) == ["Deux"]);
    Ok(())
}

/// I-21: one child of each parent, of one safe.
async fn of_many_writers_one_wins_each_place_and_all_succeed(server: Server) -> Result<()> {
    const WRITERS: usize = 5;
    const EACH: usize = 3;
    let owner = server.person().await?;
    let mut devices = Vec::new();
    for _ in 0..WRITERS {
        let browser = server.browser();
        devices.push((owner.with_sheet(&browser, true).await?, browser));
    }
    let written =
        join_all(devices.iter_mut().enumerate().map(async |(device, (vault, browser))| {
            for paper in 0..EACH {
                let title = format!("{device}-{paper}");
                // One write gives up after eight lost races: then the person tries again.
                let mut tries = 0;
                loop {
                    tries += 1;
                    match vault.add(browser, None, title.as_bytes(), &card(&title)).await {
                        Ok(_) => break,
                        Err(Error::Offline) if tries < 20 => vault.sync(browser).await?,
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok::<_, Error>(())
        }))
        .await;
    for outcome in written {
        outcome?;
    }
    let browser = server.browser();
    let vault = owner.with_sheet(&browser, false).await?;
    let mut seen = titles(&vault);
    seen.sort();
    let mut wanted: Vec<_> = (0..WRITERS)
        .flat_map(|device| (0..EACH).map(move |paper| format!("{device}-{paper}")))
        .collect();
    wanted.sort();
    ensure!(seen == wanted, "{seen:?}");
    for paper in vault.papers() {
        let title = paper.card.map_err(|_| Error::NotFound)?.title().to_owned();
        ensure!(read(&vault, &browser, paper.document_id).await? == title.as_bytes());
    }
    // One child of each parent: every device folded the same chain.
    for (device, browser) in &mut devices {
        device.sync(browser).await?;
        ensure!(device.manifest().head() == vault.manifest().head(), "a fork");
    }
    Ok(())
}

/// I-3: a repeated statement has the effect of one, across a restart and 16 at one time.
async fn the_same_statement_twice_has_the_effect_of_one(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 20_000)).await?;
    let call = last_statement(&server)?;
    server.app().publish().await?;
    let before = server.dump().await?;
    let token = owner.vault.token().to_owned();
    let again = owner.browser.ship(call.clone(), Some(&token)).await?;
    ensure!(server.dump().await? == before, "the second time changed something");
    let server = server.restart().await?;
    let later = owner.browser.ship(call.clone(), Some(&token)).await?;
    ensure!(again == later && server.dump().await? == before);
    // Many copies at one time, of a new one.
    owner.browser.cut(Cut::Call, "/v1/statements");
    let id = owner.vault.papers()[0].document_id;
    owner.vault.rename(&owner.browser, id, "Carte").await?;
    let call = last_statement(&server)?;
    let copies = (0..16).map(|_| owner.browser.send(&call, Some(&token)));
    for answer in join_all(copies).await {
        ensure!(answer?.status == 200);
    }
    owner.vault.sync(&owner.browser).await?;
    ensure!(titles(&owner.vault) == ["Carte"]);
    Ok(())
}

async fn an_answer_that_was_lost_is_asked_for_again(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let before = owner.vault.manifest().sequence();
    for (when, title) in [(Cut::Answer, "Un"), (Cut::Call, "Deux")] {
        owner.browser.cut(when, "/v1/statements");
        owner.vault.rename(&owner.browser, id, title).await?;
        ensure!(titles(&owner.vault) == [title]);
    }
    ensure!(owner.vault.manifest().sequence() == before + 2, "something was written twice");
    // The opening of a session is repeated in the same way.
    let browser = server.browser();
    browser.cut(Cut::Answer, "/v1/sessions");
    ensure!(owner.with_sheet(&browser, false).await.err() == Some(Error::Offline));
    owner.with_sheet(&browser, false).await?;
    Ok(())
}

/// Both tries and the look at the chain after them are lost. STMT-7, STMT-8.
fn lose(browser: &Browser, when: Cut) {
    for what in ["/v1/statements", "/v1/statements", "/v1/sync"] {
        browser.cut(when, what);
    }
}

/// I-3: what was not answered is sent again, the same bytes.
async fn what_was_not_answered_is_sent_again_and_never_signed_anew(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    for (when, title) in [(Cut::Answer, "Un"), (Cut::Call, "Deux"), (Cut::OnItsWay, "Trois")] {
        let before = owner.vault.manifest().sequence();
        let signed = owner.browser.signed().len();
        lose(&owner.browser, when);
        let lost = owner.vault.rename(&owner.browser, id, title).await;
        ensure!(lost == Err(Error::Offline), "{lost:?} for {when:?}");
        // A look at the safe in between changes nothing of it.
        owner.vault.sync(&owner.browser).await?;
        owner.vault.rename(&owner.browser, id, title).await?;
        owner.browser.let_through().await?;
        owner.vault.sync(&owner.browser).await?;
        ensure!(titles(&owner.vault) == [title]);
        ensure!(owner.vault.manifest().sequence() == before + 1, "written twice, {when:?}");
        ensure!(owner.browser.signed().len() == signed + 1, "signed twice, {when:?}");
    }
    Ok(())
}

async fn a_wish_that_was_dropped_is_not_carried_out_later(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    lose(&owner.browser, Cut::Call);
    ensure!(owner.vault.remove(&owner.browser, id).await == Err(Error::Offline));
    owner.vault.rename(&owner.browser, id, "Je le garde").await?;
    ensure!(titles(&owner.vault) == ["Je le garde"]);
    // One that had arrived is found in the chain before anything else is signed.
    lose(&owner.browser, Cut::Answer);
    ensure!(owner.vault.remove(&owner.browser, id).await == Err(Error::Offline));
    ensure!(owner.vault.rename(&owner.browser, id, "Trop tard").await.is_err());
    ensure!(titles(&owner.vault).is_empty());
    Ok(())
}

async fn a_paper_given_twice_after_a_lost_answer_is_given_once(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    for when in [Cut::Call, Cut::Answer] {
        let before = owner.vault.grants(owner.browser.now()).len();
        let Person { browser, vault, .. } = &mut owner;
        let code = team.structure_id.code();
        vault.compare_structure(browser, team.structure_id, Comparison::read(&code)).await?;
        let gift = Gift {
            structure_id: team.structure_id,
            document_ids: vec![id],
            ends_at: browser.now() + DAY,
            signed_as: "A.".to_owned(),
            purpose: "Logement".to_owned(),
        };
        lose(browser, when);
        ensure!(vault.give(browser, &gift).await == Err(Error::Offline));
        let grant_id = vault.give(browser, &gift).await?;
        ensure!(vault.grants(browser.now()).len() == before + 1, "given twice after {when:?}");
        lose(browser, when);
        ensure!(vault.take_back(browser, grant_id).await == Err(Error::Offline));
        vault.take_back(browser, grant_id).await?;
    }
    Ok(())
}

async fn new_words_after_a_lost_answer_are_one_lock(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    for (when, handle) in [(Cut::Call, "lune-vert-1234"), (Cut::Answer, "lune-bleu-1234")] {
        let words = SixWords::generate(&mut owner.browser.rng());
        lose(&owner.browser, when);
        let lost = owner.vault.replace_words(&owner.browser, handle, &words).await;
        ensure!(lost == Err(Error::Offline), "{lost:?}");
        owner.vault.sync(&owner.browser).await?;
        owner.vault.replace_words(&owner.browser, handle, &words).await?;
        ensure!(owner.vault.manifest().locks().count() == 2, "after {when:?}");
        let browser = server.browser();
        unlock_with_words(&browser, handle, &words, false).await?;
        owner.vault.sync(&owner.browser).await?;
    }
    Ok(())
}

/// I-3, I-21: other bytes in a taken place are a conflict.
async fn a_statement_with_other_bytes_in_a_taken_place_is_a_conflict(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let browser = server.browser();
    let mut other = owner.with_sheet(&browser, true).await?;
    // The other device signs for a place; the owner takes it first.
    browser.cut(Cut::Call, "/v1/statements");
    owner.vault.sync(&owner.browser).await?;
    owner.vault.rename(&owner.browser, id, "Un").await?;
    other.rename(&browser, id, "Deux").await?;
    let refused: Vec<_> = server
        .recording()
        .borrow()
        .iter()
        .filter(|exchange| exchange.answer.code() == Some(Code::Conflict))
        .map(|exchange| exchange.answer.status)
        .collect();
    ensure!(refused == [409], "{refused:?}");
    Ok(())
}

async fn devices_come_in_at_the_same_time(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let browsers: Vec<_> = (0..3).map(|_| server.browser()).collect();
    let entered = join_all(browsers.iter().map(|it| owner.with_sheet(it, true))).await;
    let mut devices = std::collections::BTreeSet::new();
    for (vault, browser) in entered.into_iter().zip(&browsers) {
        let vault = vault.context("a device did not come in")?;
        ensure!(read(&vault, browser, id).await? == b"scan");
        devices.insert(vault.device_id());
    }
    ensure!(devices.len() == 3);
    owner.vault.sync(&owner.browser).await?;
    let manifest: &Manifest = owner.vault.manifest();
    ensure!(manifest.devices().count() == 4);
    Ok(())
}

/// The newest statement that went over the wire.
fn last_statement(server: &Server) -> Result<Call> {
    let recording = server.recording().borrow();
    let mut sent = recording.iter().rev().filter(|it| it.head.starts_with("POST /v1/statements"));
    let body = &sent.next().context("no statement was sent")?.sent;
    let text = String::from_utf8(body.clone())?;
    serde_json::from_str::<Submission>(&text)?;
    let (method, path) = ("POST", "/v1/statements".to_owned());
    Ok(Call { method, path, authorized: true, body: CallBody::Json(text) })
}
