//! A thief learns the root of a safe and is first to change it: its guardians overrule that for a while, and nobody
//! overrules them.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::vault::{Guarded, Naming, Who};
use reconnect_format::{
    api::{Code, ReturnState},
    guardian::Manner,
};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{DAY, Person, Server, read, titles},
    team::Member,
};

use sqlx::Connection as _;

use super::guardians::{
    Lost, Village, begin_at, is_refused, now, only, told, vouch_as_friend, vouch_as_member,
};

super::on_both_databases! {
    a_thief_who_changes_the_root_first_is_overruled,
    others_who_are_named_end_no_return,
    whoever_was_dismissed_is_out_after_a_month,
}

/// Somebody who has the owner's sheet, on a device of their own.
async fn thief_of(owner: &Person, server: &Server) -> Result<Person> {
    let browser = server.browser();
    let vault = Box::pin(owner.with_sheet(&browser, true)).await?;
    Ok(owner.at(browser, vault))
}

/// Two people of their own whom a thief names.
async fn name_friends(thief: &mut Person, friends: [&Person; 2]) -> Result<()> {
    let mut who = Vec::new();
    for friend in friends {
        let address = friend.vault.account_id().deposit_address();
        who.push((Who::of_address(&address)?, String::new()));
    }
    let naming = Naming {
        who,
        needed: 2,
        wait_seconds: u32::try_from(7 * DAY)?,
        short_wait_seconds: u32::try_from(4 * DAY)?,
        signed_as: "Amina D.".to_owned(),
        known_by: "la dame au chien".to_owned(),
    };
    let Person { browser, vault, .. } = thief;
    Box::pin(vault.name_guardians(browser, &naming)).await?;
    Ok(())
}

/// Begins a return under the guardians whom others replaced.
async fn begin_before(member: &mut Member, lost: &Lost) -> Result<()> {
    member.come_again().await?;
    let Member { person: Person { browser, vault, .. }, desk } = member;
    let guarded = desk.guarding(vault, browser).await?;
    let before = guarded.iter().find(|it| it.ended_at.is_some()).context("none of before")?;
    ensure!(before.signed_as() == "Amina D.");
    desk.begin_return(vault, browser, before, &lost.code()?).await?;
    Ok(())
}

/// What a thief's own client says to the log of what they did: nothing of what is over, and another head.
async fn spoil_log(server: &Server) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    let marks = sqlx::query("delete from log_waiting where is_head = 2");
    ensure!(marks.execute(&mut connection).await?.rows_affected() > 0);
    let heads: Vec<Vec<u8>> = sqlx::query_scalar("select value from log_waiting where is_head = 1")
        .fetch_all(&mut connection)
        .await?;
    for (number, value) in (1..).zip(heads) {
        let another = sqlx::query("update log_waiting set value = $1 where value = $2");
        another.bind([number; 32].as_slice()).bind(value).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn guards(friend: &mut Person) -> Result<Vec<Guarded>> {
    friend.vault = Box::pin(friend.with_sheet(&friend.browser, true)).await?;
    Ok(friend.vault.guarding(&friend.browser).await?)
}

async fn a_thief_who_changes_the_root_first_is_overruled(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let mut friends = [server.person().await?, server.person().await?];
    // Twice, with guardians of their own, and something that looks like the owner's.
    let thief = Box::pin(thief_of(&village.owner, &server)).await?;
    let mut thief = Box::pin(thief.begin_generation()).await?;
    name_friends(&mut thief, friends.each_ref()).await?;
    thief.add("Faux", b"forged").await?;
    let mut thief = Box::pin(thief.begin_generation()).await?;
    let out = village.owner.vault.sync(&village.owner.browser).await;
    ensure!(is_refused(&out, Code::SessionEnded), "{out:?}");

    // The owner comes to a desk. Whoever has the safe now stops it once, and not the next.
    server.pass(20).await?;
    let lost = Lost::at(&server).await?;
    begin_before(&mut village.first, &lost).await?;
    let seen = only(told(&mut thief).await?)?;
    thief.vault.stop_return(&thief.browser, seen.return_id).await?;
    server.pass(15).await?;
    let lost = Lost::at(&server).await?;
    begin_before(&mut village.second, &lost).await?;
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    vouch_as_member(&mut village.second, &lost, Manner::FaceToFace).await?;
    server.pass(14).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.is_ready && stands.seen.is_strict);
    // Another generation in the last moment changes nothing.
    thief.vault = Box::pin(thief.with_sheet(&thief.browser, true)).await?;
    server.app().publish().await?;
    server.hold_log(true);
    let mut thief = Box::pin(thief.begin_generation()).await?;
    spoil_log(&server).await?;
    server.hold_log(false);
    server.clock().advance(DAY / 4);
    server.app().publish().await?;
    lost.browser.cut(Cut::Answer, "/generation");
    let back = lost.enter(&stands, &[]).await?;
    ensure!(titles(&back) == ["(damaged)", "Passeport"], "{:?}", titles(&back));
    let papers: Vec<_> = back.manifest().documents().map(|(id, _)| id).collect();
    let mut opened = 0;
    for paper in papers {
        opened +=
            usize::from(read(&back, &lost.browser, paper).await.is_ok_and(|it| it == b"mine"));
    }
    ensure!(opened == 1, "{opened} papers");

    // Nobody whom the thief named is anything, and the owner's own are guardians again.
    let out = thief.vault.sync(&thief.browser).await;
    ensure!(is_refused(&out, Code::SessionEnded), "{out:?}");
    for friend in &mut friends {
        ensure!(guards(friend).await?.is_empty(), "a thief's guardian");
    }
    ensure!(now(guards(&mut village.friend).await?).len() == 1);
    let mut owner = village.owner.at(lost.browser.copied(), back);
    let view = owner.vault.guardians(&owner.browser).await?.context("nobody")?;
    ensure!(view.left() == 3 && view.guardians[2].label == "friend");
    // What the owner gives and takes from now on is read by others, who follow the keys through all of it.
    let third = Lost::at(&server).await?;
    begin_at(&mut village.first, &third).await?;
    vouch_as_friend(&mut village.friend, &third, Manner::FaceToFace).await?;
    owner.vault.sync(&owner.browser).await?;
    let Person { browser, vault, .. } = &mut owner;
    let returns = vault.returns(browser).await?;
    let open = returns.seen.iter().filter(|it| it.state == ReturnState::Open);
    ensure!(open.count() == 1 && returns.unsound == 0, "{}", returns.unsound);
    Ok(())
}

async fn others_who_are_named_end_no_return(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let friends = [server.person().await?, server.person().await?];
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    let mut thief = Box::pin(thief_of(&village.owner, &server)).await?;
    name_friends(&mut thief, friends.each_ref()).await?;
    thief.add("Facture", b"of the same root").await?;
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    vouch_as_friend(&mut village.friend, &lost, Manner::FromAfar).await?;
    server.pass(7).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.is_ready);
    let back = lost.enter(&stands, &[]).await?;
    // The root is the one that their guardians hold: nothing is closed.
    ensure!(titles(&back) == ["Passeport", "Facture"], "{:?}", titles(&back));
    Ok(())
}

async fn whoever_was_dismissed_is_out_after_a_month(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let Person { browser, vault, .. } = &mut village.owner;
    vault.dismiss_guardians(browser).await?;
    server.pass(29).await?;
    ensure!(guards(&mut village.friend).await?.len() == 1, "what they hold went too soon");
    let lost = Lost::at(&server).await?;
    let before = only(guards(&mut village.friend).await?)?;
    server.clock().advance(DAY);
    let friend = &mut village.friend;
    friend.vault = Box::pin(friend.with_sheet(&friend.browser, true)).await?;
    let Person { browser, vault, .. } = friend;
    let late = vault.begin_return(browser, &before, &lost.code()?).await;
    ensure!(is_refused(&late, Code::NotFound), "{late:?}");
    server.app().sweep().await?;
    server.pass(1).await?;
    ensure!(guards(&mut village.friend).await?.is_empty(), "what they hold is there still");
    let dump = server.dump().await?;
    for table in ["guardian", "kept_generation", "kept_wrap", "kept_owner_wrap"] {
        ensure!(dump.rows.get(table).is_some_and(Vec::is_empty), "{table}");
    }
    Ok(())
}
