//! Getting in: drawing a safe, opening it, unlocking it.

use reconnect_format::{
    Label, Signed, Sorted, Suite, Unverified,
    api::{Call, Code, OpenAccount, OpenSession, Session, Unlocked, Written},
    check, decode,
    grant::{GrantTerms, NO_END, RecipientName, Scope},
    id::{AccountId, Base64, DeviceId, GrantId, LockId},
    lock::{LockKind, RootWrap, SessionOpening},
    manifest::Manifest,
    statement::{Body, Signer, Statement},
};
use zeroize::Zeroizing;

use super::{
    Vault, check_remembered, head_name,
    locks::NewLock,
    log::{Head, check_head},
    log_value,
    notice::Fresh,
    unlock::whole_chain,
};
use crate::{
    document::draw_id,
    error::{Damaged, Error, ServerMisbehaved},
    grant::{GrantSecret, seal_for_owner},
    held::{Pin, SHARED_MARK, draw_marked},
    key::{AccountSecrets, DeviceSecrets},
    lock::unwrap_root,
    log::Watch,
    place::LogPlace,
    seal::{open_salted, seal_salted},
    secret::{DeviceSeed, GrantKey, LockSecret, Root, SessionToken},
    words::{PaperSecret, SixWords, draw_handle},
    world::{World, ask},
};
use rand_core::CryptoRng;

/// A safe that was drawn on this device and does not exist anywhere yet.
pub struct Drawn {
    secrets: AccountSecrets,
    handle: String,
    words: SixWords,
    paper: PaperSecret,
    card: PaperSecret,
}

/// The ways back with which a safe is opened: at least two. ACC-3.
#[derive(Default)]
pub struct Ways {
    /// The six words that were drawn.
    pub words: bool,
    /// The recovery sheet that was drawn.
    pub sheet: bool,
    /// The card that was drawn, with this PIN and picture.
    pub card: Option<(Pin, u8)>,
}

impl Ways {
    /// Words and sheet.
    pub fn on_paper() -> Self {
        Self { words: true, sheet: true, card: None }
    }
}

impl Drawn {
    /// Draws root, handle, words, sheet and card.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self {
            secrets: AccountSecrets::derive(Root::generate(rng), 1),
            handle: draw_handle(rng),
            words: SixWords::generate(rng),
            paper: PaperSecret::generate(rng),
            card: PaperSecret::card(rng),
        }
    }

    /// What one types to say which safe.
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// Six words to write down.
    pub fn words(&self) -> &[String] {
        self.words.show()
    }

    /// A sheet to print.
    pub fn paper(&self) -> &PaperSecret {
        &self.paper
    }

    /// A card to print.
    pub fn card(&self) -> &PaperSecret {
        &self.card
    }

    /// Makes the safe on the server, with all its locks at once. ACC-3.
    ///
    /// It can be tried again: when the answer was lost, the safe that the server has by then is
    /// unlocked in the same way.
    pub async fn open<W: World>(&self, world: &W, ways: &Ways, kept: bool) -> Result<Vault, Error> {
        let refused = match self.make(world, ways, kept).await {
            Err(Error::Refused(problem))
                if matches!(problem.code, Code::HandleTaken | Code::Conflict) =>
            {
                Error::Refused(problem)
            }
            other => return other,
        };
        match self.unlock(world, ways, kept).await {
            Ok(vault) if vault.account_id() == self.secrets.public().account_id() => Ok(vault),
            // Somebody else's: another name must be drawn.
            Ok(_) | Err(Error::WrongWordsOrHandle) => Err(refused),
            Err(error) => Err(error),
        }
    }

    async fn unlock<W: World>(&self, world: &W, ways: &Ways, kept: bool) -> Result<Vault, Error> {
        match &ways.card {
            _ if ways.words => {
                Vault::unlock_with_words(world, &self.handle, &self.words, kept).await
            }
            Some((pin, _)) => Vault::unlock_with_card(world, &self.card, pin, kept).await,
            None => Vault::unlock_with_paper(world, &self.paper, kept).await,
        }
    }

    async fn locks<W: World>(
        &self,
        world: &W,
        ways: &Ways,
        device_id: DeviceId,
        rng: &mut W::Rng,
    ) -> Result<Vec<NewLock>, Error> {
        let mut locks = Vec::new();
        if ways.words {
            let (lock_id, typed) = (LockId(draw_id(rng)), (self.handle.as_str(), &self.words));
            locks.push(NewLock::words(world, lock_id, typed, rng).await?);
        }
        if ways.sheet {
            locks.push(NewLock::held(LockId(draw_id(rng)), &self.paper.held())?);
        }
        if let Some((pin, mark)) = &ways.card {
            let lock_id = LockId(draw_marked(&self.secrets.vault, *mark, rng));
            locks.push(
                NewLock::with_pin(world, lock_id, (&self.card.held(), pin), device_id, rng).await?,
            );
        }
        Ok(locks)
    }

    async fn make<W: World>(&self, world: &W, ways: &Ways, kept: bool) -> Result<Vault, Error> {
        let mut rng = world.rng();
        let device = NewDevice::draw(world, &self.secrets, kept);
        let locks = self.locks(world, ways, device.id, &mut rng).await?;
        let account_id = self.secrets.public().account_id();
        let wrapped = locks.iter().map(|lock| lock.wrap(&self.secrets, account_id, &mut rng));
        let (set, locks): (Vec<_>, Vec<_>) = wrapped.collect::<Vec<_>>().into_iter().unzip();
        let (place, log_nonce) = LogPlace::generate(account_id, &mut rng);
        let own = OwnGrant::draw(&place, &mut rng)?;
        let mut bodies = vec![Body::Open { keys: self.secrets.public() }, device.added()];
        bodies.extend(set);
        bodies.push(Body::Grant(own.terms()));
        let (manifest, statements) =
            begin_chain(&self.secrets, &device, bodies, world.now(), &mut rng)?;
        let owner_wrap = seal_for_owner(&own.secret, own.grant_id, &self.secrets.vault);
        let opening = OpenAccount {
            statements: statements.iter().map(|it| Base64(it.encode())).collect(),
            locks,
            owner_wrap: Base64(owner_wrap),
            log_nonce: Base64(log_nonce.to_vec()),
            log_place: Base64(place.seal(&self.secrets.vault, account_id, &mut rng)),
            log_value: Base64(place.value(manifest.sequence(), &manifest.head()).to_vec()),
        };
        ask::<Written>(world, Call::send("/v1/accounts", &opening).open(), None).await?;
        let root = Root::from_bytes(*self.secrets.root.expose());
        let secrets = AccountSecrets::derive(root, self.secrets.generation);
        // Nothing was read: there is nothing to compare, and nothing is in the log yet.
        let (watch, head) = (Watch::default(), Ok(0));
        let known = Known { secrets, place, watch, head, manifest, statements };
        known.enter(world, device, None, kept).await
    }
}

struct NewDevice {
    id: DeviceId,
    secrets: DeviceSecrets,
}

impl NewDevice {
    /// Its picture says what it is. Section 6.7.
    fn draw<W: World>(world: &W, account: &AccountSecrets, kept: bool) -> Self {
        let (mut rng, mark) = (world.rng(), if kept { world.mark() } else { SHARED_MARK });
        let secrets = DeviceSecrets::derive(DeviceSeed::generate(&mut rng));
        Self { id: DeviceId(draw_marked(&account.vault, mark, &mut rng)), secrets }
    }

    fn added(&self) -> Body {
        Body::AddDevice {
            device_id: self.id,
            signing: self.secrets.signing.public(),
            leaf: self.secrets.leaf.public(),
        }
    }
}

struct OwnGrant {
    grant_id: GrantId,
    secret: GrantSecret,
}

impl OwnGrant {
    fn draw(place: &LogPlace, rng: &mut impl CryptoRng) -> Result<Self, Error> {
        let secret = GrantSecret::generate("", "", place, rng)?;
        Ok(Self { grant_id: GrantId(draw_id(rng)), secret })
    }

    fn terms(&self) -> GrantTerms {
        GrantTerms {
            grant_id: self.grant_id,
            recipient: RecipientName::Owner { generation: 1 },
            scope: Scope::Safe,
            ends_at: NO_END,
            face_hash: self.secret.face_hash(),
            commitment: self.secret.commitment(self.grant_id),
        }
    }
}

fn begin_chain(
    secrets: &AccountSecrets,
    device: &NewDevice,
    bodies: Vec<Body>,
    now: u64,
    rng: &mut impl CryptoRng,
) -> Result<(Manifest, Vec<Signed<Statement>>), Error> {
    let mut manifest = Manifest::before(secrets.public());
    let mut statements = Vec::new();
    for body in bodies {
        let by_device = matches!(body, Body::Grant(_));
        let (signer, key) = if by_device {
            (Signer::Device { device_id: device.id }, &device.secrets.signing)
        } else {
            (Signer::Root { generation: secrets.generation }, &secrets.signing)
        };
        let statement = key.sign(manifest.next(signer, body, now, draw_id(rng)));
        let unverified = Unverified::decode(&statement.encode())?;
        if statements.is_empty() {
            manifest = Manifest::begin(unverified)?.0;
        } else {
            manifest.append(unverified)?;
        }
        statements.push(statement);
    }
    Ok((manifest, statements))
}

/// A safe whose root and chain are known, on a device that has no session yet.
pub(super) struct Known {
    secrets: AccountSecrets,
    place: LogPlace,
    watch: Watch,
    head: Head,
    manifest: Manifest,
    statements: Vec<Signed<Statement>>,
}

impl Known {
    /// Believes what a lock gave: the keys must be the chain's, the lock must be live, and the chain
    /// what this device and the log remember. LOCK-7, LOG-11.
    pub(super) async fn believe(
        world: &impl World,
        secret: &LockSecret,
        kind: LockKind,
        (unlocked, mut watch): (Unlocked, Watch),
        kept: bool,
    ) -> Result<Self, Error> {
        let wrap: RootWrap = decode(&unlocked.root_wrap.0).map_err(|_| Damaged)?;
        let root = unwrap_root(secret, &wrap)?;
        let account_id = unlocked.account_id;
        let sealed_place = unlocked.log_place.clone();
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
        let remembered = world.kept(&head_name(manifest.account_id())).await;
        check_remembered(remembered.as_deref(), &statements)?;
        let place = LogPlace::open(&secrets.vault, account_id, &sealed_place.0)?;
        let head = check_head(&mut watch, world, &place, &statements, kept).await?;
        Ok(Self { secrets, place, watch, head, manifest, statements })
    }

    pub(super) async fn enter_again<W: World>(
        mut self,
        world: &W,
        kept: bool,
        signed_after: &mut u64,
    ) -> Result<Vault, Error> {
        let mut rng = world.rng();
        if let Some(device) = kept_device(world, &self.secrets, &self.manifest).await {
            return self.enter(world, device, None, true).await;
        }
        let before = std::mem::replace(signed_after, self.manifest.sequence());
        if self.manifest.sequence() <= before {
            return Err(ServerMisbehaved::Fork.into());
        }
        let device = NewDevice::draw(world, &self.secrets, kept);
        let signer = Signer::Root { generation: self.secrets.generation };
        let next = self.manifest.next(signer, device.added(), world.now(), draw_id(&mut rng));
        let statement = self.secrets.signing.sign(next);
        self.manifest.append(Unverified::decode(&statement.encode())?)?;
        self.statements.push(statement.clone());
        self.enter(world, device, Some(statement), kept).await
    }

    async fn enter<W: World>(
        self,
        world: &W,
        device: NewDevice,
        added: Option<Signed<Statement>>,
        kept: bool,
    ) -> Result<Vault, Error> {
        let mut rng = world.rng();
        let account_id = self.manifest.account_id();
        let added = added.map(|statement| {
            let log_value = log_value(&self.place, &statement);
            (Base64(statement.encode()), log_value)
        });
        let token = open_session(world, account_id, &device, added).await?;
        let mut vault = Vault {
            secrets: self.secrets,
            place: self.place,
            watch: self.watch,
            head: self.head,
            fresh: Fresh::default(),
            noticed: 0,
            copied: false,
            device: device.secrets,
            device_id: device.id,
            kept,
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
            used_bytes: 0,
            deposits: 0,
            inbox: Sorted::default(),
        };
        // A browser that refuses to keep anything is a shared one: the safe still opens.
        if vault.keep_device(world).await.is_err() {
            vault.kept = false;
        }
        vault.sync(world).await?;
        Ok(vault)
    }
}

async fn open_session<W: World>(
    world: &W,
    account_id: AccountId,
    device: &NewDevice,
    added: Option<(Base64, Base64)>,
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
