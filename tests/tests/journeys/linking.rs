//! A computer is linked by its square, scanned with the phone on which the safe is open.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Error, ServerMisbehaved},
    held::SHARED_MARK,
    link::LinkCode,
    log::Carried,
    vault::{Linking, Vault},
    world::World as _,
};
use reconnect_format::{api::LinkShown, link::DeviceKind};
use reconnect_tests::{
    between::LogThief,
    browser::{Browser, Cut},
    stage::{Person, Server, read},
};

super::on_both_databases! {
    a_computer_is_let_in_by_the_phone,
    nothing_stays_on_somebody_elses_computer,
    the_letters_do_what_the_square_does,
    a_computer_is_signed_out_as_any_device,
    a_long_chain_is_read_to_its_end,
    the_first_answer_counts,
    a_computer_that_is_gone_leaves_no_device,
    an_answer_that_was_lost_is_given_again,
    a_restart_forgets_no_square_and_time_does,
    a_square_shows_a_phone_that_it_is_alone_with_a_fork,
}

fn code_of(linking: &Linking) -> Result<LinkCode, Error> {
    LinkCode::parse(&linking.square())
}

/// Scans what the computer shows, says yes, and gives the picture.
async fn let_in(owner: &mut Person, linking: &Linking) -> Result<u8, Error> {
    let code = code_of(linking)?;
    owner.vault.find_link(&owner.browser, &code).await?;
    Box::pin(owner.vault.link(&owner.browser, &code)).await
}

/// Waits for a picture, and opens the safe.
async fn come_in(linking: &mut Linking, computer: &Browser) -> Result<(u8, Vault)> {
    let picture = linking.look(computer).await?.context("nobody has answered")?;
    Ok((picture, Box::pin(linking.enter(computer)).await?))
}

async fn a_computer_is_let_in_by_the_phone(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    ensure!(linking.look(&computer).await?.is_none());
    ensure!(matches!(Box::pin(linking.enter(&computer)).await, Err(Error::NotFound)));

    let code = code_of(&linking)?;
    let kind = owner.vault.find_link(&owner.browser, &code).await?;
    ensure!(kind == DeviceKind::Computer);
    // Looking does nothing: the yes is what lets it in.
    ensure!(linking.look(&computer).await?.is_none());
    ensure!(owner.vault.manifest().devices().count() == 1);
    let shown = Box::pin(owner.vault.link(&owner.browser, &code)).await?;

    let (picture, mut there) = come_in(&mut linking, &computer).await?;
    ensure!(picture == shown, "both show the same picture");
    ensure!(read(&there, &computer, id).await? == b"scan");
    ensure!(there.is_kept() && there.device_mark(there.device_id()) == DeviceKind::Computer as u8);
    // Each writes, and the other reads it.
    let id = owner.add("Bail", b"lease").await?;
    there.sync(&computer).await?;
    ensure!(read(&there, &computer, id).await? == b"lease");
    there.rename(&computer, id, "Le bail").await?;
    owner.vault.sync(&owner.browser).await?;
    // It is a device of its own from now on, and comes in again as that.
    let device = there.device_id();
    drop(there);
    let again = owner.with_words(&computer, true).await?;
    ensure!(again.device_id() == device);
    Ok(())
}

async fn nothing_stays_on_somebody_elses_computer(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let desk = server.browser();
    let mut linking = Linking::draw(&desk, false).await;
    linking.look(&desk).await?;
    let code = code_of(&linking)?;
    ensure!(owner.vault.find_link(&owner.browser, &code).await? == DeviceKind::Shared);
    let_in(&mut owner, &linking).await?;
    let (_, there) = come_in(&mut linking, &desk).await?;
    ensure!(!there.is_kept() && there.device_mark(there.device_id()) == SHARED_MARK);
    ensure!(desk.kept("handle").await.is_none());
    let kept = desk.kept(&format!("device/{}", there.account_id())).await;
    ensure!(kept.is_none(), "its key stays on the desk's computer");
    Ok(())
}

async fn the_letters_do_what_the_square_does(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let groups = linking.groups();
    ensure!(groups.len() == 6 && groups.iter().all(|group| group.len() == 4), "{groups:?}");
    let typed = groups.join(" ").to_lowercase().replace('0', "o").replace('1', "l");
    let code = LinkCode::parse(&typed)?;
    let shown = Box::pin(owner.vault.link(&owner.browser, &code)).await?;
    let (picture, _) = come_in(&mut linking, &computer).await?;
    ensure!(picture == shown);
    // One letter too few or too many is no code; another letter is nobody's.
    let short = groups.concat().replacen(|_| true, "", 1);
    for wrong in [short, format!("{typed}7"), String::new(), "crcq xexu".repeat(3)] {
        ensure!(matches!(LinkCode::parse(&wrong), Err(Error::LinkMisread)), "{wrong}");
    }
    let other = LinkCode::parse("CRCQ XEX4 2713 MQFW 9NNJ C1VD")?;
    let refused = owner.vault.find_link(&owner.browser, &other).await.err();
    ensure!(refused.as_ref().is_some_and(|it| it.code() == "not_found"), "{refused:?}");
    Ok(())
}

async fn a_computer_is_signed_out_as_any_device(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let_in(&mut owner, &linking).await?;
    let (_, mut there) = come_in(&mut linking, &computer).await?;
    let sessions = owner.vault.sessions(&owner.browser).await?;
    ensure!(sessions.iter().any(|it| it.device_id == there.device_id()), "it is listed");
    owner.vault.retire_device(&owner.browser, there.device_id()).await?;
    let refused = there.sync(&computer).await.err();
    ensure!(refused.as_ref().is_some_and(|it| it.code() == "session_ended"), "{refused:?}");
    // The answer is no second way in.
    let refused = Box::pin(linking.enter(&computer)).await.err();
    ensure!(refused.is_some());
    Ok(())
}

/// More statements than one answer takes, before and after.
async fn a_long_chain_is_read_to_its_end(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Bail", b"lease").await?;
    for turn in 0..220 {
        owner.vault.rename(&owner.browser, id, &format!("Bail {turn}")).await?;
    }
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let_in(&mut owner, &linking).await?;
    owner.vault.rename(&owner.browser, id, "Bail signé").await?;
    let (_, there) = come_in(&mut linking, &computer).await?;
    ensure!(there.manifest().sequence() == owner.vault.manifest().sequence());
    ensure!(read(&there, &computer, id).await? == b"lease");
    Ok(())
}

async fn the_first_answer_counts(server: Server) -> Result<()> {
    let (mut owner, mut stranger) = (server.person().await?, server.person().await?);
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    // Somebody photographed the square, and is quicker.
    let_in(&mut stranger, &linking).await?;
    let before = owner.vault.manifest().sequence();
    let refused = let_in(&mut owner, &linking).await.err();
    ensure!(refused == Some(Error::LinkTaken), "{refused:?}");
    ensure!(owner.vault.manifest().sequence() == before, "nothing was signed");
    // Or quicker by a moment, after the owner has looked: the device that was added is retired.
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let_in(&mut stranger, &linking).await?;
    owner.browser.lie(|call, body| {
        if call.method != "GET" || !call.path.starts_with("/v1/links/") {
            return body;
        }
        let Ok(mut shown) = serde_json::from_slice::<LinkShown>(&body) else { return body };
        shown.taken = false;
        serde_json::to_vec(&shown).unwrap_or(body)
    });
    let refused = let_in(&mut owner, &linking).await.err();
    ensure!(refused == Some(Error::LinkTaken), "{refused:?}");
    ensure!(owner.vault.manifest().devices().count() == 1);
    ensure!(owner.vault.manifest().sequence() == before + 2, "it was added, and retired");
    Ok(())
}

async fn a_computer_that_is_gone_leaves_no_device(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    // It goes between the yes and the answer.
    let clock = server.clock().clone();
    owner.browser.lie(move |call, body| {
        if call.path == "/v1/statements" {
            clock.advance(121);
        }
        body
    });
    let refused = let_in(&mut owner, &linking).await.err();
    ensure!(refused.as_ref().is_some_and(|it| it.code() == "not_found"), "{refused:?}");
    ensure!(owner.vault.manifest().devices().count() == 1, "a device nobody has");
    owner.browser.hear_the_truth();
    // Its page is open again, and sends the same square.
    linking.look(&computer).await?;
    let_in(&mut owner, &linking).await?;
    come_in(&mut linking, &computer).await?;
    Ok(())
}

async fn an_answer_that_was_lost_is_given_again(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let computer = server.browser();
    for lost in [Cut::Call, Cut::Answer] {
        let mut linking = Linking::draw(&computer, true).await;
        linking.look(&computer).await?;
        for _ in 0..2 {
            owner.browser.cut(lost, "POST /v1/links/");
        }
        let refused = let_in(&mut owner, &linking).await.err();
        ensure!(refused == Some(Error::Offline), "{refused:?}");
        let devices = owner.vault.manifest().devices().count();
        let_in(&mut owner, &linking).await?;
        ensure!(owner.vault.manifest().devices().count() == devices, "one device, not two");
        // So may the computer ask again, for what was answered and for what is in the safe.
        computer.cut(Cut::Answer, "/v1/links");
        ensure!(linking.look(&computer).await.err() == Some(Error::Offline));
        ensure!(linking.look(&computer).await?.is_some());
        for path in ["/v1/sessions", "/v1/sync"] {
            computer.cut(Cut::Answer, path);
            ensure!(Box::pin(linking.enter(&computer)).await.err() == Some(Error::Offline));
        }
        let there = Box::pin(linking.enter(&computer)).await?;
        ensure!(read(&there, &computer, id).await? == b"scan");
    }
    Ok(())
}

async fn a_restart_forgets_no_square_and_time_does(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let computer = server.browser();
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let server = server.restart().await?;
    let code = code_of(&linking)?;
    owner.vault.find_link(&owner.browser, &code).await?;
    // Nobody sent it for a while: what is over is told again.
    server.clock().advance(121);
    let refused = owner.vault.find_link(&owner.browser, &code).await.err();
    ensure!(refused.as_ref().is_some_and(|it| it.code() == "not_found"), "{refused:?}");
    linking.look(&computer).await?;
    let_in(&mut owner, &linking).await?;
    come_in(&mut linking, &computer).await?;
    Ok(())
}

/// The computer and the phone are shown two logs: whoever scans the square notices.
async fn a_square_shows_a_phone_that_it_is_alone_with_a_fork(server: Server) -> Result<()> {
    let computer = server.browser();
    let mut owner = server.person().await?;
    owner.add("Passeport", b"mine").await?;
    owner.vault.look(&owner.browser).await?;
    let linking = Linking::draw(&computer, true).await;
    let (_, carried) = Carried::split(&linking.square());
    ensure!(carried.is_some() && linking.square().len() <= 213);
    let thief = LogThief::of(&server).await?;
    owner.browser = thief.between(&server, |from| from.max(2));
    let before = owner.vault.manifest().sequence();
    let refused = let_in(&mut owner, &linking).await.err();
    ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{refused:?}");
    ensure!(owner.vault.manifest().sequence() == before && owner.browser.signed().is_empty());
    Ok(())
}
