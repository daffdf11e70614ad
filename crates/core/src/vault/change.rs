//! Changing a structure's group: sending a staged commit, until the server says what became of it,
//! and taking somebody's place away.

use reconnect_format::{
    api::{Call, Code, GroupChange, Joining, Problem},
    id::Base64,
    structure::{EpochTerms, StructureBody},
};

use super::{
    Vault,
    desk::{Desk, Inner, next_statement},
    says_nothing,
};
use crate::{
    error::Error,
    group::{Change, Gate, Staged},
    key::RecipientKey,
    world::World,
};

/// How often a change is made anew when another manager's page was faster.
const TRIES: usize = 5;

impl Desk {
    /// Takes a member's place away, on every device of theirs: from the answer on the server refuses
    /// them, and what is given from then on is given to a recipient epoch that they never see.
    /// GROUP-7, STRUCT-4.
    ///
    /// What they opened before they may have kept.
    pub async fn put_out(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        number: u32,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            self.catch_up(vault, world).await?;
            self.send_again(vault, world).await?;
            match self.try_to_put_out(vault, world, number).await {
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => {}
                other => return other,
            }
        }
        Err(Error::Refused(Problem::of(Code::Conflict)))
    }

    async fn try_to_put_out(
        &mut self,
        vault: &Vault,
        world: &impl World,
        number: u32,
    ) -> Result<(), Error> {
        let standing = self.standing_members().find(|it| it.number == number);
        let account_id = standing.ok_or(Error::NotFound)?.account_id;
        // Another manager does that, and a manager's place takes two.
        if account_id == vault.account_id() || self.chain.is_manager(account_id) {
            return Err(Error::BadInput);
        }
        self.may_commit(vault)?;
        let epoch = self.recipient_epoch() + 1;
        self.forget_old_seeds();
        let certificates = &self.certificates;
        let gate = Gate { chain: &self.chain, certificates, now: world.now() };
        let Inner::Member(group) = &mut self.standing else { return Err(Error::NotAMember) };
        let change = Change::Leave { account_id, epoch };
        let mut rng = world.rng();
        let mut staged = group.stage(change, &self.history, vault.device(), &gate, &mut rng)?;
        let seed = staged.seed.take().ok_or(Error::Unreadable)?;
        let terms = EpochTerms {
            epoch,
            recipient: Box::new(RecipientKey::of_epoch(&seed).public().clone()),
            roster: staged.roster.clone(),
            revoked: vec![number],
        };
        let said = StructureBody::Epoch(terms);
        let statement = next_statement(vault, world.now(), &self.chain, said);
        self.send_change(vault, world, staged, vec![statement], None).await?;
        self.history.seeds.push((epoch, seed));
        self.keep(vault, world).await
    }

    /// Ships a staged change; its state is kept on the device first. GROUP-5.
    pub(super) async fn send_change(
        &mut self,
        vault: &Vault,
        world: &impl World,
        staged: Staged,
        statements: Vec<Base64>,
        joining: Option<Joining>,
    ) -> Result<(), Error> {
        let call = GroupChange {
            mls_epoch: staged.mls_epoch,
            commit: Base64(staged.commit),
            statements,
            history: Base64(staged.history),
            recovery: Base64(staged.recovery),
            joining,
        };
        let call = self.unanswered.insert(call).clone();
        self.keep(vault, world).await?;
        let answer = self.ship_change(vault, world, &call).await;
        let Inner::Member(group) = &mut self.standing else { return Err(Error::NotAMember) };
        match answer {
            Ok(()) => {
                group.merge_staged()?;
                self.unanswered = None;
                for statement in &call.statements {
                    self.chain.append(&statement.0)?;
                }
                Ok(())
            }
            // Refused for good: whoever committed first is taken in at the next look.
            Err(error) if !says_nothing(&error) => {
                group.drop_staged()?;
                self.unanswered = None;
                self.keep(vault, world).await?;
                Err(error)
            }
            // No answer, or none that says: it stays staged, and the next look sends it again.
            Err(error) => Err(error),
        }
    }

    async fn ship_change(
        &self,
        vault: &Vault,
        world: &impl World,
        call: &GroupChange,
    ) -> Result<(), Error> {
        let path = format!("/v1/structures/{}/commits", self.structure_id);
        world.ship(Call::send(path, call), Some(vault.token())).await?;
        Ok(())
    }

    /// Sends a change that was not answered again, the same bytes: the first copy may still be on
    /// its way, so it is given up only once the server has refused it. GROUP-5.
    pub(super) async fn send_again(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        let Some(call) = self.unanswered.clone() else { return Ok(()) };
        let answer = self.ship_change(vault, world, &call).await;
        if let Err(error) = &answer
            && says_nothing(error)
        {
            return answer;
        }
        // Taken in, or somebody else's in its place: the look merges whichever it is.
        self.catch_up(vault, world).await?;
        if let (Inner::Member(group), Err(_)) = (&mut self.standing, answer)
            && group.is_staged()
        {
            group.drop_staged()?;
            self.unanswered = None;
            self.keep(vault, world).await?;
        }
        Ok(())
    }
}
