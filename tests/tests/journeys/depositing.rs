//! A worker gives a paper to an owner: it waits, is looked at before it is opened, and is taken once.

use anyhow::{Context as _, Result, ensure};
use reconnect::{Config, config::DatabaseUrl};
use reconnect_core::{
    document::DocumentKind,
    error::Error,
    vault::{DepositWords, Distrust, Inbox},
    world::World as _,
};
use reconnect_format::{
    api::{Call, Code, Inbox as WaitingInbox, StructureFace},
    id::DepositId,
};
use reconnect_tests::{
    browser::Cut,
    dump,
    scan::{Canary, contains},
    stage::{Person, Server, bytes, card, read, titles},
    team::{Member, Team},
};
use sqlx::AssertSqlSafe;

super::on_both_databases! {
    a_worker_gives_a_paper_and_the_owner_takes_it,
    what_is_refused_never_comes_back_and_its_depositor_is_not_told,
    what_cannot_be_trusted_is_shown_apart_and_never_opened,
    a_picture_is_made_harmless_when_it_is_taken,
    only_members_of_accepted_structures_give_and_an_inbox_is_bounded,
    what_the_log_contradicts_is_trusted_for_no_deposit,
    what_nobody_takes_goes_after_thirty_days,
    what_was_not_answered_is_given_and_taken_once,
    nothing_of_a_deposit_is_stored_in_the_clear,
}

fn words(title: &str) -> DepositWords {
    DepositWords {
        name: "Paul de l’accueil".to_owned(),
        message: "Votre attestation de domicile".to_owned(),
        title: title.to_owned(),
        kind: DocumentKind::Other,
        media_type: "application/octet-stream".to_owned(),
        page_count: 0,
    }
}

async fn give(
    member: &Member,
    owner: &Person,
    title: &str,
    plain: &[u8],
) -> Result<DepositId, Error> {
    let address = owner.vault.account_id().deposit_address();
    let Person { browser, vault, .. } = &member.person;
    member.desk.deposit(vault, browser, &address, plain, &words(title)).await
}

async fn look(owner: &mut Person) -> Result<Inbox, Error> {
    owner.vault.look_into_inbox(&owner.browser).await
}

async fn execute(config: &Config, statement: &str) -> Result<u64> {
    let mut connection = dump::connect(config).await?;
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
    Ok(done.rows_affected())
}

async fn count(config: &Config, query: &str) -> Result<i64> {
    let mut connection = dump::connect(config).await?;
    Ok(sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await?)
}

async fn a_worker_gives_a_paper_and_the_owner_takes_it(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let own = owner.add("Passeport", b"mine").await?;
    let scan = bytes(4, 5_000_000);
    team.worker.person.vault.sync(&team.worker.person.browser).await?;
    let before = team.worker.person.vault.used_bytes();
    let deposit_id = give(&team.worker, &owner, "Attestation", &scan).await?;

    // Until it is taken it counts for whoever gave it.
    team.worker.person.vault.sync(&team.worker.person.browser).await?;
    ensure!(team.worker.person.vault.used_bytes() > before + 5_000_000);
    owner.vault.sync(&owner.browser).await?;
    let used = owner.vault.used_bytes();
    ensure!(used < 5_000_000 && owner.vault.deposits_waiting() == 1);
    ensure!(titles(&owner.vault) == ["Passeport"], "it is not in the safe");

    let inbox = look(&mut owner).await?;
    ensure!(inbox.waiting == [deposit_id] && inbox.quarantined.is_empty());
    let deposited = owner.vault.deposited(deposit_id)?;
    ensure!(deposited.says_to_be() == "Paul de l’accueil" && deposited.worker_number == 2);
    ensure!(deposited.message() == "Votre attestation de domicile");
    ensure!(deposited.structure_id == team.structure_id && deposited.card.title() == "Attestation");
    let chain = owner.vault.known_structure(team.structure_id).context("a chain")?;
    ensure!(chain.founding.name == "Accueil de jour".as_bytes());
    ensure!(owner.vault.manifest().compared(team.structure_id).is_none(), "never compared");
    // Read before it is taken.
    let reading = owner.vault.deposit_reading(deposit_id)?;
    let sealed = owner.browser.ship(reading.call.clone(), Some(owner.vault.token())).await?;
    ensure!(*reading.open(&sealed)? == *scan);
    // The depositor reads it nowhere, and nothing else of the owner's.
    let Person { browser, vault, .. } = &team.worker.person;
    for call in [reading.call.clone(), owner.vault.reading(own)?.call] {
        ensure!(browser.send(&call, Some(vault.token())).await?.status == 404);
    }

    let id = owner
        .vault
        .accept_deposit(&owner.browser, deposit_id, &card("Attestation de domicile"))
        .await?;
    ensure!(titles(&owner.vault) == ["Passeport", "Attestation de domicile"]);
    ensure!(owner.read(id).await? == scan);
    ensure!(id.0 != deposit_id.0, "the depositor chose its id");
    let record = owner.vault.manifest().document(id).context("it is there")?;
    ensure!(record.content.envelope_id != reading.named.envelope_id);
    ensure!(record.content.header_hash != reading.named.header_hash);
    ensure!(owner.vault.deposits_waiting() == 0 && owner.vault.used_bytes() > used + 5_000_000);
    ensure!(look(&mut owner).await?.waiting.is_empty());
    ensure!(owner.vault.deposit_reading(deposit_id).is_err());
    // What was sealed by the depositor is erased; they learn that it was taken.
    server.app().sweep().await?;
    let folder = reading.named.envelope_id.to_string();
    let left = server.blobs().await?;
    ensure!(!left.iter().any(|file| file.name.contains(&folder)), "{left:?}");
    team.worker.person.vault.sync(&team.worker.person.browser).await?;
    ensure!(team.worker.person.vault.used_bytes() == before);
    let Person { browser, vault, .. } = &team.worker.person;
    let sent = team.worker.desk.sent_deposits(vault, browser).await?;
    ensure!(sent.len() == 1 && sent[0].accepted && sent[0].title == "Attestation");
    // It is a paper like any other: on another device, and for whom it is given to.
    let elsewhere = server.browser();
    let other = owner.with_sheet(&elsewhere, false).await?;
    ensure!(read(&other, &elsewhere, id).await? == scan);
    let grant_id = owner.give(team.structure_id, &[id]).await?;
    ensure!(team.manager.received().await?.len() == 1);
    ensure!(team.manager.read(grant_id, id).await? == scan);
    owner.vault.change_key(&owner.browser, id).await?;
    ensure!(owner.read(id).await? == scan);
    Ok(())
}

async fn what_is_refused_never_comes_back_and_its_depositor_is_not_told(
    server: Server,
) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let deposit_id = give(&team.worker, &owner, "Publicité", &bytes(1, 30_000)).await?;
    let Person { browser, vault, .. } = &mut team.worker.person;
    vault.sync(browser).await?;
    let used = vault.used_bytes();
    let before = team.worker.desk.sent_deposits(vault, browser).await?;
    ensure!(look(&mut owner).await?.waiting == [deposit_id]);
    let blobs = server.blobs().await?.len();
    owner.vault.refuse_deposit(&owner.browser, deposit_id).await?;
    server.app().sweep().await?;
    ensure!(server.blobs().await?.len() == blobs - 1, "its bytes are still there");
    ensure!(
        count(server.config(), "select count(*) from deposit where wrap is not null").await? == 0
    );
    let inbox = look(&mut owner).await?;
    ensure!(inbox.waiting.is_empty() && inbox.quarantined.is_empty());
    let again = owner.vault.refuse_deposit(&owner.browser, deposit_id).await.err();
    ensure!(again == Some(Error::NotFound), "{again:?}");
    // Whoever sent it sees what they saw before.
    let Person { browser, vault, .. } = &mut team.worker.person;
    vault.sync(browser).await?;
    let after = team.worker.desk.sent_deposits(vault, browser).await?;
    ensure!(vault.used_bytes() == used && after.len() == 1 && !after[0].accepted);
    ensure!(after[0].ends_at == before[0].ends_at);
    server.pass(31).await?;
    let late = team.worker.person.with_words(&team.worker.person.browser, true).await?;
    ensure!(late.used_bytes() < used);
    Ok(())
}

async fn what_cannot_be_trusted_is_shown_apart_and_never_opened(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let (mut owner, mut other) = (server.person().await?, server.person().await?);
    let config = server.config().clone();
    let judged = async |owner: &mut Person, change: &str| -> Result<Distrust> {
        ensure!(execute(&config, change).await? >= 1, "{change}");
        let inbox = look(owner).await?;
        ensure!(inbox.waiting.is_empty() && inbox.quarantined.len() == 1, "{change}");
        let (deposit_id, distrust) = inbox.quarantined[0];
        ensure!(owner.vault.deposit_reading(deposit_id).err() == Some(Error::NotFound), "{change}");
        let taken =
            owner.vault.accept_deposit(&owner.browser, deposit_id, &card("Piège")).await.err();
        ensure!(taken == Some(Error::NotFound), "{change}: {taken:?}");
        Ok(distrust)
    };
    let deposit_id = give(&team.worker, &owner, "Attestation", b"scan").await?;
    ensure!(look(&mut owner).await?.waiting == [deposit_id], "as it is, it may be opened");

    // For somebody else: the server shows it to another owner.
    let literal = |hex: &str| match config.database {
        DatabaseUrl::Sqlite => format!("x'{hex}'"),
        _ => format!("decode('{hex}', 'hex')"),
    };
    let to = |person: &Person| {
        let whose = literal(&hex::encode(person.vault.account_id().0));
        format!("update deposit set account_id = {whose}")
    };
    let steered = to(&other);
    ensure!(judged(&mut other, &steered).await? == Distrust::Misdirected);
    // Of somebody else: the manager's certificate beside what the worker signed.
    execute(&config, &to(&owner)).await?;
    let another = "update deposit set serial = 1";
    ensure!(judged(&mut owner, another).await? == Distrust::Forged);
    execute(&config, "update deposit set serial = 2").await?;
    ensure!(look(&mut owner).await?.waiting == [deposit_id], "put right, it may be opened");
    // Another key and other words under the same signature.
    let second = give(&team.manager, &owner, "Autre", b"other").await?;
    let swap = "update deposit set wrap = (select wrap from deposit d where d.serial = 1)
        where serial = 2";
    execute(&config, swap).await?;
    let inbox = look(&mut owner).await?;
    ensure!(inbox.waiting == [second]);
    ensure!(inbox.quarantined == [(deposit_id, Distrust::Damaged)]);
    // One that was taken, shown again with everything that it came with.
    execute(&config, "create table kept_row as select * from deposit").await?;
    execute(&config, "create table kept_envelope as select * from envelope").await?;
    owner.vault.accept_deposit(&owner.browser, second, &card("Autre")).await?;
    for statement in [
        "delete from deposit",
        "insert into deposit select * from kept_row where serial = 1",
        "insert into envelope select * from kept_envelope where sequence = 0
           and envelope_id in (select envelope_id from deposit)",
    ] {
        execute(&config, statement).await?;
    }
    let again = "update deposit set state = 1";
    ensure!(judged(&mut owner, again).await? == Distrust::Replayed);
    // A refusal is not asked for twice, and what cannot be trusted can be put away.
    execute(&config, "delete from deposit").await?;
    give(&team.worker, &owner, "Dernière", b"last").await?;
    team.manager.put_out(2).await?;
    ensure!(judged(&mut owner, again).await? == Distrust::Left);
    let (gone, _) = look(&mut owner).await?.quarantined[0];
    owner.vault.refuse_deposit(&owner.browser, gone).await?;
    ensure!(look(&mut owner).await?.quarantined.is_empty());
    // And bytes that nobody signed.
    give(&team.manager, &owner, "Abîmée", b"bent").await?;
    let bent = format!("update deposit set bytes = {} where state = 1", literal("0001"));
    ensure!(judged(&mut owner, &bent).await? == Distrust::Forged);
    Ok(())
}

async fn a_picture_is_made_harmless_when_it_is_taken(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let place = b"48.8566N2.3522E";
    let photo = [
        b"\xff\xd8\xff\xfe\x00\x11".as_slice(),
        place,
        b"\xff\xda\x00\x02\x01\x02\xff\xd9trailing 48.8566N2.3522E",
    ]
    .concat();
    let deposit_id = give(&team.worker, &owner, "Photo", &photo).await?;
    look(&mut owner).await?;
    let id = owner.vault.accept_deposit(&owner.browser, deposit_id, &card("Photo")).await?;
    let kept = owner.read(id).await?;
    ensure!(contains(&photo, place) && !contains(&kept, place), "{kept:?}");
    ensure!(kept.starts_with(b"\xff\xd8") && kept.ends_with(b"\xff\xd9"));
    Ok(())
}

async fn only_members_of_accepted_structures_give_and_an_inbox_is_bounded(
    server: Server,
) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    // Founded, and not accepted.
    let manager = Member::found(server.person().await?, "Faux accueil", "Lyon").await?;
    let refused = give(&manager, &owner, "Publicité", b"spam").await.err();
    ensure!(refused.as_ref().map(Error::code) == Some("not_found"), "{refused:?}");
    let Person { browser, vault, .. } = &team.worker.person;
    for address in ["", "deposit:", "deposit:abc", &owner.vault.account_id().to_string()] {
        let misread =
            team.worker.desk.deposit(vault, browser, address, b"x", &words("x")).await.err();
        ensure!(misread == Some(Error::AddressMisread), "{address}: {misread:?}");
    }
    let nobody = reconnect_format::id::AccountId([7; 32]).deposit_address();
    let unknown = team.worker.desk.deposit(vault, browser, &nobody, b"x", &words("x")).await.err();
    ensure!(unknown.as_ref().map(Error::code) == Some("not_found"), "{unknown:?}");
    for number in 0..10 {
        give(&team.worker, &owner, &format!("{number}"), b"x").await?;
    }
    for member in [&team.worker, &team.manager] {
        let full = give(member, &owner, "trop", b"x").await.err().context("it was taken in")?;
        ensure!(
            matches!(&full, Error::Refused(problem) if problem.code == Code::TooManyThings
                && problem.limit_count == Some(10)),
            "{full:?}"
        );
    }
    let waiting = look(&mut owner).await?.waiting;
    ensure!(waiting.len() == 10);
    // That there is room again would tell them of a refusal; what was taken, they may know.
    owner.vault.refuse_deposit(&owner.browser, waiting[0]).await?;
    let full = give(&team.manager, &owner, "trop", b"x").await.err();
    ensure!(full.as_ref().map(Error::code) == Some("too_many_things"), "{full:?}");
    owner.vault.accept_deposit(&owner.browser, waiting[1], &card("Pris")).await?;
    give(&team.manager, &owner, "encore", b"x").await?;
    Ok(())
}

/// A depositor has left, and the log says so; the server hides it, and lists what they gave twice.
async fn what_the_log_contradicts_is_trusted_for_no_deposit(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let path = format!("/v1/structures/{}", team.structure_id);
    let face = owner.browser.send(&Call::read(path.clone()), Some(owner.vault.token())).await?;
    let before = serde_json::from_slice::<StructureFace>(&face.body)?.statements.len();
    give(&team.worker, &owner, "Attestation", b"scan").await?;
    team.manager.put_out(2).await?;
    server.app().publish().await?;
    for hides in [true, false] {
        let path = path.clone();
        owner.browser.hear_the_truth();
        owner.browser.lie(move |call, body| {
            if let Ok(mut face) = serde_json::from_slice::<StructureFace>(&body)
                && call.path == path
                && hides
            {
                face.statements.truncate(before);
                return serde_json::to_vec(&face).unwrap_or_default();
            }
            if let Ok(mut inbox) = serde_json::from_slice::<WaitingInbox>(&body)
                && call.path == "/v1/deposits"
            {
                inbox.deposits.extend(inbox.deposits.clone());
                return serde_json::to_vec(&inbox).unwrap_or_default();
            }
            body
        });
        let inbox = look(&mut owner).await?;
        let why: Vec<_> = inbox.quarantined.iter().map(|(_, why)| *why).collect();
        let expected = if hides { Distrust::Unproven } else { Distrust::Left };
        ensure!(inbox.waiting.is_empty() && why == [expected, expected], "{hides}: {why:?}");
    }
    Ok(())
}

async fn what_nobody_takes_goes_after_thirty_days(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    give(&team.worker, &owner, "Attestation", &bytes(1, 20_000)).await?;
    let kept = server.blobs().await?.len();
    server.pass(29).await?;
    ensure!(server.blobs().await?.len() == kept, "it went too early");
    server.pass(2).await?;
    ensure!(server.blobs().await?.len() == kept - 1);
    let browser = server.browser();
    owner.vault = owner.with_words(&browser, true).await?;
    owner.browser = browser;
    ensure!(owner.vault.deposits_waiting() == 0 && look(&mut owner).await?.waiting.is_empty());
    ensure!(count(server.config(), "select count(*) from deposit").await? == 0);
    ensure!(count(server.config(), "select count(*) from envelope").await? == 0);
    // A safe that closes lets go of what waits for it.
    let mut worker = team.worker;
    let browser = server.browser();
    worker.person.vault = worker.person.with_words(&worker.person.browser, true).await?;
    give(&worker, &owner, "Attestation", &bytes(1, 20_000)).await?;
    drop(browser);
    owner.vault.close_for_good(&owner.browser).await.map_err(|stayed| stayed.error)?;
    server.app().sweep().await?;
    ensure!(count(server.config(), "select count(*) from deposit").await? == 0);
    ensure!(server.blobs().await?.len() == kept - 1);
    worker.person.vault.sync(&worker.person.browser).await?;
    ensure!(worker.person.vault.used_bytes() == 0);
    Ok(())
}

async fn what_was_not_answered_is_given_and_taken_once(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    for when in [Cut::Call, Cut::Answer] {
        team.worker.browser().cut(when, "POST /v1/deposits");
        let deposit_id = give(&team.worker, &owner, "Attestation", b"scan").await?;
        ensure!(look(&mut owner).await?.waiting == [deposit_id], "{when:?}");
        for _ in 0..2 {
            owner.browser.cut(when, "/v1/statements");
        }
        let Person { browser, vault, .. } = &mut owner;
        let before = titles(vault).len();
        let taken = vault.accept_deposit(browser, deposit_id, &card("Attestation")).await;
        if taken.is_err() {
            look(&mut owner).await?;
            let Person { browser, vault, .. } = &mut owner;
            vault.accept_deposit(browser, deposit_id, &card("Attestation")).await?;
        }
        ensure!(titles(&owner.vault).len() == before + 1, "{when:?}: taken twice");
        ensure!(look(&mut owner).await?.waiting.is_empty());
    }
    // Two devices take the same one: the paper is there once.
    let deposit_id = give(&team.worker, &owner, "Une fois", b"scan").await?;
    let browser = server.browser();
    let mut laptop = owner.with_sheet(&browser, true).await?;
    laptop.look_into_inbox(&browser).await?;
    look(&mut owner).await?;
    laptop.accept_deposit(&browser, deposit_id, &card("Une fois")).await?;
    ensure!(
        owner.vault.accept_deposit(&owner.browser, deposit_id, &card("Deux")).await.is_err(),
        "taken twice"
    );
    owner.vault.sync(&owner.browser).await?;
    let named = titles(&owner.vault);
    ensure!(named.iter().filter(|title| title.starts_with("Une") || *title == "Deux").count() == 1);
    Ok(())
}

async fn nothing_of_a_deposit_is_stored_in_the_clear(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let owner = server.person().await?;
    let scan = bytes(77, 40_000);
    give(&team.worker, &owner, "Ordonnance du psychiatre", &scan).await?;
    let said = words("Ordonnance du psychiatre");
    let canaries = [
        Canary::text("title", &said.title),
        Canary::text("name", &said.name),
        Canary::text("message", &said.message),
        Canary::bytes("content", &scan[1_000..1_064]),
    ];
    let dump = format!("{:?}", server.dump().await?);
    for canary in &canaries {
        ensure!(!canary.is_in(dump.as_bytes()), "{} is in the database", canary.name());
        for (path, content) in server.files().await? {
            ensure!(!canary.is_in(&content), "{} is in {}", canary.name(), path);
        }
        for exchange in server.recording().borrow().iter() {
            ensure!(!canary.is_in(&exchange.sent), "{} was sent", canary.name());
        }
    }
    Ok(())
}
