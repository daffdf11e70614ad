//! Knowing that nothing changed: a stamp holds the hash of everything a result was made from.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::command::root;

/// What a result is made from, and the file that remembers it.
pub(crate) struct Stamp {
    file: PathBuf,
    hash: String,
}

impl Stamp {
    /// Takes the hash of files and folders, named from the root, and of some words beside them.
    ///
    /// Invariant: a folder that is made by a build must not be among them.
    pub(crate) fn take(file: PathBuf, inputs: &[&str], words: &[&str]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        let mut files = Vec::new();
        for input in inputs {
            list(&root().join(input), &mut files)?;
        }
        files.sort();
        for file in files {
            file.strip_prefix(root()).unwrap_or(&file).hash(&mut hasher);
            fs::read(&file)
                .with_context(|| format!("cannot read {}", file.display()))?
                .hash(&mut hasher);
        }
        Ok(Self { file, hash: format!("{:016x}", hasher.finish()) })
    }

    /// Whether the result was made from exactly this.
    pub(crate) fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|hash| hash == self.hash)
    }

    /// Remembers that the result was made from this.
    pub(crate) fn keep(&self) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.file, &self.hash)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

/// Waits until nobody else builds the client or the page here; the turn ends with the value.
pub(crate) fn my_turn() -> Result<File> {
    let folder = root().join("target/xtask");
    fs::create_dir_all(&folder)?;
    let turn = File::create(folder.join("turn")).context("cannot make target/xtask/turn")?;
    turn.lock()?;
    Ok(turn)
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
    } else if path.is_dir() {
        for entry in fs::read_dir(path)? {
            list(&entry?.path(), files)?;
        }
    }
    Ok(())
}
