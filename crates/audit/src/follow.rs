//! One round of a witness: read what the log says, believe none of it, recompute all of it, keep it,
//! and only then cosign. LOG-8.
//!
//! ```text
//! checkpoint -> signatures, origin -> compared with what was seen -> time
//!            -> leaves: their tree has the root that was signed, and so continues what was seen
//!            -> heads, tiles of hashes -> replay: map roots, what came back
//!            -> kept, durably -> cosigned -> handed in
//! ```

use anyhow::{Context as _, anyhow};
use reconnect_log::{
    Error, Hash, Leaf, Note, Policy, Tree, VerifierKey,
    leaf::heads_hash,
    replay::HEADS_MAX,
    tile::{HEIGHT, TilePath, decode_entries, encode_entries},
    tree::leaf_hash,
};

use crate::{
    evidence::{Evidence, is_for_another_name},
    key::WitnessKey,
    state::State,
    wire::{HandedIn, Server},
};

/// How far the log's clock may be from the witness's. LOG-15.
const APART_SECONDS: u64 = 3600;
/// The same checkpoint is cosigned again, with a new time, this often.
const FRESH_SECONDS: u64 = 600;

/// Why a round ended early.
pub(crate) enum Failure {
    /// The log or its server broke the protocol.
    Misbehaved(Box<Evidence>),
    /// Something did not work; the log may be as it should.
    Trouble(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

type Result<T> = std::result::Result<T, Failure>;

fn misbehaved<T>(evidence: Evidence) -> Result<T> {
    Err(Failure::Misbehaved(Box::new(evidence)))
}

/// What a round came to.
pub(crate) struct Round {
    /// What the log says, verified.
    pub(crate) note: Note,
    /// Whether there was anything new.
    pub(crate) is_new: bool,
    /// What became of a cosignature; none was due without it.
    pub(crate) handed_in: Option<HandedIn>,
}

/// A witness of one log; without a key, an auditor.
pub(crate) struct Follower {
    pub(crate) log: VerifierKey,
    pub(crate) server: Server,
    pub(crate) state: State,
    pub(crate) key: Option<WitnessKey>,
    /// Leaves and heads that it is ready to hold.
    pub(crate) limit: u64,
}

impl Follower {
    /// Follows the log as far as it goes now.
    pub(crate) fn round(&mut self, now: u64) -> Result<Round> {
        let text = self.server.checkpoint()?;
        let note = Note::parse(&text).context("what the server shows")?;
        let time = self.time_of(&note)?;
        self.compare(&note)?;
        // LOG-15: after the comparison, because a fork is one at any time.
        if time.abs_diff(now) > APART_SECONDS {
            let which = if time < now { "old" } else { "ahead" };
            return Err(anyhow!(
                "the log signed its checkpoint {} s {which}, by this clock: it stands still, or one \
                 of the two clocks is wrong",
                time.abs_diff(now)
            )
            .into());
        }
        let is_new = self.state.kept().is_none_or(|kept| kept.claim() != note.claim());
        if is_new {
            self.read(&note)?;
        }
        let handed_in = self.cosign(&note, now)?;
        Ok(Round { note, is_new, handed_in })
    }

    /// When the log says that it signed. LOG-4.
    fn time_of(&self, note: &Note) -> Result<u64> {
        match Policy::new(self.log.clone(), Vec::new(), 0)?.check(note) {
            Ok(checked) => Ok(checked.time),
            Err(Error::WrongOrigin) if is_for_another_name(note, &self.log) => {
                misbehaved(Evidence::origin(note))
            }
            Err(error) => Err(anyhow!("what the server shows is not this log's: {error}").into()),
        }
    }

    /// Compares with what was seen, as far as the two can be compared without reading. LOG-7.
    fn compare(&self, note: &Note) -> Result<()> {
        let Some(kept) = self.state.kept() else { return Ok(()) };
        let (seen, shown) = (kept.claim(), note.claim());
        if shown.size > seen.size || shown == seen {
            return Ok(());
        }
        let tree = self.state.replay.tree();
        let had = tree.root(shown.size).context("a tree has a root at every size it had")?;
        misbehaved(if had == shown.root {
            Evidence::back(kept, note)
        } else if shown.size == seen.size {
            Evidence::fork(kept, note, shown.root, &[])
        } else {
            let proof = tree.consistency(shown.size, seen.size).unwrap_or_default();
            Evidence::fork(note, kept, had, &proof)
        })
    }

    /// Reads what is new and checks all of it before anything is kept.
    fn read(&mut self, note: &Note) -> Result<()> {
        let from = self.state.replay.size();
        let leaves = self.leaves(note, from)?;
        let mut tree = self.state.replay.tree().clone();
        tree.extend(leaves.iter().map(|leaf| leaf_hash(leaf)));
        if tree.root(note.claim().size) != Some(note.claim().root) {
            return self.investigate(note, &leaves);
        }
        // From here on the leaves are those that the log signed, and it answers for them.
        let heads = self.heads(note, &leaves)?;
        self.check_tiles(note, &tree, &leaves)?;
        drop(tree);
        let mut shown = Vec::new();
        for (leaf, heads) in leaves.iter().zip(&heads) {
            shown.extend_from_slice(heads);
            if self.state.replay.take(leaf, heads).is_err() {
                return misbehaved(self.replayed(note, &leaves, &shown)?);
            }
        }
        // LOG-1.
        if !self.state.replay.ends_with_map() {
            return misbehaved(self.replayed(note, &leaves, &shown)?);
        }
        Ok(self.state.keep(note, &entries(&leaves), &shown)?)
    }

    /// The leaves from one on, as the server shows them.
    fn leaves(&self, note: &Note, from: u64) -> Result<Vec<Vec<u8>>> {
        let size = note.claim().size;
        if size > self.limit {
            return Err(self.too_large());
        }
        let mut all = Vec::new();
        for path in TilePath::entries(from, size) {
            let tile = self.server.tile(&path)?;
            match decode_entries(&tile) {
                Ok(leaves) if leaves.len() == usize::from(path.width) => {
                    let known = usize::try_from(from.saturating_sub(path.first()))?;
                    all.extend(leaves.into_iter().skip(known).map(<[u8]>::to_vec));
                }
                _ => return misbehaved(Evidence::tile(note, Vec::new(), &path, tile)),
            }
        }
        Ok(all)
    }

    fn too_large(&self) -> Failure {
        anyhow!(
            "the log has more than {} leaves and heads: give a higher --limit, and memory for it",
            self.limit
        )
        .into()
    }

    /// The leaves do not make the root that was signed: either the log forked, or they are not its
    /// leaves. Read from the first one on, they tell.
    fn investigate(&self, note: &Note, new: &[Vec<u8>]) -> Result<()> {
        let size = note.claim().size;
        if let (Some(kept), Ok(all)) = (self.state.kept(), self.leaves(note, 0)) {
            let seen = kept.claim();
            let mut tree = Tree::default();
            tree.extend(all.iter().map(|leaf| leaf_hash(leaf)));
            let other = tree.root(seen.size).filter(|root| *root != seen.root);
            let is_signed = tree.root(size) == Some(note.claim().root);
            if let (true, Some(other)) = (is_signed, other) {
                let proof: Vec<Hash> = tree.consistency(seen.size, size).unwrap_or_default();
                return misbehaved(Evidence::fork(kept, note, other, &proof));
            }
        }
        misbehaved(Evidence::leaves(note, self.all(new)?))
    }

    /// The heads of each leaf: none of an entry, and none behind a leaf that names too many.
    fn heads(&self, note: &Note, leaves: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let mut all = vec![Vec::new(); leaves.len()];
        let mut count = self.state.count() + leaves.len() as u64;
        for ((leaf, heads), number) in leaves.iter().zip(&mut all).zip(self.state.replay.size()..) {
            let Ok(Leaf::Map { heads_hash: named, heads_count, .. }) = Leaf::decode(leaf) else {
                continue;
            };
            if heads_count > HEADS_MAX {
                break;
            }
            count += u64::from(heads_count);
            if count > self.limit {
                return Err(self.too_large());
            }
            if heads_count > 0 {
                *heads = self.server.heads(number, heads_count)?;
                if heads_hash(heads) != named {
                    let evidence = Evidence::heads(note, self.all(leaves)?, number, heads.clone());
                    return misbehaved(evidence);
                }
            }
        }
        Ok(all)
    }

    /// The tiles of hashes are what the leaves make them.
    fn check_tiles(&self, note: &Note, tree: &Tree, leaves: &[Vec<u8>]) -> Result<()> {
        for path in TilePath::hashes(self.state.replay.size(), note.claim().size) {
            let levels = path.level.map_or(0, |level| usize::from(level) * HEIGHT);
            let row = tree.row(levels, path.first(), u64::from(path.width));
            let tile = self.server.tile(&path)?;
            if row.context("a tree has the tiles of its size")?.concat() != tile {
                return misbehaved(Evidence::tile(note, self.all(leaves)?, &path, tile));
            }
        }
        Ok(())
    }

    fn replayed(&self, note: &Note, new: &[Vec<u8>], shown: &[u8]) -> Result<Evidence> {
        let (_, mut heads) = self.state.verified_files()?;
        heads.extend_from_slice(shown);
        Ok(Evidence::replay(note, self.all(new)?, heads))
    }

    /// All leaves, those that are kept and the new ones.
    fn all(&self, new: &[Vec<u8>]) -> Result<Vec<u8>> {
        let (mut leaves, _) = self.state.verified_files()?;
        leaves.extend(entries(new));
        Ok(leaves)
    }

    /// Cosigns what was kept, and nothing else, when the note has no fresh cosignature of this key.
    fn cosign(&self, note: &Note, now: u64) -> Result<Option<HandedIn>> {
        let Some(key) = &self.key else { return Ok(None) };
        // LOG-8: what is on the disk is what is signed. After a crash nothing else of its size can be.
        if self.state.kept().is_none_or(|kept| kept.claim() != note.claim()) {
            return Err(anyhow!("only what was kept is cosigned").into());
        }
        let given = note.verify(key.verifier()).ok().flatten();
        if given.is_some_and(|time| now.saturating_sub(time) < FRESH_SECONDS) {
            return Ok(None);
        }
        let line = key.cosign(note, now);
        Ok(Some(self.server.hand_in(&format!("{}\n{line}", note.claim().text()))?))
    }
}

fn entries(leaves: &[Vec<u8>]) -> Vec<u8> {
    encode_entries(leaves.iter().map(Vec::as_slice))
}
