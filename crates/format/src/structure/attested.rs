//! What devices sign for a structure beside its chain: certificates, and requests for a leaf.

use super::{Certificate, ChainError, LeafRequest, StructureChain};
use crate::{Signed, check, id::StructureId, statement::Attested};

/// How long a request for a leaf can be answered: seconds. GROUP-9.
const LEAF_REQUEST_SECONDS: u64 = 30 * 24 * 3600;

/// Opens a certificate and checks that a manager of `chain` signed it, or one who was a manager then.
/// It may have been revoked since: [`StructureChain::is_revoked`]. CERT-1.
pub fn verify_certificate(
    attested: &[u8],
    chain: &StructureChain,
) -> Result<Signed<Certificate>, ChainError> {
    let (certificate, signer) = Attested::open::<Certificate>(attested)?;
    let body = certificate.body();
    if body.structure_id != chain.structure_id {
        return Err(ChainError::OtherChain);
    }
    if check!(CertificateSigner, chain.may_certify(signer.account_id, body.serial)) {
        Ok(certificate)
    } else {
        Err(ChainError::WrongSigner)
    }
}

/// Opens a request for a leaf, which the statement of this number and time (seconds since 1970)
/// answers. GROUP-9.
pub fn verify_leaf_request(
    attested: &[u8],
    structure_id: StructureId,
    (sequence, made_at): (u64, u64),
) -> Result<Signed<LeafRequest>, ChainError> {
    let (request, signer) = Attested::open::<LeafRequest>(attested)?;
    let body = request.body();
    if body.structure_id != structure_id || body.sequence >= sequence {
        return Err(ChainError::OtherChain);
    }
    let own = body.account_id == signer.account_id && body.device_id == signer.device_id;
    let fresh = made_at <= body.made_at.saturating_add(LEAF_REQUEST_SECONDS);
    if own && fresh { Ok(request) } else { Err(ChainError::WrongSigner) }
}
