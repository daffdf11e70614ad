//! How much at one time: a rate for what costs much, for all people together. There is no limit by
//! address, since a whole day centre works behind one.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::error::{Error, Result};
use reconnect_format::api::Code;

/// So many a second, with a burst of two seconds' worth.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    burst: Duration,
    /// When all that was taken will have been earned.
    earned_at: Mutex<Option<Instant>>,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let burst = Duration::from_secs(2).max(interval);
        Self { interval, burst, earned_at: Mutex::new(None) }
    }

    /// Takes one, or says when there will be one.
    pub(crate) fn take(&self) -> Result<()> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Result<()> {
        let mut earned_at = self.earned_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = earned_at.unwrap_or(now).max(now) + self.interval;
        if next > now + self.burst {
            return Err(Error::Wait(Code::TooManyRequests, 1));
        }
        *earned_at = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_passes_and_then_the_rate() {
        let rate = Rate::new(10);
        let now = Instant::now();
        let passed = (0..100).filter(|_| rate.take_at(now).is_ok()).count();
        assert_eq!(passed, 20);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| rate.take_at(later).is_ok()).count(), 10);
    }
}
