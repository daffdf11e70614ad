//! A leaf of the structure's group for each device of a member: asking for one, answering who asks,
//! and taking away those of devices that were retired.
//!
//! A browser that was cleared has no state of the group, and another device of the same person never
//! had one: both ask, and the next page of a member that is open lets them in. GROUP-6, GROUP-9.

use reconnect_format::{
    Suite,
    api::{Answered, AskForLeaf, Call, Code, Inside, Joining},
    id::{Base64, DeviceId},
    statement::Attested,
    structure::{LeafRequest, Link, StructureBody, verify_leaf_request},
};

use super::{
    Vault,
    desk::{Desk, Inner, attested_statement},
};
use crate::{
    error::Error,
    group::{Change, Gate, Group, GroupError, Newcomer, Staged},
    world::World,
};

/// Somebody whose device is in no group: a welcome is awaited.
pub(super) struct Waiting {
    /// What the welcome is for.
    pub(super) newcomer: Newcomer,
    /// The attested request for a leaf; `None` for who answered an invitation.
    pub(super) request: Option<Vec<u8>>,
}

impl Waiting {
    /// Somebody who has asked nobody yet.
    pub(super) fn nowhere(vault: &Vault) -> Result<Self, Error> {
        let (newcomer, _) = Newcomer::new(vault.device(), &vault.device_proof())?;
        Ok(Self { newcomer, request: None })
    }

    /// Comes in with the welcome, once there is one.
    pub(super) fn join(
        &self,
        inside: &Inside,
        gate: &Gate<'_>,
    ) -> Result<Option<Group>, GroupError> {
        let Some(welcome) = &inside.welcome else { return Ok(None) };
        let asked = self.request.as_ref().map(|request| {
            let request = Attested::open::<LeafRequest>(request);
            request.map(|(request, _)| request.hash()).map_err(|_| GroupError::Damaged)
        });
        self.newcomer.join(&welcome.0, asked.transpose()?, gate).map(Some)
    }

    /// Whether the request is with the server.
    pub(super) fn is_asked(&self, inside: &Inside) -> bool {
        self.request.as_ref().is_some_and(|own| inside.requests.iter().any(|it| it.0 == *own))
    }
}

impl Desk {
    /// Asks for a leaf of this device, with a key package drawn for that.
    pub(super) async fn ask_for_leaf(
        &mut self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        let (newcomer, key_package) = Newcomer::new(vault.device(), &vault.device_proof())?;
        let request = vault.attest(LeafRequest {
            suite: Suite::V1,
            structure_id: self.structure_id,
            account_id: vault.account_id(),
            device_id: vault.device_id(),
            sequence: self.chain.head().0,
            made_at: world.now(),
            key_package,
        });
        let waiting = Waiting { newcomer, request: Some(request.0.clone()) };
        self.standing = Inner::Waiting(Box::new(waiting));
        self.unanswered = None;
        self.keep(vault, world).await?;
        let path = format!("/v1/structures/{}/leaves", self.structure_id);
        world.ship(Call::send(path, &AskForLeaf { request }), Some(vault.token())).await?;
        Ok(())
    }

    /// Lets in every device that asks and may come in.
    pub(super) async fn answer_all(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        for request in std::mem::take(&mut self.requests) {
            match self.answer(vault, world, request).await {
                // Another page was first: the next look shows it.
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => {
                    return self.catch_up(vault, world).await;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// One that does not verify, or that this person may not answer, waits for somebody else.
    async fn answer(
        &mut self,
        vault: &Vault,
        world: &impl World,
        attested: Base64,
    ) -> Result<(), Error> {
        let now = world.now();
        let said = (self.chain.head().0 + 1, now);
        let Ok(request) = verify_leaf_request(&attested.0, self.structure_id, said) else {
            return Ok(());
        };
        let Some(mut staged) = self.stage_leaf(vault, world, Change::Leaf(&request))? else {
            return Ok(());
        };
        let welcome = Base64(staged.welcome.take().unwrap_or_default());
        let statement = self.say_roster(vault, now, &staged, Some(request.hash()))?;
        let answered = Joining::Answered(Answered { welcome, request: attested });
        self.send_change(vault, world, staged, vec![statement], Some(answered)).await?;
        self.keep(vault, world).await
    }

    /// Takes away the leaves of this person's devices that they have retired.
    pub(super) async fn retire_leaves(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        if self.strange_leaves(vault)?.is_empty() {
            return Ok(());
        }
        // It may also have been added since this page looked.
        vault.sync(world).await?;
        let retired = self.strange_leaves(vault)?;
        if retired.is_empty() {
            return Ok(());
        }
        let staged = self.stage_leaf(vault, world, Change::Retire(&retired))?;
        let staged = staged.ok_or(Error::Unreadable)?;
        let statement = self.say_roster(vault, world.now(), &staged, None)?;
        match self.send_change(vault, world, staged, vec![statement], None).await {
            Err(Error::Refused(problem)) if problem.code == Code::Conflict => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.keep(vault, world).await,
        }
    }

    /// Leaves of this person's account whose devices the safe, as this page knows it, does not have.
    fn strange_leaves(&self, vault: &Vault) -> Result<Vec<DeviceId>, Error> {
        let Inner::Member(group) = &self.standing else { return Ok(Vec::new()) };
        let members = group.members()?;
        let own = members.iter().filter(|it| it.account_id == vault.account_id());
        let own = own.map(|it| it.device_id);
        Ok(own.filter(|device_id| vault.manifest().device(*device_id).is_none()).collect())
    }

    /// `None` when the group does not allow it.
    fn stage_leaf(
        &mut self,
        vault: &Vault,
        world: &impl World,
        change: Change<'_>,
    ) -> Result<Option<Staged>, Error> {
        self.forget_old_seeds();
        self.may_commit(vault)?;
        let certificates = &self.certificates;
        let gate = Gate { chain: &self.chain, certificates, now: world.now() };
        let Inner::Member(group) = &mut self.standing else { return Err(Error::NotAMember) };
        match group.stage(change, &self.history, vault.device(), &gate, &mut world.rng()) {
            Err(GroupError::NotAllowed | GroupError::Damaged) => Ok(None),
            other => Ok(other.map(Some)?),
        }
    }

    /// The chain's next statement, a manager's or a member's.
    fn say_roster(
        &self,
        vault: &Vault,
        now: u64,
        staged: &Staged,
        answers: Option<[u8; 32]>,
    ) -> Result<Base64, Error> {
        let mut terms = staged.roster.clone();
        let manages = self.chain.is_manager(vault.account_id());
        if let Some(roster) = self.chain.roster.as_ref().filter(|_| !manages) {
            // GROUP-6: what was renewed since is for the next manager's statement to say.
            terms.roster_hash = roster.roster_hash;
        }
        let body = StructureBody::Roster { terms, answers };
        let said = attested_statement(vault, now, &self.chain, body);
        if manages {
            return Ok(Base64(Link::Manager { statement: said }.encode()));
        }
        let certificate = self.own_certificate.clone().ok_or(Error::NotAMember)?;
        Ok(Base64(Link::Member { statement: said, certificate }.encode()))
    }
}
