//! Derivation (HKDF-SHA256, RFC 5869) and sealing of small things under keys that are used once.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use reconnect_format::Label;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{error::Damaged, secret::OnceKey};

/// HKDF-SHA256 of `secret` with `label` and `context` as info (LABEL-2).
pub(crate) fn derive(
    secret: &[u8],
    salt: &[u8],
    label: Label,
    context: &[u8],
) -> Zeroizing<[u8; 32]> {
    let mut output = Zeroizing::new([0; 32]);
    // Invariant: 32 bytes are far below HKDF's limit of 255 hashes.
    #[expect(clippy::expect_used, reason = "the length is a constant below HKDF's limit")]
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(&label.with(context), output.as_mut_slice())
        .expect("32 bytes are within HKDF's limit");
    output
}

/// A key for one sealing, derived from `secret` for `label` and `context`.
pub(crate) fn once_key(secret: &[u8; 32], salt: &[u8], label: Label, context: &[u8]) -> OnceKey {
    OnceKey::from_bytes(*derive(secret, salt, label, context))
}

/// AES-256-GCM under a key that seals nothing else: the nonce is zero.
pub(crate) fn seal_once(key: &OnceKey, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    seal_with_nonce(key.expose(), [0; 12], associated, plain)
}

/// The other way; one error for everything.
pub(crate) fn open_once(
    key: &OnceKey,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    open_with_nonce(key.expose(), [0; 12], associated, sealed)
}

/// AES-256-GCM with a nonce that the caller keeps from repeating.
pub(crate) fn seal_with_nonce(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only 64 GiB and more")]
    Aes256Gcm::new(key.into())
        .encrypt(&nonce.into(), Payload { msg: plain, aad: associated })
        .expect("messages are far below AES-GCM's limit")
}

/// The other way; one error for everything.
pub(crate) fn open_with_nonce(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    Aes256Gcm::new(key.into())
        .decrypt(&nonce.into(), Payload { msg: sealed, aad: associated })
        .map(Zeroizing::new)
        .map_err(|_| Damaged)
}

/// Seals under a fresh salt: for things that are sealed again and again under one long-lived key.
/// The salt (32 bytes) goes before the ciphertext. INV-5.
pub(crate) fn seal_salted(
    secret: &[u8; 32],
    salt: [u8; 32],
    label: Label,
    context: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let key = once_key(secret, &salt, label, context);
    [salt.as_slice(), &seal_once(&key, &label.with(context), plain)].concat()
}

/// Opens what [`seal_salted`] sealed.
pub(crate) fn open_salted(
    secret: &[u8; 32],
    label: Label,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let (salt, sealed) = sealed.split_at_checked(32).ok_or(Damaged)?;
    open_once(&once_key(secret, salt, label, context), &label.with(context), sealed)
}
