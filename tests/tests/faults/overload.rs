//! More than a server can serve: connections that say nothing, bodies that stop half-way, floods, endless
//! heads. It stays small, says when to come again, tells whoever watches that it lives, and is itself
//! again as soon as they are gone.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{vault::upload_begin, world::World as _};
use reconnect_format::api::{Call, CallBody};
use reconnect_tests::{
    process::{Process, Setup},
    stage::{Person, bytes},
    wire::{self, Answer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use super::{browser, say};

/// Connections that the server holds here.
const CONNECTIONS: usize = 400;
/// Requests that it answers at one time here.
const REQUESTS: usize = 16;
/// What the server may take for all of this, above what it took when it was idle.
const MEMORY_BYTES: u64 = 128 << 20;
/// Whoever watches over the server is answered by then.
const WATCHED: Duration = Duration::from_secs(5);
/// A server that is left alone is itself again by then.
const RECOVERY: Duration = Duration::from_secs(10);

/// A small server, somebody who lives there, and how much memory it takes.
struct Stage {
    process: Process,
    person: Person,
    before: u64,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new(unlocks_per_second: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut setup = Setup::on(folder.path()).await?;
        setup.variables = vec![
            ("RECONNECT_CONNECTIONS", CONNECTIONS.to_string()),
            ("RECONNECT_REQUESTS", REQUESTS.to_string()),
            ("RECONNECT_UNLOCKS_PER_SECOND", unlocks_per_second.to_string()),
        ];
        let process = setup.start().await?;
        let mut person = Person::open(browser(setup.address), true).await?;
        person.add("Passeport", &bytes(0, 200_000)).await?;
        let before = process.memory()?.peak_bytes;
        Ok(Self { process, person, before, _folder: folder })
    }

    fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Whoever watches is told that the server lives, and how it is.
    async fn is_watched(&self) -> Result<()> {
        let alive = ask(self.address(), "/livez").await?;
        ensure!(alive.status == 200, "/livez: {}", alive.status);
        let ready = ask(self.address(), "/readyz").await?;
        let said = ready.status == 200 || ready.header("retry-after").is_some();
        ensure!(said, "/readyz: {}", ready.status);
        Ok(())
    }

    /// What a person does works, in time; and no more memory was taken than may be.
    async fn comes_back(mut self, after: &str) -> Result<()> {
        let again = async {
            while self.person.vault.sync(&self.person.browser).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.person.add("Encore", &bytes(1, 100_000)).await
        };
        let id = timeout(RECOVERY, again).await.context("it does not recover")??;
        ensure!(self.person.read(id).await? == bytes(1, 100_000));
        ensure!(ask(self.address(), "/readyz").await?.status == 200);
        let taken = self.process.memory()?.peak_bytes.saturating_sub(self.before);
        say(&format!("{after}: {} KiB more than idle", taken >> 10));
        ensure!(taken < MEMORY_BYTES, "it took {taken} bytes");
        ensure!(self.process.stop().await?.success());
        Ok(())
    }
}

/// What is answered. A connection that made place for others before it asked is made again, as whoever
/// watches does.
async fn ask(server: SocketAddr, path: &str) -> Result<Answer> {
    let call = Call::read(path).open();
    let asked = async {
        loop {
            if let Ok(answer) = wire::outside(server, &call, None).await {
                return answer;
            }
        }
    };
    timeout(WATCHED, asked).await.context("nobody answers")
}

/// Sends these bytes, and keeps the connection.
async fn begin(server: SocketAddr, sent: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server).await?;
    // A server that has no place for it may be gone already.
    drop(stream.write_all(sent).await);
    Ok(stream)
}

/// What a server says on a connection until it closes it.
async fn hear(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    drop(timeout(WATCHED, stream.read_to_end(&mut said)).await);
    String::from_utf8_lossy(&said).into_owned()
}

/// I-29: a thousand slow connections keep nobody else out.
#[tokio::test]
async fn a_thousand_connections_that_drip_push_each_other_out() -> Result<()> {
    let mut stage = Stage::new(10_000).await?;
    let mut slow = JoinSet::new();
    for _ in 0..1000 {
        let server = stage.address();
        slow.spawn(async move {
            let mut stream = begin(server, b"GET /v1/service HTTP/1.1\r\nHost: here\r\n").await?;
            loop {
                stream.write_all(b"X-Slow: 1\r\n").await?;
                // A head that never ends is what they do: there is nothing to wait on.
                let mut answer = [0; 64];
                match timeout(Duration::from_millis(500), stream.read(&mut answer)).await {
                    Err(_) => {}
                    Ok(Ok(0) | Err(_)) => return Ok(()),
                    Ok(Ok(_)) => anyhow::bail!("an answer to half of a head"),
                }
            }
        });
    }
    let mut out = 0;
    while out < 1000 - CONNECTIONS {
        stage.is_watched().await?;
        while slow.try_join_next().is_some() {
            out += 1;
        }
    }
    for _ in 0..20 {
        stage.is_watched().await?;
        stage.person.vault.sync(&stage.person.browser).await?;
    }
    slow.shutdown().await;
    Box::pin(stage.comes_back("1,000 slow connections")).await
}

/// I-29: where every connection waits for the rest of a body, the next are told when to come again.
#[tokio::test]
async fn bodies_that_stop_half_way_are_told_from_requests_that_wait() -> Result<()> {
    let mut stage = Stage::new(10_000).await?;
    let part = half_a_part(&mut stage.person).await?;
    let mut parts = Vec::new();
    for index in 0..20 {
        let head = part.replace("/parts/0", &format!("/parts/{index}"));
        let mut stream = begin(stage.address(), head.as_bytes()).await?;
        // Whoever is refused may be cut before all of it is sent.
        drop(stream.write_all(&vec![7; 1 << 20]).await);
        parts.push(stream);
    }
    // Parts are half of the requests, and the others are told so at once.
    let (mut told, mut cut) = (0, 0);
    for stream in &mut parts {
        let mut answer = [0; 1024];
        match timeout(Duration::from_millis(250), stream.read(&mut answer)).await {
            Ok(Ok(count)) if count > 0 => {
                let said = answer.get(..count).unwrap_or_default();
                check_told(&String::from_utf8_lossy(said), "503")?;
                told += 1;
            }
            Ok(_) => cut += 1,
            Err(_) => {}
        }
    }
    ensure!(told > 0 && told + cut >= 20 - REQUESTS / 2, "{told} told, {cut} cut, of 20 parts");
    let half = "POST /v1/words/registration HTTP/1.1\r\nHost: here\r\nContent-Type: \
                application/json\r\nContent-Length: 4000\r\n\r\n{\"handle\": \"";
    let whole = "GET /v1/service HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    let mut halves = Vec::new();
    // Some are refused for coming all at once, and make place: until no place is left.
    let last = loop {
        for _ in 0..CONNECTIONS / 8 {
            halves.push(begin(stage.address(), half.as_bytes()).await?);
        }
        stage.is_watched().await?;
        if halves.len() >= CONNECTIONS {
            let last = hear(begin(stage.address(), whole.as_bytes()).await?).await;
            if !last.starts_with("HTTP/1.1 200") || halves.len() > 4 * CONNECTIONS {
                break last;
            }
        }
    };
    check_told(&last, "503")?;
    stage.is_watched().await?;
    drop((halves, parts));
    Box::pin(stage.comes_back("half-sent bodies on every connection")).await
}

fn check_told(said: &str, status: &str) -> Result<()> {
    let head = said.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
    ensure!(head.starts_with(&format!("http/1.1 {status}")), "{said}");
    ensure!(head.contains("\r\nretry-after: "), "{said}");
    Ok(())
}

/// The head of a part of an upload that is declared.
async fn half_a_part(person: &mut Person) -> Result<String> {
    let draft = person.vault.begin_content(&person.browser, None, 90_000_000)?;
    person.browser.ship(upload_begin(&draft), Some(person.vault.token())).await?;
    let call = reconnect_core::vault::upload_part(draft.envelope_id, 0, Vec::new());
    ensure!(matches!(call.body, CallBody::Bytes(_)), "a part is bytes");
    let (path, token) = (call.path, person.vault.token());
    Ok(format!(
        "PUT {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nContent-Length: \
         4195328\r\n\r\n"
    ))
}

/// I-29: a flood is answered as far as there is room, and the others are told when to come again.
#[tokio::test]
async fn floods_are_told_when_to_come_again() -> Result<()> {
    let stage = Stage::new(2).await?;
    let mut flood = JoinSet::new();
    let token = stage.person.vault.token().to_owned();
    for number in 0..200 {
        let (server, token) = (stage.address(), token.clone());
        flood.spawn(async move {
            let mut told = 0;
            for round in 0..4 {
                let call = if (number + round) % 3 == 0 {
                    let body = br#"{"handle": "aaaa", "request": "AAAA"}"#.to_vec();
                    let mut call = Call::read("/v1/words/registration").open();
                    (call.method, call.body) = ("POST", CallBody::Json(String::from_utf8(body)?));
                    call
                } else {
                    let after = "statements_after=0&records_after=0&receipts_after=0";
                    Call::read(format!("/v1/sync?{after}"))
                };
                let mut connection = wire::Connection::to(server).await?;
                // A connection that made place for another one has no answer.
                let Ok(answer) = connection.send(&call, Some(&token)).await else { continue };
                if [429, 503].contains(&answer.status) {
                    ensure!(answer.header("retry-after").is_some(), "{}", answer.status);
                    told += 1;
                } else {
                    ensure!([200, 400, 422].contains(&answer.status), "{}", answer.status);
                }
            }
            Ok(told)
        });
    }
    let mut told = 0;
    while !flood.is_empty() {
        stage.is_watched().await?;
        while let Some(one) = flood.try_join_next() {
            told += one??;
        }
    }
    say(&format!("{told} of 800 were told when to come again"));
    ensure!(told > 0, "this was no flood");
    Box::pin(stage.comes_back("a flood of 800 requests")).await
}

/// I-29: a head has an end.
#[tokio::test]
async fn heads_without_end_are_refused_and_take_no_room() -> Result<()> {
    let stage = Stage::new(10_000).await?;
    let large = format!("GET /livez HTTP/1.1\r\nHost: here\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("GET /livez HTTP/1.1\r\nHost: here\r\n{}\r\n", "X: a\r\n".repeat(10_000));
    let mut asking = JoinSet::new();
    for number in 0..100 {
        let (server, sent) =
            (stage.address(), if number % 2 == 0 { &large } else { &many }.clone());
        asking.spawn(async move {
            let said = hear(begin(server, sent.as_bytes()).await?).await;
            anyhow::Ok(status_of(&said))
        });
    }
    while let Some(status) = asking.join_next().await {
        let status = status??;
        // Closed before all of it was read, the refusal may not arrive.
        ensure!(status.is_none_or(|status| status == 431), "{status:?}");
        stage.is_watched().await?;
    }
    Box::pin(stage.comes_back("heads of 1 MiB and of 10,000 lines")).await
}

/// The status of what was heard.
fn status_of(said: &str) -> Option<u16> {
    said.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}
