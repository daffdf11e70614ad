//! Taking back against fetching: whatever begins after the answer that takes something back gets neither a
//! wrapped key nor ciphertext. I-10.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_core::world::World as _;
use reconnect_format::api::Call;
use reconnect_tests::{stage::Database, wire::Answer};
use tokio::task::JoinSet;

use crate::{
    say,
    village::{Given, Target, Village},
};

/// Who fetch at one time.
const READERS: u64 = 16;
/// Requests of each that begin late.
const LATE: usize = 4;
/// Answers of each that gave something before anything is taken back.
const WARM: usize = 3;
/// Requests of each at most: a reader who gets nothing says so instead of going on.
const PATIENCE: usize = 4000;

/// I-10: in this process, on `SQLite`.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_after_it_was_taken_back_on_sqlite() -> Result<()> {
    Box::pin(race(Village::inside(Database::Sqlite).await?, "inside, SQLite", 16)).await
}

/// I-10: in this process, on `PostgreSQL`.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_after_it_was_taken_back_on_postgres() -> Result<()> {
    Box::pin(race(Village::inside(Database::Postgres).await?, "inside, PostgreSQL", 16)).await
}

/// I-10: on the real program over connections that are kept, on `SQLite`.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_from_the_program_after_it_was_taken_back_on_sqlite() -> Result<()> {
    Box::pin(race(Village::outside(Database::Sqlite).await?, "program, SQLite", 8)).await
}

/// I-10: on the real program over connections that are kept, on `PostgreSQL`.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_from_the_program_after_it_was_taken_back_on_postgres() -> Result<()> {
    Box::pin(race(Village::outside(Database::Postgres).await?, "program, PostgreSQL", 8)).await
}

/// How something is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// The owner takes the grant back.
    Grant,
    /// The owner removes the paper.
    Paper,
    /// The reader's session ends.
    Session,
    /// The manager takes the reader's place away.
    Place,
}

impl Act {
    /// Whether an answer gives what was taken back. Of a paper that was removed the grant is still there.
    fn is_given(self, call: &Call, answer: &Answer, given: &str) -> bool {
        if !(200..300).contains(&answer.status) {
            return false;
        }
        let is_paper = call.path.contains("/documents/");
        match call.path.as_str() {
            _ if is_paper => true,
            _ if self == Self::Paper => false,
            "/v1/received" => String::from_utf8_lossy(&answer.body).contains(given),
            "/v1/received/faces" => answer.body != br#"{"faces":[]}"#,
            _ => true,
        }
    }
}

/// What all readers of one round share.
struct Round {
    act: Act,
    calls: Arc<[Call]>,
    grant: String,
    token: String,
    taken: AtomicBool,
    /// Readers who have got something often enough.
    warm: AtomicUsize,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    early: usize,
    cut: usize,
    late: usize,
    leaks: Vec<String>,
}

async fn race(mut village: Village, name: &str, rounds: u64) -> Result<()> {
    let mut counts = Counts::default();
    for number in 0..rounds {
        let act = match number % 4 {
            0 | 3 => Act::Grant,
            1 => Act::Paper,
            _ => Act::Session,
        };
        // A place is taken away once, at the end.
        let act = if number + 1 == rounds { Act::Place } else { act };
        // Several pieces, so that some answers are under way.
        let given = Box::pin(village.give(number, 400_000)).await?;
        Box::pin(one_round(&mut village, act, &given, number, &mut counts)).await?;
        if act == Act::Session {
            village.worker.come_in_again().await?;
        }
    }
    let Counts { early, cut, late, leaks } = counts;
    say(&format!(
        "{name}: {rounds} times taken back under {READERS} readers: {early} answers gave something before, {cut} were \
         cut, {late} requests began after, {} of them got something",
        leaks.len()
    ));
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    let readers = usize::try_from(READERS * rounds)?;
    ensure!(early >= readers * WARM && late == readers * LATE, "{early} before, {late} after");
    Ok(())
}

async fn one_round(
    village: &mut Village,
    act: Act,
    given: &Given,
    number: u64,
    counts: &mut Counts,
) -> Result<()> {
    let round = Arc::new(Round {
        act,
        calls: Arc::clone(&given.calls),
        grant: given.grant_id.to_string(),
        token: village.worker.token().to_owned(),
        taken: AtomicBool::new(false),
        warm: AtomicUsize::new(0),
    });
    ensure!(round.calls.len() >= 6, "{} calls", round.calls.len());
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let (target, round) = (village.target.clone(), Arc::clone(&round));
        readers.spawn(read(target, round, number * READERS + reader));
    }
    let readers_wanted = usize::try_from(READERS)?;
    while round.warm.load(Ordering::SeqCst) < readers_wanted {
        if let Some(ended) = readers.try_join_next() {
            ended?.context("a reader gave up")?;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    take(village, act, given).await?;
    round.taken.store(true, Ordering::SeqCst);
    while let Some(counted) = readers.join_next().await {
        let counted = counted??;
        counts.early += counted.early;
        counts.cut += counted.cut;
        counts.late += counted.late;
        counts.leaks.extend(counted.leaks);
    }
    Ok(())
}

/// Takes it back; from here on the answer has come.
async fn take(village: &mut Village, act: Act, given: &Given) -> Result<()> {
    let owner = &mut village.owner;
    match act {
        Act::Grant => owner.vault.take_back(&owner.browser, given.grant_id).await?,
        Act::Paper => owner.vault.remove(&owner.browser, given.document_id).await?,
        Act::Session => {
            let worker = &village.worker;
            let call = Call::remove("/v1/sessions/this");
            worker.browser().ship(call, Some(worker.token())).await?;
        }
        Act::Place => village.manager.put_out(2).await?,
    }
    Ok(())
}

/// One reader: asks for everything in an order of its own, until enough was asked too late.
async fn read(target: Target, round: Arc<Round>, seed: u64) -> Result<Counts> {
    let mut line = target.line().await?;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let (mut counts, mut gave) = (Counts::default(), 0);
    for _ in 0..PATIENCE {
        // xorshift64* (Vigna, 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let drawn = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8;
        let place = usize::try_from(drawn)? % round.calls.len();
        let call = round.calls.get(place).context("no call")?;
        let range = (call.path.ends_with("/content") && drawn & (1 << 40) != 0)
            .then(|| format!("bytes={}-", drawn % 300_000));
        let is_late = round.taken.load(Ordering::SeqCst);
        let answer = line.send(call, Some(&round.token), range.as_deref()).await?;
        let given = answer.as_ref().is_some_and(|it| round.act.is_given(call, it, &round.grant));
        if is_late {
            counts.late += 1;
            if given {
                counts.leaks.push(format!("{:?}, then {} {}", round.act, call.method, call.path));
            }
            if counts.late == LATE {
                return Ok(counts);
            }
        } else if given {
            gave += 1;
            counts.early += 1;
            if gave == WARM {
                round.warm.fetch_add(1, Ordering::SeqCst);
            }
        } else if answer.is_none() {
            counts.cut += 1;
        }
    }
    bail!("a reader asked {PATIENCE} times, and got {gave} answers")
}
