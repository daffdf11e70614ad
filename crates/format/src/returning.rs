//! What travels when guardians are named, and when somebody comes back through them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{OwnerWrap, Wrap},
    id::{AccountId, Base64, LockId, ReturnId},
};

/// What goes with the statement that names guardians.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GuardianWraps {
    /// What each holds, HPKE to them, in the order of their numbers.
    pub wraps: Vec<Base64>,
    /// The owner's own note, sealed under the vault key.
    pub note: Base64,
}

/// Guardians as their owner sees them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GuardiansSeen {
    /// Under which configuration.
    pub lock_id: LockId,
    /// The owner's own note, sealed under the vault key.
    pub note: Base64,
    /// The numbers of those who are guardians still.
    pub there: Vec<u8>,
}

/// Whose guardian somebody is, or a structure.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Guarding {
    /// Each owner.
    pub guarded: Vec<GuardedBy>,
}

/// One owner, for one of their guardians. GUARD-3.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GuardedBy {
    /// Whose safe.
    pub account_id: AccountId,
    /// Under which number.
    pub number: u8,
    /// `KeysProof` of the owner.
    pub keys: Base64,
    /// Signed statement that named the guardians.
    pub statement: Base64,
    /// Encapsulation and first message of the guardian's wrap.
    pub face: Base64,
    /// How many returns this guardian has begun in this generation of the safe.
    pub begun: u32,
    /// Returns under this configuration, in order.
    pub returns: Vec<ReturnShown>,
    /// When these guardians were ended, who may overrule for a while; none while they are named. GUARD-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
}

/// How a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// Guardians may vouch.
    Open,
    /// A device of the owner's stopped it.
    Stopped,
    /// Its time, or the tries of its PIN, are over, who the guardians are was changed, or who began it ended it.
    Over,
    /// Its person is back.
    Done,
}

/// A return, as owner and guardians see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnShown {
    /// `ByGuardian` of a signed `Return`.
    pub said: Base64,
    /// `ByGuardian` of signed `Vouch`es, in the order in which they came.
    pub vouches: Vec<Base64>,
    /// How it stands.
    pub state: ReturnState,
    /// Whether it began soon after another was stopped. BACK-5.
    pub is_strict: bool,
    /// Seconds since 1970 by the server's clock.
    pub began_at: u64,
    /// When it ended, for whatever reason. Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
}

/// Begins a return.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BeginReturn {
    /// `ByGuardian` of a signed `Return`.
    pub said: Base64,
    /// `ReturnOffer`.
    pub offer: Base64,
    /// What says in the log that it began, 32 bytes.
    pub mark: Base64,
}

/// That it began.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Begun {
    /// Which return.
    pub return_id: ReturnId,
}

/// Asks for what a guardian holds, while a return is open.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenShare {
    /// Under which number.
    pub number: u8,
}

/// What a guardian holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShareShown {
    /// The whole wrap.
    pub wrap: Base64,
    /// `ReturnOffer` to which it is sealed.
    pub offer: Base64,
}

/// A guardian's vouch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveVouch {
    /// `ByGuardian` of a signed `Vouch`.
    pub vouch: Base64,
    /// What they hold, HPKE to the offer.
    pub sealed: Base64,
}

/// How a return stands, asked by whoever comes back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LookReturn {
    /// Signed `HeldUse` of the return card, by the offer's key.
    pub held_use: Base64,
    /// Signed `HeldUse` of each guardian's paper that is there.
    #[serde(default)]
    pub papers: Vec<Base64>,
}

/// What whoever comes back is told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnLooked {
    /// How it stands; none while no guardian began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<ReturnFound>>,
    /// It is not the offer's key that signed: how often a PIN may still be wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
}

/// A return that a guardian began.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnFound {
    /// How it stands.
    pub shown: ReturnShown,
    /// `KeysProof` of the safe's owner.
    pub keys: Base64,
    /// Signed statement that named the guardians.
    pub statement: Base64,
    /// By the server's clock. Seconds since 1970.
    pub now: u64,
    /// What guardians hold, once it may be had. BACK-3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<SharesGiven>,
}

/// What guardians hold.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SharesGiven {
    /// What they sealed to the offer.
    pub vouched: Vec<VouchedShare>,
    /// The whole wraps of the papers that were shown, in their order.
    pub papers: Vec<Base64>,
}

/// What one guardian sealed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VouchedShare {
    /// Of the guardian.
    pub number: u8,
    /// HPKE to the offer.
    pub sealed: Base64,
}

/// Opens a safe with what guardians put together, in several answers. BACK-8.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenReturn {
    /// Signed `HeldUse` of the lock, by the lock's key.
    pub held_use: Base64,
    /// Statements with a higher sequence number.
    pub statements_after: u64,
    /// What the owner alone opens, of statements with a higher number.
    pub records_after: u64,
}

/// What the lock of guardians gives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnOpened {
    /// The root of the lock's generation, wrapped for it.
    pub root_wrap: Base64,
    /// `LogPlace`, sealed under that generation's vault key, as everything here.
    pub log_place: Base64,
    /// Roots of earlier generations; none in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_roots: Option<Base64>,
    /// Signed statements, in order.
    pub statements: Vec<Base64>,
    /// Grants' secrets.
    pub owner_wraps: Vec<OwnerWrap>,
    /// Document keys wrapped under the owner's own grant.
    pub wraps: Vec<Wrap>,
    /// Wraps were given up to the statement with this number.
    pub records_until: u64,
    /// Whether there is more to ask for.
    pub more: bool,
}
