//! Drawing a safe, or a new generation of one: everything is made here, and means something once the
//! server has taken it in.

use rand_core::CryptoRng;
use reconnect_format::{
    Signed, Unverified,
    api::{Call, Code, OpenAccount, Written},
    grant::{GrantTerms, NO_END, RecipientName, Scope},
    id::{AccountId, Base64, DeviceId, GrantId, LockId},
    manifest::Manifest,
    statement::{Body, Signer, Statement},
};

use super::{
    Vault,
    entry::{Known, NewDevice},
    locks::NewLock,
};
use crate::{
    document::draw_id,
    error::Error,
    grant::{GrantSecret, seal_for_owner},
    held::{Pin, draw_marked},
    key::AccountSecrets,
    log::Watch,
    place::LogPlace,
    secret::Root,
    words::{PaperSecret, SixWords, draw_handle},
    world::{World, ask},
};

/// A safe, or a new generation of one, that was drawn on this device and does not exist anywhere yet.
pub struct Drawn {
    pub(super) secrets: AccountSecrets,
    account_id: AccountId,
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
        let secrets = AccountSecrets::derive(Root::generate(rng), 1);
        Self::with(secrets.public().account_id(), secrets, rng)
    }

    /// The same for a safe of which a secret became known. ACC-4.
    pub fn draw_again(vault: &Vault, rng: &mut impl CryptoRng) -> Self {
        let generation = vault.manifest.keys().generation + 1;
        let secrets = AccountSecrets::derive(Root::generate(rng), generation);
        Self::with(vault.account_id(), secrets, rng)
    }

    fn with(account_id: AccountId, secrets: AccountSecrets, rng: &mut impl CryptoRng) -> Self {
        Self {
            secrets,
            account_id,
            handle: draw_handle(rng),
            words: SixWords::generate(rng),
            paper: PaperSecret::generate(rng),
            card: PaperSecret::card(rng),
        }
    }

    /// Whether it is for a safe that there is.
    pub fn is_again(&self) -> bool {
        self.secrets.generation > 1
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
        self.unlock_or(world, ways, kept, refused).await
    }

    /// Unlocks what was drawn, should the server have it by now; else the error is `refused`.
    pub(super) async fn unlock_or<W: World>(
        &self,
        world: &W,
        ways: &Ways,
        kept: bool,
        refused: Error,
    ) -> Result<Vault, Error> {
        match self.unlock(world, ways, kept).await {
            Ok(vault)
                if vault.account_id() == self.account_id
                    && vault.secrets.root.expose() == self.secrets.root.expose() =>
            {
                Ok(vault)
            }
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

    pub(super) async fn locks<W: World>(
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
        let account_id = self.account_id;
        let wrapped = locks.iter().map(|lock| lock.wrap(&self.secrets, account_id, &mut rng));
        let (set, locks): (Vec<_>, Vec<_>) = wrapped.collect::<Vec<_>>().into_iter().unzip();
        let (place, log_nonce) = LogPlace::generate(account_id, &mut rng);
        let own = OwnGrant::draw(&place, &mut rng)?;
        let mut bodies = vec![Body::Open { keys: self.secrets.public() }, device.added()];
        bodies.extend(set);
        bodies.push(Body::Grant(own.terms(&self.secrets)));
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
        // Nothing was read: there is nothing to compare, and nothing is in the log yet.
        let (watch, head) = (Watch::default(), Ok(0));
        let secrets = self.secrets.copy();
        let known = Known { secrets, place, watch, head, manifest, statements, lost: None };
        known.enter(world, device, (None, None), kept).await
    }
}

pub(super) struct OwnGrant {
    pub(super) grant_id: GrantId,
    pub(super) secret: GrantSecret,
}

impl OwnGrant {
    pub(super) fn draw(place: &LogPlace, rng: &mut impl CryptoRng) -> Result<Self, Error> {
        let secret = GrantSecret::generate("", "", place, rng)?;
        Ok(Self { grant_id: GrantId(draw_id(rng)), secret })
    }

    pub(super) fn terms(&self, secrets: &AccountSecrets) -> GrantTerms {
        GrantTerms {
            grant_id: self.grant_id,
            recipient: RecipientName::Owner { generation: secrets.generation },
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
        let statement = say_first(secrets, device, &manifest, body, now, rng);
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

/// What a generation says first: its root everything but what is a device's to say.
pub(super) fn say_first(
    secrets: &AccountSecrets,
    device: &NewDevice,
    manifest: &Manifest,
    body: Body,
    now: u64,
    rng: &mut impl CryptoRng,
) -> Signed<Statement> {
    let (signer, key) = if body.is_by_root() {
        (Signer::Root { generation: secrets.generation }, &secrets.signing)
    } else {
        (Signer::Device { device_id: device.id }, &device.secrets.signing)
    };
    key.sign(manifest.next(signer, body, now, draw_id(rng)))
}
