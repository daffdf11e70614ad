//! What the people of a structure and the server tell each other, as JSON: part of the
//! [`api`](crate::api).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::id::{Base64, InvitationId, StructureId};

/// Where the caller belongs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Memberships {
    /// One line a structure.
    pub memberships: Vec<Membership>,
}

/// One membership.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// In what.
    pub structure_id: StructureId,
    /// Whether a manager has certified and committed.
    pub confirmed: bool,
}

/// From where a member wants to read.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InsideFrom {
    /// Commits made in this MLS epoch or later.
    #[serde(default)]
    pub commits_from: u64,
    /// Certificates with a higher serial.
    #[serde(default)]
    pub certificates_after: u64,
}

/// What the members of a structure see.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Inside {
    /// The group's MLS epoch.
    pub mls_epoch: u64,
    /// `Attested` `Certificate`s, those after `certificates_after`.
    pub certificates: Vec<Base64>,
    /// What was committed, in order; the first was made in `commits_from`.
    pub commits: Vec<Committed>,
    /// Seeds and names, sealed under the key exported in `mls_epoch`.
    pub history: Base64,
    /// The welcome for the caller's device, when it has not been here before.
    pub welcome: Option<Base64>,
    /// `Attested` `LeafRequest`s that wait for an answer.
    pub requests: Vec<Base64>,
    /// `Attested` `Motion`s of managers that nobody has carried yet.
    pub motions: Vec<Base64>,
}

/// What is said of a structure without a commit of its group: who manages it, and that it closes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StructureSays {
    /// `Link`s of the chain.
    pub statements: Vec<Base64>,
}

/// A member's next certificate, under the number that they have.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Renewal {
    /// `Attested` `Certificate`.
    pub certificate: Base64,
}

/// What a manager asks another one to say.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// `Attested` `Motion`.
    pub motion: Base64,
}

/// A commit of a structure's group.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Committed {
    /// MLS message.
    pub commit: Base64,
    /// The `Attested` `LeafRequest` that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Base64>,
}

/// A member asks for a leaf of the device at which they are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AskForLeaf {
    /// `Attested` `LeafRequest`.
    pub request: Base64,
}

/// What members last sealed for whoever holds the structure's paper.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Recoveries {
    /// One a member, the newest first.
    pub recoveries: Vec<Recovery>,
}

/// The history as whoever holds the structure's paper opens it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// The group's MLS epoch in which it was sealed.
    pub mls_epoch: u64,
    /// Seeds and names, HPKE to the structure's recovery key.
    pub recovery: Base64,
}

/// Another group of a structure, in which nobody but the caller's device is yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnotherGroup {
    /// `Link`s of the root; the last begins a recipient epoch with the group.
    pub statements: Vec<Base64>,
    /// Seeds and names, sealed under the key exported in the group's first MLS epoch.
    pub history: Base64,
    /// The same, sealed for whoever holds the structure's paper.
    pub recovery: Base64,
}

/// A commit of a structure's group, with all that goes with it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupChange {
    /// MLS epoch in which the commit was made.
    pub mls_epoch: u64,
    /// MLS message.
    pub commit: Base64,
    /// `Link`s of the chain; the last says the group after the commit.
    pub statements: Vec<Base64>,
    /// Seeds and names, sealed under the key exported after the commit.
    pub history: Base64,
    /// The same, sealed for whoever holds the structure's paper.
    pub recovery: Base64,
    /// Who comes in with it; otherwise somebody left, or leaves of the committer's own devices go.
    pub joining: Option<Joining>,
}

/// Who comes in with a commit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Joining {
    /// Somebody new.
    Admitted(Admitted),
    /// Another device of a member, or the same one after its state was lost.
    Answered(Answered),
}

/// A request for a leaf that was answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Answered {
    /// MLS message for the device that asked.
    pub welcome: Base64,
    /// Its `Attested` `LeafRequest`.
    pub request: Base64,
}

/// A newcomer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Admitted {
    /// MLS message for them.
    pub welcome: Base64,
    /// Their `Attested` `Certificate`.
    pub certificate: Base64,
    /// The invitation that is used up.
    pub invitation_id: InvitationId,
}

/// A new invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// `Attested` `Invitation`.
    pub invitation: Base64,
    /// Its secret and the name it was made for, sealed for the manager who made it.
    pub kept: Base64,
}

/// A structure's invitations.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitations {
    /// Those that are not over.
    pub invitations: Vec<InvitationState>,
}

/// One invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationState {
    /// `Attested` `Invitation`.
    pub invitation: Base64,
    /// Sealed for the manager who made it.
    pub kept: Base64,
    /// The newcomer's `AuthenticatedJoin`, once they answered.
    pub join: Option<Base64>,
}

/// A newcomer's answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Join {
    /// `AuthenticatedJoin`.
    pub join: Base64,
}
