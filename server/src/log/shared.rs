//! The log where several servers publish it: batches and checkpoints are objects of the bucket, each written
//! once, and the files in `data/log` are a copy that can be made anew.
//!
//! Whoever writes puts a batch, whose name says which tree it ends in; then one row of the database goes from the
//! tree before to that tree, if nobody was faster; then the checkpoint is signed and put. Whoever finds the row
//! further than the checkpoints finishes what another began. LOG-2: nothing is signed for a size but what the row
//! said, and a row that went back, because a backup was put back, follows the bucket and never leads it.

use std::collections::BTreeMap;

use anyhow::ensure;
use reconnect_format::api::Code;
use reconnect_log::{
    Checkpoint, Hash, KeyKind, Leaf, Note,
    leaf::heads_hash,
    tile::{decode_entries, encode_entries},
    tree::leaf_hash,
};

use super::{
    FRESH_SECONDS, Log, STANDS_SECONDS, queue,
    state::{Batch, Standing},
    store::{NEWEST, WITNESSED},
    stored,
};
use crate::{
    app::App,
    blob::Bucket,
    db::transaction,
    error::{Error, Result},
    wire::to_row,
};

const BATCHES: [&str; 2] = ["log", "batches"];
const CHECKPOINTS: [&str; 2] = ["log", "checkpoints"];
/// How often a batch is begun again when another server was faster.
const ATTEMPTS: u32 = 5;

/// A tree, by its size and root.
type Tree = (u64, Hash);

/// What the database says of the log.
struct Shared {
    published: Option<Tree>,
    notes: BTreeMap<String, Note>,
}

/// Sizes with so many digits are in order as names, too.
fn number(size: u64) -> String {
    format!("{size:020}")
}

/// Two that write at one time write two batches, or the same.
fn batch_name((size, root): Tree) -> String {
    root.iter().fold(number(size) + "-", |name, byte| name + &format!("{byte:02x}"))
}

async fn shared(app: &App) -> Result<Shared> {
    let published = queue::published(app).await?;
    let rows: Vec<(String, String)> =
        sqlx::query_as("-- log::shared\nselect name, checkpoint from log_note")
            .fetch_all(app.db.reader())
            .await?;
    let parsed = rows.into_iter().map(|(name, text)| Ok((name, read_note(&text, app)?)));
    Ok(Shared { published, notes: parsed.collect::<Result<_>>()? })
}

/// A checkpoint of this log, or an error.
fn read_note(text: &str, app: &App) -> Result<Note> {
    let note = Note::parse(text).ok();
    let note = note.filter(|note| matches!(note.verify(&app.log.key), Ok(Some(_))));
    note.ok_or(Error::Broken("a checkpoint that servers share was not signed with secrets/log.key"))
}

impl Log {
    /// The trees that checkpoints in the bucket name, as far as this log goes.
    pub(crate) async fn trees(&self, bucket: &Bucket) -> Result<Vec<Tree>> {
        let mut trees = Vec::new();
        for name in bucket.names(&CHECKPOINTS, &number(0)).await? {
            let (Ok(size), state) = (name.parse::<u64>(), self.read()) else { continue };
            trees.extend(state.replay.tree().root(size).map(|root| (size, root)));
        }
        trees.sort_unstable();
        Ok(trees)
    }

    /// Compares the checkpoint and the batch of a tree with what this log took in. How many bytes were read, and what
    /// is wrong with them.
    pub(crate) async fn look_at(
        &self,
        tree: Tree,
        bucket: &Bucket,
    ) -> Result<(u64, Option<&'static str>)> {
        let text = bucket.get(&[CHECKPOINTS[0], CHECKPOINTS[1], &number(tree.0)]).await?;
        let text = text.map_or_else(String::new, |it| String::from_utf8_lossy(&it).into_owned());
        let note = Note::parse(&text).ok().filter(|it| matches!(it.verify(&self.key), Ok(Some(_))));
        if note.is_none_or(|it| (it.claim().size, it.claim().root) != tree) {
            return Ok((0, Some("its checkpoint is not in the bucket, or another one")));
        }
        let Some(bytes) = bucket.get(&[BATCHES[0], BATCHES[1], &batch_name(tree)]).await? else {
            return Ok((0, Some("it is not in the bucket")));
        };
        let is_so = self.has(tree.0, &bytes).is_some();
        Ok((bytes.len() as u64, (!is_so).then_some("is not what was published")))
    }

    /// Whether a batch's leaves are those before `end`, and its heads those of its last.
    fn has(&self, end: u64, batch: &[u8]) -> Option<()> {
        let (leaves, heads) = parts_of(batch)?;
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let count = hashes.len() as u64;
        let state = self.read();
        let known = state.replay.tree().row(0, end.checked_sub(count)?, count)?;
        let Leaf::Map { heads_hash: hash, .. } = Leaf::decode(leaves.last()?).ok()? else {
            return None;
        };
        (known == hashes && hash == heads_hash(&heads)).then_some(())
    }
}

/// Leaves and heads of a batch as it is stored.
fn parts_of(batch: &[u8]) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let (length, rest) = batch.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (leaves, heads) = rest.split_at_checked(length)?;
    let leaves = decode_entries(leaves).ok()?.into_iter().map(<[u8]>::to_vec);
    Some((leaves.collect(), heads.to_vec()))
}

/// Reads what the bucket has, and goes on from there.
pub(super) async fn begin(bucket: &Bucket, app: &App) -> anyhow::Result<()> {
    let failed = |error: Error| anyhow::anyhow!("the log cannot go on: {error}");
    let published = queue::published(app).await.map_err(failed)?;
    {
        let _one = app.log.one.lock().await;
        if let Some(tree) = published {
            // The row is one batch ahead where a server ended before it signed: its batch is there.
            let signed = bucket.get(&[CHECKPOINTS[0], CHECKPOINTS[1], &number(tree.0)]).await;
            let batch = bucket.get(&[BATCHES[0], BATCHES[1], &batch_name(tree)]).await;
            ensure!(
                signed.map_err(failed)?.is_some() || batch.map_err(failed)?.is_some(),
                "the log in the bucket ends before {}, which was published: it was put back from an older \
                 copy, or another bucket is named. A server that went on from here would fork it",
                tree.0
            );
        }
        catch_up(bucket, app).await.map_err(failed)?;
    }
    step(bucket, app).await.map_err(failed)
}

/// What others published meanwhile is known here. Before each answer about the log, so that nobody who goes
/// from one server to another is shown a log that went back.
pub(super) async fn follow(bucket: &Bucket, app: &App) -> Result<()> {
    let shared = shared(app).await?;
    let is_known = {
        let state = app.log.read();
        let is = |name: &str, standing: Option<&Standing>| {
            shared.notes.get(name).is_none_or(|note| standing.is_some_and(|it| it.note == *note))
        };
        shared.published.is_none_or(|(size, _)| size <= state.published())
            && is(NEWEST, state.newest.as_ref())
            && is(WITNESSED, state.witnessed.as_ref())
    };
    if is_known {
        return Ok(());
    }
    let _one = app.log.one.lock().await;
    catch_up(bucket, app).await
}

/// The trees that checkpoints in the bucket name behind what is known here.
async fn path(bucket: &Bucket, app: &App) -> Result<Vec<Tree>> {
    let after = number(app.log.read().replay.size());
    let mut path = Vec::new();
    for name in bucket.names(&CHECKPOINTS, &after).await? {
        let text = bucket.get(&[CHECKPOINTS[0], CHECKPOINTS[1], &name]).await?;
        let text = text.and_then(|text| String::from_utf8(text.to_vec()).ok());
        let note =
            read_note(&text.ok_or(Error::Broken("a checkpoint is not in the bucket"))?, app)?;
        path.push((note.claim().size, note.claim().root));
    }
    path.sort_unstable();
    Ok(path)
}

/// Takes in what was published, and signs what a server published and did not come to sign.
async fn catch_up(bucket: &Bucket, app: &App) -> Result<()> {
    let shared = shared(app).await?;
    let own = app.log.read().replay.size();
    if own == 0 || shared.published.is_some_and(|(size, _)| size > own) {
        let mut path = path(bucket, app).await?;
        let last = path.last().map_or(own, |tree| tree.0);
        path.extend(shared.published.filter(|(size, _)| *size > last));
        for tree in path {
            take(tree, bucket, &shared, app).await?;
        }
    }
    if let Some((size, root)) = shared.published {
        let (here, ends) = {
            let state = app.log.read();
            (state.replay.tree().root(size), (state.replay.size(), state.replay.root()))
        };
        if here != Some(root) {
            return Err(Error::Broken(
                "the log in the bucket is not the one that the database knows",
            ));
        }
        if size < ends.0 {
            // The database was put back from a backup: it follows.
            queue::publish(&[], Some((size, root)), ends, app).await?;
        }
    }
    finish(bucket, &shared, app).await
}

/// Takes one batch in: whole, and only if it ends in this tree.
async fn take(tree: Tree, bucket: &Bucket, shared: &Shared, app: &App) -> Result<()> {
    const GONE: Error = Error::Broken("a batch of the log is not in the bucket, or another one");
    let bytes = bucket.get(&[BATCHES[0], BATCHES[1], &batch_name(tree)]).await?.ok_or(GONE)?;
    let (leaves, heads) = parts_of(&bytes).ok_or(GONE)?;
    let after = app.log.read().lengths;
    let batch = Batch { after, leaves, heads };
    {
        let mut state = app.log.write();
        let mark = state.mark();
        let taken = state.take(&batch);
        let is_so = state.replay.size() == tree.0
            && state.replay.root() == tree.1
            && state.replay.ends_with_map();
        if taken.is_err() || !is_so {
            state.back(mark);
            return Err(GONE);
        }
        let witnessed = shared.notes.get(WITNESSED);
        if let Some(note) = witnessed.filter(|note| note.claim().size == tree.0) {
            let map = state.replay.map().clone();
            state.witnessed = Some(Standing { note: note.clone(), map, since: 0 });
        }
    }
    copy(batch, app).await
}

/// Writes a batch into the copy on the disk, whence tiles are read.
async fn copy(batch: Batch, app: &App) -> Result<()> {
    let log = app.clone();
    let copied = tokio::task::spawn_blocking(move || {
        stored(log.log.store.append(batch.after, &batch.entries_bytes(), &batch.heads))
    });
    copied.await.map_err(|_| Error::Broken("the log could not be copied"))?
}

/// The newest checkpoint stands for all that is published, signed; and what was cosigned is known.
async fn finish(bucket: &Bucket, shared: &Shared, app: &App) -> Result<()> {
    let ends = {
        let state = app.log.read();
        (state.replay.size(), state.replay.root())
    };
    if ends.0 == 0 {
        return Ok(());
    }
    let of = |note: &&Note| (note.claim().size, note.claim().root) == ends;
    let note = match shared.notes.get(NEWEST).filter(of) {
        Some(note) => note.clone(),
        None => sign(ends, bucket, app).await?,
    };
    let now = app.clock.now();
    let (newest, witnessed) = {
        let mut state = app.log.write();
        let since = match &state.newest {
            Some(newest) if newest.note.claim() == note.claim() => newest.since,
            _ => now,
        };
        let map = state.replay.map().clone();
        state.stand(Standing { note, map, since });
        if let Some(note) = shared.notes.get(WITNESSED) {
            state.cosigned(note);
        }
        (state.newest.clone(), state.witnessed.clone())
    };
    let log = app.clone();
    let kept = tokio::task::spawn_blocking(move || {
        for (name, standing) in [(NEWEST, newest), (WITNESSED, witnessed)] {
            if let Some(standing) = standing {
                stored(log.log.store.keep(name, &standing.note))?;
            }
        }
        Ok(())
    });
    kept.await.map_err(|_| Error::Broken("a checkpoint could not be copied"))?
}

/// Signs what the row of the database says, and puts the checkpoint where all servers find it.
async fn sign((size, root): Tree, bucket: &Bucket, app: &App) -> Result<Note> {
    let origin = app.log.key.name().to_owned();
    let sign = |message: &[u8]| app.secrets.sign_as_log(message);
    let note = Note::make(Checkpoint { origin, size, root }, &app.log.key, app.clock.now(), sign);
    let place = [CHECKPOINTS[0], CHECKPOINTS[1], &number(size)];
    bucket.put(&place, note.to_string().into_bytes()).await?;
    share(NEWEST, note, app).await
}

/// Gives a note to all servers, with what others have of the same one: the newest signature of each key.
async fn share(name: &'static str, note: Note, app: &App) -> Result<Note> {
    transaction!(app.db, "log::share", |tx| {
        let known: Option<String> =
            sqlx::query_scalar("-- log::share\nselect checkpoint from log_note where name = $1")
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
        let known = known.map(|text| read_note(&text, app)).transpose()?;
        let mut whole = note.clone();
        match known {
            Some(known) if known.claim().size > note.claim().size => return Ok(note.clone()),
            Some(known) if known.claim() == note.claim() => app.log.merge(&mut whole, &known),
            _ => false,
        };
        sqlx::query(
            "-- log::share
            insert into log_note (name, size, checkpoint) values ($1, $2, $3)
            on conflict (name) do update set size = $2, checkpoint = $3",
        )
        .bind(name)
        .bind(to_row(whole.claim().size))
        .bind(whole.to_string())
        .execute(&mut *tx)
        .await?;
        Ok(whole)
    })
}

/// Takes in what waits, as one batch, and publishes it; or says again that the newest is the newest.
pub(super) async fn step(bucket: &Bucket, app: &App) -> Result<()> {
    let _one = app.log.one.lock().await;
    for _ in 0..ATTEMPTS {
        catch_up(bucket, app).await?;
        let waiting = queue::read(app).await?;
        let now = app.clock.now();
        let (batch, before) = {
            let state = app.log.read();
            let awaited = state.newest.as_ref().is_some_and(|newest| {
                !app.log.is_cosigned(&newest.note)
                    && now.saturating_sub(newest.since) < STANDS_SECONDS
            });
            if awaited {
                return Ok(());
            }
            (state.batch(&waiting), (state.replay.size(), state.replay.root()))
        };
        let Some(batch) = batch else {
            if !waiting.is_empty() {
                queue::publish(&waiting, Some(before), before, app).await?;
            }
            return freshen(app).await;
        };
        let (mark, after) = {
            let mut state = app.log.write();
            let mark = state.mark();
            if let Err(error) = state.take(&batch) {
                state.back(mark);
                return Err(error);
            }
            (mark, (state.replay.size(), state.replay.root()))
        };
        let from = (before.0 > 0).then_some(before);
        match publish(&batch, &waiting, (from, after), bucket, app).await {
            Ok(true) => {
                copy(batch, app).await?;
                return finish(bucket, &shared(app).await?, app).await;
            }
            // Another server was faster; or nobody can say yet, and the row will.
            Ok(false) => app.log.write().back(mark),
            Err(error) => {
                app.log.write().back(mark);
                return Err(error);
            }
        }
    }
    Err(Error::Wait(Code::Unavailable, 1))
}

async fn publish(
    batch: &Batch,
    waiting: &[queue::Waiting],
    (from, to): (Option<Tree>, Tree),
    bucket: &Bucket,
    app: &App,
) -> Result<bool> {
    let leaves = encode_entries(batch.leaves.iter().map(Vec::as_slice));
    let length = u32::try_from(leaves.len()).map_err(|_| Error::Broken("a batch is too long"))?;
    let bytes = [length.to_be_bytes().as_slice(), &leaves, &batch.heads].concat();
    bucket.put(&[BATCHES[0], BATCHES[1], &batch_name(to)], bytes).await?;
    queue::publish(waiting, from, to, app).await
}

async fn freshen(app: &App) -> Result<()> {
    let own = app.log.key.as_kind(KeyKind::Cosigner);
    let now = app.clock.now();
    let standing = {
        let state = app.log.read();
        [(NEWEST, state.newest.clone()), (WITNESSED, state.witnessed.clone())]
    };
    for (name, standing) in standing {
        let Some(Standing { mut note, .. }) = standing else { continue };
        let signed_at = note.verify(&own).ok().flatten().unwrap_or(0);
        if now.saturating_sub(signed_at) < FRESH_SECONDS {
            continue;
        }
        let line = note.cosign(&own, now, |message| app.secrets.sign_as_log(message));
        note.put(&own, line);
        let note = share(name, note, app).await?;
        let mut state = app.log.write();
        let super::State { newest, witnessed, .. } = &mut *state;
        let place = if name == NEWEST { newest } else { witnessed };
        if let Some(place) = place.as_mut().filter(|it| it.note.claim() == note.claim()) {
            place.note = note;
        }
    }
    Ok(())
}

/// A witness's cosignature of a checkpoint that stands, for all servers.
pub(super) async fn hand_in(given: &Note, bucket: &Bucket, app: &App) -> Result<()> {
    app.log.valid(given)?;
    follow(bucket, app).await?;
    let standing = {
        let state = app.log.read();
        let is_given = |it: &&Standing| it.note.claim() == given.claim();
        let newest = state.newest.as_ref().filter(is_given).map(|it| (NEWEST, it.note.clone()));
        newest.or_else(|| {
            state.witnessed.as_ref().filter(is_given).map(|it| (WITNESSED, it.note.clone()))
        })
    };
    let (name, mut note) = standing.ok_or(Code::Conflict)?;
    if !app.log.merge(&mut note, given) {
        return Ok(());
    }
    let note = share(name, note, app).await?;
    if name == NEWEST && app.log.waits_for > 0 && app.log.is_cosigned(&note) {
        share(WITNESSED, note, app).await?;
    }
    follow(bucket, app).await
}

#[cfg(test)]
mod tests;
