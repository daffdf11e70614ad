//! Who manages a structure: added by one, removed by two or by the root.

use super::{
    Motion, MotionAbout, StructureChain,
    chain::{ChainError, Speaker},
};
use crate::{id::AccountId, statement::Attested};

/// How long a motion can be carried: seconds. STRUCT-9.
const MOTION_SECONDS: u64 = 30 * 24 * 3600;

/// Somebody who is, or was, a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Who.
    pub account_id: AccountId,
    /// Sequence number of the statement that made them one.
    pub(super) since: u64,
    /// Of the statement since when they are none, and the highest serial of a certificate that they
    /// may have signed.
    pub(super) until: Option<(u64, u64)>,
}

impl StructureChain {
    /// Whether this account is a manager now.
    pub fn is_manager(&self, account_id: AccountId) -> bool {
        self.manager(account_id).is_some()
    }

    /// Who are managers now.
    pub fn managers(&self) -> impl Iterator<Item = AccountId> {
        self.managers.iter().filter(|it| it.until.is_none()).map(|it| it.account_id)
    }

    /// Whether this account is a manager, or was one when certificates had this serial. CERT-1.
    pub(super) fn may_certify(&self, account_id: AccountId, serial: u64) -> bool {
        self.managers.iter().any(|it| {
            it.account_id == account_id
                && it.until.is_none_or(|(_, last_serial)| serial <= last_serial)
        })
    }

    fn manager(&self, account_id: AccountId) -> Option<&Manager> {
        let mut managers = self.managers.iter();
        managers.find(|it| it.account_id == account_id && it.until.is_none())
    }

    /// Also of somebody who is none any more, to bound what they may have signed. The last manager
    /// stays: whoever holds the root names another first. STRUCT-9.
    pub(super) fn remove_manager(
        &mut self,
        account_id: AccountId,
        until: (u64, u64),
    ) -> Result<(), ChainError> {
        let theirs = |it: &&mut Manager| it.account_id == account_id;
        let lasts = self.is_manager(account_id) && self.managers().count() < 2;
        if lasts || self.managers.iter_mut().find(theirs).is_none() {
            return Err(ChainError::OtherChain);
        }
        // The lowest bound counts, also for the times that they were one before: whoever named a
        // high one for themselves is bound by the next.
        for manager in self.managers.iter_mut().filter(theirs) {
            let (sequence, last_serial) = manager.until.unwrap_or(until);
            manager.until = Some((sequence, last_serial.min(until.1)));
        }
        // Nobody stands for their word any more. INTRO-1.
        self.introductions.retain(|it| it.by != account_id);
        Ok(())
    }

    /// What the root may do alone, and a manager for themselves, takes two managers otherwise: the
    /// signer, and whoever signed the motion. STRUCT-9.
    pub(super) fn check_agreed(
        &self,
        by: Speaker,
        about: MotionAbout,
        motion: Option<&Attested>,
        made_at: u64,
    ) -> Result<(), ChainError> {
        let (signer, motion) = match (by, motion) {
            (Speaker::Root, None) => return Ok(()),
            (Speaker::Manager(signer), None) if about.removes() == Some(signer) => return Ok(()),
            (Speaker::Manager(signer), Some(motion)) => (signer, motion),
            _ => return Err(ChainError::WrongSigner),
        };
        let (motion, mover) = self.open_motion(motion, made_at)?;
        if motion.about == about && mover != signer && about.removes() != Some(signer) {
            Ok(())
        } else {
            Err(ChainError::WrongSigner)
        }
    }

    /// What a motion says and who moved it, when the next statement, made at this time (seconds since
    /// 1970), can carry it. STRUCT-9.
    pub fn open_motion(
        &self,
        motion: &Attested,
        made_at: u64,
    ) -> Result<(Motion, AccountId), ChainError> {
        let (motion, mover) = motion.verify::<Motion>()?;
        let (motion, mover) = (motion.into_body(), mover.account_id);
        let removed = motion.about.removes();
        // One that is older than a manager it is about, or by, was made of somebody else's time.
        let involved = [Some(mover), removed];
        let since = involved.into_iter().flatten().filter_map(|it| Some(self.manager(it)?.since));
        let fresh = since.max().is_some_and(|since| since <= motion.sequence)
            && motion.sequence <= self.head().0
            && made_at <= motion.made_at.saturating_add(MOTION_SECONDS);
        let others = self.is_manager(mover) && removed != Some(mover);
        if others && fresh && motion.structure_id == self.structure_id {
            Ok((motion, mover))
        } else {
            Err(ChainError::WrongSigner)
        }
    }
}
