//! Whether the page that a server gives out is the one that its log names. LOG-18, LOG-19.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use reconnect_log::Newest;
use sha2::{Digest as _, Sha256};

use crate::follow::Follower;

/// What a look at the page came to.
pub(crate) enum Looked {
    /// So many files are those that the log names under this number.
    Same { number: u64, files: usize },
    /// What differs.
    Other { what: String },
}

/// Fetches the page, every file in every form, and compares it with the map that was recomputed.
pub(crate) fn look(follower: &Follower) -> Result<Looked> {
    let newest = follower.state.replay.map().get(&index("release"));
    let named = newest.context("the log names no page")?;
    let manifest = follower.server.said("release")?;
    if value(named, &manifest) != named.value {
        let what =
            format!("the list of files is not the one that the log names as {}", named.sequence);
        return Ok(Looked::Other { what });
    }
    let mut files = 0;
    for line in manifest.lines() {
        let (hash, name) = line.split_once("  ").context("the list of files is none")?;
        ensure!(is_name(name), "the list of files names {name:?}");
        let (path, encoding) = match name.rsplit_once('.') {
            Some((path, "br")) => (path, "br"),
            Some((path, "gz")) => (path, "gzip"),
            _ => (name, "identity"),
        };
        // What people open has no file's name.
        let opened = match path {
            "index.html" => Some(""),
            "structure.html" => Some("structure"),
            _ => None,
        };
        for path in opened.into_iter().chain([path]) {
            let bytes = follower.server.page(path, encoding)?;
            if hex(&Sha256::digest(bytes)) != hash {
                return Ok(Looked::Other { what: format!("/{path} is not {name}") });
            }
        }
        files += 1;
    }
    ensure!(files > 0, "the list of files is empty");
    Ok(Looked::Same { number: named.sequence, files })
}

/// A path below the page's own address, and nothing else.
fn is_name(name: &str) -> bool {
    let fits = |it: char| it.is_ascii_alphanumeric() || "/._-".contains(it);
    !name.starts_with('/') && !name.contains("..") && name.chars().all(fits)
}

fn index(name: &str) -> [u8; 32] {
    hash("log index", name.as_bytes())
}

fn value(named: Newest, text: &str) -> [u8; 32] {
    hash("log value", &[&named.sequence.to_be_bytes(), text.as_bytes()].concat())
}

/// SHA-256 of the label's length, the label, and what follows. PROTOCOL section 4.
fn hash(label: &str, content: &[u8]) -> [u8; 32] {
    let label = format!("reconnect/v1 {label}");
    let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
    Sha256::digest([&[length], label.as_bytes(), content].concat()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
