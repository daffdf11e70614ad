//! The server's table of contents: its state, and every route with who may take it.

use std::{
    fs::File,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use reconnect_format::api::{Code, Problem, Service};
use tokio::sync::{Notify, watch};
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use crate::routes::{Principals, ROUTES, Route};
use crate::{
    account, again,
    blob::Blobs,
    chains::Chains,
    change,
    clock::Clock,
    comeback,
    config::Config,
    db::Db,
    deposit,
    description::{self, Description},
    disk::Disk,
    document,
    error::{Error, Result, problem},
    fresh, generation, grant, guardian, held, invitation,
    journal::{self, Journal},
    leaf,
    limit::{Crowd, Place, Rate},
    link,
    log::{self, Log},
    member,
    metrics::{Metrics, Seen},
    nobody::Nobody,
    page, receipt, received, restore, rewrap, say, scrub,
    secret::{Secrets, make_folder},
    session, shared, start, statement, structure, sweep, sync,
    time::Time,
    unlock, upload,
    wire::{BodyLimit, CALLER_JSON_BYTES, OPEN_JSON_BYTES, SAFE_JSON_BYTES},
};

/// A part of an upload that does not get further for this long is given up.
const BODY_PROGRESS_SECONDS: u64 = 30;

/// One running server: cheap to clone, the same behind all clones.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What a server holds. Reached through [`App`].
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    pub(crate) disk: Disk,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) config: Config,
    pub(crate) log: Log,
    /// Where it was asked for.
    pub(crate) journal: Option<Journal>,
    /// After the newest statement.
    pub(crate) manifests: statement::Manifests,
    /// After the statement that the log names, where that is another.
    pub(crate) logged: statement::Manifests,
    pub(crate) chains: Chains,
    pub(crate) nobody: Nobody,
    pub(crate) unlock_rate: Rate,
    /// Grows whenever something was taken away: downloads under way look again.
    pub(crate) taken: watch::Sender<u64>,
    pub(crate) sweep_soon: Notify,
    /// Whether something was erased that the write-ahead log may still show.
    pub(crate) erased: AtomicBool,
    pub(crate) crowd: Crowd,
    pub(crate) time: Time,
    pub(crate) metrics: Metrics,
    stopping: AtomicBool,
    /// Held for as long as the server lives: two servers on one folder are refused.
    _lock: File,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens a data folder: locks it, repairs what a crash left, migrates, sweeps.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        restore::check_finished(&config.data)?;
        Self::open_unfinished(config, clock).await
    }

    /// The same for a restore that goes on.
    pub(crate) async fn open_unfinished(mut config: Config, clock: Clock) -> anyhow::Result<Self> {
        config.check().map_err(anyhow::Error::msg)?;
        make_folder(&config.data).context("RECONNECT_DATA")?;
        config.data = config.data.canonicalize().context("RECONNECT_DATA")?;
        let lock = File::create(config.data.join("lock")).context("RECONNECT_DATA")?;
        lock.try_lock().map_err(|_| {
            anyhow::anyhow!("another server runs on this folder: {}", config.data.display())
        })?;
        let disk = Disk::new(&config.data, config.reserve_bytes);
        let secrets = Secrets::open(&config.data)?;
        let log = Log::open(&config, &secrets)?;
        let db = Db::open(&config.database, &config.data, &disk).await?;
        let app = Self(Arc::new(Inner {
            log,
            metrics: Metrics::new(&db.transactions, config.reserve_bytes, clock.now()),
            journal: config.journal.as_deref().map(|it| Journal::open(it, &clock)).transpose()?,
            db,
            blobs: Blobs::open(&config)?,
            secrets,
            manifests: statement::Manifests::default(),
            logged: statement::Manifests::default(),
            chains: Chains::default(),
            nobody: Nobody::new()?,
            unlock_rate: Rate::new(config.unlocks_per_second),
            taken: watch::Sender::new(0),
            sweep_soon: Notify::new(),
            erased: AtomicBool::new(false),
            time: Time::default(),
            crowd: Crowd::new(usize::try_from(config.requests)?),
            stopping: AtomicBool::new(false),
            disk,
            clock,
            config,
            _lock: lock,
        }));
        shared::claim(&app).await?;
        start::claim(&app).await?;
        start::warn_of_lost_words(&app).await?;
        log::begin(&app).await?;
        sweep::all(&app)
            .await
            .map_err(|error| anyhow::anyhow!("the first sweep failed: {error}"))?;
        Ok(app)
    }

    /// The settings that it runs with.
    pub fn settings(&self) -> &Config {
        &self.config
    }

    /// Its clock, which a test may move.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs one sweep now: what is doomed, abandoned or over goes.
    pub async fn sweep(&self) -> anyhow::Result<()> {
        sweep::all(self).await.map_err(|error| anyhow::anyhow!("the sweep failed: {error}"))
    }

    /// Reads again, now, the next of what is stored, if it is time; whether it was. The server does so by itself.
    pub async fn scrub(&self) -> anyhow::Result<bool> {
        let read = scrub::step(&mut scrub::Passed::default(), self).await;
        let waits = read.map_err(|error| anyhow::anyhow!("it could not be read: {error}"))?;
        Ok(waits.is_none())
    }

    /// What anyone may know of it.
    pub(crate) fn service(&self) -> Service {
        Service {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file_limit_bytes: self.config.file_limit_bytes,
            account_limit_bytes: self.config.account_limit_bytes,
            log: self.log.key().to_string(),
            operator: reconnect_format::id::Base64(self.secrets.operator_key().0.to_vec()),
        }
    }

    /// Publishes now what waits for the log.
    pub async fn publish(&self) -> anyhow::Result<()> {
        log::step(self).await.map_err(|error| anyhow::anyhow!("the log did not go on: {error}"))
    }

    /// Ends the database's connections, for an orderly stop.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// From now on nothing new is begun.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Something was taken away: downloads look again, and the sweep comes soon.
    pub(crate) fn taken_away(&self) {
        self.taken.send_modify(|count| *count += 1);
        self.erased.store(true, Ordering::SeqCst);
        self.sweep_soon.notify_one();
    }
}

fn api() -> OpenApiRouter<App> {
    let open = OpenApiRouter::new()
        .routes(routes!(service))
        .routes(routes!(account::register_words))
        .routes(routes!(account::register_pin))
        .routes(routes!(account::open))
        .routes(routes!(unlock::start_words))
        .routes(routes!(unlock::finish))
        .routes(routes!(held::start_pin))
        .routes(routes!(held::unlock))
        .routes(routes!(held::locks))
        .routes(routes!(unlock::rest))
        .routes(routes!(comeback::looked::look))
        .routes(routes!(comeback::opened::open))
        .routes(routes!(link::put))
        .routes(routes!(link::show, link::answer))
        .routes(routes!(session::open, session::list, session::end_all))
        .routes(routes!(session::end_this))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::tile))
        .routes(routes!(log::heads))
        .routes(routes!(log::look_up))
        .routes(routes!(log::said))
        .routes(routes!(log::hand_in))
        .layer(Extension(BodyLimit(OPEN_JSON_BYTES)));
    let callers = OpenApiRouter::new()
        .routes(routes!(sync::sync))
        .routes(routes!(statement::submit))
        .merge(guardian::routes())
        .merge(comeback::routes())
        .routes(routes!(upload::declare, upload::show, upload::give_up))
        .routes(routes!(upload::put_part))
        .routes(routes!(document::content))
        .routes(routes!(document::thumbnail))
        .routes(routes!(deposit::owner))
        .routes(routes!(deposit::give, deposit::inbox))
        .routes(routes!(deposit::sent))
        .routes(routes!(deposit::content))
        .routes(routes!(structure::search, structure::found))
        .routes(routes!(structure::show))
        .routes(routes!(member::memberships))
        .routes(routes!(member::inside))
        .routes(routes!(leaf::ask))
        .routes(routes!(again::recovery))
        .routes(routes!(again::begin))
        .routes(routes!(change::change))
        .routes(routes!(say::say))
        .routes(routes!(say::propose))
        .routes(routes!(say::renew))
        .routes(routes!(invitation::invite, invitation::list))
        .routes(routes!(invitation::join))
        .routes(routes!(received::received))
        .routes(routes!(received::faces))
        .routes(routes!(rewrap::give, rewrap::shown::refused))
        .routes(routes!(rewrap::shown::open))
        .routes(routes!(rewrap::check))
        .routes(routes!(fresh::fresh))
        .routes(routes!(receipt::list))
        .routes(routes!(receipt::open))
        .routes(routes!(grant::content))
        .routes(routes!(grant::thumbnail))
        .layer(Extension(BodyLimit(CALLER_JSON_BYTES)));
    let whole_safes = OpenApiRouter::new()
        .routes(routes!(generation::renew))
        .routes(routes!(comeback::opened::renew))
        .layer(Extension(BodyLimit(SAFE_JSON_BYTES)));
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(open)
        .merge(callers)
        .merge(whole_safes)
}

/// The whole service as one router.
pub fn router(app: App) -> Router {
    let (api, description) = api().split_for_parts();
    let description = Arc::new(description::answer(description));
    api.route("/v1/openapi.json", axum::routing::get(async move || describe(&description)))
        .route("/livez", axum::routing::get(async || "alive\n"))
        .route("/readyz", axum::routing::get(ready))
        .fallback(page::serve)
        .method_not_allowed_fallback(async || Error::Code(Code::MethodNotAllowed))
        .layer(RequestBodyTimeoutLayer::new(std::time::Duration::from_secs(BODY_PROGRESS_SECONDS)))
        .layer(CatchPanicLayer::custom(|_| problem(Problem::of(Code::Internal))))
        .layer(middleware::from_fn_with_state(app.clone(), edge))
        .with_state(app)
}

/// Around every request: overload and stopping are said at once, every answer has its headers, and
/// the answer is counted, and logged by its route and its status only.
async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let seen = Seen::come(&request);
    let is_api = seen.is_api();
    let is_watch = is_watch(request.uri().path());
    let mut response = match Place::take(&app.crowd) {
        _ if is_watch => next.run(request).await,
        Ok(_) if app.is_stopping() && is_api => Error::Wait(Code::Unavailable, 5).into_response(),
        Ok(place) => {
            request.extensions_mut().insert(place.clone());
            let response = journal::through(app.clone(), request, next).await;
            drop(place);
            response
        }
        Err(busy) => busy.into_response(),
    };
    page::harden(response.headers_mut());
    if is_api {
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    }
    seen.answered(response.status(), &app.metrics);
    response
}

/// Whether somebody watches over the server, who is answered however much it has to do.
pub(crate) fn is_watch(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz")
}

fn describe(description: &str) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], description.to_owned())
}

async fn ready(State(app): State<App>) -> Result<&'static str> {
    if app.is_stopping() {
        return Err(Error::Wait(Code::Unavailable, 5));
    }
    if !app.crowd.has_place() {
        return Err(Error::Wait(Code::Unavailable, 1));
    }
    app.db.ping().await.map_err(|_| Error::Wait(Code::Unavailable, 5))?;
    // Not a refusal: a proxy would take every server out, and with them what needs no content, such as taking
    // back, deleting and coming in.
    match app.blobs.bucket() {
        Some(bucket) if !bucket.answers().await => {
            Ok("ready, but the object store does not answer\n")
        }
        _ => Ok("ready\n"),
    }
}

/// What anyone may know of the service.
#[utoipa::path(get, path = "/v1/service", responses((status = 200, body = Service)))]
async fn service(State(app): State<App>) -> Json<Service> {
    Json(app.service())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_of_routes_is_the_router() {
        let outside = ["/livez", "/readyz", "/v1/openapi.json"];
        let declared: BTreeSet<_> = ROUTES
            .iter()
            .filter(|route| !outside.contains(&route.path))
            .map(|route| (route.path.to_owned(), route.method.to_lowercase()))
            .collect();
        let (_, description) = api().split_for_parts();
        let paths = serde_json::to_value(description.paths.paths).expect("paths are JSON");
        let built: BTreeSet<_> = paths
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(path, item)| {
                item.as_object()
                    .into_iter()
                    .flat_map(|item| item.keys())
                    .filter(|key| ["get", "put", "post", "delete"].contains(&key.as_str()))
                    .map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(declared, built);
        assert_eq!(declared.len() + outside.len(), ROUTES.len());
    }
}
