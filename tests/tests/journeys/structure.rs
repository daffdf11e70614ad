//! Owners give to a structure and take back; its people read what they were given.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    document::Card,
    error::Error,
    vault::{Comparison, Desk, GrantState, Sentence, Standing},
    world::World as _,
};
use reconnect_format::{
    api::{Call, CallBody},
    id::GrantId,
};
use reconnect_tests::{
    browser::{Cut, Exchange},
    dump,
    scan::contains,
    stage::{DAY, Person, Server, bytes, card},
    team::{Member, Team},
    wire::Answer,
};

super::on_both_databases! {
    both_workers_read_what_was_given_and_nothing_else,
    later_versions_follow_a_grant,
    the_receipt_is_stored_before_anything_leaves,
    from_the_answer_that_takes_back_nothing_is_given_out,
    when_the_end_date_passes_nothing_is_given_out_and_the_sweep_removes_it,
    another_chain_for_a_structure_that_was_compared_is_refused,
    a_code_that_differs_gives_nothing,
    removing_a_paper_takes_it_from_everybody,
    everything_goes_on_after_a_restart_and_from_another_browser,
}

async fn both_workers_read_what_was_given_and_nothing_else(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let photo = bytes(1, 600_000);
    let given = owner.add("Passeport", &photo).await?;
    let kept = owner.add("Ordonnance", b"private").await?;
    let grant_id = owner.give(team.structure_id, &[given]).await?;
    for member in [&mut team.manager, &mut team.worker] {
        let gifts = member.received().await?;
        ensure!(gifts.len() == 1 && gifts[0].grant_id == grant_id);
        let gift = &gifts[0];
        ensure!(gift.signed_as == "Aminata D." && gift.purpose == "Demande de logement");
        ensure!(gift.documents.len() == 1 && gift.documents[0].document_id == given);
        let title = gift.documents[0].card.as_ref().map(|card| card.title().to_owned());
        ensure!(title.as_deref() == Ok("Passeport"));
        ensure!(member.read(grant_id, given).await? == photo);
        let Person { browser, vault, .. } = &mut member.person;
        let picture = member.desk.thumbnail(vault, browser, grant_id, given).await?;
        ensure!(*picture == *b"a small picture of Passeport");
        // The other paper: not listed, not opened, not fetched, by nobody's request.
        for what in ["content", "thumbnail"] {
            for path in [
                format!("/v1/received/{grant_id}/documents/{kept}/{what}"),
                format!("/v1/documents/{kept}/{what}"),
                format!("/v1/documents/{given}/{what}"),
            ] {
                let answer = browser.send(&Call::read(path.clone()), Some(vault.token())).await?;
                ensure!(answer.status == 404, "{path}: {}", answer.status);
            }
        }
        ensure!(member.read(grant_id, kept).await.is_err());
    }
    // The owner's trace: given, and opened by whom.
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    let openings = owner.vault.openings();
    for number in [1, 2] {
        for document_id in [None, Some(given)] {
            let seen = openings
                .iter()
                .any(|it| it.worker_number == number && it.document_id == document_id);
            ensure!(seen, "worker {number} and {document_id:?}: {openings:?}");
        }
    }
    ensure!(openings.iter().all(|it| it.structure_id == team.structure_id));
    let grants = owner.vault.grants(owner.browser.now());
    ensure!(grants.len() == 1 && grants[0].state == GrantState::Live);
    Ok(())
}

async fn later_versions_follow_a_grant(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    ensure!(team.worker.read(grant_id, id).await? == bytes(1, 50_000));

    owner.vault.add(&owner.browser, Some(id), &bytes(2, 90_000), &card("Passeport neuf")).await?;
    let gifts = team.worker.received().await?;
    let paper = &gifts[0].documents[0];
    ensure!(paper.version == 2, "version {}", paper.version);
    ensure!(paper.card.as_ref().map(Card::title) == Ok("Passeport neuf"));
    ensure!(team.worker.read(grant_id, id).await? == bytes(2, 90_000));
    owner.vault.rename(&owner.browser, id, "Passeport, page 2").await?;
    let gifts = team.manager.received().await?;
    let title = gifts[0].documents[0].card.as_ref().map(|it| it.title().to_owned());
    ensure!(title.as_deref() == Ok("Passeport, page 2"));
    ensure!(team.manager.read(grant_id, id).await? == bytes(2, 90_000));
    // A version that was replaced cannot be opened by a request that still names it.
    owner.vault.add(&owner.browser, Some(id), &bytes(3, 10_000), &card("Encore")).await?;
    let stale = team.worker.read(grant_id, id).await.err();
    ensure!(stale.as_ref().map(Error::code) == Some("conflict"), "{stale:?}");
    team.worker.received().await?;
    ensure!(team.worker.read(grant_id, id).await? == bytes(3, 10_000));
    Ok(())
}

/// I-8, I-23: who opens what is kept for its owner before anything leaves.
async fn the_receipt_is_stored_before_anything_leaves(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    // Without a receipt there is nothing, even for somebody who may read.
    let base = format!("/v1/received/{grant_id}/documents/{id}");
    let Person { browser, vault, .. } = &team.worker.person;
    for what in ["content", "thumbnail"] {
        let call = Call::read(format!("{base}/{what}"));
        let answer = browser.send(&call, Some(vault.token())).await?;
        ensure!(answer.status == 404, "{what} without a receipt: {}", answer.status);
    }
    // The answer is lost: the owner knows all the same.
    team.worker.received().await?;
    team.worker.browser().cut(Cut::Answer, "/open");
    ensure!(team.worker.read(grant_id, id).await == Err(Error::Offline));
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    let known = owner.vault.openings().iter().any(|it| it.document_id == Some(id));
    ensure!(known, "bytes left without a receipt");
    // A repeated request is one opening; a receipt for the list gives no document.
    let calls = posted(&server, "/open");
    let call = calls.last().context("nothing was posted")?;
    let before = server.dump().await?;
    let again = browser_send(&team.worker, call).await?;
    ensure!(again.status == 200 && server.dump().await? == before);
    let list = posted(&server, "/list").pop().context("no list was asked for")?;
    let crossed = Call { path: call.path.clone(), ..list };
    let refused = browser_send(&team.worker, &crossed).await?;
    ensure!(refused.status == 422, "{}", refused.status);
    // Somebody else's receipt is not mine.
    let stolen = browser_send(&team.manager, call).await?;
    ensure!(stolen.status == 422, "{}", stolen.status);
    // Receipts age: content and picture ask for a new one.
    let aging = ["content", "thumbnail"].map(|what| Call::read(format!("{base}/{what}")));
    for call in &aging {
        ensure!(browser_send(&team.worker, call).await?.status == 200, "{}", call.path);
    }
    server.clock().advance(3601);
    for call in &aging {
        ensure!(browser_send(&team.worker, call).await?.status == 404, "{}", call.path);
    }
    let lists = posted(&server, "/list").len();
    let Person { browser, vault, .. } = &mut team.worker.person;
    let picture = team.worker.desk.thumbnail(vault, browser, grant_id, id).await?;
    ensure!(*picture == *b"a small picture of Passeport");
    ensure!(posted(&server, "/list").len() == lists + 1, "a look without a receipt");
    Ok(())
}

/// Whether an answer says nothing of what was given: refused, or an empty list.
fn is_gone(call: &Call, answer: &Answer) -> bool {
    let lists = ["/v1/received", "/v1/received/faces"].contains(&call.path.as_str());
    let nothing = [br#"{"grants":[]}"#.as_slice(), br#"{"faces":[]}"#];
    answer.status == 404 || (lists && nothing.contains(&answer.body.as_slice()))
}

/// I-10: every request of before, again after the answer.
async fn from_the_answer_that_takes_back_nothing_is_given_out(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let other = owner.add("Photo", &bytes(2, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    for member in [&mut team.manager, &mut team.worker] {
        member.received().await?;
        ensure!(member.read(grant_id, id).await? == bytes(1, 50_000));
    }
    let wraps = wraps_of(&server, grant_id).await?;
    ensure!(wraps.len() > 3, "{} wraps", wraps.len());
    let asked = requests_of_grantees(&server);
    ensure!(asked.len() > 6, "{} requests", asked.len());
    owner.vault.take_back(&owner.browser, grant_id).await?;

    let from = server.recording().borrow().len();
    for member in [&mut team.manager, &mut team.worker] {
        // Every request that was ever made, by hand, again.
        for call in &asked {
            let answer = browser_send(member, call).await?;
            ensure!(is_gone(call, &answer), "{} {}: {}", call.method, call.path, answer.status);
        }
        // It was there a moment ago: more than that it is gone is not known.
        ensure!(member.read(grant_id, id).await.err() == Some(Error::TakenBack));
        ensure!(member.received().await?.is_empty());
        let ended = member.read(grant_id, id).await.err();
        ensure!(ended == Some(Error::GrantEnded), "{ended:?}");
    }
    let record = owner.vault.manifest().document(id).context("the owner keeps it")?;
    let sealed = blob_start(&server, record.content.envelope_id.to_string()).await?;
    for exchange in &server.recording().borrow()[from..] {
        for wrap in &wraps {
            let text: String = reconnect_format::id::Base64(wrap.clone()).into();
            let told = contains(&exchange.answer.body, wrap)
                || contains(&exchange.answer.body, text.as_bytes());
            ensure!(!told, "{} gave a wrap", exchange.head);
        }
        ensure!(!contains(&exchange.answer.body, &sealed), "{} gave content", exchange.head);
    }
    ensure!(wraps_of(&server, grant_id).await?.is_empty(), "wraps are still stored");
    // The owner still reads, the trace says what happened, and giving again works.
    ensure!(owner.read(id).await? == bytes(1, 50_000));
    owner.vault.learn_structures(&owner.browser).await?;
    let trace = owner.vault.trace();
    let place =
        |wanted: &dyn Fn(&Sentence) -> bool| trace.iter().position(|entry| wanted(&entry.sentence));
    let given = place(&|it| matches!(it, Sentence::Given { .. })).context("given")?;
    let opened = place(&|it| matches!(it, Sentence::Opened(_))).context("opened")?;
    let taken = place(&|it| {
        matches!(it, Sentence::TakenBack { structure_id: Some(to), .. }
        if *to == team.structure_id)
    });
    ensure!(taken.is_some() && opened < trace.len() && given < trace.len());
    ensure!(owner.vault.grants(owner.browser.now())[0].state == GrantState::TakenBack);
    let again = owner.give(team.structure_id, &[id, other]).await?;
    let gifts = team.worker.received().await?;
    ensure!(gifts.len() == 1 && gifts[0].grant_id == again && gifts[0].documents.len() == 2);
    Ok(())
}

async fn when_the_end_date_passes_nothing_is_given_out_and_the_sweep_removes_it(
    server: Server,
) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    team.worker.received().await?;
    team.worker.read(grant_id, id).await?;
    let asked = requests_of_grantees(&server);
    server.pass(29).await?;
    server.clock().advance(DAY);
    // Sessions ended long ago: people come in again.
    let browser = team.worker.browser();
    let vault = team.worker.person.with_sheet(browser, true).await?;
    for call in &asked {
        let answer = browser.send(call, Some(vault.token())).await?;
        ensure!(is_gone(call, &answer), "{} {}: {}", call.method, call.path, answer.status);
    }
    let list = browser.send(&Call::read("/v1/received"), Some(vault.token())).await?;
    ensure!(list.body == br#"{"grants":[]}"#, "{}", String::from_utf8_lossy(&list.body));
    ensure!(!wraps_of(&server, grant_id).await?.is_empty(), "the sweep came before");
    server.app().sweep().await?;
    ensure!(wraps_of(&server, grant_id).await?.is_empty(), "wraps are still stored");
    let again = server.browser();
    let vault = owner.with_sheet(&again, true).await?;
    let grants = vault.grants(again.now());
    ensure!(grants.len() == 1 && grants[0].state == GrantState::Ended);
    // New versions are written without it.
    let mut vault = vault;
    vault.add(&again, Some(id), &bytes(2, 100), &card("Passeport")).await?;
    Ok(())
}

async fn another_chain_for_a_structure_that_was_compared_is_refused(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    owner.give(team.structure_id, &[id]).await?;
    let other = Member::found(server.person().await?, "Accueil de jour", "Lyon").await?;
    // The server shows the other structure's statements under the compared id.
    let mut connection = dump::connect(server.config()).await?;
    for (sequence, bytes) in statements_of(&server, other.desk.structure_id()).await? {
        sqlx::query(
            "update structure_statement set bytes = $1 where structure_id = $2 and sequence = $3",
        )
        .bind(bytes)
        .bind(team.structure_id.as_bytes())
        .bind(sequence)
        .execute(&mut connection)
        .await?;
    }
    let refused = owner.vault.structure(&owner.browser, team.structure_id).await.err();
    ensure!(refused.as_ref().map(Error::code) == Some("other_chain"), "{refused:?}");
    let shipped = statements_sent(&server);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused.as_ref().map(Error::code) == Some("other_chain"), "{refused:?}");
    ensure!(statements_sent(&server) == shipped, "something was given all the same");
    // A chain that lost its newest statement is a rollback.
    sqlx::query("delete from structure_statement where structure_id = $1 and sequence > 1")
        .bind(team.structure_id.as_bytes())
        .execute(&mut connection)
        .await?;
    let refused = owner.vault.structure(&owner.browser, team.structure_id).await.err();
    ensure!(refused.is_some(), "a shorter chain was believed");
    ensure!(team.worker.settle().await.is_err());
    Ok(())
}

async fn a_code_that_differs_gives_nothing(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let before = owner.vault.manifest().sequence();
    let mut typed = team.structure_id.code();
    let last = if typed.ends_with('0') { '1' } else { '0' };
    typed.pop();
    typed.push(last);
    let Person { browser, vault, .. } = &mut owner;
    for (code, why) in [(typed.as_str(), "code_differs"), ("12 34", "code_misread")] {
        let comparison = Comparison::read(code);
        let refused = vault.compare_structure(browser, team.structure_id, comparison).await.err();
        ensure!(refused.as_ref().map(Error::code) == Some(why), "{refused:?}");
    }
    ensure!(vault.manifest().sequence() == before, "something was written down");
    Ok(())
}

async fn removing_a_paper_takes_it_from_everybody(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let other = owner.add("Photo", &bytes(2, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id, other]).await?;
    team.worker.received().await?;
    team.worker.read(grant_id, id).await?;
    owner.vault.remove(&owner.browser, id).await?;
    let content = Call::read(format!("/v1/received/{grant_id}/documents/{id}/content"));
    ensure!(browser_send(&team.worker, &content).await?.status == 404);
    ensure!(team.worker.read(grant_id, id).await.is_err());
    ensure!(team.worker.read(grant_id, other).await? == bytes(2, 50_000));
    let gifts = team.worker.received().await?;
    let left: Vec<_> = gifts[0].documents.iter().map(|it| it.document_id).collect();
    ensure!(left == [other], "{left:?}");
    // Closing the safe takes the rest.
    owner.vault.close_for_good(&owner.browser).await?;
    ensure!(team.worker.received().await?.is_empty());
    ensure!(team.worker.read(grant_id, other).await.is_err());
    Ok(())
}

async fn everything_goes_on_after_a_restart_and_from_another_browser(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 50_000)).await?;
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    let server = server.restart().await?;
    ensure!(team.worker.received().await?.len() == 1);
    ensure!(team.worker.read(grant_id, id).await? == bytes(1, 50_000));
    // The worker's page is opened anew on the same device.
    let Member { person, .. } = team.worker;
    let mut vault = person.with_words(&person.browser, true).await?;
    let desk = Desk::resume(&mut vault, &person.browser).await?.context("no desk was kept")?;
    ensure!(desk.standing() == Standing::Member);
    let mut worker = Member { person: Person { vault, ..person }, desk };
    ensure!(worker.received().await?.len() == 1);
    ensure!(worker.read(grant_id, id).await? == bytes(1, 50_000));
    // The owner takes it back from another browser.
    let elsewhere = server.browser();
    let mut vault = owner.with_words(&elsewhere, true).await?;
    vault.take_back(&elsewhere, grant_id).await?;
    ensure!(worker.received().await?.is_empty());
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.vault.grants(elsewhere.now())[0].state == GrantState::TakenBack);
    Ok(())
}

async fn browser_send(member: &Member, call: &Call) -> Result<Answer> {
    Ok(member.browser().send(call, Some(member.token())).await?)
}

fn call_of(exchange: &Exchange) -> Option<Call> {
    let mut words = exchange.head.split(' ');
    let (method, path) = (words.next()?, words.next()?.to_owned());
    let method = if method == "POST" { "POST" } else { "GET" };
    let body = String::from_utf8(exchange.sent.clone()).ok()?;
    let body = if method == "POST" { CallBody::Json(body) } else { CallBody::Empty };
    Some(Call { method, path, authorized: true, body })
}

fn posted(server: &Server, ending: &str) -> Vec<Call> {
    let recording = server.recording().borrow();
    let calls = recording.iter().filter_map(call_of);
    calls.filter(|call| call.method == "POST" && call.path.ends_with(ending)).collect()
}

/// Every request about what was given that went over the wire so far.
fn requests_of_grantees(server: &Server) -> Vec<Call> {
    let recording = server.recording().borrow();
    let calls = recording.iter().filter_map(call_of);
    calls.filter(|call| call.path.starts_with("/v1/received")).collect()
}

fn statements_sent(server: &Server) -> usize {
    let recording = server.recording().borrow();
    recording.iter().filter(|it| it.head.starts_with("POST /v1/statements")).count()
}

/// Everything that is stored for a grant's recipient.
async fn wraps_of(server: &Server, grant_id: GrantId) -> Result<Vec<Vec<u8>>> {
    let mut connection = dump::connect(server.config()).await?;
    let mut wraps: Vec<Vec<u8>> = sqlx::query_scalar("select wrap from wrap where grant_id = $1")
        .bind(grant_id.as_bytes())
        .fetch_all(&mut connection)
        .await?;
    let own: Vec<Vec<u8>> = sqlx::query_scalar(
        "select recipient_wrap from granted where grant_id = $1 and recipient_wrap is not null",
    )
    .bind(grant_id.as_bytes())
    .fetch_all(&mut connection)
    .await?;
    wraps.extend(own);
    Ok(wraps)
}

async fn statements_of(
    server: &Server,
    structure_id: reconnect_format::id::StructureId,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut connection = dump::connect(server.config()).await?;
    Ok(sqlx::query_as("select sequence, bytes from structure_statement where structure_id = $1")
        .bind(structure_id.as_bytes())
        .fetch_all(&mut connection)
        .await?)
}

/// The first sealed bytes of a content.
async fn blob_start(server: &Server, envelope_id: String) -> Result<Vec<u8>> {
    let first = format!("{envelope_id}/0");
    let blob = server.blobs().await?.into_iter().find(|blob| blob.name.starts_with(&first));
    let bytes = server.store()?.read(&blob.context("no blob")?).await?;
    Ok(bytes.get(..64).context("a short blob")?.to_vec())
}
