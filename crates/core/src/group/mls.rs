//! What version 1 chooses of MLS: one suite, private messages, no extension, all of time.
//!
//! Nothing here is negotiated or configured; a gate refuses whoever chose otherwise.

use openmls::{
    credentials::BasicCredential,
    group::PURE_CIPHERTEXT_WIRE_FORMAT_POLICY,
    prelude::{
        Capabilities, Ciphersuite, CredentialType, CredentialWithKey, GroupId, KeyPackage,
        KeyPackageIn, Lifetime, MlsGroupCreateConfig, MlsGroupJoinConfig, MlsMessageBodyIn,
        MlsMessageIn, OpenMlsProvider, ProtocolVersion,
    },
};
use openmls_traits::{
    signatures::{Signer, SignerError},
    types::SignatureScheme,
};
use reconnect_format::{encode, id::StructureId, statement::DeviceProof};
use tls_codec::DeserializeBytes;

use super::{GroupError, store::Store};
use crate::key::{DeviceSecrets, SignKey};

/// The one suite of version 1 (0x004F): ML-KEM-768 with X25519, AES-128-GCM, SHA-256, Ed25519.
pub(super) const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519;
/// Commits are padded to a multiple of this.
const PADDING_BYTES: usize = 1024;

/// Signs for the library with a device's leaf key.
pub(super) struct LeafSigner<'a>(pub(super) &'a SignKey);

impl Signer for LeafSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign_bytes(payload).0.to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// A group's id: its structure, and which of the structure's groups it is.
pub(super) fn group_id(structure_id: StructureId, number: u32) -> GroupId {
    GroupId::from_slice(&[structure_id.as_bytes(), &number.to_be_bytes()[..]].concat())
}

/// A leaf's credential: the device's proof, whose leaf key must be the device's own.
pub(super) fn credential(
    device: &DeviceSecrets,
    proof: &DeviceProof,
) -> Result<CredentialWithKey, GroupError> {
    let proven = proof.verify().map_err(|_| GroupError::NotAllowed)?;
    if proven.leaf != device.leaf.public() {
        return Err(GroupError::NotAllowed);
    }
    Ok(CredentialWithKey {
        credential: BasicCredential::new(encode(proof)).into(),
        signature_key: proven.leaf.0.to_vec().into(),
    })
}

/// One version, one suite, one kind of credential, no extension, no proposal beyond the RFC's own.
pub(super) fn capabilities() -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&[]),
        Some(&[]),
        Some(&[CredentialType::Basic]),
    )
}

/// All of time. The library checks lifetimes by its own clock whenever it takes in a commit: a
/// shorter one would lock out whoever comes back after it. Certificates and invitations end instead.
pub(super) fn lifetime() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

/// How a group is founded.
pub(super) fn found_config() -> MlsGroupCreateConfig {
    MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .capabilities(capabilities())
        .lifetime(lifetime())
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .padding_size(PADDING_BYTES)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(0)
        .build()
}

/// The same for who joins.
pub(super) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .padding_size(PADDING_BYTES)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(0)
        .build()
}

/// Reads a key package, and lets the library check its signatures.
pub(super) fn read_key_package(store: &Store, bytes: &[u8]) -> Result<KeyPackage, GroupError> {
    let message =
        MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| GroupError::Damaged)?;
    let MlsMessageBodyIn::KeyPackage(key_package) = message.extract() else {
        return Err(GroupError::Damaged);
    };
    KeyPackageIn::validate(key_package, store.provider().crypto(), ProtocolVersion::Mls10)
        .map_err(|_| GroupError::Damaged)
}
