//! The real program as a process of its own, on SQLite and PostgreSQL, each beside its limit in the same
//! run: small reads beside an empty handler, durable small writes beside a bare database, uploads beside
//! plain files, downloads beside nginx; and the memory that it takes for them.

use std::{
    cell::RefCell,
    net::SocketAddr,
    path::Path,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use reconnect::{Clock, config::DatabaseUrl};
use reconnect_format::api::Call;
use reconnect_tests::{
    browser::{Browser, Network},
    postgres,
    process::{Memory, Process, Setup},
    stage::{Database, Person, bytes, settings},
    wire::Connection,
};

use crate::{
    figures::{median, print},
    load::{Load, Outcome},
    nginx::Nginx,
    plain, uploads,
    writes::{self, Written},
};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(2);
const DOCUMENT_BYTES: usize = 4 << 20;
/// Small reads at one time.
const READERS: usize = 32;
/// Records of a list.
const RECORDS: usize = 100;
/// Downloads at one time.
const DOWNLOADERS: usize = 4;
/// Connections on which nothing happens.
const IDLE: usize = 1000;

#[tokio::main]
pub(crate) async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("sqlite");
    let server = Setup::on(&data).await?.start().await?;
    let mut memory = vec![("after the start", server.memory()?)];
    let mut person = somebody(server.address()).await?;
    let document_id = person.add("Bench", &bytes(1, DOCUMENT_BYTES)).await?;
    for number in 1..RECORDS {
        person.add(&format!("Bench {number}"), &bytes(number as u64, 1000)).await?;
    }
    small_reads(server.address(), &person).await?;
    let path = format!("/v1/documents/{document_id}/content");
    downloads(folder.path(), server.address(), &person, path).await?;
    memory.push(("after reads and downloads", server.memory()?));
    uploads::measure(folder.path(), &server, &mut person).await?;
    small_writes(folder.path(), &data, &server).await?;
    memory.push(("after uploads and writes", server.memory()?));
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let mut connection = Connection::to(server.address()).await?;
        connection.send(&Call::read("/livez").open(), None).await?;
        idle.push(connection);
    }
    memory.push(("with 1,000 idle connections", server.memory()?));
    drop(idle);
    show_memory(&memory);
    server.stop().await?;
    Ok(())
}

async fn somebody(server: SocketAddr) -> Result<Person> {
    let network = Network::Outside(server);
    let browser = Browser::new(Rc::new(RefCell::new(network)), Clock::System(system_now), None);
    Box::pin(Person::open(browser, true)).await
}

/// On this server and on another one, whose database is PostgreSQL.
async fn small_writes(folder: &Path, data: &Path, sqlite: &Process) -> Result<()> {
    let other = folder.join("postgres");
    let mut setup = Setup::on(&other).await?;
    let mut config = settings(&other, Database::Sqlite).await?;
    let url = postgres::fresh_database().await?;
    config.database = DatabaseUrl::Postgres(url.clone());
    setup.variables.push(("RECONNECT_DATABASE", url));
    let postgres = setup.start().await?;
    somebody(postgres.address()).await?;
    let servers = [
        Written {
            name: "on SQLite",
            process: sqlite,
            sessions: writes::sessions(&settings(data, Database::Sqlite).await?).await?,
        },
        Written {
            name: "on PostgreSQL",
            process: &postgres,
            sessions: writes::sessions(&config).await?,
        },
    ];
    writes::measure(folder, &servers).await?;
    postgres.stop().await?;
    Ok(())
}

fn show_memory(moments: &[(&str, Memory)]) {
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    let rows: Vec<_> = moments
        .iter()
        .map(|(moment, memory)| {
            let (now, peak) = (megabytes(memory.resident_bytes), megabytes(memory.peak_bytes));
            vec![(*moment).to_owned(), now, peak]
        })
        .collect();
    print("Memory of the server on SQLite", &["", "now", "peak"], &rows);
}

async fn small_reads(server: SocketAddr, person: &Person) -> Result<()> {
    let manifest = person.vault.manifest();
    let newest = manifest.sequence();
    let sync = |records_after| {
        let after = format!("statements_after={newest}&records_after={records_after}");
        format!("/v1/sync?{after}&receipts_after=0")
    };
    let ask = |path: &str, token: Option<&str>| Load {
        server,
        path: path.to_owned(),
        token: token.map(str::to_owned),
        connections: READERS,
        time: TIME,
    };
    let token = Some(person.vault.token());
    let records = ask(&sync(0), token);
    let records_bytes = records.run().await?.bytes_each;
    let plain = plain::serve(vec![7; records_bytes].leak()).await?;
    let loads = [
        ask("/livez", None),
        ask("/v1/memberships", token),
        ask(&sync(newest), token),
        records,
        Load { server: plain, ..ask("/", None) },
    ];
    let outcomes = take_turns(&loads).await?;
    let of = |outcome: &[Outcome]| median(outcome.iter().map(|it| it.per_second).collect());
    let empty = of(outcomes.first().context("five loads")?);
    let same = format!("as many bytes from memory to a socket: {records_bytes}");
    let names = [
        "empty handler (`/livez`)",
        "`/v1/memberships`; goal: 12,000/s, slowest percent under 10 ms",
        "`/v1/sync`, nothing new",
        "`/v1/sync`, 100 records; goal: 4,000/s",
        &same,
    ];
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

async fn downloads(folder: &Path, server: SocketAddr, person: &Person, path: String) -> Result<()> {
    let time = TIME;
    let nginx = Nginx::start(folder, &vec![7; DOCUMENT_BYTES])?;
    let token = Some(person.vault.token().to_owned());
    let plain = plain::serve(vec![7; DOCUMENT_BYTES].leak()).await?;
    let file = "/file".to_owned();
    let loads = [
        Load { server: nginx.address(), path: file, token: None, connections: DOWNLOADERS, time },
        Load { server: plain, path: "/".into(), token: None, connections: DOWNLOADERS, time },
        Load { server, path, token, connections: DOWNLOADERS, time },
    ];
    let outcomes = take_turns(&loads).await?;
    let of = |outcome: &[Outcome]| median(outcome.iter().map(|it| it.bytes_per_second).collect());
    let limit = of(outcomes.first().context("three loads")?);
    let names = [
        "nginx, a file of as many bytes",
        "as many bytes from memory to a socket",
        "`/v1/documents/…/content`; goal: 0.9 of nginx",
    ];
    let rows: Vec<_> = names
        .into_iter()
        .zip(&outcomes)
        .map(|(name, outcome)| {
            let speed = of(outcome);
            let ratio = format!("{:.2}", speed / limit);
            vec![name.to_owned(), format!("{:.2} GB/s", speed / 1e9), ratio]
        })
        .collect();
    let heads = ["", "speed", "of nginx"];
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
