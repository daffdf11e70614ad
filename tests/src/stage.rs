//! A server of this process on either database, and the people who come to it.

use std::{
    cell::RefCell,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
};
use reconnect::{
    App, Clock, Config, app,
    config::{BlobsConfig, DatabaseUrl, ScrubConfig},
};
use reconnect_core::{
    document::{ChunkPlan, DocumentKind},
    error::Error,
    vault::{Coming, Drawn, PaperCard, Vault, Ways},
    words::{PaperSecret, SixWords},
    world::World as _,
};
use reconnect_format::{
    envelope::{CHUNK_BYTES, PART_CHUNKS},
    id::DocumentId,
    tree,
};
use sqlx::Connection as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{
    browser::{Browser, Network, Recording},
    dump::Dump,
    postgres,
    process::copy_secrets,
    restored::like,
    scan::files,
    store::{Blob, Given, Store},
};

/// When every play begins: 1 September 2026.
pub const BEGINNING: u64 = 1_788_220_800;
/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// Under a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in the data folder.
    Sqlite,
    /// A database of its own on a real server.
    Postgres,
}

/// What `serve` would run with, on a folder and a database of its own.
pub async fn settings(folder: &Path, database: Database) -> Result<Config> {
    Ok(Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        data: folder.to_path_buf(),
        database: match database {
            Database::Sqlite => DatabaseUrl::Sqlite,
            Database::Postgres => DatabaseUrl::Postgres(postgres::fresh_database().await?),
        },
        file_limit_bytes: 100 << 20,
        account_limit_bytes: 2 << 30,
        reserve_bytes: 1 << 20,
        connections: 256,
        requests: 256,
        unlocks_per_second: 10_000,
        journal: None,
        metrics: None,
        lines: reconnect::config::USUAL_LINES.to_owned(),
        blobs: BlobsConfig::default(),
        scrub: ScrubConfig::default(),
        log: reconnect::config::LogConfig::default(),
    })
}

/// A server of this process; on `PostgreSQL`, two behind a proxy that takes turns, with one bucket.
pub struct Server {
    apps: Vec<App>,
    configs: Vec<Config>,
    clock: Clock,
    network: Rc<RefCell<Network>>,
    recording: Recording,
    folders: Vec<TempDir>,
    held: Arc<AtomicBool>,
}

impl Server {
    /// Starts one with ordinary settings.
    pub async fn on(database: Database) -> Result<Self> {
        Self::with(database, |_| {}).await
    }

    /// Starts one with some settings changed.
    pub async fn with(database: Database, change: impl FnOnce(&mut Config)) -> Result<Self> {
        let mut folders = vec![tempfile::tempdir()?];
        let mut config = settings(folders[0].path(), database).await?;
        if database == Database::Postgres {
            config.blobs = Given::read()?.fresh()?;
            config.log.origin = Some("stage.example".to_owned());
            folders.push(tempfile::tempdir()?);
        }
        change(&mut config);
        Self::start(config, folders).await
    }

    /// Starts one alone, with a folder, on either database.
    pub async fn alone(database: Database, change: impl FnOnce(&mut Config)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = settings(folder.path(), database).await?;
        change(&mut config);
        Self::start(config, vec![folder]).await
    }

    async fn start(config: Config, folders: Vec<TempDir>) -> Result<Self> {
        let mut configs = Vec::new();
        for folder in &folders {
            configs.push(Config { data: folder.path().to_path_buf(), ..config.clone() });
        }
        let clock = Clock::manual(BEGINNING);
        let apps = open(&configs, &clock).await?;
        let held = Arc::default();
        let network = Rc::new(RefCell::new(Network::Inside(routers(&apps, &held))));
        let recording = Recording::default();
        Ok(Self { apps, configs, clock, network, recording, folders, held })
    }

    /// Ends it and starts it again on the same folder and database.
    pub async fn restart(self) -> Result<Self> {
        self.restart_after(|_| Ok(())).await
    }

    /// Ends it, lets `change` do something to its data folder, and starts it again.
    pub async fn restart_after(mut self, change: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        *self.network.borrow_mut() = Network::Down;
        for app in self.apps.drain(..) {
            app.close().await;
        }
        change(self.folder())?;
        if self.folders.len() > 1 {
            // Whoever lost secrets says so: nobody compares with those that are gone.
            let mut connection = crate::dump::connect(self.config()).await?;
            sqlx::query("delete from secret_mark").execute(&mut connection).await?;
            connection.close().await?;
        }
        self.apps = open(&self.configs, &self.clock).await?;
        *self.network.borrow_mut() = Network::Inside(routers(&self.apps, &self.held));
        Ok(self)
    }

    /// Ends it, which is alone, and starts it again on another folder and database, which `fill` has filled.
    pub async fn move_to<T>(
        self,
        fill: impl AsyncFnOnce(Config) -> Result<T>,
    ) -> Result<(Self, T)> {
        let folder = tempfile::tempdir()?;
        let config = like(self.config(), folder.path()).await?;
        let mut filled = None;
        let mut moved = self
            .restart_with(async |_| {
                filled = Some(fill(config.clone()).await?);
                Ok(config)
            })
            .await?;
        moved.folders = vec![folder];
        Ok((moved, filled.context("it was not filled")?))
    }

    /// Ends it, which is alone, and starts it again with what `change` makes of its settings.
    pub async fn restart_with(
        mut self,
        change: impl AsyncFnOnce(Config) -> Result<Config>,
    ) -> Result<Self> {
        *self.network.borrow_mut() = Network::Down;
        for app in self.apps.drain(..) {
            app.close().await;
        }
        self.configs = vec![change(self.config().clone()).await?];
        self.apps = open(&self.configs, &self.clock).await?;
        *self.network.borrow_mut() = Network::Inside(routers(&self.apps, &self.held));
        Ok(self)
    }

    /// From now on the log takes nothing in, or goes on as it does.
    pub fn hold_log(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }

    /// Everything it answers, for who stands between it and somebody.
    pub fn router(&self) -> Router {
        routers(&self.apps, &self.held)
    }

    /// The server itself; of two, the first.
    pub fn app(&self) -> &App {
        &self.apps[0]
    }

    /// All of them.
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// What each of them answers, without the other.
    pub fn each(&self) -> Vec<Router> {
        self.apps.iter().map(|app| router(app, &self.held)).collect()
    }

    /// Time passes as it does, with a sweep each day: nobody sees it leap over one.
    pub async fn pass(&self, days: u64) -> Result<()> {
        for (_, app) in (0..days).zip(self.apps.iter().cycle()) {
            self.clock.advance(DAY);
            app.sweep().await?;
        }
        Ok(())
    }

    /// What it runs with.
    pub fn config(&self) -> &Config {
        &self.configs[0]
    }

    /// The one clock of server and browsers.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its data folder; of two, the first's.
    pub fn folder(&self) -> &Path {
        self.folders[0].path()
    }

    /// What went over the wire so far.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// A new browser, somewhere else.
    pub fn browser(&self) -> Browser {
        Browser::new(Rc::clone(&self.network), self.clock.clone(), Some(Rc::clone(&self.recording)))
    }

    /// Everything it stores.
    pub async fn dump(&self) -> Result<Dump> {
        Dump::take(self.config()).await
    }

    /// Somebody opens a safe on a device of their own.
    pub async fn person(&self) -> Result<Person> {
        Person::open(self.browser(), true).await
    }

    /// Where it keeps sealed content.
    pub fn store(&self) -> Result<Store> {
        Store::of(self.config())
    }

    /// Sealed content, largest first.
    pub async fn blobs(&self) -> Result<Vec<Blob>> {
        self.store()?.blobs().await
    }

    /// Every file and object that it keeps, with what it holds.
    pub async fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = self.store()?.objects().await?;
        for folder in &self.folders {
            found.extend(files(folder.path())?);
        }
        Ok(found)
    }
}

/// Starts all of them; the others get a copy of the first one's secrets.
async fn open(configs: &[Config], clock: &Clock) -> Result<Vec<App>> {
    let mut apps = Vec::new();
    for config in configs {
        if let Some(first) = configs.first().filter(|first| first.data != config.data) {
            copy_secrets(&first.data, &config.data)?;
        }
        apps.push(App::open(config.clone(), clock.clone()).await?);
    }
    Ok(apps)
}

/// A proxy that gives each request to the next one in turn.
fn routers(apps: &[App], held: &Arc<AtomicBool>) -> Router {
    let routers: Arc<[Router]> = apps.iter().map(|app| router(app, held)).collect();
    let turn = Arc::new(AtomicUsize::new(0));
    if let [only] = &*routers {
        return only.clone();
    }
    Router::new().fallback(move |request: Request| {
        let next = turn.fetch_add(1, Ordering::Relaxed) % routers.len();
        let router = routers[next].clone();
        async move { router.oneshot(request).await }
    })
}

/// The router of a server whose log goes on by itself: here whenever somebody looks.
fn router(app: &App, held: &Arc<AtomicBool>) -> Router {
    let (log, held) = (app.clone(), Arc::clone(held));
    app::router(app.clone()).layer(from_fn(move |request: Request, next: Next| {
        let (log, held) = (log.clone(), Arc::clone(&held));
        async move {
            if request.uri().path() == "/v1/log/lookup" && !held.load(Ordering::SeqCst) {
                // A server that stops answers by itself.
                let _ = log.publish().await;
            }
            next.run(request).await
        }
    }))
}

/// An owner with their safe open, and what they wrote down.
pub struct Person {
    /// Where it is open.
    pub browser: Browser,
    /// The open safe.
    pub vault: Vault,
    /// What one types to say which safe.
    pub handle: String,
    /// Six words, as written down.
    pub words: String,
    /// Letters of the sheet, as printed.
    pub sheet: String,
}

impl Person {
    /// Opens a safe in `browser`.
    pub async fn open(browser: Browser, kept: bool) -> Result<Self> {
        let drawn = Drawn::draw(&mut browser.rng());
        let vault = Box::pin(drawn.open(&browser, &Ways::on_paper(), kept))
            .await
            .context("opening a safe")?;
        Ok(Self::of(browser, vault, &drawn))
    }

    fn of(browser: Browser, vault: Vault, drawn: &Drawn) -> Self {
        let handle = drawn.handle().to_owned();
        let words = drawn.words().join(" ");
        let sheet = drawn.paper().groups().join(" ");
        Self { browser, vault, handle, words, sheet }
    }

    /// Begins a new generation, with other words and another sheet.
    pub async fn begin_generation(self) -> Result<Self> {
        let Self { browser, vault, .. } = self;
        let (drawn, ways) = (Drawn::draw_again(&vault, &mut browser.rng()), Ways::on_paper());
        let begun = vault.begin_generation(&browser, &drawn, &ways);
        let vault = Box::pin(begun).await.context("beginning a generation")?;
        Ok(Self::of(browser, vault, &drawn))
    }

    /// Comes into the safe with the six words.
    pub async fn with_words(
        &self,
        browser: &Browser,
        coming: impl Into<Coming>,
    ) -> Result<Vault, Error> {
        let words = SixWords::parse(&self.words)?;
        unlock_with_words(browser, &self.handle, &words, coming).await
    }

    /// Comes into the safe with the sheet.
    pub async fn with_sheet(
        &self,
        browser: &Browser,
        coming: impl Into<Coming>,
    ) -> Result<Vault, Error> {
        let sheet = PaperSecret::parse(&self.sheet)?;
        unlock_with_paper(browser, &sheet, coming).await
    }

    /// The same person at another browser.
    #[must_use]
    pub fn at(&self, browser: Browser, vault: Vault) -> Self {
        let Self { handle, words, sheet, .. } = self;
        let (handle, words, sheet) = (handle.clone(), words.clone(), sheet.clone());
        Self { browser, vault, handle, words, sheet }
    }

    /// Adds a document.
    pub async fn add(&mut self, title: &str, plain: &[u8]) -> Result<DocumentId, Error> {
        self.vault.add(&self.browser, None, plain, &card(title)).await
    }

    /// Reads a document.
    pub async fn read(&self, document_id: DocumentId) -> Result<Vec<u8>, Error> {
        read(&self.vault, &self.browser, document_id).await
    }
}

/// Comes into a safe with six words.
pub async fn unlock_with_words(
    browser: &Browser,
    handle: &str,
    words: &SixWords,
    coming: impl Into<Coming>,
) -> Result<Vault, Error> {
    // Boxed, like the next and the first: entering a safe is a large future.
    Box::pin(Vault::unlock_with_words(browser, handle, words, coming)).await
}

/// Comes into a safe with a sheet.
pub async fn unlock_with_paper(
    browser: &Browser,
    sheet: &PaperSecret,
    coming: impl Into<Coming>,
) -> Result<Vault, Error> {
    Box::pin(Vault::unlock_with_paper(browser, sheet, coming)).await
}

/// Reads a document of an open safe.
pub async fn read(
    vault: &Vault,
    browser: &Browser,
    document_id: DocumentId,
) -> Result<Vec<u8>, Error> {
    let reading = vault.reading(document_id)?;
    let bytes = browser.ship(reading.call.clone(), Some(vault.token())).await?;
    Ok(reading.open(&bytes)?.to_vec())
}

/// What people see of a safe: titles, in the order in which they were added.
pub fn titles(vault: &Vault) -> Vec<String> {
    let title = |card: Result<&reconnect_core::document::Card, _>| {
        card.map_or_else(|_| "(damaged)".to_owned(), |card| card.title().to_owned())
    };
    vault.papers().into_iter().map(|paper| title(paper.card)).collect()
}

/// A photo's card with a small picture.
pub fn card(title: &str) -> PaperCard {
    PaperCard {
        title: title.to_owned(),
        kind: DocumentKind::Photo,
        media_type: "image/jpeg".to_owned(),
        page_count: 1,
        thumbnail: Some(format!("a small picture of {title}").into_bytes()),
    }
}

/// Bytes that are the same for the same seed, and look like nothing.
pub fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut made = Vec::with_capacity(count + 8);
    while made.len() < count {
        // xorshift64* (Vigna, 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        made.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    made.truncate(count);
    made
}

/// Content sealed for an upload: its parts, and the leaves of its tree.
pub fn parts(plan: &ChunkPlan, content: &[u8]) -> (Vec<Vec<u8>>, Vec<[u8; 32]>) {
    let (mut pieces, mut leaves) = (Vec::<Vec<u8>>::new(), Vec::new());
    let chunk_bytes = CHUNK_BYTES as usize;
    for index in 0..plan.header().chunk_count() {
        let start = (index as usize * chunk_bytes).min(content.len());
        let end = (start + chunk_bytes).min(content.len());
        let sealed = plan.seal_chunk(index, content.get(start..end).unwrap_or_default());
        leaves.push(tree::leaf_hash(&sealed));
        if index.is_multiple_of(PART_CHUNKS) {
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.extend_from_slice(&sealed);
        }
    }
    (pieces, leaves)
}
