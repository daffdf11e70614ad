//! Returns to a safe, as its owner and their guardians see them: what a guardian signed, what the server says of it, and
//! what the log has. PROTOCOL.md section 16.2.

use reconnect_format::{
    api::{ReturnShown, ReturnState},
    check,
    guardian::{ByGuardian, GuardianName, Guardians, Manner, RETURNS_MAX, Return, Vouch},
    id::{AccountId, LockId, ReturnId},
    log::return_mark as mark_in_log,
    statement::{Body, Device},
};

use super::{Vault, bare};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    guardian::{return_mark, return_opening},
    secret::PlaceOpening,
    world::World,
};

/// A return, as owner and guardians see it.
#[derive(Clone, Debug)]
pub struct ReturnSeen {
    /// Which.
    pub return_id: ReturnId,
    /// Under which configuration.
    pub lock_id: LockId,
    /// The how-manieth under it.
    pub count: u32,
    /// What the person offered whose return it is.
    pub offer_hash: [u8; 32],
    /// Which guardian began it.
    pub guardian: u8,
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
    /// What each of them sealed, as they signed it.
    pub(super) sealed: Vec<(u8, [u8; 32])>,
}

impl ReturnSeen {
    /// Reads what the server shows; nothing of it where a signature is not a guardian's.
    pub(super) fn read(
        shown: &ReturnShown,
        account_id: AccountId,
        named: impl Fn(LockId) -> Option<Guardians>,
    ) -> Result<Self, Error> {
        let (said, signed, device) = ByGuardian::open::<Return>(&shown.said.0)?;
        let body = signed.body();
        let guardians = named(body.lock_id).ok_or(ServerMisbehaved::Forged)?;
        let is_of = |said: &ByGuardian, number: u8, device: &Device| {
            guardians.get(number).is_some_and(|it| said.is_of(&it.name, device))
        };
        if body.account_id != account_id || !is_of(&said, body.guardian, &device) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let return_id = ReturnId(signed.hash());
        if !(1..=RETURNS_MAX).contains(&body.count) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let (mut vouches, mut sealed) = (Vec::new(), Vec::new());
        for vouch in &shown.vouches {
            let (said, vouch, device) = ByGuardian::open::<Vouch>(&vouch.0)?;
            let vouch = vouch.body();
            if vouch.return_id != return_id || !is_of(&said, vouch.guardian, &device) {
                return Err(ServerMisbehaved::Forged.into());
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
            began_at: shown.began_at,
            state: shown.state,
            ended_at: shown.ended_at,
            is_strict: shown.is_strict,
            vouches,
            sealed,
        })
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
    /// Shown, but not signed by whom the safe names: they count as returns none the less.
    pub unsound: usize,
    /// Whether the log has one that the server did not show; `None` where the log does not say. BACK-4.
    pub is_hidden: Option<bool>,
}

impl Vault {
    /// Returns to this safe, and whether the log has one that was kept from this device. BACK-4.
    pub async fn returns(&mut self, world: &impl World) -> Result<Returns, Error> {
        let (mut seen, mut unsound) = (Vec::new(), 0);
        for shown in &self.returns {
            let named = |lock_id| self.named_guardians(lock_id).map(|(_, it)| it.clone());
            match ReturnSeen::read(shown, self.account_id(), named) {
                Ok(one) => seen.push(one),
                Err(_) => unsound += 1,
            }
        }
        let is_hidden = match self.manifest.guardians().map(|(lock_id, _)| lock_id) {
            None => Some(false),
            Some(lock_id) => {
                let told = seen.iter().filter(|it| it.lock_id == lock_id);
                let told: Vec<_> = told.map(|it| (it.count, it.return_id)).collect();
                self.has_another(world, lock_id, &told).await?
            }
        };
        Ok(Returns { seen, unsound, is_hidden })
    }

    /// Whether the log has a return that was not told, or another one in its place.
    async fn has_another(
        &mut self,
        world: &impl World,
        lock_id: LockId,
        told: &[(u32, ReturnId)],
    ) -> Result<Option<bool>, Error> {
        let opening = return_opening(&self.secrets.vault, lock_id);
        let newest = told.iter().map(|(count, _)| *count).max().unwrap_or(0);
        let there =
            match self.marks(world, self.account_id(), (&opening, lock_id), newest + 1).await {
                Ok(there) => there,
                Err(Error::Unchecked(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
        let another = (1..).zip(there).any(|(count, there)| {
            let told = told.iter().find(|(it, _)| *it == count);
            let mark = return_mark(&opening, lock_id, count);
            let expected = told.map(|(_, id)| mark_in_log(self.account_id(), &mark, *id).1);
            there.is_some_and(|there| Some(there) != expected)
        });
        Ok(Some(check!(ReturnShown) && another))
    }

    /// What the log has at the marks of returns, from the first to this one.
    async fn marks(
        &mut self,
        world: &impl World,
        account_id: AccountId,
        (opening, lock_id): (&PlaceOpening, LockId),
        until: u32,
    ) -> Result<Vec<Option<[u8; 32]>>, Error> {
        let index = |count| {
            let mark = return_mark(opening, lock_id, count);
            mark_in_log(account_id, &mark, ReturnId([0; 32])).0
        };
        let indices: Vec<_> = (1..=until).map(index).collect();
        let (place, kept) = (self.place.index(), self.kept);
        let looked = Box::pin(self.watch.look_up_marks(world, place, &indices, kept)).await;
        Ok(looked?.1.into_iter().map(|there| there.map(|it| it.value)).collect())
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

    /// Whether the log has a return, and all before it: what a guardian asks before anything is sealed. Where one
    /// was left out, the owner would not find those behind it. BACK-2.
    pub(super) async fn is_logged(
        &mut self,
        world: &impl World,
        account_id: AccountId,
        opening: &PlaceOpening,
        seen: &ReturnSeen,
    ) -> Result<(), Error> {
        let of = (opening, seen.lock_id);
        let there = self.marks(world, account_id, of, seen.count).await?;
        let mark = return_mark(opening, seen.lock_id, seen.count);
        let (_, value) = mark_in_log(account_id, &mark, seen.return_id);
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
