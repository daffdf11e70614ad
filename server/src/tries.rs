//! Tries of six words: each is spent in the database before the server answers, and given back
//! after a valid finish. Handles that do not exist are counted alike.
//!
//! Invariant: this touches nothing but the six words. Sessions in use and the recovery sheet never
//! wait for it, so a stranger who spends somebody's tries does not lock them out.

use reconnect_format::api::Code;
use sqlx::AnyConnection;

use crate::{
    app::App,
    db::transaction,
    error::{Error, Result},
    wire::{from_row, to_row},
};

/// Tries that cost no waiting.
const FREE: u64 = 10;
/// The first wait, which doubles.
const FIRST_WAIT_SECONDS: u64 = 30;
/// The longest wait.
const LAST_WAIT_SECONDS: u64 = 15 * 60;
/// A spent try is forgotten after this long.
const DECAY_SECONDS: u64 = 15 * 60;
/// More are not counted: the longest wait is reached, and forgetting starts from here.
const COUNTED: u64 = FREE + 6;

/// What was spent on one handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tries {
    spent: u64,
    spent_at: u64,
}

impl Tries {
    /// One more try at `now`, or how many seconds to wait.
    fn spend(self, now: u64) -> Result<Self, u64> {
        // Spent in the future: the clock went back, and how long ago it was is not known. Nobody waits
        // for the clock to come there again.
        let passed = now.checked_sub(self.spent_at).unwrap_or(LAST_WAIT_SECONDS);
        let spent = self.spent.saturating_sub(passed / DECAY_SECONDS);
        if spent >= FREE {
            let doublings = u32::try_from(spent - FREE).unwrap_or(u32::MAX).min(10);
            let wait = (FIRST_WAIT_SECONDS << doublings).min(LAST_WAIT_SECONDS);
            if passed < wait {
                return Err(wait - passed);
            }
        }
        Ok(Self { spent: (spent + 1).min(COUNTED), spent_at: now })
    }
}

/// Spends one try, or refuses with the time to wait.
pub(crate) async fn spend(key: [u8; 32], now: u64, tx: &mut AnyConnection) -> Result<()> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "-- tries::spend
        select spent, spent_at from handle_tries where handle_key = $1",
    )
    .bind(key.as_slice())
    .fetch_optional(&mut *tx)
    .await?;
    let tries = row.map_or(Tries::default(), |(spent, spent_at)| Tries {
        spent: from_row(spent),
        spent_at: from_row(spent_at),
    });
    let after = tries.spend(now).map_err(|wait| Error::Wait(Code::TooManyTries, wait))?;
    sqlx::query(
        "-- tries::spend
        insert into handle_tries (handle_key, spent, spent_at) values ($1, $2, $3)
        on conflict (handle_key) do update set spent = $2, spent_at = $3",
    )
    .bind(key.as_slice())
    .bind(to_row(after.spent))
    .bind(to_row(after.spent_at))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Gives one try back: its finish was valid.
pub(crate) async fn give_back(key: [u8; 32], app: &App) -> Result<()> {
    transaction!(app.db, "tries::give_back", |tx| {
        sqlx::query(
            "-- tries::give_back
                update handle_tries set spent = spent - 1 where handle_key = $1 and spent > 0",
        )
        .bind(key.as_slice())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "-- tries::give_back
                delete from handle_tries where handle_key = $1 and spent <= 0",
        )
        .bind(key.as_slice())
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// Forgets what no longer counts.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.now_row();
    transaction!(app.db, "tries::sweep", |tx| {
        sqlx::query(
            "-- tries::sweep
                delete from handle_tries where spent <= 0 or spent_at + spent * $1 < $2",
        )
        .bind(to_row(DECAY_SECONDS))
        .bind(now)
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_are_free_and_then_the_wait_doubles_to_a_quarter_of_an_hour() {
        let mut tries = Tries::default();
        for _ in 0..FREE {
            tries = tries.spend(1_000_000).expect("free");
        }
        let mut now = 1_000_000;
        for wait in [30, 60, 120, 240, 480, 900, 900, 900] {
            assert_eq!(tries.spend(now), Err(wait));
            assert_eq!(tries.spend(now + wait - 1), Err(1));
            now += wait;
            // A wait of a quarter of an hour also forgets one try, so the wait stays the longest.
            tries = tries.spend(now).expect("waited");
        }
    }

    #[test]
    fn what_was_spent_is_forgotten_after_some_hours() {
        let tries = Tries { spent: COUNTED, spent_at: 1_000_000 };
        let later = 1_000_000 + COUNTED * DECAY_SECONDS;
        assert_eq!(tries.spend(later), Ok(Tries { spent: 1, spent_at: later }));
    }

    #[test]
    fn a_clock_that_goes_back_never_makes_the_wait_longer_than_it_was() {
        let tries = Tries { spent: COUNTED, spent_at: 1_000_000 };
        let after = tries.spend(10).expect("one try, whose time is known again");
        assert_eq!(after.spent_at, 10);
        assert_eq!(after.spend(11), Err(LAST_WAIT_SECONDS - 1));
    }

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: crate::Config,
    }

    #[tokio::test]
    async fn what_no_longer_counts_is_swept_and_one_valid_try_is_given_back() -> anyhow::Result<()>
    {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let config = <Command as clap::Parser>::try_parse_from(["reconnect", "--data", &data])?;
        let now = 1_000_000;
        let app = App::open(config.config, crate::Clock::manual(now)).await?;
        let long_ago = now - DECAY_SECONDS;
        let rows = [(1, 0, now), (2, 1, now), (3, 1, long_ago), (4, 1, long_ago - 1), (5, 2, now)];
        transaction!(app.db, "test", |tx| {
            for (key, spent, at) in rows {
                sqlx::query(
                    "insert into handle_tries (handle_key, spent, spent_at) values ($1, $2, $3)",
                )
                .bind([key; 32].as_slice())
                .bind(to_row(spent))
                .bind(to_row(at))
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })?;
        let left = async || -> anyhow::Result<Vec<(u8, i64)>> {
            let rows: Vec<(Vec<u8>, i64)> =
                sqlx::query_as("select handle_key, spent from handle_tries order by handle_key")
                    .fetch_all(app.db.reader())
                    .await?;
            Ok(rows.into_iter().map(|(key, spent)| (key[0], spent)).collect())
        };
        sweep(&app).await?;
        assert_eq!(left().await?, [(2, 1), (3, 1), (5, 2)]);
        for key in [2, 5, 9] {
            give_back([key; 32], &app).await?;
        }
        assert_eq!(left().await?, [(3, 1), (5, 1)]);
        Ok(())
    }

    #[tokio::test]
    async fn each_try_is_spent_in_the_database_before_it_is_answered() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let config = <Command as clap::Parser>::try_parse_from(["reconnect", "--data", &data])?;
        let app = App::open(config.config, crate::Clock::manual(1_000_000)).await?;
        let spent =
            async |now| transaction!(app.db, "test", |tx| { spend([1; 32], now, tx).await });
        for _ in 0..10 {
            spent(1_000_000).await?;
        }
        let refused = spent(1_000_010).await;
        let is_so = matches!(refused, Err(Error::Wait(Code::TooManyTries, 20)));
        anyhow::ensure!(is_so, "{refused:?}");
        spent(1_000_030).await?;
        Ok(())
    }
}
