//! Another key for one paper: who may see it sees it still, and the old keys open nothing.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Damaged, Error},
    vault::upload_begin,
    world::World as _,
};
use reconnect_format::{api::Code, envelope::EnvelopeRef, id::DocumentId};
use reconnect_tests::{
    browser::Cut,
    dump,
    stage::{Person, Server, bytes, parts},
    team::Team,
};

super::on_both_databases! {
    a_paper_with_another_key_is_the_same_paper_and_the_old_one_is_gone,
    who_may_see_it_sees_it_still,
    who_kept_the_old_key_opens_nothing_of_what_is_there,
    a_change_whose_answer_was_lost_is_made_once,
    a_change_that_was_outrun_covers_nothing,
}

fn named(owner: &Person, id: DocumentId) -> Result<Vec<EnvelopeRef>> {
    let record = owner.vault.manifest().document(id).context("it is there")?;
    Ok(record.envelopes().cloned().collect())
}

/// How many rows name an envelope.
async fn rows_of(server: &Server, table: &str, envelope: &EnvelopeRef) -> Result<i64> {
    let mut connection = dump::connect(server.config()).await?;
    let query = format!("select count(*) from {table} where envelope_id = $1");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(envelope.envelope_id.as_bytes())
        .fetch_one(&mut connection)
        .await?)
}

async fn a_paper_with_another_key_is_the_same_paper_and_the_old_one_is_gone(
    server: Server,
) -> Result<()> {
    let mut owner = server.person().await?;
    let photo = bytes(1, 9_000_000);
    let id = owner.add("Passeport", &photo).await?;
    server.clock().advance(60);
    let second = owner.add("Facture", b"2").await?;
    let before = named(&owner, id)?;
    let old_files = server.blobs().await?;
    let Person { browser, vault, .. } = &mut owner;
    vault.rename(browser, id, "Passeport malien").await?;
    let order: Vec<_> = vault.papers().iter().map(|paper| paper.document_id).collect();
    let added_at = vault.papers()[0].card.map_err(|_| Damaged)?.added_at();
    let used = vault.used_bytes();
    server.clock().advance(3_600);
    vault.change_key(browser, id).await?;

    let paper = &vault.papers()[0];
    let card = paper.card.map_err(|_| Damaged)?;
    ensure!(card.title() == "Passeport malien" && card.added_at() == added_at);
    ensure!(vault.papers().iter().map(|it| it.document_id).eq(order), "it moved");
    ensure!(vault.used_bytes() == used, "it takes another room than before");
    ensure!(*vault.thumbnail(browser, id).await? == *b"a small picture of Passeport");
    ensure!(owner.read(id).await? == photo && owner.read(second).await? == b"2");
    let after = named(&owner, id)?;
    ensure!(after.len() == 3 && after[0].version == 2 && after[1].version == 3);
    for (old, new) in before.iter().zip(&after) {
        ensure!(old.envelope_id != new.envelope_id && old.header_hash != new.header_hash);
        ensure!(old.tree_root != new.tree_root);
        for table in ["envelope", "part", "wrap"] {
            ensure!(rows_of(&server, table, old).await? == 0, "{table} still has it");
        }
        ensure!(rows_of(&server, "wrap", new).await? == 1);
    }
    // Not unlinked alone: the next sweep erases the bytes.
    ensure!(rows_of(&server, "doomed", &before[0]).await? == 1);
    server.app().sweep().await?;
    ensure!(rows_of(&server, "doomed", &before[0]).await? == 0);
    let left = server.blobs().await?;
    let folder = before[0].envelope_id.to_string();
    ensure!(old_files.iter().any(|file| file.name.contains(&folder)), "{old_files:?}");
    ensure!(!left.iter().any(|file| file.name.contains(&folder)), "{left:?}");
    ensure!(owner.read(id).await? == photo);
    Ok(())
}

async fn who_may_see_it_sees_it_still(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let photo = bytes(1, 400_000);
    let id = owner.add("Passeport", &photo).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?[0].documents[0].version == 1);
    ensure!(team.worker.read(grant_id, id).await? == photo);
    owner.vault.change_key(&owner.browser, id).await?;
    // The list that is open is of before: opening says so, and looking again is enough.
    let stale = team.worker.read(grant_id, id).await.err().context("an older version was given")?;
    ensure!(matches!(&stale, Error::Refused(problem) if problem.code == Code::Conflict), "{stale}");
    let gifts = team.worker.received().await?;
    ensure!(gifts.len() == 1 && gifts[0].grant_id == grant_id);
    ensure!(gifts[0].documents[0].version == 2);
    ensure!(team.worker.read(grant_id, id).await? == photo);
    let Person { browser, vault, .. } = &mut team.worker.person;
    let picture = team.worker.desk.thumbnail(vault, browser, grant_id, id).await?;
    ensure!(*picture == *b"a small picture of Passeport");
    // Somebody who comes later reads it as well.
    ensure!(team.manager.received().await?.len() == 1);
    ensure!(team.manager.read(grant_id, id).await? == photo);
    Ok(())
}

async fn who_kept_the_old_key_opens_nothing_of_what_is_there(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let photo = bytes(1, 40_000);
    let id = owner.add("Passeport", &photo).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    team.worker.received().await?;
    // What the worker keeps: the document key. What they copied of the server: everything.
    let Person { browser, vault, .. } = &mut team.worker.person;
    let mut kept = team.worker.desk.reading(vault, browser, grant_id, id).await?;
    let old = browser.ship(kept.call.clone(), Some(vault.token())).await?;
    ensure!(*kept.open(&old)? == *photo);

    owner.vault.take_back(&owner.browser, grant_id).await?;
    ensure!(*kept.open(&old)? == *photo, "taking back alone reaches no copy");
    owner.vault.change_key(&owner.browser, id).await?;
    server.app().sweep().await?;

    // A later copy of database and blobs, with what names it: the newest statement is in it.
    let newest = named(&owner, id)?;
    let reading = owner.vault.reading(id)?;
    let new = owner.browser.ship(reading.call.clone(), Some(owner.vault.token())).await?;
    ensure!(*reading.open(&new)? == *photo, "the copy is the paper");
    kept.named = newest[0].clone();
    ensure!(kept.open(&new) == Err(Damaged), "the old key opened it");
    ensure!(kept.plan(&new).is_err());
    // Nothing that the old one opens is there any more, nor a wrap under the grant.
    let store = server.store()?;
    let chunk = old.get(old.len() - 64..).context("an end")?;
    for file in server.blobs().await? {
        let bytes = store.read(&file).await?;
        ensure!(!reconnect_tests::scan::contains(&bytes, chunk), "the old blob is still there");
    }
    let mut connection = dump::connect(server.config()).await?;
    let wraps: i64 = sqlx::query_scalar("select count(*) from wrap where grant_id = $1")
        .bind(grant_id.as_bytes())
        .fetch_one(&mut connection)
        .await?;
    ensure!(wraps == 0);
    Ok(())
}

async fn a_change_whose_answer_was_lost_is_made_once(server: Server) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let mut owner = server.person().await?;
        let photo = bytes(3, 50_000);
        let id = owner.add("Passeport", &photo).await?;
        let reading = owner.vault.reading(id)?;
        let token = owner.vault.token().to_owned();
        let sealed = owner.browser.ship(reading.call.clone(), Some(&token)).await?;
        let plain = reading.open(&sealed)?;
        let size = plain.len() as u64;
        let draft = owner.vault.begin_content(&owner.browser, Some(id), size)?;
        let (pieces, leaves) = parts(&draft.plan, &plain);
        owner.browser.ship(upload_begin(&draft), Some(&token)).await?;
        let part = reconnect_core::vault::upload_part(draft.envelope_id, 0, pieces[0].clone());
        owner.browser.ship(part, Some(&token)).await?;
        for _ in 0..2 {
            owner.browser.cut(when, "/v1/statements");
        }
        let Person { browser, vault, .. } = &mut owner;
        let lost = vault.finish_key_change(browser, &draft, &leaves).await;
        ensure!(matches!(lost, Ok(()) | Err(Error::Offline)), "{lost:?}");
        vault.finish_key_change(browser, &draft, &leaves).await?;
        let before = vault.manifest().sequence();
        vault.finish_key_change(browser, &draft, &leaves).await?;
        ensure!(vault.manifest().sequence() == before, "it was made twice");
        ensure!(owner.read(id).await? == photo);
        ensure!(named(&owner, id)?[0].version == 2);
    }
    Ok(())
}

async fn a_change_that_was_outrun_covers_nothing(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Facture", b"march").await?;
    let draft = owner.vault.begin_content(&owner.browser, Some(id), 5)?;
    let (pieces, leaves) = parts(&draft.plan, b"march");
    let token = owner.vault.token().to_owned();
    owner.browser.ship(upload_begin(&draft), Some(&token)).await?;
    let part = reconnect_core::vault::upload_part(draft.envelope_id, 0, pieces[0].clone());
    owner.browser.ship(part, Some(&token)).await?;
    // Another device puts a newer version while this one is still sealing.
    let elsewhere = server.browser();
    let mut laptop = owner.with_sheet(&elsewhere, true).await?;
    let april = reconnect_tests::stage::card("Facture");
    laptop.add(&elsewhere, Some(id), b"april", &april).await?;
    let outrun = owner.vault.finish_key_change(&owner.browser, &draft, &leaves).await.err();
    ensure!(outrun.as_ref().map(Error::code) == Some("conflict"), "{outrun:?}");
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.read(id).await? == b"april");
    Ok(())
}
