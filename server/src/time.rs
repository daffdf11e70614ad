//! Whether the clock is believed. What ends by time ends for good, so one look at a clock that is
//! years ahead must not erase what people keep; and after a start the clock may say anything.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::{app::App, db::transaction, error::Result};

/// A clock that is further ahead than this of the newest time that was believed is not believed.
pub(crate) const LEAP_SECONDS: i64 = 24 * 3600;
/// The newest time is written down this often, not at each sweep.
const WRITTEN_SECONDS: u64 = 3600;
/// A clock that says the same for as long is right: the server was off for some days, and somebody
/// who watches it has had the time to set the clock.
const CONFIRMED: Duration = Duration::from_hours(1);

/// Since when the clock is not believed.
#[derive(Debug, Default)]
pub(crate) struct Time(Mutex<Option<Instant>>);

impl Time {
    /// Whether what the clock says is over may be erased. What is believed is written down.
    pub(crate) async fn believe(&self, app: &App) -> Result<bool> {
        let now = app.clock.now_row();
        let newest: i64 = sqlx::query_scalar(
            "-- Time::believe
            select newest_at from server where one = 1",
        )
        .fetch_one(app.db.reader())
        .await?;
        if !self.is_likely(newest, now, Instant::now()) {
            return Ok(false);
        }
        if newest.abs_diff(now) >= WRITTEN_SECONDS {
            transaction!(app.db, "Time::believe", |tx| {
                sqlx::query("-- Time::believe\nupdate server set newest_at = $1 where one = 1")
                    .bind(now)
                    .execute(&mut *tx)
                    .await?;
                Ok(())
            })?;
        }
        Ok(true)
    }

    /// A clock that is set back erases nothing, so it is always believed.
    fn is_likely(&self, newest: i64, now: i64, looked: Instant) -> bool {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(newest) <= LEAP_SECONDS {
            *since = None;
            return true;
        }
        if since.is_none() {
            let days = now.saturating_sub(newest) / LEAP_SECONDS;
            tracing::error!(
                days,
                "the clock is days ahead of when this server last ran: nothing that it calls over is \
                 erased for an hour; set the clock if it is wrong"
            );
        }
        looked.duration_since(*since.get_or_insert(looked)) >= CONFIRMED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_leaps_is_believed_after_an_hour_only() {
        let (time, newest, start) = (Time::default(), 1_800_000_000, Instant::now());
        let looks = |now: i64, minutes: u64| {
            time.is_likely(newest, now, start + Duration::from_mins(minutes))
        };
        let ahead = newest + 400 * LEAP_SECONDS;
        assert!(looks(newest + LEAP_SECONDS, 0));
        assert!(looks(newest - 400 * LEAP_SECONDS, 0), "it erases nothing");
        assert!(!looks(ahead, 0));
        assert!(!looks(ahead, 59));
        assert!(looks(newest + 60, 59), "it was set right: the next leap is another");
        assert!(!looks(ahead, 60));
        assert!(!looks(ahead, 119));
        assert!(looks(ahead, 120));
    }
}
