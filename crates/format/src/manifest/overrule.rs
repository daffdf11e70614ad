//! Guardians whom a statement of the root ended, and who may overrule it for a while. GUARD-7.

use super::Manifest;
use crate::{
    PublicKey,
    account::{GENERATIONS_BY_ROOT_MAX, GENERATIONS_MAX},
    check,
    guardian::{Guardians, OVERRULE_SECONDS},
    id::LockId,
    statement::{Body, Signer, Statement},
};

/// Guardians who were ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Under which lock they were named.
    pub lock_id: LockId,
    /// Who.
    pub guardians: Guardians,
    /// Of the root that their lock wraps.
    pub generation: u32,
    /// When, by the clocks of this chain. Seconds since 1970.
    pub ended_at: u64,
    /// Content hash of the statement that named them.
    named_in: [u8; 32],
}

impl Manifest {
    /// Guardians who were ended and may overrule the root, in the order in which they were named.
    pub fn ended_guardians(&self) -> &[Ended] {
        &self.ended
    }

    /// Which statements named those who may overrule the next generation, in their order: what shows others its keys
    /// shows no other statement.
    pub fn overrulers(&self) -> Vec<[u8; 32]> {
        let live = self.guardians().map(|_| self.named_in);
        self.ended.iter().map(|it| it.named_in).chain(live).collect()
    }

    /// The guardians of a lock that is live, or whom they may still overrule.
    pub fn guardians_of(&self, lock_id: LockId) -> Option<&Guardians> {
        let live = self.guardians().filter(|(live, _)| *live == lock_id);
        let live = live.map(|(_, guardians)| guardians);
        live.or_else(|| Some(&self.ended.iter().find(|it| it.lock_id == lock_id)?.guardians))
    }

    /// What verifies a new generation that guardians sign: whose lock is live, or ended not long ago.
    pub(super) fn overruling_key(&self, lock_id: LockId, made_at: u64) -> Option<PublicKey> {
        let ended = self.ended.iter().find(|it| it.lock_id == lock_id);
        let now = self.turned_at.max(made_at);
        let in_time = ended.is_none_or(|it| now <= it.ended_at.saturating_add(OVERRULE_SECONDS));
        let guardians = self.guardians_of(lock_id)?;
        check!(OverruleTime, in_time).then_some(guardians.held.signing)
    }

    /// Up to which generation somebody begins one: one is left to each who may overrule them.
    pub(super) fn generations_of(&self, signer: Signer) -> u32 {
        let Signer::Guardians { lock_id } = signer else { return GENERATIONS_BY_ROOT_MAX };
        let place = self.ended.iter().position(|it| it.lock_id == lock_id);
        let older = u32::try_from(place.unwrap_or(self.ended.len())).unwrap_or(u32::MAX);
        GENERATIONS_MAX.saturating_sub(older).max(GENERATIONS_BY_ROOT_MAX)
    }

    /// Who may overrule from this statement on: whoever was ended by it too. Whom those named who are overruled
    /// overrules nobody.
    pub(super) fn turn(&mut self, statement: &Statement) {
        let live = self.guardians().map(|(lock_id, guardians)| (lock_id, guardians.clone()));
        let ends = match &statement.body {
            Body::SetLock { access, .. } => access.guardians().is_some(),
            Body::RetireLock { lock_id } => live.as_ref().is_some_and(|(live, _)| live == lock_id),
            Body::NewGeneration { .. } => true,
            _ => false,
        };
        if !ends {
            return;
        }
        self.turned_at = self.turned_at.max(statement.made_at);
        let place = match statement.signer {
            Signer::Guardians { lock_id } => self.ended.iter().position(|it| it.lock_id == lock_id),
            _ => None,
        };
        if let Some(place) = place
            && check!(OverruleOrder)
        {
            self.ended.truncate(place + 1);
        } else if let Some((lock_id, guardians)) = live {
            let (generation, ended_at) = (self.keys.generation, self.turned_at);
            let named_in = self.named_in;
            self.ended.push(Ended { lock_id, guardians, generation, ended_at, named_in });
        }
        if let Body::SetLock { .. } = &statement.body {
            self.named_in = statement.head().content_hash;
        }
        let now = self.turned_at;
        if check!(OverruleTime) {
            self.ended.retain(|it| now <= it.ended_at.saturating_add(OVERRULE_SECONDS));
        }
    }
}
