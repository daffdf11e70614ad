//! What a member's page shows of the structure: where one stands, and who else is there.

use reconnect_format::{
    Signed,
    id::StructureId,
    structure::{Certificate, MotionAbout, Role},
};

use super::{
    Vault,
    desk::{Desk, Inner, text},
    invite::PendingInvitation,
    manage::Asked,
};

/// Where somebody stands in a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The operator has not accepted the structure yet.
    WaitingForOperator,
    /// No manager's page has admitted them yet.
    WaitingForManager,
    /// They belong to it, and no other page of it has let this device in yet.
    WaitingForColleague,
    /// They belong to it.
    Member,
    /// They belonged to it. GROUP-10.
    Left,
    /// It has ended, for everybody. STRUCT-10.
    Closed,
}

/// A member, as the team sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The number under which owners see them.
    pub number: u32,
    /// Known inside the structure only.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether it is the person at this page.
    pub me: bool,
    /// Some manager asks that they be one no more.
    pub asked: Option<Asked>,
}

impl Desk {
    /// Which structure.
    pub fn structure_id(&self) -> StructureId {
        self.structure_id
    }

    /// Its public name.
    pub fn name(&self) -> String {
        text(&self.chain.founding.name)
    }

    /// Its public place.
    pub fn place(&self) -> String {
        text(&self.chain.founding.place)
    }

    /// Its newest recipient epoch.
    pub fn recipient_epoch(&self) -> u64 {
        self.chain.epoch.as_ref().map_or(0, |epoch| epoch.epoch)
    }

    /// Where the person at this page stands.
    pub fn standing(&self) -> Standing {
        match self.standing {
            Inner::Waiting(ref it) if it.request.is_some() => Standing::WaitingForColleague,
            Inner::Waiting(_) => Standing::WaitingForManager,
            Inner::Member(_) if self.accepted => Standing::Member,
            Inner::Member(_) => Standing::WaitingForOperator,
            Inner::Out if self.chain.closed => Standing::Closed,
            Inner::Out => Standing::Left,
        }
    }

    /// The certificates of those who have not left.
    pub(super) fn standing_members(&self) -> impl Iterator<Item = &Certificate> {
        let certificates = self.certificates.iter().map(Signed::body);
        certificates.filter(|it| !self.chain.is_revoked(it.number))
    }

    fn certificate_of(&self, vault: &Vault) -> Option<&Certificate> {
        let mine = self.standing_members().filter(|it| it.account_id == vault.account_id());
        mine.max_by_key(|it| it.serial)
    }

    /// What the person at this page may do; `None` while they wait.
    pub fn role(&self, vault: &Vault) -> Option<Role> {
        self.certificate_of(vault).map(|certificate| self.role_of(certificate))
    }

    /// The chain says who manages, not the certificate. CERT-2.
    pub(super) fn role_of(&self, certificate: &Certificate) -> Role {
        if self.chain.is_manager(certificate.account_id) { Role::Manager } else { Role::Worker }
    }

    /// Their number; `None` while they wait.
    pub fn number(&self, vault: &Vault) -> Option<u32> {
        self.certificate_of(vault).map(|certificate| certificate.number)
    }

    /// The team.
    pub fn members(&self, vault: &Vault) -> Vec<Member> {
        let mut members: Vec<_> = self
            .standing_members()
            .map(|certificate| Member {
                number: certificate.number,
                name: self.name_of(certificate.number),
                role: self.role_of(certificate),
                me: certificate.account_id == vault.account_id(),
                asked: self.asked(vault, MotionAbout::RemoveManager(certificate.account_id)),
            })
            .collect();
        members.sort_by_key(|member| member.number);
        members
    }

    pub(super) fn name_of(&self, number: u32) -> String {
        let names = self.history.names.iter();
        names
            .filter(|(known, _)| *known == number)
            .map(|(_, name)| name.clone())
            .next_back()
            .unwrap_or_default()
    }

    /// Invitations of this manager's that are not over.
    pub fn invitations(&self) -> &[PendingInvitation] {
        &self.invitations
    }
}
