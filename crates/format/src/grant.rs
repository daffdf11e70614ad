//! Grants: who may read what until when, and what each wrapped key is bound to.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Suite,
    envelope::{EnvelopeKind, EnvelopeRef},
    id::{AccountId, DocumentId, GrantId, StructureId},
};

/// Documents that one grant may name.
pub const SCOPE_MAX: usize = 10_000;
/// Bytes that the owner's words are padded to before they are wrapped.
pub const FACE_BYTES: usize = 448;
/// Bytes of a grant's secret, sealed for its owner: key and face, and a tag.
pub const OWNER_WRAP_BYTES: usize = 32 + FACE_BYTES + 16;
/// Bytes at the beginning of a recipient's wrap that open the face alone: encapsulation and a sealed face.
pub const FACE_WRAP_BYTES: usize = 1120 + FACE_BYTES + 16;
/// Bytes of a recipient's wrap: the same, and behind it, sealed, the grant key and the owner's place in
/// the log.
pub const RECIPIENT_WRAP_BYTES: usize = FACE_WRAP_BYTES + 32 + PLACE_BYTES + 16;
/// Bytes of a safe's place in the log: suite, index, opening.
pub const PLACE_BYTES: usize = 2 + 32 + 32;
/// Bytes of a document key, wrapped.
pub const DOCUMENT_WRAP_BYTES: usize = 48;
/// The end of a grant that has none: the owner's own.
pub const NO_END: u64 = u64::MAX;

/// What a grant says. GRANT-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct GrantTerms {
    /// Random.
    pub grant_id: GrantId,
    /// To whom.
    pub recipient: RecipientName,
    /// Of what.
    pub scope: Scope,
    /// Seconds since 1970; [`NO_END`] for the owner's own grant only.
    pub ends_at: u64,
    /// Salted hash of the owner's name and of why.
    pub face_hash: [u8; 32],
    /// HKDF of the grant key, over the owner's place in the log: what does not reproduce it is refused.
    /// GRANT-4.
    pub commitment: [u8; 32],
}

/// To whom a grant is given, and under which key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum RecipientName {
    /// The owner's own access: one way for all.
    #[tls_codec(discriminant = 1)]
    Owner {
        /// Whose vault key seals the grant key.
        generation: u32,
    },
    /// A structure, in one of its recipient epochs.
    #[tls_codec(discriminant = 2)]
    Structure {
        /// Which one.
        structure_id: StructureId,
        /// From 1; a grant key serves one epoch.
        epoch: u64,
        /// [`crate::account::RecipientPublicKey::id`].
        key_id: [u8; 32],
    },
    /// A single person's account.
    #[tls_codec(discriminant = 3)]
    Account {
        /// Which one.
        account_id: AccountId,
        /// [`crate::account::RecipientPublicKey::id`].
        key_id: [u8; 32],
    },
}

/// What a grant covers. Later versions of what it covers follow.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Scope {
    /// Everything, for the owner's own grant only.
    #[tls_codec(discriminant = 1)]
    Safe,
    /// These documents, in ascending order, each once.
    #[tls_codec(discriminant = 2)]
    Documents {
        /// Which ones.
        document_ids: Vec<DocumentId>,
    },
}

impl Scope {
    /// Whether `document_id` is covered.
    pub fn covers(&self, document_id: DocumentId) -> bool {
        match self {
            Self::Safe => true,
            Self::Documents { document_ids } => document_ids.binary_search(&document_id).is_ok(),
        }
    }
}

/// What the wrap of one document key is bound to: HKDF info and associated data. GRANT-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct WrapBinding {
    /// Version 1.
    pub suite: Suite,
    /// Under which grant.
    pub grant_id: GrantId,
    /// Of which document.
    pub document_id: DocumentId,
    /// Of which of its envelopes.
    pub kind: EnvelopeKind,
    /// In which version.
    pub version: u32,
    /// [`EnvelopeRef::tree_root`].
    pub tree_root: [u8; 32],
}

impl WrapBinding {
    /// The binding of the key of `envelope` under `grant_id`.
    pub fn new(grant_id: GrantId, document_id: DocumentId, envelope: &EnvelopeRef) -> Self {
        Self {
            suite: Suite::V1,
            grant_id,
            document_id,
            kind: envelope.kind,
            version: envelope.version,
            tree_root: envelope.tree_root,
        }
    }
}

/// What a grant key's HPKE wrap is bound to: HPKE's `info`. GRANT-2.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RecipientBinding {
    /// Version 1.
    pub suite: Suite,
    /// Hash of the grant's statement.
    pub statement_hash: [u8; 32],
    /// Of the key it is wrapped to.
    pub key_id: [u8; 32],
}
