//! How much one person says of one structure: so much at once, and then one in each interval. It is counted in
//! the transaction that takes in what was said, so that two servers count together, and a refusal counts nothing.

use reconnect_format::{
    api::Code,
    id::{AccountId, Base64, StructureId},
    structure::{Link, StructureBody, StructureChain},
};
use sqlx::AnyConnection;

use crate::{
    chains::Kind,
    error::{Error, Result},
    wire::{from_row, to_row},
};

struct Pace {
    burst: u64,
    interval_seconds: u64,
}

const MANAGER: Pace = Pace { burst: 1_000, interval_seconds: 60 };
const WORKER: Pace = Pace { burst: 50, interval_seconds: 20 * 60 };

impl Pace {
    /// When all that was said will have been earned, with so much more, or in how many seconds there is room.
    fn take(&self, earned_at: u64, count: u64, now: u64) -> Result<u64, u64> {
        let room = self.interval_seconds * self.burst;
        // A clock that was set back makes nobody wait longer than a full measure would.
        let earned_at = earned_at.clamp(now, now + room);
        let next = earned_at + self.interval_seconds.saturating_mul(count);
        match next.saturating_sub(now + room) {
            0 => Ok(next),
            patience => Err(patience),
        }
    }
}

/// Counts what a member says of a structure, or says when they may say more. What takes away is not
/// counted, nor what the root signs, nor the answer to a leaf's request: whoever asked was. STRUCT-12.
pub(crate) async fn take(
    chain: &StructureChain,
    by: AccountId,
    links: &[Base64],
    (now, tx): (u64, &mut AnyConnection),
) -> Result<()> {
    let mut count = 0;
    for link in links {
        let answers =
            matches!(Link::claim(&link.0)?.body, StructureBody::Roster { answers: Some(_), .. });
        count += u64::from(!answers && matches!(Kind::of(&link.0)?, Kind::Adds));
    }
    take_count(chain, by, count, (now, tx)).await
}

/// The same, of so many.
pub(crate) async fn take_count(
    chain: &StructureChain,
    by: AccountId,
    count: u64,
    (now, tx): (u64, &mut AnyConnection),
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let pace = if chain.is_manager(by) { MANAGER } else { WORKER };
    let earned_at = earned_at(chain.structure_id, by, tx).await?.unwrap_or(now);
    let wait = |patience| Error::Wait(Code::TooManyRequests, patience);
    let next = pace.take(earned_at, count, now).map_err(wait)?;
    sqlx::query(
        "-- turn::take_count
        insert into turn (structure_id, account_id, earned_at) values ($1, $2, $3)
        on conflict (structure_id, account_id) do update set earned_at = $3",
    )
    .bind(chain.structure_id.as_bytes())
    .bind(by.as_bytes())
    .bind(to_row(next))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn earned_at(
    structure_id: StructureId,
    by: AccountId,
    tx: &mut AnyConnection,
) -> Result<Option<u64>> {
    let earned_at: Option<i64> = sqlx::query_scalar(
        "-- turn::earned_at
        select earned_at from turn where structure_id = $1 and account_id = $2",
    )
    .bind(structure_id.as_bytes())
    .bind(by.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    Ok(earned_at.map(from_row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_in_each_interval() {
        let (mut earned_at, now) = (1_000_000, 1_000_000);
        let mut take = |at| match WORKER.take(earned_at, 1, at) {
            Ok(next) => {
                earned_at = next;
                true
            }
            Err(_) => false,
        };
        assert_eq!((0..200).filter(|_| take(now)).count(), 50);
        let later = now + WORKER.interval_seconds * 3;
        assert_eq!((0..200).filter(|_| take(later)).count(), 3);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait_for_years() {
        let full = WORKER.take(u64::MAX / 2, 1, 1_000_000);
        assert_eq!(full, Err(WORKER.interval_seconds));
    }
}
