//! Getting in: on a device that opens a safe, with what a lock gave or with what was drawn.

use reconnect_format::{
    Label, Signed, Sorted, Suite, Unverified,
    api::{Call, Continued, OpenSession, Session, Unlocked},
    check, decode,
    id::{AccountId, Base64, DeviceId},
    lock::{LockKind, RootWrap, SessionOpening},
    manifest::Manifest,
    statement::{Body, Signer, Statement},
};
use zeroize::Zeroizing;

use super::{
    Vault, check_remembered,
    continued::Lost,
    head_name,
    log::{Head, check_head},
    log_value,
    notice::Fresh,
    remembered_number,
    unlock::{Coming, whole_chain},
};
use crate::{
    document::draw_id,
    error::{Damaged, Error, ServerMisbehaved, Unchecked},
    held::{SHARED_MARK, draw_marked},
    key::{AccountSecrets, DeviceSecrets},
    lock::unwrap_root,
    log::Watch,
    place::LogPlace,
    seal::{open_salted, seal_salted},
    secret::{DeviceSeed, GrantKey, LockSecret, SessionToken},
    world::{World, ask},
};

pub(super) struct NewDevice {
    pub(super) id: DeviceId,
    pub(super) secrets: DeviceSecrets,
}

impl NewDevice {
    /// Its picture says what it is. Section 6.7.
    pub(super) fn draw<W: World>(world: &W, account: &AccountSecrets, kept: bool) -> Self {
        let (mut rng, mark) = (world.rng(), if kept { world.mark() } else { SHARED_MARK });
        let secrets = DeviceSecrets::derive(DeviceSeed::generate(&mut rng));
        Self { id: DeviceId(draw_marked(&account.vault, mark, &mut rng)), secrets }
    }

    pub(super) fn added(&self) -> Body {
        Body::AddDevice {
            device_id: self.id,
            signing: self.secrets.signing.public(),
            leaf: self.secrets.leaf.public(),
        }
    }
}

/// A safe whose root and chain are known, on a device that has no session yet.
pub(super) struct Known {
    pub(super) secrets: AccountSecrets,
    pub(super) place: LogPlace,
    pub(super) watch: Watch,
    pub(super) head: Head,
    pub(super) manifest: Manifest,
    pub(super) statements: Vec<Signed<Statement>>,
    /// What is missing, where it comes from a backup and goes on without it.
    pub(super) lost: Option<Lost>,
}

impl Known {
    /// Believes what a lock gave: the keys must be the chain's, the lock must be live, and the chain
    /// what this device and the log remember. LOCK-7, LOG-11.
    pub(super) async fn believe(
        world: &impl World,
        secret: &LockSecret,
        kind: LockKind,
        (unlocked, mut watch): (Unlocked, Watch),
        Coming { kept, knows }: Coming,
    ) -> Result<Self, Error> {
        let wrap: RootWrap = decode(&unlocked.root_wrap.0).map_err(|_| Damaged)?;
        let root = unwrap_root(secret, &wrap)?;
        let account_id = unlocked.account_id;
        let (sealed_place, from_backup) = (unlocked.log_place.clone(), unlocked.from_backup);
        let chain = whole_chain(world, unlocked).await?;
        let chain = chain.iter().map(|it| it.0.as_slice());
        let (manifest, statements) = Manifest::replay(chain)?;
        let secrets = AccountSecrets::derive(root, wrap.binding.generation);
        let ours = manifest.keys() == &secrets.public()
            && manifest.account_id() == account_id
            && wrap.binding.account_id == manifest.account_id()
            && wrap.binding.kind == kind
            && check!(
                LiveLock,
                manifest.locks().any(|(lock_id, lock)| {
                    lock_id == wrap.binding.lock_id && lock.wrap_hash == wrap.hash()
                })
            );
        if !ours {
            return Err(ServerMisbehaved::Forged.into());
        }
        let kept_head = world.kept(&head_name(manifest.account_id())).await;
        let remembered = check_remembered(kept_head.as_deref(), &statements, knows);
        let place = LogPlace::open(&secrets.vault, account_id, &sealed_place.0)?;
        if !from_backup {
            remembered?;
            return Self::of_chain(world, (secrets, place, manifest, statements), watch, kept)
                .await;
        }
        let (head, lost) = match check_head(&mut watch, world, &place, &statements, kept).await {
            Err(Error::Misbehaved(ServerMisbehaved::Withheld)) => {
                let newest = match remembered {
                    // What this device remembers is missing too.
                    Err(Error::Misbehaved(ServerMisbehaved::Rollback)) => {
                        remembered_number(kept_head.as_deref())
                    }
                    other => other.map(|()| 0)?,
                };
                let shown = (&place, &manifest, statements.as_slice());
                let lost = Lost::find(&mut watch, world, shown, newest, kept).await?;
                // Its thief would be let in again as another device.
                let way_in = manifest.locks().find(|(it, _)| *it == wrap.binding.lock_id);
                let device = way_in.and_then(|(_, lock)| lock.access.device());
                if device.is_some_and(|device_id| lost.is_retired(device_id)) {
                    return Err(Error::PutOut);
                }
                if check!(ContinueAsked) && knows != Some(lost.told()) {
                    return Err(Error::Missing(lost.told()));
                }
                // Until the log names it, nothing is given.
                (Err(Unchecked::Behind), Some(lost))
            }
            // Nothing is known of what is missing before the log says it.
            Ok(Err(unchecked)) => return Err(unchecked.into()),
            other => {
                remembered?;
                (other?, None)
            }
        };
        Ok(Self { secrets, place, watch, head, manifest, statements, lost })
    }

    /// Compares a chain whose keys are known with the log. LOG-11.
    pub(super) async fn of_chain(
        world: &impl World,
        known: (AccountSecrets, LogPlace, Manifest, Vec<Signed<Statement>>),
        mut watch: Watch,
        kept: bool,
    ) -> Result<Self, Error> {
        let (secrets, place, manifest, statements) = known;
        let head = check_head(&mut watch, world, &place, &statements, kept).await?;
        Ok(Self { secrets, place, watch, head, manifest, statements, lost: None })
    }

    pub(super) async fn enter_again<W: World>(
        mut self,
        world: &W,
        kept: bool,
        signed_after: &mut u64,
    ) -> Result<Vault, Error> {
        let mut device = kept_device(world, &self.secrets, &self.manifest).await;
        if device.is_none() || self.lost.is_some() {
            let before = std::mem::replace(signed_after, self.manifest.sequence());
            if self.manifest.sequence() <= before {
                return Err(ServerMisbehaved::Fork.into());
            }
        }
        let mut continued = None;
        if let Some(lost) = self.lost.take() {
            let (number, body) = lost.going_on();
            continued = Some(self.say(world, number, body)?);
            // It may be one that the log says is retired.
            device = kept_device(world, &self.secrets, &self.manifest).await;
        }
        if let Some(device) = device {
            return self.enter(world, device, (continued, None), true).await;
        }
        let device = NewDevice::draw(world, &self.secrets, kept);
        let added = self.say(world, self.manifest.sequence() + 1, device.added())?;
        self.enter(world, device, (continued, Some(added)), kept).await
    }

    /// The root says something: it is part of the chain from then on.
    fn say(
        &mut self,
        world: &impl World,
        number: u64,
        body: Body,
    ) -> Result<Signed<Statement>, Error> {
        let signer = Signer::Root { generation: self.secrets.generation };
        let salt = draw_id(&mut world.rng());
        let next = self.manifest.numbered(number, signer, body, world.now(), salt);
        let statement = self.secrets.signing.sign(next);
        self.manifest.append(Unverified::decode(&statement.encode())?)?;
        self.statements.push(statement.clone());
        Ok(statement)
    }

    pub(super) async fn enter<W: World>(
        self,
        world: &W,
        device: NewDevice,
        (continued, added): (Option<Signed<Statement>>, Option<Signed<Statement>>),
        kept: bool,
    ) -> Result<Vault, Error> {
        let (account_id, is_new_here) = (self.manifest.account_id(), added.is_some());
        let sent = |statement: Signed<Statement>| {
            let log_value = log_value(&self.place, &statement);
            (Base64(statement.encode()), log_value)
        };
        let statements = (continued.map(sent), added.map(sent));
        let token = open_session(world, account_id, &device, statements).await?;
        let mut vault = self.inside(world, device, token, kept).await?;
        vault.is_new_here = is_new_here;
        Ok(vault)
    }

    /// The safe, on a device that has a session.
    pub(super) async fn inside<W: World>(
        self,
        world: &W,
        device: NewDevice,
        token: String,
        kept: bool,
    ) -> Result<Vault, Error> {
        let mut vault = self.outside(world, device, token, kept);
        // A browser that refuses to keep anything is a shared one: the safe still opens.
        if vault.keep_device(world).await.is_err() {
            vault.kept = false;
        }
        vault.sync(world).await?;
        Ok(vault)
    }

    /// The safe as far as its chain says it.
    pub(super) fn outside<W: World>(
        self,
        world: &W,
        device: NewDevice,
        token: String,
        kept: bool,
    ) -> Vault {
        let mut rng = world.rng();
        Vault {
            secrets: self.secrets,
            earlier: None,
            place: self.place,
            watch: self.watch,
            head: self.head,
            fresh: Fresh::default(),
            noticed: 0,
            copied: false,
            device: device.secrets,
            device_id: device.id,
            kept,
            is_new_here: false,
            token,
            manifest: self.manifest,
            statements: self.statements,
            own_key: GrantKey::generate(&mut rng),
            owner_wraps: Sorted::default(),
            wraps: Sorted::default(),
            cards: Sorted::default(),
            receipts: Vec::new(),
            chains: Sorted::default(),
            accepted: Sorted::default(),
            wrong_pins: 0,
            witnessed: Sorted::default(),
            looked_at: Sorted::default(),
            records_seen: 0,
            unanswered: None,
            begun: None,
            back: None,
            used_bytes: 0,
            deposits: 0,
            inbox: Sorted::default(),
            returns: Vec::new(),
        }
    }
}

/// A statement, and what the log is to say of the safe after it.
type Sent = (Base64, Base64);

pub(super) async fn open_session<W: World>(
    world: &W,
    account_id: AccountId,
    device: &NewDevice,
    (continued, added): (Option<Sent>, Option<Sent>),
) -> Result<String, Error> {
    let token = SessionToken::generate(&mut world.rng());
    let opening = device.secrets.signing.sign(SessionOpening {
        suite: Suite::V1,
        account_id,
        device_id: device.id,
        token_hash: Label::SessionToken.hash(token.expose()),
        made_at: world.now(),
    });
    let (statement, log_value) = added.unzip();
    let call = OpenSession {
        opening: Base64(opening.encode()),
        statement,
        log_value: log_value.unwrap_or_default(),
        continued: continued.map(|(statement, log_value)| Continued { statement, log_value }),
    };
    ask::<Session>(world, Call::send("/v1/sessions", &call).open(), None).await?;
    Ok(Base64(token.expose().to_vec()).into())
}

pub(super) fn device_name(account_id: AccountId) -> String {
    format!("device/{account_id}")
}

/// The device that this browser was before, when its key is kept here and it was not retired.
async fn kept_device(
    world: &impl World,
    secrets: &AccountSecrets,
    manifest: &Manifest,
) -> Option<NewDevice> {
    let account_id = manifest.account_id();
    let sealed = world.kept(&device_name(account_id)).await?;
    let context = account_id.as_bytes();
    let plain = open_salted(secrets.vault.expose(), Label::DeviceSeal, context, &sealed).ok()?;
    let (id, seed) = plain.split_at_checked(DeviceId::SIZE_BYTES)?;
    let id = DeviceId::try_from(id).ok()?;
    let secrets = DeviceSecrets::derive(DeviceSeed::from_bytes(seed.try_into().ok()?));
    let known = manifest.device(id)?;
    (known.signing == secrets.signing.public()).then_some(NewDevice { id, secrets })
}

impl Vault {
    async fn keep_device(&self, world: &impl World) -> Result<(), Error> {
        if !self.kept {
            return Ok(());
        }
        let mut salt = [0; 32];
        rand_core::Rng::fill_bytes(&mut world.rng(), &mut salt);
        let account_id = self.account_id();
        let plain = Zeroizing::new([self.device_id.as_bytes(), self.device.seed.expose()].concat());
        let sealed = seal_salted(
            self.secrets.vault.expose(),
            salt,
            Label::DeviceSeal,
            account_id.as_bytes(),
            &plain,
        );
        world.keep(&device_name(account_id), &sealed).await?;
        world.keep("handle", self.handle().as_bytes()).await?;
        Ok(())
    }
}
