//! What the log says is compared before anything is believed: a server that shows an old safe, holds a
//! structure's statement back, forks its log, lets it grow old or has no witness for it.

use anyhow::{Context as _, Result, ensure};
use axum::{
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_core::{
    error::{ServerMisbehaved, Unchecked},
    log::Release,
    vault::{Desk, Standing},
    world::World as _,
};
use reconnect_format::{
    api::{Call, HandIn, LogAnswer, StructureFace, Unlocked},
    id::{Base64, LogIndex},
    log::structure_index,
};
use reconnect_log::{KeyKind, Note, VerifierKey};
use reconnect_tests::{
    between::{LogThief, between, service_key, through},
    browser::Cut,
    stage::{DAY, Database, Person, Server, card, read, titles},
    team::Team,
};

super::on_both_databases! {
    an_old_safe_is_refused_on_a_device_that_has_seen_nothing,
    a_statement_of_a_structure_that_is_held_back_is_missed,
    nothing_is_given_while_the_log_is_old_or_silent,
    a_log_that_forks_is_refused_and_kept,
    a_paper_is_sent_before_it_is_safe,
    what_a_copy_of_a_device_signs_is_noticed,
    what_a_copy_of_a_manager_s_device_signs_is_noticed,
}

async fn an_old_safe_is_refused_on_a_device_that_has_seen_nothing(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.add("Passeport", b"mine").await?;
    let before = owner.vault.manifest().sequence();
    owner.add("Titre de séjour", b"mine too").await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());

    // The safe as it was, with every signature right.
    let cut = usize::try_from(before)?;
    let old = between(&server, "/v1/unlock", move |_, unlocked: &mut Unlocked| {
        unlocked.statements.truncate(cut);
    });
    for own in [true, false] {
        let words = owner.with_words(&old, own).await.err();
        ensure!(words == Some(ServerMisbehaved::Withheld.into()), "{words:?}");
        let sheet = owner.with_sheet(&old, own).await.err();
        ensure!(sheet == Some(ServerMisbehaved::Withheld.into()), "{sheet:?}");
    }
    // The safe that never got into the log, long after it was opened.
    let absent = look_up(&server, [7; 32]).await?;
    let never = between(&server, "/v1/log/lookup", move |_, answer: &mut LogAnswer| {
        answer.lookup = absent.clone();
    });
    let refused = owner.with_words(&never, true).await.err();
    ensure!(refused == Some(ServerMisbehaved::LogForged.into()), "another's absence: {refused:?}");
    // And as it is, elsewhere: it opens.
    let elsewhere = server.browser();
    let vault = owner.with_words(&elsewhere, true).await?;
    ensure!(titles(&vault) == ["Passeport", "Titre de séjour"] && vault.unchecked().is_none());
    Ok(())
}

async fn a_statement_of_a_structure_that_is_held_back_is_missed(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"mine").await?;
    owner.give(team.structure_id, &[id]).await?;
    let chain = owner.vault.known_structure(team.structure_id).context("compared")?;
    let (seen, _) = chain.head();
    team.manager.put_out(2).await?;

    // Who left would read what this owner gives, if the owner were not told that they did.
    let seen = usize::try_from(seen)?;
    let old = between(&server, "/v1/structures/", move |_, face: &mut StructureFace| {
        face.statements.truncate(seen);
    });
    let honest = std::mem::replace(&mut owner.browser, old);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(ServerMisbehaved::Withheld.into()), "{refused:?}");
    ensure!(owner.browser.signed().is_empty(), "something was signed");
    owner.browser = honest;
    owner.give(team.structure_id, &[id]).await?;
    Ok(())
}

async fn nothing_is_given_while_the_log_is_old_or_silent(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"mine").await?;
    owner.give(team.structure_id, &[id]).await?;
    let signed = owner.browser.signed().len();

    // It stands still, and no key is used a day later.
    server.hold_log(true);
    server.clock().advance(DAY + 1);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(Unchecked::Stale.into()), "{refused:?}");
    ensure!(owner.browser.signed().len() == signed, "something was signed");
    // One's own papers are there, on a device that remembers and on one that does not.
    for own in [true, false] {
        let elsewhere = server.browser();
        let vault = owner.with_words(&elsewhere, own).await?;
        ensure!(vault.unchecked() == Some(Unchecked::Stale));
        ensure!(read(&vault, &elsewhere, id).await? == b"mine");
    }
    // A clock that is behind takes nothing old for new.
    server.clock().advance(0_u64.wrapping_sub(3 * DAY));
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(Unchecked::Ahead.into()), "{refused:?}");
    server.clock().advance(2 * DAY);

    // It goes on, but names nothing that the structure said since.
    server.hold_log(false);
    owner.give(team.structure_id, &[id]).await?;
    let held = look_up(&server, structure_index(team.structure_id)).await?;
    owner.vault = owner.with_words(&server.browser(), false).await?;
    team.manager.put_out(2).await?;
    let behind = between(&server, "/v1/log/lookup", move |_, answer: &mut LogAnswer| {
        answer.lookup = held.clone();
    });
    let honest = std::mem::replace(&mut owner.browser, behind);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(Unchecked::Behind.into()), "{refused:?}");

    // It does not answer at all.
    let silent = server.router().layer(from_fn(async |request: Request, next: Next| {
        if request.uri().path() == "/v1/log/lookup" {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        next.run(request).await
    }));
    owner.browser = through(&server, silent);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(Unchecked::Unanswered.into()), "{refused:?}");
    ensure!(owner.vault.unchecked().is_none(), "it was checked when it was opened");
    let unchecked = owner.with_words(&owner.browser, true).await?;
    ensure!(unchecked.unchecked() == Some(Unchecked::Unanswered));

    owner.browser = honest;
    server.hold_log(false);
    owner.give(team.structure_id, &[id]).await?;
    Ok(())
}

/// What the server says of an index now.
async fn look_up(server: &Server, index: [u8; 32]) -> Result<Base64> {
    let path = format!("/v1/log/lookup?index={}&from=0", LogIndex(index));
    let bytes = server.browser().ship(Call::read(path).open(), None).await?;
    Ok(serde_json::from_slice::<LogAnswer>(&bytes)?.lookup)
}

async fn a_log_that_forks_is_refused_and_kept(server: Server) -> Result<()> {
    let team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"mine").await?;
    owner.give(team.structure_id, &[id]).await?;
    let signed = owner.browser.signed().len();

    let thief = LogThief::of(&server).await?;
    // As long as the one that was seen, longer, and shorter.
    for leaves in [0, 1, 7] {
        let forked =
            thief.between(&server, move |from| if leaves == 1 { 1 } else { from + leaves });
        let honest = std::mem::replace(&mut owner.browser, forked);
        let refused = owner.give(team.structure_id, &[id]).await.err();
        ensure!(refused == Some(ServerMisbehaved::LogForked.into()), "{refused:?}");
        ensure!(owner.browser.kept_names().contains(&"log-evidence".to_owned()), "it is evidence");
        ensure!(owner.browser.signed().is_empty(), "something was signed");
        owner.browser = honest;
    }
    // A log under another key is not the one that this device pinned.
    let another = Server::on(Database::Sqlite).await?;
    let stranger = look_up(&another, structure_index(team.structure_id)).await?;
    let other = between(&server, "/v1/log/lookup", move |_, answer: &mut LogAnswer| {
        answer.lookup = stranger.clone();
    });
    let honest = std::mem::replace(&mut owner.browser, other);
    let refused = owner.give(team.structure_id, &[id]).await.err();
    ensure!(refused == Some(ServerMisbehaved::LogForged.into()), "{refused:?}");
    owner.browser = honest;
    ensure!(owner.browser.signed().len() == signed);
    owner.give(team.structure_id, &[id]).await?;
    Ok(())
}

async fn a_paper_is_sent_before_it_is_safe(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());
    server.hold_log(true);
    owner.add("Passeport", b"mine").await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(!owner.vault.is_safe() && owner.vault.unchecked().is_none());
    server.hold_log(false);
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_safe());
    let asked = owner.browser.shipped();
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.browser.shipped() == asked + 1, "what is safe is not looked up again");
    Ok(())
}

async fn what_a_copy_of_a_device_signs_is_noticed(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.add("Passeport", b"mine").await?;
    // Two pages of one device are no copies, whoever writes, and whether or not an answer came.
    let mut page = owner.with_words(&owner.browser, true).await?;
    ensure!(page.device_id() == owner.vault.device_id());
    for turn in 0..3 {
        let title = format!("Facture {turn}");
        page.add(&owner.browser, None, b"a", &card(&title)).await?;
        owner.add(&title, b"b").await?;
        owner.browser.cut(Cut::Answer, "POST /v1/statements");
        owner.add("Photo", b"c").await?;
        page.look(&owner.browser).await?;
        ensure!(!page.is_copied() && !owner.vault.is_copied(), "in turn {turn}");
    }
    ensure!(!owner.with_words(&owner.browser, true).await?.is_copied());
    let kept = owner.browser.kept_names();
    ensure!(!kept.iter().any(|name| name.starts_with("signed/")), "{kept:?}");

    let thief = owner.browser.copied();
    let mut stolen = owner.with_words(&thief, true).await?;
    ensure!(stolen.device_id() == owner.vault.device_id() && !stolen.is_copied());
    stolen.add(&thief, None, b"theirs", &card("Faux")).await?;
    owner.vault.look(&owner.browser).await?;
    ensure!(owner.vault.is_copied());
    // It is said again by the next page, until the device is removed.
    ensure!(owner.with_words(&owner.browser, true).await?.is_copied());
    Ok(())
}

async fn what_a_copy_of_a_manager_s_device_signs_is_noticed(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    team.manager.settle().await?;
    ensure!(!team.manager.person.vault.is_copied());
    let Person { browser, .. } = &team.manager.person;
    let thief = browser.copied();
    let mut stolen = team.manager.person.with_words(&thief, true).await?;
    let mut desk = Box::pin(Desk::resume(&mut stolen, &thief)).await?.context("a desk")?;
    desk.put_out(&mut stolen, &thief, 2).await?;
    // What the group makes of it is another question.
    let _ = team.manager.settle().await;
    ensure!(team.manager.person.vault.is_copied());
    team.worker.settle().await?;
    ensure!(team.worker.desk.standing() == Standing::Left, "who left is told");
    ensure!(!team.worker.person.vault.is_copied());
    Ok(())
}

#[tokio::test]
async fn as_many_witnesses_as_the_release_asks_for_must_have_seen_it() -> Result<()> {
    let witnesses = [SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32])];
    let keys: Vec<_> = (1..)
        .zip(&witnesses)
        .map(|(number, key)| {
            let name = format!("witness{number}.example");
            VerifierKey::new(&name, KeyKind::Cosigner, key.verifying_key().to_bytes())
        })
        .collect::<Result<_, _>>()?;
    let known = keys.clone();
    let server = Server::with(Database::Sqlite, |config| {
        config.log.witnesses = known;
        config.log.required = 2;
    })
    .await?;
    let key = service_key(&server).await?;
    let [first, second] = keys.as_slice() else { anyhow::bail!("two") };
    let text = format!("log {key}\nwitness {first}\nwitness {second}\nrequired 2\n");
    let release = Release::read(&text)?;
    ensure!(!release.is_one_operators_word());

    let team = Team::on(&server).await?;
    let mut owner = Person::open(server.browser().believing(release), true).await?;
    let id = owner.add("Passeport", b"mine").await?;
    for (number, (key, signing)) in keys.iter().zip(&witnesses).enumerate() {
        let refused = owner.give(team.structure_id, &[id]).await.err();
        let few = Unchecked::TooFewWitnesses.into();
        ensure!(refused == Some(few), "{number} of two have seen it: {refused:?}");
        let elsewhere = server.browser().believing(Release::read(&text)?);
        let unchecked = owner.with_words(&elsewhere, true).await?.unchecked();
        ensure!(unchecked == Some(Unchecked::TooFewWitnesses), "{unchecked:?}");
        cosign(&server, key, signing).await?;
    }
    // Its newest checkpoint, which both have seen, may be older than what the structure said last.
    server.app().publish().await?;
    for (key, signing) in keys.iter().zip(&witnesses) {
        cosign(&server, key, signing).await?;
    }
    owner.give(team.structure_id, &[id]).await?;
    owner.vault.look(&owner.browser).await?;
    Ok(())
}

/// A witness signs what stands now.
async fn cosign(server: &Server, key: &VerifierKey, signing: &SigningKey) -> Result<()> {
    let browser = server.browser();
    let note = browser.ship(Call::read("/v1/log/checkpoint").open(), None).await?;
    let mut note = Note::parse(str::from_utf8(&note)?)?;
    let now = server.clock().now();
    let line = note.cosign(key, now, |message| signing.sign(message).to_bytes());
    note.put(key, line);
    let call = Call::send("/v1/log/cosignatures", &HandIn { note: note.to_string() });
    browser.ship(call.open(), None).await?;
    Ok(())
}
