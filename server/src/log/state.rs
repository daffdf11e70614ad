//! What the log holds in memory: everything but the leaves themselves.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context as _, ensure};
use reconnect_log::{
    HEAD_BYTES, Hash, Head, Leaf, Map, Note, Replay, ReplayMark,
    tile::{WIDTH, decode_entries, encode_entries},
};

use super::{queue::Waiting, store::Store};
use crate::error::{Error, Result};

/// A checkpoint that may be looked up under.
#[derive(Clone)]
pub(super) struct Standing {
    pub(super) note: Note,
    /// The map as it was then.
    pub(super) map: Map,
    /// Since when.
    pub(super) since: u64,
}

/// The heads of one map leaf, in their file.
#[derive(Clone, Copy)]
pub(super) struct HeadsAt {
    pub(super) leaf: u64,
    pub(super) start: u64,
    pub(super) length: u64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) replay: Replay,
    /// Where each tile of leaves begins in the file.
    pub(super) tiles: Vec<u64>,
    pub(super) heads: Vec<HeadsAt>,
    /// Bytes of the two files that belong to the log.
    pub(super) lengths: (u64, u64),
    pub(super) newest: Option<Standing>,
    /// The newest that as many have cosigned as the log waits for.
    pub(super) witnessed: Option<Standing>,
    /// The newest ones, for which another server may find enough cosignatures.
    recent: VecDeque<Standing>,
}

/// How many checkpoints are remembered that may still be cosigned.
const RECENT: usize = 64;

/// How far a state was, to go back to before anything of what followed was said.
pub(super) struct Mark {
    replay: ReplayMark,
    tiles: usize,
    heads: usize,
    lengths: (u64, u64),
}

/// Leaves that go into the log together, the map's last.
pub(super) struct Batch {
    /// Lengths of the files before it.
    pub(super) after: (u64, u64),
    pub(super) leaves: Vec<Vec<u8>>,
    pub(super) heads: Vec<u8>,
}

impl Batch {
    pub(super) fn entries_bytes(&self) -> Vec<u8> {
        encode_entries(self.leaves.iter().map(Vec::as_slice))
    }
}

impl State {
    /// Replays the files up to the newest checkpoint. What is behind it was never published: a crash
    /// came between the two, and the next batch is written over it.
    pub(super) fn replay(
        store: &Store,
        newest: Option<Note>,
        witnessed: Option<&Note>,
    ) -> anyhow::Result<Self> {
        let mut state = Self::default();
        let Some(newest) = newest else { return Ok(state) };
        let size = newest.claim().size;
        let (leaves, heads) = store.files()?;
        let mut rest = leaves.as_slice();
        while state.replay.size() < size {
            let number = state.replay.size();
            let cut = || format!("log/leaves ends before leaf {number}, which was published");
            let length = rest.first_chunk().map(|it| usize::from(u16::from_be_bytes(*it)));
            let (entry, behind) =
                length.and_then(|it| rest.split_at_checked(it + 2)).with_context(cut)?;
            let leaf = entry.get(2..).with_context(cut)?;
            let shown = match Leaf::decode(leaf) {
                Ok(Leaf::Map { heads_count, .. }) => {
                    let start = usize::try_from(state.lengths.1)?;
                    let end = start + HEAD_BYTES * usize::try_from(heads_count)?;
                    heads.get(start..end).context("log/heads ends too early")?
                }
                _ => &[],
            };
            state.take_leaf(leaf, shown).map_err(|fault| anyhow::anyhow!("data/log: {fault}"))?;
            rest = behind;
            if witnessed.is_some_and(|note| note.claim().size == state.replay.size()) {
                state.witnessed = state.standing(witnessed.cloned());
            }
        }
        let is_so = state.replay.root() == newest.claim().root && state.replay.ends_with_map();
        ensure!(is_so, "the leaves in data/log are not those of log/checkpoint");
        state.newest = state.standing(Some(newest));
        Ok(state)
    }

    fn standing(&self, note: Option<Note>) -> Option<Standing> {
        let note = note.filter(|note| note.claim().root == self.replay.root())?;
        Some(Standing { note, map: self.replay.map().clone(), since: 0 })
    }

    fn take_leaf(&mut self, leaf: &[u8], heads: &[u8]) -> Result<(), reconnect_log::Fault> {
        let number = self.replay.size();
        self.replay.take(leaf, heads)?;
        if number.is_multiple_of(WIDTH) {
            self.tiles.push(self.lengths.0);
        }
        self.lengths.0 += 2 + leaf.len() as u64;
        if !heads.is_empty() {
            let (start, length) = (self.lengths.1, heads.len() as u64);
            self.heads.push(HeadsAt { leaf: number, start, length });
            self.lengths.1 += length;
        }
        Ok(())
    }

    /// What of all that waits is not in the log yet; none when there is nothing, but for the first.
    pub(super) fn batch(&self, waiting: &[Waiting]) -> Option<Batch> {
        // After a restart the log may have it; with a database from a backup, or a disk that lost what
        // waited, it may be ahead of what waits: LOG-2.
        // Nor does one batch go back in itself: whoever chose a safe's index may have chosen a structure's.
        // In the order in which the log takes them: entries, each chain's in its own order, then heads.
        let of = |is_head| waiting.iter().filter(move |it| it.is_head == is_head);
        let (mut entries, mut heads, mut numbers) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for Waiting { index, newest, is_head } in of(false).chain(of(true)) {
            let named = self.replay.map().get(index).map(|named| named.sequence);
            let before = numbers.get(index).copied().or(named);
            if before.is_some_and(|before| before >= newest.sequence) {
                continue;
            }
            numbers.insert(*index, newest.sequence);
            if *is_head {
                heads.insert(*index, *newest);
            } else {
                entries.push(Leaf::Entry { index: *index, newest: *newest });
            }
        }
        if entries.is_empty() && heads.is_empty() && self.replay.ends_with_map() {
            return None;
        }
        let heads: Vec<_> =
            heads.into_iter().map(|(index, newest)| Head { index, newest }).collect();
        let (map, heads) = self.replay.map_leaf(&entries, &heads);
        let leaves = entries.iter().chain([&map]).map(Leaf::encode).collect();
        Some(Batch { after: self.lengths, leaves, heads })
    }

    /// Takes in a batch that was written. After a fault in it nothing that this state says may be signed.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<()> {
        let last = batch.leaves.len().saturating_sub(1);
        for (at, leaf) in batch.leaves.iter().enumerate() {
            let heads = if at == last { batch.heads.as_slice() } else { &[] };
            self.take_leaf(leaf, heads)
                .map_err(|_| Error::Broken("the log would not take its own batch"))?;
        }
        Ok(())
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            replay: self.replay.mark(),
            tiles: self.tiles.len(),
            heads: self.heads.len(),
            lengths: self.lengths,
        }
    }

    /// Undoes what was taken since, of which nothing was signed.
    pub(super) fn back(&mut self, mark: Mark) {
        self.replay.back(mark.replay);
        self.tiles.truncate(mark.tiles);
        self.heads.truncate(mark.heads);
        self.lengths = mark.lengths;
    }

    /// From now on this is the newest checkpoint.
    pub(super) fn stand(&mut self, standing: Standing) {
        let size = standing.note.claim().size;
        if self.recent.back().is_none_or(|it| it.note.claim().size < size) {
            self.recent.push_back(standing.clone());
        }
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.newest = Some(standing);
    }

    /// From now on this is the newest that is cosigned enough, unless a newer one is.
    pub(super) fn cosigned(&mut self, note: &Note) {
        let known = |it: &&Standing| it.note.claim() == note.claim();
        let before = self.witnessed.as_ref().map_or(0, |it| it.note.claim().size);
        if note.claim().size < before {
            return;
        }
        let found = self.witnessed.iter().chain(&self.recent).find(known).cloned();
        if let Some(found) = found {
            self.witnessed = Some(Standing { note: note.clone(), ..found });
        }
    }

    /// What a look-up is answered under: the newest that enough witnesses have cosigned, unless
    /// the client has seen a newer one.
    pub(super) fn shown(&self, from: u64) -> Option<&Standing> {
        let known = |it: &&Standing| it.note.claim().size >= from;
        self.witnessed.as_ref().filter(known).or(self.newest.as_ref())
    }

    /// The published size.
    pub(super) fn published(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.note.claim().size)
    }
}

/// One leaf of a tile's bytes.
pub(super) fn leaf_of(tile: &[u8], place: usize) -> Option<Vec<u8>> {
    decode_entries(tile).ok()?.get(place).map(|leaf| leaf.to_vec())
}

/// A row's 32 bytes.
pub(super) fn hash_of(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::Broken("a hash in the database has another length"))
}

#[cfg(test)]
mod tests {
    use reconnect_log::Newest;

    use super::*;

    /// Somebody founded a structure at the index that they had chosen for their safe.
    #[test]
    fn two_chains_at_one_index_do_not_break_the_log() -> Result<()> {
        let waits = |index: u8, sequence, value: u8, is_head| Waiting {
            index: [index; 32],
            newest: Newest { sequence, value: [value; 32] },
            is_head,
        };
        let mut state = State::default();
        let batches = [
            vec![waits(2, 1, 1, true), waits(5, 2, 2, false), waits(5, 2, 3, true)],
            vec![waits(5, 3, 4, true), waits(5, 4, 5, false), waits(1, 1, 6, true)],
            vec![waits(5, 4, 7, true), waits(5, 5, 8, true)],
        ];
        let mut whole = Replay::default();
        for waiting in &batches {
            let batch = state.batch(waiting).expect("something new");
            state.take(&batch)?;
            let last = batch.leaves.len() - 1;
            for (at, leaf) in batch.leaves.iter().enumerate() {
                let heads = if at == last { batch.heads.as_slice() } else { &[] };
                whole.take(leaf, heads).expect("an honest log");
            }
        }
        assert_eq!(whole.map().get(&[5; 32]), Some(Newest { sequence: 5, value: [8; 32] }));
        assert_eq!(whole.map().count(), 3);
        Ok(())
    }
}
