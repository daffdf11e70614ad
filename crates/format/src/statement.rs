//! An owner's statements: one signed chain that says everything that is so in a safe.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Label, PublicKey, Suite,
    account::AccountKeys,
    encode,
    envelope::EnvelopeRef,
    grant::GrantTerms,
    id::{AccountId, DepositId, DeviceId, DocumentId, GrantId, LockId, ReturnId, StructureId},
    lock::LockAccess,
    sign::Signable,
};

pub use crate::proof::{Attested, Device, DeviceProof, KeysProof};

/// One sentence of an owner. STMT-1.
///
/// ```text
/// suite          u16
/// account        [32]
/// sequence       u64     from 1, without gaps, but before one that goes on from a backup
/// previous       [32]    hash of the statement before; zero for the first
/// made at        u64     seconds since 1970 by the device's clock
/// salt           [16]    random; of the records that this statement writes
/// signer         root and generation, or a device
/// manifest root  [32]    of the manifest after this statement
/// body           u16 and what it says
/// ```
///
/// What is signed is its [`StatementHead`], in which a hash stands for most of it.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Statement {
    /// Version 1.
    pub suite: Suite,
    /// Whose chain.
    pub account_id: AccountId,
    /// Place in the chain, from 1.
    pub sequence: u64,
    /// Hash of the statement before.
    pub previous: [u8; 32],
    /// Seconds since 1970 by the device's clock; a claim, not a proof.
    pub made_at: u64,
    /// Salt of the records that this statement writes into the manifest.
    pub salt: [u8; 16],
    /// Whose key verifies it.
    pub signer: Signer,
    /// Root of the manifest after this statement.
    pub manifest_root: [u8; 32],
    /// What it says.
    pub body: Body,
}

impl Signable for Statement {
    const LABEL: Label = Label::Statement;

    fn signed(&self) -> Vec<u8> {
        encode(&self.head())
    }
}

impl Statement {
    /// What is signed, and may be shown without what it says. STMT-10.
    pub fn head(&self) -> StatementHead {
        let made_at = self.made_at.to_be_bytes();
        let content = [&self.salt[..], &self.previous, &made_at, &encode(&self.body)].concat();
        StatementHead {
            suite: self.suite,
            account_id: self.account_id,
            sequence: self.sequence,
            signer: self.signer,
            manifest_root: self.manifest_root,
            content_hash: Label::StatementContent.hash(&content),
        }
    }
}

/// A statement without what it says and when: that is hashed with its salt. STMT-10.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct StatementHead {
    /// Version 1.
    pub suite: Suite,
    /// Whose chain.
    pub account_id: AccountId,
    /// Place in the chain, from 1.
    pub sequence: u64,
    /// Whose key verifies it.
    pub signer: Signer,
    /// Root of the manifest after the statement.
    pub manifest_root: [u8; 32],
    /// Of salt, the statement before, time and body.
    pub content_hash: [u8; 32],
}

impl Signable for StatementHead {
    const LABEL: Label = Label::Statement;
}

/// Who signed a statement. STMT-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Signer {
    /// The root of this generation: devices, locks, generations, opening and closing.
    #[tls_codec(discriminant = 1)]
    Root {
        /// From 1.
        generation: u32,
    },
    /// A device that the root added: everything else.
    #[tls_codec(discriminant = 2)]
    Device {
        /// Which one.
        device_id: DeviceId,
    },
    /// What guardians put together: a new generation. GUARD-7.
    #[tls_codec(discriminant = 3)]
    Guardians {
        /// Under which lock.
        lock_id: LockId,
    },
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u16)]
pub enum Body {
    /// The first statement of every chain.
    #[tls_codec(discriminant = 1)]
    Open {
        /// Generation 1; their hash is the account's id.
        keys: AccountKeys,
    },
    /// A device may now write.
    #[tls_codec(discriminant = 2)]
    AddDevice {
        /// Random.
        device_id: DeviceId,
        /// Verifies what the device signs.
        signing: PublicKey,
        /// Verifies what the device signs in MLS groups.
        leaf: PublicKey,
    },
    /// A device may no longer write.
    #[tls_codec(discriminant = 3)]
    RetireDevice {
        /// Which one.
        device_id: DeviceId,
    },
    /// A lock wraps the root.
    #[tls_codec(discriminant = 4)]
    SetLock {
        /// Random.
        lock_id: LockId,
        /// Of the root that it wraps.
        generation: u32,
        /// How it is found.
        access: LockAccess,
        /// [`crate::lock::RootWrap::hash`].
        wrap_hash: [u8; 32],
    },
    /// A lock is gone.
    #[tls_codec(discriminant = 5)]
    RetireLock {
        /// Which one.
        lock_id: LockId,
    },
    /// A document, or a new version of one.
    #[tls_codec(discriminant = 6)]
    PutVersion {
        /// The same through all versions.
        document_id: DocumentId,
        /// The document.
        content: EnvelopeRef,
        /// Its card.
        card: EnvelopeRef,
        /// Its picture, where there is one.
        thumbnail: Option<EnvelopeRef>,
    },
    /// A new card: a document was renamed.
    #[tls_codec(discriminant = 7)]
    PutCard {
        /// Which document.
        document_id: DocumentId,
        /// Its new card.
        card: EnvelopeRef,
    },
    /// A document is gone for good; its id never comes back.
    #[tls_codec(discriminant = 8)]
    RemoveDocument {
        /// Which one.
        document_id: DocumentId,
    },
    /// Somebody may read.
    #[tls_codec(discriminant = 9)]
    Grant(GrantTerms),
    /// Somebody may no longer read; a grant's id never comes back.
    #[tls_codec(discriminant = 10)]
    Revoke {
        /// Which grant.
        grant_id: GrantId,
    },
    /// The owner compared a structure's code, and saw its chain up to here.
    #[tls_codec(discriminant = 11)]
    CompareStructure {
        /// Which one.
        structure_id: StructureId,
        /// Sequence number of the newest statement seen.
        sequence: u64,
        /// Hash of that statement.
        head: [u8; 32],
    },
    /// The safe is closed for good: the last statement.
    #[tls_codec(discriminant = 12)]
    Close,
    /// A grant goes on under another key, for a later epoch of its structure. GRANT-9.
    #[tls_codec(discriminant = 13)]
    Regrant {
        /// Whose place it takes; its id never comes back.
        grant_id: GrantId,
        /// Of the successor.
        terms: GrantTerms,
    },
    /// A document that was a deposit. DEP-6.
    #[tls_codec(discriminant = 14)]
    AcceptDeposit {
        /// Which one; it is taken once.
        deposit_id: DepositId,
        /// Hash of the signed deposit.
        deposit_hash: [u8; 32],
        /// New, as everything of it.
        document_id: DocumentId,
        /// The document.
        content: EnvelopeRef,
        /// Its card.
        card: EnvelopeRef,
        /// Its picture, where there is one.
        thumbnail: Option<EnvelopeRef>,
    },
    /// A deposit that the owner does not want, or that nobody can trust. DEP-6.
    #[tls_codec(discriminant = 15)]
    RefuseDeposit {
        /// Which one; it never comes back.
        deposit_id: DepositId,
    },
    /// The owner takes a compared structure's word for another, and saw its chain up to here. INTRO-3.
    #[tls_codec(discriminant = 16)]
    AdmitStructure {
        /// Which one.
        structure_id: StructureId,
        /// Sequence number of the newest statement seen.
        sequence: u64,
        /// Hash of that statement.
        head: [u8; 32],
        /// Whose word it is.
        introducer: StructureId,
    },
    /// A secret became known: other keys, and none of the devices and locks of before. ACC-4.
    #[tls_codec(discriminant = 17)]
    NewGeneration {
        /// Of the next generation, from a root of its own.
        keys: AccountKeys,
        /// Of the statements that named guardians who may overrule it: content hashes, in order. GUARD-7.
        overrulers: Vec<[u8; 32]>,
    },
    /// It is not the owner who comes back. BACK-4.
    #[tls_codec(discriminant = 18)]
    StopReturn {
        /// Which return.
        return_id: ReturnId,
    },
    /// The safe goes on from a backup, without what was said after it. STMT-11.
    #[tls_codec(discriminant = 19)]
    Continue {
        /// Number that the log names: the newest of those that are missing, as far as it knows.
        sequence: u64,
        /// What the log has with it.
        value: [u8; 32],
        /// Devices that are live in the chain, and retired as the log knows.
        retired: Vec<DeviceId>,
    },
}

impl Body {
    /// Whether the root says it, and no device. STMT-3.
    pub fn is_by_root(&self) -> bool {
        matches!(
            self,
            Self::Open { .. }
                | Self::AddDevice { .. }
                | Self::RetireDevice { .. }
                | Self::SetLock { .. }
                | Self::RetireLock { .. }
                | Self::Close
                | Self::NewGeneration { .. }
                | Self::Continue { .. }
        )
    }

    /// The terms of the grant that it gives, anew or in the place of another.
    pub fn grant_terms(&self) -> Option<&GrantTerms> {
        match self {
            Self::Grant(terms) | Self::Regrant { terms, .. } => Some(terms),
            _ => None,
        }
    }
}
