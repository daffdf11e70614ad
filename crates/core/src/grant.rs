//! Grants: a grant's secret, wrapped once for its recipient and once for the owner; and each document
//! key in scope, wrapped under a key of its own derived from the grant key.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite, check, encode,
    grant::{GrantTerms, RecipientBinding, SECRET_BYTES, WrapBinding},
    id::GrantId,
};
use subtle::ConstantTimeEq;
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::{Damaged, Error},
    key::{RecipientKey, wrap_to},
    recipient::Recipient,
    seal::{derive, once_key, open_once, seal_once},
    secret::{DocumentKey, GrantKey, VaultKey},
};

/// Longest name by which an owner lets a recipient know them, in bytes of UTF-8.
pub const SIGNED_AS_MAX_BYTES: usize = 120;
/// Longest purpose, in bytes of UTF-8.
pub const PURPOSE_MAX_BYTES: usize = 240;

/// What owner and recipient of a grant know, and nobody else. GRANT-2.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct GrantSecret {
    key: [u8; 32],
    signed_as: Vec<u8>,
    purpose: Vec<u8>,
    purpose_salt: [u8; 16],
}

impl GrantSecret {
    /// Draws a grant key and a salt beside the owner's words.
    pub fn generate(
        signed_as: &str,
        purpose: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        if signed_as.len() > SIGNED_AS_MAX_BYTES || purpose.len() > PURPOSE_MAX_BYTES {
            return Err(Error::BadInput);
        }
        let mut secret = Self {
            key: [0; 32],
            signed_as: signed_as.trim().as_bytes().to_vec(),
            purpose: purpose.trim().as_bytes().to_vec(),
            purpose_salt: [0; 16],
        };
        rng.fill_bytes(&mut secret.key);
        rng.fill_bytes(&mut secret.purpose_salt);
        Ok(secret)
    }

    /// The grant key.
    pub fn key(&self) -> GrantKey {
        GrantKey::from_bytes(self.key)
    }

    /// By what name the owner wants to be known.
    pub fn signed_as(&self) -> &str {
        std::str::from_utf8(&self.signed_as).unwrap_or_default()
    }

    /// Why.
    pub fn purpose(&self) -> &str {
        std::str::from_utf8(&self.purpose).unwrap_or_default()
    }

    /// Salted hash of the purpose, as the terms name it.
    pub fn purpose_hash(&self) -> [u8; 32] {
        Label::GrantPurpose.hash(&[self.purpose_salt.as_slice(), &self.purpose].concat())
    }
}

/// What the terms of a grant say of its key. GRANT-4.
pub fn commitment(key: &GrantKey, grant_id: GrantId) -> [u8; 32] {
    *derive(key.expose(), &[], Label::GrantCommitment, grant_id.as_bytes())
}

fn check_commitment(key: &GrantKey, terms: &GrantTerms) -> Result<(), Damaged> {
    let reproduced = commitment(key, terms.grant_id);
    let same = bool::from(reproduced.ct_eq(&terms.commitment));
    if check!(GrantCommitment, same) { Ok(()) } else { Err(Damaged) }
}

/// Wraps a grant's secret to its recipient, bound to the statement. GRANT-2.
pub fn wrap_for_recipient(
    secret: &GrantSecret,
    statement_hash: [u8; 32],
    recipient: &Recipient,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Damaged> {
    wrap_to(recipient.public(), &info(statement_hash, recipient.key_id()), &padded(secret), rng)
}

/// One size, whatever the words.
fn padded(secret: &GrantSecret) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
    padded.extend_from_slice(&Zeroizing::new(encode(secret)));
    padded.resize(SECRET_BYTES, 0);
    padded
}

/// Reads a secret, and checks that its key and its purpose are those that the terms name. GRANT-4.
fn read_padded(padded: &[u8], terms: &GrantTerms) -> Result<GrantSecret, Damaged> {
    if padded.len() != SECRET_BYTES {
        return Err(Damaged);
    }
    let (secret, padding) = GrantSecret::tls_deserialize_bytes(padded).map_err(|_| Damaged)?;
    let canonical = Zeroizing::new(encode(&secret));
    let sound = padded.starts_with(&canonical)
        && padding.len() + canonical.len() == SECRET_BYTES
        && padding.iter().all(|byte| *byte == 0)
        && std::str::from_utf8(&secret.signed_as).is_ok()
        && std::str::from_utf8(&secret.purpose).is_ok()
        && check!(GrantCommitment, secret.purpose_hash() == terms.purpose_hash);
    check_commitment(&secret.key(), terms)?;
    if sound { Ok(secret) } else { Err(Damaged) }
}

/// Opens a grant's secret as its recipient.
pub fn open_as_recipient(
    wrapped: &[u8],
    statement_hash: [u8; 32],
    terms: &GrantTerms,
    key: &RecipientKey,
) -> Result<GrantSecret, Damaged> {
    read_padded(&key.unwrap(&info(statement_hash, key.public().id()), wrapped)?, terms)
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
    seal_once(&once, grant_id.as_bytes(), &padded(secret))
}

/// Opens a grant's secret as the owner.
pub fn open_as_owner(
    wrap: &[u8],
    terms: &GrantTerms,
    vault: &VaultKey,
) -> Result<GrantSecret, Damaged> {
    let id = terms.grant_id.as_bytes();
    let plain = open_once(&once_key(vault.expose(), &[], Label::GrantOwnerWrap, id), id, wrap)?;
    read_padded(&plain, terms)
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
