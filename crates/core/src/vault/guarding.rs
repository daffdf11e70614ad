//! Being a guardian: whose, and what a guardian does when somebody comes back. PROTOCOL.md section 16.

use std::collections::BTreeSet;

use reconnect_format::{
    Signed, Suite, Unverified,
    api::{
        BeginReturn, Begun, Call, GiveVouch, GuardedBy, Guarding, LinkShown, OpenShare,
        ReturnState, ShareShown,
    },
    check, decode, encode,
    guardian::{
        ByGuardian, GuardianName, Guardians, Manner, OVERRULE_SECONDS, RETURNS_MAX, Return,
        ReturnOffer, Vouch,
    },
    id::{AccountId, Base64, LockId, ReturnId, StructureId},
    lock::LockAccess,
    statement::{Attested, Body, KeysProof, Signer, Statement},
    structure::StructureChain,
};

use super::{
    Vault,
    returns::{ReturnSeen, speakers},
};
use crate::{
    error::{Damaged, Error, ServerMisbehaved},
    guardian::{GuardianFace, open_guardian_face, open_share, return_mark, vouched_hash},
    key::RecipientKey,
    link::LinkCode,
    world::World,
};

/// An owner whose guardian somebody is, verified. GUARD-3.
pub struct Guarded {
    /// Whose safe.
    pub account_id: AccountId,
    /// Under which configuration.
    pub lock_id: LockId,
    /// Under which number.
    pub number: u8,
    /// Who else is, and what a return takes.
    pub guardians: Guardians,
    /// Of whose root they hold the key.
    pub generation: u32,
    /// When they were named, by the owner's clock. Seconds since 1970.
    pub named_at: u64,
    /// Returns under this configuration.
    pub returns: Vec<ReturnSeen>,
    /// When others were named in their place, or a generation began, by the server's word: for a while they may
    /// overrule. GUARD-8.
    pub ended_at: Option<u64>,
    /// How many this guardian has begun, as the server says.
    begun: u32,
    face: GuardianFace,
    statement_hash: [u8; 32],
}

impl Guarded {
    /// By what name the owner is known.
    pub fn signed_as(&self) -> &str {
        self.face.face.signed_as()
    }

    /// By what else.
    pub fn known_by(&self) -> &str {
        self.face.face.purpose()
    }

    /// This guardian, as the owner's safe names it.
    pub fn name(&self) -> Option<&GuardianName> {
        self.guardians.get(self.number).map(|it| &it.name)
    }

    /// The open return that somebody's screen shows.
    pub fn open_return(&self, code: &LinkCode) -> Option<&ReturnSeen> {
        let mut open = self.returns.iter().filter(|it| it.state == ReturnState::Open);
        open.find(|it| it.is_of(code))
    }

    /// What does not verify is left out: it is of no use to anybody.
    fn read_all<'a>(
        (shown, now): (&Guarding, u64),
        key: impl Fn(&GuardianName) -> Option<RecipientKey>,
        chain_of: &impl Fn(StructureId) -> Option<&'a StructureChain>,
    ) -> Vec<Self> {
        shown.guarded.iter().filter_map(|it| Self::read((it, now), &key, chain_of).ok()).collect()
    }

    /// Believes what the server shows only as far as the owner signed it.
    fn read<'a>(
        (shown, now): (&GuardedBy, u64),
        key: impl Fn(&GuardianName) -> Option<RecipientKey>,
        chain_of: &impl Fn(StructureId) -> Option<&'a StructureChain>,
    ) -> Result<Self, Error> {
        let (statement, lock_id, guardians) = named_by_owner(shown.account_id, shown)?;
        // As it is checked there.
        let Signer::Root { generation } = statement.body().signer else {
            return Err(Damaged.into());
        };
        let over_at = decode::<KeysProof>(&shown.keys.0)?.verify()?.over_at(generation);
        // GUARD-7: nobody overrules after that.
        if over_at.is_some_and(|it| now > it.saturating_add(OVERRULE_SECONDS)) {
            return Err(Damaged.into());
        }
        let name = guardians.get(shown.number).map(|it| &it.name);
        let key = name.and_then(key).ok_or(Damaged)?;
        let wrapped = (&guardians, shown.number);
        let face = open_guardian_face(&shown.face.0, statement.hash(), wrapped, &key)?;
        let named = |wanted| (wanted == lock_id).then(|| guardians.clone());
        let read = |it| ReturnSeen::read(it, shown.account_id, named, chain_of).ok();
        let returns = shown.returns.iter().filter_map(read);
        Ok(Self {
            account_id: shown.account_id,
            lock_id,
            number: shown.number,
            returns: returns.collect(),
            // Whatever the server says: another generation ended them.
            ended_at: shown.ended_at.or(over_at),
            begun: shown.begun,
            generation,
            named_at: statement.body().made_at,
            statement_hash: statement.hash(),
            face,
            guardians,
        })
    }
}

/// Structures in whose name something is said of those whose guardian one is.
fn told(shown: &Guarding) -> BTreeSet<StructureId> {
    speakers(shown.guarded.iter().flat_map(|it| &it.returns))
}

/// Who the owner's newest root named as guardians. GUARD-3.
pub(super) fn named_by_owner(
    account_id: AccountId,
    shown: &GuardedBy,
) -> Result<(Signed<Statement>, LockId, Guardians), Error> {
    let proven = decode::<KeysProof>(&shown.keys.0)?.verify()?;
    let statement = Unverified::<Statement>::decode(&shown.statement.0)?;
    // The root of the newest generation, or of one before that may be overruled for.
    let Signer::Root { generation: by } = statement.claim().signer else {
        return Err(ServerMisbehaved::Forged.into());
    };
    let root = proven.root_at(by, statement.claim().sequence).ok_or(ServerMisbehaved::Forged)?;
    let statement = statement.verify(root)?;
    let body = statement.body();
    let Body::SetLock { lock_id, generation, access: LockAccess::Guardians(guardians), .. } =
        &body.body
    else {
        return Err(ServerMisbehaved::Forged.into());
    };
    let theirs = check!(
        GuardiansNamed,
        proven.account_id == account_id
            && body.account_id == account_id
            && *generation == by
            && guardians.are_sound(account_id)
    );
    if !theirs {
        return Err(ServerMisbehaved::Forged.into());
    }
    let (lock_id, guardians) = (*lock_id, guardians.as_ref().clone());
    Ok((statement, lock_id, guardians))
}

/// As whom a guardian signs.
pub(super) enum Acting {
    /// For themselves.
    Account,
    /// For a structure, with their certificate.
    #[cfg(feature = "structure")]
    Member(Attested),
}

impl Acting {
    fn say(&self, object: Attested) -> Base64 {
        let said = match self {
            Self::Account => ByGuardian::Account { object },
            #[cfg(feature = "structure")]
            Self::Member(certificate) => {
                ByGuardian::Structure { object, certificate: certificate.clone() }
            }
        };
        Base64(said.encode())
    }
}

impl Vault {
    /// Whose guardian this safe's person is.
    pub async fn guarding(&mut self, world: &impl World) -> Result<Vec<Guarded>, Error> {
        let shown: Guarding = self.read(world, Call::read("/v1/guarding")).await?;
        self.learn_chains(world, told(&shown)).await?;
        let key = |name: &GuardianName| match name {
            GuardianName::Account { account_id, key_id } if *account_id == self.account_id() => {
                self.recipient_key(*key_id).map(RecipientKey::copy)
            }
            _ => None,
        };
        Ok(Guarded::read_all((&shown, self.time(world)), key, &|id| self.chains.get(&id)))
    }

    /// Begins the return of somebody who stands here, and shows this code. BACK-1, BACK-2.
    pub async fn begin_return(
        &mut self,
        world: &impl World,
        guarded: &Guarded,
        code: &LinkCode,
    ) -> Result<ReturnId, Error> {
        self.begin_return_as(world, guarded, code, &Acting::Account).await
    }

    pub(super) async fn begin_return_as(
        &mut self,
        world: &impl World,
        guarded: &Guarded,
        code: &LinkCode,
        acting: &Acting,
    ) -> Result<ReturnId, Error> {
        if let Some(carried) = code.carried {
            self.heed(world, carried).await?;
        }
        let path = format!("/v1/links/{}", code.link_id);
        let shown: LinkShown = self.read(world, Call::read(path)).await?;
        let offer: ReturnOffer = decode(&shown.offer.0).map_err(|_| Error::LinkMisread)?;
        if !check!(ReturnOffer, offer.code() == code.link_id) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let who = guarded.name().and_then(GuardianName::guardian_id).ok_or(Damaged)?;
        let before = guarded.begun;
        let signed = Return {
            suite: Suite::V1,
            account_id: guarded.account_id,
            lock_id: guarded.lock_id,
            // The next one, as far as the server says; the log has all of them before anybody vouches.
            count: before.checked_add(1).filter(|it| *it <= RETURNS_MAX).ok_or(Error::NotFound)?,
            guardian: guarded.number,
            offer_hash: offer.hash(),
            made_at: self.time(world),
        };
        let mark = return_mark(&guarded.face.opening, who, signed.count);
        let call = BeginReturn {
            said: acting.say(self.attested(signed)),
            offer: Base64(encode(&offer)),
            mark: Base64(mark.to_vec()),
        };
        let begun: Begun = self.read(world, Call::send("/v1/returns", &call)).await?;
        Ok(begun.return_id)
    }

    /// Seals what this guardian holds to whoever comes back, once the log has the return. It can be tried
    /// again. BACK-2.
    pub async fn vouch(
        &mut self,
        world: &impl World,
        (guarded, seen): (&Guarded, &ReturnSeen),
        code: &LinkCode,
        manner: Manner,
    ) -> Result<(), Error> {
        let key = match guarded.name() {
            Some(GuardianName::Account { key_id, .. }) => self.recipient_key(*key_id),
            _ => None,
        };
        let key = key.map(RecipientKey::copy).ok_or(Damaged)?;
        let as_whom = (&key, &Acting::Account);
        self.vouch_as(world, (guarded, seen), (code, manner), as_whom).await
    }

    pub(super) async fn vouch_as(
        &mut self,
        world: &impl World,
        (guarded, seen): (&Guarded, &ReturnSeen),
        (code, manner): (&LinkCode, Manner),
        (key, acting): (&RecipientKey, &Acting),
    ) -> Result<(), Error> {
        if let Some(carried) = code.carried {
            self.heed(world, carried).await?;
        }
        // Of several vouches of one guardian the first counts, and what it sealed.
        if seen.vouches.iter().any(|(number, ..)| *number == guarded.number) {
            return Ok(());
        }
        self.is_logged(world, guarded.account_id, &guarded.face.opening, seen).await?;
        let path = format!("/v1/returns/{}/share", seen.return_id);
        let asked = OpenShare { number: guarded.number };
        let shown: ShareShown = self.read(world, Call::send(path, &asked)).await?;
        let offer: ReturnOffer = decode(&shown.offer.0)?;
        // What the person shows is what the return was begun for.
        let is_it = offer.hash() == seen.offer_hash && offer.code() == code.link_id;
        if !check!(ReturnOffer, is_it) {
            return Err(Error::LinkMisread);
        }
        let lock = (guarded.lock_id, &guarded.guardians);
        let share = open_share(&shown.wrap.0, guarded.statement_hash, lock, guarded.number, key)
            .map_err(|Damaged| Error::BadShare(guarded.number))?;
        let sealed = share.seal_to(&offer, seen.return_id, &mut world.rng())?;
        let vouch = Vouch {
            suite: Suite::V1,
            return_id: seen.return_id,
            guardian: guarded.number,
            manner,
            sealed_hash: vouched_hash(&sealed),
            made_at: self.time(world),
        };
        let vouch = acting.say(self.attested(vouch));
        let call = GiveVouch { vouch, sealed: Base64(sealed) };
        let path = format!("/v1/returns/{}/vouches", seen.return_id);
        self.keep_signed(world).await?;
        world.ship(Call::send(path, &call), Some(&self.token)).await?;
        Ok(())
    }

    /// Ends a return that this guardian began, by mistake. BACK-9.
    pub async fn cancel_return(
        &self,
        world: &impl World,
        return_id: ReturnId,
    ) -> Result<(), Error> {
        let path = format!("/v1/returns/{return_id}/cancel");
        world.ship(Call::send(path, &()), Some(&self.token)).await?;
        Ok(())
    }

    /// Does not want to be this owner's guardian any more: nothing of theirs is left. GUARD-6.
    pub async fn resign(&self, world: &impl World, guarded: &Guarded) -> Result<(), Error> {
        let path = format!("/v1/guarding/{}/{}/resign", guarded.lock_id, guarded.number);
        world.ship(Call::send(path, &()), Some(&self.token)).await?;
        Ok(())
    }
}

#[cfg(feature = "structure")]
mod desks {
    use reconnect_format::{
        api::{Call, Guarding},
        guardian::{GuardianName, Manner},
        id::ReturnId,
    };

    use super::{Acting, Guarded, named_by_owner, told};
    use crate::{
        error::Error,
        link::LinkCode,
        vault::{Desk, Vault, returns::ReturnSeen},
        world::World,
    };

    impl Desk {
        /// Whose guardian this structure is.
        pub async fn guarding(
            &mut self,
            vault: &mut Vault,
            world: &impl World,
        ) -> Result<Vec<Guarded>, Error> {
            let shown = self.shown_guarding(vault, world).await?;
            vault.learn_chains(world, told(&shown)).await?;
            let structure = self.structure_id();
            let key = |name: &GuardianName| match name {
                GuardianName::Structure { structure_id, epoch, .. }
                    if *structure_id == structure =>
                {
                    self.recipient_key(*epoch).ok()
                }
                _ => None,
            };
            Ok(Guarded::read_all((&shown, vault.time(world)), key, &|id| vault.known_structure(id)))
        }

        pub(in super::super) async fn shown_guarding(
            &mut self,
            vault: &Vault,
            world: &impl World,
        ) -> Result<Guarding, Error> {
            let path = format!("/v1/structures/{}/guarding", self.structure_id());
            let shown: Guarding = vault.read(world, Call::read(path)).await?;
            // HIST-3: the seeds with which these open stay.
            let named = shown.guarded.iter().filter_map(|it| {
                let (_, _, guardians) = named_by_owner(it.account_id, it).ok()?;
                match guardians.get(it.number)?.name {
                    GuardianName::Structure { epoch, .. } => Some(epoch),
                    GuardianName::Account { .. } | GuardianName::Paper { .. } => None,
                }
            });
            self.guarded_epochs = Some(named.collect());
            Ok(shown)
        }

        /// Begins the return of somebody who stands at this desk.
        pub async fn begin_return(
            &self,
            vault: &mut Vault,
            world: &impl World,
            guarded: &Guarded,
            code: &LinkCode,
        ) -> Result<ReturnId, Error> {
            vault.begin_return_as(world, guarded, code, &self.acting()?).await
        }

        /// Seals what this structure holds to whoever comes back. BACK-2.
        pub async fn vouch(
            &self,
            vault: &mut Vault,
            world: &impl World,
            which: (&Guarded, &ReturnSeen),
            how: (&LinkCode, Manner),
        ) -> Result<(), Error> {
            let epoch = match which.0.name() {
                Some(GuardianName::Structure { epoch, .. }) => *epoch,
                _ => return Err(Error::BadInput),
            };
            let key = self.recipient_key(epoch)?;
            vault.vouch_as(world, which, how, (&key, &self.acting()?)).await
        }

        fn acting(&self) -> Result<Acting, Error> {
            self.own_certificate.clone().map(Acting::Member).ok_or(Error::NotAMember)
        }
    }
}
