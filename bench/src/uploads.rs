//! Uploads of sealed parts of 4 MiB, each answered when it is hashed and durable, beside the same done to
//! plain files: hash, write, fsync, rename, fsync of the folder.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    vault::{upload_begin, upload_part},
    world::World as _,
};
use reconnect_format::{api::Call, envelope::CHUNK_BYTES};
use reconnect_tests::{process::Process, stage::Person, wire::Connection};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::figures::{median, now, per_second, print};

const ROUNDS: usize = 3;
/// Uploads at one time.
const UPLOADERS: usize = 4;
/// Parts of each uploader in a round.
const PARTS: u32 = 20;

/// Takes turns between files and server, and prints the table.
pub(crate) async fn measure(folder: &Path, process: &Process, person: &mut Person) -> Result<()> {
    let (mut files, mut server) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut calls = Vec::new();
        for _ in 0..UPLOADERS {
            calls.push(parts(person).await?);
        }
        let body = calls.first().and_then(|calls| calls.first()).context("parts")?.clone();
        let reconnect_format::api::CallBody::Bytes(body) = body.body else {
            anyhow::bail!("a part is bytes");
        };
        files.push(plain(&folder.join(format!("plain-{round}")), &body)?);
        server.push(run(process, person.vault.token(), calls).await?);
    }
    let (files, server) = (median(files), median(server));
    let row = |name: &str, speed: f64| {
        vec![name.to_owned(), format!("{speed:.0}/s"), format!("{:.2}", speed / files)]
    };
    let rows = [row("files: hash, write, fsync, rename, fsync", files), row("the server", server)];
    let heads = ["", "parts", "of the first"];
    print("Upload of parts of 4 MiB, durable, 4 at one time; goal: 150/s", &heads, &rows);
    Ok(())
}

/// Declares an upload, and makes its parts.
async fn parts(person: &mut Person) -> Result<Vec<Call>> {
    let bytes = u64::from(PARTS) * 16 * u64::from(CHUNK_BYTES);
    let draft = person.vault.begin_content(&person.browser, None, bytes)?;
    person.browser.ship(upload_begin(&draft), Some(person.vault.token())).await?;
    let header = draft.plan.header();
    let calls = (0..PARTS).map(|index| {
        let count = usize::try_from(header.part_bytes(index))?;
        ensure!(count > 0, "the upload has fewer parts");
        Ok(upload_part(draft.envelope_id, index, vec![index.to_be_bytes()[3]; count]))
    });
    calls.collect()
}

async fn run(process: &Process, token: &str, calls: Vec<Vec<Call>>) -> Result<f64> {
    let start = now();
    let count: usize = calls.iter().map(Vec::len).sum();
    let mut uploading = JoinSet::new();
    for calls in calls {
        let (server, token) = (process.address(), token.to_owned());
        uploading.spawn(async move {
            let mut connection = Connection::to(server).await?;
            for call in calls {
                let answer = connection.send(&call, Some(&token)).await?;
                ensure!(answer.status == 204, "{}", answer.status);
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = uploading.join_next().await {
        ended??;
    }
    Ok(per_second(count, start.elapsed().as_secs_f64()))
}

/// The same, without a server.
fn plain(folder: &Path, body: &[u8]) -> Result<f64> {
    fs::create_dir_all(folder)?;
    let start = now();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..UPLOADERS)
            .map(|writer| scope.spawn(move || write(&folder.join(writer.to_string()), body)))
            .collect();
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer failed"))??;
        }
        anyhow::Ok(())
    })?;
    let speed = per_second(UPLOADERS * PARTS as usize, start.elapsed().as_secs_f64());
    fs::remove_dir_all(folder)?;
    Ok(speed)
}

fn write(folder: &Path, body: &[u8]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for index in 0..PARTS {
        let named = |name: String| -> PathBuf { folder.join(name) };
        let (fresh, whole) = (named(format!("{index}#1")), named(index.to_string()));
        let mut file = fs::File::create(&fresh)?;
        for chunk in body.chunks(CHUNK_BYTES as usize) {
            std::hint::black_box(Sha256::digest(chunk));
            file.write_all(chunk)?;
        }
        file.sync_all()?;
        fs::rename(&fresh, &whole)?;
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
