//! Returns to a safe, as its owner and their guardians see them: what a guardian signed, what the server says of it, and
//! what the log has. PROTOCOL.md section 16.2.

use std::collections::BTreeSet;

use reconnect_format::{
    api::{ReturnShown, ReturnState},
    check, decode,
    guardian::{
        ByGuardian, GuardianId, GuardianName, Guardians, Manner, RETURNS_MAX, Return, Vouch,
    },
    id::{AccountId, LinkId, LockId, ReturnId, StructureId},
    log::{MARK_SEQUENCE, return_mark as mark_in_log},
    statement::{Body, Device},
    structure::{Certificate, StructureChain, verify_certificate},
};

use reconnect_log::Newest;

use super::{Vault, bare};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    guardian::{return_mark, return_opening},
    link::LinkCode,
    secret::PlaceOpening,
    words::in_groups,
    world::World,
};

/// A return, as owner and guardians see it.
#[derive(Clone, Debug)]
pub struct ReturnSeen {
    /// Which.
    pub return_id: ReturnId,
    /// Under which configuration.
    pub lock_id: LockId,
    /// The how-manieth of the guardian who began it, in that generation.
    pub count: u32,
    /// What the person offered whose return it is.
    pub offer_hash: [u8; 32],
    /// Which guardian began it.
    pub guardian: u8,
    /// The same, under whatever number.
    pub begun_by: GuardianId,
    /// Seconds since 1970 by the server's clock.
    pub began_at: u64,
    /// How it stands.
    pub state: ReturnState,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Whether it began soon after another was stopped. BACK-5.
    pub is_strict: bool,
    /// Who vouched, how they know, and when by their clock.
    pub vouches: Vec<(u8, Manner, u64)>,
    /// Whose vouches were shown that no guardian signed: they count for nothing.
    pub unsound: Vec<u8>,
    /// What each of them sealed, as they signed it.
    pub(super) sealed: Vec<(u8, [u8; 32])>,
}

/// Structures in whose name something is said of returns.
pub(super) fn speakers<'a>(
    shown: impl IntoIterator<Item = &'a ReturnShown>,
) -> BTreeSet<StructureId> {
    let said = shown.into_iter().flat_map(|it| [&it.said].into_iter().chain(&it.vouches));
    let said = said.filter_map(|said| match decode::<ByGuardian>(&said.0).ok()? {
        ByGuardian::Structure { certificate, .. } => {
            Some(certificate.verify::<Certificate>().ok()?.0.into_body().structure_id)
        }
        ByGuardian::Account { .. } => None,
    });
    said.collect()
}

/// Whether whoever signed speaks for a guardian: for a structure, as its chain says. BACK-10.
fn speaks_for<'a>(
    (said, device): (&ByGuardian, &Device),
    name: &GuardianName,
    chain_of: &impl Fn(StructureId) -> Option<&'a StructureChain>,
) -> bool {
    let ByGuardian::Structure { certificate, .. } = said else { return said.is_of(name, device) };
    let GuardianName::Structure { structure_id, .. } = name else { return false };
    let verified = chain_of(*structure_id)
        .is_some_and(|chain| verify_certificate(&certificate.encode(), chain).is_ok());
    said.is_of(name, device) && check!(GuardianCertificate, verified)
}

impl ReturnSeen {
    /// Reads what the server shows: nothing of it where no guardian began it, and no vouch that is not a
    /// guardian's. BACK-10.
    pub(super) fn read<'a>(
        shown: &ReturnShown,
        account_id: AccountId,
        named: impl Fn(LockId) -> Option<Guardians>,
        chain_of: &impl Fn(StructureId) -> Option<&'a StructureChain>,
    ) -> Result<Self, Error> {
        let (said, signed, device) = ByGuardian::open::<Return>(&shown.said.0)?;
        let body = signed.body();
        let guardians = named(body.lock_id).ok_or(ServerMisbehaved::Forged)?;
        let is_of = |said: &ByGuardian, number: u8, device: &Device| {
            guardians.get(number).is_some_and(|it| speaks_for((said, device), &it.name, chain_of))
        };
        if body.account_id != account_id || !is_of(&said, body.guardian, &device) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let begun_by = guardians.get(body.guardian).and_then(|it| it.name.guardian_id());
        let begun_by = begun_by.ok_or(ServerMisbehaved::Forged)?;
        let return_id = ReturnId(signed.hash());
        if !(1..=RETURNS_MAX).contains(&body.count) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let (mut vouches, mut sealed, mut unsound) = (Vec::new(), Vec::new(), Vec::new());
        for vouch in &shown.vouches {
            let (said, vouch, device) = ByGuardian::open::<Vouch>(&vouch.0)?;
            let vouch = vouch.body();
            if vouch.return_id != return_id || !is_of(&said, vouch.guardian, &device) {
                unsound.push(vouch.guardian);
                continue;
            }
            vouches.push((vouch.guardian, vouch.manner, vouch.made_at));
            sealed.push((vouch.guardian, vouch.sealed_hash));
        }
        Ok(Self {
            return_id,
            lock_id: body.lock_id,
            count: body.count,
            offer_hash: body.offer_hash,
            guardian: body.guardian,
            begun_by,
            began_at: shown.began_at,
            state: shown.state,
            ended_at: shown.ended_at,
            is_strict: shown.is_strict,
            vouches,
            unsound,
            sealed,
        })
    }

    /// Whether it is the return of whoever shows this code. BACK-1.
    pub fn is_of(&self, code: &LinkCode) -> bool {
        LinkId::of_hash(&self.offer_hash) == code.link_id
    }

    /// Eight letters that the guardian who begins it and whoever comes back compare: the same return, and so the same
    /// safe. BACK-1.
    pub fn letters(&self) -> Vec<String> {
        let [first, second, third, fourth, fifth, ..] = self.return_id.0;
        in_groups(&[first, second, third, fourth, fifth], "")
    }

    /// When it could end, as far as guardians have vouched. Seconds since 1970.
    pub fn ready_at(&self, guardians: &Guardians) -> u64 {
        let met = self.structures_met(guardians);
        self.began_at + u64::from(guardians.asks(self.is_strict, met).wait_seconds)
    }

    /// How many structures have vouched face to face.
    pub fn structures_met(&self, guardians: &Guardians) -> usize {
        let met = self.vouches.iter().filter(|(_, manner, _)| *manner == Manner::FaceToFace);
        let names = met.filter_map(|(number, ..)| guardians.get(*number));
        names.filter(|it| matches!(it.name, GuardianName::Structure { .. })).count()
    }
}

/// Returns to a safe, as the server shows them.
pub struct Returns {
    /// In order.
    pub seen: Vec<ReturnSeen>,
    /// Returns and vouches that were shown, but not signed by whom the safe names: the page says so.
    pub unsound: usize,
    /// Whether the log has one that the server did not show; `None` where the log does not say. BACK-4.
    pub is_hidden: Option<bool>,
}

impl Vault {
    /// Returns to this safe, and whether the log has one that was kept from this device. BACK-4.
    pub async fn returns(&mut self, world: &impl World) -> Result<Returns, Error> {
        self.learn_chains(world, speakers(&self.returns)).await?;
        let (seen, unsound) = self.told();
        let is_hidden = self.has_another(world).await?;
        Ok(Returns { seen, unsound, is_hidden })
    }

    /// Returns that the server has shown, and how much of it no guardian signed, by the chains that are known.
    pub(super) fn told(&self) -> (Vec<ReturnSeen>, usize) {
        let (mut seen, mut unsound) = (Vec::new(), 0);
        for shown in &self.returns {
            let named = |lock_id| self.named_guardians(lock_id).map(|(_, it)| it.clone());
            match ReturnSeen::read(shown, self.account_id(), named, &|id| self.chains.get(&id)) {
                Ok(one) => {
                    unsound += one.unsound.len();
                    seen.push(one);
                }
                Err(_) => unsound += 1,
            }
        }
        (seen, unsound)
    }

    /// Asks for chains of structures, and compares them with the log whenever they have grown. One that is not shown,
    /// or not believed, stands for nobody. LOG-10.
    pub(super) async fn learn_chains(
        &mut self,
        world: &impl World,
        structures: BTreeSet<StructureId>,
    ) -> Result<(), Error> {
        for structure_id in structures {
            let mut learnt = self.fetch_structure(world, structure_id).await;
            if learnt.is_ok() && !self.is_witnessed(structure_id) {
                learnt = Box::pin(self.witness(world, structure_id)).await;
            }
            if learnt == Err(Error::Offline) {
                return learnt;
            }
        }
        Ok(())
    }

    /// Whether the log has a return that was not told, or another one in its place: of whoever is a guardian in
    /// this generation, or was, since what an earlier configuration gave them opens until it is over.
    async fn has_another(&mut self, world: &impl World) -> Result<Option<bool>, Error> {
        let seen: Vec<_> = self.returns.iter().filter_map(|it| self.begun_in(it)).collect();
        let (mut asked, mut indices) = (Vec::new(), Vec::new());
        let account_id = self.account_id();
        for (generation, who) in self.ever_guardians(self.time(world)) {
            // Whose root this safe does not have was overruled, and its guardians with it.
            let secrets = self.generations().find(|it| it.generation == generation);
            let Some(opening) = secrets.map(|it| return_opening(&it.vault)) else { continue };
            let told: Vec<_> = seen.iter().filter(|it| it.0 == (generation, who)).collect();
            let newest = told.iter().map(|it| it.1).max().unwrap_or(0);
            for count in 1..=newest + 1 {
                let told = told.iter().find(|it| it.1 == count).map(|it| it.2);
                let mark = return_mark(&opening, who, count);
                let none = ReturnId([0; 32]);
                let (index, value) = mark_in_log((account_id, who), &mark, told.unwrap_or(none));
                indices.push(index);
                asked.push(told.map(|_| value));
            }
        }
        if asked.is_empty() {
            return Ok(Some(false));
        }
        let there = match self.marks(world, &indices).await {
            Ok(there) => there,
            Err(Error::Unchecked(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut pairs = asked.into_iter().zip(there);
        let another = pairs.any(|(told, there)| there.is_some() && there != told);
        Ok(Some(check!(ReturnShown) && another))
    }

    /// Whose mark a return that was shown has, and which it is: whether or not whoever signed still speaks for that
    /// guardian, it was not kept back.
    fn begun_in(&self, shown: &ReturnShown) -> Option<((u32, GuardianId), u32, ReturnId)> {
        let (_, signed, _) = ByGuardian::open::<Return>(&shown.said.0).ok()?;
        let body = signed.body();
        let (_, guardians) = self.named_guardians(body.lock_id)?;
        let who = guardians.get(body.guardian)?.name.guardian_id()?;
        let place = (self.generation_of(body.lock_id)?, who);
        let counted =
            (1..=RETURNS_MAX).contains(&body.count) && body.account_id == self.account_id();
        counted.then(|| (place, body.count, ReturnId(signed.hash())))
    }

    /// What the log has at these marks.
    async fn marks(
        &mut self,
        world: &impl World,
        indices: &[[u8; 32]],
    ) -> Result<Vec<Option<[u8; 32]>>, Error> {
        let (place, kept) = (self.place.index(), self.kept);
        let looked = Box::pin(self.watch.look_up_marks(world, place, indices, kept)).await;
        // Under another number the log's map would take one for the other. LOG-2.
        let said = |it: Newest| if it.sequence == MARK_SEQUENCE { it.value } else { [0; 32] };
        Ok(looked?.1.into_iter().map(|there| there.map(said)).collect())
    }

    /// It is not this safe's person who comes back. BACK-4.
    pub async fn stop_return(
        &mut self,
        world: &impl World,
        return_id: ReturnId,
    ) -> Result<(), Error> {
        let wish = format!("stop {return_id}");
        self.write(world, &wish, &|_, _| Ok((Body::StopReturn { return_id }, bare()))).await?;
        self.sync(world).await
    }

    /// Whether the log has a return, and all before it that the same guardian began: what a guardian asks before
    /// anything is sealed. Where one was left out, the owner would not find those behind it. BACK-2.
    pub(super) async fn is_logged(
        &mut self,
        world: &impl World,
        account_id: AccountId,
        opening: &PlaceOpening,
        seen: &ReturnSeen,
    ) -> Result<(), Error> {
        let place = |count| {
            let mark = return_mark(opening, seen.begun_by, count);
            mark_in_log((account_id, seen.begun_by), &mark, seen.return_id)
        };
        let indices: Vec<_> = (1..=seen.count).map(|count| place(count).0).collect();
        let there = self.marks(world, &indices).await?;
        let (_, value) = place(seen.count);
        if !check!(ReturnLogged) {
            return Ok(());
        }
        if there.iter().any(Option::is_none) {
            return Err(Unchecked::Behind.into());
        }
        let is_it = there.last().copied().flatten() == Some(value);
        if is_it { Ok(()) } else { Err(ServerMisbehaved::Forged.into()) }
    }
}
