//! A stream of one gibibyte, sealed and opened chunk by chunk through the plan: speed beside the
//! cipher and the hash alone on the same chunks, beside ring's cipher, and the peak of memory.

use std::{fs, time::Duration};

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use anyhow::{Context as _, Result, ensure};
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use reconnect_core::{document::ChunkPlan, secret::DocumentKey};
use reconnect_format::{
    envelope::CHUNK_BYTES,
    id::{AccountId, DocumentId, EnvelopeId},
    tree,
};
use sha2::{Digest as _, Sha256};

use crate::{
    figures::{print, speed, timed},
    peers,
};

const STREAM_BYTES: u64 = 1 << 30;

pub(crate) fn measure() -> Result<()> {
    let rng = &mut UnwrapErr(SysRng);
    let key = DocumentKey::generate(rng);
    let (owner, document_id) = (AccountId([1; 32]), DocumentId([2; 16]));
    let plan = ChunkPlan::for_content(&key, owner, document_id, 1, STREAM_BYTES, rng);
    let mut content = vec![0; CHUNK_BYTES as usize];
    rng.fill_bytes(&mut content);
    let alone = Aes256Gcm::new(&[7; 32].into());
    let before = peak_bytes()?;
    let (mut sealing, mut opening, mut limit) = Default::default();
    let mut leaves = Vec::new();
    for index in 0..plan.header().chunk_count() {
        // Every chunk is another one.
        content.get_mut(..4).context("a chunk is longer")?.copy_from_slice(&index.to_be_bytes());
        let length = plan.header().chunk_plain_bytes(index) as usize;
        let chunk = content.get(..length).context("no chunk is longer")?;
        let (sealed, leaf) = add(&mut sealing, || {
            let sealed = plan.seal_chunk(index, chunk);
            let leaf = tree::leaf_hash(&sealed);
            (sealed, leaf)
        });
        leaves.push(leaf);
        let (opened, again) =
            add(&mut opening, || (plan.open_chunk(index, &sealed), tree::leaf_hash(&sealed)));
        ensure!(opened?.as_slice() == chunk && again == leaf, "it opens to something else");
        let mut bytes = chunk.to_vec();
        let tag = add(&mut limit, || {
            let tag = alone.encrypt_inout_detached(
                &plan.nonce(index).into(),
                &[],
                bytes.as_mut_slice().into(),
            );
            (tag, Sha256::digest(&bytes))
        });
        ensure!(tag.0.is_ok(), "the cipher refuses a chunk");
    }
    let named = plan.name(EnvelopeId([3; 16]), &leaves);
    let padded = plan.header().padded_bytes;
    let after = peak_bytes()?;
    let fastest = peers::ring(&content, plan.header().chunk_count())?;
    let row = |name: &str, time: Duration| {
        let ratio = limit.as_secs_f64() / time.as_secs_f64();
        vec![name.to_owned(), format!("{:.0} MB/s", speed(padded, time)), format!("{ratio:.2}")]
    };
    let rows = [
        row("AES-256-GCM and SHA-256 alone", limit),
        row("seal", sealing),
        row("open", opening),
        row("AES-256-GCM alone, from ring", fastest),
    ];
    let heads = ["", "speed", "of the first"];
    print("A stream of 1 GiB, native, one thread", &heads, &rows);
    let memory = vec![
        format!("{} MB sealed", named.sealed_bytes / 1_000_000),
        megabytes(before),
        megabytes(after),
    ];
    print("Its memory", &["", "peak before", "peak after"], &[memory]);
    Ok(())
}

fn add<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let (result, time) = timed(work);
    *total += time;
    result
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// The largest resident memory of this process so far.
fn peak_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 =
        line.and_then(|line| line.trim().strip_suffix("kB")).context("no VmHWM")?.trim().parse()?;
    Ok(kilobytes * 1024)
}
