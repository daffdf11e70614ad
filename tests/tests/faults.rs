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
#[path = "faults/reread.rs"]
mod reread;
#[path = "faults/scrub.rs"]
mod scrub;
#[path = "faults/steps.rs"]
mod steps;
#[path = "faults/stop.rs"]
mod stop;
#[path = "faults/writes.rs"]
mod writes;

use std::{env, io::Write as _};

use anyhow::{Context as _, Result};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect_tests::browser::{outside as browser, patient as patient_browser, system_now};

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
