//! Everything of a kind that is live in a safe.

use super::{DeviceRecord, DocumentRecord, LockRecord, Manifest, Record, RecordKey};
use crate::{
    guardian::Guardians,
    id::{DeviceId, DocumentId, LockId, StructureId},
    lock::LockAccess,
    record::ComparedRecord,
};

impl Manifest {
    /// All live devices.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &DeviceRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (RecordKey::Device(id), Record::Device(device)) => Some((*id, device)),
            _ => None,
        })
    }

    /// All live locks.
    pub fn locks(&self) -> impl Iterator<Item = (LockId, &LockRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (RecordKey::Lock(id), Record::Lock(lock)) => Some((*id, lock)),
            _ => None,
        })
    }

    /// The lock of guardians, and who they are. GUARD-1.
    pub fn guardians(&self) -> Option<(LockId, &Guardians)> {
        self.locks().find_map(|(lock_id, lock)| Some((lock_id, lock.access.guardians()?)))
    }

    /// Whether those may be named whom a lock names, if it names any. GUARD-1.
    pub(super) fn may_guard(&self, access: &LockAccess) -> bool {
        access.guardians().is_none_or(|guardians| {
            guardians.are_sound(self.account_id)
                && guardians.structures().all(|id| self.admitted(id).is_some())
        })
    }

    /// All live documents.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, DocumentRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (RecordKey::Document(id), Record::Content(content)) => {
                Some((*id, self.with_card(*id, content)?))
            }
            _ => None,
        })
    }

    /// All structures that may be given something: compared, or introduced.
    pub fn structures(&self) -> impl Iterator<Item = (StructureId, &ComparedRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (
                RecordKey::Structure(id),
                Record::Structure(seen) | Record::Introduced { seen, .. },
            ) => Some((*id, seen)),
            _ => None,
        })
    }

    /// How much of a structure's chain was seen; `None` before its code was compared.
    pub fn compared(&self, structure_id: StructureId) -> Option<&ComparedRecord> {
        match self.record(RecordKey::Structure(structure_id)) {
            Some(Record::Structure(seen)) => Some(seen),
            _ => None,
        }
    }

    /// The same of one that was compared or introduced.
    pub fn admitted(&self, structure_id: StructureId) -> Option<&ComparedRecord> {
        match self.record(RecordKey::Structure(structure_id)) {
            Some(Record::Structure(seen) | Record::Introduced { seen, .. }) => Some(seen),
            _ => None,
        }
    }

    /// Whose word stands for a structure whose code was not compared.
    pub fn introducer(&self, structure_id: StructureId) -> Option<StructureId> {
        match self.record(RecordKey::Structure(structure_id)) {
            Some(Record::Introduced { introducer, .. }) => Some(*introducer),
            _ => None,
        }
    }

    /// Whether a structure, seen so far, may be admitted on another's word: never in the place of a
    /// comparison. Whose word counts is asked before each gift (INTRO-3). STMT-5.
    pub(super) fn may_admit(
        &self,
        structure_id: StructureId,
        introducer: StructureId,
        sequence: u64,
    ) -> bool {
        let known = self.introducer(structure_id);
        let forward = self.admitted(structure_id).is_none_or(|seen| {
            seen.sequence < sequence || (seen.sequence == sequence && known != Some(introducer))
        });
        structure_id != introducer && self.compared(structure_id).is_none() && forward
    }
}
