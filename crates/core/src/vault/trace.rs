//! The trace: everything that happened in a safe, from its own chain and from receipts that were
//! signed by whoever opened something. A server can hide a receipt, not forge one.

use reconnect_format::{
    Sorted,
    api::StoredReceipt,
    check,
    grant::{GrantTerms, RecipientName},
    id::{DeviceId, DocumentId, GrantId, StructureId},
    lock::LockKind,
    receipt::{Receipt, Subject},
    statement::{Attested, Body, Signer},
    structure::verify_certificate,
};

use super::Vault;
use crate::{error::Error, world::World};

/// One opening by a grantee, as their signed receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Under which grant.
    pub grant_id: GrantId,
    /// By which structure.
    pub structure_id: StructureId,
    /// By which of its people.
    pub worker_number: u32,
    /// What; `None` when only the list was looked at.
    pub document_id: Option<DocumentId>,
    /// Seconds since 1970 by the reader's clock; by the server's where that says something else.
    pub at: u64,
}

/// Clocks may differ by as much; a reader whose clock differs by more does not choose when they
/// looked.
const CLOCKS_SECONDS: u64 = 3600;

/// When something was opened, from what its reader signed and when the server took that in.
fn opened_at(made_at: u64, received_at: u64) -> u64 {
    if made_at.abs_diff(received_at) > CLOCKS_SECONDS { received_at } else { made_at }
}

/// What somebody looked at; `None` for who wrapped a grant again.
fn opening(receipt: &Receipt, at: u64) -> Option<Opening> {
    let document_id = match receipt.subject {
        Subject::List => None,
        Subject::Document { document_id, .. } => Some(document_id),
        Subject::Rewrap { .. } => return None,
    };
    Some(Opening {
        grant_id: receipt.grant_id,
        structure_id: receipt.structure_id,
        worker_number: receipt.worker_number,
        document_id,
        at,
    })
}

/// What a line of the trace says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// The safe was opened.
    OpenedSafe,
    /// A document was added.
    Added(DocumentId),
    /// A paper from somebody else was taken.
    Accepted(DocumentId),
    /// A paper from somebody else was refused.
    Refused,
    /// A new version of it.
    Replaced(DocumentId),
    /// A new title.
    Renamed(DocumentId),
    /// It was removed.
    Removed(DocumentId),
    /// Something was given.
    Given {
        /// Under which grant.
        grant_id: GrantId,
        /// To whom.
        structure_id: StructureId,
        /// Until when.
        ends_at: u64,
        /// What.
        document_ids: Vec<DocumentId>,
    },
    /// It goes on under another key, since somebody left the structure.
    Renewed(StructureId),
    /// A grant was taken back.
    TakenBack {
        /// Which.
        grant_id: GrantId,
        /// From whom.
        structure_id: Option<StructureId>,
    },
    /// Somebody looked.
    Opened(Opening),
    /// Since somebody left the structure, its people wrapped what it was given to a new key.
    Rewrapped(StructureId),
    /// A structure's code was compared.
    Compared(StructureId),
    /// A structure was admitted on another's word: which, and whose.
    Introduced(StructureId, StructureId),
    /// A device was added.
    DeviceAdded(DeviceId),
    /// A device was retired.
    DeviceRetired(DeviceId),
    /// A lock was set.
    LockSet(LockKind),
    /// Somebody began to come back through guardians.
    ReturnBegun,
    /// A return that was not the owner's was stopped.
    ReturnStopped,
    /// The safe went on from a backup, without what was said after it.
    WentOn,
    /// Somebody came back through guardians: every device and lock of before is out.
    BroughtBack,
    /// A lock was retired.
    LockRetired,
    /// A secret became known: every device and lock of before is out.
    NewGeneration,
}

/// One line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Seconds since 1970 by the clock of whoever signed.
    pub at: u64,
    /// What happened.
    pub sentence: Sentence,
}

impl Vault {
    /// Fetches and verifies the chains of all structures of this safe: what receipts are checked
    /// against. A structure that cannot be fetched leaves its receipts out of the trace.
    pub async fn learn_structures(&mut self, world: &impl World) -> Result<(), Error> {
        let known: Vec<_> = self.manifest.structures().map(|(id, _)| id).collect();
        for structure_id in known {
            match self.structure(world, structure_id).await {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The receipts that verify. RCPT-2.
    pub fn openings(&self) -> Vec<Opening> {
        let mut seen = Sorted::default();
        let receipts = self.receipts.iter().filter_map(|stored| self.receipt(stored));
        // The same receipt shown twice is one opening.
        let receipts = receipts.filter(|(it, _)| seen.add((it.device_id, it.nonce)));
        receipts.filter_map(|(receipt, at)| opening(&receipt, at)).collect()
    }

    /// For each structure and recipient epoch, when its people first wrapped something of this safe to
    /// it. RCPT-2.
    fn rewraps(&self) -> Vec<(StructureId, u64)> {
        let mut first: Sorted<(StructureId, u64), u64> = Sorted::default();
        for (receipt, at) in self.receipts.iter().filter_map(|stored| self.receipt(stored)) {
            if let Subject::Rewrap { epoch } = receipt.subject {
                let of = (receipt.structure_id, epoch);
                let at = first.get(&of).map_or(at, |known| at.min(*known));
                first.insert(of, at);
            }
        }
        first.iter().map(|((structure_id, _), at)| (*structure_id, *at)).collect()
    }

    /// A receipt that verifies, and when it was given. RCPT-2.
    fn receipt(&self, stored: &StoredReceipt) -> Option<(Receipt, u64)> {
        let (receipt, signer) = Attested::open::<Receipt>(&stored.receipt.0).ok()?;
        let receipt = receipt.into_body();
        let chain = self.chains.get(&receipt.structure_id)?;
        let certificate = verify_certificate(&stored.certificate.0, chain).ok()?.into_body();
        let mut given = self.statements.iter().filter_map(|it| it.body().body.grant_terms());
        let granted = given.any(|terms| {
            let RecipientName::Structure { structure_id, epoch: given, .. } = terms.recipient
            else {
                return false;
            };
            let covered = match receipt.subject {
                Subject::List => true,
                Subject::Document { document_id, .. } => terms.scope.covers(document_id),
                Subject::Rewrap { epoch } => epoch > given && chain.key_id(epoch).is_some(),
            };
            let to_them = structure_id == receipt.structure_id;
            terms.grant_id == receipt.grant_id && to_them && covered
        });
        let signed_so = receipt.account_id == signer.account_id
            && receipt.device_id == signer.device_id
            && certificate.account_id == signer.account_id
            && certificate.number == receipt.worker_number;
        let theirs =
            granted && receipt.owner == self.account_id() && check!(ReceiptSigner, signed_so);
        let at = opened_at(receipt.made_at, stored.received_at);
        theirs.then_some((receipt, at))
    }

    /// Everything that happened, newest first.
    pub fn trace(&self) -> Vec<Entry> {
        let mut seen = Sorted::default();
        let mut entries: Vec<_> = self
            .statements
            .iter()
            .filter_map(|statement| {
                let said = statement.body();
                let sentence = match said.signer {
                    Signer::Guardians { .. } => Sentence::BroughtBack,
                    _ => self.sentence(&said.body, &mut seen)?,
                };
                Some(Entry { at: said.made_at, sentence })
            })
            .collect();
        entries.extend(
            self.openings()
                .into_iter()
                .map(|opening| Entry { at: opening.at, sentence: Sentence::Opened(opening) }),
        );
        let returns = self.told().0.into_iter();
        entries
            .extend(returns.map(|it| Entry { at: it.began_at, sentence: Sentence::ReturnBegun }));
        let rewraps = self.rewraps().into_iter();
        entries.extend(rewraps.map(|(id, at)| Entry { at, sentence: Sentence::Rewrapped(id) }));
        entries.sort_by_key(|entry| entry.at);
        entries.reverse();
        entries
    }

    fn sentence(&self, body: &Body, seen: &mut Sorted<DocumentId, ()>) -> Option<Sentence> {
        Some(match body {
            Body::Open { .. } => Sentence::OpenedSafe,
            Body::AddDevice { device_id, .. } => Sentence::DeviceAdded(*device_id),
            Body::RetireDevice { device_id } => Sentence::DeviceRetired(*device_id),
            Body::SetLock { access, .. } => Sentence::LockSet(access.kind()),
            Body::RetireLock { .. } => Sentence::LockRetired,
            Body::PutVersion { document_id, .. } if seen.add(*document_id) => {
                Sentence::Added(*document_id)
            }
            Body::AcceptDeposit { document_id, .. } => {
                seen.add(*document_id);
                Sentence::Accepted(*document_id)
            }
            Body::RefuseDeposit { .. } => Sentence::Refused,
            Body::PutVersion { document_id, .. } => Sentence::Replaced(*document_id),
            Body::PutCard { document_id, .. } => Sentence::Renamed(*document_id),
            Body::RemoveDocument { document_id } => Sentence::Removed(*document_id),
            Body::Grant(terms) => match (&terms.recipient, &terms.scope) {
                (
                    RecipientName::Structure { structure_id, .. },
                    reconnect_format::grant::Scope::Documents { document_ids },
                ) => Sentence::Given {
                    grant_id: terms.grant_id,
                    structure_id: *structure_id,
                    ends_at: terms.ends_at,
                    document_ids: document_ids.clone(),
                },
                _ => return None,
            },
            Body::Revoke { grant_id } => Sentence::TakenBack {
                grant_id: *grant_id,
                structure_id: self.structure_of(*grant_id),
            },
            Body::CompareStructure { structure_id, .. } => Sentence::Compared(*structure_id),
            Body::AdmitStructure { structure_id, introducer, .. } => {
                Sentence::Introduced(*structure_id, *introducer)
            }
            Body::StopReturn { .. } => Sentence::ReturnStopped,
            Body::Continue { .. } => Sentence::WentOn,
            Body::Close => return None,
            Body::NewGeneration { .. } => Sentence::NewGeneration,
            // To the same epoch it goes on because of the owner's keys, which the trace says.
            Body::Regrant { grant_id, terms } => {
                let (structure_id, epoch) = to_structure(terms)?;
                let (_, before) = self.given_to(*grant_id)?;
                return (before < epoch).then_some(Sentence::Renewed(structure_id));
            }
        })
    }

    fn structure_of(&self, grant_id: GrantId) -> Option<StructureId> {
        Some(self.given_to(grant_id)?.0)
    }

    fn given_to(&self, grant_id: GrantId) -> Option<(StructureId, u64)> {
        let mut given = self.statements.iter().filter_map(|it| it.body().body.grant_terms());
        to_structure(given.find(|terms| terms.grant_id == grant_id)?)
    }
}

/// To which structure something is given, and for which epoch.
pub(super) fn to_structure(terms: &GrantTerms) -> Option<(StructureId, u64)> {
    match terms.recipient {
        RecipientName::Structure { structure_id, epoch, .. } => Some((structure_id, epoch)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_with_another_clock_does_not_choose_when_they_looked() {
        let now = 1_800_000_000;
        assert_eq!(opened_at(now - 60, now), now - 60);
        assert_eq!(opened_at(now - 20 * 86_400, now), now);
        assert_eq!(opened_at(now + 20 * 86_400, now), now);
    }
}
