//! Blobs: sealed content, one object for each part of an upload, in a folder or in a bucket.
//!
//! Invariant: a part is seen whole or not at all, and its row is written after it. Which of the two stores it is
//! shows here and in [`crate::object`] only.

mod bucket;
#[cfg(test)]
pub(crate) mod fake;
mod folder;

use std::{
    collections::HashSet,
    fmt, io,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use reconnect_format::id::EnvelopeId;

use crate::{
    config::{BlobsPlace, Config},
    error::{Error, Result},
};
pub(crate) use bucket::Bucket;
use folder::Folder;

/// A part of an upload; `None` stands for the upload itself.
pub(crate) type Place = (EnvelopeId, Option<u32>);

/// The random name that a part has in a bucket. Another try of the same part has another, so that whatever
/// comes late, a request or a removal, meets nothing that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(crate) [u8; 16]);

impl Name {
    pub(crate) fn draw() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Broken("the system gives no randomness"))?;
        Ok(Self(bytes))
    }

    /// As the database keeps it.
    pub(crate) fn of(row: &[u8]) -> Result<Self> {
        let bytes = row.try_into().map_err(|_| Error::Broken("a name in the database is cut"))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One part as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) envelope_id: EnvelopeId,
    pub(crate) index: u32,
    /// In a bucket.
    pub(crate) name: Option<Name>,
}

/// The blob store of one installation.
#[derive(Clone)]
pub(crate) struct Blobs {
    store: Store,
    held: Arc<Mutex<HashSet<Place>>>,
}

#[derive(Clone)]
enum Store {
    Folder(Folder),
    Bucket(Bucket),
}

/// While this lives, nobody else of this process writes or removes at its place.
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
pub(crate) enum Arriving {
    /// Beside its place in the folder.
    File(folder::Arriving),
    /// In memory: no part is larger than what a bucket takes in one request.
    Memory(bucket::Arriving),
}

/// A part that is being read.
pub(crate) enum Reading {
    File(folder::Reading),
    Object(Box<bucket::Reading>),
}

impl Reading {
    /// The next `count` bytes, exactly. What is not in memory begins to be read even when nobody waits for it, so
    /// that the next can be on their way while these leave.
    pub(crate) fn ahead(self, count: u64) -> Ahead {
        match self {
            Self::File(file) if file.is_near() => Ahead::Near(file, count),
            other => Ahead::Read(other.begin(count)),
        }
    }

    fn begin(self, count: u64) -> Begun {
        match self {
            Self::File(mut file) => tokio::task::spawn_blocking(move || {
                let bytes = file.next(count)?;
                Ok((Self::File(file), bytes))
            }),
            Self::Object(mut object) => tokio::spawn(async move {
                let bytes = object.next(count).await?;
                Ok((Self::Object(object), bytes))
            }),
        }
    }
}

type Begun = tokio::task::JoinHandle<io::Result<(Reading, Bytes)>>;

/// Bytes that are the next.
pub(crate) enum Ahead {
    /// In memory, as it seems: another thread would cost more than the copy.
    Near(folder::Reading, u64),
    /// Being read.
    Read(Begun),
}

impl Ahead {
    /// Waits for them.
    pub(crate) async fn read(self) -> Result<(Reading, Bytes)> {
        let begun = match self {
            Self::Near(mut file, count) => match file.now(count) {
                Some(bytes) => return Ok((Reading::File(file), bytes)),
                None => Reading::File(file).begin(count),
            },
            Self::Read(begun) => begun,
        };
        let read = begun.await.map_err(|_| Error::Broken("a part was not read to the end"))?;
        Ok(read?)
    }
}

impl Blobs {
    /// Opens the store, and removes what a crash left half-written in a folder.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let blobs = Self::beside(config)?;
        if let Store::Folder(folder) = &blobs.store {
            folder.repair()?;
        }
        Ok(blobs)
    }

    /// Opens it beside a running server.
    pub(crate) fn beside(config: &Config) -> anyhow::Result<Self> {
        let store = match &config.blobs.place {
            BlobsPlace::Folder => Store::Folder(Folder::open(&config.data)?),
            BlobsPlace::Bucket { bucket, prefix } => {
                Store::Bucket(Bucket::open((bucket, prefix), &config.blobs)?)
            }
        };
        Ok(Self { store, held: Arc::default() })
    }

    /// The bucket, where it is one.
    pub(crate) fn bucket(&self) -> Option<&Bucket> {
        match &self.store {
            Store::Folder(_) => None,
            Store::Bucket(bucket) => Some(bucket),
        }
    }

    /// Holds a place, unless somebody does.
    pub(crate) fn hold(&self, place: Place) -> Option<Hold> {
        let free = self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        free.then(|| Hold { place, held: Arc::clone(&self.held) })
    }

    /// Makes the folder of an upload, durably; a bucket has none.
    pub(crate) async fn begin(&self, envelope_id: EnvelopeId) -> Result<()> {
        match &self.store {
            Store::Folder(folder) => folder.begin(envelope_id).await,
            Store::Bucket(_) => Ok(()),
        }
    }

    /// Starts to write one part.
    pub(crate) async fn arrive(&self, envelope_id: EnvelopeId, index: u32) -> Result<Arriving> {
        match &self.store {
            Store::Folder(folder) => folder.arrive(envelope_id, index).await.map(Arriving::File),
            Store::Bucket(bucket) => Ok(Arriving::Memory(bucket.arrive())),
        }
    }

    /// Opens one part, to be read within `range`.
    pub(crate) async fn open_part(&self, part: Part, range: Range<u64>) -> Result<Reading> {
        match &self.store {
            Store::Folder(folder) => folder.open_part(part, range.start).await.map(Reading::File),
            Store::Bucket(bucket) => {
                let reading = bucket.open_part(part, range).await?;
                Ok(Reading::Object(Box::new(reading)))
            }
        }
    }

    /// Removes a whole envelope from a folder. Success when there is nothing. From a bucket only what has no row
    /// is removed: [`crate::object`].
    pub(crate) async fn remove(&self, envelope_id: EnvelopeId) -> Result<()> {
        match &self.store {
            Store::Folder(folder) => folder.remove(envelope_id).await,
            Store::Bucket(_) => Ok(()),
        }
    }

    /// Removes one part. Success when there is nothing.
    pub(crate) async fn remove_part(&self, part: Part) -> Result<()> {
        match &self.store {
            Store::Folder(folder) => folder.remove_part(part).await,
            Store::Bucket(bucket) => bucket.remove_part(part).await,
        }
    }

    /// What a folder holds: names of envelopes, and of parts in each. A bucket is listed in pages.
    pub(crate) async fn list(&self) -> Result<Vec<(EnvelopeId, Vec<u32>)>> {
        match &self.store {
            Store::Folder(folder) => folder.list().await,
            Store::Bucket(_) => Ok(Vec::new()),
        }
    }
}

impl Arriving {
    /// Takes the next bytes.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        match self {
            Self::File(file) => file.push(bytes).await,
            Self::Memory(memory) => memory.push(bytes),
        }
    }

    /// Makes the part visible and durable.
    pub(crate) async fn finish(self, part: Part) -> Result<()> {
        match self {
            Self::File(file) => file.finish().await,
            Self::Memory(memory) => memory.finish(part).await,
        }
    }
}
