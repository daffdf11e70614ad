//! Whoever runs the server, or stole its disk, wants to get into a safe.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    held::Pin,
    lock::{Login, Registration},
    vault::Vault,
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{Call, PakeAnswer, PinRegistrationStart, Unlocked, UseHeld, WordsStart},
    check, decode, encode,
    id::{Base64, LockId},
    lock::{HeldUse, PIN_TRIES, RootWrap},
    switch::{Check, without},
};
use reconnect_tests::{
    browser::Browser,
    stage::{Database, Person, Server},
};
use serde_json::Value;

use crate::{
    giving::works_on,
    lies::{lie, say},
    pair::{Outcome, pairs},
};

pairs! {
    a_wrap_of_the_root_that_was_changed: "damaged" without [RootWrapBinding, LiveLock];
    a_lock_that_was_retired: "forged" without [LiveLock];
    cheaper_stretching_of_the_words: passed_over without [StretchCost];
    a_stolen_database: passed_over given "the secret that is kept outside the database";
    failures_that_can_be_told_apart: passed_over given "a page that asks again after one of them";
    asking_whether_a_safe_exists: passed_over without [UnknownHandle];
    pins_tried_without_end: passed_over without [PinTries];
    tries_spent_by_strangers: passed_over without [HeldUse];
    pins_tried_by_registering: passed_over without [PinRegistration];
    a_stolen_pin_record: passed_over without [PinPassword];
}

async fn stage() -> Result<(Server, Person)> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", b"passport").await?;
    Ok((server, owner))
}

/// What the server says of the root's wrap to whoever comes in, changed.
fn change_the_wrap(browser: &Browser, change: impl Fn(&mut Vec<u8>) + 'static) {
    lie(browser, "/v1/unlock/", move |_, unlocked: &mut Unlocked| {
        change(&mut unlocked.root_wrap.0);
    });
}

/// Every byte of it, and then its name for another lock, as it is encoded.
async fn a_wrap_of_the_root_that_was_changed() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let damaged = |outcome: Result<_, Error>| outcome.err().map(|error| error.code());
    if check!(RootWrapBinding) {
        for place in 0..135 {
            let browser = server.browser();
            change_the_wrap(&browser, move |wrap| wrap[place] ^= 1);
            let told = damaged(owner.with_sheet(&browser, false).await.map(drop));
            ensure!(told == Some("damaged"), "byte {place}: {told:?}");
        }
    }
    let browser = server.browser();
    change_the_wrap(&browser, |bytes| {
        if let Ok(mut wrap) = decode::<RootWrap>(bytes) {
            wrap.binding.lock_id = LockId([6; 16]);
            *bytes = encode(&wrap);
        }
    });
    let outcome = owner.with_sheet(&browser, false).await.map(drop);
    works_on(&mut owner).await?;
    Ok(outcome.map_or_else(Outcome::Stopped, |()| Outcome::Succeeded))
}

/// The sheet was stolen, so its owner made another. The server kept the old lock and brings it back.
async fn a_lock_that_was_retired() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    say(&server, "create table kept as select * from lock", &[]).await?;
    let sheet = PaperSecret::generate(&mut owner.browser.rng());
    owner.vault.replace_paper(&owner.browser, &sheet).await?;
    let refused = owner.with_sheet(&server.browser(), false).await.err();
    ensure!(refused.is_some_and(|error| error.code() == "wrong_held"), "an honest server");
    say(&server, "insert or ignore into lock select * from kept", &[]).await?;
    let outcome = owner.with_sheet(&server.browser(), false).await.map(drop);
    works_on(&mut owner).await?;
    Ok(outcome.map_or_else(Outcome::Stopped, |()| Outcome::Succeeded))
}

/// The server sends parameters that it would like the words to be stretched with. Had the page used
/// them, what it registered would open with cheap guesses.
async fn cheaper_stretching_of_the_words() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let browser = server.browser();
    lie(&browser, "/v1/words/registration", |_, answer: &mut Value| {
        for (name, value) in [("memory_kib", 8), ("passes", 1), ("lanes", 1), ("iterations", 1)] {
            answer[name] = value.into();
        }
    });
    let mut owner = Person::open(browser, true).await?;
    let guessed = {
        let _cheaply = without(&[Check::StretchCost]);
        owner.with_words(&server.browser(), false).await.map(drop)
    };
    works_on(&mut owner).await?;
    match guessed {
        Ok(()) => Ok(Outcome::Succeeded),
        Err(Error::WrongWordsOrHandle) => Ok(Outcome::PassedOver),
        Err(error) => Err(error.into()),
    }
}

/// The thief has the database and the blobs, guesses the very words, and runs a server of their own:
/// without the other secret they do not learn that the guess is right.
async fn a_stolen_database(with_the_secret: bool) -> Result<Outcome> {
    let (server, owner) = stage().await?;
    let stolen = server
        .restart_after(|folder| {
            if !with_the_secret {
                std::fs::remove_file(folder.join("secrets/opaque.key"))?;
            }
            Ok(())
        })
        .await?;
    match owner.with_words(&stolen.browser(), false).await {
        Ok(_) => Ok(Outcome::Succeeded),
        Err(Error::WrongWordsOrHandle) => Ok(Outcome::PassedOver),
        Err(error) => Err(error.into()),
    }
}

/// Four ways in which a wrap does not open. The server sees the same calls after each.
async fn failures_that_can_be_told_apart(asks_again: bool) -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let changes: [fn(&mut Vec<u8>); 4] = [
        |wrap| wrap[134] ^= 1,
        |wrap| wrap[60] ^= 1,
        |wrap| wrap[3] ^= 1,
        |wrap| wrap.truncate(100),
    ];
    let mut traces = Vec::new();
    for (number, change) in changes.into_iter().enumerate() {
        let browser = server.browser();
        change_the_wrap(&browser, change);
        let from = server.recording().borrow().len();
        let mut told = owner.with_sheet(&browser, false).await.err().context("it opened")?;
        if asks_again && number == 0 {
            told = owner.with_sheet(&browser, false).await.err().context("it opened")?;
        }
        let recording = server.recording().borrow();
        let calls: Vec<_> =
            recording[from..].iter().map(|it| (it.head.clone(), it.sent.len())).collect();
        traces.push((told.code(), calls));
    }
    works_on(&mut owner).await?;
    let alike = traces.iter().all(|trace| *trace == traces[0]);
    Ok(if alike { Outcome::PassedOver } else { Outcome::Succeeded })
}

/// A stranger asks for a handle that is somebody's, and for one that is nobody's.
async fn asking_whether_a_safe_exists() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let browser = server.browser();
    let (_, asked) = server
        .recording()
        .borrow()
        .iter()
        .map(|it| (it.head.clone(), it.sent.clone()))
        .find(|(head, _)| head.starts_with("POST /v1/words/registration"))
        .context("no registration")?;
    let asked: Value = serde_json::from_slice(&asked)?;
    // The first message of registering and of coming in begin alike: an element of the group.
    let element = Base64::try_from(asked["request"].as_str().context("no request")?.to_owned())
        .ok()
        .context("not base64")?
        .0;
    let request = Base64([&element[..], &[1; 32], &element[..]].concat());
    let mut answers = Vec::new();
    for handle in [owner.handle.clone(), "nobody-nowhere-1234".to_owned()] {
        let call = Call::send("/v1/unlock/words", &WordsStart { handle, request: request.clone() });
        let answer = browser.send(&call.open(), None).await?;
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        answers.push((answer.status, answer.body.len(), names));
    }
    works_on(&mut owner).await?;
    ensure!(answers[0].0 == 200, "{answers:?}");
    Ok(if answers[0] == answers[1] { Outcome::PassedOver } else { Outcome::Succeeded })
}

const PIN: &str = "481709";
const OTHER: &str = "728406";

async fn card_of(owner: &mut Person) -> Result<PaperSecret> {
    let card = PaperSecret::card(&mut owner.browser.rng());
    Box::pin(owner.vault.set_card(&owner.browser, &card, &Pin::parse(PIN)?, 0)).await?;
    Ok(card)
}

async fn try_pin(browser: &Browser, card: &PaperSecret, typed: &str) -> Result<Option<Error>> {
    let pin = Pin::parse(typed)?;
    Ok(Box::pin(Vault::unlock_with_card(browser, card, &pin, false)).await.err())
}

/// Whoever found a card types PINs, more than are allowed, and at last the right one.
async fn pins_tried_without_end() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let card = card_of(&mut owner).await?;
    let thief = server.browser();
    for _ in 0..PIN_TRIES {
        let told = try_pin(&thief, &card, OTHER).await?;
        ensure!(matches!(told, Some(Error::WrongPin(_))), "{told:?}");
    }
    let told = try_pin(&thief, &card, PIN).await?;
    works_on(&mut owner).await?;
    match told.map(|error| error.code()) {
        None => Ok(Outcome::Succeeded),
        Some("pin_spent") => Ok(Outcome::PassedOver),
        other => anyhow::bail!("{other:?}"),
    }
}

/// A stranger learned the id of somebody's card, not what it holds, and spends its tries.
async fn tries_spent_by_strangers() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let card = card_of(&mut owner).await?;
    let stranger = server.browser();
    let other = PaperSecret::card(&mut stranger.rng()).held();
    for number in 0..PIN_TRIES {
        let (_, request) = Login::start(Pin::parse(OTHER)?.password(&other), &mut stranger.rng())?;
        let (held_id, made_at) = (card.held().held_id(), stranger.now());
        let nonce = [u8::try_from(number)?; 32];
        let forged = HeldUse { suite: Suite::V1, held_id, nonce, made_at, request };
        let held_use = Base64(other.signing().sign(forged).encode());
        stranger.send(&Call::send("/v1/unlock/pin", &UseHeld { held_use }).open(), None).await?;
    }
    let told = try_pin(&owner.browser, &card, PIN).await?;
    works_on(&mut owner).await?;
    match told.map(|error| error.code()) {
        None => Ok(Outcome::PassedOver),
        Some("pin_spent") => Ok(Outcome::Succeeded),
        other => anyhow::bail!("{other:?}"),
    }
}

/// Whoever has a card, and what the server answered to one try, lets the server evaluate PINs by registering
/// for that very lock: each evaluation tells whether a PIN is the one, and no try is spent.
async fn pins_tried_by_registering() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let card = card_of(&mut owner).await?.held();
    let locks = owner.vault.locks(&owner.browser).await?;
    let lock_id = locks.last().context("the card")?.lock_id;
    let thief = server.browser();
    let (_, request) = Registration::start(Pin::parse(PIN)?.password(&card), &mut thief.rng())?;
    let start = PinRegistrationStart { lock_id, request: Base64(request) };
    let answer = thief.send(&Call::send("/v1/pin/registration", &start).open(), None).await?;
    let left = owner.vault.locks(&owner.browser).await?;
    let left = left.last().and_then(|lock| lock.tries_left);
    ensure!(left == Some(PIN_TRIES), "nothing was counted");
    works_on(&mut owner).await?;
    Ok(if answer.status == 200 { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// The server, or who stole all of it, tries PINs against the record of a card that it does not have. It needs nobody's
/// signature: the owner's stands for that here, and tells it nothing else.
async fn a_stolen_pin_record() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let card = card_of(&mut owner).await?.held();
    let thief = server.browser();
    let guessed = PaperSecret::card(&mut thief.rng()).held();
    let (login, request) = Login::start(Pin::parse(PIN)?.password(&guessed), &mut thief.rng())?;
    let (held_id, made_at) = (card.held_id(), thief.now());
    let held_use = HeldUse { suite: Suite::V1, held_id, nonce: [3; 32], made_at, request };
    let held_use = Base64(card.signing().sign(held_use).encode());
    let call = Call::send("/v1/unlock/pin", &UseHeld { held_use }).open();
    let answer: PakeAnswer = serde_json::from_slice(&thief.ship(call, None).await?)?;
    let found = login.finish(&answer.response.0, &mut thief.rng())?;
    works_on(&mut owner).await?;
    Ok(if found.is_some() { Outcome::Succeeded } else { Outcome::PassedOver })
}
