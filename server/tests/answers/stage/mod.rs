//! A server with people who speak its API by hand: real signatures and OPAQUE, but what they seal
//! is random bytes, since the server cannot tell.

mod person;
mod team;

pub(crate) use person::{Content, Person, lock, log_value, parts, random, sign, small, unlock};
pub(crate) use team::Team;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect::{App, Clock, Config, config::DatabaseUrl};
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

/// When tests begin.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A server in this process.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: Config,
    /// Another process, which is asked instead.
    pub(crate) remote: Option<std::net::SocketAddr>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// What a process that was killed says.
    fn none() -> Self {
        let status = StatusCode::BAD_GATEWAY;
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        let text = String::from_utf8_lossy(&self.body);
        assert!(self.status.is_success(), "{} {text}", self.status);
        serde_json::from_slice(&self.body).expect("the answer is this JSON")
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        let code = serde_json::from_slice::<serde_json::Value>(&self.body)
            .ok()
            .and_then(|problem| problem["code"].as_str().map(str::to_owned));
        (self.status.as_u16(), code.unwrap_or_default())
    }
}

/// On `SQLite`, or on `PostgreSQL` when `RECONNECT_TEST_POSTGRES` names a server.
pub(crate) async fn server() -> Server {
    server_with(|_| ()).await
}

pub(crate) async fn server_with(change: impl FnOnce(&mut Config)) -> Server {
    // What the server logs is shown with a test that fails.
    drop(tracing_subscriber::fmt().with_test_writer().try_init());
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: folder.path().to_path_buf(),
        database: database().await,
        file_limit_bytes: 20 << 20,
        account_limit_bytes: 64 << 20,
        reserve_bytes: 1 << 20,
        connections: 100,
        requests: 100,
        unlocks_per_second: 1000,
        journal: None,
        metrics: None,
        lines: reconnect::config::USUAL_LINES.to_owned(),
        blobs: reconnect::config::BlobsConfig::default(),
        scrub: reconnect::config::ScrubConfig::default(),
        log: reconnect::config::LogConfig::default(),
    };
    change(&mut config);
    let app = App::open(config.clone(), Clock::manual(NOW)).await.expect("the server opens");
    Server { router: reconnect::app::router(app.clone()), app, folder, config, remote: None }
}

/// One request to another process.
async fn ask(
    address: std::net::SocketAddr,
    mut request: Request<Body>,
) -> anyhow::Result<hyper::Response<hyper::body::Incoming>> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection);
    request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("localhost"));
    Ok(sender.send_request(request).await?)
}

async fn database() -> DatabaseUrl {
    let Ok(server) = std::env::var("RECONNECT_TEST_POSTGRES") else { return DatabaseUrl::Sqlite };
    sqlx::any::install_default_drivers();
    let name = format!("test_{}", URL_SAFE_NO_PAD.encode(random::<12>())).replace('-', "x");
    let pool = sqlx::AnyPool::connect(&server).await.expect("PostgreSQL answers");
    sqlx::query(sqlx::AssertSqlSafe(format!("create database \"{name}\"")))
        .execute(&pool)
        .await
        .expect("a database");
    pool.close().await;
    let (base, parameters) = server.split_once('?').unwrap_or((&server, ""));
    let (base, _) = base.rsplit_once('/').expect("an address with a database");
    DatabaseUrl::Postgres(format!("{base}/{name}?{parameters}"))
}

impl Server {
    /// Stops, and opens the same folder again.
    pub(crate) async fn restart(self) -> Self {
        let Self { app, router, folder, config, remote } = self;
        let clock = app.clock().clone();
        app.close().await;
        drop((app, router));
        let app = App::open(config.clone(), clock).await.expect("the server opens again");
        Self { router: reconnect::app::router(app.clone()), app, folder, config, remote }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&[u8; 32]>,
        body: Body,
    ) -> Answer {
        self.send_with(method, path, token, (&[(header::CONTENT_TYPE, "application/json")], body))
            .await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&[u8; 32]>,
        (headers, body): (&[(header::HeaderName, &str)], Body),
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            let bearer = format!("Bearer {}", URL_SAFE_NO_PAD.encode(token));
            request = request.header(header::AUTHORIZATION, bearer);
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(body).expect("a request");
        let response = match self.remote {
            None => self.router.clone().oneshot(request).await.expect("an answer"),
            Some(address) => match ask(address, request).await {
                Ok(response) => response.map(Body::new),
                Err(_) => return Answer::none(),
            },
        };
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map(|bytes| bytes.to_vec()).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// What a device's clock says: another process has the system's.
    #[expect(clippy::disallowed_methods, reason = "the other process asks the system too")]
    pub(crate) fn now(&self) -> u64 {
        let system = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let system = system.map_or(NOW, |since| since.as_secs());
        self.remote.map_or(NOW, |_| system)
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        token: Option<&[u8; 32]>,
        body: &impl serde::Serialize,
    ) -> Answer {
        let json = serde_json::to_string(body).expect("JSON");
        self.send("POST", path, token, Body::from(json)).await
    }

    /// Time passes as it does: nobody sees it leap over a day.
    pub(crate) async fn pass(&self, seconds: u64) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(86_400);
            self.app.clock().advance(step);
            self.app.sweep().await.expect("sweeps");
            left -= step;
        }
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&[u8; 32]>) -> Answer {
        self.send("GET", path, token, Body::empty()).await
    }
}
