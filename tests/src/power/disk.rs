//! A disk that forgets what was not synced.
//!
//! Two pictures of every file and folder are kept: what programs see now, and what would be there after
//! a power cut. `fsync` of a file moves its content from the first to the second, never its name: that is
//! an entry of its folder, and moves when the folder is synced. A cut may find more on the disk than was
//! asked for, block by block and entry by entry, as a system that writes back early leaves it. A failed
//! `fsync` drops what it should have written, as Linux does: the next one succeeds and writes none of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;

/// Number of a file or folder.
pub(super) type Number = u64;

/// The outermost folder.
pub(super) const ROOT: Number = 1;
/// What is written back as one.
const BLOCK: usize = 4096;
/// What a disk writes whole, also when the power fails.
const SECTOR: usize = 512;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A write fails, as on a broken disk.
    Write,
    /// An `fsync` of a file or folder fails, once; what it should have written is lost.
    Sync,
    /// The same, of what has this name.
    SyncOf(&'static str),
    /// A write finds the disk full.
    Full,
}

/// A disk in memory. Copies are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
pub(super) struct State {
    nodes: BTreeMap<Number, Node>,
    next: Number,
    /// From a cut on nothing works any more.
    is_cut: bool,
    trouble: Option<(Trouble, u64)>,
    /// The name of what a sync failed for.
    unsynced: Option<String>,
    /// Writes and syncs that were asked for.
    pub(super) writes: u64,
    pub(super) syncs: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Content),
    Folder(Entries),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    now: Vec<u8>,
    kept: Vec<u8>,
    /// Blocks that differ, or may.
    dirty: BTreeSet<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub(super) now: BTreeMap<OsString, Number>,
    kept: BTreeMap<OsString, Number>,
    /// What happened since the folder was synced, in order.
    since: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Put(OsString, Number),
    Gone(OsString),
    /// One entry becomes another, at once.
    Renamed(OsString, OsString, Number),
}

/// An operation that cannot be done, as the system names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Io,
    Full,
    NotFound,
    Exists,
    NotEmpty,
    IsFolder,
    NotFolder,
}

pub(super) type Done<T> = Result<T, Refused>;

impl Default for Disk {
    fn default() -> Self {
        Self::of(BTreeMap::from([(ROOT, Node::Folder(Entries::default()))]), ROOT + 1)
    }
}

impl Disk {
    fn of(nodes: BTreeMap<Number, Node>, next: Number) -> Self {
        let trouble = None;
        let state =
            State { nodes, next, is_cut: false, trouble, unsynced: None, writes: 0, syncs: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power: from this instant on nothing works here, and nothing more is kept.
    pub fn cut(&self) {
        self.state().is_cut = true;
    }

    /// The disk as it is found when the power is back.
    #[must_use]
    pub fn after_the_cut(&self, rng: &mut ChaCha8Rng) -> Self {
        let state = self.state();
        // How eager the system was: not at all, somewhat, or as far as it could.
        let eager = [0, 20, 50, 80, 100][index(rng, 5)];
        let nodes: BTreeMap<_, _> = state
            .nodes
            .iter()
            .map(|(number, node)| (*number, node.after_the_cut(eager, rng)))
            .collect();
        Self::of(nodes, state.next).without_the_lost()
    }

    /// Files that no folder names are gone.
    fn without_the_lost(self) -> Self {
        let mut state = self.state();
        let mut found = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(folder) = open.pop() {
            if let Some(Node::Folder(entries)) = state.nodes.get(&folder) {
                open.extend(entries.now.values().filter(|number| found.insert(**number)));
            }
        }
        state.nodes.retain(|number, _| found.contains(number));
        drop(state);
        self
    }

    /// After so many more writes or syncs one fails.
    pub fn expect_trouble(&self, trouble: Trouble, after: u64) {
        let mut state = self.state();
        state.trouble = Some((trouble, after));
        state.unsynced = None;
    }

    /// All works again.
    pub fn end_trouble(&self) {
        self.state().trouble = None;
    }

    /// The name of what the sync was for that was to fail, once it has.
    pub fn unsynced(&self) -> Option<String> {
        self.state().unsynced.clone()
    }

    /// How many writes and syncs there were.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.writes, state.syncs)
    }
}

impl Node {
    fn after_the_cut(&self, eager: u64, rng: &mut ChaCha8Rng) -> Self {
        match self {
            Self::File(content) => Self::File(content.after_the_cut(eager, rng)),
            Self::Folder(entries) => Self::Folder(entries.after_the_cut(eager, rng)),
        }
    }
}

impl Content {
    fn after_the_cut(&self, eager: u64, rng: &mut ChaCha8Rng) -> Self {
        let mut kept = self.kept.clone();
        // A file that became shorter or longer may have its new length already.
        if kept.len() != self.now.len() && chance(eager, rng) {
            kept.resize(self.now.len(), 0);
        }
        for block in &self.dirty {
            if !chance(eager, rng) {
                continue;
            }
            let torn = chance(20, rng);
            let (start, end) = (block * BLOCK, ((block + 1) * BLOCK).min(self.now.len()));
            for sector in (start..end).step_by(SECTOR) {
                if torn && chance(50, rng) {
                    continue;
                }
                let sector_end = (sector + SECTOR).min(end);
                if kept.len() < sector_end {
                    kept.resize(sector_end, 0);
                }
                kept[sector..sector_end].copy_from_slice(&self.now[sector..sector_end]);
            }
        }
        Self { now: kept.clone(), kept, dirty: BTreeSet::new() }
    }

    fn sync(&mut self) {
        self.kept.resize(self.now.len(), 0);
        for block in std::mem::take(&mut self.dirty) {
            let end = ((block + 1) * BLOCK).min(self.now.len());
            let start = (block * BLOCK).min(end);
            self.kept[start..end].copy_from_slice(&self.now[start..end]);
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        let first_new = self.now.len().min(offset);
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(bytes);
        if end > first_new {
            self.dirty.extend(first_new / BLOCK..=(end - 1) / BLOCK);
        }
    }

    fn resize(&mut self, length: usize) {
        let before = self.now.len();
        self.now.resize(length, 0);
        if length > before {
            self.dirty.extend(before / BLOCK..=(length - 1) / BLOCK);
        } else if length > 0 {
            // What is cut off inside a block must not come back with the block.
            self.dirty.insert((length - 1) / BLOCK);
        }
    }
}

impl Entries {
    fn after_the_cut(&self, eager: u64, rng: &mut ChaCha8Rng) -> Self {
        let mut kept = self.kept.clone();
        // In the order in which they came, as a journal has them.
        for change in &self.since {
            if !chance(eager, rng) {
                break;
            }
            change.apply(&mut kept);
        }
        Self { now: kept.clone(), kept, since: Vec::new() }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.since.push(change);
    }
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<OsString, Number>) {
        match self {
            Self::Put(name, number) => {
                entries.insert(name.clone(), *number);
            }
            Self::Gone(name) => {
                entries.remove(name);
            }
            Self::Renamed(from, to, number) => {
                entries.remove(from);
                entries.insert(to.clone(), *number);
            }
        }
    }
}

impl State {
    fn check_power(&self) -> Done<()> {
        if self.is_cut { Err(Refused::Io) } else { Ok(()) }
    }

    /// Counts towards the trouble that is to come. Whether it is now.
    fn is_trouble(&mut self, counts: impl Fn(&Trouble) -> bool) -> Option<Trouble> {
        let (trouble, left) = self.trouble.as_mut().filter(|(it, _)| counts(it))?;
        let trouble = *trouble;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        // A disk that is full or broken stays so; a sync fails once.
        if matches!(trouble, Trouble::Sync | Trouble::SyncOf(_)) {
            self.trouble = None;
        }
        Some(trouble)
    }

    fn check_write(&mut self) -> Done<()> {
        self.check_power()?;
        self.writes += 1;
        match self.is_trouble(|it| matches!(it, Trouble::Write | Trouble::Full)) {
            None => Ok(()),
            Some(Trouble::Full) => Err(Refused::Full),
            Some(_) => Err(Refused::Io),
        }
    }

    pub(super) fn node(&self, number: Number) -> Done<&Node> {
        self.check_power()?;
        self.nodes.get(&number).ok_or(Refused::NotFound)
    }

    fn folder(&mut self, number: Number) -> Done<&mut Entries> {
        match self.nodes.get_mut(&number) {
            Some(Node::Folder(entries)) => Ok(entries),
            Some(Node::File(_)) => Err(Refused::NotFolder),
            None => Err(Refused::NotFound),
        }
    }

    fn content(&mut self, number: Number) -> Done<&mut Content> {
        match self.nodes.get_mut(&number) {
            Some(Node::File(content)) => Ok(content),
            Some(Node::Folder(_)) => Err(Refused::IsFolder),
            None => Err(Refused::NotFound),
        }
    }

    pub(super) fn find(&mut self, folder: Number, name: &OsStr) -> Done<Number> {
        self.check_power()?;
        self.folder(folder)?.now.get(name).copied().ok_or(Refused::NotFound)
    }

    pub(super) fn make(&mut self, folder: Number, name: &OsStr, is_folder: bool) -> Done<Number> {
        self.check_write()?;
        let number = self.next;
        let entries = self.folder(folder)?;
        if entries.now.contains_key(name) {
            return Err(Refused::Exists);
        }
        entries.change(Change::Put(name.to_owned(), number));
        self.next += 1;
        let node = if is_folder {
            Node::Folder(Entries::default())
        } else {
            Node::File(Content::default())
        };
        self.nodes.insert(number, node);
        Ok(number)
    }

    pub(super) fn remove(&mut self, folder: Number, name: &OsStr, is_folder: bool) -> Done<()> {
        let number = self.find(folder, name)?;
        match (self.node(number)?, is_folder) {
            (Node::Folder(_), false) => return Err(Refused::IsFolder),
            (Node::File(_), true) => return Err(Refused::NotFolder),
            (Node::Folder(entries), true) if !entries.now.is_empty() => {
                return Err(Refused::NotEmpty);
            }
            _ => {}
        }
        self.folder(folder)?.change(Change::Gone(name.to_owned()));
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        (folder, name): (Number, &OsStr),
        (to, new): (Number, &OsStr),
    ) -> Done<()> {
        self.check_write()?;
        let number = self.find(folder, name)?;
        if folder == to {
            let renamed = Change::Renamed(name.to_owned(), new.to_owned(), number);
            self.folder(folder)?.change(renamed);
        } else {
            self.folder(to)?.change(Change::Put(new.to_owned(), number));
            self.folder(folder)?.change(Change::Gone(name.to_owned()));
        }
        Ok(())
    }

    pub(super) fn read(&mut self, number: Number, offset: usize, count: usize) -> Done<Vec<u8>> {
        self.check_power()?;
        let now = &self.content(number)?.now;
        let start = offset.min(now.len());
        Ok(now[start..(offset + count).min(now.len())].to_vec())
    }

    pub(super) fn write(&mut self, number: Number, offset: usize, bytes: &[u8]) -> Done<()> {
        self.check_write()?;
        self.content(number)?.write(offset, bytes);
        Ok(())
    }

    pub(super) fn resize(&mut self, number: Number, length: usize) -> Done<()> {
        self.check_write()?;
        self.content(number)?.resize(length);
        Ok(())
    }

    /// The last of the names on the way to it.
    fn name_of(&self, number: Number) -> String {
        let names = self.nodes.values().filter_map(|node| match node {
            Node::Folder(entries) => entries.now.iter().find(|(_, it)| **it == number),
            Node::File(_) => None,
        });
        names.map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    pub(super) fn sync(&mut self, number: Number) -> Done<()> {
        self.check_power()?;
        self.syncs += 1;
        let name = self.trouble.is_some().then(|| self.name_of(number));
        let fails = self.is_trouble(|it| match it {
            Trouble::Sync => true,
            Trouble::SyncOf(of) => name.as_deref() == Some(of),
            Trouble::Write | Trouble::Full => false,
        });
        let fails = fails.is_some();
        if fails {
            self.unsynced = name;
        }
        match self.nodes.get_mut(&number).ok_or(Refused::NotFound)? {
            Node::File(content) if fails => content.dirty.clear(),
            // A journal that could not be written keeps nothing of it either.
            Node::Folder(entries) if fails => entries.since.clear(),
            Node::File(content) => content.sync(),
            Node::Folder(entries) => {
                entries.kept = entries.now.clone();
                entries.since.clear();
            }
        }
        if fails { Err(Refused::Io) } else { Ok(()) }
    }

    /// Bytes of a file; of a folder none.
    pub(super) fn length(&self, number: Number) -> Done<u64> {
        Ok(match self.node(number)? {
            Node::File(content) => content.now.len() as u64,
            Node::Folder(_) => 0,
        })
    }
}

fn chance(percent: u64, rng: &mut ChaCha8Rng) -> bool {
    rng.next_u64() % 100 < percent
}

fn index(rng: &mut ChaCha8Rng, count: usize) -> usize {
    usize::try_from(rng.next_u64() % count as u64).unwrap_or_default()
}
