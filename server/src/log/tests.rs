//! Which cosignatures count, which are written, and how long a checkpoint waits for them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::db::transaction;

pub(super) const NOW: u64 = 1_760_000_000;

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

pub(super) fn waits(number: u8) -> Waiting {
    let newest = Newest { sequence: number.into(), value: [number; 32] };
    Waiting { index: [number; 32], newest, is_head: false }
}

/// What the log stands at, with one cosignature more.
pub(super) fn cosigned(log: &Log, seed: u8, time: u64) -> Result<Note> {
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

/// The log of a data folder as a server opens it, or the copy of a bucket's.
fn open(folder: &Path, is_copy: bool, origin: Option<&str>) -> Result<Log> {
    let mut config = <TestConfig as clap::Parser>::try_parse_from(["reconnect"])?.config;
    config.data = folder.to_owned();
    config.log.origin = origin.map(str::to_owned);
    Log::open_as(is_copy, &config, &Secrets::open(folder)?)
}

#[derive(clap::Parser)]
struct TestConfig {
    #[command(flatten)]
    config: Config,
}

/// A log with two batches, the first of which is cosigned by enough; gives its size.
fn with_two_batches(folder: &Path) -> Result<u64> {
    let (log, secrets) = log(folder, 1)?;
    log.advance(&[waits(1)], &secrets, NOW)?;
    log.cosigned(&cosigned(&log, 2, NOW)?)?;
    log.advance(&[waits(2), waits(3)], &secrets, NOW)?;
    Ok(log.size())
}

#[test]
fn a_log_that_is_damaged_is_refused_and_a_copy_of_one_is_made_anew() -> Result<()> {
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [(&str, Damage); 5] = [
        (NEWEST, |_| b"no checkpoint".to_vec()),
        (WITNESSED, |_| b"no checkpoint".to_vec()),
        ("leaves", |leaves| leaves[..leaves.len() - 1].to_vec()),
        ("leaves", |leaves| leaves.iter().map(|byte| byte ^ 1).collect()),
        ("heads", |_| Vec::new()),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir()?;
        let size = with_heads(folder.path())?;
        for is_copy in [false, true] {
            ensure!(open(folder.path(), is_copy, None)?.size() == size, "{name}");
        }
        let path = folder.path().join("log").join(name);
        fs::write(&path, damage(&fs::read(&path)?))?;
        ensure!(open(folder.path(), false, None).is_err(), "{name} is damaged, and it is opened");
        let copy = open(folder.path(), true, None)?;
        // What is wrong with the cosigned one alone is got again with the next that is cosigned.
        let expected = if name == WITNESSED { size } else { 0 };
        ensure!(copy.size() == expected && copy.read().witnessed.is_none(), "{name}");
    }
    Ok(())
}

/// The same with a head in it.
fn with_heads(folder: &Path) -> Result<u64> {
    with_two_batches(folder)?;
    let log = open(folder, false, None)?;
    let head = Waiting { is_head: true, ..waits(4) };
    log.advance(&[head], &Secrets::open(folder)?, NOW + STANDS_SECONDS)?;
    Ok(log.size())
}

#[test]
fn a_log_is_opened_by_its_own_name_and_with_its_own_key_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let size = with_two_batches(folder.path())?;
    for origin in [None, Some("log.example")] {
        let log = open(folder.path(), false, origin)?;
        ensure!(log.size() == size && log.key().name() == "log.example");
        ensure!(log.read().witnessed.as_ref().is_some_and(|it| it.note.claim().size < size));
    }
    let other = open(folder.path(), false, Some("other.example")).err().context("opened")?;
    ensure!(other.to_string().contains("other.example"), "{other:#}");
    fs::remove_file(folder.path().join("secrets/log.key"))?;
    let foreign = open(folder.path(), false, None).err().context("opened with another key")?;
    ensure!(foreign.to_string().contains("log.key"), "{foreign:#}");
    Ok(())
}

#[test]
fn a_log_that_ends_too_early_or_forked_does_not_continue_what_somebody_saw() -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let (log, secrets) = log(folders[0].path(), 0)?;
    log.advance(&[waits(1)], &secrets, NOW)?;
    let first = log.read().newest.as_ref().context("it stands")?.note.clone();
    log.advance(&[waits(2)], &secrets, NOW)?;
    let second = log.read().newest.as_ref().context("it stands")?.note.clone();
    log.check_continues(&first)?;
    log.check_continues(&second)?;
    let (forked, _) = self::log(folders[1].path(), 0)?;
    let forked = Log { key: log.key.clone(), ..forked };
    ensure!(forked.check_continues(&first).is_err(), "an empty one");
    forked.advance(&[waits(9)], &secrets, NOW)?;
    ensure!(forked.size() == first.claim().size);
    let fault = forked.check_continues(&first).err().context("it forked")?;
    ensure!(fault.to_string().contains("forked"), "{fault:#}");
    let early = forked.check_continues(&second).err().context("it is shorter")?;
    ensure!(early.to_string().contains("ends at"), "{early:#}");
    let foreign = Log { key: witness(7)?, ..forked };
    ensure!(foreign.check_continues(&first).is_err(), "nobody here signed it");
    Ok(())
}

#[test]
fn only_the_newest_checkpoints_may_still_be_cosigned_and_no_older_one_takes_its_place() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let (log, secrets) = log(folder.path(), 0)?;
    let mut state = State::default();
    let mut notes = Vec::new();
    for number in 1..=66 {
        log.advance(&[waits(number)], &secrets, NOW)?;
        let newest = log.read().newest.clone().context("it stands")?;
        notes.push(newest.note.clone());
        // The same a second time, as when it is signed again.
        state.stand(newest.clone());
        state.stand(newest);
    }
    let witnessed = |state: &State| state.witnessed.as_ref().map(|it| it.note.claim().size);
    state.cosigned(&notes[1]);
    ensure!(witnessed(&state).is_none(), "64 are remembered, and this one is older");
    state.cosigned(&notes[2]);
    ensure!(witnessed(&state) == Some(notes[2].claim().size), "the oldest that is remembered");
    state.cosigned(&notes[40]);
    state.cosigned(&notes[39]);
    ensure!(witnessed(&state) == Some(notes[40].claim().size), "an older one does not count");
    let mut again = notes[40].clone();
    let own = log.key.as_kind(KeyKind::Cosigner);
    let line = again.cosign(&own, NOW + 9, |message| secrets.sign_as_log(message));
    again.put(&own, line);
    state.cosigned(&again);
    ensure!(state.witnessed.as_ref().is_some_and(|it| it.note == again), "its newer signature");
    let size = |from: u64| state.shown(from).map(|it| it.note.claim().size);
    let (then, now) = (notes[40].claim().size, notes[65].claim().size);
    ensure!(size(0) == Some(then) && size(then) == Some(then), "the newest that is cosigned");
    ensure!(size(then + 1) == Some(now), "who saw a newer one is shown the newest");
    Ok(())
}

#[test]
fn what_was_taken_and_not_signed_is_undone_whole() -> Result<()> {
    let mut state = State::default();
    let batch = state.batch(&[waits(1), Waiting { is_head: true, ..waits(2) }]).context("new")?;
    state.take(&batch)?;
    let known = |state: &State| {
        let heads: Vec<_> = state.heads.iter().map(|it| (it.leaf, it.start, it.length)).collect();
        (state.replay.size(), state.replay.root(), state.tiles.clone(), heads, state.lengths)
    };
    let before = known(&state);
    let mark = state.mark();
    let newer = |number| Waiting {
        newest: Newest { sequence: 1000, value: [7; 32] },
        is_head: true,
        ..waits(number)
    };
    let many: Vec<_> = (3..=255).map(waits).collect();
    for waiting in [&many[..], &[newer(1)], &[newer(9)]] {
        let batch = state.batch(waiting).context("something new")?;
        state.take(&batch)?;
    }
    let [after, then] = [known(&state), before.clone()];
    ensure!(after.0 > 256 && after.2.len() > then.2.len() && after.4 > then.4);
    state.back(mark);
    ensure!(known(&state) == before);
    Ok(())
}

#[tokio::test]
async fn what_waits_is_read_in_its_order_and_waits_until_it_was_published() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(folder.path()).await?;
    ensure!(waiting(&app).await? == 0);
    let entry = |number: u8, sequence| ([number; 32], Newest { sequence, value: [number; 32] });
    transaction!(app.db, "test", |tx| {
        queue::wait(entry(2, 1), tx).await?;
        queue::wait(entry(1, 7), tx).await?;
        // The same once more.
        queue::wait(entry(2, 1), tx).await
    })?;
    ensure!(waiting(&app).await? == 2);
    ensure!(queue::waits(&[2; 32], &app).await? && !queue::waits(&[3; 32], &app).await?);
    let read = queue::read(&app).await?;
    let order: Vec<_> = read.iter().map(|it| (it.index[0], it.newest.sequence)).collect();
    ensure!(order == [(1, 7), (2, 1)] && read.iter().all(|it| !it.is_head));
    queue::forget(&read[..1], (3, [9; 32]), &app).await?;
    ensure!(waiting(&app).await? == 1 && !queue::waits(&[1; 32], &app).await?);
    ensure!(queue::published(&app).await? == Some((3, [9; 32])));
    // Another server goes on from what it knows, and only from that.
    ensure!(!queue::publish(&read, None, (4, [8; 32]), &app).await?);
    ensure!(!queue::publish(&read, Some((3, [8; 32])), (4, [8; 32]), &app).await?);
    ensure!(queue::waits(&[2; 32], &app).await?);
    ensure!(queue::publish(&read, Some((3, [9; 32])), (4, [8; 32]), &app).await?);
    ensure!(waiting(&app).await? == 0);
    ensure!(queue::published(&app).await? == Some((4, [8; 32])));
    Ok(())
}

#[tokio::test]
async fn how_far_the_log_has_come_is_known_also_when_nothing_waited() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(folder.path()).await?;
    queue::forget(&[], (3, [9; 32]), &app).await?;
    ensure!(queue::published(&app).await? == Some((3, [9; 32])));
    queue::forget(&[], (4, [8; 32]), &app).await?;
    ensure!(queue::published(&app).await? == Some((4, [8; 32])));
    // What waits is forgotten also where the log had it already.
    transaction!(app.db, "test", |tx| {
        queue::wait(([1; 32], Newest { sequence: 1, value: [1; 32] }), tx).await
    })?;
    queue::forget(&queue::read(&app).await?, (4, [8; 32]), &app).await?;
    ensure!(waiting(&app).await? == 0);
    Ok(())
}

/// A server that waits for one witness.
pub(super) async fn with_witness(folder: &Path, seed: u8) -> Result<App> {
    let mut config = <TestConfig as clap::Parser>::try_parse_from(["reconnect"])?.config;
    config.data = folder.to_owned();
    config.log.witnesses = vec![witness(seed)?];
    config.log.required = 1;
    App::open(config, crate::Clock::manual(NOW)).await
}

pub(super) async fn on(folder: &Path) -> Result<App> {
    let mut config = <TestConfig as clap::Parser>::try_parse_from(["reconnect"])?.config;
    config.data = folder.to_owned();
    App::open(config, crate::Clock::manual(NOW)).await
}

#[tokio::test]
async fn heads_that_no_checkpoint_covers_yet_are_told_to_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let app = on(folder.path()).await?;
    app.publish().await?;
    let size = app.log.size();
    let told = async || {
        let answer = heads(axum::extract::State(app.clone()), crate::wire::Named(size));
        answer.await.map(|(_, bytes)| bytes)
    };
    let is_none = |heads: Result<Vec<u8>, Error>| matches!(heads, Err(Error::Code(Code::NotFound)));
    ensure!(is_none(told().await), "there is no such leaf");
    let head = Waiting { is_head: true, ..waits(4) };
    let batch = app.log.read().batch(&[head]).context("something new")?;
    app.log.store.append(batch.after, &batch.entries_bytes(), &batch.heads)?;
    app.log.write().take(&batch)?;
    ensure!(app.log.size() == size && is_none(told().await), "it is not published yet");
    app.publish().await?;
    ensure!(app.log.size() == size + 1 && told().await? == batch.heads);
    Ok(())
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_no_empty_log() -> Result<()> {
    let folder = tempfile::tempdir()?;
    ensure!(open(folder.path(), false, None)?.size() == 0);
    fs::create_dir(folder.path().join("log").join(NEWEST))?;
    ensure!(open(folder.path(), false, None).is_err(), "it began anew");
    Ok(())
}

#[test]
fn a_checkpoint_of_another_tree_or_of_half_a_batch_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (log, secrets) = log(folder.path(), 0)?;
    log.advance(&[waits(1), waits(2)], &secrets, NOW)?;
    let size = log.size();
    let half = log.read().replay.tree().root(size - 1).context("a root")?;
    ensure!(open(folder.path(), false, None)?.size() == size);
    for (size, root) in [(size, [9; 32]), (size - 1, half)] {
        let claim = Checkpoint { origin: log.key.name().to_owned(), size, root };
        let note = Note::make(claim, &log.key, NOW, |message| secrets.sign_as_log(message));
        log.store.keep(NEWEST, &note)?;
        let refused = open(folder.path(), false, None).err().context("it is opened")?;
        ensure!(refused.to_string().contains("not those of log/checkpoint"), "{refused:#}");
    }
    Ok(())
}

/// I-5: only a full disk is told; whatever else fails ends the process.
#[test]
fn what_cannot_be_written_ends_the_process_and_a_full_disk_is_told() -> Result<()> {
    use std::io::ErrorKind;

    use crate::error::again;

    let failed = |kind: ErrorKind| stored(Err(kind.into()));
    if again::is_so() {
        return Ok(failed(ErrorKind::Other)?);
    }
    let full = failed(ErrorKind::StorageFull);
    ensure!(matches!(full, Err(Error::Code(Code::StorageFull))), "{full:?}");
    stored(Ok(()))?;
    let test = "log::tests::what_cannot_be_written_ends_the_process_and_a_full_disk_is_told";
    ensure!(again::run(test)? == Some(70), "it went on");
    Ok(())
}

#[tokio::test]
async fn the_log_goes_on_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut config = <TestConfig as clap::Parser>::try_parse_from(["reconnect"])?.config;
    config.data = folder.path().to_owned();
    config.log.seconds = 1;
    let app = App::open(config, crate::Clock::manual(NOW)).await?;
    transaction!(app.db, "test", |tx| {
        queue::wait(([1; 32], Newest { sequence: 1, value: [1; 32] }), tx).await
    })?;
    let taken = async {
        while waiting(&app).await? > 0 {
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        () = forever(app.clone()) => anyhow::bail!("it ended"),
        taken = tokio::time::timeout(Duration::from_mins(1), taken) => taken?,
    }
}

#[tokio::test]
async fn a_tile_is_of_its_level_and_a_look_up_names_so_many_others_at_most() -> Result<()> {
    use axum::extract::State;
    use reconnect_format::{
        api::{BESIDE, LogAsked},
        id::{Base64, LogIndex},
    };

    use crate::wire::{Asked, Named};

    let folder = tempfile::tempdir()?;
    let app = on(folder.path()).await?;
    transaction!(app.db, "test", |tx| {
        for number in 0..=255 {
            queue::wait(([number; 32], Newest { sequence: 1, value: [1; 32] }), tx).await?;
        }
        Ok(())
    })?;
    app.publish().await?;
    let root = app.log.read().replay.tree().root(256).context("as many leaves")?;
    let (_, told) = tile(State(app.clone()), Named("1/000.p/1".to_owned())).await?;
    ensure!(told == root, "it is of another level");
    for (count, is_answered) in [(0, true), (1, true), (BESIDE, true), (BESIDE + 1, false)] {
        let beside = Base64(vec![7; 32 * count]);
        let asked = LogAsked { index: LogIndex([1; 32]), beside, from: 0 };
        let answer = look_up(State(app.clone()), Asked(asked)).await.map(drop);
        let is_bad = matches!(answer, Err(Error::Code(Code::BadRequest)));
        ensure!(answer.is_ok() == is_answered && is_bad != is_answered, "{count}: {answer:?}");
    }
    Ok(())
}
