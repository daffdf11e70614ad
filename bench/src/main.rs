//! Measures granting, the server and a large stream, each beside something measured in the same
//! run. Prints tables; never asserts by a clock. `seal.mjs` beside it measures in a browser.

mod figures;
mod grant;
mod load;
mod plain;
mod server;
mod stream;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("grant") => grant::measure(),
        Some("server") => server::measure(),
        Some("stream") => stream::measure(),
        _ => bail!("say what to measure: grant, server or stream"),
    }
}
