//! Linking: what a computer offers that asks to be let into a safe, and how the offer is found.
//!
//! ```text
//! suite       u16
//! kind        u8        what the computer will be
//! recipient   [1216]    X-Wing, drawn for this offer
//! signing     [32]      Ed25519 of the device that it will be
//! leaf        [32]      its key in MLS groups
//! ```

use serde::{Deserialize, Serialize};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use utoipa::ToSchema;

use crate::{
    Label, PublicKey, Suite,
    account::RecipientPublicKey,
    encode,
    id::{Base64, LinkId},
};

/// Bytes of an offer.
pub const LINK_OFFER_BYTES: usize = 1283;
/// Bytes of what is sealed to it.
pub const LINK_SECRET_BYTES: usize = 153;
/// Bytes of that, sealed: encapsulation, secret, tag.
pub const LINK_ANSWER_BYTES: usize = 1120 + LINK_SECRET_BYTES + 16;

/// What a device is, by the number of its picture. Section 6.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum DeviceKind {
    /// A phone.
    Phone = 1,
    /// A tablet.
    Tablet = 2,
    /// A computer of one's own.
    Computer = 3,
    /// Somebody else's computer.
    Shared = 4,
}

/// What a computer offers. LINK-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct LinkOffer {
    /// Version 1.
    pub suite: Suite,
    /// What it will be.
    pub kind: DeviceKind,
    /// What the answer is sealed to.
    pub recipient: Box<RecipientPublicKey>,
    /// Verifies what it will sign.
    pub signing: PublicKey,
    /// Verifies it in MLS groups.
    pub leaf: PublicKey,
}

impl LinkOffer {
    /// What the answer is bound to.
    pub fn hash(&self) -> [u8; 32] {
        Label::LinkOffer.hash(&encode(self))
    }

    /// The code by which it is found, and compared: 120 bits of the hash. LINK-2.
    pub fn link_id(&self) -> LinkId {
        LinkId::of_hash(&self.hash())
    }
}

/// An offer that waits, sent again and again for as long as the computer shows its square.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PutLink {
    /// `LinkOffer`.
    pub offer: Base64,
}

/// What came of it so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LinkLooked {
    /// `LinkSecret`, HPKE to the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Base64>,
}

/// An offer, as whoever has its code finds it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkShown {
    /// `LinkOffer`.
    pub offer: Base64,
    /// Whether another account has answered it.
    pub taken: bool,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerLink {
    /// `LinkSecret`, HPKE to the offer.
    pub answer: Base64,
}
