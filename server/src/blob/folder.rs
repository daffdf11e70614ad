//! Blobs in a folder, under `<envelope id>/<part index>`.
//!
//! Order of a write: temporary file, fsync, rename, fsync of the folder (all `object_store`'s with
//! `with_fsync`), then the caller commits the row and acknowledges. The envelope's own folder is
//! made durable when the upload is declared: two first parts at once would not wait for each other.

use std::{
    fs, io, mem,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use object_store::{
    MultipartUpload, ObjectStoreExt as _, PutPayload, local::LocalFileSystem,
    path::Path as Location,
};
use reconnect_format::{api::Code, id::EnvelopeId};

use super::Part;
use crate::{
    error::{Error, Result, causes, is_full, stop_without_ack},
    fault::{self, Mutant},
    secret::{make_folder, sync_folder},
};

/// The blobs of one data folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    store: Arc<LocalFileSystem>,
    root: PathBuf,
    buffers: Buffers,
}

/// A part that is arriving beside its place.
pub(crate) struct Arriving(Box<dyn MultipartUpload>);

/// A part that is being read.
pub(crate) struct Reading {
    file: fs::File,
    at: u64,
    /// Whether it is in memory, as far as is known.
    is_near: bool,
    buffers: Buffers,
}

impl Reading {
    /// Whether the next bytes are likely in memory: then they are read when they are wanted, where they are wanted.
    pub(super) fn is_near(&self) -> bool {
        self.is_near
    }

    /// Exactly the next `count` bytes if all of them are in memory: nothing here waits for the disk.
    pub(super) fn now(&mut self, count: u64) -> Option<Bytes> {
        let mut piece = self.buffers.lend(usize::try_from(count).ok()?);
        self.is_near = in_memory(&self.file, self.at, piece.as_mut());
        self.is_near.then(|| {
            self.at += count;
            Bytes::from_owner(piece)
        })
    }

    /// Exactly the next `count` bytes, on a thread that may wait for the disk.
    pub(super) fn next(&mut self, count: u64) -> io::Result<Bytes> {
        let mut piece = self.buffers.lend(usize::try_from(count).map_err(io::Error::other)?);
        self.file.read_exact_at(piece.as_mut(), self.at)?;
        self.at += count;
        Ok(Bytes::from_owner(piece))
    }
}

/// Fills `bytes` from `at` on, unless some of it would have to come from the disk (`preadv2`'s `RWF_NOWAIT`).
#[cfg(target_os = "linux")]
fn in_memory(file: &fs::File, at: u64, bytes: &mut [u8]) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let count = bytes.len();
    let read = preadv2(file, &mut [io::IoSliceMut::new(bytes)], at, ReadWriteFlags::NOWAIT);
    read == Ok(count)
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &fs::File, _: u64, _: &mut [u8]) -> bool {
    false
}

/// Buffers that pieces of downloads are read into, lent again and again: fresh memory costs as much as the copy, since
/// the system empties each of its pages first.
#[derive(Clone, Debug, Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// As many wait for their next piece at most, each of one piece's bytes: 8 MiB.
const BUFFERS: usize = 32;

/// The first `count` bytes of a buffer, which goes back when nobody reads it any more.
struct Lent {
    bytes: Vec<u8>,
    count: usize,
    buffers: Buffers,
}

impl Buffers {
    fn lend(&self, count: usize) -> Lent {
        let mut bytes = self.lock().pop().unwrap_or_default();
        if bytes.len() < count {
            bytes.resize(count, 0);
        }
        Lent { bytes, count, buffers: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }
}

impl AsMut<[u8]> for Lent {
    fn as_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.count).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut waiting = self.buffers.lock();
        if waiting.len() < BUFFERS {
            waiting.push(mem::take(&mut self.bytes));
        }
    }
}

impl Folder {
    pub(super) fn open(data: &Path) -> anyhow::Result<Self> {
        let folder = data.join("blobs");
        make_folder(&folder)?;
        let store =
            LocalFileSystem::new_with_prefix(&folder)?.with_fsync(!fault::has(Mutant::NoBlobSync));
        Ok(Self { store: Arc::new(store), root: folder, buffers: Buffers::default() })
    }

    /// Removes what a crash left half-written.
    pub(super) fn repair(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                remove_half_written(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes the folder of an upload, durably.
    pub(super) async fn begin(&self, envelope_id: EnvelopeId) -> Result<()> {
        let folder = self.root.join(envelope_id.to_string());
        let made = blocking(move || {
            if !folder.is_dir() {
                fs::create_dir_all(&folder)?;
            }
            fault::point("blobs: an upload's folder", "made");
            if fault::has(Mutant::NoFolderSync) {
                return Ok(());
            }
            folder.parent().map_or(Ok(()), sync_names)
        });
        made.await.map_err(written)
    }

    /// Starts to write one part.
    pub(super) async fn arrive(&self, envelope_id: EnvelopeId, index: u32) -> Result<Arriving> {
        self.store.put_multipart(&location(envelope_id, index)).await.map(Arriving).map_err(put)
    }

    /// Opens one part, to be read from `start` on.
    pub(super) async fn open_part(&self, part: Part, start: u64) -> Result<Reading> {
        let Part { envelope_id, index, .. } = part;
        let file = self.root.join(envelope_id.to_string()).join(index.to_string());
        let file = blocking(move || fs::File::open(file)).await?;
        Ok(Reading { file, at: start, is_near: true, buffers: self.buffers.clone() })
    }

    /// Removes a whole envelope. Success when there is nothing.
    pub(super) async fn remove(&self, envelope_id: EnvelopeId) -> Result<()> {
        let folder = self.root.join(envelope_id.to_string());
        let removed = blocking(move || match fs::remove_dir_all(&folder) {
            Ok(()) => {
                fault::point("blobs: an upload's folder", "removed");
                folder.parent().map_or(Ok(()), sync_names)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        });
        Ok(removed.await?)
    }

    /// Removes one part. Success when there is nothing.
    pub(super) async fn remove_part(&self, part: Part) -> Result<()> {
        match self.store.delete(&location(part.envelope_id, part.index)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the folder holds: names of envelopes, and of parts in each.
    pub(super) async fn list(&self) -> Result<Vec<(EnvelopeId, Vec<u32>)>> {
        let folder = self.root.clone();
        let listed = blocking(move || {
            let mut envelopes = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let Some(Ok(id)) = entry.file_name().to_str().map(str::parse) else { continue };
                let parts = match fs::read_dir(entry.path()) {
                    Ok(parts) => parts
                        .filter_map(|part| part.ok()?.file_name().to_str()?.parse().ok())
                        .collect(),
                    Err(_) => Vec::new(),
                };
                envelopes.push((id, parts));
            }
            Ok(envelopes)
        });
        Ok(listed.await?)
    }
}

impl Arriving {
    /// Takes the next bytes.
    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.0.put_part(PutPayload::from_bytes(bytes)).await.map_err(put)
    }

    /// Makes the part visible and durable.
    pub(super) async fn finish(mut self) -> Result<()> {
        fault::point("blobs: a part", "before it is whole");
        // A task of its own: whoever sent the part may be gone when a sync fails, and that ends the process all the same.
        let complete = tokio::spawn(async move { self.0.complete().await.map(drop).map_err(put) });
        complete.await.map_err(|_| Error::Broken("a part did not become whole"))??;
        fault::point("blobs: a part", "whole");
        Ok(())
    }
}

fn location(envelope_id: EnvelopeId, index: u32) -> Location {
    Location::from_iter([envelope_id.to_string(), index.to_string()])
}

/// Makes the names in a folder durable. Where that fails, names that others put there may be lost while the next sync
/// succeeds: it ends the process here, whether or not somebody waits for it. I-5.
fn sync_names(folder: &Path) -> io::Result<()> {
    or_stop(sync_folder(folder))
}

fn or_stop(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error) if !is_full(&error) => stop_without_ack("blobs", &error),
        synced => synced,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("a task on the blob folder did not end")))
}

/// A failed write: a full disk is an answer, and so is an upload that was given up while its part
/// arrived, whose folder is gone; anything else is the end.
fn put(error: object_store::Error) -> Error {
    if is_full(&error) {
        error.into()
    } else if causes(&error).any(|cause| cause.kind() == io::ErrorKind::NotFound) {
        Code::NotFound.into()
    } else if fault::has(Mutant::CarryOn) {
        error.into()
    } else {
        stop_without_ack("blobs", &error)
    }
}

fn written(error: io::Error) -> Error {
    if is_full(&error) { error.into() } else { stop_without_ack("blobs", &error) }
}

/// `object_store` writes beside the object, under its name with `#` and a number.
fn remove_half_written(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains('#') {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;
    use crate::error::again;

    /// I-5: only a full disk is told; whatever else fails ends the process.
    #[test]
    fn names_that_cannot_be_made_durable_end_the_process_and_a_full_disk_does_not()
    -> anyhow::Result<()> {
        if again::is_so() {
            sync_names(Path::new("/there/is/no/such/folder"))?;
            return Ok(());
        }
        let full = or_stop(Err(io::ErrorKind::StorageFull.into()));
        ensure!(full.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull));
        let test = "blob::folder::tests::\
            names_that_cannot_be_made_durable_end_the_process_and_a_full_disk_does_not";
        ensure!(again::run(test)? == Some(70), "it went on");
        sync_names(tempfile::tempdir()?.path())?;
        Ok(())
    }
}
