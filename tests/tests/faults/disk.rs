//! A full disk: uploads are refused with their code, everything that frees or reads still works.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_core::error::Error;
use reconnect_format::api::{Call, Code};
use reconnect_tests::{
    process::Setup,
    stage::{Person, bytes, card, read},
};

use super::{browser, say};

/// The disk: small, and larger than the ballast.
const DISK_BYTES: u64 = 48 << 20;
/// What uploads leave free: more than the ballast, so that they do not eat that when it is given up.
const RESERVE_BYTES: u64 = 12 << 20;

/// I-1, I-6: a full disk refuses uploads, and nothing else.
#[tokio::test]
async fn a_full_disk_refuses_uploads_and_nothing_else() -> Result<()> {
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self")?) == 0;
    ensure!(is_root, "this test mounts a small disk of its own: run it as root");
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::on(folder.path()).await?;
    setup.disk_bytes = Some(DISK_BYTES);
    setup.variables.push(("RECONNECT_RESERVE_BYTES", RESERVE_BYTES.to_string()));
    let process = setup.start().await?;
    let mut owner = Person::open(browser(setup.address), true).await?;
    let mut ids = vec![owner.add("Passeport", &bytes(0, 200_000)).await?];
    let full = loop {
        let next = bytes(ids.len() as u64, 4_000_000);
        match owner.add("Plein", &next).await {
            Ok(id) => ids.push(id),
            Err(Error::Refused(problem)) => break problem,
            Err(error) => bail!("{error:?}"),
        }
        ensure!(ids.len() < 30, "the disk never fills");
    };
    ensure!(full.code == Code::StorageFull && full.status == 507, "{full:?}");
    say(&format!("full after {} papers", ids.len()));

    // To the last byte, by somebody else's file.
    let filler = process.sees(folder.path())?.join("filler");
    fill(&filler)?;
    for (seed, id) in ids.iter().enumerate().skip(1) {
        ensure!(owner.read(*id).await? == bytes(seed as u64, 4_000_000), "paper {seed}");
    }
    let elsewhere = browser(setup.address);
    let vault = owner.with_words(&elsewhere, true).await.context("words on a full disk")?;
    vault.sign_out(&elsewhere, false).await.context("signing out on a full disk")?;
    let mut vault = owner.with_sheet(&elsewhere, true).await.context("a sheet on a full disk")?;
    let refused = vault.add(&elsewhere, None, &bytes(99, 100_000), &card("Non")).await;
    ensure!(refused.is_err_and(|error| error.code() == "storage_full"));
    let removed = ids.pop().context("nothing was added")?;
    vault.remove(&elsewhere, removed).await.context("a removal on a full disk")?;
    let gone = Call::read(format!("/v1/documents/{removed}/content"));
    ensure!(elsewhere.send(&gone, Some(vault.token())).await?.status == 404);
    vault.sign_out(&elsewhere, true).await.context("signing out everywhere on a full disk")?;

    // It recovers by itself.
    fs::remove_file(&filler)?;
    let mut vault = owner.with_sheet(&owner.browser, true).await?;
    let mut added = None;
    for _ in 0..200 {
        match vault.add(&owner.browser, None, &bytes(77, 300_000), &card("Encore")).await {
            Ok(id) => {
                added = Some(id);
                break;
            }
            // What was removed is swept soon.
            Err(Error::Refused(problem)) if problem.code == Code::StorageFull => {
                vault.remove(&owner.browser, ids.pop().context("nothing to remove")?).await?;
            }
            Err(error) => bail!("{error:?}"),
        }
    }
    let id = added.context("there is no room after removals")?;
    ensure!(read(&vault, &owner.browser, id).await? == bytes(77, 300_000));
    ensure!(read(&vault, &owner.browser, ids[0]).await? == bytes(0, 200_000));
    let ended = process.stop().await?;
    ensure!(ended.success(), "it ended with {ended}");
    Ok(())
}

fn fill(file: &Path) -> Result<()> {
    let mut file = fs::File::create(file)?;
    for size in [1 << 20, 4096, 1] {
        let block = vec![0x11; size];
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
