//! What is there beside what is not, asked by somebody whom neither concerns: the times of both, one after the other in
//! the same run, and the same comparison between two halves of what is not there, which is noise.

use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use reconnect_core::{
    held::Pin,
    lock::Login,
    words::{PaperSecret, SixWords},
};
use reconnect_format::{
    Suite,
    api::{Call, OpenSession, RegistrationStart, UseHeld, WordsStart},
    id::{AccountId, Base64, DeviceId, HeldId},
    lock::{HeldUse, SessionOpening},
    statement::{Body, Signer, Statement},
};
use reconnect_tests::{
    crowd,
    stage::{BEGINNING, Database, Person, Server},
    team::Team,
    wire,
};

use crate::figures::{now, print};

/// Questions of each kind.
const QUESTIONS: usize = 1000;

/// Asks for one that is there, or for one that is not; the number is of the question.
type Ask = Box<dyn Fn(bool, usize) -> (Call, Option<String>)>;

/// What is asked, and how.
struct Pair {
    name: &'static str,
    ask: Ask,
}

impl Pair {
    fn of(name: &'static str, ask: impl Fn(bool, usize) -> Call + 'static) -> Self {
        Self { name, ask: Box::new(move |there, number| (ask(there, number), None)) }
    }

    fn by(token: &str, name: &'static str, ask: impl Fn(bool, usize) -> Call + 'static) -> Self {
        let token = token.to_owned();
        Self { name, ask: Box::new(move |there, number| (ask(there, number), Some(token.clone()))) }
    }
}

pub(crate) async fn measure() -> Result<()> {
    let server = Server::on(Database::Sqlite).await?;
    let pairs = Box::pin(pairs(&server)).await?;
    let router = server.router();
    let mut rows = Vec::new();
    for Pair { name, ask } in pairs {
        let mut times = [Vec::new(), Vec::new()];
        let mut told = [None, None];
        for number in 0..QUESTIONS + QUESTIONS / 10 {
            // Each first as often as the other.
            for there in [number % 2 == 0, number % 2 == 1] {
                let (call, token) = ask(there, number);
                let begun = now();
                let answer = wire::inside(&router, &call, token.as_deref()).await?;
                let time = begun.elapsed().as_secs_f64();
                let place = usize::from(!there);
                told[place].get_or_insert((answer.status, answer.body.len()));
                if number >= QUESTIONS / 10 {
                    times[place].push(time);
                }
            }
        }
        ensure!(told[0] == told[1], "{name}: {told:?}");
        let [there, not] = times;
        let (even, odd): (Vec<_>, Vec<_>) = not.iter().enumerate().partition(|(it, _)| it % 2 == 0);
        let half = |half: Vec<(usize, &f64)>| half.into_iter().map(|(_, time)| *time).collect();
        let noise = apart(half(even), half(odd));
        let found = apart(there.clone(), not.clone());
        let (middle, other) = (quantile(&sorted(there), 50), quantile(&sorted(not), 50));
        rows.push(vec![
            name.to_owned(),
            told[0].context("asked")?.0.to_string(),
            format!("{:.0} µs", other * 1e6),
            format!("{:.3}", middle / other),
            format!("{:.1} %", found * 100.0),
            format!("{:.1} %", noise * 100.0),
        ]);
    }
    let heads = [
        "there, and not there",
        "both answered",
        "median, not there",
        "median there over it",
        "deciles apart",
        "apart in two halves (noise)",
    ];
    print("Asking for what concerns somebody else", &heads, &rows);
    Ok(())
}

/// The largest difference between two deciles, of the second's median.
fn apart(one: Vec<f64>, other: Vec<f64>) -> f64 {
    let (one, other) = (sorted(one), sorted(other));
    let differences =
        (1..=9).map(|ten| (quantile(&one, ten * 10) - quantile(&other, ten * 10)).abs());
    differences.fold(0.0, f64::max) / quantile(&other, 50)
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

fn quantile(sorted: &[f64], hundredth: usize) -> f64 {
    sorted.get(sorted.len() * hundredth / 100).copied().unwrap_or_default()
}

async fn pairs(server: &Server) -> Result<Vec<Pair>> {
    let mut owner = server.person().await?;
    let card = PaperSecret::card(&mut UnwrapErr(SysRng));
    Box::pin(owner.vault.set_card(&owner.browser, &card, &Pin::choose("481709")?, 1)).await?;
    let mut pairs = handles(server, &owner).await?;
    pairs.extend(held(&owner, &card)?);
    pairs.extend(safes(&owner));
    pairs.extend(Box::pin(things(server, &mut owner)).await?);
    Ok(pairs)
}

/// Handles, each asked for once: tries are counted.
async fn handles(server: &Server, owner: &Person) -> Result<Vec<Pair>> {
    let known: Vec<_> = (0..QUESTIONS * 2).map(|it| format!("known-handle-{it:04}")).collect();
    crowd::handles(server.config(), &owner.handle, &known).await?;
    let rng = &mut UnwrapErr(SysRng);
    let (_, request) = Login::start(SixWords::generate(rng).password(), rng)?;
    // Its first element is what a registration asks with.
    let element = request.get(..32).context("an element")?.to_vec();
    let handle = |there, number: usize| {
        if there {
            format!("known-handle-{number:04}")
        } else {
            format!("other-handle-{number:04}")
        }
    };
    Ok(vec![
        Pair::of("a handle, to come in by words", move |there, number| {
            let (handle, request) = (handle(there, number), Base64(request.clone()));
            Call::send("/v1/unlock/words", &WordsStart { handle, request }).open()
        }),
        Pair::of("a handle, to register for it", move |there, number| {
            let (handle, request) = (handle(there, number), Base64(element.clone()));
            Call::send("/v1/words/registration", &RegistrationStart { handle, request }).open()
        }),
    ])
}

/// What is held, used by who does not hold it.
fn held(owner: &Person, card: &PaperSecret) -> Result<Vec<Pair>> {
    let forged = |known: HeldId, request: Vec<u8>| {
        let by = PaperSecret::generate(&mut UnwrapErr(SysRng)).held();
        move |there| {
            let held_id = if there { known } else { HeldId(draw()) };
            let (request, made_at) = (request.clone(), BEGINNING);
            let held_use = HeldUse { suite: Suite::V1, held_id, nonce: draw(), made_at, request };
            UseHeld { held_use: Base64(by.signing().sign(held_use).encode()) }
        }
    };
    let (sheet, card) = (PaperSecret::parse(&owner.sheet)?.held(), card.held());
    let (_, request) = Login::start(Pin::parse("728406")?.password(&card), &mut UnwrapErr(SysRng))?;
    let (sheet, card) = (forged(sheet.held_id(), Vec::new()), forged(card.held_id(), request));
    Ok(vec![
        Pair::of("a sheet's id", move |there, _| {
            Call::send("/v1/unlock/held", &sheet(there)).open()
        }),
        Pair::of("a card's id", move |there, _| Call::send("/v1/unlock/pin", &card(there)).open()),
    ])
}

/// Safes, asked for by who has none of their keys.
fn safes(owner: &Person) -> Vec<Pair> {
    let (account_id, device_id) = (owner.vault.account_id(), owner.vault.device_id());
    let by = PaperSecret::generate(&mut UnwrapErr(SysRng)).held();
    let signing = by.signing().public();
    let body = Body::AddDevice { device_id, signing, leaf: signing };
    let root = Signer::Root { generation: 1 };
    let added = owner.vault.manifest().next(root, body, BEGINNING, draw());
    let session = Rc::new(move |there, is_new: bool| {
        let nobody = (AccountId(draw()), DeviceId(draw()));
        let (account_id, device_id) = if there { (account_id, device_id) } else { nobody };
        let (token_hash, made_at) = (draw(), BEGINNING);
        let opening =
            SessionOpening { suite: Suite::V1, account_id, device_id, token_hash, made_at };
        let opening = Base64(by.signing().sign(opening).encode());
        let added = Statement { account_id, ..added.clone() };
        let statement = is_new.then(|| Base64(by.signing().sign(added).encode()));
        let asked =
            OpenSession { opening, statement, log_value: Base64(vec![0; 32]), continued: None };
        Call::send("/v1/sessions", &asked).open()
    });
    let with_device = Rc::clone(&session);
    vec![
        Pair::of("a safe's id, to open a session", move |there, _| session(there, false)),
        Pair::of("the same, with a new device", move |there, _| with_device(there, true)),
    ]
}

/// Things of the owner, named by a stranger with a session; and a session that has ended.
async fn things(server: &Server, owner: &mut Person) -> Result<Vec<Pair>> {
    let document_id = owner.add("Passeport", b"scan").await?;
    let team = Box::pin(Team::on(server)).await?;
    let deposit_id = team.worker.deposit(owner.vault.account_id(), b"x").await?;
    let stranger = server.person().await?;
    let token = stranger.vault.token();
    let desk = server.browser();
    let over = owner.with_sheet(&desk, false).await?.token().to_owned();
    desk.send(&Call::remove("/v1/sessions/this"), Some(&over)).await?;

    let manifest = owner.vault.manifest();
    let record = manifest.document(document_id).context("a document")?;
    let envelope_id = record.envelopes().next().context("an envelope")?.envelope_id;
    let grant_id = manifest.grants().next().context("the owner's own")?.grant_id;
    let account_id = owner.vault.account_id();
    let named = |known: String, before: &'static str, after: String| {
        move |there: bool, _: usize| {
            let id = if there { known.clone() } else { Base64(draw::<16>().to_vec()).into() };
            Call::read(format!("{before}{id}{after}"))
        }
    };
    let of_grant = format!("/documents/{document_id}/content");
    let content = || "/content".to_owned();
    Ok(vec![
        Pair::by(token, "a safe's id, to deposit in it", move |there, _| {
            let asked = if there { account_id } else { AccountId(draw()) };
            Call::read(format!("/v1/owners/{asked}"))
        }),
        Pair::by(token, "a document", named(document_id.to_string(), "/v1/documents/", content())),
        Pair::by(
            token,
            "an upload",
            named(envelope_id.to_string(), "/v1/envelopes/", String::new()),
        ),
        Pair::by(token, "a deposit", named(deposit_id.to_string(), "/v1/deposits/", content())),
        Pair::by(token, "a grant", named(grant_id.to_string(), "/v1/received/", of_grant)),
        Pair {
            name: "a session that has ended",
            ask: Box::new(move |there, _| {
                let never = || Base64(draw::<32>().to_vec()).into();
                let token = if there { over.clone() } else { never() };
                (Call::read("/v1/memberships"), Some(token))
            }),
        },
    ])
}

fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}
