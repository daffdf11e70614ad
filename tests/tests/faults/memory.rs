//! The memory of a server that people use: what a core dump of it would hold.

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _},
};

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::{
    process::{Process, Setup},
    scan::Canary,
    stage::{Person, bytes, read},
};

use super::{browser, say};

/// I-17: nothing that a person wrote, and no key of theirs, passes through the memory of the server. The whole of it is
/// read while it runs, as a core dump would hold it.
#[tokio::test]
async fn nothing_that_a_person_wrote_is_in_the_servers_memory() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let process = setup.start().await?;
    let mut owner = Person::open(browser(setup.address), true).await?;
    let content = format!("Née à Bamako, dossier 7-1942. {}", hex::encode(bytes(1, 400_000)));
    let title = "Récépissé de demande d'asile";
    let id = owner.add(title, content.as_bytes()).await?;
    owner.vault.rename(&owner.browser, id, "Convocation préfecture").await?;
    let elsewhere = browser(setup.address);
    let vault = owner.with_words(&elsewhere, true).await?;
    ensure!(read(&vault, &elsewhere, id).await? == content.as_bytes());
    owner.with_sheet(&elsewhere, true).await?;

    let sheet: String = owner.sheet.split_whitespace().collect();
    let canaries = [
        Canary::text("the content", "Née à Bamako, dossier 7-1942."),
        Canary::bytes("the content's middle", &content.as_bytes()[200_000..200_064]),
        Canary::text("the title", title),
        Canary::text("the new title", "Convocation préfecture"),
        Canary::text("the small picture", "a small picture of Récépissé"),
        Canary::text("the words", &owner.words),
        Canary::text("the sheet", &owner.sheet),
        Canary::text("the sheet without spaces", &sheet),
    ];
    let memory = memory(&process)?;
    let total: usize = memory.iter().map(Vec::len).sum();
    say(&format!("{} MiB of memory were read", total >> 20));
    for canary in &canaries {
        ensure!(!memory.iter().any(|it| canary.is_in(it)), "{} is in memory", canary.name());
    }
    // The control: what the server does know is found.
    let handle = Canary::text("the handle", &owner.handle);
    let account = Canary::bytes("the account", owner.vault.account_id().as_bytes());
    for known in [handle, account] {
        ensure!(memory.iter().any(|it| known.is_in(it)), "{} was not found", known.name());
    }
    ensure!(process.stop().await?.success());
    Ok(())
}

/// I-18: nobody else of the account that the server runs under may look into it: it leaves no core dump and lets no
/// debugger in. The system then shows its files in `/proc` as root's.
#[tokio::test]
async fn the_server_is_not_dumpable() -> Result<()> {
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir()?;
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    let mut setup = Setup::on(folder.path()).await?;
    setup.user = Some(NOBODY);
    let process = setup.start().await?;
    let proc = format!("/proc/{}", process.id()?);
    let runs_as = fs::read_to_string(format!("{proc}/status"))?;
    ensure!(runs_as.contains(&format!("Uid:\t{NOBODY}")), "it runs as somebody else");
    ensure!(fs::metadata(format!("{proc}/mem"))?.uid() == 0, "its memory is open to its account");
    // The control: another process of that account.
    let mut other = std::process::Command::new("setpriv")
        .args(["--reuid", &NOBODY.to_string(), "--clear-groups", "sleep", "60"])
        .spawn()?;
    let mem = format!("/proc/{}/mem", other.id());
    let mut owner = 0;
    for _ in 0..200 {
        owner = fs::metadata(&mem)?.uid();
        if owner == NOBODY {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    other.kill()?;
    other.wait()?;
    ensure!(owner == NOBODY, "this system shows nothing of what may be dumped");
    ensure!(process.stop().await?.success());
    Ok(())
}

/// Every part of the process's memory that it can read itself.
fn memory(process: &Process) -> Result<Vec<Vec<u8>>> {
    let proc = format!("/proc/{}", process.id()?);
    let mem = fs::File::open(format!("{proc}/mem")).context("run this test as root")?;
    let mut found = Vec::new();
    for line in fs::read_to_string(format!("{proc}/maps"))?.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().context(line.to_owned())?, words.next());
        if !rights.is_some_and(|rights| rights.starts_with('r')) {
            continue;
        }
        let (start, end) = range.split_once('-').context(line.to_owned())?;
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        let mut bytes = vec![0; usize::try_from(end - start)?];
        // What the kernel keeps for itself cannot be read.
        if mem.read_exact_at(&mut bytes, start).is_ok() {
            found.push(bytes);
        }
    }
    Ok(found)
}
