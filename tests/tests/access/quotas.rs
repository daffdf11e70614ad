//! Quotas at every instant: 64 at one time declare, give up and declare again. I-24.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, ensure};
use reconnect::Config;
use reconnect_core::vault::upload_begin;
use reconnect_format::{api::Call, id::AccountId};
use reconnect_tests::{
    dump,
    stage::{Database, Person, Server},
    wire,
};
use tokio::task::JoinSet;

use crate::say;

/// At one time.
const AT_ONCE: usize = 64;
const ACCOUNT_BYTES: u64 = 4_000_000;
const FILE_BYTES: u64 = 200_000;
/// Of declaring and giving up.
const TURNS: usize = 3;

/// I-24: nobody has more than their limit, whoever declares and gives up at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn quotas_hold_at_every_instant_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-24: nobody has more than their limit, whoever declares and gives up at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn quotas_hold_at_every_instant_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

async fn play(database: Database) -> Result<()> {
    let server = Server::with(database, |config| {
        config.file_limit_bytes = FILE_BYTES;
        config.account_limit_bytes = ACCOUNT_BYTES;
    })
    .await?;
    let owner = server.person().await?;
    let account_id = owner.vault.account_id();
    let before = used(server.config(), account_id).await?;
    let over = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(server.config().clone(), account_id, Arc::clone(&over)));
    let (mut taken_in, mut full) = (0, 0);
    for _ in 0..TURNS {
        let calls = declarations(&owner)?;
        let mut there = Vec::new();
        // What a busy database had no time for is sent again.
        let mut waiting = calls.clone();
        while !waiting.is_empty() {
            let mut busy = Vec::new();
            for (call, status) in at_once(&server, &owner, waiting).await? {
                match status {
                    204 => there.push(call),
                    413 | 507 => full += 1,
                    503 => busy.push(call),
                    other => anyhow::bail!("{}: {other}", call.path),
                }
            }
            waiting = busy;
        }
        let (room, each) =
            used(server.config(), account_id).await.map(|it| (it, it / there.len() as u64))?;
        ensure!(
            room <= ACCOUNT_BYTES && room + each > ACCOUNT_BYTES,
            "{room} bytes of {each} each"
        );
        ensure!(there.len() < AT_ONCE, "all had room");
        taken_in += there.len();
        // Half is given up while as many come again; then all.
        let (gone, stay) = there.split_at(there.len() / 2);
        let mixed = gone.iter().map(given_up).chain(declarations(&owner)?).collect();
        let mut again = Vec::new();
        for (call, status) in at_once(&server, &owner, mixed).await? {
            match (call.method, status) {
                ("PUT", 204) => again.push(call),
                ("PUT", 413 | 507) => full += 1,
                (_, 204 | 503) => {}
                (_, other) => anyhow::bail!("{}: {other}", call.path),
            }
        }
        taken_in += again.len();
        let mut left: Vec<_> = stay.iter().chain(&again).chain(gone).map(given_up).collect();
        while !left.is_empty() {
            let answers = at_once(&server, &owner, left).await?;
            left = answers.into_iter().filter(|(_, it)| *it == 503).map(|(call, _)| call).collect();
        }
        let after = used(server.config(), account_id).await?;
        ensure!(after == before, "{before} bytes before, {after} after all was given up");
    }
    over.store(true, Ordering::SeqCst);
    let (looks, most) = watching.await??;
    say(&format!(
        "{database:?}: {taken_in} uploads taken in and {full} refused, {AT_ONCE} at one time; {looks} looks, at most \
         {most} of {ACCOUNT_BYTES} bytes"
    ));
    ensure!(looks > 10 && most <= ACCOUNT_BYTES && full > AT_ONCE && taken_in > AT_ONCE / 2);
    Ok(())
}

fn declarations(owner: &Person) -> Result<Vec<Call>> {
    (0..AT_ONCE)
        .map(|_| Ok(upload_begin(&owner.vault.begin_content(&owner.browser, None, FILE_BYTES)?)))
        .collect()
}

fn given_up(call: &Call) -> Call {
    Call::remove(call.path.clone())
}

async fn at_once(server: &Server, owner: &Person, calls: Vec<Call>) -> Result<Vec<(Call, u16)>> {
    let mut tasks = JoinSet::new();
    for call in calls {
        let (router, token) = (server.router(), owner.vault.token().to_owned());
        tasks.spawn(async move {
            let answer = wire::inside(&router, &call, Some(&token)).await?;
            anyhow::Ok((call, answer.status))
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer??);
    }
    Ok(answers)
}

/// What is stored as used; it is what there is.
async fn used(config: &Config, account_id: AccountId) -> Result<u64> {
    let mut connection = dump::connect(config).await?;
    let (used, there): (i64, i64) = sqlx::query_as(
        "select a.used_bytes, (select cast(coalesce(sum(e.sealed_bytes), 0) as bigint) from envelope e
          where e.account_id = a.account_id)
        from account a where a.account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut connection)
    .await?;
    ensure!(used == there, "{used} bytes are counted, {there} are there");
    Ok(u64::try_from(used)?)
}

/// Looks again and again until it is over: how often, and how much there was at most.
async fn watch(
    config: Config,
    account_id: AccountId,
    over: Arc<AtomicBool>,
) -> Result<(usize, u64)> {
    let (mut looks, mut most) = (0, 0);
    while !over.load(Ordering::SeqCst) {
        most = most.max(used(&config, account_id).await?);
        looks += 1;
    }
    Ok((looks, most))
}
