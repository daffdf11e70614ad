//! Records of a manifest: what is live in a safe, each named by a key. MAN-1.

use tls_codec::{TlsSerialize, TlsSize};

use crate::{
    PublicKey,
    account::AccountKeys,
    envelope::EnvelopeRef,
    grant::GrantTerms,
    id::{DepositId, DeviceId, DocumentId, GrantId, LockId, StructureId},
    lock::LockAccess,
};

/// Names a record; the order of these is the order of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSize, TlsSerialize)]
#[repr(u8)]
pub enum RecordKey {
    /// The account's keys.
    #[tls_codec(discriminant = 1)]
    Keys,
    /// A device.
    #[tls_codec(discriminant = 2)]
    Device(DeviceId),
    /// A lock.
    #[tls_codec(discriminant = 3)]
    Lock(LockId),
    /// A document.
    #[tls_codec(discriminant = 4)]
    Document(DocumentId),
    /// A grant.
    #[tls_codec(discriminant = 5)]
    Grant(GrantId),
    /// A structure whose code was compared.
    #[tls_codec(discriminant = 6)]
    Structure(StructureId),
    /// A deposit that was taken or refused: an id that was used, never a record.
    #[tls_codec(discriminant = 7)]
    Deposit(DepositId),
}

/// A record that is live.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
#[repr(u8)]
pub enum Record {
    /// The account's keys.
    #[tls_codec(discriminant = 1)]
    Keys(AccountKeys),
    /// A device.
    #[tls_codec(discriminant = 2)]
    Device(DeviceRecord),
    /// A lock.
    #[tls_codec(discriminant = 3)]
    Lock(LockRecord),
    /// A document.
    #[tls_codec(discriminant = 4)]
    Document(DocumentRecord),
    /// A grant.
    #[tls_codec(discriminant = 5)]
    Grant(GrantTerms),
    /// How much of a structure's chain was seen.
    #[tls_codec(discriminant = 6)]
    Structure(ComparedRecord),
}

/// A live device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct DeviceRecord {
    /// Verifies what it signs.
    pub signing: PublicKey,
    /// Verifies what it signs in MLS groups.
    pub leaf: PublicKey,
    /// Sequence number of the statement that added it.
    pub added: u64,
}

/// A live lock.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct LockRecord {
    /// Of the root that it wraps.
    pub generation: u32,
    /// How it is found.
    pub access: LockAccess,
    /// Hash of its wrap.
    pub wrap_hash: [u8; 32],
}

/// A live document.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct DocumentRecord {
    /// The document.
    pub content: EnvelopeRef,
    /// Its card.
    pub card: EnvelopeRef,
    /// Its picture.
    pub thumbnail: Option<EnvelopeRef>,
    /// Sequence number of the statement that wrote the content.
    pub content_sequence: u64,
    /// Sequence number of the statement that wrote the card.
    pub card_sequence: u64,
}

impl DocumentRecord {
    /// Content, card and, where there is one, thumbnail.
    pub fn envelopes(&self) -> impl Iterator<Item = &EnvelopeRef> {
        [&self.content, &self.card].into_iter().chain(&self.thumbnail)
    }
}

/// How much of a structure's chain the owner has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct ComparedRecord {
    /// Sequence number of the newest statement seen.
    pub sequence: u64,
    /// Its hash.
    pub head: [u8; 32],
}
