//! Sealing and opening natively on one thread, from memory to memory: the cipher alone from two libraries, what a sealed
//! document rests on alone, RECONNECT, and age to an X25519 recipient (a program of its own, `bench/age`, in the same run).

use std::{env, hint::black_box, process::Command, time::Duration};

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

/// How much, how often, and how it is called.
const SIZES: [(usize, usize, &str); 3] =
    [(4 << 20, 25, "4 MiB"), (64 << 20, 7, "64 MiB"), (1 << 30, 3, "a stream of 1 GiB")];
/// Names age's program.
const AGE: &str = "RECONNECT_BENCH_AGE";
const NAMES: [&str; 7] = [
    "AES-256-GCM alone, from ring",
    "AES-256-GCM alone, from aes-gcm",
    "AES-256-GCM and SHA-256 alone, from aes-gcm and sha2",
    "**RECONNECT**: seal, hash, name",
    "**RECONNECT**: open, hash, compare",
    "age: seal to an X25519 recipient",
    "age: open",
];

pub(crate) fn measure() -> Result<()> {
    let mut rows: Vec<Vec<String>> = NAMES.iter().map(|name| vec![(*name).to_owned()]).collect();
    for (bytes, rounds, _) in SIZES {
        let times = of(bytes, rounds)?;
        let [first, ..] = times;
        for (row, time) in rows.iter_mut().zip(times) {
            let ratio = first.as_secs_f64() / time.as_secs_f64();
            row.push(format!("{:.0} MB/s ({ratio:.2})", speed(bytes as u64, time)));
        }
    }
    let [small, large, stream] = SIZES.map(|size| size.2);
    let heads = ["", small, large, stream];
    print("Seal and open, native, one thread (and of the first)", &heads, &rows);
    Ok(())
}

/// The middle time of each, in the order of their names.
fn of(bytes: usize, rounds: usize) -> Result<[Duration; 7]> {
    let rng = &mut UnwrapErr(SysRng);
    let mut content = vec![0; bytes];
    rng.fill_bytes(&mut content);
    let key = DocumentKey::generate(rng);
    let (owner, document_id) = (AccountId([1; 32]), DocumentId([2; 16]));
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..rounds {
        let plan = ChunkPlan::for_content(&key, owner, document_id, 1, bytes as u64, rng);
        // Each round has every one of them, so that what else the machine does hits all alike.
        let fastest = peers::ring_over(&mut content)?;
        let (cipher, cipher_and_hash) = (alone(&mut content, false)?, alone(&mut content, true)?);
        let (sealed, sealing) = timed(|| seal(&plan, &content));
        let (opened, opening) = timed(|| open(&plan, &sealed, &content));
        opened?;
        for (all, time) in
            times.iter_mut().zip([fastest, cipher, cipher_and_hash, sealing, opening])
        {
            all.push(time);
        }
    }
    let [fastest, cipher, both, sealing, opening] = times.map(median);
    drop(content);
    let (age_sealing, age_opening) = age(bytes, rounds)?;
    Ok([fastest, cipher, both, sealing, opening, age_sealing, age_opening])
}

/// The cipher of ours, with and without the hash.
fn alone(content: &mut [u8], hashes: bool) -> Result<Duration> {
    let cipher = Aes256Gcm::new(&[7; 32].into());
    let (sealed, time) = timed(|| {
        content.chunks_mut(CHUNK_BYTES as usize).zip(0_u32..).all(|(chunk, index)| {
            let mut nonce = [0; 12];
            nonce[..4].copy_from_slice(&index.to_be_bytes());
            let tag = cipher.encrypt_inout_detached(&nonce.into(), &[], (&mut *chunk).into());
            if hashes {
                black_box(Sha256::digest(&*chunk));
            }
            tag.is_ok()
        })
    });
    ensure!(sealed, "the cipher refuses a chunk");
    Ok(time)
}

/// Sealed chunks, and the leaves of their tree.
type Sealed = (Vec<Vec<u8>>, Vec<[u8; 32]>);

fn seal(plan: &ChunkPlan, content: &[u8]) -> Sealed {
    let (mut chunks, mut leaves) = (Vec::new(), Vec::new());
    for index in 0..plan.header().chunk_count() {
        let sealed = plan.seal_chunk(index, piece(plan, index, content));
        leaves.push(tree::leaf_hash(&sealed));
        chunks.push(sealed);
    }
    black_box(plan.name(EnvelopeId([3; 16]), &leaves));
    (chunks, leaves)
}

fn open(plan: &ChunkPlan, (chunks, leaves): &Sealed, content: &[u8]) -> Result<()> {
    for ((index, chunk), leaf) in (0..).zip(chunks).zip(leaves) {
        ensure!(tree::leaf_hash(chunk) == *leaf, "another hash");
        let opened = plan.open_chunk(index, chunk)?;
        ensure!(opened.len() == piece(plan, index, content).len(), "it opens to something else");
        black_box(opened);
    }
    Ok(())
}

/// What a chunk holds; padding is behind the content, and made by the plan.
fn piece<'a>(plan: &ChunkPlan, index: u32, content: &'a [u8]) -> &'a [u8] {
    let start = (index as usize * CHUNK_BYTES as usize).min(content.len());
    let end = start + plan.header().chunk_plain_bytes(index) as usize;
    content.get(start..end.min(content.len())).unwrap_or_default()
}

fn age(bytes: usize, rounds: usize) -> Result<(Duration, Duration)> {
    let program =
        env::var_os(AGE).with_context(|| format!("{AGE}: run `cargo xtask bench native`"))?;
    let output = Command::new(program).args([bytes.to_string(), rounds.to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let (sealing, opening) = said.trim().split_once(' ').context("two numbers")?;
    Ok((Duration::from_nanos(sealing.parse()?), Duration::from_nanos(opening.parse()?)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
