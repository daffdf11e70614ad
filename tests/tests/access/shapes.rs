//! Nothing tells a stranger whether there is a safe, a lock or a session: what is there and what never was are
//! answered alike, to the byte where nothing is drawn, and in shape where something is. I-13, I-14.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    held::{HeldSecret, Pin},
    lock::{Login, Registration},
    words::{PaperSecret, SixWords},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{
        Call, LookReturn, OpenSession, PakeAnswer, PakeFinish, PinRegistrationStart,
        RegistrationStart, UseHeld, WordsStart,
    },
    id::{AccountId, Base64, DeviceId, HeldId, LockId},
    lock::{HeldUse, LockKind, SessionOpening},
};
use reconnect_tests::{
    browser::Browser,
    stage::{Database, Server},
    wire::Answer,
};
use serde_json::Value;

use crate::say;

/// I-14: of handles, locks, cards, returns and sessions.
#[tokio::test]
async fn nothing_tells_whether_somebody_is_there_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-14: of handles, locks, cards, returns and sessions.
#[tokio::test]
async fn nothing_tells_whether_somebody_is_there_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

/// Everything of an answer but what is drawn: status, header fields, and the lengths of texts.
fn shape(answer: &Answer) -> Result<(u16, String, Value)> {
    fn of(value: Value) -> Value {
        match value {
            Value::String(text) => text.len().into(),
            Value::Array(all) => all.into_iter().map(of).collect(),
            Value::Object(all) => all.into_iter().map(|(name, it)| (name, of(it))).collect(),
            other => other,
        }
    }
    let body = if answer.status < 300 {
        of(serde_json::from_slice(&answer.body)?)
    } else {
        Value::String(String::from_utf8(answer.body.clone())?)
    };
    Ok((answer.status, format!("{:?}", answer.headers), body))
}

/// Calls of which a stranger must not tell one from another.
struct Alike {
    what: &'static str,
    status: u16,
    calls: Vec<Call>,
}

async fn play(database: Database) -> Result<()> {
    let server = Server::on(database).await?;
    let mut owner = server.person().await?;
    let (browser, pin) = (server.browser(), Pin::parse("481709")?);
    let card = PaperSecret::card(&mut browser.rng());
    Box::pin(owner.vault.set_card(&owner.browser, &card, &pin, 1)).await?;
    let closed = server.person().await?;
    let (gone, gone_handle) = (closed.vault.account_id(), closed.handle.clone());
    let gone_sheet = PaperSecret::parse(&closed.sheet)?.held().held_id();
    closed.vault.close_for_good(&closed.browser).await.map_err(|stayed| stayed.error)?;
    let handles = [owner.handle.as_str(), gone_handle.as_str(), "nobody-nowhere-1234"];
    let stranger = PaperSecret::card(&mut browser.rng()).held();
    let sheet = PaperSecret::parse(&owner.sheet)?.held().held_id();
    let held = [sheet, card.held().held_id(), gone_sheet, stranger.held_id()];
    let mut kinds = vec![
        words(&browser, &handles)?,
        registrations(&browser, &handles)?,
        finishes(&browser, &handles).await?,
        uses(&browser, &stranger, "/v1/unlock/held", &held)?,
        uses(&browser, &stranger, "/v1/unlock/pin", &held)?,
        returns(&browser, &stranger, &held)?,
    ];
    let devices = [
        (owner.vault.account_id(), owner.vault.device_id()),
        (owner.vault.account_id(), DeviceId([7; 16])),
        (gone, owner.vault.device_id()),
        (AccountId([7; 32]), DeviceId([7; 16])),
    ];
    kinds.push(sessions(&browser, &stranger, &devices));
    // Of a lock with a PIN it is told, to whoever knows its id, that nobody registers for it. LOCK-12.
    let without_pin = |kind: LockKind| matches!(kind, LockKind::Words | LockKind::Sheet);
    let locks = owner.vault.manifest().locks().filter(|it| without_pin(it.1.access.kind()));
    let locks: Vec<_> = locks.map(|it| it.0).chain([LockId([7; 16])]).collect();
    ensure!(locks.len() == 3, "{} locks", locks.len());
    kinds.push(pins(&browser, &locks)?);
    let (mut asked, kinds_count) = (0, kinds.len());
    for Alike { what, status, calls } in kinds {
        let mut first = None;
        for call in &calls {
            let answer = browser.send(call, None).await?;
            ensure!(answer.status == status, "{what}: {} {:?}", answer.status, answer.code());
            let seen = shape(&answer)?;
            let like = first.get_or_insert_with(|| seen.clone());
            ensure!(*like == seen, "{what} are told apart: {like:?} and {seen:?}");
            asked += 1;
        }
    }
    say(&format!("{database:?}: {asked} look-ups of {kinds_count} kinds, none told from another"));
    Ok(())
}

fn words(browser: &Browser, handles: &[&str]) -> Result<Alike> {
    let calls = handles.iter().map(|handle| {
        let mut rng = browser.rng();
        let (_, request) = Login::start(SixWords::generate(&mut rng).password(), &mut rng)?;
        let start = WordsStart { handle: (*handle).to_owned(), request: Base64(request) };
        Ok(Call::send("/v1/unlock/words", &start).open())
    });
    Ok(Alike { what: "handles", status: 200, calls: calls.collect::<Result<_>>()? })
}

fn registrations(browser: &Browser, handles: &[&str]) -> Result<Alike> {
    let calls = handles.iter().map(|handle| {
        let mut rng = browser.rng();
        let (_, request) = Registration::start(SixWords::generate(&mut rng).password(), &mut rng)?;
        let start = RegistrationStart { handle: (*handle).to_owned(), request: Base64(request) };
        Ok(Call::send("/v1/words/registration", &start).open())
    });
    Ok(Alike { what: "registrations", status: 200, calls: calls.collect::<Result<_>>()? })
}

/// Third messages after wrong words.
async fn finishes(browser: &Browser, handles: &[&str]) -> Result<Alike> {
    let mut calls = Vec::new();
    for begun in words(browser, handles)?.calls {
        let begun = browser.ship(begun, None).await?;
        let begun: PakeAnswer = serde_json::from_slice(&begun).context("an answer")?;
        let finish = PakeFinish { unlock_id: begun.unlock_id, finalization: Base64(vec![7; 64]) };
        calls.push(Call::send("/v1/unlock/finish", &finish).open());
    }
    Ok(Alike { what: "wrong words", status: 401, calls })
}

/// Somebody's sheet and card, one of a safe that was closed, and nobody's: all signed by who holds none.
fn held_use(
    browser: &Browser,
    stranger: &HeldSecret,
    held_id: HeldId,
    path: &str,
) -> Result<Base64> {
    let mut rng = browser.rng();
    let request = match path {
        "/v1/unlock/pin" => Login::start(Pin::parse("728406")?.password(stranger), &mut rng)?.1,
        _ => Vec::new(),
    };
    let mut nonce = [0; 32];
    rand_core::Rng::fill_bytes(&mut rng, &mut nonce);
    let held_use = HeldUse { suite: Suite::V1, held_id, nonce, made_at: browser.now(), request };
    Ok(Base64(stranger.signing().sign(held_use).encode()))
}

fn uses(
    browser: &Browser,
    stranger: &HeldSecret,
    path: &'static str,
    held: &[HeldId],
) -> Result<Alike> {
    let calls = held.iter().map(|held_id| {
        let held_use = held_use(browser, stranger, *held_id, path)?;
        Ok(Call::send(path, &UseHeld { held_use }).open())
    });
    Ok(Alike { what: path, status: 401, calls: calls.collect::<Result<_>>()? })
}

fn returns(browser: &Browser, stranger: &HeldSecret, held: &[HeldId]) -> Result<Alike> {
    let calls = held.iter().map(|held_id| {
        let held_use = held_use(browser, stranger, *held_id, "")?;
        Ok(Call::send("/v1/returns/look", &LookReturn { held_use, papers: Vec::new() }).open())
    });
    Ok(Alike { what: "returns", status: 200, calls: calls.collect::<Result<_>>()? })
}

fn sessions(browser: &Browser, stranger: &HeldSecret, devices: &[(AccountId, DeviceId)]) -> Alike {
    let calls = devices.iter().map(|(account_id, device_id)| {
        let opening = SessionOpening {
            suite: Suite::V1,
            account_id: *account_id,
            device_id: *device_id,
            token_hash: [7; 32],
            made_at: browser.now(),
        };
        let opening = Base64(stranger.signing().sign(opening).encode());
        let (statement, log_value, continued) = (None, Base64::default(), None);
        let asked = OpenSession { opening, statement, log_value, continued };
        Call::send("/v1/sessions", &asked).open()
    });
    Alike { what: "sessions", status: 401, calls: calls.collect() }
}

fn pins(browser: &Browser, locks: &[LockId]) -> Result<Alike> {
    let calls = locks.iter().map(|lock_id| {
        let mut rng = browser.rng();
        let password = Pin::parse("481709")?.password(&PaperSecret::card(&mut rng).held());
        let (_, request) = Registration::start(password, &mut rng)?;
        let start = PinRegistrationStart { lock_id: *lock_id, request: Base64(request) };
        Ok(Call::send("/v1/pin/registration", &start).open())
    });
    Ok(Alike { what: "locks", status: 200, calls: calls.collect::<Result<_>>()? })
}
