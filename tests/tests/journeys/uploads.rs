//! Large papers in parts, cuts on the way, damage on the disk, limits.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Damaged, Error},
    vault::{Vault, upload_begin, upload_part, upload_state},
    world::World as _,
};
use reconnect_format::api::{Call, Code};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Database, Server, bytes, card, parts, read},
};

super::on_both_databases! {
    a_large_paper_goes_up_in_parts_and_resumes_after_a_cut,
    a_paper_with_a_missing_part_is_refused,
    a_part_that_is_not_its_size_or_not_the_same_is_refused,
    an_upload_that_was_given_up_leaves_nothing,
    an_upload_that_nobody_finishes_is_swept,
    a_damaged_paper_says_so_and_the_rest_still_opens,
    a_damaged_card_says_so_and_the_rest_still_opens,
}

/// I-3: parts that are sent again are taken once.
async fn a_large_paper_goes_up_in_parts_and_resumes_after_a_cut(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let photo = bytes(7, 9_500_000);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, leaves) = parts(&draft.plan, &photo);
    ensure!(pieces.len() == 3, "{} parts", pieces.len());
    let token = owner.vault.token().to_owned();
    let ship = async |call: Call| owner.browser.ship(call, Some(&token)).await;
    ship(upload_begin(&draft)).await?;
    ship(upload_part(draft.envelope_id, 2, pieces[2].clone())).await?;
    // The answer is lost, and so is the next call; the page asks what arrived.
    owner.browser.cut(Cut::Answer, "/parts/0");
    ensure!(ship(upload_part(draft.envelope_id, 0, pieces[0].clone())).await.is_err());
    owner.browser.cut(Cut::Call, "/parts/1");
    ensure!(ship(upload_part(draft.envelope_id, 1, pieces[1].clone())).await.is_err());
    let server = server.restart().await?;
    let arrived = owner.vault.parts_arrived(&owner.browser, draft.envelope_id).await?;
    ensure!(arrived == [0, 2], "arrived: {arrived:?}");
    // Declaring again and putting the same part again change nothing.
    ship(upload_begin(&draft)).await?;
    ship(upload_part(draft.envelope_id, 0, pieces[0].clone())).await?;
    ship(upload_part(draft.envelope_id, 1, pieces[1].clone())).await?;
    owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Dossier")).await?;
    ensure!(owner.read(draft.document_id).await? == photo);
    let elsewhere = server.browser();
    let vault = owner.with_sheet(&elsewhere, false).await?;
    ensure!(read(&vault, &elsewhere, draft.document_id).await? == photo);
    Ok(())
}

async fn a_paper_with_a_missing_part_is_refused(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let photo = bytes(7, 5_000_000);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, leaves) = parts(&draft.plan, &photo);
    let token = owner.vault.token().to_owned();
    owner.browser.ship(upload_begin(&draft), Some(&token)).await?;
    let first = upload_part(draft.envelope_id, 0, pieces[0].clone());
    owner.browser.ship(first, Some(&token)).await?;
    let before = server.dump().await?;
    let refused =
        owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Dossier")).await;
    ensure!(refused.is_err_and(|error| error.code() == "refused"));
    let after = server.dump().await?;
    ensure!(before == after, "a refusal changed {}", before.difference(&after));
    // Nothing of it is to be seen, and it can still be finished.
    ensure!(owner.vault.papers().is_empty());
    let last = upload_part(draft.envelope_id, 1, pieces[1].clone());
    owner.browser.ship(last, Some(&token)).await?;
    owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Dossier")).await?;
    ensure!(owner.read(draft.document_id).await? == photo);
    Ok(())
}

/// I-2, I-3: a part is whole and the same, or refused.
async fn a_part_that_is_not_its_size_or_not_the_same_is_refused(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let photo = bytes(7, 300_000);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, leaves) = parts(&draft.plan, &photo);
    let token = owner.vault.token().to_owned();
    owner.browser.ship(upload_begin(&draft), Some(&token)).await?;
    let whole = &pieces[0];
    let put = async |index: u32, bytes: Vec<u8>| {
        owner.browser.send(&upload_part(draft.envelope_id, index, bytes), Some(&token)).await
    };
    for (index, bytes) in [
        (0, whole[..whole.len() - 1].to_vec()),
        (0, [whole.as_slice(), &[0]].concat()),
        (0, Vec::new()),
        (1, whole.clone()),
        (u32::MAX, whole.clone()),
    ] {
        let length = bytes.len();
        let answer = put(index, bytes).await?;
        let refused = (400..500).contains(&answer.status);
        ensure!(refused, "part {index} of {length} bytes: {}", answer.status);
    }
    ensure!(put(0, whole.clone()).await?.status < 300);
    // Other bytes for the same part: the first ones stay, or the finish refuses.
    let mut other = whole.clone();
    other[1000] ^= 1;
    let answer = put(0, other).await?;
    ensure!(answer.status == 409, "other bytes for a part that is there: {}", answer.status);
    owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Photo")).await?;
    ensure!(owner.read(draft.document_id).await? == photo);
    // What is in the safe does not change any more.
    let answer =
        owner.browser.send(&upload_part(draft.envelope_id, 0, whole.clone()), Some(&token)).await?;
    ensure!(owner.read(draft.document_id).await? == photo, "a late part: {}", answer.status);
    Ok(())
}

/// I-9: what was given up leaves nothing.
async fn an_upload_that_was_given_up_leaves_nothing(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let before = server.dump().await?;
    let photo = bytes(7, 300_000);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, _) = parts(&draft.plan, &photo);
    let token = Some(owner.vault.token());
    owner.browser.ship(upload_begin(&draft), token).await?;
    owner.browser.ship(upload_part(draft.envelope_id, 0, pieces[0].clone()), token).await?;
    ensure!(server.blobs().await?.len() == 1);
    let give_up = Call::remove(format!("/v1/envelopes/{}", draft.envelope_id));
    owner.browser.ship(give_up.clone(), token).await?;
    server.app().sweep().await?;
    let after = server.dump().await?;
    ensure!(before == after, "left behind: {}", before.difference(&after));
    let gone = owner.browser.send(&upload_state(draft.envelope_id), token).await?;
    ensure!(gone.status == 404);
    Ok(())
}

/// I-4: what nobody finishes goes.
async fn an_upload_that_nobody_finishes_is_swept(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let before = server.dump().await?;
    let photo = bytes(7, 300_000);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, _) = parts(&draft.plan, &photo);
    let token = Some(owner.vault.token());
    owner.browser.ship(upload_begin(&draft), token).await?;
    owner.browser.ship(upload_part(draft.envelope_id, 0, pieces[0].clone()), token).await?;
    server.app().sweep().await?;
    ensure!(server.blobs().await?.len() == 1, "the sweep removed what is being uploaded");
    server.pass(8).await?;
    let passing = ["handle_tries", "session", "server"];
    let after = server.dump().await?.without(&passing);
    let before = before.without(&passing);
    ensure!(before == after, "left behind: {}", before.difference(&after));
    Ok(())
}

/// I-7: damage in storage is said, and the rest opens.
async fn a_damaged_paper_says_so_and_the_rest_still_opens(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let (large, small) = (bytes(1, 700_000), bytes(2, 20_000));
    let damaged = owner.add("Abîmé", &large).await?;
    let sound = owner.add("Intact", &small).await?;
    let blob = server.blobs().await?.into_iter().next().context("no blob")?;
    let store = server.store()?;
    let mut content = store.read(&blob).await?;
    let middle = content.len() / 2;
    content[middle] ^= 0x10;
    store.write(&blob, content.clone()).await?;
    ensure!(owner.read(damaged).await == Err(Error::Damaged(Damaged)));
    ensure!(owner.read(sound).await? == small);
    // Truncated: whether the server notices or the reader does, it never looks whole.
    store.write(&blob, content[..middle].to_vec()).await?;
    let cut = owner.read(damaged).await;
    ensure!(cut.is_err(), "a truncated file looked whole");
    ensure!(owner.read(sound).await? == small);
    // The owner adds the original again.
    owner.vault.add(&owner.browser, Some(damaged), &large, &card("Réparé")).await?;
    ensure!(owner.read(damaged).await? == large);
    Ok(())
}

/// I-7: so is damage of what describes a paper.
async fn a_damaged_card_says_so_and_the_rest_still_opens(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let damaged = owner.add("Abîmé", b"one").await?;
    let sound = owner.add("Intact", b"two").await?;
    let record = owner.vault.manifest().document(damaged).context("no document")?;
    let card_id = record.card.envelope_id;
    let mut connection = dump::connect(server.config()).await?;
    let whole: Vec<u8> = sqlx::query_scalar("select whole from envelope where envelope_id = $1")
        .bind(card_id.as_bytes())
        .fetch_one(&mut connection)
        .await?;
    let mut flipped = whole.clone();
    flipped[400] ^= 1;
    sqlx::query("update envelope set whole = $1 where envelope_id = $2")
        .bind(flipped)
        .bind(card_id.as_bytes())
        .execute(&mut connection)
        .await?;
    let elsewhere = server.browser();
    let vault = owner.with_sheet(&elsewhere, false).await?;
    let states: Vec<_> =
        vault.papers().iter().map(|paper| (paper.document_id, paper.card.is_ok())).collect();
    ensure!(states.contains(&(damaged, false)) && states.contains(&(sound, true)), "{states:?}");
    ensure!(read(&vault, &elsewhere, sound).await? == b"two");
    ensure!(read(&vault, &elsewhere, damaged).await == Err(Error::Damaged(Damaged)));
    // It can still be removed.
    let mut vault: Vault = vault;
    vault.remove(&elsewhere, damaged).await?;
    ensure!(vault.papers().len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_before_anything_of_it_is_sent() -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::with(database, |config| config.file_limit_bytes = 1_000_000).await?;
        let mut owner = server.person().await?;
        // The limit is for what the person has, not for its padding.
        let id = owner.add("Juste", &bytes(1, 1_000_000)).await?;
        ensure!(owner.read(id).await? == bytes(1, 1_000_000));
        let before = server.dump().await?;
        let draft = owner.vault.begin_content(&owner.browser, None, 1_100_000)?;
        let token = Some(owner.vault.token());
        let refused = owner.browser.send(&upload_begin(&draft), token).await?;
        ensure!(refused.status == 413 && refused.code() == Some(Code::FileTooLarge));
        let problem: reconnect_format::api::Problem = serde_json::from_slice(&refused.body)?;
        ensure!(problem.limit_bytes == Some(1_000_000), "{problem:?}");
        ensure!(server.dump().await? == before);
    }
    Ok(())
}

/// I-24: a safe takes no more than its limit, and has room again after a removal.
#[tokio::test]
async fn a_full_safe_says_so_and_has_room_again_after_a_removal() -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::with(database, |config| {
            config.file_limit_bytes = 300_000;
            config.account_limit_bytes = 700_000;
        })
        .await?;
        let mut owner = server.person().await?;
        let first = owner.add("Un", &bytes(1, 250_000)).await?;
        owner.add("Deux", &bytes(2, 250_000)).await?;
        let full = owner.add("Trois", &bytes(3, 250_000)).await;
        let Err(Error::Refused(problem)) = full else { anyhow::bail!("a third one fits") };
        ensure!(problem.code == Code::QuotaFull, "{problem:?}");
        ensure!(problem.limit_bytes == Some(700_000), "{problem:?}");
        owner.vault.sync(&owner.browser).await?;
        ensure!(owner.vault.used_bytes() <= 700_000);
        owner.vault.remove(&owner.browser, first).await?;
        owner.add("Trois", &bytes(3, 250_000)).await?;
    }
    Ok(())
}
