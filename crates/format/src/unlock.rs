//! What travels when somebody registers a lock, opens a safe, or comes in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{OwnerWrap, Submission},
    id::{AccountId, Base64, DeviceId, LockId, UnlockId},
};

/// First half of an OPAQUE registration of six words.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegistrationStart {
    /// Drawn by the device.
    pub handle: String,
    /// `RegistrationRequest` (RFC 9807 section 5.1).
    pub request: Base64,
}

/// First half of an OPAQUE registration of a PIN. LOCK-12.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PinRegistrationStart {
    /// Of the lock that will ask for it.
    pub lock_id: LockId,
    /// `RegistrationRequest` (RFC 9807 section 5.1).
    pub request: Base64,
}

/// The server's half.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegistrationAnswer {
    /// `RegistrationResponse`.
    pub response: Base64,
}

/// A new safe: a chain's first statements and what they name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAccount {
    /// Open, `AddDevice`, `SetLock` for each lock, Grant (owner): signed, in order.
    pub statements: Vec<Base64>,
    /// Of the locks, in the same order.
    pub locks: Vec<LockMaterial>,
    /// The owner's own grant key, sealed under the vault key.
    pub owner_wrap: Base64,
    /// 32 random bytes, of which comes where the safe's head stands in the log.
    pub log_nonce: Base64,
    /// `LogPlace`, sealed under the vault key.
    pub log_place: Base64,
    /// What the log says of the safe after the last of these statements, 32 bytes.
    pub log_value: Base64,
}

/// First message of an OPAQUE login with six words.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WordsStart {
    /// As typed, in lower case.
    pub handle: String,
    /// `KE1`.
    pub request: Base64,
}

/// Second message: the same shape and size whether or not a handle exists.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PakeAnswer {
    /// Names this try.
    pub unlock_id: UnlockId,
    /// `KE2`.
    pub response: Base64,
    /// How often a PIN may still be wrong, were this try to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
}

/// Third message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PakeFinish {
    /// From [`PakeAnswer`].
    pub unlock_id: UnlockId,
    /// `KE3`.
    pub finalization: Base64,
}

/// One use of what is held: a sheet or a passkey, or the first message of an OPAQUE login with a PIN.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UseHeld {
    /// Signed `HeldUse`.
    pub held_use: Base64,
}

/// What a lock gives to whoever opens it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Unlocked {
    /// Whose safe.
    pub account_id: AccountId,
    /// The root, wrapped for this lock.
    pub root_wrap: Base64,
    /// `LogPlace`, sealed under the vault key.
    pub log_place: Base64,
    /// The chain from its first statement, as far as one answer goes.
    pub statements: Vec<Base64>,
    /// Names what is left of it, for some minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<UnlockId>,
    /// It comes from a backup, and the log names it further: its owner may go on. PROTOCOL.md section 17.1.
    #[serde(default)]
    pub from_backup: bool,
}

/// Asks for what is left of a chain whose lock was opened.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UnlockRest {
    /// From [`Unlocked`].
    pub rest: UnlockId,
    /// Statements with a higher sequence number.
    pub statements_after: u64,
}

/// More of a chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainPage {
    /// Signed statements, in order.
    pub statements: Vec<Base64>,
    /// Whether there are others after them.
    pub more: bool,
}

/// Opens a session for a device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenSession {
    /// Signed `SessionOpening`.
    pub opening: Base64,
    /// The statement that adds the device, when it is new.
    #[serde(default)]
    pub statement: Option<Base64>,
    /// What the log says of the safe after that statement, 32 bytes.
    #[serde(default)]
    pub log_value: Base64,
    /// What comes before it where the safe goes on from a backup.
    #[serde(default)]
    pub continued: Option<Continued>,
}

/// A statement with which a safe goes on from a backup. BACKUP-10.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Continued {
    /// Signed by the root.
    pub statement: Base64,
    /// What the log says of the safe after it, 32 bytes.
    pub log_value: Base64,
}

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Seconds since 1970.
    pub expires_at: u64,
}

/// A new generation of the caller's safe, whole: nothing of it is taken in without the rest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BeginGeneration {
    /// The new generation, a device, two or three locks, and the successor of the owner's own grant.
    pub submissions: Vec<Submission>,
    /// The secrets of grants to others, sealed under the new vault key.
    pub owner_wraps: Vec<OwnerWrap>,
    /// `LogPlace`, sealed under the new vault key.
    pub log_place: Base64,
    /// Roots of earlier generations, sealed under the new vault key.
    pub earlier_roots: Base64,
}

/// A lock's wrap and how it opens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LockMaterial {
    /// Encoded `RootWrap`.
    pub root_wrap: Base64,
    /// OPAQUE registration record, for words or a PIN.
    #[serde(default)]
    pub record: Option<Base64>,
}

/// The caller's locks, as far as the server alone knows of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Locks {
    /// In no order.
    pub locks: Vec<LockState>,
}

/// One lock.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LockState {
    /// Which.
    pub lock_id: LockId,
    /// How often its PIN may still be wrong; none where there is no PIN.
    #[serde(default)]
    pub tries_left: Option<u32>,
}

/// The sessions of the caller's safe that have not ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// The newest first.
    pub sessions: Vec<SessionState>,
}

/// One session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionState {
    /// On which device.
    pub device_id: DeviceId,
    /// Seconds since 1970.
    pub expires_at: u64,
    /// Whether it is the one that asks.
    pub this: bool,
}
