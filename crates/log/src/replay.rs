//! Replaying a log from its first leaf: what its server, its witnesses and its auditors do alike.

use crate::{
    Error, Fault, Hash, Head, Leaf, Map, Tree,
    leaf::{decode_heads, encode_heads, heads_hash},
    tree::leaf_hash,
};

/// Heads that one map leaf may name: their list has at most 4.5 MiB. LOG-13.
pub const HEADS_MAX: u32 = 1 << 16;

/// A log, as its leaves make it: the tree and the map.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    tree: Tree,
    map: Map,
    ends_with_map: bool,
}

/// How far a log was, for whoever writes it and may have to take back what nobody was told.
#[derive(Clone, Debug)]
pub struct ReplayMark {
    size: u64,
    map: Map,
    ends_with_map: bool,
}

impl Replay {
    /// Where it is now.
    pub fn mark(&self) -> ReplayMark {
        ReplayMark { size: self.size(), map: self.map.clone(), ends_with_map: self.ends_with_map }
    }

    /// Goes back there. For whoever writes a log, and never for one who reads it.
    pub fn back(&mut self, mark: ReplayMark) {
        self.tree.truncate(mark.size);
        self.map = mark.map;
        self.ends_with_map = mark.ends_with_map;
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The map as it is after the last leaf.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        // Invariant: a tree has a root at its own size.
        self.tree.root(self.size()).unwrap_or_default()
    }

    /// Whether a checkpoint may name this size. LOG-1.
    pub fn ends_with_map(&self) -> bool {
        self.ends_with_map
    }

    /// Takes the next leaf, with the heads that it names: of an entry there are none. After a fault
    /// the log has misbehaved, and this is of no more use.
    pub fn take(&mut self, bytes: &[u8], heads: &[u8]) -> Result<(), Fault> {
        let leaf = self.size();
        let decoded = Leaf::decode(bytes).map_err(|error| Fault::Leaf { leaf, error })?;
        match decoded {
            Leaf::Entry { index, newest } => {
                self.set(Head { index, newest })?;
                self.ends_with_map = false;
            }
            Leaf::Map { root, heads_hash: named, heads_count } => {
                // LOG-13.
                if heads_count > HEADS_MAX {
                    return Err(Fault::TooManyHeads { leaf });
                }
                let fault = |_: Error| Fault::Heads { leaf };
                let listed = decode_heads(heads).map_err(fault)?;
                if heads_hash(heads) != named || listed.len() as u64 != u64::from(heads_count) {
                    return Err(Fault::Heads { leaf });
                }
                for head in listed {
                    self.set(head)?;
                }
                if self.map.root() != root {
                    return Err(Fault::Map { leaf });
                }
                self.ends_with_map = true;
            }
        }
        self.tree.push(leaf_hash(bytes));
        Ok(())
    }

    /// LOG-2: the number of an index goes forward, or the same is said again.
    fn set(&mut self, head: Head) -> Result<(), Fault> {
        let before = self.map.get(&head.index);
        let follows = before
            .is_none_or(|before| head.newest.sequence > before.sequence || head.newest == before);
        if !follows {
            return Err(Fault::Rollback { leaf: self.size(), index: head.index });
        }
        self.map.set(head);
        Ok(())
    }

    /// The map leaf that follows `entries`, with the bytes of its heads: for whoever writes a log.
    pub fn map_leaf(&self, entries: &[Leaf], heads: &[Head]) -> (Leaf, Vec<u8>) {
        let mut map = self.map.clone();
        for entry in entries {
            if let Leaf::Entry { index, newest } = entry {
                map.set(Head { index: *index, newest: *newest });
            }
        }
        for head in heads {
            map.set(*head);
        }
        let bytes = encode_heads(heads);
        let leaf = Leaf::Map {
            root: map.root(),
            heads_hash: heads_hash(&bytes),
            // Invariant: a batch is bounded by whoever makes it, far below this.
            heads_count: u32::try_from(heads.len()).unwrap_or(u32::MAX),
        };
        (leaf, bytes)
    }
}
