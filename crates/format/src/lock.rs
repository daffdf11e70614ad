//! Locks: what wraps an account's root, and how each kind is found.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    Label, PublicKey, Suite, encode,
    guardian::Guardians,
    id::{AccountId, DeviceId, HeldId, LockId},
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

/// Digits of a PIN.
pub const PIN_DIGITS: usize = 6;
/// Wrong PINs after which a lock is dead. LOCK-11.
pub const PIN_TRIES: u32 = 10;

/// The kinds of locks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum LockKind {
    /// Six words through OPAQUE.
    Words = 1,
    /// A printed sheet with 160 random bits.
    Sheet = 2,
    /// A printed card with 160 random bits, and a PIN through OPAQUE.
    Card = 3,
    /// A browser of one's own that keeps 160 random bits, and a PIN through OPAQUE.
    Device = 4,
    /// What a passkey's `prf` extension gives.
    Passkey = 5,
    /// A key that was split among guardians.
    Guardians = 6,
}

impl LockKind {
    /// Whether it survives the loss of every device. ACC-3, LOCK-14.
    pub fn is_way_back(self) -> bool {
        matches!(self, Self::Words | Self::Sheet | Self::Card)
    }
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
        /// `Label::LockRecordHash` of the registration record.
        record_hash: [u8; 32],
    },
    /// By what the sheet holds.
    #[tls_codec(discriminant = 2)]
    Sheet(Held),
    /// By what the card holds, then by PIN, through OPAQUE.
    #[tls_codec(discriminant = 3)]
    Card(HeldWithPin),
    /// By what the device keeps, then by PIN, through OPAQUE.
    #[tls_codec(discriminant = 4)]
    Device {
        /// What it keeps, and its PIN.
        with_pin: HeldWithPin,
        /// With which the lock goes.
        device_id: DeviceId,
    },
    /// By what the passkey gives.
    #[tls_codec(discriminant = 5)]
    Passkey(Held),
    /// By what guardians put together. GUARD-1.
    #[tls_codec(discriminant = 6)]
    Guardians(Box<Guardians>),
}

/// What the server knows of something that is held. LOCK-5.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Held {
    /// Derived from the secret that is held.
    pub held_id: HeldId,
    /// Verifies [`HeldUse`].
    pub signing: PublicKey,
}

/// What the server knows of something that is held, and of its PIN.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct HeldWithPin {
    /// What is held.
    pub held: Held,
    /// `Label::LockRecordHash` of the PIN's registration record.
    pub record_hash: [u8; 32],
}

impl LockAccess {
    /// The kind of the lock that is reached in this way.
    pub fn kind(&self) -> LockKind {
        match self {
            Self::Words { .. } => LockKind::Words,
            Self::Sheet(_) => LockKind::Sheet,
            Self::Card(_) => LockKind::Card,
            Self::Device { .. } => LockKind::Device,
            Self::Passkey(_) => LockKind::Passkey,
            Self::Guardians(_) => LockKind::Guardians,
        }
    }

    /// With which device it goes.
    pub fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Device { device_id, .. } => Some(*device_id),
            _ => None,
        }
    }

    /// What is typed to find it: for six words.
    pub fn handle(&self) -> Option<&[u8]> {
        match self {
            Self::Words { handle, .. } => Some(handle),
            _ => None,
        }
    }

    /// What must be held to use it, but for six words.
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::Words { .. } => None,
            Self::Sheet(held) | Self::Passkey(held) => Some(held),
            Self::Guardians(guardians) => Some(&guardians.held),
            Self::Card(with_pin) | Self::Device { with_pin, .. } => Some(&with_pin.held),
        }
    }

    /// Hash of the PAKE's record, where there is one.
    pub fn record_hash(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Words { record_hash, .. } => Some(record_hash),
            Self::Card(with_pin) | Self::Device { with_pin, .. } => Some(&with_pin.record_hash),
            Self::Sheet(_) | Self::Passkey(_) | Self::Guardians(_) => None,
        }
    }

    /// Who are guardians, where it is theirs.
    pub fn guardians(&self) -> Option<&Guardians> {
        match self {
            Self::Guardians(guardians) => Some(guardians),
            _ => None,
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

/// One use of what is held, signed with its key. LOCK-5, LOCK-10.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct HeldUse {
    /// Version 1.
    pub suite: Suite,
    /// Of what.
    pub held_id: HeldId,
    /// Random, drawn by the device, used once.
    pub nonce: [u8; 32],
    /// Seconds since 1970 by the device's clock.
    pub made_at: u64,
    /// OPAQUE's `KE1` where a PIN is asked as well, else empty.
    pub request: Vec<u8>,
}

impl Signable for HeldUse {
    const LABEL: Label = Label::HeldUse;
}

/// The opening of a session by a device: the token itself is never in it. SESS-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct SessionOpening {
    /// Version 1.
    pub suite: Suite,
    /// Whose session.
    pub account_id: AccountId,
    /// On which device.
    pub device_id: DeviceId,
    /// `Label::SessionToken` of the token, which the device drew.
    pub token_hash: [u8; 32],
    /// Seconds since 1970 by the device's clock.
    pub made_at: u64,
}

impl Signable for SessionOpening {
    const LABEL: Label = Label::Session;
}
