//! People's lives over five years, played under settings of social recovery: how many safes are lost, and how many are
//! taken over. Prints tables; never asserts. What is assumed about people stands in `assume.rs` and in the first table.

mod assume;
mod chance;
mod fate;
mod guardians;
mod life;
mod owner;
mod print;
mod questions;
mod sensitivity;
mod setting;
mod tally;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::{assume::Assumptions, questions::Run};

/// Prints how many safes are lost and how many are taken over, by setting of the guardians.
#[derive(Parser)]
struct Options {
    /// The same seed gives the same tables.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lives played under each setting.
    #[arg(long, default_value_t = 100_000)]
    lives: u32,
    /// Lives played for each guess that is varied; 0 leaves that table out.
    #[arg(long, default_value_t = 20_000)]
    sensitivity_lives: u32,
}

fn main() -> Result<()> {
    let Options { seed, lives, sensitivity_lives } = Options::parse();
    ensure!(lives > 0, "no lives, no counts");
    let assume = Assumptions::default();
    questions::answer(Run { seed, lives }, &assume)?;
    if sensitivity_lives > 0 {
        sensitivity::answer(Run { seed, lives: sensitivity_lives }, &assume)?;
    }
    Ok(())
}
