//! A secret of a safe became known: other keys, other ways in, nobody of before, and everything that was
//! there is there.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Error, ServerMisbehaved},
    held::Pin,
    vault::{Desk, Drawn, Sentence, Vault, Ways},
    world::World as _,
};
use reconnect_format::{
    PublicKey,
    api::{Call, Code},
    grant::RecipientName,
    log::generation_mark,
    statement::Body,
};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Person, Server, bytes, card, read, titles},
    team::Team,
};

super::on_both_databases! {
    what_was_known_opens_nothing_any_more,
    everything_that_was_there_is_there,
    what_was_given_goes_on_under_another_key,
    a_lost_answer_makes_one_generation,
    whoever_writes_first_is_taken_in,
    a_mark_that_is_kept_back_is_missed,
    a_generation_that_the_log_does_not_know_so_is_refused,
    a_second_generation_follows_the_first,
    nobody_spoils_the_mark_of_a_generation,
    whoever_works_is_let_in_again,
    a_card_begins_a_generation_too,
}

fn is_ended(outcome: &Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Refused(problem)) if problem.code == Code::SessionEnded)
}

async fn what_was_known_opens_nothing_any_more(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", b"mine").await?;
    let (thief, phone) = (server.browser(), server.browser());
    let mut stolen = owner.with_words(&thief, true).await?;
    let mut other = owner.with_sheet(&phone, true).await?;
    other.remember_here(&phone, &Pin::parse("314159")?).await?;
    owner.vault.sync(&owner.browser).await?;
    let before = owner.at(server.browser(), owner.with_words(&server.browser(), false).await?);
    let old_token = owner.vault.token().to_owned();
    let owner = owner.begin_generation().await?;
    // Every session, device and lock of before.
    for (vault, browser) in [(&mut stolen, &thief), (&mut other, &phone)] {
        let synced = vault.sync(browser).await;
        ensure!(is_ended(&synced), "{synced:?}");
        let added = vault.add(browser, None, b"forged", &card("Faux")).await.map(drop);
        ensure!(is_ended(&added), "{added:?}");
    }
    let asked = owner.browser.ship(Call::read("/v1/sync"), Some(&old_token)).await;
    ensure!(is_ended(&asked.map(drop).map_err(Error::from)));
    let words = before.with_words(&server.browser(), false).await.map(drop);
    ensure!(words == Err(Error::WrongWordsOrHandle), "{words:?}");
    let sheet = before.with_sheet(&server.browser(), false).await.map(drop);
    ensure!(matches!(sheet, Err(Error::Refused(_))), "{sheet:?}");
    let here = Box::pin(Vault::unlock_here(&phone, &Pin::parse("314159")?, None)).await.map(drop);
    ensure!(matches!(here, Err(Error::Refused(_))), "{here:?}");
    // The device itself comes in with what is on the new paper, as a new one.
    let again = owner.with_words(&phone, true).await?;
    ensure!(again.device_id() != other.device_id());
    ensure!(read(&again, &phone, passport).await? == b"mine");
    ensure!(owner.vault.manifest().devices().count() == 1);
    ensure!(owner.vault.manifest().locks().count() == 2);
    Ok(())
}

async fn everything_that_was_there_is_there(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", &bytes(1, 300_000)).await?;
    let photo = owner.add("Photo", &bytes(2, 20_000)).await?;
    owner.vault.rename(&owner.browser, photo, "Photo de moi").await?;
    let removed = owner.add("Brouillon", b"nothing").await?;
    owner.vault.remove(&owner.browser, removed).await?;
    let draft = owner.vault.seal_draft(b"not added yet", &mut owner.browser.rng())?;
    team.worker.deposit(owner.vault.account_id(), b"sealed before").await?;
    let mut owner = owner.begin_generation().await?;
    team.worker.deposit(owner.vault.account_id(), b"sealed after").await?;
    for elsewhere in [false, true] {
        if elsewhere {
            let other = server.browser();
            let there = owner.with_sheet(&other, true).await?;
            owner = owner.at(other, there);
        }
        ensure!(titles(&owner.vault) == ["Passeport", "Photo de moi"]);
        ensure!(owner.read(passport).await? == bytes(1, 300_000));
        ensure!(owner.read(photo).await? == bytes(2, 20_000));
        ensure!(owner.vault.open_draft(&draft)?.as_slice() == b"not added yet");
    }
    let inbox = owner.vault.look_into_inbox(&owner.browser).await?;
    ensure!(inbox.waiting.len() == 2, "{:?}", inbox.quarantined);
    let mut read = Vec::new();
    for deposit_id in inbox.waiting {
        let reading = owner.vault.deposit_reading(deposit_id)?;
        let sealed = owner.browser.ship(reading.call.clone(), Some(owner.vault.token())).await?;
        read.push(reading.open(&sealed)?.to_vec());
    }
    read.sort();
    ensure!(read == [b"sealed after".to_vec(), b"sealed before".to_vec()]);
    let trace = owner.vault.trace();
    ensure!(trace.iter().filter(|it| it.sentence == Sentence::NewGeneration).count() == 1);
    owner.add("Bail", b"written after").await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe(), "the log has the head and the mark");
    Ok(())
}

async fn what_was_given_goes_on_under_another_key(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", b"first").await?;
    let given = owner.give(team.structure_id, &[passport]).await?;
    server.app().publish().await?;
    team.worker.look().await?;
    ensure!(team.worker.open_and_read(given, passport).await? == b"first");
    let mut owner = owner.begin_generation().await?;
    // What was given is read as before, under the head of another device.
    server.app().publish().await?;
    team.worker.look().await?;
    ensure!(team.worker.open_and_read(given, passport).await? == b"first");
    let words = owner.vault.grants(owner.browser.now());
    ensure!(words.len() == 1 && words[0].words.is_some(), "the owner reads what was said with it");
    // Whoever knew the root may have the grant's key: the next write takes another.
    owner.vault.add(&owner.browser, Some(passport), b"second", &card("Passeport")).await?;
    let live: Vec<_> = owner
        .vault
        .manifest()
        .grants()
        .filter(|it| matches!(it.recipient, RecipientName::Structure { .. }))
        .map(|it| it.grant_id)
        .collect();
    ensure!(live.len() == 1 && live[0] != given);
    let given = owner.vault.grants(owner.browser.now());
    ensure!(given.len() == 1 && given[0].renewed_at.is_none(), "nobody left the structure");
    ensure!(!owner.vault.trace().iter().any(|it| matches!(it.sentence, Sentence::Renewed(_))));
    server.app().publish().await?;
    team.worker.look().await?;
    ensure!(team.worker.open_and_read(live[0], passport).await? == b"second");
    // Once is enough.
    owner.vault.add(&owner.browser, Some(passport), b"third", &card("Passeport")).await?;
    ensure!(owner.vault.manifest().grant(live[0]).is_some());
    owner.vault.take_back(&owner.browser, live[0]).await?;
    ensure!(team.worker.open_and_read(live[0], passport).await.is_err());
    Ok(())
}

async fn a_lost_answer_makes_one_generation(server: Server) -> Result<()> {
    for (cut, tries) in [(Cut::Call, 2), (Cut::Answer, 1)] {
        let mut owner = server.person().await?;
        owner.add("Passeport", b"mine").await?;
        let drawn = Drawn::draw_again(&owner.vault, &mut owner.browser.rng());
        let Person { browser, vault, .. } = owner;
        browser.cut(cut, "/v1/generations");
        let mut vault = Some(vault);
        let mut begun = None;
        for _ in 0..tries {
            let old = vault.take().context("a safe")?;
            match Box::pin(old.begin_generation(&browser, &drawn, &Ways::on_paper())).await {
                Ok(new) => begun = Some(new),
                Err(stayed) => vault = Some(*stayed.vault),
            }
        }
        let new = begun.context("a generation")?;
        ensure!(new.manifest().keys().generation == 2);
        ensure!(titles(&new) == ["Passeport"]);
        let said: Vec<_> = browser.signed();
        let firsts = said.iter().filter(|bytes| {
            let said =
                reconnect_format::Unverified::<reconnect_format::statement::Statement>::decode(
                    bytes,
                );
            said.is_ok_and(|it| matches!(it.claim().body, Body::NewGeneration { .. }))
        });
        let firsts: std::collections::BTreeSet<_> = firsts.collect();
        ensure!(firsts.len() <= 1, "{} were signed", firsts.len());
    }
    Ok(())
}

async fn whoever_writes_first_is_taken_in(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let phone = server.browser();
    let mut other = owner.with_sheet(&phone, true).await?;
    let drawn = Drawn::draw_again(&owner.vault, &mut owner.browser.rng());
    let Person { browser, mut vault, .. } = owner;
    vault.sync(&browser).await?;
    browser.cut(Cut::OnItsWay, "/v1/generations");
    let stayed = Box::pin(vault.begin_generation(&browser, &drawn, &Ways::on_paper())).await;
    let vault = stayed.err().context("no answer")?.vault;
    other.add(&phone, None, b"written meanwhile", &card("Bail")).await?;
    // What was on its way comes too late.
    browser.let_through().await?;
    let new = Box::pin(vault.begin_generation(&browser, &drawn, &Ways::on_paper())).await?;
    ensure!(titles(&new) == ["Bail"]);
    let bail = new.papers()[0].document_id;
    ensure!(read(&new, &browser, bail).await? == b"written meanwhile");
    Ok(())
}

async fn a_mark_that_is_kept_back_is_missed(server: Server) -> Result<()> {
    let owner = server.person().await?.begin_generation().await?;
    let mut connection = dump::connect(server.config()).await?;
    let marks = sqlx::query("delete from log_waiting where is_head = 2");
    ensure!(marks.execute(&mut connection).await?.rows_affected() == 1);
    server.app().publish().await?;
    server.clock().advance(11 * 60);
    server.app().publish().await?;
    let missed = owner.with_words(&server.browser(), false).await.map(drop);
    ensure!(missed == Err(ServerMisbehaved::Withheld.into()), "{missed:?}");
    Ok(())
}

/// The log says that a safe went over to another root than its chain: from a generation that is over, and from
/// the one that it has.
async fn a_generation_that_the_log_does_not_know_so_is_refused(server: Server) -> Result<()> {
    for of_before in [true, false] {
        let owner = server.person().await?.begin_generation().await?;
        let mut connection = dump::connect(server.config()).await?;
        if of_before {
            let marks = sqlx::query("delete from log_waiting where is_head = 2");
            ensure!(marks.execute(&mut connection).await?.rows_affected() == 1);
        }
        server.app().publish().await?;
        ensure!(owner.with_words(&server.browser(), false).await.is_ok(), "nothing is there yet");
        let over = if of_before { 1 } else { 2 };
        let mark = owner.vault.generation_mark(over);
        let (account_id, stranger) = (owner.vault.account_id(), PublicKey([7; 32]));
        let (index, value) = generation_mark(account_id, (&mark, over), &stranger);
        sqlx::query(
            "insert into log_waiting (log_index, value, sequence, is_head) values ($1, $2, 5, 2)",
        )
        .bind(index.as_slice())
        .bind(value.as_slice())
        .execute(&mut connection)
        .await?;
        server.app().publish().await?;
        let refused = owner.with_words(&server.browser(), false).await.map(drop);
        ensure!(refused == Err(ServerMisbehaved::Withheld.into()), "{of_before}: {refused:?}");
    }
    Ok(())
}

/// With the root one can retire devices under any mark: not under that of a generation.
async fn nobody_spoils_the_mark_of_a_generation(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", b"first").await?;
    let given = owner.give(team.structure_id, &[passport]).await?;
    let throwaway = owner.with_words(&server.browser(), true).await?.device_id();
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_under_a_generations_mark(&owner.browser, throwaway, 1).await?;
    server.app().publish().await?;
    for _ in 0..2 {
        team.worker.look().await?;
        ensure!(team.worker.open_and_read(given, passport).await? == b"first");
        owner = owner.begin_generation().await?;
        server.app().publish().await?;
    }
    Ok(())
}

async fn a_second_generation_follows_the_first(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", b"first").await?;
    let draft = owner.vault.seal_draft(b"of the first", &mut owner.browser.rng())?;
    let owner = owner.begin_generation().await?;
    let mut owner = owner.begin_generation().await?;
    ensure!(owner.vault.manifest().keys().generation == 3);
    ensure!(owner.vault.open_draft(&draft)?.as_slice() == b"of the first");
    let given = owner.give(team.structure_id, &[passport]).await?;
    server.app().publish().await?;
    team.worker.look().await?;
    ensure!(team.worker.open_and_read(given, passport).await? == b"first");
    let elsewhere = server.browser();
    let there = owner.with_sheet(&elsewhere, false).await?;
    ensure!(read(&there, &elsewhere, passport).await? == b"first");
    ensure!(there.open_draft(&draft)?.as_slice() == b"of the first");
    team.worker.deposit(owner.vault.account_id(), b"for the third").await?;
    let inbox = owner.vault.look_into_inbox(&owner.browser).await?;
    ensure!(inbox.waiting.len() == 1 && inbox.quarantined.is_empty());
    Ok(())
}

async fn whoever_works_is_let_in_again(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let passport = owner.add("Passeport", b"given before").await?;
    let given = owner.give(team.structure_id, &[passport]).await?;
    let mut worker = team.worker.person.begin_generation().await?;
    let mut desk = Desk::resume(&mut worker.vault, &worker.browser).await?.context("a place")?;
    team.manager.settle().await?;
    desk.settle(&mut worker.vault, &worker.browser).await?;
    server.app().publish().await?;
    let mut more = desk.look(&mut worker.vault, &worker.browser).await?;
    while more {
        more = desk.learn_more(&mut worker.vault, &worker.browser).await?;
    }
    let Person { browser, vault, .. } = &mut worker;
    desk.open(vault, browser, given).await?;
    let reading = desk.reading(vault, browser, given, passport).await?;
    let bytes = browser.ship(reading.call.clone(), Some(vault.token())).await?;
    ensure!(reading.open(&bytes)?.as_slice() == b"given before");
    // Owners count what they sign.
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    ensure!(owner.vault.openings().iter().any(|it| it.document_id == Some(passport)));
    Ok(())
}

async fn a_card_begins_a_generation_too(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let Person { browser, vault, .. } = owner;
    let drawn = Drawn::draw_again(&vault, &mut browser.rng());
    let pin = "271828";
    let one = Ways { card: Some((Pin::parse(pin)?, 7)), ..Ways::default() };
    let alone = Box::pin(vault.begin_generation(&browser, &drawn, &one)).await;
    let stayed = alone.err().context("one way back is not enough")?;
    ensure!(matches!(stayed.error, Error::Refused(_)));
    let two = Ways { words: true, sheet: false, card: Some((Pin::parse(pin)?, 7)) };
    let vault = Box::pin(stayed.vault.begin_generation(&browser, &drawn, &two)).await?;
    let locks = vault.locks(&browser).await?;
    ensure!(locks.len() == 2 && locks.iter().any(|it| it.mark == 7));
    let elsewhere = server.browser();
    let pin = Pin::parse(pin)?;
    let there = Vault::unlock_with_card(&elsewhere, drawn.card(), &pin, false);
    ensure!(Box::pin(there).await?.manifest().keys().generation == 2);
    Ok(())
}
