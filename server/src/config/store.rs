//! Where sealed content is kept: a folder, or a bucket of an object store that speaks S3.

use std::{fmt, net::IpAddr, str::FromStr};

use clap::Args;

use super::{DatabaseUrl, LogConfig};

/// The settings of the blob store.
#[derive(Args, Clone, Debug)]
pub struct BlobsConfig {
    /// `folder` (in the data folder), or `s3://bucket/prefix`, which needs a `postgres://` database.
    #[arg(
        long = "blobs",
        global = true,
        env = "RECONNECT_BLOBS",
        value_name = "RECONNECT_BLOBS",
        default_value = "folder"
    )]
    pub place: BlobsPlace,
    /// Address of the object store, when it is not Amazon's: `https://…`.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_S3_ENDPOINT",
        value_name = "RECONNECT_S3_ENDPOINT"
    )]
    pub s3_endpoint: Option<String>,
    /// Region of the bucket.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_S3_REGION",
        value_name = "RECONNECT_S3_REGION",
        default_value = "us-east-1"
    )]
    pub s3_region: String,
    /// Id of the access key.
    #[arg(long, global = true, env = "RECONNECT_S3_KEY_ID", value_name = "RECONNECT_S3_KEY_ID")]
    pub s3_key_id: Option<String>,
    /// Secret of the access key; never shown.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_S3_SECRET",
        value_name = "RECONNECT_S3_SECRET",
        hide_env_values = true
    )]
    pub s3_secret: Option<S3Secret>,
    /// Speak to the object store without TLS, on a network where nobody listens. On this machine it
    /// is always allowed.
    #[arg(long, global = true, env = "RECONNECT_S3_PLAIN_HTTP")]
    pub s3_plain_http: bool,
}

impl Default for BlobsConfig {
    fn default() -> Self {
        Self {
            place: BlobsPlace::Folder,
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_key_id: None,
            s3_secret: None,
            s3_plain_http: false,
        }
    }
}

/// Where blobs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobsPlace {
    /// In the data folder.
    Folder,
    /// In a bucket, whose names begin so.
    Bucket {
        /// Its name.
        bucket: String,
        /// Before every name, without slashes at its ends; may be empty.
        prefix: String,
    },
}

impl FromStr for BlobsPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "folder" {
            return Ok(Self::Folder);
        }
        let place = text.strip_prefix("s3://").ok_or("give `folder` or s3://bucket/prefix")?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.trim_end_matches('/');
        let plain = |text: &str, more: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        let words = prefix.is_empty() || prefix.split('/').all(|it| it.bytes().any(|b| b != b'.'));
        if bucket.is_empty() || !plain(bucket, b".-") || !plain(prefix, b"._-/") || !words {
            return Err("a bucket and a prefix have letters, digits, dots and hyphens");
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Secret of an access key.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Secret(String);

impl S3Secret {
    /// For who signs requests with it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for S3Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl FromStr for S3Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl BlobsConfig {
    /// Whether sealed content is in a bucket.
    pub fn is_bucket(&self) -> bool {
        self.place != BlobsPlace::Folder
    }

    /// Whether requests may go out without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.s3_endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }

    /// What one setting cannot say alone.
    pub(super) fn check(&self, database: &DatabaseUrl, log: &LogConfig) -> Result<(), String> {
        if !self.is_bucket() {
            return Ok(());
        }
        let why = if *database == DatabaseUrl::Sqlite {
            "RECONNECT_BLOBS: a bucket needs RECONNECT_DATABASE=postgres://…: with SQLite one disk holds \
             what names the content, and the content is kept beside it"
        } else if log.origin.is_none() {
            "RECONNECT_BLOBS: a bucket needs RECONNECT_LOG_ORIGIN, the same for every server: the log has one \
             name, wherever they listen"
        } else if self.s3_key_id.is_none() || self.s3_secret.is_none() {
            "RECONNECT_BLOBS: a bucket needs RECONNECT_S3_KEY_ID and RECONNECT_S3_SECRET"
        } else {
            match self.s3_endpoint.as_deref().map(|it| (it.split_once("://"), self.s3_plain_http)) {
                None | Some((Some(("https", _)), _) | (Some(("http", _)), true)) => return Ok(()),
                Some((Some(("http", rest)), false)) if is_loopback(rest) => return Ok(()),
                Some((Some(("http", _)), false)) => {
                    "RECONNECT_S3_ENDPOINT: without TLS whoever listens sees the names of all content and \
                     can change it: give https://…, or set RECONNECT_S3_PLAIN_HTTP=true"
                }
                Some(_) => "RECONNECT_S3_ENDPOINT: give https://…",
            }
        };
        Err(why.to_owned())
    }
}

/// Whether an address without its scheme is on this machine.
fn is_loopback(rest: &str) -> bool {
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Who writes a name before an @ means another host than it seems.
    let host = match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => place,
    };
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: Option<&str>, plain: bool) -> BlobsConfig {
        BlobsConfig {
            place: "s3://papers/one/two/".parse().expect("a bucket"),
            s3_endpoint: endpoint.map(str::to_owned),
            s3_key_id: Some("id".to_owned()),
            s3_secret: Some("hush".parse().expect("a secret")),
            s3_plain_http: plain,
            ..BlobsConfig::default()
        }
    }

    #[test]
    fn a_bucket_has_a_name_and_perhaps_a_prefix() {
        let place = |bucket: &str, prefix: &str| {
            Ok(BlobsPlace::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        };
        assert_eq!("s3://papers/one/two/".parse(), place("papers", "one/two"));
        assert_eq!("s3://papers".parse(), place("papers", ""));
        for wrong in ["", "s3://", "s3:///one", "files", "s3://a b", "s3://a/../b", "s3://a/b//c"] {
            assert!(wrong.parse::<BlobsPlace>().is_err(), "{wrong}");
        }
    }

    /// I-30: what is sealed may go over a network in clear, but what names it may not without a word.
    #[test]
    fn an_object_store_is_spoken_to_without_tls_on_this_machine_only_or_on_purpose() {
        let postgres = DatabaseUrl::Postgres("postgres://…".to_owned());
        let log = LogConfig { origin: Some("log.example".to_owned()), ..LogConfig::default() };
        for (endpoint, plain, good) in [
            (None, false, true),
            (Some("https://store.example"), false, true),
            (Some("http://127.0.0.1:8333"), false, true),
            (Some("http://[::1]:8333"), false, true),
            (Some("http://localhost"), false, true),
            (Some("http://store.example"), false, false),
            (Some("http://127.0.0.1@store.example"), false, false),
            (Some("http://127.0.0.1.store.example:80"), false, false),
            (Some("http://store.example"), true, true),
            (Some("ftp://store.example"), true, false),
            (Some("store.example"), false, false),
        ] {
            let checked = bucket(endpoint, plain).check(&postgres, &log);
            assert_eq!(checked.is_ok(), good, "{endpoint:?}: {checked:?}");
        }
        assert!(bucket(None, false).check(&DatabaseUrl::Sqlite, &log).is_err(), "a file beside it");
        assert!(bucket(None, false).check(&postgres, &LogConfig::default()).is_err(), "no name");
        assert!(!format!("{:?}", bucket(None, false)).contains("hush"));
    }
}
