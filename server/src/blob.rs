//! Blobs: sealed content, one object for each part, under `<envelope id>/<part index>`.
//!
//! Order of a write: temporary file, fsync, rename, fsync of the folder (all `object_store`'s with
//! `with_fsync`), then the caller commits the row and acknowledges. The envelope's own folder is
//! made durable when the upload is declared: two first parts at once would not wait for each other.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use object_store::{
    MultipartUpload, ObjectStoreExt as _, PutPayload, local::LocalFileSystem,
    path::Path as Location,
};
use reconnect_format::{api::Code, id::EnvelopeId};

use crate::{
    error::{Error, Result, causes, is_full, stop_without_ack},
    fault::{self, Mutant},
    secret::{make_folder, sync_folder},
};

/// A part of an upload; `None` stands for the upload itself.
pub(crate) type Place = (EnvelopeId, Option<u32>);

/// The blob store of one data folder.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    store: Arc<LocalFileSystem>,
    folder: PathBuf,
    held: Arc<Mutex<HashSet<Place>>>,
}

/// While this lives, nobody else writes or removes at its place.
#[derive(Debug)]
pub(crate) struct Hold {
    place: Place,
    held: Arc<Mutex<HashSet<Place>>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// A part that is arriving: invisible until it is finished, gone when it is dropped.
pub(crate) struct Arriving(Box<dyn MultipartUpload>);

/// A part that is being read.
pub(crate) struct Reading(fs::File);

impl Reading {
    /// Begins to read exactly the next `count` bytes, on a thread that may wait for the disk. They are
    /// read even when nobody waits for them, so that the next can be on their way while these leave.
    pub(crate) fn ahead(mut self, count: u64) -> Ahead {
        Ahead(tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(usize::try_from(count).map_err(io::Error::other)?);
            let read = (&mut self.0).take(count).read_to_end(&mut bytes)?;
            if read as u64 != count {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok((self, bytes.into()))
        }))
    }
}

/// Bytes that are being read.
pub(crate) struct Ahead(tokio::task::JoinHandle<io::Result<(Reading, Bytes)>>);

impl Ahead {
    /// Waits for them.
    pub(crate) async fn read(self) -> Result<(Reading, Bytes)> {
        let read = self.0.await.map_err(|_| Error::Broken("a part was not read to the end"))?;
        Ok(read?)
    }
}

impl Blobs {
    /// Opens the store, and removes what a crash left half-written.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let folder = data.join("blobs");
        make_folder(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                remove_half_written(&entry.path())?;
            }
        }
        let store =
            LocalFileSystem::new_with_prefix(&folder)?.with_fsync(!fault::has(Mutant::NoBlobSync));
        Ok(Self { store: Arc::new(store), folder, held: Arc::default() })
    }

    /// Holds a place, unless somebody does.
    pub(crate) fn hold(&self, place: Place) -> Option<Hold> {
        let free = self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        free.then(|| Hold { place, held: Arc::clone(&self.held) })
    }

    /// Makes the folder of an upload, durably.
    pub(crate) async fn begin(&self, envelope_id: EnvelopeId) -> Result<()> {
        let folder = self.folder.join(envelope_id.to_string());
        let made = blocking(move || {
            if !folder.is_dir() {
                fs::create_dir_all(&folder)?;
            }
            fault::point("blobs: an upload's folder", "made");
            if fault::has(Mutant::NoFolderSync) {
                return Ok(());
            }
            folder.parent().map_or(Ok(()), sync_folder)
        });
        made.await.map_err(written)
    }

    /// Starts to write one part.
    pub(crate) async fn arrive(&self, envelope_id: EnvelopeId, index: u32) -> Result<Arriving> {
        self.store.put_multipart(&location(envelope_id, index)).await.map(Arriving).map_err(put)
    }

    /// Opens one part, to be read from `start` on.
    pub(crate) async fn open_part(
        &self,
        envelope_id: EnvelopeId,
        index: u32,
        start: u64,
    ) -> Result<Reading> {
        let file = self.folder.join(envelope_id.to_string()).join(index.to_string());
        let opened = blocking(move || {
            let mut file = fs::File::open(file)?;
            file.seek(io::SeekFrom::Start(start))?;
            Ok(file)
        });
        Ok(Reading(opened.await?))
    }

    /// Removes a whole envelope. Success when there is nothing.
    pub(crate) async fn remove(&self, envelope_id: EnvelopeId) -> Result<()> {
        let folder = self.folder.join(envelope_id.to_string());
        let removed = blocking(move || match fs::remove_dir_all(&folder) {
            Ok(()) => {
                fault::point("blobs: an upload's folder", "removed");
                folder.parent().map_or(Ok(()), sync_folder)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        });
        Ok(removed.await?)
    }

    /// Removes one part. Success when there is nothing.
    pub(crate) async fn remove_part(&self, envelope_id: EnvelopeId, index: u32) -> Result<()> {
        match self.store.delete(&location(envelope_id, index)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the folder holds: names of envelopes, and of parts in each.
    pub(crate) async fn list(&self) -> Result<Vec<(EnvelopeId, Vec<u32>)>> {
        let folder = self.folder.clone();
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
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.0.put_part(PutPayload::from_bytes(bytes)).await.map_err(put)
    }

    /// Makes the part visible and durable.
    pub(crate) async fn finish(mut self) -> Result<()> {
        fault::point("blobs: a part", "before it is whole");
        self.0.complete().await.map(drop).map_err(put)?;
        fault::point("blobs: a part", "whole");
        Ok(())
    }
}

fn location(envelope_id: EnvelopeId, index: u32) -> Location {
    Location::from_iter([envelope_id.to_string(), index.to_string()])
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
