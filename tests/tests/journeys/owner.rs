//! An owner alone: in, out, papers, another device, closing.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    vault::Sentence,
    words::{PaperSecret, SixWords, draw_handle},
    world::World as _,
};
use reconnect_format::api::{Call, Code};
use reconnect_tests::{
    scan::{Canary, contains},
    stage::{Person, Server, bytes, card, read, titles, unlock_with_paper, unlock_with_words},
};

super::on_both_databases! {
    an_owner_opens_a_safe_and_comes_back_with_words_and_with_the_sheet,
    a_paper_is_added_renamed_replaced_and_removed,
    everything_is_there_after_the_server_was_restarted,
    new_words_and_a_new_sheet_replace_the_old_ones,
    signing_out_ends_the_session_and_everywhere_ends_them_all,
    a_shared_computer_keeps_nothing,
    closing_a_safe_erases_everything,
    losing_the_secret_of_the_words_leaves_the_sheet,
    nothing_that_a_person_wrote_is_stored_or_heard_by_the_server,
}

async fn an_owner_opens_a_safe_and_comes_back_with_words_and_with_the_sheet(
    server: Server,
) -> Result<()> {
    let mut owner = server.person().await?;
    ensure!(owner.vault.papers().is_empty(), "a new safe is not empty");
    let photo = bytes(1, 300_000);
    let id = owner.add("Passeport", &photo).await?;

    let second = server.browser();
    let by_words = owner.with_words(&second, true).await?;
    ensure!(titles(&by_words) == ["Passeport"]);
    ensure!(read(&by_words, &second, id).await? == photo);
    ensure!(by_words.device_id() != owner.vault.device_id(), "another browser, another device");
    ensure!(by_words.handle() == owner.handle);

    let third = server.browser();
    let by_sheet = owner.with_sheet(&third, false).await?;
    ensure!(read(&by_sheet, &third, id).await? == photo);
    ensure!(by_sheet.account_id() == owner.vault.account_id());

    // The first browser again, after its page was closed: the same device, no new statement.
    let before = by_sheet.manifest().sequence();
    let again = owner.with_words(&owner.browser, true).await?;
    ensure!(again.device_id() == owner.vault.device_id());
    ensure!(again.manifest().sequence() == before);
    Ok(())
}

async fn a_paper_is_added_renamed_replaced_and_removed(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let (first, second) = (bytes(1, 70_000), bytes(2, 20_000));
    let id = owner.add("Facture", &first).await?;
    let kept = owner.add("Photo", &bytes(3, 10)).await?;
    let Person { browser, vault, .. } = &mut owner;
    vault.rename(browser, id, "Facture d'électricité").await?;
    ensure!(titles(vault) == ["Facture d'électricité", "Photo"]);
    ensure!(read(vault, browser, id).await? == first);

    let again = vault.add(browser, Some(id), &second, &card("Facture de mars")).await?;
    ensure!(again == id);
    ensure!(read(vault, browser, id).await? == second);
    let record = vault.manifest().document(id).context("it is there")?;
    ensure!(record.content.version == 2 && record.card.version == 3);
    ensure!(*vault.thumbnail(browser, id).await? == *b"a small picture of Facture de mars");

    vault.remove(browser, id).await?;
    ensure!(titles(vault) == ["Photo"]);
    ensure!(vault.reading(id).err() == Some(Error::NotFound));
    let gone = Call::read(format!("/v1/documents/{id}/content"));
    ensure!(browser.send(&gone, Some(vault.token())).await?.status == 404);
    server.app().sweep().await?;
    ensure!(server.blobs().await?.len() == 1, "the removed paper's content is still on the disk");
    ensure!(read(vault, browser, kept).await? == bytes(3, 10));

    let said: Vec<_> = vault.trace().into_iter().rev().map(|entry| entry.sentence).collect();
    let about: Vec<_> = said
        .into_iter()
        .filter(|it| {
            matches!(
                it,
                Sentence::Added(_)
                    | Sentence::Renamed(_)
                    | Sentence::Replaced(_)
                    | Sentence::Removed(_)
            )
        })
        .collect();
    let wanted = [
        Sentence::Added(id),
        Sentence::Added(kept),
        Sentence::Renamed(id),
        Sentence::Replaced(id),
        Sentence::Removed(id),
    ];
    ensure!(about.len() == wanted.len() && wanted.iter().all(|it| about.contains(it)), "{about:?}");
    Ok(())
}

/// I-1: everything is there after a stop in order.
async fn everything_is_there_after_the_server_was_restarted(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let photo = bytes(5, 500_000);
    let id = owner.add("Titre de séjour", &photo).await?;
    let server = server.restart().await?;
    // The session in use goes on.
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.read(id).await? == photo);
    owner.add("Après", b"after").await?;
    // And one comes in anew.
    let elsewhere = server.browser();
    let vault = owner.with_words(&elsewhere, true).await?;
    ensure!(titles(&vault) == ["Titre de séjour", "Après"]);
    ensure!(read(&vault, &elsewhere, id).await? == photo);
    Ok(())
}

async fn new_words_and_a_new_sheet_replace_the_old_ones(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let mut rng = owner.browser.rng();
    let (handle, words) = (draw_handle(&mut rng), SixWords::generate(&mut rng));
    owner.vault.replace_words(&owner.browser, &handle, &words).await?;
    ensure!(owner.vault.handle() == handle);
    let elsewhere = server.browser();
    let old = owner.with_words(&elsewhere, false).await.err();
    ensure!(old == Some(Error::WrongWordsOrHandle), "the old words: {old:?}");
    unlock_with_words(&elsewhere, &handle, &words, false).await?;

    let sheet = PaperSecret::generate(&mut rng);
    owner.vault.sync(&owner.browser).await?;
    owner.vault.replace_paper(&owner.browser, &sheet).await?;
    let old = owner.with_sheet(&elsewhere, false).await.err().context("the old sheet opens")?;
    ensure!(old.code() == "wrong_held", "the old sheet: {old:?}");
    unlock_with_paper(&elsewhere, &sheet, false).await?;
    Ok(())
}

/// I-15: a session that has ended is refused.
async fn signing_out_ends_the_session_and_everywhere_ends_them_all(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let Person { browser, vault, handle, words, sheet } = owner;
    let second = server.browser();
    let sheet = PaperSecret::parse(&sheet)?;
    let other = unlock_with_paper(&second, &sheet, true).await?;
    let sync = Call::read("/v1/sync");

    let token = vault.token().to_owned();
    vault.sign_out(&browser, false).await?;
    let refused = browser.send(&sync, Some(&token)).await?;
    ensure!(refused.status == 401 && refused.code() == Some(Code::SessionEnded));
    ensure!(second.send(&sync, Some(other.token())).await?.status == 200, "the other one lives");

    let words = SixWords::parse(&words)?;
    let mut vault = unlock_with_words(&browser, &handle, &words, true).await?;
    vault.sync(&browser).await?;
    let tokens = [other.token().to_owned(), vault.token().to_owned()];
    vault.sign_out(&browser, true).await?;
    for token in &tokens {
        ensure!(browser.send(&sync, Some(token)).await?.status == 401, "a session goes on");
    }
    // The second browser's device was retired: its session does not come back by itself.
    let vault = unlock_with_paper(&second, &sheet, true).await?;
    ensure!(vault.device_id() != other.device_id(), "a retired device came back");
    Ok(())
}

async fn a_shared_computer_keeps_nothing(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let library = server.browser();
    let vault = owner.with_words(&library, false).await?;
    let device_id = vault.device_id();
    ensure!(library.kept_names().is_empty(), "kept: {:?}", library.kept_names());
    vault.sign_out(&library, false).await?;
    let mut vault = owner.vault;
    vault.sync(&owner.browser).await?;
    ensure!(vault.manifest().device(device_id).is_none(), "the shared computer may still write");
    Ok(())
}

/// I-9: nothing is left of a safe that was closed.
async fn closing_a_safe_erases_everything(server: Server) -> Result<()> {
    let mut neighbour = server.person().await?;
    let kept = neighbour.add("Reste", &bytes(9, 40_000)).await?;
    server.app().publish().await?;
    let empty = server.dump().await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 400_000)).await?;
    owner.add("Photo", &bytes(2, 40_000)).await?;
    let Person { browser, vault, handle, words, sheet } = owner;
    let (token, account_id) = (vault.token().to_owned(), vault.account_id());
    vault.close_for_good(&browser).await?;
    ensure!(browser.send(&Call::read("/v1/sync"), Some(&token)).await?.status == 401);
    server.app().sweep().await?;
    // The last head goes into the log, and what it says there is nobody's.
    server.app().publish().await?;
    let grows = ["closed_account", "handle_tries", "log_note", "log_published"];
    let after = server.dump().await?.without(&grows);
    let before = empty.without(&grows);
    ensure!(after == before, "left behind: {}", before.difference(&after));
    for (name, content) in server.files().await? {
        ensure!(!contains(&content, account_id.as_bytes()), "the safe's id is still in {name}");
        ensure!(!contains(&content, handle.as_bytes()), "the handle is still in {name}");
    }

    let words = SixWords::parse(&words)?;
    let sheet = PaperSecret::parse(&sheet)?;
    let gone = unlock_with_words(&browser, &handle, &words, true).await.err();
    ensure!(gone == Some(Error::WrongWordsOrHandle), "{gone:?}");
    let gone = unlock_with_paper(&browser, &sheet, true).await.err();
    ensure!(gone.is_some_and(|error| error.code() == "wrong_held"));
    ensure!(neighbour.read(kept).await? == bytes(9, 40_000));
    Ok(())
}

async fn losing_the_secret_of_the_words_leaves_the_sheet(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let server = server
        .restart_after(|folder| Ok(std::fs::remove_file(folder.join("secrets/opaque.key"))?))
        .await?;
    let elsewhere = server.browser();
    let lost = owner.with_words(&elsewhere, false).await.err();
    ensure!(lost == Some(Error::WrongWordsOrHandle), "the words: {lost:?}");
    let mut vault = owner.with_sheet(&elsewhere, false).await?;
    ensure!(read(&vault, &elsewhere, id).await? == b"scan");
    // New words under the new secret work again.
    let mut rng = elsewhere.rng();
    let (handle, words) = (draw_handle(&mut rng), SixWords::generate(&mut rng));
    vault.replace_words(&elsewhere, &handle, &words).await?;
    unlock_with_words(&elsewhere, &handle, &words, false).await?;
    Ok(())
}

/// I-17: nothing that a person wrote is stored or heard.
async fn nothing_that_a_person_wrote_is_stored_or_heard_by_the_server(
    server: Server,
) -> Result<()> {
    let mut owner = server.person().await?;
    let content = format!("Née à Bamako, dossier 7-1942. {}", hex::encode(bytes(1, 40_000)));
    let title = "Récépissé de demande d'asile";
    let id = owner.add(title, content.as_bytes()).await?;
    owner.vault.rename(&owner.browser, id, "Convocation préfecture").await?;
    let elsewhere = server.browser();
    owner.with_words(&elsewhere, true).await?;
    owner.with_sheet(&elsewhere, true).await?;

    let sheet: String = owner.sheet.split_whitespace().collect();
    let mut canaries = vec![
        Canary::text("the content", "Née à Bamako, dossier 7-1942."),
        Canary::bytes("the content's middle", &content.as_bytes()[20_000..20_064]),
        Canary::text("the title", title),
        Canary::text("the new title", "Convocation préfecture"),
        Canary::text("the small picture", "a small picture of Récépissé"),
        Canary::text("the words", &owner.words),
        Canary::text("the sheet", &owner.sheet),
        Canary::text("the sheet without spaces", &sheet),
    ];
    // A word of the list may stand in the schema, which the database quotes.
    let schema = [
        include_str!("../../../migrations/0001_first.sql"),
        include_str!("../../../migrations/0003_shared.sql"),
        include_str!("../../../migrations/0004_scrub.sql"),
    ]
    .concat();
    let tell = |word: &&str| word.len() > 6 && !schema.contains(*word);
    canaries.extend(owner.words.split(' ').filter(tell).map(|word| Canary::text(word, word)));
    let mut places = server.files().await?;
    for exchange in server.recording().borrow().iter() {
        places.push((exchange.head.clone(), exchange.sent.clone()));
        places.push((format!("answer to {}", exchange.head), exchange.answer.body.clone()));
    }
    for (_, lines) in server.dump().await?.rows {
        places.push(("a table".to_owned(), lines.join("\n").into_bytes()));
    }
    for (name, place) in &places {
        for canary in &canaries {
            ensure!(!canary.is_in(place), "{} is in {name}", canary.name());
        }
    }
    // The control: what the server does know is found where it must be.
    let handle = Canary::text("the handle", &owner.handle);
    let account = Canary::bytes("the account", owner.vault.account_id().as_bytes());
    for known in [handle, account] {
        let found = places.iter().filter(|(_, place)| known.is_in(place)).count();
        ensure!(found >= 3, "{} was found {found} times", known.name());
    }
    Ok(())
}
