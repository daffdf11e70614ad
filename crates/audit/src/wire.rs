//! The one way to a server: bounded answers, bounded time, no redirects, TLS outside this machine.

use std::{fmt, str::FromStr, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use reconnect_log::{HEAD_BYTES, tile::TilePath};
use ureq::{Agent, http::Uri};

/// Longest checkpoint: 64 signatures of at most 255 bytes of name each stay far below.
const CHECKPOINT_BYTES: usize = 64 << 10;
/// Longest tile of leaves, of 75 bytes each behind two.
const ENTRIES_BYTES: usize = 256 * 77;
/// Longest tile of hashes.
const HASHES_BYTES: usize = 256 * 32;
/// Longest text that a service says of itself.
const SAID_BYTES: usize = 1 << 20;
/// Longest file of a page.
const PAGE_BYTES: usize = 64 << 20;
/// One call, from its first byte to the last of its answer.
const CALL: Duration = Duration::from_mins(1);
/// How often a call is made, and how long to wait in between.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Where a server is.
#[derive(Clone, Debug)]
pub(crate) struct Address(String);

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let uri: Uri = text.parse().context("not an address")?;
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if ["localhost", "127.0.0.1", "[::1]"].contains(&host) => {}
            _ => bail!("give an https:// address; http:// only of this machine"),
        }
        let is_bare = uri.path_and_query().is_none_or(|path| path == "/");
        let has_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
        ensure!(is_bare && !has_user && !host.is_empty(), "give the address without a path");
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server that nobody believes.
pub(crate) struct Server {
    agent: Agent,
    address: Address,
}

/// What became of a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandedIn {
    /// The server keeps it.
    Taken,
    /// A larger checkpoint stands by now.
    TooLate,
}

impl Server {
    pub(crate) fn new(address: Address) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(CALL))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("reconnect-audit/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, address }
    }

    /// The newest checkpoint, as it is shown.
    pub(crate) fn checkpoint(&self) -> Result<String> {
        let bytes = self.read("checkpoint", CHECKPOINT_BYTES)?;
        String::from_utf8(bytes).context("the checkpoint is no text")
    }

    /// A tile, as it is shown.
    pub(crate) fn tile(&self, path: &TilePath) -> Result<Vec<u8>> {
        let most = if path.level.is_none() { ENTRIES_BYTES } else { HASHES_BYTES };
        self.read(&format!("tile/{path}"), most)
    }

    /// The heads of a map leaf, as they are shown.
    pub(crate) fn heads(&self, leaf: u64, count: u32) -> Result<Vec<u8>> {
        self.read(&format!("heads/{leaf}"), usize::try_from(count)?.saturating_mul(HEAD_BYTES))
    }

    /// What the service says of itself under a name.
    pub(crate) fn said(&self, name: &str) -> Result<String> {
        let bytes = self.read(&format!("said/{name}"), SAID_BYTES)?;
        String::from_utf8(bytes).with_context(|| format!("said/{name} is no text"))
    }

    /// A file of the page, in the form in which a browser gets it that understands `encoding`.
    pub(crate) fn page(&self, path: &str, encoding: &str) -> Result<Vec<u8>> {
        Self::patiently(|| self.attempt(path, encoding, PAGE_BYTES))
    }

    /// Hands in a note with a cosignature.
    pub(crate) fn hand_in(&self, note: &str) -> Result<HandedIn> {
        let url = format!("{}/v1/log/cosignatures", self.address);
        let body = serde_json::json!({ "note": note }).to_string();
        let request = self.agent.post(url).content_type("application/json");
        let answer = request.send(body).context("the cosignature could not be handed in")?;
        match answer.status().as_u16() {
            204 => Ok(HandedIn::Taken),
            409 => Ok(HandedIn::TooLate),
            status @ 400..500 => bail!(
                "the server refuses the cosignature ({status}): is this witness's verifier key in \
                 its RECONNECT_LOG_WITNESSES?"
            ),
            status => bail!("the cosignature could not be handed in: the server answers {status}"),
        }
    }

    /// Reads, and tries again when the network or the server has trouble.
    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>> {
        Self::patiently(|| self.attempt(&format!("v1/log/{path}"), "identity", most))
    }

    fn patiently(attempt: impl Fn() -> Result<Vec<u8>, Trouble>) -> Result<Vec<u8>> {
        for _ in 1..ATTEMPTS {
            match attempt() {
                Err(Trouble::Passing(_)) => thread::sleep(PAUSE),
                Err(Trouble::Lasting(error)) => return Err(error),
                Ok(bytes) => return Ok(bytes),
            }
        }
        attempt().map_err(|trouble| match trouble {
            Trouble::Passing(error) | Trouble::Lasting(error) => error,
        })
    }

    fn attempt(&self, path: &str, encoding: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let url = format!("{}/{path}", self.address);
        let passing = |error| Trouble::Passing(anyhow!("{path} could not be read: {error}"));
        let lasting = |what: String| Trouble::Lasting(anyhow!("{path}: {what}"));
        let answer =
            self.agent.get(&url).header("accept-encoding", encoding).call().map_err(passing)?;
        match answer.status().as_u16() {
            200 => {}
            status @ (429 | 500..) => {
                return Err(Trouble::Passing(anyhow!("{path}: the server answers {status}")));
            }
            status @ 300..400 => {
                return Err(lasting(format!("the server answers {status}: redirects are refused")));
            }
            status => return Err(lasting(format!("the server answers {status}"))),
        }
        // One more than there may be, to tell what is too long from what is just long enough.
        let limit = most as u64 + 1;
        let body = answer.into_body().into_with_config().limit(limit);
        match body.read_to_vec() {
            Ok(bytes) if bytes.len() <= most => Ok(bytes),
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(lasting(format!("longer than the {most} bytes that it may have")))
            }
            Err(error) => Err(passing(error)),
        }
    }
}

/// Whether to try again.
enum Trouble {
    Passing(anyhow::Error),
    Lasting(anyhow::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_leaves_this_machine() {
        for good in ["https://safe.example", "https://safe.example:8443/", "http://127.0.0.1:80"] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in [
            "http://safe.example",
            "http://127.0.0.1.safe.example",
            "http://localhost@safe.example",
            "https://user@safe.example",
            "https://safe.example/path",
            "ftp://127.0.0.1",
            "safe.example",
            "",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
