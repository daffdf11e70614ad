//! Real values to begin with: from the vectors, and from what real clients sent and were answered.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_log::Lookup;
use reconnect_tests::{
    browser::Exchange,
    layout::{Length, Node},
    process::root,
};
use serde_json::Value;

use crate::decoders::Decoder;

/// A value, as bytes and as a tree.
pub(crate) type Seed = (Vec<u8>, Node);

/// Values of every kind, by the place of their decoder.
pub(crate) struct Pool(BTreeMap<usize, Vec<Seed>>);

/// Values of one kind that are kept: of many alike a few.
const KEPT: usize = 60;

impl Pool {
    /// From both.
    pub(crate) fn gather(decoders: &[Decoder], recording: &[Exchange]) -> Result<Self> {
        let mut pool = Self(BTreeMap::new());
        let (shown, said) = (vectors()?, heard(recording));
        for bytes in shown.iter().flat_map(|it| &it.items).chain(&said) {
            pool.offer(decoders, bytes)?;
        }
        for (at, decoder) in decoders.iter().enumerate() {
            ensure!(!pool.of(at).is_empty(), "no value of {}", decoder.name);
        }
        Ok(pool)
    }

    /// Values of a kind.
    pub(crate) fn of(&self, decoder: usize) -> &[Seed] {
        self.0.get(&decoder).map_or(&[], Vec::as_slice)
    }

    /// Values of some kinds alone, in the order of their decoders.
    pub(crate) fn of_these(&self, decoders: &[Decoder], names: &[&str]) -> Self {
        let kept = (0..).zip(decoders).filter(|(_, it)| names.contains(&it.name));
        Self((0..).zip(kept.map(|(at, _)| self.of(at).to_vec())).collect())
    }

    /// Takes in what some decoder takes; the layouts must be those of the types.
    fn offer(&mut self, decoders: &[Decoder], bytes: &[u8]) -> Result<()> {
        for (at, decoder) in decoders.iter().enumerate() {
            if (decoder.read)(bytes).is_none() {
                continue;
            }
            let tree = decoder.tree(bytes);
            let tree = tree.with_context(|| format!("{}: not of its layout", decoder.name))?;
            ensure!(tree.write() == bytes, "{}: another layout", decoder.name);
            let seeds = self.0.entry(at).or_default();
            if seeds.len() < KEPT && seeds.iter().all(|(known, _)| known != bytes) {
                seeds.push((bytes.to_vec(), tree));
            }
        }
        Ok(())
    }
}

/// A file of the vectors.
pub(crate) struct Vector {
    pub(crate) name: String,
    /// All before the bytes.
    pub(crate) head: String,
    /// Whether nothing is wrong with it.
    pub(crate) is_good: bool,
    pub(crate) items: Vec<Vec<u8>>,
}

impl Vector {
    /// The same file with other bytes.
    pub(crate) fn with(&self, items: &[Vec<u8>]) -> Vec<u8> {
        let items: Vec<_> = items.iter().map(hex::encode).collect();
        format!("{}---\n{}\n", self.head, items.join("\n\n")).into_bytes()
    }
}

/// All of them.
pub(crate) fn vectors() -> Result<Vec<Vector>> {
    let mut vectors = Vec::new();
    for object in list(&root().join("tests/vectors/v1"))? {
        for case in list(&object)? {
            let text = fs::read_to_string(&case)?;
            let name = case.strip_prefix(root())?.display().to_string();
            let (head, body) = text.split_once("---\n").context("a vector")?;
            let items = body.trim_end().split("\n\n").filter(|it| !it.is_empty());
            let items = items.map(|it| hex::decode(it.replace('\n', "")));
            let items = items.collect::<Result<_, _>>().with_context(|| name.clone())?;
            let is_good = head.lines().any(|line| line == "expect: ok");
            vectors.push(Vector { name, head: head.to_owned(), is_good, items });
        }
    }
    Ok(vectors)
}

fn list(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Everything that went over the wire: bodies as they are, and each text of their JSON, as it is and as bytes.
fn heard(recording: &[Exchange]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for exchange in recording {
        let path = exchange.head.split(' ').nth(1).unwrap_or_default();
        if let Some(tile) = path.strip_prefix("/v1/log/tile/") {
            found.push(tile.as_bytes().to_vec());
        }
        for body in [&exchange.sent, &exchange.answer.body] {
            // Content of papers is no object of its own but for its header.
            let header = body.get(..reconnect_format::envelope::HEADER_BYTES);
            found.extend(header.map(<[u8]>::to_vec));
            match serde_json::from_slice(body) {
                Ok(json) => texts(&json, &mut found),
                Err(_) if body.len() < 1 << 16 => found.push(body.clone()),
                Err(_) => {}
            }
        }
    }
    found
}

fn texts(json: &Value, found: &mut Vec<Vec<u8>>) {
    match json {
        Value::String(text) => {
            if let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) {
                // A look-up carries a text.
                found.extend(Lookup::decode(&bytes).ok().map(|it| it.checkpoint));
                found.push(bytes);
            }
            found.push(text.as_bytes().to_vec());
        }
        Value::Array(items) => items.iter().for_each(|it| texts(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| texts(it, found)),
        _ => {}
    }
}

/// A value with its list, or its bytes, in one place at every length that means something: around what lists
/// may have, and as much as can come in.
pub(crate) fn at_sizes(tree: &Node, place: usize, most: usize) -> Vec<Vec<u8>> {
    const SIZES: [usize; 15] =
        [0, 1, 8, 9, 32, 33, 64, 65, 100, 101, 120, 121, 256, 10_000, 10_001];
    let mut sized = Vec::new();
    let mut whole = tree.clone();
    let rest = tree.write().len();
    let Some(node) = whole.place(place).map(|node| node.clone()) else { return sized };
    let mut put = |changed: Node| {
        let mut whole = tree.clone();
        if let Some(node) = whole.place(place) {
            *node = changed;
            let bytes = whole.write();
            if bytes.len() <= most {
                sized.push(bytes);
            }
        }
    };
    if let Some(of) = &node.items {
        let smallest = Node::smallest(of);
        let first = node.parts.first().cloned().unwrap_or_else(|| smallest.clone());
        let counts = SIZES.iter().map(|size| (*size, &first));
        let each = smallest.write().len();
        // A few bytes for lengths that grow around it. A text has no smallest line.
        let fill = most.saturating_sub(rest + 64).checked_div(each).unwrap_or_default();
        for (count, item) in counts.chain([(fill, &smallest)]) {
            if count.saturating_mul(item.write().len()) <= most {
                put(Node { parts: vec![item.clone(); count], ..node.clone() });
            }
        }
    } else if node.length == Some(Length::True) && node.parts.is_empty() {
        let fill = most.saturating_sub(rest + 64);
        for count in SIZES.into_iter().chain([fill]) {
            put(Node { bytes: vec![b'a'; count], ..node.clone() });
        }
    }
    sized
}
