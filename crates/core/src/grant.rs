//! Grants: a grant's secret, wrapped once for its recipient and once for the owner; and each document
//! key in scope, wrapped under a key of its own derived from the grant key.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite, check, encode,
    grant::{FACE_BYTES, GrantTerms, PLACE_BYTES, RecipientBinding, WrapBinding},
    id::GrantId,
};
use subtle::ConstantTimeEq;
use tls_codec::{DeserializeBytes as _, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::{Damaged, Error},
    key::{RecipientKey, wrap_to},
    place::LogPlace,
    recipient::Recipient,
    seal::{derive, once_key, open_once, seal_once},
    secret::{DocumentKey, GrantKey, VaultKey},
};

/// Bytes of an AES-GCM tag.
const TAG: usize = 16;
/// Longest name by which an owner lets a recipient know them, in bytes of UTF-8.
pub const SIGNED_AS_MAX_BYTES: usize = 120;
/// Longest purpose, in bytes of UTF-8.
pub const PURPOSE_MAX_BYTES: usize = 240;

/// By what name the owner wants to be known to a recipient, and why they give: what its people see of a
/// grant before they open it. GRANT-2.
#[derive(Clone, Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Face {
    signed_as: Vec<u8>,
    purpose: Vec<u8>,
    salt: [u8; 16],
}

impl Face {
    /// By what name the owner wants to be known.
    pub fn signed_as(&self) -> &str {
        std::str::from_utf8(&self.signed_as).unwrap_or_default()
    }

    /// Why.
    pub fn purpose(&self) -> &str {
        std::str::from_utf8(&self.purpose).unwrap_or_default()
    }

    /// The owner's words, with a fresh salt.
    pub(crate) fn new(
        signed_as: &str,
        purpose: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        if signed_as.len() > SIGNED_AS_MAX_BYTES || purpose.len() > PURPOSE_MAX_BYTES {
            return Err(Error::BadInput);
        }
        let mut face = Self {
            signed_as: signed_as.trim().as_bytes().to_vec(),
            purpose: purpose.trim().as_bytes().to_vec(),
            salt: [0; 16],
        };
        rng.fill_bytes(&mut face.salt);
        Ok(face)
    }

    /// Salted hash, as the terms name it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Label::GrantFace.hash(&Zeroizing::new(encode(self)))
    }

    /// One size, whatever the words.
    pub(crate) fn padded(&self) -> Zeroizing<Vec<u8>> {
        let mut padded = Zeroizing::new(Vec::with_capacity(FACE_BYTES));
        padded.extend_from_slice(&Zeroizing::new(encode(self)));
        padded.resize(FACE_BYTES, 0);
        padded
    }

    /// Reads one, and checks that it is the one that has this hash. GRANT-4.
    pub(crate) fn read(padded: &[u8], named: &[u8; 32]) -> Result<Self, Damaged> {
        let (face, padding) = Self::tls_deserialize_bytes(padded).map_err(|_| Damaged)?;
        let sound = face.padded().as_slice() == padded
            && padding.iter().all(|byte| *byte == 0)
            && std::str::from_utf8(&face.signed_as).is_ok()
            && std::str::from_utf8(&face.purpose).is_ok()
            && check!(GrantCommitment, face.hash() == *named);
        if sound { Ok(face) } else { Err(Damaged) }
    }
}

/// What owner and recipient of a grant know, and nobody else. GRANT-2.
pub struct GrantSecret {
    key: GrantKey,
    face: Face,
    /// Where the recipient finds the owner's newest statement in the log.
    place: LogPlace,
}

impl GrantSecret {
    /// Draws a grant key and a salt beside the owner's words and their safe's place in the log.
    pub fn generate(
        signed_as: &str,
        purpose: &str,
        place: &LogPlace,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        let face = Face::new(signed_as, purpose, rng)?;
        Ok(Self { key: GrantKey::generate(rng), face, place: place.copy() })
    }

    /// The grant key.
    pub fn key(&self) -> GrantKey {
        GrantKey::from_bytes(*self.key.expose())
    }

    /// The owner's words.
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// Where the log names the owner's newest statement.
    pub fn place(&self) -> &LogPlace {
        &self.place
    }

    /// Salted hash of the owner's words, as the terms name it.
    pub fn face_hash(&self) -> [u8; 32] {
        self.face.hash()
    }

    /// What the terms say of key and place: whoever wraps a grant for others later can change neither.
    /// GRANT-4.
    pub fn commitment(&self, grant_id: GrantId) -> [u8; 32] {
        let context = Zeroizing::new([&grant_id.0[..], &self.place.encode()[..]].concat());
        *derive(self.key.expose(), &[], Label::GrantCommitment, &context)
    }
}

/// Wraps a grant's secret to its recipient, bound to the statement: the face as a first message, the
/// key and place as a second one behind it. GRANT-2.
pub fn wrap_for_recipient(
    secret: &GrantSecret,
    statement_hash: [u8; 32],
    recipient: &Recipient,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Damaged> {
    let mut inner = Zeroizing::new(Vec::with_capacity(32 + PLACE_BYTES));
    inner.extend_from_slice(secret.key.expose());
    inner.extend_from_slice(secret.place.encode().as_slice());
    let plains = [&secret.face.padded() as &[u8], &inner];
    wrap_to(recipient.public(), &info(statement_hash, recipient.key_id()), &plains, rng)
}

/// Opens a grant's secret as its recipient.
pub fn open_as_recipient(
    wrapped: &[u8],
    statement_hash: [u8; 32],
    terms: &GrantTerms,
    key: &RecipientKey,
) -> Result<GrantSecret, Damaged> {
    let info = info(statement_hash, key.public().id());
    let sizes = [FACE_BYTES + TAG, 32 + PLACE_BYTES + TAG];
    let [face, inner] = key.unwrap_each(&info, wrapped, sizes)?;
    let (key, place) = inner.split_at_checked(32).ok_or(Damaged)?;
    read_secret(key, &face, LogPlace::decode(place)?, terms)
}

/// Opens a grant's face as its recipient: the first [`FACE_WRAP_BYTES`] of what was wrapped.
pub fn open_face(
    wrapped: &[u8],
    statement_hash: [u8; 32],
    terms: &GrantTerms,
    key: &RecipientKey,
) -> Result<Face, Damaged> {
    let info = info(statement_hash, key.public().id());
    let [face] = key.unwrap_each(&info, wrapped, [FACE_BYTES + TAG])?;
    Face::read(&face, &terms.face_hash)
}

/// Checks that key, place and face are those that the terms name. GRANT-4.
fn read_secret(
    key: &[u8],
    face: &[u8],
    place: LogPlace,
    terms: &GrantTerms,
) -> Result<GrantSecret, Damaged> {
    let key = key.try_into().map(GrantKey::from_bytes).map_err(|_| Damaged)?;
    let secret = GrantSecret { key, face: Face::read(face, &terms.face_hash)?, place };
    let same = bool::from(secret.commitment(terms.grant_id).ct_eq(&terms.commitment));
    if check!(GrantCommitment, same) { Ok(secret) } else { Err(Damaged) }
}

fn info(statement_hash: [u8; 32], key_id: [u8; 32]) -> Vec<u8> {
    if !check!(GrantWrapBinding) {
        return Vec::new();
    }
    let binding = RecipientBinding { suite: Suite::V1, statement_hash, key_id };
    Label::GrantRecipientWrap.with(&encode(&binding))
}

/// Seals a grant's secret for the owner, under the vault key.
pub fn seal_for_owner(secret: &GrantSecret, grant_id: GrantId, vault: &VaultKey) -> Vec<u8> {
    let once = once_key(vault.expose(), &[], Label::GrantOwnerWrap, grant_id.as_bytes());
    let mut plain = Zeroizing::new(Vec::with_capacity(32 + FACE_BYTES));
    plain.extend_from_slice(secret.key.expose());
    plain.extend_from_slice(&secret.face.padded());
    seal_once(&once, grant_id.as_bytes(), &plain)
}

/// Opens a grant's secret as the owner, who knows the place.
pub fn open_as_owner(
    wrap: &[u8],
    terms: &GrantTerms,
    vault: &VaultKey,
    place: &LogPlace,
) -> Result<GrantSecret, Damaged> {
    let id = terms.grant_id.as_bytes();
    let plain = open_once(&once_key(vault.expose(), &[], Label::GrantOwnerWrap, id), id, wrap)?;
    let (key, face) = plain.split_at_checked(32).ok_or(Damaged)?;
    read_secret(key, face, place.copy(), terms)
}

fn bound(binding: &WrapBinding) -> Vec<u8> {
    if check!(DocumentWrapBinding) { encode(binding) } else { Vec::new() }
}

/// Wraps a document key under a grant key. GRANT-3.
pub fn wrap_document(key: &DocumentKey, grant_key: &GrantKey, binding: &WrapBinding) -> Vec<u8> {
    let bound = bound(binding);
    let once = once_key(grant_key.expose(), &[], Label::GrantDocumentWrap, &bound);
    seal_once(&once, &bound, key.expose())
}

/// Unwraps a document key.
pub fn unwrap_document(
    wrap: &[u8],
    grant_key: &GrantKey,
    binding: &WrapBinding,
) -> Result<DocumentKey, Damaged> {
    let bound = bound(binding);
    let once = once_key(grant_key.expose(), &[], Label::GrantDocumentWrap, &bound);
    let plain = open_once(&once, &bound, wrap)?;
    plain.as_slice().try_into().map(DocumentKey::from_bytes).map_err(|_| Damaged)
}
