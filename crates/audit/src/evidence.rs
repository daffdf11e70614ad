//! Evidence of misbehaviour (PROTOCOL.md 15.6): kept so that a stranger can check it with nothing
//! but the log's verifier key.
//!
//! ```text
//! about.json     kind, place, when it was found, the log's verifier key, in words
//! first.note     the checkpoint that was seen before, or the smaller one: fork, back
//! second.note    the checkpoint that is complained of
//! consistency    another root for the first's size, then the proof that the second continues it
//! leaves         each after its length, u16: all those of the second checkpoint
//! heads, tile    index ‖ number ‖ value; hashes
//! ```
//!
//! A folder holds them as files. What a client's page saved is one file: about.json, with the others in
//! it under `files`, as base64url.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_log::{
    Error, Hash, KeyKind, Leaf, Note, Policy, Replay, Tree, VerifierKey,
    leaf::heads_hash,
    replay::HEADS_MAX,
    tile::{HEIGHT, TilePath, decode_entries},
    tree::{leaf_hash, verify_consistency},
};
use serde::{Deserialize, Serialize};

use crate::state::{make_folder, next_heads, sync_folder};

/// What a log, or the server that shows it, did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Two checkpoints that no one log can have.
    Fork,
    /// Its key signed for another name.
    Origin,
    /// Its leaves contradict themselves or its map.
    Replay,
    /// A smaller checkpoint after a larger one.
    Back,
    /// A larger checkpoint that was not shown to continue the smaller one.
    Gap,
    /// Leaves that are not those of the checkpoint.
    Leaves,
    /// Heads that are not those that a leaf names.
    Heads,
    /// A tile that is not the checkpoint's.
    Tile,
}

impl Kind {
    /// Whether the log's own signatures show it. Otherwise an answer was wrong, and answers are not
    /// signed: that the server gave it is the word of whoever kept it.
    pub(crate) fn is_proof(self) -> bool {
        matches!(self, Self::Fork | Self::Origin | Self::Replay)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Origin => "origin",
            Self::Replay => "replay",
            Self::Back => "back",
            Self::Gap => "gap",
            Self::Leaves => "leaves",
            Self::Heads => "heads",
            Self::Tile => "tile",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fork => {
                "The log forked: it signed two checkpoints that no one log can have. Some people \
                 are shown another history than others."
            }
            Self::Origin => "The log's key signed a checkpoint for another name than its own.",
            Self::Replay => "The log's own leaves do not make the map that it signed.",
            Self::Back => "The server showed a smaller log than it had shown before.",
            Self::Gap => "The server did not show that the log continues what it had shown before.",
            Self::Leaves => "The server showed leaves that are not those that the log signed.",
            Self::Heads => "The server showed heads that are not those that the log names.",
            Self::Tile => "The server showed a tile that is not the log's.",
        })
    }
}

#[derive(Serialize, Deserialize)]
struct About {
    kind: Kind,
    /// Number of the leaf, or path of the tile.
    #[serde(default)]
    place: Option<String>,
    /// Seconds since 1970, by the clock of whoever kept it.
    found: u64,
    log: String,
    words: String,
    /// The other files, where this is the only one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
}

/// A misbehaviour with what shows it.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) kind: Kind,
    place: Option<String>,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Evidence {
    fn new(kind: Kind, note: &Note) -> Self {
        Self { kind, place: None, files: Vec::new() }.with("second.note", note.to_string().into())
    }

    fn with(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.files.push((name, bytes));
        self
    }

    fn at(self, place: impl fmt::Display) -> Self {
        Self { place: Some(place.to_string()), ..self }
    }

    /// `first` is not larger than `second`, which continues `other`, of the first's size.
    pub(crate) fn fork(first: &Note, second: &Note, other: Hash, proof: &[Hash]) -> Self {
        let consistency = [other].iter().chain(proof).flatten().copied().collect();
        Self::new(Kind::Fork, second)
            .with("first.note", first.to_string().into())
            .with("consistency", consistency)
    }

    pub(crate) fn origin(note: &Note) -> Self {
        Self::new(Kind::Origin, note)
    }

    pub(crate) fn back(seen: &Note, shown: &Note) -> Self {
        Self::new(Kind::Back, shown).with("first.note", seen.to_string().into())
    }

    /// All leaves and heads of a checkpoint, the heads as far as the fault.
    pub(crate) fn replay(note: &Note, leaves: Vec<u8>, heads: Vec<u8>) -> Self {
        Self::new(Kind::Replay, note).with("leaves", leaves).with("heads", heads)
    }

    pub(crate) fn leaves(note: &Note, leaves: Vec<u8>) -> Self {
        Self::new(Kind::Leaves, note).with("leaves", leaves)
    }

    /// All leaves, and the wrong heads of one.
    pub(crate) fn heads(note: &Note, leaves: Vec<u8>, leaf: u64, heads: Vec<u8>) -> Self {
        Self::new(Kind::Heads, note).with("leaves", leaves).with("heads", heads).at(leaf)
    }

    /// Leaves are needed for a tile of hashes; of a tile of leaves only one that is none is kept so.
    pub(crate) fn tile(note: &Note, leaves: Vec<u8>, path: &TilePath, tile: Vec<u8>) -> Self {
        Self::new(Kind::Tile, note).with("leaves", leaves).with("tile", tile).at(path)
    }

    /// Writes a folder of its own, durably, whole or not at all.
    pub(crate) fn write(&self, into: &Path, log: &VerifierKey, found: u64) -> Result<PathBuf> {
        make_folder(into)?;
        let folder = into.join(format!("{found}-{}", self.kind.name()));
        let fresh = into.join(".new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        make_folder(&fresh)?;
        let about = About {
            kind: self.kind,
            place: self.place.clone(),
            found,
            log: log.to_string(),
            words: self.kind.to_string(),
            files: BTreeMap::new(),
        };
        let about = serde_json::to_vec_pretty(&about)?;
        for (name, bytes) in self.files.iter().chain(&[("about.json", about)]) {
            let mut file = File::create_new(fresh.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        sync_folder(&fresh)?;
        fs::rename(&fresh, &folder)?;
        sync_folder(into)?;
        Ok(folder)
    }
}

/// Whether the log's key signed a note whose origin is not the log's name.
pub(crate) fn is_for_another_name(note: &Note, log: &VerifierKey) -> bool {
    let origin = &note.claim().origin;
    let under_it = VerifierKey::new(origin, KeyKind::Log, *log.key());
    // LOG-4: the text's signature shows it; a time that does not verify spoils it.
    let signed = |key: &VerifierKey| {
        let timed = note.verify(&key.as_kind(KeyKind::Cosigner));
        matches!(note.verify(key), Ok(Some(_))) && timed.is_ok()
    };
    origin != log.name() && (signed(log) || under_it.is_ok_and(|key| signed(&key)))
}

/// The evidence of a folder of evidence, with what was being written when the program ended.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| folder.display().to_string())?,
    };
    let mut all: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    all.retain(|path| path.is_dir());
    all.sort();
    Ok(all)
}

/// Checks evidence with the log's verifier key alone: what it shows, or why it shows nothing.
pub(crate) fn check(kept: &Path, log: &VerifierKey) -> Result<(Kind, String)> {
    let folder = kept.is_dir().then_some(kept);
    let path = folder.map_or_else(|| kept.to_owned(), |folder| folder.join("about.json"));
    let about = fs::read(&path).with_context(|| format!("{} could not be read", path.display()))?;
    let about: About = serde_json::from_slice(&about).context("about.json")?;
    let case = Case { folder, files: &about.files, log };
    let second = case.note("second.note")?;
    let place = || about.place.as_deref().context("about.json does not say the place");
    let detail = match about.kind {
        Kind::Origin => {
            ensure!(is_for_another_name(&second, log), "the log's key did not sign another name");
            format!("it signed for {}", second.claim().origin)
        }
        Kind::Fork => case.fork(&second)?,
        Kind::Back => {
            let first = case.seen_before()?;
            case.believes(&second)?;
            let (before, after) = (first.claim().size, second.claim().size);
            ensure!(after < before, "the second checkpoint is not smaller");
            format!("{before} leaves first, {after} then")
        }
        Kind::Gap => case.gap(&second)?,
        Kind::Replay => case.replay(&second)?,
        Kind::Leaves => {
            case.believes(&second)?;
            ensure!(case.leaves_of(&second)?.is_none(), "the leaves are those that were signed");
            "their hashes do not make the root that was signed".to_owned()
        }
        Kind::Heads => case.heads(&second, place()?)?,
        Kind::Tile => case.tile(&second, place()?)?,
    };
    Ok((about.kind, detail))
}

/// What stands in a folder, or in one file, and the key that judges it.
struct Case<'a> {
    folder: Option<&'a Path>,
    files: &'a BTreeMap<String, String>,
    log: &'a VerifierKey,
}

impl Case<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        match self.folder {
            Some(folder) => fs::read(folder.join(name)).ok(),
            None => self.files.get(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()),
        }
        .with_context(|| format!("{name} could not be read"))
    }

    fn note(&self, name: &str) -> Result<Note> {
        let text = String::from_utf8(self.read(name)?).with_context(|| name.to_owned())?;
        Note::parse(&text).with_context(|| name.to_owned())
    }

    /// The first checkpoint, which may have come on paper: then it has the log's cosignature alone.
    fn seen_before(&self) -> Result<Note> {
        let note = self.note("first.note")?;
        let timed = note.verify(&self.log.as_kind(KeyKind::Cosigner));
        let is_carried = note.lines().len() == 1 && note.claim().origin == self.log.name();
        if !(is_carried && matches!(timed, Ok(Some(_)))) {
            self.believes(&note)?;
        }
        Ok(note)
    }

    /// LOG-4.
    fn believes(&self, note: &Note) -> Result<()> {
        let policy = Policy::new(self.log.clone(), Vec::new(), 0)?;
        policy.check(note).context("a checkpoint is not the log's")?;
        Ok(())
    }

    fn fork(&self, second: &Note) -> Result<String> {
        let first = self.seen_before()?;
        self.believes(second)?;
        let hashes = self.hashes()?;
        let (other, proof) = hashes.split_first().context("consistency is empty")?;
        let (first, second) = (first.claim(), second.claim());
        verify_consistency((first.size, other), (second.size, &second.root), proof)
            .context("consistency does not lead to the second checkpoint")?;
        ensure!(*other != first.root, "the second checkpoint continues the first");
        Ok(format!("two trees of {} leaves, one under a checkpoint of {}", first.size, second.size))
    }

    fn hashes(&self) -> Result<Vec<Hash>> {
        let bytes = self.read("consistency")?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        ensure!(rest.is_empty(), "consistency is not made of hashes");
        Ok(hashes.to_vec())
    }

    fn gap(&self, second: &Note) -> Result<String> {
        let first = self.seen_before()?;
        self.believes(second)?;
        let (before, after) = (first.claim(), second.claim());
        ensure!(before.size < after.size, "the second checkpoint is not larger");
        let led = verify_consistency(
            (before.size, &before.root),
            (after.size, &after.root),
            &self.hashes()?,
        );
        ensure!(led.is_err(), "the second checkpoint continues the first");
        Ok(format!("nothing leads from {} leaves to {}", before.size, after.size))
    }

    /// The leaves, if they are those that the checkpoint names.
    fn leaves_of(&self, note: &Note) -> Result<Option<Vec<Vec<u8>>>> {
        let bytes = self.read("leaves")?;
        let Ok(leaves) = decode_entries(&bytes) else { return Ok(None) };
        let claim = note.claim();
        let tree = tree_of(&leaves);
        let is_so = tree.size() == claim.size && tree.root(claim.size) == Some(claim.root);
        Ok(is_so.then(|| leaves.into_iter().map(<[u8]>::to_vec).collect()))
    }

    fn signed_leaves(&self, note: &Note) -> Result<Vec<Vec<u8>>> {
        self.believes(note)?;
        self.leaves_of(note)?.context("the leaves are not those that the log signed")
    }

    fn replay(&self, note: &Note) -> Result<String> {
        let leaves = self.signed_leaves(note)?;
        let bytes = self.read("heads")?;
        let mut heads = bytes.as_slice();
        let mut replay = Replay::default();
        for leaf in &leaves {
            let shown = match Leaf::decode(leaf) {
                Ok(Leaf::Map { heads_count, .. }) if heads_count > HEADS_MAX => &[],
                Ok(Leaf::Map { heads_hash: named, heads_count, .. }) => {
                    let shown = next_heads(leaf, &mut heads).context("heads are missing")?;
                    // Those that the log did not name show nothing about it.
                    ensure!(
                        heads_count == 0 || heads_hash(shown) == named,
                        "the heads of leaf {} are not those that the log names",
                        replay.size()
                    );
                    shown
                }
                _ => &[],
            };
            if let Err(fault) = replay.take(leaf, shown) {
                return Ok(fault.to_string());
            }
        }
        // LOG-1.
        ensure!(!replay.ends_with_map(), "the leaves make the map that the log signed");
        Ok(Error::NotAMapLeaf.to_string())
    }

    fn heads(&self, note: &Note, place: &str) -> Result<String> {
        let leaves = self.signed_leaves(note)?;
        let leaf = leaves.get(place.parse::<usize>()?).context("there is no such leaf")?;
        let Ok(Leaf::Map { heads_hash: named, .. }) = Leaf::decode(leaf) else {
            bail!("leaf {place} names no heads");
        };
        ensure!(heads_hash(&self.read("heads")?) != named, "the heads are those that it names");
        Ok(format!("the heads of leaf {place}"))
    }

    fn tile(&self, note: &Note, place: &str) -> Result<String> {
        let tile: TilePath = place.parse().context("the place is no tile")?;
        let shown = self.read("tile")?;
        let Some(level) = tile.level else {
            self.believes(note)?;
            let count = decode_entries(&shown).map(|leaves| leaves.len()).ok();
            ensure!(count != Some(usize::from(tile.width)), "tile {place} holds as many leaves");
            return Ok(format!("tile {place} does not hold {} leaves", tile.width));
        };
        let leaves = self.signed_leaves(note)?;
        let row = tree_of(&leaves);
        let row = row.row(usize::from(level) * HEIGHT, tile.first(), u64::from(tile.width));
        ensure!(row.context("the log has no such tile")?.concat() != shown, "the tile is right");
        Ok(format!("tile {place}"))
    }
}

fn tree_of<T: AsRef<[u8]>>(leaves: &[T]) -> Tree {
    let mut tree = Tree::default();
    tree.extend(leaves.iter().map(|leaf| leaf_hash(leaf.as_ref())));
    tree
}
