//! How much at one time: requests, bodies, and a rate for what costs much, for all people together.
//! There is no limit by address, since a whole day centre works behind one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant},
};

use crate::error::{Error, Result};
use reconnect_format::api::Code;

/// Bytes of all bodies together that are read into memory, but for small ones.
const BODIES_BYTES: usize = 256 << 20;
/// Smaller bodies are not counted: there are never more of them than connections.
const SMALL_BYTES: usize = 64 << 10;

/// What is answered at one time.
#[derive(Debug)]
pub(crate) struct Crowd {
    requests: Arc<Semaphore>,
    /// Parts of uploads that arrive: never so many that nothing else is answered.
    parts: Arc<Semaphore>,
    /// Room for bodies, in KiB.
    bodies: Arc<Semaphore>,
}

impl Crowd {
    pub(crate) fn new(requests: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            parts: Arc::new(Semaphore::new((requests / 2).max(1))),
            bodies: Arc::new(Semaphore::new(BODIES_BYTES >> 10)),
        }
    }

    /// Whether one more request would be answered now.
    pub(crate) fn has_place(&self) -> bool {
        self.requests.available_permits() > 0
    }

    /// A place for a part that arrives, or when to come again.
    pub(crate) fn take_part(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.parts).try_acquire_owned().map_err(|_| BUSY)
    }
}

const BUSY: Error = Error::Wait(Code::Unavailable, 1);

/// A request's place among those that are answered at one time. It is left while the request's body
/// is waited for, however slowly that comes.
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    request: Option<OwnedSemaphorePermit>,
    body: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Takes a place, or says when to come again.
    pub(crate) fn take(crowd: &Crowd) -> Result<Self> {
        let place = Self(Arc::default());
        place.enter(crowd)?;
        Ok(place)
    }

    /// Leaves it for as long as a body of `bytes` is read, and takes room for that body until the
    /// request is answered.
    pub(crate) fn leave_for_body(&self, bytes: usize, crowd: &Crowd) -> Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > SMALL_BYTES {
            let kib = u32::try_from(bytes.div_ceil(1024)).map_err(|_| Code::BadRequest)?;
            let room = Arc::clone(&crowd.bodies).try_acquire_many_owned(kib).map_err(|_| BUSY)?;
            held.body = Some(room);
        }
        held.request = None;
        Ok(())
    }

    /// Takes it again.
    pub(crate) fn enter(&self, crowd: &Crowd) -> Result<()> {
        let place = Arc::clone(&crowd.requests).try_acquire_owned().map_err(|_| BUSY)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).request = Some(place);
        Ok(())
    }
}

/// How long somebody has to send `bytes`: a deadline for the whole, so that dripping does not help.
pub(crate) fn patience(bytes: u64) -> Duration {
    const LEAST: Duration = Duration::from_secs(20);
    const BYTES_PER_SECOND: u64 = 8 << 10;
    LEAST + Duration::from_secs(bytes / BYTES_PER_SECOND)
}

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
