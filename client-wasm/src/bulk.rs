//! Bulk bytes: core's chunk plan on the browser's AES-GCM and SHA-256, part by part.
//!
//! The payload key goes in as a key that cannot be taken out, and its copy is wiped. Plaintext
//! never enters the wasm memory: it goes from the file to the browser's cipher and back.

use std::cell::RefCell;

use js_sys::{Array, Promise, Uint8Array};
use reconnect_core::{
    document::ChunkPlan,
    error::{Damaged, Error},
    vault::{ContentDraft, Reading},
};
use reconnect_format::envelope::{
    CHUNK_BYTES, EnvelopeHeader, PART_CHUNKS, PREFIX_BYTES, TAG_BYTES,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::{outside::object, thrown};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn encrypt(algorithm: &JsValue, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn decrypt(algorithm: &JsValue, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn digest(algorithm: &str, data: &Uint8Array) -> Result<Promise, JsValue>;
}

const SEALED_CHUNK_BYTES: u32 = CHUNK_BYTES + TAG_BYTES;

async fn payload_key(plan: &ChunkPlan, usage: &str) -> Result<JsValue, JsValue> {
    let copy = Uint8Array::from(plan.payload_key().as_slice());
    let usages = Array::of1(&usage.into());
    let imported = import_key("raw", &copy, "AES-GCM", false, &usages)?;
    let key = JsFuture::from(imported).await;
    copy.fill(0, 0, copy.length());
    key
}

fn algorithm(plan: &ChunkPlan, index: u32) -> JsValue {
    object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(plan.nonce(index).as_slice()).into()),
        ("additionalData", Uint8Array::from(plan.associated().as_slice()).into()),
        ("tagLength", (TAG_BYTES * 8).into()),
    ])
    .into()
}

/// Starts hashing `prefixed` as a leaf (RFC 6962: a zero byte, then the leaf). Its first byte may be
/// somebody else's: it is borrowed, since the browser takes its copy before this returns.
fn start_leaf(prefixed: &Uint8Array) -> Result<Promise, JsValue> {
    let borrowed = prefixed.get_index(0);
    prefixed.set_index(0, 0);
    let hashing = digest("SHA-256", prefixed);
    prefixed.set_index(0, borrowed);
    hashing
}

async fn finish_leaf(promise: Promise) -> Result<[u8; 32], JsValue> {
    let mut leaf = [0; 32];
    Uint8Array::new(&JsFuture::from(promise).await?).copy_to(&mut leaf);
    Ok(leaf)
}

/// The chunks of part `part`: first and one past the last.
fn chunks_of(header: &EnvelopeHeader, part: u32) -> (u32, u32) {
    let first = part.saturating_mul(PART_CHUNKS).min(header.chunk_count());
    (first, first.saturating_add(PART_CHUNKS).min(header.chunk_count()))
}

/// Content that is being sealed and uploaded.
#[wasm_bindgen]
pub struct Upload {
    pub(crate) draft: ContentDraft,
    /// Somebody else's safe, where it is for one.
    #[cfg(feature = "structure")]
    pub(crate) to: Option<reconnect_core::vault::DepositTo>,
    key: JsValue,
    pub(crate) leaves: RefCell<Vec<[u8; 32]>>,
    /// Parts are sealed into these in turn: fresh memory costs a third of sealing.
    rooms: [Uint8Array; 2],
}

impl Upload {
    pub(crate) async fn new(draft: ContentDraft) -> Result<Self, JsValue> {
        let key = payload_key(&draft.plan, "encrypt").await?;
        // One byte before a part, so that its first chunk too has one to be hashed with.
        let bytes = 1 + u32::try_from(draft.plan.header().part_bytes(0)).unwrap_or_default();
        let rooms = [(); 2].map(|()| Uint8Array::new_with_length(bytes));
        Ok(Self {
            draft,
            #[cfg(feature = "structure")]
            to: None,
            key,
            leaves: RefCell::default(),
            rooms,
        })
    }
}

#[wasm_bindgen]
impl Upload {
    /// How many parts.
    #[wasm_bindgen(getter)]
    pub fn parts(&self) -> u32 {
        self.draft.plan.header().part_count()
    }

    /// Where it is stored.
    #[wasm_bindgen(getter)]
    pub fn envelope(&self) -> String {
        self.draft.envelope_id.to_string()
    }

    /// Which document.
    #[wasm_bindgen(getter)]
    pub fn document(&self) -> String {
        self.draft.document_id.to_string()
    }

    /// Seals part `part`, whose plaintext is at most 4 MiB; zeros follow it to the padded length.
    /// Parts are sealed in order. The result is lent until the part after the next is sealed.
    pub async fn seal(&self, part: u32, content: Uint8Array) -> Result<Uint8Array, JsValue> {
        let plan = &self.draft.plan;
        let header = plan.header();
        let (first, end) = chunks_of(header, part);
        if self.leaves.borrow().len() != first as usize {
            return Err(thrown(&Error::BadInput));
        }
        let mut sealing = Vec::new();
        for index in first..end {
            let offset = (index - first) * CHUNK_BYTES;
            let mut chunk = content.subarray(offset, offset + CHUNK_BYTES);
            let length = header.chunk_plain_bytes(index);
            if chunk.length() != length {
                let padded = Uint8Array::new_with_length(length);
                padded.set(&chunk, 0);
                chunk = padded;
            }
            sealing.push(encrypt(&algorithm(plan, index), &self.key, &chunk)?);
        }
        let size = u32::try_from(header.part_bytes(part)).unwrap_or_default();
        let [even, odd] = &self.rooms;
        let room = if part.is_multiple_of(2) { even } else { odd };
        let mut hashing = Vec::new();
        let mut offset = 0;
        for promise in sealing {
            let sealed = Uint8Array::new(&JsFuture::from(promise).await?);
            room.set(&sealed, offset + 1);
            let end = offset + 1 + sealed.length();
            hashing.push(start_leaf(&room.subarray(offset, end))?);
            offset += sealed.length();
        }
        for promise in hashing {
            let leaf = finish_leaf(promise).await?;
            self.leaves.borrow_mut().push(leaf);
        }
        Ok(room.subarray(1, size + 1))
    }
}

/// Content that is being read.
#[wasm_bindgen]
pub struct Reader {
    reading: Reading,
    opened: RefCell<Option<(ChunkPlan, JsValue)>>,
    leaves: RefCell<Vec<[u8; 32]>>,
}

impl Reader {
    pub(crate) fn new(reading: Reading) -> Self {
        Self { reading, opened: RefCell::default(), leaves: RefCell::default() }
    }
}

#[wasm_bindgen]
impl Reader {
    /// Where it is fetched.
    #[wasm_bindgen(getter)]
    pub fn path(&self) -> String {
        self.reading.call.path.clone()
    }

    /// Bytes of the envelope.
    #[wasm_bindgen(getter)]
    pub fn sealed_bytes(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
        let bytes = self.reading.named.sealed_bytes as f64;
        bytes
    }

    /// Bytes of the document.
    #[wasm_bindgen(getter)]
    pub fn true_bytes(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
        let bytes = self.reading.true_bytes as f64;
        bytes
    }

    /// Why nobody knows whether it is still so, as a code.
    #[wasm_bindgen(getter)]
    pub fn unchecked(&self) -> Option<String> {
        self.reading.unchecked.map(|unchecked| unchecked.code().to_owned())
    }

    /// Bytes before the first chunk.
    #[wasm_bindgen(getter)]
    pub fn prefix_bytes(&self) -> u32 {
        u32::try_from(PREFIX_BYTES).unwrap_or_default()
    }

    /// Bytes of every part but the last.
    #[wasm_bindgen(getter)]
    pub fn part_bytes(&self) -> u32 {
        PART_CHUNKS * SEALED_CHUNK_BYTES
    }

    /// Checks the prefix against what the owner signed, before anything is decrypted.
    pub async fn start(&self, prefix: Uint8Array) -> Result<(), JsValue> {
        let plan = self.reading.plan(&prefix.to_vec()).map_err(damaged)?;
        let key = payload_key(&plan, "decrypt").await?;
        self.opened.replace(Some((plan, key)));
        Ok(())
    }

    /// Opens the sealed bytes of one part into `target`, which is as long as its plaintext.
    #[expect(
        clippy::await_holding_refcell_ref,
        reason = "only `start` writes, and the worker does one thing after the other"
    )]
    pub async fn open(
        &self,
        part: u32,
        sealed: Uint8Array,
        target: Uint8Array,
    ) -> Result<(), JsValue> {
        let opened = self.opened.borrow();
        let (plan, key) = opened.as_ref().ok_or_else(|| damaged(Damaged))?;
        let header = plan.header();
        let (first, end) = chunks_of(header, part);
        let sized = u64::from(sealed.length()) == header.part_bytes(part)
            && self.leaves.borrow().len() == first as usize;
        if !sized {
            return Err(damaged(Damaged));
        }
        let mut opening = Vec::new();
        let mut hashing = Vec::new();
        for index in first..end {
            let offset = (index - first) * SEALED_CHUNK_BYTES;
            let chunk = sealed.subarray(offset, offset + SEALED_CHUNK_BYTES);
            opening.push(decrypt(&algorithm(plan, index), key, &chunk)?);
            let prefixed = if let Some(before) = offset.checked_sub(1) {
                sealed.subarray(before, offset + SEALED_CHUNK_BYTES)
            } else {
                let prefixed = Uint8Array::new_with_length(chunk.length() + 1);
                prefixed.set(&chunk, 1);
                prefixed
            };
            hashing.push(start_leaf(&prefixed)?);
        }
        let mut offset = 0;
        for promise in opening {
            // A chunk whose tag does not fit ends the reading: nothing of it is given.
            let content = JsFuture::from(promise).await.map_err(|_| damaged(Damaged))?;
            let content = Uint8Array::new(&content);
            let room = target.length().saturating_sub(offset).min(content.length());
            target.set(&content.subarray(0, room), offset);
            offset += room;
            // ENV-12: padding is zeros.
            if content.subarray(room, content.length()).to_vec().iter().any(|byte| *byte != 0) {
                return Err(damaged(Damaged));
            }
        }
        for promise in hashing {
            let leaf = finish_leaf(promise).await?;
            self.leaves.borrow_mut().push(leaf);
        }
        Ok(())
    }

    /// Checks that everything arrived and is what the owner signed: only then may it be shown.
    pub fn finish(&self) -> Result<(), JsValue> {
        let opened = self.opened.borrow();
        let (plan, _) = opened.as_ref().ok_or_else(|| damaged(Damaged))?;
        let leaves = self.leaves.borrow();
        let whole = leaves.len() == plan.header().chunk_count() as usize
            && plan.name(self.reading.named.envelope_id, &leaves) == self.reading.named;
        if whole { Ok(()) } else { Err(damaged(Damaged)) }
    }
}

fn damaged(damaged: Damaged) -> JsValue {
    thrown(&Error::Damaged(damaged))
}
