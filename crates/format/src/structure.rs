//! Structures: founding, statements, certificates, invitations.
//!
//! A structure's chain starts at its founding, whose hash is its id; the code that people compare
//! is the start of that hash. Inside, a structure is an MLS group (RFC 9420), which only its
//! members see; outside, it is the recipient key that its newest epoch statement names.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    DecodeError, Label, PublicKey, Signed, Suite, Unverified,
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

/// What a structure's statement says. The first is signed by the root, others by a manager's device.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u16)]
pub enum StructureBody {
    /// The first statement.
    #[tls_codec(discriminant = 1)]
    Found(Founding),
    /// A new recipient key, and who holds it.
    #[tls_codec(discriminant = 2)]
    Epoch(EpochTerms),
    /// Somebody joined; the recipient key stays.
    #[tls_codec(discriminant = 3)]
    Roster(RosterTerms),
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
}

/// The group at one of its MLS epochs. STRUCT-5.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RosterTerms {
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

/// Why a structure's chain was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A statement does not decode or verify.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The chain does not start at the founding that the id names, or a link is missing.
    #[error("another chain")]
    OtherChain,
    /// A statement was signed by somebody who is not a manager.
    #[error("signed by somebody who may not")]
    WrongSigner,
    /// The chain does not contain the statement that was seen before.
    #[error("rolled back")]
    Rollback,
}

/// A structure whose chain was verified from its founding. STRUCT-6.
#[derive(Clone, Debug)]
pub struct StructureChain {
    /// Which.
    pub structure_id: StructureId,
    /// What it said when it began.
    pub founding: Founding,
    /// The newest recipient epoch, once there is one.
    pub epoch: Option<EpochTerms>,
    /// What names the recipient key of each epoch, the first first.
    pub key_ids: Vec<[u8; 32]>,
    /// The newest roster, once there is one.
    pub roster: Option<RosterTerms>,
    /// When the newest statement was made, by its signer's clock: seconds since 1970.
    pub made_at: u64,
    /// Hashes of all statements, in order.
    pub hashes: Vec<[u8; 32]>,
}

impl StructureChain {
    /// Starts at the first statement, which must hash to `structure_id`. STRUCT-1.
    pub fn begin(structure_id: StructureId, first: &[u8]) -> Result<Self, ChainError> {
        let first = Unverified::<StructureStatement>::decode(first)?;
        let StructureBody::Found(founding) = first.claim().body.clone() else {
            return Err(ChainError::OtherChain);
        };
        let statement = first.verify(&founding.root)?;
        let body = statement.body();
        let begins = body.sequence == 1
            && body.previous == [0; 32]
            && body.structure_id == structure_id
            && founding.structure_id() == structure_id
            && is_showable(&founding.name)
            && is_showable(&founding.place);
        if !begins {
            return Err(ChainError::OtherChain);
        }
        Ok(Self {
            structure_id,
            made_at: body.made_at,
            founding,
            epoch: None,
            key_ids: Vec::new(),
            roster: None,
            hashes: vec![statement.hash()],
        })
    }

    /// Verifies a whole chain: the first statement, then [`Attested`] ones.
    pub fn verify<'a>(
        structure_id: StructureId,
        statements: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, ChainError> {
        let mut statements = statements.into_iter();
        let mut chain =
            Self::begin(structure_id, statements.next().ok_or(ChainError::OtherChain)?)?;
        for statement in statements {
            chain.append(statement)?;
        }
        Ok(chain)
    }

    /// Whether this account is a manager. Until others can be added, the founder is the only one.
    pub fn is_manager(&self, account_id: AccountId) -> bool {
        self.founding.founder == account_id
    }

    /// Verifies and takes in the next statement, signed by a manager's device. STRUCT-3.
    pub fn append(&mut self, attested: &[u8]) -> Result<(), ChainError> {
        let (statement, signer) = Attested::open::<StructureStatement>(attested)?;
        if !self.is_manager(signer.account_id) {
            return Err(ChainError::WrongSigner);
        }
        self.append_verified(&statement)
    }

    fn append_verified(
        &mut self,
        statement: &Signed<StructureStatement>,
    ) -> Result<(), ChainError> {
        let body = statement.body();
        let follows = body.structure_id == self.structure_id
            && body.sequence == self.hashes.len() as u64 + 1
            && self.hashes.last() == Some(&body.previous);
        if !follows {
            return Err(ChainError::OtherChain);
        }
        let mls_epoch = self.roster.as_ref().map(|roster| roster.mls_epoch);
        // STRUCT-5: the group goes forward only.
        let forward = match &body.body {
            StructureBody::Found(_) => false,
            StructureBody::Epoch(terms) => mls_epoch.is_none_or(|it| terms.roster.mls_epoch >= it),
            StructureBody::Roster(terms) => mls_epoch.is_some_and(|it| terms.mls_epoch > it),
        };
        if !forward {
            return Err(ChainError::OtherChain);
        }
        match &body.body {
            StructureBody::Found(_) => {}
            StructureBody::Epoch(terms) => {
                if terms.epoch != self.epoch.as_ref().map_or(1, |epoch| epoch.epoch + 1) {
                    return Err(ChainError::OtherChain);
                }
                self.key_ids.push(terms.recipient.id());
                self.roster = Some(terms.roster.clone());
                self.epoch = Some(terms.clone());
            }
            StructureBody::Roster(terms) => self.roster = Some(terms.clone()),
        }
        self.made_at = body.made_at;
        self.hashes.push(statement.hash());
        Ok(())
    }

    /// Checks that the statement seen before is still where it was. STRUCT-7.
    pub fn extends(&self, sequence: u64, head: &[u8; 32]) -> Result<(), ChainError> {
        let index = usize::try_from(sequence.wrapping_sub(1)).map_err(|_| ChainError::Rollback)?;
        match self.hashes.get(index) {
            Some(hash) if hash == head => Ok(()),
            Some(_) => Err(ChainError::OtherChain),
            None => Err(ChainError::Rollback),
        }
    }

    /// What names the recipient key of an epoch, counted from 1.
    pub fn key_id(&self, epoch: u64) -> Option<[u8; 32]> {
        let index = usize::try_from(epoch.checked_sub(1)?).ok()?;
        self.key_ids.get(index).copied()
    }

    /// Sequence number and hash of the newest statement.
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.hashes.len() as u64, self.hashes.last().copied().unwrap_or_default())
    }
}

/// Opens a certificate and checks that a manager of `chain` signed it. CERT-1.
pub fn verify_certificate(
    attested: &[u8],
    chain: &StructureChain,
) -> Result<Signed<Certificate>, ChainError> {
    let (certificate, signer) = Attested::open::<Certificate>(attested)?;
    if certificate.body().structure_id != chain.structure_id {
        return Err(ChainError::OtherChain);
    }
    if !chain.is_manager(signer.account_id) {
        return Err(ChainError::WrongSigner);
    }
    Ok(certificate)
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
