//! Who manages a structure: one manager adds another, two remove one, one goes by themselves, and the
//! structure's paper helps where they cannot agree. And how it ends.

use std::cell::Cell;

use reconnect_format::{
    Suite,
    api::{Call, Code, Inside, Moved, Problem, StructureSays},
    decode,
    id::{AccountId, Base64},
    statement::Attested,
    structure::{Motion, MotionAbout, StructureBody, StructureChain},
};

use super::{
    Vault,
    again::say_as_root,
    desk::{Desk, Inner, next_statement},
};
use crate::{error::Error, words::PaperSecret, world::World};

/// How often a statement is made anew when another page was faster.
const TRIES: usize = 5;
/// How long what a manager asks for can be agreed to: seconds. STRUCT-9.
const MOTION_SECONDS: u64 = 30 * 24 * 3600;

/// Makes what is to be said, as things are by then; nothing when it is so already.
pub(super) type Saying<'a> = &'a dyn Fn(&Desk, &Vault) -> Result<Vec<Base64>, Error>;

/// What a manager asks the others to say, verified.
pub(super) struct OpenMotion {
    about: MotionAbout,
    mover: AccountId,
    until: u64,
    attested: Attested,
}

/// What a manager asks for, as the team sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name of who asks.
    pub by: String,
    /// Whether it is the person at this page.
    pub mine: bool,
    /// Until when another manager can agree, in seconds since 1970.
    pub until: u64,
}

/// What became of something that takes two managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Another manager must agree.
    Waits,
    /// It is so.
    Done,
}

impl Desk {
    /// A member becomes a manager, by this one's word. STRUCT-3.
    pub async fn make_manager(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        number: u32,
    ) -> Result<(), Error> {
        let now = world.now();
        self.say(vault, world, &|desk, vault| {
            let account_id = desk.account_of(number)?;
            if desk.chain.is_manager(account_id) {
                return Ok(Vec::new());
            }
            let body = StructureBody::AddManager { account_id };
            Ok(vec![next_statement(vault, now, &desk.chain, body)])
        })
        .await
    }

    /// The person at this page is a manager no more; the last one stays. STRUCT-9.
    pub async fn step_down(&mut self, vault: &mut Vault, world: &impl World) -> Result<(), Error> {
        let now = world.now();
        self.say(vault, world, &|desk, vault| {
            let account_id = vault.account_id();
            if !desk.chain.is_manager(account_id) {
                return Ok(Vec::new());
            }
            let body = desk.removal(account_id, None);
            Ok(vec![next_statement(vault, now, &desk.chain, body)])
        })
        .await
    }

    /// Asks the other managers that somebody be one no more, or does it when one of them has asked for
    /// that. STRUCT-9.
    pub async fn remove_manager(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        number: u32,
    ) -> Result<Agreed, Error> {
        let account_id = self.account_of(number)?;
        self.agree(vault, world, MotionAbout::RemoveManager(account_id)).await
    }

    /// Asks the other managers to close the structure, or closes it when one of them has asked for that:
    /// everything that was given to it ends, for everybody. STRUCT-9, STRUCT-10.
    pub async fn close(&mut self, vault: &mut Vault, world: &impl World) -> Result<Agreed, Error> {
        self.agree(vault, world, MotionAbout::Close).await
    }

    /// With the structure's paper: closes it. STRUCT-9.
    pub async fn close_with(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        paper: &PaperSecret,
    ) -> Result<(), Error> {
        let now = world.now();
        self.say(vault, world, &|desk, _| {
            let body = StructureBody::Close { motion: None };
            Ok(vec![say_as_root(paper, now, &mut desk.chain.clone(), body)?])
        })
        .await
    }

    async fn agree(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        about: MotionAbout,
    ) -> Result<Agreed, Error> {
        let now = world.now();
        let waits = Cell::new(false);
        self.say(vault, world, &|desk, vault| {
            if about.removes().is_some_and(|removed| !desk.chain.is_manager(removed)) {
                return Ok(Vec::new());
            }
            let others = |it: &&OpenMotion| it.about == about && it.mover != vault.account_id();
            let Some(moved) = desk.motions.iter().find(others) else {
                waits.set(true);
                return Ok(Vec::new());
            };
            let motion = Some(moved.attested.clone());
            let body = match about {
                MotionAbout::RemoveManager(account_id) => desk.removal(account_id, motion),
                MotionAbout::Close => StructureBody::Close { motion },
            };
            Ok(vec![next_statement(vault, now, &desk.chain, body)])
        })
        .await?;
        if waits.get() {
            self.ask(vault, world, about).await?;
            return Ok(Agreed::Waits);
        }
        Ok(Agreed::Done)
    }

    /// With the structure's paper: the person at this page becomes a manager, unless they are one, and
    /// somebody is one no more. STRUCT-9.
    pub async fn replace_manager(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        paper: &PaperSecret,
        number: u32,
    ) -> Result<(), Error> {
        let now = world.now();
        self.say(vault, world, &|desk, vault| {
            let removed = desk.account_of(number)?;
            let mut chain = desk.chain.clone();
            let mut said = Vec::new();
            let own = StructureBody::AddManager { account_id: vault.account_id() };
            if !chain.is_manager(vault.account_id()) {
                said.push(say_as_root(paper, now, &mut chain, own)?);
            }
            if removed != vault.account_id() && chain.is_manager(removed) {
                said.push(say_as_root(paper, now, &mut chain, desk.removal(removed, None))?);
            }
            Ok(said)
        })
        .await
    }

    /// Whether a manager asks that the structure close.
    pub fn asked_to_close(&self, vault: &Vault) -> Option<Asked> {
        self.asked(vault, MotionAbout::Close)
    }

    /// What managers ask about something; another's rather than one's own.
    pub(super) fn asked(&self, vault: &Vault, about: MotionAbout) -> Option<Asked> {
        let asked = self.motions.iter().filter(|it| it.about == about);
        let motion = asked.min_by_key(|it| it.mover == vault.account_id())?;
        let mover = self.standing_members().find(|it| it.account_id == motion.mover);
        Some(Asked {
            by: mover.map_or_else(String::new, |it| self.name_of(it.number)),
            mine: motion.mover == vault.account_id(),
            until: motion.until,
        })
    }

    /// What does not verify, or can be said no more, is passed over.
    pub(super) fn learn_motions(&mut self, inside: &Inside, now: u64) {
        let open = |motion: &Base64| {
            let attested: Attested = decode(&motion.0).ok()?;
            let (motion, mover) = self.chain.open_motion(&attested, now).ok()?;
            let until = motion.made_at.saturating_add(MOTION_SECONDS);
            Some(OpenMotion { about: motion.about, mover, until, attested })
        };
        self.motions = inside.motions.iter().filter_map(open).collect();
    }

    async fn ask(
        &mut self,
        vault: &Vault,
        world: &impl World,
        about: MotionAbout,
    ) -> Result<(), Error> {
        let attested = vault.attested(Motion {
            suite: Suite::V1,
            structure_id: self.structure_id,
            sequence: self.chain.head().0,
            made_at: world.now(),
            about,
        });
        let path = format!("/v1/structures/{}/motions", self.structure_id);
        let call = Call::send(path, &Moved { motion: Base64(attested.encode()) });
        world.ship(call, Some(vault.token())).await?;
        let (mover, until) = (vault.account_id(), world.now() + MOTION_SECONDS);
        self.motions.retain(|it| it.about != about || it.mover != mover);
        self.motions.push(OpenMotion { about, mover, until, attested });
        Ok(())
    }

    /// Says what takes no commit: made anew when another page was faster. An answer that was lost takes
    /// nothing with it, since what is so already is not said again.
    pub(super) async fn say(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
        what: Saying<'_>,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            self.catch_up(vault, world).await?;
            match self.standing {
                Inner::Member(_) => {}
                // It was said already, and its answer was lost.
                _ if self.chain.closed => return Ok(()),
                _ => return Err(Error::NotAMember),
            }
            self.send_again(vault, world).await?;
            let statements = what(self, vault)?;
            if statements.is_empty() {
                return Ok(());
            }
            let mut after = self.chain.clone();
            for statement in &statements {
                // Not this person's to say: it would be refused.
                after.append(&statement.0).map_err(|_| Error::BadInput)?;
            }
            self.keep(vault, world).await?;
            let path = format!("/v1/structures/{}/statements", self.structure_id);
            let call = Call::send(path, &StructureSays { statements });
            match world.ship(call, Some(vault.token())).await.map_err(Error::from) {
                Ok(_) => {
                    self.take_over(after);
                    return if self.chain.closed {
                        self.find_out(vault, world).await
                    } else {
                        Ok(())
                    };
                }
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Refused(Problem::of(Code::Conflict)))
    }

    fn take_over(&mut self, chain: StructureChain) {
        self.chain = chain;
        let (chain, motions) = (&self.chain, &mut self.motions);
        motions.retain(|it| {
            let removed = it.about.removes();
            chain.is_manager(it.mover) && removed.is_none_or(|removed| chain.is_manager(removed))
        });
    }

    /// Certificates that somebody signed so far stay good.
    fn removal(&self, account_id: AccountId, motion: Option<Attested>) -> StructureBody {
        let serials = self.certificates.iter().map(|it| it.body().serial);
        let last_serial = serials.max().unwrap_or_default();
        StructureBody::RemoveManager { account_id, last_serial, motion }
    }

    fn account_of(&self, number: u32) -> Result<AccountId, Error> {
        let standing = self.standing_members().find(|it| it.number == number);
        Ok(standing.ok_or(Error::NotFound)?.account_id)
    }
}
