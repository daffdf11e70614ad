//! Ways in that need no memory for words: a card with a PIN, a browser that remembers, a passkey.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use axum::{
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use futures_util::future::join_all;
use reconnect_core::{
    error::Error,
    held::{HeldSecret, Pin, SHARED_MARK},
    lock::Login,
    vault::{Drawn, LockSeen, Vault, Ways},
    words::{PaperSecret, SixWords},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{Call, Code, PinRegistrationStart, UseHeld},
    id::Base64,
    lock::{HeldUse, LockKind, PIN_TRIES},
};
use reconnect_tests::{
    between::through,
    browser::Browser,
    stage::{Person, Server, read, unlock_with_paper, unlock_with_words},
};

super::on_both_databases! {
    a_card_and_its_pin_open_the_safe_on_any_browser,
    cards_are_cancelled_one_by_one_and_cut_nobody_else_off,
    a_card_takes_another_pin,
    a_change_that_stops_half_way_leaves_a_way_in,
    ten_wrong_pins_end_a_card_and_nothing_else,
    a_thousand_tries_at_once_are_ten,
    whoever_does_not_hold_the_card_spends_none_of_its_tries,
    nobody_registers_for_the_pin_of_a_lock_that_exists,
    a_browser_of_ones_own_remembers_the_safe_under_a_pin,
    one_browser_remembers_one_safe_and_replaces_nobody_elses,
    a_device_that_is_retired_takes_its_pin_along,
    a_passkey_opens_the_safe,
    a_safe_is_opened_with_a_card_and_a_sheet,
    a_safe_with_one_way_back_is_not_opened,
    the_last_way_back_stays,
    sessions_and_devices_are_listed_with_their_pictures,
}

const PIN: &str = "481709";
const OTHER: &str = "728406";

fn pin(typed: &str) -> Result<Pin, Error> {
    Pin::choose(typed)
}

async fn with_card(browser: &Browser, card: &PaperSecret, typed: &str) -> Result<Vault, Error> {
    Box::pin(Vault::unlock_with_card(browser, card, &pin(typed)?, false)).await
}

async fn make_card(owner: &mut Person, mark: u8) -> Result<PaperSecret, Error> {
    let card = PaperSecret::card(&mut owner.browser.rng());
    Box::pin(owner.vault.set_card(&owner.browser, &card, &pin(PIN)?, mark)).await?;
    Ok(card)
}

async fn cards(vault: &Vault, browser: &Browser) -> Result<Vec<LockSeen>, Error> {
    let locks = vault.locks(browser).await?;
    Ok(locks.into_iter().filter(|lock| lock.kind == LockKind::Card).collect())
}

async fn a_card_and_its_pin_open_the_safe_on_any_browser(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let card = make_card(&mut owner, 7).await?;
    let seen = cards(&owner.vault, &owner.browser).await?;
    ensure!(seen.iter().map(|lock| lock.mark).collect::<Vec<_>>() == [7]);
    ensure!(seen.iter().all(|lock| lock.tries_left == Some(PIN_TRIES) && !lock.here));

    // As it is typed from the paper, or read from its square.
    let printed = PaperSecret::parse(&card.groups().join(" "))?;
    let desk = server.browser();
    let vault = with_card(&desk, &printed, PIN).await?;
    ensure!(read(&vault, &desk, id).await? == b"scan");
    ensure!(vault.wrong_pins() == 0);

    // Wrong ones are counted, told, and given back by the right one.
    for left in [9, 8, 7] {
        let wrong = with_card(&desk, &card, OTHER).await.err();
        ensure!(wrong == Some(Error::WrongPin(left)), "{wrong:?}");
    }
    let seen = cards(&owner.vault, &owner.browser).await?;
    ensure!(seen.iter().all(|lock| lock.tries_left == Some(7)));
    let vault = with_card(&desk, &card, PIN).await?;
    ensure!(vault.wrong_pins() == 3, "its owner is not told: {}", vault.wrong_pins());
    ensure!(with_card(&desk, &card, PIN).await?.wrong_pins() == 0);

    // The card alone is not enough, and a card is no sheet.
    let alone = Box::pin(Vault::unlock_with_paper(&desk, &card, false)).await.err();
    ensure!(alone == Some(Error::NeedsPin), "{alone:?}");
    Ok(())
}

async fn cards_are_cancelled_one_by_one_and_cut_nobody_else_off(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let (first, second) = (make_card(&mut owner, 1).await?, make_card(&mut owner, 2).await?);
    let desk = server.browser();
    let mut there = with_card(&desk, &first, PIN).await?;
    let seen = cards(&owner.vault, &owner.browser).await?;
    let lost = seen.iter().find(|lock| lock.mark == 1).context("the first card")?;
    owner.vault.retire_lock(&owner.browser, lost.lock_id).await?;
    let refused = with_card(&server.browser(), &first, PIN).await.err().context("cancelled")?;
    ensure!(refused.code() == "wrong_held", "{refused:?}");
    // Who is in stays in; the other card, the words and the sheet open as before.
    there.sync(&desk).await?;
    with_card(&server.browser(), &second, PIN).await?;
    owner.with_words(&server.browser(), false).await?;
    owner.with_sheet(&server.browser(), false).await?;
    Ok(())
}

async fn a_card_takes_another_pin(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner, 3).await?;
    let desk = server.browser();
    let mut there = with_card(&desk, &card, PIN).await?;
    Box::pin(owner.vault.set_card(&owner.browser, &card, &pin(OTHER)?, 3)).await?;
    ensure!(cards(&owner.vault, &owner.browser).await?.len() == 1);
    let old = with_card(&server.browser(), &card, PIN).await.err();
    ensure!(old == Some(Error::WrongPin(PIN_TRIES - 1)), "{old:?}");
    with_card(&server.browser(), &card, OTHER).await?;
    there.sync(&desk).await?;
    Ok(())
}

/// New words, a new sheet and another PIN, each stopped before its first statement and between its two.
async fn a_change_that_stops_half_way_leaves_a_way_in(server: Server) -> Result<()> {
    let stopped = Arc::new(AtomicUsize::new(usize::MAX));
    let after = Arc::clone(&stopped);
    let router = server.router().layer(from_fn(move |request: Request, next: Next| {
        let after = Arc::clone(&after);
        async move {
            let is_statement = request.uri().path() == "/v1/statements";
            let is_over = after.load(Ordering::SeqCst) == 0;
            if is_statement && is_over {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            let answer = next.run(request).await;
            if is_statement && answer.status().is_success() {
                after.fetch_sub(1, Ordering::SeqCst);
            }
            answer
        }
    }));
    let mut owner = Person::open(through(&server, router), true).await?;
    let card = make_card(&mut owner, 5).await?;
    let elsewhere = || server.browser();
    for statements in [0, 1] {
        let handle = format!("lune-bleu-100{statements}");
        let words = SixWords::generate(&mut owner.browser.rng());
        let sheet = PaperSecret::generate(&mut owner.browser.rng());
        let Person { browser, vault, .. } = &mut owner;

        stopped.store(statements, Ordering::SeqCst);
        ensure!(vault.replace_words(browser, &handle, &words).await.is_err());
        let new = unlock_with_words(&elsewhere(), &handle, &words, false).await;
        ensure!(new.is_ok() == (statements == 1), "the new words after {statements}");
        owner.with_words(&elsewhere(), false).await.context("the old words")?;

        let Person { browser, vault, .. } = &mut owner;
        ensure!(vault.replace_paper(browser, &sheet).await.is_err());
        stopped.store(statements, Ordering::SeqCst);
        ensure!(vault.replace_paper(browser, &sheet).await.is_err());
        let new = unlock_with_paper(&elsewhere(), &sheet, false).await;
        ensure!(new.is_ok() == (statements == 1), "the new sheet after {statements}");
        owner.with_sheet(&elsewhere(), false).await.context("the old sheet")?;

        // The newer of a card's two PINs counts.
        let (before, next) = if statements == 0 { (PIN, OTHER) } else { (OTHER, PIN) };
        let Person { browser, vault, .. } = &mut owner;
        stopped.store(statements, Ordering::SeqCst);
        ensure!(Box::pin(vault.change_pin(browser, &card, &pin(next)?)).await.is_err());
        let counts = if statements == 0 { before } else { next };
        with_card(&elsewhere(), &card, counts).await.context("the card")?;

        // Asked again, each goes on where it stopped.
        stopped.store(usize::MAX, Ordering::SeqCst);
        vault.replace_words(browser, &handle, &words).await?;
        vault.replace_paper(browser, &sheet).await?;
        Box::pin(vault.change_pin(browser, &card, &pin(next)?)).await?;
        ensure!(vault.manifest().locks().count() == 3, "{:?}", vault.locks(browser).await?);
        ensure!(cards(vault, browser).await?.iter().all(|lock| lock.mark == 5));
        with_card(&elsewhere(), &card, next).await.context("its new PIN")?;
        ensure!(owner.with_words(&elsewhere(), false).await.is_err(), "the old words");
        ensure!(owner.with_sheet(&elsewhere(), false).await.is_err(), "the old sheet");
        owner.handle = handle;
        owner.words = words.show().join(" ");
        owner.sheet = sheet.groups().join(" ");
    }
    // A card of another safe takes no PIN here.
    let (other, new) = (PaperSecret::card(&mut owner.browser.rng()), pin(PIN)?);
    let refused = Box::pin(owner.vault.change_pin(&owner.browser, &other, &new)).await.err();
    ensure!(refused == Some(Error::NotFound) && owner.vault.lock_of(&other).is_none());
    Ok(())
}

/// I-16: tries of a PIN are counted across a restart.
async fn ten_wrong_pins_end_a_card_and_nothing_else(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let (card, other) = (make_card(&mut owner, 1).await?, make_card(&mut owner, 2).await?);
    let thief = server.browser();
    let mut server = server;
    for left in (0..PIN_TRIES).rev() {
        if left == 4 {
            // Counted across a restart.
            server = server.restart().await?;
        }
        let wrong = with_card(&thief, &card, OTHER).await.err();
        ensure!(wrong == Some(Error::WrongPin(left)), "{wrong:?}");
    }
    for typed in [OTHER, PIN] {
        let dead = with_card(&thief, &card, typed).await.err().context("it is dead")?;
        ensure!(dead.code() == "pin_spent", "{dead:?}");
    }
    with_card(&thief, &other, PIN).await?;
    owner.with_sheet(&thief, false).await?;
    owner.with_words(&thief, false).await?;
    owner.vault.sync(&owner.browser).await?;
    let seen = cards(&owner.vault, &owner.browser).await?;
    let dead = seen.iter().find(|lock| lock.mark == 1).context("the dead card")?;
    ensure!(dead.tries_left == Some(0), "its owner does not see that it is dead");
    owner.vault.retire_lock(&owner.browser, dead.lock_id).await?;
    Ok(())
}

/// A first message of a try, signed by `held`.
fn try_with(browser: &Browser, held: &HeldSecret, typed: &str) -> Result<Call> {
    let mut rng = browser.rng();
    let (_, request) = Login::start(pin(typed)?.password(held), &mut rng)?;
    let mut nonce = [0; 32];
    rand_core::Rng::fill_bytes(&mut rng, &mut nonce);
    let (held_id, made_at) = (held.held_id(), browser.now());
    let held_use = HeldUse { suite: Suite::V1, held_id, nonce, made_at, request };
    let held_use = Base64(held.signing().sign(held_use).encode());
    Ok(Call::send("/v1/unlock/pin", &UseHeld { held_use }).open())
}

/// I-16: a thousand tries of a PIN at once are ten.
async fn a_thousand_tries_at_once_are_ten(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner, 1).await?;
    let thief = server.browser();
    let calls: Vec<_> =
        (0..1000).map(|_| try_with(&thief, &card.held(), OTHER)).collect::<Result<_>>()?;
    let answers = join_all(calls.iter().map(|call| thief.send(call, None))).await;
    let (mut answered, mut refused) = (0, 0);
    for answer in answers {
        match answer? {
            answer if answer.status == 200 => answered += 1,
            answer if answer.code() == Some(Code::PinSpent) => refused += 1,
            answer => ensure!(answer.status == 503, "{}", answer.status),
        }
    }
    ensure!(answered == 10, "{answered} answers, {refused} refusals");
    owner.with_sheet(&thief, false).await?;
    Ok(())
}

/// I-16: nobody spends what somebody else holds.
async fn whoever_does_not_hold_the_card_spends_none_of_its_tries(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner, 1).await?;
    let stranger = server.browser();
    let other = PaperSecret::card(&mut stranger.rng()).held();
    for _ in 0..20 {
        // Its id, under another key; and the very bytes of a use, a second time.
        let mut rng = stranger.rng();
        let (_, request) = Login::start(pin(OTHER)?.password(&other), &mut rng)?;
        let (held_id, made_at) = (card.held().held_id(), stranger.now());
        let forged = HeldUse { suite: Suite::V1, held_id, nonce: [1; 32], made_at, request };
        let held_use = Base64(other.signing().sign(forged).encode());
        let call = Call::send("/v1/unlock/pin", &UseHeld { held_use }).open();
        ensure!(stranger.send(&call, None).await?.code() == Some(Code::WrongHeld));
    }
    let used = try_with(&stranger, &card.held(), OTHER)?;
    ensure!(stranger.send(&used, None).await?.status == 200);
    for _ in 0..20 {
        ensure!(stranger.send(&used, None).await?.code() == Some(Code::WrongHeld));
    }
    let seen = cards(&owner.vault, &owner.browser).await?;
    ensure!(seen.iter().all(|lock| lock.tries_left == Some(PIN_TRIES - 1)));
    Ok(())
}

async fn nobody_registers_for_the_pin_of_a_lock_that_exists(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner, 1).await?.held();
    let lock_id = cards(&owner.vault, &owner.browser).await?[0].lock_id;
    let thief = server.browser();
    let (_, request) =
        reconnect_core::lock::Registration::start(pin(OTHER)?.password(&card), &mut thief.rng())?;
    let start = PinRegistrationStart { lock_id, request: Base64(request) };
    let call = Call::send("/v1/pin/registration", &start).open();
    ensure!(thief.send(&call, None).await?.code() == Some(Code::Conflict));
    Ok(())
}

async fn a_browser_of_ones_own_remembers_the_safe_under_a_pin(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(PIN)?)).await?;
    let wrong = Box::pin(Vault::unlock_here(&owner.browser, &pin(OTHER)?, None)).await.err();
    ensure!(wrong == Some(Error::WrongPin(PIN_TRIES - 1)), "{wrong:?}");
    let again = Box::pin(Vault::unlock_here(&owner.browser, &pin(PIN)?, None)).await?;
    ensure!(read(&again, &owner.browser, id).await? == b"scan");
    ensure!(again.device_id() == owner.vault.device_id(), "the same browser, the same device");

    // Another PIN takes the place of the first.
    owner.vault.sync(&owner.browser).await?;
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(OTHER)?)).await?;
    let locks = owner.vault.locks(&owner.browser).await?;
    let here: Vec<_> = locks.iter().filter(|it| it.kind == LockKind::Device).collect();
    ensure!(here.len() == 1 && here.iter().all(|it| it.here));
    Box::pin(Vault::unlock_here(&owner.browser, &pin(OTHER)?, None)).await?;

    // Another browser has nothing to open; a shared one keeps nothing.
    let other = server.browser();
    let nothing = Box::pin(Vault::unlock_here(&other, &pin(OTHER)?, None)).await.err();
    ensure!(nothing == Some(Error::NotFound), "{nothing:?}");
    let mut shared = owner.with_words(&other, false).await?;
    let refused = Box::pin(shared.remember_here(&other, &pin(PIN)?)).await.err();
    ensure!(refused == Some(Error::NeedsOwnDevice), "{refused:?}");

    owner.vault.sync(&owner.browser).await?;
    Box::pin(owner.vault.forget_here(&owner.browser)).await?;
    let gone = Box::pin(Vault::unlock_here(&owner.browser, &pin(OTHER)?, None)).await.err();
    ensure!(gone == Some(Error::NotFound), "{gone:?}");
    Ok(())
}

async fn one_browser_remembers_one_safe_and_replaces_nobody_elses(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(PIN)?)).await?;
    // Somebody else, on the same phone.
    let other = server.person().await?;
    let mut there = other.with_sheet(&owner.browser, true).await?;
    let refused = Box::pin(there.remember_here(&owner.browser, &pin(OTHER)?)).await.err();
    ensure!(refused == Some(Error::RemembersAnother), "{refused:?}");
    ensure!(there.locks(&owner.browser).await?.len() == 2, "a lock was set all the same");
    Box::pin(there.forget_here(&owner.browser)).await?;
    let mut again = Box::pin(Vault::unlock_here(&owner.browser, &pin(PIN)?, None)).await?;
    ensure!(again.account_id() == owner.vault.account_id());
    // Its person takes it away, and then there is room.
    Box::pin(again.forget_here(&owner.browser)).await?;
    Box::pin(there.remember_here(&owner.browser, &pin(OTHER)?)).await?;
    let vault = Box::pin(Vault::unlock_here(&owner.browser, &pin(OTHER)?, None)).await?;
    ensure!(vault.account_id() == other.vault.account_id());
    Ok(())
}

async fn a_device_that_is_retired_takes_its_pin_along(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(PIN)?)).await?;
    // The phone is stolen, with the PIN on a slip of paper.
    let desk = server.browser();
    let mut there = owner.with_words(&desk, false).await?;
    there.retire_device(&desk, owner.vault.device_id()).await?;
    ensure!(there.locks(&desk).await?.iter().all(|lock| lock.kind != LockKind::Device));
    let thief = Box::pin(Vault::unlock_here(&owner.browser, &pin(PIN)?, None)).await.err();
    ensure!(thief.as_ref().map(Error::code) == Some("wrong_held"), "{thief:?}");
    Ok(())
}

async fn a_passkey_opens_the_safe(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", b"scan").await?;
    let given = HeldSecret::of_passkey(&[9; 32])?;
    Box::pin(owner.vault.add_passkey(&owner.browser, &given)).await?;
    let browser = server.browser();
    let vault = Box::pin(Vault::unlock_with_passkey(&browser, &given, false)).await?;
    ensure!(read(&vault, &browser, id).await? == b"scan");
    let other = HeldSecret::of_passkey(&[8; 32])?;
    let refused = Box::pin(Vault::unlock_with_passkey(&browser, &other, false)).await.err();
    ensure!(refused.map(|error| error.code()) == Some("wrong_held"));
    Ok(())
}

async fn a_safe_is_opened_with_a_card_and_a_sheet(server: Server) -> Result<()> {
    let browser = server.browser();
    let drawn = Drawn::draw(&mut browser.rng());
    let ways = Ways { sheet: true, card: Some((pin(PIN)?, 12)), ..Ways::default() };
    // The answer is lost, and the person asks again.
    browser.cut(reconnect_tests::browser::Cut::Answer, "/v1/accounts");
    let lost = Box::pin(drawn.open(&browser, &ways, false)).await.err();
    ensure!(lost == Some(Error::Offline), "{lost:?}");
    let vault = Box::pin(drawn.open(&browser, &ways, false)).await?;
    ensure!(vault.handle().is_empty(), "nothing is typed to find it");
    let seen = cards(&vault, &browser).await?;
    ensure!(seen.iter().map(|lock| lock.mark).collect::<Vec<_>>() == [12]);
    with_card(&server.browser(), drawn.card(), PIN).await?;
    Box::pin(Vault::unlock_with_paper(&server.browser(), drawn.paper(), false)).await?;
    Ok(())
}

async fn a_safe_with_one_way_back_is_not_opened(server: Server) -> Result<()> {
    let browser = server.browser();
    let drawn = Drawn::draw(&mut browser.rng());
    let ways = Ways { card: Some((pin(PIN)?, 0)), ..Ways::default() };
    let refused = Box::pin(drawn.open(&browser, &ways, false)).await.err().context("refused")?;
    ensure!(refused.code() == "refused", "{refused:?}");
    let gone = with_card(&browser, drawn.card(), PIN).await.err().context("there is none")?;
    ensure!(gone.code() == "wrong_held", "{gone:?}");
    Ok(())
}

async fn the_last_way_back_stays(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    Box::pin(owner.vault.add_passkey(&owner.browser, &HeldSecret::of_passkey(&[9; 32])?)).await?;
    let locks = owner.vault.locks(&owner.browser).await?;
    let (words, sheet) = (locks[0].lock_id, locks[1].lock_id);
    owner.vault.retire_lock(&owner.browser, words).await?;
    let last = owner.vault.retire_lock(&owner.browser, sheet).await.err();
    ensure!(last.is_some(), "only a passkey would be left");
    owner.with_sheet(&server.browser(), false).await?;
    Ok(())
}

async fn sessions_and_devices_are_listed_with_their_pictures(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let browser = server.browser();
    let vault = owner.with_words(&browser, false).await?;
    let sessions = owner.vault.sessions(&owner.browser).await?;
    ensure!(sessions.len() == 2 && sessions.iter().filter(|it| it.this).count() == 1);
    ensure!(sessions.iter().any(|it| it.device_id == vault.device_id() && !it.this));
    ensure!(vault.device_mark(vault.device_id()) == SHARED_MARK);
    vault.sign_out(&browser, false).await.map_err(|stayed| stayed.error)?;
    ensure!(owner.vault.sessions(&owner.browser).await?.len() == 1);
    Ok(())
}
