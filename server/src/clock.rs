//! What time it is. Time is an argument: only `main` asks the system.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Seconds since 1970, from the system or moved by a test.
#[derive(Clone, Debug)]
pub enum Clock {
    /// Asks this function.
    System(fn() -> u64),
    /// Says what it was last set to.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands still until it is moved.
    pub fn manual(now: u64) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(now)))
    }

    /// Moves a manual clock; the system's does not move.
    pub fn advance(&self, seconds: u64) {
        if let Self::Manual(now) = self {
            now.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock; the system's is not set.
    pub(crate) fn set(&self, seconds: u64) {
        if let Self::Manual(now) = self {
            now.store(seconds, Ordering::SeqCst);
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        match self {
            Self::System(ask) => ask(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// The same, as the database counts.
    pub(crate) fn now_row(&self) -> i64 {
        i64::try_from(self.now()).unwrap_or(i64::MAX)
    }
}
