//! Locks of a safe: what makes them, and what puts a new one in place of an old one.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite,
    api::{
        Call, LockMaterial, Locks, PinRegistrationStart, RegistrationAnswer, RegistrationStart,
        SessionState, Sessions, Submission,
    },
    encode,
    id::{AccountId, Base64, DeviceId, LockId},
    lock::{HeldWithPin, LockAccess, LockBinding, LockKind},
    statement::Body,
};

use super::{Attach, Vault, bare};
use crate::{
    error::{Error, ServerMisbehaved},
    held::{HeldKind, HeldSecret, Pin, draw_marked, mark},
    key::AccountSecrets,
    lock::{ExportKey, Password, Registration, wrap_root},
    secret::LockSecret,
    words::{PaperSecret, SixWords},
    world::{World, ask},
};

/// Under what a browser keeps its own lock: its id, then the secret. LOCK-13.
pub(super) const KEPT_LOCK: &str = "locked/device";

/// A lock that the server does not have yet.
pub(super) struct NewLock {
    lock_id: LockId,
    pub(super) access: LockAccess,
    secret: LockSecret,
    record: Option<Vec<u8>>,
}

impl NewLock {
    pub(super) async fn words<W: World>(
        world: &W,
        lock_id: LockId,
        (handle, words): (&str, &SixWords),
        rng: &mut W::Rng,
    ) -> Result<Self, Error> {
        let (record, export) = register(world, words.password(), Name::Handle(handle), rng).await?;
        let record_hash = Label::LockRecordHash.hash(&record);
        let access = LockAccess::Words { handle: handle.as_bytes().to_vec(), record_hash };
        Ok(Self { lock_id, access, secret: export.words_secret(), record: Some(record) })
    }

    /// Of a card, or of a browser that remembers. LOCK-12.
    pub(super) async fn with_pin<W: World>(
        world: &W,
        lock_id: LockId,
        (held, pin): (&HeldSecret, &Pin),
        device_id: DeviceId,
        rng: &mut W::Rng,
    ) -> Result<Self, Error> {
        let (record, export) =
            register(world, pin.password(held), Name::Lock(lock_id), rng).await?;
        let record_hash = Label::LockRecordHash.hash(&record);
        let with_pin = HeldWithPin { held: held.public(), record_hash };
        let access = match held.kind() {
            HeldKind::Card => LockAccess::Card(with_pin),
            HeldKind::Device => LockAccess::Device { with_pin, device_id },
            _ => return Err(Error::BadInput),
        };
        Ok(Self { lock_id, access, secret: export.pin_secret(held), record: Some(record) })
    }

    /// Of a sheet or a passkey.
    pub(super) fn held(lock_id: LockId, held: &HeldSecret) -> Result<Self, Error> {
        let access = match held.kind() {
            HeldKind::Sheet => LockAccess::Sheet(held.public()),
            HeldKind::Passkey => LockAccess::Passkey(held.public()),
            HeldKind::Card | HeldKind::Device => return Err(Error::NeedsPin),
            _ => return Err(Error::BadInput),
        };
        Ok(Self { lock_id, access, secret: held.secret(), record: None })
    }

    /// The statement's body that sets it, and what goes with that.
    pub(super) fn wrap(
        &self,
        secrets: &AccountSecrets,
        account_id: AccountId,
        rng: &mut impl CryptoRng,
    ) -> (Body, LockMaterial) {
        let (lock_id, generation) = (self.lock_id, secrets.generation);
        let kind = self.access.kind();
        let binding = LockBinding { suite: Suite::V1, account_id, lock_id, kind, generation };
        let wrap = wrap_root(&self.secret, binding, &secrets.root, rng);
        let (access, wrap_hash) = (self.access.clone(), wrap.hash());
        let record = self.record.clone().map(Base64);
        let body = Body::SetLock { lock_id, generation, access, wrap_hash };
        (body, LockMaterial { root_wrap: Base64(encode(&wrap)), record })
    }
}

/// Under what a password is registered.
enum Name<'a> {
    Handle(&'a str),
    Lock(LockId),
}

async fn register<W: World>(
    world: &W,
    password: Password,
    name: Name<'_>,
    rng: &mut W::Rng,
) -> Result<(Vec<u8>, ExportKey), Error> {
    let (registration, request) = Registration::start(password, rng)?;
    let request = Base64(request);
    let call = match name {
        Name::Handle(handle) => {
            let start = RegistrationStart { handle: handle.to_owned(), request };
            Call::send("/v1/words/registration", &start)
        }
        Name::Lock(lock_id) => {
            Call::send("/v1/pin/registration", &PinRegistrationStart { lock_id, request })
        }
    };
    let answer: RegistrationAnswer = ask(world, call.open(), None).await?;
    registration.finish(&answer.response.0, rng)
}

/// A lock as its owner sees it.
#[derive(Clone, Debug)]
pub struct LockSeen {
    /// Which.
    pub lock_id: LockId,
    /// What opens it.
    pub kind: LockKind,
    /// Its picture.
    pub mark: u8,
    /// When it was set, by the clock of whoever did. Seconds since 1970.
    pub set_at: u64,
    /// How often its PIN may still be wrong, by the server's word; 0 for a dead one.
    pub tries_left: Option<u32>,
    /// Whether it is the one that this browser keeps.
    pub here: bool,
}

impl Vault {
    /// New words with a new handle, in place of the old: the old words open nothing from then on.
    pub async fn replace_words(
        &mut self,
        world: &impl World,
        handle: &str,
        words: &SixWords,
    ) -> Result<(), Error> {
        // Stopped half-way before, the new words are set already; a handle is drawn with its words.
        let set = self.live(&|it| it.handle() == Some(handle.as_bytes()));
        let new = if let Some(set) = set {
            set
        } else {
            let (lock_id, mut rng) = (self.draw_lock(world, 0), world.rng());
            let lock = NewLock::words(world, lock_id, (handle, words), &mut rng).await?;
            self.set_lock(world, &format!("words {handle}"), &lock).await?
        };
        self.retire_others(world, new, &|it| it.kind() == LockKind::Words).await
    }

    /// A new recovery sheet in place of the old.
    pub async fn replace_paper(
        &mut self,
        world: &impl World,
        paper: &PaperSecret,
    ) -> Result<(), Error> {
        let held = paper.held();
        let new = if let Some(set) = self.lock_of(paper) {
            set
        } else {
            let lock = NewLock::held(self.draw_lock(world, 0), &held)?;
            self.set_lock(world, &format!("sheet {}", held.held_id()), &lock).await?
        };
        self.retire_others(world, new, &|it| it.kind() == LockKind::Sheet).await
    }

    /// Another PIN for a card that there is. Its picture stays.
    pub async fn change_pin(
        &mut self,
        world: &impl World,
        card: &PaperSecret,
        pin: &Pin,
    ) -> Result<(), Error> {
        let lock_id = self.lock_of(card).ok_or(Error::NotFound)?;
        let mark = mark(&self.secrets.vault, lock_id.as_bytes());
        self.set_card(world, card, pin, mark).await
    }

    /// The lock that a card or sheet opens, when it is this safe's.
    pub fn lock_of(&self, paper: &PaperSecret) -> Option<LockId> {
        let same = paper.held().held_id();
        self.live(&|it| it.held().is_some_and(|held| held.held_id == same))
    }

    fn live(&self, wanted: &dyn Fn(&LockAccess) -> bool) -> Option<LockId> {
        self.manifest.locks().find(|(_, lock)| wanted(&lock.access)).map(|(lock_id, _)| lock_id)
    }

    /// One more card, or another PIN for one that there is. The picture is its person's choice.
    pub async fn set_card(
        &mut self,
        world: &impl World,
        card: &PaperSecret,
        pin: &Pin,
        mark: u8,
    ) -> Result<(), Error> {
        let held = card.held();
        if held.kind() != HeldKind::Card {
            return Err(Error::BadInput);
        }
        let (lock_id, mut rng) = (self.draw_lock(world, mark), world.rng());
        let lock =
            NewLock::with_pin(world, lock_id, (&held, pin), self.device_id, &mut rng).await?;
        let new = self.set_lock(world, &format!("card {lock_id}"), &lock).await?;
        let same = held.held_id();
        self.retire_others(world, new, &|it| it.held().is_some_and(|held| held.held_id == same))
            .await
    }

    /// From now on this browser opens the safe with a PIN. What it remembers of another safe, somebody else's, is not
    /// replaced: it is forgotten first, on its person's or this one's word. LOCK-13.
    pub async fn remember_here(&mut self, world: &impl World, pin: &Pin) -> Result<(), Error> {
        if !self.kept {
            return Err(Error::NeedsOwnDevice);
        }
        if let Some((other, _)) = kept_lock(world).await
            && !self.was_lock(other)
        {
            return Err(Error::RemembersAnother);
        }
        let (lock_id, mut rng) = (self.draw_lock(world, world.mark()), world.rng());
        let held = HeldSecret::of_device(&mut rng);
        let lock =
            NewLock::with_pin(world, lock_id, (&held, pin), self.device_id, &mut rng).await?;
        let new = self.set_lock(world, &format!("device {lock_id}"), &lock).await?;
        let kept = zeroize::Zeroizing::new([new.as_bytes(), held.expose()].concat());
        if let Err(error) = world.keep(KEPT_LOCK, &kept).await {
            self.retire_lock(world, new).await?;
            return Err(error.into());
        }
        let device_id = self.device_id;
        self.retire_others(world, new, &|it| it.device() == Some(device_id)).await
    }

    /// This browser opens the safe no more.
    pub async fn forget_here(&mut self, world: &impl World) -> Result<(), Error> {
        let Some((lock_id, _)) = kept_lock(world).await else { return Ok(()) };
        if self.has_lock(lock_id) {
            self.retire_lock(world, lock_id).await?;
        }
        if self.was_lock(lock_id) {
            world.forget(KEPT_LOCK).await;
        }
        Ok(())
    }

    /// A passkey. LOCK-14.
    pub async fn add_passkey(
        &mut self,
        world: &impl World,
        passkey: &HeldSecret,
    ) -> Result<(), Error> {
        let lock = NewLock::held(self.draw_lock(world, world.mark()), passkey)?;
        let (wish, same) = (format!("passkey {}", passkey.held_id()), passkey.held_id());
        let new = self.set_lock(world, &wish, &lock).await?;
        self.retire_others(world, new, &|it| it.held().is_some_and(|held| held.held_id == same))
            .await
    }

    /// A lock opens nothing from then on; others are not touched.
    pub async fn retire_lock(&mut self, world: &impl World, lock_id: LockId) -> Result<(), Error> {
        let wish = format!("unlock {lock_id}");
        self.write(world, &wish, &|_, _| Ok((Body::RetireLock { lock_id }, bare()))).await?;
        Ok(())
    }

    /// All locks, the oldest first.
    pub async fn locks(&self, world: &impl World) -> Result<Vec<LockSeen>, Error> {
        let Locks { locks: states } = self.read(world, Call::read("/v1/locks")).await?;
        let here = kept_lock(world).await.map(|(lock_id, _)| lock_id);
        let set = self.statements.iter().filter_map(|statement| match &statement.body().body {
            Body::SetLock { lock_id, .. } => Some((*lock_id, statement.body().made_at)),
            _ => None,
        });
        let seen = set.filter_map(|(lock_id, set_at)| {
            let lock = self.manifest.locks().find(|(id, _)| *id == lock_id)?.1;
            Some(LockSeen {
                lock_id,
                kind: lock.access.kind(),
                mark: mark(&self.secrets.vault, lock_id.as_bytes()),
                set_at,
                tries_left: states
                    .iter()
                    .find(|it| it.lock_id == lock_id)
                    .and_then(|it| it.tries_left),
                here: here == Some(lock_id),
            })
        });
        Ok(seen.collect())
    }

    /// The picture of a device.
    pub fn device_mark(&self, device_id: DeviceId) -> u8 {
        mark(&self.secrets.vault, device_id.as_bytes())
    }

    /// The sessions that have not ended.
    pub async fn sessions(&self, world: &impl World) -> Result<Vec<SessionState>, Error> {
        let Sessions { sessions } = self.read(world, Call::read("/v1/sessions")).await?;
        Ok(sessions)
    }

    pub(super) fn has_lock(&self, lock_id: LockId) -> bool {
        self.manifest.locks().any(|(id, _)| id == lock_id)
    }

    /// Whether it is or was one of this safe.
    fn was_lock(&self, id: LockId) -> bool {
        let bodies = self.statements.iter().map(|statement| &statement.body().body);
        bodies.into_iter().any(|it| matches!(it, Body::SetLock { lock_id, .. } if *lock_id == id))
    }

    fn draw_lock(&self, world: &impl World, mark: u8) -> LockId {
        LockId(draw_marked(&self.secrets.vault, mark, &mut world.rng()))
    }

    async fn set_lock(
        &mut self,
        world: &impl World,
        wish: &str,
        lock: &NewLock,
    ) -> Result<LockId, Error> {
        let make = |vault: &Self, mut rng: &mut dyn CryptoRng| {
            let (body, material) = lock.wrap(&vault.secrets, vault.account_id(), &mut rng);
            let submission = Submission { lock: Some(material), ..Submission::default() };
            let attach: Attach = Box::new(|_, _| Ok(submission));
            Ok((body, attach))
        };
        match self.write(world, wish, &make).await?.into_body().body {
            Body::SetLock { lock_id, .. } => Ok(lock_id),
            _ => Err(ServerMisbehaved::Forged.into()),
        }
    }

    /// The new lock may be one that was set before, when its answer was lost: it stays.
    async fn retire_others(
        &mut self,
        world: &impl World,
        new: LockId,
        replaced: &dyn Fn(&LockAccess) -> bool,
    ) -> Result<(), Error> {
        let locks = self.manifest.locks().filter(|(id, lock)| *id != new && replaced(&lock.access));
        for lock_id in locks.map(|(lock_id, _)| lock_id).collect::<Vec<_>>() {
            self.retire_lock(world, lock_id).await?;
        }
        Ok(())
    }
}

/// The lock that this browser keeps, and what opens it with its PIN.
pub(super) async fn kept_lock(world: &impl World) -> Option<(LockId, HeldSecret)> {
    let kept = zeroize::Zeroizing::new(world.kept(KEPT_LOCK).await?);
    let (lock_id, secret) = kept.split_first_chunk::<16>()?;
    Some((LockId(*lock_id), HeldSecret::kept(secret)?))
}
