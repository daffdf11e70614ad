//! Somebody guesses, many at a time and across restarts: what counts, what is told, and that the owner comes in.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join, join_all};
use reconnect_core::{
    held::{HeldSecret, Pin},
    lock::{Login, Registration},
    vault::Vault,
    words::{PaperSecret, SixWords, draw_handle},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{
        Call, Code, PakeAnswer, PakeFinish, PinRegistrationStart, RegistrationStart, UseHeld,
        WordsStart,
    },
    id::{Base64, HeldId},
    lock::{HeldUse, PIN_TRIES},
};
use reconnect_tests::{
    browser::Browser,
    stage::{DAY, Person, Server},
    wire::Answer,
};

super::on_both_databases! {
    a_restart_gives_no_tries_of_the_words_back,
    sixty_four_at_a_time_get_ten_tries_and_the_owner_comes_in,
    what_came_too_late_is_told_alike_and_stays_spent,
    a_clock_that_is_off_is_told_to_who_holds_it_alone,
    nobody_registers_for_a_pin_that_was,
    what_has_ended_stays_ended_whatever_is_changed,
}

const PIN: &str = "481709";
const OTHER: &str = "728406";
/// Tries of a handle that cost no waiting.
const FREE: usize = 10;
/// Guessed at one time.
const AT_ONCE: usize = 64;

fn pin(typed: &str) -> Result<Pin> {
    Ok(Pin::choose(typed)?)
}

async fn make_card(owner: &mut Person) -> Result<PaperSecret> {
    let card = PaperSecret::card(&mut owner.browser.rng());
    Box::pin(owner.vault.set_card(&owner.browser, &card, &pin(PIN)?, 1)).await?;
    Ok(card)
}

async fn with_card(browser: &Browser, card: &PaperSecret) -> Result<Vault> {
    Ok(Box::pin(Vault::unlock_with_card(browser, card, &pin(PIN)?, false)).await?)
}

/// First messages with other words than the right ones.
fn wrong_words(browser: &Browser, handle: &str) -> Result<Call> {
    let mut rng = browser.rng();
    let (_, request) = Login::start(SixWords::generate(&mut rng).password(), &mut rng)?;
    let start = WordsStart { handle: handle.to_owned(), request: Base64(request) };
    Ok(Call::send("/v1/unlock/words", &start).open())
}

/// Asks to register other words for a handle: an evaluation too.
fn registering(browser: &Browser, handle: &str) -> Result<Call> {
    let mut rng = browser.rng();
    let (_, request) = Registration::start(SixWords::generate(&mut rng).password(), &mut rng)?;
    let start = RegistrationStart { handle: handle.to_owned(), request: Base64(request) };
    Ok(Call::send("/v1/words/registration", &start).open())
}

/// A use of what `held_id` names, signed by `by` at `made_at`.
fn uses(
    browser: &Browser,
    (by, held_id): (&HeldSecret, HeldId),
    made_at: u64,
    typed: Option<&str>,
) -> Result<Call> {
    let mut rng = browser.rng();
    let request = match typed {
        Some(typed) => Login::start(pin(typed)?.password(by), &mut rng)?.1,
        None => Vec::new(),
    };
    let mut nonce = [0; 32];
    rand_core::Rng::fill_bytes(&mut rng, &mut nonce);
    let held_use = HeldUse { suite: Suite::V1, held_id, nonce, made_at, request };
    let held_use = Base64(by.signing().sign(held_use).encode());
    let path = if typed.is_some() { "/v1/unlock/pin" } else { "/v1/unlock/held" };
    Ok(Call::send(path, &UseHeld { held_use }).open())
}

async fn ask_all(browser: &Browser, calls: &[Call]) -> Result<Vec<Answer>> {
    let answers = join_all(calls.iter().map(|call| browser.send(call, None))).await;
    Ok(answers.into_iter().collect::<Result<_, _>>()?)
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// I-16: tries of words are counted across restarts.
async fn a_restart_gives_no_tries_of_the_words_back(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let thief = server.browser();
    let nobodys = "nobody-nowhere-1234";
    let mut server = server;
    for number in 0..FREE + 2 {
        if number == FREE / 2 || number == FREE + 1 {
            server = server.restart().await?;
        }
        // Whether or not there is such a handle.
        for handle in [owner.handle.as_str(), nobodys] {
            let by_registering = number % 2 == 1 && number < FREE;
            let call = if by_registering {
                registering(&thief, handle)?
            } else {
                wrong_words(&thief, handle)?
            };
            let answer = thief.send(&call, None).await?;
            let expected = if number < FREE { 200 } else { 429 };
            ensure!(answer.status == expected, "{handle}, try {number}: {}", answer.status);
        }
    }
    // It costs its owner nothing but the words, for a while.
    owner.with_sheet(&server.browser(), false).await?;
    server.clock().advance(30);
    owner.with_words(&server.browser(), false).await?;
    Ok(())
}

/// I-16: 64 at one time, and nobody is locked out of their own device, sheet or card.
async fn sixty_four_at_a_time_get_ten_tries_and_the_owner_comes_in(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let (card, other) = (make_card(&mut owner).await?, make_card(&mut owner).await?);
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(PIN)?)).await?;
    let thief = server.browser();
    let (now, held) = (thief.now(), card.held());
    let stranger = PaperSecret::card(&mut thief.rng()).held();
    let mut calls = Vec::new();
    for _ in 0..AT_ONCE {
        calls.push(wrong_words(&thief, &owner.handle)?);
        calls.push(uses(&thief, (&held, held.held_id()), now, Some(OTHER))?);
        // Who knows the other card's id, and does not hold it.
        calls.push(uses(&thief, (&stranger, other.held().held_id()), now, Some(OTHER))?);
    }
    let owner_comes = async {
        with_card(&server.browser(), &other).await?;
        owner.with_sheet(&server.browser(), false).await?;
        Box::pin(Vault::unlock_here(&owner.browser, &pin(PIN)?, None)).await?;
        anyhow::Ok(())
    };
    let (answers, came) = join(ask_all(&thief, &calls), Box::pin(owner_comes)).await;
    came?;
    let answers = answers?;
    let of = |kind: usize| -> Vec<_> { answers.iter().skip(kind).step_by(3).cloned().collect() };
    let (words, pins, forged) = (of(0), of(1), of(2));
    ensure!(count(&words, 200) == FREE && count(&words, 429) == AT_ONCE - FREE);
    // A database that is asked too much at a time says so, and has spent nothing.
    let (tries, gone, busy) = (count(&pins, 200), count(&pins, 410), count(&pins, 503));
    ensure!(tries <= PIN_TRIES as usize && tries + gone + busy == AT_ONCE, "{tries} {gone} {busy}");
    ensure!(count(&forged, 401) == AT_ONCE, "a forged use was no refusal like others");
    Ok(())
}

/// Everything of an answer.
fn seen(answer: &Answer) -> (u16, &axum::http::HeaderMap, &[u8]) {
    (answer.status, &answer.headers, &answer.body)
}

async fn what_came_too_late_is_told_alike_and_stays_spent(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner).await?;
    let browser = server.browser();
    let words = SixWords::parse(&owner.words)?;
    let mut told = Vec::new();
    // Right words, words of nobody, a right PIN: the third message comes after two minutes.
    let (login, request) = Login::start(words.password(), &mut browser.rng())?;
    let start = WordsStart { handle: owner.handle.clone(), request: Base64(request) };
    let known = Call::send("/v1/unlock/words", &start).open();
    let known: PakeAnswer = serde_json::from_slice(&browser.ship(known, None).await?)?;
    let (finalization, _) =
        login.finish(&known.response.0, &mut browser.rng())?.context("the right words")?;
    let unknown = wrong_words(&browser, "nobody-nowhere-1234")?;
    let unknown: PakeAnswer = serde_json::from_slice(&browser.ship(unknown, None).await?)?;
    let held = card.held();
    let (pin_login, request) = Login::start(pin(PIN)?.password(&held), &mut browser.rng())?;
    let mut nonce = [0; 32];
    rand_core::Rng::fill_bytes(&mut browser.rng(), &mut nonce);
    let (held_id, made_at) = (held.held_id(), browser.now());
    let held_use = HeldUse { suite: Suite::V1, held_id, nonce, made_at, request };
    let held_use = Base64(held.signing().sign(held_use).encode());
    let tried = Call::send("/v1/unlock/pin", &UseHeld { held_use }).open();
    let tried: PakeAnswer = serde_json::from_slice(&browser.ship(tried, None).await?)?;
    let (pin_finalization, _) =
        pin_login.finish(&tried.response.0, &mut browser.rng())?.context("the right PIN")?;
    server.clock().advance(121);
    for (unlock_id, finalization) in [
        (known.unlock_id, finalization.clone()),
        (unknown.unlock_id, finalization.clone()),
        (tried.unlock_id, pin_finalization),
        (reconnect_format::id::UnlockId([7; 16]), finalization),
    ] {
        let finish = PakeFinish { unlock_id, finalization: Base64(finalization) };
        let call = Call::send("/v1/unlock/finish", &finish).open();
        let answer = browser.send(&call, None).await?;
        ensure!(answer.code() == Some(Code::UnlockOver), "{:?}", answer.code());
        told.push(answer);
    }
    ensure!(told.iter().all(|one| seen(one) == seen(&told[0])), "they are told apart");
    let locks = owner.vault.locks(&owner.browser).await?;
    let left: Vec<_> = locks.iter().filter_map(|lock| lock.tries_left).collect();
    ensure!(left == [PIN_TRIES - 1], "{left:?}");
    with_card(&browser, &card).await?;
    owner.with_words(&browser, false).await?;
    Ok(())
}

async fn a_clock_that_is_off_is_told_to_who_holds_it_alone(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner).await?.held();
    let sheet = PaperSecret::parse(&owner.sheet)?.held();
    let browser = server.browser();
    let stranger = PaperSecret::card(&mut browser.rng()).held();
    for made_at in [browser.now() - 31 * DAY, browser.now() + 31 * DAY, 0] {
        for (held, typed) in [(&card, Some(PIN)), (&sheet, None)] {
            let call = uses(&browser, (held, held.held_id()), made_at, typed)?;
            let told = browser.send(&call, None).await?;
            ensure!(told.code() == Some(Code::WrongClock), "{:?}", told.code());
            let mut refusals = Vec::new();
            for (held_id, made_at) in [
                (held.held_id(), made_at),
                (held.held_id(), browser.now()),
                (stranger.held_id(), made_at),
                (stranger.held_id(), browser.now()),
            ] {
                let call = uses(&browser, (&stranger, held_id), made_at, typed)?;
                refusals.push(browser.send(&call, None).await?);
            }
            let first = seen(&refusals[0]);
            ensure!(first.0 == 401 && refusals.iter().all(|one| seen(one) == first));
        }
    }
    let locks = owner.vault.locks(&owner.browser).await?;
    ensure!(locks.iter().filter_map(|lock| lock.tries_left).eq([PIN_TRIES]), "a try was spent");
    Ok(())
}

async fn nobody_registers_for_a_pin_that_was(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let card = make_card(&mut owner).await?;
    let lock_id = owner.vault.locks(&owner.browser).await?.last().context("a card")?.lock_id;
    let thief = server.browser();
    let tried = async || -> Result<Option<Code>> {
        let password = pin(OTHER)?.password(&card.held());
        let (_, request) = Registration::start(password, &mut thief.rng())?;
        let start = PinRegistrationStart { lock_id, request: Base64(request) };
        let call = Call::send("/v1/pin/registration", &start).open();
        Ok(thief.send(&call, None).await?.code())
    };
    ensure!(tried().await? == Some(Code::Conflict));
    owner.vault.retire_lock(&owner.browser, lock_id).await?;
    ensure!(tried().await? == Some(Code::Conflict), "the old PIN can be tried");
    owner.vault.close_for_good(&owner.browser).await?;
    server.app().sweep().await?;
    ensure!(tried().await? == Some(Code::Conflict), "the old PIN can be tried after closing");
    Ok(())
}

/// I-15: a session that has ended is over for good, and a change of a lock ends nobody else's.
async fn what_has_ended_stays_ended_whatever_is_changed(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    let desk = server.browser();
    let left = owner.with_sheet(&desk, false).await?;
    let over = left.token().to_owned();
    desk.send(&Call::remove("/v1/sessions/this"), Some(&over)).await?;
    let there = owner.with_sheet(&desk, false).await?;
    let mut lost = server.browser();
    let phone = owner.with_words(&lost, true).await?;
    lost = lost.copied();
    owner.vault.sync(&owner.browser).await?;
    owner.vault.retire_device(&owner.browser, phone.device_id()).await?;
    let check = async || -> Result<()> {
        for (token, status) in [(over.as_str(), 401), (phone.token(), 401), (there.token(), 200)] {
            let answer = lost.send(&Call::read("/v1/memberships"), Some(token)).await?;
            ensure!(answer.status == status, "{} in place of {status}", answer.status);
        }
        Ok(())
    };
    check().await?;
    let card = make_card(&mut owner).await?;
    check().await?;
    Box::pin(owner.vault.set_card(&owner.browser, &card, &pin(OTHER)?, 1)).await?;
    check().await?;
    Box::pin(owner.vault.remember_here(&owner.browser, &pin(PIN)?)).await?;
    check().await?;
    let passkey = HeldSecret::of_passkey(&[9; 32])?;
    Box::pin(owner.vault.add_passkey(&owner.browser, &passkey)).await?;
    check().await?;
    let mut rng = owner.browser.rng();
    let (handle, words) = (draw_handle(&mut rng), SixWords::generate(&mut rng));
    owner.vault.replace_words(&owner.browser, &handle, &words).await?;
    check().await?;
    owner.vault.replace_paper(&owner.browser, &PaperSecret::generate(&mut rng)).await?;
    check().await?;
    Box::pin(owner.vault.forget_here(&owner.browser)).await?;
    check().await?;
    for lock in owner.vault.locks(&owner.browser).await? {
        // All but the last way back.
        let _ = owner.vault.retire_lock(&owner.browser, lock.lock_id).await;
        check().await?;
    }
    Ok(())
}
