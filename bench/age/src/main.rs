//! `reconnect-bench-age BYTES ROUNDS`: how long age takes to seal so many bytes to an X25519 recipient, and to open them,
//! as two numbers of nanoseconds, each the middle one of its rounds.

use std::{
    env,
    hint::black_box,
    io::{Read as _, Write as _},
    iter,
    time::{Duration, Instant},
};

use age::{Decryptor, Encryptor, Identity, x25519};
use anyhow::{Context as _, Result, ensure};

/// Bytes that are given and taken at one time, as many as a chunk of RECONNECT's has.
const PIECE_BYTES: usize = 256 * 1024;

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let bytes: usize = words.next().context("how many bytes")?.parse()?;
    let rounds: usize = words.next().context("how many rounds")?.parse()?;
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
    let key = x25519::Identity::generate();
    // Allocated once, and its pages are there before anything is timed.
    let mut sealed = vec![1; bytes + bytes / 1000 + 4096];
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        sealed.clear();
        sealing.push(timed(|| seal(&content, &key, &mut sealed))?);
        opening.push(timed(|| open(&sealed, &key, content.len()))?);
    }
    println!("{} {}", median(sealing).as_nanos(), median(opening).as_nanos());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "measuring time is what the program is for")]
fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn seal(content: &[u8], key: &x25519::Identity, sealed: &mut Vec<u8>) -> Result<()> {
    let recipient = key.to_public();
    let encryptor = Encryptor::with_recipients(iter::once(&recipient as _))?;
    let mut writer = encryptor.wrap_output(sealed)?;
    for piece in content.chunks(PIECE_BYTES) {
        writer.write_all(piece)?;
    }
    writer.finish()?;
    Ok(())
}

fn open(sealed: &[u8], key: &x25519::Identity, bytes: usize) -> Result<()> {
    let mut reader = Decryptor::new(sealed)?.decrypt(iter::once(key as &dyn Identity))?;
    let (mut piece, mut opened) = (vec![0; PIECE_BYTES], 0);
    loop {
        let read = reader.read(&mut piece)?;
        if read == 0 {
            break;
        }
        black_box(&piece);
        opened += read;
    }
    ensure!(opened == bytes, "it opens to {opened} bytes");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
