//! How much at one time: requests, bodies, and a rate for what costs much, for all people together.
//! There is no limit by address, since a whole day centre works behind one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant, sleep_until},
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
    most_parts: usize,
    /// Room for bodies, in KiB.
    bodies: Arc<Semaphore>,
}

impl Crowd {
    pub(crate) fn new(requests: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            parts: Arc::new(Semaphore::new((requests / 2).max(1))),
            most_parts: (requests / 2).max(1),
            bodies: Arc::new(Semaphore::new(BODIES_BYTES >> 10)),
        }
    }

    /// Whether one more request would be answered now.
    pub(crate) fn has_place(&self) -> bool {
        self.requests.available_permits() > 0
    }

    /// How many parts are arriving.
    pub(crate) fn parts_under_way(&self) -> usize {
        self.most_parts.saturating_sub(self.parts.available_permits())
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

    /// Leaves it, for as long as the request waits.
    fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).request = None;
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

/// How many seconds somebody waits for their turn, at most.
const TURN_SECONDS: u32 = 5;

/// So many a second, with a burst of two seconds' worth; whoever comes then waits, and is served in the order of coming.
/// So many strangers as there are, who ask again and again, are before somebody else once, not always.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    burst: Duration,
    /// Places of those who wait.
    waiting: Semaphore,
    /// When all that was taken will have been earned. It is locked in the order of coming.
    earned_at: AsyncMutex<Option<Instant>>,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let burst = Duration::from_secs(2).max(interval);
        let waiting = Semaphore::new((per_second.max(1) * TURN_SECONDS) as usize);
        Self { interval, burst, waiting, earned_at: AsyncMutex::new(None) }
    }

    /// Waits for a turn, without `place`; where too many wait already, says when to come again.
    pub(crate) async fn turn(&self, place: &Place, crowd: &Crowd) -> Result<()> {
        let again = Error::Wait(Code::TooManyRequests, TURN_SECONDS.into());
        let _waiting = self.waiting.try_acquire().map_err(|_| again)?;
        place.leave();
        let mut earned_at = self.earned_at.lock().await;
        let now = Instant::now();
        let next = self.next(*earned_at, now);
        if next > now + self.burst {
            // Whoever gives up meanwhile has taken nothing.
            sleep_until(next - self.burst).await;
        }
        *earned_at = Some(next);
        drop(earned_at);
        place.enter(crowd)
    }

    /// When all will have been earned, with one more.
    fn next(&self, earned_at: Option<Instant>, now: Instant) -> Instant {
        earned_at.unwrap_or(now).max(now) + self.interval
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_burst_passes_and_the_next_wait_in_order_as_far_as_there_is_room() {
        let (rate, crowd) = (Rate::new(1), Crowd::new(100));
        let place = Place::take(&crowd).expect("a place");
        let mut turns: Vec<_> = (0..8).map(|_| Box::pin(rate.turn(&place, &crowd))).collect();

        assert!(turns[..2].iter_mut().all(|turn| matches!(turn.now_or_never(), Some(Ok(())))));
        assert!(turns[2..7].iter_mut().all(|turn| turn.now_or_never().is_none()), "they wait");
        assert!(matches!(
            (&mut turns[7]).now_or_never(),
            Some(Err(Error::Wait(Code::TooManyRequests, 5)))
        ));
        // Who goes away makes room, and has not used their turn up.
        drop(turns.remove(2));
        let mut later = Box::pin(rate.turn(&place, &crowd));
        assert!((&mut later).now_or_never().is_none(), "it waits in the room that was made");
    }

    #[test]
    fn what_is_not_taken_is_earned_up_to_a_burst() {
        let rate = Rate::new(10);
        let now = Instant::now();
        let later = now + Duration::from_secs(100);
        assert_eq!(rate.next(Some(now), later), later + Duration::from_millis(100));
        assert_eq!(rate.next(Some(later), now), later + Duration::from_millis(100));
    }
}
