//! Certificates: who belongs to a structure, and until when.

use reconnect_format::{
    Suite,
    api::{Call, Code, Renewal},
    id::{AccountId, Base64, StructureId},
    structure::{Certificate, Role, verify_certificate},
};

use super::{Vault, desk::Desk};
use crate::{error::Error, world::World};

/// How long a certificate is good for.
const CERTIFICATE_SECONDS: u64 = 3 * 366 * 24 * 3600;
/// How long before its end the next one is made. GROUP-11.
const RENEWED_BEFORE_SECONDS: u64 = 90 * 24 * 3600;

impl Desk {
    /// Certifies again whoever has not left and whose certificate ends soon, or has ended while no
    /// manager's page was open. Nothing else changes. GROUP-11.
    pub(super) async fn renew_certificates(
        &mut self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        let soon = world.now() + RENEWED_BEFORE_SECONDS;
        let due: Vec<_> = self
            .standing_members()
            .filter(|it| it.ends_at <= soon && !self.gone.contains(&it.number))
            .map(|it| (it.number, it.account_id, self.role_of(it)))
            .collect();
        for (number, account_id, role) in due {
            let serials = self.certificates.iter().map(|it| it.body().serial);
            let serial = serials.max().unwrap_or_default().checked_add(1).ok_or(Error::BadInput)?;
            let named = (serial, number);
            let certificate =
                certify(vault, world.now(), self.structure_id, named, account_id, role);
            let path = format!("/v1/structures/{}/certificates", self.structure_id);
            let call = Call::send(path, &Renewal { certificate: certificate.clone() });
            match world.ship(call, Some(vault.token())).await.map_err(Error::from) {
                Ok(_) => {
                    let renewed = verify_certificate(&certificate.0, &self.chain)?;
                    self.certificates.retain(|it| it.body().number != number);
                    self.certificates.push(renewed);
                }
                // Another page was faster: the next look shows what it made.
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => return Ok(()),
                Err(Error::Refused(problem)) if problem.code == Code::Refused => {
                    self.gone.insert(number);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

pub(super) fn certify(
    vault: &Vault,
    now: u64,
    structure_id: StructureId,
    (serial, number): (u64, u32),
    account_id: AccountId,
    role: Role,
) -> Base64 {
    vault.attest(Certificate {
        suite: Suite::V1,
        structure_id,
        serial,
        number,
        account_id,
        role,
        ends_at: now + CERTIFICATE_SECONDS,
    })
}
