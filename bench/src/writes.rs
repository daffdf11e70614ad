//! Durable small writes: sessions that are ended, each by a request of its own, which is answered when
//! that is on the disk. Beside it the same statement on bare `SQLite`: each with an fsync of its own, and
//! 64 in one commit.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use reconnect::Config;
use reconnect_format::{
    Label,
    api::{Call, CallBody},
};
use reconnect_tests::{dump, process::Process, wire::Connection};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::task::JoinSet;

use crate::figures::{median, now, per_second, print};

const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(2);
/// Writers at one time, and writes in one commit of the limit.
const WRITERS: usize = 64;
/// Sessions that there are to end. Whoever ends them all before the time is over is measured until then.
const SESSIONS: usize = 60_000;

/// Sessions that wait to be ended.
pub(crate) struct Sessions {
    tokens: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
}

/// A server to write to.
pub(crate) struct Written<'a> {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// The running program.
    pub(crate) process: &'a Process,
    /// Its sessions.
    pub(crate) sessions: Sessions,
}

/// Writes sessions of the one person into a server's database, beside the server.
pub(crate) async fn sessions(config: &Config) -> Result<Sessions> {
    let mut connection = dump::connect(config).await?;
    let (account_id, device_id, expires_at): (Vec<u8>, Vec<u8>, i64) =
        sqlx::query_as("select account_id, device_id, expires_at from session limit 1")
            .fetch_one(&mut connection)
            .await
            .context("somebody has a session")?;
    let rng = &mut UnwrapErr(SysRng);
    let mut tokens = Vec::new();
    let mut tx = connection.begin().await?;
    for _ in 0..SESSIONS {
        let mut token = [0; 32];
        rng.fill_bytes(&mut token);
        sqlx::query(
            "insert into session (token_hash, account_id, device_id, expires_at, ended, kept_until)
             values ($1, $2, $3, $4, 0, $4)",
        )
        .bind(Label::SessionToken.hash(&token).to_vec())
        .bind(account_id.clone())
        .bind(device_id.clone())
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
        tokens.push(URL_SAFE_NO_PAD.encode(token));
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(Sessions { tokens: Arc::new(tokens), next: Arc::default() })
}

/// Takes turns between the bare database and the servers, and prints the table.
pub(crate) async fn measure(folder: &Path, servers: &[Written<'_>]) -> Result<()> {
    let mut bare = Bare::open(&folder.join("bare.sqlite")).await?;
    let kinds = 2 + 2 * servers.len();
    let mut speeds = vec![Vec::new(); kinds];
    let mut slowest = vec![Vec::new(); kinds];
    for _ in 0..ROUNDS {
        let mut row = vec![bare.run(1).await?, bare.run(WRITERS).await?];
        for server in servers {
            for writers in [1, WRITERS] {
                row.push(server.run(writers).await?);
            }
        }
        for (place, (speed, slow)) in row.into_iter().enumerate() {
            speeds.get_mut(place).context("as many as kinds")?.push(speed);
            slowest.get_mut(place).context("as many as kinds")?.push(slow.as_secs_f64() * 1e3);
        }
    }
    let names = ["bare SQLite, an fsync each", "bare SQLite, 64 in one commit"]
        .map(ToString::to_string)
        .into_iter()
        .chain(servers.iter().flat_map(|server| {
            [1, WRITERS].map(|writers| format!("{}, {writers} at one time", server.name))
        }));
    let speeds: Vec<_> = speeds.into_iter().map(median).collect();
    let limit = speeds.get(1).copied().context("the bare ones")?;
    let rows: Vec<_> = names
        .zip(&speeds)
        .zip(slowest)
        .map(|((name, speed), slow)| {
            let ratio = format!("{:.2}", speed / limit);
            vec![name, format!("{speed:.0}/s"), ratio, format!("{:.1} ms", median(slow))]
        })
        .collect();
    let heads = ["", "writes", "of 64 in one commit", "slowest percent"];
    print(
        "Durable small writes (`synchronous=FULL`); goal: 4,000/s at 64 at one time",
        &heads,
        &rows,
    );
    Ok(())
}

impl Written<'_> {
    async fn run(&self, writers: usize) -> Result<(f64, Duration)> {
        let start = now();
        let mut writing = JoinSet::new();
        for _ in 0..writers {
            let (server, tokens) = (self.process.address(), Arc::clone(&self.sessions.tokens));
            let next = Arc::clone(&self.sessions.next);
            writing.spawn(async move {
                let call = Call {
                    method: "DELETE",
                    path: "/v1/sessions/this".to_owned(),
                    authorized: true,
                    body: CallBody::Empty,
                };
                let mut connection = Connection::to(server).await?;
                let mut times = Vec::new();
                while start.elapsed() < TIME {
                    let Some(token) = tokens.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    let asked = now();
                    let answer = connection.send(&call, Some(token)).await?;
                    ensure!(answer.status == 204, "{}", answer.status);
                    times.push(asked.elapsed());
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(theirs) = writing.join_next().await {
            times.extend(theirs??);
        }
        let seconds = start.elapsed().as_secs_f64();
        times.sort_unstable();
        let slow = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        Ok((per_second(times.len(), seconds), slow))
    }
}

/// A database without a server, set as the server's is.
struct Bare {
    connection: AnyConnection,
    next: usize,
}

impl Bare {
    async fn open(file: &Path) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let mut connection = AnyConnection::connect(&url).await?;
        for setting in ["journal_mode = wal", "synchronous = full", "secure_delete = 1"] {
            let pragma = format!("pragma {setting}");
            connection.execute(sqlx::AssertSqlSafe(pragma)).await?;
        }
        connection
            .execute("create table session (token_hash blob primary key, ended bigint not null)")
            .await?;
        let mut tx = connection.begin().await?;
        for number in 0..SESSIONS {
            sqlx::query("insert into session (token_hash, ended) values ($1, 0)")
                .bind(key(number))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(Self { connection, next: 0 })
    }

    async fn run(&mut self, in_one_commit: usize) -> Result<(f64, Duration)> {
        let start = now();
        let mut times = Vec::new();
        let mut written = 0;
        while start.elapsed() < TIME {
            let begun = now();
            self.connection.execute("begin immediate").await?;
            for _ in 0..in_one_commit {
                sqlx::query("update session set ended = ended + 1 where token_hash = $1")
                    .bind(key(self.next % SESSIONS))
                    .execute(&mut self.connection)
                    .await?;
                self.next += 1;
            }
            self.connection.execute("commit").await?;
            written += in_one_commit;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let slow = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        Ok((per_second(written, start.elapsed().as_secs_f64()), slow))
    }
}

/// As a hash: in no order.
fn key(number: usize) -> Vec<u8> {
    Label::SessionToken.hash(&number.to_be_bytes()).to_vec()
}
