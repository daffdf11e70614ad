//! Inviting into a structure, and admitting whoever answers.
//!
//! An invitation's secret travels in a link's fragment, which no server sees. It authenticates the
//! newcomer's keys; the manager's page, when it is next open, checks, certifies and commits.

use hmac::{Hmac, KeyInit, Mac};
use reconnect_format::{
    Label, Suite,
    api::{Admitted, Call, Code, InvitationState, Invitations, Invite, Joining},
    check, decode, encode,
    id::{Base64, InvitationId, StructureId},
    statement::Attested,
    structure::{
        AuthenticatedJoin, Certificate, Invitation, JoinRequest, Role, StructureBody, is_showable,
        verify_certificate,
    },
};
use sha2::Sha256;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    Vault,
    certify::certify,
    desk::{Desk, Inner, bounded, next_statement, text},
    says_nothing,
};
use crate::{
    error::Error,
    group::{Change, Gate, GroupError},
    seal::{derive, open_salted, seal_salted},
    world::World,
};

/// How long an invitation is good for. INV-2.
const INVITATION_SECONDS: u64 = 24 * 3600;
/// How long an answer that came in time waits for the manager's page. INV-4.
const ANSWER_WAITS_SECONDS: u64 = 30 * 24 * 3600;
const SECRET_BYTES: usize = 16;

/// A new invitation.
pub struct Invited {
    /// The part of the link after `#`. The server never sees it.
    pub fragment: String,
    /// Seconds since 1970.
    pub ends_at: u64,
}

/// An invitation that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInvitation {
    /// Which.
    pub invitation_id: InvitationId,
    /// For whom it was made, in the manager's words.
    pub name: String,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// Whether somebody answered it.
    pub answered: bool,
}

/// What a manager keeps of an invitation, sealed.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct KeptInvitation {
    secret: [u8; SECRET_BYTES],
    name: Vec<u8>,
}

/// What an invitation's secret gives. INV-2, INV-3.
pub(super) struct InvitationSecret([u8; SECRET_BYTES]);

impl InvitationSecret {
    pub(super) fn part(&self, structure_id: StructureId, label: Label) -> Zeroizing<[u8; 32]> {
        derive(&self.0, &[], label, structure_id.as_bytes())
    }

    pub(super) fn id(&self, structure_id: StructureId) -> InvitationId {
        let mut id = [0; 16];
        let derived = self.part(structure_id, Label::InvitationId);
        id.iter_mut().zip(derived.iter()).for_each(|(target, byte)| *target = *byte);
        InvitationId(id)
    }

    fn mac(&self, request: &JoinRequest) -> Hmac<Sha256> {
        let key = self.part(request.structure_id, Label::InvitationAuthentication);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes keys of any length");
        mac.update(&Label::JoinRequest.with(&encode(request)));
        mac
    }

    pub(super) fn tag(&self, request: &JoinRequest) -> [u8; 32] {
        self.mac(request).finalize().into_bytes().into()
    }

    pub(super) fn read(fragment: &str) -> Result<(StructureId, Self), Error> {
        let bytes =
            Base64::try_from(fragment.trim().to_owned()).map_err(|_| Error::InvitationMisread)?;
        let (id, secret) = bytes.0.split_at_checked(32).ok_or(Error::InvitationMisread)?;
        let structure_id = StructureId::try_from(id).map_err(|_| Error::InvitationMisread)?;
        let secret = secret.try_into().map_err(|_| Error::InvitationMisread)?;
        Ok((structure_id, Self(secret)))
    }
}

impl Desk {
    pub(super) async fn admit_all(
        &mut self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        let path = format!("/v1/structures/{}/invitations", self.structure_id);
        let list: Invitations = vault.read(world, Call::read(path)).await?;
        let mut pending = Vec::new();
        for state in &list.invitations {
            let Some((invitation, kept)) = open_invitation(vault, state) else { continue };
            if invitation.ends_at.saturating_add(ANSWER_WAITS_SECONDS) <= world.now() {
                continue;
            }
            let admitted = match &state.join {
                Some(join) => match self.admit(vault, world, &kept, &join.0).await {
                    // Another manager's page was first: the next look shows it.
                    Err(Error::Refused(problem)) if problem.code == Code::Conflict => return Ok(()),
                    other => other?,
                },
                None => false,
            };
            if !admitted {
                pending.push(PendingInvitation {
                    invitation_id: invitation.invitation_id,
                    name: text(&kept.name),
                    ends_at: invitation.ends_at,
                    answered: state.join.is_some(),
                });
            }
        }
        self.invitations = pending;
        Ok(())
    }

    /// Checks one newcomer's answer, certifies them and commits. An answer that does not
    /// authenticate is passed over: it is not from whoever was given the link. INV-4.
    async fn admit(
        &mut self,
        vault: &Vault,
        world: &impl World,
        kept: &KeptInvitation,
        join: &[u8],
    ) -> Result<bool, Error> {
        let Some((request, name)) = authenticate(self.structure_id, kept, join) else {
            return Ok(false);
        };
        self.may_commit(vault)?;
        let highest = |of: fn(&Certificate) -> u64| {
            self.certificates.iter().map(|it| of(it.body())).max().unwrap_or_default()
        };
        let serial = highest(|it| it.serial).checked_add(1).ok_or(Error::BadInput)?;
        let number =
            u32::try_from(highest(|it| it.number.into()) + 1).map_err(|_| Error::BadInput)?;
        let certificate = certify(
            vault,
            world.now(),
            self.structure_id,
            (serial, number),
            request.account_id,
            Role::Worker,
        );
        let mut certificates = self.certificates.clone();
        certificates.push(verify_certificate(&certificate.0, &self.chain)?);
        self.forget_old_seeds();
        let gate = Gate { chain: &self.chain, certificates: &certificates, now: world.now() };
        let Inner::Member(group) = &mut self.standing else { return Ok(false) };
        self.history.names.push((number, name));
        let mut rng = world.rng();
        let staged =
            group.stage(Change::Admit(&request), &self.history, vault.device(), &gate, &mut rng);
        let staged = match staged {
            Ok(staged) => staged,
            Err(GroupError::NotAllowed | GroupError::Damaged) => {
                self.history.names.pop();
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let roster = StructureBody::Roster { terms: staged.roster.clone(), answers: None };
        let statement = next_statement(vault, world.now(), &self.chain, roster);
        let welcome = staged.welcome.clone().unwrap_or_default();
        let admitted = Joining::Admitted(Admitted {
            welcome: Base64(welcome),
            certificate,
            invitation_id: request.invitation_id,
        });
        let sent = self.send_change(vault, world, staged, vec![statement], Some(admitted)).await;
        if sent.as_ref().is_err_and(|error| !says_nothing(error)) {
            self.history.names.pop();
        }
        sent?;
        self.certificates = certificates;
        self.keep(vault, world).await?;
        Ok(true)
    }

    /// Makes an invitation. The secret is in the fragment and, sealed for this manager, on the
    /// server, so that any page of theirs can check the answer. INV-1, INV-2.
    pub async fn invite(
        &mut self,
        vault: &Vault,
        world: &impl World,
        name: &str,
    ) -> Result<Invited, Error> {
        let mut rng = world.rng();
        let mut secret = [0; SECRET_BYTES];
        rand_core::Rng::fill_bytes(&mut rng, &mut secret);
        let secret = InvitationSecret(secret);
        let invitation_id = secret.id(self.structure_id);
        let ends_at = world.now() + INVITATION_SECONDS;
        let invitation = vault.attest(Invitation {
            suite: Suite::V1,
            structure_id: self.structure_id,
            invitation_id,
            role: Role::Worker,
            ends_at,
        });
        let mut salt = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut salt);
        let kept = KeptInvitation { secret: secret.0, name: bounded(name)?.as_bytes().to_vec() };
        let kept = seal_salted(
            vault.secrets().vault.expose(),
            salt,
            Label::InvitationKeep,
            invitation_id.as_bytes(),
            &Zeroizing::new(encode(&kept)),
        );
        let path = format!("/v1/structures/{}/invitations", self.structure_id);
        let call = Call::send(path, &Invite { invitation, kept: Base64(kept) });
        world.ship(call, Some(vault.token())).await?;
        self.invitations.push(PendingInvitation {
            invitation_id,
            name: name.trim().to_owned(),
            ends_at,
            answered: false,
        });
        let fragment = Base64([self.structure_id.as_bytes(), &secret.0].concat()).into();
        Ok(Invited { fragment, ends_at })
    }
}

fn open_invitation(vault: &Vault, state: &InvitationState) -> Option<(Invitation, KeptInvitation)> {
    let (invitation, signer) = Attested::open::<Invitation>(&state.invitation.0).ok()?;
    let invitation = invitation.into_body();
    let context = invitation.invitation_id.as_bytes();
    let plain = vault.open_kept(Label::InvitationKeep, context, &state.kept.0).ok()?;
    let kept = decode(&plain).ok()?;
    (signer.account_id == vault.account_id()).then_some((invitation, kept))
}

fn authenticate(
    structure_id: StructureId,
    kept: &KeptInvitation,
    join: &[u8],
) -> Option<(JoinRequest, String)> {
    let join: AuthenticatedJoin = decode(join).ok()?;
    let secret = InvitationSecret(kept.secret);
    let meant = join.request.structure_id == structure_id
        && join.request.invitation_id == secret.id(structure_id);
    if !check!(InvitationMac) {
        return meant.then_some((join.request, String::new()));
    }
    secret.mac(&join.request).verify_slice(&join.tag).ok().filter(|()| meant)?;
    let seal = secret.part(structure_id, Label::InvitationSeal);
    let context = join.request.account_id;
    let name =
        open_salted(&seal, Label::InvitationSeal, context.as_bytes(), &join.request.sealed_name)
            .ok()?;
    // A name that turns the text around it could stand for another member's.
    let name = std::str::from_utf8(&name).ok().filter(|name| is_showable(name.as_bytes()))?;
    Some((join.request.clone(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use reconnect_format::id::{AccountId, DeviceId};

    use super::*;

    #[test]
    fn a_newcomers_name_must_be_one_that_can_be_shown() {
        let structure_id = StructureId([1; 32]);
        let kept = KeptInvitation { secret: [2; SECRET_BYTES], name: b"Paul".to_vec() };
        let secret = InvitationSecret(kept.secret);
        let account_id = AccountId([3; 32]);
        let answered = |name: &str| {
            let seal = secret.part(structure_id, Label::InvitationSeal);
            let context = account_id.as_bytes();
            let sealed_name =
                seal_salted(&seal, [4; 32], Label::InvitationSeal, context, name.as_bytes());
            let request = JoinRequest {
                suite: Suite::V1,
                structure_id,
                invitation_id: secret.id(structure_id),
                account_id,
                device_id: DeviceId([5; 16]),
                key_package: Vec::new(),
                sealed_name,
            };
            let tag = secret.tag(&request);
            authenticate(structure_id, &kept, &encode(&AuthenticatedJoin { request, tag }))
        };
        assert_eq!(answered("نور").map(|(_, name)| name), Some("نور".to_owned()));
        for name in ["", " ", "Maryam\u{202e}luaP", "Paul\nMaryam", &"a".repeat(121)] {
            assert!(answered(name).is_none(), "{name:?}");
        }
    }
}
