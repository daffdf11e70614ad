//! Structures: founding, statements, certificates, invitations.
//!
//! A structure's chain starts at its founding, whose hash is its id; the code that people compare
//! is the start of that hash. Inside, a structure is an MLS group (RFC 9420), which only its
//! members see; outside, it is the recipient key that its newest epoch statement names.

mod attested;
mod chain;
mod introduction;
mod managers;

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

pub use attested::{verify_certificate, verify_leaf_request};
pub use chain::{ChainError, Link, StructureChain};
pub use introduction::{INTRODUCTIONS_MAX, Introduction};
pub use managers::Manager;

use crate::{
    DecodeError, Label, PublicKey, Suite,
    account::RecipientPublicKey,
    decode, encode,
    id::{AccountId, DeviceId, InvitationId, StructureId},
    sign::Signable,
    statement::{Attested, DeviceProof},
};

/// Longest name or place of a structure, in bytes of UTF-8.
pub const NAME_MAX_BYTES: usize = 120;
/// Letters of the code that people compare: 100 bits. STRUCT-2.
pub const CODE_LETTERS: usize = 20;
/// The code's alphabet: Crockford's base 32, without I, L, O and U.
pub const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a structure is when it begins; never changes.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Founding {
    /// Version 1.
    pub suite: Suite,
    /// UTF-8, public.
    pub name: Vec<u8>,
    /// Town or district; UTF-8, public.
    pub place: Vec<u8>,
    /// The structure's root: replaces managers when all are lost. On paper only.
    pub root: PublicKey,
    /// What the history is also sealed to, for whoever holds that paper.
    pub recovery: Box<RecipientPublicKey>,
    /// The first manager.
    pub founder: AccountId,
    /// Random.
    pub nonce: [u8; 32],
}

impl Founding {
    /// The structure that begins so. STRUCT-1.
    pub fn structure_id(&self) -> StructureId {
        StructureId(Label::StructureId.hash(&encode(self)))
    }
}

impl StructureId {
    /// The code that people compare: the first 100 bits, most significant first. STRUCT-2.
    pub fn code(&self) -> String {
        let mut bits = 0_u32;
        let mut held = 0_u32;
        let mut code = String::with_capacity(CODE_LETTERS);
        // Thirteen bytes hold the hundred bits.
        for byte in self.0.into_iter().take(13) {
            bits = (bits << 8) | u32::from(byte);
            held += 8;
            while held >= 5 && code.len() < CODE_LETTERS {
                held -= 5;
                let index = (bits >> held) & 31;
                code.push(CODE_ALPHABET[index as usize].into());
            }
            bits &= (1 << held) - 1;
        }
        code
    }

    /// Whether `typed` is this structure's code: white space and dashes are passed over, I and L
    /// read as 1, O as 0, in either case. `None` when it is not twenty letters of the alphabet.
    pub fn has_code(&self, typed: &str) -> Option<bool> {
        let mut letters = Vec::with_capacity(CODE_LETTERS);
        for letter in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let letter = match letter.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            };
            let letter = u8::try_from(letter).ok().filter(|byte| CODE_ALPHABET.contains(byte))?;
            letters.push(letter);
        }
        (letters.len() == CODE_LETTERS).then(|| letters == self.code().as_bytes())
    }
}

/// One sentence of a structure. STRUCT-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct StructureStatement {
    /// Version 1.
    pub suite: Suite,
    /// Whose chain.
    pub structure_id: StructureId,
    /// From 1, without gaps.
    pub sequence: u64,
    /// Hash of the statement before; zero for the first.
    pub previous: [u8; 32],
    /// Seconds since 1970 by the signer's clock.
    pub made_at: u64,
    /// What it says.
    pub body: StructureBody,
}

impl Signable for StructureStatement {
    const LABEL: Label = Label::StructureStatement;
}

/// What a structure's statement says. Who may say what: STRUCT-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u16)]
pub enum StructureBody {
    /// The first statement.
    #[tls_codec(discriminant = 1)]
    Found(Founding),
    /// A new recipient key, and who holds it.
    #[tls_codec(discriminant = 2)]
    Epoch(EpochTerms),
    /// Somebody joined, or came back on another device; the recipient key stays.
    #[tls_codec(discriminant = 3)]
    Roster {
        /// The group after the commit.
        terms: RosterTerms,
        /// Hash of the signed [`LeafRequest`] that the commit answers. GROUP-9.
        answers: Option<[u8; 32]>,
    },
    /// Somebody becomes a manager.
    #[tls_codec(discriminant = 4)]
    AddManager {
        /// Who.
        account_id: AccountId,
    },
    /// Somebody is a manager no more. STRUCT-9.
    #[tls_codec(discriminant = 5)]
    RemoveManager {
        /// Who.
        account_id: AccountId,
        /// The highest serial so far: certificates of theirs above it are refused.
        last_serial: u64,
        /// Another manager's [`Motion`].
        motion: Option<Attested>,
    },
    /// The paper was seen by others, or lost: another one.
    #[tls_codec(discriminant = 6)]
    ReplaceRoot {
        /// The new root.
        root: PublicKey,
        /// The new recovery key.
        recovery: Box<RecipientPublicKey>,
    },
    /// The structure ends: the last statement. STRUCT-10.
    #[tls_codec(discriminant = 7)]
    Close {
        /// Another manager's [`Motion`].
        motion: Option<Attested>,
    },
    /// Its people compared another structure's code: owners may take its word for it. INTRO-1.
    #[tls_codec(discriminant = 8)]
    Introduce {
        /// Which structure.
        introduced: StructureId,
        /// Sequence number of the newest statement of its chain that was seen.
        sequence: u64,
        /// Its hash.
        head: [u8; 32],
    },
    /// It does not introduce that structure any more.
    #[tls_codec(discriminant = 9)]
    Withdraw {
        /// Which structure.
        introduced: StructureId,
    },
}

/// A recipient epoch. STRUCT-4.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct EpochTerms {
    /// From 1, without gaps.
    pub epoch: u64,
    /// What owners wrap to; derived from the MLS exporter's seed.
    pub recipient: Box<RecipientPublicKey>,
    /// Who was there when it began.
    pub roster: RosterTerms,
    /// Numbers of the members who left with it, ascending: their certificates are revoked.
    pub revoked: Vec<u32>,
}

/// The group at one of its MLS epochs. STRUCT-5.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RosterTerms {
    /// Which MLS group of the structure, from 1: another begins when nobody is left in one.
    pub group: u32,
    /// MLS epoch.
    pub mls_epoch: u64,
    /// [`roster_hash`] of the members' certificates.
    pub roster_hash: [u8; 32],
    /// How many members.
    pub roster_size: u32,
    /// Labelled hash of the MLS tree hash.
    pub tree_hash: [u8; 32],
    /// Labelled hash of the MLS epoch authenticator: two members who see different ones were lied to.
    pub authenticator_hash: [u8; 32],
}

/// What one manager asks for, and another's statement then does. STRUCT-9.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Motion {
    /// Version 1.
    pub suite: Suite,
    /// Of which structure.
    pub structure_id: StructureId,
    /// The chain's newest statement when it was made: one that changed managers since ends it.
    pub sequence: u64,
    /// Seconds since 1970.
    pub made_at: u64,
    /// What for.
    pub about: MotionAbout,
}

impl Signable for Motion {
    const LABEL: Label = Label::Motion;
}

/// What takes two managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum MotionAbout {
    /// To remove a manager.
    #[tls_codec(discriminant = 1)]
    RemoveManager(AccountId),
    /// To close the structure.
    #[tls_codec(discriminant = 2)]
    Close,
}

impl MotionAbout {
    /// Who is to be a manager no more.
    pub fn removes(self) -> Option<AccountId> {
        match self {
            Self::RemoveManager(account_id) => Some(account_id),
            Self::Close => None,
        }
    }
}

/// What a member may do. CERT-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Role {
    /// Invites, certifies, commits.
    Manager = 1,
    /// Reads what the structure was given.
    Worker = 2,
}

/// A worker's certificate, signed by a manager's device. No name is in it. CERT-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Certificate {
    /// Version 1.
    pub suite: Suite,
    /// Member of what.
    pub structure_id: StructureId,
    /// From 1; grows with every certificate.
    pub serial: u64,
    /// The number under which owners see this person.
    pub number: u32,
    /// Whom it certifies.
    pub account_id: AccountId,
    /// What they may do.
    pub role: Role,
    /// Seconds since 1970.
    pub ends_at: u64,
}

impl Signable for Certificate {
    const LABEL: Label = Label::Certificate;
}

/// The hash of a roster: of its certificates' hashes in ascending order.
pub fn roster_hash(mut certificates: Vec<[u8; 32]>) -> [u8; 32] {
    certificates.sort_unstable();
    Label::Roster.hash(&certificates.concat())
}

/// The operator's word that a structure is what it says.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Acceptance {
    /// Version 1.
    pub suite: Suite,
    /// Which structure.
    pub structure_id: StructureId,
    /// Seconds since 1970.
    pub accepted_at: u64,
}

impl Signable for Acceptance {
    const LABEL: Label = Label::Acceptance;
}

/// An invitation, signed by a manager's device; its secret travels in a link's fragment. INV-1.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Invitation {
    /// Version 1.
    pub suite: Suite,
    /// Into what.
    pub structure_id: StructureId,
    /// Derived from the secret.
    pub invitation_id: InvitationId,
    /// As what.
    pub role: Role,
    /// Seconds since 1970; at most one day after it was made.
    pub ends_at: u64,
}

impl Signable for Invitation {
    const LABEL: Label = Label::Invitation;
}

/// A member asks for a leaf of another device of theirs, or of the same one whose browser was
/// cleared; signed by that device. GROUP-6.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct LeafRequest {
    /// Version 1.
    pub suite: Suite,
    /// In what.
    pub structure_id: StructureId,
    /// Who asks.
    pub account_id: AccountId,
    /// For which device; a leaf that it has goes.
    pub device_id: DeviceId,
    /// The chain's newest statement when it was made.
    pub sequence: u64,
    /// Seconds since 1970.
    pub made_at: u64,
    /// An MLS key package whose credential is the device's proof.
    pub key_package: Vec<u8>,
}

impl Signable for LeafRequest {
    const LABEL: Label = Label::LeafRequest;
}

/// How a newcomer answers an invitation; authenticated by a MAC under the invitation's secret. INV-3.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct JoinRequest {
    /// Version 1.
    pub suite: Suite,
    /// Into what.
    pub structure_id: StructureId,
    /// Answering which invitation.
    pub invitation_id: InvitationId,
    /// Who asks.
    pub account_id: AccountId,
    /// On which device.
    pub device_id: DeviceId,
    /// An MLS key package whose credential is the device's proof.
    pub key_package: Vec<u8>,
    /// The newcomer's name, sealed under the invitation's secret.
    pub sealed_name: Vec<u8>,
}

/// A join request with its MAC (HMAC-SHA256 over label and request).
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct AuthenticatedJoin {
    /// The request.
    pub request: JoinRequest,
    /// Its MAC.
    pub tag: [u8; 32],
}

/// Whether a text that others see may be shown: UTF-8, not empty, at most [`NAME_MAX_BYTES`], and
/// without characters that hide or turn what stands around them. STRUCT-8.
pub fn is_showable(text: &[u8]) -> bool {
    let turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.is_empty()
        && text.len() <= NAME_MAX_BYTES
        && std::str::from_utf8(text).is_ok_and(|text| {
            !text.trim().is_empty() && !text.chars().any(|c| c.is_control() || turning(c))
        })
}

/// Reads a device's proof out of an MLS credential.
pub fn decode_leaf_credential(bytes: &[u8]) -> Result<DeviceProof, DecodeError> {
    decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_first_hundred_bits_and_is_read_as_people_type_it() {
        let mut id = [0; 32];
        id[..5].copy_from_slice(&[0x08, 0x44, 0x32, 0x14, 0xc0]);
        let id = StructureId(id);
        assert_eq!(id.code(), "11234560000000000000");
        assert_eq!(id.has_code("1123-4560 oooo OOOO 0000"), Some(true));
        assert_eq!(id.has_code("il23 4560 0000 0000 0000"), Some(true));
        assert_eq!(id.has_code("1123 4560 0000 0000 0001"), Some(false));
        assert_eq!(id.has_code("1123"), None);
        assert_eq!(id.has_code("1123 4560 0000 0000 000U"), None);
    }
}
