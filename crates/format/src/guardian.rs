//! Guardians: who is named to let a person come back that has lost everything, and the ceremony in which
//! they do. PROTOCOL.md section 16.

use serde::{Deserialize, Serialize};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use utoipa::ToSchema;

use crate::{
    DecodeError, Label, PublicKey, Suite,
    account::RecipientPublicKey,
    decode, encode,
    id::{AccountId, HeldId, LinkId, LockId, ReturnId, StructureId},
    lock::Held,
    proof::{Attested, Device},
    sign::{Signable, Signed},
    structure::Certificate,
};

/// Guardians of one safe, at most. GUARD-1.
pub const GUARDIANS_MAX: usize = 8;
/// Guardians that are needed, at least: nobody alone. GUARD-1.
pub const NEEDED_MIN: u8 = 2;
/// Shortest short wait, in seconds.
pub const SHORT_WAIT_MIN_SECONDS: u32 = 24 * 3600;
/// Shortest wait, in seconds.
pub const WAIT_MIN_SECONDS: u32 = 3 * 24 * 3600;
/// Longest wait, in seconds.
pub const WAIT_MAX_SECONDS: u32 = 30 * 24 * 3600;
/// For so long after one was stopped, the next return is strict; and so long that one waits at least. BACK-5.
pub const STRICT_SECONDS: u64 = 30 * 24 * 3600;
/// A strict return waits for so long at least. BACK-5.
pub const STRICT_WAIT_SECONDS: u32 = 14 * 24 * 3600;
/// So long after it began, a return ends. BACK-3.
pub const RETURN_SECONDS: u64 = 60 * 24 * 3600;
/// So long after they were ended, a return may begin under guardians whom others replaced, and what it needs is
/// kept. GUARD-8.
pub const OVERRULE_BEGINS_SECONDS: u64 = 30 * 24 * 3600;
/// So long after they were ended, guardians may overrule the root: a return that began in time ends in time. GUARD-7.
pub const OVERRULE_SECONDS: u64 = 180 * 24 * 3600;
/// Returns that one guardian begins in one generation of a safe, at most: all of them are told, and looked up in
/// the log. BACK-3, BACK-4.
pub const RETURNS_MAX: u32 = 8;
/// Wrong PINs of a return card after which its return is over. BACK-7.
pub const RETURN_TRIES: u32 = 10;

/// Encapsulation and first message of a guardian's wrap: what they may see at any time.
pub const GUARDIAN_FACE_BYTES: usize = 1120 + 496;
/// A guardian's wrap.
pub const GUARDIAN_WRAP_BYTES: usize = GUARDIAN_FACE_BYTES + 80;
/// What a guardian sealed to whoever comes back.
pub const VOUCHED_BYTES: usize = 1200;
/// What the owner keeps for their next splits.
pub const GUARDIANS_NOTE_BYTES: usize = 32 + 1024 + 16;
/// Bytes of an offer.
pub const RETURN_OFFER_BYTES: usize = 1266;

/// Who are guardians, and how many are needed: how a lock of kind 6 is reached. GUARD-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Guardians {
    /// Of the key that was split.
    pub held: Held,
    /// How many put it together.
    pub needed: u8,
    /// How long a return waits, in seconds.
    pub wait_seconds: u32,
    /// How long where two structures vouched face to face, in seconds.
    pub short_wait_seconds: u32,
    /// Of the words by which guardians know the owner.
    pub face_hash: [u8; 32],
    /// Each with a number, from 1.
    pub guardians: Vec<Guardian>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Guardian {
    /// From 1: where the polynomials are evaluated.
    pub number: u8,
    /// Who.
    pub name: GuardianName,
    /// Of what they hold.
    pub commitment: [u8; 32],
}

/// Who a guardian is.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum GuardianName {
    /// A structure: whoever works there.
    #[tls_codec(discriminant = 1)]
    Structure {
        /// Which.
        structure_id: StructureId,
        /// Its recipient epoch.
        epoch: u64,
        /// Of that epoch's key.
        key_id: [u8; 32],
    },
    /// Somebody who has a safe.
    #[tls_codec(discriminant = 2)]
    Account {
        /// Whose.
        account_id: AccountId,
        /// Of their recipient key.
        key_id: [u8; 32],
    },
    /// A paper, wherever it is kept.
    #[tls_codec(discriminant = 3)]
    Paper {
        /// What is held.
        held: Held,
        /// What is wrapped to.
        recipient: Box<RecipientPublicKey>,
    },
}

/// A structure or an account that is a guardian, under whatever number and key: who begins a return. BACK-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardianId {
    /// A structure.
    Structure(StructureId),
    /// Somebody who has a safe.
    Account(AccountId),
}

impl GuardianId {
    /// Its kind, then its id: as marks in the log name it.
    pub fn to_bytes(self) -> [u8; 33] {
        let (kind, id) = match self {
            Self::Structure(structure_id) => (1, structure_id.0),
            Self::Account(account_id) => (2, account_id.0),
        };
        let mut bytes = [kind; 33];
        bytes[1..].copy_from_slice(&id);
        bytes
    }
}

impl GuardianName {
    /// Who it is; a paper is nobody, and begins nothing.
    pub fn guardian_id(&self) -> Option<GuardianId> {
        match self {
            Self::Structure { structure_id, .. } => Some(GuardianId::Structure(*structure_id)),
            Self::Account { account_id, .. } => Some(GuardianId::Account(*account_id)),
            Self::Paper { .. } => None,
        }
    }

    /// Whether two are one guardian, under whatever key.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Structure { structure_id, .. }, Self::Structure { structure_id: other, .. }) => {
                structure_id == other
            }
            (Self::Account { account_id, .. }, Self::Account { account_id: other, .. }) => {
                account_id == other
            }
            (Self::Paper { held, .. }, Self::Paper { held: other, .. }) => {
                held.held_id == other.held_id || held.signing == other.signing
            }
            _ => false,
        }
    }

    /// Hash of the key that is wrapped to.
    pub fn key_id(&self) -> [u8; 32] {
        match self {
            Self::Structure { key_id, .. } | Self::Account { key_id, .. } => *key_id,
            Self::Paper { recipient, .. } => recipient.id(),
        }
    }
}

impl Guardians {
    /// Whether they are as a chain may name them, but for whom the owner knows. GUARD-1.
    pub fn are_sound(&self, owner: AccountId) -> bool {
        let numbered = (1..).zip(&self.guardians).all(|(number, one)| one.number == number);
        let papers = self.guardians.iter().map(|it| &it.name);
        let papers = papers.filter(|it| matches!(it, GuardianName::Paper { .. })).count();
        let (needed, count) = (usize::from(self.needed), self.guardians.len());
        let once = self.guardians.iter().enumerate().all(|(place, one)| {
            let mut others = self.guardians.iter().skip(place + 1);
            others.all(|other| !one.name.is_same(&other.name))
        });
        let others = self.guardians.iter().all(|it| match it.name {
            GuardianName::Account { account_id, .. } => account_id != owner,
            GuardianName::Structure { .. } | GuardianName::Paper { .. } => true,
        });
        numbered
            && count <= GUARDIANS_MAX
            && (NEEDED_MIN..).contains(&self.needed)
            && needed <= count
            && papers < needed
            && once
            && others
            && (WAIT_MIN_SECONDS..=WAIT_MAX_SECONDS).contains(&self.wait_seconds)
            && (SHORT_WAIT_MIN_SECONDS..=self.wait_seconds).contains(&self.short_wait_seconds)
    }

    /// The structures among them.
    pub fn structures(&self) -> impl Iterator<Item = StructureId> {
        self.guardians.iter().filter_map(|it| match it.name {
            GuardianName::Structure { structure_id, .. } => Some(structure_id),
            GuardianName::Account { .. } | GuardianName::Paper { .. } => None,
        })
    }

    /// The number of a paper.
    pub fn paper(&self, shown: &Held) -> Option<u8> {
        let is_it =
            |name: &GuardianName| matches!(name, GuardianName::Paper { held, .. } if held == shown);
        self.guardians.iter().find(|it| is_it(&it.name)).map(|it| it.number)
    }

    /// The one of that number.
    pub fn get(&self, number: u8) -> Option<&Guardian> {
        self.guardians.iter().find(|it| it.number == number)
    }

    /// How many must have vouched, and for how long it takes from the beginning; given how many structures have
    /// vouched face to face. After a stop it takes one more, unless two structures have. BACK-3, BACK-5.
    pub fn asks(&self, is_strict: bool, structures_met: usize) -> Asks {
        let met = structures_met >= 2;
        match is_strict {
            false if met => Asks { guardians: self.needed, wait_seconds: self.short_wait_seconds },
            false => Asks { guardians: self.needed, wait_seconds: self.wait_seconds },
            true => {
                let all = u8::try_from(self.guardians.len()).unwrap_or(u8::MAX);
                let more = self.needed.saturating_add(1).min(all);
                Asks {
                    guardians: if met { self.needed } else { more },
                    wait_seconds: self.wait_seconds.max(STRICT_WAIT_SECONDS),
                }
            }
        }
    }
}

/// What a return takes. BACK-3, BACK-5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// So many guardians.
    pub guardians: u8,
    /// So many seconds from the beginning.
    pub wait_seconds: u32,
}

/// What somebody offers who comes back: what guardians seal to.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ReturnOffer {
    /// Version 1.
    pub suite: Suite,
    /// What guardians seal to.
    pub recipient: Box<RecipientPublicKey>,
    /// Verifies whoever looks how it stands.
    pub signing: PublicKey,
    /// What finds it: of the return card.
    pub held_id: HeldId,
}

impl ReturnOffer {
    /// What a return names.
    pub fn hash(&self) -> [u8; 32] {
        Label::ReturnOffer.hash(&encode(self))
    }

    /// The code by which it is found, and compared: 120 bits of the hash. BACK-1.
    pub fn code(&self) -> LinkId {
        LinkId::of_hash(&self.hash())
    }
}

/// That somebody comes back: a guardian's word, for whom and to which offer. BACK-2.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Return {
    /// Version 1.
    pub suite: Suite,
    /// Whose safe.
    pub account_id: AccountId,
    /// Under which configuration.
    pub lock_id: LockId,
    /// From 1, for each guardian who begins any, in each generation.
    pub count: u32,
    /// Which guardian begins it.
    pub guardian: u8,
    /// [`ReturnOffer::hash`].
    pub offer_hash: [u8; 32],
    /// Seconds since 1970 by the guardian's clock.
    pub made_at: u64,
}

impl Signable for Return {
    const LABEL: Label = Label::Return;
}

/// How a guardian knows who asks.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    TlsSize,
    TlsSerialize,
    TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum Manner {
    /// They stood before them.
    FaceToFace = 1,
    /// The code came by telephone, or in a picture.
    FromAfar = 2,
}

/// That a guardian knows who asks, and sealed what they hold. BACK-2.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Vouch {
    /// Version 1.
    pub suite: Suite,
    /// Which return.
    pub return_id: ReturnId,
    /// Which guardian.
    pub guardian: u8,
    /// How they know.
    pub manner: Manner,
    /// Of what they sealed: `Label::VouchedHash`.
    pub sealed_hash: [u8; 32],
    /// Seconds since 1970 by the guardian's clock.
    pub made_at: u64,
}

impl Signable for Vouch {
    const LABEL: Label = Label::Vouch;
}

/// What a guardian signed, as that guardian.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum ByGuardian {
    /// Somebody who has a safe.
    #[tls_codec(discriminant = 1)]
    Account {
        /// The object.
        object: Attested,
    },
    /// Somebody who works in a structure.
    #[tls_codec(discriminant = 2)]
    Structure {
        /// The object.
        object: Attested,
        /// Of whoever signed it.
        certificate: Attested,
    },
}

impl ByGuardian {
    /// Reads one, and verifies whose signature it is. Whether they are a guardian, [`Self::is_of`] says.
    pub fn open<T: Signable>(bytes: &[u8]) -> Result<(Self, Signed<T>, Device), DecodeError> {
        let said: Self = decode(bytes)?;
        let (object, device) = match &said {
            Self::Account { object } | Self::Structure { object, .. } => object.verify()?,
        };
        Ok((said, object, device))
    }

    /// Whether the signer may speak for this guardian, as far as the objects themselves say: a structure's chain
    /// says whether the certificate is its own (CERT-1).
    pub fn is_of(&self, name: &GuardianName, device: &Device) -> bool {
        match (self, name) {
            (Self::Account { .. }, GuardianName::Account { account_id, .. }) => {
                *account_id == device.account_id
            }
            (Self::Structure { certificate, .. }, GuardianName::Structure { structure_id, .. }) => {
                certificate.verify::<Certificate>().is_ok_and(|(certificate, _)| {
                    let certificate = certificate.body();
                    certificate.structure_id == *structure_id
                        && certificate.account_id == device.account_id
                })
            }
            _ => false,
        }
    }

    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}
