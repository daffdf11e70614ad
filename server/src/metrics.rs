//! Figures for whoever watches over the server, on a listener of their own (`RECONNECT_METRICS`).
//!
//! Invariant: the value of a label is a `&'static str`, which stands in the source. No id, name or address of a
//! request can become one, and there are never more series than the source has words.

mod figures;

use std::{
    collections::HashMap,
    fs,
    sync::{LazyLock, OnceLock},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    response::IntoResponse,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tokio::time::{Duration, Instant};

use crate::{
    app::{App, ROUTES},
    error::Result,
    guest::Guests,
    log, panicked, scrub,
};

use figures::Book;
pub use figures::{Figure, figures, reference};

/// Bounds of times, in seconds.
const SECONDS: [f64; 13] =
    [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What was asked for, and how it was answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

/// What was asked for.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    route: &'static str,
    method: &'static str,
}

/// Why nothing was unlocked.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refusal {
    reason: &'static str,
}

/// How something ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

/// A transaction, by its name in the source.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Transacted {
    name: &'static str,
    outcome: &'static str,
}

/// A transaction that is tried again.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Named {
    name: &'static str,
}

/// Times by what they are of.
type Times<L> = Family<L, Histogram, fn() -> Histogram>;

fn times() -> Histogram {
    Histogram::new(SECONDS)
}

/// Bytes on connections, heads of requests and answers among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
}

/// What the database's transactions came to.
#[derive(Clone, Debug)]
pub(crate) struct Transactions {
    ended: Family<Transacted, Counter>,
    again: Family<Named, Counter>,
    seconds: Histogram,
}

impl Default for Transactions {
    fn default() -> Self {
        Self { ended: Family::default(), again: Family::default(), seconds: times() }
    }
}

/// One transaction with all its attempts, counted when this is dropped.
pub(crate) struct Transaction {
    all: Transactions,
    name: &'static str,
    since: Instant,
    outcome: &'static str,
}

impl Transactions {
    pub(crate) fn begin(&self, name: &'static str) -> Transaction {
        Transaction { all: self.clone(), name, since: Instant::now(), outcome: "undone" }
    }
}

impl Transaction {
    /// An attempt, of which it may need more than one.
    pub(crate) fn attempt(&self, count: u32) {
        if count > 1 {
            self.all.again.get_or_create(&Named { name: self.name }).inc();
        }
    }

    pub(crate) fn kept(&mut self) {
        self.outcome = "kept";
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let ended = Transacted { name: self.name, outcome: self.outcome };
        self.all.ended.get_or_create(&ended).inc();
        self.all.seconds.observe(self.since.elapsed().as_secs_f64());
    }
}

/// All figures of one server.
pub(crate) struct Metrics {
    registry: Registry,
    figures: Vec<Figure>,
    pub(crate) traffic: Traffic,
    guests: OnceLock<Guests>,
    answers: Family<Answer, Counter>,
    seconds: Times<Asked>,
    refusals: Family<Refusal, Counter>,
    sweeps: Family<Ended, Counter>,
    sweep_seconds: Histogram,
    scrubs: Family<Ended, Counter>,
    scrubbed_bytes: Counter,
    shown: Shown,
}

/// What is looked up when somebody asks.
#[derive(Default)]
struct Shown {
    connections: Gauge,
    requests: Gauge,
    put_out: Counter,
    turned_away: Counter,
    parts: Gauge,
    panics: Counter,
    free: Gauge,
    reserve: Gauge,
    ballast: Gauge,
    log_size: Gauge,
    log_witnessed: Gauge,
    log_age: Gauge,
    log_waiting: Gauge,
    damaged: Gauge,
    unread: Gauge,
    memory: Gauge,
    started: Gauge,
}

impl Metrics {
    pub(crate) fn new(transactions: &Transactions, disk_reserve_bytes: u64, now: u64) -> Self {
        let (answers, refusals, sweeps, scrubs) = Default::default();
        let metrics = Self {
            registry: Registry::default(),
            figures: Vec::new(),
            traffic: Traffic::default(),
            guests: OnceLock::new(),
            answers,
            seconds: Times::new_with_constructor(times as fn() -> _),
            refusals,
            sweeps,
            sweep_seconds: times(),
            scrubs,
            scrubbed_bytes: Counter::default(),
            shown: Shown::default(),
        };
        // From nothing on: who watches for an increase sees the first one too.
        for outcome in ["done", "failed"] {
            drop(metrics.sweeps.get_or_create(&Ended { outcome }));
            drop(metrics.scrubs.get_or_create(&Ended { outcome }));
        }
        for reason in ["refused", "too_many", "busy"] {
            drop(metrics.refusals.get_or_create(&Refusal { reason }));
        }
        metrics.shown.started.set(whole(now));
        metrics.shown.reserve.set(whole(disk_reserve_bytes));
        let mut book = Book::default();
        metrics.describe(transactions, &mut book);
        let Book { registry, figures } = book;
        Self { registry, figures, ..metrics }
    }

    /// Whose connections are counted.
    pub(crate) fn watch(&self, guests: &Guests) {
        // Set once: there is one server for an `App`.
        drop(self.guests.set(guests.clone()));
    }

    /// A sweep that has ended.
    pub(crate) fn swept(&self, took: Duration, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.sweeps.get_or_create(&Ended { outcome }).inc();
        self.sweep_seconds.observe(took.as_secs_f64());
    }

    /// A slice of what is stored was read again to its end.
    pub(crate) fn scrubbed(&self, bytes: u64) {
        self.scrubs.get_or_create(&Ended { outcome: "done" }).inc();
        self.scrubbed_bytes.inc_by(bytes);
    }

    /// One could not be.
    pub(crate) fn not_scrubbed(&self) {
        self.scrubs.get_or_create(&Ended { outcome: "failed" }).inc();
    }

    /// All of it, as text.
    async fn text(&self, app: &App) -> Result<String> {
        let shown = &self.shown;
        if let Some(guests) = self.guests.get() {
            let counts = guests.counts();
            shown.connections.set(size(counts.held));
            shown.requests.set(size(counts.held.saturating_sub(counts.waiting)));
            set(&shown.put_out, counts.put_out);
            set(&shown.turned_away, counts.turned_away);
        }
        shown.parts.set(size(app.crowd.parts_under_way()));
        set(&shown.panics, panicked::count());
        shown.free.set(whole(app.disk.free_bytes()));
        shown.ballast.set(i64::from(app.disk.has_ballast()));
        let standing = app.log.standing();
        shown.log_size.set(whole(standing.size));
        shown.log_witnessed.set(whole(standing.witnessed));
        shown.log_age.set(whole(app.clock.now().saturating_sub(standing.signed_at)));
        shown.log_waiting.set(log::waiting(app).await?);
        let (damaged, oldest) = scrub::standing(app).await?;
        shown.damaged.set(damaged);
        let since = oldest.unwrap_or_else(|| shown.started.get());
        let is_on = app.config.scrub.seconds > 0;
        shown.unread.set(if is_on { (app.clock.now_row() - since).max(0) } else { 0 });
        shown.memory.set(whole(resident_bytes().unwrap_or(0)));
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|_| crate::error::Error::Broken("the figures could not be written"))?;
        Ok(text)
    }
}

/// A request, from its head to its answer's.
pub(crate) struct Seen {
    asked: Asked,
    since: Instant,
    is_api: bool,
}

impl Seen {
    /// A request that has come.
    pub(crate) fn come(request: &Request) -> Self {
        static PATHS: LazyLock<HashMap<&str, &str>> =
            LazyLock::new(|| ROUTES.iter().map(|it| (it.path, it.path)).collect());
        let matched = request.extensions().get::<MatchedPath>();
        let route = matched.and_then(|it| PATHS.get(it.as_str())).copied().unwrap_or("page");
        let method = match *request.method() {
            Method::GET => "GET",
            Method::PUT => "PUT",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let is_api = request.uri().path().starts_with("/v1/");
        Self { asked: Asked { route, method }, since: Instant::now(), is_api }
    }

    /// Whether the API was asked, and not the page.
    pub(crate) fn is_api(&self) -> bool {
        self.is_api
    }

    /// Its answer leaves: it is counted, and logged without anything that is of a person.
    pub(crate) fn answered(self, status: StatusCode, metrics: &Metrics) {
        let Asked { route, method } = self.asked;
        let took = self.since.elapsed();
        let class = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        metrics.answers.get_or_create(&Answer { route, method, status: class }).inc();
        metrics.seconds.get_or_create(&self.asked).observe(took.as_secs_f64());
        if route.starts_with("/v1/unlock/") && status.as_u16() >= 400 {
            let reason = match status {
                StatusCode::TOO_MANY_REQUESTS => "too_many",
                _ if status.is_server_error() => "busy",
                _ => "refused",
            };
            metrics.refusals.get_or_create(&Refusal { reason }).inc();
        }
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let status = status.as_u16();
        if status == 500 {
            // The line before says what failed.
            tracing::error!(method, route, status, millis, "answered");
        } else if self.is_api {
            tracing::debug!(method, route, status, millis, "answered");
        }
    }
}

/// What the second listener answers.
pub(crate) fn router(app: App) -> Router {
    Router::new().route("/metrics", axum::routing::get(show)).with_state(app)
}

async fn show(State(app): State<App>) -> Result<impl IntoResponse> {
    let text = app.metrics.text(&app).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text))
}

/// What the system says of this program's memory.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, std::sync::atomic::Ordering::Relaxed);
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
