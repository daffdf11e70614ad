//! Unlocking: what each way in sends, and the lock's secret that comes of it.

use reconnect_format::{
    Unverified,
    api::{
        Call, ChainPage, Code, PakeAnswer, PakeFinish, UnlockRest, Unlocked, UseHeld, WordsStart,
    },
    id::Base64,
    lock::{LockKind, PIN_TRIES},
    statement::Statement,
};
use reconnect_log::Carried;

use super::{Vault, entry::Known, locks::kept_lock};
use crate::{
    error::{Error, ServerMisbehaved, Told},
    held::{HeldSecret, Pin},
    lock::Login,
    log::Watch,
    secret::LockSecret,
    words::{PaperSecret, SixWords, normalize_handle},
    world::{World, ask},
};

/// What somebody has, or knows, to open a lock with.
pub(super) enum Key<'a> {
    Words(&'a str, &'a SixWords),
    /// A sheet or a passkey.
    Held(&'a HeldSecret),
    /// A card or a remembered device.
    HeldAndPin(&'a HeldSecret, &'a Pin),
}

/// How somebody comes in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coming {
    /// On a device of their own.
    pub kept: bool,
    /// What they were told is missing, and know. BACKUP-9, SYNC-5.
    pub knows: Option<Told>,
}

impl From<bool> for Coming {
    fn from(kept: bool) -> Self {
        Self { kept, knows: None }
    }
}

/// A lock that was opened.
struct Opened {
    secret: LockSecret,
    unlocked: Unlocked,
    /// How many wrong PINs were typed before.
    wrong_pins: u32,
}

impl Vault {
    /// Unlocks a safe with its six words.
    pub async fn unlock_with_words(
        world: &impl World,
        handle: &str,
        words: &SixWords,
        coming: impl Into<Coming>,
    ) -> Result<Self, Error> {
        unlock(world, Key::Words(handle, words), None, coming.into()).await
    }

    /// Unlocks a safe with its recovery sheet.
    pub async fn unlock_with_paper(
        world: &impl World,
        paper: &PaperSecret,
        coming: impl Into<Coming>,
    ) -> Result<Self, Error> {
        unlock(world, Key::Held(&paper.held()), paper.carried(), coming.into()).await
    }

    /// Unlocks a safe with a passkey.
    pub async fn unlock_with_passkey(
        world: &impl World,
        passkey: &HeldSecret,
        coming: impl Into<Coming>,
    ) -> Result<Self, Error> {
        unlock(world, Key::Held(passkey), None, coming.into()).await
    }

    /// Unlocks a safe with a card and its PIN.
    pub async fn unlock_with_card(
        world: &impl World,
        card: &PaperSecret,
        pin: &Pin,
        coming: impl Into<Coming>,
    ) -> Result<Self, Error> {
        unlock(world, Key::HeldAndPin(&card.held(), pin), card.carried(), coming.into()).await
    }

    /// Unlocks the safe that this browser remembers; `knows` as in [`Coming`].
    pub async fn unlock_here(
        world: &impl World,
        pin: &Pin,
        knows: Option<Told>,
    ) -> Result<Self, Error> {
        let (_, held) = kept_lock(world).await.ok_or(Error::NotFound)?;
        let coming = Coming { kept: true, knows };
        unlock(world, Key::HeldAndPin(&held, pin), None, coming).await
    }
}

/// Adding a device races with whatever the safe's other devices write: the whole entry is repeated.
/// STMT-7: the root signs a second time only for a chain that has grown since.
pub(super) async fn unlock(
    world: &impl World,
    key: Key<'_>,
    carried: Option<Carried>,
    coming: Coming,
) -> Result<Vault, Error> {
    let (mut signed_after, mut wrong_pins) = (0, 0);
    for tries_left in (0..3).rev() {
        let opened = key.open(world).await?;
        // The first try of a race says it: a valid finish gives all tries back.
        wrong_pins = opened.wrong_pins.max(wrong_pins);
        let unlocked = (opened.unlocked, Watch::carrying(carried));
        let known = Known::believe(world, &opened.secret, key.kind()?, unlocked, coming).await;
        let entered = match known {
            Ok(known) => known.enter_again(world, coming.kept, &mut signed_after).await,
            Err(error) => Err(error),
        };
        match entered {
            Ok(mut vault) => {
                vault.wrong_pins = wrong_pins;
                return Ok(vault);
            }
            Err(Error::Refused(problem)) if problem.code == Code::Conflict && tries_left > 0 => {}
            // LOG-11: what another device wrote between chain and look-up is in the next chain.
            Err(Error::Misbehaved(ServerMisbehaved::Withheld)) if tries_left > 0 => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Offline)
}

impl Key<'_> {
    fn kind(&self) -> Result<LockKind, Error> {
        match self {
            Self::Words(..) => Ok(LockKind::Words),
            Self::Held(held) | Self::HeldAndPin(held, _) => {
                held.kind().lock().ok_or(Error::WrongPaper)
            }
        }
    }

    fn start(&self, world: &impl World, request: Vec<u8>) -> Call {
        let (path, sent) = match self {
            Self::Words(handle, _) => {
                let handle = normalize_handle(handle);
                let start = WordsStart { handle, request: Base64(request) };
                return Call::send("/v1/unlock/words", &start).open();
            }
            Self::Held(held) => ("/v1/unlock/held", held),
            Self::HeldAndPin(held, _) => ("/v1/unlock/pin", held),
        };
        let held_use = Base64(sent.sign_use(world.now(), request, &mut world.rng()));
        Call::send(path, &UseHeld { held_use }).open()
    }

    async fn open(&self, world: &impl World) -> Result<Opened, Error> {
        let password = match self {
            Self::Words(_, words) => words.password(),
            Self::HeldAndPin(held, pin) => pin.password(held),
            Self::Held(held) if held.asks_for_pin() => return Err(Error::NeedsPin),
            Self::Held(held) => {
                let unlocked = ask(world, self.start(world, Vec::new()), None).await?;
                return Ok(Opened { secret: held.secret(), unlocked, wrong_pins: 0 });
            }
        };
        let mut rng = world.rng();
        let (login, request) = Login::start(password, &mut rng)?;
        let answer: PakeAnswer = ask(world, self.start(world, request), None).await?;
        let (left, unlock_id) = (answer.tries_left.unwrap_or(0), answer.unlock_id);
        let finished = login.finish(&answer.response.0, &mut rng)?;
        let (finalization, export) = finished.ok_or(match self {
            Self::HeldAndPin(..) => Error::WrongPin(left),
            Self::Words(..) | Self::Held(_) => Error::WrongWordsOrHandle,
        })?;
        let finish = PakeFinish { unlock_id, finalization: Base64(finalization) };
        let call = Call::send("/v1/unlock/finish", &finish).open();
        let unlocked = ask(world, call, None).await?;
        Ok(match self {
            Self::HeldAndPin(held, _) => {
                let wrong_pins = (PIN_TRIES - 1).saturating_sub(left);
                Opened { secret: export.pin_secret(held), unlocked, wrong_pins }
            }
            _ => Opened { secret: export.words_secret(), unlocked, wrong_pins: 0 },
        })
    }
}

/// The number of the newest statement of a chain that was not verified yet: the rest is behind it.
pub(super) fn newest_of(chain: &[Base64]) -> Result<u64, Error> {
    let Some(newest) = chain.last() else { return Ok(0) };
    Ok(Unverified::<Statement>::decode(&newest.0)?.claim().sequence)
}

/// The chain that a lock gave the beginning of. SYNC-4.
pub(super) async fn whole_chain(
    world: &impl World,
    unlocked: Unlocked,
) -> Result<Vec<Base64>, Error> {
    let mut chain = unlocked.statements;
    let Some(rest) = unlocked.rest else { return Ok(chain) };
    loop {
        let asked = UnlockRest { rest, statements_after: newest_of(&chain)? };
        let call = Call::send("/v1/unlock/rest", &asked).open();
        let page: ChainPage = ask(world, call, None).await?;
        if page.more && page.statements.is_empty() {
            return Err(Error::Unreadable);
        }
        chain.extend(page.statements);
        if !page.more {
            return Ok(chain);
        }
    }
}
