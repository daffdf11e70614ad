//! Squares carry a checkpoint: what a poster, a sheet or a screen shows was seen of the log by whoever
//! drew it, and a log that does not continue it is refused.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Error, ServerMisbehaved, Unchecked},
    evidence::{EVIDENCE, EVIDENCE_HERE},
    log::{Carried, newest},
    vault::Comparison,
    words::PaperSecret,
    world::World as _,
};
use reconnect_tests::{
    between::LogThief,
    stage::{Database, Person, Server, unlock_with_paper},
    team::Team,
};

super::on_both_databases! {
    a_square_is_read_by_whoever_is_shown_the_same_log,
    a_square_shows_who_is_alone_with_a_fork,
    a_sheet_shows_a_fork_to_a_device_that_has_seen_nothing,
    a_square_waits_for_a_log_that_is_silent,
}

/// What the poster of a structure holds.
fn poster(team: &Team) -> String {
    team.manager.person.vault.square(&team.structure_id.to_string())
}

async fn compare(owner: &mut Person, team: &Team, read: &str) -> Result<(), Error> {
    let Person { browser, vault, .. } = owner;
    vault.compare_structure(browser, team.structure_id, Comparison::read(read)).await
}

/// What a browser keeps as evidence, as words of JSON.
async fn evidence(owner: &Person, name: &str) -> Result<serde_json::Value> {
    let kept = owner.browser.kept(name).await.context("nothing is kept")?;
    Ok(serde_json::from_slice(&kept)?)
}

async fn a_square_is_read_by_whoever_is_shown_the_same_log(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let Person { browser, vault, .. } = &mut team.manager.person;
    vault.look(browser).await?;
    let poster = poster(&team);
    let (text, carried) = Carried::split(&poster);
    ensure!(text == team.structure_id.to_string() && carried.is_some(), "{poster}");
    ensure!(poster.len() <= 213, "more than 57 modules a side: {}", poster.len());
    // Older than what the log is by then, and newer than what this owner has seen.
    for ahead in [true, false] {
        let mut owner = server.person().await?;
        if !ahead {
            owner.add("Passeport", b"mine").await?;
            owner.vault.look(&owner.browser).await?;
        }
        compare(&mut owner, &team, &poster).await?;
        ensure!(owner.vault.manifest().compared(team.structure_id).is_some());
        let own = owner.vault.square(&owner.vault.account_id().deposit_address());
        let address = own.split_once('.').context("it carries one")?.0;
        ensure!(address == owner.vault.account_id().deposit_address());
        ensure!(own.len() <= 213);
    }
    // A sheet is drawn before there is a safe.
    let drawn = newest(&server.browser()).await.context("no checkpoint")?;
    let owner = server.person().await?;
    let printed = Carried::beside(&owner.sheet.replace(' ', ""), Some(&drawn));
    let elsewhere = server.browser();
    let sheet = PaperSecret::parse(&printed)?;
    ensure!(sheet.carried() == Some(drawn) && printed.len() <= 213);
    unlock_with_paper(&elsewhere, &sheet, true).await?;
    // Another service's square, and one that is damaged: nothing happens, and the letters go on.
    let other = Server::on(Database::Sqlite).await?;
    let theirs = Carried::beside(text, newest(&other.browser()).await.as_ref());
    let mut owner = server.person().await?;
    let refused = compare(&mut owner, &team, &theirs).await.err();
    ensure!(refused == Some(Error::OtherLog), "{refused:?}");
    let mut cut = poster.clone();
    cut.pop();
    let refused = compare(&mut owner, &team, &cut).await.err();
    ensure!(refused == Some(Error::CodeMisread), "{refused:?}");
    ensure!(owner.vault.manifest().compared(team.structure_id).is_none());
    compare(&mut owner, &team, &team.structure_id.code()).await?;
    ensure!(owner.vault.manifest().compared(team.structure_id).is_some());
    Ok(())
}

async fn a_square_shows_who_is_alone_with_a_fork(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let Person { browser, vault, .. } = &mut team.manager.person;
    vault.look(browser).await?;
    let poster = poster(&team);
    let (_, carried) = Carried::split(&poster);
    let size = u64::from_be_bytes(carried.context("none")?.encode()[2..10].try_into()?);
    let thief = LogThief::of(&server).await?;
    // Longer than what the square carries, as long, and shorter.
    for (leaves, kinds) in [(size + 7, ["fork", "gap"]), (size, ["fork"; 2]), (1, ["back"; 2])] {
        for kept in [true, false] {
            let mut owner = Person::open(server.browser(), kept).await?;
            let honest =
                std::mem::replace(&mut owner.browser, thief.between(&server, move |_| leaves));
            let refused = compare(&mut owner, &team, &poster).await.err();
            ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{leaves}: {refused:?}");
            let name = if kept { EVIDENCE } else { EVIDENCE_HERE };
            let file = evidence(&owner, name).await?;
            ensure!(kinds.contains(&file["kind"].as_str().unwrap_or_default()), "{file}");
            ensure!(owner.browser.signed().is_empty(), "something was signed");
            // The square stays away: the letters are compared with the log that tells the truth.
            owner.browser = honest;
            compare(&mut owner, &team, &team.structure_id.code()).await?;
        }
    }
    Ok(())
}

async fn a_sheet_shows_a_fork_to_a_device_that_has_seen_nothing(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.add("Passeport", b"mine").await?;
    owner.vault.look(&owner.browser).await?;
    let printed = owner.vault.square(&owner.sheet.replace(' ', ""));
    let sheet = PaperSecret::parse(&printed)?;
    let thief = LogThief::of(&server).await?;
    for kept in [true, false] {
        let shorter = thief.between(&server, |_| 1);
        let refused = unlock_with_paper(&shorter, &sheet, kept).await.err();
        ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{refused:?}");
        let name = if kept { EVIDENCE } else { EVIDENCE_HERE };
        ensure!(shorter.kept(name).await.is_some(), "nothing is kept");
        ensure!(shorter.kept_names() == [name], "{:?}", shorter.kept_names());
    }
    unlock_with_paper(&server.browser(), &sheet, true).await?;
    Ok(())
}

async fn a_square_waits_for_a_log_that_is_silent(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let Person { browser, vault, .. } = &mut team.manager.person;
    vault.look(browser).await?;
    let (_, carried) = Carried::split(&poster(&team));
    let carried = carried.context("none")?;
    let mut owner = server.person().await?;
    for _ in 0..2 {
        owner.browser.cut(reconnect_tests::browser::Cut::Call, "/v1/log/lookup");
    }
    owner.vault.heed(&owner.browser, carried).await?;
    let thief = LogThief::of(&server).await?;
    let honest = std::mem::replace(&mut owner.browser, thief.between(&server, |_| 1));
    let refused = owner.vault.structure(&owner.browser, team.structure_id).await.err();
    ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{refused:?}");
    owner.browser = honest;
    owner.vault.structure(&owner.browser, team.structure_id).await?;
    ensure!(owner.vault.unchecked() != Some(Unchecked::Stale));
    Ok(())
}
