//! The real program under faults: killed at random instants, asked to stop, on a full disk.
//! What was acknowledged must be there afterwards, byte for byte, and nothing may be half there.

#[path = "faults/crash.rs"]
mod crash;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/memory.rs"]
mod memory;
#[path = "faults/overload.rs"]
mod overload;
#[path = "faults/power.rs"]
mod power;
#[path = "faults/scrub.rs"]
mod scrub;
#[path = "faults/steps.rs"]
mod steps;
#[path = "faults/stop.rs"]
mod stop;
#[path = "faults/writes.rs"]
mod writes;

use std::{cell::RefCell, env, io::Write as _, net::SocketAddr, rc::Rc};

use anyhow::{Context as _, Result};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect::Clock;
use reconnect_tests::browser::{Browser, Network};

/// A browser that speaks to a server outside this process, by the system's clock.
fn browser(server: SocketAddr) -> Browser {
    Browser::new(Rc::new(RefCell::new(Network::Outside(server))), Clock::System(now), None)
}

/// The same, which waits for a server that is away, and then asks again with the same bytes.
fn patient_browser(server: SocketAddr) -> Browser {
    Browser::new(Rc::new(RefCell::new(Network::Patient(server))), Clock::System(now), None)
}

#[expect(clippy::disallowed_methods, reason = "the program under test has the system's clock too")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |passed| passed.as_secs())
}

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How often: as the variable says, or a number for every day.
fn count(variable: &str, usual: usize) -> Result<usize> {
    match env::var(variable) {
        Ok(said) => said.parse().with_context(|| format!("{variable}={said}")),
        Err(_) => Ok(usual),
    }
}

/// What chance begins with, and chance.
fn seed() -> Result<(u64, ChaCha8Rng)> {
    let drawn = rand_core::UnwrapErr(getrandom::SysRng).next_u64() >> 32;
    let seed = match env::var("RECONNECT_SEED") {
        Ok(said) => said.parse().with_context(|| format!("RECONNECT_SEED={said}"))?,
        Err(_) => drawn,
    };
    Ok((seed, ChaCha8Rng::seed_from_u64(seed)))
}
