//! Chains of structures: verified before a transaction that writes asks for them, and kept in memory, so
//! that it waits for thousands of signatures only where others pushed them out in between; and bounded,
//! so that nobody can make them endless.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use reconnect_format::{
    api::Code,
    decode,
    id::{AccountId, Base64, StructureId},
    structure::{Link, StructureBody, StructureChain},
};
use sqlx::AnyConnection;
use tokio::time::{Duration, Instant};

use crate::{
    app::App,
    error::{Error, Result},
    wire::to_row,
};

/// Statements that a chain holds, how many more that take something away, and as many again for the
/// root. STRUCT-12.
const STATEMENTS: u64 = 16_384;
const RESERVE: u64 = 1_024;
/// Statements of all chains that are kept: a few hundred bytes each.
const KEPT: usize = 200_000;

/// A chain as far as it was verified, with its last link as it is stored.
struct Known {
    chain: StructureChain,
    last: Vec<u8>,
}

/// The chains that were asked for last.
#[derive(Default)]
pub(crate) struct Chains(Mutex<HashMap<StructureId, Arc<Known>>>);

impl Chains {
    fn find(&self, structure_id: StructureId) -> Option<Arc<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&structure_id).map(Arc::clone)
    }

    fn keep(&self, chain: &StructureChain, last: Vec<u8>) {
        let structure_id = chain.structure_id;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(structure_id, Arc::new(Known { chain: chain.clone(), last }));
        let mut count: usize = kept.values().map(|it| it.chain.hashes.len()).sum();
        while count > KEPT
            && let Some(any) = kept.keys().find(|id| **id != structure_id).copied()
        {
            count -= kept.remove(&any).map_or(0, |it| it.chain.hashes.len());
        }
    }
}

/// The verified chain of a structure; 404 when there is none.
pub(crate) async fn chain(
    structure_id: StructureId,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<StructureChain> {
    if let Some(known) = app.chains.find(structure_id) {
        // What is kept must be what is stored: a backup may have been put back.
        let rows = rows_from(structure_id, known.chain.head().0, tx).await?;
        if let Some((last, new)) = rows.split_first()
            && *last == known.last
        {
            let mut chain = known.chain.clone();
            let Some(newest) = new.last() else { return Ok(chain) };
            new.iter().try_for_each(|link| chain.append(link)).map_err(|_| BROKEN)?;
            app.chains.keep(&chain, newest.clone());
            return Ok(chain);
        }
    }
    let rows = rows_from(structure_id, 1, tx).await?;
    let last = rows.last().ok_or(Code::NotFound)?.clone();
    let verified = tokio::task::spawn_blocking(move || {
        StructureChain::verify(structure_id, rows.iter().map(Vec::as_slice))
    });
    let chain = verified.await.map_err(|_| BROKEN)?.map_err(|_| BROKEN)?;
    app.chains.keep(&chain, last);
    Ok(chain)
}

const BROKEN: Error = Error::Broken("a stored structure's chain does not verify");

/// The links of a chain, from one on.
pub(crate) async fn rows_from(
    structure_id: StructureId,
    sequence: u64,
    tx: &mut AnyConnection,
) -> Result<Vec<Vec<u8>>> {
    let rows = sqlx::query_scalar(
        "-- chains::rows_from
        select bytes from structure_statement where structure_id = $1 and sequence >= $2
        order by sequence",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(sequence))
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows)
}

/// What a statement does to the room that there is.
enum Kind {
    Adds,
    TakesAway,
    Root,
}

impl Kind {
    fn of(link: &[u8]) -> Result<Self> {
        Ok(match (Link::claim(link)?.body, decode(link)?) {
            (_, Link::Root { .. }) => Self::Root,
            (
                StructureBody::RemoveManager { .. }
                | StructureBody::Withdraw { .. }
                | StructureBody::Close { .. },
                _,
            ) => Self::TakesAway,
            (StructureBody::Epoch(terms), _) if !terms.revoked.is_empty() => Self::TakesAway,
            _ => Self::Adds,
        })
    }

    /// Managers cannot use up what is left for the root.
    fn most(&self) -> u64 {
        match self {
            Self::Adds => STATEMENTS,
            Self::TakesAway => STATEMENTS + RESERVE,
            Self::Root => STATEMENTS + 2 * RESERVE,
        }
    }
}

/// Whether a chain may end with `newest`, which it does. STRUCT-12.
pub(crate) fn check_room(chain: &StructureChain, newest: &[u8]) -> Result<()> {
    let (count, _) = chain.head();
    if count <= Kind::of(newest)?.most() { Ok(()) } else { Err(Error::TooMany(STATEMENTS)) }
}

/// How much one person says of one structure: so much at once, and then one in each interval.
struct Pace {
    burst: u32,
    interval: Duration,
}

const MANAGER: Pace = Pace { burst: 1_000, interval: Duration::from_mins(1) };
const WORKER: Pace = Pace { burst: 50, interval: Duration::from_mins(20) };

/// When all that each member said will have been earned again. A restart forgets it.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<(StructureId, AccountId), Instant>>);

impl Turns {
    /// Counts what a member says of a structure, or says when they may say more. What takes away is not
    /// counted, nor what the root signs, nor the answer to a leaf's request: whoever asked was. STRUCT-12.
    pub(crate) fn take(
        &self,
        chain: &StructureChain,
        by: AccountId,
        links: &[Base64],
    ) -> Result<()> {
        let mut count = 0;
        for link in links {
            let answers = matches!(
                Link::claim(&link.0)?.body,
                StructureBody::Roster { answers: Some(_), .. }
            );
            count += usize::from(!answers && matches!(Kind::of(&link.0)?, Kind::Adds));
        }
        self.take_count(chain, by, count)
    }

    /// The same, of so many.
    pub(crate) fn take_count(
        &self,
        chain: &StructureChain,
        by: AccountId,
        count: usize,
    ) -> Result<()> {
        let pace = if chain.is_manager(by) { MANAGER } else { WORKER };
        self.take_at((chain.structure_id, by), &pace, count, Instant::now())
    }

    fn take_at(
        &self,
        who: (StructureId, AccountId),
        pace: &Pace,
        count: usize,
        now: Instant,
    ) -> Result<()> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, earned_at| *earned_at > now);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let earned_at = turns.get(&who).copied().unwrap_or(now);
        let next = earned_at + pace.interval.saturating_mul(count);
        let patience = next.saturating_duration_since(now + pace.interval * pace.burst);
        if !patience.is_zero() {
            return Err(Error::Wait(Code::TooManyRequests, patience.as_secs() + 1));
        }
        turns.insert(who, next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_away_has_room_when_nothing_else_has_and_the_root_has_most() {
        let most = [Kind::Adds, Kind::TakesAway, Kind::Root].map(|kind| kind.most());
        assert_eq!(most, [16_384, 17_408, 18_432]);
    }

    #[tokio::test]
    async fn a_burst_passes_and_then_one_in_each_interval() {
        let (turns, now) = (Turns::default(), Instant::now());
        let take = |who: u8, at| {
            turns.take_at((StructureId([1; 32]), AccountId([who; 32])), &WORKER, 1, at).is_ok()
        };
        assert_eq!((0..200).filter(|_| take(1, now)).count(), 50);
        assert!(take(2, now), "somebody else is not slowed down");
        let later = now + WORKER.interval * 3;
        assert_eq!((0..200).filter(|_| take(1, later)).count(), 3);
    }
}
