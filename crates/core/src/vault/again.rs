//! Beginning again with the structure's paper, when nobody is left who could let anybody in: another
//! group, whose manager is whoever holds the paper, and everything that was given still opens.

use reconnect_format::{
    Suite,
    api::{AnotherGroup, Call, Recoveries},
    id::Base64,
    structure::{EpochTerms, Link, StructureBody, StructureChain, StructureStatement},
};

use super::{
    Vault,
    desk::{Desk, Inner},
    says_nothing,
};
use crate::{
    error::Error,
    group::{Gate, Group, History},
    key::RecipientKey,
    words::PaperSecret,
    world::{ShipError, World},
};

impl Desk {
    /// Begins the structure's next group, at this device, as its manager. Everybody else's page asks
    /// for a leaf in it by itself. GROUP-8, HIST-2.
    pub async fn begin_again(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        paper: &PaperSecret,
    ) -> Result<(), Error> {
        self.catch_up(vault, world).await?;
        // Somebody let this device in meanwhile: there is nothing to begin.
        if matches!(self.standing, Inner::Member(_)) && self.can_read() {
            return Ok(());
        }
        check_paper(paper, &self.chain)?;
        vault.was_looked_up(self.structure_id)?;
        let path = format!("/v1/structures/{}", self.structure_id);
        let kept: Recoveries = vault.read(world, Call::read(format!("{path}/recovery"))).await?;
        let (group, history, again) = self.another_group(vault, world, paper, &kept)?;
        let before = std::mem::replace(&mut self.standing, Inner::Member(Box::new(group)));
        self.keep(vault, world).await?;
        let call = Call::send(format!("{path}/groups"), &again);
        // Sent again when the answer was lost, the same bytes.
        let sent = match world.ship(call.clone(), Some(vault.token())).await {
            Err(ShipError::Offline) => world.ship(call, Some(vault.token())).await,
            other => other,
        };
        match sent.map_err(Error::from) {
            Ok(_) => {
                self.history = history;
                for statement in &again.statements {
                    self.chain.append(&statement.0)?;
                }
                self.keep(vault, world).await
            }
            Err(error) => {
                // Without an answer the next look finds the group there, or asks for a leaf again.
                if !says_nothing(&error) {
                    self.standing = before;
                    self.keep(vault, world).await?;
                }
                Err(error)
            }
        }
    }

    fn another_group(
        &self,
        vault: &Vault,
        world: &impl World,
        paper: &PaperSecret,
        kept: &Recoveries,
    ) -> Result<(Group, History, AnotherGroup), Error> {
        let sealed = kept.recoveries.iter().map(|it| (it.mls_epoch, it.recovery.0.as_slice()));
        let mut history = History::of_paper(&self.chain, &paper.structure_recovery(), sealed);
        history.absorb(&mut self.history.copy());
        // Not without what owners give to at the moment: another browser may still have it.
        history.check(&self.chain)?;
        let number = self.chain.roster.as_ref().map_or(0, |roster| roster.group) + 1;
        let group = Group::found(self.structure_id, number, vault.device(), &vault.device_proof())?;
        let epoch = self.recipient_epoch() + 1;
        let seed = group.epoch_seed(epoch)?;
        let mut chain = self.chain.clone();
        let mut statements = Vec::new();
        let (now, account_id) = (world.now(), vault.account_id());
        if !chain.is_manager(account_id) {
            let body = StructureBody::AddManager { account_id };
            statements.push(say_as_root(paper, now, &mut chain, body)?);
        }
        let certificates = &self.certificates;
        let terms = EpochTerms {
            epoch,
            recipient: Box::new(RecipientKey::of_epoch(&seed).public().clone()),
            roster: group.roster(&Gate { chain: &chain, certificates, now })?,
            revoked: Vec::new(),
        };
        statements.push(say_as_root(paper, now, &mut chain, StructureBody::Epoch(terms))?);
        history.seeds.push((epoch, seed));
        let mut rng = world.rng();
        let again = AnotherGroup {
            statements,
            history: Base64(group.seal_history(&history, &mut rng)?),
            recovery: Base64(group.recovery(&history, &chain.recovery, &mut rng)?),
        };
        Ok((group, history, again))
    }
}

fn check_paper(paper: &PaperSecret, chain: &StructureChain) -> Result<(), Error> {
    if chain.root == paper.structure_root().public() { Ok(()) } else { Err(Error::WrongPaper) }
}

/// What the structure's root says next.
pub(super) fn say_as_root(
    paper: &PaperSecret,
    now: u64,
    chain: &mut StructureChain,
    body: StructureBody,
) -> Result<Base64, Error> {
    check_paper(paper, chain)?;
    let (sequence, previous) = chain.head();
    let statement = paper.structure_root().sign(StructureStatement {
        suite: Suite::V1,
        structure_id: chain.structure_id,
        sequence: sequence + 1,
        previous,
        made_at: now,
        body,
    });
    let link = Link::Root { statement: statement.encode() }.encode();
    chain.append(&link)?;
    Ok(Base64(link))
}
