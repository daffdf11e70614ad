//! What is wrong in a bucket is found, and named. I-7.

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::stage::{Database, Server, bytes};

/// What is found to be wrong, each in its own words.
async fn found(server: &Server) -> Result<Vec<String>> {
    let found = reconnect::verify(server.config().clone()).await?;
    Ok(found.damage.into_iter().map(|it| format!("{}: {}", it.place, it.why)).collect())
}

#[tokio::test]
async fn a_batch_or_checkpoint_that_is_not_what_was_published_is_found() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    owner.add("Bail", &bytes(1, 20_000)).await?;
    server.app().publish().await?;
    ensure!(found(&server).await?.is_empty(), "damage where there is none");
    let store = server.store()?;
    for (folder, is_batch) in [("log/batches/", true), ("log/checkpoints/", false)] {
        let names = store.names(folder).await?;
        ensure!(names.len() > 1, "two at least");
        let [(first, _), .., (last, _)] = names.as_slice() else { anyhow::bail!("two") };
        let (place, other) = (format!("{folder}{last}"), format!("{folder}{first}"));
        let good = store.object(&place).await?;
        let mut cut = good.clone();
        cut.pop();
        let mut flipped = good.clone();
        *flipped.last_mut().context("a byte")? ^= 1;
        let mut begun = good.clone();
        *begun.get_mut(20).context("a byte")? ^= 1;
        // One of this log, in the place of another.
        let foreign = store.object(&other).await?;
        let why = if is_batch { "is not what was published" } else { "its checkpoint is not" };
        for bad in [cut, flipped, begun, foreign, Vec::new()] {
            store.put(&place, bad).await?;
            let said = found(&server).await?;
            ensure!(said.len() == 1 && said[0].contains(why), "{place}: {said:?}");
        }
        if is_batch {
            store.remove(&place).await?;
            let said = found(&server).await?;
            ensure!(said.len() == 1 && said[0].contains("is not in the bucket"), "{said:?}");
        }
        store.put(&place, good).await?;
        ensure!(found(&server).await?.is_empty(), "what was put back is whole");
    }
    Ok(())
}

#[tokio::test]
async fn an_object_that_is_shorter_than_its_part_is_found() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    owner.add("Bail", &bytes(1, 20_000)).await?;
    let (store, blobs) = (server.store()?, server.blobs().await?);
    let blob = blobs.first().context("a blob")?;
    let good = store.read(blob).await?;
    store.write(blob, good[..good.len() - 1].to_vec()).await?;
    let said = found(&server).await?;
    ensure!(said.len() == 1 && said[0].contains("has another length"), "{said:?}");
    store.write(blob, good).await?;
    ensure!(found(&server).await?.is_empty());
    Ok(())
}
