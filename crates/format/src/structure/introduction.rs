//! Introductions: a structure says in its chain that its own people compared another's code. INTRO-1.

use super::{ChainError, StructureChain};
use crate::id::{AccountId, StructureId};

/// Introductions that stand at one time in one chain, at most.
pub const INTRODUCTIONS_MAX: usize = 100;

/// How long one counts: seconds. INTRO-3.
const COUNTS_SECONDS: u64 = 366 * 24 * 3600;
/// How far its signer's clock may be ahead: seconds. INTRO-3.
const AHEAD_SECONDS: u64 = 24 * 3600;

/// What a structure says of another, until it says something else of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Which structure is introduced.
    pub structure_id: StructureId,
    /// Sequence number of the newest statement of its chain that was seen.
    pub sequence: u64,
    /// Its hash.
    pub head: [u8; 32],
    /// The manager whose word it is.
    pub by: AccountId,
    /// Seconds since 1970, by the signer's clock.
    pub made_at: u64,
}

impl Introduction {
    /// Whether it counts at this time, in seconds since 1970. INTRO-3.
    pub fn counts_at(&self, now: u64) -> bool {
        self.made_at <= now.saturating_add(AHEAD_SECONDS)
            && now <= self.made_at.saturating_add(COUNTS_SECONDS)
    }
}

impl StructureChain {
    /// What stands of this structure, whose code its people compared.
    pub fn introduction(&self, structure_id: StructureId) -> Option<&Introduction> {
        self.introductions.iter().find(|it| it.structure_id == structure_id)
    }

    /// All that stand.
    pub fn introductions(&self) -> &[Introduction] {
        &self.introductions
    }

    /// A newer one takes an older one's place, and sees no less of that chain.
    pub(super) fn introduce(&mut self, said: Introduction) -> Result<(), ChainError> {
        let structure_id = said.structure_id;
        let stands = match self.introduction(structure_id) {
            Some(before) => before.sequence <= said.sequence,
            None => self.introductions.len() < INTRODUCTIONS_MAX,
        };
        if structure_id == self.structure_id || said.sequence == 0 || !stands {
            return Err(ChainError::OtherChain);
        }
        self.introductions.retain(|it| it.structure_id != structure_id);
        self.introductions.push(said);
        Ok(())
    }

    /// From now on nothing stands of that structure.
    pub(super) fn withdraw(&mut self, structure_id: StructureId) -> Result<(), ChainError> {
        let before = self.introductions.len();
        self.introductions.retain(|it| it.structure_id != structure_id);
        if self.introductions.len() < before { Ok(()) } else { Err(ChainError::OtherChain) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_for_a_year_and_not_before_it_was_given() {
        const DAY: u64 = 24 * 3600;
        let said = Introduction {
            structure_id: StructureId([1; 32]),
            sequence: 1,
            head: [2; 32],
            by: AccountId([3; 32]),
            made_at: 1000 * DAY,
        };
        for (now, counts) in [
            (999 * DAY - 1, false),
            (999 * DAY, true),
            (1000 * DAY, true),
            (1366 * DAY, true),
            (1366 * DAY + 1, false),
        ] {
            assert_eq!(said.counts_at(now), counts, "{now}");
        }
    }
}
