//! Guardians, as their owner sees them: naming them, splitting again when one of their keys is another, and
//! stopping a return that is not the owner's. PROTOCOL.md section 16.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use reconnect_format::{
    Suite,
    account::RecipientPublicKey,
    api::{Call, Code, GuardianWraps, GuardiansSeen, LockMaterial, OwnerKeys, Submission},
    check, decode, encode,
    grant::RecipientName,
    guardian::{Guardian, GuardianId, GuardianName, Guardians, OVERRULE_SECONDS},
    id::{AccountId, Base64, LockId, StructureId},
    lock::{Held, LockAccess, LockBinding, LockKind},
    statement::{Body, Signer},
};
use reconnect_log::Carried;

use super::{Attach, Made, Vault};
use crate::{
    document::draw_id,
    error::{Damaged, Error, ServerMisbehaved},
    grant::Face,
    guardian::{GuardiansNote, LABEL_MAX_BYTES, RecoveryKey, return_opening, wrap_share},
    lock::wrap_root,
    recipient::Recipient,
    words::{Paper, PaperSecret},
    world::World,
};

/// Who is to be a guardian.
#[derive(Clone, Debug)]
pub enum Who {
    /// A structure whose code was compared, or that one which was compared introduces.
    Structure(StructureId),
    /// Somebody who has a safe, whose address was read from their own screen.
    Account(AccountId),
    /// A paper.
    Paper(Held, Box<RecipientPublicKey>),
}

impl Who {
    /// Whoever showed this address. GUARD-2.
    pub fn of_address(typed: &str) -> Result<Self, Error> {
        let read = AccountId::from_deposit_address(Carried::split(typed).0);
        read.map(Self::Account).ok_or(Error::AddressMisread)
    }

    /// Whoever has this paper.
    pub fn of_paper(paper: &PaperSecret) -> Result<Self, Error> {
        if paper.paper() != Paper::Guardian {
            return Err(Error::WrongPaper);
        }
        let recipient = Box::new(paper.guardian_key().public().clone());
        Ok(Self::Paper(paper.held().public(), recipient))
    }

    fn named_by(name: &GuardianName) -> Self {
        match name {
            GuardianName::Structure { structure_id, .. } => Self::Structure(*structure_id),
            GuardianName::Account { account_id, .. } => Self::Account(*account_id),
            GuardianName::Paper { held, recipient } => Self::Paper(held.clone(), recipient.clone()),
        }
    }
}

/// Who is to be named, and what a return takes.
pub struct Naming {
    /// Each with what the owner calls them.
    pub who: Vec<(Who, String)>,
    /// How many are needed.
    pub needed: u8,
    /// How long a return waits, in seconds.
    pub wait_seconds: u32,
    /// How long where two structures vouched face to face, in seconds.
    pub short_wait_seconds: u32,
    /// By what name guardians know the owner.
    pub signed_as: String,
    /// By what else they know them.
    pub known_by: String,
}

/// A guardian whose key was verified.
#[derive(Clone)]
struct Keyed {
    name: GuardianName,
    public: Box<RecipientPublicKey>,
}

impl Keyed {
    fn of(recipient: &Recipient) -> Result<Self, Error> {
        let name = match recipient.name() {
            RecipientName::Structure { structure_id, epoch, key_id } => GuardianName::Structure {
                structure_id: *structure_id,
                epoch: *epoch,
                key_id: *key_id,
            },
            RecipientName::Account { account_id, key_id } => {
                GuardianName::Account { account_id: *account_id, key_id: *key_id }
            }
            RecipientName::Owner { .. } => return Err(Error::BadInput),
        };
        Ok(Self { name, public: Box::new(recipient.public().clone()) })
    }
}

/// Whether a guardian is one still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They hold what they were given.
    There,
    /// They do not want to be.
    Resigned,
    /// The structure has closed.
    Closed,
}

/// A guardian as the owner sees them.
#[derive(Clone, Debug)]
pub struct GuardianSeen {
    /// Under which number.
    pub number: u8,
    /// Who.
    pub name: GuardianName,
    /// What the owner calls them.
    pub label: String,
    /// Whether they are one still.
    pub standing: Standing,
}

/// Who the guardians of a safe are.
pub struct GuardiansView {
    /// Under which configuration.
    pub lock_id: LockId,
    /// When they were named, by the clock of whoever did. Seconds since 1970.
    pub named_at: u64,
    /// How many are needed, and how long it takes.
    pub terms: Guardians,
    /// By what name they know the owner.
    pub signed_as: String,
    /// By what else.
    pub known_by: String,
    /// Each.
    pub guardians: Vec<GuardianSeen>,
}

impl GuardiansView {
    /// How many there are still. GUARD-6.
    pub fn left(&self) -> usize {
        self.guardians.iter().filter(|it| it.standing == Standing::There).count()
    }
}

impl Vault {
    /// Names guardians, in the place of those before. The key is drawn, split, and forgotten. GUARD-1,
    /// GUARD-2.
    pub async fn name_guardians(
        &mut self,
        world: &impl World,
        naming: &Naming,
    ) -> Result<LockId, Error> {
        self.check_safe(world).await?;
        let labels: Vec<_> = naming.who.iter().map(|(_, label)| label.trim()).collect();
        if labels.iter().any(|label| label.len() > LABEL_MAX_BYTES) {
            return Err(Error::BadInput);
        }
        let mut keyed = Vec::with_capacity(naming.who.len());
        for (who, _) in &naming.who {
            keyed.push(self.key_of(world, who).await?);
        }
        let names: Vec<_> = keyed.iter().map(|it| encode(&it.name)).collect();
        let Naming { needed, wait_seconds, short_wait_seconds, signed_as, known_by, .. } = naming;
        let waits = format!("{wait_seconds} {short_wait_seconds}");
        let wish =
            format!("guardians {needed} {waits} {labels:?} {signed_as}\n{known_by} {names:?}");
        let make = |vault: &Self, rng: &mut dyn CryptoRng| {
            vault.split(naming, &vault.keyed_now(&keyed)?, rng)
        };
        match self.write(world, &wish, &make).await?.into_body().body {
            Body::SetLock { lock_id, .. } => Ok(lock_id),
            _ => Err(ServerMisbehaved::Forged.into()),
        }
    }

    /// Whether somebody can be named: their key is there, and verifies.
    pub async fn can_be_guardian(&mut self, world: &impl World, who: &Who) -> Result<(), Error> {
        self.key_of(world, who).await.map(drop)
    }

    /// Whether anybody was ever named: whoever did not asks the server for nobody.
    pub fn ever_named_guardians(&self) -> bool {
        let named =
            |body: &Body| matches!(body, Body::SetLock { access: LockAccess::Guardians(_), .. });
        self.statements.iter().any(|it| named(&it.body().body))
    }

    /// Who was named under a configuration of this safe, and what a return takes.
    pub fn guardians_of(&self, lock_id: LockId) -> Option<&Guardians> {
        self.named_guardians(lock_id).map(|(_, guardians)| guardians)
    }

    /// A guardian's key, verified. GUARD-2.
    async fn key_of(&mut self, world: &impl World, who: &Who) -> Result<Keyed, Error> {
        let recipient = match who {
            Who::Structure(structure_id) => {
                self.fetch_structure(world, *structure_id).await?;
                Box::pin(self.witness(world, *structure_id)).await?;
                let recipient = self.recipient(*structure_id)?;
                let introducer = self.manifest.introducer(*structure_id);
                self.note(world, *structure_id, introducer).await?;
                recipient
            }
            Who::Account(account_id) => {
                let OwnerKeys { keys, generations } =
                    self.read(world, Call::read(format!("/v1/owners/{account_id}"))).await?;
                let generations = generations.iter().map(|it| it.0.as_slice());
                Recipient::of_owner(*account_id, decode(&keys.0)?, generations)?
            }
            Who::Paper(held, recipient) => {
                let name = GuardianName::Paper { held: held.clone(), recipient: recipient.clone() };
                return Ok(Keyed { name, public: recipient.clone() });
            }
        };
        Keyed::of(&recipient)
    }

    /// The same under the newest keys of structures, whose epoch may have ended on the way.
    fn keyed_now(&self, keyed: &[Keyed]) -> Result<Vec<Keyed>, Error> {
        let now = |it: &Keyed| match it.name {
            GuardianName::Structure { structure_id, .. } => {
                Keyed::of(&self.recipient(structure_id)?)
            }
            _ => Ok(it.clone()),
        };
        keyed.iter().map(now).collect()
    }

    /// A configuration of its own: key, polynomials and salts are drawn for it.
    fn split(
        &self,
        naming: &Naming,
        keyed: &[Keyed],
        mut rng: &mut dyn CryptoRng,
    ) -> Result<Made, Error> {
        let lock_id = LockId(draw_id(&mut rng));
        let count = u8::try_from(keyed.len()).map_err(|_| Error::BadInput)?;
        let key = RecoveryKey::generate(&mut rng);
        let shares = key.split(naming.needed, count, &mut rng)?;
        let face = Face::new(&naming.signed_as, &naming.known_by, &mut rng)?;
        let named = keyed.iter().zip(&shares).map(|(keyed, share)| Guardian {
            number: share.number(),
            name: keyed.name.clone(),
            commitment: share.commitment(lock_id),
        });
        let guardians = Guardians {
            held: key.held().public(),
            needed: naming.needed,
            wait_seconds: naming.wait_seconds,
            short_wait_seconds: naming.short_wait_seconds,
            face_hash: face.hash(),
            guardians: named.collect(),
        };
        if !guardians.are_sound(self.account_id()) {
            return Err(Error::BadInput);
        }
        let (account_id, generation) = (self.account_id(), self.secrets.generation);
        let kind = LockKind::Guardians;
        let binding = LockBinding { suite: Suite::V1, account_id, lock_id, kind, generation };
        let wrap = wrap_root(&key.held().secret(), binding, &self.secrets.root, &mut rng);
        let labels = naming.who.iter().map(|(_, label)| label.trim().as_bytes().to_vec());
        let note = GuardiansNote { face: face.clone(), labels: labels.collect() };
        let note = note.seal(&self.secrets.vault, lock_id, &mut rng)?;
        let opening = return_opening(&self.secrets.vault);
        let access = LockAccess::Guardians(Box::new(guardians));
        let body = Body::SetLock { lock_id, generation, access, wrap_hash: wrap.hash() };
        let publics: Vec<_> = keyed.iter().map(|it| it.public.clone()).collect();
        let lock = LockMaterial { root_wrap: Base64(encode(&wrap)), record: None };
        let attach: Attach = Box::new(move |statement, mut rng| {
            let wrapped = shares.iter().zip(&publics).map(|(share, public)| {
                wrap_share(share, (&face, &opening), statement.hash(), public, &mut rng).map(Base64)
            });
            let wraps = wrapped.collect::<Result<_, Damaged>>()?;
            let guardians = Some(GuardianWraps { wraps, note });
            Ok(Submission { lock: Some(lock), guardians, ..Submission::default() })
        });
        Ok((body, attach))
    }

    /// What a chain's lock of that id says of guardians, whether or not it is live still.
    pub(super) fn named_guardians(&self, wanted: LockId) -> Option<(u64, &Guardians)> {
        self.statements.iter().rev().find_map(|statement| match &statement.body().body {
            Body::SetLock { lock_id, access: LockAccess::Guardians(guardians), .. }
                if *lock_id == wanted =>
            {
                Some((statement.body().made_at, guardians.as_ref()))
            }
            _ => None,
        })
    }

    /// In which generation a lock was set.
    pub(super) fn generation_of(&self, wanted: LockId) -> Option<u32> {
        self.statements.iter().find_map(|it| match it.body().body {
            Body::SetLock { lock_id, generation, .. } if lock_id == wanted => Some(generation),
            _ => None,
        })
    }

    /// Every structure and account that a configuration names or named, of the newest generation or of one of before
    /// whose guardians may overrule: each of them can have begun a return. BACK-4.
    pub(super) fn ever_guardians(&self, now: u64) -> BTreeSet<(u32, GuardianId)> {
        let ended = self.manifest.ended_guardians().iter();
        let ended = ended.filter(|it| now <= it.ended_at.saturating_add(OVERRULE_SECONDS));
        let of: BTreeSet<_> =
            ended.map(|it| it.generation).chain([self.secrets.generation]).collect();
        let named = self.statements.iter().filter_map(|it| match &it.body().body {
            Body::SetLock { generation, access: LockAccess::Guardians(guardians), .. }
                if of.contains(generation) =>
            {
                Some((*generation, &guardians.guardians))
            }
            _ => None,
        });
        let each = named.flat_map(|(of, all)| all.iter().map(move |it| (of, &it.name)));
        each.filter_map(|(of, name)| Some((of, name.guardian_id()?))).collect()
    }

    /// Under which lock the chain has guardians: the newest one that nothing but a new generation has ended. Whom the
    /// owner dismissed or replaced, no server names again. GUARD-5.
    fn guardians_lock(&self) -> Option<LockId> {
        let mut newest = None;
        for statement in &self.statements {
            match &statement.body().body {
                Body::SetLock { lock_id, access: LockAccess::Guardians(_), .. } => {
                    newest = Some(*lock_id);
                }
                // Whom those named who were overruled are nobody's. GUARD-7.
                Body::NewGeneration { .. } => {
                    if let Signer::Guardians { lock_id } = statement.body().signer {
                        newest = Some(lock_id);
                    }
                }
                Body::RetireLock { lock_id } if newest == Some(*lock_id) => newest = None,
                _ => {}
            }
        }
        newest
    }

    /// Who the guardians are; `None` where nobody is named.
    pub async fn guardians(&mut self, world: &impl World) -> Result<Option<GuardiansView>, Error> {
        self.sync(world).await?;
        let Some(named) = self.guardians_lock() else { return Ok(None) };
        let shown: Result<GuardiansSeen, _> = self.read(world, Call::read("/v1/guardians")).await;
        let GuardiansSeen { lock_id, note, there } = match shown {
            Err(Error::Refused(problem)) if problem.code == Code::NotFound => {
                return Err(ServerMisbehaved::Withheld.into());
            }
            shown => shown?,
        };
        if !check!(GuardiansNamed, lock_id == named) {
            return Err(ServerMisbehaved::Withheld.into());
        }
        let (named_at, terms) = self.named_guardians(lock_id).ok_or(ServerMisbehaved::Forged)?;
        let terms = terms.clone();
        let mut notes = self.generations();
        let note = notes.find_map(|it| GuardiansNote::open(&it.vault, lock_id, &note.0).ok());
        drop(notes);
        let note = note.ok_or(Damaged)?;
        let mut guardians = Vec::with_capacity(terms.guardians.len());
        for (place, it) in terms.guardians.iter().enumerate() {
            let closed = match it.name {
                GuardianName::Structure { structure_id, .. } => {
                    self.fetch_structure(world, structure_id).await?;
                    self.known_structure(structure_id).is_some_and(|chain| chain.closed)
                }
                GuardianName::Account { .. } | GuardianName::Paper { .. } => false,
            };
            let label = note.labels.get(place).map(|it| String::from_utf8_lossy(it).into_owned());
            let standing = match (closed, there.contains(&it.number)) {
                (true, _) => Standing::Closed,
                (false, false) => Standing::Resigned,
                (false, true) => Standing::There,
            };
            guardians.push(GuardianSeen {
                number: it.number,
                name: it.name.clone(),
                label: label.unwrap_or_default(),
                standing,
            });
        }
        Ok(Some(GuardiansView {
            lock_id,
            named_at,
            terms,
            signed_as: note.face.signed_as().to_owned(),
            known_by: note.face.purpose().to_owned(),
            guardians,
        }))
    }

    /// Splits again where a guardian's key is another by now, or a new generation began: what somebody kept
    /// who left is of no use from then on. Whether it did. GUARD-5.
    pub async fn split_again(&mut self, world: &impl World) -> Result<bool, Error> {
        let Some(view) = self.guardians(world).await? else { return Ok(false) };
        // Who is gone is told to the owner, who chooses somebody else.
        if view.left() < view.guardians.len() {
            return Ok(false);
        }
        let mut changed = self.manifest.guardians().is_none_or(|(id, _)| id != view.lock_id);
        for it in &view.guardians {
            changed |= self.key_of(world, &Who::named_by(&it.name)).await?.name != it.name;
        }
        if !changed {
            return Ok(false);
        }
        let who = view.guardians.iter().map(|it| (Who::named_by(&it.name), it.label.clone()));
        let naming = Naming {
            who: who.collect(),
            needed: view.terms.needed,
            wait_seconds: view.terms.wait_seconds,
            short_wait_seconds: view.terms.short_wait_seconds,
            signed_as: view.signed_as,
            known_by: view.known_by,
        };
        self.name_guardians(world, &naming).await?;
        Ok(true)
    }

    /// Nobody is a guardian from then on.
    pub async fn dismiss_guardians(&mut self, world: &impl World) -> Result<(), Error> {
        match self.manifest.guardians().map(|(lock_id, _)| lock_id) {
            Some(lock_id) => self.retire_lock(world, lock_id).await,
            None => Ok(()),
        }
    }
}
