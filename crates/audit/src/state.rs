//! What a witness remembers: the newest checkpoint that it verified, and every leaf and head under
//! it. The files are appended to and synced before the checkpoint that names them is replaced.
//!
//! ```text
//! DIR/lock         held by the one program that works here
//! DIR/log-key      verifier key of the log: another log's is refused
//! DIR/witness      verifier key of the witness, and what stands beside its key: another's is refused
//! DIR/checkpoint   signed note
//! DIR/leaves       each after its length, u16
//! DIR/heads        index ‖ number ‖ value, in the order of the map leaves that name them
//! DIR/evidence/    one folder for each misbehaviour
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_log::{HEAD_BYTES, Leaf, Note, Replay, VerifierKey};

/// One log, as far as it was verified.
pub(crate) struct State {
    folder: PathBuf,
    _lock: File,
    kept: Option<Note>,
    pub(crate) replay: Replay,
    /// Bytes of the files `leaves` and `heads` that belong to the checkpoint.
    lengths: (u64, u64),
}

impl State {
    /// Takes the folder for this program alone, and replays what is in it.
    pub(crate) fn open(folder: &Path, log: &VerifierKey) -> Result<Self> {
        make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = create(&folder.join("lock"), false)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another program works in {}: one state has one witness", folder.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).context("the lock file"),
        }
        match read_key(folder)? {
            None => replace(folder, "log-key", format!("{log}\n").as_bytes())?,
            Some(known) if known == *log => {}
            Some(known) => bail!(
                "{} belongs to the log {known}: give its key, or another --state",
                folder.display()
            ),
        }
        let mut state = Self {
            folder: folder.to_path_buf(),
            _lock: lock,
            kept: read_checkpoint(folder)?,
            replay: Replay::default(),
            lengths: (0, 0),
        };
        state.replay_files(log).with_context(|| {
            format!(
                "the state in {} is damaged. Put it back from a copy; one that is begun anew has \
                 forgotten what was signed, and needs a new witness key",
                folder.display()
            )
        })?;
        Ok(state)
    }

    fn replay_files(&mut self, log: &VerifierKey) -> Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let signed = kept.verify(log).ok().flatten().is_some();
        ensure!(signed, "checkpoint was not signed by the log");
        let (leaves, heads) = self.files()?;
        let (mut leaves, mut heads) = (leaves.as_slice(), heads.as_slice());
        while self.replay.size() < kept.claim().size {
            let leaf = next_leaf(&mut leaves).context("leaves ends too early")?;
            let shown = next_heads(leaf, &mut heads).context("heads ends too early")?;
            self.replay.take(leaf, shown)?;
            self.lengths.0 += 2 + leaf.len() as u64;
            self.lengths.1 += shown.len() as u64;
        }
        ensure!(self.replay.root() == kept.claim().root, "the leaves are not the checkpoint's");
        Ok(())
    }

    /// The newest checkpoint that was verified.
    pub(crate) fn kept(&self) -> Option<&Note> {
        self.kept.as_ref()
    }

    /// Leaves and heads, each counted, under it.
    pub(crate) fn count(&self) -> u64 {
        self.replay.size() + self.lengths.1 / HEAD_BYTES as u64
    }

    /// Both files whole, with what a crash may have left behind.
    pub(crate) fn files(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let read = |name| match fs::read(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.with_context(|| self.folder.join(name).display().to_string()),
        };
        Ok((read("leaves")?, read("heads")?))
    }

    /// Both files as far as they belong to the checkpoint.
    pub(crate) fn verified_files(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (mut leaves, mut heads) = self.files()?;
        leaves.truncate(usize::try_from(self.lengths.0)?);
        heads.truncate(usize::try_from(self.lengths.1)?);
        Ok((leaves, heads))
    }

    /// Keeps what was verified and replayed, durably; what is cosigned afterwards is this. LOG-8.
    pub(crate) fn keep(&mut self, note: &Note, leaves: &[u8], heads: &[u8]) -> Result<()> {
        for (name, end, bytes) in
            [("heads", self.lengths.1, heads), ("leaves", self.lengths.0, leaves)]
        {
            let mut file = create(&self.folder.join(name), false)?;
            file.set_len(end)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        replace(&self.folder, "checkpoint", note.to_string().as_bytes())?;
        self.lengths.0 += leaves.len() as u64;
        self.lengths.1 += heads.len() as u64;
        self.kept = Some(note.clone());
        Ok(())
    }

    /// Where evidence goes.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.folder.join("evidence")
    }
}

/// The next leaf of a file of leaves.
pub(crate) fn next_leaf<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (leaf, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = behind;
    Some(leaf)
}

/// The heads that a leaf names, if it names any, of a file of heads.
pub(crate) fn next_heads<'a>(leaf: &[u8], rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let Ok(Leaf::Map { heads_count, .. }) = Leaf::decode(leaf) else { return Some(&[]) };
    let length = usize::try_from(heads_count).ok()?.checked_mul(HEAD_BYTES)?;
    let (heads, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(heads)
}

/// The log that a state belongs to.
pub(crate) fn read_key(folder: &Path) -> Result<Option<VerifierKey>> {
    let text = read_text(folder, "log-key")?;
    text.map(|text| text.trim_end().parse().context("log-key is damaged")).transpose()
}

/// The checkpoint of a state.
pub(crate) fn read_checkpoint(folder: &Path) -> Result<Option<Note>> {
    let text = read_text(folder, "checkpoint")?;
    text.map(|text| Note::parse(&text).context("checkpoint is damaged")).transpose()
}

/// A file of a few lines, if it is there.
pub(crate) fn read_text(folder: &Path, name: &str) -> Result<Option<String>> {
    match fs::read_to_string(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.with_context(|| folder.join(name).display().to_string())?)),
    }
}

/// Temporary file, fsync, rename, fsync of the folder: the old one or the new one.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = folder.join(format!("{name}.new"));
    let mut file = create(&fresh, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, folder.join(name))?;
    sync_folder(folder)
}

/// A folder for this account alone, durably.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    sync_folder(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Makes names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn create(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(truncate).mode(0o600).open(path)
}
