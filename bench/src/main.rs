//! Measures a country, granting, guessing, sealing, the server, a large stream and a structure that grows, each beside something measured
//! in the same run. Prints tables; never asserts by a clock. `seal.mjs` beside it measures in a browser.

mod alike;
mod country;
mod figures;
mod grant;
mod guess;
mod load;
mod native;
mod nginx;
mod peers;
mod plain;
mod server;
mod stream;
mod team;
mod uploads;
mod writes;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("country") => country::measure(),
        Some("grant") => grant::measure(),
        Some("guess") => guess::measure(),
        Some("native") => native::measure(),
        Some("server") => server::measure(),
        Some("stream") => stream::measure(),
        Some("team") => team::measure(),
        _ => bail!("say what to measure: country, grant, guess, native, server, stream or team"),
    }
}
