//! Downloads under way are cut when what they read is taken away: within a second, and before their end. I-10.

use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use http_body_util::BodyExt as _;
use reconnect_core::world::World as _;
use reconnect_format::api::Call;
use reconnect_tests::{stage::Database, wire};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Duration, Instant, sleep, timeout},
};
use tower::ServiceExt as _;

use crate::{
    say,
    village::{Given, Target, Village},
};

/// How soon a download under way ends.
const SECOND: Duration = Duration::from_secs(1);
/// More than the buffers of a connection hold: its reader reads nothing for a while.
const LARGE: usize = 20 << 20;
/// Some pieces.
const SMALL: usize = 1 << 20;

/// I-10: in this process, to the byte.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_cut_at_once_on_sqlite() -> Result<()> {
    Box::pin(inside(Database::Sqlite)).await
}

/// I-10: on two servers, of which one takes away and the other reads; half a second later not a byte comes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_cut_at_once_on_postgres() -> Result<()> {
    Box::pin(inside(Database::Postgres)).await
}

/// I-10: over a connection whose buffers are full.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_the_program_is_cut_within_a_second() -> Result<()> {
    Box::pin(outside(Database::Sqlite)).await
}

/// What is taken away from whom.
#[derive(Clone, Copy, Debug)]
enum Act {
    Grant,
    Paper,
    ReadersSession,
    OwnersPaper,
    OwnersDevice,
    OwnersGeneration,
}

const ACTS: [Act; 6] = [
    Act::Grant,
    Act::Paper,
    Act::ReadersSession,
    Act::OwnersPaper,
    Act::OwnersDevice,
    Act::OwnersGeneration,
];

impl Act {
    /// Who reads what.
    async fn reader(self, village: &mut Village, given: &Given) -> Result<(Call, String)> {
        Ok(match self {
            Self::Grant | Self::Paper | Self::ReadersSession => {
                (Call::read(given.content.clone()), village.worker.token().to_owned())
            }
            _ => {
                let browser = village.browser();
                let phone = village.owner.with_sheet(&browser, true).await?;
                let owner = &mut village.owner;
                owner.vault.sync(&owner.browser).await?;
                (Village::own_content(given.document_id), phone.token().to_owned())
            }
        })
    }

    async fn happen(self, village: &mut Village, given: &Given) -> Result<()> {
        let owner = &mut village.owner;
        match self {
            Self::Grant => owner.vault.take_back(&owner.browser, given.grant_id).await?,
            Self::Paper | Self::OwnersPaper => {
                owner.vault.remove(&owner.browser, given.document_id).await?;
            }
            Self::ReadersSession => {
                let call = Call::remove("/v1/sessions/this");
                village.worker.browser().ship(call, Some(village.worker.token())).await?;
            }
            Self::OwnersDevice => {
                let own = owner.vault.device_id();
                let devices: Vec<_> = owner
                    .vault
                    .manifest()
                    .devices()
                    .map(|it| it.0)
                    .filter(|it| *it != own)
                    .collect();
                for device_id in devices {
                    owner.vault.retire_device(&owner.browser, device_id).await?;
                }
            }
            Self::OwnersGeneration => {
                // The person at another browser begins it, and stays there.
                let browser = village.browser();
                let vault = village.owner.with_sheet(&browser, true).await?;
                let there = village.owner.at(browser, vault);
                village.owner = Box::pin(there.begin_generation()).await?;
            }
        }
        Ok(())
    }
}

async fn inside(database: Database) -> Result<()> {
    let mut village = Village::inside(database).await?;
    let Target::Inside(router) = village.target.clone() else { anyhow::bail!("not inside") };
    let mut cut = 0;
    for act in ACTS {
        let given = Box::pin(village.give(7, SMALL)).await?;
        let (call, token) = act.reader(&mut village, &given).await?;
        for range in [None, Some("bytes=100-")] {
            let whole = wire::inside_of(&router, &call, Some(&token), range).await?;
            ensure!(whole.body.len() > SMALL, "{act:?}: {} {}", whole.status, whole.body.len());
        }
        let mut bodies = Vec::new();
        for range in [None, Some("bytes=100-"), Some("bytes=-900000")] {
            let request = wire::request("localhost", &call, Some(&token), range)?;
            let mut body = router.clone().oneshot(request).await?.into_body();
            ensure!(next(&mut body).await?.is_some(), "{act:?}: nothing came");
            bodies.push(body);
        }
        Box::pin(act.happen(&mut village, &given)).await?;
        if database == Database::Postgres {
            // Of the other server, which looks again soon, and not at each piece.
            sleep(SECOND / 2).await;
        }
        for mut body in bodies {
            let after = timeout(SECOND / 2, next(&mut body)).await.context("not cut in time")?;
            ensure!(after.is_err(), "{act:?}: {after:?} bytes came after it was taken away");
            cut += 1;
        }
        if matches!(act, Act::ReadersSession) {
            village.worker.come_in_again().await?;
        }
    }
    say(&format!("{database:?}: {cut} downloads under way were cut, and no byte came after"));
    ensure!(cut == 3 * ACTS.len());
    Ok(())
}

/// How many bytes come next; none at the end.
async fn next(body: &mut Body) -> Result<Option<usize>> {
    let Some(frame) = body.frame().await else { return Ok(None) };
    Ok(Some(frame?.into_data().map_or(0, |data| data.len())))
}

async fn outside(database: Database) -> Result<()> {
    let mut village = Village::outside(database).await?;
    let Target::Outside(server) = village.target else { anyhow::bail!("not outside") };
    let mut longest = Duration::ZERO;
    for act in [Act::Grant, Act::ReadersSession, Act::OwnersDevice] {
        let given = Box::pin(village.give(7, LARGE)).await?;
        let (call, token) = act.reader(&mut village, &given).await?;
        let mut stream = TcpStream::connect(server).await?;
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\r\n",
            call.path
        );
        stream.write_all(head.as_bytes()).await?;
        let mut some = vec![0; 100_000];
        stream.read_exact(&mut some).await?;
        ensure!(some.starts_with(b"HTTP/1.1 200"), "{act:?}: it was not answered");
        Box::pin(act.happen(&mut village, &given)).await?;
        let since = Instant::now();
        let mut rest = Vec::new();
        // However it ends: reset, or closed before its length.
        let ended = timeout(SECOND, stream.read_to_end(&mut rest)).await;
        ensure!(ended.is_ok(), "{act:?}: it still ran after a second");
        longest = longest.max(since.elapsed());
        ensure!(rest.len() + some.len() < LARGE, "{act:?}: {} came after", rest.len());
        if matches!(act, Act::ReadersSession) {
            village.worker.come_in_again().await?;
        }
    }
    say(&format!("{database:?}: 3 slow downloads were cut, the last {longest:?} after the answer"));
    Ok(())
}
