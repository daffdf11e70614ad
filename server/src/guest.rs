//! Connections: how many are held at one time, and which one makes place where there are too many.
//!
//! Whoever connects is let in, however many are there: the one that has waited longest without asking for
//! anything leaves. Slow strangers push each other out so, and a request that is answered is never cut. Only
//! where every connection is being answered, a few more are let in and told at once when to come again;
//! whoever watches over the server is answered even there.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// Connections beyond those that are asked for: to say that there is no place, and for who watches.
const BEYOND: usize = 64;

/// All connections of a server.
#[derive(Clone, Debug)]
pub(crate) struct Guests(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    count: usize,
    /// What the next one that waits is known by: those before have waited longer.
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    put_out: u64,
    turned_away: u64,
}

/// How many connections there are, and were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) held: usize,
    pub(crate) waiting: usize,
    pub(crate) put_out: u64,
    pub(crate) turned_away: u64,
}

/// A connection on which nothing was asked for yet, or not again.
#[derive(Debug)]
struct Waiting {
    leave: Arc<Notify>,
    beyond: bool,
}

/// One connection, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Guests,
    leave: Arc<Notify>,
    beyond: bool,
    known_by: Mutex<Option<u64>>,
}

impl Guests {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Shared { most, held: Mutex::default() }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For who watches.
    pub(crate) fn counts(&self) -> Counts {
        let held = self.held();
        let Held { count, waiting, put_out, turned_away, .. } = &*held;
        let (put_out, turned_away) = (*put_out, *turned_away);
        Counts { held: *count, waiting: waiting.len(), put_out, turned_away }
    }

    /// Lets a connection in. Nobody, where even those who are only told to come again are too many.
    pub(crate) fn enter(&self) -> Option<Arc<Guest>> {
        let mut held = self.held();
        let mut beyond = false;
        if held.count >= self.0.most {
            match held.waiting.pop_first() {
                Some((_, longest)) => {
                    longest.leave.notify_one();
                    held.put_out += 1;
                    // It leaves its place, and no better one.
                    beyond = longest.beyond;
                }
                None if held.count < self.0.most + BEYOND => beyond = true,
                None => {
                    held.turned_away += 1;
                    return None;
                }
            }
        }
        held.count += 1;
        drop(held);
        let (guests, leave) = (self.clone(), Arc::default());
        let guest = Arc::new(Guest { guests, leave, beyond, known_by: Mutex::default() });
        guest.wait();
        Some(guest)
    }
}

impl Guest {
    /// Whether there is no place for it but to be told so.
    pub(crate) fn is_beyond(&self) -> bool {
        self.beyond
    }

    /// Comes back when it has to make place.
    pub(crate) async fn put_out(&self) {
        loop {
            self.leave.notified().await;
            // Whoever was asked for something in the last moment stays for that.
            if self.known_by.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                return;
            }
        }
    }

    /// From now on it waits to be asked for something.
    fn wait(&self) {
        let mut held = self.guests.held();
        let known_by = held.next;
        held.next += 1;
        let waiting = Waiting { leave: Arc::clone(&self.leave), beyond: self.beyond };
        held.waiting.insert(known_by, waiting);
        *self.known_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(known_by);
    }

    fn wait_no_more(&self) {
        let mut held = self.guests.held();
        let known_by = self.known_by.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(known_by) = known_by {
            held.waiting.remove(&known_by);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.wait_no_more();
        self.guests.held().count -= 1;
    }
}

/// A request that is being answered: its connection stays.
pub(crate) struct Asked(Arc<Guest>);

impl Asked {
    pub(crate) fn on(guest: &Arc<Guest>) -> Self {
        guest.wait_no_more();
        Self(Arc::clone(guest))
    }

    /// The body, which is part of the answer.
    pub(crate) fn through(self, body: Body) -> Body {
        Body::new(Answer { body, _asked: self })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// A body whose request is answered when it has ended.
struct Answer {
    body: Body,
    _asked: Asked,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn leaves(guest: &Guest) -> bool {
        guest.put_out().now_or_never().is_some()
    }

    #[test]
    fn who_has_waited_longest_makes_place_and_who_is_answered_stays() {
        let guests = Guests::new(3);
        let [first, second, third] = [(); 3].map(|()| guests.enter().expect("a place"));
        let asked = Asked::on(&first);
        let fourth = guests.enter().expect("the second one's place");
        assert!(leaves(&second) && !leaves(&first) && !leaves(&third));
        drop(second);
        // Whoever was answered has waited the shortest.
        drop(asked);
        let fifth = guests.enter().expect("the third one's place");
        assert!(leaves(&third) && !leaves(&first) && !leaves(&fourth));
        assert!(!fourth.is_beyond() && !fifth.is_beyond());
    }

    #[test]
    fn where_all_are_answered_a_few_more_are_told_so_and_never_more_than_those() {
        let guests = Guests::new(2);
        let all = [(); 2].map(|()| guests.enter().expect("a place"));
        let asked = all.each_ref().map(Asked::on);
        let beyond: Vec<_> = (0..BEYOND).map(|_| guests.enter().expect("a word")).collect();
        // They push each other out, and nobody gets a better place by it.
        assert!(beyond.iter().all(|guest| guest.is_beyond()));
        let last = guests.enter().expect("a word");
        assert!(last.is_beyond());
        let told: Vec<_> = beyond.iter().chain([&last]).map(Asked::on).collect();
        assert!(guests.held().count <= 2 + BEYOND + 1);
        assert!(guests.enter().is_none(), "they are without end");
        drop((told, last, beyond));
        drop((asked, all));
        assert!(!guests.enter().expect("a place").is_beyond());
        assert_eq!(guests.held().count, 0);
    }
}
