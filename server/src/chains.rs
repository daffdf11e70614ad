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
    id::StructureId,
    structure::{Link, StructureBody, StructureChain},
};
use sqlx::AnyConnection;

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
) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let rows = sqlx::query_scalar(
        "-- chains::rows_from
        select bytes from structure_statement where structure_id = $1 and sequence >= $2
        order by sequence",
    );
    rows.bind(structure_id.as_bytes()).bind(to_row(sequence)).fetch_all(&mut *tx).await
}

/// What a statement does to the room that there is.
pub(crate) enum Kind {
    Adds,
    TakesAway,
    Root,
}

impl Kind {
    pub(crate) fn of(link: &[u8]) -> Result<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_away_has_room_when_nothing_else_has_and_the_root_has_most() {
        let most = [Kind::Adds, Kind::TakesAway, Kind::Root].map(|kind| kind.most());
        assert_eq!(most, [16_384, 17_408, 18_432]);
    }
}
