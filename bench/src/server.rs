//! The real program on SQLite as a process of its own: small reads of a session beside an empty
//! handler, and a download of 4 MiB beside the same bytes written to a socket from memory.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use reconnect::Clock;
use reconnect_tests::{
    browser::{Browser, Network},
    process::Setup,
    stage::{Person, bytes},
};

use crate::{
    figures::{median, print},
    load::{Load, Outcome},
    plain,
};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(2);
const DOCUMENT_BYTES: usize = 4 << 20;
/// Small reads at one time.
const READERS: usize = 32;
/// Downloads at one time.
const DOWNLOADERS: usize = 4;

#[tokio::main]
pub(crate) async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Setup::on(folder.path()).await?.start().await?;
    let network = Network::Outside(server.address());
    let browser = Browser::new(Rc::new(RefCell::new(network)), Clock::System(system_now), None);
    let mut person = Box::pin(Person::open(browser, true)).await?;
    let document_id = person.add("Bench", &bytes(1, DOCUMENT_BYTES)).await?;
    small_reads(server.address(), &person).await?;
    downloads(server.address(), &person, format!("/v1/documents/{document_id}/content")).await?;
    server.stop().await?;
    Ok(())
}

async fn small_reads(server: SocketAddr, person: &Person) -> Result<()> {
    let manifest = person.vault.manifest();
    let sync = format!(
        "/v1/sync?statements_after={0}&records_after={0}&receipts_after=0",
        manifest.sequence()
    );
    let ask = |path: &str, token: Option<&str>| Load {
        server,
        path: path.to_owned(),
        token: token.map(str::to_owned),
        connections: READERS,
        time: TIME,
    };
    let token = Some(person.vault.token());
    let loads = [ask("/livez", None), ask("/v1/memberships", token), ask(&sync, token)];
    let outcomes = take_turns(&loads).await?;
    let of = |outcome: &[Outcome]| median(outcome.iter().map(|it| it.per_second).collect());
    let empty = of(outcomes.first().context("three loads")?);
    let names = ["empty handler (`/livez`)", "`/v1/memberships`", "`/v1/sync`, nothing new"];
    let rows: Vec<_> = names
        .into_iter()
        .zip(&outcomes)
        .map(|(name, outcome)| {
            let middle = |of: fn(&Outcome) -> Duration| {
                let times = outcome.iter().map(|it| of(it).as_secs_f64() * 1e3).collect();
                format!("{:.2} ms", median(times))
            };
            vec![
                name.to_owned(),
                format!("{:.0}/s", of(outcome)),
                format!("{:.2}", of(outcome) / empty),
                middle(|it| it.median),
                middle(|it| it.slowest_percent),
            ]
        })
        .collect();
    let heads = ["", "answers", "of the empty handler", "median", "slowest percent"];
    print("Small reads of a session on SQLite, 32 connections", &heads, &rows);
    Ok(())
}

async fn downloads(server: SocketAddr, person: &Person, path: String) -> Result<()> {
    let time = TIME;
    let token = Some(person.vault.token().to_owned());
    let plain = plain::serve(vec![7; DOCUMENT_BYTES].leak()).await?;
    let loads = [
        Load { server: plain, path: "/".into(), token: None, connections: DOWNLOADERS, time },
        Load { server, path, token, connections: DOWNLOADERS, time },
    ];
    let outcomes = take_turns(&loads).await?;
    let of = |outcome: &[Outcome]| median(outcome.iter().map(|it| it.bytes_per_second).collect());
    let limit = of(outcomes.first().context("two loads")?);
    let rows: Vec<_> = ["the same bytes from memory to a socket", "`/v1/documents/…/content`"]
        .into_iter()
        .zip(&outcomes)
        .map(|(name, outcome)| {
            let speed = of(outcome);
            let ratio = format!("{:.2}", speed / limit);
            vec![name.to_owned(), format!("{:.2} GB/s", speed / 1e9), ratio]
        })
        .collect();
    let heads = ["", "speed", "of the first"];
    print("Download of a sealed document of 4 MiB, 4 connections", &heads, &rows);
    Ok(())
}

/// Every load once a round, so that a slow moment hits them all; a first round warms up.
async fn take_turns(loads: &[Load]) -> Result<Vec<Vec<Outcome>>> {
    let mut outcomes: Vec<Vec<Outcome>> = loads.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (load, outcomes) in loads.iter().zip(&mut outcomes) {
            let outcome = load.run().await?;
            if round > 0 {
                outcomes.push(outcome);
            }
        }
    }
    Ok(outcomes)
}

#[expect(clippy::disallowed_methods, reason = "people here live by the system's clock")]
pub(crate) fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
