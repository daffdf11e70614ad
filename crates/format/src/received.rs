//! What was given, as JSON for those who read it: part of the [`api`](crate::api).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::id::{Base64, DocumentId, GrantId};

/// From where a grantee wants to read what was given.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceivedFrom {
    /// Grants with a higher id.
    #[serde(default)]
    #[param(value_type = GrantId, inline, required = false)]
    pub after: Option<GrantId>,
}

/// What structures of the caller were given, in few bytes: it is asked for again and again.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// Live grants, in the order of their ids, as far as one answer goes.
    pub grants: Vec<ReceivedGrant>,
    /// After which id to ask for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<GrantId>,
}

/// That there is a grant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReceivedGrant {
    /// Which.
    pub grant_id: GrantId,
    /// When the server took it in, so that the newest can be shown first.
    pub received_at: u64,
    /// Length of the owner's chain: when it has not grown, nothing under the grant has changed.
    pub owner_sequence: u64,
    /// Recipient epoch whose key opens it.
    pub epoch: u64,
    /// Number of the member who wrapped it to the newest epoch, while nobody else has opened that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrapped_by: Option<u32>,
}

/// Of which grants a grantee wants the faces.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FacesOf {
    /// At most [`FACES`].
    pub grant_ids: Vec<GrantId>,
}

/// Faces that may be asked for at once.
pub const FACES: usize = 100;

/// Who gave what and why: what a grantee sees of grants without opening them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Faces {
    /// Those of the grants asked for that are live, in the order of their ids, as far as one answer
    /// goes; at least one, where there is one.
    pub faces: Vec<GrantFace>,
}

/// A grant as a grantee sees it before opening.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantFace {
    /// Signed `Statement` with the grant.
    pub statement: Base64,
    /// `DeviceProof` of its signer.
    pub proof: Base64,
    /// The beginning of the recipient's wrap: encapsulation and sealed face.
    pub face: Base64,
    /// Recipient epoch whose key opens it.
    pub epoch: u64,
}

/// A receipt, given for what follows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveReceipt {
    /// `Attested` `Receipt`.
    pub receipt: Base64,
}

/// From where a grantee wants to read what a grant covers.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFrom {
    /// Documents with a higher id.
    #[serde(default)]
    #[param(value_type = DocumentId, inline, required = false)]
    pub after: Option<DocumentId>,
}

/// A grant's key and what it covers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantOpened {
    /// HPKE to the recipient.
    pub recipient_wrap: Base64,
    /// Recipient epoch whose key opens it.
    pub epoch: u64,
    /// What it covers, in the order of ids, as far as it is there and one answer goes.
    pub documents: Vec<GrantedDocument>,
    /// After which id to ask for others, with the same receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DocumentId>,
}

/// One document under a grant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantedDocument {
    /// `Attested` `Statement` (`PutVersion`).
    pub version: Base64,
    /// `Attested` `Statement` (`PutCard`), when it was renamed since.
    pub renamed: Option<Base64>,
    /// The sealed card.
    pub card: Base64,
    /// Key of the card.
    pub card_wrap: Base64,
    /// Key of the thumbnail, where there is one.
    pub thumbnail_wrap: Option<Base64>,
}

/// A content's key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentOpened {
    /// 48 bytes.
    pub content_wrap: Base64,
}
