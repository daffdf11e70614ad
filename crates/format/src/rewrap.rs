//! Re-wraps: grants' secrets that members of a structure carry over to its newest recipient epoch after
//! somebody left. What they sign, and what they tell the server, as JSON.

use serde::{Deserialize, Serialize};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use utoipa::ToSchema;

use crate::{
    DecodeError, Label, Signed, Suite,
    id::{AccountId, Base64, DeviceId, GrantId, StructureId},
    sign::Signable,
    statement::{Attested, DeviceProof},
};

/// Grants that one list names.
pub const REWRAPS: usize = 100;
/// Refusals that one answer lists.
pub const REFUSALS: usize = 20;
/// After this time the old wrap goes, though no second member has opened the new one. REWRAP-5.
pub const REWRAP_SECONDS: u64 = 7 * 24 * 3600;

/// Who says something of a structure's grants, and of which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct MemberSays {
    /// Of which structure.
    pub structure_id: StructureId,
    /// To which recipient epoch.
    pub epoch: u64,
    /// Their number.
    pub worker_number: u32,
    /// Who.
    pub account_id: AccountId,
    /// The device that signs.
    pub device_id: DeviceId,
    /// Seconds since 1970 by its clock.
    pub made_at: u64,
}

/// Grants whose secrets a member wrapped to the newest epoch's key. REWRAP-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Rewrap {
    /// Version 1.
    pub suite: Suite,
    /// By whom.
    pub by: MemberSays,
    /// Of the epoch's key: [`crate::account::RecipientPublicKey::id`].
    pub key_id: [u8; 32],
    /// Ascending, each once; at most [`REWRAPS`].
    pub grants: Vec<Rewrapped>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Rewrapped {
    /// Which grant.
    pub grant_id: GrantId,
    /// Of the owner's statement.
    pub statement_hash: [u8; 32],
    /// From which epoch's wrap it was taken.
    pub from_epoch: u64,
    /// Of the new wrap: [`wrap_hash`].
    pub wrap_hash: [u8; 32],
}

/// Whether what another member wrapped opens. REWRAP-5, REWRAP-6.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RewrapCheck {
    /// Version 1.
    pub suite: Suite,
    /// By whom.
    pub by: MemberSays,
    /// Ascending, each once; at most [`REWRAPS`].
    pub grants: Vec<RewrapFound>,
}

/// What was found of one.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RewrapFound {
    /// Which grant.
    pub grant_id: GrantId,
    /// Of the wrap that was looked at.
    pub wrap_hash: [u8; 32],
    /// Whether it opened.
    pub opened: Opened,
}

/// Whether a wrap opened to what the owner's statement names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Opened {
    /// It did.
    Yes = 1,
    /// It did not.
    No = 2,
}

impl Signable for Rewrap {
    const LABEL: Label = Label::Rewrap;
}

impl Signable for RewrapCheck {
    const LABEL: Label = Label::RewrapCheck;
}

/// What members sign of a structure's grants.
pub trait GrantList: Signable {
    /// Who says it.
    fn by(&self) -> &MemberSays;
    /// Which grants it names, in its order.
    fn named(&self) -> impl Iterator<Item = GrantId>;
}

impl GrantList for Rewrap {
    fn by(&self) -> &MemberSays {
        &self.by
    }

    fn named(&self) -> impl Iterator<Item = GrantId> {
        self.grants.iter().map(|it| it.grant_id)
    }
}

impl GrantList for RewrapCheck {
    fn by(&self) -> &MemberSays {
        &self.by
    }

    fn named(&self) -> impl Iterator<Item = GrantId> {
        self.grants.iter().map(|it| it.grant_id)
    }
}

/// Opens a list and checks that its device signed it, and its form. REWRAP-2.
pub fn verify_list<T: GrantList>(attested: &[u8]) -> Result<Signed<T>, DecodeError> {
    let (list, signer) = Attested::open::<T>(attested)?;
    let by = list.body().by();
    if by.account_id != signer.account_id || by.device_id != signer.device_id {
        return Err(DecodeError::BadSignature);
    }
    let named: Vec<_> = list.body().named().collect();
    let in_form = (1..=REWRAPS).contains(&named.len()) && named.is_sorted_by(|one, two| one < two);
    if in_form { Ok(list) } else { Err(DecodeError::NotCanonical) }
}

/// What names a recipient's wrap in a list.
pub fn wrap_hash(wrap: &[u8]) -> [u8; 32] {
    Label::RewrapWrap.hash(wrap)
}

/// Asks for grants' secrets, to wrap them again or to check that somebody did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenForRewrap {
    /// `DeviceProof` of the device that signed the receipts.
    pub proof: Base64,
    /// Signed `Receipt`s (`Rewrap`), at most [`REWRAPS`].
    pub receipts: Vec<Base64>,
}

impl OpenForRewrap {
    /// The receipts, each as it is kept: `Attested` `Receipt`s.
    pub fn attested(self) -> Result<Vec<Base64>, DecodeError> {
        let proof: DeviceProof = crate::decode(&self.proof.0)?;
        let attest =
            |object: Base64| Base64(Attested { object: object.0, proof: proof.clone() }.encode());
        Ok(self.receipts.into_iter().map(attest).collect())
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct OpenedForRewrap {
    /// Those of the grants that are live, in the order of the receipts.
    pub grants: Vec<OpenedSecret>,
}

/// A grant's secret as it is wrapped, and as somebody wrapped it again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenedSecret {
    /// Which grant.
    pub grant_id: GrantId,
    /// Recipient epoch whose key opens it.
    pub epoch: u64,
    /// HPKE to that key.
    pub wrap: Base64,
    /// To the newest epoch, while nobody else has opened that.
    pub waiting: Option<WaitingRewrap>,
    /// Wraps to the newest epoch of which somebody said that they do not open.
    pub refused: Vec<Base64>,
}

/// What somebody wrapped again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingRewrap {
    /// Their number.
    pub by: u32,
    /// HPKE to the newest epoch's key.
    pub wrap: Base64,
}

/// Wraps to the newest epoch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveRewraps {
    /// `Attested` `Rewrap`.
    pub rewrap: Base64,
    /// HPKE to the newest epoch's key, in the list's order.
    pub wraps: Vec<Base64>,
}

/// What was found of others' wraps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckRewraps {
    /// `Attested` `RewrapCheck`.
    pub check: Base64,
}

/// Wraps of which somebody said that they do not open, of live grants, the newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct RefusedRewraps {
    /// At most [`REFUSALS`].
    pub refused: Vec<RefusedRewrap>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RefusedRewrap {
    /// Which grant.
    pub grant_id: GrantId,
    /// `Attested` `Rewrap` that names it.
    pub rewrap: Base64,
    /// `Attested` `RewrapCheck` that says that it does not open.
    pub check: Base64,
}
