//! Introductions: an owner takes the word of a structure that they compared for another one, and a
//! manager gives that word.

use reconnect_format::{check, id::StructureId, statement::Body};

use super::{Make, Vault, bare};
use crate::{
    error::{Error, Unchecked},
    world::World,
};

impl Vault {
    /// Which of the structures that this safe compared introduce another, as their chains and the log
    /// say now. INTRO-3.
    pub async fn introducers(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<Vec<StructureId>, Error> {
        let all = self.manifest.structures().map(|(id, _)| id);
        let compared: Vec<_> = all.filter(|id| self.manifest.compared(*id).is_some()).collect();
        let mut introducers = Vec::new();
        for introducer in compared {
            match self.vouched(world, structure_id, introducer).await {
                Ok(()) => introducers.push(introducer),
                // Not this one, or nobody knows now.
                Err(Error::NotIntroduced | Error::Unchecked(_) | Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(introducers)
    }

    /// Takes a compared structure's word for another, in place of its code: from then on something may
    /// be given to it, as long as that word stands. INTRO-3.
    pub async fn admit_structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
        introducer: StructureId,
    ) -> Result<(), Error> {
        if self.manifest.compared(structure_id).is_some() {
            return Ok(());
        }
        self.vouched(world, structure_id, introducer).await?;
        self.note(world, structure_id, Some(introducer)).await
    }

    /// Checks that the word stands now. INTRO-3, INTRO-4.
    pub(super) async fn vouched(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
        introducer: StructureId,
    ) -> Result<(), Error> {
        if !check!(Introducer, self.manifest.compared(introducer).is_some()) {
            return Err(Error::NotIntroduced);
        }
        self.fetch_structure(world, introducer).await?;
        Box::pin(self.witness(world, introducer)).await?;
        let looked = self.witnessed.get(&introducer).ok_or(Unchecked::Unanswered)?;
        let now = looked.as_ref().map_err(|unchecked| *unchecked)?.time();
        if !self.is_witnessed(introducer) {
            return Err(Unchecked::Behind.into());
        }
        let chain = self.chains.get(&introducer).ok_or(Error::NotFound)?;
        let said = chain.introduction(structure_id).filter(|it| it.counts_at(now) && !chain.closed);
        let said = *said.ok_or(Error::NotIntroduced)?;
        self.structure(world, structure_id).await?;
        let chain = self.chains.get(&structure_id).ok_or(Error::NotFound)?;
        // Whose word is of another chain stands for this one no more than who is silent.
        chain.extends(said.sequence, &said.head).map_err(|_| Error::NotIntroduced)
    }

    /// Writes down how much of a verified chain was seen, when it has grown, or is admitted another way.
    pub(super) async fn note(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
        introducer: Option<StructureId>,
    ) -> Result<(), Error> {
        let chain = self.chains.get(&structure_id).ok_or(Error::NotFound)?;
        let (sequence, head) = chain.head();
        let is_noted = |vault: &Self| {
            let manifest = &vault.manifest;
            let seen = manifest.admitted(structure_id).is_some_and(|it| it.sequence >= sequence);
            // Whatever another device compared meanwhile stays compared.
            seen && manifest.introducer(structure_id) == introducer
                || introducer.is_some() && manifest.compared(structure_id).is_some()
        };
        if is_noted(self) {
            return Ok(());
        }
        let body = match introducer {
            None => Body::CompareStructure { structure_id, sequence, head },
            Some(introducer) => Body::AdmitStructure { structure_id, sequence, head, introducer },
        };
        let wish = format!("compare {structure_id} {sequence} {introducer:?}");
        let make: &Make<'_> = &|vault, _| {
            if is_noted(vault) { Err(Error::NotFound) } else { Ok((body.clone(), bare())) }
        };
        match self.write(world, &wish, make).await {
            // Another device was faster.
            Err(Error::NotFound) if is_noted(self) => Ok(()),
            other => other.map(drop),
        }
    }
}

#[cfg(feature = "structure")]
mod managers {
    use reconnect_format::{
        id::StructureId,
        structure::{Introduction, StructureBody},
    };

    use super::{
        super::desk::{Desk, next_statement},
        Vault,
    };
    use crate::{
        error::{Error, Unchecked},
        world::World,
    };

    /// So long ago it was said just now: what is sent again adds nothing to the chain. Seconds.
    const DAY_SECONDS: u64 = 24 * 3600;

    impl Desk {
        /// What the structure says of others.
        pub fn introductions(&self) -> &[Introduction] {
            self.chain.introductions()
        }

        /// Says in the structure's chain that its people compared another's code: this manager did, in
        /// their own safe. Said again it is good for another year. INTRO-2.
        pub async fn introduce(
            &mut self,
            vault: &mut Vault,
            world: &impl World,
            structure_id: StructureId,
        ) -> Result<(), Error> {
            vault.manifest.compared(structure_id).ok_or(Error::NotCompared)?;
            vault.structure(world, structure_id).await?;
            if !vault.is_witnessed(structure_id) {
                return Err(Unchecked::Behind.into());
            }
            let chain = vault.known_structure(structure_id).filter(|chain| !chain.closed);
            let (sequence, head) = chain.ok_or(Error::NotFound)?.head();
            let now = world.now();
            self.say(vault, world, &|desk, vault| {
                let said = desk.chain.introduction(structure_id).is_some_and(|it| {
                    (it.sequence, it.head, it.by) == (sequence, head, vault.account_id())
                        && now < it.made_at.saturating_add(DAY_SECONDS)
                });
                let body = StructureBody::Introduce { introduced: structure_id, sequence, head };
                let statement = (!said).then(|| next_statement(vault, now, &desk.chain, body));
                Ok(statement.into_iter().collect())
            })
            .await
        }

        /// Takes that back, whichever manager said it.
        pub async fn withdraw_introduction(
            &mut self,
            vault: &mut Vault,
            world: &impl World,
            structure_id: StructureId,
        ) -> Result<(), Error> {
            let now = world.now();
            self.say(vault, world, &|desk, vault| {
                let body = StructureBody::Withdraw { introduced: structure_id };
                let stands = desk.chain.introduction(structure_id);
                let statement = stands.map(|_| next_statement(vault, now, &desk.chain, body));
                Ok(statement.into_iter().collect())
            })
            .await
        }
    }
}
