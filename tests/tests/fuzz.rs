//! Values that are nearly right: real ones, changed where the layout says that there is something to change. Whatever
//! reads them refuses them or reads them as they are, within its bounds; the server changes nothing of what it
//! refuses, and what it takes is read by the client.
//!
//! Chance begins with `RECONNECT_SEED`, and goes on for as long as `RECONNECT_FUZZ` says: so many hundredths of what
//! is usual.

#[path = "fuzz/decoders.rs"]
mod decoders;
#[path = "fuzz/play.rs"]
mod play;
#[path = "fuzz/sealed.rs"]
mod sealed;
#[path = "fuzz/seeds.rs"]
mod seeds;
#[path = "fuzz/sent.rs"]
mod sent;

use std::{
    collections::BTreeSet,
    env,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use reconnect_format::{
    Unverified, decode, encode,
    grant::{SCOPE_MAX, Scope},
    lock::HeldUse,
    statement::Statement,
};
use reconnect_tests::layout::{
    Node,
    change::{Change, KINDS},
};
use rustix::time::{ClockId, clock_gettime};

use decoders::Decoder;
use play::Play;
use seeds::{Pool, at_sizes};

/// Changed values that are read, when nothing else is said.
const CASES: u32 = 6_000;
/// So long may anything be read, by the thread's own clock; ten times as long in a build with debug assertions.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });
/// Forms of each kind that are read at every length.
const FORMS: usize = 20;
/// What is larger is read once in every size, and not changed further.
const CHANGED_BYTES: usize = 256 << 10;

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// So many, or more or fewer where somebody says so.
fn cases(usual: u32) -> Result<u32> {
    let hundredths: u32 = match env::var("RECONNECT_FUZZ") {
        Ok(said) => said.parse().with_context(|| format!("RECONNECT_FUZZ={said}"))?,
        Err(_) => 100,
    };
    Ok((usual / 100).saturating_mul(hundredths))
}

/// What chance begins with: as the variable says, or as in the run before.
fn seed() -> Result<u64> {
    match env::var("RECONNECT_SEED") {
        Ok(said) => said.parse().with_context(|| format!("RECONNECT_SEED={said}")),
        Err(_) => Ok(20_261_123),
    }
}

fn runner(cases: u32, seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0..KINDS, any::<u32>(), any::<u64>());
    vec(change.prop_map(|(what, place, with)| Change { what, place, with }), 1..4)
}

/// I-20: what is changed in its structure is refused, or read as the only thing that its bytes say, within bounds.
#[tokio::test]
async fn what_is_changed_in_its_structure_is_read_as_it_is_or_refused() -> Result<()> {
    let decoders = decoders::all();
    let pool = pool().await?;
    let (seed, cases) = (seed()?, cases(CASES)?);
    say(&format!("RECONNECT_SEED={seed}"));
    let sizes = at_every_size(&decoders, pool)?;
    let read = changed(&decoders, pool, runner(cases, seed))?;
    say(&format!("{sizes} sizes and {cases} changes of {} kinds: {read} read", decoders.len()));
    Ok(())
}

/// I-20: a decoder that takes two encodings for one thing, fails at what is too long, or believes a length, is caught.
#[tokio::test]
async fn careless_decoders_are_caught() -> Result<()> {
    let mut decoders = decoders::all();
    let of_two = pool().await?.of_these(&decoders, &["statement", "held-use"]);
    decoders.retain(|it| ["statement", "held-use"].contains(&it.name));
    let run = |decoders: &[Decoder]| -> Result<()> {
        at_every_size(decoders, &of_two)?;
        changed(decoders, &of_two, runner(2_000, 1)).map(drop)
    };
    run(&decoders)?;
    let strict = decoders[1].read;
    decoders[1].read = |bytes| {
        // Whatever follows by one byte is passed over.
        let shorter = bytes.get(..bytes.len().saturating_sub(1))?;
        let read = Unverified::<HeldUse>::decode(bytes);
        let read = read.or_else(|_| Unverified::<HeldUse>::decode(shorter)).ok()?;
        let signature = bytes.get(bytes.len().checked_sub(64)?..)?.to_vec();
        Some(Box::new(move || [encode(read.claim()), signature].concat()))
    };
    expect(run(&decoders), "two encodings")?;
    decoders[1].read = strict;
    decoders[0].read = |bytes| {
        let read = Unverified::<Statement>::decode(bytes).ok()?;
        let scope = read.claim().body.grant_terms().map(|it| &it.scope);
        if let Some(Scope::Documents { document_ids }) = scope {
            assert!(document_ids.len() <= SCOPE_MAX, "a flaw that is planted");
        }
        None
    };
    expect(run(&decoders), "panics")?;
    decoders[0].read = |_| None;
    decoders[1].read = |bytes| {
        let room = bytes.get(90..94).and_then(|it| it.try_into().ok()).map(u32::from_be_bytes);
        let room = vec![0_u8; usize::try_from(room? >> 4).ok()?];
        bytes.get(..room.len())?;
        let read = decode::<HeldUse>(bytes).ok()?;
        Some(Box::new(move || encode(&read)))
    };
    expect(run(&decoders), "bytes of memory")
}

/// Values of one play, for all tests that change none of its server.
async fn pool() -> Result<&'static Pool> {
    static POOL: tokio::sync::OnceCell<Pool> = tokio::sync::OnceCell::const_new();
    POOL.get_or_try_init(async || {
        let play = Box::pin(Play::new()).await?;
        let recording = play.server.recording().borrow();
        Pool::gather(&decoders::all(), &recording)
    })
    .await
}

fn expect(caught: Result<()>, what: &str) -> Result<()> {
    let said = caught.err().context(format!("nothing with {what} was found"))?;
    ensure!(format!("{said:#}").contains(what), "something else was found: {said:#}");
    Ok(())
}

/// Every value with each of its lists at every length that means something.
fn at_every_size(decoders: &[Decoder], pool: &Pool) -> Result<u32> {
    let mut count = 0;
    for (at, decoder) in decoders.iter().enumerate() {
        let mut known = BTreeSet::new();
        let seeds = pool.of(at);
        let mut forms = BTreeSet::new();
        // One of each form, and one as large as anything comes.
        for (_, tree) in seeds {
            let (first, is_new) = (forms.is_empty(), forms.insert(tree.form()));
            if !is_new || forms.len() > FORMS {
                continue;
            }
            let most = if first { decoder.most } else { decoder.most.min(CHANGED_BYTES) };
            for place in 0..tree.count() {
                for bytes in at_sizes(tree, place, most) {
                    // Of many that differ in hashes alone, one.
                    if known.insert((place, bytes.len())) {
                        count += 1;
                        read(decoder, &bytes).map_err(anyhow::Error::msg)?;
                    }
                }
            }
        }
    }
    Ok(count)
}

/// Values that are changed in one to three places; how many were still read.
fn changed(decoders: &[Decoder], pool: &Pool, mut runner: TestRunner) -> Result<u32> {
    let kept = std::cell::Cell::new(0);
    let strategy = (0..decoders.len(), any::<prop::sample::Index>(), changes());
    let outcome = runner.run(&strategy, |(at, which, changes)| {
        let (seeds, decoder) = (pool.of(at), &decoders[at]);
        let (bytes, tree) = &seeds[which.index(seeds.len())];
        if bytes.len() > CHANGED_BYTES {
            return Ok(());
        }
        let mut tree = tree.clone();
        let others: Vec<Node> = seeds.iter().take(8).map(|(_, tree)| tree.clone()).collect();
        for change in &changes {
            change.make(&mut tree, &others);
        }
        let changed = tree.write();
        if changed.len() > decoder.most {
            return Ok(());
        }
        let is_read = read(decoder, &changed).map_err(TestCaseError::fail)?;
        kept.set(kept.get() + u32::from(is_read));
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(kept.get()),
        Err(TestError::Fail(why, (at, _, changes))) => {
            bail!("{}: {why}, after {changes:?}", decoders[at].name)
        }
        Err(other) => bail!("{other}"),
    }
}

/// Reads it, and looks at what that takes; whether it was read.
fn read(decoder: &Decoder, bytes: &[u8]) -> Result<bool, String> {
    let before = clock_gettime(ClockId::ThreadCPUTime);
    let mut again = Ok(None);
    let memory = allocation_counter::measure(|| {
        again = catch_unwind(AssertUnwindSafe(|| (decoder.read)(bytes)));
    });
    let after = clock_gettime(ClockId::ThreadCPUTime);
    let (name, length) = (decoder.name, bytes.len());
    let again = again.map_err(|_| format!("{name} of {length} bytes panics"))?;
    // In base64 it comes in a body that is a third larger.
    if memory.bytes_max > 2 * (decoder.most / 3 * 4) as u64 {
        return Err(format!("{name} of {length} bytes takes {} bytes of memory", memory.bytes_max));
    }
    let took = Duration::try_from(after - before).unwrap_or_default();
    if took > LONGEST {
        return Err(format!("{name} of {length} bytes takes {took:?}"));
    }
    match again.map(|again| again() == bytes) {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(format!("{name} of {length} bytes is one of two encodings")),
    }
}
