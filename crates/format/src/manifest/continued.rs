//! A safe that goes on from a backup: what its chain says from then on. STMT-11.

use std::collections::BTreeSet;

use super::{Manifest, RecordKey};
use crate::{
    check,
    grant::RecipientName,
    id::{DeviceId, GrantId},
    statement::{Body, Statement},
};

/// By how much the number of a statement that goes on is higher, at most, than the one that the log names. STMT-11.
pub const LEAP_MAX: u64 = 1_000;
/// How many numbers are missing before the one that the log names, at most. STMT-11.
pub const MISSING_MAX: u64 = 1 << 20;

impl Manifest {
    /// Whether a statement has the next number; where the safe goes on, one behind what is missing. STMT-4, STMT-11.
    pub(super) fn is_number_of_next(&self, next: &Statement) -> bool {
        match next.body {
            Body::Continue { sequence: named, .. } => {
                let within = |from, to: u64, most| {
                    to.checked_sub(from).is_some_and(|it: u64| (1..=most).contains(&it))
                };
                within(self.sequence, named, MISSING_MAX) && within(named, next.sequence, LEAP_MAX)
            }
            _ => Some(next.sequence) == self.sequence.checked_add(1),
        }
    }

    /// The newest number after a statement.
    pub(super) fn number_after(&self, next: &Statement) -> u64 {
        match next.body {
            Body::Continue { .. } => next.sequence,
            _ => self.sequence + 1,
        }
    }

    /// Whether these are live devices, each once.
    pub(super) fn are_live(&self, devices: &[DeviceId]) -> bool {
        let once: BTreeSet<_> = devices.iter().collect();
        once.len() == devices.len() && devices.iter().all(|it| self.device(*it).is_some())
    }

    /// Grants to others than the owner.
    pub fn given(&self) -> impl Iterator<Item = GrantId> {
        let given = self.grants().filter(|it| !matches!(it.recipient, RecipientName::Owner { .. }));
        given.map(|terms| terms.grant_id)
    }

    /// What was taken back is not known, so nothing stays given; which devices were retired is.
    pub(super) fn go_on(&mut self, retired: &[DeviceId]) {
        for device_id in retired {
            self.spend_device(*device_id);
        }
        if check!(ContinuedEmpty) {
            for grant_id in self.given().collect::<Vec<_>>() {
                self.spend(RecordKey::Grant(grant_id));
            }
        }
    }
}
