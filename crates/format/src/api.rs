//! The API: JSON types, problems, and the calls that a client ships. The `OpenAPI` is generated from
//! these types. Sealed and signed bytes travel in JSON as base64url; bulk bytes travel as they are.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::id::{Base64, DocumentId, EnvelopeId, GrantId, StructureId};

pub use crate::deposit::{
    GiveDeposit, Inbox, OwnerKeys, SentDeposit, SentDeposits, WaitingDeposit,
};
pub use crate::fresh::{FreshAsked, Freshness, LEAVES, LoggedHead};
pub use crate::link::{AnswerLink, LinkLooked, LinkShown, PutLink};
pub use crate::member::{
    Admitted, AnotherGroup, Answered, AskForLeaf, Committed, GroupChange, Inside, InsideFrom,
    InvitationState, Invitations, Invite, Join, Joining, Membership, Memberships, Moved,
    Recoveries, Recovery, Renewal, StructureSays,
};
pub use crate::received::{
    DocumentOpened, FACES, Faces, FacesOf, GiveReceipt, GrantFace, GrantOpened, GrantedDocument,
    ListFrom, Received, ReceivedFrom, ReceivedGrant,
};
pub use crate::returning::{
    BeginReturn, Begun, GiveVouch, GuardedBy, GuardianWraps, GuardiansSeen, Guarding, LookReturn,
    OpenReturn, OpenShare, ReturnFound, ReturnLooked, ReturnOpened, ReturnShown, ReturnState,
    ShareShown, SharesGiven, VouchedShare,
};
pub use crate::rewrap::{
    CheckRewraps, GiveRewraps, OpenForRewrap, OpenedForRewrap, OpenedSecret, RefusedRewrap,
    RefusedRewraps, WaitingRewrap,
};
pub use crate::unlock::{
    BeginGeneration, ChainPage, Continued, LockMaterial, LockState, Locks, OpenAccount,
    OpenSession, PakeAnswer, PakeFinish, PinRegistrationStart, RegistrationAnswer,
    RegistrationStart, Session, SessionState, Sessions, UnlockRest, Unlocked, UseHeld, WordsStart,
};
pub use crate::{
    log::{BESIDE, HandIn, LogAnswer, LogAsked},
    problem::{Code, Problem},
};

/// One call, made by a client's core and shipped by whoever holds a network.
#[derive(Clone, Debug)]
pub struct Call {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query, beginning with `/v1/`.
    pub path: String,
    /// Whether the session's token goes with it.
    pub authorized: bool,
    /// What is sent.
    pub body: CallBody,
}

/// What a call sends.
#[derive(Clone, Debug)]
pub enum CallBody {
    /// Nothing.
    Empty,
    /// JSON text.
    Json(String),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

impl Call {
    /// A call that reads.
    pub fn read(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), authorized: true, body: CallBody::Empty }
    }

    /// A call that sends JSON.
    pub fn send(path: impl Into<String>, body: &impl Serialize) -> Self {
        // Invariant: the types of this module hold strings, numbers and lists, which always encode.
        let json = serde_json::to_string(body).expect("API types always encode");
        Self { method: "POST", path: path.into(), authorized: true, body: CallBody::Json(json) }
    }

    /// A call that puts bytes.
    pub fn put(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { method: "PUT", path: path.into(), authorized: true, body: CallBody::Bytes(bytes) }
    }

    /// A call that removes.
    pub fn remove(path: impl Into<String>) -> Self {
        Self { method: "DELETE", path: path.into(), authorized: true, body: CallBody::Empty }
    }

    /// The same call without the session's token.
    #[must_use]
    pub fn open(self) -> Self {
        Self { authorized: false, ..self }
    }
}

/// What anyone may know of the service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Of the server.
    pub version: String,
    /// Largest file, in bytes before sealing.
    pub file_limit_bytes: u64,
    /// Largest safe, in sealed bytes.
    pub account_limit_bytes: u64,
    /// The operator's Ed25519 public key.
    pub operator: Base64,
    /// The verifier key of the log.
    pub log: String,
}

/// From where a client wants to read.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SyncFrom {
    /// Statements with a higher sequence number.
    #[serde(default)]
    pub statements_after: u64,
    /// Cards and wraps written by statements with a higher sequence number.
    #[serde(default)]
    pub records_after: u64,
    /// Receipts with a higher number.
    #[serde(default)]
    pub receipts_after: u64,
}

/// What is new in the caller's safe, as far as one answer goes: statements first, and nothing else
/// before all of them were given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Sync {
    /// Signed statements, in order.
    pub statements: Vec<Base64>,
    /// Cards and wraps were given up to the statement with this number.
    pub records_until: u64,
    /// Whether there is more to ask for.
    pub more: bool,
    /// Roots of earlier generations, sealed under the vault key, where nothing was read yet; none in
    /// the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_roots: Option<Base64>,
    /// Grants' secrets, sealed under the vault key.
    pub owner_wraps: Vec<OwnerWrap>,
    /// Document keys wrapped under the owner's own grant.
    pub wraps: Vec<Wrap>,
    /// Cards, sealed.
    pub cards: Vec<CardEnvelope>,
    /// Receipts, in order.
    pub receipts: Vec<StoredReceipt>,
    /// Sealed bytes that the safe holds.
    pub used_bytes: u64,
    /// How many deposits wait.
    #[serde(default)]
    pub deposits: u32,
    /// Returns of the last weeks, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnShown>,
}

/// A grant's secret, sealed under the owner's vault key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnerWrap {
    /// Which grant.
    pub grant_id: GrantId,
    /// 528 bytes.
    pub wrap: Base64,
}

/// A document key, wrapped under a grant key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Wrap {
    /// Under which grant.
    pub grant_id: GrantId,
    /// Of which envelope.
    pub envelope_id: EnvelopeId,
    /// 48 bytes.
    pub wrap: Base64,
}

/// A sealed card.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardEnvelope {
    /// Of which document.
    pub document_id: DocumentId,
    /// The whole envelope.
    pub envelope: Base64,
}

/// A receipt as the server keeps it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoredReceipt {
    /// Grows with each receipt of this safe.
    pub number: u64,
    /// When the server took it in, in seconds since 1970: its own word, beside the reader's.
    pub received_at: u64,
    /// `Attested` `Receipt`.
    pub receipt: Base64,
    /// `Attested` `Certificate` of its signer.
    pub certificate: Base64,
}

/// One statement with what it names. Sending the same again has the effect of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Submission {
    /// Signed `Statement`.
    pub statement: Base64,
    /// What the log says of the safe after it, 32 bytes.
    #[serde(default)]
    pub log_value: Base64,
    /// Document keys of the envelopes that it names, for each grant that covers them.
    #[serde(default)]
    pub wraps: Vec<Wrap>,
    /// Cards and thumbnails that it names; content is uploaded in parts before.
    #[serde(default)]
    pub envelopes: Vec<SmallEnvelope>,
    /// For a grant.
    #[serde(default)]
    pub grant: Option<GrantWraps>,
    /// For a lock.
    #[serde(default)]
    pub lock: Option<LockMaterial>,
    /// What says in the log that a device is retired, or a generation over, 32 bytes.
    #[serde(default)]
    pub mark: Base64,
    /// For a lock of guardians.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardians: Option<GuardianWraps>,
}

/// A card or a thumbnail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SmallEnvelope {
    /// As the statement names it.
    pub envelope_id: EnvelopeId,
    /// The whole envelope.
    pub envelope: Base64,
}

/// A grant's secret, wrapped for both sides.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantWraps {
    /// Sealed under the owner's vault key, 528 bytes.
    pub owner_wrap: Base64,
    /// HPKE to the recipient.
    pub recipient_wrap: Base64,
}

/// The safe after a statement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Written {
    /// Sequence number of the statement.
    pub sequence: u64,
}

/// What has arrived of an upload.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// Indexes of the parts that are stored, ascending.
    pub parts: Vec<u32>,
}

/// Which structures to look for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StructureSearch {
    /// Part of a name or place.
    #[serde(default)]
    pub search: String,
}

/// Structures that the operator accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StructureList {
    /// At most fifty, by name.
    pub structures: Vec<StructureEntry>,
}

/// One line of the list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StructureEntry {
    /// Which.
    pub structure_id: StructureId,
    /// Public.
    pub name: String,
    /// Public.
    pub place: String,
}

/// A structure's public chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StructureFace {
    /// `Link`s, in order.
    pub statements: Vec<Base64>,
    /// The operator's signed `Acceptance`, once given.
    pub acceptance: Option<Base64>,
}

/// A new structure.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundStructure {
    /// Founding and first epoch.
    pub statements: Vec<Base64>,
    /// The founder's own certificate, `Attested`.
    pub certificate: Base64,
    /// Seeds and names, sealed under the group's exported key.
    pub history: Base64,
    /// The same, sealed for whoever holds the structure's paper.
    pub recovery: Base64,
}
