//! Guessing at the real program on SQLite as it is shipped: 64 at a time, with the program killed and started again in
//! the middle. Beside it, how long its owner takes to come in by each way, over the same on a quiet server, and what
//! guesses cost whoever has stolen everything.

use std::{
    cell::RefCell,
    hint::black_box,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use generic_array::{GenericArray, typenum::U64};
use getrandom::SysRng;
use opaque_ke::ksf::Ksf as _;
use rand_core::{Rng as _, UnwrapErr};
use reconnect::Clock;
use reconnect_core::{
    held::{HeldSecret, Pin},
    lock::{Login, Stretch},
    vault::Vault,
    words::{PaperSecret, SixWords},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{Call, RegistrationStart, UseHeld, WordsStart},
    id::Base64,
    lock::{HeldUse, PIN_TRIES},
};
use reconnect_tests::{
    browser::{Browser, Network},
    process::Setup,
    stage::Person,
    wire::Connection,
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    alike,
    figures::{median, now, print, timed},
    server::system_now,
};

/// Attackers at one time.
const ATTACKERS: usize = 64;
/// How long they guess before the program is killed, at least.
const TIME: Duration = Duration::from_secs(4);
const PIN: &str = "481709";
const WRONG: &str = "728406";
/// Times that somebody comes in on a quiet server.
const ROUNDS: usize = 5;

#[tokio::main]
pub(crate) async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::on(folder.path()).await?;
    // With the rate that it is shipped with.
    setup.variables.clear();
    let mut server = Some(setup.start().await?);
    let place = Place { setup };
    let owner = place.owner().await?;
    let mut quiet = Vec::new();
    for way in WAYS {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(owner.come_in(way).await?.ok().context("a quiet server refuses")?);
        }
        quiet.push(median(times));
    }
    let mut owners = Vec::new();
    for kind in KINDS {
        owners.push((kind, place.owner().await?));
    }
    let mut rows = Vec::new();
    for (kind, owner) in owners {
        rows.push(place.attacked((kind, owner), &quiet, &mut server).await?);
    }
    let heads = [
        "64 at a time guess at",
        "asked",
        "guesses answered in the first second",
        "later",
        "an hour",
        "in all, across a restart",
        "owner: words",
        "sheet",
        "card",
        "phone",
    ];
    print(
        "Guessing, and whether its owner comes in meanwhile (time over a quiet server's)",
        &heads,
        &rows,
    );
    Box::pin(alike::measure()).await?;
    stolen();
    Ok(())
}

/// What is guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    WordsOfOne,
    WordsOfMany,
    Handles,
    Pin,
    PinWithoutCard,
    Sheet,
}

const KINDS: [Kind; 6] = [
    Kind::WordsOfOne,
    Kind::WordsOfMany,
    Kind::Handles,
    Kind::Pin,
    Kind::PinWithoutCard,
    Kind::Sheet,
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::WordsOfOne => "the words of its handle",
            Self::WordsOfMany => "words of handles as they come",
            Self::Handles => "handles, by registering for them",
            Self::Pin => "the PIN of its card, with the card",
            Self::PinWithoutCard => "the same, knowing its id only",
            Self::Sheet => "sheets",
        }
    }
}

/// How an owner comes in.
#[derive(Clone, Copy)]
enum Way {
    Words,
    Sheet,
    Card,
    Phone,
}

const WAYS: [Way; 4] = [Way::Words, Way::Sheet, Way::Card, Way::Phone];

struct Place {
    setup: Setup,
}

/// Somebody with every way in.
struct Owner {
    person: Person,
    card: PaperSecret,
    elsewhere: Browser,
}

impl Owner {
    /// Seconds that it takes, or the code of the refusal.
    async fn come_in(&self, way: Way) -> Result<Result<f64, &'static str>> {
        let begun = now();
        let (pin, there) = (Pin::parse(PIN)?, &self.elsewhere);
        let came = match way {
            Way::Words => {
                let words = SixWords::parse(&self.person.words)?;
                Box::pin(Vault::unlock_with_words(there, &self.person.handle, &words, false)).await
            }
            Way::Sheet => {
                let sheet = PaperSecret::parse(&self.person.sheet)?;
                Box::pin(Vault::unlock_with_paper(there, &sheet, false)).await
            }
            Way::Card => Box::pin(Vault::unlock_with_card(there, &self.card, &pin, false)).await,
            Way::Phone => Box::pin(Vault::unlock_here(&self.person.browser, &pin, None)).await,
        };
        Ok(came.map(|_| begun.elapsed().as_secs_f64()).map_err(|error| error.code()))
    }
}

impl Place {
    fn browser(&self) -> Browser {
        let network = Network::Outside(self.setup.address);
        Browser::new(Rc::new(RefCell::new(network)), Clock::System(system_now), None)
    }

    async fn owner(&self) -> Result<Owner> {
        let mut person = Box::pin(Person::open(self.browser(), true)).await?;
        let card = PaperSecret::card(&mut person.browser.rng());
        Box::pin(person.vault.set_card(&person.browser, &card, &Pin::choose(PIN)?, 1)).await?;
        Box::pin(person.vault.remember_here(&person.browser, &Pin::choose(PIN)?)).await?;
        Ok(Owner { person, card, elsewhere: self.browser() })
    }

    /// Lets attackers guess at an owner's, kills the program under them and starts it again.
    async fn attacked(
        &self,
        (kind, owner): (Kind, Owner),
        quiet: &[f64],
        server: &mut Option<reconnect_tests::process::Process>,
    ) -> Result<Vec<String>> {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = now();
        let mut attackers = JoinSet::new();
        for number in 0..ATTACKERS {
            let attacker = Attacker {
                kind,
                number,
                server: self.setup.address,
                handle: owner.person.handle.clone(),
                card: PaperSecret::parse(&owner.card.groups().join(" "))?.held(),
            };
            attackers.spawn(attacker.guess(Arc::clone(&stop), begun));
        }
        let mut cells = vec![Vec::new(); WAYS.len()];
        for half in 0..2 {
            if half == 1 {
                server.take().context("a server")?.kill().await?;
                *server = Some(self.setup.start().await?);
            }
            let until = now() + TIME;
            for ((way, quiet), cells) in WAYS.into_iter().zip(quiet).zip(&mut cells) {
                let came = owner.come_in(way).await?;
                cells.push(came.map(|seconds| seconds / quiet));
            }
            sleep(until.saturating_duration_since(now())).await;
        }
        stop.store(true, Ordering::SeqCst);
        let seconds = begun.elapsed().as_secs_f64();
        let (mut asked, mut first, mut all) = (0_u32, 0_u32, 0_u32);
        while let Some(guessed) = attackers.join_next().await {
            for (after, answered) in guessed?? {
                asked += 1;
                all += u32::from(answered);
                first += u32::from(answered && after < 1.0);
            }
        }
        let later = f64::from(all - first) / (seconds - 1.0);
        let mut row = vec![
            kind.name().to_owned(),
            format!("{:.0}/s", f64::from(asked) / seconds),
            first.to_string(),
            format!("{later:.1}/s"),
            format!("{:.0}", later * 3600.0),
            all.to_string(),
        ];
        row.extend(cells.into_iter().map(|both| {
            let told = both.into_iter().map(|it| match it {
                Ok(ratio) => format!("{ratio:.1}"),
                Err(code) => code.to_owned(),
            });
            told.collect::<Vec<_>>().join(", ")
        }));
        Ok(row)
    }
}

struct Attacker {
    kind: Kind,
    number: usize,
    server: std::net::SocketAddr,
    handle: String,
    card: HeldSecret,
}

impl Attacker {
    /// Asks until told to stop: when, in seconds, and whether it was a guess that was answered.
    async fn guess(
        self,
        stop: Arc<AtomicBool>,
        begun: std::time::Instant,
    ) -> Result<Vec<(f64, bool)>> {
        let mut guesses = Vec::new();
        let mut connection = None;
        while !stop.load(Ordering::SeqCst) {
            let call = self.call(guesses.len())?;
            let Some(through) = &mut connection else {
                connection = Connection::to(self.server).await.ok();
                if connection.is_none() {
                    sleep(Duration::from_millis(20)).await;
                }
                continue;
            };
            match through.send(&call, None).await {
                Ok(answer) => {
                    let counts = match answer.status {
                        200 => true,
                        // Of a sheet, a refusal is an answer too.
                        401 => self.kind == Kind::Sheet,
                        410 | 429 | 503 => false,
                        other => bail!("{} answered {other}", call.path),
                    };
                    guesses.push((begun.elapsed().as_secs_f64(), counts));
                }
                Err(_) => connection = None,
            }
        }
        Ok(guesses)
    }

    fn call(&self, count: usize) -> Result<Call> {
        let mut rng = UnwrapErr(SysRng);
        let another = PaperSecret::generate(&mut rng).held();
        let password = Pin::parse(WRONG)?.password(&another);
        let (_, request) = Login::start(password, &mut rng)?;
        let handle = format!("attack-{}-{count}", self.number);
        let by = |handle, request| {
            Call::send("/v1/unlock/words", &WordsStart { handle, request: Base64(request) })
        };
        let held = |by: &HeldSecret, held_id, request| {
            let mut nonce = [0; 32];
            UnwrapErr(SysRng).fill_bytes(&mut nonce);
            let made_at = system_now();
            let held_use = HeldUse { suite: Suite::V1, held_id, nonce, made_at, request };
            UseHeld { held_use: Base64(by.signing().sign(held_use).encode()) }
        };
        let call = match self.kind {
            Kind::WordsOfOne => by(self.handle.clone(), request),
            Kind::WordsOfMany => by(handle, request),
            Kind::Handles => {
                // Its first element is what a registration asks with.
                let request = Base64(request.get(..32).context("an element")?.to_vec());
                Call::send("/v1/words/registration", &RegistrationStart { handle, request })
            }
            Kind::Pin => {
                Call::send("/v1/unlock/pin", &held(&self.card, self.card.held_id(), request))
            }
            Kind::PinWithoutCard => {
                Call::send("/v1/unlock/pin", &held(&another, self.card.held_id(), request))
            }
            Kind::Sheet => {
                Call::send("/v1/unlock/held", &held(&another, another.held_id(), Vec::new()))
            }
        };
        Ok(call.open())
    }
}

/// What guesses cost whoever has the database and the server's secret, on one core like this one.
fn stolen() {
    let input = GenericArray::<u8, U64>::default();
    let times = (0..ROUNDS).map(|_| {
        let (stretched, time) = timed(|| Stretch.hash(input));
        black_box(stretched.is_ok());
        time.as_secs_f64()
    });
    let each = median(times.collect());
    let day = 86_400.0;
    let row = |name: &str, guesses: f64, needs: &str| {
        let days = guesses / 2.0 * each / day;
        let time = if days < 365.0 {
            format!("{days:.1} days")
        } else {
            format!("{:.0e} years", days / 365.25)
        };
        vec![name.to_owned(), format!("{:.2}/s", 1.0 / each), needs.to_owned(), time]
    };
    let rows = [
        row("a PIN", 1e6, "the card, or the phone's secret"),
        row("six words", 7776_f64.powi(6), "nothing"),
        row("a sheet, guess by guess without stretching", 2_f64.powi(160), "nothing"),
    ];
    let heads = ["of", "guesses of one core", "needs as well", "half of them take one core"];
    let title = format!(
        "What a thief of database and server secret has to try; {PIN_TRIES} tries of a PIN are left to who has the card alone"
    );
    print(&title, &heads, &rows);
}
