//! Locks: what wraps an account's root, and how each kind is found.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Label, PublicKey, Suite, encode,
    id::{AccountId, LockId, SheetId},
    sign::Signable,
};

/// Argon2id memory in KiB. A constant of version 1: no cost comes from a server. LOCK-4.
pub const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
/// Argon2id passes.
pub const ARGON2_PASSES: u32 = 3;
/// Argon2id lanes.
pub const ARGON2_LANES: u32 = 1;
/// Handles are at most this long, in bytes of ASCII.
pub const HANDLE_MAX_BYTES: usize = 64;

/// The kinds of locks. Card, remembered device, passkey and guardians have their numbers reserved.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum LockKind {
    /// Six words through OPAQUE.
    Words = 1,
    /// A printed sheet with 160 random bits.
    Sheet = 2,
}

/// How a lock is found and who may ask for its wrap.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum LockAccess {
    /// By handle, through OPAQUE (RFC 9807).
    #[tls_codec(discriminant = 1)]
    Words {
        /// ASCII, drawn by the device, says nothing about the person.
        handle: Vec<u8>,
        /// `Label::WordsRecordHash` of the registration record.
        record_hash: [u8; 32],
    },
    /// By an id derived from the sheet, proven with a key derived from the sheet.
    #[tls_codec(discriminant = 2)]
    Sheet {
        /// Derived from the sheet's secret.
        sheet_id: SheetId,
        /// Verifies [`SheetUse`].
        signing: PublicKey,
    },
}

impl LockAccess {
    /// The kind of the lock that is reached in this way.
    pub fn kind(&self) -> LockKind {
        match self {
            Self::Words { .. } => LockKind::Words,
            Self::Sheet { .. } => LockKind::Sheet,
        }
    }
}

/// What the wrap of a root is bound to: the associated data of its AEAD. LOCK-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct LockBinding {
    /// Version 1.
    pub suite: Suite,
    /// Whose root.
    pub account_id: AccountId,
    /// Which lock.
    pub lock_id: LockId,
    /// Of which kind.
    pub kind: LockKind,
    /// Of which generation the root is.
    pub generation: u32,
}

/// A root, wrapped: AES-256-GCM under HKDF(lock secret, salt, label and binding), nonce zero.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RootWrap {
    /// What it is bound to.
    pub binding: LockBinding,
    /// Random, so that no key wraps twice.
    pub salt: [u8; 32],
    /// The root (32 bytes) and the tag (16 bytes).
    pub sealed: [u8; 48],
}

impl RootWrap {
    /// The hash by which a statement names this wrap. LOCK-2.
    pub fn hash(&self) -> [u8; 32] {
        Label::LockWrapHash.hash(&encode(self))
    }
}

/// One use of a recovery sheet, signed with the sheet's key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct SheetUse {
    /// Version 1.
    pub suite: Suite,
    /// Which sheet.
    pub sheet_id: SheetId,
    /// Random, drawn by the device, used once.
    pub nonce: [u8; 32],
    /// Seconds since 1970 by the device's clock.
    pub made_at: u64,
}

impl Signable for SheetUse {
    const LABEL: Label = Label::SheetUse;
}

/// The opening of a session by a device: the token itself is never in it. SESS-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct SessionOpening {
    /// Version 1.
    pub suite: Suite,
    /// Whose session.
    pub account_id: AccountId,
    /// On which device.
    pub device_id: crate::id::DeviceId,
    /// `Label::SessionToken` of the token, which the device drew.
    pub token_hash: [u8; 32],
    /// Seconds since 1970 by the device's clock.
    pub made_at: u64,
}

impl Signable for SessionOpening {
    const LABEL: Label = Label::Session;
}
