//! Whoever runs the server and has its log's key says one thing in the log and another in its map.

use anyhow::{Context as _, Result};
use axum::{extract::Query, http::Uri};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_core::{log::Release, world::World as _};
use reconnect_format::{
    api::{Call, LogAnswer, LogAsked, StructureFace},
    id::{Base64, StructureId},
    log::{structure_index, structure_value},
};
use reconnect_log::{
    Head, KeyKind, Leaf, Lookup, Map, Newest, Note, Replay, VerifierKey,
    leaf::heads_hash,
    note::Line,
    tile::{TilePath, decode_entries},
    tree::leaf_hash,
};
use reconnect_tests::{
    between::{LogThief, beside_of},
    stage::{Database, Person, Server},
};

use crate::{
    giving::{SECRET, give, judge},
    lies::lie,
    mallory::{Somebody, hash_of},
    pair::{Outcome, pairs},
};

pairs! {
    a_map_that_says_other_than_its_log: "log_witnesses" given "a witness that signs what it has not replayed";
}

/// Somebody left a structure, and the log says so; a map leaf that Mallory adds says that its newest
/// statement is the one before. Tree and proofs are in order: whoever replays the log sees it, nobody
/// else can.
async fn a_map_that_says_other_than_its_log(careless: bool) -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let witness = Witness::new()?;
    let release = Release::read(&format!("witness {}\nrequired 1\n", witness.key))?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    let before = front.links.clone();
    front.begin_epoch(&mallory)?;
    front.show(&server, &mallory).await?;
    let mut owner = Person::open(server.browser().believing(release), true).await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    server.app().publish().await?;

    let mut log = LyingLog::of(&server, front.structure_id, &before).await?;
    witness.look(&mut log, careless);
    lie(&owner.browser, "/v1/log/lookup", move |path, answer: &mut LogAnswer| {
        answer.lookup = Base64(log.look_up(path).encode());
    });
    lie(&owner.browser, "/v1/structures/", move |_, face: &mut StructureFace| {
        face.statements.truncate(before.len());
    });
    let code = front.structure_id.code();
    let outcome = give(&mut owner, front.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (&front.keys[0], 0)).await
}

/// What Mallory's log consists of: all that the server's own holds, and one leaf more.
struct LyingLog {
    leaves: Vec<(Vec<u8>, Vec<u8>)>,
    tree: reconnect_log::Tree,
    map: Map,
    note: Note,
}

impl LyingLog {
    /// A log whose map says that `shown` is all of a structure's chain.
    async fn of(server: &Server, structure_id: StructureId, shown: &[Vec<u8>]) -> Result<Self> {
        let mut leaves = leaves_of(server).await?;
        let mut replay = Replay::default();
        for (leaf, heads) in &leaves {
            replay.take(leaf, heads)?;
        }
        let (mut tree, mut map) = (replay.tree().clone(), replay.map().clone());
        let (index, sequence) = (structure_index(structure_id), shown.len() as u64);
        let value = structure_value(sequence, &hash_of(shown.last().context("no links")?)?);
        map.set(Head { index, newest: Newest { sequence, value } });
        let lie = Leaf::Map { root: map.root(), heads_hash: heads_hash(&[]), heads_count: 0 };
        tree.push(leaf_hash(&lie.encode()));
        leaves.push((lie.encode(), Vec::new()));
        let root = tree.root(tree.size()).context("a root")?;
        let note = LogThief::of(server).await?.sign(tree.size(), root, server.clock().now());
        Ok(Self { leaves, tree, map, note })
    }

    fn look_up(&self, path: &str) -> Lookup {
        let uri: Uri = path.parse().expect("a path");
        let asked = Query::<LogAsked>::try_from_uri(&uri).expect("a question").0;
        let size = self.tree.size();
        let (map_proof, newest) = self.map.prove(&asked.index.0);
        Lookup {
            checkpoint: self.note.to_string().into_bytes(),
            consistency: self.tree.consistency(asked.from, size).unwrap_or_default(),
            map_leaf: self.leaves.last().map(|(leaf, _)| leaf.clone()).unwrap_or_default(),
            inclusion: self.tree.inclusion(size - 1, size).unwrap_or_default(),
            map_proof,
            newest,
            beside: beside_of(&asked, &self.map),
        }
    }
}

/// Every leaf of the server's log with its heads, as anybody may read them.
async fn leaves_of(server: &Server) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let browser = server.browser();
    let read = async |path: String| browser.ship(Call::read(path).open(), None).await;
    let note = read("/v1/log/checkpoint".to_owned()).await?;
    let size = Note::parse(str::from_utf8(&note)?)?.claim().size;
    let mut leaves = Vec::new();
    for tile in TilePath::entries(0, size) {
        let bytes = read(format!("/v1/log/tile/{tile}")).await?;
        for leaf in decode_entries(&bytes)? {
            let heads = match Leaf::decode(leaf)? {
                Leaf::Map { heads_count: 1.., .. } => {
                    read(format!("/v1/log/heads/{}", leaves.len())).await?
                }
                _ => Vec::new(),
            };
            leaves.push((leaf.to_vec(), heads));
        }
    }
    Ok(leaves)
}

/// Somebody whom the release believes.
struct Witness {
    key: VerifierKey,
    signing: SigningKey,
}

impl Witness {
    fn new() -> Result<Self> {
        let signing = SigningKey::from_bytes(&[1; 32]);
        let public = signing.verifying_key().to_bytes();
        Ok(Self { key: VerifierKey::new("witness.example", KeyKind::Cosigner, public)?, signing })
    }

    /// Signs what the leaves make; a careless one whatever is signed by the log.
    fn look(&self, log: &mut LyingLog, careless: bool) {
        let mut replay = Replay::default();
        let replayed = log.leaves.iter().all(|(leaf, heads)| replay.take(leaf, heads).is_ok());
        if careless || replayed && replay.root() == log.note.claim().root {
            let time = log.note.lines().last().map_or(0, Line::time);
            let line =
                log.note.cosign(&self.key, time, |bytes| self.signing.sign(bytes).to_bytes());
            log.note.put(&self.key, line);
        }
    }
}
