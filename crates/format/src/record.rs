//! Records of a manifest: what is live in a safe, each named by a key. MAN-1.

use tls_codec::{TlsSerialize, TlsSize};

use crate::{
    Label, PublicKey,
    account::AccountKeys,
    encode,
    envelope::EnvelopeRef,
    grant::GrantTerms,
    id::{DepositId, DeviceId, DocumentId, GrantId, LockId, ReturnId, StructureId},
    lock::LockAccess,
    statement::{Body, Statement},
    tree,
};

/// Names a record.
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
    /// A document's content.
    #[tls_codec(discriminant = 4)]
    Document(DocumentId),
    /// A grant.
    #[tls_codec(discriminant = 5)]
    Grant(GrantId),
    /// A structure whose code was compared.
    #[tls_codec(discriminant = 6)]
    Structure(StructureId),
    /// A document's card.
    #[tls_codec(discriminant = 7)]
    Card(DocumentId),
    /// A deposit that was taken or refused: an id that was used, never a record.
    #[tls_codec(discriminant = 8)]
    Deposit(DepositId),
    /// A return that was stopped: an id that was used, never a record.
    #[tls_codec(discriminant = 9)]
    Return(ReturnId),
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
    /// A document's content.
    #[tls_codec(discriminant = 4)]
    Content(ContentRecord),
    /// A grant.
    #[tls_codec(discriminant = 5)]
    Grant(GrantTerms),
    /// How much of a structure's chain was seen.
    #[tls_codec(discriminant = 6)]
    Structure(ComparedRecord),
    /// A document's card.
    #[tls_codec(discriminant = 7)]
    Card(CardRecord),
    /// How much of the chain of a structure that another one introduced was seen.
    #[tls_codec(discriminant = 8)]
    Introduced {
        /// How much.
        seen: ComparedRecord,
        /// Whose word it is.
        introducer: StructureId,
    },
}

impl Record {
    /// Its leaf in the tree, salted by the statement that wrote it. MAN-1.
    pub fn leaf(&self, salt: &[u8; 16], key: &RecordKey) -> [u8; 32] {
        let content = [salt.as_slice(), &encode(key), &encode(self)].concat();
        tree::leaf_hash(&Label::ManifestRecord.with(&content))
    }
}

impl Statement {
    /// The records that it writes: each is what one statement says. MAN-1.
    pub fn records(&self) -> Vec<(RecordKey, Record)> {
        let sequence = self.sequence;
        match &self.body {
            Body::Open { keys } | Body::NewGeneration { keys, .. } => {
                vec![(RecordKey::Keys, Record::Keys(keys.clone()))]
            }
            Body::AddDevice { device_id, signing, leaf } => {
                let record = DeviceRecord { signing: *signing, leaf: *leaf, added: sequence };
                vec![(RecordKey::Device(*device_id), Record::Device(record))]
            }
            Body::SetLock { lock_id, generation, access, wrap_hash } => {
                let (access, wrap_hash) = (access.clone(), *wrap_hash);
                let record = LockRecord { generation: *generation, access, wrap_hash };
                vec![(RecordKey::Lock(*lock_id), Record::Lock(record))]
            }
            Body::PutVersion { document_id, content, card, thumbnail }
            | Body::AcceptDeposit { document_id, content, card, thumbnail, .. } => {
                let (content, thumbnail) = (content.clone(), thumbnail.clone());
                let content = ContentRecord { content, thumbnail, sequence };
                let card = CardRecord { card: card.clone(), sequence };
                vec![
                    (RecordKey::Document(*document_id), Record::Content(content)),
                    (RecordKey::Card(*document_id), Record::Card(card)),
                ]
            }
            Body::PutCard { document_id, card } => {
                let record = CardRecord { card: card.clone(), sequence };
                vec![(RecordKey::Card(*document_id), Record::Card(record))]
            }
            Body::Grant(terms) | Body::Regrant { terms, .. } => {
                vec![(RecordKey::Grant(terms.grant_id), Record::Grant(terms.clone()))]
            }
            Body::CompareStructure { structure_id, sequence, head } => {
                let record = ComparedRecord { sequence: *sequence, head: *head };
                vec![(RecordKey::Structure(*structure_id), Record::Structure(record))]
            }
            Body::AdmitStructure { structure_id, sequence, head, introducer } => {
                let seen = ComparedRecord { sequence: *sequence, head: *head };
                let record = Record::Introduced { seen, introducer: *introducer };
                vec![(RecordKey::Structure(*structure_id), record)]
            }
            Body::RetireDevice { .. }
            | Body::RetireLock { .. }
            | Body::RemoveDocument { .. }
            | Body::Revoke { .. }
            | Body::Close
            | Body::StopReturn { .. }
            | Body::Continue { .. }
            | Body::RefuseDeposit { .. } => Vec::new(),
        }
    }

    /// The leaf of the record that it writes under a key.
    pub fn leaf(&self, key: RecordKey) -> Option<[u8; 32]> {
        let records = self.records();
        let record = records.iter().find(|(written, _)| *written == key);
        record.map(|(key, record)| record.leaf(&self.salt, key))
    }
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

/// The content of a live document.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct ContentRecord {
    /// The document.
    pub content: EnvelopeRef,
    /// Its picture.
    pub thumbnail: Option<EnvelopeRef>,
    /// Sequence number of the statement that wrote it.
    pub sequence: u64,
}

/// The card of a live document.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct CardRecord {
    /// Its card.
    pub card: EnvelopeRef,
    /// Sequence number of the statement that wrote it.
    pub sequence: u64,
}

/// A live document: its two records.
#[derive(Clone, Debug, PartialEq, Eq)]
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
