//! One flipped bit, wherever it falls: the scrub says where, and nobody is shown it as good.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::error::Error;
use reconnect_tests::{
    dump,
    process::Setup,
    scan::files,
    stage::{Database, Person, bytes, settings},
};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::process::Command;

use super::{browser, say};

/// I-7: the scrub works beside a running server, finds a flipped bit in a blob, in a row and in the log, and finds
/// nothing where nothing is.
#[tokio::test]
async fn the_scrub_finds_one_flipped_bit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let process = setup.start().await?;
    let mut owner = Person::open(browser(setup.address), true).await?;
    let id = owner.add("Passeport", &bytes(1, 5_000_000)).await?;
    owner.add("Carte", &bytes(2, 30_000)).await?;
    ensure!(scrub(&setup).await? == (true, Vec::new()), "damage where there is none");

    let mut flips = 0;
    for (name, content) in files(&folder.path().join("blobs"))? {
        for place in [0, content.len() / 2, content.len() - 1] {
            let undo = flip(Path::new(&name), place)?;
            let (is_whole, damage) = scrub(&setup).await?;
            let part = Path::new(&name).strip_prefix(folder.path().join("blobs"))?;
            let said = damage.iter().any(|line| line.contains(&*part.to_string_lossy()));
            ensure!(!is_whole && said, "{name} at {place}: {damage:?}");
            flips += 1;
            if place == 0 {
                let read = owner.read(id).await;
                let other = !name.contains("/0") || read.is_ok();
                ensure!(other || matches!(read, Err(Error::Damaged(_))), "shown as good");
            }
            undo()?;
        }
    }
    ensure!(process.stop().await?.success());
    flips += in_rows(&setup).await?;
    for file in ["log/leaves", "log/checkpoint"] {
        let path = folder.path().join(file);
        let undo = flip(&path, fs::read(&path)?.len() / 2)?;
        let (is_whole, damage) = scrub(&setup).await?;
        ensure!(!is_whole && damage.iter().any(|it| it.contains("log")), "{file}: {damage:?}");
        flips += 1;
        undo()?;
    }
    // A secret that is gone is said, and not made anew: that would hide that it is gone.
    let (key, away) = (folder.path().join("secrets/opaque.key"), folder.path().join("away"));
    fs::rename(&key, &away)?;
    let (is_whole, damage) = scrub(&setup).await?;
    ensure!(!is_whole && damage == ["secrets/opaque.key: it is not there"], "{damage:?}");
    ensure!(!key.exists(), "a look has made a secret");
    fs::rename(&away, &key)?;
    ensure!(scrub(&setup).await? == (true, Vec::new()), "what was put back is whole");
    say(&format!("{flips} flipped bits were found"));
    Ok(())
}

/// One bit of a row each, changed behind the server's back.
async fn in_rows(setup: &Setup) -> Result<usize> {
    let config = settings(&setup.folder, Database::Sqlite).await?;
    let rows = [
        ("statement", "bytes", "sequence = 1"),
        ("envelope", "whole", "whole is not null"),
        ("part", "leaves", "part_index = 0"),
        ("account", "head", "1 = 1"),
    ];
    for (table, column, which) in rows {
        let mut connection = dump::connect(&config).await?;
        let read = format!("select rowid, {column} from {table} where {which} limit 1");
        let (row, good): (i64, Vec<u8>) =
            sqlx::query_as(AssertSqlSafe(read)).fetch_one(&mut connection).await?;
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        *bad.get_mut(middle).context("an empty column")? ^= 4;
        let write = format!("update {table} set {column} = $1 where rowid = $2");
        for (bytes, is_good) in [(bad, false), (good, true)] {
            sqlx::query(AssertSqlSafe(write.clone()))
                .bind(bytes)
                .bind(row)
                .execute(&mut connection)
                .await?;
            let (is_whole, damage) = scrub(setup).await?;
            ensure!(is_whole == is_good, "{table}.{column}: {damage:?}");
        }
        connection.close().await?;
    }
    Ok(rows.len())
}

/// Whether all is whole, and what is not.
async fn scrub(setup: &Setup) -> Result<(bool, Vec<String>)> {
    let output = Command::new(&setup.program)
        .arg("verify")
        .env("RECONNECT_DATA", &setup.folder)
        .env("RECONNECT_LOG", "off")
        .output()
        .await?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(said.contains(" safes, "), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let damage = said.lines().filter_map(|line| line.strip_prefix("damaged: "));
    Ok((output.status.success(), damage.map(str::to_owned).collect()))
}

/// Flips a bit of a file; what comes back flips it again.
fn flip(path: &Path, place: usize) -> Result<impl FnOnce() -> Result<()>> {
    let good = fs::read(path)?;
    let mut bad = good.clone();
    *bad.get_mut(place).context("an empty file")? ^= 1;
    fs::write(path, bad)?;
    let path = path.to_owned();
    Ok(move || Ok(fs::write(path, good)?))
}
