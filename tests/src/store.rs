//! Where sealed content is, for tests that look into it: a folder, or a bucket below a prefix of its own.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::TryStreamExt as _;
use object_store::{
    ObjectStore as _, ObjectStoreExt as _,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Location,
};
use reconnect::{
    Config,
    config::{BlobsConfig, BlobsPlace},
};

/// Names an object store, as `http://<key id>:<secret>@127.0.0.1:<port>/<bucket>`; `cargo xtask test` starts one
/// and gives it to every suite.
pub const SETTING: &str = "RECONNECT_TEST_S3";

/// The object store that the tests are given.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its address.
    pub endpoint: String,
    /// Id of the access key.
    pub key_id: String,
    /// Its secret.
    pub secret: String,
    bucket: String,
}

impl Given {
    /// As the setting says.
    pub fn read() -> Result<Self> {
        let text = env::var(SETTING).with_context(|| {
            format!("{SETTING} is not set: run this suite by `cargo xtask test`")
        })?;
        let parts = text.strip_prefix("http://").and_then(|rest| {
            let (key, rest) = rest.split_once('@')?;
            let (address, bucket) = rest.split_once('/')?;
            let (key_id, secret) = key.split_once(':')?;
            Some([key_id, secret, address, bucket].map(str::to_owned))
        });
        let [key_id, secret, address, bucket] =
            parts.with_context(|| format!("{SETTING}: {text}"))?;
        Ok(Self { endpoint: format!("http://{address}"), key_id, secret, bucket })
    }

    /// Settings that name it, below a prefix that nobody else has.
    pub fn fresh(&self) -> Result<BlobsConfig> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Ok(BlobsConfig {
            place: BlobsPlace::Bucket {
                bucket: self.bucket.clone(),
                prefix: format!("play-{}-{count}", std::process::id()),
            },
            s3_endpoint: Some(self.endpoint.clone()),
            s3_key_id: Some(self.key_id.clone()),
            s3_secret: Some(self.secret.parse()?),
            ..BlobsConfig::default()
        })
    }
}

/// One sealed part as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    bytes: u64,
    /// `<envelope id>/<part index>`, with more behind it in a bucket.
    pub name: String,
}

/// The store that a server with these settings has.
pub enum Store {
    /// Files.
    Folder(std::path::PathBuf),
    /// Objects, below a prefix.
    Bucket(Arc<AmazonS3>, String),
}

impl Store {
    /// Opens it beside the server.
    pub fn of(config: &Config) -> Result<Self> {
        match &config.blobs.place {
            BlobsPlace::Folder => Ok(Self::Folder(config.data.join("blobs"))),
            BlobsPlace::Bucket { prefix, .. } => Self::below(prefix.clone()),
        }
    }

    /// The bucket itself, whoever stands before it for the server.
    pub fn below(prefix: String) -> Result<Self> {
        let given = Given::read()?;
        // As the server does; an error says that it was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = AmazonS3Builder::new()
            .with_bucket_name(&given.bucket)
            .with_region("us-east-1")
            .with_endpoint(&given.endpoint)
            .with_access_key_id(&given.key_id)
            .with_secret_access_key(&given.secret)
            .with_allow_http(true)
            .build()?;
        Ok(Self::Bucket(Arc::new(store), prefix))
    }

    /// All parts, largest first.
    pub async fn blobs(&self) -> Result<Vec<Blob>> {
        let mut found = Vec::new();
        match self {
            Self::Folder(folder) => {
                for envelope in fs::read_dir(folder)? {
                    let envelope = envelope?;
                    for part in fs::read_dir(envelope.path())? {
                        let part = part?;
                        let (of, index) = (envelope.file_name(), part.file_name());
                        let name = format!("{}/{}", of.to_string_lossy(), index.to_string_lossy());
                        found.push(Blob { bytes: part.metadata()?.len(), name });
                    }
                }
            }
            Self::Bucket(..) => {
                for (name, bytes) in self.names("blobs/").await? {
                    found.push(Blob { bytes, name });
                }
            }
        }
        found.sort();
        found.reverse();
        Ok(found)
    }

    /// What a part holds.
    pub async fn read(&self, blob: &Blob) -> Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => Ok(fs::read(folder.join(&blob.name))?),
            Self::Bucket(..) => self.object(&format!("blobs/{}", blob.name)).await,
        }
    }

    /// Puts something else in its place.
    pub async fn write(&self, blob: &Blob, bytes: Vec<u8>) -> Result<()> {
        match self {
            Self::Folder(folder) => Ok(fs::write(folder.join(&blob.name), bytes)?),
            Self::Bucket(..) => self.put(&format!("blobs/{}", blob.name), bytes).await,
        }
    }

    /// Every object, with what it holds; nothing of a folder.
    pub async fn objects(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        if let Self::Bucket(..) = self {
            for (name, _) in self.names("").await? {
                let content = self.object(&name).await?;
                found.push((name, content));
            }
        }
        Ok(found)
    }

    /// Names of objects that begin so, and their sizes, without what they begin with.
    pub async fn names(&self, beginning: &str) -> Result<Vec<(String, u64)>> {
        let (store, prefix) = self.bucket()?;
        let whole = format!("{prefix}/{beginning}");
        let folder = Location::from(whole.trim_end_matches('/'));
        let listed: Vec<_> = store.list(Some(&folder)).try_collect().await?;
        let cut = |location: Location| {
            let name = location.as_ref().strip_prefix(&whole).map(str::to_owned);
            name.ok_or_else(|| anyhow!("{location} is not below {whole}"))
        };
        listed.into_iter().map(|meta| Ok((cut(meta.location)?, meta.size))).collect()
    }

    /// Writes an object.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let (store, prefix) = self.bucket()?;
        store.put(&Location::from(format!("{prefix}/{name}")), bytes.into()).await?;
        Ok(())
    }

    /// Removes an object.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let (store, prefix) = self.bucket()?;
        Ok(store.delete(&Location::from(format!("{prefix}/{name}"))).await?)
    }

    /// What an object holds.
    pub async fn object(&self, name: &str) -> Result<Vec<u8>> {
        let (store, prefix) = self.bucket()?;
        let found = store.get(&Location::from(format!("{prefix}/{name}"))).await?;
        Ok(found.bytes().await?.to_vec())
    }

    fn bucket(&self) -> Result<(&AmazonS3, &str)> {
        match self {
            Self::Folder(_) => bail!("a folder has no objects"),
            Self::Bucket(store, prefix) => Ok((store, prefix)),
        }
    }
}
