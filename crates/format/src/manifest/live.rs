//! Everything of a kind that is live in a safe.

use super::{DeviceRecord, DocumentRecord, LockRecord, Manifest, Record, RecordKey};
use crate::{
    id::{DeviceId, DocumentId, LockId, StructureId},
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

    /// All live documents.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, DocumentRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (RecordKey::Document(id), Record::Content(content)) => {
                Some((*id, self.with_card(*id, content)?))
            }
            _ => None,
        })
    }

    /// All structures whose code was compared.
    pub fn structures(&self) -> impl Iterator<Item = (StructureId, &ComparedRecord)> {
        self.records.iter().filter_map(|(key, (_, record))| match (key, record) {
            (RecordKey::Structure(id), Record::Structure(compared)) => Some((*id, compared)),
            _ => None,
        })
    }
}
