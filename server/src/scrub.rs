//! The scrub that the server does by itself: what `reconnect verify` looks at, slowly, again and again
//! (`RECONNECT_SCRUB_SECONDS`). What it finds is counted and logged by its kind, without ids; `reconnect verify` names it.
//!
//! All that is stored is cut into slices by the first byte of its ids, which are random or hashes, and behind them come
//! the database's own files and the log. A row for each says when it was read, so a restart goes on where it stopped, and
//! servers on one database share the work. Nothing is lost when two read the same slice at one time.

use std::collections::HashMap;

use tokio::{
    pin, select,
    time::{Duration, Instant, sleep, sleep_until},
};

use crate::{
    app::App,
    db::{Depth, transaction},
    error::Result,
    verify::{Found, Scrub},
};

/// Behind those of ids: the database, then the log.
const DATABASE: i64 = 256;
const LOG: i64 = DATABASE + 1;
const ALL: i64 = LOG + 1;
/// A server says this often that it still reads a slice.
const SAID: Duration = Duration::from_mins(1);
/// Who has not said so for as long is gone, and another server reads the slice.
const GONE_SECONDS: u64 = 15 * 60;
/// A slice that could not be read, because the store was away, is passed over for as long.
const PASSED_OVER: Duration = Duration::from_hours(1);
/// With less on the disk it waits for more.
const ROOM_BYTES: u64 = 64 << 20;
/// Before the next one then, at least.
const AGAIN: Duration = Duration::from_secs(10);
/// Nobody looks less often whether it is time for the next slice.
const LONGEST: Duration = Duration::from_hours(1);

/// What is known of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    begun_at: i64,
    read_at: i64,
}

/// Slices that could not be read, and until when they are passed over.
#[derive(Default)]
pub(crate) struct Passed(HashMap<i64, Instant>);

impl Passed {
    fn has(&self, slice: i64) -> bool {
        self.0.get(&slice).is_some_and(|until| *until > Instant::now())
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Slice(i64),
    /// Not before so many seconds.
    In(u64),
}

/// The slice that was read longest ago, unless the one before was begun a moment ago.
fn next(
    rows: &HashMap<i64, Row>,
    (now, every): (i64, u64),
    is_held: impl Fn(Row) -> bool,
    passed: &Passed,
) -> Next {
    let since = rows.values().map(|row| now.abs_diff(row.begun_at)).min().unwrap_or(u64::MAX);
    if since < every {
        return Next::In(every - since);
    }
    let of = |slice: i64| rows.get(&slice).copied().unwrap_or_default();
    let free = (0..ALL).filter(|slice| !is_held(of(*slice)) && !passed.has(*slice));
    match free.min_by_key(|slice| (of(*slice).read_at, *slice)) {
        Some(slice) => Next::Slice(slice),
        None => Next::In(every.max(60)),
    }
}

/// Chooses what is next, and says that it is begun.
async fn take(passed: &Passed, app: &App) -> Result<Next> {
    let now = app.clock.now_row();
    let every = app.config.scrub.seconds / ALL.unsigned_abs();
    // With a folder there is one server, and what it began before it was started again nobody reads.
    let is_shared = app.blobs.bucket().is_some();
    let is_held = |row: Row| {
        is_shared && row.begun_at > row.read_at && now.abs_diff(row.begun_at) < GONE_SECONDS
    };
    transaction!(app.db, "scrub::take", |tx| {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("-- scrub::take\nselect slice, begun_at, read_at from scrub")
                .fetch_all(&mut *tx)
                .await?;
        let rows =
            rows.into_iter().map(|(slice, begun_at, read_at)| (slice, Row { begun_at, read_at }));
        let next = next(&rows.collect(), (now, every), is_held, passed);
        if let Next::Slice(slice) = next {
            sqlx::query(
                "-- scrub::take
                insert into scrub (slice, begun_at, read_at, damaged) values ($1, $2, 0, 0)
                on conflict (slice) do update set begun_at = $2",
            )
            .bind(slice)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        Ok(next)
    })
}

/// Says that a slice is still being read, or what was found when it was.
async fn say(slice: i64, found: Option<&Found>, app: &App) -> Result<()> {
    let now = app.clock.now_row();
    let damaged = found.map_or(0, |found| i64::try_from(found.damage.len()).unwrap_or(i64::MAX));
    let statement = match found {
        None => "-- scrub::say\nupdate scrub set begun_at = $1 where slice = $2",
        Some(_) => {
            "-- scrub::say
            update scrub set begun_at = $1, read_at = $1, damaged = $3 where slice = $2"
        }
    };
    transaction!(app.db, "scrub::say", |tx| {
        let mut query = sqlx::query(statement).bind(now).bind(slice);
        if found.is_some() {
            query = query.bind(damaged);
        }
        query.execute(&mut *tx).await?;
        Ok(())
    })
}

async fn look(slice: i64, scrub: &mut Scrub, app: &App) -> Result<()> {
    match (slice, u8::try_from(slice)) {
        (_, Ok(first)) => scrub.slice(first).await,
        (DATABASE, _) => scrub.database(Depth::TableByTable).await,
        _ => scrub.log(&app.config).await,
    }
}

/// Reads a slice to its end, and keeps what was found.
async fn read(slice: i64, app: &App) -> Result<()> {
    let rate = app.config.scrub.bytes_per_second;
    let mut scrub = Scrub::new(app.db.clone(), app.blobs.clone(), Some(rate));
    {
        let looking = look(slice, &mut scrub, app);
        pin!(looking);
        loop {
            select! {
                looked = &mut looking => break looked?,
                () = sleep(SAID) => say(slice, None, app).await?,
            }
        }
    }
    for damage in &scrub.found.damage {
        let kind = damage.kind;
        tracing::error!(
            kind,
            "something is not as it was when it came: `reconnect verify` names it"
        );
    }
    app.metrics.scrubbed(scrub.found.bytes);
    say(slice, Some(&scrub.found), app).await
}

/// Reads the next slice, if it is time. Otherwise how long to wait.
pub(crate) async fn step(passed: &mut Passed, app: &App) -> Result<Option<Duration>> {
    // Its rows are not what the ballast is for.
    if app.disk.free_bytes() < ROOM_BYTES {
        return Ok(Some(SAID));
    }
    let slice = match take(passed, app).await? {
        Next::Slice(slice) => slice,
        Next::In(seconds) => return Ok(Some(Duration::from_secs(seconds))),
    };
    let done = Box::pin(read(slice, app)).await;
    if done.is_err() {
        passed.0.insert(slice, Instant::now() + PASSED_OVER);
    }
    done.map(|()| None)
}

/// Goes on for as long as the server runs.
pub(crate) async fn forever(app: App) {
    let round = Duration::from_secs(app.config.scrub.seconds);
    if round.is_zero() {
        return;
    }
    let every = round / u32::try_from(ALL).unwrap_or(u32::MAX);
    let mut passed = Passed::default();
    loop {
        let begun = Instant::now();
        match step(&mut passed, &app).await {
            Ok(None) => sleep_until(begun + every).await,
            Ok(Some(wait)) => sleep(wait.min(LONGEST)).await,
            Err(error) => {
                app.metrics.not_scrubbed();
                tracing::warn!(%error, "what is stored could not be read again: it is tried later");
                sleep_until(begun + every.max(AGAIN)).await;
            }
        }
    }
}

/// What the rows say: how many things are damaged, and since when something was not read, unless all was never read.
pub(crate) async fn standing(app: &App) -> Result<(i64, Option<i64>)> {
    let (count, oldest, damaged): (i64, i64, i64) = sqlx::query_as(
        "-- scrub::standing
        select count(*), coalesce(min(read_at), 0), cast(coalesce(sum(damaged), 0) as bigint)
        from scrub",
    )
    .fetch_one(app.db.reader())
    .await?;
    Ok((damaged, (count == ALL && oldest > 0).then_some(oldest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(begun_at: i64, read_at: i64) -> Row {
        Row { begun_at, read_at }
    }

    #[test]
    fn what_was_read_longest_ago_is_next_at_its_time() {
        let (passed, nobody) = (Passed::default(), |_| false);
        let mut rows = HashMap::new();
        assert_eq!(next(&rows, (100, 40), nobody, &passed), Next::Slice(0));
        rows.insert(0, row(100, 101));
        assert_eq!(next(&rows, (110, 40), nobody, &passed), Next::In(30));
        assert_eq!(next(&rows, (140, 40), nobody, &passed), Next::Slice(1));
        // Begun, and not read to its end: a server that is started again begins with it.
        rows.insert(1, row(140, 0));
        assert_eq!(next(&rows, (200, 40), nobody, &passed), Next::Slice(1));
        assert_eq!(
            next(&rows, (200, 40), |row| row.begun_at > row.read_at, &passed),
            Next::Slice(2)
        );
        rows.extend((0..ALL).map(|slice| (slice, row(200 + slice, 200 + slice))));
        assert_eq!(next(&rows, (900, 40), nobody, &passed), Next::Slice(0));
        rows.insert(0, row(900, 900));
        assert_eq!(next(&rows, (940, 40), nobody, &passed), Next::Slice(1));
        // A clock that was set back by years holds nothing up.
        assert_eq!(next(&rows, (-9_000, 40), nobody, &passed), Next::Slice(1));
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_passed_over_for_a_while() {
        let later = Instant::now() + PASSED_OVER;
        let passed = Passed(HashMap::from([(0, later), (1, later)]));
        let rows = HashMap::new();
        assert_eq!(next(&rows, (100, 0), |_| false, &passed), Next::Slice(2));
        let all = Passed((0..ALL).map(|slice| (slice, later)).collect());
        assert_eq!(next(&rows, (100, 0), |_| false, &all), Next::In(60));
    }
}
