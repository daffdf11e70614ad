//! What else seals a stream natively: the cipher alone from ring, whose code is the fastest there is here.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reconnect_format::envelope::CHUNK_BYTES;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::figures::timed;

/// How long ring's AES-256-GCM takes for all of this, chunk by chunk in its place.
pub(crate) fn ring_over(content: &mut [u8]) -> Result<Duration> {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).ok().context("a key of 32 bytes")?;
    let key = LessSafeKey::new(key);
    let (sealed, time) = timed(|| {
        content.chunks_mut(CHUNK_BYTES as usize).zip(0_u32..).all(|(chunk, index)| {
            let mut nonce = [0; 12];
            nonce[..4].copy_from_slice(&index.to_be_bytes());
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk).is_ok()
        })
    });
    ensure!(sealed, "the cipher refuses a chunk");
    Ok(time)
}

/// How long ring's AES-256-GCM takes for so many chunks.
pub(crate) fn ring(content: &[u8], chunks: u32) -> Result<Duration> {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).ok().context("a key of 32 bytes")?;
    let key = LessSafeKey::new(key);
    let mut total = Duration::ZERO;
    let mut bytes = content.to_vec();
    for index in 0..chunks {
        let mut nonce = [0; 12];
        nonce.get_mut(8..).context("12 bytes")?.copy_from_slice(&index.to_be_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let (tag, time) = timed(|| key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut bytes));
        ensure!(tag.is_ok(), "the cipher refuses a chunk");
        total += time;
    }
    Ok(total)
}
