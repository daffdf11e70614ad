//! A server that knows nothing yet, or less than others, beside a bucket that has the log.

use anyhow::{Context as _, ensure};

use super::{
    super::tests::{NOW, cosigned, on, waits, with_witness},
    *,
};
use crate::{blob::fake::Fake, log::State};

/// A server whose log is the bucket's, which has nothing.
async fn begun(app: App) -> anyhow::Result<(Fake, Bucket, App)> {
    let fake = Fake::begin().await?;
    let bucket = fake.bucket()?;
    forget(&app).await?;
    Ok((fake, bucket, app))
}

/// As a server is that has lost its copy, with a database that knows nothing of the log.
async fn forget(app: &App) -> anyhow::Result<()> {
    *app.log.write() = State::default();
    transaction!(app.db, "test", |tx| {
        for table in
            ["delete from log_published", "delete from log_note", "delete from log_waiting"]
        {
            sqlx::query(table).execute(&mut *tx).await?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A batch with one entry more, published; gives the size.
async fn published(number: u8, bucket: &Bucket, app: &App) -> anyhow::Result<u64> {
    let newest = waits(number).newest;
    transaction!(app.db, "test", |tx| { queue::wait(([number; 32], newest), tx).await })?;
    step(bucket, app).await?;
    Ok(app.log.size())
}

/// I-22: a bucket that has a log is no empty one, whatever the database knows of it.
#[tokio::test]
async fn who_has_nothing_takes_in_what_the_bucket_has() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_fake, bucket, app) = begun(on(folder.path()).await?).await?;
    let first = published(1, &bucket, &app).await?;
    let second = published(2, &bucket, &app).await?;
    let root = app.log.read().replay.root();
    ensure!(0 < first && first < second);
    forget(&app).await?;
    catch_up(&bucket, &app).await?;
    ensure!(app.log.size() == second && app.log.read().replay.root() == root);
    // The copy on the disk is the same.
    let copied = app.log.store.files()?;
    let lengths = app.log.read().lengths;
    ensure!((copied.0.len() as u64, copied.1.len() as u64) == lengths);
    Ok(())
}

#[tokio::test]
async fn who_knows_everything_asks_the_bucket_for_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (fake, bucket, app) = begun(on(folder.path()).await?).await?;
    published(1, &bucket, &app).await?;
    fake.held().asked.clear();
    follow(&bucket, &app).await?;
    catch_up(&bucket, &app).await?;
    ensure!(fake.held().asked.is_empty(), "{:?}", fake.held().asked);
    Ok(())
}

/// I-22: who is told of the log is told of what another server published and did not come to sign.
#[tokio::test]
async fn who_follows_knows_the_batch_whose_server_ended_before_it_signed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_fake, bucket, app) = begun(on(folder.path()).await?).await?;
    let first = published(1, &bucket, &app).await?;
    let (batch, before, after) = {
        let mut state = app.log.write();
        let before = (state.replay.size(), state.replay.root());
        let batch = state.batch(&[waits(2)]).context("something new")?;
        let mark = state.mark();
        state.take(&batch)?;
        let after = (state.replay.size(), state.replay.root());
        state.back(mark);
        (batch, before, after)
    };
    ensure!(publish(&batch, &[], (Some(before), after), &bucket, &app).await?);
    ensure!(app.log.size() == first);
    follow(&bucket, &app).await?;
    ensure!(app.log.size() == after.0 && app.log.read().replay.root() == after.1);
    Ok(())
}

/// I-22: a look-up is answered under the witnessed checkpoint with the map as it was then.
#[tokio::test]
async fn who_catches_up_has_the_map_of_the_checkpoint_that_is_witnessed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_fake, bucket, app) = begun(with_witness(folder.path(), 2).await?).await?;
    let first = published(1, &bucket, &app).await?;
    hand_in(&cosigned(&app.log, 2, NOW)?, &bucket, &app).await?;
    let second = published(2, &bucket, &app).await?;
    ensure!(first < second, "it waits for nobody");
    *app.log.write() = State::default();
    catch_up(&bucket, &app).await?;
    let state = app.log.read();
    ensure!(state.published() == second);
    let Some(witnessed) = &state.witnessed else { anyhow::bail!("nothing is witnessed") };
    ensure!(witnessed.note.claim().size == first);
    ensure!(witnessed.map.get(&[1; 32]).is_some() && witnessed.map.get(&[2; 32]).is_none());
    Ok(())
}

/// The bytes of a batch as they are stored.
fn stored_as(leaves: &[Vec<u8>], heads: &[u8]) -> Result<Vec<u8>> {
    let leaves = encode_entries(leaves.iter().map(Vec::as_slice));
    let length = u32::try_from(leaves.len()).map_err(|_| Code::Internal)?;
    Ok([length.to_be_bytes().as_slice(), &leaves, heads].concat())
}

/// I-22: a batch that is not the one its name says, or half of one, is not taken in, and nothing is signed for it.
#[tokio::test]
async fn a_batch_that_is_another_one_or_half_of_one_is_not_taken_in() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (fake, bucket, app) = begun(on(folder.path()).await?).await?;
    let of = |number| State::default().batch(&[waits(number)]).context("something new");
    let tree = |leaves: &[Vec<u8>]| {
        let mut tree = reconnect_log::Tree::default();
        for leaf in leaves {
            tree.push(leaf_hash(leaf));
        }
        tree.root(tree.size()).map(|root| (tree.size(), root)).context("a tree")
    };
    let (own, other) = (of(1)?, of(9)?);
    let whole = tree(&own.leaves)?;
    let half = own.leaves.get(..1).unwrap_or_default();
    ensure!(whole.0 == tree(&other.leaves)?.0 && whole.0 == 2, "an entry and the map");
    for (what, tree, leaves, is_taken) in [
        ("another batch", whole, other.leaves.as_slice(), false),
        ("half a batch", tree(half)?, half, false),
        ("the batch", whole, own.leaves.as_slice(), true),
    ] {
        fake.held().objects.clear();
        forget(&app).await?;
        bucket
            .put(&[BATCHES[0], BATCHES[1], &batch_name(tree)], stored_as(leaves, &own.heads)?)
            .await?;
        sign(tree, &bucket, &app).await?;
        let taken = catch_up(&bucket, &app).await;
        ensure!(taken.is_ok() == is_taken, "{what}: {taken:?}");
        let has = app.log.read().replay.size();
        ensure!(has == if is_taken { tree.0 } else { 0 }, "{what}: {has} leaves stay");
    }
    Ok(())
}
