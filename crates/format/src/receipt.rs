//! Receipts: what a grantee signs before a wrapped key leaves the server.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Label, Suite,
    id::{AccountId, DeviceId, DocumentId, GrantId, StructureId},
    sign::Signable,
};

/// One opening, as the reader's device signs it. RCPT-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Receipt {
    /// Version 1.
    pub suite: Suite,
    /// Under which grant.
    pub grant_id: GrantId,
    /// Whose safe.
    pub owner: AccountId,
    /// For which structure.
    pub structure_id: StructureId,
    /// The reader's number in it.
    pub worker_number: u32,
    /// The reader.
    pub account_id: AccountId,
    /// The device that signs.
    pub device_id: DeviceId,
    /// What was asked for.
    pub subject: Subject,
    /// Seconds since 1970 by the reader's clock.
    pub made_at: u64,
    /// Random: each opening is its own, and a repeated request is the same.
    pub nonce: [u8; 16],
}

/// What a receipt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Subject {
    /// The grant's key, and with it cards and pictures.
    #[tls_codec(discriminant = 1)]
    List,
    /// One document in one version.
    #[tls_codec(discriminant = 2)]
    Document {
        /// Which one.
        document_id: DocumentId,
        /// Version of its content.
        version: u32,
    },
    /// The grant's secret, to wrap it again or to check that: nothing is looked at. REWRAP-1.
    #[tls_codec(discriminant = 3)]
    Rewrap {
        /// To which recipient epoch.
        epoch: u64,
    },
}

impl Signable for Receipt {
    const LABEL: Label = Label::Receipt;
}
