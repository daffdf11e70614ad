//! A server that took over a real log, with its real key, and shows whatever it likes.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_log::{
    Checkpoint, HEAD_BYTES, Hash, Head, KeyKind, Leaf, Map, Newest, Note, Tree, VerifierKey,
    leaf::{decode_heads, encode_heads, heads_hash},
    tile::{HEIGHT, TilePath, decode_entries, encode_entries},
    tree::leaf_hash,
};
use reconnect_tests::stage::{Database, Server, bytes};
use tokio::{
    net::TcpListener,
    sync::{OnceCell, watch},
};

use super::now;

/// A head of that number, with a value of its own.
pub(crate) fn head(index: u8, number: u8) -> Head {
    let newest = Newest { sequence: number.into(), value: [number; 32] };
    Head { index: [index; 32], newest }
}

/// A log that nothing checks.
#[derive(Clone)]
pub(crate) struct Mallory {
    key: SigningKey,
    pub(crate) verifier: VerifierKey,
    leaves: Vec<Vec<u8>>,
    heads: BTreeMap<u64, Vec<u8>>,
    map: Map,
}

impl Mallory {
    /// Takes over the log of a real server on which somebody wrote; one serves all tests.
    pub(crate) async fn takes_over() -> Result<Self> {
        static TAKEN: OnceCell<Mallory> = OnceCell::const_new();
        Ok(TAKEN.get_or_try_init(|| Box::pin(Self::on_a_real_server())).await?.clone())
    }

    async fn on_a_real_server() -> Result<Self> {
        let server = Server::on(Database::Sqlite).await?;
        let mut owner = server.person().await?;
        server.app().publish().await?;
        for number in 0..3 {
            owner.add("Photo", &bytes(number, 3000)).await?;
            server.app().publish().await?;
        }
        Self::from_files(server.folder())
    }

    fn from_files(data: &Path) -> Result<Self> {
        let seed = fs::read(data.join("secrets/log.key"))?;
        let key = SigningKey::from_bytes(seed.as_slice().try_into()?);
        let published = Note::parse(&fs::read_to_string(data.join("log/checkpoint"))?)?;
        let origin = published.claim().origin.clone();
        let verifier = VerifierKey::new(&origin, KeyKind::Log, key.verifying_key().to_bytes())?;
        let mut mallory =
            Self { key, verifier, leaves: Vec::new(), heads: BTreeMap::new(), map: Map::default() };
        let heads = fs::read(data.join("log/heads"))?;
        let mut rest = heads.as_slice();
        for leaf in decode_entries(&fs::read(data.join("log/leaves"))?)? {
            let count = match Leaf::decode(leaf)? {
                Leaf::Map { heads_count, .. } => usize::try_from(heads_count)?,
                Leaf::Entry { .. } => 0,
            };
            let (shown, behind) =
                rest.split_at_checked(HEAD_BYTES * count).context("heads are missing")?;
            mallory.push(leaf.to_vec(), shown);
            rest = behind;
        }
        ensure!(mallory.note().claim() == published.claim(), "not what the server published");
        ensure!(mallory.leaves.len() >= 4 && !heads.is_empty(), "a log too small for these tests");
        Ok(mallory)
    }

    /// Any leaf, with any heads.
    pub(crate) fn push(&mut self, leaf: Vec<u8>, heads: &[u8]) {
        match Leaf::decode(&leaf) {
            Ok(Leaf::Entry { index, newest }) => self.map.set(Head { index, newest }),
            Ok(Leaf::Map { .. }) => {
                for head in decode_heads(heads).unwrap_or_default() {
                    self.map.set(head);
                }
                self.heads.insert(self.leaves.len() as u64, heads.to_vec());
            }
            Err(_) => {}
        }
        self.leaves.push(leaf);
    }

    /// An entry.
    pub(crate) fn entry(&mut self, index: u8, number: u8) {
        let Head { index, newest } = head(index, number);
        self.push(Leaf::Entry { index, newest }.encode(), &[]);
    }

    /// An entry of its own.
    pub(crate) fn push_entry(&mut self, number: u32) {
        let mut index = [0x55; 32];
        index[..4].copy_from_slice(&number.to_be_bytes());
        self.push(Leaf::Entry { index, newest: head(0, 1).newest }.encode(), &[]);
    }

    /// The map leaf that an honest log would have here, with these heads.
    pub(crate) fn map_leaf(&mut self, heads: &[Head]) {
        let bytes = encode_heads(heads);
        let mut map = self.map.clone();
        for head in heads {
            map.set(*head);
        }
        self.lie(map.root(), &bytes, u32::try_from(heads.len()).unwrap_or(u32::MAX));
    }

    /// A map leaf that says anything.
    pub(crate) fn lie(&mut self, root: Hash, heads: &[u8], heads_count: u32) {
        let leaf = Leaf::Map { root, heads_hash: heads_hash(heads), heads_count };
        self.push(leaf.encode(), heads);
    }

    /// The map's root as it is.
    pub(crate) fn map_root(&self) -> Hash {
        self.map.root()
    }

    /// Forgets its newest leaves; its map stays as it is.
    pub(crate) fn forget(&mut self, count: usize) {
        self.leaves.truncate(self.leaves.len() - count);
        let size = self.leaves.len() as u64;
        self.heads.retain(|leaf, _| *leaf < size);
    }

    /// The first heads that were published: all of them have moved on since, or not.
    pub(crate) fn first_heads(&self) -> Result<Vec<Head>> {
        let first = self.heads.values().find(|heads| !heads.is_empty()).context("no heads")?;
        Ok(decode_heads(first)?)
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        tree.extend(self.leaves.iter().map(|leaf| leaf_hash(leaf)));
        tree
    }

    /// What it signs, honestly or not.
    pub(crate) fn sign(&self, origin: &str, name: &VerifierKey, time: u64) -> Note {
        let tree = self.tree();
        let root = tree.root(tree.size()).unwrap_or_default();
        let checkpoint = Checkpoint { origin: origin.to_owned(), size: tree.size(), root };
        Note::make(checkpoint, name, time, |message| self.key.sign(message).to_bytes())
    }

    /// The checkpoint of what it has.
    pub(crate) fn note(&self) -> Note {
        self.sign(self.verifier.name(), &self.verifier, now())
    }

    /// A tile of what it has.
    pub(crate) fn tile(&self, path: &str) -> Result<Vec<u8>> {
        self.answer(path).context("it has no such tile")
    }

    /// What it answers when it tells what it has.
    fn answer(&self, path: &str) -> Option<Vec<u8>> {
        if path == "checkpoint" {
            return Some(self.note().to_string().into_bytes());
        }
        if let Some(leaf) = path.strip_prefix("heads/") {
            return self.heads.get(&leaf.parse().ok()?).filter(|it| !it.is_empty()).cloned();
        }
        let tile: TilePath = path.strip_prefix("tile/")?.parse().ok()?;
        let Some(level) = tile.level else {
            let first = usize::try_from(tile.first()).ok()?;
            let leaves = self.leaves.get(first..first + usize::from(tile.width))?;
            return Some(encode_entries(leaves.iter().map(Vec::as_slice)));
        };
        let tree = self.tree();
        let row = tree.row(usize::from(level) * HEIGHT, tile.first(), u64::from(tile.width))?;
        Some(row.concat())
    }
}

/// What is shown, what was asked, and what was handed in.
#[derive(Default)]
struct Scene {
    mallory: Option<Mallory>,
    /// Answers instead of the log's, by path.
    instead: BTreeMap<String, (u16, Vec<u8>)>,
    asked: Vec<String>,
    handed_in: Vec<Note>,
    /// The status of a cosignature's answer; none when there is no answer.
    taken: Option<u16>,
}

/// Its server on this machine.
pub(crate) struct Stand {
    scene: Arc<Mutex<Scene>>,
    pub(crate) url: String,
    arrived: watch::Receiver<usize>,
}

impl Stand {
    pub(crate) async fn open(mallory: &Mallory) -> Result<Self> {
        let scene = Scene { mallory: Some(mallory.clone()), taken: Some(204), ..Scene::default() };
        let scene = Arc::new(Mutex::new(scene));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (arrivals, arrived) = watch::channel(0);
        let shared = (Arc::clone(&scene), Arc::new(arrivals));
        let router = Router::new().fallback(answer).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { scene, url, arrived })
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on shows this.
    pub(crate) fn show(&self, mallory: &Mallory) {
        self.scene().mallory = Some(mallory.clone());
    }

    /// Answers something else at a path.
    pub(crate) fn instead(&self, path: &str, status: u16, bytes: impl Into<Vec<u8>>) {
        self.scene().instead.insert(path.to_owned(), (status, bytes.into()));
    }

    /// Answers as the log is again.
    pub(crate) fn honestly(&self) {
        self.scene().instead.clear();
    }

    /// How cosignatures are answered.
    pub(crate) fn takes(&self, status: Option<u16>) {
        self.scene().taken = status;
    }

    /// What was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.scene().asked)
    }

    /// All cosignatures that ever left a witness.
    pub(crate) fn handed_in(&self) -> Vec<Note> {
        self.scene().handed_in.clone()
    }

    /// Waits for the next cosignature.
    pub(crate) async fn cosignatures(&self, count: usize) -> Result<()> {
        self.arrived.clone().wait_for(|arrived| *arrived >= count).await?;
        Ok(())
    }
}

type Shared = (Arc<Mutex<Scene>>, Arc<watch::Sender<usize>>);

async fn answer(State((scene, arrivals)): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix("/v1/log/").unwrap_or_default().to_owned();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let (status, bytes) = {
        let mut scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
        if head.method == Method::POST {
            let sent: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let note = sent["note"].as_str().and_then(|text| Note::parse(text).ok());
            scene.handed_in.extend(note);
            arrivals.send_replace(scene.handed_in.len());
            (scene.taken, Vec::new())
        } else {
            scene.asked.push(path.clone());
            let honest = || Some((200, scene.mallory.as_ref()?.answer(&path)?));
            let answer = scene.instead.get(&path).cloned().or_else(honest);
            let (status, bytes) = answer.unwrap_or((404, Vec::new()));
            (Some(status), bytes)
        }
    };
    let Some(status) = status else { return std::future::pending().await };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::LOCATION, "/elsewhere")], bytes).into_response()
}
