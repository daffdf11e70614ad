//! Who belongs to a structure's group, and who may commit.
//!
//! MLS leaves the meaning of credentials to the application; this is that meaning. Pure: it looks
//! at leaves, the verified chain and verified certificates, and never at the network.

use openmls::{
    extensions::{ExtensionValidator, Extensions},
    prelude::{CredentialType, KeyPackage, LeafNode},
};
use reconnect_format::{
    Signed, check,
    id::AccountId,
    statement::Device,
    structure::{
        Certificate, LeafRequest, StructureChain, decode_leaf_credential, verify_leaf_request,
    },
};

use super::{
    GroupError,
    mls::{SUITE, lifetime},
};

/// What leaves are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// The structure's chain, verified, as new as the server has it.
    pub chain: &'a StructureChain,
    /// Certificates, each verified by [`reconnect_format::structure::verify_certificate`].
    pub certificates: &'a [Signed<Certificate>],
    /// Seconds since 1970. For what was missed: when the statement of its epoch was made.
    pub now: u64,
}

impl Gate<'_> {
    /// Whose leaf this is, when it is a member's. GROUP-1.
    pub(super) fn judge(&self, leaf: &LeafNode) -> Result<Device, GroupError> {
        let device = device_of(leaf)?;
        if check!(LeafCertificate) {
            self.certificate(device.account_id)?;
        }
        Ok(device)
    }

    /// Whose key package this is, when they may be added. GROUP-3.
    pub(super) fn judge_key_package(&self, package: &KeyPackage) -> Result<Device, GroupError> {
        let sound = package.ciphersuite() == SUITE
            && is_plain(package.extensions())
            && *package.life_time() == lifetime();
        if !sound {
            return Err(GroupError::NotAllowed);
        }
        self.judge(package.leaf_node())
    }

    /// The request that the chain's newest statement answers: the very one that it names, and still
    /// good then. GROUP-9.
    pub(super) fn request(
        &self,
        attested: Option<&[u8]>,
    ) -> Result<Option<Signed<LeafRequest>>, GroupError> {
        let Some(answers) = self.chain.answers() else { return Ok(None) };
        let attested = attested.ok_or(GroupError::NotAllowed)?;
        let said = (self.chain.head().0, self.chain.made_at);
        let request = verify_leaf_request(attested, self.chain.structure_id, said)
            .map_err(|_| GroupError::NotAllowed)?;
        if request.hash() == answers { Ok(Some(request)) } else { Err(GroupError::NotAllowed) }
    }

    /// Whether no manager loses their place: neither who leaves with a commit, nor whose number the
    /// chain's newest statement revokes. Two managers, or the root, say first that they are none.
    /// GROUP-12.
    pub(super) fn managers_stay(&self, leaves: Option<AccountId>) -> bool {
        let certificates = self.certificates.iter().map(Signed::body);
        let revoked: Vec<_> = self.chain.just_revoked().collect();
        let revoked = certificates.filter(|it| revoked.contains(&it.number));
        let mut lose = revoked.map(|it| it.account_id).chain(leaves);
        lose.all(|account_id| !self.chain.is_manager(account_id))
    }

    /// The newest certificate of an account, which must not have ended.
    pub(super) fn certificate(
        &self,
        account_id: AccountId,
    ) -> Result<&Signed<Certificate>, GroupError> {
        self.certificates
            .iter()
            .filter(|certificate| {
                let body = certificate.body();
                body.structure_id == self.chain.structure_id
                    && body.account_id == account_id
                    && !self.chain.is_revoked(body.number)
            })
            .max_by_key(|certificate| certificate.body().serial)
            .filter(|certificate| certificate.body().ends_at > self.now)
            .ok_or(GroupError::NotAllowed)
    }
}

/// Reads the proof in a leaf's credential: it must verify, and prove the key that signs for the leaf.
pub(super) fn device_of(leaf: &LeafNode) -> Result<Device, GroupError> {
    let credential = leaf.credential();
    if credential.credential_type() != CredentialType::Basic || !is_plain(leaf.extensions()) {
        return Err(GroupError::NotAllowed);
    }
    let device = decode_leaf_credential(credential.serialized_content())
        .and_then(|proof| proof.verify())
        .map_err(|_| GroupError::NotAllowed)?;
    if device.leaf.0.as_slice() == leaf.signature_key().as_slice() {
        Ok(device)
    } else {
        Err(GroupError::NotAllowed)
    }
}

/// Whether there is no extension: version 1 knows none.
pub(super) fn is_plain<T: ExtensionValidator>(extensions: &Extensions<T>) -> bool {
    extensions.iter().next().is_none()
}
