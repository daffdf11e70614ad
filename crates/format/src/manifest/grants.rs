//! Grants in a manifest: which are live, and which a statement may give.

use super::{Manifest, Record, RecordKey};
use crate::{
    grant::{GrantTerms, NO_END, RecipientName, SCOPE_MAX, Scope},
    id::GrantId,
};

impl Manifest {
    /// A live grant.
    pub fn grant(&self, grant_id: GrantId) -> Option<&GrantTerms> {
        match self.record(RecordKey::Grant(grant_id)) {
            Some(Record::Grant(terms)) => Some(terms),
            _ => None,
        }
    }

    /// The owner's own grant.
    pub fn owner_grant(&self) -> Option<&GrantTerms> {
        self.grants().find(|terms| matches!(terms.recipient, RecipientName::Owner { .. }))
    }

    /// All live grants.
    pub fn grants(&self) -> impl Iterator<Item = &GrantTerms> {
        self.records.values().filter_map(|(_, record)| match record {
            Record::Grant(terms) => Some(terms),
            _ => None,
        })
    }

    /// Whether a statement made then may give this. GRANT-1.
    pub(super) fn grant_is_sound(&self, terms: &GrantTerms, made_at: u64) -> bool {
        let sound = match (&terms.recipient, &terms.scope) {
            (RecipientName::Owner { generation }, Scope::Safe) => {
                terms.ends_at == NO_END && *generation == self.keys.generation
            }
            (RecipientName::Owner { .. }, _) | (_, Scope::Safe) => false,
            (recipient, Scope::Documents { document_ids }) => {
                let known = match recipient {
                    RecipientName::Structure { structure_id, .. } => {
                        self.admitted(*structure_id).is_some()
                    }
                    _ => true,
                };
                known
                    && terms.ends_at > made_at
                    && terms.ends_at != NO_END
                    && !document_ids.is_empty()
                    && document_ids.len() <= SCOPE_MAX
                    && document_ids.is_sorted_by(|a, b| a < b)
                    && document_ids.iter().all(|id| self.document(*id).is_some())
            }
        };
        sound && self.is_fresh(RecordKey::Grant(terms.grant_id))
    }

    /// Whether it was given under keys of an earlier generation, whose holder may have its key. GRANT-6.
    pub fn is_of_earlier_keys(&self, grant_id: GrantId) -> bool {
        self.earlier.contains(&grant_id)
    }

    /// Whether `terms` go on in the place of a live grant: to the same structure in a later epoch, or
    /// where that was given under earlier keys, until the same end, with what is there of the same
    /// documents; or the owner's own under newer keys. GRANT-9.
    pub(super) fn goes_on(&self, grant_id: GrantId, terms: &GrantTerms) -> bool {
        let Some(before) = self.grant(grant_id) else { return false };
        if let (RecipientName::Owner { generation }, RecipientName::Owner { generation: later }) =
            (&before.recipient, &terms.recipient)
        {
            return generation < later;
        }
        let again = self.is_of_earlier_keys(grant_id);
        let later = match (&before.recipient, &terms.recipient) {
            (
                RecipientName::Structure { structure_id, epoch, .. },
                RecipientName::Structure { structure_id: same, epoch: later, .. },
            ) => structure_id == same && (epoch < later || (again && epoch == later)),
            _ => false,
        };
        let (Scope::Documents { document_ids: all }, Scope::Documents { document_ids: left }) =
            (&before.scope, &terms.scope)
        else {
            return false;
        };
        let live = all.iter().filter(|id| self.document(**id).is_some());
        later && terms.ends_at == before.ends_at && live.eq(left)
    }
}
