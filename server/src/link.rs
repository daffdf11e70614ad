//! Linking a computer: offers that wait for whoever scans their code, and the answers. Both live in
//! memory, for minutes. LINK-6.
//!
//! Invariant: whoever fills the table with offers keeps nobody out of it. What waits is sent again
//! every few seconds; the one that was not sent for the longest time gives way.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{AnswerLink, Code, LinkLooked, LinkShown, Problem, PutLink},
    decode,
    guardian::{RETURN_OFFER_BYTES, ReturnOffer},
    id::{AccountId, Base64, LinkId},
    link::{LINK_ANSWER_BYTES, LINK_OFFER_BYTES, LinkOffer},
};

use crate::{
    app::App,
    caller::Caller,
    error::{Error, Result},
    wire::{Named, Sent},
};

/// How long an offer waits after it was last sent, and an answer after it was given.
const LIFE_SECONDS: u64 = 120;
/// Offers at one time: some 30 MB with their answers.
const ROOM: usize = 10_000;

/// Offers that wait.
pub(crate) struct Links {
    waiting: Mutex<HashMap<LinkId, Waiting>>,
    room: usize,
}

struct Waiting {
    offer: Vec<u8>,
    answer: Option<(AccountId, Vec<u8>)>,
    ends_at: u64,
}

impl Default for Links {
    fn default() -> Self {
        Self { waiting: Mutex::default(), room: ROOM }
    }
}

impl Links {
    /// Has an offer wait, or wait on; and what was answered.
    fn put(&self, link_id: LinkId, offer: Vec<u8>, now: u64) -> Result<Option<Vec<u8>>> {
        let ends_at = now + LIFE_SECONDS;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = waiting.get_mut(&link_id).filter(|one| now < one.ends_at) {
            if one.answer.is_none() {
                one.ends_at = ends_at;
            }
            return Ok(one.answer.as_ref().map(|(_, answer)| answer.clone()));
        }
        if waiting.len() >= self.room {
            let others = waiting.iter().filter(|(_, one)| one.answer.is_none());
            let oldest = others.min_by_key(|(_, one)| one.ends_at).map(|(link_id, _)| *link_id);
            let oldest = oldest.ok_or(Error::Wait(Code::TooManyRequests, 10))?;
            waiting.remove(&oldest);
        }
        waiting.insert(link_id, Waiting { offer, answer: None, ends_at });
        Ok(None)
    }

    fn show(&self, link_id: LinkId, account_id: AccountId, now: u64) -> Option<LinkShown> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let one = waiting.get(&link_id).filter(|one| now < one.ends_at)?;
        let taken = one.answer.as_ref().is_some_and(|(by, _)| *by != account_id);
        Some(LinkShown { offer: Base64(one.offer.clone()), taken })
    }

    /// The first answer counts. Whoever gave it may give another, should they not know that it arrived: it
    /// opens the same.
    fn answer(
        &self,
        link_id: LinkId,
        (account_id, answer): (AccountId, Vec<u8>),
        now: u64,
    ) -> Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let one = waiting.get(&link_id).filter(|one| now < one.ends_at).ok_or(Code::NotFound)?;
        match &one.answer {
            Some((by, _)) if *by == account_id => return Ok(()),
            Some(_) => return Err(Code::Conflict.into()),
            None => {}
        }
        // One at a time for each account: answers give way to nobody.
        waiting.retain(|_, other| other.answer.as_ref().is_none_or(|(by, _)| *by != account_id));
        if let Some(one) = waiting.get_mut(&link_id) {
            one.answer = Some((account_id, answer));
            one.ends_at = now + LIFE_SECONDS;
        }
        Ok(())
    }

    /// Forgets those that nobody sends any more.
    pub(crate) fn sweep(&self, now: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, one| now < one.ends_at);
    }
}

/// Has a computer's offer wait, and says what was answered.
#[utoipa::path(
    post, path = "/v1/links", request_body = PutLink,
    responses((status = 200, body = LinkLooked), (status = "default", body = Problem))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Sent(sent): Sent<PutLink>,
) -> Result<Json<LinkLooked>> {
    let bytes = sent.offer.0;
    // Of a computer, or of somebody who comes back: nobody answers the second here.
    let link_id = match bytes.len() {
        LINK_OFFER_BYTES => decode(&bytes).map(|offer: LinkOffer| offer.link_id()),
        RETURN_OFFER_BYTES => decode(&bytes).map(|offer: ReturnOffer| offer.code()),
        _ => return Err(Code::BadRequest.into()),
    };
    let link_id = link_id.map_err(|_| Code::BadRequest)?;
    let answer = app.links.put(link_id, bytes, app.clock.now())?;
    Ok(Json(LinkLooked { answer: answer.map(Base64) }))
}

/// Shows an offer to whoever has its code.
#[utoipa::path(
    get, path = "/v1/links/{link_id}", params(("link_id" = String, Path)),
    responses((status = 200, body = LinkShown), (status = "default", body = Problem))
)]
pub(crate) async fn show(
    caller: Caller,
    State(app): State<App>,
    Named(link_id): Named<LinkId>,
) -> Result<Json<LinkShown>> {
    let shown = app.links.show(link_id, caller.account_id, app.clock.now());
    Ok(Json(shown.ok_or(Code::NotFound)?))
}

/// Answers an offer; the first answer counts.
#[utoipa::path(
    post, path = "/v1/links/{link_id}", params(("link_id" = String, Path)), request_body = AnswerLink,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn answer(
    caller: Caller,
    State(app): State<App>,
    Named(link_id): Named<LinkId>,
    Sent(sent): Sent<AnswerLink>,
) -> Result<StatusCode> {
    if sent.answer.0.len() != LINK_ANSWER_BYTES {
        return Err(Code::BadRequest.into());
    }
    app.links.answer(link_id, (caller.account_id, sent.answer.0), app.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> LinkId {
        let mut id = [0; LinkId::SIZE_BYTES];
        id[..8].copy_from_slice(&number.to_be_bytes());
        LinkId(id)
    }

    const HONEST: LinkId = LinkId([0xff; LinkId::SIZE_BYTES]);

    fn links(room: usize) -> Links {
        Links { room, ..Links::default() }
    }

    #[test]
    fn whoever_fills_the_table_keeps_nobody_out_who_sends_again() {
        let links = links(100);
        let (owner, mut number) = (AccountId([1; 32]), 0);
        for second in 0..60 {
            // Each second fifty more strangers; every three seconds the honest one is there again.
            if second % 3 == 0 {
                assert!(links.put(HONEST, vec![1], second).expect("room").is_none());
                assert!(links.show(HONEST, owner, second).is_some());
            }
            for _ in 0..50 {
                number += 1;
                assert!(links.put(id(number), vec![2], second).expect("room").is_none());
            }
        }
        assert!(links.waiting.lock().expect("nobody failed").len() <= 100);
        // Once it is answered, nobody takes its place.
        links.put(HONEST, vec![1], 60).expect("room");
        links.answer(HONEST, (owner, vec![3]), 60).expect("the first");
        for _ in 0..1000 {
            number += 1;
            links.put(id(number), vec![2], 61).expect("room");
        }
        assert_eq!(links.put(HONEST, vec![1], 62).expect("there"), Some(vec![3]));
    }

    #[test]
    fn the_first_answer_counts_and_each_account_has_one() {
        let links = links(2);
        let (owner, stranger) = (AccountId([1; 32]), AccountId([2; 32]));
        links.put(HONEST, vec![1], 0).expect("room");
        links.answer(HONEST, (owner, vec![3]), 0).expect("the first");
        links.answer(HONEST, (owner, vec![4]), 0).expect("one's own again");
        assert!(links.answer(HONEST, (stranger, vec![5]), 0).is_err());
        assert!(links.show(HONEST, stranger, 0).is_some_and(|shown| shown.taken));
        assert!(links.show(HONEST, owner, 0).is_some_and(|shown| !shown.taken));
        assert_eq!(links.put(HONEST, vec![1], 0).expect("there"), Some(vec![3]));
        // Another answer of the same account ends its first.
        links.put(id(1), vec![1], 0).expect("room");
        links.answer(id(1), (owner, vec![6]), 0).expect("the first");
        assert!(links.show(HONEST, owner, 0).is_none());
        // A table full of answers takes nothing in.
        links.put(id(2), vec![1], 0).expect("room");
        links.answer(id(2), (stranger, vec![7]), 0).expect("the first");
        assert!(links.put(id(3), vec![1], 0).is_err());
        links.sweep(LIFE_SECONDS);
        assert!(links.put(id(3), vec![1], LIFE_SECONDS).is_ok());
    }

    #[test]
    fn what_nobody_sends_any_more_is_over() {
        let links = links(2);
        let owner = AccountId([1; 32]);
        links.put(HONEST, vec![1], 0).expect("room");
        links.put(HONEST, vec![1], 100).expect("there");
        assert!(links.show(HONEST, owner, 200).is_some());
        assert!(links.show(HONEST, owner, 100 + LIFE_SECONDS).is_none());
        assert!(links.answer(HONEST, (owner, vec![3]), 100 + LIFE_SECONDS).is_err());
    }
}
