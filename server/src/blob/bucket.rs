//! Blobs in a bucket that speaks S3, under `<prefix>/blobs/<envelope id>/<part index>.<name>`.
//!
//! Invariant: nothing rests on a condition that the object store would have to check, nor on its clock. Each
//! try of a part is one `PUT` under a name of its own, so a request that took effect after its time was out
//! leaves an object that no row names. Parts are smaller than what multipart uploads begin with: there are
//! never unfinished ones.

use std::{
    io,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _,
    PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Location,
};
use reconnect_format::{api::Code, id::EnvelopeId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant, timeout},
};

use super::{Name, Part};
use crate::{
    config::BlobsConfig,
    error::{Error, Result, redacted},
    fault,
};

/// Bytes of all parts together that wait in memory to be whole.
const ROOM_BYTES: usize = 256 << 20;
/// A request is tried again for so long.
const RETRYING: Duration = Duration::from_secs(15);
/// Nothing came for so long: the connection is given up.
const SILENT: Duration = Duration::from_secs(20);
/// A request with all its tries; a part of four megabytes on a slow line among them.
const LONGEST: Duration = Duration::from_mins(1);
/// How often the rest of a part is asked for.
const REOPENED: u32 = 3;
/// When those who ask may come again.
const AGAIN_SECONDS: u64 = 5;
/// How long what was found out about the bucket is believed.
const BELIEVED: Duration = Duration::from_secs(2);

/// Whether the bucket answered, and when it was asked.
type Looked = Option<(Instant, bool)>;

/// One bucket, below one prefix.
#[derive(Clone)]
pub(crate) struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Location,
    /// In KiB.
    room: Arc<Semaphore>,
    looked: Arc<Mutex<Looked>>,
}

/// A part that is gathered in memory.
pub(crate) struct Arriving {
    bucket: Bucket,
    chunks: Vec<Bytes>,
    room: Vec<OwnedSemaphorePermit>,
}

/// A part that is being read.
pub(crate) struct Reading {
    bucket: Bucket,
    location: Location,
    /// What was not given yet.
    range: Range<u64>,
    stream: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    left: Bytes,
    reopened: u32,
}

impl Bucket {
    pub(super) fn open(
        (bucket, prefix): (&str, &str),
        config: &BlobsConfig,
    ) -> anyhow::Result<Self> {
        // The library that the database's connections use. An error says that somebody was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(SILENT)
            .with_connect_timeout(Duration::from_secs(5))
            .with_allow_http(config.is_plain());
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(2),
            ..BackoffConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&config.s3_region)
            .with_client_options(options)
            .with_retry(RetryConfig { backoff, max_retries: 6, retry_timeout: RETRYING });
        if let Some(endpoint) = &config.s3_endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(id), Some(secret)) = (&config.s3_key_id, &config.s3_secret) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret.reveal());
        }
        Ok(Self {
            store: Arc::new(builder.build().context("RECONNECT_BLOBS")?),
            prefix: Location::parse(prefix).context("RECONNECT_BLOBS")?,
            room: Arc::new(Semaphore::new(ROOM_BYTES >> 10)),
            looked: Arc::default(),
        })
    }

    /// Where something is.
    fn at<'a>(&'a self, words: impl IntoIterator<Item = &'a str>) -> Location {
        words.into_iter().fold(self.prefix.clone(), Location::join)
    }

    fn part(&self, part: Part) -> Result<Location> {
        let name = part.name.ok_or(Error::Broken("a part in a bucket has no name"))?;
        let envelope = part.envelope_id.to_string();
        let last = format!("{}.{name}", part.index);
        Ok(self.at(["blobs", envelope.as_str(), last.as_str()]))
    }

    pub(super) fn arrive(&self) -> Arriving {
        Arriving { bucket: self.clone(), chunks: Vec::new(), room: Vec::new() }
    }

    pub(super) async fn open_part(&self, part: Part, range: Range<u64>) -> Result<Reading> {
        let (bucket, location) = (self.clone(), self.part(part)?);
        let mut reading =
            Reading { bucket, location, range, stream: None, left: Bytes::new(), reopened: 0 };
        reading.open().await?;
        Ok(reading)
    }

    pub(super) async fn remove_part(&self, part: Part) -> Result<()> {
        self.remove_all(vec![self.part(part)?]).await
    }

    /// How many bytes a part's object has.
    pub(crate) async fn bytes_of(&self, part: Part) -> Result<u64> {
        let location = self.part(part)?;
        Ok(bounded(self.store.head(&location)).await?.size)
    }

    /// Removes objects. Success for those that are not there.
    pub(crate) async fn remove_all(&self, locations: Vec<Location>) -> Result<()> {
        let removed = futures_util::stream::iter(locations).map(Ok).boxed();
        let mut removed = self.store.delete_stream(removed);
        bounded(async {
            while let Some(one) = removed.next().await {
                match one {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
        .await
    }

    /// Every part that the bucket holds, or those of one envelope, in pages, with its name. What is named
    /// otherwise is nobody's of here.
    pub(crate) fn parts(
        &self,
        of: Option<EnvelopeId>,
    ) -> impl futures_util::Stream<Item = Result<Vec<(Location, Name)>>> {
        const PAGE: usize = 500;
        let envelope = of.map(|envelope_id| envelope_id.to_string());
        let listed =
            self.store.list(Some(&self.at(["blobs"].into_iter().chain(envelope.as_deref()))));
        listed.map_err(|error| away(&error)).try_chunks(PAGE).map(|page| {
            let page = page.map_err(|error| error.1)?;
            let named = page.into_iter().filter_map(|meta| {
                let name = name_of(meta.location.filename()?)?;
                Some((meta.location, name))
            });
            Ok(named.collect())
        })
    }

    /// Writes one object beside the blobs. Whether the bucket keeps older versions of it.
    pub(crate) async fn put(&self, words: &[&str], bytes: Vec<u8>) -> Result<bool> {
        let location = self.at(words.iter().copied());
        let put = bounded(self.store.put(&location, PutPayload::from(bytes))).await?;
        Ok(put.version.is_some_and(|version| version != "null"))
    }

    /// Reads one, if it is there.
    pub(crate) async fn get(&self, words: &[&str]) -> Result<Option<Bytes>> {
        let location = self.at(words.iter().copied());
        let read = bounded(async {
            match self.store.get(&location).await {
                Ok(found) => Ok(Some(found.bytes().await?)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        read.await
    }

    /// The last words of what is there behind `after`, in order.
    pub(crate) async fn names(&self, folder: &[&str], after: &str) -> Result<Vec<String>> {
        let folder = self.at(folder.iter().copied());
        let offset = folder.clone().join(after);
        let mut listed = self.store.list_with_offset(Some(&folder), &offset);
        let mut names = Vec::new();
        while let Some(meta) = listed.try_next().await.map_err(|error| away(&error))? {
            names.extend(meta.location.filename().map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether it answers now, or did a moment ago.
    pub(crate) async fn answers(&self) -> bool {
        let known = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((looked, answered)) = known
            && looked.elapsed() < BELIEVED
        {
            return answered;
        }
        let location = self.at([crate::shared::MARK]);
        let asked = timeout(BELIEVED, self.store.head(&location)).await;
        let answered = matches!(asked, Ok(Ok(_) | Err(object_store::Error::NotFound { .. })));
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        *looked = Some((Instant::now(), answered));
        answered
    }
}

impl Arriving {
    /// Takes room for what has come, and only then: whoever sends slowly holds no more than they sent.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<()> {
        let kib = u32::try_from(bytes.len().div_ceil(1024)).map_err(|_| Code::BadRequest)?;
        let room = Arc::clone(&self.bucket.room).try_acquire_many_owned(kib);
        self.room.push(room.map_err(|_| Error::Wait(Code::Unavailable, 1))?);
        self.chunks.push(bytes);
        Ok(())
    }

    pub(super) async fn finish(self, part: Part) -> Result<()> {
        let location = self.bucket.part(part)?;
        fault::point("blobs: an object", "before it is whole");
        let put = self.bucket.store.put(&location, self.chunks.into_iter().collect());
        bounded(put).await?;
        fault::point("blobs: an object", "whole");
        Ok(())
    }
}

impl Reading {
    async fn open(&mut self) -> Result<()> {
        let range = Some(GetRange::Bounded(self.range.clone()));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = bounded(self.bucket.store.get_opts(&self.location, options)).await?;
        self.stream = Some(found.into_stream());
        Ok(())
    }

    /// Exactly the next `count` bytes: an answer that ends early is asked for again from there, and at last
    /// an error, never less than was asked for.
    pub(super) async fn next(&mut self, count: u64) -> io::Result<Bytes> {
        let count = usize::try_from(count).map_err(io::Error::other)?;
        let mut bytes = BytesMut::with_capacity(count);
        loop {
            let taken = self.left.split_to(self.left.len().min(count - bytes.len()));
            bytes.extend_from_slice(&taken);
            if bytes.len() == count {
                return Ok(bytes.freeze());
            }
            let came = match &mut self.stream {
                Some(stream) => stream.next().await,
                None => None,
            };
            if let Some(Ok(more)) = came {
                self.range.start += more.len() as u64;
                if self.range.start > self.range.end {
                    return Err(io::Error::other("more came than was asked for"));
                }
                self.left = more;
                continue;
            }
            self.stream = None;
            self.reopened += 1;
            if self.reopened > REOPENED || self.range.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.open().await.map_err(io::Error::other)?;
        }
    }
}

/// `<index>.<name>`.
fn name_of(word: &str) -> Option<Name> {
    let (index, name) = word.split_once('.')?;
    index.parse::<u32>().ok()?;
    let mut bytes = [0; 16];
    if name.len() != 32 || !name.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(name.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Name(bytes))
}

/// Never longer than anybody waits for an answer.
async fn bounded<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T> {
    match timeout(LONGEST, work).await {
        Ok(done) => done.map_err(|error| away(&error)),
        Err(_) => Err(Error::Wait(Code::Unavailable, AGAIN_SECONDS)),
    }
}

/// What an object store cannot do now it may do later, and nothing was acknowledged. What is not there is
/// another matter.
fn away(error: &object_store::Error) -> Error {
    if let object_store::Error::NotFound { .. } = error {
        return Error::Broken("an object is not in the bucket");
    }
    // It may say of which object: its name holds an id.
    let error = redacted(error);
    tracing::warn!(error, "the object store failed");
    Error::Wait(Code::Unavailable, AGAIN_SECONDS)
}

#[cfg(test)]
mod tests;
