//! Which cosignatures count, which are written, and how long a checkpoint waits for them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::{Signer as _, SigningKey};

use super::*;

const NOW: u64 = 1_760_000_000;

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn witness(seed: u8) -> Result<VerifierKey> {
    let key = signing(seed).verifying_key().to_bytes();
    Ok(VerifierKey::new(&format!("witness-{seed}"), KeyKind::Cosigner, key)?)
}

/// A log with three witnesses, which waits for some of them.
fn log(folder: &Path, waits_for: usize) -> Result<(Log, Secrets)> {
    let secrets = Secrets::open(folder)?;
    let log = Log {
        store: Store::open(folder, false)?,
        key: VerifierKey::new("log.example", KeyKind::Log, secrets.log_key())?,
        witnesses: vec![witness(2)?, witness(3)?, witness(4)?],
        waits_for,
        every: Duration::from_secs(1),
        state: RwLock::default(),
        one: tokio::sync::Mutex::default(),
    };
    Ok((log, secrets))
}

fn waits(number: u8) -> Waiting {
    let newest = Newest { sequence: number.into(), value: [number; 32] };
    Waiting { index: [number; 32], newest, is_head: false }
}

/// What the log stands at, with one cosignature more.
fn cosigned(log: &Log, seed: u8, time: u64) -> Result<Note> {
    let mut note = log.read().newest.as_ref().context("it stands")?.note.clone();
    let key = witness(seed)?;
    let line = note.cosign(&key, time, |message| signing(seed).sign(message).to_bytes());
    note.put(&key, line);
    Ok(note)
}

#[test]
fn a_cosignature_is_written_once_and_an_older_one_never() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (log, secrets) = log(folder.path(), 0)?;
    ensure!(log.advance(&[waits(1)], &secrets, NOW)?);
    let (first, older) = (cosigned(&log, 2, NOW + 5)?, cosigned(&log, 2, NOW + 4)?);
    log.cosigned(&first)?;
    let kept = || log.store.note(NEWEST).map(|it| it.map(|note| note.to_string()));
    ensure!(kept()? == Some(first.to_string()));
    fs::remove_file(folder.path().join("log").join(NEWEST))?;
    log.cosigned(&first)?;
    log.cosigned(&older)?;
    ensure!(kept()?.is_none(), "it was written though nothing is new");
    ensure!(log.read().newest.as_ref().map(|it| it.note.to_string()) == Some(first.to_string()));
    // Nobody waits for witnesses here: there is nothing to keep as cosigned by enough.
    ensure!(log.store.note(WITNESSED)?.is_none());
    ensure!(log.standing().witnessed == log.standing().size);
    Ok(())
}

#[test]
fn a_checkpoint_is_witnessed_when_enough_have_cosigned_and_waits_a_minute_for_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (log, secrets) = log(folder.path(), 2)?;
    ensure!(log.advance(&[waits(1)], &secrets, NOW)?);
    let size = log.size();
    ensure!(size > 0 && log.standing().size == size);
    log.cosigned(&cosigned(&log, 2, NOW)?)?;
    ensure!(log.standing().witnessed == 0 && log.store.note(WITNESSED)?.is_none());
    // The next batch does not overtake those who cosign, for a minute.
    ensure!(!log.advance(&[waits(2)], &secrets, NOW + STANDS_SECONDS - 1)?);
    ensure!(log.size() == size);
    log.cosigned(&cosigned(&log, 3, NOW)?)?;
    ensure!(log.standing().witnessed == size && log.store.note(WITNESSED)?.is_some());
    ensure!(log.advance(&[waits(2)], &secrets, NOW + 1)?);
    ensure!(log.size() > size && log.standing().witnessed == size);
    ensure!(!log.advance(&[waits(3)], &secrets, NOW + STANDS_SECONDS)?);
    ensure!(log.advance(&[waits(3)], &secrets, NOW + 1 + STANDS_SECONDS)?);
    Ok(())
}

#[test]
fn another_copy_of_a_note_brings_what_is_newer_and_says_whether_it_did() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (log, secrets) = log(folder.path(), 2)?;
    log.advance(&[waits(1)], &secrets, NOW)?;
    let (older, newer) = (cosigned(&log, 2, NOW + 1)?, cosigned(&log, 2, NOW + 2)?);
    let mut into = older.clone();
    ensure!(!log.merge(&mut into, &older));
    ensure!(log.merge(&mut into, &newer) && into == newer);
    ensure!(!log.merge(&mut into, &older) && into == newer);
    Ok(())
}
