//! Whoever runs the server wants an owner to see another safe than the one that they wrote.

use std::cell::RefCell;

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    document::seal_content,
    error::Error,
    vault::{GrantState, Vault},
    world::World as _,
};
use reconnect_format::{
    Suite, Unverified,
    api::Sync,
    id::{Base64, DocumentId, LogIndex},
    receipt::{Receipt, Subject},
    statement::{Body, Signer, Statement},
};
use reconnect_tests::{
    browser::Browser,
    dump,
    stage::{Database, Person, Server, card, read, titles},
    team::Team,
};

use crate::{
    giving::works_on,
    lies::{Backup, add_to_the_chain, lie_about_the_chain, say},
    mallory::{Heard, Somebody, log, rng},
    pair::{Outcome, pairs},
};

pairs! {
    a_device_that_the_root_did_not_add: "forged" without [Signature(Label::Statement)];
    a_paper_that_nobody_put_there: "forged" without [Signature(Label::Statement)];
    an_older_safe_on_a_device_that_saw_more: "rollback" without [RememberedHead];
    two_copies_of_a_device_that_are_shown_two_safes: "fork" without [RememberedHead];
    an_older_safe_on_a_device_that_saw_nothing: "withheld" without [SafeLogged];
    a_statement_in_the_log_that_nobody_signed: "withheld" without [SafeLogged];
    a_mark_that_is_kept_back: "withheld" without [MarkLogged];
    a_statement_that_is_left_out: "fork" without [ChainOrder, ManifestRoot];
    a_paper_that_was_removed: "fork" without [ChainOrder, SpentIds, ManifestRoot];
    a_grant_that_was_taken_back: "fork" without [ChainOrder, SpentIds];
    a_grant_that_was_taken_back_where_the_log_is_silent: "log_unanswered" without [SafeChecked];
    an_opening_that_never_was: passed_over without [ReceiptSigner];
}

async fn stage() -> Result<(Server, Person, DocumentId)> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Passeport", b"passport").await?;
    Ok((server, owner, document_id))
}

/// What the owner was shown in the end: the lie, or an error, after which the truth is still there.
async fn judge(owner: &mut Person, told: Result<bool, Error>) -> Result<Outcome> {
    match told {
        Ok(true) => Ok(Outcome::Succeeded),
        Ok(false) => Ok(Outcome::PassedOver),
        Err(error) => {
            owner.browser.hear_the_truth();
            works_on(owner).await?;
            Ok(Outcome::Stopped(error))
        }
    }
}

/// What `make` signs next in an owner's chain, with a key that is not the owner's.
fn forged(
    vault: &Vault,
    signer: Signer,
    body: Body,
    key: &reconnect_core::key::SignKey,
) -> Vec<u8> {
    key.sign(vault.manifest().next(signer, body, 1, [9; 16])).encode()
}

async fn a_device_that_the_root_did_not_add() -> Result<Outcome> {
    let (_server, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let Person { browser, vault, .. } = &mut owner;
    let (signing, leaf) = (mallory.device.signing.public(), mallory.device.leaf.public());
    let body = Body::AddDevice { device_id: mallory.device_id, signing, leaf };
    let root = Signer::Root { generation: 1 };
    let added = forged(vault, root, body, &mallory.secrets.signing);
    add_to_the_chain(browser, vault.manifest().sequence(), added);
    let told = vault.sync(browser).await;
    if told.is_ok() {
        // From now on she writes as the owner: the passport goes.
        let device = Signer::Device { device_id: mallory.device_id };
        let gone = Body::RemoveDocument { document_id };
        let removed = forged(vault, device, gone, &mallory.device.signing);
        add_to_the_chain(browser, vault.manifest().sequence(), removed);
        vault.sync(browser).await?;
    }
    let gone = told.map(|()| owner.vault.manifest().document(document_id).is_none());
    judge(&mut owner, gone).await
}

async fn a_paper_that_nobody_put_there() -> Result<Outcome> {
    let (_server, mut owner, _) = stage().await?;
    let mallory = Somebody::new()?;
    let Person { browser, vault, .. } = &mut owner;
    let document_id = DocumentId([0x66; 16]);
    let planted = seal_content(b"planted", vault.account_id(), document_id, 1, &mut rng());
    let card = reconnect_core::document::Card::new(
        "Planted",
        reconnect_core::document::DocumentKind::Photo,
        "image/jpeg",
        7,
        1,
        1,
    )?;
    let sealed =
        reconnect_core::document::seal_card(&card, vault.account_id(), document_id, 1, &mut rng())?;
    let body = Body::PutVersion {
        document_id,
        content: planted.named,
        card: sealed.named,
        thumbnail: None,
    };
    let device = Signer::Device { device_id: vault.device_id() };
    let statement = forged(vault, device, body, &mallory.device.signing);
    add_to_the_chain(browser, vault.manifest().sequence(), statement);
    let told = vault.sync(browser).await;
    let listed = told.map(|()| owner.vault.papers().len() == 2);
    judge(&mut owner, listed).await
}

/// The server brings a backup back: the safe before the passport was renewed.
async fn an_older_safe_on_a_device_that_saw_more() -> Result<Outcome> {
    let (server, mut owner, document_id) = stage().await?;
    let (backup, server) = Backup::take(server).await?;
    owner.vault.add(&owner.browser, Some(document_id), b"renewed", &card("Passeport")).await?;
    let (newest, server) = Backup::take(server).await?;
    let server = backup.bring_back(server).await?;
    let shown = owner.with_words(&owner.browser, true).await;
    let shown = match shown {
        Ok(vault) => Ok(read(&vault, &owner.browser, document_id).await? == b"passport"),
        Err(error) => Err(error),
    };
    let _server = newest.bring_back(server).await?;
    judge(&mut owner, shown).await
}

/// A profile that was copied to a second computer, or restored there: the server shows each copy a
/// safe of its own, and then one of them the other's.
async fn two_copies_of_a_device_that_are_shown_two_safes() -> Result<Outcome> {
    let (server, mut owner, _) = stage().await?;
    let copy = owner.browser.cloned();
    let (before, server) = Backup::take(server).await?;
    owner.add("Bail", b"lease").await?;
    let (first, server) = Backup::take(server).await?;
    let server = before.bring_back(server).await?;
    let mut second = owner.with_words(&copy, true).await?;
    second.add(&copy, None, b"other", &card("Autre")).await?;
    let shown = owner.with_words(&owner.browser, true).await;
    let shown = shown.map(|vault| titles(&vault) == ["Passeport", "Autre"]);
    let _server = first.bring_back(server).await?;
    judge(&mut owner, shown).await
}

/// The same, to a browser that has never seen the safe. The log's files are not the server's to turn
/// back, where there are witnesses: they say more.
async fn an_older_safe_on_a_device_that_saw_nothing() -> Result<Outcome> {
    let (server, mut owner, document_id) = stage().await?;
    // A head that the log never named could be named after a newer one: nobody could tell.
    server.app().publish().await?;
    let (backup, server) = Backup::take(server).await?;
    owner.vault.add(&owner.browser, Some(document_id), b"renewed", &card("Passeport")).await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());
    let (newest, server) = Backup::take(server).await?;
    let server = backup.bring_back_but(server, "log").await?;
    let elsewhere = server.browser();
    let shown = match owner.with_words(&elsewhere, false).await {
        Ok(vault) => Ok(read(&vault, &elsewhere, document_id).await? == b"passport"),
        Err(error) => Err(error),
    };
    let _server = newest.bring_back(server).await?;
    judge(&mut owner, shown).await
}

/// Somebody changed the safe: the log names a statement that the server does not show.
async fn a_statement_in_the_log_that_nobody_signed() -> Result<Outcome> {
    let (server, mut owner, _) = stage().await?;
    owner.vault.look(&owner.browser).await?;
    let index = log_index(&server, &owner).await?;
    log(&server, &index, (9999, &[7; 32])).await?;
    let opened = owner.with_words(&server.browser(), true).await.map(|_| true);
    judge(&mut owner, opened).await
}

/// A telephone was stolen, and its owner retired it. The log says everything but that, so that grantees
/// go on believing the thief.
async fn a_mark_that_is_kept_back() -> Result<Outcome> {
    let (server, mut owner, _) = stage().await?;
    let thief = owner.with_words(&server.browser(), true).await?;
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_device(&owner.browser, thief.device_id()).await?;
    let retired = owner.vault.manifest().sequence();
    say(&server, "delete from log_waiting where is_head = 2", &[]).await?;
    server.clock().advance(11 * 60);
    server.app().publish().await?;
    let told = owner.with_words(&server.browser(), false).await;
    let told = told.map(|vault| vault.safe_until() >= retired);
    judge(&mut owner, told).await
}

/// A fresh device is shown the safe as it was before a grant was taken back. The log says the truth of
/// the structure, and nothing of the safe.
async fn a_grant_that_was_taken_back_where_the_log_is_silent() -> Result<Outcome> {
    let (server, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Foyer", None)?;
    front.show(&server, &mallory).await?;
    let grant_id = owner.give(front.structure_id, &[document_id]).await?;
    server.app().publish().await?;
    let index = log_index(&server, &owner).await?;
    let (backup, server) = Backup::take(server).await?;
    owner.vault.take_back(&owner.browser, grant_id).await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());
    let (newest, server) = Backup::take(server).await?;
    let server = backup.bring_back_but(server, "log").await?;
    let elsewhere = server.browser();
    let asked = format!("index={}", LogIndex(index));
    elsewhere.lie(move |call, body| if call.path.contains(&asked) { b"{}".to_vec() } else { body });
    let mut vault = owner.with_words(&elsewhere, false).await?;
    ensure!(vault.manifest().grant(grant_id).is_some(), "it is shown as it was");
    let written = vault.add(&elsewhere, Some(document_id), b"renewed", &card("Passeport")).await;
    let mut connection = dump::connect(server.config()).await?;
    let wraps: i64 = sqlx::query_scalar(
        "select count(*) from wrap w join document d on d.content_id = w.envelope_id
         where w.grant_id = $1 and d.version = 2",
    )
    .bind(grant_id.as_bytes())
    .fetch_one(&mut connection)
    .await?;
    drop(connection);
    ensure!((wraps > 0) == written.is_ok());
    let _server = newest.bring_back(server).await?;
    judge(&mut owner, written.map(|_| true)).await
}

/// Where the log has an owner's safe.
pub(crate) async fn log_index(server: &Server, owner: &Person) -> Result<[u8; 32]> {
    let mut connection = dump::connect(server.config()).await?;
    let index: Vec<u8> = sqlx::query_scalar("select log_index from account where account_id = $1")
        .bind(owner.vault.account_id().as_bytes())
        .fetch_one(&mut connection)
        .await?;
    Ok(index.as_slice().try_into()?)
}

/// Two papers were added on one device; the other device is told of the second only.
async fn a_statement_that_is_left_out() -> Result<Outcome> {
    let (server, mut owner, _) = stage().await?;
    let elsewhere = server.browser();
    let mut other = owner.with_words(&elsewhere, true).await?;
    owner.vault.sync(&owner.browser).await?;
    let hidden = owner.add("Bail", b"lease").await?;
    owner.add("Facture", b"bill").await?;
    lie_about_the_chain(&elsewhere, move |_, sync: &mut Sync| {
        let about = |bytes: &Base64| {
            let statement =
                Unverified::<Statement>::decode(&bytes.0).map(|it| it.claim().body.clone());
            matches!(statement, Ok(Body::PutVersion { document_id, .. }) if document_id == hidden)
        };
        match sync.statements.iter().position(about) {
            Some(place) => {
                sync.statements.remove(place);
            }
            None => sync.statements.clear(),
        }
    });
    let told = other.sync(&elsewhere).await.map(|()| titles(&other) == ["Passeport", "Facture"]);
    if told.is_err() {
        elsewhere.hear_the_truth();
        other.sync(&elsewhere).await?;
        ensure!(titles(&other) == ["Passeport", "Bail", "Facture"]);
    }
    judge(&mut owner, told).await
}

/// Keeps every statement, card and wrap that a device is told of.
fn note(browser: &Browser) -> std::rc::Rc<RefCell<Sync>> {
    let noted = std::rc::Rc::new(RefCell::new(Sync::default()));
    let keep = std::rc::Rc::clone(&noted);
    browser.lie(move |call, body| {
        if call.path.starts_with("/v1/sync")
            && let Ok(sync) = serde_json::from_slice::<Sync>(&body)
        {
            let mut keep = keep.borrow_mut();
            keep.statements.extend(sync.statements);
            keep.cards.extend(sync.cards);
            keep.wraps.extend(sync.wraps);
        }
        body
    });
    noted
}

/// The owner's own statement, said once more at the end of their chain.
fn repeat(
    owner: &Person,
    signed: &[Vec<u8>],
    is_it: impl Fn(&Body) -> bool,
    brings: Sync,
) -> Result<()> {
    let said = signed.iter().find(|bytes| {
        Unverified::<Statement>::decode(bytes).is_ok_and(|it| is_it(&it.claim().body))
    });
    let said = Base64(said.context("it was never said")?.clone());
    let length = owner.vault.manifest().sequence();
    lie_about_the_chain(&owner.browser, move |known, sync| {
        if known == length {
            sync.statements.push(said.clone());
            sync.cards.extend(brings.cards.clone());
            sync.wraps.extend(brings.wraps.clone());
        }
    });
    Ok(())
}

/// The server kept what it should have deleted, and shows it again.
async fn a_paper_that_was_removed() -> Result<Outcome> {
    let (server, mut owner, _) = stage().await?;
    let elsewhere = server.browser();
    let noted = note(&elsewhere);
    let removed = owner.add("Bail", b"lease").await?;
    owner.with_words(&elsewhere, false).await?;
    owner.vault.remove(&owner.browser, removed).await?;
    owner.vault.sync(&owner.browser).await?;
    let is_it = |body: &Body| matches!(body, Body::PutVersion { document_id, .. } if *document_id == removed);
    repeat(&owner, &owner.browser.signed(), is_it, noted.take())?;
    let told = owner.vault.sync(&owner.browser).await;
    let told = told.map(|()| titles(&owner.vault) == ["Passeport", "Bail"]);
    judge(&mut owner, told).await
}

/// Taken back, and shown to its owner as if it were still given: later versions would be wrapped for
/// its recipient again.
async fn a_grant_that_was_taken_back() -> Result<Outcome> {
    let (server, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Foyer", None)?;
    front.show(&server, &mallory).await?;
    let grant_id = owner.give(front.structure_id, &[document_id]).await?;
    owner.vault.take_back(&owner.browser, grant_id).await?;
    let is_it = |body: &Body| matches!(body, Body::Grant(terms) if terms.grant_id == grant_id);
    repeat(&owner, &owner.browser.signed(), is_it, Sync::default())?;
    let told = owner.vault.sync(&owner.browser).await;
    let state = owner.vault.grants(owner.browser.now())[0].state;
    ensure!(told.is_ok() || state == GrantState::TakenBack);
    judge(&mut owner, told.map(|()| state == GrantState::Live)).await
}

/// The worker never looked. Mallory signs that they did, with a key of her own, and shows the worker's
/// certificate beside it.
async fn an_opening_that_never_was() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Passeport", b"passport").await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    let mallory = Somebody::new()?;
    let worker = &team.worker.person.vault;
    let receipt = mallory.attest(Receipt {
        suite: Suite::V1,
        grant_id,
        owner: owner.vault.account_id(),
        structure_id: team.structure_id,
        worker_number: 2,
        account_id: worker.account_id(),
        device_id: worker.device_id(),
        subject: Subject::Document { document_id, version: 1 },
        made_at: owner.browser.now(),
        nonce: [7; 16],
    });
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query(
        "insert into receipt (account_id, number, receipt_hash, grant_id, reader, received_at,
           structure_id, serial, bytes) values ($1, 1, $2, $3, $4, $5, $6, 2, $7)",
    )
    .bind(owner.vault.account_id().as_bytes())
    .bind([7_u8; 32].as_slice())
    .bind(grant_id.as_bytes())
    .bind(worker.account_id().as_bytes())
    .bind(i64::try_from(owner.browser.now())?)
    .bind(team.structure_id.as_bytes())
    .bind(receipt.encode())
    .execute(&mut connection)
    .await?;
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    let shown = owner.vault.openings().iter().any(|it| it.worker_number == 2);
    ensure!(Heard::by(&server)?.grants() == 1);
    works_on(&mut owner).await?;
    Ok(if shown { Outcome::Succeeded } else { Outcome::PassedOver })
}
