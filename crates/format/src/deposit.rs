//! Deposits: what a worker seals to an owner, who takes it or not.
//!
//! ```text
//! suite          u16
//! owner          [32]    whose safe
//! key id         [32]    of the owner's recipient key
//! structure      [32]    for which the depositor acts
//! epoch          u64     newest recipient epoch of its chain
//! deposit        [16]    random; the envelope's document
//! content        EnvelopeRef, version 1
//! secret hash    [32]    of the sealed key and words
//! worker number  u32     the depositor's
//! account        [32]
//! device         [16]    signs
//! made at        u64
//! ```

use serde::{Deserialize, Serialize};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use utoipa::ToSchema;

use crate::{
    Label, Suite,
    envelope::EnvelopeRef,
    id::{AccountId, Base64, DepositId, DeviceId, DocumentId, StructureId},
    sign::Signable,
};

/// Bytes that key and words are padded to before they are wrapped. DEP-3.
pub const DEPOSIT_SECRET_BYTES: usize = 2048;
/// Bytes of them, wrapped: encapsulation, padded secret, tag.
pub const DEPOSIT_WRAP_BYTES: usize = 1120 + DEPOSIT_SECRET_BYTES + 16;
/// Bytes that a depositor keeps for themselves, sealed: at most.
pub const DEPOSIT_KEPT_MAX_BYTES: usize = 1024;
/// Before the text of an address.
const ADDRESS_PREFIX: &str = "deposit:";

/// What a worker's device signs of a deposit. DEP-2.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Deposit {
    /// Version 1.
    pub suite: Suite,
    /// Whose safe it is for.
    pub owner: AccountId,
    /// Of the owner's recipient key.
    pub key_id: [u8; 32],
    /// For which structure the depositor acts.
    pub structure_id: StructureId,
    /// Newest recipient epoch of its chain.
    pub epoch: u64,
    /// Random.
    pub deposit_id: DepositId,
    /// The sealed paper; its header names the owner, and the deposit as document.
    pub content: EnvelopeRef,
    /// Of key and words, as they are sealed.
    pub secret_hash: [u8; 32],
    /// The depositor's number in the structure.
    pub worker_number: u32,
    /// The depositor.
    pub account_id: AccountId,
    /// The device that signs.
    pub device_id: DeviceId,
    /// Seconds since 1970 by the depositor's clock.
    pub made_at: u64,
}

impl Signable for Deposit {
    const LABEL: Label = Label::Deposit;
}

impl DepositId {
    /// What a deposit's envelope names as its document: no document of a safe has this id.
    pub fn as_document(self) -> DocumentId {
        DocumentId(self.0)
    }
}

impl AccountId {
    /// What an owner's screen shows to whoever wants to give them a paper. DEP-1.
    pub fn deposit_address(&self) -> String {
        format!("{ADDRESS_PREFIX}{self}")
    }

    /// Reads an address; `None` when the text is none.
    pub fn from_deposit_address(text: &str) -> Option<Self> {
        let letters: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        letters.strip_prefix(ADDRESS_PREFIX)?.parse().ok()
    }
}

/// What the key of a deposit is bound to: HPKE's `info`. DEP-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct DepositBinding {
    /// Version 1.
    pub suite: Suite,
    /// Hash of the signed deposit.
    pub deposit_hash: [u8; 32],
    /// Of the owner's recipient key.
    pub key_id: [u8; 32],
}

/// What a worker may know of an owner whose address they hold.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnerKeys {
    /// `AccountKeys` of the first generation, which hash to the account's id.
    pub keys: Base64,
    /// The statements of new generations, signed, the oldest first.
    #[serde(default)]
    pub generations: Vec<Base64>,
}

/// A deposit whose content was uploaded before. Sending the same again has the effect of one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveDeposit {
    /// `Attested` `Deposit`.
    pub deposit: Base64,
    /// Key and words, HPKE to the owner.
    pub wrap: Base64,
    /// What the depositor keeps for themselves, sealed.
    pub kept: Base64,
}

/// What waits for an owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// The oldest first.
    pub deposits: Vec<WaitingDeposit>,
}

/// A deposit as its owner finds it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingDeposit {
    /// Which.
    pub deposit_id: DepositId,
    /// `Attested` `Deposit`.
    pub deposit: Base64,
    /// `Attested` `Certificate` of the depositor.
    pub certificate: Base64,
    /// Key and words, HPKE to the owner.
    pub wrap: Base64,
    /// When it goes by itself, in seconds since 1970.
    pub ends_at: u64,
}

/// What a depositor sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct SentDeposits {
    /// The newest first.
    pub deposits: Vec<SentDeposit>,
}

/// A deposit as its depositor sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SentDeposit {
    /// Which.
    pub deposit_id: DepositId,
    /// When the server took it in, in seconds since 1970.
    pub sent_at: u64,
    /// Until when it waits, in seconds since 1970.
    pub ends_at: u64,
    /// Whether its owner took it. That somebody refused is not told. DEP-7.
    pub accepted: bool,
    /// What the depositor kept for themselves.
    pub kept: Base64,
}
