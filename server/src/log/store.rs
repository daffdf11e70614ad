//! The log's files: `leaves` and `heads` grow at their ends, checkpoints are replaced whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use reconnect_log::Note;

use crate::fault;
use crate::secret::{make_folder, sync_folder};

/// The newest checkpoint.
pub(super) const NEWEST: &str = "checkpoint";
/// The newest that enough witnesses have cosigned.
pub(super) const WITNESSED: &str = "witnessed";

pub(super) struct Store {
    folder: PathBuf,
    /// Whether it is a copy of what is in a bucket: nobody waits for the disk, and one that is damaged is made anew.
    is_copy: bool,
}

impl Store {
    pub(super) fn open(data: &Path, is_copy: bool) -> anyhow::Result<Self> {
        let folder = data.join("log");
        make_folder(&folder)?;
        Ok(Self { folder, is_copy })
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.is_copy { Ok(()) } else { file.sync_all() }
    }

    fn sync_names(&self) -> io::Result<()> {
        if self.is_copy { Ok(()) } else { sync_folder(&self.folder) }
    }

    /// A checkpoint that was kept, if there is one.
    pub(super) fn note(&self, name: &str) -> anyhow::Result<Option<Note>> {
        match fs::read_to_string(self.folder.join(name)) {
            Ok(text) => {
                Ok(Some(Note::parse(&text).with_context(|| format!("log/{name} is damaged"))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("log/{name}")),
        }
    }

    /// Temporary file, fsync, rename, fsync of the folder: the old one or the new one.
    pub(super) fn keep(&self, name: &str, note: &Note) -> io::Result<()> {
        let fresh = self.folder.join(format!("{name}.new"));
        let mut file = create(&fresh, true)?;
        file.write_all(note.to_string().as_bytes())?;
        self.sync(&file)?;
        fault::point("log: a checkpoint", "before it is there");
        fs::rename(&fresh, self.folder.join(name))?;
        fault::point("log: a checkpoint", "there, perhaps not for good");
        self.sync_names()
    }

    /// Writes a batch behind what belongs to the log, over what a crash left there, durably.
    pub(super) fn append(
        &self,
        (leaves_end, heads_end): (u64, u64),
        leaves: &[u8],
        heads: &[u8],
    ) -> io::Result<()> {
        for (name, end, bytes) in [("heads", heads_end, heads), ("leaves", leaves_end, leaves)] {
            let mut file = create(&self.folder.join(name), false)?;
            file.set_len(end)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(bytes)?;
            self.sync(&file)?;
            fault::point("log: a batch", name);
        }
        self.sync_names()
    }

    /// Both files whole.
    pub(super) fn files(&self) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        let read = |name| fs::read(self.folder.join(name)).with_context(|| format!("log/{name}"));
        Ok((read("leaves")?, read("heads")?))
    }

    /// A part of a file, as much as is there.
    pub(super) fn part(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.folder.join(name))?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn create(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(truncate).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I-5: nothing that the kernel makes up can be synced.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_sync_that_fails_is_told_and_a_copy_waits_for_none() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = File::open("/proc/self/stat")?;
        anyhow::ensure!(Store::open(folder.path(), false)?.sync(&file).is_err());
        Store::open(folder.path(), true)?.sync(&file)?;
        Ok(())
    }
}
